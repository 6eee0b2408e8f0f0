/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Live: source time goes on whether an ECM is there or not. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "rig.h"

static struct rig rig;
static struct rig_cas *const cas = &rig.cas[0];

static void begin(void)
{
    rig_init(&rig);
}

static void end(void)
{
    rig_destroy(&rig);
}

TestSuite(group, .init = begin, .fini = end, .timeout = 60);

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

/* Crypto-periods `from` … follow each other every `period`, without a gap in their numbers. */
static void expect_grid(unsigned from, unsigned to, uint64_t period)
{
    for (unsigned i = from + 1; i < to; i++) {
        cr_assert_eq(rig.periods[i].crypto_period, rig.periods[i - 1].crypto_period + 1);
        cr_assert_eq(rig.periods[i].start - rig.periods[i - 1].start, period, "period %u", i);
        cr_assert(memcmp(rig.periods[i].cw, rig.periods[i - 1].cw, 8), "each has its own CW");
    }
}

Test(group, every_combination_of_lead_cw_cw_per_msg_and_delay_keeps_the_grid)
{
    static const int16_t delays[] = {-1000, -999, -500, -1, 0, 200, 1000};

    unsigned slow_start;

    rig_create(&rig); /* for end() */
    for (unsigned x = 0; x <= SIMULCRYPT_CWS_MAX; x++)
        for (unsigned y = 1; y <= SIMULCRYPT_CWS_MAX; y++)
            for (unsigned d = 0; d < 7; d++) {
                if (!x && delays[d] >= 0)
                    continue;
                rig_destroy(&rig);
                rig_init(&rig);
                cas->status.lead_cw = (uint8_t)x;
                cas->status.cw_per_msg = (uint8_t)y;
                cas->status.delay_start = cas->status.delay_stop = delays[d];
                cas->latency = (x + y + d) % 3 * 70 * MS;
                start();
                rig_run(&rig, 12 * SECOND);
                cr_assert_geq(rig.period_count, 12);
                cr_assert_eq(rig.periods[0].crypto_period, 0);
                /* An ECM that belongs a whole period early cannot be had at the very start. */
                slow_start = delays[d] < -900 ? 2 : 0;
                expect_grid(slow_start, rig.period_count, SECOND);
                cr_assert_leq(status().stretched, slow_start);
                cr_assert_eq(cas->errors, x >= y ? x - y + 1 : 0, "the ECMG knew every CW it needed");
                cr_assert_eq(cas->late_orders, 0);
                for (unsigned i = slow_start + 1; i < cas->order_count; i++)
                    cr_assert_eq((int64_t)(cas->orders[i].start - rig.periods[i].start),
                                 delays[d] * (int64_t)MS);
            }
}

Test(group, nothing_is_on_air_before_the_first_ecm_whatever_the_policy)
{
    rig.config.policy = HEADEND_CLEAR;
    cas->answer = RIG_SILENCE;
    start();
    rig_run(&rig, 5 * SECOND);
    cr_assert_null(rig.members[0].slot);
    cr_assert_eq(cas->order_count, 0);
    cr_assert_not(status().on_air);
    cr_assert_eq(rig.degraded, 0, "black before the first ECM is no fallback");
}

Test(group, scrambling_starts_at_once_behind_its_ecm)
{
    cas->status.has_transition_delay_start = true;
    cas->status.transition_delay_start = -500;
    start();
    rig_run(&rig, SECOND);
    cr_assert_eq(cas->orders[0].start, 50 * MS, "as soon as the ECM is in hand");
    cr_assert_eq(rig.periods[0].start, 50 * MS + RIG_STEP, "the worker's burst later");
}

Test(group, a_lead_in_honours_transition_delay_start)
{
    rig.config.lead_in = true;
    cas->status.has_transition_delay_start = true;
    cas->status.transition_delay_start = -500;
    start();
    rig_run(&rig, 3 * SECOND);
    cr_assert_eq(cas->orders[0].start, 50 * MS);
    cr_assert_eq(rig.periods[0].start, 550 * MS);
    expect_grid(0, rig.period_count, SECOND);
}

