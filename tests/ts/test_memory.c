/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What happens when memory runs out. */
#include <criterion/criterion.h>
#include <errno.h>

#include "tests/common/memory.h"
#include "tests/ts/support.h"
#include "ts/section.h"
#include "ts/timeline.h"

static void ignore(void *context, uint16_t pid, const uint8_t *section, size_t size)
{
    (void)context, (void)pid, (void)section, (void)size;
}

static int use_timeline(void *context)
{
    struct ts_timeline *timeline = NULL;
    int status = ts_timeline_create(&timeline, TS_PIDS, 1, 1);

    (void)context;
    cr_assert(status == 0 || !timeline);
    ts_timeline_destroy(timeline);
    return status;
}

Test(memory, timeline_needs_all_of_its_parts)
{
    memory_refuse_each(use_timeline, NULL, 2);
}

static int use_demux(void *context)
{
    struct ts_section_demux *demux = NULL;
    int status = ts_demux_create(&demux, ignore, context);

    for (uint16_t pid = 5; pid < 8 && status == 0; pid++) {
        status = ts_demux_add(demux, pid);
        cr_assert_eq(ts_demux_has(demux, pid), status == 0);
    }
    ts_demux_destroy(demux);
    return status;
}

Test(memory, demux_needs_memory_for_itself_and_each_pid)
{
    memory_refuse_each(use_demux, NULL, 4);
}

Test(memory, demux_stays_usable)
{
    struct ts_section_demux *demux = NULL;

    memory_watch();
    cr_assert_eq(ts_demux_create(&demux, ignore, NULL), 0);
    memory_refuse(0);
    cr_assert_eq(ts_demux_add(demux, 5), -ENOMEM);
    cr_assert_eq(ts_demux_add(demux, 5), 0);
    cr_assert(ts_demux_has(demux, 5));
    memory_stop();
    ts_demux_destroy(demux);
}

/* PCRs that find no memory are passed over; packets wait on, and get their times when there is some again. */
Test(memory, timeline_catches_up)
{
    struct ts_timeline *timeline;
    uint64_t time = 0;
    unsigned n = 0;

    memory_watch();
    cr_assert_eq(ts_timeline_create(&timeline, TS_PIDS, 1000000, 1000), 0);
    memory_refuse_from(0);
    for (unsigned i = 0; i < 500; i++) { /* a segment each, and nobody asks */
        uint8_t packet[188];

        support_pcr_packet(packet, 0x100, UINT64_C(270) * i, false);
        ts_timeline_feed(timeline, packet);
    }
    cr_assert_gt(memory_requests(), 0);
    memory_stop();
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

    cr_assert_eq(ts_timeline_create(&timeline, TS_PIDS, 1000000, 1000), 0);
    memory_watch();
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
    memory_stop();
    cr_assert_eq(memory_requests(), 0);
    ts_timeline_destroy(timeline);
}
