/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ETSI TS 103 197, clause 5: ECMG ⇔ SCS, the SCS's end. */
#include "simulcrypt/scs_session.h"

#include <errno.h>
#include <stdlib.h>

#include "base/secret.h"
#include "simulcrypt/client.h"
#include "simulcrypt/ecmg_scs_table.h"

#define DEFAULT_NETWORK_DELAY 5000 /* ms */
#define TS_PACKET_SIZE        188

/* A CW_provision that awaits its ECM_response. */
struct outstanding {
    uint16_t cp_number;
    bool criteria_sent; /* it carries the access criteria */
    bool refused;       /* with the whole channel; its owner is to be told */
    uint64_t deadline;
};

struct stream {
    struct simulcrypt__client_stream common;
    uint16_t ecm_id;
    uint16_t nominal_cp_duration;
    bool has_criteria;
    uint16_t criteria_size;
    uint8_t criteria[SIMULCRYPT_ACCESS_CRITERIA_MAX];

    bool transfer_mode;
    bool criteria_known; /* the ECMG has answered a CW_provision that carried them */
    unsigned outstanding_count;
    struct outstanding outstanding[SIMULCRYPT_OUTSTANDING_MAX]; /* in the order sent */
};

struct simulcrypt_scs_session {
    struct simulcrypt__client client;
    struct simulcrypt_scs_config config;
    struct simulcrypt_scs_ops ops;
    void *context;
    struct simulcrypt_channel_status status; /* in force */
    uint16_t max_comp_time, min_cp_duration; /* of the status, or what the owner knows better */
    uint8_t out[SIMULCRYPT_ECMG_SENT_MAX];
};

static struct simulcrypt_scs_session *session_of(struct simulcrypt__client *client)
{
    return (struct simulcrypt_scs_session *)client;
}

static void set_criteria(struct stream *stream, bool has, const uint8_t *bytes, size_t size)
{
    stream->has_criteria = has;
    stream->criteria_known = false;
    stream->criteria_size = bytes ? (uint16_t)size : 0;
    if (stream->criteria_size)
        memcpy(stream->criteria, bytes, stream->criteria_size);
}

static void set_deadline(struct simulcrypt__client *client, struct stream *stream)
{
    uint64_t deadline = SIMULCRYPT_NEVER;
    for (unsigned i = 0; i < stream->outstanding_count; i++)
        if (stream->outstanding[i].deadline < deadline)
            deadline = stream->outstanding[i].deadline;
    simulcrypt__client_await(client, &stream->common, deadline);
}

/* The position of a CP's CW_provision, or outstanding_count. */
static unsigned find_outstanding(const struct stream *stream, uint16_t cp_number)
{
    unsigned i = 0;
    while (i < stream->outstanding_count && stream->outstanding[i].cp_number != cp_number)
        i++;
    return i;
}

static struct outstanding remove_outstanding(struct simulcrypt_scs_session *session, struct stream *stream,
                                             unsigned position)
{
    struct outstanding removed = stream->outstanding[position];
    stream->outstanding_count--;
    memmove(stream->outstanding + position, stream->outstanding + position + 1,
            (stream->outstanding_count - position) * sizeof(removed));
    set_deadline(&session->client, stream);
    return removed;
}

/* The stream is free for the next CW_provision before its owner hears of this one. */
static void fail_provision(struct simulcrypt_scs_session *session, struct stream *stream, unsigned position,
                           const char *why)
{
    struct outstanding removed = remove_outstanding(session, stream, position);
    session->ops.provision_failed(session->context, stream->common.head.id, removed.cp_number, why);
}

static void fail(struct simulcrypt__client *client, const char *why)
{
    session_of(client)->ops.fail(session_of(client)->context, why);
}

static void write_channel_setup(struct simulcrypt__client *client, struct simulcrypt_encoder *encoder)
{
    simulcrypt_encode_number(encoder, SIMULCRYPT_ECMG_P_SUPER_CAS_ID,
                             session_of(client)->config.super_cas_id);
}