Test(group, a_lead_in_without_transition_delay_takes_delay_start)
{
    rig.config.lead_in = true;
    cas->status.delay_start = -300;
    start();
    rig_run(&rig, 3 * SECOND);
    cr_assert_eq(rig.periods[0].start, 350 * MS);
}

Test(group, cp_number_wraps_at_65535)
{
    rig.config.first_crypto_period = 65530;
    start();
    rig_run(&rig, 12 * SECOND);
    cr_assert_gt(rig.period_count, 10);
    cr_assert_eq(rig.periods[10].crypto_period, 65540);
    cr_assert_eq(cas->last_provision.cp_number,
                 (uint16_t)(65530 + rig.period_count - (cas->pending ? 0 : 1)));
    expect_grid(0, rig.period_count, SECOND);
    cr_assert_eq(rig.members[0].slot->crypto_period & 0xFFFF, rig.members[0].slot->crypto_period - 65536);
}

Test(group, min_cp_duration_lengthens_the_crypto_period)
{
    cas->status.min_cp_duration = 25;
    start();
    rig_run(&rig, 12 * SECOND);
    expect_grid(0, rig.period_count, 2500 * MS);
}

Test(group, sixteen_byte_cws_and_packet_ecms)
{
    rig.config.generator.cw_size = 16;
    cas->status.packets = true;
    start();
    rig_run(&rig, 4 * SECOND);
    expect_grid(0, rig.period_count, SECOND);
    cr_assert_eq(cas->playing.form, TS_ORDER_PACKETS);
    cr_assert_eq(cas->playing.size, 188);
    cr_assert_eq(cas->playing.period, 100 * MS);
}

Test(group, an_ecm_rep_period_of_0_means_100_ms)
{
    cas->status.ecm_rep_period = 0;
    start();
    rig_run(&rig, SECOND);
    cr_assert_eq(cas->playing.period, 100 * MS);
}

Test(group, an_empty_datagram_means_no_ecm_for_that_period)
{
    cas->answer = RIG_EMPTY;
    start();
    rig_run(&rig, 3 * SECOND);
    cr_assert_eq(cas->playing.kind, TS_ORDER_STOP);
    cr_assert_eq(rig.members[0].slot->kind, KEYS_SLOT_KEY);
    expect_grid(0, rig.period_count, SECOND);
}

Test(group, what_is_no_ecm_is_not_put_on_air)
{
    static const uint8_t garbage[4 * 188] = {0x80, 0x70, 0x10};
    static const char *why;

    cas->answer = RIG_SILENCE;
    start();
    for (unsigned packets = 0; packets < 2; packets++) {
        cas->status.packets = packets;
        cas->pending = false;
        cr_assert_eq(headend_group_cas_up(rig.group, 1, &cas->status, &why), 0);
        for (size_t size = 1; size <= sizeof(garbage); size++) {
            headend_group_advance(rig.group, 0);
            cr_assert(cas->pending);
            cas->pending = false;
            /* 19 bytes are a section of the announced length */
            if (packets || size != 19)
                headend_group_ecm(rig.group, 1, 0, garbage, size);
            else
                headend_group_provision_failed(rig.group, 1, 0, "no");
        }
    }
    cr_assert_eq(status().ecms, 0);
    headend_group_advance(rig.group, 0);
    cr_assert_not(status().on_air);
}

Test(group, an_ecm_of_the_largest_size_is_played)
{
    static uint8_t packets[TS_ORDER_BYTES_MAX + 188];
    struct ts_order order;

    cas->answer = RIG_SILENCE;
    cas->status.packets = true;
    start();
    for (size_t at = 0; at < sizeof(packets); at += 188)
        packets[at] = 0x47;
    headend_group_advance(rig.group, 0);
    headend_group_ecm(rig.group, 1, 0, packets, sizeof(packets));
    cr_assert_eq(status().ecms, 0, "more than an order can hold");
    cas->pending = false;
    headend_group_advance(rig.group, 0);
    headend_group_ecm(rig.group, 1, 0, packets, TS_ORDER_BYTES_MAX);
    cas->refuse = -EBUSY;
    headend_group_advance(rig.group, 0);
    cr_assert_eq(ts_order_pop(rig.orders, &order), 1);
    cr_assert_eq(order.size, TS_ORDER_BYTES_MAX);
}

