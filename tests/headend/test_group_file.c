/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A file run: source time waits for ECMs, so the outcome does not depend on how long they took. */
#include <criterion/criterion.h>
#include <string.h>

#include "rig.h"

static struct rig rig, other;
static struct rig_cas *const cas = &rig.cas[0];

static void begin(void)
{
    rig_init(&rig);
    rig.config.waits_for_ecms = true;
    rig.config.guard = 0;
}

static void end(void)
{
    rig_destroy(&rig);
}

TestSuite(group_file, .init = begin, .fini = end, .timeout = 60);

static void start(struct rig *r)
{
    rig_create(r);
    rig_up(r);
}

Test(group_file, nothing_may_be_fed_before_the_first_ecm)
{
    start(&rig);
    cr_assert_not(headend_group_ready(rig.group, 0));
    headend_group_advance(rig.group, 5 * SECOND);
    cr_assert_not(headend_group_ready(rig.group, 5 * SECOND));
    cr_assert_eq(headend_group_horizon(rig.group), 5 * SECOND);
}

Test(group_file, the_first_packet_is_scrambled)
{
    rig.now = 3 * SECOND;
    cas->waits = 5;
    start(&rig);
    rig_run_file(&rig, 3 * SECOND + 1, MS, 1000);
    cr_assert_eq(rig.periods[0].start, 3 * SECOND);
    cr_assert_eq(cas->orders[0].start, 3 * SECOND);
    cr_assert_not_null(rig.members[0].slot);
}

Test(group_file, a_lead_in_is_black_with_the_ecm_on_air)
{
    rig.config.lead_in = true;
    cas->status.has_transition_delay_start = true;
    cas->status.transition_delay_start = -500;
    start(&rig);
    rig_run_file(&rig, 100 * MS, MS, 1000);
    cr_assert_null(rig.members[0].slot);
    cr_assert_eq(cas->orders[0].start, 0);
    cr_assert_eq(rig.periods[0].start, 500 * MS);
}

Test(group_file, the_same_comes_out_however_long_ecms_took_and_however_time_went)
{
    static const int16_t delays[] = {-1000, -250, 0, 300};
    static const uint64_t steps[] = {MS, 7 * MS + 3, 333 * MS, 900 * MS};

    rig_create(&rig); /* for end() */
    for (unsigned d = 0; d < 4; d++) {
        rig_destroy(&rig);
        begin();
        cas->status.delay_start = delays[d];
        start(&rig);
        rig_run_file(&rig, 20 * SECOND, MS, 1000);
        for (unsigned s = 0; s < 4; s++) {
            rig_init(&other);
            other.config = rig.config;
            other.cas[0].waits = 3 + s;
            other.cas[0].status = cas->status;
            start(&other);
            rig_run_file(&other, 20 * SECOND, steps[s], 1000);
            cr_assert_eq(other.cas[0].late_orders, 0);
            cr_assert_geq(other.period_count, 20);
            for (unsigned i = 0; i < 20; i++) {
                cr_assert_eq(other.periods[i].start, i * SECOND);
                cr_assert_eq(rig.periods[i].start, i * SECOND);
                cr_assert_eq(other.cas[0].orders[i].start, cas->orders[i].start);
                cr_assert_arr_eq(other.periods[i].cw, rig.periods[i].cw, 8);
            }
            rig_destroy(&other);
        }
    }
}

Test(group_file, gaps_of_many_crypto_periods_are_crossed)
{
    start(&rig);
    rig_run_file(&rig, 100 * SECOND, 9500 * MS, 1000);
    cr_assert_geq(rig.period_count, 95);
    for (unsigned i = 0; i < rig.period_count; i++)
        cr_assert_eq(rig.periods[i].start, i * SECOND);
}

Test(group_file, a_group_without_packets_does_not_stop_the_file)
{
    rig.members[0].idle = true;
    start(&rig);
    rig_run_file(&rig, 20 * SECOND, 100 * MS, 1000);
    cr_assert_geq(rig.period_count, 20);
}

