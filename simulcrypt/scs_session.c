/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ETSI TS 103 197, clause 5: ECMG ⇔ SCS, the SCS's end. */
#include "simulcrypt/scs_session.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/secret.h"
#include "simulcrypt/ecmg_scs_table.h"
#include "simulcrypt/framer.h"
#include "simulcrypt/streams.h"

#define DEFAULT_REPLY_TIMEOUT 5000 /* ms */
#define DEFAULT_NETWORK_DELAY 5000 /* ms */
#define INVALID_MESSAGES_MAX  3    /* in a row */
#define NEVER                 UINT64_MAX
#define TS_PACKET_SIZE        188

enum stream_state { STREAM_IDLE, STREAM_ASKED, STREAM_UP };

struct stream {
    struct simulcrypt__stream head;
    uint16_t ecm_id;
    uint16_t nominal_cp_duration;
    bool has_criteria;
    uint16_t criteria_size;
    uint8_t criteria[SIMULCRYPT_ACCESS_CRITERIA_MAX];

    enum stream_state state;
    bool transfer_mode;
    bool criteria_known; /* the ECMG has answered a CW_provision that carried them */
    bool criteria_sent;  /* the outstanding CW_provision carries them */
    bool outstanding;
    uint16_t cp_number; /* of the outstanding CW_provision */
    uint64_t deadline;  /* of stream_status or ECM_response; NEVER where none is awaited */
};

enum channel_state { CHANNEL_DOWN, CHANNEL_ASKED, CHANNEL_UP, CHANNEL_FAILED };

struct simulcrypt_scs_session {
    struct simulcrypt_scs_config config;
    struct simulcrypt_scs_ops ops;
    void *context;
    struct simulcrypt_framer framer;
    uint64_t now_ms;   /* the last time given */
    uint64_t heard_ms; /* when something last came from the ECMG */
    uint64_t deadline; /* of the answer to channel_setup or channel_test; NEVER where none is awaited */
    unsigned invalid_messages;
    enum channel_state state;
    bool version_refused;
    struct simulcrypt_channel_status status;
    struct simulcrypt__streams streams;
    char why[200];
    uint8_t out[SIMULCRYPT_HEADER_SIZE + 64 + SIMULCRYPT_CWS_MAX * (6 + UINT8_MAX) +
                SIMULCRYPT_ACCESS_CRITERIA_MAX];
};

static struct stream *find_stream(const struct simulcrypt_scs_session *session, uint16_t stream_id)
{
    return (struct stream *)simulcrypt__streams_find(&session->streams, stream_id);
}

static struct stream *stream_at(const struct simulcrypt_scs_session *session, size_t position)
{
    return (struct stream *)session->streams.items[position];
}

static bool is_running(const struct simulcrypt_scs_session *session)
{
    return session->state == CHANNEL_ASKED || session->state == CHANNEL_UP;
}

__attribute__((format(printf, 2, 3))) static void fail(struct simulcrypt_scs_session *session,
                                                       const char *format, ...)
{
    va_list arguments;
    if (!is_running(session))
        return;
    va_start(arguments, format);
    vsnprintf(session->why, sizeof(session->why), format, arguments);
    va_end(arguments);
    session->state = CHANNEL_FAILED;
    session->ops.fail(session->context, session->why);
}

static void set_criteria(struct stream *stream, const uint8_t *bytes, size_t size)
{
    stream->has_criteria = bytes != NULL;
    stream->criteria_known = false;
    stream->criteria_size = (uint16_t)size;
    if (size)
        memcpy(stream->criteria, bytes, size);
}

/* The stream is free for the next CW_provision before its owner hears of this one. */
static void fail_provision(struct simulcrypt_scs_session *session, struct stream *stream, const char *why)
{
    stream->outstanding = false;
    stream->deadline = NEVER;
    session->ops.provision_failed(session->context, stream->head.id, stream->cp_number, why);
}

static struct simulcrypt_encoder begin_for_channel(struct simulcrypt_scs_session *session, uint16_t type,
                                                   uint16_t channel_id)
{
    struct simulcrypt_encoder encoder;
    simulcrypt_encode_begin(&encoder, &simulcrypt_ecmg_scs, session->config.version, type, session->out,
                            sizeof(session->out));
    simulcrypt_encode_number(&encoder, SIMULCRYPT_ECMG_P_ECM_CHANNEL_ID, channel_id);
    return encoder;
}