Test(group, answers_that_were_not_asked_for_are_passed_over)
{
    static const uint8_t ecm[] = {0x80, 0x70, 0x02, 0, 0};

    cas->answer = RIG_SILENCE;
    start();
    headend_group_ecm(rig.group, 1, 0, ecm, sizeof(ecm));
    headend_group_advance(rig.group, 0);
    headend_group_ecm(rig.group, 1, 1, ecm, sizeof(ecm));
    headend_group_ecm(rig.group, 1, 65535, ecm, sizeof(ecm));
    headend_group_provision_failed(rig.group, 1, 7, "other");
    headend_group_advance(rig.group, 0);
    cr_assert_eq(status().ecms, 0);
    cr_assert_not(status().on_air);
}

Test(group, combinations_that_cannot_work_are_refused_with_a_reason)
{
    struct simulcrypt_channel_status good = cas->status, bad;
    const char *why;

    rig_create(&rig);
#define REFUSED(...)                                                                                         \
    do {                                                                                                     \
        bad = good;                                                                                          \
        __VA_ARGS__;                                                                                         \
        why = NULL;                                                                                          \
        cr_assert_eq(headend_group_cas_up(rig.group, 1, &bad, &why), BASE_E_CONFIGURATION);                  \
        cr_assert(why &&*why);                                                                               \
    } while (0)
    REFUSED(bad.lead_cw = 0);
    REFUSED(bad.lead_cw = 0, bad.delay_start = 1);
    REFUSED(bad.cw_per_msg = 0);
    REFUSED(bad.cw_per_msg = 9);
    REFUSED(bad.lead_cw = 9);
    REFUSED(bad.delay_start = -1001);
    REFUSED(bad.delay_start = 1001);
    REFUSED(bad.delay_start = INT16_MIN);
    headend_group_advance(rig.group, 0);
    cr_assert_eq(cas->provisions, 0, "a refused ECMG is not asked");
    bad = good;
    bad.delay_start = -1001;
    bad.min_cp_duration = 11;
    cr_assert_eq(headend_group_cas_up(rig.group, 1, &bad, &why), 0, "a longer crypto-period allows it");
}

Test(group, a_late_ecm_is_allowed_where_that_is_configured)
{
    cas->config.allow_late_ecm = true;
    cas->status.lead_cw = 0;
    cas->status.cw_per_msg = 1;
    cas->status.delay_start = cas->status.delay_stop = 200;
    start();
    rig_run(&rig, 5 * SECOND);
    expect_grid(0, rig.period_count, SECOND);
    cr_assert_eq(cas->orders[2].start, rig.periods[2].start + 200 * MS);
}

Test(group, a_priming_provision_that_is_refused_has_done_its_duty)
{
    cas->status.cw_per_msg = 1;
    cas->answer = RIG_ERROR;
    start();
    rig_run(&rig, 60 * MS);
    cr_assert_eq(cas->errors, 1);
    cr_assert_eq(cas->last_provision.cp_number, 0);
    cas->answer = RIG_ECM;
    rig_run(&rig, 4 * SECOND);
    cr_assert_eq(cas->errors, 1);
    expect_grid(0, rig.period_count, SECOND);
}

