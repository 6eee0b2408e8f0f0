/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ETSI TS 103 197, clause 5: ECMG ⇔ SCS, the ECMG's end. */
#include "simulcrypt/ecmg_session.h"

#include <errno.h>
#include <stdlib.h>

#include "base/secret.h"
#include "simulcrypt/ecmg_scs_table.h"
#include "simulcrypt/framer.h"
#include "simulcrypt/streams.h"

#define INVALID_MESSAGES_MAX 3    /* in a row; then the connection is closed */
#define NO_INFORMATION       (-1) /* an error without error_information */

struct stream {
    struct simulcrypt__stream head;
    uint16_t ecm_id;
    bool transfer_mode;
};

struct simulcrypt_ecmg_session {
    struct simulcrypt_ecmg_ops ops;
    void *context;
    struct simulcrypt_framer framer;
    uint8_t version; /* of the last message understood; ours bear the same */
    unsigned invalid_messages;
    bool closing; /* ops->close was called: nothing more is read or sent */
    bool channel_open;
    uint16_t channel_id;
    struct simulcrypt_channel_status status;
    struct simulcrypt__streams streams;
    uint8_t out[SIMULCRYPT_HEADER_SIZE + 64 + SIMULCRYPT_ECM_DATAGRAM_MAX];
};

static struct stream *find_stream(const struct simulcrypt_ecmg_session *session, uint16_t stream_id)
{
    return (struct stream *)simulcrypt__streams_find(&session->streams, stream_id);
}

/* A message of ours begins with the ids of its channel. */
static struct simulcrypt_encoder begin(struct simulcrypt_ecmg_session *session, uint16_t type,
                                       uint16_t channel_id)
{
    struct simulcrypt_encoder encoder;
    simulcrypt_encode_begin(&encoder, &simulcrypt_ecmg_scs, session->version, type, session->out,
                            sizeof(session->out));
    simulcrypt_encode_number(&encoder, SIMULCRYPT_ECMG_P_ECM_CHANNEL_ID, channel_id);
    return encoder;
}

static int send_message(struct simulcrypt_ecmg_session *session, struct simulcrypt_encoder *encoder)
{
    ptrdiff_t size = simulcrypt_encode_end(encoder);
    if (size < 0)
        return (int)size;
    session->ops.send(session->context, session->out, (size_t)size);
    return 0;
}

static void close_stream(struct simulcrypt_ecmg_session *session, uint16_t stream_id)
{
    simulcrypt__streams_remove(&session->streams, stream_id);
    session->ops.stream_closed(session->context, stream_id);
}

static void close_channel(struct simulcrypt_ecmg_session *session)
{
    if (!session->channel_open)
        return;
    while (session->streams.count)
        close_stream(session, session->streams.items[session->streams.count - 1]->id);
    session->channel_open = false;
    session->ops.channel_closed(session->context, session->channel_id);
}

static void end_session(struct simulcrypt_ecmg_session *session, const char *why)
{
    if (session->closing)
        return;
    session->closing = true;
    close_channel(session);
    session->ops.close(session->context, why);
}

static void add_error(struct simulcrypt_encoder *encoder, uint16_t error, int information)
{
    uint8_t bytes[2];
    simulcrypt_encode_number(encoder, SIMULCRYPT_ECMG_P_ERROR_STATUS, error);
    if (information == NO_INFORMATION)
        return;
    base_store_u16(bytes, (uint16_t)information);
    simulcrypt_encode_bytes(encoder, SIMULCRYPT_ECMG_P_ERROR_INFORMATION, bytes, sizeof(bytes));
}

static void send_channel_error(struct simulcrypt_ecmg_session *session, uint16_t channel_id, uint16_t error,
                               int information)
{
    struct simulcrypt_encoder encoder = begin(session, SIMULCRYPT_ECMG_M_CHANNEL_ERROR, channel_id);
    add_error(&encoder, error, information);
    send_message(session, &encoder);
    if (error == SIMULCRYPT_ECMG_UNRECOVERABLE)
        end_session(session, "unrecoverable error of the channel");
}

