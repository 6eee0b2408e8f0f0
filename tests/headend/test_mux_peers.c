/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The MUX with EMMGs that ask for too much, or misbehave. */
#include <stdlib.h>
#include <string.h>

#include "mux_rig.h"

#define SETUP  "v3 channel_setup client_id=4adc0001 data_channel_id=0001 section_TSpkt_flag=00"
#define ABOUT  "client_id=4ADC0001 data_channel_id=0001"
#define STREAM "client_id=4adc0001 data_channel_id=0001 data_stream_id="

static struct peer one, two;

TestSuite(mux_peers, .init = mux_rig_init, .fini = mux_rig_stop, .timeout = 60);

static void expect_works(void)
{
    struct mux_rig_air *air = mux_rig_air(0, 0x500);
    unsigned before;

    MUX_RIG_UNTIL(mux_rig_status(0).queued == 0);
    before = air->sections;
    peer_open(&two, MUX_RIG_CLIENT, 1, SIMULCRYPT_SECTIONS);
    peer_provide(&two, MUX_RIG_CLIENT, 1, 0, 5, 50);
    MUX_RIG_UNTIL(air->sections == before + 5);
    peer_close(&two);
    MUX_RIG_UNTIL(mux_rig_counters().channels == 0);
}

Test(mux_peers, who_is_not_expected_is_told_why)
{
    mux_rig_start();
    peer_connect(&one);
    peer_say(&one, "v3 channel_setup client_id=00000009 data_channel_id=0001 section_TSpkt_flag=00");
    peer_expect(&one, "v3 channel_error client_id=00000009 data_channel_id=0001 error_status=000E");
    peer_say(&one, "v3 channel_setup client_id=4adc0001 data_channel_id=0001 section_TSpkt_flag=02");
    peer_expect(&one, "v3 channel_error " ABOUT " error_status=000D error_information=0002");
    peer_say(&one, SETUP);
    peer_expect(&one, "v3 channel_status " ABOUT " section_TSpkt_flag=00");
    peer_say(&one, "v3 stream_setup " STREAM "0001 data_id=0009 data_type=00");
    peer_expect(&one, "v3 stream_error " ABOUT " data_stream_id=0001 error_status=0010");
    peer_say(&one, "v3 stream_setup " STREAM "0001 data_id=0001 data_type=01");
    peer_expect(&one, "v3 stream_error " ABOUT " data_stream_id=0001 error_status=000D");
    cr_assert_eq(mux_rig_counters().errors, 4);
    peer_close(&one);
    expect_works();
}

Test(mux_peers, what_is_in_use_is_refused_while_its_holder_answers)
{
    mux_rig_add(MUX_RIG_CLIENT, 2, 0, 0x500);
    mux_rig_start();
    peer_open(&one, MUX_RIG_CLIENT, 1, SIMULCRYPT_SECTIONS);
    peer_connect(&two);
    peer_say(&two, SETUP);
    peer_expect(&two, "v3 channel_error " ABOUT " error_status=0011");
    peer_expect(&one, "v3 channel_test " ABOUT);
    peer_say(&one, "v3 channel_status " ABOUT " section_TSpkt_flag=00");
    /* another channel of the same client, but not the same data */
    peer_say(&two, "v3 channel_setup client_id=4adc0001 data_channel_id=0002 section_TSpkt_flag=00; "
                   "v3 stream_setup client_id=4adc0001 data_channel_id=0002 data_stream_id=0001 "
                   "data_id=0001 data_type=00; "
                   "v3 stream_setup client_id=4adc0001 data_channel_id=0002 data_stream_id=0001 "
                   "data_id=0002 data_type=00");
    peer_expect(&two, "v3 channel_status client_id=4ADC0001 data_channel_id=0002 section_TSpkt_flag=00; "
                      "v3 stream_error client_id=4ADC0001 data_channel_id=0002 data_stream_id=0001 "
                      "error_status=0013; "
                      "v3 stream_status client_id=4ADC0001 data_channel_id=0002 data_stream_id=0001 "
                      "data_id=0002 data_type=00");
    peer_say(&one, "v3 channel_status " ABOUT " section_TSpkt_flag=00");
    mux_rig_run(2500);
    cr_assert_eq(mux_rig_counters().channels, 2, "both are alive");
    peer_close(&one);
    peer_close(&two);
}