static struct simulcrypt_encoder begin(struct simulcrypt_scs_session *session, uint16_t type)
{
    return begin_for_channel(session, type, session->config.channel_id);
}

static struct simulcrypt_encoder begin_for_stream(struct simulcrypt_scs_session *session, uint16_t type,
                                                  uint16_t stream_id)
{
    struct simulcrypt_encoder encoder = begin(session, type);
    simulcrypt_encode_number(&encoder, SIMULCRYPT_ECMG_P_ECM_STREAM_ID, stream_id);
    return encoder;
}

static int send_message(struct simulcrypt_scs_session *session, struct simulcrypt_encoder *encoder)
{
    ptrdiff_t size = simulcrypt_encode_end(encoder);
    if (size < 0)
        return (int)size;
    session->ops.send(session->context, session->out, (size_t)size);
    return 0;
}

static void send_bare(struct simulcrypt_scs_session *session, uint16_t type)
{
    struct simulcrypt_encoder encoder = begin(session, type);
    send_message(session, &encoder);
}

static void ask_for_stream(struct simulcrypt_scs_session *session, struct stream *stream)
{
    uint16_t minimum = session->status.min_cp_duration;
    uint16_t nominal = stream->nominal_cp_duration > minimum ? stream->nominal_cp_duration : minimum;
    struct simulcrypt_encoder encoder =
        begin_for_stream(session, SIMULCRYPT_ECMG_M_STREAM_SETUP, stream->head.id);
    if (session->config.version >= 2)
        simulcrypt_encode_number(&encoder, SIMULCRYPT_ECMG_P_ECM_ID, stream->ecm_id);
    simulcrypt_encode_number(&encoder, SIMULCRYPT_ECMG_P_NOMINAL_CP_DURATION, nominal);
    stream->state = STREAM_ASKED;
    stream->deadline = session->now_ms + session->config.reply_timeout_ms;
    send_message(session, &encoder);
}

static uint16_t number_of(const struct simulcrypt_message *message, uint16_t tag)
{
    return (uint16_t)simulcrypt_message_number(message, tag);
}

static void take_channel_status(struct simulcrypt_scs_session *session,
                                const struct simulcrypt_message *message)
{
    if (session->state != CHANNEL_ASKED)
        return;
    simulcrypt__read_channel_status(message, &session->status);
    if (session->status.cw_per_msg < 1 || session->status.cw_per_msg > SIMULCRYPT_CWS_MAX) {
        fail(session, "the ECMG asks for %u CWs per message: 1 to %d are possible",
             session->status.cw_per_msg, SIMULCRYPT_CWS_MAX);
        return;
    }
    session->state = CHANNEL_UP;
    session->deadline = NEVER;
    session->ops.channel_up(session->context, &session->status);
    for (size_t i = 0; i < session->streams.count && session->state == CHANNEL_UP; i++)
        if (stream_at(session, i)->state == STREAM_IDLE)
            ask_for_stream(session, stream_at(session, i));
}

static void take_channel_test(struct simulcrypt_scs_session *session,
                              const struct simulcrypt_message *message)
{
    (void)message;
    struct simulcrypt_encoder encoder = begin(session, SIMULCRYPT_ECMG_M_CHANNEL_STATUS);
    simulcrypt__write_channel_status(&encoder, &session->status);
    send_message(session, &encoder);
}

static bool has_error(const struct simulcrypt_message *message, uint16_t error)
{
    struct simulcrypt_field field = simulcrypt_message_first(message, SIMULCRYPT_ECMG_P_ERROR_STATUS);
    while (field.value && simulcrypt_field_number(field) != error)
        field = simulcrypt_message_next(message, SIMULCRYPT_ECMG_P_ERROR_STATUS, field);
    return field.value != NULL;
}

/* After these the channel, or a stream of it, is lost to the ECMG; setting all up anew is the way out. */
static bool is_fatal(const struct simulcrypt_message *message)
{
    return has_error(message, SIMULCRYPT_ECMG_UNSUPPORTED_VERSION) ||
           has_error(message, SIMULCRYPT_ECMG_UNKNOWN_CHANNEL) ||
           has_error(message, SIMULCRYPT_ECMG_UNKNOWN_STREAM) ||
           has_error(message, SIMULCRYPT_ECMG_UNRECOVERABLE);
}