static void send_stream_error(struct simulcrypt_ecmg_session *session, uint16_t stream_id, uint16_t error,
                              int information)
{
    struct simulcrypt_encoder encoder = begin(session, SIMULCRYPT_ECMG_M_STREAM_ERROR, session->channel_id);
    simulcrypt_encode_number(&encoder, SIMULCRYPT_ECMG_P_ECM_STREAM_ID, stream_id);
    add_error(&encoder, error, information);
    send_message(session, &encoder);
    if (error == SIMULCRYPT_ECMG_UNRECOVERABLE && find_stream(session, stream_id))
        close_stream(session, stream_id);
}

static void send_channel_status(struct simulcrypt_ecmg_session *session)
{
    struct simulcrypt_encoder encoder = begin(session, SIMULCRYPT_ECMG_M_CHANNEL_STATUS, session->channel_id);
    simulcrypt__write_channel_status(&encoder, &session->status);
    send_message(session, &encoder);
}

static void send_stream_status(struct simulcrypt_ecmg_session *session, const struct stream *stream)
{
    struct simulcrypt_encoder encoder = begin(session, SIMULCRYPT_ECMG_M_STREAM_STATUS, session->channel_id);
    simulcrypt_encode_number(&encoder, SIMULCRYPT_ECMG_P_ECM_STREAM_ID, stream->head.id);
    if (session->version >= 2)
        simulcrypt_encode_number(&encoder, SIMULCRYPT_ECMG_P_ECM_ID, stream->ecm_id);
    simulcrypt_encode_number(&encoder, SIMULCRYPT_ECMG_P_ACCESS_CRITERIA_TRANSFER_MODE,
                             stream->transfer_mode);
    send_message(session, &encoder);
}

static uint16_t number_of(const struct simulcrypt_message *message, uint16_t tag)
{
    return (uint16_t)simulcrypt_message_number(message, tag);
}

/* One channel per connection (clause 4.3): a second one is refused, whatever its id. */
static void take_channel_setup(struct simulcrypt_ecmg_session *session,
                               const struct simulcrypt_message *message)
{
    uint16_t channel_id = number_of(message, SIMULCRYPT_ECMG_P_ECM_CHANNEL_ID);
    uint32_t super_cas_id = simulcrypt_message_number(message, SIMULCRYPT_ECMG_P_SUPER_CAS_ID);
    if (session->channel_open) {
        bool same = channel_id == session->channel_id;
        send_channel_error(session, channel_id,
                           same ? SIMULCRYPT_ECMG_CHANNEL_IN_USE : SIMULCRYPT_ECMG_INVALID_MESSAGE,
                           SIMULCRYPT_ECMG_P_ECM_CHANNEL_ID);
        return;
    }
    session->status = (struct simulcrypt_channel_status){0};
    uint16_t error = session->ops.channel_setup(session->context, channel_id, super_cas_id, &session->status);
    if (!error && (session->status.cw_per_msg < 1 || session->status.cw_per_msg > SIMULCRYPT_CWS_MAX))
        error = SIMULCRYPT_ECMG_UNKNOWN_ERROR;
    if (error) {
        send_channel_error(session, channel_id, error, NO_INFORMATION);
        return;
    }
    session->channel_open = true;
    session->channel_id = channel_id;
    send_channel_status(session);
}

static void take_channel_test(struct simulcrypt_ecmg_session *session,
                              const struct simulcrypt_message *message)
{
    (void)message;
    send_channel_status(session);
}

static void take_channel_close(struct simulcrypt_ecmg_session *session,
                               const struct simulcrypt_message *message)
{
    (void)message;
    end_session(session, "channel_close");
}

static bool has_unrecoverable_error(const struct simulcrypt_message *message)
{
    struct simulcrypt_field field = simulcrypt_message_first(message, SIMULCRYPT_ECMG_P_ERROR_STATUS);
    while (field.value) {
        if (simulcrypt_field_number(field) == SIMULCRYPT_ECMG_UNRECOVERABLE)
            return true;
        field = simulcrypt_message_next(message, SIMULCRYPT_ECMG_P_ERROR_STATUS, field);
    }
    return false;
}