static bool take_channel_status(struct simulcrypt__client *client, const struct simulcrypt_message *message)
{
    struct simulcrypt_channel_status *status = &session_of(client)->status;
    if (simulcrypt_message_u16(message, SIMULCRYPT_ECMG_P_SECTION_TSPKT_FLAG) > SIMULCRYPT_PACKETS) {
        simulcrypt__client_fail(client, "the ECMG makes ECMs for IP datacast (annex N): none for a transport "
                                        "stream");
        return false;
    }
    simulcrypt__read_channel_status(message, status);
    simulcrypt_scs_session_set_times(session_of(client), status->max_comp_time, status->min_cp_duration);
    if (status->cw_per_msg >= 1 && status->cw_per_msg <= SIMULCRYPT_CWS_MAX)
        return true;
    simulcrypt__client_fail(client, "the ECMG asks for %u CWs per message: 1 to %d are possible",
                            status->cw_per_msg, SIMULCRYPT_CWS_MAX);
    return false;
}

static void channel_up(struct simulcrypt__client *client, const struct simulcrypt_message *message)
{
    struct simulcrypt_scs_session *session = session_of(client);
    (void)message;
    session->ops.channel_up(session->context, &session->status);
}

static void write_channel_status(struct simulcrypt__client *client, struct simulcrypt_encoder *encoder)
{
    simulcrypt__write_channel_status(encoder, &session_of(client)->status);
}

static void write_stream_setup(struct simulcrypt__client *client,
                               const struct simulcrypt__client_stream *common,
                               struct simulcrypt_encoder *encoder)
{
    const struct stream *stream = (const struct stream *)common;
    uint16_t minimum = session_of(client)->min_cp_duration;
    uint16_t nominal = stream->nominal_cp_duration > minimum ? stream->nominal_cp_duration : minimum;
    if (encoder->version >= 2)
        simulcrypt_encode_number(encoder, SIMULCRYPT_ECMG_P_ECM_ID, stream->ecm_id);
    simulcrypt_encode_number(encoder, SIMULCRYPT_ECMG_P_NOMINAL_CP_DURATION, nominal);
}

static void stream_up(struct simulcrypt__client *client, struct simulcrypt__client_stream *common,
                      const struct simulcrypt_message *message)
{
    struct stream *stream = (struct stream *)common;
    stream->transfer_mode = simulcrypt_message_u16(message, SIMULCRYPT_ECMG_P_ACCESS_CRITERIA_TRANSFER_MODE);
    session_of(client)->ops.stream_up(session_of(client)->context, common->head.id);
}

static void write_stream_status(struct simulcrypt__client *client,
                                const struct simulcrypt__client_stream *common,
                                struct simulcrypt_encoder *encoder)
{
    const struct stream *stream = (const struct stream *)common;
    (void)client;
    simulcrypt__write_stream_status(encoder, stream->ecm_id, stream->transfer_mode);
}

static void forget_stream(struct simulcrypt__client *client, struct simulcrypt__client_stream *common)
{
    struct stream *stream = (struct stream *)common;
    (void)client;
    stream->outstanding_count = 0;
    stream->criteria_known = false;
}

static void stream_late(struct simulcrypt__client *client, struct simulcrypt__client_stream *common)
{
    struct simulcrypt_scs_session *session = session_of(client);
    struct stream *stream = (struct stream *)common;
    unsigned position = 0;
    while (stream->outstanding[position].deadline != common->deadline)
        position++;
    if (!session->ops.provision_late) {
        fail_provision(session, stream, position, "no ECM_response in time");
        return;
    }
    struct outstanding late = remove_outstanding(session, stream, position);
    session->ops.provision_late(session->context, common->head.id, late.cp_number);
}

/* The ECMG has a stream of ours from a set-up whose answer was taken to be another error. */
static void close_forgotten(struct simulcrypt__client *client, uint16_t stream_id)
{
    simulcrypt__link_send_stream_plain(&client->link, SIMULCRYPT_ECMG_M_STREAM_CLOSE_REQUEST, stream_id);
}

