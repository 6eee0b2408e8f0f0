/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A group's memory: refused, and given back without a control word or seed in it. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "rig.h"
#include "tests/common/memory.h"

#define PERIODS 12

static struct rig rig;

static int refuse(void *context, uint32_t cas, const struct simulcrypt_cw_provision *provision)
{
    (void)context;
    (void)cas;
    (void)provision;
    return -EBUSY;
}

static const struct headend_group_ops ops = {.provision = refuse};

static void fill(struct headend_group_member *members, struct headend_group_cas *cas)
{
    for (unsigned i = 0; i < 2; i++) {
        members[i] = (struct headend_group_member){.slots = rig.members[i].slots};
        cas[i] = (struct headend_group_cas){
            .id = i, .access_criteria = (const uint8_t *)"criteria", .access_criteria_size = 8};
    }
}

static int use_group(void *context)
{
    struct headend_group *group = NULL;
    struct headend_group_member members[2];
    struct headend_group_cas cas[2];
    struct headend_group_config config = rig.config;
    int status;

    (void)context;
    fill(members, cas);
    config.members = members;
    config.cas = cas;
    config.member_count = config.cas_count = 2;
    status = headend_group_create(&group, &config, &ops, NULL);
    headend_group_destroy(group);
    return status;
}

Test(group_memory, group_that_cannot_be_had)
{
    rig_init(&rig);
    rig_create(&rig);
    memory_refuse_each(use_group, NULL, 7);
    rig_destroy(&rig);
}

static int use_change(void *context)
{
    struct headend_group *group = NULL;
    struct headend_group_member members[2];
    struct headend_group_cas cas[2];
    struct headend_group_config config = rig.config;
    struct headend_group_change change = {.crypto_period = SECOND};
    int status;

    (void)context;
    fill(members, cas);
    config.members = change.members = members;
    config.cas = cas;
    config.member_count = config.cas_count = 1;
    change.cas = cas;
    change.member_count = change.cas_count = 2;
    status = headend_group_create(&group, &config, &ops, NULL);
    if (status == 0)
        status = headend_group_change(group, &change);
    cr_assert(status == 0 || !group || !headend_group_is_changing(group));
    headend_group_destroy(group);
    return status;
}

Test(group_memory, a_change_that_cannot_be_had_changes_nothing)
{
    rig_init(&rig);
    rig_create(&rig);
    memory_refuse_each(use_change, NULL, 10);
    rig_destroy(&rig);
}

Test(group_memory, an_ecm_for_which_there_is_no_memory_is_asked_for_again)
{
    unsigned before;

    rig_init(&rig);
    rig_create(&rig);
    rig_up(&rig);
    rig_run(&rig, 2500 * MS);
    before = rig.period_count;
    memory_watch();
    memory_refuse_from(0);
    rig_run(&rig, 4 * SECOND);
    memory_refuse_none();
    cr_assert_eq(rig.period_count, before);
    rig_run(&rig, 9 * SECOND);
    memory_stop();
    cr_assert_geq(rig.period_count, before + 4);
    rig_destroy(&rig);
}

static void look_for_words(const struct keys_cw_generator *generator)
{
    struct base_secret cw;

    memory_look_for(generator->seed.bytes, generator->seed.size);
    for (uint64_t n = 0; n < PERIODS; n++) {
        cr_assert_eq(keys_cw_generate(generator, n, &cw), 0);
        memory_look_for(cw.bytes, cw.size);
    }
}

static void check_life(uint8_t cw_size)
{
    rig_init(&rig);
    rig.cas_count = rig.member_count = 2;
    rig.config.generator.cw_size = cw_size;
    look_for_words(&rig.config.generator);
    memory_watch();
    rig_create(&rig);
    rig_up(&rig);
    rig_run(&rig, 3 * SECOND);
    cr_assert_eq(rig_change(&rig, 0, 2, 1), 0);
    rig_run(&rig, (PERIODS - 3) * SECOND);
    cr_assert_eq(rig.changes, 1);
    cr_assert_gt(rig.period_count, PERIODS / 2);
    rig_destroy(&rig);
    memory_stop();
    cr_assert_eq(memory_live(), 0);
    cr_assert_eq(memory_found(), 0, "%u blocks were freed with a CW in them", memory_found());
    memory_assert_it_looks();
}

Test(group_memory, no_cw_is_left_of_a_group_with_8_byte_words)
{
    check_life(8);
}

Test(group_memory, no_cw_is_left_of_a_group_with_16_byte_words)
{
    check_life(16);
}
