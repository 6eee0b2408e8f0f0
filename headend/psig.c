/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The connection to one C(P)SIG, and what it is told unasked. */
#include "headend/psig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "headend/psig_room.h"

#define VERSION_HIGHEST  3
#define VERSION_LOWEST   2
#define DEFAULT_RATE     200
#define FLOW_PID_TRIGGER 0x00000004 /* assumed */

#define TAG(name) SIMULCRYPT_CPSIG_P_##name

struct headend__psig_stream *headend__psig_find_stream(struct headend_psig *psig, uint16_t stream_id)
{
    for (unsigned i = 0; i < psig->stream_count; i++) {
        if (psig->streams[i].id == stream_id)
            return &psig->streams[i];
    }
    return NULL;
}

static void forget_state(struct headend_psig *psig)
{
    psig->channel_up = false;
    for (unsigned i = 0; i < psig->stream_count; i++) {
        psig->streams[i].up = false;
        psig->streams[i].triggers = 0;
    }
}

static void tick(void *context)
{
    struct headend_psig *psig = context;
    uint64_t now = net_loop_now_ms(psig->loop);
    uint64_t next;

    if (!psig->session || !net_dialer_is_connected(psig->dialer))
        return;
    next = simulcrypt_psig_session_tick(psig->session, now);
    if (next != UINT64_MAX)
        net_timer_start(psig->tick, next > now ? next - now : 1);
}

/* Session */

static void session_send(void *context, const uint8_t *bytes, size_t size)
{
    struct headend_psig *psig = context;

    net_dialer_write(psig->dialer, bytes, size);
}

static void session_fail(void *context, const char *why)
{
    struct headend_psig *psig = context;

    if (psig->config.version > VERSION_LOWEST && simulcrypt_psig_session_version_refused(psig->session))
        psig->config.version--;
    net_dialer_drop(psig->dialer, why);
}

static void session_channel_up(void *context, const struct simulcrypt_message *status)
{
    struct headend_psig *psig = context;

    (void)status;
    psig->channel_up = true;
}

static void encode_id(struct simulcrypt_encoder *encoder, uint16_t tag, bool given, uint16_t id)
{
    if (given)
        simulcrypt_encode_number(encoder, tag, id);
}

static void encode_location(struct simulcrypt_encoder *encoder, const struct headend_psig_location *location)
{
    encode_id(encoder, TAG(ORIGINAL_NETWORK_ID), location->has_original_network_id,
              location->original_network_id);
    encode_id(encoder, TAG(TRANSPORT_STREAM_ID), location->has_transport_stream_id,
              location->transport_stream_id);
    encode_id(encoder, TAG(SERVICE_ID), location->has_service_id, location->service_id);
    encode_id(encoder, TAG(ES_ID), location->has_es_id, location->es_id);
}

static void session_describe_stream(void *context, uint16_t stream_id, struct simulcrypt_encoder *encoder)
{
    const struct headend__psig_stream *stream = headend__psig_find_stream(context, stream_id);

    if (stream)
        encode_location(encoder, &stream->location);
}

static void session_stream_up(void *context, uint16_t stream_id, const struct simulcrypt_message *status)
{
    struct headend_psig *psig = context;
    struct headend__psig_stream *stream = headend__psig_find_stream(psig, stream_id);

    if (!stream)
        return;
    stream->up = true;
    net_dialer_settle(psig->dialer);
    if (simulcrypt_message_count(status, TAG(TRIGGER_LIST)))
        stream->triggers = simulcrypt_message_number(status, TAG(TRIGGER_LIST));
}

static void session_stream_closed(void *context, uint16_t stream_id)
{
    struct headend__psig_stream *stream = headend__psig_find_stream(context, stream_id);

    if (stream)
        stream->up = false;
}

static void session_request(void *context, uint16_t stream_id, const struct simulcrypt_message *request)
{
    struct headend__psig_stream *stream = headend__psig_find_stream(context, stream_id);

    if (stream)
        headend__psig_serve(context, stream, request);
}

static void session_error(void *context, const uint16_t *stream_id, uint16_t error, const char *text)
{
    struct headend_psig *psig = context;

    (void)error;
    if (stream_id)
        snprintf(psig->error, sizeof(psig->error), "stream %u: the C(P)SIG says: %.300s", *stream_id, text);
    else
        snprintf(psig->error, sizeof(psig->error), "the C(P)SIG says: %.300s", text);
}

