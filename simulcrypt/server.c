/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ETSI TS 103 197, clause 4.3: channels and streams, the server's end. */
#include "simulcrypt/server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"

static uint16_t fault(const struct simulcrypt__server *server, enum simulcrypt_fault fault)
{
    return server->type->interface->errors[fault];
}

static bool streams_are_set_up(const struct simulcrypt__server *server)
{
    return server->type->open_stream != NULL;
}

void simulcrypt__server_close_stream(struct simulcrypt__server *server, uint16_t stream_id)
{
    simulcrypt__streams_remove(&server->streams, stream_id);
    server->type->stream_closed(server, stream_id);
}

static void close_channel(struct simulcrypt__server *server)
{
    if (!server->channel_open)
        return;
    while (server->streams.count)
        simulcrypt__server_close_stream(server, server->streams.items[server->streams.count - 1]->id);
    server->channel_open = false;
    server->type->channel_closed(server);
}

static void end_session(struct simulcrypt__server *server, const char *why)
{
    if (server->closing)
        return;
    server->closing = true;
    close_channel(server);
    server->type->close(server, why);
}

void simulcrypt__server_refuse(struct simulcrypt__server *server, const struct simulcrypt__address *about,
                               uint16_t error, int information)
{
    simulcrypt__link_send_error(&server->link, about, error, information);
    if (error != SIMULCRYPT_UNRECOVERABLE)
        return;
    if (!about->has_stream)
        end_session(server, "unrecoverable error of the channel");
    else if (simulcrypt__streams_find(&server->streams, about->stream_id))
        simulcrypt__server_close_stream(server, about->stream_id);
}

void simulcrypt__server_refuse_stream(struct simulcrypt__server *server, uint16_t stream_id, uint16_t error,
                                      int information)
{
    struct simulcrypt__address about = {.client_id = server->link.client_id,
                                        .channel_id = server->link.channel_id,
                                        .has_stream = true,
                                        .stream_id = stream_id};
    simulcrypt__server_refuse(server, &about, error, information);
}

/* What is wrong goes to the channel even where the message has a stream. */
static void refuse_channel(struct simulcrypt__server *server, const struct simulcrypt__address *about,
                           uint16_t error, int information)
{
    struct simulcrypt__address channel = *about;
    channel.has_stream = false;
    simulcrypt__server_refuse(server, &channel, error, information);
}

static void send_channel_status(struct simulcrypt__server *server)
{
    struct simulcrypt_encoder encoder =
        simulcrypt__link_begin(&server->link, simulcrypt__type_of(&server->link, SIMULCRYPT_CHANNEL_STATUS));
    server->type->write_channel_status(server, &encoder);
    simulcrypt__link_send(&server->link, &encoder);
}

static void send_stream_status(struct simulcrypt__server *server, const struct simulcrypt__stream *stream)
{
    struct simulcrypt_encoder encoder = simulcrypt__link_begin_stream(
        &server->link, simulcrypt__type_of(&server->link, SIMULCRYPT_STREAM_STATUS), stream->id);
    server->type->write_stream_status(server, stream, &encoder);
    simulcrypt__link_send(&server->link, &encoder);
}

/* One channel per connection (clause 4.3): a second one is refused, whatever its id. */
static void take_channel_setup(struct simulcrypt__server *server, const struct simulcrypt_message *message,
                               const struct simulcrypt__address *about)
{
    if (server->channel_open) {
        bool same = about->channel_id == server->link.channel_id;
        refuse_channel(
            server, about,
            fault(server, same ? SIMULCRYPT_FAULT_CHANNEL_IN_USE : SIMULCRYPT_FAULT_INVALID_MESSAGE),
            server->type->interface->channel_tag);
        return;
    }
    int information = SIMULCRYPT_NO_INFORMATION;
    uint16_t error = server->type->open_channel(server, message, about, &information);
    if (error) {
        refuse_channel(server, about, error, information);
        return;
    }
    server->channel_open = true;
    server->link.channel_id = about->channel_id;
    server->link.client_id = about->client_id;
    send_channel_status(server);
}