static void take_channel_error(struct simulcrypt_ecmg_session *session,
                               const struct simulcrypt_message *message)
{
    if (has_unrecoverable_error(message))
        end_session(session, "the SCS reported an unrecoverable error of the channel");
}

/* What speaks against setting up this stream: an error_status, and the parameter at fault. */
static uint16_t stream_setup_error(const struct simulcrypt_ecmg_session *session, uint16_t stream_id,
                                   uint16_t nominal_cp_duration, int *information)
{
    *information = SIMULCRYPT_ECMG_P_ECM_STREAM_ID;
    if (find_stream(session, stream_id))
        return SIMULCRYPT_ECMG_STREAM_IN_USE;
    if (session->status.max_streams && session->streams.count >= session->status.max_streams)
        return SIMULCRYPT_ECMG_TOO_MANY_STREAMS_CHANNEL;
    *information = SIMULCRYPT_ECMG_P_NOMINAL_CP_DURATION;
    if (nominal_cp_duration < session->status.min_cp_duration)
        return SIMULCRYPT_ECMG_INVALID_VALUE;
    *information = NO_INFORMATION;
    return SIMULCRYPT_ECMG_OK;
}

/* Asks the owner, and keeps the stream where it agrees. */
static uint16_t open_stream(struct simulcrypt_ecmg_session *session, const struct stream *wanted,
                            uint16_t duration)
{
    struct stream *stream = malloc(sizeof(*stream));
    if (!stream)
        return SIMULCRYPT_ECMG_OUT_OF_STORAGE;
    *stream = *wanted;
    uint16_t error = session->ops.stream_setup(session->context, session->channel_id, stream->head.id,
                                               stream->ecm_id, duration, &stream->transfer_mode);
    if (!error && simulcrypt__streams_insert(&session->streams, &stream->head)) {
        session->ops.stream_closed(session->context, stream->head.id);
        error = SIMULCRYPT_ECMG_OUT_OF_STORAGE;
    }
    if (error)
        free(stream);
    return error;
}

static void take_stream_setup(struct simulcrypt_ecmg_session *session,
                              const struct simulcrypt_message *message)
{
    struct stream wanted = {
        .head.id = number_of(message, SIMULCRYPT_ECMG_P_ECM_STREAM_ID),
        .ecm_id = number_of(message, SIMULCRYPT_ECMG_P_ECM_ID), /* 0 where version 1 has none */
    };
    uint16_t duration = number_of(message, SIMULCRYPT_ECMG_P_NOMINAL_CP_DURATION);
    int information;
    uint16_t error = stream_setup_error(session, wanted.head.id, duration, &information);
    if (!error)
        error = open_stream(session, &wanted, duration);
    if (error)
        send_stream_error(session, wanted.head.id, error, information);
    else
        send_stream_status(session, find_stream(session, wanted.head.id));
}

static void take_stream_test(struct simulcrypt_ecmg_session *session,
                             const struct simulcrypt_message *message)
{
    send_stream_status(session, find_stream(session, number_of(message, SIMULCRYPT_ECMG_P_ECM_STREAM_ID)));
}

static void take_stream_close_request(struct simulcrypt_ecmg_session *session,
                                      const struct simulcrypt_message *message)
{
    uint16_t stream_id = number_of(message, SIMULCRYPT_ECMG_P_ECM_STREAM_ID);
    close_stream(session, stream_id);
    struct simulcrypt_encoder encoder =
        begin(session, SIMULCRYPT_ECMG_M_STREAM_CLOSE_RESPONSE, session->channel_id);
    simulcrypt_encode_number(&encoder, SIMULCRYPT_ECMG_P_ECM_STREAM_ID, stream_id);
    send_message(session, &encoder);
}

