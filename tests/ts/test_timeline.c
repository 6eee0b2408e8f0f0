/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>

#include "tests/ts/support.h"
#include "ts/timeline.h"

#define PID        0x100
#define SECOND     UINT64_C(27000000)
#define CYCLE      ((UINT64_C(1) << 33) * 300)
#define PACKETS    1000
#define RATE       UINT64_C(1504000) /* 1000 packets/s */
#define PER_PACKET (SECOND / 1000)   /* ticks at RATE */

static uint8_t packets[PACKETS][188];
static uint64_t times[PACKETS];
static struct ts_timeline *timeline;

static void blank(void)
{
    for (unsigned i = 0; i < PACKETS; i++)
        support_packet(packets[i], PID, false, 0, "x", 1);
}

static void pcr_at(unsigned i, uint64_t pcr)
{
    support_pcr_packet(packets[i], PID, pcr % CYCLE, false);
}

static void take_all(unsigned *n)
{
    while (ts_timeline_next(timeline, &times[*n]))
        ++*n;
}

/* Times of `count` packets, taken as soon as they are known. */
static void run(uint16_t pid, size_t window, unsigned count)
{
    unsigned n = 0;

    cr_assert_eq(ts_timeline_create(&timeline, pid, RATE, window), 0);
    for (unsigned i = 0; i < count; i++) {
        size_t available = ts_timeline_feed(timeline, packets[i]);
        unsigned before = n;

        take_all(&n);
        cr_assert_eq(n - before, available);
        cr_assert_lt(i + 1 - n, window, "packet %u: %u wait", i, i + 1 - n);
    }
    cr_assert_eq(ts_timeline_finish(timeline), count - n);
    take_all(&n);
    cr_assert_eq(n, count);
    cr_assert_eq(times[0], 0);
    for (unsigned i = 1; i < count; i++)
        cr_assert_geq(times[i], times[i - 1]);
    ts_timeline_destroy(timeline);
}

TestSuite(timeline, .init = blank);

Test(timeline, refuses_nothing_to_go_by)
{
    cr_assert_eq(ts_timeline_create(&timeline, PID, 0, 10), -EINVAL);
    cr_assert_eq(ts_timeline_create(&timeline, PID, 1, 0), -EINVAL);
    ts_timeline_destroy(NULL);
}

Test(timeline, without_packets)
{
    uint64_t time;

    cr_assert_eq(ts_timeline_create(&timeline, PID, RATE, 10), 0);
    cr_assert(!ts_timeline_next(timeline, &time));
    cr_assert_eq(ts_timeline_finish(timeline), 0);
    cr_assert(!ts_timeline_next(timeline, &time));
    cr_assert(!ts_timeline_has_pcr(timeline));
    cr_assert_eq(ts_timeline_rate(timeline), RATE);
    ts_timeline_destroy(timeline);
}

Test(timeline, without_any_pcr_the_given_rate_counts)
{
    run(PID, 100, PACKETS);
    for (unsigned i = 0; i < PACKETS; i++)
        cr_assert_eq(times[i], i * PER_PACKET);
}

/* PCRs at uneven places and rates that do not divide: exact at each PCR, floor of the line between. */
Test(timeline, interpolates_between_pcrs_without_drift)
{
    const unsigned at[] = {7, 100, 107, 333, 999};
    const uint64_t pcr[] = {5000000, 5700001, 5750000, 9000017, 23000000};
    uint64_t first = 7 * UINT64_C(700001) / 93; /* the first rate holds back to packet 0 */

    for (unsigned k = 0; k < 5; k++)
        pcr_at(at[k], pcr[k]);
    run(TS_PIDS, PACKETS, PACKETS);
    for (unsigned i = 0; i < 7; i++)
        cr_assert_eq(times[i], i * UINT64_C(700001) / 93);
    for (unsigned k = 0; k + 1 < 5; k++)
        for (unsigned i = at[k]; i <= at[k + 1]; i++) {
            uint64_t from = first + pcr[k] - pcr[0];
            uint64_t exact = from + (i - at[k]) * (pcr[k + 1] - pcr[k]) / (at[k + 1] - at[k]);

            /* In the first stretch the line starts at packet 0, so it is rounded once, not twice. */
            cr_assert(times[i] == exact || (k == 0 && times[i] == exact + 1), "packet %u", i);
        }
    cr_assert_eq(times[999], first + 18000000);
}

