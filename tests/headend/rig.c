/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rig.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const uint8_t *told_cw(const struct rig *rig, uint16_t cp_number)
{
    unsigned at = cp_number % 64;

    return rig->told[at].known && rig->told[at].cp_number == cp_number ? rig->told[at].cw : NULL;
}

static void tell_cw(struct rig *rig, const struct simulcrypt_cp_cw *cw)
{
    const uint8_t *before = told_cw(rig, cw->cp_number);
    unsigned at = cw->cp_number % 64;

    cr_assert_eq(cw->cw_size, rig->config.generator.cw_size);
    if (before)
        cr_assert_arr_eq(before, cw->cw, cw->cw_size, "the CW of a crypto-period changed");
    rig->told[at].known = true;
    rig->told[at].cp_number = cw->cp_number;
    memcpy(rig->told[at].cw, cw->cw, cw->cw_size);
}

/* An ECM that opens `cp` … `cp + lead_CW`, as far as their CWs are known. */
static size_t make_ecm(struct rig *rig, uint16_t cp, uint8_t *section)
{
    size_t size = 3;

    for (unsigned i = 0; i <= rig->cas.lead_cw; i++) {
        if (!told_cw(rig, (uint16_t)(cp + i)))
            continue;
        base_store_u16(section + size, (uint16_t)(cp + i));
        size += 2;
    }
    section[0] = 0x80 | (cp & 1);
    base_store_u16(section + 1, (uint16_t)(0x7000 | (size - 3)));
    return size;
}

static size_t in_packets(const uint8_t *section, size_t size, uint8_t *packets)
{
    struct ts_packetizer packetizer = {.pid = 0x1FFE};
    unsigned count = ts_packets_for_section(size);

    for (unsigned i = 0; i < count; i++)
        ts_packetize(&packetizer, section, size, i, packets + (size_t)i * TS_PACKET_SIZE);
    return (size_t)count * TS_PACKET_SIZE;
}

static void reply(struct rig *rig)
{
    uint8_t section[64], packets[188];
    uint16_t cp = rig->pending_cp;
    size_t size;

    rig->pending = false;
    if (rig->answer == RIG_ERROR || (rig->answer == RIG_ECM && !told_cw(rig, cp))) {
        rig->errors++;
        headend_group_provision_failed(rig->group, cp, "not enough control words to compute ECM");
        return;
    }
    size = make_ecm(rig, cp, section);
    if (rig->answer == RIG_GARBAGE)
        size--;
    if (rig->answer == RIG_EMPTY)
        size = 0;
    if (rig->cas.packets && size)
        headend_group_ecm(rig->group, cp, packets, in_packets(section, size, packets));
    else
        headend_group_ecm(rig->group, cp, section, size);
}

static int provision(void *context, const struct simulcrypt_cw_provision *provision)
{
    struct rig *rig = context;

    if (rig->refuse)
        return rig->refuse;
    cr_assert_not(rig->pending, "more than one CW_provision outstanding");
    cr_assert_eq(provision->cw_count, rig->cas.cw_per_msg);
    for (unsigned i = 0; i < provision->cw_count; i++) {
        /* TS 103 197, 5.3: CPs n + 1 + lead_CW - CW_per_msg to n + lead_CW. */
        cr_assert_eq(provision->cws[i].cp_number,
                     (uint16_t)(provision->cp_number + 1 + rig->cas.lead_cw - rig->cas.cw_per_msg + i));
        tell_cw(rig, &provision->cws[i]);
    }
    rig->provisions++;
    rig->last_provision = *provision;
    rig->pending = true;
    rig->pending_cp = provision->cp_number;
    rig->answer_at = rig->now + rig->latency;
    if (rig->inside && rig->answer != RIG_SILENCE)
        reply(rig);
    return 0;
}

static void period(void *context, uint64_t crypto_period, uint64_t start, const struct base_secret *cw)
{
    struct rig *rig = context;

    cr_assert_lt(rig->period_count, RIG_LOG);
    rig->periods[rig->period_count].crypto_period = crypto_period;
    rig->periods[rig->period_count].start = start;
    memcpy(rig->periods[rig->period_count++].cw, cw->bytes, cw->size);
    if (rig->config.has_cas)
        cr_assert_arr_eq(told_cw(rig, (uint16_t)crypto_period), cw->bytes, cw->size);
}

static void degraded(void *context, bool is_degraded, const char *why)
{
    struct rig *rig = context;

    cr_assert(why && *why);
    if (is_degraded)
        rig->degraded++;
    else
        rig->recovered++;
    snprintf(rig->why, sizeof(rig->why), "%s", why);
}

void rig_init(struct rig *rig)
{
    memset(rig, 0, sizeof(*rig));
    rig->config = (struct headend_group_config){
        .generator = {.cw_size = 8, .group = 1},
        .has_cas = true,
        .crypto_period = SECOND,
        .ecm_pid = RIG_ECM_PID,
        .guard = RIG_STEP,
        .policy = HEADEND_HOLD,
    };
    cr_assert_eq(base_secret_set(&rig->config.generator.seed, "seed for tests", 14), 0);
    rig->cas = (struct simulcrypt_channel_status){
        .ecm_rep_period = 100, .lead_cw = 1, .cw_per_msg = 2, .max_comp_time = 100};
    rig->latency = 50 * MS;
}

