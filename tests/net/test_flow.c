/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Connections that are not read for a while, because their owner says so or because the peer sends too much.
 */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/net/rig.h"

TestSuite(flow, .init = rig_setup, .fini = rig_teardown, .timeout = 30);

static void run_a_little(void)
{
    for (unsigned round = 0; round < 10; round++)
        net_loop_run_once(rig_loop, 2);
}

static void send_text(const char *text)
{
    cr_assert_eq(net_tcp_write(rig_client.tcp, (const uint8_t *)text, strlen(text)), 0);
}

Test(flow, nothing_comes_while_paused_and_all_of_it_afterwards)
{
    rig_connect_both();
    net_tcp_pause(rig_server.tcp);
    net_tcp_pause(rig_server.tcp);
    send_text("early");
    run_a_little();
    cr_assert_eq(rig_server.size, 0);
    net_tcp_resume(rig_server.tcp);
    cr_assert_eq(rig_server.size, 0);
    RIG_UNTIL(rig_server.size == 5);
    send_text("later");
    RIG_UNTIL(rig_server.size == 10);
}

Test(flow, the_end_too_is_heard_of_afterwards)
{
    rig_connect_both();
    net_tcp_pause(rig_server.tcp);
    send_text("bye");
    net_tcp_close(rig_client.tcp);
    run_a_little();
    cr_assert_eq(rig_server.ended, 0);
    net_tcp_resume(rig_server.tcp);
    RIG_UNTIL(rig_server.ended);
    cr_assert_eq(rig_server.size, 3);
    cr_assert_eq(rig_server.error, 0);
}

Test(flow, a_paused_connection_is_written_to_and_closed_as_any_other)
{
    int peer = rig_foreign_connect(rig_listen(NULL));
    char bytes[8];

    RIG_UNTIL(rig_accepted);
    net_tcp_pause(rig_server.tcp);
    cr_assert_eq(net_tcp_write(rig_server.tcp, (const uint8_t *)"last", 4), 0);
    cr_assert_eq(send(peer, "unread", 6, 0), 6);
    net_tcp_close(rig_server.tcp);
    run_a_little();
    cr_assert_eq(recv(peer, bytes, sizeof(bytes), 0), 4);
    cr_assert_eq(recv(peer, bytes, sizeof(bytes), 0), 0);
    cr_assert_eq(rig_server.inputs, 0);
    close(peer);
}

Test(flow, what_a_paused_connection_does_not_read_waits_with_the_peer)
{
    static uint8_t piece[65536];
    int peer = rig_foreign_connect(rig_listen(NULL));
    size_t sent = 0;
    ssize_t put;

    RIG_UNTIL(rig_accepted);
    net_tcp_pause(rig_server.tcp);
    while ((put = send(peer, piece, sizeof(piece), MSG_DONTWAIT)) > 0 || errno == EINTR) {
        sent += put > 0 ? (size_t)put : 0;
        net_loop_run_once(rig_loop, 0);
        cr_assert_lt(sent, (size_t)64 << 20);
    }
    cr_assert_eq(errno, EAGAIN);
    cr_assert_eq(rig_server.size, 0);
    close(peer);
}

static void on_costly(void *context, const uint8_t *bytes, size_t size)
{
    rig_ops.input(context, bytes, size);
    net_tcp_charge(rig_server.tcp, (uint32_t)size);
}

static const struct net_tcp_ops costly_ops = {.input = on_costly};

Test(flow, a_peer_that_sends_too_much_is_read_no_faster_than_its_limit)
{
    uint64_t start;

    rig_connect_both();
    net_tcp_set_ops(rig_server.tcp, &costly_ops, &rig_server);
    net_tcp_limit(rig_server.tcp, 100, 10);
    start = net_loop_now_ms(rig_loop);
    for (unsigned i = 0; i < 4; i++) {
        send_text("ten bytes.");
        RIG_UNTIL(rig_server.size == 10 * (i + 1));
    }
    /* The first ten are free, the next overdraw: the third waits 100 ms for them, the fourth once more. */
    cr_assert_geq(net_loop_now_ms(rig_loop) - start, 190);
}

Test(flow, the_end_of_a_debt_does_not_end_the_owner_s_pause)
{
    rig_connect_both();
    net_tcp_limit(rig_server.tcp, 1000, 1);
    net_tcp_pause(rig_server.tcp);
    net_tcp_charge(rig_server.tcp, 20);
    send_text("x");
    for (uint64_t limit = net_loop_now_ms(rig_loop) + 60; net_loop_now_ms(rig_loop) < limit;)
        net_loop_run_once(rig_loop, 10);
    cr_assert_eq(rig_server.size, 0);
    net_tcp_charge(rig_server.tcp, 100);
    net_tcp_resume(rig_server.tcp);
    run_a_little();
    cr_assert_eq(rig_server.size, 0);
    RIG_UNTIL(rig_server.size == 1);
}

Test(flow, a_debt_ends_with_its_connection)
{
    rig_connect_both();
    net_tcp_limit(rig_server.tcp, 1, 1);
    net_tcp_charge(rig_server.tcp, 1000000);
    net_tcp_close(rig_server.tcp);
    net_tcp_charge(rig_server.tcp, 1000000);
    RIG_UNTIL(rig_client.ended);
}
