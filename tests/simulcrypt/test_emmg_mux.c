/* SPDX-License-Identifier: GPL-3.0-or-later */
/* EMMG/PDG ⇔ MUX: each end against scripts, and both together. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "emmg_pair.h"
#include "script.h"
#include "simulcrypt/emmg_mux_table.h"

static void start(void)
{
    emmg_pair_start(NULL);
}

TestSuite(emmg_mux, .init = start, .fini = emmg_pair_stop, .timeout = 60);

#define CHANNEL         "client_id=12340001 data_channel_id=0001"
#define STREAM          CHANNEL " data_stream_id=0007"
#define CHANNEL_SETUP   "v3 channel_setup " CHANNEL " section_TSpkt_flag=00"
#define CHANNEL_STATUS  "v3 channel_status " CHANNEL " section_TSpkt_flag=00"
#define STREAM_SETUP    "v3 stream_setup " STREAM " data_id=006B data_type=00"
#define STREAM_STATUS   "v3 stream_status " STREAM " data_id=006B data_type=00"
#define PROVISION(data) "v3 data_provision " STREAM " data_id=006B datagram=" data
#define SECTION         "827002AABB"

static void open_stream(void)
{
    wire_server_hears(CHANNEL_SETUP ";" STREAM_SETUP);
    wire.diary[0] = 0;
    wire.to_client.size = 0;
}

Test(emmg_mux, a_channel_and_a_stream_are_set_up)
{
    wire_server_hears(CHANNEL_SETUP);
    wire_expect("channel 1 of 12340001 format 0 ");
    wire_server_said(CHANNEL_STATUS);
    wire_server_hears("v3 stream_setup " STREAM " data_id=006B data_type=01");
    wire_expect("stream 7 data_id 107 type 1 ");
    wire_server_said("v3 stream_status " STREAM " data_id=006B data_type=01");
}

Test(emmg_mux, tests_are_answered_with_the_values_in_force)
{
    open_stream();
    wire_server_hears("v3 channel_test " CHANNEL ";v3 stream_test " STREAM);
    wire_server_said(CHANNEL_STATUS "; " STREAM_STATUS);
    cr_assert_eq(simulcrypt_mux_session_test_channel(emmg_pair.mux), 0);
    cr_assert_eq(simulcrypt_mux_session_test_stream(emmg_pair.mux, 7), 0);
    cr_assert_eq(simulcrypt_mux_session_test_stream(emmg_pair.mux, 8), -ENOENT);
    wire_server_said("v3 channel_test " CHANNEL "; v3 stream_test " STREAM);
}

Test(emmg_mux, data_arrives_datagram_by_datagram)
{
    open_stream();
    wire_server_hears("v3 data_provision " STREAM " data_id=006B datagram=827000 datagram=" SECTION);
    wire_expect("data 7:3 data 7:5 ");
    cr_assert_arr_eq(emmg_pair.data, "\x82\x70\x02\xAA\xBB", 5);
    wire_server_said("");
}

/* Over TCP the standard wants both ids, and some EMMGs leave them out. */
Test(emmg_mux, data_without_stream_id_is_found_by_its_data_id)
{
    open_stream();
    wire_server_hears("v3 data_provision client_id=12340001 data_id=006B datagram=" SECTION);
    wire_expect("data 7:5 ");
    wire_server_hears("v3 data_provision client_id=12340001 data_id=006C datagram=" SECTION);
    wire_expect("");
    wire_server_said("v3 channel_error " CHANNEL " error_status=0010 error_information=0008");
}

Test(emmg_mux, data_for_what_is_not_there_is_refused)
{
    open_stream();
    wire_server_hears("v3 data_provision " STREAM " data_id=006C datagram=" SECTION);
    wire_server_said("v3 stream_error " STREAM " error_status=0010 error_information=0008");
    wire_server_hears("v3 data_provision " CHANNEL " data_stream_id=0009 data_id=006B datagram=" SECTION);
    wire_server_said("v3 stream_error " CHANNEL
                     " data_stream_id=0009 error_status=0005 error_information=0004");
    wire_server_hears("v3 data_provision client_id=12340001 data_channel_id=0002 data_stream_id=0007 "
                      "data_id=006B datagram=" SECTION);
    wire_server_said(
        "v3 channel_error client_id=12340001 data_channel_id=0002 error_status=0006 error_information=0003");
    wire_server_hears("v3 data_provision client_id=12340002 data_channel_id=0001 data_stream_id=0007 "
                      "data_id=006B datagram=" SECTION);
    wire_server_said(
        "v3 channel_error client_id=12340002 data_channel_id=0001 error_status=000E error_information=0001");
    wire_expect("");
}