/* A channel_error names no message: with a set-up pending it is taken as the answer to that, else as the
 * answer to every CW_provision that is outstanding. */
static void take_channel_error(struct simulcrypt_scs_session *session,
                               const struct simulcrypt_message *message)
{
    uint16_t error = number_of(message, SIMULCRYPT_ECMG_P_ERROR_STATUS);
    const char *text = simulcrypt_ecmg_error_text(error);
    bool fatal = is_fatal(message);
    if (has_error(message, SIMULCRYPT_ECMG_UNSUPPORTED_VERSION)) {
        session->version_refused = true;
        fail(session, "the ECMG refused protocol version %u: %s (0x%04X)", session->config.version, text,
             error);
    }
    if (session->state == CHANNEL_ASKED)
        fail(session, "the ECMG refused channel_setup: %s (0x%04X)", text, error);
    for (size_t i = 0; i < session->streams.count; i++)
        fatal |= stream_at(session, i)->state == STREAM_ASKED;
    if (fatal)
        fail(session, "the ECMG reported a channel_error: %s (0x%04X)", text, error);
    for (size_t i = 0; i < session->streams.count && session->state == CHANNEL_UP; i++)
        if (stream_at(session, i)->outstanding)
            fail_provision(session, stream_at(session, i), text);
}

static void take_stream_status(struct simulcrypt_scs_session *session,
                               const struct simulcrypt_message *message)
{
    struct stream *stream = find_stream(session, number_of(message, SIMULCRYPT_ECMG_P_ECM_STREAM_ID));
    if (!stream || stream->state != STREAM_ASKED)
        return;
    stream->state = STREAM_UP;
    stream->deadline = NEVER;
    stream->transfer_mode = number_of(message, SIMULCRYPT_ECMG_P_ACCESS_CRITERIA_TRANSFER_MODE);
    session->ops.stream_up(session->context, stream->head.id);
}

static void send_stream_error(struct simulcrypt_scs_session *session, uint16_t stream_id, uint16_t error)
{
    struct simulcrypt_encoder encoder = begin_for_stream(session, SIMULCRYPT_ECMG_M_STREAM_ERROR, stream_id);
    simulcrypt_encode_number(&encoder, SIMULCRYPT_ECMG_P_ERROR_STATUS, error);
    send_message(session, &encoder);
}

static void take_stream_test(struct simulcrypt_scs_session *session, const struct simulcrypt_message *message)
{
    uint16_t stream_id = number_of(message, SIMULCRYPT_ECMG_P_ECM_STREAM_ID);
    const struct stream *stream = find_stream(session, stream_id);
    if (!stream || stream->state != STREAM_UP) {
        send_stream_error(session, stream_id, SIMULCRYPT_ECMG_UNKNOWN_STREAM);
        return;
    }
    struct simulcrypt_encoder encoder = begin_for_stream(session, SIMULCRYPT_ECMG_M_STREAM_STATUS, stream_id);
    if (session->config.version >= 2)
        simulcrypt_encode_number(&encoder, SIMULCRYPT_ECMG_P_ECM_ID, stream->ecm_id);
    simulcrypt_encode_number(&encoder, SIMULCRYPT_ECMG_P_ACCESS_CRITERIA_TRANSFER_MODE,
                             stream->transfer_mode);
    send_message(session, &encoder);
}

static void take_stream_error(struct simulcrypt_scs_session *session,
                              const struct simulcrypt_message *message)
{
    struct stream *stream = find_stream(session, number_of(message, SIMULCRYPT_ECMG_P_ECM_STREAM_ID));
    uint16_t error = number_of(message, SIMULCRYPT_ECMG_P_ERROR_STATUS);
    const char *text = simulcrypt_ecmg_error_text(error);
    if (!stream)
        return;
    if (has_error(message, SIMULCRYPT_ECMG_UNSUPPORTED_VERSION))
        session->version_refused = true;
    if (stream->state == STREAM_ASKED)
        fail(session, "the ECMG refused stream_setup of stream %u: %s (0x%04X)", stream->head.id, text,
             error);
    else if (is_fatal(message))
        fail(session, "the ECMG reported a stream_error for stream %u: %s (0x%04X)", stream->head.id, text,
             error);
    else if (stream->outstanding)
        fail_provision(session, stream, text);
}

