/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ETSI TS 103 197, clause 6: EMMG/PDG ⇔ MUX, the end of the EMMG or PDG. */
#include "simulcrypt/emmg_session.h"

#include <errno.h>
#include <stdlib.h>

#include "simulcrypt/client.h"
#include "simulcrypt/emmg_mux_table.h"

#define MESSAGE_MAX 4096 /* the MUX's largest is an error */

struct stream {
    struct simulcrypt__client_stream common; /* its deadline: of stream_BW_allocation */
    struct simulcrypt_data_stream about;
};

struct simulcrypt_emmg_session {
    struct simulcrypt__client client;
    struct simulcrypt_emmg_config config;
    struct simulcrypt_emmg_ops ops;
    void *context;
    uint8_t out[SIMULCRYPT_HEADER_SIZE + UINT16_MAX];
};

static struct simulcrypt_emmg_session *session_of(struct simulcrypt__client *client)
{
    return (struct simulcrypt_emmg_session *)client;
}

static void fail(struct simulcrypt__client *client, const char *why)
{
    session_of(client)->ops.fail(session_of(client)->context, why);
}

/* channel_setup and channel_status say the same. */
static void write_format(struct simulcrypt__client *client, struct simulcrypt_encoder *encoder)
{
    simulcrypt_encode_number(encoder, SIMULCRYPT_EMMG_P_SECTION_TSPKT_FLAG,
                             session_of(client)->config.format);
}

static bool take_channel_status(struct simulcrypt__client *client, const struct simulcrypt_message *message)
{
    uint32_t format = simulcrypt_message_number(message, SIMULCRYPT_EMMG_P_SECTION_TSPKT_FLAG);
    if (format == session_of(client)->config.format)
        return true;
    simulcrypt__client_fail(client, "the MUX wants section_TSpkt_flag %u instead of %u", format,
                            (unsigned)session_of(client)->config.format);
    return false;
}

static void channel_up(struct simulcrypt__client *client, const struct simulcrypt_message *message)
{
    (void)message;
    session_of(client)->ops.channel_up(session_of(client)->context);
}

/* stream_setup and stream_status say the same. */
static void write_stream(struct simulcrypt__client *client, const struct simulcrypt__client_stream *common,
                         struct simulcrypt_encoder *encoder)
{
    (void)client;
    simulcrypt__write_data_stream(encoder, &((const struct stream *)common)->about);
}

static void stream_up(struct simulcrypt__client *client, struct simulcrypt__client_stream *common,
                      const struct simulcrypt_message *message)
{
    (void)message;
    session_of(client)->ops.stream_up(session_of(client)->context, common->head.id);
}

static void report_bandwidth(struct simulcrypt__client *client, struct simulcrypt__client_stream *common,
                             uint16_t bandwidth)
{
    simulcrypt__client_await(client, common, SIMULCRYPT_NEVER);
    session_of(client)->ops.bandwidth(session_of(client)->context, common->head.id, bandwidth);
}

/* A MUX that does not answer stream_BW_request is one that does not negotiate. */
static void stream_late(struct simulcrypt__client *client, struct simulcrypt__client_stream *common)
{
    report_bandwidth(client, common, 0);
}

static void refused(struct simulcrypt__client *client, struct simulcrypt__client_stream *common,
                    uint16_t error, const char *text)
{
    struct simulcrypt_emmg_session *session = session_of(client);
    if (!common) {
        session->ops.channel_error(session->context, error, text);
        return;
    }
    session->ops.stream_error(session->context, common->head.id, error, text);
}

static void take_allocation(struct simulcrypt__client *client, const struct simulcrypt_message *message)
{
    int ignored;
    struct simulcrypt__client_stream *common = simulcrypt__client_up_stream(
        client, simulcrypt_message_u16(message, SIMULCRYPT_EMMG_P_DATA_STREAM_ID), &ignored);
    if (common)
        report_bandwidth(client, common, simulcrypt_message_u16(message, SIMULCRYPT_EMMG_P_BANDWIDTH));
}

static const struct simulcrypt__client_handler handlers[] = {
    {SIMULCRYPT_EMMG_M_STREAM_BW_ALLOCATION, take_allocation}};

static const struct simulcrypt__client_type type = {
    .interface = &simulcrypt_emmg_mux,
    .message_max = MESSAGE_MAX,
    .peer = "MUX",
    .handlers = handlers,
    .handler_count = 1,
    .fail = fail,
    .write_channel_setup = write_format,
    .take_channel_status = take_channel_status,
    .channel_up = channel_up,
    .write_channel_status = write_format,
    .write_stream_setup = write_stream,
    .stream_up = stream_up,
    .write_stream_status = write_stream,
    .stream_late = stream_late,
    .refused = refused,
};

int simulcrypt_emmg_session_add_stream(struct simulcrypt_emmg_session *session,
                                       const struct simulcrypt_data_stream *about)
{
    struct stream *stream = calloc(1, sizeof(*stream));
    if (!stream)
        return -ENOMEM;
    stream->common.head.id = about->stream_id;
    stream->about = *about;
    int status = simulcrypt__client_add_stream(&session->client, &stream->common);
    if (status)
        free(stream);
    return status;
}