static void take_stream_error(struct simulcrypt_ecmg_session *session,
                              const struct simulcrypt_message *message)
{
    uint16_t stream_id = number_of(message, SIMULCRYPT_ECMG_P_ECM_STREAM_ID);
    if (has_unrecoverable_error(message) && find_stream(session, stream_id))
        close_stream(session, stream_id);
}

/* One CP_CW_combination into its place. An SCS may send more than lead_CW and CW_per_msg ask for (some always
 * send those of n and n + 1): what has no place is passed over. False where a CP has two different CWs. */
static bool take_cw(struct simulcrypt_cw_provision *provision, uint16_t first, struct simulcrypt_field field)
{
    struct simulcrypt_cp_cw taken = {
        .cp_number = base_load_u16(field.value),
        .cw_size = (uint8_t)(field.size - 2),
        .cw = field.value + 2,
    };
    uint16_t place = (uint16_t)(taken.cp_number - first);
    if (place >= provision->cw_count)
        return true;
    struct simulcrypt_cp_cw *cw = &provision->cws[place];
    if (cw->cw && !base_secure_equal(cw->cw, cw->cw_size, taken.cw, taken.cw_size))
        return false;
    *cw = taken;
    return true;
}

/* The CWs of the crypto-periods (n + 1 + lead_CW - CW_per_msg) to (n + lead_CW), in this order. */
static uint16_t collect_cws(const struct simulcrypt_channel_status *status,
                            const struct simulcrypt_message *message,
                            struct simulcrypt_cw_provision *provision)
{
    uint16_t first = simulcrypt__first_cp(status, provision->cp_number);
    struct simulcrypt_field field = simulcrypt_message_first(message, SIMULCRYPT_ECMG_P_CP_CW_COMBINATION);
    provision->cw_count = status->cw_per_msg;
    while (field.value) {
        if (!take_cw(provision, first, field))
            return SIMULCRYPT_ECMG_INVALID_VALUE;
        field = simulcrypt_message_next(message, SIMULCRYPT_ECMG_P_CP_CW_COMBINATION, field);
    }
    for (unsigned i = 0; i < provision->cw_count; i++)
        if (!provision->cws[i].cw)
            return SIMULCRYPT_ECMG_NOT_ENOUGH_CWS;
    return SIMULCRYPT_ECMG_OK;
}

static uint16_t read_provision(const struct simulcrypt_ecmg_session *session, const struct stream *stream,
                               const struct simulcrypt_message *message,
                               struct simulcrypt_cw_provision *provision, int *information)
{
    struct simulcrypt_field criteria = simulcrypt_message_first(message, SIMULCRYPT_ECMG_P_ACCESS_CRITERIA);
    *provision = (struct simulcrypt_cw_provision){
        .cp_number = number_of(message, SIMULCRYPT_ECMG_P_CP_NUMBER),
        .cp_duration = number_of(message, SIMULCRYPT_ECMG_P_CP_DURATION),
        .has_access_criteria = criteria.value != NULL,
        .access_criteria_size = criteria.size,
        .access_criteria = criteria.value,
    };
    /* Annex D: these CWs are encrypted; an ECM that carried them as they are would open nothing. */
    *information = SIMULCRYPT_ECMG_P_CW_ENCRYPTION;
    if (simulcrypt_message_count(message, SIMULCRYPT_ECMG_P_CW_ENCRYPTION))
        return SIMULCRYPT_ECMG_UNKNOWN_PARAMETER;
    *information = SIMULCRYPT_ECMG_P_ACCESS_CRITERIA;
    if (stream->transfer_mode && !criteria.value)
        return SIMULCRYPT_ECMG_MISSING_PARAMETER;
    *information = SIMULCRYPT_ECMG_P_CP_CW_COMBINATION;
    return collect_cws(&session->status, message, provision);
}

static void take_cw_provision(struct simulcrypt_ecmg_session *session,
                              const struct simulcrypt_message *message)
{
    uint16_t stream_id = number_of(message, SIMULCRYPT_ECMG_P_ECM_STREAM_ID);
    struct simulcrypt_cw_provision provision;
    int information;
    uint16_t error =
        read_provision(session, find_stream(session, stream_id), message, &provision, &information);
    if (!error) {
        information = NO_INFORMATION;
        error = session->ops.cw_provision(session->context, stream_id, &provision);
    }
    if (error)
        send_stream_error(session, stream_id, error, information);
}

