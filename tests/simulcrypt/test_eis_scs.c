/* SPDX-License-Identifier: GPL-3.0-or-later */
/* EIS ⇔ SCS: each end against scripts, and both together. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eis_pair.h"
#include "script.h"
#include "simulcrypt/eis_scs_table.h"

static void start(void)
{
    eis_pair_start(NULL);
}

TestSuite(eis_scs, .init = start, .fini = eis_pair_stop, .timeout = 60);

#define CHANNEL        "EIS_channel_id=0001"
#define CHANNEL_STATUS "v4 channel_status " CHANNEL " service_flag=01 component_flag=01 max_SCG=0064"
#define PROVISION(scg, reference, rest)                                                                      \
    "v4 SCG_provision " CHANNEL " SCG_id=" scg " transport_stream_id=0001 original_network_id=0002 "         \
    "SCG_reference_id=" reference rest
#define ECM_GROUP                                                                                            \
    " ECM_Group=00090002000500080004"                                                                        \
    "4ADC0001"                                                                                               \
    "000A0003010203"                                                                                         \
    "0010000101"
#define SERVICE " service_id=000A"

static void open_channel(void)
{
    wire_server_hears("v4 channel_setup " CHANNEL);
    wire_expect("channel 1 ");
    wire_server_said(CHANNEL_STATUS);
}

Test(eis_scs, a_channel_is_set_up_and_tested)
{
    open_channel();
    wire_server_hears("v4 channel_test " CHANNEL);
    wire_server_said(CHANNEL_STATUS);
    cr_assert_eq(simulcrypt_scg_session_test_channel(eis_pair.scs), 0);
    wire_server_said("v4 channel_test " CHANNEL);
}

Test(eis_scs, a_definition_is_taken_whole)
{
    const struct simulcrypt_scg *scg = &eis_pair.accepted;
    open_channel();
    eis_pair.nominal_cp_duration = 100;
    wire_server_hears(PROVISION("0007", "00000063",
                                " activation_time=07EA0B1410301E19 recommended_CP_duration=0050"
                                " service_id=000A service_id=000B component_id=0101" ECM_GROUP
                                " ECM_Group=000900020006000800044ADC00020010000100"));
    wire_expect("accept 7/99 ");
    wire_server_said("v4 SCG_status " CHANNEL
                     " SCG_id=0007 SCG_current_reference_id=00000000 SCG_pending_reference_id=00000063 "
                     "activation_pending_flag=01 SCG_nominal_CP_duration=0064");
    cr_assert_eq(scg->transport_stream_id, 1);
    cr_assert_eq(scg->original_network_id, 2);
    cr_assert(scg->has_activation_time);
    cr_assert_eq(scg->activation_time.year, 2026);
    cr_assert_eq(scg->activation_time.month, 11);
    cr_assert_eq(scg->activation_time.day, 20);
    cr_assert_eq(scg->activation_time.hour, 16);
    cr_assert_eq(scg->activation_time.minute, 48);
    cr_assert_eq(scg->activation_time.second, 30);
    cr_assert_eq(scg->activation_time.hundredth, 25);
    cr_assert_eq(scg->recommended_cp_duration, 80);
    cr_assert_eq(scg->service_count, 2);
    cr_assert_eq(scg->services[1], 11);
    cr_assert_eq(scg->component_count, 1);
    cr_assert_eq(scg->components[0], 0x101);
    cr_assert_eq(scg->ecm_group_count, 2);
    cr_assert_eq(scg->ecm_groups[0].super_cas_id, 0x4ADC0001);
    cr_assert_eq(scg->ecm_groups[0].ecm_id, 5);
    cr_assert(scg->ecm_groups[0].ac_changed);
    cr_assert_arr_eq(scg->ecm_groups[0].access_criteria, "\1\2\3", 3);
    cr_assert_eq(scg->ecm_groups[1].ecm_id, 6);
    cr_assert(!scg->ecm_groups[1].has_access_criteria && !scg->ecm_groups[1].ac_changed);
}

Test(eis_scs, a_definition_replaces_the_one_before_as_a_whole)
{
    open_channel();
    wire_server_hears(PROVISION("0007", "00000001", SERVICE ECM_GROUP));
    cr_assert_eq(simulcrypt_scgs_activated(eis_pair.scgs, 7), 0);
    cr_assert_eq(simulcrypt_scgs_activated(eis_pair.scgs, 7), -ENOENT);
    wire_server_hears(PROVISION("0007", "00000002", " service_id=000B" ECM_GROUP));
    wire_server_hears(PROVISION("0007", "00000003", " service_id=000C" ECM_GROUP));
    wire_expect("accept 7/1 accept 7/2 accept 7/3 ");
    wire.to_client.size = 0;
    wire_server_hears("v4 SCG_test " CHANNEL " SCG_id=0007");
    wire_server_said("v4 SCG_status " CHANNEL " SCG_id=0007 SCG_current_reference_id=00000001 "
                     "SCG_pending_reference_id=00000003 activation_pending_flag=01");
    cr_assert_eq(simulcrypt_scgs_current(eis_pair.scgs, 7)->services[0], 10);
    cr_assert_eq(simulcrypt_scgs_pending(eis_pair.scgs, 7)->services[0], 12);
    cr_assert_eq(simulcrypt_scgs_activated(eis_pair.scgs, 7), 0);
    cr_assert_eq(simulcrypt_scgs_current(eis_pair.scgs, 7)->services[0], 12);
    cr_assert_null(simulcrypt_scgs_pending(eis_pair.scgs, 7));
    cr_assert_eq(simulcrypt_scg_session_send_status(eis_pair.scs, 7), 0);
    cr_assert_eq(simulcrypt_scg_session_send_status(eis_pair.scs, 8), -ENOENT);
    wire_server_said("v4 SCG_status " CHANNEL
                     " SCG_id=0007 SCG_current_reference_id=00000003 activation_pending_flag=00");
}

/* The message they came in is gone by then. */
Test(eis_scs, access_criteria_are_kept)
{
    const struct simulcrypt_scg *scg;
    open_channel();
    wire_server_hears(PROVISION("0007", "00000001",
                                SERVICE " ECM_Group=00090002000600080004"
                                        "4ADC0002"
                                        "0010000100" ECM_GROUP));
    cr_assert_eq(simulcrypt_scgs_activated(eis_pair.scgs, 7), 0);
    wire_server_hears(PROVISION("0008", "00000001",
                                " service_id=0099 ECM_Group=00090002000600080004"
                                "4ADC0002"
                                "000A0010FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF0010000100" ECM_GROUP));
    scg = simulcrypt_scgs_current(eis_pair.scgs, 7);
    cr_assert(!scg->ecm_groups[0].has_access_criteria);
    cr_assert_arr_eq(scg->ecm_groups[1].access_criteria, "\1\2\3", 3);
    scg = simulcrypt_scgs_pending(eis_pair.scgs, 8);
    cr_assert_eq(scg->ecm_groups[0].access_criteria_size, 16);
    cr_assert_arr_eq(scg->ecm_groups[1].access_criteria, "\1\2\3", 3);
}