void rig_create(struct rig *rig)
{
    static const struct headend_group_ops ops = {provision, period, degraded};
    bool aes = rig->config.generator.cw_size == 16;

    cr_assert_eq(cipher_create(&rig->cipher, aes ? CIPHER_DVB_CISSA : CIPHER_DVB_CSA2, NULL), 0);
    cr_assert_eq(keys_slots_create(&rig->slots, rig->cipher, NULL), 0);
    cr_assert_eq(base_ring_create(&rig->orders, 65536), 0);
    rig->config.slots = rig->slots;
    rig->config.orders = rig->orders;
    cr_assert_eq(headend_group_create(&rig->group, &rig->config, &ops, rig), 0);
}

void rig_destroy(struct rig *rig)
{
    headend_group_destroy(rig->group);
    keys_slots_destroy(rig->slots);
    base_ring_destroy(rig->orders);
    cipher_destroy(rig->cipher);
}

void rig_up(struct rig *rig)
{
    const char *why = NULL;

    rig->pending = false;
    memset(rig->told, 0, sizeof(rig->told));
    cr_assert_eq(headend_group_cas_up(rig->group, &rig->cas, &why), 0, "%s", why);
}

static void play_due(struct rig *rig, uint64_t time);

static void take_orders(struct rig *rig, uint64_t time)
{
    struct ts_order order;

    while (!rig->deaf && ts_order_pop(rig->orders, &order) == 1) {
        cr_assert_geq(order.start, rig->last_start, "orders must come with growing starts");
        cr_assert_eq(order.pid, rig->config.ecm_pid);
        rig->last_start = order.start;
        rig->late_orders += rig->fed_any && order.start <= rig->fed;
        cr_assert_lt(rig->waiting_count, 4);
        rig->waiting[rig->waiting_count++] = order;
        cr_assert_lt(rig->order_count, RIG_LOG);
        rig->ecm_starts[rig->order_count++] = order.start;
        play_due(rig, time);
    }
}

static void play(struct rig *rig, const struct ts_order *order)
{
    const uint8_t *section = order->bytes + (order->form == TS_ORDER_PACKETS ? 5 : 0);

    rig->playing = *order;
    cr_assert_eq(order->kind, order->size ? TS_ORDER_PLAY : TS_ORDER_STOP);
    if (!order->size)
        return;
    for (unsigned at = 3; at < 3u + (base_load_u16(section + 1) & 0xFFF); at += 2)
        rig->seen[base_load_u16(section + at)] = true;
}

static void play_due(struct rig *rig, uint64_t time)
{
    while (rig->waiting_count && rig->waiting[0].start <= time) {
        play(rig, &rig->waiting[0]);
        memmove(rig->waiting, rig->waiting + 1, --rig->waiting_count * sizeof(rig->waiting[0]));
    }
}

/* A packet of the group at `time`. */
static void feed(struct rig *rig, uint64_t time)
{
    const struct keys_slot *slot;

    take_orders(rig, time);
    play_due(rig, time);
    rig->fed = time;
    rig->fed_any = true;
    if (rig->idle)
        return;
    slot = rig->slot = keys_slots_current(rig->slots, time);
    if (!slot || slot->kind != KEYS_SLOT_KEY) {
        cr_assert(!slot || slot->kind != KEYS_SLOT_CLEAR || rig->config.policy == HEADEND_CLEAR);
        return;
    }
    cr_assert_eq(slot->parity, rig->config.fixed ? 0 : slot->crypto_period & 1);
    if (rig->config.has_cas && rig->answer != RIG_EMPTY && !rig->config.allow_late_ecm)
        cr_assert(rig->seen[(uint16_t)slot->crypto_period], "CW %llu is on air before its ECM",
                  (unsigned long long)slot->crypto_period);
}

void rig_run(struct rig *rig, uint64_t until)
{
    for (; rig->now < until; rig->now += RIG_STEP) {
        uint64_t next;

        if (rig->pending && rig->answer != RIG_SILENCE && rig->now >= rig->answer_at)
            reply(rig);
        next = headend_group_advance(rig->group, rig->now);
        cr_assert_gt(next, rig->now);
        feed(rig, rig->now);
    }
}

void rig_run_file(struct rig *rig, uint64_t until, uint64_t step, unsigned waits, unsigned patience)
{
    for (; rig->now < until; rig->now += step) {
        for (unsigned turn = 0;; turn++) {
            headend_group_advance(rig->group, rig->now);
            if (headend_group_ready(rig->group, rig->now))
                break;
            cr_assert_lt(turn, 10000, "a file run must not stand still");
            if (rig->pending && rig->answer != RIG_SILENCE && turn >= waits)
                reply(rig);
            else if (turn >= patience)
                headend_group_give_up(rig->group, rig->now, "no ECM came within 10 s");
        }
        feed(rig, rig->now);
    }
}
