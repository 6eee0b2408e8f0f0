/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What both ends send, read by a judge that is not ours: the `simulcrypt` dissector of tshark. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture.h"
#include "eis_pair.h"
#include "emmg_pair.h"
#include "pair.h"
#include "tables.h"

static struct capture_writer writer;
static char path[64]; /* of the recording, which has no name in a folder */
static char text[1 << 20];

static void record(bool to_ecmg, const uint8_t *bytes, size_t size)
{
    capture_add(&writer, to_ecmg, bytes, size);
}

static void record_anew(void)
{
    if (system("tshark --version >/dev/null 2>&1"))
        cr_skip_test("tshark is not installed");
    FILE *file = tmpfile();
    cr_assert(file);
    snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)getpid(), fileno(file));
    capture_begin(&writer, file);
}

static void begin(uint8_t version)
{
    struct simulcrypt_scs_config config = {
        .version = version, .channel_id = 0x1234, .super_cas_id = 0x4ADC0042, .test_period_ms = 1000};
    record_anew();
    pair_start(&config);
    wire.on_send = record;
}

/* Output of tshark over what was recorded. */
static const char *judge(const char *filter, const char *options)
{
    char command[2048];
    snprintf(command, sizeof(command), "tshark -r %s -d tcp.port==%d,simulcrypt -Y '%s' %s 2>/dev/null", path,
             CAPTURE_PORT, filter, options);
    fflush(writer.file);
    FILE *tshark = popen(command, "r");
    cr_assert(tshark);
    text[fread(text, 1, sizeof(text) - 1, tshark)] = 0;
    cr_assert_eq(pclose(tshark), 0);
    return text;
}

static void end(void)
{
    fclose(writer.file);
    pair_stop();
}

/* What tshark complains of, or NULL. */
static const char *complaint(void)
{
    static const char *const complaints[] = {"Malformed", "Dissector bug", ": Unknown (", "DVB reserved",
                                             "Parameter Type: 0x"};
    const char *decoded = judge("simulcrypt", "-O simulcrypt");
    cr_assert(strstr(decoded, "Message Type: "));
    for (size_t i = 0; i < sizeof(complaints) / sizeof(*complaints); i++)
        if (strstr(decoded, complaints[i]))
            return strstr(decoded, complaints[i]);
    return NULL;
}

static void expect_clean(void)
{
    const char *found = complaint();
    cr_assert(!found, "tshark says: %.200s", found ? found : "");
}

static void expect_fields(const char *filter, const char *options, const char *expected)
{
    char all[1024];
    snprintf(all, sizeof(all), "-T fields -E occurrence=a -E aggregator=, -E separator=/s %s", options);
    cr_assert_str_eq(judge(filter, all), expected);
}

static void hold_a_conversation(void)
{
    pair.status.has_ac_delay_start = pair.status.has_ac_delay_stop = true;
    pair.status.has_transition_delay_stop = true;
    pair.status.ac_delay_start = -1000;
    pair.status.max_streams = 77;
    pair_add_stream(0x0777);
    pair_connect();
    wire_pump();
    pair_provision(0x0777, 65535);
    wire_pump();
    pair_provision(0x0777, 0);
    wire_pump();
    pair_tick(1000);
    wire_pump();
    wire.to_server.size = 0;
}

Test(tshark, a_whole_conversation_is_understood)
{
    for (uint8_t version = 2; version <= 3; version++) {
        begin(version);
        hold_a_conversation();
        simulcrypt_scs_session_close(pair.scs);
        wire_pump();
        expect_clean();
        expect_fields("simulcrypt", "-e simulcrypt.message.type",
                      "0x0001\n0x0003\n0x0101\n0x0103\n0x0201\n0x0202\n0x0201\n0x0202\n0x0002\n0x0003\n"
                      "0x0104\n0x0004\n0x0105\n");
        end();
    }
}