Test(eis_scs, no_content_and_no_ecm_group_removes)
{
    open_channel();
    wire_server_hears(PROVISION("0007", "00000001", ""));
    wire_server_said("v4 SCG_error " CHANNEL " SCG_id=0007 SCG_reference_id=00000001 error_status=0009 "
                     "error_information=0006");
    wire_server_hears(PROVISION("0007", "00000001", SERVICE ECM_GROUP));
    cr_assert_eq(simulcrypt_scgs_activated(eis_pair.scgs, 7), 0);
    wire_server_hears(PROVISION("0007", "00000002", ""));
    wire_expect("accept 7/1 remove 7/2 ");
    cr_assert_not_null(simulcrypt_scgs_current(eis_pair.scgs, 7));
    cr_assert_eq(simulcrypt_scgs_activated(eis_pair.scgs, 7), 0);
    cr_assert_null(simulcrypt_scgs_current(eis_pair.scgs, 7));
    cr_assert_eq(simulcrypt_scgs_count(eis_pair.scgs), 0);
}

#define REFUSED(error, information)                                                                          \
    "v4 SCG_error " CHANNEL " SCG_id=0007 SCG_reference_id=00000001 error_status=" error                     \
    " error_information=" information

Test(eis_scs, definitions_are_refused_for_their_reasons)
{
    open_channel();
    wire_server_hears(PROVISION("0007", "00000001", SERVICE));
    wire_server_said(REFUSED("0011", "0005"));
    wire_server_hears(PROVISION("0007", "00000001", ECM_GROUP));
    wire_server_said(REFUSED("0012", "000E"));
    wire_server_hears(PROVISION("0007", "00000001", " activation_time=07EA0D1410301E19" SERVICE ECM_GROUP));
    wire_server_said(REFUSED("0007", "000B"));
    eis_pair.check_error = SIMULCRYPT_EIS_NO_RESOURCE;
    wire_server_hears(PROVISION("0007", "00000001", SERVICE ECM_GROUP));
    wire_server_said("v4 SCG_error " CHANNEL " SCG_id=0007 SCG_reference_id=00000001 error_status=000F");
    eis_pair_set_abilities(&(struct simulcrypt_scs_abilities){.services = true, .max_scg = 1});
    eis_pair.check_error = 0;
    eis_pair_scs_restart();
    wire_server_hears("v4 channel_setup " CHANNEL);
    wire.to_client.size = 0;
    wire_server_hears(PROVISION("0007", "00000001", " component_id=0001" ECM_GROUP));
    wire_server_said(REFUSED("000C", "000D"));
    wire_server_hears(PROVISION("0001", "00000001", SERVICE ECM_GROUP));
    wire.to_client.size = 0;
    wire_server_hears(PROVISION("0007", "00000001", SERVICE ECM_GROUP));
    wire_server_said(REFUSED("000A", "0006"));
    eis_pair_set_abilities(&(struct simulcrypt_scs_abilities){.components = true});
    eis_pair_scs_restart();
    wire_server_hears("v4 channel_setup " CHANNEL);
    wire_server_said("v4 channel_status " CHANNEL " service_flag=00 component_flag=01 max_SCG=2710");
    wire_server_hears(PROVISION("0007", "00000001", SERVICE ECM_GROUP));
    wire_server_said(REFUSED("000B", "000E"));
}

