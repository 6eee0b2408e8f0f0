/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a group is changes on a crypto-period boundary: members, CASs, access criteria, length, its end. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "rig.h"

static struct rig rig;
static struct rig_cas *const one = &rig.cas[0], *const two = &rig.cas[1];

static void begin(void)
{
    rig_init(&rig);
    one->criteria = two->criteria = 1;
}

static void end(void)
{
    rig_destroy(&rig);
}

TestSuite(group_change, .init = begin, .fini = end, .timeout = 60);

static void start(void)
{
    rig_create(&rig);
    rig_up(&rig);
}

static void change(uint64_t not_before, unsigned members, unsigned cas)
{
    cr_assert_eq(rig_change(&rig, not_before, members, cas), 0);
    cr_assert(headend_group_is_changing(rig.group));
}

static void expect_grid(unsigned from, unsigned to, uint64_t period)
{
    for (unsigned i = from + 1; i < to; i++) {
        cr_assert_eq(rig.periods[i].crypto_period, rig.periods[i - 1].crypto_period + 1);
        cr_assert_eq(rig.periods[i].start - rig.periods[i - 1].start, period, "period %u", i);
    }
}

/* Runs until a member's slot is of another kind, and returns the source time of the first packet with it. */
static uint64_t run_to_kind(unsigned member, enum keys_slot_kind kind, uint64_t until)
{
    while (rig.now < until) {
        rig_run(&rig, rig.now + RIG_STEP);
        if (rig.members[member].slot && rig.members[member].slot->kind == kind)
            return rig.fed;
    }
    return RIG_NO_START;
}

static const unsigned NOT_FOUND = RIG_LOG;

static unsigned play_of(const struct rig_cas *cas, uint64_t crypto_period)
{
    for (unsigned i = 0; i < cas->order_count; i++)
        if (cas->orders[i].plays && cas->orders[i].cp_number == crypto_period)
            return i;
    return NOT_FOUND;
}

static void expect_criteria(const struct rig_cas *cas, uint64_t boundary, uint8_t before, uint8_t after)
{
    for (unsigned i = 0; i < cas->order_count; i++)
        if (cas->orders[i].plays)
            cr_assert_eq(cas->orders[i].criteria, cas->orders[i].cp_number < boundary ? before : after,
                         "ECM %u", cas->orders[i].cp_number);
}

Test(group_change, access_criteria_change_with_the_boundary)
{
    start();
    rig_run(&rig, 3500 * MS);
    one->criteria = 2;
    one->config.access_criteria_changed = true;
    change(0, 1, 1);
    rig_run(&rig, 10 * SECOND);
    cr_assert_eq(rig.changes, 1);
    cr_assert_not(headend_group_is_changing(rig.group));
    cr_assert_eq(rig.change_period, 6, "5 is published, 6 is the first not asked for");
    cr_assert_eq(rig.change_start, rig.periods[6].start);
    expect_criteria(one, 6, 1, 2);
    expect_grid(0, rig.period_count, SECOND);
}

Test(group_change, ac_delays_hold_at_the_boundary_alone)
{
    static const int16_t starts[] = {-300, 400, 100}, stops[] = {-300, 500, -200};

    rig_create(&rig); /* for end() */
    for (unsigned i = 0; i < 3; i++) {
        unsigned at, before;

        rig_destroy(&rig);
        begin();
        one->status.delay_start = one->status.delay_stop = 100;
        one->status.has_ac_delay_start = one->status.has_ac_delay_stop = true;
        one->status.ac_delay_start = starts[i];
        one->status.ac_delay_stop = stops[i];
        start();
        rig_run(&rig, 3500 * MS);
        one->criteria = 2;
        one->config.access_criteria_changed = true;
        change(0, 1, 1);
        rig_run(&rig, 10 * SECOND);
        at = play_of(one, rig.change_period);
        before = play_of(one, rig.change_period - 1);
        cr_assert_eq(one->orders[at].start, rig.change_start + starts[i] * (int64_t)MS);
        cr_assert_eq(at - before, stops[i] < starts[i] ? 2 : 1);
        if (stops[i] < starts[i])
            cr_assert_eq(one->orders[at - 1].start, rig.change_start + stops[i] * (int64_t)MS);
        for (unsigned n = 1; n < 9; n++)
            if (n != rig.change_period)
                cr_assert_eq(one->orders[play_of(one, n)].start, rig.periods[n].start + 100 * MS);
        expect_grid(0, rig.period_count, SECOND);
    }
}

