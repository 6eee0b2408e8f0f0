/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ETSI TS 103 197, clause 5: ECMG ⇔ SCS, the SCS's end. */
#include "simulcrypt/scs_session.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/secret.h"
#include "simulcrypt/scs_state.h"

#define DEFAULT_REPLY_TIMEOUT 5000 /* ms */
#define DEFAULT_NETWORK_DELAY 5000 /* ms */
void simulcrypt__scs_fail(struct simulcrypt_scs_session *session, const char *format, ...)
{
    va_list arguments;
    if (!simulcrypt__scs_is_running(session))
        return;
    va_start(arguments, format);
    vsnprintf(session->why, sizeof(session->why), format, arguments);
    va_end(arguments);
    session->state = CHANNEL_FAILED;
    session->ops.fail(session->context, session->why);
}

static void set_criteria(struct simulcrypt__scs_stream *stream, bool has, const uint8_t *bytes, size_t size)
{
    stream->has_criteria = has;
    stream->criteria_known = false;
    stream->criteria_size = bytes ? (uint16_t)size : 0;
    if (stream->criteria_size)
        memcpy(stream->criteria, bytes, stream->criteria_size);
}

/* The stream is free for the next CW_provision before its owner hears of this one. */
void simulcrypt__scs_fail_provision(struct simulcrypt_scs_session *session,
                                    struct simulcrypt__scs_stream *stream, const char *why)
{
    stream->outstanding = false;
    stream->deadline = SIMULCRYPT_NEVER;
    session->ops.provision_failed(session->context, stream->head.id, stream->cp_number, why);
}

void simulcrypt__scs_ask_for_stream(struct simulcrypt_scs_session *session,
                                    struct simulcrypt__scs_stream *stream)
{
    uint16_t minimum = session->link.status.min_cp_duration;
    uint16_t nominal = stream->nominal_cp_duration > minimum ? stream->nominal_cp_duration : minimum;
    struct simulcrypt_encoder encoder =
        simulcrypt__link_begin_stream(&session->link, SIMULCRYPT_ECMG_M_STREAM_SETUP, stream->head.id);
    if (session->config.version >= 2)
        simulcrypt_encode_number(&encoder, SIMULCRYPT_ECMG_P_ECM_ID, stream->ecm_id);
    simulcrypt_encode_number(&encoder, SIMULCRYPT_ECMG_P_NOMINAL_CP_DURATION, nominal);
    stream->state = STREAM_ASKED;
    stream->deadline = session->now_ms + session->config.reply_timeout_ms;
    simulcrypt__link_send(&session->link, &encoder);
}

static void read_input(struct simulcrypt_scs_session *session, struct base_reader *input)
{
    struct simulcrypt_message message;
    struct simulcrypt_verdict verdict;
    unsigned connection = session->connection;
    int status = 1;

    while (status && session->connection == connection && simulcrypt__scs_is_running(session)) {
        status = simulcrypt__receiver_next(&session->link.receiver, input, &message, &verdict);
        if (status > 0)
            simulcrypt__scs_take_valid(session, &message);
        else if (status == BASE_E_MALFORMED)
            simulcrypt__scs_take_invalid(session, &message, &verdict);
        else if (status)
            simulcrypt__scs_fail(session, "out of memory");
    }
    if (session->connection != connection)
        simulcrypt__receiver_clear(&session->link.receiver);
}

void simulcrypt_scs_session_input(struct simulcrypt_scs_session *session, const uint8_t *bytes, size_t size,
                                  uint64_t now_ms)
{
    struct base_reader input = base_reader_of(bytes, size);
    session->now_ms = now_ms;
    session->reading = true;
    read_input(session, &input);
    session->reading = false;
}

static void forget_connection(struct simulcrypt_scs_session *session)
{
    session->state = CHANNEL_DOWN;
    session->deadline = SIMULCRYPT_NEVER;
    session->connection++;
    if (!session->reading) /* else the message being read goes on to be used */
        simulcrypt__receiver_clear(&session->link.receiver);
    for (size_t i = 0; i < session->streams.count; i++) {
        struct simulcrypt__scs_stream *stream = simulcrypt__scs_stream_at(session, i);
        stream->state = STREAM_IDLE;
        stream->deadline = SIMULCRYPT_NEVER;
        stream->outstanding = false;
        stream->criteria_known = false;
    }
}

