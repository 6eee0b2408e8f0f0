/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ETSI TS 103 197, clause 5: ECMG ⇔ SCS, the ECMG's end. */
#include "simulcrypt/ecmg_session.h"

#include <errno.h>
#include <stdlib.h>

#include "base/error.h"
#include "simulcrypt/ecmg_link.h"
#include "simulcrypt/ecmg_provision.h"
#include "simulcrypt/streams.h"

struct stream {
    struct simulcrypt__stream head;
    uint16_t ecm_id;
    bool transfer_mode;
};

struct simulcrypt_ecmg_session {
    struct simulcrypt_ecmg_ops ops;
    void *context;
    struct simulcrypt__link link; /* its version: that of the last message understood */
    bool closing;                 /* ops->close was called: nothing more is read */
    bool channel_open;
    struct simulcrypt__streams streams;
};

static struct stream *find_stream(const struct simulcrypt_ecmg_session *session, uint16_t stream_id)
{
    return (struct stream *)simulcrypt__streams_find(&session->streams, stream_id);
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
    session->ops.channel_closed(session->context, session->link.channel_id);
}

static void end_session(struct simulcrypt_ecmg_session *session, const char *why)
{
    if (session->closing)
        return;
    session->closing = true;
    close_channel(session);
    session->ops.close(session->context, why);
}

static void refuse_channel(struct simulcrypt_ecmg_session *session, uint16_t channel_id, uint16_t error,
                           int information)
{
    simulcrypt__link_send_channel_error(&session->link, channel_id, error, information);
    if (error == SIMULCRYPT_ECMG_UNRECOVERABLE)
        end_session(session, "unrecoverable error of the channel");
}

static void refuse_stream(struct simulcrypt_ecmg_session *session, uint16_t stream_id, uint16_t error,
                          int information)
{
    simulcrypt__link_send_stream_error(&session->link, stream_id, error, information);
    if (error == SIMULCRYPT_ECMG_UNRECOVERABLE && find_stream(session, stream_id))
        close_stream(session, stream_id);
}

static void send_stream_status(struct simulcrypt_ecmg_session *session, const struct stream *stream)
{
    simulcrypt__link_send_stream_status(&session->link, stream->head.id, stream->ecm_id,
                                        stream->transfer_mode);
}

/* One channel per connection (clause 4.3): a second one is refused, whatever its id. */
static void take_channel_setup(struct simulcrypt_ecmg_session *session,
                               const struct simulcrypt_message *message)
{
    uint16_t channel_id = simulcrypt__channel_of(message);
    uint32_t super_cas_id = simulcrypt_message_number(message, SIMULCRYPT_ECMG_P_SUPER_CAS_ID);
    if (session->channel_open) {
        bool same = channel_id == session->link.channel_id;
        refuse_channel(session, channel_id,
                       same ? SIMULCRYPT_ECMG_CHANNEL_IN_USE : SIMULCRYPT_ECMG_INVALID_MESSAGE,
                       SIMULCRYPT_ECMG_P_ECM_CHANNEL_ID);
        return;
    }
    session->link.status = (struct simulcrypt_channel_status){0};
    uint16_t error =
        session->ops.channel_setup(session->context, channel_id, super_cas_id, &session->link.status);
    if (!error &&
        (session->link.status.cw_per_msg < 1 || session->link.status.cw_per_msg > SIMULCRYPT_CWS_MAX))
        error = SIMULCRYPT_ECMG_UNKNOWN_ERROR;
    if (error) {
        refuse_channel(session, channel_id, error, SIMULCRYPT_NO_INFORMATION);
        return;
    }
    session->channel_open = true;
    session->link.channel_id = channel_id;
    simulcrypt__link_send_channel_status(&session->link);
}

static void take_channel_test(struct simulcrypt_ecmg_session *session,
                              const struct simulcrypt_message *message)
{
    (void)message;
    simulcrypt__link_send_channel_status(&session->link);
}

static void take_channel_close(struct simulcrypt_ecmg_session *session,
                               const struct simulcrypt_message *message)
{
    (void)message;
    end_session(session, "channel_close");
}