Test(group, hold_stretches_the_running_period_and_goes_on)
{
    unsigned published;
    uint64_t back;

    start();
    rig_run(&rig, 5 * SECOND);
    published = rig.period_count;
    cas->answer = RIG_SILENCE;
    rig_run(&rig, 30 * SECOND);
    published = rig.period_count;
    cr_assert_eq(rig.members[0].slot->crypto_period, published - 1, "the last one is held");
    cr_assert_eq(rig.members[0].slot->kind, KEYS_SLOT_KEY);
    cr_assert_eq(rig.degraded, 1);
    cr_assert_eq(status().stretched, 1);
    cr_assert(status().degraded);
    back = rig.now;
    cas->answer = RIG_ECM;
    rig_run(&rig, 40 * SECOND);
    cr_assert_eq(rig.recovered, 1);
    cr_assert_not(status().degraded);
    cr_assert_eq(rig.periods[published].start, back + RIG_STEP, "as soon as the ECM came");
    cr_assert_eq(status().stretched, 1, "counted once");
    expect_grid(published, rig.period_count, SECOND);
}

Test(group, a_late_ecm_with_negative_delay_still_goes_ahead_of_its_period)
{
    uint64_t back;
    unsigned published;

    cas->status.delay_start = -400;
    start();
    rig_run(&rig, 3 * SECOND);
    cas->answer = RIG_SILENCE;
    rig_run(&rig, 9 * SECOND);
    published = rig.period_count;
    back = rig.now;
    cas->answer = RIG_ECM;
    rig_run(&rig, 20 * SECOND);
    cr_assert_eq(rig.periods[published].start, back + 400 * MS + RIG_STEP);
    cr_assert_eq(cas->orders[published].start, back + RIG_STEP);
    cr_assert_eq(cas->late_orders, 0);
}

static uint64_t when_kind(enum keys_slot_kind kind, uint64_t until)
{
    while (rig.now < until) {
        rig_run(&rig, rig.now + RIG_STEP);
        if (rig.members[0].slot && rig.members[0].slot->kind == kind)
            return rig.now - RIG_STEP;
    }
    return RIG_NO_START;
}

Test(group, black_and_clear_take_hold_after_policy_delay)
{
    static const enum headend_policy policies[] = {HEADEND_BLACK, HEADEND_CLEAR};
    static const enum keys_slot_kind kinds[] = {KEYS_SLOT_BLACK, KEYS_SLOT_CLEAR};

    rig_create(&rig);
    for (unsigned i = 0; i < 2; i++) {
        uint64_t due;

        rig_destroy(&rig);
        rig_init(&rig);
        rig.config.policy = policies[i];
        rig.config.policy_delay = 1500 * MS;
        start();
        rig_run(&rig, 4 * SECOND);
        headend_group_cas_down(rig.group, 1, "the connection to the ECMG ended");
        cas->pending = false;
        due = rig.periods[rig.period_count - 1].start + SECOND;
        cr_assert_eq(when_kind(kinds[i], 20 * SECOND), due + 1500 * MS);
        cr_assert_str_eq(rig.why, "the connection to the ECMG ended");
        cr_assert_eq(rig.degraded, 1);
        rig_run(&rig, 20 * SECOND);
        cr_assert_eq(rig.members[0].slot->kind, kinds[i]);
        rig_up(&rig);
        cr_assert_neq(when_kind(KEYS_SLOT_KEY, 22 * SECOND), RIG_NO_START);
        cr_assert_eq(rig.recovered, 1);
        cr_assert_not(status().degraded);
        cr_assert_eq(status().stretched, 1);
    }
}

Test(group, an_ecm_that_comes_within_policy_delay_keeps_the_service_on_air)
{
    unsigned published;
    uint64_t back;

    rig.config.policy = HEADEND_BLACK;
    rig.config.policy_delay = 2 * SECOND;
    start();
    rig_run(&rig, 4 * SECOND);
    cas->answer = RIG_SILENCE;
    rig_run(&rig, 4 * SECOND + 500 * MS);
    published = rig.period_count;
    rig_run(&rig, rig.periods[published - 1].start + 2 * SECOND);
    cas->answer = RIG_ECM;
    back = rig.now;
    cr_assert_eq(when_kind(KEYS_SLOT_BLACK, 14 * SECOND), RIG_NO_START);
    cr_assert_eq(rig.periods[published].start, back + RIG_STEP);
    cr_assert_eq(rig.degraded, 1);
    cr_assert_eq(rig.recovered, 1);
}

