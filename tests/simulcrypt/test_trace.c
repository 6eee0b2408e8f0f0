/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "script.h"
#include "simulcrypt/ecmg_scs_table.h"
#include "simulcrypt/trace.h"
#include "tables.h"

TestSuite(trace, .timeout = 60);

static uint8_t bytes[4096];
static char line[SIMULCRYPT_TRACE_ROOM(sizeof(bytes))];

static const char *trace_bytes(const struct simulcrypt_interface *interface, size_t size,
                               enum simulcrypt_trace_form form, bool show_secrets)
{
    struct simulcrypt_trace_options options = {.form = form, .show_secrets = show_secrets};
    ptrdiff_t length = simulcrypt_trace(interface, bytes, size, &options, line, sizeof(line));
    cr_assert_eq(length, (ptrdiff_t)strlen(line));
    return line;
}

static const char *trace(const char *script)
{
    return trace_bytes(script_interface, script_encode(script, bytes, sizeof(bytes)), SIMULCRYPT_TRACE_TEXT,
                       false);
}

static const char *trace_json(const char *script)
{
    return trace_bytes(script_interface, script_encode(script, bytes, sizeof(bytes)), SIMULCRYPT_TRACE_JSON,
                       false);
}

Test(trace, shows_every_parameter_as_its_kind_asks)
{
    cr_assert_str_eq(trace("channel_setup ECM_channel_id=0001 Super_CAS_id=12345678"),
                     "v2 channel_setup ECM_channel_id=1 Super_CAS_id=0x12345678");
    cr_assert_str_eq(
        trace("v3 channel_status ECM_channel_id=0001 section_TSpkt_flag=00 delay_start=FF38 "
              "delay_stop=00C8 ECM_rep_period=0064 max_streams=0000 min_CP_duration=000A lead_CW=01 "
              "CW_per_msg=02 max_comp_time=0064 0x9000=CAFE"),
        "v3 channel_status ECM_channel_id=1 section_TSpkt_flag=0 delay_start=-200 delay_stop=200 "
        "ECM_rep_period=100 max_streams=0 min_CP_duration=10 lead_CW=1 CW_per_msg=2 max_comp_time=100 "
        "0x9000=CAFE");
    cr_assert_str_eq(trace("channel_error ECM_channel_id=0001 error_status=0006 error_information=000E"),
                     "v2 channel_error ECM_channel_id=1 error_status=6(unknown ECM_channel_id) "
                     "error_information=000E");
}

Test(trace, shows_compounds)
{
    script_interface = tables_eis;
    cr_assert_str_eq(
        trace("v3 SCG_provision EIS_channel_id=0001 SCG_id=0001 transport_stream_id=0001 "
              "original_network_id=0001 SCG_reference_id=00000001 "
              "ECM_Group=00090002000500080004000000010010000101"),
        "v3 SCG_provision EIS_channel_id=1 SCG_id=1 transport_stream_id=1 original_network_id=1 "
        "SCG_reference_id=0x00000001 ECM_Group={ECM_id=5 Super_CAS_id=0x00000001 AC_changed_flag=1}");
}

Test(trace, shortens_long_values_of_text_alone)
{
    struct simulcrypt_trace_options options = {.form = SIMULCRYPT_TRACE_TEXT, .bytes_shown = 2};
    size_t size = script_encode("ECM_response ECM_channel_id=0001 ECM_stream_id=0007 CP_number=0005 "
                                "ECM_datagram=80700212345678",
                                bytes, sizeof(bytes));
    cr_assert(simulcrypt_trace(&simulcrypt_ecmg_scs, bytes, size, &options, line, sizeof(line)) > 0);
    cr_assert(strstr(line, "ECM_datagram=8070…(7 bytes)"), "%s", line);
    options.bytes_shown = 7;
    cr_assert(simulcrypt_trace(&simulcrypt_ecmg_scs, bytes, size, &options, line, sizeof(line)) > 0);
    cr_assert(strstr(line, "ECM_datagram=80700212345678"), "%s", line);
    options = (struct simulcrypt_trace_options){.form = SIMULCRYPT_TRACE_JSON, .bytes_shown = 2};
    cr_assert(simulcrypt_trace(&simulcrypt_ecmg_scs, bytes, size, &options, line, sizeof(line)) > 0);
    cr_assert(strstr(line, "\"80700212345678\""), "%s", line);
}

#define PROVISION                                                                                            \
    "CW_provision ECM_channel_id=0001 ECM_stream_id=0007 CP_number=0005 "                                    \
    "CP_CW_combination=0005A1A2A3A4A5A6A7A8"

