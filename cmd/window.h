/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd/window.h: a file run's read-ahead: packets that were read and not yet processed, with their source
 * times.
 *
 * Tables, ECMs and the next PCR are looked for in it before the packets in front of them are processed.
 * Packets are named by their number in the stream, from 0. Fixed memory; one thread. */
#ifndef CMD_WINDOW_H
#define CMD_WINDOW_H

#include "io/source.h"
#include "ts/timeline.h"

#define CMD_WINDOW_PACKETS 65536 /* 12 MiB of packets: 1.9 s at 50 Mbit/s, 24 s at 4 Mbit/s */

struct cmd_window {
    struct io_source *source;     /* borrowed */
    struct ts_timeline *timeline; /* NULL before cmd_window_start_time() */
    uint8_t *packets;             /* capacity × 188 bytes, a ring */
    struct io_packet_info *infos;
    uint64_t *times;
    size_t capacity;
    uint64_t read;  /* packets read so far */
    uint64_t timed; /* of those, with a source time */
    uint64_t done;  /* of those, released */
    bool ended;     /* the source has no more */
};

/* `window` is the caller's; clear it in every case. -ENOMEM. */
int cmd_window_init(struct cmd_window *window, struct io_source *source, size_t capacity);
void cmd_window_clear(struct cmd_window *window);

/* Reads what fits (at most one chunk). Returns the packets read, 0 where the window is full or the source
 * ended, or a negative errno of the source. */
ptrdiff_t cmd_window_fill(struct cmd_window *window);

/* From now on packets get source times, those already read too. */
int cmd_window_start_time(struct cmd_window *window, uint16_t reference_pid, uint64_t fallback_rate);

static inline uint8_t *cmd_window_packet(const struct cmd_window *window, uint64_t number)
{
    return window->packets + (number % window->capacity) * TS_PACKET_SIZE;
}

static inline const struct io_packet_info *cmd_window_info(const struct cmd_window *window, uint64_t number)
{
    return window->infos + number % window->capacity;
}

static inline uint64_t cmd_window_time(const struct cmd_window *window, uint64_t number)
{
    return window->times[number % window->capacity];
}

/* The oldest `count` packets are finished with. */
static inline void cmd_window_release(struct cmd_window *window, size_t count)
{
    window->done += count;
}

#endif
