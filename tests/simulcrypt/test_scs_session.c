/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "pair.h"
#include "script.h"

static void start(void)
{
    pair_start(NULL);
}

TestSuite(scs_session, .init = start, .fini = pair_stop);

#define CHANNEL_SETUP "v2 channel_setup ECM_channel_id=0001 Super_CAS_id=12345678"
#define STREAM_SETUP                                                                                         \
    "v2 stream_setup ECM_channel_id=0001 ECM_stream_id=0007 ECM_id=006B nominal_CP_duration=0064"
#define STATUS_WITH(lead, per_msg)                                                                           \
    "channel_status ECM_channel_id=0001 section_TSpkt_flag=00 delay_start=FF38 delay_stop=00C8 "             \
    "ECM_rep_period=0064 max_streams=0000 min_CP_duration=000A lead_CW=" lead " CW_per_msg=" per_msg         \
    " max_comp_time=0064"
#define STATUS STATUS_WITH("01", "02")
#define STREAM_STATUS(mode)                                                                                  \
    "stream_status ECM_channel_id=0001 ECM_stream_id=0007 ECM_id=006B access_criteria_transfer_mode=" mode
#define ECM_RESPONSE(cp, ecm)                                                                                \
    "ECM_response ECM_channel_id=0001 ECM_stream_id=0007 CP_number=" cp " ECM_datagram=" ecm

/* Up to stream_up, with what was sent and noted forgotten. */
static void bring_up(const char *transfer_mode)
{
    char status[200] = "stream_status ECM_channel_id=0001 ECM_stream_id=0007 ECM_id=006B "
                       "access_criteria_transfer_mode=";
    pair_add_stream(7);
    pair_connect();
    wire_client_hears(STATUS);
    wire_client_hears(strcat(status, transfer_mode));
    wire_expect("channel_up stream_up 7 ");
    wire.to_server.size = 0;
}

Test(scs_session, sets_up_channel_then_streams)
{
    pair_add_stream(7);
    wire_client_said("");
    pair_connect();
    wire_client_said(CHANNEL_SETUP);
    wire_client_hears(STATUS);
    wire_expect("channel_up ");
    wire_client_said(STREAM_SETUP);
    wire_client_hears(STREAM_STATUS("00"));
    wire_expect("stream_up 7 ");
    wire_client_said("");
    pair_add_stream(3);
    wire_client_said("v2 stream_setup ECM_channel_id=0001 ECM_stream_id=0003 ECM_id=0067 "
                     "nominal_CP_duration=0064");
}

Test(scs_session, reads_every_value_of_channel_status)
{
    const struct simulcrypt_channel_status *s = &pair.seen_status;
    pair_connect();
    wire_client_hears("channel_status max_comp_time=DEF0 CW_per_msg=04 lead_CW=03 min_CP_duration=9ABC "
                      "max_streams=5678 ECM_rep_period=1234 transition_delay_stop=0006 "
                      "transition_delay_start=FFFB delay_stop=7FFF delay_start=8000 AC_delay_stop=0002 "
                      "AC_delay_start=FFFF section_TSpkt_flag=01 ECM_channel_id=0001");
    wire_expect("channel_up ");
    cr_assert(s->packets);
    cr_assert(s->has_ac_delay_start && s->has_ac_delay_stop);
    cr_assert(s->has_transition_delay_start && s->has_transition_delay_stop);
    cr_assert_eq(s->ac_delay_start, -1);
    cr_assert_eq(s->ac_delay_stop, 2);
    cr_assert_eq(s->delay_start, INT16_MIN);
    cr_assert_eq(s->delay_stop, INT16_MAX);
    cr_assert_eq(s->transition_delay_start, -5);
    cr_assert_eq(s->transition_delay_stop, 6);
    cr_assert_eq(s->ecm_rep_period, 0x1234);
    cr_assert_eq(s->max_streams, 0x5678);
    cr_assert_eq(s->min_cp_duration, 0x9ABC);
    cr_assert_eq(s->lead_cw, 3);
    cr_assert_eq(s->cw_per_msg, 4);
    cr_assert_eq(s->max_comp_time, 0xDEF0);
}

Test(scs_session, absent_delays_are_told_as_absent)
{
    pair_connect();
    wire_client_hears(STATUS);
    cr_assert(!pair.seen_status.has_ac_delay_start && !pair.seen_status.has_ac_delay_stop);
    cr_assert(!pair.seen_status.has_transition_delay_start && !pair.seen_status.has_transition_delay_stop);
    cr_assert_eq(pair.seen_status.delay_start, -200);
}

Test(scs_session, nominal_duration_is_raised_to_the_minimum)
{
    pair_add_stream(7);
    pair_connect();
    wire.to_server.size = 0;
    wire_client_hears("channel_status ECM_channel_id=0001 section_TSpkt_flag=00 delay_start=0000 "
                      "delay_stop=0000 ECM_rep_period=0064 max_streams=0000 min_CP_duration=0065 lead_CW=01 "
                      "CW_per_msg=02 max_comp_time=0064");
    wire_client_said("v2 stream_setup ECM_channel_id=0001 ECM_stream_id=0007 ECM_id=006B "
                     "nominal_CP_duration=0065");
}

