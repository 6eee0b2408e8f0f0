/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Several CASs on one group, live: each with its own delays and fate, all with the same control words. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "rig.h"

static struct rig rig;
static struct rig_cas *const one = &rig.cas[0], *const two = &rig.cas[1];

static void begin(void)
{
    rig_init(&rig);
    rig.cas_count = 2;
}

static void end(void)
{
    rig_destroy(&rig);
}

TestSuite(group_cas, .init = begin, .fini = end, .timeout = 60);

static void start(void)
{
    rig_create(&rig);
    rig_up(&rig);
}

static struct headend_group_status status(void)
{
    struct headend_group_status s;

    headend_group_status(rig.group, &s);
    return s;
}

static struct headend_group_cas_status status_of(const struct rig_cas *cas)
{
    struct headend_group_cas_status s;

    cr_assert_eq(headend_group_cas_status(rig.group, cas->config.id, &s), 0);
    return s;
}

static void set_delays(struct rig_cas *cas, int16_t start, int16_t stop)
{
    cas->status.delay_start = start;
    cas->status.delay_stop = stop;
}

static void expect_grid(unsigned from)
{
    for (unsigned i = from + 1; i < rig.period_count; i++) {
        cr_assert_eq(rig.periods[i].crypto_period, rig.periods[i - 1].crypto_period + 1);
        cr_assert_eq(rig.periods[i].start - rig.periods[i - 1].start, SECOND, "period %u", i);
    }
}

/* When this crypto-period's ECM begins. */
static uint64_t play_of(const struct rig_cas *cas, uint64_t crypto_period)
{
    for (unsigned i = 0; i < cas->order_count; i++)
        if (cas->orders[i].plays && cas->orders[i].cp_number == (uint16_t)crypto_period)
            return cas->orders[i].start;
    return RIG_NO_START;
}

/* When what plays this crypto-period's ECM is ended by a stop; RIG_NO_START where another follows. */
static uint64_t stop_of(const struct rig_cas *cas, uint64_t crypto_period)
{
    for (unsigned i = 0; i + 1 < cas->order_count; i++)
        if (cas->orders[i].plays && cas->orders[i].cp_number == (uint16_t)crypto_period)
            return cas->orders[i + 1].plays ? RIG_NO_START : cas->orders[i + 1].start;
    return RIG_NO_START;
}

Test(group_cas, each_has_its_own_delay_around_the_same_boundaries)
{
    set_delays(one, -400, -400);
    set_delays(two, 300, 300);
    start();
    rig_run(&rig, 10 * SECOND);
    cr_assert_geq(rig.period_count, 11);
    expect_grid(0);
    for (unsigned n = 1; n < rig.period_count; n++) {
        cr_assert_eq(play_of(one, n), rig.periods[n].start - 400 * MS);
        cr_assert_eq(play_of(two, n), rig.periods[n].start + 300 * MS);
    }
    cr_assert_eq(status().ecms, status_of(one).ecms + status_of(two).ecms);
}

Test(group_cas, every_pair_of_lead_cw_and_cw_per_msg_gets_the_same_words)
{
    rig_create(&rig); /* for end() */
    for (unsigned i = 0; i < 4 * 4 * 4 * 4; i++) {
        rig_destroy(&rig);
        begin();
        one->status.lead_cw = i % 4;
        one->status.cw_per_msg = (uint8_t)(i / 4 % 4 + 1);
        two->status.lead_cw = i / 16 % 4;
        two->status.cw_per_msg = (uint8_t)(i / 64 % 4 + 1);
        set_delays(one, one->status.lead_cw ? 100 : -200, one->status.lead_cw ? 100 : -200);
        set_delays(two, -500, -500);
        two->config.required = i % 2;
        start();
        rig_run(&rig, 6 * SECOND);
        cr_assert_geq(rig.period_count, 7);
        expect_grid(0);
        for (unsigned c = 0; c < 2; c++) {
            const struct simulcrypt_channel_status *s = &rig.cas[c].status;
            cr_assert_eq(rig.cas[c].errors, s->lead_cw >= s->cw_per_msg ? s->lead_cw - s->cw_per_msg + 1 : 0);
            cr_assert_eq(rig.cas[c].missing, 0);
        }
    }
}