static void take_channel_error(struct simulcrypt_ecmg_session *session,
                               const struct simulcrypt_message *message)
{
    if (simulcrypt__has_error(message, SIMULCRYPT_ECMG_UNRECOVERABLE))
        end_session(session, "the SCS reported an unrecoverable error of the channel");
}

/* What speaks against setting up this stream: an error_status, and the parameter at fault. */
static uint16_t stream_setup_error(const struct simulcrypt_ecmg_session *session, uint16_t stream_id,
                                   uint16_t nominal_cp_duration, int *information)
{
    *information = SIMULCRYPT_ECMG_P_ECM_STREAM_ID;
    if (find_stream(session, stream_id))
        return SIMULCRYPT_ECMG_STREAM_IN_USE;
    if (session->link.status.max_streams && session->streams.count >= session->link.status.max_streams)
        return SIMULCRYPT_ECMG_TOO_MANY_STREAMS_CHANNEL;
    *information = SIMULCRYPT_ECMG_P_NOMINAL_CP_DURATION;
    if (nominal_cp_duration < session->link.status.min_cp_duration)
        return SIMULCRYPT_ECMG_INVALID_VALUE;
    *information = SIMULCRYPT_NO_INFORMATION;
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
    uint16_t error = session->ops.stream_setup(session->context, session->link.channel_id, stream->head.id,
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
        .head.id = simulcrypt__stream_of(message),
        .ecm_id = simulcrypt_message_u16(message, SIMULCRYPT_ECMG_P_ECM_ID), /* 0 where version 1 has none */
    };
    uint16_t duration = simulcrypt_message_u16(message, SIMULCRYPT_ECMG_P_NOMINAL_CP_DURATION);
    int information;
    uint16_t error = stream_setup_error(session, wanted.head.id, duration, &information);
    if (!error)
        error = open_stream(session, &wanted, duration);
    if (error)
        refuse_stream(session, wanted.head.id, error, information);
    else
        send_stream_status(session, find_stream(session, wanted.head.id));
}

static void take_stream_test(struct simulcrypt_ecmg_session *session,
                             const struct simulcrypt_message *message)
{
    send_stream_status(session, find_stream(session, simulcrypt__stream_of(message)));
}

static void take_stream_close_request(struct simulcrypt_ecmg_session *session,
                                      const struct simulcrypt_message *message)
{
    uint16_t stream_id = simulcrypt__stream_of(message);
    close_stream(session, stream_id);
    struct simulcrypt_encoder encoder =
        simulcrypt__link_begin_stream(&session->link, SIMULCRYPT_ECMG_M_STREAM_CLOSE_RESPONSE, stream_id);
    simulcrypt__link_send(&session->link, &encoder);
}

static void take_stream_error(struct simulcrypt_ecmg_session *session,
                              const struct simulcrypt_message *message)
{
    uint16_t stream_id = simulcrypt__stream_of(message);
    if (simulcrypt__has_error(message, SIMULCRYPT_ECMG_UNRECOVERABLE) && find_stream(session, stream_id))
        close_stream(session, stream_id);
}

static void take_cw_provision(struct simulcrypt_ecmg_session *session,
                              const struct simulcrypt_message *message)
{
    uint16_t stream_id = simulcrypt__stream_of(message);
    struct simulcrypt_cw_provision provision;
    int information;
    uint16_t error =
        simulcrypt__read_provision(message, &session->link.status,
                                   find_stream(session, stream_id)->transfer_mode, &provision, &information);
    if (!error) {
        information = SIMULCRYPT_NO_INFORMATION;
        error = session->ops.cw_provision(session->context, stream_id, &provision);
    }
    if (error)
        refuse_stream(session, stream_id, error, information);
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
    uint16_t channel_id = simulcrypt__channel_of(message);
    uint16_t stream_id = simulcrypt__stream_of(message);
    if (message->type == SIMULCRYPT_ECMG_M_CHANNEL_SETUP || message->definition->is_error)
        return true;
    if (!session->channel_open || channel_id != session->link.channel_id) {
        refuse_channel(session, channel_id, SIMULCRYPT_ECMG_UNKNOWN_CHANNEL,
                       SIMULCRYPT_ECMG_P_ECM_CHANNEL_ID);
        return false;
    }
    if (message->type == SIMULCRYPT_ECMG_M_STREAM_SETUP ||
        !simulcrypt_message_count(message, SIMULCRYPT_ECMG_P_ECM_STREAM_ID) ||
        find_stream(session, stream_id))
        return true;
    refuse_stream(session, stream_id, SIMULCRYPT_ECMG_UNKNOWN_STREAM, SIMULCRYPT_ECMG_P_ECM_STREAM_ID);
    return false;
}

