/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/tcp.h"

#define BIG ((size_t)900 * 1024) /* bytes */

/* What one end of a connection saw. */
struct end {
    struct net_tcp *tcp;
    uint8_t *bytes;
    size_t size;
    const uint8_t *last_input;
    unsigned connected, inputs, ended;
    int error;
    bool close_on_connected, close_on_input, close_on_ended;
};

static struct net_loop *loop;
static struct net_listener *listener;
static struct end client, server;
static unsigned accepted;

static void on_connected(void *context)
{
    struct end *end = context;

    end->connected++;
    if (end->close_on_connected)
        net_tcp_close(end->tcp);
}

static void on_input(void *context, const uint8_t *bytes, size_t size)
{
    struct end *end = context;

    cr_assert_leq(end->size + size, BIG);
    memcpy(end->bytes + end->size, bytes, size);
    end->size += size;
    end->inputs++;
    end->last_input = bytes;
    if (end->close_on_input)
        net_tcp_close(end->tcp);
}

static void on_ended(void *context, int error)
{
    struct end *end = context;

    end->ended++;
    end->error = error;
    if (end->close_on_ended)
        net_tcp_close(end->tcp);
}

static const struct net_tcp_ops ops = {.connected = on_connected, .input = on_input, .ended = on_ended};

static void accept_it(void *context, struct net_tcp *tcp)
{
    struct end *end = context;

    accepted++;
    end->tcp = tcp;
    net_tcp_set_ops(tcp, &ops, end);
}

static void setup(void)
{
    cr_assert_eq(net_loop_create(&loop), 0);
    client.bytes = malloc(BIG);
    server.bytes = malloc(BIG);
}

static void teardown(void)
{
    net_loop_destroy(loop);
    free(client.bytes);
    free(server.bytes);
}

TestSuite(tcp, .init = setup, .fini = teardown, .timeout = 30);

static uint16_t listen_locally(void)
{
    cr_assert_eq(net_listen(&listener, loop,
                            &(const struct net_listen_config){
                                .host = "127.0.0.1", .port = 0, .accepted = accept_it, .context = &server}),
                 0);
    cr_assert_neq(net_listener_port(listener), 0);
    return net_listener_port(listener);
}

/* Runs the loop until `condition` holds, at most for about ten seconds. */
#define RUN_UNTIL(condition)                                                                                 \
    do {                                                                                                     \
        uint64_t limit_ = net_loop_now_ms(loop) + 10000;                                                     \
        while (!(condition) && net_loop_now_ms(loop) < limit_)                                               \
            net_loop_run_once(loop, 20);                                                                     \
        cr_assert(condition);                                                                                \
    } while (0)

static void connect_both(void)
{
    uint16_t port = listen_locally();

    cr_assert_eq(net_tcp_connect(&client.tcp, loop, "127.0.0.1", port, NULL, &ops, &client), 0);
    RUN_UNTIL(client.connected && accepted);
}

/* A peer that this room has no hand in. */
static int foreign_connect(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    int peer = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    cr_assert_eq(connect(peer, (struct sockaddr *)&address, sizeof(address)), 0);
    RUN_UNTIL(accepted);
    return peer;
}

static void foreign_reset(int peer)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};

    setsockopt(peer, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    close(peer);
}

Test(tcp, bytes_arrive_whole_and_in_order_both_ways)
{
    static uint8_t there[BIG], back[BIG];

    for (size_t i = 0; i < BIG; i++) {
        there[i] = (uint8_t)(i * 7 + i / 251);
        back[i] = (uint8_t)(i * 13 + i / 253);
    }
    connect_both();
    cr_assert_eq(net_tcp_write(client.tcp, there, BIG), 0);
    cr_assert_eq(net_tcp_write(server.tcp, back, 1), 0);
    cr_assert_eq(net_tcp_write(server.tcp, back + 1, BIG - 1), 0);
    RUN_UNTIL(server.size == BIG && client.size == BIG);
    cr_assert_arr_eq(server.bytes, there, BIG);
    cr_assert_arr_eq(client.bytes, back, BIG);
    cr_assert_eq(client.ended + server.ended, 0);
}

Test(tcp, input_is_wiped_after_the_call)
{
    static const uint8_t zeros[8];

    connect_both();
    cr_assert_eq(net_tcp_write(client.tcp, (const uint8_t *)"\1\2\3\4\5\6\7\10", 8), 0);
    RUN_UNTIL(server.size == 8);
    cr_assert_arr_eq(server.last_input, zeros, 8);
}

Test(tcp, a_refused_connection_is_reported_after_the_call)
{
    uint16_t port = listen_locally();

    net_listener_close(listener);
    net_loop_run_once(loop, 10);
    cr_assert_eq(net_tcp_connect(&client.tcp, loop, "127.0.0.1", port, NULL, &ops, &client), 0);
    cr_assert_eq(client.ended, 0);
    cr_assert_eq(net_tcp_write(client.tcp, (const uint8_t *)"x", 1), -ENOTCONN);
    RUN_UNTIL(client.ended);
    cr_assert_eq(client.error, -ECONNREFUSED);
    cr_assert_eq(client.connected, 0);
    net_tcp_close(client.tcp);
}

