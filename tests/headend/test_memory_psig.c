/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory that the (P)SIG does not get, and memory that it gives back. */
#include <criterion/criterion.h>

#include "headend/psig.h"
#include "tests/common/memory.h"

static int on_private_data(void *context, uint16_t stream_id, const struct headend_psig_insertion *insertion)
{
    (void)context;
    (void)stream_id;
    (void)insertion;
    return 0;
}

static int on_table(void *context, uint16_t stream_id, uint8_t table_id,
                    const struct headend_psig_location *location,
                    void (*section)(void *to, const uint8_t *bytes, size_t size), void *to)
{
    (void)context;
    (void)stream_id;
    (void)table_id;
    (void)location;
    (void)section;
    (void)to;
    return 0;
}

static uint16_t on_flow_pid(void *context, uint16_t stream_id, const struct headend_psig_flow *flow)
{
    (void)context;
    (void)stream_id;
    (void)flow;
    return 0;
}

static const struct headend_psig_ops ops = {on_private_data, on_table, on_flow_pid};

/* A C(P)SIG that says nothing. */
struct silence {
    struct net_loop *loop;
    struct net_listener *listener;
    struct headend_psig *psig;
};

static void accepted(void *context, struct net_tcp *tcp)
{
    (void)context;
    (void)tcp;
}

static int create(struct silence *silence)
{
    const struct net_listen_config listen = {.host = "127.0.0.1", .accepted = accepted};
    struct headend_psig_config config = {.host = "127.0.0.1", .channel_id = 1};
    int status = net_loop_create(&silence->loop);

    if (status == 0)
        status = net_listen(&silence->listener, silence->loop, &listen);
    if (status == 0) {
        config.port = net_listener_port(silence->listener);
        status = headend_psig_create(&silence->psig, silence->loop, &config, &ops, NULL);
    }
    return status;
}

/* Where there is no memory for a session or connection it tries again later. */
static int use_psig(void *context)
{
    static const struct headend_psig_location location = {.transport_stream_id = 1};
    struct silence silence = {0};
    int status = create(&silence);

    (void)context;
    if (status == 0)
        status = headend_psig_add_stream(silence.psig, 1, &location);
    for (int i = 0; status == 0 && i < 8; i++)
        net_loop_run_once(silence.loop, 2);
    headend_psig_destroy(silence.psig);
    net_listener_close(silence.listener);
    net_loop_destroy(silence.loop);
    return status;
}

Test(memory_psig, what_it_cannot_have_now_it_tries_to_have_later, .timeout = 60)
{
    memory_survive_each(use_psig, NULL, 8);
}
