/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/sync.h"

#include <string.h>

#define CONFIRMATIONS 5  /* sync bytes in a row that are believed */
#define LOOKED_AT     32 /* packets that are judged */
#define PACKET_MAX    204

struct candidate {
    enum io_format format;
    size_t start;       /* of the first packet, its lead included */
    unsigned run;       /* sync bytes in a row, from the start on */
    unsigned places;    /* where there should be one, as far as the bytes go and we look */
    unsigned plausible; /* of these, sync bytes of a header that may stand in a stream */
    bool fits;          /* whole packets up to the end of the input */
};

const struct io__framing *io__framing_of(enum io_format format)
{
    static const struct io__framing framings[] = {
        [IO_FORMAT_TS188] = {188, 0}, [IO_FORMAT_TS204] = {204, 0}, [IO_FORMAT_M2TS192] = {192, 4}};

    return &framings[format];
}

size_t io__sync_run(const struct io__framing *framing, const uint8_t *bytes, size_t size, size_t max)
{
    const uint8_t *sync = bytes + framing->lead;
    size_t whole = size / framing->stride;
    size_t count = 0;

    if (whole > max)
        whole = max;
    while (count < whole && *sync == TS_SYNC_BYTE) {
        sync += framing->stride;
        count++;
    }
    return count;
}

/* adaptation_field_control '00' is reserved (ISO/IEC 13818-1, 2.4.3.3): a sync byte that is none shows it in
 * one place out of four, a filling of 0x47 always. */
static bool is_plausible(const uint8_t *header, size_t size)
{
    return header[0] == TS_SYNC_BYTE && (size < 4 || (header[3] & 0x30));
}

static struct candidate judge(enum io_format format, const uint8_t *bytes, size_t size, size_t start)
{
    const struct io__framing *framing = io__framing_of(format);
    struct candidate it = {.format = format, .start = start, .fits = (size - start) % framing->stride == 0};

    for (size_t at = start + framing->lead; at < size && it.places < LOOKED_AT; at += framing->stride) {
        if (bytes[at] == TS_SYNC_BYTE && it.run == it.places)
            it.run++;
        it.places++;
        it.plausible += is_plausible(bytes + at, size - at);
    }
    return it;
}

/* At the end of an input, `minimum` sync bytes do where none is missing and one packet is whole. */
static bool is_confirmed(const struct candidate *it, size_t size, bool ended, unsigned minimum)
{
    if (it->run >= CONFIRMATIONS)
        return true;
    return ended && it->run == it->places && it->run >= minimum &&
           size - it->start >= io__framing_of(it->format)->stride;
}

/* `a` stands at the same place as `b`, or behind it. */
static bool is_better(const struct candidate *a, const struct candidate *b)
{
    unsigned ours = a->plausible * b->places;
    unsigned theirs = b->plausible * a->places;

    if (a->format == b->format && (a->start - b->start) % io__framing_of(a->format)->stride == 0)
        return false; /* the same packets without the first: odd as that may look, it is one */
    if (ours != theirs)
        return ours > theirs;
    return a->start == b->start && a->fits && !b->fits;
}

/* Judges a packet start with the sync byte at `sync`; keeps it in *best where it is confirmed and better. */
static void consider(struct candidate *best, enum io_format format, const uint8_t *bytes, size_t size,
                     size_t sync, bool ended, bool lost)
{
    size_t lead = io__framing_of(format)->lead;
    struct candidate it;
    bool natural; /* a place where a packet is expected */

    if (sync < lead)
        return;
    it = judge(format, bytes, size, sync - lead);
    natural = lost ? it.fits : it.start == 0;
    if (!is_confirmed(&it, size, ended, natural ? 1 : lost ? 2 : 3))
        return;
    if (best->places == 0 || is_better(&it, best))
        *best = it;
}

/* The next sync byte from `at` on, `end` where there is none. */
static size_t next_sync(const uint8_t *bytes, size_t at, size_t end)
{
    const uint8_t *found = at < end ? memchr(bytes + at, TS_SYNC_BYTE, end - at) : NULL;

    return found ? (size_t)(found - bytes) : end;
}

/* The best candidate of `count` formats with a sync byte at `at` or behind; places 0 where there is none. */
static struct candidate find_start(const enum io_format *formats, size_t count, const uint8_t *bytes,
                                   size_t size, size_t at, bool ended, bool lost)
{
    struct candidate best = {0};
    size_t end = size;

    for (at = next_sync(bytes, at, end); at < end; at = next_sync(bytes, at + 1, end)) {
        for (size_t i = 0; i < count; i++)
            consider(&best, formats[i], bytes, size, at, ended, lost);
        if (best.places && end == size) /* the true start is less than a packet behind a confirmed one */
            end = size - at > PACKET_MAX ? at + PACKET_MAX : size - 1;
    }
    return best;
}

bool io__sync_recognise(const uint8_t *bytes, size_t size, bool ended, enum io_format *format, size_t *offset)
{
    static const enum io_format formats[] = {IO_FORMAT_TS188, IO_FORMAT_TS204, IO_FORMAT_M2TS192};
    struct candidate best =
        find_start(formats, sizeof(formats) / sizeof(*formats), bytes, size, 0, ended, false);

    *format = best.format;
    *offset = best.start;
    return best.places > 0;
}

bool io__sync_search(enum io_format format, const uint8_t *bytes, size_t size, bool ended, size_t *offset)
{
    const struct io__framing *framing = io__framing_of(format);
    struct candidate it = {0};

    /* Where a single sync byte was hit, the next packet stands where it would have stood. */
    *offset = 0;
    if (size > framing->stride + framing->lead)
        it = judge(format, bytes, size, framing->stride);
    if (it.places && is_confirmed(&it, size, ended, 1)) {
        *offset = framing->stride;
        return true;
    }
    if (!ended && it.run == it.places)
        return false;
    it = find_start(&format, 1, bytes, size, framing->lead + 1, ended, true);
    if (it.places)
        *offset = it.start;
    else if (ended)
        *offset = size;
    else if (size > CONFIRMATIONS * framing->stride)
        *offset = (size / framing->stride - CONFIRMATIONS) * framing->stride;
    return it.places;
}