static const struct simulcrypt_psig_ops session_ops = {
    .send = session_send,
    .fail = session_fail,
    .channel_up = session_channel_up,
    .describe_stream = session_describe_stream,
    .stream_up = session_stream_up,
    .stream_closed = session_stream_closed,
    .request = session_request,
    .error = session_error,
};

/* Connection */

static int begin_session(struct headend_psig *psig)
{
    const struct simulcrypt_psig_config config = {.version = psig->config.version,
                                                  .channel_id = psig->config.channel_id,
                                                  .custom_cas_id = psig->config.custom_cas_id,
                                                  .reply_timeout_ms = psig->config.reply_timeout_ms,
                                                  .test_period_ms = psig->config.test_period_ms};
    int status;

    simulcrypt_psig_session_destroy(psig->session);
    status = simulcrypt_psig_session_create(&psig->session, &config, &session_ops, psig);
    for (unsigned i = 0; status == 0 && i < psig->stream_count; i++)
        status = simulcrypt_psig_session_add_stream(psig->session, psig->streams[i].id);
    return status;
}

static void on_connected(void *context)
{
    struct headend_psig *psig = context;

    if (begin_session(psig) < 0) {
        net_dialer_drop(psig->dialer, "out of memory");
        return;
    }
    simulcrypt_psig_session_connected(psig->session, net_loop_now_ms(psig->loop));
    tick(psig);
}

static void on_input(void *context, const uint8_t *bytes, size_t size)
{
    struct headend_psig *psig = context;

    simulcrypt_psig_session_input(psig->session, bytes, size, net_loop_now_ms(psig->loop));
    tick(psig);
}

static void on_down(void *context, const char *why)
{
    struct headend_psig *psig = context;

    snprintf(psig->error, sizeof(psig->error), "%s", why);
    if (psig->session)
        simulcrypt_psig_session_disconnected(psig->session);
    net_timer_stop(psig->tick);
    forget_state(psig);
}

/* Streams */

int headend_psig_add_stream(struct headend_psig *psig, uint16_t stream_id,
                            const struct headend_psig_location *location)
{
    int status = 0;

    if (headend__psig_find_stream(psig, stream_id))
        return -EEXIST;
    if (psig->stream_count == HEADEND_PSIG_STREAMS_MAX)
        return -ENOSPC;
    psig->streams[psig->stream_count++] =
        (struct headend__psig_stream){.id = stream_id, .location = *location};
    if (psig->session && net_dialer_is_connected(psig->dialer))
        status = simulcrypt_psig_session_add_stream(psig->session, stream_id);
    if (status < 0)
        psig->stream_count--;
    tick(psig);
    return status;
}

int headend_psig_remove_stream(struct headend_psig *psig, uint16_t stream_id)
{
    struct headend__psig_stream *stream = headend__psig_find_stream(psig, stream_id);

    if (!stream)
        return -ENOENT;
    if (psig->session && net_dialer_is_connected(psig->dialer))
        simulcrypt_psig_session_remove_stream(psig->session, stream_id);
    *stream = psig->streams[--psig->stream_count];
    return 0;
}

/* What is told unasked */

/* flow_PID_change_related_data, 9 bytes: flow_type, flow_super_CAS_id, flow_id, flow_PID (assumed: these
 * sizes add up). */
static void encode_pid_change(struct simulcrypt_encoder *encoder, const struct headend_psig_flow *flow,
                              uint16_t pid)
{
    uint8_t data[9];

    data[0] = flow->type;
    base_store_u32(data + 1, flow->super_cas_id);
    base_store_u16(data + 5, flow->id);
    base_store_u16(data + 7, pid);
    simulcrypt_encode_bytes(encoder, TAG(FLOW_PID_CHANGE_RELATED_DATA), data, sizeof(data));
}

