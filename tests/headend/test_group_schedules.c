/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Random lives of a group: ECMGs that are late, silent, gone and replaced by others, changes of all kinds.
 * The rig judges at every packet what is on air, from slots and orders alone. SCRAMLINE_SCHEDULES says how
 * many. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rig.h"

#define SCHEDULES 900

static struct rig rig, other;
static uint64_t state;

static unsigned draw(unsigned below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)((state >> 11) % below);
}

static int16_t draw_delay(void)
{
    return (int16_t)(10 * ((int)draw(181) - 90));
}

static void draw_status(struct rig_cas *cas)
{
    struct simulcrypt_channel_status *s = &cas->status;

    s->lead_cw = (uint8_t)draw(4);
    s->cw_per_msg = (uint8_t)(1 + draw(4));
    s->delay_start = draw_delay();
    s->delay_stop = draw(2) ? s->delay_start : draw_delay();
    s->has_ac_delay_start = draw(2);
    s->has_ac_delay_stop = draw(2);
    s->has_transition_delay_start = draw(2);
    s->has_transition_delay_stop = draw(2);
    s->ac_delay_start = draw_delay();
    s->ac_delay_stop = draw_delay();
    s->transition_delay_start = draw_delay();
    s->transition_delay_stop = draw_delay();
    s->packets = draw(2);
    if (!s->lead_cw && s->delay_start >= 0)
        s->delay_start = (int16_t)(-10 - s->delay_start);
}

static void draw_rig(struct rig *r)
{
    static const uint64_t firsts[] = {0, 65533, UINT64_C(0xFFFFFFFE)};

    rig_init(r);
    r->config.lead_in = draw(2);
    r->lazy = draw(2);
    r->config.policy = draw(3);
    r->config.policy_delay = draw(3) * 700 * MS;
    r->config.first_crypto_period = firsts[draw(3)];
    r->cas_count = 1 + draw(3);
    r->member_count = 1 + draw(3);
    for (unsigned i = 0; i < RIG_MEMBERS; i++) {
        r->members[i].config.clear_before = r->members[i].may_be_clear = draw(2);
        r->members[i].stays = true;
        r->members[i].config.after = draw(2) ? KEYS_SLOT_CLEAR : KEYS_SLOT_BLACK;
    }
    for (unsigned i = 0; i < RIG_CAS; i++) {
        r->cas[i].config.required = draw(2);
        r->cas[i].latency = draw(30) * 10 * MS;
        r->cas[i].inside = !draw(4);
        r->cas[i].criteria = (uint8_t)(1 + draw(3));
        draw_status(&r->cas[i]);
    }
}

/* What the group knows of it. False: not its own. */
static bool is_known(const struct rig_cas *cas, bool *up)
{
    struct headend_group_cas_status s;

    if (headend_group_cas_status(rig.group, cas->config.id, &s) < 0)
        return false;
    *up = s.up;
    return true;
}

static void replace_ecmg(struct rig_cas *cas)
{
    unsigned index = cas->config.id - 1;
    bool up;

    if (!is_known(cas, &up))
        return;
    rig_cas_down(&rig, index);
    if (up && draw(2))
        return;
    draw_status(cas);
    cas->latency = draw(120) * 10 * MS;
    rig_cas_up(&rig, index);
}

static void change_group(void)
{
    unsigned members = 1 + draw(3), cas = 1 + draw(3);
    bool up;

    if (headend_group_is_changing(rig.group))
        return;
    for (unsigned i = 0; i < RIG_CAS; i++) {
        rig.cas[i].criteria = (uint8_t)(1 + draw(3));
        rig.cas[i].config.access_criteria_changed = draw(2);
    }
    /* Rings of members that left are not used again. */
    if (members < rig.member_count)
        members = rig.member_count;
    rig.member_count = members;
    rig.wanted_cas = cas;
    cr_assert_eq(rig_change(&rig, draw(3) * 3 * SECOND, members, cas), 0);
    for (unsigned i = 0; i < cas; i++)
        if (is_known(&rig.cas[i], &up) && !up)
            replace_ecmg(&rig.cas[i]);
}

static void disturb(void)
{
    struct rig_cas *cas = &rig.cas[draw(3)];

    switch (draw(6)) {
    case 0:
        cas->answer = RIG_SILENCE;
        break;
    case 1:
        cas->answer = draw(3) ? RIG_ECM : RIG_ERROR;
        break;
    case 2:
        replace_ecmg(cas);
        break;
    case 3:
        cas->refuse = cas->refuse ? 0 : -1;
        break;
    case 4:
        change_group();
        break;
    default:
        cas->latency = draw(150) * 10 * MS;
    }
}

