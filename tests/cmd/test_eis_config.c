/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "cmd/eis_config.h"

static struct cmd_eis_config config;
static char why[CMD_EIS_WHY_SIZE];

#define STREAM "transport_stream_id: 1\noriginal_network_id: 2\n"
#define GROUPS "    ecm_groups: [{super_cas_id: 1, ecm_id: 1}]\n"

static int parse(const char *text)
{
    memset(&config, 0, sizeof(config));
    return cmd_eis_config_parse(&config, "f.yaml", ".", text, strlen(text), why);
}

static void refuses(const char *text, const char *expected)
{
    cr_expect_eq(parse(text), BASE_E_CONFIGURATION);
    cr_expect_str_eq(why, expected);
}

Test(eis_config, takes_what_is_left_out_from_defaults)
{
    cr_assert_eq(parse(STREAM), 0, "%s", why);
    cr_assert_str_eq(config.scs.host, "127.0.0.1");
    cr_assert_eq(config.scs.port, 2233);
    cr_assert_eq(config.channel_id, 1);
    cr_assert_eq(config.version, 4);
    cr_assert_eq(config.reply_timeout_us, 5000000);
    cr_assert_eq(config.test_period_us, 10000000);
    cr_assert_eq(config.status_period_us, 2000000);
    cr_assert_eq(config.scg_count, 0);
    cr_assert(!net_tls_is_wanted(&config.tls));
}

Test(eis_config, takes_every_key)
{
    struct simulcrypt_scg scg;

    cr_assert_eq(
        parse("connect: \"[::1]:2000\"\nchannel_id: 5\nversion: 3\nreply_timeout: 2\ntest_period: 0\n"
              "status_period: 0.5\n" STREAM "scgs:\n"
              "  - id: 7\n    reference_id: 99\n    transport_stream_id: 3\n    original_network_id: 4\n"
              "    services: [1, 2]\n    components: [0x101]\n    activation_time: +1.5s\n"
              "    recommended_CP_duration: 80\n    ecm_groups:\n"
              "      - {super_cas_id: 0x4ADC0001, ecm_id: 5, access_criteria: 0a0B, AC_changed: yes}\n"
              "      - {super_cas_id: 0x4ADC0002, ecm_id: 6}\n"
              "  - id: 8\n    services: [9]\n" GROUPS),
        0, "%s", why);
    cr_assert_str_eq(config.scs.host, "::1");
    cr_assert_eq(config.scs.port, 2000);
    cr_assert_eq(config.channel_id, 5);
    cr_assert_eq(config.version, 3);
    cr_assert_eq(config.scg_count, 2);
    cmd_eis_describe(&config.scgs[0], 1000000, &scg);
    cr_assert_eq(scg.scg_id, 7);
    cr_assert_eq(scg.reference_id, 99);
    cr_assert_eq(scg.transport_stream_id, 3);
    cr_assert_eq(scg.original_network_id, 4);
    cr_assert_eq(scg.service_count, 2);
    cr_assert_eq(scg.components[0], 0x101);
    cr_assert(scg.has_activation_time);
    cr_assert_eq(simulcrypt_time_to_unix_ms(&scg.activation_time), 1001500);
    cr_assert_eq(scg.ecm_group_count, 2);
    cr_assert_arr_eq(scg.ecm_groups[0].access_criteria, "\x0a\x0b", 2);
    cr_assert(scg.ecm_groups[0].ac_changed);
    cr_assert(!scg.ecm_groups[1].has_access_criteria && !scg.ecm_groups[1].ac_changed);
    cmd_eis_describe(&config.scgs[1], 0, &scg);
    cr_assert_eq(scg.transport_stream_id, 1);
    cr_assert_eq(scg.original_network_id, 2);
    cr_assert_eq(scg.reference_id, 1);
    cr_assert(!scg.has_activation_time);
}

Test(eis_config, refuses_with_the_line)
{
    refuses("", "f.yaml:1: the file: transport_stream_id is missing");
    refuses(STREAM "version: 5\n", "f.yaml:3: version: '5' is not a whole number from 2 to 4");
    refuses(STREAM "connect: \":2000\"\n", "f.yaml:3: connect: ':2000' is not HOST:PORT");
    refuses(STREAM "scgs:\n  - services: [1]\n", "f.yaml:4: scgs: id is missing");
    refuses(STREAM "scgs:\n  - id: 1\n    services: [1]\n" GROUPS "  - id: 1\n    services: [2]\n" GROUPS,
            "f.yaml:7: id: another SCG has the id 1");
    refuses(
        STREAM "scgs:\n  - id: 1\n",
        "f.yaml:4: id: SCG 1 has no services, components and ecm_groups, which would remove it (that is what "
        "--remove 1 does)");
    refuses(
        STREAM "scgs:\n  - id: 1\n    activation_time: tomorrow\n",
        "f.yaml:5: activation_time: 'tomorrow' is not 'none', '+30s' or a time such as 2026-11-20T20:00:00Z");
    refuses(STREAM "scgs:\n  - id: 1\n    ecm_groups: [{super_cas_id: 1, ecm_id: 1, access_criteria: 0x1}]\n",
            "f.yaml:5: access_criteria: '0x1' is not hexadecimal, of up to 1024 bytes");
}

static int64_t time_of(const char *text)
{
    struct cmd_eis_time time = {.ms = -1};

    return cmd_eis_parse_time(text, &time) < 0 ? -1 : time.ms;
}

Test(eis_config, times_are_those_that_there_are)
{
    cr_assert_eq(time_of("2026-11-20T20:00:00Z"), 1795204800000);
    cr_assert_eq(time_of("2026-11-20T20:00:00.25Z"), 1795204800250);
    cr_assert_eq(time_of("2028-02-29T00:00:00.5Z"), 1835395200500);
    cr_assert_eq(time_of("+30s"), 30000);
    cr_assert_eq(time_of("none"), 0);
    static const char *const wrong[] = {"",
                                        "+",
                                        "+s",
                                        "+30",
                                        "-30s",
                                        "2026-11-20",
                                        "2026-11-20T20:00:00",
                                        "2026-11-20T20:00:00+01:00",
                                        "2026-11-20T20:00:00.255Z",
                                        "2026-11-20T20:00:00.Z",
                                        "2026-11-20T20:00:00ZZ",
                                        "2026-02-29T00:00:00Z",
                                        "2026-11-31T00:00:00Z",
                                        "2026-13-01T00:00:00Z",
                                        "2026-00-01T00:00:00Z",
                                        "2026-11-20T24:00:00Z",
                                        "2026-11-20T23:59:60Z",
                                        "2026- 1-20T20:00:00Z",
                                        "1969-11-20T20:00:00Z"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        cr_expect_eq(time_of(wrong[i]), -1, "%s", wrong[i]);
}

Test(eis_config, the_example_is_loaded)
{
    char path[512];

    snprintf(path, sizeof(path), "%s/eis.yaml", getenv("SCRAMLINE_CONFIGS"));
    cr_assert_eq(cmd_eis_config_load(&config, path, why), 0, "%s", why);
    cr_assert_eq(config.scg_count, 2);
}
