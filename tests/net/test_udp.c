/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/udp.h"

static struct net_loop *loop;
static struct net_udp *receiver, *sender;
static uint8_t got[65536];
static size_t got_size;
static const uint8_t *got_at;
static unsigned received;
static char got_peer[64];
static bool close_on_input;

static void on_input(void *context, const uint8_t *bytes, size_t size, const char *peer)
{
    cr_assert_eq(context, &received);
    memcpy(got, bytes, size);
    got_at = bytes;
    got_size = size;
    received++;
    strncpy(got_peer, peer, sizeof(got_peer) - 1);
    if (close_on_input)
        net_udp_close(receiver);
}

static void setup(void)
{
    cr_assert_eq(net_loop_create(&loop), 0);
}

static void teardown(void)
{
    net_loop_destroy(loop); /* closes what is open */
}

TestSuite(udp, .init = setup, .fini = teardown, .timeout = 30);

#define RUN_UNTIL(condition)                                                                                 \
    do {                                                                                                     \
        uint64_t limit_ = net_loop_now_ms(loop) + 10000;                                                     \
        while (!(condition) && net_loop_now_ms(loop) < limit_)                                               \
            net_loop_run_once(loop, 20);                                                                     \
        cr_assert(condition);                                                                                \
    } while (0)

static void receive_from(const char *range)
{
    struct net_access access = {.count = range ? 1 : 0};

    if (range)
        cr_assert_eq(net_range_parse(&access.ranges[0], range), 0);
    cr_assert_eq(net_udp_receive(&receiver, loop, "127.0.0.1", 0, "", &access, on_input, &received), 0);
    cr_assert_neq(net_udp_port(receiver), 0);
    cr_assert_eq(net_udp_send_to(&sender, loop, "127.0.0.1", net_udp_port(receiver)), 0);
}

Test(udp, datagrams_arrive_one_by_one_with_their_sender_and_are_wiped)
{
    static const uint8_t zeros[5];
    char peer[32];

    receive_from(NULL);
    cr_assert_eq(net_udp_write(sender, (const uint8_t *)"first", 5), 0);
    RUN_UNTIL(received == 1);
    cr_assert_eq(got_size, 5);
    cr_assert_arr_eq(got, "first", 5);
    cr_assert_arr_eq(got_at, zeros, 5);
    snprintf(peer, sizeof(peer), "127.0.0.1:%u", net_udp_port(sender));
    cr_assert_str_eq(got_peer, peer);
    cr_assert_eq(net_udp_write(sender, (const uint8_t *)"", 0), 0);
    RUN_UNTIL(received == 2);
    cr_assert_eq(got_size, 0);
}

Test(udp, the_largest_datagram_arrives_and_a_larger_one_is_refused)
{
    static uint8_t bytes[65508];

    memset(bytes, 0x47, sizeof(bytes));
    receive_from(NULL);
    cr_assert_eq(net_udp_write(sender, bytes, sizeof(bytes)), -EMSGSIZE);
    cr_assert_eq(net_udp_write(sender, bytes, sizeof(bytes) - 1), 0);
    RUN_UNTIL(received == 1);
    cr_assert_eq(got_size, 65507);
    cr_assert_arr_eq(got, bytes, got_size);
}

Test(udp, peers_that_are_not_allowed_are_dropped_and_counted)
{
    receive_from("127.0.0.2");
    cr_assert_eq(net_udp_write(sender, (const uint8_t *)"x", 1), 0);
    RUN_UNTIL(net_udp_refused(receiver) == 1);
    cr_assert_eq(received, 0);
}

Test(udp, closing_inside_the_callback_is_the_last_one)
{
    close_on_input = true;
    receive_from("127.0.0.0/8");
    for (unsigned i = 0; i < 3; i++)
        cr_assert_eq(net_udp_write(sender, (const uint8_t *)"x", 1), 0);
    RUN_UNTIL(received == 1);
    for (unsigned round = 0; round < 5; round++)
        net_loop_run_once(loop, 5);
    cr_assert_eq(received, 1);
    net_udp_close(NULL);
}

Test(udp, a_receiver_that_is_not_there_harms_no_sender)
{
    receive_from(NULL);
    net_udp_close(receiver);
    net_loop_run_once(loop, 5);
    for (unsigned i = 0; i < 5; i++)
        cr_assert_eq(net_udp_write(sender, (const uint8_t *)"x", 1), 0);
}

Test(udp, places_that_cannot_be_had_are_reported)
{
    struct net_udp *second;

    receive_from(NULL);
    cr_assert_eq(
        net_udp_receive(&second, loop, "127.0.0.1", net_udp_port(receiver), "", NULL, on_input, NULL),
        -EADDRINUSE);
    cr_assert_eq(net_udp_receive(&second, loop, "no-such-host.invalid", 0, "", NULL, on_input, NULL), -ENXIO);
    cr_assert_eq(net_udp_send_to(&second, loop, "no-such-host.invalid", 9), -ENXIO);
    cr_assert_lt(net_udp_receive(&second, loop, "239.255.7.7", 0, "192.0.2.77", NULL, on_input, NULL), 0);
}

Test(udp, a_name_will_do_for_either_end)
{
    cr_assert_eq(net_udp_receive(&receiver, loop, "", 0, "", NULL, on_input, &received), 0);
    cr_assert_eq(net_udp_send_to(&sender, loop, "127.0.0.1", net_udp_port(receiver)), 0);
    cr_assert_eq(net_udp_write(sender, (const uint8_t *)"x", 1), 0);
    RUN_UNTIL(received == 1);
    net_udp_close(receiver);
    cr_assert_eq(net_udp_receive(&receiver, loop, "localhost", 0, "", NULL, on_input, &received), 0);
    cr_assert_neq(net_udp_port(receiver), 0);
}

/* Sends to a group through the loopback interface, whatever the routes say. */
static ssize_t send_to_group(const char *group, uint16_t port, const char *text)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct in_addr loopback = {.s_addr = htonl(INADDR_LOOPBACK)};
    int peer = socket(AF_INET, SOCK_DGRAM, 0);
    ssize_t sent;

    inet_pton(AF_INET, group, &to.sin_addr);
    setsockopt(peer, IPPROTO_IP, IP_MULTICAST_IF, &loopback, sizeof(loopback));
    sent = sendto(peer, text, strlen(text), 0, (struct sockaddr *)&to, sizeof(to));
    close(peer);
    return sent;
}

Test(udp, a_group_is_joined_and_nothing_else_comes)
{
    struct sockaddr_in to = {.sin_family = AF_INET};
    int peer = socket(AF_INET, SOCK_DGRAM, 0);
    uint16_t port;

    cr_assert_eq(net_udp_receive(&receiver, loop, "239.255.7.7", 0, "127.0.0.1", NULL, on_input, &received),
                 0);
    port = net_udp_port(receiver);
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sendto(peer, "direct", 6, 0, (struct sockaddr *)&to, sizeof(to));
    send_to_group("239.255.7.8", port, "another group");
    if (send_to_group("239.255.7.7", port, "group") < 0)
        cr_skip_test("no multicast on the loopback interface here");
    RUN_UNTIL(received == 1);
    cr_assert_eq(got_size, 5);
    cr_assert_arr_eq(got, "group", 5);
    close(peer);
}
