/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory that is refused, and memory that is given back: never with a control word or seed in it. */
#include <criterion/criterion.h>
#include <string.h>

#include "headend/follower.h"
#include "rig.h"
#include "tests/common/memory.h"

#define PERIODS 12

static struct rig rig;

static int use_group(void *context)
{
    struct headend_group *group = NULL;
    int status = headend_group_create(&group, context, NULL, NULL);

    headend_group_destroy(group);
    return status;
}

Test(memory, group_that_cannot_be_had)
{
    rig_init(&rig);
    rig_create(&rig);
    rig.cas_count = 0;
    memory_refuse_each(use_group, &rig.config, 1);
    rig_destroy(&rig);
}

static int use_follower(void *context)
{
    struct headend_service_config config = {.choice = HEADEND_SERVICE_FIRST, .components = HEADEND_ALL};
    struct headend_follower *follower = NULL;
    int status = headend_follower_create(&follower, &config, 1, context);

    headend_follower_destroy(follower);
    return status;
}

Test(memory, follower_needs_all_of_its_parts)
{
    memory_refuse_each(use_follower, NULL, 2);
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
    rig.config.generator.cw_size = cw_size;
    look_for_words(&rig.config.generator);
    memory_watch();
    rig_create(&rig);
    rig_up(&rig);
    rig_run(&rig, (PERIODS - 3) * SECOND);
    cr_assert_gt(rig.period_count, PERIODS / 2);
    rig_destroy(&rig);
    memory_stop();
    cr_assert_eq(memory_live(), 0);
    cr_assert_eq(memory_found(), 0, "%u blocks were freed with a CW in them", memory_found());
    memory_assert_it_looks();
}

Test(memory, no_cw_is_left_of_a_group_with_8_byte_words)
{
    check_life(8);
}

Test(memory, no_cw_is_left_of_a_group_with_16_byte_words)
{
    check_life(16);
}