Test(eis_scs, a_resource_is_in_one_scg_alone)
{
    open_channel();
    wire_server_hears(PROVISION("0001", "00000001", SERVICE ECM_GROUP));
    wire_server_hears(PROVISION("0002", "00000001", SERVICE " component_id=0001" ECM_GROUP));
    wire_expect("accept 1/1 accept 2/1 ");
    wire.to_client.size = 0;
    wire_server_hears(PROVISION("0007", "00000001", " service_id=000B" SERVICE ECM_GROUP));
    wire_server_said(REFUSED("0010", "000E"));
    wire_server_hears(PROVISION("0007", "00000001", " component_id=0001" ECM_GROUP));
    wire_server_said(REFUSED("0010", "000D"));
    wire_server_hears(PROVISION("0007", "00000001", " service_id=000B component_id=0001" ECM_GROUP));
    wire_expect("accept 7/1 ");
    wire.to_client.size = 0;
    /* A definition that awaits its activation counts already: what it gives up is free. */
    wire_server_hears(PROVISION("0001", "00000002", " service_id=0014" ECM_GROUP));
    wire_server_hears(PROVISION("0007", "00000002", SERVICE ECM_GROUP));
    wire_expect("accept 1/2 accept 7/2 ");
}

Test(eis_scs, an_activation_too_soon_is_a_warning)
{
    open_channel();
    eis_pair.check_error = SIMULCRYPT_EIS_ACTIVATION_TOO_SOON;
    wire_server_hears(PROVISION("0007", "00000001", SERVICE ECM_GROUP));
    wire_expect("accept 7/1 ");
    wire_server_said("v4 SCG_error " CHANNEL " SCG_id=0007 SCG_reference_id=00000001 error_status=000D; "
                     "v4 SCG_status " CHANNEL " SCG_id=0007 SCG_current_reference_id=00000000 "
                     "SCG_pending_reference_id=00000001 activation_pending_flag=01");
}

