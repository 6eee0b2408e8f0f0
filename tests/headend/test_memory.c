/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory that is refused. */
#include <criterion/criterion.h>

#include "headend/follower.h"
#include "tests/common/memory.h"

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
