/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ETSI TS 103 197, clause 4.3: channels and streams, what the client does with each message of the server. */
#include "simulcrypt/client.h"

static uint16_t fault(const struct simulcrypt__client *client, enum simulcrypt_fault fault)
{
    return client->type->interface->errors[fault];
}

static uint16_t role(const struct simulcrypt__client *client, enum simulcrypt_role role)
{
    return client->type->interface->roles[role];
}

void simulcrypt__client_ask_for_stream(struct simulcrypt__client *client,
                                       struct simulcrypt__client_stream *stream)
{
    struct simulcrypt_encoder encoder =
        simulcrypt__link_begin_stream(&client->link, role(client, SIMULCRYPT_STREAM_SETUP), stream->head.id);
    client->type->write_stream_setup(client, stream, &encoder);
    stream->state = STREAM_ASKED;
    simulcrypt__client_await(client, stream,
                             client->reading ? client->now_ms + client->reply_timeout_ms
                                             : SIMULCRYPT_FROM_NEXT_TICK);
    simulcrypt__link_send(&client->link, &encoder);
}

static void take_channel_status(struct simulcrypt__client *client, const struct simulcrypt_message *message)
{
    if (client->state != CHANNEL_ASKED || !client->type->take_channel_status(client, message))
        return;
    client->state = CHANNEL_UP;
    client->deadline = SIMULCRYPT_NEVER;
    client->type->channel_up(client, message);
    for (size_t i = 0; i < client->streams.count && client->state == CHANNEL_UP; i++)
        if (simulcrypt__client_stream_at(client, i)->state == STREAM_IDLE)
            simulcrypt__client_ask_for_stream(client, simulcrypt__client_stream_at(client, i));
}

static void answer_channel_test(struct simulcrypt__client *client)
{
    struct simulcrypt_encoder encoder =
        simulcrypt__link_begin(&client->link, role(client, SIMULCRYPT_CHANNEL_STATUS));
    client->type->write_channel_status(client, &encoder);
    simulcrypt__link_send(&client->link, &encoder);
}

static bool names_fault(const struct simulcrypt__client *client, const struct simulcrypt_message *message,
                        enum simulcrypt_fault named)
{
    uint16_t error = fault(client, named);
    return error && error != SIMULCRYPT_UNKNOWN_ERROR && simulcrypt__has_error(message, error);
}

/* After these the channel is lost to the server; setting all up anew is the way out. */
static bool ends_channel(const struct simulcrypt__client *client, const struct simulcrypt_message *message)
{
    return names_fault(client, message, SIMULCRYPT_FAULT_VERSION) ||
           names_fault(client, message, SIMULCRYPT_FAULT_UNKNOWN_CHANNEL);
}

/* And after these the channel or the stream that the message is about. */
static bool is_fatal(const struct simulcrypt__client *client, const struct simulcrypt_message *message)
{
    bool streams = client->type->write_stream_setup != NULL;
    return ends_channel(client, message) ||
           (streams && names_fault(client, message, SIMULCRYPT_FAULT_UNKNOWN_STREAM)) ||
           simulcrypt__has_error(message, SIMULCRYPT_UNRECOVERABLE);
}

static bool lose_stream(struct simulcrypt__client *client, struct simulcrypt__client_stream *stream,
                        uint16_t error, const char *text)
{
    return client->type->stream_lost && client->type->stream_lost(client, stream, error, text);
}

/* Servers answer in turn. */
static struct simulcrypt__client_stream *find_first_asked(const struct simulcrypt__client *client)
{
    struct simulcrypt__client_stream *first = NULL;
    for (size_t i = 0; i < client->streams.count; i++) {
        struct simulcrypt__client_stream *stream = simulcrypt__client_stream_at(client, i);
        /* Less one: SIMULCRYPT_FROM_NEXT_TICK is the latest of all. */
        if (stream->state == STREAM_ASKED && (!first || stream->deadline - 1 < first->deadline - 1))
            first = stream;
    }
    return first;
}

/* A channel_error names no message: with a set-up pending it is taken as the answer to the first. */
static void take_channel_error(struct simulcrypt__client *client, const struct simulcrypt_message *message)
{
    uint16_t error = simulcrypt_message_u16(message, SIMULCRYPT_P_ERROR_STATUS);
    struct simulcrypt__sentence made = simulcrypt__error_text(client->type->interface, message);
    const char *text = made.text;
    const char *peer = client->type->peer;
    bool fatal = is_fatal(client, message);
    if (names_fault(client, message, SIMULCRYPT_FAULT_VERSION)) {
        client->version_refused = true;
        simulcrypt__client_fail(client, "the %s refused protocol version %u: %s (0x%04X)", peer,
                                client->link.version, text, error);
    }
    if (client->state == CHANNEL_ASKED)
        simulcrypt__client_fail(client, "the %s refused channel_setup: %s (0x%04X)", peer, text, error);
    if (client->state != CHANNEL_UP)
        return;
    struct simulcrypt__client_stream *asked = find_first_asked(client);
    if (fatal || (asked && !lose_stream(client, asked, error, text)))
        simulcrypt__client_fail(client, "the %s reported a channel_error: %s (0x%04X)", peer, text, error);
    else if (!asked)
        client->type->refused(client, NULL, error, text);
}

static void take_stream_status(struct simulcrypt__client *client, const struct simulcrypt_message *message,
                               struct simulcrypt__client_stream *stream)
{
    if (!stream || stream->state != STREAM_ASKED)
        return;
    stream->state = STREAM_UP;
    simulcrypt__client_await(client, stream, SIMULCRYPT_NEVER);
    client->type->stream_up(client, stream, message);
}