/* All datagrams of a message or none. */
Test(emmg_mux, unsound_datagrams_are_refused)
{
    static const char *const unsound[] = {"", "82", "8270", "827002AA", "827002AABBCC"};
    open_stream();
    for (size_t i = 0; i < 5; i++) {
        char script[200] = "v3 data_provision " STREAM " data_id=006B datagram=" SECTION " datagram=";
        wire_server_hears(strcat(script, unsound[i]));
        wire_expect("");
        wire_server_said("v3 stream_error " STREAM " error_status=000D error_information=0005");
    }
}

Test(emmg_mux, packets_are_whole_and_begin_with_their_sync_byte)
{
    struct simulcrypt_datagram packets = emmg_pair_packets(3, 0xFF);
    uint8_t copy[600];
    memcpy(copy, packets.bytes, packets.size);
    cr_assert(simulcrypt_datagram_is_sound(SIMULCRYPT_PACKETS, copy, 3 * 188));
    cr_assert(!simulcrypt_datagram_is_sound(SIMULCRYPT_PACKETS, copy, 3 * 188 - 1));
    cr_assert(!simulcrypt_datagram_is_sound(SIMULCRYPT_PACKETS, copy, 0));
    copy[188] = 0x48;
    cr_assert(!simulcrypt_datagram_is_sound(SIMULCRYPT_PACKETS, copy, 3 * 188));
    cr_assert(simulcrypt_datagram_is_sound(SIMULCRYPT_ANNEX_N, copy, 1));
    cr_assert(!simulcrypt_datagram_is_sound(SIMULCRYPT_ANNEX_N, copy, 0));
}

Test(emmg_mux, bandwidth_is_negotiated)
{
    emmg_pair.bandwidth = 500;
    open_stream();
    wire_server_hears("v3 stream_BW_request " STREAM);
    wire_expect("asked 7 of 500 ");
    wire_server_said("v3 stream_BW_allocation " STREAM " bandwidth=01F4");
    wire_server_hears("v3 stream_BW_request " STREAM " bandwidth=00C8");
    wire_expect("asked 7: 200 of 500 ");
    wire_server_said("v3 stream_BW_allocation " STREAM " bandwidth=00C8");
    wire_server_hears("v3 stream_BW_request " STREAM " bandwidth=FFFF");
    wire_server_said("v3 stream_BW_allocation " STREAM " bandwidth=01F4");
    cr_assert_eq(simulcrypt_mux_session_allocate(emmg_pair.mux, 7, 0), 0);
    wire_server_said("v3 stream_BW_allocation " STREAM);
    cr_assert_eq(simulcrypt_mux_session_allocate(emmg_pair.mux, 8, 0), -ENOENT);
    emmg_pair.bandwidth_error = SIMULCRYPT_EMMG_EXCEEDED_BANDWIDTH;
    wire_server_hears("v3 stream_BW_request " STREAM " bandwidth=FFFF");
    wire_server_said("v3 stream_error " STREAM " error_status=000F");
}

/* 8 kbit/s: 1000 bytes at once, and 1 byte each millisecond. */
Test(emmg_mux, bandwidth_is_kept_and_told_once)
{
    emmg_pair.bandwidth = 8;
    emmg_pair_add_stream(7);
    emmg_pair_connect();
    wire_pump();
    wire.diary[0] = 0;
    struct simulcrypt_datagram section = emmg_pair_section(500, 0);
    for (unsigned i = 0; i < 4; i++)
        cr_assert_eq(simulcrypt_emmg_session_provide(emmg_pair.emmg, 7, &section, 1), 0);
    wire_pump();
    wire_expect("data 7:500 data 7:500 stream_error 7: 000F ");
    cr_assert_str_eq(emmg_pair.why, "exceeded bandwidth");
    unsigned passed = 0;
    for (unsigned i = 0; i < 100; i++) {
        wire.now_ms += 250;
        cr_assert_eq(simulcrypt_emmg_session_provide(emmg_pair.emmg, 7, &section, 1), 0);
        wire_pump();
        passed += strstr(wire.diary, "data 7:500") != NULL;
        wire.diary[0] = 0;
    }
    cr_assert(passed >= 49 && passed <= 51, "%u of 100 passed", passed);
}

