/* SPDX-License-Identifier: GPL-3.0-or-later */
/* C(P)SIG ⇔ (P)SIG: what is certain of it. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "psig_pair.h"

TestSuite(cpsig_psig, .init = psig_pair_bring_up, .fini = psig_pair_stop, .timeout = 60);

#define CHANNEL "custom_channel_id=0001"
#define STREAM  CHANNEL " custom_stream_id=0007"

/* From: the codes of ETSI TS 103 197 for C(P)SIG ⇔ (P)SIG, typed in a second time: status and test are the
 * other way round than on other interfaces. */
Test(cpsig_psig, codes_are_those_of_the_standard)
{
    static const char *const names[] = {"channel_setup",
                                        "channel_status",
                                        "channel_test",
                                        "channel_close",
                                        "channel_error",
                                        "stream_setup",
                                        "stream_status",
                                        "stream_test",
                                        "stream_close",
                                        "stream_close_request",
                                        "stream_close_response",
                                        "stream_error",
                                        "stream_service_change",
                                        "stream_trigger_enable_request",
                                        "stream_trigger_enable_response",
                                        "trigger",
                                        "table_request",
                                        "table_response",
                                        "descriptor_insert_request",
                                        "descriptor_insert_response",
                                        "PID_provision_request",
                                        "PID_provision_response"};
    cr_assert_eq(simulcrypt_cpsig_psig.message_count, 22);
    for (unsigned i = 0; i < 22; i++)
        cr_assert_str_eq(
            simulcrypt_message_name(&simulcrypt_cpsig_psig, (uint16_t)(i < 5 ? 0x0301 + i : 0x030C + i)),
            names[i]);
    cr_assert_str_eq(simulcrypt_parameter_name(&simulcrypt_cpsig_psig, 0x0126), "transaction_id");
    cr_assert_str_eq(simulcrypt_parameter_name(&simulcrypt_cpsig_psig, 0x0109), "unknown parameter_type");
}

Test(cpsig_psig, channel_and_stream_are_set_up_and_tested)
{
    wire_server_hears("v3 channel_test " CHANNEL ";v3 stream_test " STREAM);
    wire_server_said("v3 channel_status " CHANNEL " max_streams=0009; v3 stream_status " STREAM
                     " trigger_list=80000001");
    wire_client_hears("v3 channel_test " CHANNEL ";v3 stream_test " STREAM);
    wire_client_said("v3 channel_status " CHANNEL " custom_CAS_id=4ADC0001; v3 stream_status " STREAM
                     " service_id=0046");
    cr_assert_eq(simulcrypt_cpsig_session_test_channel(psig_pair.cpsig), 0);
    cr_assert_eq(simulcrypt_cpsig_session_test_stream(psig_pair.cpsig, 7), 0);
    cr_assert_eq(simulcrypt_cpsig_session_test_stream(psig_pair.cpsig, 8), -ENOENT);
    wire_server_said("v3 channel_test " CHANNEL "; v3 stream_test " STREAM);
}

static void trigger(uint16_t type)
{
    struct simulcrypt_encoder encoder;
    cr_assert_eq(simulcrypt_psig_session_begin(psig_pair.psig, type, 7, &encoder), 0);
    cr_assert_eq(simulcrypt_psig_session_send(psig_pair.psig, &encoder), 0);
}

Test(cpsig_psig, triggers_and_changes_reach_the_other_end)
{
    struct simulcrypt_encoder encoder;
    cr_assert_eq(simulcrypt_psig_session_begin(psig_pair.psig, SIMULCRYPT_CPSIG_M_TRIGGER, 7, &encoder), 0);
    simulcrypt_encode_number(&encoder, SIMULCRYPT_CPSIG_P_TRIGGER_ID, 5);
    simulcrypt_encode_number(&encoder, SIMULCRYPT_CPSIG_P_TRIGGER_TYPE, 1);
    cr_assert_eq(simulcrypt_psig_session_send(psig_pair.psig, &encoder), 0);
    wire_client_said("v3 trigger " STREAM " trigger_id=0005 trigger_type=00000001");
    trigger(SIMULCRYPT_CPSIG_M_TRIGGER);
    trigger(SIMULCRYPT_CPSIG_M_STREAM_SERVICE_CHANGE);
    wire_pump();
    wire_expect("trigger 7 stream_service_change 7 ");
}

