/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "tests/net/rig.h"

static bool allows(const char *range, const char *peer)
{
    struct net_access access = {.count = 1};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6};
    struct sockaddr_in four = {.sin_family = AF_INET};

    cr_assert_eq(net_range_parse(&access.ranges[0], range), 0, "%s", range);
    if (inet_pton(AF_INET, peer, &four.sin_addr) == 1)
        return net_access_allows(&access, (struct sockaddr *)&four);
    cr_assert_eq(inet_pton(AF_INET6, peer, &six.sin6_addr), 1, "%s", peer);
    return net_access_allows(&access, (struct sockaddr *)&six);
}

Test(access, an_address_alone_is_a_range_of_one)
{
    cr_expect(allows("192.0.2.7", "192.0.2.7"));
    cr_expect_not(allows("192.0.2.7", "192.0.2.6"));
    cr_expect(allows("2001:db8::7", "2001:db8::7"));
    cr_expect_not(allows("2001:db8::7", "2001:db8::8"));
}

Test(access, as_many_bits_must_agree_as_the_prefix_says)
{
    cr_expect(allows("192.0.2.0/24", "192.0.2.255"));
    cr_expect_not(allows("192.0.2.0/24", "192.0.3.0"));
    cr_expect(allows("192.0.2.128/25", "192.0.2.200"));
    cr_expect_not(allows("192.0.2.128/25", "192.0.2.127"));
    cr_expect(allows("10.0.0.0/7", "11.255.0.1"));
    cr_expect_not(allows("10.0.0.0/7", "12.0.0.0"));
    cr_expect(allows("0.0.0.0/0", "255.255.255.255"));
    cr_expect(allows("2001:db8::/33", "2001:db8:7fff::1"));
    cr_expect_not(allows("2001:db8::/33", "2001:db8:8000::"));
    cr_expect(allows("192.0.2.7/32", "192.0.2.7"));
    cr_expect(allows("::/0", "2001:db8::"));
}

Test(access, ipv4_is_the_same_whether_mapped_or_not)
{
    cr_expect(allows("192.0.2.0/24", "::ffff:192.0.2.9"));
    cr_expect(allows("::ffff:192.0.2.0/120", "192.0.2.9"));
    cr_expect_not(allows("192.0.2.0/24", "::ffff:192.0.3.9"));
    cr_expect_not(allows("192.0.2.0/24", "::192.0.2.9"));
    cr_expect_not(allows("0.0.0.0/0", "2001:db8::1"));
    cr_expect_not(allows("127.0.0.1", "::1"));
}

Test(access, what_is_no_range_is_refused)
{
    static const char *const wrong[] = {"",
                                        "/",
                                        "localhost",
                                        "192.0.2",
                                        "192.0.2.1/",
                                        "192.0.2.1/33",
                                        "192.0.2.1/-1",
                                        "192.0.2.0/24/24",
                                        "192.0.2.1/24",
                                        "192.0.2.128/24",
                                        " 192.0.2.1",
                                        "192.0.2.1 ",
                                        "192.0.2.1/ 32",
                                        "2001:db8::/129",
                                        "2001:db8::1/127",
                                        "2001:db8::1/0",
                                        "[::1]",
                                        "fe80::1%lo",
                                        "192.0.2.1:80",
                                        "1111:2222:3333:4444:5555:6666:7777:8888:9999:0000:1111:2222"};
    struct net_range range = {.prefix = 77};

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        cr_expect_eq(net_range_parse(&range, wrong[i]), BASE_E_MALFORMED, "%s", wrong[i]);
    cr_expect_eq(range.prefix, 77);
}

Test(access, any_range_of_a_list_will_do_and_an_empty_one_allows_all)
{
    static const struct net_access nobody_named;
    struct net_access access = {.count = 2};
    struct sockaddr_in four = {.sin_family = AF_INET};
    struct sockaddr local = {.sa_family = AF_UNIX};

    net_range_parse(&access.ranges[0], "192.0.2.0/24");
    net_range_parse(&access.ranges[1], "198.51.100.0/24");
    inet_pton(AF_INET, "198.51.100.1", &four.sin_addr);
    cr_expect(net_access_allows(&access, (struct sockaddr *)&four));
    inet_pton(AF_INET, "203.0.113.1", &four.sin_addr);
    cr_expect_not(net_access_allows(&access, (struct sockaddr *)&four));
    cr_expect(net_access_allows(&nobody_named, (struct sockaddr *)&four));
    cr_expect_not(net_access_allows(&access, &local));
}

TestSuite(listener, .init = rig_setup, .fini = rig_teardown, .timeout = 30);

static struct net_access access_of(const char *range)
{
    struct net_access access = {.count = 1};

    cr_assert_eq(net_range_parse(&access.ranges[0], range), 0);
    return access;
}

Test(listener, a_peer_that_is_not_allowed_is_hung_up_on_and_counted)
{
    struct net_access access = access_of("127.0.0.2");
    int peer = rig_foreign_connect(rig_listen(&(struct net_listen_config){.access = &access}));

    RIG_UNTIL(rig_foreign_ended(peer));
    cr_assert_eq(rig_counters().not_allowed, 1);
    cr_assert_eq(rig_counters().accepted + rig_counters().too_many, 0);
    cr_assert_eq(rig_accepted, 0);
    close(peer);
}

Test(listener, an_allowed_peer_is_accepted_through_either_family)
{
    struct net_access access = access_of("127.0.0.0/8");

    rig_connect(rig_listen(&(struct net_listen_config){.access = &access, .host = ""}), NULL);
    RIG_UNTIL(rig_client.connected && rig_accepted);
    cr_assert_eq(rig_counters().accepted, 1);
    cr_assert_eq(rig_counters().not_allowed, 0);
}

Test(listener, more_connections_than_allowed_are_hung_up_on_until_one_ends)
{
    uint16_t port = rig_listen(&(struct net_listen_config){.connections_max = 2});
    int first = rig_foreign_connect(port);
    int second, third;

    rig_server.close_on_ended = true;
    RIG_UNTIL(rig_accepted == 1);
    second = rig_foreign_connect(port);
    RIG_UNTIL(rig_accepted == 2);
    third = rig_foreign_connect(port);
    RIG_UNTIL(rig_foreign_ended(third));
    cr_assert_eq(rig_counters().too_many, 1);
    cr_assert_eq(rig_counters().accepted, 2);
    close(third);
    rig_foreign_reset(second);
    RIG_UNTIL(rig_server.ended);
    third = rig_foreign_connect(port);
    RIG_UNTIL(rig_accepted == 3);
    cr_assert_eq(rig_counters().too_many, 1);
    close(first);
    close(third);
}

Test(listener, connections_outlive_their_listener)
{
    rig_connect_both();
    net_listener_close(rig_listener);
    for (unsigned round = 0; round < 5; round++)
        net_loop_run_once(rig_loop, 5);
    cr_assert_eq(net_tcp_write(rig_client.tcp, (const uint8_t *)"still here", 10), 0);
    RIG_UNTIL(rig_server.size == 10);
    net_tcp_close(rig_server.tcp);
    RIG_UNTIL(rig_client.ended);
}
