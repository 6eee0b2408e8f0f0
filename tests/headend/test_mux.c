/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The MUX with EMMGs that behave: what they deliver reaches its PID, within its bandwidth. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "mux_rig.h"

#define OTHER 0x0B000002u
#define ABOUT "client_id=4ADC0001 data_channel_id=0001 data_stream_id=0007"

static struct peer one, two;

TestSuite(mux, .init = mux_rig_init, .fini = mux_rig_stop, .timeout = 60);

static void ask(struct peer *peer, const char *bandwidth, const char *expected)
{
    char text[200];

    snprintf(text, sizeof(text), "v3 stream_BW_request " ABOUT "%s", bandwidth);
    peer_say(peer, text);
    snprintf(text, sizeof(text), "v3 stream_BW_allocation " ABOUT " bandwidth=%s", expected);
    peer_expect(peer, text);
}

Test(mux, sections_reach_their_pid_in_order)
{
    struct mux_rig_air *air = mux_rig_air(0, 0x500);

    mux_rig_start();
    peer_open(&one, MUX_RIG_CLIENT, 1, SIMULCRYPT_SECTIONS);
    for (unsigned i = 0; i < 40; i++)
        peer_provide(&one, MUX_RIG_CLIENT, 1, i * 10, 10, 100);
    MUX_RIG_UNTIL(air->sections >= 400);
    air_expect(air, 0, 400, 100);
    cr_assert_eq(mux_rig_counters().datagrams, 400);
    cr_assert_eq(mux_rig_counters().dropped, 0);
    cr_assert_eq(mux_rig_status(0).datagrams, 400);
    cr_assert_eq(mux_rig_status(0).bytes, 40000);
    cr_assert_eq(mux_rig_status(0).packets, air->packets);
    cr_assert_eq(mux_rig_status(0).open, 1);
    peer_close(&one);
}

/* Packets of sections that the EMMG packed itself, its own PID in them. */
Test(mux, packets_reach_their_pid)
{
    struct mux_rig_air *air = mux_rig_air(0, 0x500);
    uint8_t section[400], packets[3 * TS_PACKET_SIZE], message[1024];
    struct ts_packetizer packetizer = {.pid = TS_PID_NULL};
    const struct simulcrypt_data_provision provision = {
        .client_id = MUX_RIG_CLIENT, .data_id = 1, .has_ids = true, .channel_id = 1, .stream_id = 7};
    const struct simulcrypt_datagram datagram = {packets, sizeof(packets)};

    mux_rig_start();
    peer_open(&one, MUX_RIG_CLIENT, 1, SIMULCRYPT_PACKETS);
    for (unsigned i = 0; i < 50; i++) {
        section_make(i, sizeof(section), section);
        for (unsigned n = 0; n < 3; n++)
            ts_packetize(&packetizer, section, sizeof(section), n, packets + n * TS_PACKET_SIZE);
        peer_send(
            &one, message,
            (size_t)simulcrypt_data_provision_write(3, &provision, &datagram, 1, message, sizeof(message)));
    }
    MUX_RIG_UNTIL(air->sections >= 50);
    air_expect(air, 0, 50, 400);
    cr_assert_eq(air->packets, 150);
    peer_close(&one);
}

Test(mux, several_emmgs_at_once_each_to_its_pid)
{
    struct mux_rig_air *first = mux_rig_air(0, 0x500), *second = mux_rig_air(1, 0x501);

    mux_rig_add(OTHER, 5, 1, 0x501);
    mux_rig_start();
    peer_open(&one, MUX_RIG_CLIENT, 1, SIMULCRYPT_SECTIONS);
    peer_open(&two, OTHER, 5, SIMULCRYPT_SECTIONS);
    cr_assert_eq(mux_rig_counters().channels, 2);
    for (unsigned i = 0; i < 20; i++) {
        peer_provide(&one, MUX_RIG_CLIENT, 1, i * 10, 10, 60);
        peer_provide(&two, OTHER, 5, i * 5, 5, 300);
    }
    MUX_RIG_UNTIL(first->sections >= 200 && second->sections >= 100);
    air_expect(first, 0, 200, 60);
    air_expect(second, 0, 100, 300);
    peer_close(&one);
    peer_close(&two);
}