Test(tcp, an_address_that_cannot_be_tried_is_reported_after_the_call)
{
    /* Broadcast is no TCP destination: connect(2) itself refuses it. */
    cr_assert_eq(net_tcp_connect(&client.tcp, loop, "255.255.255.255", 9, NULL, &ops, &client), 0);
    cr_assert_eq(client.ended, 0);
    RUN_UNTIL(client.ended);
    cr_assert_lt(client.error, 0);
    net_tcp_close(client.tcp);
}

Test(tcp, a_name_is_resolved_and_its_addresses_are_tried_in_turn)
{
    uint16_t port = listen_locally(); /* IPv4 alone, while "localhost" may name ::1 first */

    cr_assert_eq(net_tcp_connect(&client.tcp, loop, "localhost", port, NULL, &ops, &client), 0);
    RUN_UNTIL(client.connected || client.ended);
    cr_assert_eq(client.connected, 1);
    cr_assert_eq(strncmp(net_tcp_peer(client.tcp), "127.0.0.1:", 10), 0);
}

Test(tcp, an_unknown_name_is_reported)
{
    cr_assert_eq(net_tcp_connect(&client.tcp, loop, "no-such-host.invalid", 9, NULL, &ops, &client), 0);
    cr_assert_str_eq(net_tcp_peer(client.tcp), "no-such-host.invalid:9");
    RUN_UNTIL(client.ended);
    cr_assert_eq(client.error, -ENXIO);
    net_tcp_close(client.tcp);
}

Test(tcp, impossible_hosts_are_refused_at_once)
{
    char host[400];

    memset(host, 'a', sizeof(host));
    host[sizeof(host) - 1] = '\0';
    cr_assert_eq(net_tcp_connect(&client.tcp, loop, "", 9, NULL, &ops, &client), -EINVAL);
    cr_assert_eq(net_tcp_connect(&client.tcp, loop, host, 9, NULL, &ops, &client), -EINVAL);
    cr_assert_eq(
        net_listen(&listener, loop,
                   &(const struct net_listen_config){
                       .host = "no-such-host.invalid", .port = 0, .accepted = accept_it, .context = &server}),
        -ENXIO);
}

Test(tcp, closing_during_look_up_and_connection_is_silent)
{
    uint16_t port = listen_locally();

    cr_assert_eq(net_tcp_connect(&client.tcp, loop, "localhost", port, NULL, &ops, &client), 0);
    net_tcp_close(client.tcp);
    cr_assert_eq(net_tcp_connect(&client.tcp, loop, "127.0.0.1", port, NULL, &ops, &client), 0);
    net_tcp_close(client.tcp);
    net_tcp_close(NULL);
    for (unsigned round = 0; round < 10; round++)
        net_loop_run_once(loop, 10);
    cr_assert_eq(client.connected + client.ended, 0);
}

Test(tcp, closing_inside_each_callback_is_the_last_one)
{
    uint16_t port = listen_locally();

    client.close_on_connected = true;
    server.close_on_ended = true;
    cr_assert_eq(net_tcp_connect(&client.tcp, loop, "127.0.0.1", port, NULL, &ops, &client), 0);
    RUN_UNTIL(server.ended);
    cr_assert_eq(server.error, 0);
    cr_assert_eq(client.ended, 0);

    client.close_on_connected = false;
    server.close_on_input = true;
    cr_assert_eq(net_tcp_connect(&client.tcp, loop, "127.0.0.1", port, NULL, &ops, &client), 0);
    RUN_UNTIL(accepted == 2 && client.connected == 2);
    net_tcp_write(client.tcp, (const uint8_t *)"a", 1);
    RUN_UNTIL(client.ended);
    cr_assert_eq(client.error, 0);
    cr_assert_eq(server.ended, 1);
    net_tcp_close(client.tcp);
}

Test(tcp, what_was_written_before_the_close_arrives_although_input_is_unread)
{
    static uint8_t big[BIG];
    uint16_t port = listen_locally();
    int peer = foreign_connect(port);
    size_t arrived = 0;
    ssize_t got = 1;

    /* The peer's bytes are in our socket when we close: a bare close(2) would reset the connection. */
    cr_assert_eq(send(peer, big, 1000, 0), 1000);
    cr_assert_eq(net_tcp_write(server.tcp, big, BIG), 0);
    net_tcp_close(server.tcp);
    while (got > 0) {
        net_loop_run_once(loop, 0);
        got = recv(peer, client.bytes, 65536, MSG_DONTWAIT);
        arrived += got > 0 ? (size_t)got : 0;
        if (got < 0 && errno == EAGAIN)
            got = 1;
    }
    cr_assert_eq(got, 0);
    cr_assert_eq(arrived, BIG);
    cr_assert_eq(server.inputs, 0);
    close(peer);
}