Test(eis_scs, more_than_an_scg_can_hold_is_refused)
{
    static char script[20000] = PROVISION("0007", "00000001", ECM_GROUP);
    open_channel();
    for (unsigned i = 0; i <= SIMULCRYPT_SCG_CONTENT_MAX; i++)
        snprintf(script + strlen(script), sizeof(script) - strlen(script), " service_id=%04X", i);
    wire_server_hears(script);
    wire_server_said(REFUSED("7000", "000E"));
    strcpy(script, PROVISION("0007", "00000001", SERVICE));
    for (unsigned i = 0; i <= SIMULCRYPT_SCG_ECM_GROUPS_MAX; i++)
        strcat(script, ECM_GROUP);
    wire_server_hears(script);
    wire_server_said(REFUSED("7000", "0005"));
}

Test(eis_scs, invalid_provisions_are_answered_about_their_scg)
{
    open_channel();
    wire_server_hears("v4 SCG_provision " CHANNEL " SCG_id=0007 SCG_reference_id=00000001");
    wire_server_said(REFUSED("0006", "000F"));
    wire_server_hears(PROVISION("0007", "00000001", SERVICE " ECM_Group=0009000200050010000101"));
    wire_server_said(REFUSED("0006", "0008"));
    wire_server_hears("v4 SCG_test " CHANNEL);
    wire_server_said("v4 channel_error " CHANNEL " error_status=0006 error_information=0006");
    wire_expect("channel_closed 1 close(three invalid messages in a row) ");
}

Test(eis_scs, unknown_scgs_and_channels_are_refused)
{
    wire_server_hears("v4 SCG_test " CHANNEL " SCG_id=0007");
    wire_server_said("v4 channel_error " CHANNEL " error_status=0008 error_information=0001");
    open_channel();
    wire_server_hears("v4 SCG_test " CHANNEL " SCG_id=0007");
    wire_server_said("v4 SCG_error " CHANNEL " SCG_id=0007 error_status=0009 error_information=0006");
    wire_server_hears("v4 SCG_list_request EIS_channel_id=0002");
    wire_server_said("v4 channel_error EIS_channel_id=0002 error_status=0008 error_information=0001");
    wire_server_hears("v4 channel_setup " CHANNEL);
    wire_server_said("v4 channel_error " CHANNEL " error_status=0013 error_information=0001");
}

Test(eis_scs, scgs_are_listed_and_reset)
{
    open_channel();
    wire_server_hears("v4 SCG_list_request " CHANNEL);
    wire_server_said("v4 SCG_list_response " CHANNEL);
    wire_server_hears(PROVISION("0007", "00000005", SERVICE ECM_GROUP));
    wire_server_hears(PROVISION("0003", "00000006", " service_id=000B" ECM_GROUP));
    wire.to_client.size = 0;
    wire_server_hears("v4 SCG_list_request " CHANNEL);
    wire_server_said("v4 SCG_list_response " CHANNEL " SCG_id=0003 SCG_id=0007");
    cr_assert_eq(simulcrypt_scgs_activated(eis_pair.scgs, 7), 0);
    wire_server_hears("v4 channel_reset " CHANNEL);
    wire_server_said("");
    wire_expect("accept 7/5 accept 3/6 remove 3/6 remove 7/5 ");
    cr_assert_eq(simulcrypt_scgs_activated(eis_pair.scgs, 3), 0);
    cr_assert_eq(simulcrypt_scgs_activated(eis_pair.scgs, 7), 0);
    cr_assert_eq(simulcrypt_scgs_count(eis_pair.scgs), 0);
}

