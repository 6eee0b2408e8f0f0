/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/net/rig.h"

TestSuite(tcp, .init = rig_setup, .fini = rig_teardown, .timeout = 30);

/* A peer that this room has no hand in, accepted. */
static int foreign_peer(void)
{
    int peer = rig_foreign_connect(rig_listen(NULL));

    RIG_UNTIL(rig_accepted);
    return peer;
}

Test(tcp, bytes_arrive_whole_and_in_order_both_ways)
{
    static uint8_t there[RIG_BIG], back[RIG_BIG];

    for (size_t i = 0; i < RIG_BIG; i++) {
        there[i] = (uint8_t)(i * 7 + i / 251);
        back[i] = (uint8_t)(i * 13 + i / 253);
    }
    rig_connect_both();
    cr_assert_eq(net_tcp_write(rig_client.tcp, there, RIG_BIG), 0);
    cr_assert_eq(net_tcp_write(rig_server.tcp, back, 1), 0);
    cr_assert_eq(net_tcp_write(rig_server.tcp, back + 1, RIG_BIG - 1), 0);
    RIG_UNTIL(rig_server.size == RIG_BIG && rig_client.size == RIG_BIG);
    cr_assert_arr_eq(rig_server.bytes, there, RIG_BIG);
    cr_assert_arr_eq(rig_client.bytes, back, RIG_BIG);
    cr_assert_eq(rig_client.ended + rig_server.ended, 0);
}

Test(tcp, input_is_wiped_after_the_call)
{
    static const uint8_t zeros[8];

    rig_connect_both();
    cr_assert_eq(net_tcp_write(rig_client.tcp, (const uint8_t *)"\1\2\3\4\5\6\7\10", 8), 0);
    RIG_UNTIL(rig_server.size == 8);
    cr_assert_arr_eq(rig_server.last_input, zeros, 8);
}

Test(tcp, a_refused_connection_is_reported_after_the_call)
{
    uint16_t port = rig_listen(NULL);

    net_listener_close(rig_listener);
    net_loop_run_once(rig_loop, 10);
    cr_assert_eq(net_tcp_connect(&rig_client.tcp, rig_loop, "127.0.0.1", port, NULL, &rig_ops, &rig_client),
                 0);
    cr_assert_eq(rig_client.ended, 0);
    cr_assert_eq(net_tcp_write(rig_client.tcp, (const uint8_t *)"x", 1), -ENOTCONN);
    RIG_UNTIL(rig_client.ended);
    cr_assert_eq(rig_client.error, -ECONNREFUSED);
    cr_assert_eq(rig_client.connected, 0);
    net_tcp_close(rig_client.tcp);
}

Test(tcp, an_address_that_cannot_be_tried_is_reported_after_the_call)
{
    /* Broadcast is no TCP destination: connect(2) itself refuses it. */
    cr_assert_eq(
        net_tcp_connect(&rig_client.tcp, rig_loop, "255.255.255.255", 9, NULL, &rig_ops, &rig_client), 0);
    cr_assert_eq(rig_client.ended, 0);
    RIG_UNTIL(rig_client.ended);
    cr_assert_lt(rig_client.error, 0);
    net_tcp_close(rig_client.tcp);
}

Test(tcp, a_name_is_resolved_and_its_addresses_are_tried_in_turn)
{
    uint16_t port = rig_listen(NULL); /* IPv4 alone, while "localhost" may name ::1 first */

    cr_assert_eq(net_tcp_connect(&rig_client.tcp, rig_loop, "localhost", port, NULL, &rig_ops, &rig_client),
                 0);
    RIG_UNTIL(rig_client.connected || rig_client.ended);
    cr_assert_eq(rig_client.connected, 1);
    cr_assert_eq(strncmp(net_tcp_peer(rig_client.tcp), "127.0.0.1:", 10), 0);
}

Test(tcp, an_unknown_name_is_reported)
{
    cr_assert_eq(
        net_tcp_connect(&rig_client.tcp, rig_loop, "no-such-host.invalid", 9, NULL, &rig_ops, &rig_client),
        0);
    cr_assert_str_eq(net_tcp_peer(rig_client.tcp), "no-such-host.invalid:9");
    RIG_UNTIL(rig_client.ended);
    cr_assert_eq(rig_client.error, -ENXIO);
    net_tcp_close(rig_client.tcp);
}

