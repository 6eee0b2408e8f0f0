/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ETSI TS 103 197, clause 5: ECMG ⇔ SCS, what the SCS does with each message of the ECMG. */
#include "simulcrypt/scs_state.h"

#define TS_PACKET_SIZE 188

static void take_channel_status(struct simulcrypt_scs_session *session,
                                const struct simulcrypt_message *message)
{
    if (session->state != CHANNEL_ASKED)
        return;
    simulcrypt__read_channel_status(message, &session->link.status);
    if (session->link.status.cw_per_msg < 1 || session->link.status.cw_per_msg > SIMULCRYPT_CWS_MAX) {
        simulcrypt__scs_fail(session, "the ECMG asks for %u CWs per message: 1 to %d are possible",
                             session->link.status.cw_per_msg, SIMULCRYPT_CWS_MAX);
        return;
    }
    session->state = CHANNEL_UP;
    session->deadline = SIMULCRYPT_NEVER;
    session->ops.channel_up(session->context, &session->link.status);
    for (size_t i = 0; i < session->streams.count && session->state == CHANNEL_UP; i++)
        if (simulcrypt__scs_stream_at(session, i)->state == STREAM_IDLE)
            simulcrypt__scs_ask_for_stream(session, simulcrypt__scs_stream_at(session, i));
}

static void take_channel_test(struct simulcrypt_scs_session *session,
                              const struct simulcrypt_message *message)
{
    (void)message;
    simulcrypt__link_send_channel_status(&session->link);
}

/* After these the channel, or a stream of it, is lost to the ECMG; setting all up anew is the way out. */
static bool is_fatal(const struct simulcrypt_message *message)
{
    return simulcrypt__has_error(message, SIMULCRYPT_ECMG_UNSUPPORTED_VERSION) ||
           simulcrypt__has_error(message, SIMULCRYPT_ECMG_UNKNOWN_CHANNEL) ||
           simulcrypt__has_error(message, SIMULCRYPT_ECMG_UNKNOWN_STREAM) ||
           simulcrypt__has_error(message, SIMULCRYPT_ECMG_UNRECOVERABLE);
}

/* A channel_error names no message: with a set-up pending it is taken as the answer to that, else as the
 * answer to every CW_provision that is outstanding. */
static void take_channel_error(struct simulcrypt_scs_session *session,
                               const struct simulcrypt_message *message)
{
    uint16_t error = simulcrypt_message_u16(message, SIMULCRYPT_ECMG_P_ERROR_STATUS);
    const char *text = simulcrypt_ecmg_error_text(error);
    bool fatal = is_fatal(message);
    if (simulcrypt__has_error(message, SIMULCRYPT_ECMG_UNSUPPORTED_VERSION)) {
        session->version_refused = true;
        simulcrypt__scs_fail(session, "the ECMG refused protocol version %u: %s (0x%04X)",
                             session->config.version, text, error);
    }
    if (session->state == CHANNEL_ASKED)
        simulcrypt__scs_fail(session, "the ECMG refused channel_setup: %s (0x%04X)", text, error);
    for (size_t i = 0; i < session->streams.count; i++)
        fatal |= simulcrypt__scs_stream_at(session, i)->state == STREAM_ASKED;
    if (fatal)
        simulcrypt__scs_fail(session, "the ECMG reported a channel_error: %s (0x%04X)", text, error);
    for (size_t i = 0; i < session->streams.count && session->state == CHANNEL_UP; i++)
        if (simulcrypt__scs_stream_at(session, i)->outstanding)
            simulcrypt__scs_fail_provision(session, simulcrypt__scs_stream_at(session, i), text);
}

static void take_stream_status(struct simulcrypt_scs_session *session,
                               const struct simulcrypt_message *message)
{
    struct simulcrypt__scs_stream *stream = simulcrypt__scs_find(session, simulcrypt__stream_of(message));
    if (!stream || stream->state != STREAM_ASKED)
        return;
    stream->state = STREAM_UP;
    stream->deadline = SIMULCRYPT_NEVER;
    stream->transfer_mode = simulcrypt_message_u16(message, SIMULCRYPT_ECMG_P_ACCESS_CRITERIA_TRANSFER_MODE);
    session->ops.stream_up(session->context, stream->head.id);
}

static void take_stream_test(struct simulcrypt_scs_session *session, const struct simulcrypt_message *message)
{
    uint16_t stream_id = simulcrypt__stream_of(message);
    const struct simulcrypt__scs_stream *stream = simulcrypt__scs_find(session, stream_id);
    if (stream && stream->state == STREAM_UP)
        simulcrypt__link_send_stream_status(&session->link, stream_id, stream->ecm_id, stream->transfer_mode);
    else
        simulcrypt__link_send_stream_error(&session->link, stream_id, SIMULCRYPT_ECMG_UNKNOWN_STREAM,
                                           SIMULCRYPT_ECMG_P_ECM_STREAM_ID);
}

