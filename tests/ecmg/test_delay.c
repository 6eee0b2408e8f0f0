/* SPDX-License-Identifier: GPL-3.0-or-later */
/* answer_delay: an ECMG that takes its time. */
#include <criterion/criterion.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cursor.h"
#include "base/text.h"
#include "ours.h"

static struct scs scs;

TestSuite(delay, .init = ours_set_up, .fini = ours_tear_down, .timeout = 60);

static void start(uint32_t delay_ms)
{
    ours.config.answer_delay_ms = delay_ms;
    ours_start();
}

static int start_peer(void)
{
    uint8_t answer[512];
    int peer = peer_connect();

    peer_ask(peer, CHANNEL_SETUP, 0x0003, answer);
    peer_ask(peer, STREAM_SETUP, 0x0103, answer);
    return peer;
}

/* CW_provisions of the crypto-periods 0, 1, 2 … */
static void provide(int peer, unsigned count)
{
    uint8_t bytes[128];
    ptrdiff_t size = base_hex_decode(PROVISION, bytes, sizeof(bytes));

    for (unsigned cp = 0; cp < count; cp++) {
        base_store_u16(bytes + 21, (uint16_t)cp);
        base_store_u16(bytes + 27, (uint16_t)cp);
        base_store_u16(bytes + 41, (uint16_t)(cp + 1));
        cr_assert_eq(send(peer, bytes, (size_t)size, MSG_NOSIGNAL), size);
        if (cp % 256 == 255)
            net_loop_run_once(ours.loop, 1);
    }
}

static void assert_ecm_response(int peer, uint16_t cp_number)
{
    uint8_t bytes[512];

    cr_assert_eq(peer_receive(peer, bytes, 5), 5);
    cr_assert_eq(base_load_u16(bytes + 1), 0x0202);
    peer_receive(peer, bytes, base_load_u16(bytes + 3));
    cr_assert_eq(base_load_u16(bytes + 16), cp_number);
}

Test(delay, ecms_come_so_much_later)
{
    uint64_t start_ms;

    start(100);
    ours_start_scs(&scs, 1, 1, 1);
    start_ms = net_loop_now_ms(ours.loop);
    cr_assert(scs_provide(&scs, 1, 6, 8, NULL, 0));
    cr_assert_geq(net_loop_now_ms(ours.loop) - start_ms, 100);
    ours_assert_ecm(&scs, 6, 8, 6, 7);
    scs_stop(&scs);
}

Test(delay, ecms_that_wait_keep_their_order)
{
    int peer;

    start(50);
    peer = start_peer();
    provide(peer, 5);
    for (uint16_t cp = 0; cp < 5; cp++)
        assert_ecm_response(peer, cp);
    close(peer);
}

Test(delay, a_closed_stream_gets_no_ecm)
{
    uint8_t answer[512];
    int peer;

    start(150);
    peer = start_peer();
    provide(peer, 3);
    peer_ask(peer, "020104000c000e00020001000f00020001", 0x0105, answer);
    peer_ask(peer, STREAM_SETUP, 0x0103, answer); /* the same stream anew */
    ours_wait_ms(300);
    cr_assert_eq(recv(peer, answer, sizeof(answer), MSG_DONTWAIT), -1);
    close(peer);
}

Test(delay, a_peer_may_go_while_ecms_wait)
{
    int peer;

    start(60000);
    peer = start_peer();
    provide(peer, 3);
    net_loop_run_once(ours.loop, 5);
    close(peer);
    RUN_UNTIL(ours.loop, (ours_count(), ours.counters.connections == 0));
    peer = start_peer();
    provide(peer, 3);
    net_loop_run_once(ours.loop, 5); /* and the server with it */
    close(peer);
}

/* error_status 0x000D: out of computational resources */
Test(delay, more_than_can_wait_are_refused)
{
    static const uint8_t error[] = {2,    1, 6, 0, 18, 0,    14, 0, 2, 0, 1,   0,
                                    0x0f, 0, 2, 0, 1,  0x70, 0,  0, 2, 0, 0x0d};
    uint8_t bytes[sizeof(error)];
    int peer;

    start(60000);
    peer = start_peer();
    provide(peer, 4097);
    cr_assert_eq(peer_receive(peer, bytes, sizeof(bytes)), sizeof(bytes));
    cr_assert_arr_eq(bytes, error, sizeof(error));
    close(peer);
}
