/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ETSI TS 103 197, clause 4.3: channels and streams, the client's end, driven by its owner and by time. */
#include "simulcrypt/client.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"

void simulcrypt__client_fail(struct simulcrypt__client *client, const char *format, ...)
{
    va_list arguments;
    if (!simulcrypt__client_is_running(client))
        return;
    va_start(arguments, format);
    vsnprintf(client->why, sizeof(client->why), format, arguments);
    va_end(arguments);
    client->state = CHANNEL_FAILED;
    client->type->fail(client, client->why);
}

static void read_input(struct simulcrypt__client *client, struct base_reader *input)
{
    struct simulcrypt_message message;
    struct simulcrypt_verdict verdict;
    unsigned connection = client->connection;
    int status = 1;

    while (status && client->connection == connection && simulcrypt__client_is_running(client)) {
        status = simulcrypt__receiver_next(&client->link.receiver, input, &message, &verdict);
        if (status > 0)
            simulcrypt__client_take_valid(client, &message);
        else if (status == BASE_E_MALFORMED)
            simulcrypt__client_take_invalid(client, &message, &verdict);
        else if (status)
            simulcrypt__client_fail(client, "out of memory");
    }
    if (client->connection != connection)
        simulcrypt__receiver_clear(&client->link.receiver);
}

void simulcrypt__client_input(struct simulcrypt__client *client, const uint8_t *bytes, size_t size,
                              uint64_t now_ms)
{
    struct base_reader input = base_reader_of(bytes, size);
    client->now_ms = now_ms;
    client->reading = true;
    read_input(client, &input);
    client->reading = false;
}

void simulcrypt__client_await(struct simulcrypt__client *client, struct simulcrypt__client_stream *stream,
                              uint64_t deadline)
{
    client->awaiting -= stream->deadline != SIMULCRYPT_NEVER;
    client->awaiting += deadline != SIMULCRYPT_NEVER;
    stream->deadline = deadline;
    if (client->awaiting == 0)
        client->stream_deadline = SIMULCRYPT_NEVER;
    else if (deadline < client->stream_deadline)
        client->stream_deadline = deadline;
}

void simulcrypt__client_disconnected(struct simulcrypt__client *client)
{
    client->state = CHANNEL_DOWN;
    client->deadline = SIMULCRYPT_NEVER;
    client->connection++;
    if (!client->reading) /* else the message being read goes on to be used */
        simulcrypt__receiver_clear(&client->link.receiver);
    for (size_t i = 0; i < client->streams.count; i++) {
        struct simulcrypt__client_stream *stream = simulcrypt__client_stream_at(client, i);
        stream->state = STREAM_IDLE;
        simulcrypt__client_await(client, stream, SIMULCRYPT_NEVER);
        if (client->type->forget_stream)
            client->type->forget_stream(client, stream);
    }
}

void simulcrypt__client_connected(struct simulcrypt__client *client, uint64_t now_ms)
{
    simulcrypt__client_disconnected(client);
    client->now_ms = now_ms;
    client->heard_ms = now_ms;
    client->version_refused = false;
    client->state = CHANNEL_ASKED;
    client->deadline = now_ms + client->reply_timeout_ms;
    struct simulcrypt_encoder encoder =
        simulcrypt__link_begin(&client->link, simulcrypt__type_of(&client->link, SIMULCRYPT_CHANNEL_SETUP));
    client->type->write_channel_setup(client, &encoder);
    simulcrypt__link_send(&client->link, &encoder);
}

static void expire_stream(struct simulcrypt__client *client, struct simulcrypt__client_stream *stream)
{
    if (stream->deadline == SIMULCRYPT_FROM_NEXT_TICK)
        simulcrypt__client_await(client, stream, client->now_ms + client->reply_timeout_ms);
    else if (stream->state == STREAM_ASKED)
        simulcrypt__client_fail(client, "no stream_status for stream %u within %u ms", stream->head.id,
                                client->reply_timeout_ms);
    else
        client->type->stream_late(client, stream);
}

/* A stream may have several things to wait for: each is given up for itself. Callbacks may remove streams. */
static void expire_streams(struct simulcrypt__client *client)
{
    for (size_t i = 0; i < client->streams.count; i++)
        while (simulcrypt__client_is_running(client) && i < client->streams.count &&
               client->now_ms >= simulcrypt__client_stream_at(client, i)->deadline)
            expire_stream(client, simulcrypt__client_stream_at(client, i));
}

static void find_earliest(struct simulcrypt__client *client)
{
    client->stream_deadline = SIMULCRYPT_NEVER;
    for (size_t i = 0; i < client->streams.count; i++)
        if (simulcrypt__client_stream_at(client, i)->deadline < client->stream_deadline)
            client->stream_deadline = simulcrypt__client_stream_at(client, i)->deadline;
}

static void check_deadlines(struct simulcrypt__client *client)
{
    if (client->now_ms >= client->deadline)
        simulcrypt__client_fail(client, "no channel_status within %u ms", client->reply_timeout_ms);
    if (client->now_ms < client->stream_deadline)
        return;
    expire_streams(client);
    find_earliest(client);
}