Test(eis_scs, scgs_outlive_their_connection)
{
    open_channel();
    wire_server_hears(PROVISION("0007", "00000005", SERVICE ECM_GROUP));
    wire_server_hears("v4 channel_close " CHANNEL);
    wire_expect("accept 7/5 channel_closed 1 close(channel_close) ");
    eis_pair_scs_restart();
    open_channel();
    wire_server_hears("v4 SCG_list_request " CHANNEL);
    wire_server_said("v4 SCG_list_response " CHANNEL " SCG_id=0007");
}

Test(eis_scs, all_scgs_that_there_can_be_are_listed)
{
    eis_pair_set_abilities(&(struct simulcrypt_scs_abilities){.services = true, .max_scg = 20000});
    simulcrypt_eis_session_connected(eis_pair.eis, wire.now_ms);
    wire_pump();
    cr_assert_eq(eis_pair.abilities.max_scg, SIMULCRYPT_SCGS_MAX);
    wire.diary[0] = 0;
    for (unsigned id = 0; id < 6000; id++) {
        struct simulcrypt_scg scg = eis_pair_scg((uint16_t)id, 1);
        scg.transport_stream_id = (uint16_t)id;
        cr_assert_eq(simulcrypt_eis_session_provision(eis_pair.eis, &scg, wire.now_ms), 0);
        wire_pump();
        wire.diary[0] = 0;
    }
    cr_assert_eq(simulcrypt_eis_session_list(eis_pair.eis, wire.now_ms), 0);
    wire_pump();
    cr_assert(strstr(wire.diary, "list 0 1 2 3 "));
}

Test(eis_scs, errors_are_never_answered)
{
    open_channel();
    wire_server_hears("v4 channel_error " CHANNEL " error_status=0001;v9 channel_error " CHANNEL
                      " error_status=0002;v4 channel_error");
    wire_server_said("");
    wire_server_hears("v4 SCG_error " CHANNEL " SCG_id=0001 error_status=0001"); /* from the wrong end */
    wire_server_said("");
    wire_server_hears("v4 channel_error " CHANNEL " error_status=7001");
    wire_expect("channel_closed 1 close(the EIS reported an unrecoverable error of the channel) ");
}

/* Times. */

Test(eis_scs, times_are_read_in_binary_and_in_decimals)
{
    struct simulcrypt_time time;
    uint8_t bytes[8];
    script_hex("07EA 0C 1F 17 3B 3B 63", bytes, 8);
    cr_assert(simulcrypt_time_read(&time, bytes));
    cr_assert_eq(simulcrypt_time_to_unix_ms(&time), 1798761599990);
    script_hex("2026 12 31 23 59 59 99", bytes, 8);
    cr_assert(simulcrypt_time_read(&time, bytes));
    cr_assert_eq(simulcrypt_time_to_unix_ms(&time), 1798761599990);
    simulcrypt_time_write(&time, bytes);
    cr_assert_arr_eq(bytes, "\x07\xEA\x0C\x1F\x17\x3B\x3B\x63", 8);
}

Test(eis_scs, what_is_no_time_is_refused)
{
    static const char *const wrong[] = {
        "0000010100000000", "07EA000100000000",  "07EA0D0100000000", "07EA010000000000", "07EA012000000000",
        "07EA010118000000", "07EA0101003C0000",  "07EA010100003C00", "07EA010100000064", "20260A0100000000",
        "2026013200000000", "20260101240000 00", "FFFF010100000000", "202A010100000000", "2026010100600000"};
    struct simulcrypt_time time;
    uint8_t bytes[8];
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        script_hex(wrong[i], bytes, 8);
        cr_assert(!simulcrypt_time_read(&time, bytes), "%s", wrong[i]);
    }
}

