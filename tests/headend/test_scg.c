/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A group and its ECM streams, with an ECMG on loopback and source time driven by hand. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "ecmgs_rig.h"
#include "headend/scg.h"
#include "ts/order.h"

#define SECOND  BASE_TICKS_PER_SECOND
#define STEP    (10 * BASE_TICKS_PER_MS)
#define ECM_PID 0x500 /* of flow 0; the others follow */

static struct headend_scg *scg;
static struct cipher *cipher;
static struct keys_slots *slots;
static struct base_ring *orders;
static struct headend_group_member member;
static struct headend_scg_cas cas[3];
static struct headend_scg_config config;
static uint64_t now;
static unsigned periods, changes;

static void period(void *context, uint64_t start, const struct base_secret *cw)
{
    (void)context;
    (void)start;
    cr_assert_eq(cw->size, 8);
    periods++;
}

static void changed(void *context, uint64_t start)
{
    (void)context;
    cr_assert_geq(start, now);
    changes++;
}

static const struct headend_scg_ops ops = {.period = period, .changed = changed};

static void describe_cas(uint16_t flow)
{
    cas[flow] = (struct headend_scg_cas){
        .flow = flow, .ecmgs = rig.ecmgs, .ecm_id = (uint16_t)(100 + flow), .required = true};
}

static void begin(void)
{
    rig_begin();
    rig_create();
    cr_assert_eq(cipher_create(&cipher, CIPHER_DVB_CSA2, NULL), 0);
    cr_assert_eq(keys_slots_create(&slots, cipher, NULL), 0);
    cr_assert_eq(base_ring_create(&orders, 1 << 20), 0);
    for (uint16_t flow = 0; flow < 3; flow++)
        describe_cas(flow);
    member = (struct headend_group_member){.slots = slots, .after = KEYS_SLOT_BLACK};
    config = (struct headend_scg_config){
        .name = "service 1",
        .group = {.orders = orders,
                  .generator = {.cw_size = 8},
                  .member_count = 1,
                  .members = &member,
                  .crypto_period = SECOND,
                  .guard = SECOND / 100,
                  .lead_in = true},
        .cas_count = 2,
        .cas = cas,
    };
    now = periods = changes = 0;
}

static void end(void)
{
    headend_scg_destroy(scg);
    keys_slots_destroy(slots);
    base_ring_destroy(orders);
    cipher_destroy(cipher);
    rig_end();
}

TestSuite(scg, .init = begin, .fini = end, .timeout = 60);

static void place(uint16_t flow)
{
    cr_assert_eq(headend_group_set_ecm_pid(headend_scg_group(scg), flow, (uint16_t)(ECM_PID + flow)), 0);
}

static void create(void)
{
    cr_assert_eq(headend_scg_create(&scg, &config, &ops, NULL), 0);
    place(0);
    place(1);
}

static void step(void)
{
    static struct ts_order order;

    headend_scg_advance(scg, now);
    keys_slots_current(slots, now);
    while (ts_order_pop(orders, &order) > 0)
        ;
    net_loop_run_once(rig.loop, 1);
    now += STEP;
}

/* Source time goes on until `done`, for a minute of it at the most. */
static bool run(bool (*done)(void))
{
    for (unsigned i = 0; i < 6000 && !done(); i++)
        step();
    return done();
}

static bool some_periods(void)
{
    return periods >= 3;
}

static bool has_changed(void)
{
    return changes >= 1;
}

static bool one_stream_closed(void)
{
    return rig.ecmg[0].closed_streams >= 1;
}

static bool two_streams_closed(void)
{
    return rig.ecmg[0].closed_streams >= 2;
}

static bool has_ended(void)
{
    return headend_group_has_ended(headend_scg_group(scg));
}

static int change_to(unsigned count)
{
    const struct headend_scg_change change = {.member_count = count ? 1 : 0,
                                              .members = &member,
                                              .cas_count = count,
                                              .cas = cas,
                                              .crypto_period = SECOND};

    return headend_scg_change(scg, &change);
}

Test(scg, control_words_begin_when_every_ecmg_has_answered)
{
    struct headend_scg_cas_status status;
    struct keys_slot slot;

    create();
    cr_assert_not_null(headend_scg_absent(scg));
    cr_assert(run(some_periods));
    cr_assert(keys_slots_newest(slots, &slot) && slot.kind == KEYS_SLOT_KEY);
    cr_assert_eq(rig.ecmg[0].setups, 2);
    cr_assert_null(headend_scg_absent(scg));
    cr_assert_str_eq(headend_scg_last_error(scg), "");
    cr_assert_eq(headend_scg_cas_status(scg, 1, &status), 0);
    cr_assert(status.group.up && status.group.ecms >= 3 && status.ecm_id == 101 && status.flow == 1);
    cr_assert_eq(headend_scg_cas_status(scg, 2, &status), -ERANGE);
    cr_assert_not(headend_scg_was_degraded(scg));
}

Test(scg, the_longest_min_cp_duration_holds)
{
    rig.ecmg[0].status.min_cp_duration = 25;
    create();
    cr_assert(run(some_periods));
    cr_assert_eq(headend_scg_crypto_period(scg), 25 * SECOND / 10);
}

Test(scg, a_cas_that_leaves_closes_its_stream_and_one_that_joins_opens_one)
{
    create();
    cr_assert(run(some_periods));
    cr_assert_eq(change_to(1), 0);
    cr_assert(run(has_changed));
    cr_assert(run(one_stream_closed));
    changes = 0;
    cr_assert_eq(change_to(3), 0);
    place(1);
    place(2);
    cr_assert(run(has_changed));
    cr_assert_eq(rig.ecmg[0].setups, 4);
    cr_assert_eq(rig.ecmg[0].closed_streams, 1);
}

Test(scg, a_change_that_is_replaced_leaves_no_stream_behind)
{
    create();
    cr_assert(run(some_periods));
    cr_assert_eq(change_to(3), 0);
    cr_assert_eq(change_to(2), 0);
    cr_assert(run(has_changed));
    for (unsigned i = 0; i < 200; i++)
        step();
    cr_assert_eq(rig.ecmg[0].setups - rig.ecmg[0].closed_streams, 2);
}

Test(scg, the_end_closes_all)
{
    struct keys_slot slot;

    create();
    cr_assert(run(some_periods));
    cr_assert_eq(change_to(0), 0);
    cr_assert(run(has_ended));
    cr_assert(run(two_streams_closed));
    cr_assert(keys_slots_newest(slots, &slot) && slot.kind == KEYS_SLOT_BLACK);
    cr_assert_eq(changes, 1);
}

Test(scg, a_dead_ecmg_is_told_of)
{
    rig_kill(0);
    rig_kill(1);
    create();
    for (unsigned i = 0; i < 300; i++)
        step();
    cr_assert_eq(periods, 0);
    cr_assert_not_null(headend_scg_absent(scg));
    cr_assert_str_neq(headend_scg_last_error(scg), "");
    cr_assert_not(headend_scg_is_awaiting(scg));
}

Test(scg, too_many_cas_are_refused)
{
    config.cas_count = HEADEND_GROUP_CAS_MAX + 1;
    cr_assert_eq(headend_scg_create(&scg, &config, &ops, NULL), -EINVAL);
    cr_assert_null(scg);
}