static void answer_stream_test(struct simulcrypt__client *client, const struct simulcrypt__address *about,
                               const struct simulcrypt__client_stream *stream)
{
    if (!stream || stream->state != STREAM_UP) {
        simulcrypt__link_send_error(&client->link, about, fault(client, SIMULCRYPT_FAULT_UNKNOWN_STREAM),
                                    client->type->interface->stream_tag);
        return;
    }
    struct simulcrypt_encoder encoder =
        simulcrypt__link_begin_stream(&client->link, role(client, SIMULCRYPT_STREAM_STATUS), stream->head.id);
    client->type->write_stream_status(client, stream, &encoder);
    simulcrypt__link_send(&client->link, &encoder);
}

static void take_stream_error(struct simulcrypt__client *client, const struct simulcrypt_message *message,
                              struct simulcrypt__client_stream *stream)
{
    uint16_t error = simulcrypt_message_u16(message, SIMULCRYPT_P_ERROR_STATUS);
    struct simulcrypt__sentence made = simulcrypt__error_text(client->type->interface, message);
    const char *text = made.text;
    if (!stream)
        return;
    client->version_refused |= names_fault(client, message, SIMULCRYPT_FAULT_VERSION);
    bool lost = stream->state == STREAM_ASKED || is_fatal(client, message);
    if (lost && !ends_channel(client, message) &&
        (stream->state == STREAM_IDLE || lose_stream(client, stream, error, text)))
        return;
    if (stream->state == STREAM_ASKED)
        simulcrypt__client_fail(client, "the %s refused stream_setup of stream %u: %s (0x%04X)",
                                client->type->peer, stream->head.id, text, error);
    else if (lost)
        simulcrypt__client_fail(client, "the %s reported a stream_error for stream %u: %s (0x%04X)",
                                client->type->peer, stream->head.id, text, error);
    else
        client->type->refused(client, stream, error, text);
}

static void take_other(struct simulcrypt__client *client, const struct simulcrypt_message *message)
{
    for (size_t i = 0; i < client->type->handler_count; i++)
        if (client->type->handlers[i].type == message->type)
            client->type->handlers[i].take(client, message);
}

static void take_addressed(struct simulcrypt__client *client, const struct simulcrypt_message *message,
                           const struct simulcrypt__address *about)
{
    struct simulcrypt__client_stream *stream =
        about->has_stream ? simulcrypt__client_find(client, about->stream_id) : NULL;
    bool streams = client->type->write_stream_setup != NULL;
    if (message->type == role(client, SIMULCRYPT_CHANNEL_STATUS))
        take_channel_status(client, message);
    else if (message->type == role(client, SIMULCRYPT_CHANNEL_TEST))
        answer_channel_test(client);
    else if (message->type == role(client, SIMULCRYPT_CHANNEL_ERROR))
        take_channel_error(client, message);
    else if (streams && message->type == role(client, SIMULCRYPT_STREAM_STATUS))
        take_stream_status(client, message, stream);
    else if (streams && message->type == role(client, SIMULCRYPT_STREAM_TEST))
        answer_stream_test(client, about, stream);
    else if (streams && message->type == role(client, SIMULCRYPT_STREAM_ERROR))
        take_stream_error(client, message, stream);
    else
        take_other(client, message);
}

/* Some servers put client 0 into every error, and channel 0 into a channel_error when they could not read the
 * id. */
static bool is_for_us(const struct simulcrypt__client *client, const struct simulcrypt_message *message,
                      const struct simulcrypt__address *about)
{
    if (message->type == role(client, SIMULCRYPT_CHANNEL_ERROR))
        return true;
    bool same_client = message->definition->is_error || about->client_id == client->link.client_id;
    return about->channel_id == client->link.channel_id && same_client &&
           (client->state == CHANNEL_UP || message->type == role(client, SIMULCRYPT_CHANNEL_STATUS));
}

static bool is_test(const struct simulcrypt__client *client, const struct simulcrypt_message *message)
{
    return message->type == role(client, SIMULCRYPT_CHANNEL_TEST) ||
           message->type == role(client, SIMULCRYPT_STREAM_TEST);
}

void simulcrypt__client_take_valid(struct simulcrypt__client *client,
                                   const struct simulcrypt_message *message)
{
    struct simulcrypt__address about = simulcrypt__address_of(client->type->interface, message);
    client->heard_ms = client->now_ms;
    client->errors += message->definition->is_error;
    if (client->state == CHANNEL_UP)
        client->deadline = SIMULCRYPT_NEVER;
    if (is_for_us(client, message, &about)) {
        take_addressed(client, message, &about);
    } else if (is_test(client, message)) {
        about.has_stream = false;
        simulcrypt__link_send_error(&client->link, &about, fault(client, SIMULCRYPT_FAULT_UNKNOWN_CHANNEL),
                                    client->type->interface->channel_tag);
    }
}

void simulcrypt__client_take_invalid(struct simulcrypt__client *client,
                                     const struct simulcrypt_message *message,
                                     const struct simulcrypt_verdict *verdict)
{
    bool too_many = client->link.receiver.invalid_messages == SIMULCRYPT_INVALID_MESSAGES_MAX;
    struct simulcrypt__address about = simulcrypt__address_of(client->type->interface, message);
    about.has_stream = false;
    if (!message->definition->is_error)
        simulcrypt__link_send_error(&client->link, &about, verdict->error_status, verdict->error_information);
    if (too_many || client->state == CHANNEL_ASKED)
        simulcrypt__client_fail(client, "the %s sent an unreadable %s: %s (error_information 0x%04X)",
                                client->type->peer, message->definition->name,
                                simulcrypt_error_text(client->type->interface, verdict->error_status),
                                verdict->error_information);
}