Test(group_change, a_change_waits_for_its_time)
{
    start();
    rig_run(&rig, 2500 * MS);
    one->criteria = 2;
    change(8 * SECOND + 500 * MS, 1, 1);
    rig_run(&rig, 14 * SECOND);
    cr_assert_geq(rig.change_start, 8 * SECOND + 500 * MS);
    cr_assert_lt(rig.change_start, 9 * SECOND + 500 * MS);
    expect_criteria(one, rig.change_period, 1, 2);
    expect_grid(0, rig.period_count, SECOND);
}

Test(group_change, a_change_that_waits_costs_nothing)
{
    unsigned calls;

    rig.lazy = true;
    two->config.required = false;
    start();
    rig_run(&rig, 2500 * MS);
    rig.cas_count = 2;
    change(20 * SECOND, 1, 2);
    rig_cas_up(&rig, 1);
    calls = rig.calls;
    rig_run(&rig, 12500 * MS);
    cr_assert_lt(rig.calls - calls, 60);
    cr_assert_eq(two->provisions, 0);
    rig_run(&rig, 25 * SECOND);
    cr_assert_eq(rig.changes, 1);
    cr_assert_geq(rig.change_start, 20 * SECOND);
    cr_assert_lt(rig.change_start, 21 * SECOND);
    expect_grid(0, rig.period_count, SECOND);
}

Test(group_change, the_last_change_replaces_the_one_that_waits)
{
    start();
    rig_run(&rig, 2500 * MS);
    one->criteria = 2;
    change(8 * SECOND, 1, 1);
    rig_run(&rig, 3500 * MS);
    one->criteria = 3;
    change(6 * SECOND, 1, 1);
    rig_run(&rig, 12 * SECOND);
    cr_assert_eq(rig.changes, 1);
    cr_assert_lt(rig.change_start, 7 * SECOND + 100 * MS);
    expect_criteria(one, rig.change_period, 1, 3);
}

Test(group_change, one_change_after_another_is_kept_in_order)
{
    start();
    for (unsigned i = 2; i < 20; i++) {
        rig_run(&rig, i * 1100 * MS);
        one->criteria = (uint8_t)i;
        cr_assert_eq(rig_change(&rig, 0, 1, 1), 0);
    }
    rig_run(&rig, 30 * SECOND);
    cr_assert_geq(rig.changes, 10);
    for (unsigned i = 1; i < one->order_count; i++)
        cr_assert_geq(one->orders[i].criteria, one->orders[i - 1].criteria);
    cr_assert_eq(one->orders[one->order_count - 1].criteria, 19);
    expect_grid(0, rig.period_count, SECOND);
}

Test(group_change, members_join_out_of_black_and_out_of_clear)
{
    start();
    rig.members[2].config.clear_before = rig.members[2].may_be_clear = true;
    rig_run(&rig, 2500 * MS);
    rig.member_count = 3;
    change(0, 3, 1);
    rig_run(&rig, 2510 * MS);
    cr_assert_null(rig.members[1].slot);
    cr_assert_eq(rig.members[2].slot->kind, KEYS_SLOT_CLEAR, "at once, so that it can be in the plan");
    cr_assert_eq(run_to_kind(1, KEYS_SLOT_KEY, 8 * SECOND), rig.change_start);
    cr_assert_eq(rig.members[2].slot->kind, KEYS_SLOT_KEY, "on the same packet");
    rig_run(&rig, 12 * SECOND);
    for (unsigned i = 1; i < 3; i++)
        cr_assert_eq(rig.members[i].slot->crypto_period, rig.members[0].slot->crypto_period);
    expect_grid(0, rig.period_count, SECOND);
}

Test(group_change, a_member_that_was_clear_is_so_from_the_start)
{
    rig.members[0].config.clear_before = rig.members[0].may_be_clear = true;
    rig_create(&rig);
    rig_run(&rig, SECOND);
    cr_assert_eq(rig.members[0].slot->kind, KEYS_SLOT_CLEAR);
    rig_up(&rig);
    rig_run(&rig, 3 * SECOND);
    cr_assert_eq(rig.members[0].slot->kind, KEYS_SLOT_KEY);
}