Test(scs_session, version_1_has_no_ecm_id_and_version_3_bears_its_number)
{
    struct simulcrypt_scs_config config = {.version = 1, .channel_id = 1};
    struct simulcrypt_scs_session *none;
    struct simulcrypt_scs_ops ops = {0};
    pair_stop();
    pair_start(&config);
    pair_add_stream(7);
    pair_connect();
    wire_client_hears("v1 " STATUS);
    wire_client_said("v1 channel_setup ECM_channel_id=0001 Super_CAS_id=00000000; "
                     "v1 stream_setup ECM_channel_id=0001 ECM_stream_id=0007 nominal_CP_duration=0064");
    wire_client_hears(
        "v1 stream_status ECM_channel_id=0001 ECM_stream_id=0007 access_criteria_transfer_mode=00");
    wire_client_hears("v1 stream_test ECM_channel_id=0001 ECM_stream_id=0007");
    wire_client_said(
        "v1 stream_status ECM_channel_id=0001 ECM_stream_id=0007 access_criteria_transfer_mode=00");
    pair_stop();
    config.version = 3;
    pair_start(&config);
    pair_connect();
    wire_client_said("v3 channel_setup ECM_channel_id=0001 Super_CAS_id=00000000");
    for (unsigned version = 0; version < 256; version++)
        if (version < 1 || version == 4 || version > 5) {
            config.version = (uint8_t)version;
            cr_assert_eq(simulcrypt_scs_session_create(&none, &config, &ops, NULL), -EINVAL);
            cr_assert_null(none);
        }
}

Test(scs_session, a_provision_is_exactly_what_is_asked_for)
{
    static const uint8_t cw[8] = {0x11, 0x22, 0x33, 0x66, 0x44, 0x55, 0x66, 0xFF};
    struct simulcrypt_cw_provision provision = {
        .cp_number = 65535,
        .cp_duration = 0x70,
        .cw_count = 2,
        .cws = {{65535, 8, cw}, {0, 8, cw}},
    };
    bring_up("00");
    cr_assert_eq(simulcrypt_scs_session_provision(pair.scs, 7, &provision, 0), 0);
    wire_client_said("v2 CW_provision ECM_channel_id=0001 ECM_stream_id=0007 CP_number=FFFF "
                     "CP_CW_combination=FFFF11223366445566FF CP_CW_combination=000011223366445566FF "
                     "CP_duration=0070 access_criteria=010203");
    wire_client_hears(ECM_RESPONSE("FFFF", "80700155"));
    wire_expect("ecm 7/65535 ");
    cr_assert_eq(pair.ecm_size, 4);
    cr_assert_arr_eq(pair.ecm, "\x80\x70\x01\x55", 4);

    provision.cws[1].cp_number = 1;
    cr_assert_eq(simulcrypt_scs_session_provision(pair.scs, 7, &provision, 0), -EINVAL);
    provision.cws[1].cp_number = 0;
    provision.cw_count = 1;
    cr_assert_eq(simulcrypt_scs_session_provision(pair.scs, 7, &provision, 0), -EINVAL);
    provision.cw_count = 3;
    cr_assert_eq(simulcrypt_scs_session_provision(pair.scs, 7, &provision, 0), -EINVAL);
    provision.cw_count = 2;
    provision.cws[0].cw_size = 0;
    cr_assert_eq(simulcrypt_scs_session_provision(pair.scs, 7, &provision, 0), -EINVAL);
    provision.cws[0].cw_size = 8;
    provision.access_criteria_size = SIMULCRYPT_ACCESS_CRITERIA_MAX + 1;
    cr_assert_eq(simulcrypt_scs_session_provision(pair.scs, 7, &provision, 0), -EINVAL);
    provision.access_criteria_size = 0;
    cr_assert_eq(simulcrypt_scs_session_provision(pair.scs, 7, &provision, 0), 0);
}

Test(scs_session, the_largest_provision_fits)
{
    static uint8_t cw[255];
    static uint8_t criteria[SIMULCRYPT_ACCESS_CRITERIA_MAX];
    struct simulcrypt_cw_provision provision = {
        .cp_number = 1, .cp_duration = 1, .cw_count = SIMULCRYPT_CWS_MAX};
    pair_add_stream(7);
    pair_connect();
    wire_client_hears(STATUS_WITH("07", "08"));
    wire_client_hears(STREAM_STATUS("00"));
    wire.to_server.size = 0;
    for (unsigned i = 0; i < SIMULCRYPT_CWS_MAX; i++)
        provision.cws[i] = (struct simulcrypt_cp_cw){(uint16_t)(1 + i), sizeof(cw), cw};
    provision.has_access_criteria = true;
    provision.access_criteria = criteria;
    provision.access_criteria_size = sizeof(criteria);
    cr_assert_eq(simulcrypt_scs_session_provision(pair.scs, 7, &provision, 0), 0);
    cr_assert_eq(wire.to_server.size, 5 + 4 * 6 + 8 * 261 + 4 + sizeof(criteria));
}

Test(scs_session, one_provision_is_outstanding_per_stream)
{
    bring_up("00");
    cr_assert_eq(pair_provision(8, 0), -ENOENT);
    cr_assert_eq(pair_provision(7, 0), 0);
    cr_assert_eq(pair_provision(7, 1), -EBUSY);
    wire_client_hears(ECM_RESPONSE("0000", ""));
    wire_expect("ecm 7/0 ");
    cr_assert_eq(pair.ecm_size, 0);
    cr_assert_eq(pair_provision(7, 1), 0);
    simulcrypt_scs_session_disconnected(pair.scs);
    cr_assert_eq(pair_provision(7, 2), -ENOTCONN);
}

Test(scs_session, not_connected_before_stream_up)
{
    pair_add_stream(7);
    cr_assert_eq(pair_provision(7, 0), -ENOTCONN);
    pair_connect();
    cr_assert_eq(pair_provision(7, 0), -ENOTCONN);
    wire_client_hears(STATUS);
    cr_assert_eq(pair_provision(7, 0), -ENOTCONN);
    wire_client_hears(STREAM_STATUS("00"));
    cr_assert_eq(pair_provision(7, 0), 0);
}

static bool last_provision_had_criteria(void)
{
    bool had = strstr(script_describe(wire.to_server.bytes, wire.to_server.size), "access_criteria=") != NULL;
    wire.to_server.size = 0;
    return had;
}