/* The EMMG that kept to it in between is told again. */
Test(emmg_mux, each_excess_is_told)
{
    static const char excess[] = "v3 stream_error " STREAM " error_status=000F";
    char script[4000] = "v3 data_provision " STREAM " data_id=006B";
    for (unsigned i = 0; i < 100; i++)
        strcat(script, " datagram=" SECTION);
    emmg_pair.bandwidth = 1;
    open_stream();
    for (unsigned round = 0; round < 3; round++) {
        wire_server_hears(script);
        wire_server_said("");
        wire_server_hears(script);
        wire_server_said(excess);
        wire_server_hears(script);
        wire_server_said("");
        wire.now_ms += 10000;
    }
}

Test(emmg_mux, a_stream_is_removed)
{
    cr_assert_eq(simulcrypt_emmg_session_remove_stream(emmg_pair.emmg, 7), -ENOENT);
    emmg_pair_add_stream(7);
    emmg_pair_connect();
    wire_pump();
    wire.diary[0] = 0;
    cr_assert_eq(simulcrypt_emmg_session_remove_stream(emmg_pair.emmg, 7), 0);
    wire_pump();
    wire_expect("stream_closed 7 ");
}

Test(emmg_mux, one_large_message_passes_a_small_bandwidth)
{
    struct simulcrypt_datagram large = emmg_pair_section(4096, 0);
    emmg_pair.bandwidth = 1;
    open_stream();
    struct simulcrypt_data_provision provision = {
        .client_id = 0x12340001, .data_id = 107, .has_ids = true, .channel_id = 1, .stream_id = 7};
    uint8_t bytes[5000];
    ptrdiff_t size = simulcrypt_data_provision_write(3, &provision, &large, 1, bytes, sizeof(bytes));
    simulcrypt_mux_session_input(emmg_pair.mux, bytes, (size_t)size, wire.now_ms);
    wire_expect("data 7:4096 ");
    simulcrypt_mux_session_input(emmg_pair.mux, bytes, (size_t)size, wire.now_ms + 1000);
    wire_expect("");
    simulcrypt_mux_session_input(emmg_pair.mux, bytes, (size_t)size, wire.now_ms + 33000);
    wire_expect("data 7:4096 ");
}

Test(emmg_mux, streams_are_refused_for_their_reasons)
{
    emmg_pair.max_streams = 2;
    emmg_pair_mux_restart();
    open_stream();
    wire_server_hears(STREAM_SETUP);
    wire_server_said("v3 stream_error " STREAM " error_status=0012 error_information=0004");
    wire_server_hears("v3 stream_setup " CHANNEL " data_stream_id=0008 data_id=006B data_type=00");
    wire_server_said("v3 stream_error " CHANNEL
                     " data_stream_id=0008 error_status=0013 error_information=0008");
    emmg_pair.stream_error = SIMULCRYPT_EMMG_TOO_MANY_STREAMS;
    wire_server_hears("v3 stream_setup " CHANNEL " data_stream_id=0008 data_id=006C data_type=00");
    wire_server_said("v3 stream_error " CHANNEL " data_stream_id=0008 error_status=0009");
    emmg_pair.stream_error = 0;
    wire_server_hears("v3 stream_setup " CHANNEL " data_stream_id=0008 data_id=006C data_type=00");
    wire.to_client.size = 0;
    wire_server_hears("v3 stream_setup " CHANNEL " data_stream_id=0009 data_id=006D data_type=00");
    wire_server_said("v3 stream_error " CHANNEL
                     " data_stream_id=0009 error_status=0008 error_information=0004");
}

Test(emmg_mux, a_refused_channel_can_be_asked_for_again)
{
    emmg_pair.channel_error = SIMULCRYPT_EMMG_UNKNOWN_CLIENT;
    wire_server_hears(CHANNEL_SETUP);
    wire_server_said("v3 channel_error " CHANNEL " error_status=000E");
    emmg_pair.channel_error = 0;
    wire_server_hears(CHANNEL_SETUP);
    wire_server_said(CHANNEL_STATUS);
    wire_server_hears(CHANNEL_SETUP);
    wire_server_said("v3 channel_error " CHANNEL " error_status=0011 error_information=0003");
}