void simulcrypt_scs_session_connected(struct simulcrypt_scs_session *session, uint64_t now_ms)
{
    forget_connection(session);
    session->now_ms = now_ms;
    session->heard_ms = now_ms;
    session->version_refused = false;
    session->state = CHANNEL_ASKED;
    session->deadline = now_ms + session->config.reply_timeout_ms;
    struct simulcrypt_encoder encoder =
        simulcrypt__link_begin(&session->link, SIMULCRYPT_ECMG_M_CHANNEL_SETUP);
    simulcrypt_encode_number(&encoder, SIMULCRYPT_ECMG_P_SUPER_CAS_ID, session->config.super_cas_id);
    simulcrypt__link_send(&session->link, &encoder);
}

void simulcrypt_scs_session_disconnected(struct simulcrypt_scs_session *session)
{
    forget_connection(session);
}

static void expire_stream(struct simulcrypt_scs_session *session, struct simulcrypt__scs_stream *stream)
{
    if (stream->state == STREAM_ASKED)
        simulcrypt__scs_fail(session, "no stream_status for stream %u within %u ms", stream->head.id,
                             session->config.reply_timeout_ms);
    else
        simulcrypt__scs_fail_provision(session, stream, "no ECM_response in time");
}

static void check_deadlines(struct simulcrypt_scs_session *session)
{
    if (session->now_ms >= session->deadline)
        simulcrypt__scs_fail(session, "no channel_status within %u ms", session->config.reply_timeout_ms);
    for (size_t i = 0; i < session->streams.count && simulcrypt__scs_is_running(session); i++)
        if (session->now_ms >= simulcrypt__scs_stream_at(session, i)->deadline)
            expire_stream(session, simulcrypt__scs_stream_at(session, i));
}

/* When a channel_test is due: SIMULCRYPT_NEVER while one is under way, or where none is wanted. */
static uint64_t test_time(const struct simulcrypt_scs_session *session)
{
    bool wanted = session->state == CHANNEL_UP && session->config.test_period_ms &&
                  session->deadline == SIMULCRYPT_NEVER;
    return wanted ? session->heard_ms + session->config.test_period_ms : SIMULCRYPT_NEVER;
}

static void test_when_due(struct simulcrypt_scs_session *session)
{
    if (session->now_ms < test_time(session))
        return;
    session->deadline = session->now_ms + session->config.reply_timeout_ms;
    struct simulcrypt_encoder encoder =
        simulcrypt__link_begin(&session->link, SIMULCRYPT_ECMG_M_CHANNEL_TEST);
    simulcrypt__link_send(&session->link, &encoder);
}

static uint64_t next_time(const struct simulcrypt_scs_session *session)
{
    uint64_t next = session->deadline < test_time(session) ? session->deadline : test_time(session);
    for (size_t i = 0; i < session->streams.count; i++)
        if (simulcrypt__scs_stream_at(session, i)->deadline < next)
            next = simulcrypt__scs_stream_at(session, i)->deadline;
    return next;
}

uint64_t simulcrypt_scs_session_tick(struct simulcrypt_scs_session *session, uint64_t now_ms)
{
    session->now_ms = now_ms;
    check_deadlines(session);
    test_when_due(session);
    return simulcrypt__scs_is_running(session) ? next_time(session) : SIMULCRYPT_NEVER;
}

int simulcrypt_scs_session_add_stream(struct simulcrypt_scs_session *session,
                                      const struct simulcrypt_scs_stream_config *config)
{
    if (simulcrypt__scs_find(session, config->stream_id))
        return -EEXIST;
    if (config->access_criteria_size > SIMULCRYPT_ACCESS_CRITERIA_MAX)
        return -EINVAL;
    struct simulcrypt__scs_stream *stream = calloc(1, sizeof(*stream));
    if (!stream)
        return -ENOMEM;
    stream->head.id = config->stream_id;
    stream->ecm_id = config->ecm_id;
    stream->nominal_cp_duration = config->nominal_cp_duration;
    stream->deadline = SIMULCRYPT_NEVER;
    set_criteria(stream, config->access_criteria != NULL, config->access_criteria,
                 config->access_criteria_size);
    if (simulcrypt__streams_insert(&session->streams, &stream->head)) {
        free(stream);
        return -ENOMEM;
    }
    if (session->state == CHANNEL_UP)
        simulcrypt__scs_ask_for_stream(session, stream);
    return 0;
}

