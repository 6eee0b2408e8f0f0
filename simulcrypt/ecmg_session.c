/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ETSI TS 103 197, clause 5: ECMG ⇔ SCS, the ECMG's end. */
#include "simulcrypt/ecmg_session.h"

#include <errno.h>
#include <stdlib.h>

#include "simulcrypt/ecmg_provision.h"
#include "simulcrypt/ecmg_scs_table.h"
#include "simulcrypt/server.h"

struct stream {
    struct simulcrypt__stream head;
    uint16_t ecm_id;
    bool transfer_mode;
};

struct simulcrypt_ecmg_session {
    struct simulcrypt__server server;
    struct simulcrypt_ecmg_ops ops;
    void *context;
    struct simulcrypt_channel_status status; /* in force */
    uint8_t out[SIMULCRYPT_ECMG_SENT_MAX];
};

static struct simulcrypt_ecmg_session *session_of(struct simulcrypt__server *server)
{
    return (struct simulcrypt_ecmg_session *)server;
}

static struct stream *find_stream(const struct simulcrypt_ecmg_session *session, uint16_t stream_id)
{
    return (struct stream *)simulcrypt__streams_find(&session->server.streams, stream_id);
}

static uint16_t open_channel(struct simulcrypt__server *server, const struct simulcrypt_message *message,
                             const struct simulcrypt__address *about, int *information)
{
    struct simulcrypt_ecmg_session *session = session_of(server);
    uint32_t super_cas_id = simulcrypt_message_number(message, SIMULCRYPT_ECMG_P_SUPER_CAS_ID);
    (void)information;
    session->status = (struct simulcrypt_channel_status){0};
    uint16_t error =
        session->ops.channel_setup(session->context, about->channel_id, super_cas_id, &session->status);
    if (!error && (session->status.cw_per_msg < 1 || session->status.cw_per_msg > SIMULCRYPT_CWS_MAX))
        error = SIMULCRYPT_ECMG_UNKNOWN_ERROR;
    server->max_streams = session->status.max_streams;
    return error;
}

static void write_channel_status(struct simulcrypt__server *server, struct simulcrypt_encoder *encoder)
{
    simulcrypt__write_channel_status(encoder, &session_of(server)->status);
}

static void channel_closed(struct simulcrypt__server *server)
{
    struct simulcrypt_ecmg_session *session = session_of(server);
    session->ops.channel_closed(session->context, server->link.channel_id);
}

static uint16_t open_stream(struct simulcrypt__server *server, const struct simulcrypt_message *message,
                            struct simulcrypt__stream *head, int *information)
{
    struct simulcrypt_ecmg_session *session = session_of(server);
    struct stream *stream = (struct stream *)head;
    uint16_t duration = simulcrypt_message_u16(message, SIMULCRYPT_ECMG_P_NOMINAL_CP_DURATION);
    if (duration < session->status.min_cp_duration) {
        *information = SIMULCRYPT_ECMG_P_NOMINAL_CP_DURATION;
        return SIMULCRYPT_ECMG_INVALID_VALUE;
    }
    stream->ecm_id =
        simulcrypt_message_u16(message, SIMULCRYPT_ECMG_P_ECM_ID); /* 0 where version 1 has none */
    return session->ops.stream_setup(session->context, server->link.channel_id, head->id, stream->ecm_id,
                                     duration, &stream->transfer_mode);
}

static void write_stream_status(struct simulcrypt__server *server, const struct simulcrypt__stream *head,
                                struct simulcrypt_encoder *encoder)
{
    const struct stream *stream = (const struct stream *)head;
    (void)server;
    simulcrypt__write_stream_status(encoder, stream->ecm_id, stream->transfer_mode);
}

static void stream_closed(struct simulcrypt__server *server, uint16_t stream_id)
{
    struct simulcrypt_ecmg_session *session = session_of(server);
    session->ops.stream_closed(session->context, stream_id);
}

static void close_session(struct simulcrypt__server *server, const char *why)
{
    struct simulcrypt_ecmg_session *session = session_of(server);
    session->ops.close(session->context, why);
}