Test(group, a_stretch_is_counted_also_where_time_leaps_over_it)
{
    start();
    rig_run(&rig, 3 * SECOND);
    cas->inside = true;
    rig.now += 10 * SECOND;
    rig_run(&rig, 14 * SECOND);
    cr_assert_eq(status().stretched, 1);
}

Test(group, out_of_clear_the_ecm_leads_by_the_transition_delay)
{
    unsigned published;
    uint64_t back;

    rig.config.policy = HEADEND_CLEAR;
    cas->status.has_transition_delay_start = true;
    cas->status.transition_delay_start = -700;
    start();
    rig_run(&rig, 3 * SECOND);
    cas->answer = RIG_SILENCE;
    cr_assert_neq(when_kind(KEYS_SLOT_CLEAR, 10 * SECOND), RIG_NO_START);
    published = rig.period_count;
    back = rig.now;
    cas->answer = RIG_ECM;
    rig_run(&rig, 14 * SECOND);
    cr_assert_eq(rig.periods[published].start, back + 700 * MS + RIG_STEP);
    cr_assert_eq(cas->orders[published].start, back + RIG_STEP);
}

Test(group, after_a_loss_the_next_period_has_the_other_parity_and_the_ecmg_learns_its_cws_anew)
{
    uint64_t last;

    cas->status.cw_per_msg = 1; /* needs priming */
    start();
    rig_run(&rig, 3500 * MS);
    headend_group_cas_down(rig.group, 1, "gone");
    rig_run(&rig, 10 * SECOND);
    last = rig.members[0].slot->crypto_period;
    rig_up(&rig);
    rig_run(&rig, 12 * SECOND);
    cr_assert_eq(cas->errors, 2, "one priming provision per connection");
    cr_assert_gt(rig.members[0].slot->crypto_period, last);
    cr_assert_eq(rig.periods[last + 1].crypto_period, last + 1);
    cr_assert_geq(rig.periods[last + 1].start, 10 * SECOND);
}

Test(group, ecms_in_hand_outlive_their_ecmg)
{
    start();
    rig_run(&rig, 1500 * MS);
    headend_group_cas_down(rig.group, 1, "gone");
    rig_run(&rig, 5 * SECOND);
    /* While period 1 ran, 2 and 3 were published. */
    cr_assert_eq(rig.members[0].slot->crypto_period, 3);
}

Test(group, provisions_that_are_not_taken_are_asked_for_again)
{
    cas->refuse = -ENOTCONN;
    start();
    rig_run(&rig, SECOND);
    cr_assert_eq(cas->provisions, 0);
    cas->refuse = 0;
    rig_run(&rig, 5 * SECOND);
    expect_grid(0, rig.period_count, SECOND);
}

Test(group, an_ecmg_may_answer_inside_the_call)
{
    cas->inside = true;
    cas->status.lead_cw = 2;
    cas->status.cw_per_msg = 1;
    start();
    rig_run(&rig, 5 * SECOND);
    expect_grid(0, rig.period_count, SECOND);
    cr_assert_eq(cas->errors, 2);
}

Test(group, at_most_two_periods_are_ahead)
{
    cas->inside = true;
    start();
    rig_run(&rig, RIG_STEP);
    cr_assert_eq(rig.period_count, 2, "nothing has begun yet");
    rig_run(&rig, 2 * RIG_STEP);
    cr_assert_eq(rig.period_count, 3);
    rig_run(&rig, SECOND);
    cr_assert_eq(rig.period_count, 3);
}

Test(group, a_worker_without_packets_does_not_get_ecms_ahead_of_its_slots)
{
    start();
    rig.members[0].idle = true;
    rig_run(&rig, 20 * SECOND);
    cr_assert_eq(rig.period_count, KEYS_SLOTS);
    cr_assert_eq(cas->order_count, KEYS_SLOTS, "no ECM goes on air without its slot");
    rig.members[0].idle = false;
    rig_run(&rig, 30 * SECOND);
    expect_grid(KEYS_SLOTS, rig.period_count, SECOND);
    cr_assert_gt(rig.period_count, 12);
}

