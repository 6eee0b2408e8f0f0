/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "ecmg/ecm.h"
#include "ecmg/server.h"
#include "keys/key_file.h"

static char folder[] = "/tmp/scramline-config-XXXXXX";
static struct ecmg_server_config config;
static char why[256];

static void write_key(const char *name, uint8_t fill)
{
    char path[128];
    struct base_secret key = {.size = 16};

    memset(key.bytes, fill, 16);
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    cr_assert_eq(keys_file_write(path, &key), 0);
}

static void setup(void)
{
    cr_assert_not_null(mkdtemp(folder));
    write_key("a.key", 0xa1);
    write_key("b.key", 0xb2);
}

static void teardown(void)
{
    static const char *const names[] = {"a.key", "b.key", "bad.key", "open.key", "ecmg.yaml"};
    char path[128];

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
}

TestSuite(config, .init = setup, .fini = teardown);

static int parse(const char *text)
{
    return ecmg_server_config_parse(&config, text, strlen(text), "ecmg.yaml", folder, why);
}

static void assert_refused(const char *text, const char *expected)
{
    struct ecmg_server_config before = config;

    cr_assert_eq(parse(text), BASE_E_CONFIGURATION, "accepted: %s", text);
    cr_assert_str_eq(why, expected);
    cr_assert_eq(memcmp(&before, &config, sizeof(config)), 0, "changed by: %s", text);
}

Test(config, an_empty_file_gives_the_defaults)
{
    struct ecmg_server_config defaults;

    ecmg_server_config_init(&defaults);
    cr_assert_str_eq(defaults.listener.host, "127.0.0.1");
    cr_assert_eq(defaults.listener.port, 2222);
    cr_assert_eq(defaults.channel.status.delay_start, 0);
    cr_assert_eq(defaults.channel.status.transition_delay_start, -500);
    cr_assert_eq(defaults.channel.status.ecm_rep_period, 100);
    cr_assert_eq(defaults.channel.status.min_cp_duration, 10);
    cr_assert_eq(defaults.channel.status.lead_cw, 1);
    cr_assert_eq(defaults.channel.status.cw_per_msg, 2);
    cr_assert_eq(defaults.channel.status.max_comp_time, 100);
    cr_assert_not(defaults.channel.status.packets);
    cr_assert_eq(parse(""), 0, "%s", why);
    cr_assert_eq(memcmp(&config, &defaults, sizeof(config)), 0);
    cr_assert_eq(parse("# nothing\n"), 0, "%s", why);
    cr_assert_eq(memcmp(&config, &defaults, sizeof(config)), 0);
}

Test(config, every_key_arrives)
{
    const struct simulcrypt_channel_status *status = &config.channel.status;

    cr_assert_eq(parse("address: '*'\nport: 0\n"
                       "services:\n  - super_cas_id: 0x4ADC0001\n    key_file: a.key\n"
                       "  - {super_cas_id: any, key_file: b.key}\n"
                       "limits: {channels: 7, streams: 9}\n"
                       "channel_status:\n  section_TSpkt_flag: packets\n  delay_start: -30000\n"
                       "  delay_stop: 30000\n  transition_delay_start: -1\n  transition_delay_stop: 2\n"
                       "  AC_delay_start: -3\n  AC_delay_stop: 4\n  ECM_rep_period: 65535\n"
                       "  max_streams: 5\n  min_CP_duration: 6\n  lead_CW: 2\n  CW_per_msg: 0x3\n"
                       "  max_comp_time: 8\n"),
                 0, "%s", why);
    cr_assert_str_eq(config.listener.host, "");
    cr_assert_eq(config.listener.port, 0);
    cr_assert_eq(config.service_count, 2);
    cr_assert_eq(config.services[0].super_cas_id, 0x4adc0001);
    cr_assert_not(config.services[0].any);
    cr_assert_eq(config.services[0].key.bytes[15], 0xa1);
    cr_assert(config.services[1].any);
    cr_assert_eq(config.services[1].key.bytes[15], 0xb2);
    cr_assert_eq(config.channels_max, 7);
    cr_assert_eq(config.streams_max, 9);
    cr_assert(status->packets);
    cr_assert_eq(status->delay_start, -30000);
    cr_assert_eq(status->delay_stop, 30000);
    cr_assert(status->has_transition_delay_start && status->has_transition_delay_stop);
    cr_assert(status->has_ac_delay_start && status->has_ac_delay_stop);
    cr_assert_eq(status->transition_delay_start, -1);
    cr_assert_eq(status->transition_delay_stop, 2);
    cr_assert_eq(status->ac_delay_start, -3);
    cr_assert_eq(status->ac_delay_stop, 4);
    cr_assert_eq(status->ecm_rep_period, 65535);
    cr_assert_eq(status->max_streams, 5);
    cr_assert_eq(status->min_cp_duration, 6);
    cr_assert_eq(status->lead_cw, 2);
    cr_assert_eq(status->cw_per_msg, 3);
    cr_assert_eq(status->max_comp_time, 8);
}

