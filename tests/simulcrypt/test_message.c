/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "script.h"
#include "simulcrypt/ecmg_scs_table.h"

TestSuite(message, .timeout = 60);

static struct simulcrypt_message message;
static struct simulcrypt_verdict verdict;
static uint8_t bytes[SIMULCRYPT_HEADER_SIZE + UINT16_MAX];

static int decode_from(enum simulcrypt_sender from, const char *script)
{
    size_t size = script_encode(script, bytes, sizeof(bytes));
    return simulcrypt_message_decode(&simulcrypt_ecmg_scs, from, bytes, size, &message, &verdict);
}

static int decode(const char *script)
{
    return decode_from(SIMULCRYPT_FROM_BOTH, script);
}

static void expect_fault(const char *script, uint16_t error_status, uint16_t information)
{
    cr_assert_eq(decode(script), BASE_E_MALFORMED, "%s", script);
    cr_assert_eq(verdict.error_status, error_status, "%s: %04X", script, verdict.error_status);
    cr_assert_eq(verdict.error_information, information, "%s: %04X", script, verdict.error_information);
}

/* From: channel_setup of version 2, channel 1, Super_CAS_id 0x12345678, byte by byte. */
Test(message, known_bytes_both_ways)
{
    uint8_t expected[19];
    uint8_t made[64];
    struct simulcrypt_encoder encoder;

    script_hex("02 0001 000E 000E 0002 0001 0001 0004 12345678", expected, sizeof(expected));
    simulcrypt_encode_begin(&encoder, &simulcrypt_ecmg_scs, 2, SIMULCRYPT_ECMG_M_CHANNEL_SETUP, made,
                            sizeof(made));
    simulcrypt_encode_number(&encoder, SIMULCRYPT_ECMG_P_ECM_CHANNEL_ID, 1);
    simulcrypt_encode_number(&encoder, SIMULCRYPT_ECMG_P_SUPER_CAS_ID, 0x12345678);
    cr_assert_eq(simulcrypt_encode_end(&encoder), 19);
    cr_assert_arr_eq(made, expected, 19);

    cr_assert_eq(simulcrypt_message_decode(&simulcrypt_ecmg_scs, SIMULCRYPT_FROM_CLIENT, expected, 19,
                                           &message, &verdict),
                 0);
    cr_assert_eq(message.version, 2);
    cr_assert_str_eq(message.definition->name, "channel_setup");
    cr_assert_eq(simulcrypt_message_number(&message, SIMULCRYPT_ECMG_P_ECM_CHANNEL_ID), 1);
    cr_assert_eq(simulcrypt_message_number(&message, SIMULCRYPT_ECMG_P_SUPER_CAS_ID), 0x12345678);
}

