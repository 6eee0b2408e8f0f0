/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "pair.h"
#include "script.h"
#include "simulcrypt/message.h"

#define CW_A "1111111111111111"
#define CW_B "2222222222222222"

static void start(void)
{
    pair_start(NULL);
}

TestSuite(ecmg_session, .init = start, .fini = pair_stop);

static const char channel_status[] =
    "v2 channel_status ECM_channel_id=0001 section_TSpkt_flag=00 delay_start=FF38 delay_stop=00C8 "
    "transition_delay_start=FE0C ECM_rep_period=0064 max_streams=0000 min_CP_duration=000A lead_CW=01 "
    "CW_per_msg=02 max_comp_time=0064";

static void open_channel(void)
{
    wire_server_hears("channel_setup ECM_channel_id=0001 Super_CAS_id=12345678");
    wire.diary[0] = 0;
    wire.to_client.size = 0;
}

static void open_stream(void)
{
    open_channel();
    wire_server_hears("stream_setup ECM_channel_id=0001 ECM_stream_id=0007 ECM_id=0009 "
                      "nominal_CP_duration=0064");
    wire.diary[0] = 0;
    wire.to_client.size = 0;
}

Test(ecmg_session, a_channel_and_a_stream_are_set_up)
{
    wire_server_hears("channel_setup ECM_channel_id=0001 Super_CAS_id=12345678");
    wire_expect("channel 1 of 12345678 ");
    wire_server_said(channel_status);
    pair.transfer_mode = true;
    wire_server_hears("stream_setup ECM_channel_id=0001 ECM_stream_id=0007 ECM_id=0009 "
                      "nominal_CP_duration=0064");
    wire_expect("stream 1/7 ecm_id 9 nominal 100 ");
    wire_server_said("v2 stream_status ECM_channel_id=0001 ECM_stream_id=0007 ECM_id=0009 "
                     "access_criteria_transfer_mode=01");
}

Test(ecmg_session, every_value_of_channel_status_reaches_the_wire)
{
    pair.status = (struct simulcrypt_channel_status){
        .packets = true,
        .has_ac_delay_start = true,
        .has_ac_delay_stop = true,
        .has_transition_delay_start = true,
        .has_transition_delay_stop = true,
        .ac_delay_start = -1,
        .ac_delay_stop = 2,
        .delay_start = INT16_MIN,
        .delay_stop = INT16_MAX,
        .transition_delay_start = -5,
        .transition_delay_stop = 6,
        .ecm_rep_period = 0x1234,
        .max_streams = 0x5678,
        .min_cp_duration = 0x9ABC,
        .lead_cw = 3,
        .cw_per_msg = 4,
        .max_comp_time = 0xDEF0,
    };
    wire_server_hears("channel_setup ECM_channel_id=FFFF Super_CAS_id=00000000");
    wire_server_said("v2 channel_status ECM_channel_id=FFFF section_TSpkt_flag=01 AC_delay_start=FFFF "
                     "AC_delay_stop=0002 delay_start=8000 delay_stop=7FFF transition_delay_start=FFFB "
                     "transition_delay_stop=0006 ECM_rep_period=1234 max_streams=5678 min_CP_duration=9ABC "
                     "lead_CW=03 CW_per_msg=04 max_comp_time=DEF0");
}

Test(ecmg_session, tests_are_answered_with_the_values_in_force)
{
    open_stream();
    pair.status.delay_start = 999; /* the owner's own copy: not in force */
    wire_server_hears("channel_test ECM_channel_id=0001");
    wire_server_said(channel_status);
    wire_server_hears("stream_test ECM_channel_id=0001 ECM_stream_id=0007");
    wire_server_said("v2 stream_status ECM_channel_id=0001 ECM_stream_id=0007 ECM_id=0009 "
                     "access_criteria_transfer_mode=00");
}