Test(trace, hides_cws_unless_asked)
{
    size_t size = script_encode(PROVISION, bytes, sizeof(bytes));
    cr_assert_str_eq(trace(PROVISION), "v2 CW_provision ECM_channel_id=1 ECM_stream_id=7 CP_number=5 "
                                       "CP_CW_combination=5:hidden");
    cr_assert_str_eq(trace_bytes(&simulcrypt_ecmg_scs, size, SIMULCRYPT_TRACE_TEXT, true),
                     "v2 CW_provision ECM_channel_id=1 ECM_stream_id=7 CP_number=5 "
                     "CP_CW_combination=5:A1A2A3A4A5A6A7A8");
    cr_assert_str_eq(strstr(trace_json(PROVISION), "{\"tag\":20"),
                     "{\"tag\":20,\"name\":\"CP_CW_combination\",\"value\":{\"CP\":5,\"CW\":null}}]}");
    cr_assert(!strstr(line, "A1A2"));
}

/* Too long for a CW, in the wrong message, cut off: hidden or not shown. */
Test(trace, hides_cws_of_broken_messages)
{
    char script[2000] = PROVISION;
    for (unsigned i = 0; i < 300; i++)
        strcat(script, "A1");
    cr_assert(!strstr(trace(script), "A1"), "%s", line);
    cr_assert(strstr(line, "CP_CW_combination=hidden INVALID(inconsistent parameter length, 0x0014)"));
    cr_assert(!strstr(trace_json(script), "A1"));
    cr_assert(
        !strstr(trace("channel_test ECM_channel_id=0001 CP_CW_combination=0005A1A2A3A4A5A6A7A8"), "A1"));
    size_t size = script_encode(PROVISION, bytes, sizeof(bytes));
    for (size_t cut = 0; cut < size; cut++)
        cr_assert(!strstr(trace_bytes(&simulcrypt_ecmg_scs, cut, SIMULCRYPT_TRACE_TEXT, false), "A1"));
}

Test(trace, tells_what_is_wrong)
{
    cr_assert_str_eq(trace("channel_test"), "v2 channel_test INVALID(missing mandatory parameter, 0x000E)");
    cr_assert_str_eq(trace("v9 channel_test ECM_channel_id=0001"),
                     "v9 channel_test ECM_channel_id=1 INVALID(unsupported protocol version, 0x0000)");
    cr_assert_str_eq(trace("0x0042 0x9000=00"), "v2 0x0042 0x9000=00 INVALID(unknown message_type, 0x0001)");
    cr_assert_str_eq(trace("channel_test ECM_channel_id=01"),
                     "v2 channel_test ECM_channel_id=01 INVALID(inconsistent parameter length, 0x000E)");
}

Test(trace, gives_json)
{
    cr_assert_str_eq(trace_json("channel_error ECM_channel_id=0001 error_status=0006 error_information=22"),
                     "{\"interface\":\"ECMG-SCS\",\"version\":2,\"type\":5,\"message\":\"channel_error\","
                     "\"parameters\":[{\"tag\":14,\"name\":\"ECM_channel_id\",\"value\":1},"
                     "{\"tag\":28672,\"name\":\"error_status\",\"value\":{\"number\":6,"
                     "\"text\":\"unknown ECM_channel_id\"}},"
                     "{\"tag\":28673,\"name\":\"error_information\",\"value\":\"22\"}]}");
    cr_assert_str_eq(trace_json("channel_test"),
                     "{\"interface\":\"ECMG-SCS\",\"version\":2,\"type\":2,\"message\":\"channel_test\","
                     "\"parameters\":[],\"fault\":{\"text\":\"missing mandatory parameter\","
                     "\"information\":14}}");
}

Test(trace, every_message_has_a_line_and_an_interface)
{
    for (size_t i = 0; i < TABLES_COUNT; i++)
        for (size_t m = 0; m < tables_all[i]->message_count; m++) {
            const struct simulcrypt_message_type *type = &tables_all[i]->messages[m];
            size_t size = tables_make(tables_all[i], type, 3, 2, bytes, sizeof(bytes));
            cr_assert_eq(simulcrypt_trace_interface(type->type), tables_all[i]);
            for (unsigned form = 0; form < 2; form++) {
                const char *text = trace_bytes(tables_all[i], size, (enum simulcrypt_trace_form)form, false);
                cr_assert(strstr(text, type->name));
                cr_assert(!strstr(text, "INVALID") && !strstr(text, "fault"), "%s", text);
                for (size_t r = 0; r < type->rule_count; r++)
                    cr_assert(strstr(text, simulcrypt_parameter_name(tables_all[i], type->rules[r].tag)));
            }
        }
    cr_assert_null(simulcrypt_trace_interface(0x0042));
}

Test(trace, too_little_room_is_told)
{
    struct simulcrypt_trace_options options = {.form = SIMULCRYPT_TRACE_TEXT};
    size_t size = script_encode(PROVISION, bytes, sizeof(bytes));
    size_t whole = strlen(trace(PROVISION));
    for (size_t room = 1; room <= whole; room++)
        cr_assert_eq(simulcrypt_trace(&simulcrypt_ecmg_scs, bytes, size, &options, line, room), -ENOSPC);
    cr_assert_eq(simulcrypt_trace(&simulcrypt_ecmg_scs, bytes, size, &options, line, whole + 1),
                 (ptrdiff_t)whole);
}