Test(emmg_mux, a_stream_then_the_channel_is_closed)
{
    open_stream();
    wire_server_hears("v3 stream_close_request " STREAM);
    wire_expect("stream_closed 7 ");
    wire_server_said("v3 stream_close_response " STREAM);
    wire_server_hears("v3 channel_close " CHANNEL ";" PROVISION(SECTION));
    wire_expect("channel_closed 1 close(channel_close) ");
    wire_server_said("");
}

Test(emmg_mux, an_error_is_never_answered_however_broken)
{
    open_stream();
    wire_server_hears("v3 channel_error " CHANNEL " error_status=0001;"
                      "v3 stream_error " CHANNEL " data_stream_id=0099 error_status=0007;"
                      "v77 channel_error " CHANNEL " error_status=0002;"
                      "v3 channel_error " CHANNEL ";"
                      "v3 stream_error error_status=01 data_stream_id=0007;v3 channel_error");
    wire_server_said("");
    wire_expect("stream_closed 7 channel_closed 1 close(three invalid messages in a row) ");
}

Test(emmg_mux, an_unrecoverable_error_closes_stream_or_channel)
{
    open_stream();
    wire_server_hears("v3 stream_error " STREAM " error_status=7001");
    wire_expect("stream_closed 7 ");
    wire_server_hears("v3 channel_error " CHANNEL " error_status=7001");
    wire_expect("channel_closed 1 close(the EMMG reported an unrecoverable error of the channel) ");
    emmg_pair_mux_restart();
    open_stream();
    cr_assert_eq(simulcrypt_mux_session_stream_error(emmg_pair.mux, 7, SIMULCRYPT_EMMG_UNRECOVERABLE), 0);
    wire_expect("stream_closed 7 ");
    cr_assert_eq(simulcrypt_mux_session_stream_error(emmg_pair.mux, 7, 1), -ENOENT);
}

Test(emmg_mux, version_1_goes_without_data_id)
{
    struct simulcrypt_emmg_config config = {.version = 1, .client_id = 9, .channel_id = 1};
    struct simulcrypt_datagram section = emmg_pair_section(9, 1);
    emmg_pair_stop();
    emmg_pair_start(&config);
    emmg_pair_add_stream(7);
    emmg_pair_add_stream(8);
    emmg_pair_connect();
    wire_pump();
    wire_expect("channel 1 of 00000009 format 0 channel_up stream 7 data_id 0 type 0 "
                "stream 8 data_id 0 type 0 stream_up 7 stream_up 8 ");
    cr_assert_eq(simulcrypt_emmg_session_provide(emmg_pair.emmg, 8, &section, 1), 0);
    wire_pump();
    wire_expect("data 8:9 ");
}

Test(emmg_mux, every_version_works_and_annex_n_with_version_5_alone)
{
    static const uint8_t versions[] = {1, 2, 3, 5};
    struct simulcrypt_emmg_config config = {.client_id = 1};
    struct simulcrypt_emmg_ops none = {0};
    struct simulcrypt_emmg_session *session;
    for (size_t i = 0; i < 4; i++) {
        emmg_pair_stop();
        config.version = versions[i];
        config.format = versions[i] == 5 ? SIMULCRYPT_ANNEX_N : SIMULCRYPT_PACKETS;
        emmg_pair_start(&config);
        emmg_pair_add_stream(1);
        emmg_pair_connect();
        wire_pump();
        cr_assert(strstr(wire.diary, "stream_up 1"), "%s", wire.diary);
    }
    config.version = 3;
    config.format = SIMULCRYPT_ANNEX_N;
    cr_assert_eq(simulcrypt_emmg_session_create(&session, &config, &none, NULL), -EINVAL);
    config.version = 4;
    cr_assert_eq(simulcrypt_emmg_session_create(&session, &config, &none, NULL), -EINVAL);
    cr_assert_null(session);
}

/* The EMMG's end. */