Test(mux_peers, a_holder_that_is_gone_unseen_makes_room)
{
    mux_rig_start();
    peer_open(&one, MUX_RIG_CLIENT, 1, SIMULCRYPT_SECTIONS);
    peer_connect(&two);
    peer_say(&two, SETUP);
    peer_expect(&two, "v3 channel_error " ABOUT " error_status=0011");
    peer_expect(&one, "v3 channel_test " ABOUT); /* and no answer */
    MUX_RIG_UNTIL(one.ended);
    peer_say(&two, SETUP);
    peer_expect(&two, "v3 channel_status " ABOUT " section_TSpkt_flag=00");
    peer_close(&one);
    peer_close(&two);
}

Test(mux_peers, silent_ones_are_tested_where_that_is_wanted)
{
    rig.config.test_period_ms = 100;
    mux_rig_start();
    peer_open(&one, MUX_RIG_CLIENT, 1, SIMULCRYPT_SECTIONS);
    peer_expect(&one, "v3 channel_test " ABOUT);
    peer_say(&one, "v3 channel_status " ABOUT " section_TSpkt_flag=00");
    peer_expect(&one, "v3 channel_test " ABOUT);
    peer_expect_end(&one);
    cr_assert_eq(mux_rig_counters().connections, 0);
}

Test(mux_peers, packets_and_others_do_not_share_a_pid)
{
    mux_rig_add(MUX_RIG_CLIENT + 1, 1, 0, 0x500);
    mux_rig_start();
    peer_open(&one, MUX_RIG_CLIENT, 1, SIMULCRYPT_PACKETS);
    peer_connect(&two);
    peer_say(&two, "v3 channel_setup client_id=4adc0002 data_channel_id=0001 section_TSpkt_flag=00; "
                   "v3 stream_setup client_id=4adc0002 data_channel_id=0001 data_stream_id=0001 "
                   "data_id=0001 data_type=00");
    peer_expect(&two, "v3 channel_status client_id=4ADC0002 data_channel_id=0001 section_TSpkt_flag=00; "
                      "v3 stream_error client_id=4ADC0002 data_channel_id=0001 data_stream_id=0001 "
                      "error_status=7000");
    peer_close(&one);
    peer_close(&two);
}

Test(mux_peers, there_is_room_for_so_many)
{
    rig.config.channels_max = 1;
    rig.config.streams_max = 1;
    mux_rig_add(MUX_RIG_CLIENT, 2, 0, 0x500);
    mux_rig_start();
    peer_open(&one, MUX_RIG_CLIENT, 1, SIMULCRYPT_SECTIONS);
    peer_say(&one, "v3 stream_setup " STREAM "0002 data_id=0002 data_type=00");
    peer_expect(&one, "v3 stream_error " ABOUT " data_stream_id=0002 error_status=0009");
    peer_connect(&two);
    peer_say(&two, "v3 channel_setup client_id=4adc0001 data_channel_id=0002 section_TSpkt_flag=00");
    peer_expect(&two, "v3 channel_error client_id=4ADC0001 data_channel_id=0002 error_status=0007");
    peer_close(&one);
    peer_close(&two);
}

Test(mux_peers, unsound_data_is_refused_and_the_rest_goes_on)
{
    mux_rig_start();
    peer_open(&one, MUX_RIG_CLIENT, 1, SIMULCRYPT_SECTIONS);
    peer_say(&one, "v3 data_provision " STREAM "0007 data_id=0001 datagram=827005ff");
    peer_expect(&one, "v3 stream_error " ABOUT " data_stream_id=0007 error_status=000D "
                      "error_information=0005");
    peer_say(&one, "v3 data_provision " STREAM "0008 data_id=0001 datagram=827001ff");
    peer_expect(&one, "v3 stream_error " ABOUT " data_stream_id=0008 error_status=0005 "
                      "error_information=0004");
    peer_say(&one, "v3 data_provision " STREAM "0007 data_id=0001 datagram=827001ff");
    MUX_RIG_UNTIL(mux_rig_air(0, 0x500)->sections == 1);
    peer_close(&one);
}

Test(mux_peers, errors_are_not_answered_and_three_bad_messages_end_it)
{
    mux_rig_start();
    peer_open(&one, MUX_RIG_CLIENT, 1, SIMULCRYPT_SECTIONS);
    for (unsigned i = 0; i < 100; i++)
        peer_say(&one, "v3 channel_error " ABOUT " error_status=0001; v9 stream_error " STREAM
                       "0007 error_status=0002; v3 channel_error");
    mux_rig_run(50);
    cr_assert_eq(one.size, 0);
    cr_assert_eq(mux_rig_counters().errors, 0);
    peer_close(&one);
    peer_connect(&one);
    peer_say(&one, "v3 channel_setup; v3 channel_setup; v3 channel_setup; v3 channel_setup");
    peer_expect_end(&one);
    MUX_RIG_UNTIL(mux_rig_counters().connections == 0);
    expect_works();
}