/* When a channel_test is due: SIMULCRYPT_NEVER while one is under way, or where none is wanted. */
static uint64_t test_time(const struct simulcrypt__client *client)
{
    bool wanted =
        client->state == CHANNEL_UP && client->test_period_ms && client->deadline == SIMULCRYPT_NEVER;
    return wanted ? client->heard_ms + client->test_period_ms : SIMULCRYPT_NEVER;
}

int simulcrypt__client_test(struct simulcrypt__client *client, uint64_t now_ms)
{
    client->now_ms = now_ms;
    if (client->state != CHANNEL_UP)
        return -ENOTCONN;
    if (client->deadline != SIMULCRYPT_NEVER)
        return 0;
    client->deadline = now_ms + client->reply_timeout_ms;
    simulcrypt__link_send_plain(&client->link, simulcrypt__type_of(&client->link, SIMULCRYPT_CHANNEL_TEST));
    return 0;
}

static void test_when_due(struct simulcrypt__client *client)
{
    if (client->now_ms >= test_time(client))
        simulcrypt__client_test(client, client->now_ms);
}

static uint64_t next_time(const struct simulcrypt__client *client)
{
    uint64_t next = client->deadline < test_time(client) ? client->deadline : test_time(client);
    return client->stream_deadline < next ? client->stream_deadline : next;
}

uint64_t simulcrypt__client_tick(struct simulcrypt__client *client, uint64_t now_ms)
{
    client->now_ms = now_ms;
    check_deadlines(client);
    test_when_due(client);
    return simulcrypt__client_is_running(client) ? next_time(client) : SIMULCRYPT_NEVER;
}

int simulcrypt__client_add_stream(struct simulcrypt__client *client, struct simulcrypt__client_stream *stream)
{
    if (simulcrypt__client_find(client, stream->head.id))
        return -EEXIST;
    stream->state = STREAM_IDLE;
    stream->deadline = SIMULCRYPT_NEVER;
    if (simulcrypt__streams_insert(&client->streams, &stream->head))
        return -ENOMEM;
    if (client->state == CHANNEL_UP)
        simulcrypt__client_ask_for_stream(client, stream);
    return 0;
}

int simulcrypt__client_remove_stream(struct simulcrypt__client *client, uint16_t stream_id)
{
    struct simulcrypt__client_stream *stream = simulcrypt__client_find(client, stream_id);
    if (!stream)
        return -ENOENT;
    bool set_up = client->state == CHANNEL_UP && stream->state != STREAM_IDLE;
    simulcrypt__client_await(client, stream, SIMULCRYPT_NEVER);
    simulcrypt__streams_remove(&client->streams, stream_id);
    if (set_up)
        simulcrypt__link_send_stream_plain(
            &client->link, simulcrypt__type_of(&client->link, SIMULCRYPT_STREAM_CLOSE), stream_id);
    return 0;
}

struct simulcrypt__client_stream *simulcrypt__client_up_stream(const struct simulcrypt__client *client,
                                                               uint16_t stream_id, int *status)
{
    struct simulcrypt__client_stream *stream = simulcrypt__client_find(client, stream_id);
    bool up = stream && client->state == CHANNEL_UP && stream->state == STREAM_UP;
    *status = up ? 0 : stream ? -ENOTCONN : -ENOENT;
    return up ? stream : NULL;
}

void simulcrypt__client_close(struct simulcrypt__client *client)
{
    if (!simulcrypt__client_is_running(client))
        return;
    uint16_t close = simulcrypt__type_of(&client->link, SIMULCRYPT_STREAM_CLOSE);
    for (size_t i = 0; close && i < client->streams.count; i++)
        if (simulcrypt__client_stream_at(client, i)->state == STREAM_UP)
            simulcrypt__link_send_stream_plain(&client->link, close,
                                               simulcrypt__client_stream_at(client, i)->head.id);
    simulcrypt__link_send_plain(&client->link, simulcrypt__type_of(&client->link, SIMULCRYPT_CHANNEL_CLOSE));
    simulcrypt__client_disconnected(client);
}

void simulcrypt__client_init(struct simulcrypt__client *client, const struct simulcrypt__client_type *type,
                             void (*send)(void *context, const uint8_t *bytes, size_t size), void *context,
                             uint8_t *out, size_t out_size)
{
    client->type = type;
    client->link.send = send;
    client->link.context = context;
    client->link.out = out;
    client->link.out_size = out_size;
    if (!client->reply_timeout_ms)
        client->reply_timeout_ms = SIMULCRYPT_REPLY_TIMEOUT;
    simulcrypt__receiver_init(&client->link.receiver, type->interface, SIMULCRYPT_FROM_SERVER,
                              type->message_max);
    simulcrypt__client_disconnected(client);
}

void simulcrypt__client_clear(struct simulcrypt__client *client)
{
    simulcrypt__receiver_clear(&client->link.receiver);
    simulcrypt__streams_clear(&client->streams);
}
