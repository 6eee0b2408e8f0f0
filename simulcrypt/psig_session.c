/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ETSI TS 103 197, clause 8: C(P)SIG ⇔ (P)SIG, the (P)SIG's end. */
#include "simulcrypt/psig_session.h"

#include <errno.h>
#include <stdlib.h>

#include "simulcrypt/client.h"

struct simulcrypt_psig_session {
    struct simulcrypt__client client;
    struct simulcrypt_psig_ops ops;
    void *context;
    uint32_t custom_cas_id;
    uint8_t out[SIMULCRYPT_HEADER_SIZE + UINT16_MAX];
};

static struct simulcrypt_psig_session *session_of(struct simulcrypt__client *client)
{
    return (struct simulcrypt_psig_session *)client;
}

static void fail(struct simulcrypt__client *client, const char *why)
{
    session_of(client)->ops.fail(session_of(client)->context, why);
}

/* channel_setup, and channel_status as the answer to a test. */
static void write_channel(struct simulcrypt__client *client, struct simulcrypt_encoder *encoder)
{
    simulcrypt_encode_number(encoder, SIMULCRYPT_CPSIG_P_CUSTOM_CAS_ID, session_of(client)->custom_cas_id);
}

/* What it carries is the owner's to judge. */
static bool take_channel_status(struct simulcrypt__client *client, const struct simulcrypt_message *message)
{
    (void)client;
    (void)message;
    return true;
}

static void channel_up(struct simulcrypt__client *client, const struct simulcrypt_message *message)
{
    session_of(client)->ops.channel_up(session_of(client)->context, message);
}

static void write_stream(struct simulcrypt__client *client, const struct simulcrypt__client_stream *stream,
                         struct simulcrypt_encoder *encoder)
{
    session_of(client)->ops.describe_stream(session_of(client)->context, stream->head.id, encoder);
}

static void stream_up(struct simulcrypt__client *client, struct simulcrypt__client_stream *stream,
                      const struct simulcrypt_message *message)
{
    session_of(client)->ops.stream_up(session_of(client)->context, stream->head.id, message);
}

static void refused(struct simulcrypt__client *client, struct simulcrypt__client_stream *stream,
                    uint16_t error, const char *text)
{
    uint16_t stream_id = stream ? stream->head.id : 0; /* the owner may remove it */
    session_of(client)->ops.error(session_of(client)->context, stream ? &stream_id : NULL, error, text);
}

static struct simulcrypt__client_stream *stream_of(const struct simulcrypt__client *client,
                                                   const struct simulcrypt_message *message)
{
    int ignored;
    return simulcrypt__client_up_stream(
        client, simulcrypt_message_u16(message, SIMULCRYPT_CPSIG_P_CUSTOM_STREAM_ID), &ignored);
}

static void take_close_request(struct simulcrypt__client *client, const struct simulcrypt_message *message)
{
    const struct simulcrypt__client_stream *stream = stream_of(client, message);
    if (!stream)
        return;
    uint16_t stream_id = stream->head.id;
    simulcrypt__streams_remove(&client->streams, stream_id);
    simulcrypt__link_send_stream_plain(&client->link, SIMULCRYPT_CPSIG_M_STREAM_CLOSE_RESPONSE, stream_id);
    session_of(client)->ops.stream_closed(session_of(client)->context, stream_id);
}

static void take_request(struct simulcrypt__client *client, const struct simulcrypt_message *message)
{
    const struct simulcrypt__client_stream *stream = stream_of(client, message);
    if (stream)
        session_of(client)->ops.request(session_of(client)->context, stream->head.id, message);
}

static const struct simulcrypt__client_handler handlers[] = {
    {SIMULCRYPT_CPSIG_M_STREAM_CLOSE_REQUEST, take_close_request},
    {SIMULCRYPT_CPSIG_M_STREAM_TRIGGER_ENABLE_REQUEST, take_request},
    {SIMULCRYPT_CPSIG_M_TABLE_REQUEST, take_request},
    {SIMULCRYPT_CPSIG_M_DESCRIPTOR_INSERT_REQUEST, take_request},
    {SIMULCRYPT_CPSIG_M_PID_PROVISION_REQUEST, take_request},
};

