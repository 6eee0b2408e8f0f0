/* SPDX-License-Identifier: GPL-3.0-or-later */
/* simulcrypt/client.h: inside the room: the client's end of one connection of any interface: sets up a
 * channel and its streams, each time anew after a connection was lost; time-outs, tests, errors, the end.
 * What an interface does beyond that is struct simulcrypt__client_type.
 *
 * One thread. Callbacks of the owner may do all but destroy, feed or tick the session: what is under way sees
 * that its connection has ended. */
#ifndef SIMULCRYPT_CLIENT_H
#define SIMULCRYPT_CLIENT_H

#include "simulcrypt/link.h"
#include "simulcrypt/streams.h"

enum simulcrypt__stream_state { STREAM_IDLE, STREAM_ASKED, STREAM_UP };

/* A deadline: owners who add a stream give no time, and the last one known may be long ago. */
#define SIMULCRYPT_FROM_NEXT_TICK 0

struct simulcrypt__client_stream { /* first member of each session's own struct */
    struct simulcrypt__stream head;
    enum simulcrypt__stream_state state;
    /* Of stream_status; once the stream is up, the session's own; or SIMULCRYPT_NEVER. Set with
     * simulcrypt__client_await(). */
    uint64_t deadline;
};

enum simulcrypt__channel_state { CHANNEL_DOWN, CHANNEL_ASKED, CHANNEL_UP, CHANNEL_FAILED };

struct simulcrypt__client;

struct simulcrypt__client_handler {
    uint16_t type;
    void (*take)(struct simulcrypt__client *client, const struct simulcrypt_message *message);
};

/* What has to do with streams is NULL where they are not set up. */
struct simulcrypt__client_type {
    const struct simulcrypt_interface *interface;
    size_t message_max;
    const char *peer;                                  /* "ECMG" */
    const struct simulcrypt__client_handler *handlers; /* of messages that have no role */
    size_t handler_count;
    void (*fail)(struct simulcrypt__client *client, const char *why);
    void (*write_channel_setup)(struct simulcrypt__client *client, struct simulcrypt_encoder *encoder);
    /* False after simulcrypt__client_fail(): no channel is possible with this status. */
    bool (*take_channel_status)(struct simulcrypt__client *client, const struct simulcrypt_message *message);
    void (*channel_up)(struct simulcrypt__client *client, const struct simulcrypt_message *message);
    void (*write_channel_status)(struct simulcrypt__client *client, struct simulcrypt_encoder *encoder);
    void (*write_stream_setup)(struct simulcrypt__client *client,
                               const struct simulcrypt__client_stream *stream,
                               struct simulcrypt_encoder *encoder);
    /* The stream has come up. */
    void (*stream_up)(struct simulcrypt__client *client, struct simulcrypt__client_stream *stream,
                      const struct simulcrypt_message *message);
    void (*write_stream_status)(struct simulcrypt__client *client,
                                const struct simulcrypt__client_stream *stream,
                                struct simulcrypt_encoder *encoder);
    void (*stream_late)(struct simulcrypt__client *client, struct simulcrypt__client_stream *stream);
    /* The server refused its set-up or has closed it: `stream` is idle, and may be removed. False: the
     * session cannot do without it, the connection fails. NULL: it never can. */
    bool (*stream_lost)(struct simulcrypt__client *client, struct simulcrypt__client_stream *stream,
                        uint16_t error, const char *text);
    /* An error that ends neither; of a stream that is up, or of the channel (stream NULL). */
    void (*refused)(struct simulcrypt__client *client, struct simulcrypt__client_stream *stream,
                    uint16_t error, const char *text);
    void (*forget_stream)(struct simulcrypt__client *client, struct simulcrypt__client_stream *stream);
};

