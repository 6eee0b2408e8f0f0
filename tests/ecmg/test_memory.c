/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory that is refused, and memory that is given back: never with a control word or service key in it, not
 * even in what libuv holds. */
#include <criterion/criterion.h>
#include <string.h>
#include <uv.h>

#include "base/log.h"
#include "ecmg/server.h"
#include "scs.h"
#include "tests/common/memory.h"

#define SUPER_CAS_ID 0x4adc0001u
#define PERIODS      5

static const uint8_t service_key[16] = {0x3e, 0x91, 0x07, 0xd8, 0x6b, 0xf2, 0x54, 0xac,
                                        0x1f, 0x83, 0xc9, 0x2d, 0x70, 0xe6, 0x48, 0xb5};
static struct ecmg_server_config config;
static struct scs scs;

static void setup(void)
{
    uint8_t cw[16];

    base_log_set_level(BASE_LOG_ERROR);
    ecmg_server_config_init(&config);
    config.listener.port = 0;
    config.service_count = 1;
    config.services[0].super_cas_id = SUPER_CAS_ID;
    base_secret_set(&config.services[0].key, service_key, sizeof(service_key));
    memory_look_for(service_key, sizeof(service_key));
    for (uint16_t cp = 0; cp <= PERIODS; cp++) {
        scs_cw(cp, cw);
        memory_look_for(cw, 8);
    }
}

TestSuite(memory, .init = setup, .timeout = 60);

static int use_server(void *context)
{
    struct net_loop *loop = NULL;
    struct ecmg_server *server = NULL;
    int status = net_loop_create(&loop);

    if (status == 0)
        status = ecmg_server_create(&server, loop, context);
    ecmg_server_destroy(server);
    net_loop_destroy(loop);
    return status;
}

Test(memory, server_needs_all_of_its_parts)
{
    memory_refuse_each(use_server, &config, 3);
    memory_assert_it_looks();
}

/* Then the first CW_provision lacks the CW of its own crypto-period. */
static bool is_remembering(void)
{
    return config.channel.status.cw_per_msg <= config.channel.status.lead_cw;
}

static void provide(struct net_loop *loop, struct ecmg_server *server, uint8_t cw_size)
{
    scs_start(&scs, loop, ecmg_server_port(server), 1, SUPER_CAS_ID, 1, 1);
    RUN_UNTIL(loop, scs.streams_up == 1 || scs.ended);
    for (uint16_t cp = 0; cp < PERIODS; cp++)
        cr_assert(scs_provide(&scs, 1, cp, cw_size, NULL, 0) == (cp > 0 || !is_remembering()), "%s", scs.why);
}

/* The server goes while the connection is open, or after its end. */
static void check_life(uint8_t cw_size, bool orderly)
{
    struct net_loop *loop;
    struct ecmg_server *server;

    memory_watch();
    cr_assert_eq(net_loop_create(&loop), 0);
    cr_assert_eq(ecmg_server_create(&server, loop, &config), 0);
    provide(loop, server, cw_size);
    if (orderly)
        scs_stop(&scs);
    ecmg_server_destroy(server);
    scs_stop(&scs);
    net_loop_destroy(loop);
    memory_stop();
    cr_assert_eq(memory_found(), 0, "%u blocks were freed with a secret in them", memory_found());
    memory_assert_it_looks();
}

Test(memory, no_secret_is_left_of_server_and_scs)
{
    cr_assert_eq(uv_replace_allocator(malloc, realloc, calloc, free), 0);
    for (int i = 0; i < 8; i++) {
        config.channel.status.cw_per_msg = i & 4 ? 1 : 2;
        check_life(i & 1 ? 8 : 16, i & 2);
    }
}