Test(tcp, impossible_hosts_are_refused_at_once)
{
    char host[400];

    memset(host, 'a', sizeof(host));
    host[sizeof(host) - 1] = '\0';
    cr_assert_eq(net_tcp_connect(&rig_client.tcp, rig_loop, "", 9, NULL, &rig_ops, &rig_client), -EINVAL);
    cr_assert_eq(net_tcp_connect(&rig_client.tcp, rig_loop, host, 9, NULL, &rig_ops, &rig_client), -EINVAL);
    cr_assert_eq(net_listen(&rig_listener, rig_loop,
                            &(const struct net_listen_config){.host = "no-such-host.invalid",
                                                              .port = 0,
                                                              .accepted = rig_accept,
                                                              .context = &rig_server}),
                 -ENXIO);
}

Test(tcp, closing_during_look_up_and_connection_is_silent)
{
    uint16_t port = rig_listen(NULL);

    cr_assert_eq(net_tcp_connect(&rig_client.tcp, rig_loop, "localhost", port, NULL, &rig_ops, &rig_client),
                 0);
    net_tcp_close(rig_client.tcp);
    cr_assert_eq(net_tcp_connect(&rig_client.tcp, rig_loop, "127.0.0.1", port, NULL, &rig_ops, &rig_client),
                 0);
    net_tcp_close(rig_client.tcp);
    net_tcp_close(NULL);
    for (unsigned round = 0; round < 10; round++)
        net_loop_run_once(rig_loop, 10);
    cr_assert_eq(rig_client.connected + rig_client.ended, 0);
}

Test(tcp, closing_inside_each_callback_is_the_last_one)
{
    uint16_t port = rig_listen(NULL);

    rig_client.close_on_connected = true;
    rig_server.close_on_ended = true;
    cr_assert_eq(net_tcp_connect(&rig_client.tcp, rig_loop, "127.0.0.1", port, NULL, &rig_ops, &rig_client),
                 0);
    RIG_UNTIL(rig_server.ended);
    cr_assert_eq(rig_server.error, 0);
    cr_assert_eq(rig_client.ended, 0);

    rig_client.close_on_connected = false;
    rig_server.close_on_input = true;
    cr_assert_eq(net_tcp_connect(&rig_client.tcp, rig_loop, "127.0.0.1", port, NULL, &rig_ops, &rig_client),
                 0);
    RIG_UNTIL(rig_accepted == 2 && rig_client.connected == 2);
    net_tcp_write(rig_client.tcp, (const uint8_t *)"a", 1);
    RIG_UNTIL(rig_client.ended);
    cr_assert_eq(rig_client.error, 0);
    cr_assert_eq(rig_server.ended, 1);
    net_tcp_close(rig_client.tcp);
}

Test(tcp, what_was_written_before_the_close_arrives_although_input_is_unread)
{
    static uint8_t big[RIG_BIG];
    int peer = foreign_peer();
    size_t arrived = 0;
    ssize_t got = 1;

    /* The peer's bytes are in our socket when we close: a bare close(2) would reset the connection. */
    cr_assert_eq(send(peer, big, 1000, 0), 1000);
    cr_assert_eq(net_tcp_write(rig_server.tcp, big, RIG_BIG), 0);
    net_tcp_close(rig_server.tcp);
    while (got > 0) {
        net_loop_run_once(rig_loop, 0);
        got = recv(peer, rig_client.bytes, 65536, MSG_DONTWAIT);
        arrived += got > 0 ? (size_t)got : 0;
        if (got < 0 && errno == EAGAIN)
            got = 1;
    }
    cr_assert_eq(got, 0);
    cr_assert_eq(arrived, RIG_BIG);
    cr_assert_eq(rig_server.inputs, 0);
    close(peer);
}

Test(tcp, destroying_the_loop_still_sends_what_a_closed_connection_wrote)
{
    struct net_loop *other;
    struct rig_end second = {.bytes = rig_client.bytes};
    uint16_t port = rig_listen(NULL);
    int peer;

    cr_assert_eq(net_loop_create(&other), 0);
    cr_assert_eq(net_tcp_connect(&second.tcp, other, "127.0.0.1", port, NULL, &rig_ops, &second), 0);
    while (!second.connected)
        net_loop_run_once(other, 20);
    cr_assert_eq(net_tcp_write(second.tcp, (const uint8_t *)"last words", 10), 0);
    net_tcp_close(second.tcp);
    net_loop_destroy(other);
    RIG_UNTIL(rig_server.size == 10 && rig_server.ended);
    cr_assert_eq(rig_server.error, 0);
    peer = rig_foreign_connect(port);
    close(peer);
}

