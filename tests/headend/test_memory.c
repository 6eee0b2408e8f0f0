/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory that is refused. */
#include <criterion/criterion.h>

#include "headend/ecmg_client.h"
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

/* Where there is no memory to connect it tries again later. */
static int use_client(void *context)
{
    struct headend_ecmg_client_config config = {
        .host = "127.0.0.1",
        .port = 9, /* nobody is there */
        .scs = {.version = 3, .channel_id = 1, .super_cas_id = 0x4adc0001},
        .stream = {.stream_id = 1,
                   .ecm_id = 1,
                   .nominal_cp_duration = 100,
                   .access_criteria = (const uint8_t *)"abc",
                   .access_criteria_size = 3},
    };
    struct headend_ecmg_client *client = NULL;
    struct net_loop *loop = NULL;
    int status = net_loop_create(&loop);

    (void)context;
    if (status == 0)
        status = headend_ecmg_client_create(&client, loop, &config);
    for (int i = 0; status == 0 && i < 3; i++)
        net_loop_run_once(loop, 1);
    headend_ecmg_client_destroy(client);
    net_loop_destroy(loop);
    return status;
}

Test(memory, client_of_an_ecmg, .timeout = 60)
{
    memory_survive_each(use_client, NULL, 7);
}