/* From: the message and parameter codes of ETSI TS 103 197 for ECMG ⇔ SCS, typed in a second time. */
Test(message, codes_are_those_of_the_standard)
{
    static const struct {
        uint16_t type;
        const char *name;
    } messages[] = {
        {0x0001, "channel_setup"},         {0x0002, "channel_test"},  {0x0003, "channel_status"},
        {0x0004, "channel_close"},         {0x0005, "channel_error"}, {0x0101, "stream_setup"},
        {0x0102, "stream_test"},           {0x0103, "stream_status"}, {0x0104, "stream_close_request"},
        {0x0105, "stream_close_response"}, {0x0106, "stream_error"},  {0x0201, "CW_provision"},
        {0x0202, "ECM_response"}};
    static const struct {
        uint16_t tag, size; /* 0: variable */
        const char *name;
    } parameters[] = {{0x0001, 4, "Super_CAS_id"},
                      {0x0002, 1, "section_TSpkt_flag"},
                      {0x0003, 2, "delay_start"},
                      {0x0004, 2, "delay_stop"},
                      {0x0005, 2, "transition_delay_start"},
                      {0x0006, 2, "transition_delay_stop"},
                      {0x0007, 2, "ECM_rep_period"},
                      {0x0008, 2, "max_streams"},
                      {0x0009, 2, "min_CP_duration"},
                      {0x000A, 1, "lead_CW"},
                      {0x000B, 1, "CW_per_msg"},
                      {0x000C, 2, "max_comp_time"},
                      {0x000D, 0, "access_criteria"},
                      {0x000E, 2, "ECM_channel_id"},
                      {0x000F, 2, "ECM_stream_id"},
                      {0x0010, 2, "nominal_CP_duration"},
                      {0x0011, 1, "access_criteria_transfer_mode"},
                      {0x0012, 2, "CP_number"},
                      {0x0013, 2, "CP_duration"},
                      {0x0014, 0, "CP_CW_combination"},
                      {0x0015, 0, "ECM_datagram"},
                      {0x0016, 2, "AC_delay_start"},
                      {0x0017, 2, "AC_delay_stop"},
                      {0x0018, 0, "CW_encryption"},
                      {0x0019, 2, "ECM_id"},
                      {0x7000, 2, "error_status"},
                      {0x7001, 0, "error_information"}};

    cr_assert_eq(simulcrypt_ecmg_scs.message_count, sizeof(messages) / sizeof(*messages));
    for (size_t i = 0; i < sizeof(messages) / sizeof(*messages); i++)
        cr_assert_str_eq(simulcrypt_message_name(&simulcrypt_ecmg_scs, messages[i].type), messages[i].name);
    cr_assert_eq(simulcrypt_ecmg_scs.parameter_count, sizeof(parameters) / sizeof(*parameters));
    for (size_t i = 0; i < sizeof(parameters) / sizeof(*parameters); i++) {
        const struct simulcrypt_parameter_type *type =
            simulcrypt_find_parameter(&simulcrypt_ecmg_scs, parameters[i].tag);
        cr_assert_str_eq(type->name, parameters[i].name);
        cr_assert_eq(type->size_min == type->size_max ? type->size_min : 0, parameters[i].size);
    }
    cr_assert_str_eq(simulcrypt_message_name(&simulcrypt_ecmg_scs, 0x0203), "unknown message_type");
    cr_assert_str_eq(simulcrypt_parameter_name(&simulcrypt_ecmg_scs, 0x001A), "unknown parameter_type");
}

Test(message, every_error_has_a_text)
{
    for (uint16_t error = 1; error <= 0x15; error++)
        cr_assert_str_neq(simulcrypt_ecmg_error_text(error), "reserved error number");
    cr_assert_str_eq(simulcrypt_ecmg_error_text(0x0002), "unsupported protocol version");
    cr_assert_str_eq(simulcrypt_ecmg_error_text(0x7001), "unrecoverable error");
    cr_assert_str_eq(simulcrypt_ecmg_error_text(0x0016), "reserved error number");
    cr_assert_str_eq(simulcrypt_ecmg_error_text(0xFFFF), "user defined error");
}

Test(message, parameters_come_in_any_order_and_unknown_ones_are_skipped)
{
    cr_assert_eq(decode("channel_setup 0x8001=DEADBEEF Super_CAS_id=00000005 0x0042= delay_start=1234 "
                        "ECM_channel_id=0009"),
                 0);
    cr_assert_eq(simulcrypt_message_number(&message, SIMULCRYPT_ECMG_P_ECM_CHANNEL_ID), 9);
    cr_assert_eq(simulcrypt_message_number(&message, SIMULCRYPT_ECMG_P_SUPER_CAS_ID), 5);
    /* delay_start is no parameter of channel_setup. */
    cr_assert_eq(simulcrypt_message_count(&message, SIMULCRYPT_ECMG_P_DELAY_START), 0);
}

Test(message, repeated_parameters_keep_their_order)
{
    uint16_t expected[] = {3, 1, 2};
    size_t n = 0;

    cr_assert_eq(decode("channel_error error_status=0003 ECM_channel_id=0001 error_status=0001 "
                        "0x9000=00 error_information= error_status=0002"),
                 0);
    cr_assert_eq(simulcrypt_message_count(&message, SIMULCRYPT_ECMG_P_ERROR_STATUS), 3);
    for (struct simulcrypt_field f = simulcrypt_message_first(&message, SIMULCRYPT_ECMG_P_ERROR_STATUS);
         f.value; f = simulcrypt_message_next(&message, SIMULCRYPT_ECMG_P_ERROR_STATUS, f))
        cr_assert_eq(simulcrypt_field_number(f), expected[n++]);
    cr_assert_eq(n, 3);
    cr_assert_eq(simulcrypt_message_first(&message, SIMULCRYPT_ECMG_P_ERROR_INFORMATION).size, 0);
    cr_assert_not_null(simulcrypt_message_first(&message, SIMULCRYPT_ECMG_P_ERROR_INFORMATION).value);
}

