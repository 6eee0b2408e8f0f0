/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/window.h"

#include <errno.h>
#include <stdlib.h>

#define CHUNK_PACKETS 4096

int cmd_window_init(struct cmd_window *window, struct io_source *source, size_t capacity)
{
    *window = (struct cmd_window){
        .source = source,
        .capacity = capacity,
        .packets = malloc(capacity * TS_PACKET_SIZE),
        .infos = calloc(capacity, sizeof(*window->infos)),
        .times = malloc(capacity * sizeof(*window->times)),
    };
    return window->packets && window->infos && window->times ? 0 : -ENOMEM;
}

void cmd_window_clear(struct cmd_window *window)
{
    ts_timeline_destroy(window->timeline);
    free(window->packets);
    free(window->infos);
    free(window->times);
    *window = (struct cmd_window){0};
}

static void take_times(struct cmd_window *window)
{
    while (window->timed < window->read &&
           ts_timeline_next(window->timeline, &window->times[window->timed % window->capacity]))
        window->timed++;
}

static void feed_timeline(struct cmd_window *window, uint64_t first)
{
    if (!window->timeline)
        return;
    for (uint64_t number = first; number < window->read; number++)
        ts_timeline_feed(window->timeline, cmd_window_packet(window, number));
    if (window->ended)
        ts_timeline_finish(window->timeline);
    take_times(window);
}

/* What can be read in one piece: up to the free room, the ring's end, and one chunk. */
static size_t contiguous_room(const struct cmd_window *window)
{
    size_t room = window->capacity - (size_t)(window->read - window->done);
    size_t to_end = window->capacity - (size_t)(window->read % window->capacity);

    room = room < to_end ? room : to_end;
    return room < CHUNK_PACKETS ? room : CHUNK_PACKETS;
}

ptrdiff_t cmd_window_fill(struct cmd_window *window)
{
    size_t room = contiguous_room(window);
    uint64_t first = window->read;
    ptrdiff_t count;

    if (window->ended || room == 0)
        return 0;
    count = io_source_read(window->source, cmd_window_packet(window, first),
                           &window->infos[first % window->capacity], room);
    if (count < 0)
        return count;
    window->read += (uint64_t)count;
    window->ended = count == 0;
    feed_timeline(window, first);
    return count;
}

int cmd_window_start_time(struct cmd_window *window, uint16_t reference_pid, uint64_t fallback_rate)
{
    /* Half the window may wait for a PCR: the other half keeps reading efficient. */
    int status = ts_timeline_create(&window->timeline, reference_pid, fallback_rate, window->capacity / 2);

    if (status == 0)
        feed_timeline(window, window->done);
    return status;
}