static void ask(uint16_t type, uint16_t transaction)
{
    struct simulcrypt_encoder encoder;
    cr_assert_eq(simulcrypt_cpsig_session_begin(psig_pair.cpsig, type, 7, &encoder), 0);
    simulcrypt_encode_number(&encoder, SIMULCRYPT_CPSIG_P_TRANSACTION_ID, transaction);
    cr_assert_eq(simulcrypt_cpsig_session_send(psig_pair.cpsig, &encoder), 0);
}

Test(cpsig_psig, requests_are_handed_over_and_answered)
{
    ask(SIMULCRYPT_CPSIG_M_STREAM_TRIGGER_ENABLE_REQUEST, 1);
    ask(SIMULCRYPT_CPSIG_M_TABLE_REQUEST, 2);
    ask(SIMULCRYPT_CPSIG_M_DESCRIPTOR_INSERT_REQUEST, 3);
    ask(SIMULCRYPT_CPSIG_M_PID_PROVISION_REQUEST, 4);
    wire_pump();
    wire_expect("stream_trigger_enable_request 7/1 table_request 7/2 descriptor_insert_request 7/3 "
                "PID_provision_request 7/4 ");
    trigger(SIMULCRYPT_CPSIG_M_STREAM_TRIGGER_ENABLE_RESPONSE);
    trigger(SIMULCRYPT_CPSIG_M_TABLE_RESPONSE);
    trigger(SIMULCRYPT_CPSIG_M_DESCRIPTOR_INSERT_RESPONSE);
    trigger(SIMULCRYPT_CPSIG_M_PID_PROVISION_RESPONSE);
    wire_pump();
    wire_expect("stream_trigger_enable_response 7 table_response 7 descriptor_insert_response 7 "
                "PID_provision_response 7 ");
}

Test(cpsig_psig, each_end_sends_its_own_messages_alone)
{
    struct simulcrypt_encoder encoder;
    for (size_t i = 0; i < simulcrypt_cpsig_psig.message_count; i++) {
        const struct simulcrypt_message_type *type = &simulcrypt_cpsig_psig.messages[i];
        bool client = type->type >= 0x0318 && type->from == SIMULCRYPT_FROM_CLIENT;
        bool server = type->type >= 0x0318 && type->from == SIMULCRYPT_FROM_SERVER;
        cr_assert_eq(simulcrypt_psig_session_begin(psig_pair.psig, type->type, 7, &encoder),
                     client ? 0 : -EINVAL);
        cr_assert_eq(simulcrypt_cpsig_session_begin(psig_pair.cpsig, type->type, 7, &encoder),
                     server ? 0 : -EINVAL);
    }
    cr_assert_eq(simulcrypt_psig_session_begin(psig_pair.psig, 0x031B, 8, &encoder), -ENOENT);
    cr_assert_eq(simulcrypt_cpsig_session_begin(psig_pair.cpsig, 0x031C, 8, &encoder), -ENOENT);
}

Test(cpsig_psig, the_cpsig_asks_for_the_end_of_a_stream)
{
    cr_assert_eq(simulcrypt_cpsig_session_close_stream(psig_pair.cpsig, 8), -ENOENT);
    cr_assert_eq(simulcrypt_cpsig_session_close_stream(psig_pair.cpsig, 7), 0);
    wire_pump();
    wire_expect("asked to close 7 stream_closed 7 ");
    cr_assert_eq(simulcrypt_psig_session_add_stream(psig_pair.psig, 7), 0);
    wire_pump();
    wire_expect("stream 7 of service 70 stream_up 7 80000001 ");
    cr_assert_eq(simulcrypt_psig_session_add_stream(psig_pair.psig, 7), -EEXIST);
}

Test(cpsig_psig, the_psig_closes_without_an_answer)
{
    wire_server_hears("v3 stream_close " STREAM);
    wire_expect("stream_closed 7 ");
    wire_server_said("");
    simulcrypt_psig_session_close(psig_pair.psig);
    wire_client_said("v3 stream_close " STREAM "; v3 channel_close " CHANNEL);
    wire_server_hears("v3 channel_close " CHANNEL);
    wire_expect("channel_closed close(channel_close) ");
}