Test(group_change, members_leave_for_what_is_said)
{
    rig.member_count = 3;
    rig.members[1].config.after = KEYS_SLOT_CLEAR;
    rig.members[1].may_be_clear = true;
    rig.members[2].config.after = KEYS_SLOT_BLACK;
    start();
    rig_run(&rig, 2500 * MS);
    change(0, 1, 1);
    cr_assert_eq(run_to_kind(1, KEYS_SLOT_CLEAR, 8 * SECOND), rig.change_start);
    cr_assert_eq(rig.members[2].slot->kind, KEYS_SLOT_BLACK);
    rig_run(&rig, 12 * SECOND);
    cr_assert_eq(rig.members[1].slot->kind, KEYS_SLOT_CLEAR);
    cr_assert_eq(rig.members[0].slot->kind, KEYS_SLOT_KEY);
    expect_grid(0, rig.period_count, SECOND);
}

Test(group_change, a_new_required_cas_begins_with_its_first_boundary)
{
    two->status.delay_start = two->status.delay_stop = -300;
    start();
    rig_run(&rig, 2500 * MS);
    rig.cas_count = 2;
    change(0, 1, 2);
    rig_cas_up(&rig, 1);
    rig_run(&rig, 12 * SECOND);
    cr_assert_eq(rig.changes, 1);
    cr_assert_leq(rig.change_period, 6);
    cr_assert_eq(two->orders[0].cp_number, rig.change_period);
    cr_assert_eq(two->orders[0].start, rig.change_start - 300 * MS);
    cr_assert_eq(rig.degraded, 0, "it came in time");
    expect_grid(0, rig.period_count, SECOND);
}

Test(group_change, without_a_new_required_cas_the_group_stays_what_it_is)
{
    start();
    rig_run(&rig, 2500 * MS);
    one->criteria = 2;
    rig.cas_count = 2;
    change(0, 1, 2);
    rig_run(&rig, 12 * SECOND);
    cr_assert_eq(rig.changes, 0);
    cr_assert_eq(rig.degraded, 1);
    expect_grid(0, rig.period_count, SECOND);
    rig_cas_up(&rig, 1);
    rig_run(&rig, 20 * SECOND);
    cr_assert_eq(rig.changes, 1);
    cr_assert_eq(rig.recovered, 1);
    expect_criteria(one, rig.change_period, 1, 2);
    expect_grid(0, rig.period_count, SECOND);
}

Test(group_change, a_new_optional_cas_holds_nothing_up)
{
    two->config.required = false;
    start();
    rig_run(&rig, 2500 * MS);
    rig.cas_count = 2;
    change(0, 1, 2);
    rig_run(&rig, 8 * SECOND);
    cr_assert_eq(rig.changes, 1);
    cr_assert_eq(rig.degraded, 0);
    cr_assert_eq(two->missing, 1);
    rig_cas_up(&rig, 1);
    rig_run(&rig, 12 * SECOND);
    cr_assert_eq(two->back, 1);
    cr_assert_gt(two->playing.size, 0);
    expect_grid(0, rig.period_count, SECOND);
}

Test(group_change, a_cas_that_lags_behind_a_change_is_not_asked_about_what_was_before)
{
    rig.cas_count = 2;
    two->config.required = false;
    rig_create(&rig);
    rig_cas_up(&rig, 0);
    rig_run(&rig, 2500 * MS);
    one->criteria = two->criteria = 2;
    change(0, 1, 2);
    while (!rig.changes)
        rig_run(&rig, rig.now + RIG_STEP);
    cr_assert_gt(rig.change_start, rig.now + SECOND, "it is published, and still to come");
    rig_cas_up(&rig, 1);
    rig_run(&rig, 12 * SECOND);
    cr_assert_eq(two->orders[0].cp_number, rig.change_period);
    expect_criteria(two, rig.change_period, 1, 2);
}

Test(group_change, a_cas_that_leaves_ends_by_delay_stop)
{
    rig.cas_count = 2;
    two->status.delay_start = two->status.delay_stop = 150;
    start();
    rig_run(&rig, 2500 * MS);
    change(0, 1, 1);
    rig_run(&rig, 12 * SECOND);
    cr_assert_eq(rig.changes, 1);
    cr_assert_not(two->orders[two->order_count - 1].plays);
    cr_assert_eq(two->orders[two->order_count - 1].start, rig.change_start + 150 * MS);
    cr_assert_eq(two->playing.size, 0);
    expect_grid(0, rig.period_count, SECOND);
}