static bool stream_lost(struct simulcrypt__client *client, struct simulcrypt__client_stream *common,
                        uint16_t error, const char *text)
{
    struct simulcrypt_scs_session *session = session_of(client);
    if (!session->ops.stream_down)
        return false;
    forget_stream(client, common);
    common->state = STREAM_IDLE;
    simulcrypt__client_await(client, common, SIMULCRYPT_NEVER);
    if (error == SIMULCRYPT_ECMG_STREAM_IN_USE)
        close_forgotten(client, common->head.id);
    session->ops.stream_down(session->context, common->head.id, error, text);
    return true;
}

static void mark_as_refused(struct simulcrypt__client *client)
{
    for (size_t i = 0; i < client->streams.count; i++) {
        struct stream *stream = (struct stream *)simulcrypt__client_stream_at(client, i);
        for (unsigned n = 0; n < stream->outstanding_count; n++)
            stream->outstanding[n].refused = true;
    }
}

/* Goes on at *at, once around: callbacks may have moved the streams meanwhile. */
static struct stream *find_refused(const struct simulcrypt__client *client, size_t *at, unsigned *position)
{
    for (size_t passed = 0; passed < client->streams.count; passed++, ++*at) {
        *at = *at < client->streams.count ? *at : 0;
        struct stream *stream = (struct stream *)simulcrypt__client_stream_at(client, *at);
        for (*position = 0; *position < stream->outstanding_count; ++*position)
            if (stream->outstanding[*position].refused)
                return stream;
    }
    return NULL;
}

/* Callbacks may provision anew, remove streams or end the connection. */
static void refuse_all(struct simulcrypt__client *client, const char *text)
{
    size_t at = 0;
    unsigned position;
    struct stream *stream;
    mark_as_refused(client);
    while ((stream = find_refused(client, &at, &position)))
        fail_provision(session_of(client), stream, position, text);
}

/* An error names no CP. A stream_error is taken as the answer to the oldest CW_provision of its stream, a
 * channel_error as the answer to all that are outstanding. */
static void refused(struct simulcrypt__client *client, struct simulcrypt__client_stream *common,
                    uint16_t error, const char *text)
{
    (void)error;
    if (!common)
        refuse_all(client, text);
    else if (((struct stream *)common)->outstanding_count)
        fail_provision(session_of(client), (struct stream *)common, 0, text);
}

static void take_ecm_response(struct simulcrypt__client *client, const struct simulcrypt_message *message)
{
    struct simulcrypt_scs_session *session = session_of(client);
    uint16_t stream_id = simulcrypt_message_u16(message, SIMULCRYPT_ECMG_P_ECM_STREAM_ID);
    uint16_t cp_number = simulcrypt_message_u16(message, SIMULCRYPT_ECMG_P_CP_NUMBER);
    struct simulcrypt_field ecm = simulcrypt_message_first(message, SIMULCRYPT_ECMG_P_ECM_DATAGRAM);
    struct stream *stream = (struct stream *)simulcrypt__client_find(client, stream_id);
    unsigned position = stream ? find_outstanding(stream, cp_number) : 0;
    if (!stream || position == stream->outstanding_count)
        return;
    if (session->status.packets && ecm.size % TS_PACKET_SIZE) {
        fail_provision(session, stream, position, "the ECM is not a whole number of TS packets");
        return;
    }
    struct outstanding answered = remove_outstanding(session, stream, position);
    stream->criteria_known |= answered.criteria_sent;
    session->ops.ecm(session->context, stream_id, cp_number, ecm.value, ecm.size);
}

static const struct simulcrypt__client_handler handlers[] = {
    {SIMULCRYPT_ECMG_M_ECM_RESPONSE, take_ecm_response}};

static const struct simulcrypt__client_type type = {
    .interface = &simulcrypt_ecmg_scs,
    .message_max = SIMULCRYPT_ECMG_MESSAGE_MAX,
    .peer = "ECMG",
    .handlers = handlers,
    .handler_count = 1,
    .fail = fail,
    .write_channel_setup = write_channel_setup,
    .take_channel_status = take_channel_status,
    .channel_up = channel_up,
    .write_channel_status = write_channel_status,
    .write_stream_setup = write_stream_setup,
    .stream_up = stream_up,
    .write_stream_status = write_stream_status,
    .stream_late = stream_late,
    .stream_lost = stream_lost,
    .refused = refused,
    .forget_stream = forget_stream,
};