/* One straight line, whatever the window. */
Test(timeline, last_rate_holds_after_the_last_pcr)
{
    pcr_at(0, 1000);
    pcr_at(11, 1000 + 7003);
    for (size_t window = 12; window < 600; window += 100) {
        run(PID, window, 500);
        for (unsigned i = 0; i < 11; i++)
            cr_assert_eq(times[i], i * 7003 / 11);
        for (unsigned i = 0; i < 500 - 11; i++)
            cr_assert_eq(times[i + 11], 7003 + i * 7003 / 11, "packet %u", i);
    }
}

Test(timeline, pcr_wraps)
{
    pcr_at(0, CYCLE - 3000);
    pcr_at(100, CYCLE + 2000);
    pcr_at(200, CYCLE + 7000);
    run(PID, PACKETS, 201);
    cr_assert_eq(times[100], 5000);
    cr_assert_eq(times[200], 10000);
    cr_assert_eq(times[150], 7500);
}

Test(timeline, discontinuity_indicator_goes_on_at_the_last_rate)
{
    pcr_at(0, 0);
    pcr_at(100, 27000);
    support_pcr_packet(packets[200], PID, 28000, true); /* a step that would pass, but for the indicator */
    pcr_at(300, 28000 + 54000);
    run(PID, PACKETS, 301);
    cr_assert_eq(times[100], 27000);
    cr_assert_eq(times[150], 40500);
    cr_assert_eq(times[200], 54000);
    cr_assert_eq(times[300], 54000 + 54000);
}

static void expect_step(uint64_t step, bool followed)
{
    blank();
    pcr_at(0, 27 * SECOND);
    pcr_at(100, 27 * SECOND + 27000);
    pcr_at(200, 27 * SECOND + 27000 + step);
    pcr_at(300, 27 * SECOND + 27000 + step + 13500);
    run(PID, PACKETS, 301);
    cr_assert_eq(times[200], 27000 + (followed ? step : 27000));
    cr_assert_eq(times[300], times[200] + 13500);
}

Test(timeline, steps_back_and_over_ten_seconds_are_discontinuities)
{
    expect_step(1, true);
    expect_step(10 * SECOND, true);
    expect_step(10 * SECOND + 1, false);
    expect_step(CYCLE - 1, false);
    expect_step(CYCLE - 5 * SECOND, false);
}

Test(timeline, discontinuity_before_a_rate_is_known)
{
    pcr_at(10, 5000);
    support_pcr_packet(packets[20], PID, 100 * SECOND, true);
    pcr_at(30, 100 * SECOND + 1000);
    run(PID, PACKETS, 100);
    for (unsigned i = 0; i < 100; i++)
        cr_assert_eq(times[i], i * 100);
}

Test(timeline, repeated_pcr_is_passed_over)
{
    pcr_at(0, 0);
    pcr_at(50, 0);
    pcr_at(100, 10000);
    pcr_at(101, 10000);
    pcr_at(200, 20000);
    run(PID, PACKETS, 201);
    for (unsigned i = 0; i <= 200; i++)
        cr_assert_eq(times[i], i * 100);
}

Test(timeline, one_pcr_gives_no_rate)
{
    pcr_at(50, 12345);
    run(PID, PACKETS, 200);
    for (unsigned i = 0; i < 200; i++)
        cr_assert_eq(times[i], i * PER_PACKET);
}

Test(timeline, only_the_reference_pid_counts)
{
    pcr_at(0, 0);
    support_pcr_packet(packets[50], PID + 1, 77 * SECOND, false);
    pcr_at(100, 10000);
    packets[120][1] |= 0x80; /* transport error */
    support_pcr_packet(packets[121], PID, 4000, false);
    packets[121][1] |= 0x80;
    run(PID, PACKETS, 200);
    for (unsigned i = 0; i < 200; i++)
        cr_assert_eq(times[i], i * 100);
    run(TS_PIDS, PACKETS, 200);
    cr_assert_eq(times[199], 19900);
    run(PID + 2, PACKETS, 200);
    cr_assert_eq(times[199], 199 * PER_PACKET);
}

Test(timeline, window_runs_out_before_the_first_pcr)
{
    pcr_at(600, 1000);
    pcr_at(650, 1000 + 50 * 2 * PER_PACKET); /* half the fallback rate */
    run(PID, 100, 700);
    cr_assert_eq(times[500], 500 * PER_PACKET);
    cr_assert_eq(times[650] - times[600], 50 * 2 * PER_PACKET);
    cr_assert_eq(times[650] - times[649], 2 * PER_PACKET);
}

