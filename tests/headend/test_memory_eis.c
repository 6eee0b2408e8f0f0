/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory that the EIS listener does not get, and memory that it gives back. */
#include <criterion/criterion.h>

#include "base/log.h"
#include "headend/eis.h"
#include "tests/common/memory.h"

/* v4 channel_setup EIS_channel_id=1; SCG_provision SCG_id=7 with a service and an ECM_Group */
static const uint8_t said[] = {
    4, 0x04, 0x01, 0,  6,    0, 1, 0, 2, 0, 1, /* */
    4, 0x04, 0x08, 0,  68,   0, 1, 0, 2, 0, 1, 0, 6, 0, 2,    0,    7,    0, 0x0F, 0,    2,  0,
    1, 0,    0x16, 0,  2,    0, 2, 0, 7, 0, 4, 0, 0, 0, 1,    0,    0x0E, 0, 2,    0,    10, /* ECM_Group: */
    0, 5,    0,    26, 0,    9, 0, 2, 0, 5, 0, 8, 0, 4, 0x4A, 0xDC, 0,    1, 0,    0x0A, 0,  3,
    1, 2,    3,    0,  0x10, 0, 1, 1};

static unsigned accepted;
static struct net_tcp *peer;

static uint16_t on_check(void *context, uint16_t channel_id, const struct simulcrypt_scg *scg, int64_t at_ms)
{
    (void)context;
    (void)channel_id;
    (void)scg;
    (void)at_ms;
    return SIMULCRYPT_EIS_OK;
}

static void on_accepted(void *context, uint16_t channel_id, const struct simulcrypt_scg *scg, int64_t at_ms)
{
    (void)on_check(context, channel_id, scg, at_ms);
    accepted++;
}

static uint16_t on_nominal_cp_duration(void *context, uint16_t channel_id, uint16_t scg_id)
{
    (void)context;
    (void)channel_id;
    (void)scg_id;
    return 0;
}

static void on_connected(void *context)
{
    (void)context;
    net_tcp_write(peer, said, sizeof(said));
}

static void on_ended(void *context, int error)
{
    (void)context;
    (void)error;
    net_tcp_close(peer);
    peer = NULL;
}

static const struct headend_eis_ops ops = {on_check, on_accepted, on_nominal_cp_duration};
static const struct headend_eis_config config = {.listen.host = "127.0.0.1",
                                                 .abilities = {.services = true, .max_scg = 10}};

static int create(struct headend_eis **eis, struct net_loop *loop)
{
    char why[256];

    return headend_eis_create(eis, loop, &config, &ops, NULL, why);
}

static int use_listener(void *context)
{
    struct headend_eis *eis = NULL;
    struct net_loop *loop = NULL;
    int status = net_loop_create(&loop);

    (void)context;
    if (status == 0)
        status = create(&eis, loop);
    headend_eis_destroy(eis);
    net_loop_destroy(loop);
    return status;
}

Test(memory_eis, the_listener_needs_all_of_its_parts)
{
    memory_refuse_each(use_listener, NULL, 3);
}

static void talk(struct headend_eis *eis, struct net_loop *loop)
{
    static const struct net_tcp_ops peer_ops = {.connected = on_connected, .ended = on_ended};

    accepted = 0;
    peer = NULL;
    if (net_tcp_connect(&peer, loop, "127.0.0.1", headend_eis_port(eis), NULL, &peer_ops, NULL) < 0)
        return;
    for (int i = 0; i < 50 && peer && !accepted; i++)
        net_loop_run_once(loop, 5);
    headend_eis_activated(eis, 1, 7);
    net_tcp_close(peer);
}

static int use_conversation(void *context)
{
    struct headend_eis *eis = NULL;
    struct net_loop *loop = NULL;
    int status = net_loop_create(&loop);

    (void)context;
    if (status == 0)
        status = create(&eis, loop);
    if (status == 0)
        talk(eis, loop);
    headend_eis_destroy(eis);
    net_loop_destroy(loop);
    return status;
}

Test(memory_eis, a_conversation_ends_well, .timeout = 60)
{
    base_log_set_level(BASE_LOG_ERROR);
    cr_assert_eq(use_conversation(NULL), 0);
    cr_assert_eq(accepted, 1, "what is said is right");
    memory_survive_each(use_conversation, NULL, 10);
}