Test(eis_scs, times_go_to_milliseconds_and_back)
{
    static const struct {
        int64_t unix_ms;
        struct simulcrypt_time time;
    } known[] = {{0, {1970, 1, 1, 0, 0, 0, 0}},
                 {951782400000, {2000, 2, 29, 0, 0, 0, 0}},
                 {1000000000120, {2001, 9, 9, 1, 46, 40, 12}},
                 {-10, {1969, 12, 31, 23, 59, 59, 99}},
                 {4107542400000, {2100, 3, 1, 0, 0, 0, 0}}};
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
        struct simulcrypt_time made = simulcrypt_time_from_unix_ms(known[i].unix_ms);
        cr_assert_eq(simulcrypt_time_to_unix_ms(&known[i].time), known[i].unix_ms, "%zu", i);
        cr_assert(made.year == known[i].time.year && made.month == known[i].time.month &&
                      made.day == known[i].time.day && made.hundredth == known[i].time.hundredth,
                  "%u-%u-%u", made.year, made.month, made.day);
    }
    for (int64_t ms = -2000000000000; ms < 8000000000000; ms += 12345678910) {
        struct simulcrypt_time made = simulcrypt_time_from_unix_ms(ms);
        cr_assert_eq(simulcrypt_time_to_unix_ms(&made), ms);
    }
}

/* The EIS's end. */

static void bring_up(void)
{
    simulcrypt_eis_session_connected(eis_pair.eis, wire.now_ms);
    wire_client_said("v4 channel_setup " CHANNEL);
    wire_client_hears(CHANNEL_STATUS " CP_duration_flag=01");
    wire_expect("channel_up ");
}

Test(eis_scs, provisions_are_sent_exactly)
{
    struct simulcrypt_scg scg = eis_pair_scg(1, 9);
    cr_assert_eq(simulcrypt_eis_session_provision(eis_pair.eis, &scg, 0), -ENOTCONN);
    bring_up();
    cr_assert(eis_pair.abilities.has_cp_duration && eis_pair.abilities.cp_duration == 1);
    scg.has_activation_time = true;
    scg.activation_time = simulcrypt_time_from_unix_ms(1798761599990);
    scg.recommended_cp_duration = 100;
    scg.ecm_groups[0].ecm_id = 5;
    scg.ecm_groups[0].ac_changed = true;
    cr_assert_eq(simulcrypt_eis_session_provision(eis_pair.eis, &scg, wire.now_ms), 0);
    wire_client_said("v4 SCG_provision " CHANNEL
                     " SCG_id=0001 transport_stream_id=0001 original_network_id=0002 "
                     "SCG_reference_id=00000009 activation_time=07EA0C1F173B3B63 "
                     "recommended_CP_duration=0064" SERVICE ECM_GROUP);
    cr_assert_eq(simulcrypt_eis_session_provision(eis_pair.eis, &scg, wire.now_ms), -EBUSY);
    cr_assert_eq(simulcrypt_eis_session_test(eis_pair.eis, 1, wire.now_ms), -EBUSY);
    wire_client_hears("v4 SCG_status " CHANNEL " SCG_id=0001 SCG_current_reference_id=00000000 "
                      "SCG_pending_reference_id=00000009 activation_pending_flag=01 "
                      "SCG_nominal_CP_duration=0064");
    wire_expect("status 1: 0, then 9, CP 100 ");
    cr_assert_eq(simulcrypt_eis_session_test(eis_pair.eis, 1, wire.now_ms), 0);
    wire_client_said("v4 SCG_test " CHANNEL " SCG_id=0001");
    scg.scg_id = 2;
    scg.service_count = SIMULCRYPT_SCG_CONTENT_MAX + 1;
    cr_assert_eq(simulcrypt_eis_session_provision(eis_pair.eis, &scg, wire.now_ms), -EINVAL);
}

Test(eis_scs, a_definition_too_large_for_a_message_is_not_sent)
{
    static uint8_t criteria[SIMULCRYPT_EIS_CRITERIA_MAX + 1];
    struct simulcrypt_scg scg = eis_pair_scg(1, 9);
    bring_up();
    scg.ecm_groups[0].access_criteria = criteria;
    scg.ecm_groups[0].access_criteria_size = sizeof(criteria);
    cr_assert_eq(simulcrypt_eis_session_provision(eis_pair.eis, &scg, wire.now_ms), -EINVAL);
    wire_client_said("");
    scg.ecm_groups[0].access_criteria_size = sizeof(criteria) - 1;
    for (unsigned i = 1; i < SIMULCRYPT_SCG_ECM_GROUPS_MAX; i++)
        scg.ecm_groups[i] = scg.ecm_groups[0];
    scg.ecm_group_count = SIMULCRYPT_SCG_ECM_GROUPS_MAX;
    cr_assert_eq(simulcrypt_eis_session_provision(eis_pair.eis, &scg, wire.now_ms), 0);
}

