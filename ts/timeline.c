/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Packets up to `known` have their times, held as segments of constant rate; later ones wait. A PCR, a full
 * window or the end of the stream closes the next segment. All decisions fall in ts_timeline_feed() and
 * depend on the packets alone, so it does not matter when the times are asked for. */
#include "ts/timeline.h"

#include <errno.h>
#include <stdlib.h>

#define TICKS_PER_SECOND UINT64_C(27000000)
#define PCR_CYCLE        ((UINT64_C(1) << 33) * 300)
#define STEP_MAX         (10 * TICKS_PER_SECOND)
#define PACKET_BITS      (TS_PACKET_SIZE * UINT64_C(8))
#define SEGMENTS_FIRST   64

/* ticks / packets; a product of either with a packet count may need 128 bits */
struct rate {
    uint64_t ticks;
    uint64_t packets;
};

struct point {
    uint64_t packet; /* counted from 0 */
    uint64_t time;
};

/* Packets after the segment before, up to `end` itself; its time starts where that one's ends. */
struct segment {
    uint64_t end;
    struct rate rate;
};

struct ts_timeline {
    uint64_t fed;       /* packets */
    struct point known; /* the newest packet that has its time; meaningless before the first packet */
    struct point start; /* where the newest segment starts */
    bool extending;     /* it runs on at the last rate: a longer stretch only moves its end */
    uint64_t window;
    uint16_t reference_pid; /* TS_PIDS: not chosen yet */

    bool pcr_seen;
    bool pcr_timed; /* pcr_at.time is set: PCR values translate to times */
    bool rate_known;
    uint64_t pcr; /* the last one, at pcr_at */
    struct point pcr_at;
    struct rate rate; /* the fallback until a rate is known */

    /* What ts_timeline_next() uses: it divides once per segment, and adds once per packet. */
    uint64_t asked;     /* packets */
    uint64_t time;      /* of packet asked - 1 */
    uint64_t step;      /* whole ticks per packet in the current segment */
    uint64_t fraction;  /* and what is left, in 1/packets of a tick */
    uint64_t remainder; /* sum of fractions, below a tick */
    struct segment current;
    size_t head, count, capacity; /* of the ring of segments after `current`; capacity a power of two */
    struct segment *segments;
};

int ts_timeline_create(struct ts_timeline **out, uint16_t reference_pid, uint64_t fallback_rate,
                       size_t window)
{
    struct ts_timeline *timeline;

    if (!fallback_rate || !window)
        return -EINVAL;
    timeline = calloc(1, sizeof(*timeline));
    if (!timeline)
        return -ENOMEM;
    timeline->segments = calloc(SEGMENTS_FIRST, sizeof(*timeline->segments));
    if (!timeline->segments) {
        free(timeline);
        return -ENOMEM;
    }
    timeline->capacity = SEGMENTS_FIRST;
    timeline->window = window;
    timeline->reference_pid = reference_pid;
    timeline->rate = (struct rate){.ticks = PACKET_BITS * TICKS_PER_SECOND, .packets = fallback_rate};
    *out = timeline;
    return 0;
}

void ts_timeline_destroy(struct ts_timeline *timeline)
{
    if (!timeline)
        return;
    free(timeline->segments);
    free(timeline);
}

static uint64_t ticks_of(uint64_t packets, const struct rate *rate)
{
    return (uint64_t)((unsigned __int128)packets * rate->ticks / rate->packets);
}

static bool grow_segments(struct ts_timeline *t)
{
    struct segment *larger = calloc(t->capacity * 2, sizeof(*larger));

    if (!larger)
        return false;
    for (size_t i = 0; i < t->count; i++)
        larger[i] = t->segments[(t->head + i) & (t->capacity - 1)];
    free(t->segments);
    t->segments = larger;
    t->head = 0;
    t->capacity *= 2;
    return true;
}

/* Gives packets up to `end` their times; false where memory ran out: then nothing changed, they wait on. */
static bool close_segment(struct ts_timeline *t, uint64_t end, struct rate rate)
{
    if (end == t->known.packet)
        return true;
    if (t->count == t->capacity && !grow_segments(t))
        return false;
    t->segments[(t->head + t->count++) & (t->capacity - 1)] = (struct segment){.end = end, .rate = rate};
    t->start = t->known;
    t->known.time += ticks_of(end - t->known.packet, &rate);
    t->known.packet = end;
    t->extending = false;
    return true;
}

static void move_end(struct ts_timeline *t, uint64_t end)
{
    struct segment *newest =
        t->count ? &t->segments[(t->head + t->count - 1) & (t->capacity - 1)] : &t->current;

    newest->end = end;
    t->known.packet = end;
    t->known.time = t->start.time + ticks_of(end - t->start.packet, &newest->rate);
}