static const struct {
    uint16_t type;
    void (*take)(struct simulcrypt_ecmg_session *session, const struct simulcrypt_message *message);
} handlers[] = {
    {SIMULCRYPT_ECMG_M_CHANNEL_SETUP, take_channel_setup},
    {SIMULCRYPT_ECMG_M_CHANNEL_TEST, take_channel_test},
    {SIMULCRYPT_ECMG_M_CHANNEL_CLOSE, take_channel_close},
    {SIMULCRYPT_ECMG_M_CHANNEL_ERROR, take_channel_error},
    {SIMULCRYPT_ECMG_M_STREAM_SETUP, take_stream_setup},
    {SIMULCRYPT_ECMG_M_STREAM_TEST, take_stream_test},
    {SIMULCRYPT_ECMG_M_STREAM_CLOSE_REQUEST, take_stream_close_request},
    {SIMULCRYPT_ECMG_M_STREAM_ERROR, take_stream_error},
    {SIMULCRYPT_ECMG_M_CW_PROVISION, take_cw_provision},
};

/* A message about a channel or stream that is not there is refused here, once for all types. */
static bool addresses_exist(struct simulcrypt_ecmg_session *session, const struct simulcrypt_message *message)
{
    uint16_t channel_id = number_of(message, SIMULCRYPT_ECMG_P_ECM_CHANNEL_ID);
    uint16_t stream_id = number_of(message, SIMULCRYPT_ECMG_P_ECM_STREAM_ID);
    if (message->type == SIMULCRYPT_ECMG_M_CHANNEL_SETUP || message->definition->is_error)
        return true;
    if (!session->channel_open || channel_id != session->channel_id) {
        send_channel_error(session, channel_id, SIMULCRYPT_ECMG_UNKNOWN_CHANNEL,
                           SIMULCRYPT_ECMG_P_ECM_CHANNEL_ID);
        return false;
    }
    if (message->type == SIMULCRYPT_ECMG_M_STREAM_SETUP ||
        !simulcrypt_message_count(message, SIMULCRYPT_ECMG_P_ECM_STREAM_ID) ||
        find_stream(session, stream_id))
        return true;
    send_stream_error(session, stream_id, SIMULCRYPT_ECMG_UNKNOWN_STREAM, SIMULCRYPT_ECMG_P_ECM_STREAM_ID);
    return false;
}

static void take_valid(struct simulcrypt_ecmg_session *session, const struct simulcrypt_message *message)
{
    session->invalid_messages = 0;
    session->version = message->version;
    if (!addresses_exist(session, message))
        return;
    for (size_t i = 0; i < sizeof(handlers) / sizeof(*handlers); i++)
        if (handlers[i].type == message->type)
            handlers[i].take(session, message);
}

/* The answer goes to the stream where that is known, else to the channel that the message names, if any. It
 * bears the version that it answers, even one that is not understood. */
static void answer_invalid(struct simulcrypt_ecmg_session *session, const struct simulcrypt_message *message,
                           const struct simulcrypt_verdict *verdict)
{
    uint16_t channel_id = number_of(message, SIMULCRYPT_ECMG_P_ECM_CHANNEL_ID);
    uint16_t stream_id = number_of(message, SIMULCRYPT_ECMG_P_ECM_STREAM_ID);
    uint8_t version = session->version;
    session->version = message->version;
    if (session->channel_open && channel_id == session->channel_id &&
        simulcrypt_message_count(message, SIMULCRYPT_ECMG_P_ECM_STREAM_ID) && find_stream(session, stream_id))
        send_stream_error(session, stream_id, verdict->error_status, verdict->error_information);
    else
        send_channel_error(session, channel_id, verdict->error_status, verdict->error_information);
    session->version = version;
}