Test(group_change, a_required_cas_that_died_can_be_taken_out)
{
    rig.cas_count = 2;
    start();
    rig_run(&rig, 2500 * MS);
    rig_cas_down(&rig, 1);
    rig_run(&rig, 8 * SECOND);
    cr_assert_eq(rig.degraded, 1);
    change(0, 1, 1);
    rig_run(&rig, 8 * SECOND + 100 * MS);
    cr_assert_eq(rig.changes, 1, "at once");
    cr_assert_eq(rig.recovered, 1);
    rig_run(&rig, 14 * SECOND);
    expect_grid((unsigned)rig.change_period, rig.period_count, SECOND);
}

Test(group_change, what_was_asked_under_other_criteria_is_asked_anew_while_the_group_stands_still)
{
    rig.cas_count = 2;
    start();
    rig_run(&rig, 2500 * MS);
    rig_cas_down(&rig, 1);
    rig_run(&rig, 8 * SECOND);
    one->criteria = 2;
    change(0, 1, 2);
    rig_cas_up(&rig, 1);
    rig_run(&rig, 14 * SECOND);
    cr_assert_eq(rig.changes, 1);
    expect_criteria(one, rig.change_period, 1, 2);
    cr_assert_leq(rig.change_start, 8200 * MS);
}

Test(group_change, an_answer_that_comes_after_its_criteria_is_not_used)
{
    rig.cas_count = 2;
    start();
    rig_run(&rig, 2500 * MS);
    one->latency = 20 * SECOND;
    rig_run(&rig, 8 * SECOND);
    cr_assert(one->pending);
    cr_assert_eq(rig.degraded, 1);
    one->criteria = 2;
    change(0, 1, 2);
    one->answer_at = rig.now + 200 * MS;
    one->latency = 50 * MS;
    rig_run(&rig, 14 * SECOND);
    expect_criteria(one, rig.change_period, 1, 2);
    cr_assert_eq(rig.changes, 1);
}

Test(group_change, a_change_that_is_taken_back_while_it_stands_still_leaves_no_trace)
{
    rig.cas_count = 2;
    start();
    rig_run(&rig, 2500 * MS);
    one->criteria = 2;
    two->answer = RIG_SILENCE;
    change(0, 1, 2);
    rig_run(&rig, 10 * SECOND);
    cr_assert_eq(rig.changes, 0, "its first crypto-period lacks an ECM");
    one->criteria = 1;
    change(0, 1, 1);
    rig_run(&rig, 14 * SECOND);
    cr_assert_eq(rig.changes, 1);
    expect_criteria(one, 0, 1, 1);
    expect_grid((unsigned)rig.change_period, rig.period_count, SECOND);
}

Test(group_change, crypto_periods_change_their_length_and_ecmgs_are_told)
{
    start();
    rig_run(&rig, 2500 * MS);
    cr_assert_eq(one->last_provision.cp_duration, 0, "the nominal one");
    rig.config.crypto_period = 2500 * MS;
    change(0, 1, 1);
    rig_run(&rig, 20 * SECOND);
    cr_assert_eq(one->last_provision.cp_duration, 25);
    expect_grid(0, (unsigned)rig.change_period, SECOND);
    expect_grid((unsigned)rig.change_period, rig.period_count, 2500 * MS);
}

Test(group_change, the_end_is_a_boundary_and_ecms_outlast_it_by_transition_delay_stop)
{
    rig.cas_count = rig.member_count = 2;
    one->status.delay_start = one->status.delay_stop = 200;
    one->status.has_transition_delay_stop = true;
    one->status.transition_delay_stop = 700;
    two->status.delay_start = two->status.delay_stop = -200;
    rig.members[1].config.after = KEYS_SLOT_CLEAR;
    rig.members[1].may_be_clear = true;
    start();
    rig_run(&rig, 2500 * MS);
    change(0, 0, 0);
    cr_assert_not(headend_group_has_ended(rig.group));
    cr_assert_eq(run_to_kind(1, KEYS_SLOT_CLEAR, 9 * SECOND), rig.change_start);
    cr_assert_eq(rig.members[0].slot->kind, KEYS_SLOT_BLACK);
    cr_assert(headend_group_has_ended(rig.group));
    cr_assert_eq(rig.change_start, rig.periods[rig.period_count - 1].start + SECOND);
    rig_run(&rig, 12 * SECOND);
    cr_assert_eq(one->orders[one->order_count - 1].start, rig.change_start + 700 * MS);
    cr_assert_eq(two->orders[two->order_count - 1].start, rig.change_start - 200 * MS);
    cr_assert_eq(one->playing.size + two->playing.size, 0);
    cr_assert_eq(headend_group_advance(rig.group, rig.now), UINT64_MAX);
    cr_assert(headend_group_ready(rig.group, UINT64_MAX));
    cr_assert_eq(rig_change(&rig, 0, 1, 1), -EINVAL);
}

