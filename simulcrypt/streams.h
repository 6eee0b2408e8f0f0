/* SPDX-License-Identifier: GPL-3.0-or-later */
/* simulcrypt/streams.h: inside the room: the streams of a channel, sorted by their id. One thread.
 *
 * Owns the objects put in (from malloc()); an object keeps its address until it is removed. */
#ifndef SIMULCRYPT_STREAMS_H
#define SIMULCRYPT_STREAMS_H

#include <stddef.h>
#include <stdint.h>

struct simulcrypt__stream { /* first member of both ends' own struct */
    uint16_t id;
};

struct simulcrypt__streams {
    struct simulcrypt__stream **items;
    size_t count, room;
};

struct simulcrypt__stream *simulcrypt__streams_find(const struct simulcrypt__streams *streams, uint16_t id);
/* Takes over `stream`, whose id is not in yet. -ENOMEM (and the caller keeps it). */
int simulcrypt__streams_insert(struct simulcrypt__streams *streams, struct simulcrypt__stream *stream);
void simulcrypt__streams_remove(struct simulcrypt__streams *streams, uint16_t id); /* frees */
void simulcrypt__streams_clear(struct simulcrypt__streams *streams);

#endif