Test(eis_scs, version_2_has_no_original_network_id)
{
    struct simulcrypt_eis_config config = {.version = 2, .channel_id = 1};
    struct simulcrypt_eis_ops none = {0};
    struct simulcrypt_eis_session *session;
    struct simulcrypt_scg scg = eis_pair_scg(1, 9);
    eis_pair_stop();
    eis_pair_start(&config);
    simulcrypt_eis_session_connected(eis_pair.eis, wire.now_ms);
    wire_pump();
    cr_assert_eq(simulcrypt_eis_session_provision(eis_pair.eis, &scg, wire.now_ms), 0);
    wire_pump();
    wire_expect("channel 1 channel_up accept 1/9 status 1: 0, then 9 ");
    cr_assert_eq(eis_pair.accepted.original_network_id, 0);
    config.version = 5;
    cr_assert_eq(simulcrypt_eis_session_create(&session, &config, &none, NULL), -EINVAL);
    cr_assert_null(session);
}

Test(eis_scs, errors_about_an_scg_are_reported)
{
    bring_up();
    cr_assert_eq(simulcrypt_eis_session_test(eis_pair.eis, 1, wire.now_ms), 0);
    wire_client_hears("v4 SCG_error " CHANNEL
                      " SCG_id=0001 SCG_reference_id=00000001 error_status=000D error_status=0010 "
                      "error_description=411B42");
    wire_expect("scg_error 1: 0010 ");
    cr_assert_str_eq(eis_pair.why, "a resource is already in another SCG (A?B)");
    cr_assert_eq(simulcrypt_eis_session_test(eis_pair.eis, 1, wire.now_ms), 0);
    wire_client_hears("v4 SCG_error " CHANNEL " SCG_id=0001 error_status=000D");
    wire_expect("scg_error 1: 000D ");
    cr_assert_eq(simulcrypt_eis_session_test(eis_pair.eis, 1, wire.now_ms), -EBUSY);
    cr_assert_eq(simulcrypt_eis_session_test(eis_pair.eis, 2, wire.now_ms), 0);
    wire_client_hears("v4 channel_error " CHANNEL " error_status=0001");
    wire_expect("scg_error 1: 0001 scg_error 2: 0001 channel_error 0001 ");
}

Test(eis_scs, requests_time_out_each_for_itself)
{
    bring_up();
    cr_assert_eq(simulcrypt_eis_session_test(eis_pair.eis, 2, wire.now_ms), 0);
    wire.now_ms += 400;
    cr_assert_eq(simulcrypt_eis_session_test(eis_pair.eis, 1, wire.now_ms), 0);
    cr_assert_eq(eis_pair_tick(0), 2000);
    cr_assert_eq(eis_pair_tick(600), 2400);
    wire_expect("unanswered 2 ");
    cr_assert_eq(eis_pair_tick(400), UINT64_MAX);
    wire_expect("unanswered 1 ");
    cr_assert_eq(simulcrypt_eis_session_list(eis_pair.eis, wire.now_ms), 0);
    cr_assert_eq(eis_pair_tick(0), wire.now_ms + 1000);
    cr_assert_eq(eis_pair_tick(1000), UINT64_MAX);
    wire_expect("fail ");
    cr_assert_str_eq(eis_pair.why, "no SCG_list_response within 1000 ms");
}