static void take_valid(struct simulcrypt_ecmg_session *session, const struct simulcrypt_message *message)
{
    session->link.version = message->version;
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
    uint16_t channel_id = simulcrypt__channel_of(message);
    uint16_t stream_id = simulcrypt__stream_of(message);
    uint8_t version = session->link.version;
    session->link.version = message->version;
    if (session->channel_open && channel_id == session->link.channel_id &&
        simulcrypt_message_count(message, SIMULCRYPT_ECMG_P_ECM_STREAM_ID) && find_stream(session, stream_id))
        refuse_stream(session, stream_id, verdict->error_status, verdict->error_information);
    else
        refuse_channel(session, channel_id, verdict->error_status, verdict->error_information);
    session->link.version = version;
}

static void take_invalid(struct simulcrypt_ecmg_session *session, const struct simulcrypt_message *message,
                         const struct simulcrypt_verdict *verdict)
{
    if (!message->definition->is_error)
        answer_invalid(session, message, verdict);
    if (session->link.receiver.invalid_messages == SIMULCRYPT_INVALID_MESSAGES_MAX)
        end_session(session, "three invalid messages in a row");
}

void simulcrypt_ecmg_session_input(struct simulcrypt_ecmg_session *session, const uint8_t *bytes, size_t size,
                                   uint64_t now_ms)
{
    struct base_reader input = base_reader_of(bytes, size);
    struct simulcrypt_message message;
    struct simulcrypt_verdict verdict;
    int status = 1;

    (void)now_ms; /* nothing at this end is timed */
    while (status && !session->closing) {
        status = simulcrypt__receiver_next(&session->link.receiver, &input, &message, &verdict);
        if (status > 0)
            take_valid(session, &message);
        else if (status == BASE_E_MALFORMED)
            take_invalid(session, &message, &verdict);
        else if (status)
            end_session(session, "out of memory");
    }
    if (session->closing)
        simulcrypt__receiver_clear(&session->link.receiver);
}

int simulcrypt_ecmg_session_ecm_response(struct simulcrypt_ecmg_session *session, uint16_t stream_id,
                                         uint16_t cp_number, const uint8_t *datagram, size_t size)
{
    if (!find_stream(session, stream_id))
        return -ENOENT;
    if (size > SIMULCRYPT_ECM_DATAGRAM_MAX)
        return -EMSGSIZE;
    struct simulcrypt_encoder encoder =
        simulcrypt__link_begin_stream(&session->link, SIMULCRYPT_ECMG_M_ECM_RESPONSE, stream_id);
    simulcrypt_encode_number(&encoder, SIMULCRYPT_ECMG_P_CP_NUMBER, cp_number);
    simulcrypt_encode_bytes(&encoder, SIMULCRYPT_ECMG_P_ECM_DATAGRAM, datagram, size);
    return simulcrypt__link_send(&session->link, &encoder);
}

int simulcrypt_ecmg_session_stream_error(struct simulcrypt_ecmg_session *session, uint16_t stream_id,
                                         uint16_t error)
{
    if (!find_stream(session, stream_id))
        return -ENOENT;
    refuse_stream(session, stream_id, error, SIMULCRYPT_NO_INFORMATION);
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
    made->link.send = ops->send;
    made->link.context = context;
    simulcrypt__receiver_init(&made->link.receiver, &simulcrypt_ecmg_scs, SIMULCRYPT_FROM_CLIENT,
                              SIMULCRYPT_ECMG_MESSAGE_MAX);
    return 0;
}

void simulcrypt_ecmg_session_destroy(struct simulcrypt_ecmg_session *session)
{
    if (!session)
        return;
    close_channel(session);
    simulcrypt__receiver_clear(&session->link.receiver);
    simulcrypt__streams_clear(&session->streams);
    free(session);
}
