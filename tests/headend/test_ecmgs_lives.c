/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lives by chance: ECMGs change their manners, die and return, streams come, ask and go. Whatever happened,
 * once all ECMGs work again so does every stream. */
#include <criterion/criterion.h>

#include "ecmgs_rig.h"

#define LIVES 3
#define STEPS 200

static uint32_t state;

static unsigned draw(unsigned below)
{
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state % below;
}

static void misbehave(struct rig_ecmg *ecmg)
{
    ecmg->manner = (enum rig_manner)draw(RIG_RESETS_IN_RESPONSE + 1);
    ecmg->keeps_ecms = draw(4) == 0;
    ecmg->deaf = draw(6) == 0;
    ecmg->setup_error = draw(4) == 0 ? (uint16_t)(SIMULCRYPT_ECMG_UNKNOWN_SUPER_CAS_ID + draw(17)) : 0;
    ecmg->provision_error = draw(4) == 0 ? (uint16_t)(1 + draw(21)) : 0;
    ecmg->bad_ecm_id = draw(2) ? 0 : (uint16_t)(100 + draw(8));
    ecmg->streams_max = draw(4);
    ecmg->version_max = (uint8_t)(1 + draw(5));
}

static void behave(struct rig_ecmg *ecmg)
{
    ecmg->manner = RIG_WORKS;
    ecmg->keeps_ecms = ecmg->deaf = false;
    ecmg->setup_error = ecmg->provision_error = 0;
    ecmg->streams_max = 0;
}

static void live_or_die(unsigned index)
{
    if (rig.ecmg[index].listener)
        rig_kill(index);
    else
        rig_revive(index);
}

static void come_or_go(void)
{
    unsigned index = draw(rig.stream_count);

    if (rig.stream_count < 12 && draw(2)) {
        rig_add_streams(1);
    } else if (rig.stream[index].stream && draw(2)) {
        headend_ecm_stream_destroy(rig.stream[index].stream);
        rig.stream[index].stream = NULL;
    }
}

static void take_step(void)
{
    unsigned ecmg = draw(RIG_ECMGS);

    switch (draw(8)) {
    case 0:
        misbehave(&rig.ecmg[ecmg]);
        break;
    case 1:
        behave(&rig.ecmg[ecmg]);
        break;
    case 2:
        if (draw(3) == 0)
            live_or_die(ecmg);
        break;
    case 3:
        rig_hang_up(ecmg);
        break;
    case 4:
        come_or_go();
        break;
    default:
        for (unsigned i = 0; i < rig.stream_count; i++)
            if (rig.stream[i].stream)
                rig_ask(i, (uint16_t)draw(65536));
    }
    for (unsigned turns = draw(6); turns; turns--)
        net_loop_run_once(rig.loop, 2);
}

static bool all_there_are_up(void)
{
    unsigned wanted = 0;

    for (unsigned i = 0; i < rig.stream_count; i++)
        wanted += rig.stream[i].stream != NULL;
    return rig_up_count() == wanted;
}

static void live(void)
{
    rig_begin();
    rig.config.count = RIG_ECMGS;
    rig.config.version = 5;
    rig.config.version_lowest = 1;
    rig.config.failback_ms = draw(2) ? draw(50) : HEADEND_NO_FAILBACK;
    rig.config.reply_timeout_ms = 20;
    rig.config.network_delay_ms = 10;
    rig.config.test_period_ms = draw(30);
    rig.config.outstanding_max = (uint8_t)draw(5);
    for (unsigned i = 0; i < RIG_ECMGS; i++) {
        rig.ecmg[i].status.max_comp_time = 5;
        rig.ecmg[i].status.max_streams = (uint16_t)draw(5);
    }
    rig_create();
    rig_add_streams(3);
    for (unsigned i = 0; i < STEPS; i++)
        take_step();
}

static void recover(uint32_t seed)
{
    for (unsigned i = 0; i < RIG_ECMGS; i++) {
        behave(&rig.ecmg[i]);
        if (!rig.ecmg[i].listener)
            rig_revive(i);
    }
    cr_assert(rig_turn(all_there_are_up, 40000), "seed 0x%08x", seed);
}

static void test_lives(uint32_t seed, bool recovers)
{
    state = seed;
    for (unsigned i = 0; i < LIVES; i++) {
        uint32_t begun_with = state;
        live();
        if (recovers)
            recover(begun_with);
        rig_end();
    }
}

Test(ecmgs_lives, end_at_any_moment, .timeout = 120)
{
    test_lives(0x5EED0001, false);
}

Test(ecmgs_lives, recover, .timeout = 240)
{
    test_lives(0x5EED0002, true);
}