void simulcrypt_scs_session_connected(struct simulcrypt_scs_session *session, uint64_t now_ms)
{
    simulcrypt__client_connected(&session->client, now_ms);
}

void simulcrypt_scs_session_input(struct simulcrypt_scs_session *session, const uint8_t *bytes, size_t size,
                                  uint64_t now_ms)
{
    simulcrypt__client_input(&session->client, bytes, size, now_ms);
}

void simulcrypt_scs_session_disconnected(struct simulcrypt_scs_session *session)
{
    simulcrypt__client_disconnected(&session->client);
}

uint64_t simulcrypt_scs_session_tick(struct simulcrypt_scs_session *session, uint64_t now_ms)
{
    return simulcrypt__client_tick(&session->client, now_ms);
}

int simulcrypt_scs_session_add_stream(struct simulcrypt_scs_session *session,
                                      const struct simulcrypt_scs_stream_config *config)
{
    if (config->access_criteria_size > SIMULCRYPT_ACCESS_CRITERIA_MAX)
        return -EINVAL;
    struct stream *stream = calloc(1, sizeof(*stream));
    if (!stream)
        return -ENOMEM;
    stream->common.head.id = config->stream_id;
    stream->ecm_id = config->ecm_id;
    stream->nominal_cp_duration = config->nominal_cp_duration;
    set_criteria(stream, config->access_criteria != NULL, config->access_criteria,
                 config->access_criteria_size);
    int status = simulcrypt__client_add_stream(&session->client, &stream->common);
    if (status)
        free(stream);
    return status;
}

int simulcrypt_scs_session_remove_stream(struct simulcrypt_scs_session *session, uint16_t stream_id)
{
    return simulcrypt__client_remove_stream(&session->client, stream_id);
}

/* Exactly the CWs of the crypto-periods (n + 1 + lead_CW - CW_per_msg) to (n + lead_CW), in this order. */
static bool is_exact(const struct simulcrypt_scs_session *session,
                     const struct simulcrypt_cw_provision *provision)
{
    uint16_t cp_number = simulcrypt__first_cp(&session->status, provision->cp_number);
    if (provision->cw_count != session->status.cw_per_msg ||
        provision->access_criteria_size > SIMULCRYPT_ACCESS_CRITERIA_MAX)
        return false;
    for (unsigned i = 0; i < provision->cw_count; i++)
        if (provision->cws[i].cp_number != cp_number++ || !provision->cws[i].cw_size)
            return false;
    return true;
}

static void add_cw(struct simulcrypt_encoder *encoder, const struct simulcrypt_cp_cw *cw)
{
    uint8_t *room =
        simulcrypt_encode_room(encoder, SIMULCRYPT_ECMG_P_CP_CW_COMBINATION, (size_t)2 + cw->cw_size);
    if (!room)
        return;
    base_store_u16(room, cw->cp_number);
    memcpy(room + 2, cw->cw, cw->cw_size);
}

static int send_provision(struct simulcrypt_scs_session *session, struct stream *stream,
                          const struct simulcrypt_cw_provision *provision, bool with_criteria)
{
    struct simulcrypt__link *link = &session->client.link;
    struct simulcrypt_encoder encoder =
        simulcrypt__link_begin_stream(link, SIMULCRYPT_ECMG_M_CW_PROVISION, stream->common.head.id);
    simulcrypt_encode_number(&encoder, SIMULCRYPT_ECMG_P_CP_NUMBER, provision->cp_number);
    for (unsigned i = 0; i < provision->cw_count; i++)
        add_cw(&encoder, &provision->cws[i]);
    if (provision->cp_duration)
        simulcrypt_encode_number(&encoder, SIMULCRYPT_ECMG_P_CP_DURATION, provision->cp_duration);
    if (with_criteria)
        simulcrypt_encode_bytes(&encoder, SIMULCRYPT_ECMG_P_ACCESS_CRITERIA, stream->criteria,
                                stream->criteria_size);
    int status = simulcrypt__link_send(link, &encoder);
    base_secure_zero(session->out, sizeof(session->out));
    return status;
}