Test(tcp, destroying_the_loop_still_sends_what_a_closed_connection_wrote)
{
    struct net_loop *other;
    struct end second = {.bytes = client.bytes};
    uint16_t port = listen_locally();
    int peer;

    cr_assert_eq(net_loop_create(&other), 0);
    cr_assert_eq(net_tcp_connect(&second.tcp, other, "127.0.0.1", port, NULL, &ops, &second), 0);
    while (!second.connected)
        net_loop_run_once(other, 20);
    cr_assert_eq(net_tcp_write(second.tcp, (const uint8_t *)"last words", 10), 0);
    net_tcp_close(second.tcp);
    net_loop_destroy(other);
    RUN_UNTIL(server.size == 10 && server.ended);
    cr_assert_eq(server.error, 0);
    peer = foreign_connect(port);
    close(peer);
}

Test(tcp, a_peer_that_does_not_read_meets_the_limit_and_delays_nobody_for_long)
{
    static uint8_t piece[65536];
    uint64_t start;
    int peer = foreign_connect(listen_locally());
    int status = 0;
    unsigned pieces = 0;

    while (status == 0 && pieces++ < 1000)
        status = net_tcp_write(server.tcp, piece, sizeof(piece));
    cr_assert_eq(status, -ENOBUFS);
    cr_assert_eq(net_tcp_write(server.tcp, piece, sizeof(piece)), -ENOBUFS);
    net_tcp_close(server.tcp);
    start = net_loop_now_ms(loop);
    net_loop_destroy(loop);
    cr_assert_eq(net_loop_create(&loop), 0);
    cr_assert_leq(net_loop_now_ms(loop), start + 4000);
    cr_assert_geq(net_loop_now_ms(loop), start + 1900);
    close(peer);
}

Test(tcp, a_peer_that_never_stops_sending_cannot_hold_a_closed_connection)
{
    static uint8_t piece[4096];
    uint64_t start = net_loop_now_ms(loop);
    int peer = foreign_connect(listen_locally());

    net_tcp_close(server.tcp);
    while (send(peer, piece, sizeof(piece), MSG_NOSIGNAL | MSG_DONTWAIT) > 0 || errno == EAGAIN) {
        net_loop_run_once(loop, 1);
        cr_assert_leq(net_loop_now_ms(loop), start + 5000);
    }
    close(peer);
}

Test(tcp, a_reset_is_reported_once_and_writing_on_harms_nobody)
{
    static uint8_t piece[1000];
    int peer = foreign_connect(listen_locally());

    foreign_reset(peer);
    RUN_UNTIL(server.ended);
    cr_assert_eq(server.error, -ECONNRESET);
    cr_assert_eq(net_tcp_write(server.tcp, piece, sizeof(piece)), -ENOTCONN);
    net_loop_run_once(loop, 10);
    cr_assert_eq(server.ended, 1);
    net_tcp_close(server.tcp);
}

Test(tcp, writing_to_a_vanished_peer_is_an_error_and_no_signal)
{
    static uint8_t piece[1000];
    int peer = foreign_connect(listen_locally());

    foreign_reset(peer);
    for (unsigned i = 0; i < 5; i++)
        net_tcp_write(server.tcp, piece, sizeof(piece));
    RUN_UNTIL(server.ended);
    cr_assert_lt(server.error, 0);
    cr_assert_eq(server.ended, 1);
}

Test(tcp, an_orderly_end_is_no_error_and_is_answered_by_ours)
{
    uint8_t answer[8];
    int peer = foreign_connect(listen_locally());

    shutdown(peer, SHUT_WR);
    RUN_UNTIL(server.ended);
    cr_assert_eq(server.error, 0);
    net_tcp_close(server.tcp);
    net_loop_run_once(loop, 50);
    cr_assert_eq(recv(peer, answer, sizeof(answer), 0), 0);
    close(peer);
}

Test(tcp, an_address_in_use_is_reported)
{
    struct net_listener *second;
    uint16_t port = listen_locally();

    cr_assert_eq(
        net_listen(&second, loop,
                   &(const struct net_listen_config){
                       .host = "127.0.0.1", .port = port, .accepted = accept_it, .context = &server}),
        -EADDRINUSE);
}

Test(tcp, an_empty_host_listens_on_every_address)
{
    uint16_t port;

    cr_assert_eq(net_listen(&listener, loop,
                            &(const struct net_listen_config){
                                .host = "", .port = 0, .accepted = accept_it, .context = &server}),
                 0);
    port = net_listener_port(listener);
    cr_assert_eq(net_tcp_connect(&client.tcp, loop, "127.0.0.1", port, NULL, &ops, &client), 0);
    RUN_UNTIL(client.connected && accepted);
    cr_assert_eq(net_tcp_connect(&client.tcp, loop, "::1", port, NULL, &ops, &client), 0);
    RUN_UNTIL(client.connected == 2 || client.ended);
    if (client.connected == 2)
        cr_assert_eq(strncmp(net_tcp_peer(client.tcp), "[::1]:", 6), 0);
}

Test(tcp, a_closed_listener_accepts_nobody)
{
    net_listener_close(NULL);
    listen_locally();
    net_listener_close(listener);
    net_loop_run_once(loop, 10);
    cr_assert_eq(accepted, 0);
}