Test(eis_scs, an_unknown_scg_is_no_end_and_an_unknown_channel_is)
{
    bring_up();
    wire_client_hears("v4 SCG_error " CHANNEL " SCG_id=0001 error_status=0009");
    wire_expect("scg_error 1: 0009 ");
    wire_client_hears("v4 channel_test " CHANNEL);
    wire_client_said(CHANNEL_STATUS " CP_duration_flag=01");
    wire_client_hears("v4 channel_error " CHANNEL " error_status=0008");
    wire_expect("fail ");
}

/* Both ends together. */

Test(eis_scs, life_of_an_scg)
{
    struct simulcrypt_scg scg = eis_pair_scg(3, 1);
    eis_pair_stop();
    eis_pair_bring_up();
    cr_assert_eq(simulcrypt_eis_session_provision(eis_pair.eis, &scg, wire.now_ms), 0);
    wire_pump();
    wire_expect("accept 3/1 status 3: 0, then 1 ");
    cr_assert_eq(simulcrypt_scgs_activated(eis_pair.scgs, 3), 0);
    scg.reference_id = 2;
    scg.ecm_groups[0].ac_changed = true;
    cr_assert_eq(simulcrypt_eis_session_provision(eis_pair.eis, &scg, wire.now_ms), 0);
    wire_pump();
    wire_expect("accept 3/2 status 3: 1, then 2 ");
    cr_assert(eis_pair.accepted.ecm_groups[0].ac_changed);
    cr_assert_eq(simulcrypt_scgs_activated(eis_pair.scgs, 3), 0);
    scg = (struct simulcrypt_scg){.scg_id = 3, .reference_id = 3, .transport_stream_id = 1};
    cr_assert_eq(simulcrypt_eis_session_provision(eis_pair.eis, &scg, wire.now_ms), 0);
    wire_pump();
    wire_expect("remove 3/3 status 3: 2, then 3 ");
    cr_assert_eq(simulcrypt_eis_session_list(eis_pair.eis, wire.now_ms), 0);
    cr_assert_eq(simulcrypt_eis_session_reset(eis_pair.eis), 0);
    wire_pump();
    wire_expect("remove 3/3 list 3; ");
    simulcrypt_eis_session_close(eis_pair.eis);
    wire_pump();
    wire_expect("channel_closed 1 close(channel_close) ");
}

Test(eis_scs, works_in_pieces_of_any_size)
{
    for (size_t cut = 1; cut < 40; cut++) {
        struct simulcrypt_scg scg = eis_pair_scg(3, 1);
        eis_pair_stop();
        eis_pair_start(NULL);
        wire.cut = cut;
        simulcrypt_eis_session_connected(eis_pair.eis, wire.now_ms);
        wire_pump();
        cr_assert_eq(simulcrypt_eis_session_provision(eis_pair.eis, &scg, wire.now_ms), 0);
        wire_pump();
        wire_expect("channel 1 channel_up accept 3/1 status 3: 0, then 1 ");
    }
}

/* No answer to a damaged message may call for another for ever: the queues run empty, whatever was damaged.
 */
Test(eis_scs, damaged_conversations_come_to_an_end)
{
    unsigned working = 0;
    srand(1);
    for (unsigned run = 0; run < 10000; run++) {
        struct simulcrypt_scg scg = eis_pair_scg(3, run);
        eis_pair_stop();
        eis_pair_start(NULL);
        wire.cut = (size_t)(rand() % 40);
        wire.damage = run ? 1 + rand() % 200 : 0;
        simulcrypt_eis_session_connected(eis_pair.eis, wire.now_ms);
        wire_pump();
        simulcrypt_eis_session_provision(eis_pair.eis, &scg, wire.now_ms);
        simulcrypt_eis_session_list(eis_pair.eis, wire.now_ms);
        wire_pump();
        simulcrypt_scg_session_test_channel(eis_pair.scs);
        simulcrypt_eis_session_reset(eis_pair.eis);
        simulcrypt_eis_session_close(eis_pair.eis);
        wire_pump();
        working += strstr(wire.diary, "status 3: 0, then") != NULL;
    }
    cr_assert(working > 1000 && working < 10000, "%u of 10000 got their SCG through", working);
}