Test(tcp, a_peer_that_does_not_read_meets_the_limit_and_delays_nobody_for_long)
{
    static uint8_t piece[65536];
    uint64_t start;
    int peer = foreign_peer();
    int status = 0;
    unsigned pieces = 0;

    while (status == 0 && pieces++ < 1000)
        status = net_tcp_write(rig_server.tcp, piece, sizeof(piece));
    cr_assert_eq(status, -ENOBUFS);
    cr_assert_eq(net_tcp_write(rig_server.tcp, piece, sizeof(piece)), -ENOBUFS);
    net_tcp_close(rig_server.tcp);
    start = net_loop_now_ms(rig_loop);
    net_loop_destroy(rig_loop);
    cr_assert_eq(net_loop_create(&rig_loop), 0);
    cr_assert_leq(net_loop_now_ms(rig_loop), start + 4000);
    cr_assert_geq(net_loop_now_ms(rig_loop), start + 1900);
    close(peer);
}

Test(tcp, a_peer_that_never_stops_sending_cannot_hold_a_closed_connection)
{
    static uint8_t piece[4096];
    uint64_t start = net_loop_now_ms(rig_loop);
    int peer = foreign_peer();

    net_tcp_close(rig_server.tcp);
    while (send(peer, piece, sizeof(piece), MSG_NOSIGNAL | MSG_DONTWAIT) > 0 || errno == EAGAIN) {
        net_loop_run_once(rig_loop, 1);
        cr_assert_leq(net_loop_now_ms(rig_loop), start + 5000);
    }
    close(peer);
}

Test(tcp, a_reset_is_reported_once_and_writing_on_harms_nobody)
{
    static uint8_t piece[1000];
    int peer = foreign_peer();

    rig_foreign_reset(peer);
    RIG_UNTIL(rig_server.ended);
    cr_assert_eq(rig_server.error, -ECONNRESET);
    cr_assert_eq(net_tcp_write(rig_server.tcp, piece, sizeof(piece)), -ENOTCONN);
    net_loop_run_once(rig_loop, 10);
    cr_assert_eq(rig_server.ended, 1);
    net_tcp_close(rig_server.tcp);
}

Test(tcp, writing_to_a_vanished_peer_is_an_error_and_no_signal)
{
    static uint8_t piece[1000];
    int peer = foreign_peer();

    rig_foreign_reset(peer);
    for (unsigned i = 0; i < 5; i++)
        net_tcp_write(rig_server.tcp, piece, sizeof(piece));
    RIG_UNTIL(rig_server.ended);
    cr_assert_lt(rig_server.error, 0);
    cr_assert_eq(rig_server.ended, 1);
}

Test(tcp, an_orderly_end_is_no_error_and_is_answered_by_ours)
{
    uint8_t answer[8];
    int peer = foreign_peer();

    shutdown(peer, SHUT_WR);
    RIG_UNTIL(rig_server.ended);
    cr_assert_eq(rig_server.error, 0);
    net_tcp_close(rig_server.tcp);
    net_loop_run_once(rig_loop, 50);
    cr_assert_eq(recv(peer, answer, sizeof(answer), 0), 0);
    close(peer);
}

Test(tcp, an_address_in_use_is_reported)
{
    struct net_listener *second;
    uint16_t port = rig_listen(NULL);

    cr_assert_eq(
        net_listen(&second, rig_loop,
                   &(const struct net_listen_config){
                       .host = "127.0.0.1", .port = port, .accepted = rig_accept, .context = &rig_server}),
        -EADDRINUSE);
}

Test(tcp, an_empty_host_listens_on_every_address)
{
    uint16_t port;

    cr_assert_eq(net_listen(&rig_listener, rig_loop,
                            &(const struct net_listen_config){
                                .host = "", .port = 0, .accepted = rig_accept, .context = &rig_server}),
                 0);
    port = net_listener_port(rig_listener);
    cr_assert_eq(net_tcp_connect(&rig_client.tcp, rig_loop, "127.0.0.1", port, NULL, &rig_ops, &rig_client),
                 0);
    RIG_UNTIL(rig_client.connected && rig_accepted);
    cr_assert_eq(net_tcp_connect(&rig_client.tcp, rig_loop, "::1", port, NULL, &rig_ops, &rig_client), 0);
    RIG_UNTIL(rig_client.connected == 2 || rig_client.ended);
    if (rig_client.connected == 2)
        cr_assert_eq(strncmp(net_tcp_peer(rig_client.tcp), "[::1]:", 6), 0);
}

Test(tcp, a_closed_listener_accepts_nobody)
{
    net_listener_close(NULL);
    rig_listen(NULL);
    net_listener_close(rig_listener);
    net_loop_run_once(rig_loop, 10);
    cr_assert_eq(rig_accepted, 0);
}
