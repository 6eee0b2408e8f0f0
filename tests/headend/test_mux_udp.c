/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The MUX and data in UDP datagrams: beside a channel over TCP, without one, from a multicast group. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mux_rig.h"

#define GROUP "239.255.77.1"

static struct peer one;
static int sender;

static void open_all(void)
{
    mux_rig_init();
    rig.config.has_udp = true;
    sender = socket(AF_INET, SOCK_DGRAM, 0);
}

static void close_all(void)
{
    close(sender);
    mux_rig_stop();
}

TestSuite(mux_udp, .init = open_all, .fini = close_all, .timeout = 60);

static bool send_bytes(const char *address, const void *bytes, size_t size)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(headend_mux_udp_port(rig.mux))};

    inet_pton(AF_INET, address, &to.sin_addr);
    return sendto(sender, bytes, size, 0, (struct sockaddr *)&to, sizeof(to)) == (ssize_t)size;
}

static bool provide_to(const char *address, uint32_t client_id, bool has_ids, unsigned first, unsigned count)
{
    uint8_t message[60000];

    return send_bytes(address, message,
                      provision_make(client_id, 1, has_ids, first, count, 100, message, sizeof(message)));
}

static void provide(bool has_ids, unsigned first, unsigned count)
{
    cr_assert(provide_to("127.0.0.1", MUX_RIG_CLIENT, has_ids, first, count));
}

Test(mux_udp, both_spellings_reach_the_stream_of_a_channel)
{
    struct mux_rig_air *air = mux_rig_air(0, 0x500);

    mux_rig_start();
    peer_open(&one, MUX_RIG_CLIENT, 1, SIMULCRYPT_SECTIONS);
    for (unsigned i = 0; i < 10; i++) {
        provide(i % 2, i * 20, 20);
        mux_rig_run(4); /* lest the socket's queue decide about order or loss */
    }
    MUX_RIG_UNTIL(air->sections >= 200);
    air_expect(air, 0, 200, 100);
    cr_assert_eq(mux_rig_counters().udp_messages, 10);
    cr_assert_eq(one.size, 0, "never answered");
    peer_close(&one);
}

Test(mux_udp, tcp_and_udp_data_of_one_stream_go_together)
{
    struct mux_rig_air *air = mux_rig_air(0, 0x500);

    mux_rig_start();
    peer_open(&one, MUX_RIG_CLIENT, 1, SIMULCRYPT_SECTIONS);
    for (unsigned i = 0; i < 10; i++) {
        provide(false, i, 1);
        peer_provide(&one, MUX_RIG_CLIENT, 1, i, 1, 100);
    }
    MUX_RIG_UNTIL(air->sections >= 20);
    cr_assert_eq(mux_rig_status(0).datagrams, 20);
    peer_close(&one);
}

Test(mux_udp, an_entry_may_do_without_a_channel)
{
    struct mux_rig_air *air = mux_rig_air(0, 0x500);
    struct headend_mux_ca ca;

    rig.config.entries[0].udp_only = true;
    mux_rig_start();
    provide(false, 0, 30);
    provide(true, 30, 30);
    MUX_RIG_UNTIL(air->sections >= 60);
    air_expect(air, 0, 60, 100);
    cr_assert_eq(headend_mux_cat(rig.mux, 0, &ca, 1), 1);
    cr_assert_eq(rig.cat_changes, 1);
}

Test(mux_udp, without_an_entry_for_it_it_needs_a_channel)
{
    mux_rig_start();
    provide(false, 0, 1);
    cr_assert(provide_to("127.0.0.1", 9, true, 0, 1));
    MUX_RIG_UNTIL(mux_rig_counters().udp_unknown == 2);
    peer_open(&one, MUX_RIG_CLIENT, 1, SIMULCRYPT_SECTIONS);
    provide(false, 0, 1);
    MUX_RIG_UNTIL(mux_rig_air(0, 0x500)->sections == 1);
    peer_close(&one);
    MUX_RIG_UNTIL(mux_rig_counters().connections == 0);
    provide(false, 0, 1);
    MUX_RIG_UNTIL(mux_rig_counters().udp_unknown == 3);
}

