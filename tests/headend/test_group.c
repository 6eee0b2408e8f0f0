/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Live: source time goes on whether an ECM is there or not. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "rig.h"

static struct rig rig;

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
                rig.cas.lead_cw = (uint8_t)x;
                rig.cas.cw_per_msg = (uint8_t)y;
                rig.cas.delay_start = rig.cas.delay_stop = delays[d];
                rig.latency = (x + y + d) % 3 * 70 * MS;
                start();
                rig_run(&rig, 12 * SECOND);
                cr_assert_geq(rig.period_count, 12);
                cr_assert_eq(rig.periods[0].crypto_period, 0);
                /* An ECM that belongs a whole period early cannot be had at the very start. */
                slow_start = delays[d] < -900 ? 2 : 0;
                expect_grid(slow_start, rig.period_count, SECOND);
                cr_assert_leq(status().stretched, slow_start);
                cr_assert_eq(rig.errors, x >= y ? x - y + 1 : 0, "the ECMG knew every CW it needed");
                cr_assert_eq(rig.late_orders, 0);
                for (unsigned i = slow_start + 1; i < rig.order_count; i++)
                    cr_assert_eq((int64_t)(rig.ecm_starts[i] - rig.periods[i].start),
                                 delays[d] * (int64_t)MS);
            }
}

Test(group, nothing_is_on_air_before_the_first_ecm_whatever_the_policy)
{
    rig.config.policy = HEADEND_CLEAR;
    rig.answer = RIG_SILENCE;
    start();
    rig_run(&rig, 5 * SECOND);
    cr_assert_null(rig.slot);
    cr_assert_eq(rig.order_count, 0);
    cr_assert_not(status().on_air);
    cr_assert_eq(rig.degraded, 0, "black before the first ECM is no fallback");
}

Test(group, scrambling_starts_at_once_behind_its_ecm)
{
    rig.cas.has_transition_delay_start = true;
    rig.cas.transition_delay_start = -500;
    start();
    rig_run(&rig, SECOND);
    cr_assert_eq(rig.ecm_starts[0], 50 * MS, "as soon as the ECM is in hand");
    cr_assert_eq(rig.periods[0].start, 50 * MS + RIG_STEP, "the worker's burst later");
}

Test(group, a_lead_in_honours_transition_delay_start)
{
    rig.config.lead_in = true;
    rig.cas.has_transition_delay_start = true;
    rig.cas.transition_delay_start = -500;
    start();
    rig_run(&rig, 3 * SECOND);
    cr_assert_eq(rig.ecm_starts[0], 50 * MS);
    cr_assert_eq(rig.periods[0].start, 550 * MS);
    expect_grid(0, rig.period_count, SECOND);
}

Test(group, a_lead_in_without_transition_delay_takes_delay_start)
{
    rig.config.lead_in = true;
    rig.cas.delay_start = -300;
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
    cr_assert_eq(rig.last_provision.cp_number, (uint16_t)(65530 + rig.period_count - (rig.pending ? 0 : 1)));
    expect_grid(0, rig.period_count, SECOND);
    cr_assert_eq(rig.slot->crypto_period & 0xFFFF, rig.slot->crypto_period - 65536);
}

Test(group, min_cp_duration_lengthens_the_crypto_period)
{
    rig.cas.min_cp_duration = 25;
    start();
    rig_run(&rig, 12 * SECOND);
    expect_grid(0, rig.period_count, 2500 * MS);
}

Test(group, sixteen_byte_cws_and_packet_ecms)
{
    rig.config.generator.cw_size = 16;
    rig.cas.packets = true;
    start();
    rig_run(&rig, 4 * SECOND);
    expect_grid(0, rig.period_count, SECOND);
    cr_assert_eq(rig.playing.form, TS_ORDER_PACKETS);
    cr_assert_eq(rig.playing.size, 188);
    cr_assert_eq(rig.playing.period, 100 * MS);
}

Test(group, an_ecm_rep_period_of_0_means_100_ms)
{
    rig.cas.ecm_rep_period = 0;
    start();
    rig_run(&rig, SECOND);
    cr_assert_eq(rig.playing.period, 100 * MS);
}

Test(group, an_empty_datagram_means_no_ecm_for_that_period)
{
    rig.answer = RIG_EMPTY;
    start();
    rig_run(&rig, 3 * SECOND);
    cr_assert_eq(rig.playing.kind, TS_ORDER_STOP);
    cr_assert_eq(rig.slot->kind, KEYS_SLOT_KEY);
    expect_grid(0, rig.period_count, SECOND);
}