Test(tshark, values_arrive_as_meant)
{
    begin(3);
    hold_a_conversation();
    expect_fields("simulcrypt.message.type==1",
                  "-e simulcrypt.version -e simulcrypt.super_cas_id "
                  "-e simulcrypt.ecm_channel_id",
                  "0x03 0x4adc0042 4660\n");
    expect_fields("simulcrypt.message.type==3",
                  "-e simulcrypt.delay_start -e simulcrypt.delay_stop "
                  "-e simulcrypt.ac_delay_start -e simulcrypt.ac_delay_stop "
                  "-e simulcrypt.transition_delay_start -e simulcrypt.transition_delay_stop "
                  "-e simulcrypt.ecm_rep_period -e simulcrypt.max_streams -e simulcrypt.min_cp_duration "
                  "-e simulcrypt.lead_cw -e simulcrypt.cw_per_msg -e simulcrypt.max_comp_time "
                  "-e simulcrypt.section_tspkt_flag",
                  "-200 200 -1000 0 -500 0 100 77 10 1 2 100 0x00\n"
                  "-200 200 -1000 0 -500 0 100 77 10 1 2 100 0x00\n");
    expect_fields("simulcrypt.message.type==0x101",
                  "-e simulcrypt.ecm_stream_id -e simulcrypt.ecm_id "
                  "-e simulcrypt.nominal_cp_duration",
                  "1911 2011 100\n");
    expect_fields("simulcrypt.message.type==0x201",
                  "-e simulcrypt.cp_number "
                  "-e simulcrypt.cp_cw_combination -e simulcrypt.access_criteria",
                  "65535 ffffffffffffffffffff,00000000000000000000 010203\n"
                  "0 00000000000000000000,00010101010101010101 \n");
    expect_fields("simulcrypt.message.type==0x202", "-e simulcrypt.cp_number -e simulcrypt.ecm_datagram",
                  "65535 807002ffff\n0 8070020000\n");
    end();
}

/* Every error of Table 6, from either end; answers of the SCS to tests. */
Test(tshark, errors_and_answers_to_tests_are_understood)
{
    static const uint16_t errors[] = {1,  2,  3,  4,  5,  6,  7,  8,  9,  10,     11,    12,
                                      13, 14, 15, 16, 17, 18, 19, 20, 21, 0x7000, 0x7001};
    begin(2);
    hold_a_conversation();
    wire_client_hears("channel_test ECM_channel_id=1234;stream_test ECM_channel_id=1234 ECM_stream_id=0777;"
                      "stream_test ECM_channel_id=1234 ECM_stream_id=0001;channel_test;"
                      "channel_test ECM_channel_id=1234");
    wire_server_hears("stream_test ECM_channel_id=1234 ECM_stream_id=0777;"
                      "channel_test ECM_channel_id=0001;stream_test;channel_test ECM_channel_id=1234");
    for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++)
        simulcrypt_ecmg_session_stream_error(pair.ecmg, 0x0777, errors[i]);
    expect_clean();
    expect_fields(
        "simulcrypt.error_status and simulcrypt.message.type==0x106", "-e simulcrypt.error_status",
        "7\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n14\n15\n16\n17\n18\n19\n20\n21\n28672\n28673\n");
    end();
}

/* Lest the judge be asleep. */
Test(tshark, the_judge_does_complain)
{
    static const uint8_t bad[4][11] = {
        {2, 0x00, 0x42, 0, 6, 0x00, 0x0E, 0, 2, 0, 1},       /* message_type */
        {2, 0x00, 0x02, 0, 6, 0x80, 0x0E, 0, 2, 0, 1},       /* parameter_type */
        {2, 0x00, 0x02, 0, 6, 0x00, 0x0E, 0, 9, 0, 1},       /* parameter_length */
        {2, 0x00, 0x05, 0, 6, 0x70, 0x00, 0, 2, 0x77, 0x77}, /* error_status */
    };
    for (size_t i = 0; i < 4; i++) {
        begin(2);
        capture_add(&writer, true, bad[i], SIMULCRYPT_HEADER_SIZE + bad[i][4]);
        cr_assert(complaint(), "message %zu", i);
        end();
    }
}