int simulcrypt_scs_session_provision(struct simulcrypt_scs_session *session, uint16_t stream_id,
                                     const struct simulcrypt_cw_provision *provision, uint64_t now_ms)
{
    int status;
    struct stream *stream =
        (struct stream *)simulcrypt__client_up_stream(&session->client, stream_id, &status);
    if (!stream)
        return status;
    if (stream->outstanding_count >= session->config.outstanding_max ||
        find_outstanding(stream, provision->cp_number) < stream->outstanding_count)
        return -EBUSY;
    if (!is_exact(session, provision))
        return -EINVAL;
    session->client.now_ms = now_ms;
    if (provision->has_access_criteria)
        set_criteria(stream, true, provision->access_criteria, provision->access_criteria_size);
    bool with_criteria = stream->has_criteria && (stream->transfer_mode || !stream->criteria_known);
    stream->outstanding[stream->outstanding_count++] = (struct outstanding){
        .cp_number = provision->cp_number,
        .criteria_sent = with_criteria,
        .deadline = now_ms + session->max_comp_time + session->config.network_delay_ms,
    };
    set_deadline(&session->client, stream);
    return send_provision(session, stream, provision, with_criteria);
}

int simulcrypt_scs_session_test_stream(struct simulcrypt_scs_session *session, uint16_t stream_id)
{
    int status;
    if (simulcrypt__client_up_stream(&session->client, stream_id, &status))
        simulcrypt__link_send_stream_plain(&session->client.link, SIMULCRYPT_ECMG_M_STREAM_TEST, stream_id);
    return status;
}

int simulcrypt_scs_session_test(struct simulcrypt_scs_session *session, uint64_t now_ms)
{
    return simulcrypt__client_test(&session->client, now_ms);
}

void simulcrypt_scs_session_set_times(struct simulcrypt_scs_session *session, uint16_t max_comp_time,
                                      uint16_t min_cp_duration)
{
    session->max_comp_time = max_comp_time;
    session->min_cp_duration = min_cp_duration;
}

uint64_t simulcrypt_scs_session_errors(const struct simulcrypt_scs_session *session)
{
    return session->client.errors;
}

void simulcrypt_scs_session_close(struct simulcrypt_scs_session *session)
{
    simulcrypt__client_close(&session->client);
}

bool simulcrypt_scs_session_version_refused(const struct simulcrypt_scs_session *session)
{
    return session->client.version_refused;
}

int simulcrypt_scs_session_create(struct simulcrypt_scs_session **session,
                                  const struct simulcrypt_scs_config *config,
                                  const struct simulcrypt_scs_ops *ops, void *context)
{
    *session = NULL;
    if (!simulcrypt_version_is_known(&simulcrypt_ecmg_scs, config->version) ||
        config->outstanding_max > SIMULCRYPT_OUTSTANDING_MAX)
        return -EINVAL;
    struct simulcrypt_scs_session *made = calloc(1, sizeof(*made));
    if (!made)
        return -ENOMEM;
    made->config = *config;
    made->ops = *ops;
    made->context = context;
    if (!made->config.network_delay_ms)
        made->config.network_delay_ms = DEFAULT_NETWORK_DELAY;
    if (!made->config.outstanding_max)
        made->config.outstanding_max = 1;
    made->client.reply_timeout_ms = config->reply_timeout_ms;
    made->client.test_period_ms = config->test_period_ms;
    made->client.link.version = config->version;
    made->client.link.channel_id = config->channel_id;
    simulcrypt__client_init(&made->client, &type, ops->send, context, made->out, sizeof(made->out));
    *session = made;
    return 0;
}

void simulcrypt_scs_session_destroy(struct simulcrypt_scs_session *session)
{
    if (!session)
        return;
    simulcrypt__client_clear(&session->client);
    free(session);
}