Test(mux, two_streams_share_a_pid)
{
    struct mux_rig_air *air = mux_rig_air(0, 0x500);

    mux_rig_add(OTHER, 5, 0, 0x500);
    mux_rig_start();
    peer_open(&one, MUX_RIG_CLIENT, 1, SIMULCRYPT_SECTIONS);
    peer_open(&two, OTHER, 5, SIMULCRYPT_SECTIONS);
    peer_provide(&one, MUX_RIG_CLIENT, 1, 0, 100, 70);
    peer_provide(&two, OTHER, 5, 0, 100, 333);
    MUX_RIG_UNTIL(air->sections >= 200);
    cr_assert_eq(air->assembler.lost, 0);
    cr_assert_eq(air->size, 100 * (70 + 333));
    peer_close(&one);
    peer_close(&two);
}

Test(mux, what_is_asked_for_is_allocated_as_far_as_it_goes)
{
    rig.config.entries[0].bandwidth = 300;
    mux_rig_start();
    peer_open(&one, MUX_RIG_CLIENT, 1, SIMULCRYPT_SECTIONS);
    ask(&one, "", "012C");
    ask(&one, " bandwidth=0064", "0064");
    ask(&one, "", "0064");
    ask(&one, " bandwidth=ffff", "012C");
    ask(&one, " bandwidth=0000", "012C");
    cr_assert_eq(mux_rig_status(0).bandwidth, 300);
    peer_close(&one);
}

Test(mux, a_transport_stream_has_only_so_much_and_frees_it_again)
{
    rig.config.bandwidth = 500;
    mux_rig_add(OTHER, 5, 0, 0x501);
    mux_rig_start();
    peer_open(&one, MUX_RIG_CLIENT, 1, SIMULCRYPT_SECTIONS);
    ask(&one, " bandwidth=0190", "0190");
    peer_open(&two, OTHER, 5, SIMULCRYPT_SECTIONS);
    peer_say(&two, "v3 stream_BW_request client_id=0b000002 data_channel_id=0001 data_stream_id=0007 "
                   "bandwidth=012c");
    peer_expect(&two, "v3 stream_BW_allocation client_id=0B000002 data_channel_id=0001 data_stream_id=0007 "
                      "bandwidth=0064");
    peer_close(&one);
    peer_expect(&two, "v3 stream_BW_allocation client_id=0B000002 data_channel_id=0001 data_stream_id=0007 "
                      "bandwidth=012C");
    peer_close(&two);
}

/* Measured by what reaches the worker: 100 kbit/s, and all that came within them. */
Test(mux, what_is_within_the_bandwidth_leaves_whole_at_that_pace)
{
    struct mux_rig_air *air = mux_rig_air(0, 0x500);
    uint64_t begun, sent = 0;

    rig.config.entries[0].bandwidth = 100;
    mux_rig_start();
    peer_open(&one, MUX_RIG_CLIENT, 1, SIMULCRYPT_SECTIONS);
    peer_provide(&one, MUX_RIG_CLIENT, 1, 0, 120, 100); /* a second's worth, at once */
    begun = net_loop_now_ms(rig.loop);
    while (net_loop_now_ms(rig.loop) - begun < 400) {
        mux_rig_turn();
        sent = 8 * air->size;
        cr_assert_leq(sent, 115 * (net_loop_now_ms(rig.loop) - begun) + 113 * 100 + 8 * 4392);
    }
    MUX_RIG_UNTIL(air->sections >= 120);
    cr_assert_geq(net_loop_now_ms(rig.loop) - begun, 600);
    air_expect(air, 0, 120, 100);
    peer_close(&one);
}

Test(mux, what_exceeds_the_bandwidth_is_dropped_and_told)
{
    struct mux_rig_air *air = mux_rig_air(0, 0x500);
    struct headend_mux_connection_status status;

    rig.config.entries[0].bandwidth = 100;
    mux_rig_start();
    peer_open(&one, MUX_RIG_CLIENT, 1, SIMULCRYPT_SECTIONS);
    for (unsigned i = 0; i < 30; i++)
        peer_provide(&one, MUX_RIG_CLIENT, 1, i * 10, 10, 100);
    peer_expect(&one, "v3 stream_error " ABOUT " error_status=000F");
    mux_rig_run(50);
    cr_assert_leq(mux_rig_counters().datagrams, 150);
    cr_assert_geq(mux_rig_counters().datagrams, 120);
    MUX_RIG_UNTIL(air->sections == mux_rig_counters().datagrams);
    cr_assert_eq(headend_mux_connections(rig.mux, &status, 1), 1);
    cr_assert_str_eq(status.last_error, "stream_error: exceeded bandwidth");
    cr_assert_eq(status.errors, 1);
    cr_assert_eq(status.client_id, MUX_RIG_CLIENT);
    cr_assert_eq(status.streams, 1);
    peer_close(&one);
}