static void take_cw_provision(struct simulcrypt__server *server, const struct simulcrypt_message *message)
{
    struct simulcrypt_ecmg_session *session = session_of(server);
    uint16_t stream_id = simulcrypt_message_u16(message, SIMULCRYPT_ECMG_P_ECM_STREAM_ID);
    struct simulcrypt_cw_provision provision;
    int information;
    uint16_t error = simulcrypt__read_provision(
        message, &session->status, find_stream(session, stream_id)->transfer_mode, &provision, &information);
    if (!error) {
        information = SIMULCRYPT_NO_INFORMATION;
        error = session->ops.cw_provision(session->context, stream_id, &provision);
    }
    if (error)
        simulcrypt__server_refuse_stream(server, stream_id, error, information);
}

static const struct simulcrypt__server_handler handlers[] = {
    {SIMULCRYPT_ECMG_M_CW_PROVISION, take_cw_provision}};

static const struct simulcrypt__server_type type = {
    .interface = &simulcrypt_ecmg_scs,
    .message_max = SIMULCRYPT_ECMG_MESSAGE_MAX,
    .peer = "SCS",
    .stream_size = sizeof(struct stream),
    .open_channel = open_channel,
    .write_channel_status = write_channel_status,
    .channel_closed = channel_closed,
    .open_stream = open_stream,
    .write_stream_status = write_stream_status,
    .stream_closed = stream_closed,
    .close = close_session,
    .handlers = handlers,
    .handler_count = 1,
};

void simulcrypt_ecmg_session_input(struct simulcrypt_ecmg_session *session, const uint8_t *bytes, size_t size,
                                   uint64_t now_ms)
{
    (void)now_ms; /* nothing at this end is timed */
    simulcrypt__server_input(&session->server, bytes, size);
}

int simulcrypt_ecmg_session_ecm_response(struct simulcrypt_ecmg_session *session, uint16_t stream_id,
                                         uint16_t cp_number, const uint8_t *datagram, size_t size)
{
    struct simulcrypt__link *link = &session->server.link;
    if (!find_stream(session, stream_id))
        return -ENOENT;
    if (size > SIMULCRYPT_ECM_DATAGRAM_MAX)
        return -EMSGSIZE;
    struct simulcrypt_encoder encoder =
        simulcrypt__link_begin_stream(link, SIMULCRYPT_ECMG_M_ECM_RESPONSE, stream_id);
    simulcrypt_encode_number(&encoder, SIMULCRYPT_ECMG_P_CP_NUMBER, cp_number);
    simulcrypt_encode_bytes(&encoder, SIMULCRYPT_ECMG_P_ECM_DATAGRAM, datagram, size);
    return simulcrypt__link_send(link, &encoder);
}

int simulcrypt_ecmg_session_stream_error(struct simulcrypt_ecmg_session *session, uint16_t stream_id,
                                         uint16_t error)
{
    if (!find_stream(session, stream_id))
        return -ENOENT;
    simulcrypt__server_refuse_stream(&session->server, stream_id, error, SIMULCRYPT_NO_INFORMATION);
    return 0;
}

uint64_t simulcrypt_ecmg_session_messages(const struct simulcrypt_ecmg_session *session)
{
    return session->server.link.receiver.messages;
}

int simulcrypt_ecmg_session_test_channel(struct simulcrypt_ecmg_session *session)
{
    return simulcrypt__server_test_channel(&session->server);
}

int simulcrypt_ecmg_session_test_stream(struct simulcrypt_ecmg_session *session, uint16_t stream_id)
{
    return simulcrypt__server_test_stream(&session->server, stream_id);
}

int simulcrypt_ecmg_session_create(struct simulcrypt_ecmg_session **session,
                                   const struct simulcrypt_ecmg_ops *ops, void *context)
{
    struct simulcrypt_ecmg_session *made = calloc(1, sizeof(*made));
    *session = made;
    if (!made)
        return -ENOMEM;
    made->ops = *ops;
    made->context = context;
    simulcrypt__server_init(&made->server, &type, ops->send, context, made->out, sizeof(made->out));
    return 0;
}

void simulcrypt_ecmg_session_destroy(struct simulcrypt_ecmg_session *session)
{
    if (!session)
        return;
    simulcrypt__server_clear(&session->server);
    free(session);
}