Test(group, what_is_no_ecm_is_not_put_on_air)
{
    static const uint8_t garbage[4 * 188] = {0x80, 0x70, 0x10};
    static const char *why;

    rig.answer = RIG_SILENCE;
    start();
    for (unsigned packets = 0; packets < 2; packets++) {
        rig.cas.packets = packets;
        rig.pending = false;
        cr_assert_eq(headend_group_cas_up(rig.group, &rig.cas, &why), 0);
        for (size_t size = 1; size <= sizeof(garbage); size++) {
            headend_group_advance(rig.group, 0);
            cr_assert(rig.pending);
            rig.pending = false;
            /* 19 bytes are a section of the announced length */
            if (packets || size != 19)
                headend_group_ecm(rig.group, 0, garbage, size);
            else
                headend_group_provision_failed(rig.group, 0, "no");
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

    rig.answer = RIG_SILENCE;
    rig.cas.packets = true;
    start();
    for (size_t at = 0; at < sizeof(packets); at += 188)
        packets[at] = 0x47;
    headend_group_advance(rig.group, 0);
    headend_group_ecm(rig.group, 0, packets, sizeof(packets));
    cr_assert_eq(status().ecms, 0, "more than an order can hold");
    rig.pending = false;
    headend_group_advance(rig.group, 0);
    headend_group_ecm(rig.group, 0, packets, TS_ORDER_BYTES_MAX);
    rig.refuse = -EBUSY;
    headend_group_advance(rig.group, 0);
    cr_assert_eq(ts_order_pop(rig.orders, &order), 1);
    cr_assert_eq(order.size, TS_ORDER_BYTES_MAX);
}

Test(group, answers_that_were_not_asked_for_are_passed_over)
{
    static const uint8_t ecm[] = {0x80, 0x70, 0x02, 0, 0};

    rig.answer = RIG_SILENCE;
    start();
    headend_group_ecm(rig.group, 0, ecm, sizeof(ecm));
    headend_group_advance(rig.group, 0);
    headend_group_ecm(rig.group, 1, ecm, sizeof(ecm));
    headend_group_ecm(rig.group, 65535, ecm, sizeof(ecm));
    headend_group_provision_failed(rig.group, 7, "other");
    headend_group_advance(rig.group, 0);
    cr_assert_eq(status().ecms, 0);
    cr_assert_not(status().on_air);
}

Test(group, combinations_that_cannot_work_are_refused_with_a_reason)
{
    struct simulcrypt_channel_status good = rig.cas, bad;
    const char *why;

    rig_create(&rig);
#define REFUSED(...)                                                                                         \
    do {                                                                                                     \
        bad = good;                                                                                          \
        __VA_ARGS__;                                                                                         \
        why = NULL;                                                                                          \
        cr_assert_eq(headend_group_cas_up(rig.group, &bad, &why), BASE_E_CONFIGURATION);                     \
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
    cr_assert_eq(rig.provisions, 0, "a refused ECMG is not asked");
    bad = good;
    bad.delay_start = -1001;
    bad.min_cp_duration = 11;
    cr_assert_eq(headend_group_cas_up(rig.group, &bad, &why), 0, "a longer crypto-period allows it");
}

Test(group, a_late_ecm_is_allowed_where_that_is_configured)
{
    rig.config.allow_late_ecm = true;
    rig.cas.lead_cw = 0;
    rig.cas.cw_per_msg = 1;
    rig.cas.delay_start = 200;
    start();
    rig_run(&rig, 5 * SECOND);
    expect_grid(0, rig.period_count, SECOND);
    cr_assert_eq(rig.ecm_starts[2], rig.periods[2].start + 200 * MS);
}

Test(group, a_priming_provision_that_is_refused_has_done_its_duty)
{
    rig.cas.cw_per_msg = 1;
    rig.answer = RIG_ERROR;
    start();
    rig_run(&rig, 60 * MS);
    cr_assert_eq(rig.errors, 1);
    cr_assert_eq(rig.last_provision.cp_number, 0);
    rig.answer = RIG_ECM;
    rig_run(&rig, 4 * SECOND);
    cr_assert_eq(rig.errors, 1);
    expect_grid(0, rig.period_count, SECOND);
}

Test(group, hold_stretches_the_running_period_and_goes_on)
{
    unsigned published;
    uint64_t back;

    start();
    rig_run(&rig, 5 * SECOND);
    published = rig.period_count;
    rig.answer = RIG_SILENCE;
    rig_run(&rig, 30 * SECOND);
    published = rig.period_count;
    cr_assert_eq(rig.slot->crypto_period, published - 1, "the last one is held");
    cr_assert_eq(rig.slot->kind, KEYS_SLOT_KEY);
    cr_assert_eq(rig.degraded, 1);
    cr_assert_eq(status().stretched, 1);
    cr_assert(status().degraded);
    back = rig.now;
    rig.answer = RIG_ECM;
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

    rig.cas.delay_start = -400;
    start();
    rig_run(&rig, 3 * SECOND);
    rig.answer = RIG_SILENCE;
    rig_run(&rig, 9 * SECOND);
    published = rig.period_count;
    back = rig.now;
    rig.answer = RIG_ECM;
    rig_run(&rig, 20 * SECOND);
    cr_assert_eq(rig.periods[published].start, back + 400 * MS + RIG_STEP);
    cr_assert_eq(rig.ecm_starts[published], back + RIG_STEP);
    cr_assert_eq(rig.late_orders, 0);
}

static uint64_t when_kind(enum keys_slot_kind kind, uint64_t until)
{
    while (rig.now < until) {
        rig_run(&rig, rig.now + RIG_STEP);
        if (rig.slot && rig.slot->kind == kind)
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
        headend_group_cas_down(rig.group, "the connection to the ECMG ended");
        rig.pending = false;
        due = rig.periods[rig.period_count - 1].start + SECOND;
        cr_assert_eq(when_kind(kinds[i], 20 * SECOND), due + 1500 * MS);
        cr_assert_str_eq(rig.why, "the connection to the ECMG ended");
        cr_assert_eq(rig.degraded, 1);
        rig_run(&rig, 20 * SECOND);
        cr_assert_eq(rig.slot->kind, kinds[i]);
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
    rig.answer = RIG_SILENCE;
    rig_run(&rig, 4 * SECOND + 500 * MS);
    published = rig.period_count;
    rig_run(&rig, rig.periods[published - 1].start + 2 * SECOND);
    rig.answer = RIG_ECM;
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
    rig.inside = true;
    rig.now += 10 * SECOND;
    rig_run(&rig, 14 * SECOND);
    cr_assert_eq(status().stretched, 1);
}

Test(group, out_of_clear_the_ecm_leads_by_the_transition_delay)
{
    unsigned published;
    uint64_t back;

    rig.config.policy = HEADEND_CLEAR;
    rig.cas.has_transition_delay_start = true;
    rig.cas.transition_delay_start = -700;
    start();
    rig_run(&rig, 3 * SECOND);
    rig.answer = RIG_SILENCE;
    cr_assert_neq(when_kind(KEYS_SLOT_CLEAR, 10 * SECOND), RIG_NO_START);
    published = rig.period_count;
    back = rig.now;
    rig.answer = RIG_ECM;
    rig_run(&rig, 14 * SECOND);
    cr_assert_eq(rig.periods[published].start, back + 700 * MS + RIG_STEP);
    cr_assert_eq(rig.ecm_starts[published], back + RIG_STEP);
}

Test(group, after_a_loss_the_next_period_has_the_other_parity_and_the_ecmg_learns_its_cws_anew)
{
    uint64_t last;

    rig.cas.cw_per_msg = 1; /* needs priming */
    start();
    rig_run(&rig, 3500 * MS);
    headend_group_cas_down(rig.group, "gone");
    rig_run(&rig, 10 * SECOND);
    last = rig.slot->crypto_period;
    rig_up(&rig);
    rig_run(&rig, 12 * SECOND);
    cr_assert_eq(rig.errors, 2, "one priming provision per connection");
    cr_assert_gt(rig.slot->crypto_period, last);
    cr_assert_eq(rig.periods[last + 1].crypto_period, last + 1);
    cr_assert_geq(rig.periods[last + 1].start, 10 * SECOND);
}

Test(group, ecms_in_hand_outlive_their_ecmg)
{
    start();
    rig_run(&rig, 1500 * MS);
    headend_group_cas_down(rig.group, "gone");
    rig_run(&rig, 5 * SECOND);
    /* While period 1 ran, 2 and 3 were published. */
    cr_assert_eq(rig.slot->crypto_period, 3);
}

Test(group, provisions_that_are_not_taken_are_asked_for_again)
{
    rig.refuse = -ENOTCONN;
    start();
    rig_run(&rig, SECOND);
    cr_assert_eq(rig.provisions, 0);
    rig.refuse = 0;
    rig_run(&rig, 5 * SECOND);
    expect_grid(0, rig.period_count, SECOND);
}

Test(group, an_ecmg_may_answer_inside_the_call)
{
    rig.inside = true;
    rig.cas.lead_cw = 2;
    rig.cas.cw_per_msg = 1;
    start();
    rig_run(&rig, 5 * SECOND);
    expect_grid(0, rig.period_count, SECOND);
    cr_assert_eq(rig.errors, 2);
}

Test(group, at_most_two_periods_are_ahead)
{
    rig.inside = true;
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
    rig.idle = true;
    rig_run(&rig, 20 * SECOND);
    cr_assert_eq(rig.period_count, KEYS_SLOTS);
    cr_assert_eq(rig.order_count, KEYS_SLOTS, "no ECM goes on air without its slot");
    rig.idle = false;
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
    cr_assert_eq(rig.order_count, rig.period_count);
    expect_grid(0, rig.period_count, SECOND);
}

Test(group, without_an_ecm_pid_nothing_is_published)
{
    rig.config.ecm_pid = 0;
    start();
    rig_run(&rig, SECOND);
    cr_assert_eq(rig.period_count, 0);
    cr_assert_eq(headend_group_set_ecm_pid(rig.group, 0x1F), -EINVAL);
    cr_assert_eq(headend_group_set_ecm_pid(rig.group, 0x1FFF), -EINVAL);
    rig.config.ecm_pid = 0x777;
    cr_assert_eq(headend_group_set_ecm_pid(rig.group, 0x777), 0);
    rig_run(&rig, 3 * SECOND);
    expect_grid(0, rig.period_count, SECOND);
    cr_assert_eq(rig.playing.pid, 0x777);
}

Test(group, ecms_move_to_another_pid)
{
    struct ts_order order;
    unsigned played = 0;
    uint64_t last = 0;

    start();
    rig_run(&rig, 3500 * MS);
    cr_assert_eq(headend_group_set_ecm_pid(rig.group, 0x888), 0);
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
    rig.config.has_cas = false;
    rig_create(&rig);
    rig_run(&rig, 10 * SECOND);
    cr_assert_eq(rig.periods[0].start, RIG_STEP);
    cr_assert_geq(rig.period_count, 10);
    expect_grid(0, rig.period_count, SECOND);
    cr_assert_eq(rig.order_count, 0);
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
    rig.config.has_cas = false;
    rig.config.list = &list;
    rig_create(&rig);
    rig_run(&rig, 10 * SECOND);
    cr_assert_eq(rig.period_count, 3);
    for (unsigned i = 0; i < 3; i++)
        cr_assert_arr_eq(rig.periods[i].cw, words[i].bytes, 8);
    cr_assert_eq(rig.slot->crypto_period, 2);
    cr_assert_eq(headend_group_advance(rig.group, 11 * SECOND), UINT64_MAX);
    cr_assert(headend_group_ready(rig.group, UINT64_MAX));
}

Test(group, a_fixed_word_stays_even_for_ever)
{
    make_list();
    rig.config.has_cas = false;
    rig.config.list = &list;
    rig.config.fixed = true;
    rig.config.first_crypto_period = 1;
    rig_create(&rig);
    rig_run(&rig, 10 * SECOND);
    cr_assert_eq(rig.period_count, 1);
    cr_assert_arr_eq(rig.periods[0].cw, words[0].bytes, 8);
    cr_assert_eq(rig.slot->parity, 0);
    cr_assert_eq(rig.degraded, 0);
}

Test(group, a_list_with_a_cas_has_an_ecm_for_each_word)
{
    make_list();
    rig.config.list = &list;
    start();
    rig_run(&rig, 10 * SECOND);
    cr_assert_eq(rig.period_count, 3);
    cr_assert_eq(rig.order_count, 3);
    cr_assert_eq(rig.degraded, 0);
}

Test(group, a_random_generator_gives_each_period_one_word)
{
    base_secret_clear(&rig.config.generator.seed);
    rig.cas.lead_cw = 3;
    rig.cas.cw_per_msg = 5;
    start();
    rig_run(&rig, 40 * SECOND);
    expect_grid(0, rig.period_count, SECOND);
}

Test(group, configurations_that_cannot_work_are_refused)
{
    struct headend_group *group = NULL;
    struct headend_group_ops none = {0};
    struct headend_group_config config;
    struct keys_cw_list empty = {0};

    start();
#define INVALID(...)                                                                                         \
    do {                                                                                                     \
        config = rig.config;                                                                                 \
        __VA_ARGS__;                                                                                         \
        cr_assert_eq(headend_group_create(&group, &config, &none, NULL), -EINVAL);                           \
    } while (0)
    INVALID((void)0); /* a CAS, but nobody to ask */
    INVALID(config.has_cas = false, config.slots = NULL);
    INVALID(config.has_cas = false, config.crypto_period = 0);
    INVALID(config.has_cas = false, config.generator.cw_size = 7);
    INVALID(config.has_cas = false, config.list = &empty);
    INVALID(config.has_cas = false, config.guard = 2 * SECOND);
    INVALID(config.has_cas = false, config.ecm_pid = 0x1F);
    INVALID(config.has_cas = false, config.ecm_pid = 0x1FFF);
    config = rig.config;
    cr_assert_eq(headend_group_create(&group, &config, NULL, NULL), -EINVAL);
    headend_group_destroy(NULL);
}
