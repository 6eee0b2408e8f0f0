/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ETSI TS 103 197, clause 8: C(P)SIG ⇔ (P)SIG, the C(P)SIG's end. */
#include "simulcrypt/cpsig_session.h"

#include <errno.h>
#include <stdlib.h>

#include "simulcrypt/server.h"

struct simulcrypt_cpsig_session {
    struct simulcrypt__server server;
    struct simulcrypt_cpsig_ops ops;
    void *context;
    uint8_t out[SIMULCRYPT_HEADER_SIZE + UINT16_MAX];
};

static struct simulcrypt_cpsig_session *session_of(struct simulcrypt__server *server)
{
    return (struct simulcrypt_cpsig_session *)server;
}

static uint16_t open_channel(struct simulcrypt__server *server, const struct simulcrypt_message *message,
                             const struct simulcrypt__address *about, int *information)
{
    (void)about;
    (void)information;
    return session_of(server)->ops.channel_setup(session_of(server)->context, message);
}

static void write_channel_status(struct simulcrypt__server *server, struct simulcrypt_encoder *encoder)
{
    session_of(server)->ops.describe_channel(session_of(server)->context, encoder);
}

static void channel_closed(struct simulcrypt__server *server)
{
    session_of(server)->ops.channel_closed(session_of(server)->context);
}

static uint16_t open_stream(struct simulcrypt__server *server, const struct simulcrypt_message *message,
                            struct simulcrypt__stream *stream, int *information)
{
    (void)information;
    return session_of(server)->ops.stream_setup(session_of(server)->context, stream->id, message);
}

static void write_stream_status(struct simulcrypt__server *server, const struct simulcrypt__stream *stream,
                                struct simulcrypt_encoder *encoder)
{
    session_of(server)->ops.describe_stream(session_of(server)->context, stream->id, encoder);
}

static void stream_closed(struct simulcrypt__server *server, uint16_t stream_id)
{
    session_of(server)->ops.stream_closed(session_of(server)->context, stream_id);
}

static void close_session(struct simulcrypt__server *server, const char *why)
{
    session_of(server)->ops.close(session_of(server)->context, why);
}

static void take_message(struct simulcrypt__server *server, const struct simulcrypt_message *message)
{
    session_of(server)->ops.message(session_of(server)->context,
                                    simulcrypt_message_u16(message, SIMULCRYPT_CPSIG_P_CUSTOM_STREAM_ID),
                                    message);
}

/* Whether it was asked for or not: the (P)SIG holds the stream to be closed. */
static void take_close_response(struct simulcrypt__server *server, const struct simulcrypt_message *message)
{
    simulcrypt__server_close_stream(server,
                                    simulcrypt_message_u16(message, SIMULCRYPT_CPSIG_P_CUSTOM_STREAM_ID));
}

static const struct simulcrypt__server_handler handlers[] = {
    {SIMULCRYPT_CPSIG_M_STREAM_CLOSE_RESPONSE, take_close_response},
    {SIMULCRYPT_CPSIG_M_STREAM_SERVICE_CHANGE, take_message},
    {SIMULCRYPT_CPSIG_M_STREAM_TRIGGER_ENABLE_RESPONSE, take_message},
    {SIMULCRYPT_CPSIG_M_TRIGGER, take_message},
    {SIMULCRYPT_CPSIG_M_TABLE_RESPONSE, take_message},
    {SIMULCRYPT_CPSIG_M_DESCRIPTOR_INSERT_RESPONSE, take_message},
    {SIMULCRYPT_CPSIG_M_PID_PROVISION_RESPONSE, take_message},
};

static const struct simulcrypt__server_type server_type = {
    .interface = &simulcrypt_cpsig_psig,
    .message_max = SIMULCRYPT_HEADER_SIZE + UINT16_MAX,
    .peer = "(P)SIG",
    .stream_size = sizeof(struct simulcrypt__stream),
    .open_channel = open_channel,
    .write_channel_status = write_channel_status,
    .channel_closed = channel_closed,
    .open_stream = open_stream,
    .write_stream_status = write_stream_status,
    .stream_closed = stream_closed,
    .close = close_session,
    .handlers = handlers,
    .handler_count = sizeof(handlers) / sizeof(*handlers),
};

void simulcrypt_cpsig_session_input(struct simulcrypt_cpsig_session *session, const uint8_t *bytes,
                                    size_t size)
{
    simulcrypt__server_input(&session->server, bytes, size);
}

static bool is_from_a_stream(uint16_t type)
{
    const struct simulcrypt_message_type *found = simulcrypt_find_message(&simulcrypt_cpsig_psig, type);
    return found && found->from == SIMULCRYPT_FROM_SERVER && type >= SIMULCRYPT_CPSIG_M_STREAM_SERVICE_CHANGE;
}

int simulcrypt_cpsig_session_begin(struct simulcrypt_cpsig_session *session, uint16_t type,
                                   uint16_t stream_id, struct simulcrypt_encoder *encoder)
{
    if (!is_from_a_stream(type))
        return -EINVAL;
    if (!simulcrypt__streams_find(&session->server.streams, stream_id))
        return -ENOENT;
    *encoder = simulcrypt__link_begin_stream(&session->server.link, type, stream_id);
    return 0;
}

int simulcrypt_cpsig_session_send(struct simulcrypt_cpsig_session *session,
                                  struct simulcrypt_encoder *encoder)
{
    return simulcrypt__link_send(&session->server.link, encoder);
}

int simulcrypt_cpsig_session_close_stream(struct simulcrypt_cpsig_session *session, uint16_t stream_id)
{
    if (!simulcrypt__streams_find(&session->server.streams, stream_id))
        return -ENOENT;
    simulcrypt__link_send_stream_plain(&session->server.link, SIMULCRYPT_CPSIG_M_STREAM_CLOSE_REQUEST,
                                       stream_id);
    return 0;
}

int simulcrypt_cpsig_session_test_channel(struct simulcrypt_cpsig_session *session)
{
    return simulcrypt__server_test_channel(&session->server);
}

int simulcrypt_cpsig_session_test_stream(struct simulcrypt_cpsig_session *session, uint16_t stream_id)
{
    return simulcrypt__server_test_stream(&session->server, stream_id);
}

int simulcrypt_cpsig_session_create(struct simulcrypt_cpsig_session **session,
                                    const struct simulcrypt_cpsig_ops *ops, void *context)
{
    struct simulcrypt_cpsig_session *made = calloc(1, sizeof(*made));
    *session = made;
    if (!made)
        return -ENOMEM;
    made->ops = *ops;
    made->context = context;
    simulcrypt__server_init(&made->server, &server_type, ops->send, context, made->out, sizeof(made->out));
    return 0;
}

void simulcrypt_cpsig_session_destroy(struct simulcrypt_cpsig_session *session)
{
    if (!session)
        return;
    simulcrypt__server_clear(&session->server);
    free(session);
}