static void take_ecm_response(struct simulcrypt_scs_session *session,
                              const struct simulcrypt_message *message)
{
    struct stream *stream = find_stream(session, number_of(message, SIMULCRYPT_ECMG_P_ECM_STREAM_ID));
    struct simulcrypt_field ecm = simulcrypt_message_first(message, SIMULCRYPT_ECMG_P_ECM_DATAGRAM);
    uint16_t cp_number = number_of(message, SIMULCRYPT_ECMG_P_CP_NUMBER);
    if (!stream || !stream->outstanding || stream->cp_number != cp_number)
        return;
    if (session->status.packets && ecm.size % TS_PACKET_SIZE) {
        fail_provision(session, stream, "the ECM is not a whole number of TS packets");
        return;
    }
    stream->outstanding = false;
    stream->deadline = NEVER;
    stream->criteria_known |= stream->criteria_sent;
    session->ops.ecm(session->context, stream->head.id, cp_number, ecm.value, ecm.size);
}

static const struct {
    uint16_t type;
    void (*take)(struct simulcrypt_scs_session *session, const struct simulcrypt_message *message);
} handlers[] = {
    {SIMULCRYPT_ECMG_M_CHANNEL_TEST, take_channel_test},
    {SIMULCRYPT_ECMG_M_CHANNEL_STATUS, take_channel_status},
    {SIMULCRYPT_ECMG_M_CHANNEL_ERROR, take_channel_error},
    {SIMULCRYPT_ECMG_M_STREAM_TEST, take_stream_test},
    {SIMULCRYPT_ECMG_M_STREAM_STATUS, take_stream_status},
    {SIMULCRYPT_ECMG_M_STREAM_ERROR, take_stream_error},
    {SIMULCRYPT_ECMG_M_ECM_RESPONSE, take_ecm_response},
};

static void send_channel_error(struct simulcrypt_scs_session *session, uint16_t channel_id, uint16_t error,
                               uint16_t information)
{
    uint8_t bytes[2];
    base_store_u16(bytes, information);
    struct simulcrypt_encoder encoder =
        begin_for_channel(session, SIMULCRYPT_ECMG_M_CHANNEL_ERROR, channel_id);
    simulcrypt_encode_number(&encoder, SIMULCRYPT_ECMG_P_ERROR_STATUS, error);
    simulcrypt_encode_bytes(&encoder, SIMULCRYPT_ECMG_P_ERROR_INFORMATION, bytes, sizeof(bytes));
    send_message(session, &encoder);
}

/* Some ECMGs put channel 0 into a channel_error when they could not read the id. */
static bool is_for_us(const struct simulcrypt_scs_session *session, const struct simulcrypt_message *message)
{
    if (message->type == SIMULCRYPT_ECMG_M_CHANNEL_ERROR)
        return true;
    return number_of(message, SIMULCRYPT_ECMG_P_ECM_CHANNEL_ID) == session->config.channel_id &&
           (session->state == CHANNEL_UP || message->type == SIMULCRYPT_ECMG_M_CHANNEL_STATUS);
}

static bool is_test(const struct simulcrypt_message *message)
{
    return message->type == SIMULCRYPT_ECMG_M_CHANNEL_TEST || message->type == SIMULCRYPT_ECMG_M_STREAM_TEST;
}

static void take_valid(struct simulcrypt_scs_session *session, const struct simulcrypt_message *message)
{
    session->invalid_messages = 0;
    if (!is_for_us(session, message)) {
        if (is_test(message))
            send_channel_error(session, number_of(message, SIMULCRYPT_ECMG_P_ECM_CHANNEL_ID),
                               SIMULCRYPT_ECMG_UNKNOWN_CHANNEL, SIMULCRYPT_ECMG_P_ECM_CHANNEL_ID);
        return;
    }
    for (size_t i = 0; i < sizeof(handlers) / sizeof(*handlers); i++)
        if (handlers[i].type == message->type)
            handlers[i].take(session, message);
}