Test(ecmg_session, a_provision_is_answered_with_the_cws_in_order)
{
    open_stream();
    wire_server_hears("CW_provision ECM_channel_id=0001 ECM_stream_id=0007 CP_number=0005 "
                      "CP_CW_combination=0006" CW_B " CP_CW_combination=0005" CW_A
                      " CP_duration=0021 access_criteria=CAFE");
    wire_expect("provision 7/5+ac ");
    wire_server_said("v2 ECM_response ECM_channel_id=0001 ECM_stream_id=0007 CP_number=0005 "
                     "ECM_datagram=8070020005");
    cr_assert_eq(pair.last_provision.cp_duration, 0x21);
    cr_assert_eq(pair.last_provision.cw_count, 2);
    cr_assert_eq(pair.last_provision.cws[0].cp_number, 5);
    cr_assert_eq(pair.last_provision.cws[1].cp_number, 6);
    cr_assert_eq(pair.last_provision.cws[0].cw_size, 8);
    cr_assert_eq(pair.last_cws[0][0], 0x11);
    cr_assert_eq(pair.last_cws[1][7], 0x22);
    cr_assert_eq(pair.last_provision.access_criteria_size, 2);
    cr_assert_arr_eq(pair.last_criteria, "\xCA\xFE", 2);
}

Test(ecmg_session, absent_options_of_a_provision_are_told)
{
    open_stream();
    wire_server_hears("CW_provision ECM_channel_id=0001 ECM_stream_id=0007 CP_number=0005 "
                      "CP_CW_combination=0005" CW_A " CP_CW_combination=0006" CW_B);
    cr_assert_eq(pair.last_provision.cp_duration, 0);
    cr_assert(!pair.last_provision.has_access_criteria);
    wire_server_hears("CW_provision ECM_channel_id=0001 ECM_stream_id=0007 CP_number=0005 "
                      "CP_CW_combination=0005" CW_A " CP_CW_combination=0006" CW_B " access_criteria=");
    cr_assert(pair.last_provision.has_access_criteria);
    cr_assert_eq(pair.last_provision.access_criteria_size, 0);
}

static const char not_enough[] = "v2 stream_error ECM_channel_id=0001 ECM_stream_id=0007 error_status=000B "
                                 "error_information=0014";

static void provision(const char *cp_number, const char *cws, bool enough)
{
    char script[512] = "CW_provision ECM_channel_id=0001 ECM_stream_id=0007 CP_number=";
    strcat(strcat(strcat(script, cp_number), " "), cws);
    wire.diary[0] = 0;
    pair.silent = true;
    wire_server_hears(script);
    cr_assert_eq(wire.diary[0] != 0, enough, "%s", script);
    wire_server_said(enough ? "" : not_enough);
}