Test(group, orders_without_room_are_sent_later_and_none_is_lost)
{
    static const uint8_t filler[1000];

    start();
    rig_run(&rig, 2 * SECOND);
    rig.deaf = true;
    while (base_ring_push(rig.orders, filler, sizeof(filler)) == 0)
        ;
    while (base_ring_push(rig.orders, filler, 8) == 0)
        ;
    rig_run(&rig, 2500 * MS);
    for (size_t size; base_ring_peek(rig.orders, &size);)
        base_ring_pop(rig.orders);
    rig.deaf = false;
    rig_run(&rig, 8 * SECOND);
    cr_assert_eq(cas->order_count, rig.period_count);
    expect_grid(0, rig.period_count, SECOND);
}

Test(group, without_an_ecm_pid_nothing_is_published)
{
    cas->config.ecm_pid = 0;
    start();
    rig_run(&rig, SECOND);
    cr_assert_eq(rig.period_count, 0);
    cr_assert_eq(headend_group_set_ecm_pid(rig.group, 1, 0x1F), -EINVAL);
    cr_assert_eq(headend_group_set_ecm_pid(rig.group, 1, 0x1FFF), -EINVAL);
    cas->config.ecm_pid = 0x777;
    cr_assert_eq(headend_group_set_ecm_pid(rig.group, 1, 0x777), 0);
    rig_run(&rig, 3 * SECOND);
    expect_grid(0, rig.period_count, SECOND);
    cr_assert_eq(cas->playing.pid, 0x777);
}

Test(group, ecms_move_to_another_pid)
{
    struct ts_order order;
    unsigned played = 0;
    uint64_t last = 0;

    start();
    rig_run(&rig, 3500 * MS);
    cr_assert_eq(headend_group_set_ecm_pid(rig.group, 1, 0x888), 0);
    while (ts_order_pop(rig.orders, &order) == 1) {
        if (order.pid == 0x888) {
            cr_assert_geq(order.start, last);
            last = order.start;
            cr_assert_eq(order.kind, TS_ORDER_PLAY);
            if (!played++)
                cr_assert_leq(order.start, rig.now, "the running one at once");
        } else {
            cr_assert_eq(order.kind, TS_ORDER_STOP);
            cr_assert_leq(order.start, rig.now, "the old PID ends at once");
        }
    }
    cr_assert_eq(played, 3, "the running one and two ahead");
}

Test(group, without_a_cas_time_alone_counts)
{
    rig.cas_count = 0;
    rig_create(&rig);
    rig_run(&rig, 10 * SECOND);
    cr_assert_eq(rig.periods[0].start, RIG_STEP);
    cr_assert_geq(rig.period_count, 10);
    expect_grid(0, rig.period_count, SECOND);
    cr_assert_eq(cas->order_count, 0);
    cr_assert_eq(status().crypto_periods, 10);
}

static struct base_secret words[3];
static const struct keys_cw_list list = {.words = words, .count = 3};

static void make_list(void)
{
    for (unsigned i = 0; i < 3; i++)
        cr_assert_eq(base_secret_set(&words[i], (uint8_t[8]){(uint8_t)(i + 1), 0, 0, (uint8_t)(i + 1)}, 8),
                     0);
}

Test(group, a_list_is_used_in_turn_and_its_last_word_held)
{
    make_list();
    rig.cas_count = 0;
    rig.config.list = &list;
    rig_create(&rig);
    rig_run(&rig, 10 * SECOND);
    cr_assert_eq(rig.period_count, 3);
    for (unsigned i = 0; i < 3; i++)
        cr_assert_arr_eq(rig.periods[i].cw, words[i].bytes, 8);
    cr_assert_eq(rig.members[0].slot->crypto_period, 2);
    cr_assert_eq(headend_group_advance(rig.group, 11 * SECOND), UINT64_MAX);
    cr_assert(headend_group_ready(rig.group, UINT64_MAX));
}