Test(scs_session, access_criteria_go_with_the_first_provision)
{
    bring_up("00");
    pair_provision(7, 0);
    cr_assert(last_provision_had_criteria());
    wire_client_hears(ECM_RESPONSE("0000", "80"));
    pair_provision(7, 1);
    cr_assert(!last_provision_had_criteria());
}

Test(scs_session, access_criteria_are_repeated_until_a_provision_with_them_is_answered)
{
    bring_up("00");
    pair_provision(7, 0);
    cr_assert(last_provision_had_criteria());
    wire_client_hears("stream_error ECM_channel_id=0001 ECM_stream_id=0007 error_status=000D");
    pair_provision(7, 0);
    cr_assert(last_provision_had_criteria());
}

Test(scs_session, access_criteria_go_with_every_provision_in_transfer_mode_1)
{
    bring_up("01");
    pair_provision(7, 0);
    cr_assert(last_provision_had_criteria());
    wire_client_hears(ECM_RESPONSE("0000", "80"));
    pair_provision(7, 1);
    cr_assert(last_provision_had_criteria());
}

Test(scs_session, access_criteria_are_sent_anew_after_a_reconnection)
{
    bring_up("00");
    pair_provision(7, 0);
    wire_client_hears(ECM_RESPONSE("0000", "80"));
    simulcrypt_scs_session_disconnected(pair.scs);
    wire.to_server.size = 0;
    pair_connect();
    wire_client_said(CHANNEL_SETUP);
    wire_client_hears(STATUS);
    wire_client_said(STREAM_SETUP);
    wire_client_hears(STREAM_STATUS("00"));
    wire_expect("ecm 7/0 channel_up stream_up 7 ");
    cr_assert_eq(pair_provision(7, 0), 0);
    cr_assert(last_provision_had_criteria());
}

Test(scs_session, changed_access_criteria_replace_those_of_the_stream)
{
    static const uint8_t cw[8];
    struct simulcrypt_cw_provision provision = {.cp_number = 1,
                                                .cw_count = 2,
                                                .cws = {{1, 8, cw}, {2, 8, cw}},
                                                .has_access_criteria = true,
                                                .access_criteria = (const uint8_t *)"\xAA",
                                                .access_criteria_size = 1};
    bring_up("01");
    pair_provision(7, 0);
    wire_client_hears(ECM_RESPONSE("0000", "80"));
    wire.to_server.size = 0;
    cr_assert_eq(simulcrypt_scs_session_provision(pair.scs, 7, &provision, 0), 0);
    wire_client_said("v2 CW_provision ECM_channel_id=0001 ECM_stream_id=0007 CP_number=0001 "
                     "CP_CW_combination=00010000000000000000 CP_CW_combination=00020000000000000000 "
                     "access_criteria=AA");
    wire_client_hears(ECM_RESPONSE("0001", "80"));
    pair_provision(7, 2);
    cr_assert(strstr(script_describe(wire.to_server.bytes, wire.to_server.size), "access_criteria=AA"));
}

Test(scs_session, tests_of_the_ecmg_are_answered_with_its_own_values)
{
    bring_up("01");
    wire_client_hears("channel_test ECM_channel_id=0001");
    wire_client_said("v2 " STATUS);
    wire_client_hears("stream_test ECM_channel_id=0001 ECM_stream_id=0007");
    wire_client_said("v2 " STREAM_STATUS("01"));
    wire_client_hears("stream_test ECM_channel_id=0001 ECM_stream_id=0008;channel_test ECM_channel_id=0002");
    wire_client_said(
        "v2 stream_error ECM_channel_id=0001 ECM_stream_id=0008 error_status=0007 error_information=000F; "
        "v2 channel_error ECM_channel_id=0002 error_status=0006 error_information=000E");
}

Test(scs_session, a_test_before_the_channel_is_up_is_refused)
{
    pair_connect();
    wire.to_server.size = 0;
    wire_client_hears("channel_test ECM_channel_id=0001");
    wire_client_said("v2 channel_error ECM_channel_id=0001 error_status=0006 error_information=000E");
    wire_expect("");
}

Test(scs_session, set_ups_time_out)
{
    pair_add_stream(7);
    pair_connect();
    cr_assert_eq(pair_tick(0), 2000);
    cr_assert_eq(pair_tick(999), 2000);
    wire_expect("");
    pair_tick(1);
    wire_expect("fail ");
    cr_assert(strstr(pair.why, "no channel_status within 1000 ms"));
    cr_assert_eq(pair_tick(5000), UINT64_MAX);
    wire_expect("");

    pair_connect();
    wire_client_hears(STATUS);
    wire_expect("channel_up ");
    pair_tick(999);
    wire_expect("");
    pair_tick(1);
    wire_expect("fail ");
    cr_assert(strstr(pair.why, "no stream_status for stream 7"));
}

Test(scs_session, a_late_ecm_fails_the_provision_alone)
{
    bring_up("00");
    cr_assert_eq(pair_tick(0), UINT64_MAX);
    pair_provision(7, 5);
    cr_assert_eq(pair_tick(0), wire.now_ms + 100 + 5000);
    pair_tick(5099);
    wire_expect("");
    pair_tick(1);
    wire_expect("provision_failed 7/5 ");
    cr_assert_str_eq(pair.why, "no ECM_response in time");
    cr_assert_eq(pair_provision(7, 5), 0);
    wire_client_hears(ECM_RESPONSE("0005", "80"));
    wire_expect("ecm 7/5 ");
}

Test(scs_session, network_delay_is_added_to_max_comp_time)
{
    struct simulcrypt_scs_config config = {.version = 2, .channel_id = 1, .network_delay_ms = 30};
    pair_stop();
    pair_start(&config);
    bring_up("00");
    pair_provision(7, 0);
    cr_assert_eq(pair_tick(0), wire.now_ms + 130);
}