Test(group_file, ready_ends_where_the_next_ecm_would_have_to_begin)
{
    cas->status.delay_start = -400;
    start(&rig);
    rig_run_file(&rig, 100 * MS, MS, 1000);
    cas->answer = RIG_SILENCE;
    cas->pending = false;
    headend_group_cas_down(rig.group, 1, "gone");
    headend_group_advance(rig.group, rig.now);
    cr_assert_eq(headend_group_horizon(rig.group), rig.period_count * SECOND - 400 * MS);
    cr_assert(headend_group_ready(rig.group, headend_group_horizon(rig.group) - 1));
    cr_assert_not(headend_group_ready(rig.group, headend_group_horizon(rig.group)));
}

Test(group_file, giving_up_holds_for_whole_crypto_periods)
{
    struct headend_group_status status;

    start(&rig);
    rig_run_file(&rig, 2500 * MS, 10 * MS, 1000);
    cas->answer = RIG_SILENCE;
    rig_run_file(&rig, 10 * SECOND, 10 * MS, 3);
    cr_assert_eq(rig.members[0].slot->crypto_period, rig.period_count - 1);
    cr_assert_eq(rig.members[0].slot->kind, KEYS_SLOT_KEY);
    cr_assert_eq(rig.degraded, 1);
    cr_assert_str_eq(rig.why, "no ECM came within 10 s");
    cas->answer = RIG_ECM;
    rig_run_file(&rig, 20 * SECOND, 10 * MS, 1000);
    cr_assert_eq(rig.recovered, 1);
    headend_group_status(rig.group, &status);
    cr_assert_eq(status.stretched, 1);
    for (unsigned i = 0; i < rig.period_count; i++)
        cr_assert_eq(rig.periods[i].start % SECOND, 0, "the grid is kept");
    cr_assert_eq(cas->late_orders, 0);
}

Test(group_file, giving_up_goes_black_or_clear_when_the_next_period_was_due)
{
    static const enum headend_policy policies[] = {HEADEND_BLACK, HEADEND_CLEAR};
    static const enum keys_slot_kind kinds[] = {KEYS_SLOT_BLACK, KEYS_SLOT_CLEAR};

    rig_create(&rig);
    for (unsigned i = 0; i < 4; i++) {
        uint64_t delay = i / 2 * 1200 * MS, due;

        rig_destroy(&rig);
        begin();
        rig.config.policy = policies[i % 2];
        rig.config.policy_delay = delay;
        start(&rig);
        rig_run_file(&rig, 2500 * MS, 10 * MS, 1000);
        cas->answer = RIG_SILENCE;
        due = rig.periods[rig.period_count - 1].start + SECOND;
        rig_run_file(&rig, due + delay, 10 * MS, 3);
        cr_assert_eq(rig.members[0].slot->kind, KEYS_SLOT_KEY);
        rig_run_file(&rig, due + delay + 10 * MS, 10 * MS, 3);
        cr_assert_eq(rig.members[0].slot->kind, kinds[i % 2]);
        cr_assert_eq(rig.members[0].slot->start, due + delay);
        rig_run_file(&rig, 10 * SECOND, 10 * MS, 3);
        cr_assert_eq(rig.members[0].slot->kind, kinds[i % 2]);
        cas->answer = RIG_ECM;
        rig_run_file(&rig, 14 * SECOND, 10 * MS, 1000);
        cr_assert_eq(rig.members[0].slot->kind, KEYS_SLOT_KEY);
        cr_assert_eq(rig.recovered, 1);
    }
}

Test(group_file, giving_up_before_the_first_ecm_is_black)
{
    rig.config.policy = HEADEND_CLEAR;
    cas->answer = RIG_SILENCE;
    start(&rig);
    rig_run_file(&rig, 5500 * MS, 10 * MS, 3);
    cr_assert_null(rig.members[0].slot);
    cr_assert_eq(rig.degraded, 1);
    cas->answer = RIG_ECM;
    rig_run_file(&rig, 9 * SECOND, 10 * MS, 1000);
    cr_assert_eq(rig.members[0].slot->kind, KEYS_SLOT_KEY);
    cr_assert_eq(rig.recovered, 1);
}

Test(group_file, without_a_cas_the_file_never_waits)
{
    rig.cas_count = 0;
    rig_create(&rig);
    rig_run_file(&rig, 60 * SECOND, 700 * MS, 0);
    cr_assert_eq(rig.degraded, 0);
    for (unsigned i = 0; i < rig.period_count; i++)
        cr_assert_eq(rig.periods[i].start, i * SECOND);
}
