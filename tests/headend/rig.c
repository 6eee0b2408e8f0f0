/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rig.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const uint8_t *told_cw(const struct rig_cas *cas, uint16_t cp_number)
{
    unsigned at = cp_number % 64;

    return cas->told[at].known && cas->told[at].cp_number == cp_number ? cas->told[at].cw : NULL;
}

static void tell_cw(struct rig_cas *cas, const struct simulcrypt_cp_cw *cw)
{
    unsigned at = cw->cp_number % 64;

    cr_assert_eq(cw->cw_size, cas->rig->config.generator.cw_size);
    for (unsigned i = 0; i < cas->rig->cas_count; i++) {
        const uint8_t *before = told_cw(&cas->rig->cas[i], cw->cp_number);

        if (before)
            cr_assert_arr_eq(before, cw->cw, cw->cw_size, "all have one CW for one crypto-period");
    }
    cas->told[at].known = true;
    cas->told[at].cp_number = cw->cp_number;
    memcpy(cas->told[at].cw, cw->cw, cw->cw_size);
}

/* An ECM that opens `cp` … `cp + lead_CW`, as far as their CWs are known. */
static size_t make_ecm(struct rig_cas *cas, uint16_t cp, uint8_t *section)
{
    size_t size = 4;

    section[3] = cas->pending_criteria;
    for (unsigned i = 0; i <= cas->status.lead_cw; i++) {
        if (!told_cw(cas, (uint16_t)(cp + i)))
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

static void reply(struct rig_cas *cas)
{
    struct headend_group *group = cas->rig->group;
    uint8_t section[64], packets[188];
    uint16_t cp = cas->pending_cp;
    size_t size;

    cas->pending = false;
    if (cas->answer == RIG_ERROR || (cas->answer == RIG_ECM && !told_cw(cas, cp))) {
        cas->errors++;
        headend_group_provision_failed(group, cas->config.id, cp, "not enough control words to compute ECM");
        return;
    }
    size = make_ecm(cas, cp, section);
    if (cas->answer == RIG_GARBAGE)
        size--;
    if (cas->answer == RIG_EMPTY) {
        cas->empty = true;
        size = 0;
    }
    if (cas->status.packets && size)
        headend_group_ecm(group, cas->config.id, cp, packets, in_packets(section, size, packets));
    else
        headend_group_ecm(group, cas->config.id, cp, section, size);
}

static struct rig_cas *find_cas(struct rig *rig, uint32_t id)
{
    for (unsigned i = 0; i < RIG_CAS; i++)
        if (rig->cas[i].config.id == id)
            return &rig->cas[i];
    cr_assert_fail("an unknown CAS");
    return NULL;
}

static int provision(void *context, uint32_t id, const struct simulcrypt_cw_provision *provision)
{
    struct rig *rig = context;
    struct rig_cas *cas = find_cas(rig, id);

    if (cas->refuse)
        return cas->refuse;
    cr_assert(cas->up, "asked while it is down");
    cr_assert_not(cas->pending, "more than one CW_provision outstanding");
    cr_assert_eq(provision->cw_count, cas->status.cw_per_msg);
    for (unsigned i = 0; i < provision->cw_count; i++) {
        /* TS 103 197, 5.3: CPs n + 1 + lead_CW - CW_per_msg to n + lead_CW. */
        cr_assert_eq(provision->cws[i].cp_number,
                     (uint16_t)(provision->cp_number + 1 + cas->status.lead_cw - cas->status.cw_per_msg + i));
        tell_cw(cas, &provision->cws[i]);
    }
    cas->provisions++;
    cas->last_provision = *provision;
    cas->pending = true;
    cas->pending_cp = provision->cp_number;
    cas->pending_criteria = provision->has_access_criteria ? provision->access_criteria[0] : 0;
    cas->answer_at = rig->now + cas->latency;
    cas->turns = 0;
    if (cas->inside && cas->answer != RIG_SILENCE)
        reply(cas);
    return 0;
}

static void period(void *context, uint64_t crypto_period, uint64_t start, const struct base_secret *cw)
{
    struct rig *rig = context;

    cr_assert_lt(rig->period_count, RIG_LOG);
    rig->periods[rig->period_count].crypto_period = crypto_period;
    rig->periods[rig->period_count].start = start;
    memcpy(rig->periods[rig->period_count++].cw, cw->bytes, cw->size);
    for (unsigned i = 0; i < RIG_CAS; i++)
        rig->cas[i].criteria_of[crypto_period % RIG_AHEAD] = rig->cas[i].criteria_now;
    for (unsigned i = 0; i < rig->cas_count; i++) {
        const uint8_t *told = told_cw(&rig->cas[i], (uint16_t)crypto_period);

        if (told)
            cr_assert_arr_eq(told, cw->bytes, cw->size);
    }
}

static void degraded(void *context, bool is_degraded, const char *why)
{
    struct rig *rig = context;

    cr_assert(why && *why);
    if (is_degraded)
        rig->degraded++;
    else
        rig->recovered++;
    cr_assert(rig->degraded == rig->recovered || rig->degraded == rig->recovered + 1);
    snprintf(rig->why, sizeof(rig->why), "%s", why);
}

static void cas_missing(void *context, uint32_t id, bool missing, const char *why)
{
    struct rig_cas *cas = find_cas(context, id);

    cr_assert(why && *why);
    cr_assert_not(cas->config.required);
    if (missing)
        cas->missing++;
    else
        cas->back++;
    cr_assert_eq(cas->missing - cas->back, missing);
}

static bool is_judged(const struct rig_cas *cas)
{
    return cas->config.required && !cas->config.allow_late_ecm;
}

static void changed(void *context, uint64_t crypto_period, uint64_t start)
{
    struct rig *rig = context;

    for (unsigned i = 0; i < RIG_CAS; i++) {
        struct rig_cas *cas = &rig->cas[i];

        if (i >= rig->wanted_cas && cas->judged_to > crypto_period)
            cas->judged_to = crypto_period;
        if (i >= rig->wanted_cas)
            cas->back = cas->missing; /* whatever it was, it is no more */
        if (i >= rig->wanted_cas || (cas->judged && cas->judged_to > crypto_period))
            continue;
        cas->judged = is_judged(cas);
        cas->judged_from = crypto_period;
        cas->judged_to = UINT64_MAX;
    }
    for (unsigned i = 0; i < rig->wanted_cas; i++) {
        rig->cas[i].criteria_now = rig->cas[i].criteria;
        rig->cas[i].criteria_of[crypto_period % RIG_AHEAD] = rig->cas[i].criteria;
    }
    rig->changes++;
    rig->change_period = crypto_period;
    rig->change_start = start;
}

void rig_init(struct rig *rig)
{
    memset(rig, 0, sizeof(*rig));
    rig->config = (struct headend_group_config){
        .generator = {.cw_size = 8, .group = 1},
        .crypto_period = SECOND,
        .guard = RIG_STEP,
        .policy = HEADEND_HOLD,
    };
    cr_assert_eq(base_secret_set(&rig->config.generator.seed, "seed for tests", 14), 0);
    rig->cas_count = rig->member_count = 1;
    for (unsigned i = 0; i < RIG_CAS; i++) {
        rig->cas[i].rig = rig;
        rig->cas[i].config =
            (struct headend_group_cas){.id = i + 1, .required = true, .ecm_pid = (uint16_t)(RIG_ECM_PID + i)};
        rig->cas[i].status = (struct simulcrypt_channel_status){
            .ecm_rep_period = 100, .lead_cw = 1, .cw_per_msg = 2, .max_comp_time = 100};
        rig->cas[i].latency = 50 * MS;
    }
}

static void make_lists(struct rig *rig, struct headend_group_member *members, struct headend_group_cas *cas)
{
    for (unsigned i = 0; i < RIG_MEMBERS; i++) {
        members[i] = rig->members[i].config;
        members[i].slots = rig->members[i].slots;
    }
    for (unsigned i = 0; i < RIG_CAS; i++) {
        cas[i] = rig->cas[i].config;
        cas[i].access_criteria = rig->cas[i].criteria ? &rig->cas[i].criteria : NULL;
        cas[i].access_criteria_size = rig->cas[i].criteria ? 1 : 0;
    }
}

void rig_create(struct rig *rig)
{
    static const struct headend_group_ops ops = {provision, period, degraded, cas_missing, changed};
    struct headend_group_member members[RIG_MEMBERS];
    struct headend_group_cas cas[RIG_CAS];
    bool aes = rig->config.generator.cw_size == 16;

    cr_assert_eq(cipher_create(&rig->cipher, aes ? CIPHER_DVB_CISSA : CIPHER_DVB_CSA2, NULL), 0);
    for (unsigned i = 0; i < RIG_MEMBERS; i++)
        cr_assert_eq(keys_slots_create(&rig->members[i].slots, rig->cipher, NULL), 0);
    cr_assert_eq(base_ring_create(&rig->orders, 65536), 0);
    make_lists(rig, members, cas);
    rig->config.orders = rig->orders;
    rig->config.members = members;
    rig->config.member_count = rig->member_count;
    rig->config.cas = cas;
    rig->config.cas_count = rig->cas_count;
    for (unsigned i = 0; i < rig->cas_count; i++) {
        rig->cas[i].judged = is_judged(&rig->cas[i]);
        rig->cas[i].judged_to = UINT64_MAX;
        rig->cas[i].criteria_now = rig->cas[i].criteria;
    }
    cr_assert_eq(headend_group_create(&rig->group, &rig->config, &ops, rig), 0);
    rig->config.members = NULL;
    rig->config.cas = NULL;
}

int rig_change(struct rig *rig, uint64_t not_before, unsigned members, unsigned cas)
{
    struct headend_group_member member_list[RIG_MEMBERS];
    struct headend_group_cas cas_list[RIG_CAS];
    struct headend_group_change change = {.not_before = not_before,
                                          .member_count = members,
                                          .members = member_list,
                                          .cas_count = cas,
                                          .cas = cas_list,
                                          .crypto_period = rig->config.crypto_period};

    make_lists(rig, member_list, cas_list);
    rig->wanted_cas = cas;
    rig->next = 0;
    return headend_group_change(rig->group, &change);
}

void rig_destroy(struct rig *rig)
{
    headend_group_destroy(rig->group);
    for (unsigned i = 0; i < RIG_MEMBERS; i++)
        keys_slots_destroy(rig->members[i].slots);
    base_ring_destroy(rig->orders);
    cipher_destroy(rig->cipher);
}

static void widen(struct rig_cas *cas, int64_t delay)
{
    if (delay * (int64_t)MS < cas->earliest)
        cas->earliest = delay * (int64_t)MS;
    if (delay * (int64_t)MS > cas->latest)
        cas->latest = delay * (int64_t)MS;
}

void rig_cas_up(struct rig *rig, unsigned i)
{
    struct rig_cas *cas = &rig->cas[i];
    const char *why = NULL;

    cas->pending = false;
    cas->up = true;
    rig->next = 0;
    widen(cas, cas->status.delay_start);
    widen(cas, cas->status.delay_stop);
    if (cas->status.has_ac_delay_start)
        widen(cas, cas->status.ac_delay_start);
    if (cas->status.has_ac_delay_stop)
        widen(cas, cas->status.ac_delay_stop);
    memset(cas->told, 0, sizeof(cas->told));
    cr_assert_eq(headend_group_cas_up(rig->group, cas->config.id, &cas->status, &why), 0, "%s", why);
}

void rig_up(struct rig *rig)
{
    for (unsigned i = 0; i < rig->cas_count; i++)
        rig_cas_up(rig, i);
}

void rig_cas_down(struct rig *rig, unsigned i)
{
    rig->cas[i].pending = rig->cas[i].up = false;
    rig->next = 0;
    headend_group_cas_down(rig->group, rig->cas[i].config.id, "the connection to the ECMG ended");
}

static const uint8_t *section_of(const struct ts_order *order)
{
    return order->bytes + (order->form == TS_ORDER_PACKETS ? 5 : 0);
}

static void log_order(struct rig_cas *cas, const struct ts_order *order)
{
    const uint8_t *section = section_of(order);
    unsigned at = cas->order_count++;

    cr_assert_lt(at, RIG_LOG);
    cas->orders[at].start = order->start;
    cas->orders[at].plays = order->size;
    if (!order->size)
        return;
    cas->orders[at].criteria = section[3];
    cas->orders[at].cp_number = base_load_u16(section + 4);
}

static void play_due(struct rig_cas *cas, uint64_t time);

/* As the engine does: an order holds from its start on, what was to begin then or later is void. */
static void enqueue(struct rig_cas *cas, const struct ts_order *order)
{
    unsigned plays = 0;

    while (cas->waiting_count && cas->waiting[cas->waiting_count - 1].start >= order->start)
        cas->waiting_count--;
    cr_assert_lt(cas->waiting_count, RIG_WAITING);
    cas->waiting[cas->waiting_count++] = *order;
    for (unsigned i = 0; i < cas->waiting_count; i++)
        plays += cas->waiting[i].size > 0;
    cr_assert_leq(plays, 4);
}

static void take_order(struct rig *rig, const struct ts_order *order, uint64_t time)
{
    struct rig_cas *cas = NULL;

    for (unsigned i = 0; i < RIG_CAS; i++)
        if (rig->cas[i].config.ecm_pid == order->pid)
            cas = &rig->cas[i];
    cr_assert_not_null(cas, "an order for PID 0x%04x", order->pid);
    cr_assert_eq(order->stream, rig->config.order_stream);
    cr_assert_eq(order->kind, order->size ? TS_ORDER_PLAY : TS_ORDER_STOP);
    if (order->size) {
        cr_assert_geq(order->start, cas->last_start, "ECMs must come with growing starts");
        cas->last_start = order->start;
    }
    cas->late_orders += rig->fed_any && order->start <= rig->fed;
    log_order(cas, order);
    enqueue(cas, order);
    play_due(cas, time);
}

static void take_orders(struct rig *rig, uint64_t time)
{
    struct ts_order order;

    while (!rig->deaf && ts_order_pop(rig->orders, &order) == 1)
        if (!rig->moved_pid || order.pid != rig->moved_pid)
            take_order(rig, &order, time);
}

static void play(struct rig_cas *cas, const struct ts_order *order)
{
    const uint8_t *section = section_of(order);

    cas->playing = *order;
    if (!order->size)
        return;
    for (unsigned at = 4; at < 3u + (base_load_u16(section + 1) & 0xFFF); at += 2)
        cas->seen[base_load_u16(section + at)] = true;
}

static void play_due(struct rig_cas *cas, uint64_t time)
{
    while (cas->waiting_count && cas->waiting[0].start <= time) {
        play(cas, &cas->waiting[0]);
        memmove(cas->waiting, cas->waiting + 1, --cas->waiting_count * sizeof(cas->waiting[0]));
    }
}

/* Between its delays the crypto-period's own ECM plays, whatever came before. */
static void judge_playing(const struct rig *rig, const struct rig_cas *cas, const struct keys_slot *slot)
{
    int64_t from = 0, to = INT64_MAX, now = (int64_t)rig->fed;

    for (unsigned i = 0; i < rig->period_count; i++) {
        if (rig->periods[i].crypto_period == slot->crypto_period)
            from = (int64_t)rig->periods[i].start + cas->latest;
        if (rig->periods[i].crypto_period == slot->crypto_period + 1)
            to = (int64_t)rig->periods[i].start + cas->earliest - 100 * (int64_t)MS;
    }
    if (rig->changes && rig->change_period == slot->crypto_period + 1)
        to = (int64_t)rig->change_start + cas->earliest - 100 * (int64_t)MS; /* also where it is the end */
    if (now < from || now >= to)
        return;
    cr_assert(cas->playing.size, "no ECM of CAS %u during CP %llu", cas->config.id,
              (unsigned long long)slot->crypto_period);
    cr_assert_eq(base_load_u16(section_of(&cas->playing) + 4), (uint16_t)slot->crypto_period,
                 "ECM %u of CAS %u during CP %llu", base_load_u16(section_of(&cas->playing) + 4),
                 cas->config.id, (unsigned long long)slot->crypto_period);
    if (rig->judges_criteria)
        cr_assert_eq(section_of(&cas->playing)[3], cas->criteria_of[slot->crypto_period % RIG_AHEAD]);
}

/* What CWs are on air for. */
static void judge_cas(const struct rig *rig, const struct rig_cas *cas, const struct keys_slot *slot)
{
    if (!cas->judged || cas->empty || slot->crypto_period < cas->judged_from ||
        slot->crypto_period >= cas->judged_to)
        return;
    cr_assert(cas->seen[(uint16_t)slot->crypto_period], "CW %llu is on air before the ECM of CAS %u",
              (unsigned long long)slot->crypto_period, cas->config.id);
    if (!rig->moved_pid && !rig->config.list)
        judge_playing(rig, cas, slot);
}

/* By the operator's will, never by what a peer does. */
static bool may_be_clear(const struct rig *rig, const struct rig_member *member)
{
    return rig->config.policy == HEADEND_CLEAR ||
           (member->may_be_clear && !(member->stays && member->protected));
}

static void judge(const struct rig *rig, const struct rig_member *member)
{
    const struct keys_slot *slot = member->slot;
    bool seen = false;

    if (!slot || slot->kind != KEYS_SLOT_KEY) {
        cr_assert(!slot || slot->kind != KEYS_SLOT_CLEAR || may_be_clear(rig, member));
        return;
    }
    cr_assert_eq(slot->parity, rig->config.fixed ? 0 : slot->crypto_period & 1);
    for (unsigned i = 0; i < RIG_CAS; i++) {
        const struct rig_cas *cas = &rig->cas[i];

        seen |= cas->seen[(uint16_t)slot->crypto_period] || cas->empty || cas->config.allow_late_ecm;
        judge_cas(rig, cas, slot);
    }
    cr_assert(seen || !rig->cas_count, "a CW without any ECM");
}

/* A packet of each member at `time`. */
static void feed(struct rig *rig, uint64_t time)
{
    take_orders(rig, time);
    for (unsigned i = 0; i < RIG_CAS; i++)
        play_due(&rig->cas[i], time);
    rig->fed = time;
    rig->fed_any = true;
    for (unsigned i = 0; i < RIG_MEMBERS; i++) {
        struct rig_member *member = &rig->members[i];

        if (member->idle)
            continue;
        member->slot = keys_slots_current(member->slots, time);
        judge(rig, member);
        member->protected |= member->slot && member->slot->kind == KEYS_SLOT_KEY;
    }
}

static void answer_due(struct rig *rig)
{
    for (unsigned i = 0; i < RIG_CAS; i++) {
        struct rig_cas *cas = &rig->cas[i];

        if (!cas->pending || cas->answer == RIG_SILENCE || rig->now < cas->answer_at)
            continue;
        reply(cas);
        rig->next = 0;
    }
}

void rig_run(struct rig *rig, uint64_t until)
{
    for (; rig->now < until; rig->now += RIG_STEP) {
        answer_due(rig);
        if (!rig->lazy || rig->now >= rig->next) {
            rig->next = headend_group_advance(rig->group, rig->now);
            rig->calls++;
        }
        cr_assert_gt(rig->next, rig->now);
        feed(rig, rig->now);
    }
}

/* False where no ECMG is going to answer. */
static bool take_turn(struct rig *rig)
{
    bool any = false;

    for (unsigned i = 0; i < RIG_CAS; i++) {
        struct rig_cas *cas = &rig->cas[i];

        if (!cas->pending || cas->answer == RIG_SILENCE)
            continue;
        any = true;
        if (cas->turns++ >= cas->waits)
            reply(cas);
    }
    return any;
}

void rig_run_file(struct rig *rig, uint64_t until, uint64_t step, unsigned patience)
{
    for (; rig->now < until; rig->now += step) {
        unsigned idle = 0;

        for (unsigned turn = 0;; turn++) {
            headend_group_advance(rig->group, rig->now);
            if (headend_group_ready(rig->group, rig->now))
                break;
            cr_assert_lt(turn, 10000, "a file run must not stand still");
            if (take_turn(rig))
                idle = 0;
            else if (idle++ >= patience)
                headend_group_give_up(rig->group, rig->now, "no ECM came within 10 s");
        }
        take_turn(rig);
        feed(rig, rig->now);
    }
}