Test(group_cas, cp_number_wraps_at_65535_and_crypto_periods_go_on_at_2_32)
{
    static const uint64_t firsts[] = {65530, UINT64_C(0xFFFFFFF8), UINT64_C(0x1FFFFFFFA)};

    rig_create(&rig); /* for end() */
    for (unsigned i = 0; i < 3 * 3; i++) {
        rig_destroy(&rig);
        begin();
        rig.config.first_crypto_period = firsts[i % 3];
        one->status.lead_cw = 3;
        one->status.cw_per_msg = (uint8_t)(1 + 3 * (i / 3));
        set_delays(one, 250, 250);
        two->status.lead_cw = 8;
        two->status.cw_per_msg = (uint8_t)(1 + i / 3);
        set_delays(two, -900, -900);
        start();
        rig_run(&rig, 14 * SECOND);
        cr_assert_geq(rig.period_count, 14);
        cr_assert_eq(rig.periods[0].crypto_period, firsts[i % 3]);
        expect_grid(2);
    }
}

Test(group_cas, a_gap_between_delay_stop_and_delay_start_is_left)
{
    set_delays(one, 200, -100);
    set_delays(two, -500, 0);
    start();
    rig_run(&rig, 8 * SECOND);
    expect_grid(0);
    for (unsigned n = 1; n < 7; n++) {
        cr_assert_eq(play_of(one, n), rig.periods[n].start + 200 * MS);
        cr_assert_eq(stop_of(one, n), rig.periods[n + 1].start - 100 * MS);
        cr_assert_eq(stop_of(two, n), RIG_NO_START, "where two overlap the newer one plays");
    }
}

Test(group_cas, an_optional_one_that_is_down_costs_no_delay)
{
    two->config.required = false;
    rig_create(&rig);
    rig_cas_up(&rig, 0);
    rig_run(&rig, 5 * SECOND);
    cr_assert_eq(rig.periods[0].start, 50 * MS + RIG_STEP);
    cr_assert_geq(rig.period_count, 6);
    expect_grid(0);
    cr_assert_eq(two->missing, 1);
    cr_assert_eq(status().without, rig.period_count);
    cr_assert(status_of(two).missing);
    cr_assert_eq(rig.degraded, 0);
}

Test(group_cas, an_optional_one_that_comes_later_plays_at_once)
{
    two->config.required = false;
    set_delays(two, 200, 200);
    rig_create(&rig);
    rig_cas_up(&rig, 0);
    rig_run(&rig, 3500 * MS);
    rig_cas_up(&rig, 1);
    rig_run(&rig, 8 * SECOND);
    expect_grid(0);
    cr_assert_eq(play_of(two, 3), 3550 * MS, "the running crypto-period's");
    cr_assert_eq(play_of(two, 4), rig.periods[4].start + 200 * MS);
    cr_assert_eq(play_of(two, 5), rig.periods[5].start + 200 * MS);
    cr_assert_eq(two->back, 1);
    cr_assert_not(status_of(two).missing);
}

Test(group_cas, an_optional_one_that_is_silent_is_left_behind_in_time)
{
    two->config.required = false;
    two->answer = RIG_SILENCE;
    set_delays(one, -300, -300);
    start();
    rig_run(&rig, 8 * SECOND);
    cr_assert_geq(rig.period_count, 8);
    expect_grid(0);
    cr_assert_eq(status().stretched, 0);
    cr_assert_eq(one->late_orders, 0);
    cr_assert_eq(two->order_count, 0);
    cr_assert_eq(two->missing, 1);
}

Test(group_cas, advance_says_when_it_wants_to_be_called)
{
    rig_create(&rig); /* for end() */
    for (unsigned silent = 0; silent < 3; silent++) {
        unsigned calls;

        rig_destroy(&rig);
        begin();
        rig.lazy = true;
        two->config.required = false;
        set_delays(one, -300, -300);
        if (silent)
            two->answer = RIG_SILENCE;
        start();
        if (silent == 2)
            rig_cas_down(&rig, 1);
        rig_run(&rig, 10 * SECOND);
        cr_assert_geq(rig.period_count, 10);
        expect_grid(0);
        cr_assert_eq(status().stretched, 0);
        calls = rig.calls;
        rig_run(&rig, 20 * SECOND);
        cr_assert_lt(rig.calls - calls, 60, "a few times in each crypto-period");
    }
}