/* Exactly the CWs of the crypto-periods (n + 1 + lead_CW - CW_per_msg) to (n + lead_CW), in this order. */
static bool is_exact(const struct simulcrypt_scs_session *session,
                     const struct simulcrypt_cw_provision *provision)
{
    uint16_t cp_number = simulcrypt__first_cp(&session->link.status, provision->cp_number);
    if (provision->cw_count != session->link.status.cw_per_msg ||
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

static struct simulcrypt_encoder encode_provision(struct simulcrypt_scs_session *session,
                                                  struct simulcrypt__scs_stream *stream,
                                                  const struct simulcrypt_cw_provision *provision)
{
    struct simulcrypt_encoder encoder =
        simulcrypt__link_begin_stream(&session->link, SIMULCRYPT_ECMG_M_CW_PROVISION, stream->head.id);
    simulcrypt_encode_number(&encoder, SIMULCRYPT_ECMG_P_CP_NUMBER, provision->cp_number);
    for (unsigned i = 0; i < provision->cw_count; i++)
        add_cw(&encoder, &provision->cws[i]);
    if (provision->cp_duration)
        simulcrypt_encode_number(&encoder, SIMULCRYPT_ECMG_P_CP_DURATION, provision->cp_duration);
    if (stream->criteria_sent)
        simulcrypt_encode_bytes(&encoder, SIMULCRYPT_ECMG_P_ACCESS_CRITERIA, stream->criteria,
                                stream->criteria_size);
    return encoder;
}

int simulcrypt_scs_session_provision(struct simulcrypt_scs_session *session, uint16_t stream_id,
                                     const struct simulcrypt_cw_provision *provision, uint64_t now_ms)
{
    struct simulcrypt__scs_stream *stream = simulcrypt__scs_find(session, stream_id);
    if (!stream)
        return -ENOENT;
    if (session->state != CHANNEL_UP || stream->state != STREAM_UP)
        return -ENOTCONN;
    if (stream->outstanding)
        return -EBUSY;
    if (!is_exact(session, provision))
        return -EINVAL;
    session->now_ms = now_ms;
    if (provision->has_access_criteria)
        set_criteria(stream, true, provision->access_criteria, provision->access_criteria_size);
    stream->criteria_sent = stream->has_criteria && (stream->transfer_mode || !stream->criteria_known);
    stream->outstanding = true;
    stream->cp_number = provision->cp_number;
    stream->deadline = now_ms + session->link.status.max_comp_time + session->config.network_delay_ms;
    struct simulcrypt_encoder encoder = encode_provision(session, stream, provision);
    int status = simulcrypt__link_send(&session->link, &encoder);
    base_secure_zero(session->link.out, sizeof(session->link.out));
    return status;
}

void simulcrypt_scs_session_close(struct simulcrypt_scs_session *session)
{
    if (!simulcrypt__scs_is_running(session))
        return;
    for (size_t i = 0; i < session->streams.count; i++) {
        const struct simulcrypt__scs_stream *stream = simulcrypt__scs_stream_at(session, i);
        if (stream->state != STREAM_UP)
            continue;
        struct simulcrypt_encoder encoder = simulcrypt__link_begin_stream(
            &session->link, SIMULCRYPT_ECMG_M_STREAM_CLOSE_REQUEST, stream->head.id);
        simulcrypt__link_send(&session->link, &encoder);
    }
    struct simulcrypt_encoder encoder =
        simulcrypt__link_begin(&session->link, SIMULCRYPT_ECMG_M_CHANNEL_CLOSE);
    simulcrypt__link_send(&session->link, &encoder);
    forget_connection(session);
}

bool simulcrypt_scs_session_version_refused(const struct simulcrypt_scs_session *session)
{
    return session->version_refused;
}

int simulcrypt_scs_session_create(struct simulcrypt_scs_session **session,
                                  const struct simulcrypt_scs_config *config,
                                  const struct simulcrypt_scs_ops *ops, void *context)
{
    *session = NULL;
    if (config->version < 1 || config->version > 3)
        return -EINVAL;
    struct simulcrypt_scs_session *made = calloc(1, sizeof(*made));
    if (!made)
        return -ENOMEM;
    made->config = *config;
    made->ops = *ops;
    made->context = context;
    if (!made->config.reply_timeout_ms)
        made->config.reply_timeout_ms = DEFAULT_REPLY_TIMEOUT;
    if (!made->config.network_delay_ms)
        made->config.network_delay_ms = DEFAULT_NETWORK_DELAY;
    made->link.send = ops->send;
    made->link.context = context;
    made->link.version = config->version;
    made->link.channel_id = config->channel_id;
    simulcrypt__receiver_init(&made->link.receiver, &simulcrypt_ecmg_scs, SIMULCRYPT_FROM_SERVER,
                              SIMULCRYPT_ECMG_MESSAGE_MAX);
    forget_connection(made);
    *session = made;
    return 0;
}

void simulcrypt_scs_session_destroy(struct simulcrypt_scs_session *session)
{
    if (!session)
        return;
    simulcrypt__receiver_clear(&session->link.receiver);
    simulcrypt__streams_clear(&session->streams);
    free(session);
}