Test(mux_udp, what_exceeds_the_bandwidth_is_dropped_and_counted)
{
    rig.config.entries[0].udp_only = true;
    rig.config.entries[0].bandwidth = 100;
    mux_rig_start();
    for (unsigned i = 0; i < 20; i++) {
        provide(false, i * 20, 20);
        mux_rig_turn();
    }
    MUX_RIG_UNTIL(mux_rig_counters().udp_messages == 20);
    cr_assert_geq(mux_rig_counters().udp_exceeded, 1);
    cr_assert_leq(mux_rig_counters().udp_exceeded, 13);
    cr_assert_eq(mux_rig_status(0).udp_exceeded, mux_rig_counters().udp_exceeded);
    cr_assert_eq(mux_rig_counters().datagrams, 20 * (20 - mux_rig_counters().udp_exceeded));
}

Test(mux_udp, garbage_is_counted)
{
    uint8_t message[2000];
    size_t size;

    rig.config.entries[0].udp_only = true;
    mux_rig_start();
    size = provision_make(MUX_RIG_CLIENT, 1, false, 0, 2, 100, message, sizeof(message));
    cr_assert(send_bytes("127.0.0.1", message, size - 1)); /* message_length says more */
    message[size - 99]++;                                  /* section_length of the second */
    cr_assert(send_bytes("127.0.0.1", message, size));
    cr_assert(send_bytes("127.0.0.1", "", 0));
    cr_assert(send_bytes("127.0.0.1", "\x03\x00\x12\x00\x00", 5)); /* channel_test */
    srand(3);
    for (unsigned i = 0; i < 200; i++) {
        for (size_t n = 0; n < sizeof(message); n++)
            message[n] = (uint8_t)rand();
        send_bytes("127.0.0.1", message, (size_t)rand() % sizeof(message));
        mux_rig_turn();
    }
    MUX_RIG_UNTIL(mux_rig_counters().udp_malformed >= 203);
    cr_assert_eq(mux_rig_counters().datagrams, 0);
    provide(false, 0, 1);
    MUX_RIG_UNTIL(mux_rig_air(0, 0x500)->sections == 1);
}

Test(mux_udp, who_is_not_allowed_is_not_heard)
{
    rig.config.entries[0].udp_only = true;
    cr_assert_eq(net_range_parse(&rig.config.listener.access.ranges[0], "192.0.2.0/24"), 0);
    rig.config.listener.access.count = 1;
    mux_rig_start();
    provide(false, 0, 1);
    MUX_RIG_UNTIL(mux_rig_counters().udp_refused == 1);
    cr_assert_eq(mux_rig_counters().udp_messages, 0);
}

Test(mux_udp, a_multicast_group_is_joined)
{
    struct in_addr lo = {.s_addr = htonl(INADDR_LOOPBACK)};

    rig.config.entries[0].udp_only = true;
    snprintf(rig.config.udp_host, sizeof(rig.config.udp_host), GROUP);
    snprintf(rig.config.udp_interface, sizeof(rig.config.udp_interface), "127.0.0.1");
    if (headend_mux_create(&rig.mux, rig.loop, &rig.config, rig.why) < 0)
        cr_skip_test("SKIPPED: %s", rig.why);
    setsockopt(sender, IPPROTO_IP, IP_MULTICAST_IF, &lo, sizeof(lo));
    if (!provide_to(GROUP, MUX_RIG_CLIENT, false, 0, 5))
        cr_skip_test("SKIPPED: no multicast on the loopback interface");
    MUX_RIG_UNTIL(mux_rig_air(0, 0x500)->sections == 5);
    air_expect(mux_rig_air(0, 0x500), 0, 5, 100);
}