Test(mux_peers, whoever_is_refused_again_and_again_is_left)
{
    mux_rig_start();
    peer_connect(&one);
    one.deaf = true;
    for (unsigned i = 0; i < 40; i++)
        peer_say(&one, "v3 channel_setup client_id=00000009 data_channel_id=0001 section_TSpkt_flag=00");
    peer_expect_end(&one);
    cr_assert_eq(mux_rig_counters().errors, 15, "the last was answered with the end");
    expect_works();
}

Test(mux_peers, a_flood_is_read_slowly)
{
    uint8_t test[5 + 8 + 6] = {3, 0x00, 0x12, 0, 14, 0, 1, 0, 4, 0x4A, 0xDC, 0, 1, 0, 3, 0, 2, 0, 1};
    static uint8_t flood[35000 * sizeof(test)];
    uint64_t begun;

    mux_rig_start();
    peer_open(&one, MUX_RIG_CLIENT, 1, SIMULCRYPT_SECTIONS);
    one.deaf = true;
    for (size_t at = 0; at < sizeof(flood); at += sizeof(test))
        memcpy(flood + at, test, sizeof(test));
    begun = net_loop_now_ms(rig.loop);
    peer_send(&one, flood, sizeof(flood));
    mux_rig_run(50);
    peer_provide(&one, MUX_RIG_CLIENT, 1, 0, 1, 50);
    MUX_RIG_UNTIL(mux_rig_air(0, 0x500)->sections == 1);
    cr_assert_geq(net_loop_now_ms(rig.loop) - begun, 400, "35 000 answers at 20 000 per second");
    peer_close(&one);
}

/* Half a message, a byte at a time, and a vanishing in mid-message. */
Test(mux_peers, data_comes_in_any_pieces)
{
    uint8_t message[2000];
    size_t size;

    mux_rig_start();
    peer_open(&one, MUX_RIG_CLIENT, 1, SIMULCRYPT_SECTIONS);
    size = provision_make(MUX_RIG_CLIENT, 1, true, 0, 3, 200, message, sizeof(message));
    for (size_t i = 0; i < size; i++) {
        peer_send(&one, message + i, 1);
        if (i % 20 == 0)
            mux_rig_turn();
    }
    MUX_RIG_UNTIL(mux_rig_air(0, 0x500)->sections == 3);
    air_expect(mux_rig_air(0, 0x500), 0, 3, 200);
    peer_send(&one, message, size / 2);
    mux_rig_run(20);
    peer_close(&one);
    MUX_RIG_UNTIL(mux_rig_counters().connections == 0);
    cr_assert_eq(mux_rig_status(0).open, 0);
    expect_works();
}

Test(mux_peers, chance_does_no_harm)
{
    static uint8_t bytes[4000];
    uint8_t message[2000];

    mux_rig_start();
    srand(7);
    for (unsigned round = 0; round < 30; round++) {
        size_t size = provision_make(MUX_RIG_CLIENT, 1, true, 0, 2, 300, message, sizeof(message));

        peer_connect(&one);
        one.deaf = true;
        peer_say(&one, SETUP "; v3 stream_setup " STREAM "0007 data_id=0001 data_type=00");
        for (size_t i = 0; i < sizeof(bytes); i++)
            bytes[i] = round % 2 ? (uint8_t)rand() : message[i % size];
        for (unsigned i = 0; i < 20; i++)
            bytes[(size_t)rand() % sizeof(bytes)] = (uint8_t)rand();
        peer_send(&one, bytes, sizeof(bytes));
        mux_rig_run(5);
        peer_close(&one);
    }
    MUX_RIG_UNTIL(mux_rig_counters().connections == 0);
    expect_works();
}

Test(mux_peers, only_so_many_may_connect_and_only_who_is_allowed)
{
    struct peer many[4];

    rig.config.listener.connections_max = 3;
    mux_rig_start();
    for (unsigned i = 0; i < 4; i++)
        peer_connect(&many[i]);
    MUX_RIG_UNTIL(many[3].ended);
    cr_assert_eq(mux_rig_counters().connections, 3);
    for (unsigned i = 0; i < 4; i++)
        peer_close(&many[i]);
    headend_mux_destroy(rig.mux);
    cr_assert_eq(net_range_parse(&rig.config.listener.access.ranges[0], "192.0.2.0/24"), 0);
    rig.config.listener.access.count = 1;
    mux_rig_start();
    peer_connect(&one);
    peer_expect_end(&one);
    cr_assert_eq(mux_rig_counters().accepted, 0);
}