Test(tshark, ecms_in_packets_are_understood)
{
    uint8_t packets[2 * 188] = {0x47, 0x1F, 0xFF, 0x10};
    packets[188] = 0x47;
    begin(2);
    pair.status.packets = true;
    pair.silent = true;
    pair_add_stream(0x0777);
    pair_connect();
    wire_pump();
    pair_provision(0x0777, 0);
    wire_pump();
    cr_assert_eq(simulcrypt_ecmg_session_ecm_response(pair.ecmg, 0x0777, 0, packets, sizeof(packets)), 0);
    expect_clean();
    expect_fields("simulcrypt.message.type==0x202", "-e simulcrypt.message.len", "398\n");
    end();
}

/* Every message of the tables, with one and with several instances of each parameter, in every version. */
static void judge_tables(const struct simulcrypt_interface *interface)
{
    static uint8_t bytes[4096];
    unsigned sent = 0;
    record_anew();
    for (uint8_t version = 0; version < 32; version++)
        for (size_t m = 0; m < interface->message_count; m++)
            for (unsigned instances = 0; instances <= 2; instances++) {
                const struct simulcrypt_message_type *type = &interface->messages[m];
                if (!simulcrypt_version_is_known(interface, version))
                    continue;
                size_t size = tables_make(interface, type, version, instances, bytes, sizeof(bytes));
                capture_add(&writer, type->from & SIMULCRYPT_FROM_CLIENT, bytes, size);
                sent++;
            }
    const char *found = complaint();
    cr_assert(!found, "%s: tshark says: %.200s", interface->name, found ? found : "");
    unsigned seen = 0;
    for (const char *line = judge("simulcrypt", "-T fields -e simulcrypt.message.type"); *line; line++)
        seen += *line == '\n';
    cr_assert_eq(seen, sent);
    fclose(writer.file);
}

Test(tshark, every_message_of_the_tables_is_understood)
{
    for (size_t i = 0; i < 3; i++) /* it knows no parameters of C(P)SIG-(P)SIG */
        judge_tables(tables_all[i]);
}

static void record_emmg_conversation(uint8_t version)
{
    struct simulcrypt_emmg_config config = {
        .version = version, .client_id = 0x4ADC0001, .channel_id = 0x1234, .test_period_ms = 1000};
    struct simulcrypt_datagram section = emmg_pair_section(20, 0x42);
    record_anew();
    emmg_pair_start(&config);
    wire.on_send = record;
    emmg_pair_add_stream(0x0777);
    emmg_pair_connect();
    wire_pump();
    simulcrypt_emmg_session_request_bandwidth(emmg_pair.emmg, 0x0777, 500, wire.now_ms);
    wire_pump();
    simulcrypt_emmg_session_provide(emmg_pair.emmg, 0x0777, &section, 1);
    simulcrypt_emmg_session_test_stream(emmg_pair.emmg, 0x0777);
    simulcrypt_mux_session_test_stream(emmg_pair.mux, 0x0777);
    simulcrypt_mux_session_test_channel(emmg_pair.mux);
    wire_pump();
    emmg_pair_tick(1000);
    for (uint16_t error = 1; error <= SIMULCRYPT_EMMG_CLIENT_IN_USE; error++)
        simulcrypt_mux_session_stream_error(emmg_pair.mux, 0x0777, error);
    simulcrypt_emmg_session_close(emmg_pair.emmg);
    wire_pump();
}

Test(tshark, a_conversation_with_a_mux_is_understood)
{
    static const uint8_t versions[] = {1, 2, 3, 5};
    for (size_t i = 0; i < 4; i++) {
        record_emmg_conversation(versions[i]);
        expect_clean();
        fclose(writer.file);
        emmg_pair_stop();
    }
}