Test(message, faults_have_their_error_status_and_information)
{
    expect_fault("v4 channel_test ECM_channel_id=0001", 0x0002, 0);
    expect_fault("v0 channel_test ECM_channel_id=0001", 0x0002, 0);
    expect_fault("v255 channel_test ECM_channel_id=0001", 0x0002, 0);
    expect_fault("0x0007 ECM_channel_id=0001", 0x0003, 1);
    expect_fault("channel_test ECM_channel_id=00000001", 0x000F, 0x000E);
    expect_fault("channel_test ECM_channel_id=01", 0x000F, 0x000E);
    expect_fault("channel_test", 0x0010, 0x000E);
    expect_fault("channel_setup ECM_channel_id=0001", 0x0010, 0x0001);
    expect_fault("channel_test ECM_channel_id=0001 ECM_channel_id=0001", 0x0001, 0x000E);
    expect_fault("stream_status ECM_channel_id=0001 ECM_stream_id=0001 ECM_id=0001 "
                 "access_criteria_transfer_mode=02",
                 0x0011, 0x0011);
    expect_fault("CW_provision ECM_channel_id=0001 ECM_stream_id=0001 CP_number=0000 "
                 "CP_CW_combination=0000",
                 0x000F, 0x0014);
    expect_fault("stream_error ECM_channel_id=0001 ECM_stream_id=0001", 0x0010, 0x7000);
}

Test(message, what_could_be_read_of_an_invalid_message_is_there)
{
    cr_assert_eq(decode("stream_setup nominal_CP_duration=01 ECM_channel_id=0003 ECM_stream_id=0004"),
                 BASE_E_MALFORMED);
    cr_assert_eq(verdict.error_status, SIMULCRYPT_ECMG_INCONSISTENT_LENGTH);
    cr_assert_eq(simulcrypt_message_number(&message, SIMULCRYPT_ECMG_P_ECM_CHANNEL_ID), 3);
    cr_assert_eq(simulcrypt_message_number(&message, SIMULCRYPT_ECMG_P_ECM_STREAM_ID), 4);
}

Test(message, a_message_from_the_wrong_end_is_invalid)
{
    cr_assert_eq(decode_from(SIMULCRYPT_FROM_SERVER, "channel_close ECM_channel_id=0001"), BASE_E_MALFORMED);
    cr_assert_eq(verdict.error_status, SIMULCRYPT_ECMG_INVALID_MESSAGE);
    cr_assert_eq(decode_from(SIMULCRYPT_FROM_CLIENT, "channel_close ECM_channel_id=0001"), 0);
    cr_assert_eq(decode_from(SIMULCRYPT_FROM_SERVER, "channel_test ECM_channel_id=0001"), 0);
}

/* It may be the answer to a version that the peer does not know. */
Test(message, an_error_is_read_whatever_its_version)
{
    cr_assert_eq(decode("v9 channel_error ECM_channel_id=0001 error_status=0002"), 0);
    cr_assert_eq(message.version, 9);
}

Test(message, version_1_has_no_ecm_id_and_may_send_one)
{
    expect_fault("v2 stream_setup ECM_channel_id=0001 ECM_stream_id=0001 nominal_CP_duration=0064", 0x0010,
                 0x0019);
    cr_assert_eq(decode("v1 stream_setup ECM_channel_id=0001 ECM_stream_id=0001 nominal_CP_duration=0064"),
                 0);
    cr_assert_eq(decode("v1 stream_setup ECM_channel_id=0001 ECM_stream_id=0001 ECM_id=0005 "
                        "nominal_CP_duration=0064"),
                 0);
    cr_assert_eq(simulcrypt_message_number(&message, SIMULCRYPT_ECMG_P_ECM_ID), 5);
}