Test(config, who_may_connect_is_read_and_the_files_of_tls_are_tried)
{
    cr_assert_eq(parse("allow: [192.0.2.0/24, '::1']\nconnections_max: 7\n"), 0, "%s", why);
    cr_assert_eq(config.listener.access.count, 2);
    cr_assert_eq(config.listener.connections_max, 7);
    cr_assert_str_eq(config.listener.host, "127.0.0.1");
    cr_assert_not(net_tls_is_wanted(&config.listener.tls));
    assert_refused("allow: 192.0.2.0/24\n", "ecmg.yaml:1: allow: a list ('- …') expected");
    assert_refused("port: 1\ntls: {certificate: a.pem, key: a.key}\n",
                   "ecmg.yaml:2: tls: authorities is missing");
    cr_assert_eq(parse("port: 1\ntls: {certificate: a.pem, key: a.key, authorities: b.pem}\n"),
                 BASE_E_CONFIGURATION);
    cr_assert_eq(strncmp(why, "ecmg.yaml:2: tls: certificate /tmp/scramline-config-", 52), 0, "%s", why);
    cr_assert_not_null(strstr(why, "/a.pem: there is no such file"));
}

Test(config, what_time_and_limits_are_about_arrives)
{
    cr_assert_eq(parse("test_period: 0.25\nreply_timeout: 2\nlimits: {messages_per_second: 100}\n"
                       "stream_status: {access_criteria_transfer_mode: yes}\n"
                       "laboratory: {answer_delay: 300}\n"),
                 0, "%s", why);
    cr_assert_eq(config.test_period_us, 250000);
    cr_assert_eq(config.reply_timeout_us, 2000000);
    cr_assert_eq(config.messages_per_second, 100);
    cr_assert(config.channel.access_criteria_transfer_mode);
    cr_assert_eq(config.answer_delay_ms, 300);
}

/* Whatever the order in the file, a service names what differs. */
Test(config, a_service_overrides_values_of_the_channel)
{
    const struct simulcrypt_channel_status *status = &config.services[0].channel.status;

    cr_assert_eq(
        parse("services:\n"
              "  - super_cas_id: 1\n    key_file: a.key\n"
              "    channel_status: {lead_CW: 0, CW_per_msg: 1, AC_delay_stop: 9}\n"
              "  - super_cas_id: 2\n    key_file: b.key\n"
              "    stream_status: {access_criteria_transfer_mode: yes}\n"
              "  - {super_cas_id: 3, key_file: b.key}\n"
              "channel_status: {section_TSpkt_flag: packets, lead_CW: 2, CW_per_msg: 3, delay_start: -5}\n"),
        0, "%s", why);
    cr_assert(config.services[0].has_channel && config.services[1].has_channel);
    cr_assert_not(config.services[2].has_channel);
    cr_assert_eq(status->lead_cw, 0);
    cr_assert_eq(status->cw_per_msg, 1);
    cr_assert(status->has_ac_delay_stop);
    cr_assert_eq(status->ac_delay_stop, 9);
    cr_assert(status->packets);
    cr_assert_eq(status->delay_start, -5);
    cr_assert(status->has_transition_delay_start);
    cr_assert_eq(status->transition_delay_start, -500);
    cr_assert_not(config.services[0].channel.access_criteria_transfer_mode);
    cr_assert(config.services[1].channel.access_criteria_transfer_mode);
    cr_assert_eq(config.services[1].channel.status.lead_cw, 2);
    cr_assert_eq(config.channel.status.lead_cw, 2);
    cr_assert_not(config.channel.status.has_ac_delay_stop);
}