/* At the end all ECMGs work: so must the group. */
static void recover(void)
{
    for (unsigned i = 0; i < RIG_CAS; i++) {
        struct rig_cas *cas = &rig.cas[i];
        bool up;

        cas->answer = RIG_ECM;
        cas->refuse = 0;
        cas->latency = 50 * MS;
        if (is_known(cas, &up) && !up)
            rig_cas_up(&rig, i);
    }
}

static void live(uint64_t seed)
{
    struct headend_group_status status;
    unsigned published;

    state = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
    draw_rig(&rig);
    rig_create(&rig);
    rig.wanted_cas = rig.cas_count;
    rig.judges_criteria = true;
    rig_up(&rig);
    for (unsigned i = 0; i < 20; i++) {
        rig_run(&rig, rig.now + draw(150) * RIG_STEP);
        disturb();
    }
    recover();
    rig_run(&rig, rig.now + 6 * SECOND);
    published = rig.period_count;
    rig_run(&rig, rig.now + 6 * SECOND);
    cr_assert_geq(rig.period_count, published + 5, "it goes on");
    headend_group_status(rig.group, &status);
    cr_assert_not(status.degraded);
    cr_assert_not(headend_group_is_changing(rig.group));
    rig_destroy(&rig);
}

static unsigned schedules(void)
{
    const char *text = getenv("SCRAMLINE_SCHEDULES");

    return text ? (unsigned)strtoul(text, NULL, 10) : SCHEDULES;
}

static unsigned first_schedule(void)
{
    const char *text = getenv("SCRAMLINE_SCHEDULE_FIRST");

    return text ? (unsigned)strtoul(text, NULL, 10) : 0;
}

/* Named where the test fails. */
static unsigned current;
static bool running;

static void name_schedule(void)
{
    if (running)
        fprintf(stderr, "in schedule %u\n", current);
}

TestSuite(group_schedules, .fini = name_schedule);

Test(group_schedules, no_cw_is_on_air_without_the_ecms_of_all_required_cass, .timeout = 1200)
{
    running = true;
    for (current = first_schedule(); current < first_schedule() + schedules(); current++)
        live(current);
    running = false;
}

static void compare(void)
{
    cr_assert_eq(rig.period_count, other.period_count);
    for (unsigned i = 0; i < rig.period_count; i++) {
        cr_assert_eq(rig.periods[i].start, other.periods[i].start);
        cr_assert_arr_eq(rig.periods[i].cw, other.periods[i].cw, 8);
    }
    for (unsigned c = 0; c < RIG_CAS; c++) {
        cr_assert_eq(rig.cas[c].late_orders + other.cas[c].late_orders, 0);
        for (unsigned i = 0; i < rig.cas[c].order_count && i < other.cas[c].order_count; i++) {
            cr_assert_eq(rig.cas[c].orders[i].start, other.cas[c].orders[i].start, "CAS %u, order %u", c, i);
            cr_assert_eq(rig.cas[c].orders[i].plays, other.cas[c].orders[i].plays);
            cr_assert_eq(rig.cas[c].orders[i].cp_number, other.cas[c].orders[i].cp_number);
        }
    }
}

static void run_file(struct rig *r, uint64_t seed, uint64_t step, unsigned waits)
{
    state = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
    draw_rig(r);
    r->config.waits_for_ecms = true;
    r->config.guard = 0;
    for (unsigned i = 0; i < RIG_CAS; i++) {
        r->cas[i].inside = false;
        r->cas[i].waits = waits ? waits * (i + 1) % 7 : 0;
    }
    rig_create(r);
    rig_up(r);
    rig_run_file(r, 12 * SECOND, step, 1000);
}

/* How far beyond what was fed it is published depends on latencies, what is published does not. */
static void cut(struct rig *r, unsigned count)
{
    if (r->period_count > count)
        r->period_count = count;
}

Test(group_schedules, a_file_run_does_not_depend_on_how_long_ecms_took, .timeout = 600)
{
    running = true;
    for (current = first_schedule(); current < first_schedule() + schedules() / 3; current++) {
        run_file(&rig, current, 10 * MS, 0);
        run_file(&other, current, (current % 40 + 1) * 7 * MS, 1 + current % 5);
        cr_assert_geq(rig.period_count, 12);
        cut(&rig, other.period_count);
        cut(&other, rig.period_count);
        compare();
        rig_destroy(&rig);
        rig_destroy(&other);
    }
    running = false;
}