Test(timeline, window_runs_out_between_the_first_two_pcrs)
{
    pcr_at(10, 1000);
    pcr_at(250, 1000 + 240 * PER_PACKET * 3 / 2); /* times catch up with it */
    run(PID, 100, 300);
    cr_assert_eq(times[100], 100 * PER_PACKET);
    cr_assert_eq(times[250], 10 * PER_PACKET + 240 * PER_PACKET * 3 / 2);
    cr_assert_eq(times[290] - times[250], 40 * PER_PACKET * 3 / 2); /* and go on at the PCRs' rate */
}

/* The last rate ran ahead of the PCRs during a pause of theirs: time stands still until they have caught up.
 */
Test(timeline, time_stands_still_rather_than_go_back)
{
    pcr_at(0, 0);
    pcr_at(100, 100000);
    pcr_at(350, 150000);
    pcr_at(400, 280000);
    pcr_at(500, 330000);
    pcr_at(600, 380000);
    run(PID, 100, 700);
    cr_assert_eq(times[300], 300000);
    cr_assert_eq(times[350], 300000);
    cr_assert_eq(times[400], 300000);
    cr_assert_eq(times[500], 330000);
    cr_assert_eq(times[600], 380000);
}

/* A mad stream: PCRs of random values; asked for at random moments, the times are the same. */
static void scatter(uint32_t seed)
{
    uint64_t pcr = 0;

    blank();
    for (unsigned i = 0; i < PACKETS; i++) {
        uint32_t dice = support_random(&seed) % 100;

        pcr += support_random(&seed) % 60000;
        if (dice < 10)
            support_pcr_packet(packets[i], PID, pcr % CYCLE, dice == 0);
        if (dice == 1)
            pcr = (uint64_t)support_random(&seed) << 9;
    }
}

static void compare_late(uint32_t *seed, size_t window)
{
    static uint64_t again;
    unsigned n = 0;

    cr_assert_eq(ts_timeline_create(&timeline, PID, RATE, window), 0);
    for (unsigned i = 0; i < PACKETS; i++) {
        size_t available = ts_timeline_feed(timeline, packets[i]);

        if (support_random(seed) % 200 == 0) /* many segments wait meanwhile */
            while (available--) {
                cr_assert(ts_timeline_next(timeline, &again));
                cr_assert_eq(again, times[n++]);
            }
    }
    ts_timeline_finish(timeline);
    while (ts_timeline_next(timeline, &again))
        cr_assert_eq(again, times[n++]);
    cr_assert_eq(n, PACKETS);
    ts_timeline_destroy(timeline);
}

Test(timeline, same_times_however_they_are_asked_for)
{
    uint32_t seed = 4711;

    for (unsigned round = 0; round < 200; round++) {
        size_t window = 1 + support_random(&seed) % 300;

        scatter(support_random(&seed) | 1);
        run(PID, window, PACKETS);
        compare_late(&seed, window);
    }
}

Test(timeline, every_packet_a_pcr_asked_for_at_the_end)
{
    uint32_t seed = 3;

    for (unsigned i = 0; i < PACKETS; i++)
        pcr_at(i, 1000 + i * UINT64_C(270));
    run(PID, 10, PACKETS);
    cr_assert_eq(times[999], 999 * 270);
    compare_late(&seed, 10);
}

Test(timeline, tells_rate_and_pcr)
{
    cr_assert_eq(ts_timeline_create(&timeline, TS_PIDS, RATE, 100), 0);
    pcr_at(1, 0);
    pcr_at(101, SECOND / 10);
    for (unsigned i = 0; i < 102; i++) {
        cr_assert_eq(ts_timeline_has_pcr(timeline), i > 1);
        cr_assert_eq(ts_timeline_rate(timeline), RATE);
        ts_timeline_feed(timeline, packets[i]);
    }
    cr_assert_eq(ts_timeline_rate(timeline), 1504 * 1000);
    ts_timeline_destroy(timeline);
}

Test(timeline, extreme_rates)
{
    cr_assert_eq(ts_timeline_create(&timeline, PID, UINT64_MAX, 10), 0);
    cr_assert_eq(ts_timeline_rate(timeline), UINT64_MAX);
    for (unsigned i = 0; i < 100; i++)
        ts_timeline_feed(timeline, packets[i]);
    for (unsigned i = 0; i < 90; i++) {
        cr_assert(ts_timeline_next(timeline, &times[i]));
        cr_assert_eq(times[i], 0);
    }
    ts_timeline_destroy(timeline);
}