static void bring_up(void)
{
    emmg_pair_add_stream(7);
    emmg_pair_connect();
    wire_client_hears(CHANNEL_STATUS ";" STREAM_STATUS);
    wire_client_said(CHANNEL_SETUP "; " STREAM_SETUP);
    wire_expect("channel_up stream_up 7 ");
}

Test(emmg_mux, provides_exactly_what_is_asked_for)
{
    struct simulcrypt_datagram two[2] = {{(const uint8_t *)"\x82\x70\x02\xAA\xBB", 5},
                                         {(const uint8_t *)"\x83\x70\x00", 3}};
    cr_assert_eq(simulcrypt_emmg_session_provide(emmg_pair.emmg, 7, two, 2), -ENOENT);
    emmg_pair_add_stream(7);
    cr_assert_eq(simulcrypt_emmg_session_provide(emmg_pair.emmg, 7, two, 2), -ENOTCONN);
    emmg_pair_stop();
    emmg_pair_start(NULL);
    bring_up();
    cr_assert_eq(simulcrypt_emmg_session_provide(emmg_pair.emmg, 7, two, 2), 0);
    wire_client_said(PROVISION("827002AABB") " datagram=837000");
    cr_assert_eq(simulcrypt_emmg_session_provide(emmg_pair.emmg, 7, two, 0), -EINVAL);
    two[1].size = 2;
    cr_assert_eq(simulcrypt_emmg_session_provide(emmg_pair.emmg, 7, two, 2), -EINVAL);
    wire_client_said("");
}

Test(emmg_mux, a_message_holds_65535_bytes)
{
    struct simulcrypt_datagram many[17];
    for (unsigned i = 0; i < 17; i++)
        many[i] = emmg_pair_section(4000, 0);
    bring_up();
    cr_assert_eq(simulcrypt_emmg_session_provide(emmg_pair.emmg, 7, many, 16), 0);
    cr_assert_eq(simulcrypt_emmg_session_provide(emmg_pair.emmg, 7, many, 17), -ENOSPC);
}

Test(emmg_mux, asks_for_bandwidth_and_hears_of_it)
{
    bring_up();
    cr_assert_eq(simulcrypt_emmg_session_request_bandwidth(emmg_pair.emmg, 8, 1, 1000), -ENOENT);
    cr_assert_eq(simulcrypt_emmg_session_request_bandwidth(emmg_pair.emmg, 7, 300, 1000), 0);
    wire_client_said("v3 stream_BW_request " STREAM " bandwidth=012C");
    cr_assert_eq(simulcrypt_emmg_session_request_bandwidth(emmg_pair.emmg, 7, 300, 1000), -EBUSY);
    wire_client_hears("v3 stream_BW_allocation " STREAM " bandwidth=0064");
    wire_expect("bandwidth 7: 100 ");
    wire_client_hears("v3 stream_BW_allocation " STREAM " bandwidth=0065");
    wire_expect("bandwidth 7: 101 ");
    cr_assert_eq(simulcrypt_emmg_session_request_bandwidth(emmg_pair.emmg, 7, 0, 1000), 0);
    wire_client_said("v3 stream_BW_request " STREAM);
    cr_assert_eq(emmg_pair_tick(0), 2000);
    cr_assert_eq(emmg_pair_tick(1000), UINT64_MAX);
    wire_expect("bandwidth 7: 0 ");
}

Test(emmg_mux, errors_are_reported_or_end_the_session)
{
    bring_up();
    wire_client_hears("v3 stream_error " STREAM " error_status=000F");
    wire_expect("stream_error 7: 000F ");
    wire_client_hears("v3 stream_error client_id=00000000 data_channel_id=0001 data_stream_id=0007 "
                      "error_status=0010");
    wire_expect("stream_error 7: 0010 ");
    wire_client_hears("v3 channel_error client_id=00000000 data_channel_id=0000 error_status=0001");
    wire_expect("channel_error 0001 ");
    wire_client_hears("v3 stream_error " STREAM " error_status=0005");
    wire_expect("fail ");
    cr_assert_str_eq(emmg_pair.why,
                     "the MUX reported a stream_error for stream 7: unknown data_stream_id (0x0005)");
    wire_client_said("");
}