Test(config, every_mistake_is_one_line_with_its_place)
{
    assert_refused("port: 1\n\n  \ncolour: red\n", "ecmg.yaml:4: unknown key 'colour'");
    assert_refused("channel_status:\n  delay_start: 0\n  lead_cw: 1\n", "ecmg.yaml:3: unknown key 'lead_cw'");
    assert_refused("port: 1\nport: 2\n", "ecmg.yaml:2: port is given twice");
    assert_refused("port: 12abc\n", "ecmg.yaml:1: port: '12abc' is not a whole number from 0 to 65535");
    assert_refused("port: 010\n", "ecmg.yaml:1: port: '010' is not a whole number from 0 to 65535");
    assert_refused("port: 65536\n", "ecmg.yaml:1: port: '65536' is not a whole number from 0 to 65535");
    assert_refused("port: -1\n", "ecmg.yaml:1: port: '-1' is not a whole number from 0 to 65535");
    assert_refused("port:\n", "ecmg.yaml:1: port: '' is not a whole number from 0 to 65535");
    assert_refused("port: [1]\n", "ecmg.yaml:1: port: '' is not a whole number from 0 to 65535");
    assert_refused("\n- a\n", "ecmg.yaml:2: the file: 'KEY: VALUE' expected");
    assert_refused("[a]: 1\n", "ecmg.yaml:1: unknown key ''");
    assert_refused("limits:\n  channels: 0\n",
                   "ecmg.yaml:2: channels: '0' is not a whole number from 1 to 65536");
    assert_refused("channel_status:\n  delay_start: 30001\n",
                   "ecmg.yaml:2: delay_start: '30001' is not a whole number from -30000 to 30000");
    assert_refused("channel_status:\n  section_TSpkt_flag: 1\n",
                   "ecmg.yaml:2: section_TSpkt_flag: '1' is neither 'sections' nor 'packets'");
    assert_refused("services:\n  - super_cas_id: 1\n    key_file: a.key\n    channel_status:\n"
                   "      lead_CW: 9\n",
                   "ecmg.yaml:5: lead_CW: '9' is not a whole number from 0 to 7");
    assert_refused("reply_timeout: 0\n",
                   "ecmg.yaml:1: reply_timeout: '0' is not a time in seconds from 0.1 to 3600");
    assert_refused("channel_status:\n  lead_CW: 8\n",
                   "ecmg.yaml:2: lead_CW: '8' is not a whole number from 0 to 7");
    assert_refused("channel_status:\n  lead_CW: 1\n  CW_per_msg: 0\n",
                   "ecmg.yaml:3: CW_per_msg: '0' is not a whole number from 1 to 8");
    assert_refused("port: 1\n---\nport: 2\n", "ecmg.yaml:3: a second document ('---') begins here");
    assert_refused("address: ''\n", "ecmg.yaml:1: address: a text of 1 to 255 characters expected");
    assert_refused("\"a\\nb\\x01\": 1\n", "ecmg.yaml:1: unknown key 'a?b?'");
    assert_refused("\"port\\0x\": 1\n", "ecmg.yaml:1: unknown key ''");
}

Test(config, syntax_errors_have_their_place_too)
{
    cr_assert_eq(parse("port: 1\nx: \"open\n"), BASE_E_CONFIGURATION);
    cr_assert_eq(strncmp(why, "ecmg.yaml:", 10), 0);
    cr_assert_not_null(strstr(why, "unexpected end of stream"));
    assert_refused("port: 1\n\nx: @\n",
                   "ecmg.yaml:3: found character that cannot start any token while scanning "
                   "for the next token");
    cr_assert_eq(parse("port: \xff\n"), BASE_E_CONFIGURATION);
    cr_assert_null(strchr(why, '\n'));
}

Test(config, mistakes_in_services_name_the_service)
{
    assert_refused("services: 5\n", "ecmg.yaml:1: services: a list ('- …') expected");
    assert_refused("services:\n  - super_cas_id: 1\n", "ecmg.yaml:2: services: key_file is missing");
    assert_refused("services:\n  - key_file: a.key\n", "ecmg.yaml:2: services: super_cas_id is missing");
    assert_refused("services:\n  - super_cas_id: all\n    key_file: a.key\n",
                   "ecmg.yaml:2: super_cas_id: 'all' is neither 'any' nor a number from 0 to 0xffffffff");
    assert_refused(
        "services:\n  - super_cas_id: 0x100000000\n    key_file: a.key\n",
        "ecmg.yaml:2: super_cas_id: '0x100000000' is neither 'any' nor a number from 0 to 0xffffffff");
    assert_refused(
        "services:\n  - {super_cas_id: 1, key_file: a.key}\n  - {super_cas_id: 0x1, key_file: b.key}\n",
        "ecmg.yaml:3: super_cas_id 0x1 has an entry already");
    assert_refused(
        "services:\n  - super_cas_id: 1\n    key_file: none.key\n",
        "ecmg.yaml:3: key_file 'none.key': there is no such file (scramline keys service makes one)");
}

Test(config, super_cas_id_0_and_any_are_two_things)
{
    cr_assert_eq(
        parse(
            "services:\n  - {super_cas_id: 0, key_file: a.key}\n  - {super_cas_id: any, key_file: b.key}\n"),
        0, "%s", why);
}