static void take_invalid(struct simulcrypt_scs_session *session, const struct simulcrypt_message *message,
                         const struct simulcrypt_verdict *verdict)
{
    if (!message->definition->is_error)
        send_channel_error(session, number_of(message, SIMULCRYPT_ECMG_P_ECM_CHANNEL_ID),
                           verdict->error_status, verdict->error_information);
    if (session->state == CHANNEL_ASKED || ++session->invalid_messages == INVALID_MESSAGES_MAX)
        fail(session, "the ECMG sent an unreadable %s: %s (error_information 0x%04X)",
             message->definition->name, simulcrypt_ecmg_error_text(verdict->error_status),
             verdict->error_information);
}

static void take_message(struct simulcrypt_scs_session *session, const uint8_t *bytes, size_t size)
{
    struct simulcrypt_message message;
    struct simulcrypt_verdict verdict;
    if (!simulcrypt_message_decode(&simulcrypt_ecmg_scs, SIMULCRYPT_FROM_SERVER, bytes, size, &message,
                                   &verdict))
        take_valid(session, &message);
    else if (verdict.fault != SIMULCRYPT_FAULT_UNKNOWN_MESSAGE) /* which is to be ignored */
        take_invalid(session, &message, &verdict);
}

static void take_too_long(struct simulcrypt_scs_session *session, const uint8_t *header, size_t size)
{
    struct simulcrypt_message message;
    struct simulcrypt_verdict verdict;
    simulcrypt_message_decode(&simulcrypt_ecmg_scs, SIMULCRYPT_FROM_SERVER, header, size, &message, &verdict);
    verdict =
        simulcrypt_verdict_of(&simulcrypt_ecmg_scs, SIMULCRYPT_FAULT_TOO_LONG, SIMULCRYPT_LENGTH_OFFSET);
    take_invalid(session, &message, &verdict);
}

void simulcrypt_scs_session_input(struct simulcrypt_scs_session *session, const uint8_t *bytes, size_t size,
                                  uint64_t now_ms)
{
    struct base_reader input = base_reader_of(bytes, size);
    const uint8_t *message;
    size_t message_size;
    int status = 1;

    session->now_ms = now_ms;
    session->heard_ms = now_ms;
    if (session->state == CHANNEL_UP)
        session->deadline = NEVER;
    while (status && is_running(session)) {
        status = simulcrypt_framer_next(&session->framer, &input, &message, &message_size);
        if (status > 0)
            take_message(session, message, message_size);
        else if (status == -EMSGSIZE)
            take_too_long(session, message, message_size);
        else if (status)
            fail(session, "out of memory");
    }
}