Test(ecmg_session, the_crypto_periods_of_a_provision_are_n1xy_to_nx)
{
    static const struct {
        uint8_t lead, per_msg;
        const char *cp_number, *cws;
        bool enough;
    } cases[] = {
        {0, 1, "0004", "CP_CW_combination=0004" CW_A, true},
        {0, 1, "0004", "CP_CW_combination=0005" CW_A, false},
        {0, 1, "0004", "CP_CW_combination=0004" CW_A " CP_CW_combination=0005" CW_B, true},
        {1, 2, "0004", "CP_CW_combination=0004" CW_A " CP_CW_combination=0005" CW_B, true},
        {1, 2, "0004", "CP_CW_combination=0004" CW_A, false},
        {1, 2, "0004", "CP_CW_combination=0003" CW_A " CP_CW_combination=0004" CW_B, false},
        {1, 2, "0004", "CP_CW_combination=0004" CW_A " CP_CW_combination=0004" CW_A, false},
        {1, 2, "FFFF", "CP_CW_combination=FFFF" CW_A " CP_CW_combination=0000" CW_B, true},
        {1, 2, "0000", "CP_CW_combination=0000" CW_A " CP_CW_combination=0001" CW_B, true},
        {1, 1, "0004", "CP_CW_combination=0005" CW_A, true},
        {1, 1, "0004", "CP_CW_combination=0004" CW_A, false},
        {1, 1, "FFFF", "CP_CW_combination=0000" CW_A, true},
        {1, 3, "0000",
         "CP_CW_combination=FFFF" CW_A " CP_CW_combination=0000" CW_B " CP_CW_combination=0001" CW_A, true},
        {1, 3, "0000",
         "CP_CW_combination=0000" CW_A " CP_CW_combination=0001" CW_B " CP_CW_combination=0002" CW_A, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        pair_stop();
        pair_start(NULL);
        pair.status.lead_cw = cases[i].lead;
        pair.status.cw_per_msg = cases[i].per_msg;
        open_stream();
        provision(cases[i].cp_number, cases[i].cws, cases[i].enough);
    }
}

Test(ecmg_session, two_cws_for_one_crypto_period_are_refused_unless_equal)
{
    open_stream();
    provision("0000",
              "CP_CW_combination=0000" CW_A " CP_CW_combination=0001" CW_B " CP_CW_combination=0000" CW_A,
              true);
    wire_server_hears(
        "CW_provision ECM_channel_id=0001 ECM_stream_id=0007 CP_number=0000 CP_CW_combination=0000" CW_A
        " CP_CW_combination=0001" CW_B " CP_CW_combination=0000" CW_B);
    wire_server_said("v2 stream_error ECM_channel_id=0001 ECM_stream_id=0007 error_status=0011 "
                     "error_information=0014");
}

/* Annex D: an ECM made of an encrypted CW would open nothing. */
Test(ecmg_session, encrypted_cws_are_refused)
{
    open_stream();
    wire_server_hears("CW_provision ECM_channel_id=0001 ECM_stream_id=0007 CP_number=0000 CW_encryption=01 "
                      "CP_CW_combination=0000" CW_A " CP_CW_combination=0001" CW_B);
    wire_server_said("v2 stream_error ECM_channel_id=0001 ECM_stream_id=0007 error_status=000E "
                     "error_information=0018");
    wire_expect("");
}

Test(ecmg_session, access_criteria_are_needed_each_time_in_transfer_mode_1)
{
    pair.transfer_mode = true;
    open_stream();
    wire_server_hears("CW_provision ECM_channel_id=0001 ECM_stream_id=0007 CP_number=0000 "
                      "CP_CW_combination=0000" CW_A " CP_CW_combination=0001" CW_B);
    wire_server_said("v2 stream_error ECM_channel_id=0001 ECM_stream_id=0007 error_status=0010 "
                     "error_information=000D");
}

/* Some SCSs send those of the first two crypto-periods back to back. */
Test(ecmg_session, provisions_may_be_outstanding_and_answered_in_any_order)
{
    pair.silent = true;
    open_stream();
    wire_server_hears("CW_provision ECM_channel_id=0001 ECM_stream_id=0007 CP_number=0000 "
                      "CP_CW_combination=0000" CW_A " CP_CW_combination=0001" CW_B ";"
                      "CW_provision ECM_channel_id=0001 ECM_stream_id=0007 CP_number=0001 "
                      "CP_CW_combination=0001" CW_A " CP_CW_combination=0002" CW_B);
    wire_expect("provision 7/0 provision 7/1 ");
    wire_server_said("");
    cr_assert_eq(simulcrypt_ecmg_session_ecm_response(pair.ecmg, 7, 1, (const uint8_t *)"\x80\x70", 2), 0);
    cr_assert_eq(simulcrypt_ecmg_session_ecm_response(pair.ecmg, 7, 0, NULL, 0), 0);
    wire_server_said(
        "v2 ECM_response ECM_channel_id=0001 ECM_stream_id=0007 CP_number=0001 ECM_datagram=8070; "
        "v2 ECM_response ECM_channel_id=0001 ECM_stream_id=0007 CP_number=0000 ECM_datagram=");
}

Test(ecmg_session, an_answer_for_a_closed_stream_or_over_the_size_is_dropped)
{
    static uint8_t large[SIMULCRYPT_ECM_DATAGRAM_MAX + 1];
    open_stream();
    cr_assert_eq(simulcrypt_ecmg_session_ecm_response(pair.ecmg, 8, 0, large, 5), -ENOENT);
    cr_assert_eq(simulcrypt_ecmg_session_ecm_response(pair.ecmg, 7, 0, large, sizeof(large)), -EMSGSIZE);
    cr_assert_eq(simulcrypt_ecmg_session_ecm_response(pair.ecmg, 7, 0, large, sizeof(large) - 1), 0);
    wire.to_client.size = 0;
    wire_server_hears("stream_close_request ECM_channel_id=0001 ECM_stream_id=0007");
    wire_server_said("v2 stream_close_response ECM_channel_id=0001 ECM_stream_id=0007");
    wire_expect("stream_closed 7 ");
    cr_assert_eq(simulcrypt_ecmg_session_ecm_response(pair.ecmg, 7, 0, large, 5), -ENOENT);
    cr_assert_eq(simulcrypt_ecmg_session_stream_error(pair.ecmg, 7, 0x000B), -ENOENT);
    wire_server_said("");
}

Test(ecmg_session, answers_bear_the_version_of_the_request)
{
    wire_server_hears("v3 channel_setup ECM_channel_id=0001 Super_CAS_id=12345678;"
                      "v3 channel_test ECM_channel_id=0002;"
                      "v2 channel_test ECM_channel_id=0002;"
                      "v7 channel_test ECM_channel_id=0001");
    cr_assert(!memcmp(wire.to_client.bytes, "\x03\x00\x03", 3));
    size_t status_size = SIMULCRYPT_HEADER_SIZE + base_load_u16(wire.to_client.bytes + 3);
    memmove(wire.to_client.bytes, wire.to_client.bytes + status_size, wire.to_client.size -= status_size);
    wire_server_said("v3 channel_error ECM_channel_id=0002 error_status=0006 error_information=000E; "
                     "v2 channel_error ECM_channel_id=0002 error_status=0006 error_information=000E; "
                     "v7 channel_error ECM_channel_id=0001 error_status=0002 error_information=0000");
}

Test(ecmg_session, version_1_goes_without_ecm_id)
{
    wire_server_hears("v1 channel_setup ECM_channel_id=0001 Super_CAS_id=12345678");
    wire.to_client.size = 0;
    wire_server_hears("v1 stream_setup ECM_channel_id=0001 ECM_stream_id=0007 nominal_CP_duration=0064");
    wire_server_said(
        "v1 stream_status ECM_channel_id=0001 ECM_stream_id=0007 access_criteria_transfer_mode=00");
    wire_expect("channel 1 of 12345678 stream 1/7 ecm_id 0 nominal 100 ");
}

Test(ecmg_session, unknown_messages_and_parameters_are_passed_over)
{
    open_stream();
    wire_server_hears("0x0042 0x9000=00;0x9000;0xFFFF 0x0001=00;0x0300;0x0301;0x0302");
    wire_server_said("");
    wire_expect("");
    wire_server_hears("stream_test 0x8888=1234 ECM_stream_id=0007 0x001A=00 ECM_channel_id=0001");
    wire_server_said("v2 stream_status ECM_channel_id=0001 ECM_stream_id=0007 ECM_id=0009 "
                     "access_criteria_transfer_mode=00");
}

Test(ecmg_session, unknown_channels_and_streams_are_refused)
{
    wire_server_hears("channel_test ECM_channel_id=0001");
    wire_server_said("v2 channel_error ECM_channel_id=0001 error_status=0006 error_information=000E");
    wire_server_hears(
        "stream_setup ECM_channel_id=0001 ECM_stream_id=0001 ECM_id=0001 nominal_CP_duration=0064");
    wire_server_said("v2 channel_error ECM_channel_id=0001 error_status=0006 error_information=000E");
    open_stream();
    wire_server_hears("stream_test ECM_channel_id=0002 ECM_stream_id=0007");
    wire_server_said("v2 channel_error ECM_channel_id=0002 error_status=0006 error_information=000E");
    wire_server_hears(
        "stream_test ECM_channel_id=0001 ECM_stream_id=0008;"
        "stream_close_request ECM_channel_id=0001 ECM_stream_id=0009;"
        "CW_provision ECM_channel_id=0001 ECM_stream_id=000A CP_number=0000 CP_CW_combination=0000" CW_A);
    wire_server_said(
        "v2 stream_error ECM_channel_id=0001 ECM_stream_id=0008 error_status=0007 error_information=000F; "
        "v2 stream_error ECM_channel_id=0001 ECM_stream_id=0009 error_status=0007 error_information=000F; "
        "v2 stream_error ECM_channel_id=0001 ECM_stream_id=000A error_status=0007 error_information=000F");
    wire_expect("");
}

Test(ecmg_session, one_channel_per_connection)
{
    open_channel();
    wire_server_hears("channel_setup ECM_channel_id=0001 Super_CAS_id=12345678");
    wire_server_said("v2 channel_error ECM_channel_id=0001 error_status=0013 error_information=000E");
    wire_server_hears("channel_setup ECM_channel_id=0002 Super_CAS_id=12345678");
    wire_server_said("v2 channel_error ECM_channel_id=0002 error_status=0001 error_information=000E");
    wire_expect("");
    wire_server_hears("channel_test ECM_channel_id=0001");
    wire_server_said(channel_status);
}

Test(ecmg_session, a_refused_channel_can_be_asked_for_again)
{
    pair.channel_error = SIMULCRYPT_ECMG_UNKNOWN_SUPER_CAS_ID;
    wire_server_hears("channel_setup ECM_channel_id=0001 Super_CAS_id=12345678");
    wire_server_said("v2 channel_error ECM_channel_id=0001 error_status=0005");
    pair.channel_error = 0;
    wire_server_hears("channel_setup ECM_channel_id=0001 Super_CAS_id=12345678");
    wire_server_said(channel_status);
}

Test(ecmg_session, streams_are_refused_for_their_reasons)
{
    pair.status.max_streams = 2;
    open_stream();
    wire_server_hears(
        "stream_setup ECM_channel_id=0001 ECM_stream_id=0007 ECM_id=0001 nominal_CP_duration=0064");
    wire_server_said("v2 stream_error ECM_channel_id=0001 ECM_stream_id=0007 error_status=0014 "
                     "error_information=000F");
    wire_server_hears(
        "stream_setup ECM_channel_id=0001 ECM_stream_id=0008 ECM_id=0001 nominal_CP_duration=0009");
    wire_server_said("v2 stream_error ECM_channel_id=0001 ECM_stream_id=0008 error_status=0011 "
                     "error_information=0010");
    pair.stream_error = SIMULCRYPT_ECMG_ECM_ID_IN_USE;
    wire_server_hears(
        "stream_setup ECM_channel_id=0001 ECM_stream_id=0008 ECM_id=0009 nominal_CP_duration=000A");
    wire_server_said("v2 stream_error ECM_channel_id=0001 ECM_stream_id=0008 error_status=0015");
    wire_server_hears("stream_test ECM_channel_id=0001 ECM_stream_id=0008");
    wire_server_said("v2 stream_error ECM_channel_id=0001 ECM_stream_id=0008 error_status=0007 "
                     "error_information=000F");
    pair.stream_error = 0;
    wire_server_hears(
        "stream_setup ECM_channel_id=0001 ECM_stream_id=0001 ECM_id=0009 nominal_CP_duration=000A");
    wire.to_client.size = 0;
    wire_server_hears(
        "stream_setup ECM_channel_id=0001 ECM_stream_id=0002 ECM_id=0001 nominal_CP_duration=0064");
    wire_server_said("v2 stream_error ECM_channel_id=0001 ECM_stream_id=0002 error_status=0009 "
                     "error_information=000F");
}

Test(ecmg_session, many_streams_in_any_order)
{
    open_channel();
    for (unsigned i = 0; i < 1000; i++) {
        char script[200];
        snprintf(script, sizeof(script),
                 "stream_setup ECM_channel_id=0001 ECM_stream_id=%04X ECM_id=0001 nominal_CP_duration=0064",
                 i * 40503 & 0xFFFF);
        wire_server_hears(script);
        wire.diary[0] = 0;
    }
    cr_assert_eq(wire.to_client.size, 1000 * 28);
    wire.to_client.size = 0;
    for (unsigned i = 0; i < 1000; i++)
        cr_assert_eq(simulcrypt_ecmg_session_ecm_response(pair.ecmg, (uint16_t)(i * 40503), 0, NULL, 0), 0);
}

Test(ecmg_session, the_owner_refuses_a_provision_now_or_later)
{
    open_stream();
    pair.provision_error = SIMULCRYPT_ECMG_OUT_OF_RESOURCES;
    wire_server_hears("CW_provision ECM_channel_id=0001 ECM_stream_id=0007 CP_number=0000 "
                      "CP_CW_combination=0000" CW_A " CP_CW_combination=0001" CW_B);
    wire_server_said("v2 stream_error ECM_channel_id=0001 ECM_stream_id=0007 error_status=000D");
    cr_assert_eq(simulcrypt_ecmg_session_stream_error(pair.ecmg, 7, SIMULCRYPT_ECMG_OUT_OF_STORAGE), 0);
    wire_server_said("v2 stream_error ECM_channel_id=0001 ECM_stream_id=0007 error_status=000C");
    wire.diary[0] = 0;
    cr_assert_eq(simulcrypt_ecmg_session_stream_error(pair.ecmg, 7, SIMULCRYPT_ECMG_UNRECOVERABLE), 0);
    wire_expect("stream_closed 7 ");
}

Test(ecmg_session, channel_close_is_not_answered)
{
    open_stream();
    wire_server_hears("channel_close ECM_channel_id=0001;channel_test ECM_channel_id=0001");
    wire_server_said("");
    wire_expect("stream_closed 7 channel_closed 1 close(channel_close) ");
    cr_assert_eq(simulcrypt_ecmg_session_ecm_response(pair.ecmg, 7, 0, NULL, 0), -ENOENT);
    wire_server_hears("channel_test ECM_channel_id=0001");
    wire_server_said("");
}

Test(ecmg_session, three_invalid_messages_in_a_row_close)
{
    open_stream();
    wire_server_hears("channel_test;channel_test ECM_channel_id=01;channel_test ECM_channel_id=0001");
    wire.to_client.size = 0;
    wire_server_hears("channel_test;stream_setup ECM_channel_id=0001 ECM_stream_id=0009");
    wire_server_said("v2 channel_error ECM_channel_id=0000 error_status=0010 error_information=000E; "
                     "v2 channel_error ECM_channel_id=0001 error_status=0010 error_information=0019");
    wire_expect("");
    wire_server_hears("v9 channel_test ECM_channel_id=0001;channel_test ECM_channel_id=0001");
    wire_server_said("v9 channel_error ECM_channel_id=0001 error_status=0002 error_information=0000");
    wire_expect("stream_closed 7 channel_closed 1 close(three invalid messages in a row) ");
}

Test(ecmg_session, what_is_wrong_with_a_stream_s_message_goes_to_the_stream)
{
    open_stream();
    wire_server_hears("CW_provision ECM_channel_id=0001 ECM_stream_id=0007 CP_number=0000");
    wire_server_said("v2 stream_error ECM_channel_id=0001 ECM_stream_id=0007 error_status=0010 "
                     "error_information=0014");
    wire_server_hears("ECM_response ECM_channel_id=0001 ECM_stream_id=0007 CP_number=0000 ECM_datagram=");
    wire_server_said("v2 stream_error ECM_channel_id=0001 ECM_stream_id=0007 error_status=0001 "
                     "error_information=0001");
}

Test(ecmg_session, an_error_is_never_answered_however_broken)
{
    open_stream();
    wire_server_hears("channel_error ECM_channel_id=0001 error_status=0001;"
                      "stream_error ECM_channel_id=0001 ECM_stream_id=0099 error_status=0007;"
                      "channel_error ECM_channel_id=0042 error_status=0006;"
                      "v77 channel_error ECM_channel_id=0001 error_status=0002;"
                      "channel_error ECM_channel_id=0001;"
                      "stream_error error_status=01 ECM_stream_id=0007");
    wire_server_said("");
    wire_expect("");
    wire_server_hears("channel_error");
    wire_server_said("");
    wire_expect("stream_closed 7 channel_closed 1 close(three invalid messages in a row) ");
}

Test(ecmg_session, an_unrecoverable_error_closes_stream_or_channel)
{
    open_stream();
    wire_server_hears(
        "stream_error ECM_channel_id=0001 ECM_stream_id=0007 error_status=0001 error_status=7001");
    wire_expect("stream_closed 7 ");
    wire_server_hears("channel_error ECM_channel_id=0001 error_status=7001 error_information=414243");
    wire_expect("channel_closed 1 close(the SCS reported an unrecoverable error of the channel) ");
    wire_server_said("");
}

Test(ecmg_session, statuses_of_the_scs_are_taken_in_silence)
{
    open_stream();
    wire_server_hears(channel_status);
    wire_server_hears("stream_status ECM_channel_id=0001 ECM_stream_id=0007 ECM_id=0009 "
                      "access_criteria_transfer_mode=00");
    wire_server_said("");
}

Test(ecmg_session, a_message_over_the_limit_is_refused_and_passed_over)
{
    static uint8_t bytes[60000] = {2, 0x00, 0x02, (60000 - 5) >> 8, (60000 - 5) & 0xFF};
    open_channel();
    simulcrypt_ecmg_session_input(pair.ecmg, bytes, sizeof(bytes), 0);
    wire_server_said("v2 channel_error ECM_channel_id=0000 error_status=0004 error_information=0003");
    wire_server_hears("channel_test ECM_channel_id=0001");
    wire_server_said(channel_status);
    bytes[2] = 0x05; /* channel_error: never answered */
    simulcrypt_ecmg_session_input(pair.ecmg, bytes, sizeof(bytes), 0);
    bytes[2] = 0x42; /* unknown: ignored */
    simulcrypt_ecmg_session_input(pair.ecmg, bytes, sizeof(bytes), 0);
    wire_server_said("");
}

Test(ecmg_session, hundreds_of_empty_parameters_are_passed_over)
{
    static char script[8000] = "channel_test";
    open_channel();
    for (unsigned i = 0; i < 300; i++)
        strcat(script, " 0x9000=");
    strcat(script, " ECM_channel_id=0001");
    wire_server_hears(script);
    wire_server_said(channel_status);
}

Test(ecmg_session, destroying_closes_what_is_open)
{
    open_stream();
    simulcrypt_ecmg_session_destroy(pair.ecmg);
    pair.ecmg = NULL;
    wire_expect("stream_closed 7 channel_closed 1 ");
    simulcrypt_ecmg_session_destroy(NULL);
}

/* A status that no provision could satisfy is the owner's fault, and must not be put into force. */
Test(ecmg_session, an_impossible_status_is_not_sent)
{
    pair.status.cw_per_msg = 0;
    wire_server_hears("channel_setup ECM_channel_id=0001 Super_CAS_id=12345678");
    wire_server_said("v2 channel_error ECM_channel_id=0001 error_status=7000");
    pair.status.cw_per_msg = SIMULCRYPT_CWS_MAX + 1;
    wire_server_hears("channel_setup ECM_channel_id=0001 Super_CAS_id=12345678");
    wire_server_said("v2 channel_error ECM_channel_id=0001 error_status=7000");
}

Test(ecmg_session, the_scs_is_tested)
{
    cr_assert_eq(simulcrypt_ecmg_session_test_channel(pair.ecmg), -ENOTCONN);
    open_stream();
    cr_assert_eq(simulcrypt_ecmg_session_test_channel(pair.ecmg), 0);
    cr_assert_eq(simulcrypt_ecmg_session_test_stream(pair.ecmg, 7), 0);
    cr_assert_eq(simulcrypt_ecmg_session_test_stream(pair.ecmg, 8), -ENOENT);
    wire_server_said("v2 channel_test ECM_channel_id=0001; "
                     "v2 stream_test ECM_channel_id=0001 ECM_stream_id=0007");
}

Test(ecmg_session, version_5_is_understood)
{
    wire_server_hears("v5 channel_setup ECM_channel_id=0001 Super_CAS_id=12345678");
    cr_assert(!memcmp(wire.to_client.bytes, "\x05\x00\x03", 3));
}

/* Half a message, then silence: nothing happens, and nothing is lost when the rest comes after all. */
Test(ecmg_session, half_a_message_waits_for_its_rest)
{
    uint8_t bytes[100];
    size_t size = script_encode("channel_test ECM_channel_id=0001", bytes, sizeof(bytes));
    open_channel();
    for (size_t half = 1; half < size; half++) {
        wire.server_input(bytes, half);
        wire_server_said("");
        wire.server_input(bytes + half, size - half);
        wire_server_said(channel_status);
    }
    for (size_t i = 0; i < size; i++)
        wire.server_input(bytes + i, 1);
    wire_server_said(channel_status);
}

/* An error may bear any version, and has no say in that of the answers. */
Test(ecmg_session, an_error_does_not_change_the_version)
{
    open_stream();
    wire_server_hears("v77 channel_error ECM_channel_id=0001 error_status=0002");
    cr_assert_eq(simulcrypt_ecmg_session_ecm_response(pair.ecmg, 7, 0, NULL, 0), 0);
    wire_server_said("v2 ECM_response ECM_channel_id=0001 ECM_stream_id=0007 CP_number=0000 ECM_datagram=");
}
