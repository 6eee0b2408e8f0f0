/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "simulcrypt/streams.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Where `id` is, or would be put. */
static size_t position_of(const struct simulcrypt__streams *streams, uint16_t id)
{
    size_t low = 0;
    size_t high = streams->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (streams->items[middle]->id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct simulcrypt__stream *simulcrypt__streams_find(const struct simulcrypt__streams *streams, uint16_t id)
{
    size_t at = position_of(streams, id);
    return at < streams->count && streams->items[at]->id == id ? streams->items[at] : NULL;
}

static int make_room(struct simulcrypt__streams *streams)
{
    if (streams->count < streams->room)
        return 0;
    size_t room = streams->room ? 2 * streams->room : 4;
    struct simulcrypt__stream **items = realloc(streams->items, room * sizeof(struct simulcrypt__stream *));
    if (!items)
        return -ENOMEM;
    streams->items = items;
    streams->room = room;
    return 0;
}

int simulcrypt__streams_insert(struct simulcrypt__streams *streams, struct simulcrypt__stream *stream)
{
    int status = make_room(streams);
    if (status)
        return status;
    size_t at = position_of(streams, stream->id);
    memmove(streams->items + at + 1, streams->items + at, (streams->count - at) * sizeof(*streams->items));
    streams->items[at] = stream;
    streams->count++;
    return 0;
}

void simulcrypt__streams_remove(struct simulcrypt__streams *streams, uint16_t id)
{
    size_t at = position_of(streams, id);
    if (at == streams->count || streams->items[at]->id != id)
        return;
    free(streams->items[at]);
    streams->count--;
    memmove(streams->items + at, streams->items + at + 1, (streams->count - at) * sizeof(*streams->items));
}

void simulcrypt__streams_clear(struct simulcrypt__streams *streams)
{
    for (size_t i = 0; i < streams->count; i++)
        free(streams->items[i]);
    free(streams->items);
    *streams = (struct simulcrypt__streams){0};
}