static const struct simulcrypt__client_type client_type = {
    .interface = &simulcrypt_cpsig_psig,
    .message_max = SIMULCRYPT_HEADER_SIZE + UINT16_MAX,
    .peer = "C(P)SIG",
    .handlers = handlers,
    .handler_count = sizeof(handlers) / sizeof(*handlers),
    .fail = fail,
    .write_channel_setup = write_channel,
    .take_channel_status = take_channel_status,
    .channel_up = channel_up,
    .write_channel_status = write_channel,
    .write_stream_setup = write_stream,
    .stream_up = stream_up,
    .write_stream_status = write_stream,
    .refused = refused,
};

int simulcrypt_psig_session_add_stream(struct simulcrypt_psig_session *session, uint16_t stream_id)
{
    struct simulcrypt__client_stream *stream = calloc(1, sizeof(*stream));
    if (!stream)
        return -ENOMEM;
    stream->head.id = stream_id;
    int status = simulcrypt__client_add_stream(&session->client, stream);
    if (status)
        free(stream);
    return status;
}

int simulcrypt_psig_session_remove_stream(struct simulcrypt_psig_session *session, uint16_t stream_id)
{
    return simulcrypt__client_remove_stream(&session->client, stream_id);
}

void simulcrypt_psig_session_connected(struct simulcrypt_psig_session *session, uint64_t now_ms)
{
    simulcrypt__client_connected(&session->client, now_ms);
}

void simulcrypt_psig_session_input(struct simulcrypt_psig_session *session, const uint8_t *bytes, size_t size,
                                   uint64_t now_ms)
{
    simulcrypt__client_input(&session->client, bytes, size, now_ms);
}

void simulcrypt_psig_session_disconnected(struct simulcrypt_psig_session *session)
{
    simulcrypt__client_disconnected(&session->client);
}

uint64_t simulcrypt_psig_session_tick(struct simulcrypt_psig_session *session, uint64_t now_ms)
{
    return simulcrypt__client_tick(&session->client, now_ms);
}

static bool is_from_a_stream(uint16_t type)
{
    const struct simulcrypt_message_type *found = simulcrypt_find_message(&simulcrypt_cpsig_psig, type);
    return found && found->from == SIMULCRYPT_FROM_CLIENT && type >= SIMULCRYPT_CPSIG_M_STREAM_SERVICE_CHANGE;
}

int simulcrypt_psig_session_begin(struct simulcrypt_psig_session *session, uint16_t type, uint16_t stream_id,
                                  struct simulcrypt_encoder *encoder)
{
    int status;
    if (!is_from_a_stream(type))
        return -EINVAL;
    if (simulcrypt__client_up_stream(&session->client, stream_id, &status))
        *encoder = simulcrypt__link_begin_stream(&session->client.link, type, stream_id);
    return status;
}

int simulcrypt_psig_session_send(struct simulcrypt_psig_session *session, struct simulcrypt_encoder *encoder)
{
    return simulcrypt__link_send(&session->client.link, encoder);
}

bool simulcrypt_psig_session_version_refused(const struct simulcrypt_psig_session *session)
{
    return session->client.version_refused;
}

void simulcrypt_psig_session_close(struct simulcrypt_psig_session *session)
{
    simulcrypt__client_close(&session->client);
}

int simulcrypt_psig_session_create(struct simulcrypt_psig_session **session,
                                   const struct simulcrypt_psig_config *config,
                                   const struct simulcrypt_psig_ops *ops, void *context)
{
    *session = NULL;
    if (!simulcrypt_version_is_known(&simulcrypt_cpsig_psig, config->version))
        return -EINVAL;
    struct simulcrypt_psig_session *made = calloc(1, sizeof(*made));
    if (!made)
        return -ENOMEM;
    made->ops = *ops;
    made->context = context;
    made->custom_cas_id = config->custom_cas_id;
    made->client.reply_timeout_ms = config->reply_timeout_ms;
    made->client.test_period_ms = config->test_period_ms;
    made->client.link.version = config->version;
    made->client.link.channel_id = config->channel_id;
    simulcrypt__client_init(&made->client, &client_type, ops->send, context, made->out, sizeof(made->out));
    *session = made;
    return 0;
}

void simulcrypt_psig_session_destroy(struct simulcrypt_psig_session *session)
{
    if (!session)
        return;
    simulcrypt__client_clear(&session->client);
    free(session);
}