int simulcrypt_emmg_session_remove_stream(struct simulcrypt_emmg_session *session, uint16_t stream_id)
{
    return simulcrypt__client_remove_stream(&session->client, stream_id);
}

void simulcrypt_emmg_session_connected(struct simulcrypt_emmg_session *session, uint64_t now_ms)
{
    simulcrypt__client_connected(&session->client, now_ms);
}

void simulcrypt_emmg_session_input(struct simulcrypt_emmg_session *session, const uint8_t *bytes, size_t size,
                                   uint64_t now_ms)
{
    simulcrypt__client_input(&session->client, bytes, size, now_ms);
}

void simulcrypt_emmg_session_disconnected(struct simulcrypt_emmg_session *session)
{
    simulcrypt__client_disconnected(&session->client);
}

uint64_t simulcrypt_emmg_session_tick(struct simulcrypt_emmg_session *session, uint64_t now_ms)
{
    return simulcrypt__client_tick(&session->client, now_ms);
}

int simulcrypt_emmg_session_request_bandwidth(struct simulcrypt_emmg_session *session, uint16_t stream_id,
                                              uint16_t bandwidth, uint64_t now_ms)
{
    int status;
    struct simulcrypt__link *link = &session->client.link;
    struct simulcrypt__client_stream *common =
        simulcrypt__client_up_stream(&session->client, stream_id, &status);
    if (!common)
        return status;
    if (common->deadline != SIMULCRYPT_NEVER)
        return -EBUSY;
    session->client.now_ms = now_ms;
    simulcrypt__client_await(&session->client, common, now_ms + session->client.reply_timeout_ms);
    struct simulcrypt_encoder encoder =
        simulcrypt__link_begin_stream(link, SIMULCRYPT_EMMG_M_STREAM_BW_REQUEST, stream_id);
    if (bandwidth)
        simulcrypt_encode_number(&encoder, SIMULCRYPT_EMMG_P_BANDWIDTH, bandwidth);
    return simulcrypt__link_send(link, &encoder);
}

int simulcrypt_emmg_session_provide(struct simulcrypt_emmg_session *session, uint16_t stream_id,
                                    const struct simulcrypt_datagram *datagrams, size_t count)
{
    int status;
    struct simulcrypt__link *link = &session->client.link;
    const struct stream *stream =
        (struct stream *)simulcrypt__client_up_stream(&session->client, stream_id, &status);
    if (!stream)
        return status;
    for (size_t i = 0; i < count; i++)
        if (!simulcrypt_datagram_is_sound(session->config.format, datagrams[i].bytes, datagrams[i].size))
            return -EINVAL;
    struct simulcrypt_data_provision provision = {.client_id = link->client_id,
                                                  .data_id = stream->about.data_id,
                                                  .has_ids = true,
                                                  .channel_id = link->channel_id,
                                                  .stream_id = stream_id};
    ptrdiff_t size = simulcrypt_data_provision_write(link->version, &provision, datagrams, count,
                                                     session->out, sizeof(session->out));
    if (size < 0)
        return (int)size;
    link->send(link->context, session->out, (size_t)size);
    return 0;
}

int simulcrypt_emmg_session_test_stream(struct simulcrypt_emmg_session *session, uint16_t stream_id)
{
    int status;
    if (simulcrypt__client_up_stream(&session->client, stream_id, &status))
        simulcrypt__link_send_stream_plain(&session->client.link, SIMULCRYPT_EMMG_M_STREAM_TEST, stream_id);
    return status;
}

bool simulcrypt_emmg_session_version_refused(const struct simulcrypt_emmg_session *session)
{
    return session->client.version_refused;
}

void simulcrypt_emmg_session_close(struct simulcrypt_emmg_session *session)
{
    simulcrypt__client_close(&session->client);
}

int simulcrypt_emmg_session_create(struct simulcrypt_emmg_session **session,
                                   const struct simulcrypt_emmg_config *config,
                                   const struct simulcrypt_emmg_ops *ops, void *context)
{
    *session = NULL;
    if (!simulcrypt_version_is_known(&simulcrypt_emmg_mux, config->version) ||
        (config->format == SIMULCRYPT_ANNEX_N && config->version < 5))
        return -EINVAL;
    struct simulcrypt_emmg_session *made = calloc(1, sizeof(*made));
    if (!made)
        return -ENOMEM;
    made->config = *config;
    made->ops = *ops;
    made->context = context;
    made->client.reply_timeout_ms = config->reply_timeout_ms;
    made->client.test_period_ms = config->test_period_ms;
    made->client.link.version = config->version;
    made->client.link.client_id = config->client_id;
    made->client.link.channel_id = config->channel_id;
    simulcrypt__client_init(&made->client, &type, ops->send, context, made->out, sizeof(made->out));
    *session = made;
    return 0;
}

void simulcrypt_emmg_session_destroy(struct simulcrypt_emmg_session *session)
{
    if (!session)
        return;
    simulcrypt__client_clear(&session->client);
    free(session);
}