/* Times up to `packet` at the last rate. A PCR among these packets takes its time from them. */
static bool extend(struct ts_timeline *t, uint64_t packet)
{
    if (packet == t->known.packet)
        return true;
    if (t->extending)
        move_end(t, packet);
    else if (!close_segment(t, packet, t->rate))
        return false;
    t->extending = true;
    if (t->pcr_seen && !t->pcr_timed) {
        t->pcr_at.time = t->start.time + ticks_of(t->pcr_at.packet - t->start.packet, &t->rate);
        t->pcr_timed = true;
    }
    return true;
}

/* The first PCR, or the first of a new time base. */
static void start_time_base(struct ts_timeline *t, uint64_t packet, uint64_t pcr)
{
    if (t->rate_known && !extend(t, packet))
        return;
    t->pcr_at = (struct point){.packet = packet, .time = t->known.time};
    t->pcr_timed = t->rate_known;
    t->pcr_seen = true;
    t->pcr = pcr;
}

/* Where the last PCR has no time yet, `rate` is the first one: it holds back to the newest known packet. */
static void follow_time_base(struct ts_timeline *t, uint64_t packet, uint64_t pcr, uint64_t step)
{
    struct rate rate = {.ticks = step, .packets = packet - t->pcr_at.packet};
    uint64_t packets = packet - t->known.packet;
    uint64_t time = t->pcr_timed ? t->pcr_at.time + step : t->known.time + ticks_of(packets, &rate);
    uint64_t ticks = time > t->known.time ? time - t->known.time : 0; /* never back */

    if (!close_segment(t, packet, t->pcr_timed ? (struct rate){.ticks = ticks, .packets = packets} : rate))
        return;
    t->pcr_at = (struct point){.packet = packet, .time = time};
    t->pcr_timed = true;
    t->pcr = pcr;
    t->rate = rate;
    t->rate_known = true;
}

static void take_pcr(struct ts_timeline *t, uint64_t packet, uint64_t pcr, bool discontinuity)
{
    uint64_t step = (pcr + PCR_CYCLE - t->pcr) % PCR_CYCLE;

    if (!t->pcr_seen || discontinuity || step > STEP_MAX)
        start_time_base(t, packet, pcr);
    else if (step)
        follow_time_base(t, packet, pcr, step);
}

static bool reference_pcr(struct ts_timeline *t, const uint8_t *packet, uint64_t *pcr)
{
    if (t->reference_pid != TS_PIDS && ts_pid(packet) != t->reference_pid)
        return false;
    if (ts_error_indicator(packet) || !ts_pcr(packet, pcr))
        return false;
    t->reference_pid = ts_pid(packet);
    return true;
}

static size_t available(const struct ts_timeline *t)
{
    return t->fed ? (size_t)(t->known.packet + 1 - t->asked) : 0;
}

size_t ts_timeline_feed(struct ts_timeline *timeline, const uint8_t *packet)
{
    uint64_t index = timeline->fed++;
    uint64_t pcr;

    if (reference_pcr(timeline, packet, &pcr))
        take_pcr(timeline, index, pcr, ts_discontinuity(packet));
    if (index - timeline->known.packet >= timeline->window)
        extend(timeline, index);
    return available(timeline);
}

size_t ts_timeline_finish(struct ts_timeline *timeline)
{
    if (timeline->fed)
        extend(timeline, timeline->fed - 1);
    return available(timeline);
}

static void open_segment(struct ts_timeline *t)
{
    t->current = t->segments[t->head];
    t->head = (t->head + 1) & (t->capacity - 1);
    t->count--;
    t->step = t->current.rate.ticks / t->current.rate.packets;
    t->fraction = t->current.rate.ticks % t->current.rate.packets;
    t->remainder = 0;
}

static void advance_time(struct ts_timeline *t)
{
    uint64_t missing = t->current.rate.packets - t->fraction; /* a sum might overflow, this does not */

    t->time += t->step;
    if (t->remainder >= missing) {
        t->remainder -= missing;
        t->time++;
    } else {
        t->remainder += t->fraction;
    }
}

bool ts_timeline_next(struct ts_timeline *timeline, uint64_t *source_time)
{
    if (!available(timeline))
        return false;
    if (timeline->asked > timeline->current.end)
        open_segment(timeline);
    if (timeline->asked)
        advance_time(timeline);
    timeline->asked++;
    *source_time = timeline->time;
    return true;
}

bool ts_timeline_has_pcr(const struct ts_timeline *timeline)
{
    return timeline->pcr_seen;
}

uint64_t ts_timeline_rate(const struct ts_timeline *timeline)
{
    unsigned __int128 rate =
        (unsigned __int128)timeline->rate.packets * (PACKET_BITS * TICKS_PER_SECOND) / timeline->rate.ticks;

    return rate > UINT64_MAX ? UINT64_MAX : (uint64_t)rate;
}