Test(cpsig_psig, a_stream_is_removed)
{
    cr_assert_eq(simulcrypt_psig_session_remove_stream(psig_pair.psig, 7), 0);
    wire_pump();
    wire_expect("stream_closed 7 ");
    cr_assert_eq(simulcrypt_psig_session_remove_stream(psig_pair.psig, 7), -ENOENT);
}

/* The numbers of its errors are not known: the parameter at fault says what is wrong. */
Test(cpsig_psig, what_is_not_there_is_refused)
{
    wire_server_hears("v3 stream_test " CHANNEL " custom_stream_id=0008");
    wire_server_said("v3 stream_error " CHANNEL
                     " custom_stream_id=0008 error_status=7000 error_information=0104");
    wire_server_hears("v3 channel_test custom_channel_id=0002");
    wire_server_said("v3 channel_error custom_channel_id=0002 error_status=7000 error_information=0103");
    wire_server_hears("v9 channel_test " CHANNEL);
    wire_server_said("v9 channel_error " CHANNEL " error_status=0002 error_information=0000");
    psig_pair.stream_error = SIMULCRYPT_CPSIG_UNKNOWN_ERROR;
    wire_server_hears("v3 stream_setup " CHANNEL " custom_stream_id=0008");
    wire_server_said("v3 stream_error " CHANNEL " custom_stream_id=0008 error_status=7000");
}

/* An unknown error is no reason to set all up anew. */
Test(cpsig_psig, errors_are_reported_or_end_the_session)
{
    wire_client_hears("v3 stream_error " STREAM " error_status=7000;v3 channel_error " CHANNEL
                      " error_status=7000");
    wire_expect("stream_error 7: 7000 channel_error 7000 ");
    wire_client_hears("v3 channel_error " CHANNEL " error_status=7001");
    wire_expect("fail ");
    wire_client_said("");
}

Test(cpsig_psig, a_silent_cpsig_times_out)
{
    struct simulcrypt_psig_config wrong = {.version = 4};
    struct simulcrypt_psig_ops none = {0};
    struct simulcrypt_psig_session *session;
    simulcrypt_psig_session_disconnected(psig_pair.psig);
    simulcrypt_psig_session_connected(psig_pair.psig, wire.now_ms);
    cr_assert_eq(psig_pair_tick(999), 2000);
    psig_pair_tick(1);
    wire_expect("fail ");
    cr_assert_str_eq(psig_pair.why, "no channel_status within 1000 ms");
    cr_assert_eq(simulcrypt_psig_session_create(&session, &wrong, &none, NULL), -EINVAL);
}

/* No answer to a damaged message may call for another for ever: the queues run empty, whatever was damaged.
 */
Test(cpsig_psig, damaged_conversations_come_to_an_end)
{
    unsigned working = 0;
    srand(1);
    for (unsigned run = 0; run < 10000; run++) {
        struct simulcrypt_encoder encoder;
        psig_pair_stop();
        psig_pair_start(NULL);
        wire.cut = (size_t)(rand() % 40);
        wire.damage = run ? 1 + rand() % 200 : 0;
        cr_assert_eq(simulcrypt_psig_session_add_stream(psig_pair.psig, 7), 0);
        simulcrypt_psig_session_connected(psig_pair.psig, wire.now_ms);
        wire_pump();
        if (!simulcrypt_cpsig_session_begin(psig_pair.cpsig, SIMULCRYPT_CPSIG_M_TABLE_REQUEST, 7, &encoder))
            simulcrypt_cpsig_session_send(psig_pair.cpsig, &encoder);
        simulcrypt_cpsig_session_test_channel(psig_pair.cpsig);
        wire_pump();
        simulcrypt_cpsig_session_close_stream(psig_pair.cpsig, 7);
        wire_pump();
        simulcrypt_psig_session_close(psig_pair.psig);
        wire_pump();
        working += strstr(wire.diary, "table_request 7") != NULL;
    }
    cr_assert(working > 1000 && working < 10000, "%u of 10000 got their request through", working);
}