Test(emmg_mux, tests_of_the_mux_are_answered_and_strangers_refused)
{
    bring_up();
    wire_client_hears("v3 channel_test " CHANNEL ";v3 stream_test " STREAM);
    wire_client_said(CHANNEL_STATUS "; " STREAM_STATUS);
    wire_client_hears("v3 stream_test " CHANNEL " data_stream_id=0001;"
                      "v3 channel_test client_id=00000009 data_channel_id=0001");
    wire_client_said("v3 stream_error " CHANNEL
                     " data_stream_id=0001 error_status=0005 error_information=0004; "
                     "v3 channel_error client_id=00000009 data_channel_id=0001 error_status=0006 "
                     "error_information=0003");
    cr_assert_eq(simulcrypt_emmg_session_test_stream(emmg_pair.emmg, 7), 0);
    wire_client_said("v3 stream_test " STREAM);
}

Test(emmg_mux, a_refused_version_is_told)
{
    emmg_pair_connect();
    wire_client_hears("v2 channel_error " CHANNEL " error_status=0002");
    wire_expect("fail ");
    cr_assert(simulcrypt_emmg_session_version_refused(emmg_pair.emmg));
    cr_assert_str_eq(emmg_pair.why,
                     "the MUX refused protocol version 3: unsupported protocol version (0x0002)");
}

Test(emmg_mux, a_mux_that_wants_another_format_is_left)
{
    emmg_pair_connect();
    wire_client_hears("v3 channel_status " CHANNEL " section_TSpkt_flag=01");
    wire_expect("fail ");
    cr_assert_str_eq(emmg_pair.why, "the MUX wants section_TSpkt_flag 1 instead of 0");
}

Test(emmg_mux, a_silent_mux_times_out)
{
    emmg_pair_add_stream(7);
    emmg_pair_connect();
    emmg_pair_tick(999);
    wire_expect("");
    emmg_pair_tick(1);
    wire_expect("fail ");
    cr_assert_str_eq(emmg_pair.why, "no channel_status within 1000 ms");
    emmg_pair_connect();
    wire_client_hears(CHANNEL_STATUS);
    emmg_pair_tick(1000);
    wire_expect("channel_up fail ");
    cr_assert_str_eq(emmg_pair.why, "no stream_status for stream 7 within 1000 ms");
}

Test(emmg_mux, ids_of_streams_are_unique)
{
    struct simulcrypt_data_stream stream = {.stream_id = 7};
    emmg_pair_add_stream(7);
    cr_assert_eq(simulcrypt_emmg_session_add_stream(emmg_pair.emmg, &stream), -EEXIST);
}

/* UDP, in both spellings. */

static int hear_udp(const char *script)
{
    static uint8_t bytes[1000];
    struct simulcrypt_message message;
    struct simulcrypt_data_provision provision;
    size_t size = script_encode(script, bytes, sizeof(bytes));
    int status = simulcrypt_data_provision_read(bytes, size, &message, &provision);
    return status ? status : simulcrypt_mux_session_udp(emmg_pair.mux, &message, wire.now_ms);
}

Test(emmg_mux, udp_data_comes_in_either_spelling_and_is_never_answered)
{
    emmg_pair.bandwidth = 1;
    open_stream();
    cr_assert_eq(hear_udp("v3 data_provision client_id=12340001 data_id=006B datagram=" SECTION), 0);
    cr_assert_eq(hear_udp(PROVISION(SECTION)), 0);
    wire_expect("data 7:5 data 7:5 ");
    cr_assert_eq(hear_udp(PROVISION("8270")), BASE_E_MALFORMED);
    cr_assert_eq(hear_udp("v3 data_provision client_id=12340001 data_id=006C datagram=" SECTION), -ENOENT);
    cr_assert_eq(hear_udp("v3 data_provision client_id=12340002 data_id=006B datagram=" SECTION), -ENOENT);
    cr_assert_eq(hear_udp("v3 channel_test " CHANNEL), BASE_E_MALFORMED);
    cr_assert_eq(hear_udp("v3 data_provision " STREAM), BASE_E_MALFORMED);
    for (unsigned i = 0; i < 30; i++)
        if (hear_udp(PROVISION(SECTION)))
            break;
    cr_assert_eq(hear_udp(PROVISION(SECTION)), -EDQUOT);
    wire_server_said("");
    emmg_pair_mux_restart();
    cr_assert_eq(hear_udp(PROVISION(SECTION)), -ENOENT);
}

