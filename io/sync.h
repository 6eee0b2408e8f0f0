/* SPDX-License-Identifier: GPL-3.0-or-later */
/* io/sync.h: private to io/: where packets begin in a stream of bytes. Pure functions.
 *
 * One 0x47 tells nothing: a place counts as the start of packets when the sync bytes behind it, at the
 * distance of the format, confirm it. Where several places do (a PID or a filling of 0x47), the one whose
 * packet headers make the most sense wins. */
#ifndef IO_SYNC_H
#define IO_SYNC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "io/source.h"

struct io__framing {
    size_t stride; /* from packet to packet */
    size_t lead;   /* bytes before the sync byte */
};

/* Of a transport stream format. */
const struct io__framing *io__framing_of(enum io_format format);

/* How many whole packets (at most `max`) stand at `bytes`, one behind the other and all in sync. */
size_t io__sync_run(const struct io__framing *framing, const uint8_t *bytes, size_t size, size_t max);

/* The format, and where the first packet begins. `ended`: no byte will follow these, so that fewer packets
 * must do. False: nothing recognised (yet). */
bool io__sync_recognise(const uint8_t *bytes, size_t size, bool ended, enum io_format *format,
                        size_t *offset);

/* The first packet is out of sync: where does one begin again? Where false is returned, *offset is how many
 * bytes can be given up, whole packets unless `ended`; more must be read. */
bool io__sync_search(enum io_format format, const uint8_t *bytes, size_t size, bool ended, size_t *offset);

#endif