Test(scs_session, a_silent_channel_is_tested)
{
    struct simulcrypt_scs_config config = {
        .version = 2, .channel_id = 1, .reply_timeout_ms = 500, .test_period_ms = 3000};
    pair_stop();
    pair_start(&config);
    bring_up("00");
    uint64_t up = wire.now_ms;
    cr_assert_eq(pair_tick(0), up + 3000);
    cr_assert_eq(pair_tick(2999), up + 3000);
    wire_client_said("");
    cr_assert_eq(pair_tick(1), up + 3500);
    wire_client_said("v2 channel_test ECM_channel_id=0001");
    wire_client_hears(STATUS);
    wire_expect("");
    cr_assert_eq(pair_tick(0), up + 6000);
    pair_tick(3000);
    wire_client_said("v2 channel_test ECM_channel_id=0001");
    pair_tick(500);
    wire_expect("fail ");
}

/* Bytes that never make a message are no sign of life. */
Test(scs_session, half_a_message_does_not_keep_the_channel_alive)
{
    struct simulcrypt_scs_config config = {
        .version = 2, .channel_id = 1, .reply_timeout_ms = 500, .test_period_ms = 3000};
    static const uint8_t half[8] = {2, 0, 3, 0x10, 0};
    pair_stop();
    pair_start(&config);
    bring_up("00");
    pair_tick(3000);
    for (unsigned i = 0; i < 8; i++)
        simulcrypt_scs_session_input(pair.scs, half + i, 1, wire.now_ms);
    pair_tick(500);
    wire_expect("fail ");
}

Test(scs_session, what_nobody_asked_for_is_tolerated)
{
    bring_up("00");
    wire_client_hears(STATUS);
    wire_client_hears(STREAM_STATUS("01"));
    wire_client_hears(ECM_RESPONSE("0000", "80"));
    wire_client_hears("stream_close_response ECM_channel_id=0001 ECM_stream_id=0007;"
                      "stream_status ECM_channel_id=0001 ECM_stream_id=0055 ECM_id=0001 "
                      "access_criteria_transfer_mode=00;"
                      "ECM_response ECM_channel_id=0099 ECM_stream_id=0007 CP_number=0000 ECM_datagram=;"
                      "stream_error ECM_channel_id=0001 ECM_stream_id=0007 error_status=000D;"
                      "channel_error ECM_channel_id=0001 error_status=000D;"
                      "0x0042 0x0001=;v9 0x0203");
    wire_expect("");
    pair_provision(7, 1);
    wire.to_server.size = 0;
    wire_client_hears(ECM_RESPONSE("0000", "80"));
    wire_expect("");
    wire_client_hears(ECM_RESPONSE("0001", "80"));
    wire_client_hears(ECM_RESPONSE("0001", "80"));
    wire_expect("ecm 7/1 ");
    wire_client_said("");
}

Test(scs_session, a_refused_set_up_fails_with_the_reason)
{
    pair_connect();
    wire_client_hears("channel_error ECM_channel_id=0001 error_status=0005");
    wire_expect("fail ");
    cr_assert_str_eq(pair.why, "the ECMG refused channel_setup: unknown Super_CAS_id (0x0005)");
    cr_assert(!simulcrypt_scs_session_version_refused(pair.scs));
    pair_add_stream(7);
    pair_connect();
    wire_client_hears(STATUS);
    wire_client_hears("stream_error ECM_channel_id=0001 ECM_stream_id=0007 error_status=0009");
    wire_expect("channel_up fail ");
    cr_assert_str_eq(pair.why, "the ECMG refused stream_setup of stream 7: too many ECM streams on this "
                               "channel (0x0009)");
}

Test(scs_session, a_refused_version_is_named_and_remembered)
{
    pair_connect();
    /* Whatever version the refusal itself bears, and whatever channel. */
    wire_client_hears("v4 channel_error ECM_channel_id=0000 error_status=0002 error_information=0000");
    wire_expect("fail ");
    cr_assert_str_eq(pair.why, "the ECMG refused protocol version 2: unsupported protocol version (0x0002)");
    cr_assert(simulcrypt_scs_session_version_refused(pair.scs));
    simulcrypt_scs_session_disconnected(pair.scs);
    cr_assert(simulcrypt_scs_session_version_refused(pair.scs));
    pair_connect();
    cr_assert(!simulcrypt_scs_session_version_refused(pair.scs));
}

Test(scs_session, errors_in_operation_fail_the_provisions)
{
    bring_up("00");
    pair_provision(7, 3);
    wire_client_hears("stream_error ECM_channel_id=0001 ECM_stream_id=0007 error_status=000B");
    wire_expect("provision_failed 7/3 ");
    cr_assert_str_eq(pair.why, "not enough control words to compute ECM");
    pair_provision(7, 4);
    wire_client_hears("channel_error ECM_channel_id=0000 error_status=0010 error_information=000D");
    wire_expect("provision_failed 7/4 ");
    cr_assert_str_eq(pair.why, "missing mandatory parameter: access_criteria");
}

Test(scs_session, errors_that_lose_the_channel_fail_it)
{
    static const char *const scripts[] = {
        "channel_error ECM_channel_id=0001 error_status=7001",
        "channel_error ECM_channel_id=0001 error_status=000D error_status=7001",
        "channel_error ECM_channel_id=0001 error_status=0006",
        "channel_error ECM_channel_id=0001 error_status=0002",
        "stream_error ECM_channel_id=0001 ECM_stream_id=0007 error_status=0007",
        "stream_error ECM_channel_id=0001 ECM_stream_id=0007 error_status=7001 error_information=74657874",
    };
    for (size_t i = 0; i < sizeof(scripts) / sizeof(*scripts); i++) {
        pair_stop();
        pair_start(NULL);
        bring_up("00");
        pair_provision(7, 3);
        wire.to_server.size = 0;
        wire_client_hears(scripts[i]);
        wire_expect("fail ");
        wire_client_said("");
    }
}