Test(config, no_more_services_than_there_is_room_for)
{
    static char text[ECMG_SERVICES_MAX * 64];
    size_t used = (size_t)snprintf(text, sizeof(text), "services:\n");

    for (unsigned i = 0; i <= ECMG_SERVICES_MAX; i++) {
        if (i == ECMG_SERVICES_MAX)
            cr_assert_eq(parse(text), 0, "%s", why);
        used += (size_t)snprintf(text + used, sizeof(text) - used,
                                 "  - {super_cas_id: %u, key_file: a.key}\n", i);
    }
    assert_refused(text, "ecmg.yaml:66: services: more than 64 entries");
}

static void write_file(const char *name, const char *text, mode_t mode)
{
    char path[128];
    int fd;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    fchmod(fd, mode);
    close(fd);
}

Test(config, unusable_key_files_are_told_apart_and_not_shown)
{
    write_file("bad.key", "00112233445566778899aabbccddee\n", 0600);
    write_file("open.key", "00112233445566778899aabbccddeeff\n", 0644);
    assert_refused("services:\n  - super_cas_id: 1\n    key_file: bad.key\n",
                   "ecmg.yaml:3: key_file 'bad.key': it does not hold one line of 32 hexadecimal digits");
    assert_refused("services:\n  - super_cas_id: 1\n    key_file: open.key\n",
                   "ecmg.yaml:3: key_file 'open.key': others than its owner can read it (chmod 600)");
}

Test(config, a_file_is_loaded_with_keys_relative_to_its_folder)
{
    char path[128];

    write_file("ecmg.yaml", "services:\n  - super_cas_id: any\n    key_file: a.key\n", 0644);
    snprintf(path, sizeof(path), "%s/ecmg.yaml", folder);
    cr_assert_eq(ecmg_server_config_load(&config, path, why), 0, "%s", why);
    cr_assert_eq(config.services[0].key.bytes[0], 0xa1);
    cr_assert_eq(chdir(folder), 0);
    ecmg_server_config_clear(&config);
    cr_assert_eq(ecmg_server_config_load(&config, "ecmg.yaml", why), 0, "%s", why);
    cr_assert_eq(config.services[0].key.bytes[0], 0xa1);
}

Test(config, what_cannot_be_read_is_said)
{
    cr_assert_eq(ecmg_server_config_load(&config, "/nowhere/ecmg.yaml", why), -ENOENT);
    cr_assert_str_eq(why, "/nowhere/ecmg.yaml: No such file or directory");
    cr_assert_eq(ecmg_server_config_load(&config, folder, why), -EISDIR);
    cr_assert_eq(ecmg_server_config_load(&config, "/dev/zero", why), -EFBIG);
}

Test(config, a_message_fits_whatever_the_names_are)
{
    static char name[5000], text[5000];

    memset(name, 'n', sizeof(name) - 1);
    memset(text, 'k', 1000);
    memcpy(text + 1000, ": 1\n", 5);
    cr_assert_eq(ecmg_server_config_parse(&config, text, strlen(text), name, folder, why),
                 BASE_E_CONFIGURATION);
    cr_assert_not_null(strstr(why, ":1: unknown key 'kkk"));
}

Test(config, the_example_is_loaded_and_shows_the_defaults)
{
    struct ecmg_server_config defaults;
    const char *path = getenv("SCRAMLINE_CONFIGS");
    char file[512];

    if (!path)
        cr_skip_test("SCRAMLINE_CONFIGS is not set");
    snprintf(file, sizeof(file), "%s/ecmg.yaml", path);
    ecmg_server_config_init(&defaults);
    cr_assert_eq(ecmg_server_config_load(&config, file, why), 0, "%s", why);
    cr_assert_eq(memcmp(&config, &defaults, sizeof(config)), 0);
}

Test(config, clearing_leaves_no_key)
{
    static const struct ecmg_server_config nothing;

    cr_assert_eq(parse("services:\n  - super_cas_id: any\n    key_file: a.key\n"), 0, "%s", why);
    ecmg_server_config_clear(&config);
    cr_assert_eq(memcmp(&config, &nothing, sizeof(config)), 0);
}

Test(config, aliases_in_a_circle_end)
{
    cr_assert_eq(parse("services: &a [*a]\n"), BASE_E_CONFIGURATION);
    assert_refused("limits: &l {channels: 5}\n", "ecmg.yaml:1: anchors (&) and aliases (*) are not taken");
    cr_assert_eq(parse("&m limits: *m\n"), BASE_E_CONFIGURATION);
}