static void take_stream_error(struct simulcrypt_scs_session *session,
                              const struct simulcrypt_message *message)
{
    struct simulcrypt__scs_stream *stream = simulcrypt__scs_find(session, simulcrypt__stream_of(message));
    uint16_t error = simulcrypt_message_u16(message, SIMULCRYPT_ECMG_P_ERROR_STATUS);
    const char *text = simulcrypt_ecmg_error_text(error);
    if (!stream)
        return;
    if (simulcrypt__has_error(message, SIMULCRYPT_ECMG_UNSUPPORTED_VERSION))
        session->version_refused = true;
    if (stream->state == STREAM_ASKED)
        simulcrypt__scs_fail(session, "the ECMG refused stream_setup of stream %u: %s (0x%04X)",
                             stream->head.id, text, error);
    else if (is_fatal(message))
        simulcrypt__scs_fail(session, "the ECMG reported a stream_error for stream %u: %s (0x%04X)",
                             stream->head.id, text, error);
    else if (stream->outstanding)
        simulcrypt__scs_fail_provision(session, stream, text);
}

static void take_ecm_response(struct simulcrypt_scs_session *session,
                              const struct simulcrypt_message *message)
{
    struct simulcrypt__scs_stream *stream = simulcrypt__scs_find(session, simulcrypt__stream_of(message));
    struct simulcrypt_field ecm = simulcrypt_message_first(message, SIMULCRYPT_ECMG_P_ECM_DATAGRAM);
    uint16_t cp_number = simulcrypt_message_u16(message, SIMULCRYPT_ECMG_P_CP_NUMBER);
    if (!stream || !stream->outstanding || stream->cp_number != cp_number)
        return;
    if (session->link.status.packets && ecm.size % TS_PACKET_SIZE) {
        simulcrypt__scs_fail_provision(session, stream, "the ECM is not a whole number of TS packets");
        return;
    }
    stream->outstanding = false;
    stream->deadline = SIMULCRYPT_NEVER;
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

/* Some ECMGs put channel 0 into a channel_error when they could not read the id. */
static bool is_for_us(const struct simulcrypt_scs_session *session, const struct simulcrypt_message *message)
{
    if (message->type == SIMULCRYPT_ECMG_M_CHANNEL_ERROR)
        return true;
    return simulcrypt__channel_of(message) == session->config.channel_id &&
           (session->state == CHANNEL_UP || message->type == SIMULCRYPT_ECMG_M_CHANNEL_STATUS);
}

static bool is_test(const struct simulcrypt_message *message)
{
    return message->type == SIMULCRYPT_ECMG_M_CHANNEL_TEST || message->type == SIMULCRYPT_ECMG_M_STREAM_TEST;
}

void simulcrypt__scs_take_valid(struct simulcrypt_scs_session *session,
                                const struct simulcrypt_message *message)
{
    session->heard_ms = session->now_ms;
    if (session->state == CHANNEL_UP)
        session->deadline = SIMULCRYPT_NEVER;
    if (!is_for_us(session, message)) {
        if (is_test(message))
            simulcrypt__link_send_channel_error(&session->link, simulcrypt__channel_of(message),
                                                SIMULCRYPT_ECMG_UNKNOWN_CHANNEL,
                                                SIMULCRYPT_ECMG_P_ECM_CHANNEL_ID);
        return;
    }
    for (size_t i = 0; i < sizeof(handlers) / sizeof(*handlers); i++)
        if (handlers[i].type == message->type)
            handlers[i].take(session, message);
}

void simulcrypt__scs_take_invalid(struct simulcrypt_scs_session *session,
                                  const struct simulcrypt_message *message,
                                  const struct simulcrypt_verdict *verdict)
{
    bool too_many = session->link.receiver.invalid_messages == SIMULCRYPT_INVALID_MESSAGES_MAX;
    if (!message->definition->is_error)
        simulcrypt__link_send_channel_error(&session->link, simulcrypt__channel_of(message),
                                            verdict->error_status, verdict->error_information);
    if (too_many || session->state == CHANNEL_ASKED)
        simulcrypt__scs_fail(session, "the ECMG sent an unreadable %s: %s (error_information 0x%04X)",
                             message->definition->name, simulcrypt_ecmg_error_text(verdict->error_status),
                             verdict->error_information);
}