Test(scs_session, an_error_is_never_answered_however_broken)
{
    bring_up("00");
    wire_client_hears("channel_error ECM_channel_id=0001;stream_error error_status=0001");
    wire_client_said("");
    wire_expect("");
    wire_client_hears("stream_error");
    wire_client_said("");
    wire_expect("fail ");
}

Test(scs_session, an_unreadable_answer_to_a_set_up_fails_at_once)
{
    pair_connect();
    wire.to_server.size = 0;
    wire_client_hears("channel_status ECM_channel_id=0001");
    wire_expect("fail ");
    wire_client_said("v2 channel_error ECM_channel_id=0001 error_status=0010 error_information=0002");
    cr_assert(strstr(pair.why, "unreadable channel_status: missing mandatory parameter"));
}

Test(scs_session, three_unreadable_messages_in_a_row_fail)
{
    bring_up("00");
    wire_client_hears("channel_test;v8 channel_test ECM_channel_id=0001;channel_test ECM_channel_id=0001;"
                      "channel_test;channel_test");
    wire_expect("");
    wire_client_hears("channel_setup ECM_channel_id=0001 Super_CAS_id=00000000");
    wire_expect("fail ");
    cr_assert(strstr(pair.why, "unreadable channel_setup: invalid message"));
}

Test(scs_session, an_impossible_status_fails)
{
    pair_connect();
    wire_client_hears(STATUS_WITH("01", "00"));
    wire_expect("fail ");
    pair_connect();
    wire_client_hears(STATUS_WITH("01", "09"));
    wire_expect("fail ");
    cr_assert_str_eq(pair.why, "the ECMG asks for 9 CWs per message: 1 to 8 are possible");
}

Test(scs_session, ecms_in_packets_are_whole_packets)
{
    static char response[1000] = "ECM_response ECM_channel_id=0001 ECM_stream_id=0007 CP_number=0001 "
                                 "ECM_datagram=47";
    pair_add_stream(7);
    pair_connect();
    wire_client_hears("channel_status ECM_channel_id=0001 section_TSpkt_flag=01 delay_start=0000 "
                      "delay_stop=0000 ECM_rep_period=0064 max_streams=0000 min_CP_duration=000A lead_CW=01 "
                      "CW_per_msg=02 max_comp_time=0064");
    wire_client_hears(STREAM_STATUS("00"));
    wire_expect("channel_up stream_up 7 ");
    pair_provision(7, 0);
    wire_client_hears(ECM_RESPONSE("0000", "8070020000"));
    wire_expect("provision_failed 7/0 ");
    pair_provision(7, 1);
    for (unsigned i = 1; i < 188; i++)
        strcat(response, "00");
    wire_client_hears(response);
    wire_expect("ecm 7/1 ");
    cr_assert_eq(pair.ecm_size, 188);
}

static void provision_first(uint16_t stream_id)
{
    cr_assert_eq(pair_provision(stream_id, 0), 0);
}

static void provision_next(uint16_t stream_id, uint16_t cp_number)
{
    if (cp_number < 3)
        cr_assert_eq(pair_provision(stream_id, (uint16_t)(cp_number + 1)), 0);
}

Test(scs_session, callbacks_may_provision)
{
    pair.on_stream_up = provision_first;
    pair.on_ecm = provision_next;
    pair.on_provision_failed = provision_next;
    bring_up("00");
    wire_client_hears(ECM_RESPONSE("0000", "80"));
    wire_expect("ecm 7/0 ");
    wire_client_hears("stream_error ECM_channel_id=0001 ECM_stream_id=0007 error_status=000D");
    wire_expect("provision_failed 7/1 ");
    pair_tick(5100);
    wire_expect("provision_failed 7/2 ");
    wire_client_hears(ECM_RESPONSE("0003", "80"));
    wire_expect("ecm 7/3 ");
}

static void close_at_once(uint16_t stream_id, uint16_t cp_number)
{
    (void)stream_id;
    (void)cp_number;
    simulcrypt_scs_session_close(pair.scs);
}

static void reconnect_at_once(uint16_t stream_id, uint16_t cp_number)
{
    (void)stream_id;
    (void)cp_number;
    simulcrypt_scs_session_disconnected(pair.scs);
    pair_connect();
}

/* The response arrives in two pieces, so that it lies in the session's own memory while it is read. */
static void hear_in_pieces(const char *script)
{
    uint8_t bytes[512];
    size_t size = script_encode(script, bytes, sizeof(bytes));
    simulcrypt_scs_session_input(pair.scs, bytes, 9, wire.now_ms);
    simulcrypt_scs_session_input(pair.scs, bytes + 9, size - 9, wire.now_ms);
}

Test(scs_session, callbacks_may_end_the_connection_that_is_read)
{
    pair.on_ecm = close_at_once;
    bring_up("00");
    pair_provision(7, 0);
    wire.to_server.size = 0;
    hear_in_pieces(ECM_RESPONSE("0000", "80") ";channel_test ECM_channel_id=0001");
    wire_expect("ecm 7/0 ");
    wire_client_said("v2 stream_close_request ECM_channel_id=0001 ECM_stream_id=0007; "
                     "v2 channel_close ECM_channel_id=0001");

    pair.on_ecm = reconnect_at_once;
    pair_connect();
    wire_client_hears(STATUS);
    wire_client_hears(STREAM_STATUS("00"));
    pair_provision(7, 0);
    wire.to_server.size = 0;
    wire.diary[0] = 0;
    hear_in_pieces(ECM_RESPONSE("0000", "80") ";" STATUS);
    wire_expect("ecm 7/0 "); /* the status belongs to the old connection */
    wire_client_said(CHANNEL_SETUP);
    wire_client_hears(STATUS);
    wire_expect("channel_up ");
}