static void forget_connection(struct simulcrypt_scs_session *session)
{
    session->state = CHANNEL_DOWN;
    session->deadline = NEVER;
    session->invalid_messages = 0;
    simulcrypt_framer_clear(&session->framer);
    for (size_t i = 0; i < session->streams.count; i++) {
        struct stream *stream = stream_at(session, i);
        stream->state = STREAM_IDLE;
        stream->deadline = NEVER;
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
    struct simulcrypt_encoder encoder = begin(session, SIMULCRYPT_ECMG_M_CHANNEL_SETUP);
    simulcrypt_encode_number(&encoder, SIMULCRYPT_ECMG_P_SUPER_CAS_ID, session->config.super_cas_id);
    send_message(session, &encoder);
}

void simulcrypt_scs_session_disconnected(struct simulcrypt_scs_session *session)
{
    forget_connection(session);
}

static void expire_stream(struct simulcrypt_scs_session *session, struct stream *stream)
{
    if (stream->state == STREAM_ASKED)
        fail(session, "no stream_status for stream %u within %u ms", stream->head.id,
             session->config.reply_timeout_ms);
    else
        fail_provision(session, stream, "no ECM_response in time");
}

static void check_deadlines(struct simulcrypt_scs_session *session)
{
    if (session->now_ms >= session->deadline)
        fail(session, "no channel_status within %u ms", session->config.reply_timeout_ms);
    for (size_t i = 0; i < session->streams.count && is_running(session); i++)
        if (session->now_ms >= stream_at(session, i)->deadline)
            expire_stream(session, stream_at(session, i));
}

/* When a channel_test is due: NEVER while one is under way, or where none is wanted. */
static uint64_t test_time(const struct simulcrypt_scs_session *session)
{
    bool wanted =
        session->state == CHANNEL_UP && session->config.test_period_ms && session->deadline == NEVER;
    return wanted ? session->heard_ms + session->config.test_period_ms : NEVER;
}

static void test_when_due(struct simulcrypt_scs_session *session)
{
    if (session->now_ms < test_time(session))
        return;
    session->deadline = session->now_ms + session->config.reply_timeout_ms;
    send_bare(session, SIMULCRYPT_ECMG_M_CHANNEL_TEST);
}

static uint64_t next_time(const struct simulcrypt_scs_session *session)
{
    uint64_t next = session->deadline < test_time(session) ? session->deadline : test_time(session);
    for (size_t i = 0; i < session->streams.count; i++)
        if (stream_at(session, i)->deadline < next)
            next = stream_at(session, i)->deadline;
    return next;
}

uint64_t simulcrypt_scs_session_tick(struct simulcrypt_scs_session *session, uint64_t now_ms)
{
    session->now_ms = now_ms;
    check_deadlines(session);
    test_when_due(session);
    return is_running(session) ? next_time(session) : NEVER;
}

int simulcrypt_scs_session_add_stream(struct simulcrypt_scs_session *session,
                                      const struct simulcrypt_scs_stream_config *config)
{
    if (find_stream(session, config->stream_id))
        return -EEXIST;
    if (config->access_criteria_size > SIMULCRYPT_ACCESS_CRITERIA_MAX)
        return -EINVAL;
    struct stream *stream = calloc(1, sizeof(*stream));
    if (!stream)
        return -ENOMEM;
    stream->head.id = config->stream_id;
    stream->ecm_id = config->ecm_id;
    stream->nominal_cp_duration = config->nominal_cp_duration;
    stream->deadline = NEVER;
    set_criteria(stream, config->access_criteria, config->access_criteria_size);
    if (simulcrypt__streams_insert(&session->streams, &stream->head)) {
        free(stream);
        return -ENOMEM;
    }
    if (session->state == CHANNEL_UP)
        ask_for_stream(session, stream);
    return 0;
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
        if (provision->cws[i].cp_number != cp_number++)
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
                                                  struct stream *stream,
                                                  const struct simulcrypt_cw_provision *provision)
{
    struct simulcrypt_encoder encoder =
        begin_for_stream(session, SIMULCRYPT_ECMG_M_CW_PROVISION, stream->head.id);
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
    struct stream *stream = find_stream(session, stream_id);
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
        set_criteria(stream, provision->access_criteria, provision->access_criteria_size);
    stream->criteria_sent = stream->has_criteria && (stream->transfer_mode || !stream->criteria_known);
    stream->outstanding = true;
    stream->cp_number = provision->cp_number;
    stream->deadline = now_ms + session->status.max_comp_time + session->config.network_delay_ms;
    struct simulcrypt_encoder encoder = encode_provision(session, stream, provision);
    int status = send_message(session, &encoder);
    base_secure_zero(session->out, sizeof(session->out));
    return status;
}

void simulcrypt_scs_session_close(struct simulcrypt_scs_session *session)
{
    if (!is_running(session))
        return;
    for (size_t i = 0; i < session->streams.count; i++) {
        const struct stream *stream = stream_at(session, i);
        if (stream->state != STREAM_UP)
            continue;
        struct simulcrypt_encoder encoder =
            begin_for_stream(session, SIMULCRYPT_ECMG_M_STREAM_CLOSE_REQUEST, stream->head.id);
        send_message(session, &encoder);
    }
    send_bare(session, SIMULCRYPT_ECMG_M_CHANNEL_CLOSE);
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
    simulcrypt_framer_init(&made->framer, SIMULCRYPT_ECMG_MESSAGE_MAX);
    forget_connection(made);
    *session = made;
    return 0;
}

void simulcrypt_scs_session_destroy(struct simulcrypt_scs_session *session)
{
    if (!session)
        return;
    simulcrypt_framer_clear(&session->framer);
    simulcrypt__streams_clear(&session->streams);
    free(session);
}
