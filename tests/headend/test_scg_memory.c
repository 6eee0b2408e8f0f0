/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SCGs without memory: nothing is lost of what there was. */
#include <criterion/criterion.h>
#include <errno.h>

#include "base/clock.h"
#include "headend/scg.h"
#include "tests/common/memory.h"

static struct net_loop *loop;
static struct headend_ecmgs *ecmgs;
static struct cipher *cipher;
static struct keys_slots *slots;
static struct base_ring *orders;

static int channel_take(void *context, uint16_t *channel_id)
{
    (void)context;
    *channel_id = 1;
    return 0;
}

static void channel_give(void *context, uint16_t channel_id)
{
    (void)context;
    (void)channel_id;
}

static int create_ecmgs(void)
{
    static const struct headend_ecmg_address nobody = {"127.0.0.1", 9};
    const struct headend_ecmgs_config config = {.name = "alpha",
                                                .super_cas_id = 0x4ADC0001,
                                                .version = 3,
                                                .count = 1,
                                                .ecmgs = &nobody,
                                                .channel_take = channel_take,
                                                .channel_give = channel_give};

    return headend_ecmgs_create(&ecmgs, loop, &config);
}

static void begin(void)
{
    cr_assert_eq(net_loop_create(&loop), 0);
    cr_assert_eq(cipher_create(&cipher, CIPHER_DVB_CSA2, NULL), 0);
    cr_assert_eq(keys_slots_create(&slots, cipher, NULL), 0);
    cr_assert_eq(base_ring_create(&orders, 1 << 16), 0);
}

static void end(void)
{
    keys_slots_destroy(slots);
    base_ring_destroy(orders);
    cipher_destroy(cipher);
    net_loop_destroy(loop);
}

TestSuite(scg_memory, .init = begin, .fini = end, .timeout = 60);

static struct headend_scg_cas cas_of(uint16_t flow)
{
    return (struct headend_scg_cas){.flow = flow,
                                    .ecmgs = ecmgs,
                                    .ecm_id = (uint16_t)(flow + 1),
                                    .required = true,
                                    .access_criteria = (const uint8_t *)"ac",
                                    .access_criteria_size = 2};
}

static int create(struct headend_scg **scg)
{
    static const struct headend_scg_ops ops = {NULL, NULL};
    const struct headend_group_member member = {.slots = slots, .after = KEYS_SLOT_BLACK};
    const struct headend_scg_cas cas[2] = {cas_of(0), cas_of(1)};
    const struct headend_scg_config config = {.name = "service 1",
                                              .group = {.orders = orders,
                                                        .generator = {.cw_size = 8},
                                                        .member_count = 1,
                                                        .members = &member,
                                                        .crypto_period = BASE_TICKS_PER_SECOND},
                                              .cas_count = 2,
                                              .cas = cas};

    return headend_scg_create(scg, &config, &ops, NULL);
}

/* What has been closed goes with the loop's next turns. */
static void clear(struct headend_scg *scg)
{
    headend_scg_destroy(scg);
    headend_ecmgs_destroy(ecmgs);
    ecmgs = NULL;
    for (unsigned i = 0; i < 5; i++)
        net_loop_run_once(loop, 1);
}

static int use(void *context)
{
    struct headend_scg *scg = NULL;
    int status = create_ecmgs();

    (void)context;
    if (status == 0)
        status = create(&scg);
    clear(scg);
    return status;
}

Test(scg_memory, an_scg_needs_all_of_its_parts)
{
    memory_refuse_each(use, NULL, 6);
}

static int change(struct headend_scg *scg)
{
    const struct headend_group_member member = {.slots = slots, .after = KEYS_SLOT_BLACK};
    const struct headend_scg_cas cas[2] = {cas_of(1), cas_of(2)};
    const struct headend_scg_change change = {.member_count = 1,
                                              .members = &member,
                                              .cas_count = 2,
                                              .cas = cas,
                                              .crypto_period = BASE_TICKS_PER_SECOND};

    return headend_scg_change(scg, &change);
}

static int use_and_change(void *context)
{
    struct headend_scg *scg = NULL;
    int status = create_ecmgs();

    (void)context;
    if (status == 0)
        status = create(&scg);
    if (status == 0)
        status = change(scg);
    clear(scg);
    return status;
}

Test(scg_memory, a_change_needs_all_of_its_parts)
{
    memory_refuse_each(use_and_change, NULL, 9);
}