Test(scs_session, streams_have_distinct_ids_and_bounded_access_criteria)
{
    struct simulcrypt_scs_stream_config config = {.stream_id = 7};
    pair_add_stream(7);
    cr_assert_eq(simulcrypt_scs_session_add_stream(pair.scs, &config), -EEXIST);
    config.stream_id = 8;
    config.access_criteria_size = SIMULCRYPT_ACCESS_CRITERIA_MAX + 1;
    cr_assert_eq(simulcrypt_scs_session_add_stream(pair.scs, &config), -EINVAL);
}

Test(scs_session, nothing_is_heard_before_connected_or_after_failure)
{
    wire_client_hears(STATUS);
    wire_expect("");
    pair_connect();
    wire_client_hears("channel_error ECM_channel_id=0001 error_status=0005;" STATUS);
    wire_expect("fail ");
    wire_client_hears(STATUS);
    wire_expect("");
    simulcrypt_scs_session_destroy(NULL);
}

static bool holds_pattern(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i + 8 <= size; i++)
        if (!memcmp(bytes + i, "\xC0\xDE\xC0\xDE\xC0\xDE\xC0\xDE", 8))
            return true;
    return false;
}

/* The session is one block of memory: none of it may hold the CW once it was sent. */
Test(scs_session, no_cw_stays_behind)
{
    static const uint8_t cw[8] = {0xC0, 0xDE, 0xC0, 0xDE, 0xC0, 0xDE, 0xC0, 0xDE};
    struct simulcrypt_cw_provision provision = {
        .cp_number = 0, .cw_count = 2, .cws = {{0, 8, cw}, {1, 8, cw}}};
    bring_up("00");
    cr_assert_eq(simulcrypt_scs_session_provision(pair.scs, 7, &provision, 0), 0);
    cr_assert(holds_pattern(wire.to_server.bytes, wire.to_server.size));
    cr_assert(!holds_pattern((const uint8_t *)pair.scs, 4096));
}

/* Beyond clause 5, for SCSs that want it: several CW_provisions under way. */
static void bring_up_two(void)
{
    struct simulcrypt_scs_config config = {.version = 2,
                                           .channel_id = 1,
                                           .super_cas_id = 0x12345678,
                                           .reply_timeout_ms = 1000,
                                           .network_delay_ms = 900,
                                           .outstanding_max = 2};
    pair_stop();
    pair_start(&config);
    bring_up("00");
    cr_assert_eq(pair_provision(7, 65535), 0);
    wire.now_ms += 100;
    cr_assert_eq(pair_provision(7, 65535), -EBUSY);
    cr_assert_eq(pair_provision(7, 0), 0);
    cr_assert_eq(pair_provision(7, 1), -EBUSY);
    wire.to_server.size = 0;
}

Test(scs_session, two_provisions_are_answered_in_any_order)
{
    bring_up_two();
    wire_client_hears(ECM_RESPONSE("0000", "8070"));
    wire_expect("ecm 7/0 ");
    cr_assert_eq(pair_provision(7, 1), 0);
    wire_client_hears(ECM_RESPONSE("FFFF", "8070"));
    wire_client_hears(ECM_RESPONSE("FFFF", "8070"));
    wire_client_hears(ECM_RESPONSE("0001", "8070"));
    wire_expect("ecm 7/65535 ecm 7/1 ");
}

Test(scs_session, two_provisions_are_late_each_for_itself)
{
    bring_up_two();
    cr_assert_eq(pair_tick(0), 2000);
    cr_assert_eq(pair_tick(900), 2100);
    wire_expect("provision_failed 7/65535 ");
    cr_assert_eq(pair_tick(100), UINT64_MAX);
    wire_expect("provision_failed 7/0 ");
    bring_up_two();
    pair_tick(5000);
    wire_expect("provision_failed 7/65535 provision_failed 7/0 ");
}

Test(scs_session, an_error_answers_the_oldest_provision_of_its_stream_or_all_of_the_channel)
{
    bring_up_two();
    wire_client_hears("stream_error ECM_channel_id=0001 ECM_stream_id=0007 error_status=000B");
    wire_expect("provision_failed 7/65535 ");
    cr_assert_eq(pair_provision(7, 1), 0);
    wire_client_hears("channel_error ECM_channel_id=0001 error_status=000B");
    wire_expect("provision_failed 7/0 provision_failed 7/1 ");
    wire_client_hears("stream_error ECM_channel_id=0001 ECM_stream_id=0007 error_status=000B");
    wire_expect("");
}

Test(scs_session, more_provisions_than_there_is_room_for_cannot_be_asked_for)
{
    struct simulcrypt_scs_config config = {.version = 2, .outstanding_max = SIMULCRYPT_OUTSTANDING_MAX + 1};
    struct simulcrypt_scs_session *none;
    struct simulcrypt_scs_ops ops = {0};
    cr_assert_eq(simulcrypt_scs_session_create(&none, &config, &ops, NULL), -EINVAL);
    config.outstanding_max--;
    cr_assert_eq(simulcrypt_scs_session_create(&none, &config, &ops, NULL), 0);
    simulcrypt_scs_session_destroy(none);
}

Test(scs_session, a_stream_is_tested)
{
    cr_assert_eq(simulcrypt_scs_session_test_stream(pair.scs, 7), -ENOENT);
    bring_up("00");
    cr_assert_eq(simulcrypt_scs_session_test_stream(pair.scs, 7), 0);
    wire_client_said("v2 stream_test ECM_channel_id=0001 ECM_stream_id=0007");
    wire_client_hears(STREAM_STATUS("00"));
    wire_expect("");
}