/* Every cut of a valid message, with its own length or with the whole one's. */
Test(message, truncated_messages_are_invalid)
{
    static const char script[] = "CW_provision ECM_channel_id=0001 ECM_stream_id=0007 CP_number=0001 "
                                 "CP_CW_combination=00011111111111111111 access_criteria=0102";
    size_t size = script_encode(script, bytes, sizeof(bytes));
    cr_assert_eq(decode(script), 0);
    for (size_t cut = 0; cut < size; cut++) {
        uint8_t *exact = malloc(cut ? cut : 1); /* so that the sanitizer sees a read beyond it */
        memcpy(exact, bytes, cut);
        cr_assert_eq(simulcrypt_message_decode(&simulcrypt_ecmg_scs, SIMULCRYPT_FROM_BOTH, exact, cut,
                                               &message, &verdict),
                     BASE_E_MALFORMED);
        free(exact);
    }
    for (size_t cut = SIMULCRYPT_HEADER_SIZE + 1; cut < size - 6; cut++) {
        base_store_u16(bytes + 3, (uint16_t)(cut - SIMULCRYPT_HEADER_SIZE));
        cr_assert_eq(simulcrypt_message_decode(&simulcrypt_ecmg_scs, SIMULCRYPT_FROM_BOTH, bytes, cut,
                                               &message, &verdict),
                     BASE_E_MALFORMED);
        cr_assert(verdict.error_status == SIMULCRYPT_ECMG_INVALID_MESSAGE ||
                  verdict.error_status == SIMULCRYPT_ECMG_MISSING_PARAMETER);
    }
}

Test(message, the_offset_of_a_fault_is_told)
{
    size_t size = script_encode("channel_test ECM_channel_id=0001 0x9000=0102", bytes, sizeof(bytes));
    bytes[size - 3] = 3; /* the second parameter's length, one more than there is */
    cr_assert_eq(simulcrypt_message_decode(&simulcrypt_ecmg_scs, SIMULCRYPT_FROM_BOTH, bytes, size, &message,
                                           &verdict),
                 BASE_E_MALFORMED);
    cr_assert_eq(verdict.error_status, SIMULCRYPT_ECMG_INVALID_MESSAGE);
    cr_assert_eq(verdict.error_information, SIMULCRYPT_HEADER_SIZE + 6);
}

static size_t make_empty_parameters(unsigned count, uint16_t tag)
{
    struct base_writer w = base_writer_of(bytes, sizeof(bytes));
    base_write_u8(&w, 2);
    base_write_u16(&w, SIMULCRYPT_ECMG_M_CHANNEL_ERROR);
    base_write_u16(&w, (uint16_t)(4 * count));
    for (unsigned i = 0; i < count; i++)
        base_write_u32(&w, (uint32_t)tag << 16);
    cr_assert(!w.failed);
    return base_writer_size(&w);
}

static int decode_empty_parameters(unsigned count, uint16_t tag)
{
    size_t size = make_empty_parameters(count, tag);
    return simulcrypt_message_decode(&simulcrypt_ecmg_scs, SIMULCRYPT_FROM_BOTH, bytes, size, &message,
                                     &verdict);
}

/* A decoder that counts parameters in 8 bits never ends on these. */
Test(message, hundreds_of_empty_parameters)
{
    cr_assert_eq(decode_empty_parameters(300, 0x9000), BASE_E_MALFORMED);
    cr_assert_eq(verdict.error_status, SIMULCRYPT_ECMG_MISSING_PARAMETER);
    cr_assert_eq(decode_empty_parameters(300, SIMULCRYPT_ECMG_P_ERROR_INFORMATION), BASE_E_MALFORMED);
    cr_assert_eq(simulcrypt_message_count(&message, SIMULCRYPT_ECMG_P_ERROR_INFORMATION), 300);
    cr_assert_eq(decode_empty_parameters(16383, SIMULCRYPT_ECMG_P_ERROR_INFORMATION), BASE_E_MALFORMED);
    cr_assert_eq(simulcrypt_message_count(&message, SIMULCRYPT_ECMG_P_ERROR_INFORMATION), 16383);
}