Test(group_change, a_group_may_end_before_it_began_and_while_it_stands_still)
{
    rig_create(&rig);
    rig_run(&rig, SECOND);
    change(0, 0, 0);
    rig_run(&rig, 2 * SECOND);
    cr_assert(headend_group_has_ended(rig.group));
    rig_destroy(&rig);
    begin();
    start();
    rig_run(&rig, 2500 * MS);
    rig_cas_down(&rig, 0);
    rig_run(&rig, 8 * SECOND);
    change(0, 0, 0);
    rig_run(&rig, 8100 * MS);
    cr_assert(headend_group_has_ended(rig.group));
    cr_assert_eq(rig.members[0].slot->kind, KEYS_SLOT_BLACK);
}

Test(group_change, a_fixed_word_can_be_ended)
{
    static struct base_secret word;
    static const struct keys_cw_list list = {.words = &word, .count = 1};

    cr_assert_eq(base_secret_set(&word, (uint8_t[8]){1, 0, 0, 1}, 8), 0);
    rig.config.list = &list;
    rig.config.fixed = true;
    start();
    rig_run(&rig, 9500 * MS);
    cr_assert_eq(rig.period_count, 1);
    change(0, 0, 0);
    rig_run(&rig, 10 * SECOND);
    cr_assert(headend_group_has_ended(rig.group));
    cr_assert_leq(rig.change_start, 9600 * MS);
}

Test(group_change, a_change_before_the_first_crypto_period_is_the_first_definition)
{
    rig_create(&rig);
    rig_run(&rig, SECOND);
    one->criteria = 2;
    change(0, 1, 1);
    rig_up(&rig);
    rig_run(&rig, 4 * SECOND);
    cr_assert_eq(rig.change_period, 0);
    expect_criteria(one, 0, 1, 2);
}

Test(group_change, what_cannot_work_is_refused)
{
    start();
    cr_assert_eq(rig_change(&rig, 0, 1, 0), -EINVAL, "no CAS");
    cr_assert_eq(rig_change(&rig, 0, 0, 1), -EINVAL, "no member");
    two->config.id = one->config.id;
    cr_assert_eq(rig_change(&rig, 0, 1, 2), -EINVAL);
    rig.config.crypto_period = 1;
    cr_assert_eq(rig_change(&rig, 0, 1, 1), -EINVAL);
    cr_assert_not(headend_group_is_changing(rig.group));
    rig_destroy(&rig);
    begin();
    rig.cas_count = 0;
    rig_create(&rig);
    cr_assert_eq(rig_change(&rig, 0, 1, 1), -EINVAL, "control words by time alone");
}

Test(group_change, in_a_file_run_the_boundary_does_not_depend_on_latencies)
{
    uint64_t first = 0;

    rig_create(&rig); /* for end() */
    for (unsigned waits = 0; waits < 8; waits++) {
        rig_destroy(&rig);
        begin();
        rig.config.waits_for_ecms = true;
        rig.config.guard = 0;
        one->waits = waits;
        two->waits = 7 - waits;
        start();
        rig_run_file(&rig, 2500 * MS, 50 * MS, 1000);
        rig.cas_count = 2;
        one->criteria = 2;
        change(0, 1, 2);
        rig_cas_up(&rig, 1);
        rig_run_file(&rig, 10 * SECOND, 50 * MS, 1000);
        cr_assert_eq(rig.changes, 1);
        if (!waits)
            first = rig.change_period;
        cr_assert_eq(rig.change_period, first);
        expect_criteria(one, first, 1, 2);
        expect_grid(0, rig.period_count, SECOND);
    }
}