/* Asks the session, and keeps the stream where it agrees. */
static uint16_t open_stream(struct simulcrypt__server *server, const struct simulcrypt_message *message,
                            uint16_t stream_id, int *information)
{
    struct simulcrypt__stream *stream = calloc(1, server->type->stream_size);
    if (!stream)
        return fault(server, SIMULCRYPT_FAULT_STORAGE);
    stream->id = stream_id;
    uint16_t error = server->type->open_stream(server, message, stream, information);
    if (!error && simulcrypt__streams_insert(&server->streams, stream)) {
        server->type->stream_closed(server, stream_id);
        error = fault(server, SIMULCRYPT_FAULT_STORAGE);
    }
    if (error)
        free(stream);
    return error;
}

static uint16_t set_up_stream(struct simulcrypt__server *server, const struct simulcrypt_message *message,
                              uint16_t stream_id, int *information)
{
    *information = server->type->interface->stream_tag;
    if (simulcrypt__streams_find(&server->streams, stream_id))
        return fault(server, SIMULCRYPT_FAULT_STREAM_IN_USE);
    if (server->max_streams && server->streams.count >= server->max_streams)
        return fault(server, SIMULCRYPT_FAULT_TOO_MANY_STREAMS);
    *information = SIMULCRYPT_NO_INFORMATION;
    return open_stream(server, message, stream_id, information);
}

static void take_stream_setup(struct simulcrypt__server *server, const struct simulcrypt_message *message,
                              const struct simulcrypt__address *about)
{
    int information;
    uint16_t error = set_up_stream(server, message, about->stream_id, &information);
    if (error)
        simulcrypt__server_refuse(server, about, error, information);
    else
        send_stream_status(server, simulcrypt__streams_find(&server->streams, about->stream_id));
}

static void take_stream_close(struct simulcrypt__server *server, uint16_t stream_id)
{
    uint16_t answer = simulcrypt__type_of(&server->link, SIMULCRYPT_STREAM_CLOSED);
    simulcrypt__server_close_stream(server, stream_id);
    if (answer)
        simulcrypt__link_send_stream_plain(&server->link, answer, stream_id);
}

static void take_error(struct simulcrypt__server *server, const struct simulcrypt_message *message,
                       const struct simulcrypt__address *about)
{
    char why[80];
    if (!simulcrypt__has_error(message, SIMULCRYPT_UNRECOVERABLE))
        return;
    if (message->type == simulcrypt__type_of(&server->link, SIMULCRYPT_CHANNEL_ERROR)) {
        snprintf(why, sizeof(why), "the %s reported an unrecoverable error of the channel",
                 server->type->peer);
        end_session(server, why);
    } else if (simulcrypt__streams_find(&server->streams, about->stream_id)) {
        simulcrypt__server_close_stream(server, about->stream_id);
    }
}

/* A message about a client, channel or stream that is not there is refused here, once for all types. */
static bool addresses_exist(struct simulcrypt__server *server, const struct simulcrypt_message *message,
                            const struct simulcrypt__address *about)
{
    const struct simulcrypt_interface *interface = server->type->interface;
    bool has_channel = simulcrypt_message_count(message, interface->channel_tag) > 0;
    if (!server->channel_open || (has_channel && about->channel_id != server->link.channel_id)) {
        refuse_channel(server, about, fault(server, SIMULCRYPT_FAULT_UNKNOWN_CHANNEL),
                       interface->channel_tag);
        return false;
    }
    if (about->client_id != server->link.client_id) {
        refuse_channel(server, about, fault(server, SIMULCRYPT_FAULT_UNKNOWN_CLIENT), interface->client_tag);
        return false;
    }
    if (!streams_are_set_up(server) || !about->has_stream ||
        message->type == interface->roles[SIMULCRYPT_STREAM_SETUP] ||
        simulcrypt__streams_find(&server->streams, about->stream_id))
        return true;
    simulcrypt__server_refuse(server, about, fault(server, SIMULCRYPT_FAULT_UNKNOWN_STREAM),
                              interface->stream_tag);
    return false;
}

static void take_other(struct simulcrypt__server *server, const struct simulcrypt_message *message)
{
    for (size_t i = 0; i < server->type->handler_count; i++)
        if (server->type->handlers[i].type == message->type)
            server->type->handlers[i].take(server, message);
}