/* Annex N: IP datacast. Its ECMs are none for a transport stream. */
Test(scs_session, version_5_works_but_for_annex_n)
{
    struct simulcrypt_scs_config config = {.version = 5, .channel_id = 1};
    pair_stop();
    pair_start(&config);
    pair_connect();
    wire_client_hears("v5 " STATUS);
    wire_expect("channel_up ");
    pair_connect();
    wire_client_hears("v5 channel_status ECM_channel_id=0001 section_TSpkt_flag=02 delay_start=FF38 "
                      "delay_stop=00C8 ECM_rep_period=0064 max_streams=0000 min_CP_duration=000A lead_CW=01 "
                      "CW_per_msg=02 max_comp_time=0064");
    wire_expect("fail ");
    cr_assert(strstr(pair.why, "annex N"));
}

/* error_information names a parameter where it is two bytes and the error is about one. */
Test(scs_session, the_parameter_at_fault_is_told)
{
    static const struct {
        const char *error, *why;
    } cases[] = {
        {"error_status=0011 error_information=0012", "invalid parameter value: CP_number"},
        {"error_status=0011 error_information=414243", "invalid parameter value"},
        {"error_status=0011 error_information=00FF", "invalid parameter value"},
        {"error_status=0011", "invalid parameter value"},
        {"error_status=0001 error_information=0003", "invalid message"}, /* an offset */
        {"error_status=0012 error_information=0019", "unknown ECM_id"},
    };
    bring_up("00");
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char script[200] = "stream_error ECM_channel_id=0001 ECM_stream_id=0007 ";
        cr_assert_eq(pair_provision(7, (uint16_t)i), 0);
        wire_client_hears(strcat(script, cases[i].error));
        cr_assert_str_eq(pair.why, cases[i].why);
    }
}

Test(scs_session, a_stream_is_removed_and_its_id_used_again)
{
    cr_assert_eq(simulcrypt_scs_session_remove_stream(pair.scs, 7), -ENOENT);
    pair_add_stream(7);
    cr_assert_eq(simulcrypt_scs_session_remove_stream(pair.scs, 7), 0);
    wire_client_said("");
    bring_up("00");
    cr_assert_eq(pair_provision(7, 0), 0);
    wire.to_server.size = 0;
    cr_assert_eq(simulcrypt_scs_session_remove_stream(pair.scs, 7), 0);
    pair_add_stream(7);
    wire_client_said("v2 stream_close_request ECM_channel_id=0001 ECM_stream_id=0007; " STREAM_SETUP);
    wire_client_hears(ECM_RESPONSE("0000", "8070"));
    wire_client_hears("stream_close_response ECM_channel_id=0001 ECM_stream_id=0007");
    wire_client_hears(STREAM_STATUS("00"));
    wire_expect("stream_up 7 ");
    cr_assert_eq(pair_tick(100000), UINT64_MAX);
    wire_expect("");
}

static void remove_both(uint16_t stream_id, uint16_t cp_number)
{
    (void)stream_id;
    (void)cp_number;
    simulcrypt_scs_session_remove_stream(pair.scs, 7);
    simulcrypt_scs_session_remove_stream(pair.scs, 8);
}

/* From inside a callback, while the session goes through its streams. */
Test(scs_session, streams_may_be_removed_by_callbacks)
{
    for (unsigned late = 0; late < 2; late++) {
        pair_stop();
        pair_start(NULL);
        pair_add_stream(8);
        bring_up("00");
        wire_client_hears("stream_status ECM_channel_id=0001 ECM_stream_id=0008 ECM_id=006C "
                          "access_criteria_transfer_mode=00");
        cr_assert_eq(pair_provision(7, 0), 0);
        cr_assert_eq(pair_provision(8, 0), 0);
        pair.on_provision_failed = remove_both;
        wire.diary[0] = 0;
        if (late)
            pair_tick(100000);
        else
            wire_client_hears("channel_error ECM_channel_id=0001 error_status=000B");
        wire_expect("provision_failed 7/0 ");
    }
}

/* With all ops: the loss of a stream and late ECMs are told apart. */
static void bring_up_telling_all(void)
{
    pair_tell_all();
    pair_add_stream(9);
    bring_up("00");
    wire_client_hears("stream_status ECM_channel_id=0001 ECM_stream_id=0009 ECM_id=006D "
                      "access_criteria_transfer_mode=00");
    wire_expect("stream_up 9 ");
    wire.to_server.size = 0;
}

Test(scs_session, a_refused_stream_leaves_the_others_alone)
{
    pair_tell_all();
    pair_add_stream(7);
    pair_add_stream(9);
    pair_connect();
    wire_client_hears(STATUS);
    wire_client_hears("stream_error ECM_channel_id=0001 ECM_stream_id=0009 error_status=0012");
    wire_expect("channel_up stream_down 9 0x0012 ");
    cr_assert_str_eq(pair.why, "unknown ECM_id");
    wire_client_hears(
        "stream_error ECM_channel_id=0001 ECM_stream_id=0009 error_status=0012;" STREAM_STATUS("00"));
    wire_expect("stream_up 7 ");
    cr_assert_eq(pair_provision(9, 0), -ENOTCONN);
    cr_assert_eq(simulcrypt_scs_session_remove_stream(pair.scs, 9), 0);
    wire.to_server.size = 0;
    pair_add_stream(9);
    wire_client_said("v2 stream_setup ECM_channel_id=0001 ECM_stream_id=0009 ECM_id=006D "
                     "nominal_CP_duration=0064");
    cr_assert_eq(pair_tick(999), wire.now_ms + 1000);
    cr_assert_eq(simulcrypt_scs_session_errors(pair.scs), 2);
}