Test(group_cas, an_optional_one_that_falls_silent_ends_by_delay_stop_and_comes_back_at_once)
{
    two->config.required = false;
    set_delays(two, -200, 150);
    start();
    rig_run(&rig, 3500 * MS);
    two->answer = RIG_SILENCE;
    rig_run(&rig, 8500 * MS);
    expect_grid(0);
    cr_assert_eq(two->missing, 1);
    cr_assert_eq(stop_of(two, 5), rig.periods[6].start + 150 * MS);
    cr_assert_eq(two->playing.size, 0);
    two->answer = RIG_ECM;
    rig_run(&rig, 13 * SECOND);
    expect_grid(0);
    cr_assert_eq(two->back, 1);
    cr_assert_eq(play_of(two, 6), RIG_NO_START, "its crypto-period is over");
    cr_assert_eq(play_of(two, 8), 8550 * MS, "the running one's at once");
    cr_assert_eq(play_of(two, 9), rig.periods[9].start - 200 * MS);
}

Test(group_cas, a_late_ecm_ends_too_where_the_next_one_does_not_come)
{
    two->config.required = false;
    set_delays(two, -200, 150);
    rig_create(&rig);
    rig_cas_up(&rig, 0);
    rig_run(&rig, 3500 * MS);
    rig_cas_up(&rig, 1);
    rig_run(&rig, 3550 * MS);
    cr_assert_eq(two->last_provision.cp_number, 3);
    rig_run(&rig, 3560 * MS);
    rig_cas_down(&rig, 1);
    rig_run(&rig, 8 * SECOND);
    cr_assert_eq(play_of(two, 3), 3550 * MS);
    cr_assert_eq(stop_of(two, 3), rig.periods[4].start + 150 * MS);
    cr_assert_eq(two->playing.size, 0);
}

Test(group_cas, a_slow_optional_one_makes_nothing_late)
{
    rig_create(&rig); /* for end() */
    for (uint64_t latency = 800 * MS; latency < 3 * SECOND; latency += 300 * MS) {
        rig_destroy(&rig);
        begin();
        two->config.required = false;
        two->latency = latency;
        start();
        rig_run(&rig, 12 * SECOND);
        expect_grid(0);
        cr_assert_eq(status().stretched, 0);
        cr_assert_eq(one->late_orders, 0);
    }
}

Test(group_cas, a_required_one_that_is_late_stretches_for_all)
{
    set_delays(two, -200, -200);
    start();
    rig_run(&rig, 3 * SECOND);
    two->answer = RIG_SILENCE;
    rig_run(&rig, 9 * SECOND);
    cr_assert_eq(rig.degraded, 1);
    cr_assert_eq(status().stretched, 1);
    two->answer = RIG_ECM;
    rig_run(&rig, 14 * SECOND);
    cr_assert_eq(rig.recovered, 1);
}

Test(group_cas, the_reason_of_the_one_that_fails_is_told)
{
    two->config.required = true;
    start();
    rig_run(&rig, 3 * SECOND);
    rig_cas_down(&rig, 1);
    rig_run(&rig, 9 * SECOND);
    cr_assert_str_eq(rig.why, "the connection to the ECMG ended");
    cr_assert_str_eq(status_of(two).why, "the connection to the ECMG ended");
    cr_assert_not(status_of(two).up);
    cr_assert(status_of(one).up);
}

Test(group_cas, where_all_are_optional_one_is_enough_and_none_is_too_few)
{
    one->config.required = two->config.required = false;
    rig.config.policy = HEADEND_BLACK;
    start();
    rig_run(&rig, 3 * SECOND);
    rig_cas_down(&rig, 0);
    rig_run(&rig, 8 * SECOND);
    cr_assert_eq(one->missing, 1);
    cr_assert_eq(rig.degraded, 0);
    expect_grid(0);
    rig_cas_down(&rig, 1);
    rig_run(&rig, 14 * SECOND);
    cr_assert_eq(rig.degraded, 1);
    cr_assert_eq(rig.members[0].slot->kind, KEYS_SLOT_BLACK);
    rig_cas_up(&rig, 0);
    rig_run(&rig, 20 * SECOND);
    cr_assert_eq(rig.recovered, 1);
    cr_assert_eq(rig.members[0].slot->kind, KEYS_SLOT_KEY);
}