static double seconds_to_walk(unsigned count)
{
    double best = 1e9;
    for (unsigned run = 0; run < 9; run++) {
        struct timespec a, b;
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
        for (unsigned i = 0; i < 20; i++) {
            decode_empty_parameters(count, SIMULCRYPT_ECMG_P_ERROR_INFORMATION);
            struct simulcrypt_field f =
                simulcrypt_message_first(&message, SIMULCRYPT_ECMG_P_ERROR_INFORMATION);
            unsigned n = 0;
            for (; f.value; n++)
                f = simulcrypt_message_next(&message, SIMULCRYPT_ECMG_P_ERROR_INFORMATION, f);
            cr_assert_eq(n, count);
        }
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
        double taken = (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9;
        best = taken < best ? taken : best;
    }
    return best;
}

/* 16 times the parameters: 16 times the time where it is linear, 256 times where it is quadratic. */
Test(message, decoding_and_walking_take_linear_time)
{
    double few = seconds_to_walk(1000);
    double many = seconds_to_walk(16000);
    cr_assert_lt(many / few, 64, "16 times the parameters took %.1f times as long", many / few);
}

static ptrdiff_t encode_test(uint8_t version, uint16_t type, const uint16_t *tags, size_t count, size_t room)
{
    struct simulcrypt_encoder encoder;
    simulcrypt_encode_begin(&encoder, &simulcrypt_ecmg_scs, version, type, bytes, room);
    for (size_t i = 0; i < count; i++)
        simulcrypt_encode_number(&encoder, tags[i], 1);
    return simulcrypt_encode_end(&encoder);
}

Test(message, sending_is_exact)
{
    static const uint16_t id = SIMULCRYPT_ECMG_P_ECM_CHANNEL_ID;
    static const uint16_t twice[] = {SIMULCRYPT_ECMG_P_ECM_CHANNEL_ID, SIMULCRYPT_ECMG_P_ECM_CHANNEL_ID};
    static const uint16_t foreign[] = {SIMULCRYPT_ECMG_P_ECM_CHANNEL_ID, SIMULCRYPT_ECMG_P_DELAY_START};
    static const uint16_t private[] = {SIMULCRYPT_ECMG_P_ECM_CHANNEL_ID, 0x8000};
    static const uint16_t setup[] = {SIMULCRYPT_ECMG_P_ECM_CHANNEL_ID, SIMULCRYPT_ECMG_P_ECM_STREAM_ID,
                                     SIMULCRYPT_ECMG_P_NOMINAL_CP_DURATION, SIMULCRYPT_ECMG_P_ECM_ID};

    cr_assert_eq(encode_test(2, SIMULCRYPT_ECMG_M_CHANNEL_TEST, &id, 1, sizeof(bytes)), 11);
    cr_assert_eq(encode_test(2, SIMULCRYPT_ECMG_M_CHANNEL_TEST, &id, 0, sizeof(bytes)), -EINVAL);
    cr_assert_eq(encode_test(2, SIMULCRYPT_ECMG_M_CHANNEL_TEST, twice, 2, sizeof(bytes)), -EINVAL);
    cr_assert_eq(encode_test(2, SIMULCRYPT_ECMG_M_CHANNEL_TEST, foreign, 2, sizeof(bytes)), -EINVAL);
    cr_assert_eq(encode_test(2, SIMULCRYPT_ECMG_M_CHANNEL_TEST, private, 2, sizeof(bytes)), -EINVAL);
    cr_assert_eq(encode_test(2, 0x0042, &id, 1, sizeof(bytes)), -EINVAL);
    cr_assert_eq(encode_test(2, SIMULCRYPT_ECMG_M_STREAM_SETUP, setup, 4, sizeof(bytes)), 29);
    cr_assert_eq(encode_test(2, SIMULCRYPT_ECMG_M_STREAM_SETUP, setup, 3, sizeof(bytes)), -EINVAL);
    cr_assert_eq(encode_test(1, SIMULCRYPT_ECMG_M_STREAM_SETUP, setup, 4, sizeof(bytes)), -EINVAL);
    cr_assert_eq(encode_test(1, SIMULCRYPT_ECMG_M_STREAM_SETUP, setup, 3, sizeof(bytes)), 23);
    for (size_t room = 0; room < 11; room++)
        cr_assert_eq(encode_test(2, SIMULCRYPT_ECMG_M_CHANNEL_TEST, &id, 1, room), -ENOSPC);
}

Test(message, values_of_a_wrong_size_are_not_sent)
{
    struct simulcrypt_encoder encoder;
    simulcrypt_encode_begin(&encoder, &simulcrypt_ecmg_scs, 2, SIMULCRYPT_ECMG_M_CHANNEL_TEST, bytes,
                            sizeof(bytes));
    simulcrypt_encode_bytes(&encoder, SIMULCRYPT_ECMG_P_ECM_CHANNEL_ID, "abc", 3);
    cr_assert_eq(simulcrypt_encode_end(&encoder), -EINVAL);
}
