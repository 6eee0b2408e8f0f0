/* SPDX-License-Identifier: GPL-3.0-or-later */
/* simulcrypt/server.h: inside the room: the server's end of one connection of any interface: a channel with
 * its streams, tests, errors, the end. What an interface does beyond that is struct simulcrypt__server_type.
 *
 * One thread. Nothing at this end is timed. */
#ifndef SIMULCRYPT_SERVER_H
#define SIMULCRYPT_SERVER_H

#include "simulcrypt/link.h"
#include "simulcrypt/streams.h"

struct simulcrypt__server;

struct simulcrypt__server_handler {
    uint16_t type;
    void (*take)(struct simulcrypt__server *server, const struct simulcrypt_message *message);
};

/* Functions that decide return 0, or the error_status to answer with; its error_information is `information`
 * (SIMULCRYPT_NO_INFORMATION on entry). What has to do with streams is NULL where they are not set up. */
struct simulcrypt__server_type {
    const struct simulcrypt_interface *interface;
    size_t message_max;
    const char *peer;   /* "SCS" */
    size_t stream_size; /* of the session's own struct for a stream */
    uint16_t (*open_channel)(struct simulcrypt__server *server, const struct simulcrypt_message *message,
                             const struct simulcrypt__address *about, int *information);
    void (*write_channel_status)(struct simulcrypt__server *server, struct simulcrypt_encoder *encoder);
    void (*channel_closed)(struct simulcrypt__server *server);
    /* The stream is zero but for its id. */
    uint16_t (*open_stream)(struct simulcrypt__server *server, const struct simulcrypt_message *message,
                            struct simulcrypt__stream *stream, int *information);
    void (*write_stream_status)(struct simulcrypt__server *server, const struct simulcrypt__stream *stream,
                                struct simulcrypt_encoder *encoder);
    void (*stream_closed)(struct simulcrypt__server *server, uint16_t stream_id);
    void (*close)(struct simulcrypt__server *server, const char *why);
    const struct simulcrypt__server_handler *handlers; /* of messages that have no role */
    size_t handler_count;
};

struct simulcrypt__server { /* first member of each session's own struct */
    const struct simulcrypt__server_type *type;
    struct simulcrypt__link link; /* its version: that of the last message understood */
    bool closing;                 /* type->close was called: nothing more is read */
    bool channel_open;
    uint16_t max_streams; /* 0: no limit; the session sets it */
    struct simulcrypt__streams streams;
};

void simulcrypt__server_init(struct simulcrypt__server *server, const struct simulcrypt__server_type *type,
                             void (*send)(void *context, const uint8_t *bytes, size_t size), void *context,
                             uint8_t *out, size_t out_size);
void simulcrypt__server_clear(struct simulcrypt__server *server); /* closes what is open */
void simulcrypt__server_input(struct simulcrypt__server *server, const uint8_t *bytes, size_t size);

/* Sends an error; SIMULCRYPT_UNRECOVERABLE closes what it is about. */
void simulcrypt__server_refuse(struct simulcrypt__server *server, const struct simulcrypt__address *about,
                               uint16_t error, int information);
void simulcrypt__server_refuse_stream(struct simulcrypt__server *server, uint16_t stream_id, uint16_t error,
                                      int information);

/* The stream, which is there, is gone; nothing is sent. */
void simulcrypt__server_close_stream(struct simulcrypt__server *server, uint16_t stream_id);

/* channel_test and stream_test; whatever answers them shows that the peer lives. -ENOTCONN, -ENOENT. */
int simulcrypt__server_test_channel(struct simulcrypt__server *server);
int simulcrypt__server_test_stream(struct simulcrypt__server *server, uint16_t stream_id);

#endif