Test(group, a_fixed_word_stays_even_for_ever)
{
    make_list();
    rig.cas_count = 0;
    rig.config.list = &list;
    rig.config.fixed = true;
    rig.config.first_crypto_period = 1;
    rig_create(&rig);
    rig_run(&rig, 10 * SECOND);
    cr_assert_eq(rig.period_count, 1);
    cr_assert_arr_eq(rig.periods[0].cw, words[0].bytes, 8);
    cr_assert_eq(rig.members[0].slot->parity, 0);
    cr_assert_eq(rig.degraded, 0);
}

Test(group, a_list_with_a_cas_has_an_ecm_for_each_word)
{
    make_list();
    rig.config.list = &list;
    start();
    rig_run(&rig, 10 * SECOND);
    cr_assert_eq(rig.period_count, 3);
    cr_assert_eq(cas->order_count, 3);
    cr_assert_eq(rig.degraded, 0);
}

Test(group, a_random_generator_gives_each_period_one_word)
{
    base_secret_clear(&rig.config.generator.seed);
    cas->status.lead_cw = 3;
    cas->status.cw_per_msg = 5;
    start();
    rig_run(&rig, 40 * SECOND);
    expect_grid(0, rig.period_count, SECOND);
}

static int refuse(void *context, uint32_t id, const struct simulcrypt_cw_provision *provision)
{
    (void)context;
    (void)id;
    (void)provision;
    return -EBUSY;
}

Test(group, configurations_that_cannot_work_are_refused)
{
    struct headend_group *group = NULL;
    struct headend_group_ops none = {0}, some = {.provision = refuse};
    struct headend_group_config config;
    struct headend_group_member members[2], good_members[2] = {{0}};
    struct headend_group_cas cass[2];
    struct keys_cw_list empty = {0};

    start();
    good_members[0].slots = rig.members[0].slots;
    good_members[1].slots = rig.members[1].slots;
#define INVALID(...)                                                                                         \
    do {                                                                                                     \
        memcpy(members, good_members, sizeof(members));                                                      \
        cass[0] = rig.cas[0].config;                                                                         \
        cass[1] = rig.cas[1].config;                                                                         \
        config = rig.config;                                                                                 \
        config.members = members;                                                                            \
        config.member_count = config.cas_count = 2;                                                          \
        config.cas = cass;                                                                                   \
        __VA_ARGS__;                                                                                         \
        cr_assert_eq(headend_group_create(&group, &config, &some, NULL), -EINVAL);                           \
    } while (0)
    INVALID(config.member_count = 0);
    INVALID(config.member_count = HEADEND_GROUP_MEMBERS_MAX + 1);
    INVALID(members[1].slots = NULL);
    INVALID(members[1].slots = members[0].slots);
    INVALID(members[1].after = KEYS_SLOT_KEY);
    INVALID(config.cas_count = HEADEND_GROUP_CAS_MAX + 1);
    INVALID(config.cas = NULL);
    INVALID(config.orders = NULL);
    INVALID(config.crypto_period = 0);
    INVALID(config.generator.cw_size = 7);
    INVALID(config.list = &empty);
    INVALID(config.guard = 2 * SECOND);
    INVALID(cass[1].ecm_pid = 0x1F);
    INVALID(cass[1].ecm_pid = 0x1FFF);
    INVALID(cass[1].id = cass[0].id);
    INVALID(cass[1].ecm_pid = cass[0].ecm_pid);
    INVALID(cass[1].access_criteria_size = SIMULCRYPT_ACCESS_CRITERIA_MAX + 1);
    cr_assert_eq(headend_group_create(&group, &config, &none, NULL), -EINVAL, "nobody to ask");
    cr_assert_eq(headend_group_create(&group, &config, NULL, NULL), -EINVAL);
    headend_group_destroy(NULL);
}