Test(scs_session, a_channel_error_refuses_the_first_stream_under_way)
{
    pair_tell_all();
    pair_connect();
    wire_client_hears(STATUS);
    pair_add_stream(9);
    pair_tick(1);
    pair_add_stream(7);
    wire_client_hears("channel_error ECM_channel_id=0001 error_status=0010");
    wire_expect("channel_up stream_down 9 0x0010 ");
    wire_client_hears("channel_error ECM_channel_id=0001 error_status=0010");
    wire_expect("stream_down 7 0x0010 ");
    wire_client_hears("channel_error ECM_channel_id=0001 error_status=0010");
    wire_expect("");
}

Test(scs_session, a_stream_that_the_ecmg_still_has_is_closed_first)
{
    pair_tell_all();
    pair_add_stream(7);
    pair_connect();
    wire_client_hears(STATUS);
    wire.to_server.size = 0;
    wire_client_hears("stream_error ECM_channel_id=0001 ECM_stream_id=0007 error_status=0014");
    wire_expect("channel_up stream_down 7 0x0014 ");
    wire_client_said("v2 stream_close_request ECM_channel_id=0001 ECM_stream_id=0007");
}

Test(scs_session, a_lost_stream_is_down_and_no_more)
{
    static const char *const scripts[] = {
        "stream_error ECM_channel_id=0001 ECM_stream_id=0007 error_status=0007",
        "stream_error ECM_channel_id=0001 ECM_stream_id=0007 error_status=7001",
    };
    for (size_t i = 0; i < sizeof(scripts) / sizeof(*scripts); i++) {
        pair_stop();
        pair_start(NULL);
        bring_up_telling_all();
        pair_provision(7, 3);
        wire_client_hears(scripts[i]);
        wire_client_hears(scripts[i]);
        wire_expect(i ? "stream_down 7 0x7001 " : "stream_down 7 0x0007 ");
        cr_assert_eq(pair_tick(0), UINT64_MAX);
        cr_assert_eq(pair_provision(9, 3), 0);
    }
    wire_client_hears("stream_error ECM_channel_id=0001 ECM_stream_id=0009 error_status=0006");
    wire_expect("fail ");
}

static void remove_it(uint16_t stream_id)
{
    simulcrypt_scs_session_remove_stream(pair.scs, stream_id);
}

Test(scs_session, a_lost_stream_may_be_removed_at_once)
{
    bring_up_telling_all();
    pair.on_stream_down = remove_it;
    wire_client_hears("stream_error ECM_channel_id=0001 ECM_stream_id=0007 error_status=7001");
    wire_expect("stream_down 7 0x7001 ");
    wire_client_said("");
    cr_assert_eq(pair_provision(7, 0), -ENOENT);
}

Test(scs_session, late_ecms_are_told_apart)
{
    bring_up_telling_all();
    pair_provision(7, 5);
    pair_tick(5100);
    wire_expect("provision_late 7/5 ");
}

Test(scs_session, the_owner_may_test_the_channel)
{
    pair_tell_all();
    cr_assert_eq(simulcrypt_scs_session_test(pair.scs, 0), -ENOTCONN);
    bring_up_telling_all();
    cr_assert_eq(simulcrypt_scs_session_test(pair.scs, wire.now_ms), 0);
    cr_assert_eq(simulcrypt_scs_session_test(pair.scs, wire.now_ms + 1), 0);
    wire_client_said("v2 channel_test ECM_channel_id=0001");
    cr_assert_eq(pair_tick(999), wire.now_ms + 1);
    wire_client_hears(STATUS);
    cr_assert_eq(pair_tick(1), UINT64_MAX);
    wire_expect("");
    simulcrypt_scs_session_test(pair.scs, wire.now_ms);
    pair_tick(1000);
    wire_expect("fail ");
}

/* A wait that is over may leave an early time behind, never a late one; without any wait there is none. */
Test(scs_session, of_many_waits_the_earliest_counts)
{
    bring_up_telling_all();
    pair_provision(7, 1);
    uint64_t first = wire.now_ms + 5100;
    pair_tick(100);
    pair_provision(9, 1);
    cr_assert_eq(pair_tick(0), first);
    wire_client_hears(ECM_RESPONSE("0001", "80"));
    wire_expect("ecm 7/1 ");
    cr_assert_leq(pair_tick(0), first + 100);
    cr_assert_eq(pair_tick(5000), first + 100);
    wire_expect("");
    simulcrypt_scs_session_remove_stream(pair.scs, 9);
    cr_assert_eq(pair_tick(100), UINT64_MAX);
    wire_expect("");
}

static void set_times(void)
{
    simulcrypt_scs_session_set_times(pair.scs, 700, 0x70);
}

Test(scs_session, the_owner_may_know_times_better)
{
    struct simulcrypt_scs_config config = {.version = 2, .channel_id = 1};
    pair_stop();
    pair_start(&config);
    pair.on_channel_up = set_times;
    pair_add_stream(7);
    pair_connect();
    wire.to_server.size = 0;
    wire_client_hears(STATUS);
    wire_client_said("v2 stream_setup ECM_channel_id=0001 ECM_stream_id=0007 ECM_id=006B "
                     "nominal_CP_duration=0070");
    wire_client_hears(STREAM_STATUS("00"));
    pair_provision(7, 0);
    cr_assert_eq(pair_tick(0), wire.now_ms + 700 + 5000);
    wire.to_server.size = 0;
    wire_client_hears("channel_test ECM_channel_id=0001");
    wire_client_said("v2 " STATUS);
}

Test(scs_session, a_stream_added_after_a_long_silence_has_its_whole_time)
{
    bring_up("00");
    wire.now_ms += 100000;
    pair_add_stream(9);
    cr_assert_eq(pair_tick(0), wire.now_ms + 1000);
    wire_expect("");
    pair_tick(999);
    wire_expect("");
    pair_tick(1);
    wire_expect("fail ");
}