Test(emmg_mux, udp_data_is_written_in_either_spelling)
{
    struct simulcrypt_datagram section = {(const uint8_t *)"\x82\x70\x02\xAA\xBB", 5};
    struct simulcrypt_data_provision provision = {
        .client_id = 0x12340001, .data_id = 107, .channel_id = 1, .stream_id = 7};
    uint8_t bytes[100];
    ptrdiff_t size = simulcrypt_data_provision_write(3, &provision, &section, 1, bytes, sizeof(bytes));
    cr_assert_str_eq(script_describe(bytes, (size_t)size),
                     "v3 data_provision client_id=12340001 data_id=006B datagram=" SECTION);
    provision.has_ids = true;
    size = simulcrypt_data_provision_write(3, &provision, &section, 1, bytes, sizeof(bytes));
    cr_assert_str_eq(script_describe(bytes, (size_t)size), PROVISION(SECTION));
    cr_assert_eq(simulcrypt_data_provision_write(3, &provision, &section, 1, bytes, 20), -ENOSPC);
    cr_assert_eq(simulcrypt_data_provision_write(3, &provision, &section, 0, bytes, 100), -EINVAL);
}

/* Both ends together. */

Test(emmg_mux, life_of_a_channel)
{
    struct simulcrypt_datagram section = emmg_pair_section(300, 0x42);
    emmg_pair_stop();
    emmg_pair_bring_up();
    cr_assert_eq(simulcrypt_emmg_session_request_bandwidth(emmg_pair.emmg, 7, 200, wire.now_ms), 0);
    wire_pump();
    wire_expect("asked 7: 200 of 0 bandwidth 7: 200 ");
    cr_assert_eq(simulcrypt_emmg_session_provide(emmg_pair.emmg, 7, &section, 1), 0);
    wire_pump();
    wire_expect("data 7:300 ");
    cr_assert_arr_eq(emmg_pair.data, section.bytes, 300);
    simulcrypt_emmg_session_disconnected(emmg_pair.emmg);
    emmg_pair_mux_restart();
    wire_expect("stream_closed 7 channel_closed 1 ");
    emmg_pair_connect();
    wire_pump();
    wire_expect("channel 1 of 12340001 format 0 channel_up stream 7 data_id 107 type 0 stream_up 7 ");
    simulcrypt_emmg_session_close(emmg_pair.emmg);
    wire_pump();
    wire_expect("stream_closed 7 channel_closed 1 close(channel_close) ");
}

Test(emmg_mux, works_in_pieces_of_any_size)
{
    struct simulcrypt_datagram section = emmg_pair_section(300, 0x42);
    for (size_t cut = 1; cut < 40; cut++) {
        emmg_pair_stop();
        emmg_pair_start(NULL);
        wire.cut = cut;
        emmg_pair_add_stream(7);
        emmg_pair_connect();
        wire_pump();
        cr_assert_eq(simulcrypt_emmg_session_provide(emmg_pair.emmg, 7, &section, 1), 0);
        wire_pump();
        cr_assert(strstr(wire.diary, "data 7:300 "));
    }
}

/* No answer to a damaged message may call for another for ever: the queues run empty, whatever was damaged.
 */
Test(emmg_mux, damaged_conversations_come_to_an_end)
{
    unsigned working = 0;
    srand(1);
    for (unsigned run = 0; run < 10000; run++) {
        struct simulcrypt_datagram section = emmg_pair_section(30, (uint8_t)run);
        emmg_pair_stop();
        emmg_pair_start(NULL);
        wire.cut = (size_t)(rand() % 40);
        wire.damage = run ? 1 + rand() % 200 : 0;
        emmg_pair_add_stream(7);
        emmg_pair_connect();
        wire_pump();
        simulcrypt_emmg_session_request_bandwidth(emmg_pair.emmg, 7, 100, wire.now_ms);
        simulcrypt_emmg_session_provide(emmg_pair.emmg, 7, &section, 1);
        wire_pump();
        simulcrypt_mux_session_test_channel(emmg_pair.mux);
        simulcrypt_emmg_session_close(emmg_pair.emmg);
        wire_pump();
        working += strstr(wire.diary, "data 7:30") != NULL;
    }
    cr_assert(working > 1000 && working < 10000, "%u of 10000 got their EMM through", working);
}