Test(tshark, values_of_a_conversation_with_a_mux_arrive_as_meant)
{
    record_emmg_conversation(3);
    expect_fields("simulcrypt.message.type==0x0111",
                  "-e simulcrypt.client_id -e simulcrypt.data_channel_id -e simulcrypt.data_stream_id "
                  "-e simulcrypt.data_id -e simulcrypt.data_type",
                  "1255931905 4660 1911 2011 0\n");
    expect_fields("simulcrypt.message.type==0x0118", "-e simulcrypt.bandwidth", "500\n");
    expect_fields("simulcrypt.message.type==0x0211", "-e simulcrypt.datagram",
                  "8270114242424242424242424242424242424242\n");
    fclose(writer.file);
    emmg_pair_stop();
}

static void record_eis_conversation(uint8_t version)
{
    struct simulcrypt_eis_config config = {.version = version, .channel_id = 0x1234, .test_period_ms = 1000};
    struct simulcrypt_scg scg = eis_pair_scg(3, 99);
    record_anew();
    eis_pair_start(&config);
    wire.on_send = record;
    simulcrypt_eis_session_connected(eis_pair.eis, wire.now_ms);
    wire_pump();
    scg.has_activation_time = true;
    scg.activation_time = simulcrypt_time_from_unix_ms(1798761599990);
    scg.recommended_cp_duration = 70;
    scg.component_count = 2;
    scg.components[1] = 0x101;
    eis_pair.nominal_cp_duration = 100;
    simulcrypt_eis_session_provision(eis_pair.eis, &scg, wire.now_ms);
    simulcrypt_eis_session_test(eis_pair.eis, 4, wire.now_ms);
    wire_pump();
    simulcrypt_eis_session_list(eis_pair.eis, wire.now_ms);
    simulcrypt_scg_session_test_channel(eis_pair.scs);
    wire_pump();
    for (uint16_t error = 1; error <= SIMULCRYPT_EIS_UNKNOWN_SUPER_CAS_ID; error++) {
        eis_pair.check_error = error;
        simulcrypt_eis_session_provision(eis_pair.eis, &scg, wire.now_ms);
        wire_pump();
    }
    simulcrypt_eis_session_reset(eis_pair.eis);
    eis_pair_tick(1000);
    simulcrypt_eis_session_close(eis_pair.eis);
    wire_pump();
}

Test(tshark, a_conversation_with_an_eis_is_understood)
{
    for (uint8_t version = 2; version <= 4; version++) {
        record_eis_conversation(version);
        expect_clean();
        fclose(writer.file);
        eis_pair_stop();
    }
}

Test(tshark, values_of_a_conversation_with_an_eis_arrive_as_meant)
{
    record_eis_conversation(4);
    expect_fields("simulcrypt.message.type==0x0408 and frame.number < 5",
                  "-e simulcrypt.parameter.scg_id -e simulcrypt.parameter.scg_reference_id "
                  "-e simulcrypt.parameter.year -e simulcrypt.parameter.hundredth_second "
                  "-e simulcrypt.parameter.service_id -e simulcrypt.parameter.component_id "
                  "-e simulcrypt.parameter.ecm_group",
                  "3 99 2026 99 30 0,257 000900020003000800044adc0001000a00030102030010000100\n");
    expect_fields("simulcrypt.message.type==0x040a and frame.number < 7",
                  "-e simulcrypt.parameter.scg_current_reference_id "
                  "-e simulcrypt.parameter.scg_pending_reference_id "
                  "-e simulcrypt.parameter.scg_nominal_cp_duration",
                  "0 99 100\n");
    expect_fields("simulcrypt.message.type==0x040d", "-e simulcrypt.parameter.scg_id", "3\n");
    fclose(writer.file);
    eis_pair_stop();
}