static void take_addressed(struct simulcrypt__server *server, const struct simulcrypt_message *message,
                           const struct simulcrypt__address *about)
{
    const uint16_t *roles = server->type->interface->roles;
    if (message->type == roles[SIMULCRYPT_CHANNEL_TEST])
        send_channel_status(server);
    else if (message->type == roles[SIMULCRYPT_CHANNEL_CLOSE])
        end_session(server, "channel_close");
    else if (message->type == roles[SIMULCRYPT_STREAM_SETUP])
        take_stream_setup(server, message, about);
    else if (message->type == roles[SIMULCRYPT_STREAM_TEST])
        send_stream_status(server, simulcrypt__streams_find(&server->streams, about->stream_id));
    else if (message->type == roles[SIMULCRYPT_STREAM_CLOSE])
        take_stream_close(server, about->stream_id);
    else
        take_other(server, message);
}

static void take_valid(struct simulcrypt__server *server, const struct simulcrypt_message *message)
{
    struct simulcrypt__address about = simulcrypt__address_of(server->type->interface, message);
    if (message->definition->is_error) { /* whatever its version */
        take_error(server, message, &about);
        return;
    }
    server->link.version = message->version;
    if (message->type == simulcrypt__type_of(&server->link, SIMULCRYPT_CHANNEL_SETUP))
        take_channel_setup(server, message, &about);
    else if (addresses_exist(server, message, &about))
        take_addressed(server, message, &about);
}

/* The answer goes to the stream where that is known, else to the channel that the message names, if any. It
 * bears the version that it answers, even one that is not understood. */
static void answer_invalid(struct simulcrypt__server *server, const struct simulcrypt_message *message,
                           const struct simulcrypt_verdict *verdict)
{
    struct simulcrypt__address about = simulcrypt__address_of(server->type->interface, message);
    uint8_t version = server->link.version;
    server->link.version = message->version;
    about.has_stream &=
        server->channel_open && about.channel_id == server->link.channel_id &&
        (!streams_are_set_up(server) || simulcrypt__streams_find(&server->streams, about.stream_id) != NULL);
    simulcrypt__server_refuse(server, &about, verdict->error_status, verdict->error_information);
    server->link.version = version;
}

static void take_invalid(struct simulcrypt__server *server, const struct simulcrypt_message *message,
                         const struct simulcrypt_verdict *verdict)
{
    if (!message->definition->is_error)
        answer_invalid(server, message, verdict);
    if (server->link.receiver.invalid_messages == SIMULCRYPT_INVALID_MESSAGES_MAX)
        end_session(server, "three invalid messages in a row");
}

void simulcrypt__server_input(struct simulcrypt__server *server, const uint8_t *bytes, size_t size)
{
    struct base_reader input = base_reader_of(bytes, size);
    struct simulcrypt_message message;
    struct simulcrypt_verdict verdict;
    int status = 1;

    while (status && !server->closing) {
        status = simulcrypt__receiver_next(&server->link.receiver, &input, &message, &verdict);
        if (status > 0)
            take_valid(server, &message);
        else if (status == BASE_E_MALFORMED)
            take_invalid(server, &message, &verdict);
        else if (status)
            end_session(server, "out of memory");
    }
    if (server->closing)
        simulcrypt__receiver_clear(&server->link.receiver);
}

int simulcrypt__server_test_channel(struct simulcrypt__server *server)
{
    if (!server->channel_open)
        return -ENOTCONN;
    simulcrypt__link_send_plain(&server->link, simulcrypt__type_of(&server->link, SIMULCRYPT_CHANNEL_TEST));
    return 0;
}

int simulcrypt__server_test_stream(struct simulcrypt__server *server, uint16_t stream_id)
{
    if (!simulcrypt__streams_find(&server->streams, stream_id))
        return -ENOENT;
    simulcrypt__link_send_stream_plain(&server->link,
                                       simulcrypt__type_of(&server->link, SIMULCRYPT_STREAM_TEST), stream_id);
    return 0;
}

void simulcrypt__server_init(struct simulcrypt__server *server, const struct simulcrypt__server_type *type,
                             void (*send)(void *context, const uint8_t *bytes, size_t size), void *context,
                             uint8_t *out, size_t out_size)
{
    server->type = type;
    server->link.send = send;
    server->link.context = context;
    server->link.out = out;
    server->link.out_size = out_size;
    simulcrypt__receiver_init(&server->link.receiver, type->interface, SIMULCRYPT_FROM_CLIENT,
                              type->message_max);
}

void simulcrypt__server_clear(struct simulcrypt__server *server)
{
    close_channel(server);
    simulcrypt__receiver_clear(&server->link.receiver);
    simulcrypt__streams_clear(&server->streams);
}