int headend_psig_flow_changed(struct headend_psig *psig, uint16_t stream_id,
                              const struct headend_psig_flow *flow, uint16_t pid)
{
    struct headend__psig_stream *stream = headend__psig_find_stream(psig, stream_id);
    struct simulcrypt_encoder encoder;

    if (!stream)
        return -ENOENT;
    if (!stream->up || !(stream->triggers & psig->config.flow_pid_trigger) ||
        simulcrypt_psig_session_begin(psig->session, SIMULCRYPT_CPSIG_M_TRIGGER, stream_id, &encoder) < 0)
        return 0;
    simulcrypt_encode_number(&encoder, TAG(TRIGGER_ID), ++stream->trigger_id);
    simulcrypt_encode_number(&encoder, TAG(TRIGGER_TYPE), psig->config.flow_pid_trigger);
    encode_pid_change(&encoder, flow, pid);
    simulcrypt_psig_session_send(psig->session, &encoder);
    psig->triggers++;
    return 0;
}

int headend_psig_service_changed(struct headend_psig *psig, uint16_t stream_id, uint16_t service_id)
{
    struct headend__psig_stream *stream = headend__psig_find_stream(psig, stream_id);
    struct headend_psig_location location;
    struct simulcrypt_encoder encoder;

    if (!stream)
        return -ENOENT;
    if (!stream->up || simulcrypt_psig_session_begin(psig->session, SIMULCRYPT_CPSIG_M_STREAM_SERVICE_CHANGE,
                                                     stream_id, &encoder) < 0)
        return 0;
    location = stream->location;
    location.has_service_id = true;
    location.service_id = service_id;
    encode_location(&encoder, &location);
    simulcrypt_psig_session_send(psig->session, &encoder);
    return 0;
}

/* Life */

static void take_config(struct headend_psig *psig, const struct headend_psig_config *config)
{
    psig->config = *config;
    if (!config->version)
        psig->config.version = VERSION_HIGHEST;
    if (!config->flow_pid_trigger)
        psig->config.flow_pid_trigger = FLOW_PID_TRIGGER;
    if (!config->rate_max)
        psig->config.rate_max = DEFAULT_RATE;
}

static int create_parts(struct headend_psig *psig)
{
    static const struct net_dialer_ops ops = {.connected = on_connected, .input = on_input, .down = on_down};
    const struct net_dialer_config config = {.host = psig->config.host,
                                             .port = psig->config.port,
                                             .tls = psig->config.tls,
                                             .peer = "C(P)SIG",
                                             .rate_max = psig->config.rate_max};
    int status = net_timer_create(&psig->tick, psig->loop, tick, psig);

    return status < 0 ? status : net_dialer_create(&psig->dialer, psig->loop, &config, &ops, psig);
}

int headend_psig_create(struct headend_psig **psig, struct net_loop *loop,
                        const struct headend_psig_config *config, const struct headend_psig_ops *ops,
                        void *context)
{
    struct headend_psig *made;
    int status;

    *psig = NULL;
    if (config->version && (config->version < VERSION_LOWEST || config->version > VERSION_HIGHEST))
        return -EINVAL;
    made = calloc(1, sizeof(*made));
    if (!made)
        return -ENOMEM;
    made->loop = loop;
    made->ops = *ops;
    made->context = context;
    take_config(made, config);
    status = create_parts(made);
    if (status < 0) {
        headend_psig_destroy(made);
        return status;
    }
    *psig = made;
    return 0;
}

void headend_psig_destroy(struct headend_psig *psig)
{
    if (!psig)
        return;
    if (psig->session && net_dialer_is_connected(psig->dialer))
        simulcrypt_psig_session_close(psig->session);
    net_dialer_destroy(psig->dialer);
    net_timer_destroy(psig->tick);
    simulcrypt_psig_session_destroy(psig->session);
    free(psig);
}

void headend_psig_status(const struct headend_psig *psig, struct headend_psig_status *status)
{
    *status = (struct headend_psig_status){
        .connected = net_dialer_is_connected(psig->dialer),
        .channel_up = psig->channel_up,
        .streams = psig->stream_count,
        .version = psig->config.version,
        .attempts = net_dialer_attempts(psig->dialer),
        .requests = psig->requests,
        .insertions = psig->insertions,
        .refused = psig->refused,
        .triggers = psig->triggers,
    };
    for (unsigned i = 0; i < psig->stream_count; i++)
        status->streams_up += psig->streams[i].up;
    memcpy(status->last_error, psig->error, sizeof(status->last_error));
}
