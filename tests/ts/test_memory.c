/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What happens when memory runs out. Linked with --wrap=calloc: the room's allocations pass through here. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>

#include "tests/ts/support.h"
#include "ts/section.h"
#include "ts/timeline.h"

static int allowed; /* allocations that still succeed */
static int held;    /* allocations made */

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);

void *__wrap_calloc(size_t count, size_t size)
{
    if (allowed-- <= 0)
        return NULL;
    held++;
    return __real_calloc(count, size);
}

static void ignore(void *context, uint16_t pid, const uint8_t *section, size_t size)
{
    (void)context, (void)pid, (void)section, (void)size;
}

Test(memory, timeline_needs_all_of_its_parts)
{
    struct ts_timeline *timeline = NULL;
    int rc = -ENOMEM;

    for (int n = 0; rc; n++) {
        allowed = n;
        rc = ts_timeline_create(&timeline, TS_PIDS, 1, 1);
        cr_assert(rc == 0 || (rc == -ENOMEM && !timeline), "%d allocations allowed", n);
    }
    ts_timeline_destroy(timeline);
}

Test(memory, demux_stays_usable)
{
    struct ts_section_demux *demux = NULL;

    allowed = 0;
    cr_assert_eq(ts_demux_create(&demux, ignore, NULL), -ENOMEM);
    cr_assert_null(demux);
    allowed = 1;
    cr_assert_eq(ts_demux_create(&demux, ignore, NULL), 0);
    cr_assert_eq(ts_demux_add(demux, 5), -ENOMEM);
    cr_assert(!ts_demux_has(demux, 5));
    allowed = 1;
    cr_assert_eq(ts_demux_add(demux, 5), 0);
    cr_assert(ts_demux_has(demux, 5));
    ts_demux_destroy(demux);
}

/* PCRs that find no memory are passed over; packets wait on, and get their times when there is some again. */
Test(memory, timeline_catches_up)
{
    struct ts_timeline *timeline;
    uint64_t time = 0;
    unsigned n = 0;

    allowed = 2;
    cr_assert_eq(ts_timeline_create(&timeline, TS_PIDS, 1000000, 1000), 0);
    for (unsigned i = 0; i < 500; i++) { /* a segment each, and nobody asks */
        uint8_t packet[188];

        support_pcr_packet(packet, 0x100, UINT64_C(270) * i, false);
        ts_timeline_feed(timeline, packet);
    }
    allowed = 100;
    cr_assert_eq(ts_timeline_finish(timeline), 500);
    for (; ts_timeline_next(timeline, &time); n++)
        cr_assert_eq(time, 270 * n);
    cr_assert_eq(n, 500);
    ts_timeline_destroy(timeline);
}

/* Steady work allocates nothing: the packets of hours cost what those of the first second did. */
Test(memory, timeline_does_not_grow_when_times_are_taken)
{
    struct ts_timeline *timeline;
    uint64_t time;

    allowed = 2;
    cr_assert_eq(ts_timeline_create(&timeline, TS_PIDS, 1000000, 1000), 0);
    held = 0;
    allowed = 1000;
    for (unsigned i = 0; i < 1000000; i++) {
        uint8_t packet[188];

        if (i % 40 == 0)
            support_pcr_packet(packet, 0x100, UINT64_C(2700) * i, false);
        else
            support_packet(packet, 0x101, false, 0, NULL, 0);
        ts_timeline_feed(timeline, packet);
        while (ts_timeline_next(timeline, &time))
            ;
    }
    cr_assert_eq(held, 0);
    ts_timeline_destroy(timeline);
}