Test(mux, the_cat_names_emm_streams_that_are_or_were_open)
{
    struct headend_mux_ca cas[4];
    struct headend_mux_entry *private;

    memcpy(rig.config.entries[0].private_bytes, "\x01\x02", 2);
    rig.config.entries[0].private_size = 2;
    mux_rig_add(MUX_RIG_CLIENT + 1, 1, 0, 0x500); /* the same CA_system_id and PID */
    mux_rig_add(OTHER, 1, 1, 0x501);
    private = mux_rig_add(0x0C000001, 1, 0, 0x502);
    private->data_type = SIMULCRYPT_DATA_PRIVATE;
    mux_rig_start();
    cr_assert_eq(headend_mux_cat(rig.mux, 0, cas, 4), 0);
    peer_open(&one, MUX_RIG_CLIENT, 1, SIMULCRYPT_SECTIONS);
    peer_open(&two, MUX_RIG_CLIENT + 1, 1, SIMULCRYPT_SECTIONS);
    MUX_RIG_UNTIL(rig.cat_changes == 2);
    peer_close(&one);
    peer_close(&two);
    MUX_RIG_UNTIL(mux_rig_counters().connections == 0);
    cr_assert_eq(headend_mux_cat(rig.mux, 0, cas, 4), 1);
    cr_assert_eq(cas[0].ca_system_id, 0x4ADC);
    cr_assert_eq(cas[0].pid, 0x500);
    cr_assert_eq(cas[0].private_size, 2);
    cr_assert_eq(cas[0].private_bytes[1], 2);
    cr_assert_eq(headend_mux_cat(rig.mux, 1, cas, 4), 0);
    peer_open(&one, MUX_RIG_CLIENT, 1, SIMULCRYPT_SECTIONS);
    peer_open(&two, OTHER, 1, SIMULCRYPT_SECTIONS);
    MUX_RIG_UNTIL(rig.cat_changes == 3);
    cr_assert_eq(headend_mux_cat(rig.mux, 1, cas, 0), 1);
    peer_close(&one);
    peer_close(&two);
}

Test(mux, any_data_id_may_be_allowed_and_private_data_comes_as_such)
{
    struct headend_mux_entry *entry = mux_rig_add(OTHER, 0, 1, 0x501);

    entry->any_data_id = true;
    entry->data_type = SIMULCRYPT_DATA_PRIVATE;
    mux_rig_start();
    peer_connect(&one);
    peer_say(&one, "v2 channel_setup client_id=0b000002 data_channel_id=0003 section_TSpkt_flag=00; "
                   "v2 stream_setup client_id=0b000002 data_channel_id=0003 data_stream_id=0001 "
                   "data_id=1234 data_type=01; "
                   "v2 stream_setup client_id=0b000002 data_channel_id=0003 data_stream_id=0002 "
                   "data_id=1235 data_type=01; "
                   "v2 data_provision client_id=0b000002 data_channel_id=0003 data_stream_id=0002 "
                   "data_id=1235 datagram=827001ff");
    MUX_RIG_UNTIL(mux_rig_air(1, 0x501)->sections == 1);
    cr_assert_eq(mux_rig_status(1).open, 2);
    peer_close(&one);
}

Test(mux, version_1_has_no_data_id)
{
    mux_rig_start();
    peer_connect(&one);
    peer_say(&one,
             "v1 channel_setup client_id=4adc0001 data_channel_id=0001 section_TSpkt_flag=00; "
             "v1 stream_setup client_id=4adc0001 data_channel_id=0001 data_stream_id=0007 data_type=00; "
             "v1 data_provision client_id=4adc0001 data_channel_id=0001 data_stream_id=0007 "
             "datagram=827001ff");
    MUX_RIG_UNTIL(mux_rig_air(0, 0x500)->sections == 1);
    peer_close(&one);
}

Test(mux, what_does_not_fit_together_is_refused)
{
    struct headend_mux_config good = rig.config;
    int status;

#define REFUSED(change, text)                                                                                \
    rig.config = good;                                                                                       \
    change;                                                                                                  \
    status = headend_mux_create(&rig.mux, rig.loop, &rig.config, rig.why);                                   \
    cr_expect_eq(status, BASE_E_CONFIGURATION);                                                              \
    cr_expect(strstr(rig.why, text), "%s", rig.why)

    REFUSED(rig.config.entries[0].stream = 2, "no transport stream 2");
    REFUSED(rig.config.entries[0].pid = 0x1F, "PID 31");
    REFUSED(rig.config.entries[0].pid = 0x1FFF, "PID 8191");
    REFUSED(rig.config.entries[0].data_type = SIMULCRYPT_DATA_ECM, "out of its range");
    REFUSED(mux_rig_add(MUX_RIG_CLIENT, 1, 1, 0x600), "twice");
}