struct simulcrypt__client { /* first member of each session's own struct */
    const struct simulcrypt__client_type *type;
    struct simulcrypt__link link;
    uint32_t reply_timeout_ms, test_period_ms;
    unsigned connection; /* counts them: a callback may have ended the one that is being read */
    bool reading;        /* inside simulcrypt__client_input() */
    uint64_t now_ms;     /* the last time given */
    uint64_t heard_ms;   /* when a message last came */
    uint64_t deadline;   /* of the answer to channel_setup or channel_test, or SIMULCRYPT_NEVER */
    enum simulcrypt__channel_state state;
    bool version_refused;
    uint64_t errors; /* error messages received, of all connections */
    struct simulcrypt__streams streams;
    size_t awaiting;          /* streams with a deadline */
    uint64_t stream_deadline; /* none of them is earlier */
    char why[200];
};

#define SIMULCRYPT_REPLY_TIMEOUT 5000 /* ms, where 0 is given */

void simulcrypt__client_init(struct simulcrypt__client *client, const struct simulcrypt__client_type *type,
                             void (*send)(void *context, const uint8_t *bytes, size_t size), void *context,
                             uint8_t *out, size_t out_size);
void simulcrypt__client_clear(struct simulcrypt__client *client);

void simulcrypt__client_connected(struct simulcrypt__client *client, uint64_t now_ms);
void simulcrypt__client_input(struct simulcrypt__client *client, const uint8_t *bytes, size_t size,
                              uint64_t now_ms);
void simulcrypt__client_disconnected(struct simulcrypt__client *client);
uint64_t simulcrypt__client_tick(struct simulcrypt__client *client, uint64_t now_ms);
/* Closes what is open in an orderly way; nothing is awaited. */
void simulcrypt__client_close(struct simulcrypt__client *client);

/* channel_test, where no answer of the channel is awaited already. -ENOTCONN. */
int simulcrypt__client_test(struct simulcrypt__client *client, uint64_t now_ms);

/* Thousands of streams wait at once: ticks look at them only when one may be due. */
void simulcrypt__client_await(struct simulcrypt__client *client, struct simulcrypt__client_stream *stream,
                              uint64_t deadline);

/* Takes over `stream`, which malloc() gave, and sets it up as soon as that is possible. -EEXIST, -ENOMEM; the
 * caller keeps it then. */
int simulcrypt__client_add_stream(struct simulcrypt__client *client,
                                  struct simulcrypt__client_stream *stream);
/* Closes it where it is set up, and frees it; its answer is not awaited. -ENOENT. */
int simulcrypt__client_remove_stream(struct simulcrypt__client *client, uint16_t stream_id);
/* The stream where it is up; else NULL and -ENOENT or -ENOTCONN in *status. */
struct simulcrypt__client_stream *simulcrypt__client_up_stream(const struct simulcrypt__client *client,
                                                               uint16_t stream_id, int *status);

static inline struct simulcrypt__client_stream *
simulcrypt__client_find(const struct simulcrypt__client *client, uint16_t stream_id)
{
    return (struct simulcrypt__client_stream *)simulcrypt__streams_find(&client->streams, stream_id);
}

static inline struct simulcrypt__client_stream *
simulcrypt__client_stream_at(const struct simulcrypt__client *client, size_t position)
{
    return (struct simulcrypt__client_stream *)client->streams.items[position];
}

static inline bool simulcrypt__client_is_running(const struct simulcrypt__client *client)
{
    return client->state == CHANNEL_ASKED || client->state == CHANNEL_UP;
}

/* Once per connection; the owner closes it. */
__attribute__((format(printf, 2, 3))) void simulcrypt__client_fail(struct simulcrypt__client *client,
                                                                   const char *format, ...);

/* client_messages.c */
void simulcrypt__client_ask_for_stream(struct simulcrypt__client *client,
                                       struct simulcrypt__client_stream *stream);
void simulcrypt__client_take_valid(struct simulcrypt__client *client,
                                   const struct simulcrypt_message *message);
void simulcrypt__client_take_invalid(struct simulcrypt__client *client,
                                     const struct simulcrypt_message *message,
                                     const struct simulcrypt_verdict *verdict);

#endif