Test(group_cas, a_backup_with_other_delays_takes_over)
{
    static const struct {
        uint8_t lead_cw, cw_per_msg;
        int16_t delay;
        bool packets;
    } ecmgs[] = {{0, 1, -500, false}, {1, 2, 200, true}, {3, 1, -900, false},
                 {0, 1, -100, true},  {2, 4, 0, false},  {8, 8, 900, false}};

    rig_create(&rig); /* for end() */
    for (unsigned i = 0; i < 6 * 6; i++) {
        rig_destroy(&rig);
        begin();
        two->config.required = i % 2;
        for (unsigned k = 0; k < 2; k++) {
            unsigned e = k ? i / 6 : i % 6;

            two->status.lead_cw = ecmgs[e].lead_cw;
            two->status.cw_per_msg = ecmgs[e].cw_per_msg;
            two->status.packets = ecmgs[e].packets;
            set_delays(two, ecmgs[e].delay, ecmgs[e].delay);
            if (!k) {
                start();
                rig_run(&rig, 3 * SECOND + i * 70 * MS);
                rig_cas_down(&rig, 1);
                rig_run(&rig, rig.now + i % 3 * 40 * MS);
            }
        }
        rig_cas_up(&rig, 1);
        rig_run(&rig, 10 * SECOND);
        cr_assert_eq(one->late_orders, 0);
        cr_assert_geq(rig.period_count, 9);
    }
}

Test(group_cas, an_ecm_in_hand_outlives_its_ecmg_with_its_own_delay)
{
    set_delays(one, 0, 0);
    set_delays(two, -400, -400);
    one->answer = RIG_SILENCE;
    start();
    rig_run(&rig, SECOND); /* CAS two's first ECM is in hand, that of one is not */
    cr_assert_eq(rig.period_count, 0);
    rig_cas_down(&rig, 1);
    one->answer = RIG_ECM;
    rig_run(&rig, 4 * SECOND);
    cr_assert_eq(rig.period_count, 1, "the first one of two was in hand");
    cr_assert_eq(two->provisions, 1);
    cr_assert_eq(play_of(one, 0), play_of(two, 0));
}

Test(group_cas, ids_that_the_group_does_not_have_are_refused)
{
    const char *why = NULL;
    struct headend_group_cas_status s;

    start();
    cr_assert_eq(headend_group_cas_up(rig.group, 77, &one->status, &why), -ENOENT);
    cr_assert_eq(headend_group_set_ecm_pid(rig.group, 77, 0x100), -ENOENT);
    cr_assert_eq(headend_group_cas_status(rig.group, 77, &s), -ENOENT);
    headend_group_cas_down(rig.group, 77, "gone");
    headend_group_ecm(rig.group, 77, 0, NULL, 0);
    headend_group_provision_failed(rig.group, 77, 0, "no");
    cr_assert_eq(headend_group_set_ecm_pid(rig.group, 1, two->config.ecm_pid), -EBUSY);
}

Test(group_cas, a_required_one_without_a_pid_holds_all_up_and_an_optional_one_does_not)
{
    rig_create(&rig); /* for end() */
    for (unsigned required = 0; required < 2; required++) {
        rig_destroy(&rig);
        begin();
        two->config.required = required;
        two->config.ecm_pid = 0;
        start();
        rig_run(&rig, SECOND);
        cr_assert_eq(rig.period_count > 0, !required);
        two->config.ecm_pid = 0x700;
        cr_assert_eq(headend_group_set_ecm_pid(rig.group, 2, 0x700), 0);
        rig_run(&rig, 4 * SECOND);
        cr_assert_gt(two->playing.size, 0);
        expect_grid(0);
    }
}

Test(group_cas, members_are_published_to_all_or_none)
{
    rig.member_count = 3;
    start();
    rig.members[1].idle = true;
    rig_run(&rig, 9 * SECOND);
    cr_assert_eq(rig.period_count, KEYS_SLOTS, "one of them has no room");
    cr_assert_eq(rig.members[0].slot->crypto_period, KEYS_SLOTS - 1);
    rig.members[1].idle = false;
    rig_run(&rig, 14 * SECOND);
    for (unsigned i = 1; i < 3; i++)
        cr_assert_eq(rig.members[i].slot->crypto_period, rig.members[0].slot->crypto_period);
}