static void take_invalid(struct simulcrypt_ecmg_session *session, const struct simulcrypt_message *message,
                         const struct simulcrypt_verdict *verdict)
{
    if (!message->definition->is_error)
        answer_invalid(session, message, verdict);
    if (++session->invalid_messages == INVALID_MESSAGES_MAX)
        end_session(session, "three invalid messages in a row");
}

static void take_message(struct simulcrypt_ecmg_session *session, const uint8_t *bytes, size_t size)
{
    struct simulcrypt_message message;
    struct simulcrypt_verdict verdict;
    if (!simulcrypt_message_decode(&simulcrypt_ecmg_scs, SIMULCRYPT_FROM_CLIENT, bytes, size, &message,
                                   &verdict))
        take_valid(session, &message);
    else if (verdict.fault != SIMULCRYPT_FAULT_UNKNOWN_MESSAGE) /* which is to be ignored */
        take_invalid(session, &message, &verdict);
}

static void take_too_long(struct simulcrypt_ecmg_session *session, const uint8_t *header, size_t size)
{
    struct simulcrypt_message message;
    struct simulcrypt_verdict verdict;
    simulcrypt_message_decode(&simulcrypt_ecmg_scs, SIMULCRYPT_FROM_CLIENT, header, size, &message, &verdict);
    verdict =
        simulcrypt_verdict_of(&simulcrypt_ecmg_scs, SIMULCRYPT_FAULT_TOO_LONG, SIMULCRYPT_LENGTH_OFFSET);
    take_invalid(session, &message, &verdict);
}

void simulcrypt_ecmg_session_input(struct simulcrypt_ecmg_session *session, const uint8_t *bytes, size_t size,
                                   uint64_t now_ms)
{
    struct base_reader input = base_reader_of(bytes, size);
    const uint8_t *message;
    size_t message_size;
    int status = 1;

    (void)now_ms; /* nothing at this end is timed */
    while (status && !session->closing) {
        status = simulcrypt_framer_next(&session->framer, &input, &message, &message_size);
        if (status > 0)
            take_message(session, message, message_size);
        else if (status == -EMSGSIZE)
            take_too_long(session, message, message_size);
        else if (status)
            end_session(session, "out of memory");
    }
    if (session->closing)
        simulcrypt_framer_clear(&session->framer);
}

int simulcrypt_ecmg_session_ecm_response(struct simulcrypt_ecmg_session *session, uint16_t stream_id,
                                         uint16_t cp_number, const uint8_t *datagram, size_t size)
{
    if (!find_stream(session, stream_id))
        return -ENOENT;
    if (size > SIMULCRYPT_ECM_DATAGRAM_MAX)
        return -EMSGSIZE;
    struct simulcrypt_encoder encoder = begin(session, SIMULCRYPT_ECMG_M_ECM_RESPONSE, session->channel_id);
    simulcrypt_encode_number(&encoder, SIMULCRYPT_ECMG_P_ECM_STREAM_ID, stream_id);
    simulcrypt_encode_number(&encoder, SIMULCRYPT_ECMG_P_CP_NUMBER, cp_number);
    simulcrypt_encode_bytes(&encoder, SIMULCRYPT_ECMG_P_ECM_DATAGRAM, datagram, size);
    return send_message(session, &encoder);
}

int simulcrypt_ecmg_session_stream_error(struct simulcrypt_ecmg_session *session, uint16_t stream_id,
                                         uint16_t error)
{
    if (!find_stream(session, stream_id))
        return -ENOENT;
    send_stream_error(session, stream_id, error, NO_INFORMATION);
    return 0;
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
    simulcrypt_framer_init(&made->framer, SIMULCRYPT_ECMG_MESSAGE_MAX);
    return 0;
}

void simulcrypt_ecmg_session_destroy(struct simulcrypt_ecmg_session *session)
{
    if (!session)
        return;
    close_channel(session);
    simulcrypt_framer_clear(&session->framer);
    simulcrypt__streams_clear(&session->streams);
    free(session);
}
