/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory that the MUX is refused, and memory that it gives back. */
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mux_rig.h"
#include "tests/common/memory.h"
#include "tests/simulcrypt/script.h"

TestSuite(mux_memory, .init = mux_rig_init, .fini = mux_rig_stop, .timeout = 60);

static int use_mux(void *context)
{
    struct headend_mux *mux = NULL;
    struct net_loop *loop = NULL;
    int status = net_loop_create(&loop);

    (void)context;
    if (status == 0)
        status = headend_mux_create(&mux, loop, &rig.config, rig.why);
    headend_mux_destroy(mux);
    net_loop_destroy(loop);
    return status;
}

Test(mux_memory, a_mux_needs_all_of_its_parts)
{
    rig.config.has_udp = true;
    memory_refuse_each(use_mux, NULL, 3);
}

static int connect_foreign(uint16_t port)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int peer = socket(AF_INET, SOCK_STREAM, 0);

    cr_assert_eq(connect(peer, (struct sockaddr *)&to, sizeof(to)), 0);
    return peer;
}

static uint8_t words[1 << 12];

static size_t make_words(void)
{
    size_t size = script_encode(
        "v3 channel_setup client_id=4adc0001 data_channel_id=0001 section_TSpkt_flag=00; v3 stream_setup "
        "client_id=4adc0001 data_channel_id=0001 data_stream_id=0007 data_id=0001 data_type=00",
        words, sizeof(words));

    return size + provision_make(MUX_RIG_CLIENT, 1, true, 0, 3, 100, words + size, sizeof(words) - size);
}

/* An EMMG that is but a socket. */
static void converse(size_t size)
{
    int peer = connect_foreign(headend_mux_port(rig.mux));

    cr_assert_eq(send(peer, words, size, 0), (ssize_t)size);
    for (unsigned i = 0; i < 20 && mux_rig_counters().datagrams < 3; i++)
        mux_rig_turn();
    close(peer);
    for (unsigned i = 0; i < 100 && mux_rig_counters().connections; i++)
        mux_rig_turn();
}

/* Whatever is refused: nothing is lost, and the next EMMG is served. */
Test(mux_memory, an_emmg_that_there_is_no_memory_for_is_let_down_alone)
{
    size_t size = make_words();
    unsigned served = 0;

    mux_rig_air(0, 0x500);
    for (unsigned n = 0; served < 3; n++) {
        cr_assert_lt(n, 200);
        memory_watch();
        mux_rig_start();
        memory_refuse(n);
        converse(size);
        served = mux_rig_counters().datagrams == 3 && mux_rig_counters().dropped == 0 ? served + 1 : 0;
        memory_refuse_none();
        cr_assert_eq(mux_rig_counters().connections, 0);
        cr_assert_eq(mux_rig_counters().streams, 0);
        headend_mux_destroy(rig.mux);
        rig.mux = NULL;
        for (unsigned i = 0; i < 3; i++)
            net_loop_run_once(rig.loop, 0);
        memory_stop();
        cr_assert_eq(memory_live(), 0, "request %u", n);
    }
}
