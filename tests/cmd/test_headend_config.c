/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "cmd/cipher_options.h"
#include "cmd/headend_config.h"

static struct cmd_headend_config config;
static char why[CMD_HEADEND_WHY_SIZE];

#define PORTS "ports:\n  - {name: in, device: net_null0}\n  - {name: out, device: net_null1}\n"
#define STREAM                                                                                               \
    "streams:\n  - name: one\n    input: {port: in, address: \"239.1.1.1:5000\"}\n    output: {port: "       \
    "out}\n"
#define CW "    cw: 0123456789abcdef\n"

static int parse(const char *text)
{
    why[0] = '\0';
    return cmd_headend_config_parse(&config, "f.yaml", (const uint8_t *)text, strlen(text), why);
}

static void refuses(const char *text, const char *expected)
{
    cr_expect_eq(parse(text), BASE_E_CONFIGURATION);
    cr_expect_str_eq(why, expected);
    cr_expect_null(strchr(why, '\n'));
    cr_expect(!config.streams && !config.pipeline_streams && !config.pipeline.stream_count);
}

Test(headend_config, takes_what_is_left_out_from_defaults)
{
    cr_assert_eq(parse(PORTS STREAM CW), 0, "%s", why);
    cr_assert_eq(config.pipeline.workers, 0);
    cr_assert_eq(config.pipeline.port_count, 2);
    cr_assert(config.pipeline.ports[0].promiscuous);
    cr_assert_eq(config.pipeline.stream_count, 1);
    cr_assert_eq(config.pipeline.streams[0].input_port_number, 5000);
    cr_assert_eq(config.pipeline.streams[0].output_port, 1);
    cr_assert(!config.pipeline.streams[0].readdress);
    cr_assert_eq(config.pipeline.streams[0].ttl, 0);
    cr_assert_eq(config.streams[0].algorithm, CIPHER_DVB_CSA2);
    cr_assert_eq(config.streams[0].policy, HEADEND_HOLD);
    cr_assert_eq(config.streams[0].components, HEADEND_VIDEO | HEADEND_AUDIO);
    cr_assert_eq(config.streams[0].crypto_period, 10 * BASE_TICKS_PER_SECOND);
    cr_assert_eq(config.streams[0].service_count, 0);
    cr_assert(!config.streams[0].all_services);
    cr_assert_eq(config.streams[0].cw.size, 8);
    cmd_headend_config_clear(&config);
}

Test(headend_config, takes_every_key)
{
    cr_assert_eq(parse("workers: 2\ncores: \"0-2\"\nmemory: {hugepages: never, size: 512}\n"
                       "ports:\n  - {name: in, device: net_null0, promiscuous: no}\n"
                       "streams:\n"
                       "  - name: one\n"
                       "    input: {port: in, address: \"[ff15::1]:5000\"}\n"
                       "    output: {port: in, address: \"[ff15::2]:6000\", ttl: 3, source: \"2001:db8::1\", "
                       "mac: \"02:00:00:00:aa:BB\"}\n"
                       "    algorithm: dvb-cissa\n    policy: black\n    policy_delay: 0.5\n"
                       "    crypto_period: 2.5\n    ecm_pid: 0x1F00\n"
                       "    services: [7, 0x10, Eins]\n    components: [video, subtitles]\n"
                       "    ecmg: {address: \"localhost:2222\", super_cas_id: 0x4adc0001, access_criteria: "
                       "\"0a0B\", version: 2, channel_id: 9, ecm_id: 11}\n"),
                 0, "%s", why);
    cr_assert_eq(config.pipeline.workers, 2);
    cr_assert_str_eq(config.pipeline.cores, "0-2");
    cr_assert(config.pipeline.no_huge);
    cr_assert_eq(config.pipeline.memory_mib, 512);
    cr_assert(!config.pipeline.ports[0].promiscuous);
    cr_assert_eq(config.pipeline.streams[0].output_address.version, 6);
    cr_assert_eq(config.pipeline.streams[0].output_port_number, 6000);
    cr_assert_eq(config.pipeline.streams[0].ttl, 3);
    cr_assert(config.pipeline.streams[0].has_output_source);
    cr_assert_arr_eq(config.pipeline.streams[0].output_mac, ((uint8_t[]){2, 0, 0, 0, 0xAA, 0xBB}), 6);
    cr_assert_eq(config.streams[0].algorithm, CIPHER_DVB_CISSA);
    cr_assert_eq(config.streams[0].policy, HEADEND_BLACK);
    cr_assert_eq(config.streams[0].policy_delay, BASE_TICKS_PER_SECOND / 2);
    cr_assert_eq(config.streams[0].crypto_period, BASE_TICKS_PER_SECOND * 5 / 2);
    cr_assert_eq(config.streams[0].service_count, 3);
    cr_assert(config.streams[0].services[1].by_id && config.streams[0].services[1].id == 16);
    cr_assert(!config.streams[0].services[2].by_id);
    cr_assert_str_eq(config.streams[0].services[2].name, "Eins");
    cr_assert_eq(config.streams[0].components, HEADEND_VIDEO | HEADEND_SUBTITLES);
    cr_assert_eq(config.cas.count, 1);
    cr_assert_str_eq(config.cas.cas[0].ecmgs[0].host, "localhost");
    cr_assert_eq(config.cas.cas[0].ecmgs[0].port, 2222);
    cr_assert_eq(config.cas.cas[0].super_cas_id, 0x4ADC0001);
    cr_assert_eq(config.cas.cas[0].version, 2);
    cr_assert_eq(config.cas.cas[0].channel_id, 9);
    cr_assert_eq(config.streams[0].cas_count, 1);
    cr_assert_eq(config.streams[0].cas[0].access_criteria_size, 2);
    cr_assert_eq(config.streams[0].cas[0].access_criteria[1], 0x0B);
    cr_assert_eq(config.streams[0].cas[0].ecm_id, 11);
    cr_assert_eq(config.streams[0].cas[0].ecm_pid, 0x1F00);
    cr_assert(config.streams[0].cas[0].required);
    cmd_headend_config_clear(&config);
}

#define CASS                                                                                                 \
    "cas:\n  - {name: alpha, super_cas_id: 0x4adc0001, ecmgs: [\"a:1\", \"b:2\"], access_criteria: "         \
    "\"01\"}\n"                                                                                              \
    "  - {name: beta, super_cas_id: 0x4ad00002, ecmgs: [\"c:3\"], required: no, ecm_pid: 0x100}\n"

Test(headend_config, takes_every_key_of_a_cas)
{
    const struct cmd_cas_config *cas;

    cr_assert_eq(
        parse("cas:\n  - name: alpha\n    super_cas_id: 0xffffffff\n    ecmgs: [\"a:1\", \"[::1]:2\"]\n"
              "    version: 5\n    channel_id: 7\n    reply_timeout: 1\n    network_delay: 0.5\n"
              "    test_period: 0\n    failback: never\n    outstanding: 2\n    required: false\n"
              "    allow_late_ecm: true\n    access_criteria: \"0102\"\n    ecm_id: 9\n    ecm_pid: 100\n"
              "    private_data: \"abcd\"\n"
              "    channel_status: {delay_start: -200, delay_stop: -200, transition_delay_start: -1000, "
              "transition_delay_stop: 5, AC_delay_start: -6, AC_delay_stop: 7, ECM_rep_period: 50, "
              "min_CP_duration: 20, max_comp_time: 900}\n" PORTS STREAM "    cas: [alpha]\n"),
        0, "%s", why);
    cas = &config.cas.cas[0];
    cr_assert_eq(cas->ecmg_count, 2);
    cr_assert_str_eq(cas->ecmgs[1].host, "::1");
    cr_assert_eq(cas->ecmgs[1].port, 2);
    cr_assert_eq(cas->super_cas_id, UINT32_MAX);
    cr_assert_eq(cas->version, 5);
    cr_assert_eq(cas->channel_id, 7);
    cr_assert_eq(cas->reply_timeout_us, 1000000);
    cr_assert_eq(cas->network_delay_us, 500000);
    cr_assert_eq(cas->test_period_us, 0);
    cr_assert_eq(cas->failback_ms, HEADEND_NO_FAILBACK);
    cr_assert_eq(cas->outstanding, 2);
    cr_assert_eq(cas->override.delay_start, -200);
    cr_assert(cas->override.has_ac_delay_stop && cas->override.ac_delay_stop == 7);
    cr_assert_eq(cas->override.max_comp_time, 900);
    cr_assert(!config.streams[0].cas[0].required && config.streams[0].cas[0].allow_late_ecm);
    cr_assert_eq(config.streams[0].cas[0].private_size, 2);
    cr_assert_eq(config.streams[0].cas[0].private_data[1], 0xCD);
    cr_assert_eq(config.streams[0].cas[0].ecm_id, 9);
    cmd_headend_config_clear(&config);
}

Test(headend_config, takes_defaults_of_a_cas)
{
    cr_assert_eq(parse(CASS PORTS STREAM "    cas: [alpha, beta]\n"), 0, "%s", why);
    cr_assert_eq(config.cas.cas[0].version, 3);
    cr_assert_eq(config.cas.cas[0].outstanding, 1);
    cr_assert_eq(config.cas.cas[0].failback_ms, 30000);
    cr_assert_eq(config.cas.cas[0].test_period_us, 30000000);
    cr_assert(!config.cas.cas[0].override.has_delay_start);
    cr_assert(config.streams[0].cas[0].required && !config.streams[0].cas[1].required);
    cmd_headend_config_clear(&config);
}

Test(headend_config, services_may_have_terms_of_their_own)
{
    const struct cmd_headend_stream *stream;
    const struct cmd_cas_use *uses;
    unsigned count;

    cr_assert_eq(parse(CASS PORTS STREAM
                       "    cas: [{name: alpha, ecm_pid: 0x200}, {name: beta, required: yes}]\n"
                       "    services: [1, {service: Zwei, cas: [{name: beta, access_criteria: \"ff\"}]}]\n"),
                 0, "%s", why);
    stream = &config.streams[0];
    cr_assert_eq(stream->cas[0].ecm_pid, 0x200);
    cr_assert_eq(stream->cas[0].access_criteria[0], 1);
    cr_assert(stream->cas[1].required);
    uses = cmd_headend_uses(stream, &stream->services[0], &count);
    cr_assert_eq(count, 2);
    cr_assert_eq(uses[1].cas, 1);
    uses = cmd_headend_uses(stream, &stream->services[1], &count);
    cr_assert_eq(count, 1);
    cr_assert_eq(uses[0].cas, 1);
    cr_assert_eq(uses[0].access_criteria[0], 0xFF);
    cr_assert_eq(uses[0].ecm_pid, 0x101);
    cr_assert(!uses[0].required);
    cr_assert_str_eq(stream->services[1].name, "Zwei");
    cmd_headend_config_clear(&config);
}

Test(headend_config, a_service_may_change_the_terms_with_the_only_cas)
{
    cr_assert_eq(
        parse(PORTS STREAM
              "    ecmg: {address: \"a:1\", super_cas_id: 0x10000, access_criteria: \"aa\", ecm_id: 5}\n"
              "    services: [{service: 1}, {service: 2, access_criteria: \"bb\", ecm_pid: 77}]\n"),
        0, "%s", why);
    cr_assert_null(config.streams[0].services[0].cas);
    cr_assert_eq(config.streams[0].services[1].cas[0].access_criteria[0], 0xBB);
    cr_assert_eq(config.streams[0].services[1].cas[0].ecm_pid, 77);
    cr_assert_eq(config.streams[0].services[1].cas[0].ecm_id, 6);
    cmd_headend_config_clear(&config);
}

Test(headend_config, streams_with_one_short_form_share_its_cas)
{
    cr_assert_eq(parse(PORTS STREAM
                       "    ecmg: {address: \"a:1\", super_cas_id: 0x10000}\n"
                       "  - name: two\n    input: {port: in, address: \"239.1.1.2:5000\"}\n"
                       "    output: {port: out}\n"
                       "    ecmg: {address: \"a:1\", super_cas_id: 0x10000, access_criteria: \"01\"}\n"
                       "  - name: three\n    input: {port: in, address: \"239.1.1.3:5000\"}\n"
                       "    output: {port: out}\n"
                       "    ecmg: {address: \"a:1\", super_cas_id: 0x10001}\n"),
                 0, "%s", why);
    cr_assert_eq(config.cas.count, 2);
    cr_assert_eq(config.streams[1].cas[0].cas, 0);
    cr_assert_eq(config.streams[1].cas[0].access_criteria_size, 1);
    cr_assert_eq(config.streams[2].cas[0].cas, 1);
    cmd_headend_config_clear(&config);
}

Test(headend_config, tells_what_is_wrong_with_a_cas)
{
    refuses(CASS "  - {name: beta, super_cas_id: 1, ecmgs: [\"d:4\"]}\n" PORTS STREAM CW,
            "f.yaml:4: name: another CAS is named beta");
    refuses(CASS PORTS STREAM "    cas: [gamma]\n", "f.yaml:11: cas: no CAS is named 'gamma'");
    refuses(CASS PORTS STREAM "    cas: [alpha]\n    services: [{service: 1, cas: [gamma]}]\n",
            "f.yaml:12: cas: no CAS is named 'gamma'");
    refuses(CASS PORTS STREAM CW "    services: [{service: 1, cas: [alpha]}]\n",
            "f.yaml:12: services: the stream has no CAS: give it `cas` first");
    refuses(CASS PORTS STREAM
            "    cas: [alpha, beta]\n    services: [{service: 1, access_criteria: \"01\"}]\n",
            "f.yaml:12: services: terms of a service go with the stream's one CAS; else give it a list `cas` "
            "of its own");
    refuses(CASS PORTS STREAM "    cas: [alpha, beta]\n    ecm_pid: 99\n",
            "f.yaml:12: ecm_pid: goes with one CAS; give each of `cas` an ecm_pid of its own");
    refuses("cas: [{name: a, super_cas_id: 1, version: 4, ecmgs: [\"d:4\"]}]\n" PORTS STREAM CW,
            "f.yaml:1: version: there is no version 4 of ECMG ⇔ SCS: 1, 2, 3 or 5");
    refuses("cas: [{name: a, super_cas_id: 1, failback: soon, ecmgs: [\"d:4\"]}]\n" PORTS STREAM CW,
            "f.yaml:1: failback: 'soon' is neither 'never' nor a time in seconds up to 86400");
    refuses("cas: [{name: a, super_cas_id: 1, ecmgs: [\"d:4\"],\n  tls: {certificate: none.pem, "
            "authorities: b}}]\n" PORTS STREAM CW,
            "f.yaml:2: tls: key is missing");
    refuses("cas: [{name: a, super_cas_id: 1, ecmgs: []}]\n" PORTS STREAM CW,
            "f.yaml:1: ecmgs: at least 1 expected");
    refuses("cas: [{name: a, super_cas_id: 1, ecmgs: [\"d:4\"], access_criteria: xy}]\n" PORTS STREAM CW,
            "f.yaml:1: access_criteria: 'xy' is not at most 1024 bytes as hexadecimal digits");
}

#define EIS                                                                                                  \
    "eis: {listen: \"[::1]:9000\", component_id: tag, max_scg: 12, allow: [\"::1\"], tell_activations: on, " \
    "test_period: 9}\n"

Test(headend_config, an_eis_rules_a_stream)
{
    const struct cmd_headend_stream *stream;

    cr_assert_eq(parse(EIS CASS PORTS STREAM
                       "    eis: {services: [1, Zwei], without_scg: clear, transport_stream_id: 7}\n"),
                 0, "%s", why);
    cr_assert_str_eq(config.eis.config.listen.host, "::1");
    cr_assert_eq(config.eis.config.listen.port, 9000);
    cr_assert_eq(config.eis.config.listen.access.count, 1);
    cr_assert_eq(config.eis.config.abilities.max_scg, 12);
    cr_assert(config.eis.config.abilities.services && config.eis.config.abilities.components);
    cr_assert(config.eis.components_by_tag && config.eis.config.tells_activations);
    cr_assert_eq(config.eis.config.test_period_ms, 9000);
    stream = &config.streams[0];
    cr_assert(stream->eis.wanted && stream->eis.clear_without_scg);
    cr_assert(stream->eis.has_transport_stream_id && !stream->eis.has_original_network_id);
    cr_assert_eq(stream->eis.transport_stream_id, 7);
    cr_assert_eq(stream->service_count, 2);
    cr_assert_eq(stream->cas_count, 2, "all that there are");
    cmd_headend_config_clear(&config);
    cr_assert_eq(parse("eis: {}\n" CASS PORTS STREAM "    eis: {}\n    cas: [beta]\n"), 0, "%s", why);
    cr_assert_str_eq(config.eis.config.listen.host, "127.0.0.1");
    cr_assert(!config.eis.components_by_tag && !config.streams[0].eis.clear_without_scg);
    cr_assert(config.streams[0].all_services);
    cr_assert_eq(config.streams[0].cas_count, 1);
    cmd_headend_config_clear(&config);
}

Test(headend_config, tells_what_is_wrong_with_an_eis)
{
    refuses(CASS PORTS STREAM "    eis: {}\n", "f.yaml:11: eis: the headend has none: give it `eis` first");
    refuses(EIS CASS PORTS STREAM "    eis: {}\n    services: [1]\n",
            "f.yaml:13: services: with an EIS they are said in `eis`: {services: […]}");
    refuses(EIS CASS PORTS STREAM "    eis: {services: [{service: 1, access_criteria: \"00\"}]}\n",
            "f.yaml:12: services: the terms of those in `eis` come from the EIS");
    refuses(EIS CASS PORTS STREAM CW "    eis: {}\n",
            "f.yaml:9: give exactly one of cas, ecmg, eis, cw_file and cw (for laboratories)");
    refuses(EIS CASS PORTS STREAM "    eis: {without_scg: whatever}\n",
            "f.yaml:12: without_scg: 'whatever' is neither 'black' nor 'clear'");
}

#define EMMG(more) "emmg:\n  streams:\n    - {client_id: 0x5CA10001, stream: one, pid: 0x300" more "}\n"

Test(headend_config, emmgs_send_into_streams)
{
    const struct headend_mux_config *mux = &config.emmg.config;

    cr_assert_eq(
        parse(EMMG(", data_id: 7, bandwidth: 90, data_type: private, udp_only: on, format: packets, "
                   "private_data: \"0a\"") "  udp: \"239.1.1.1:99\"\n  listen: \"*:98\"\n"
                                           "  test_period: 2\n  bandwidth: 500\n  udp_interface: lo\n" PORTS
                                               STREAM CW),
        0, "%s", why);
    cr_assert(config.emmg.wanted && mux->has_udp);
    cr_assert_str_eq(mux->udp_host, "239.1.1.1");
    cr_assert_eq(mux->udp_port, 99);
    cr_assert_eq(mux->listener.port, 98);
    cr_assert_eq(mux->test_period_ms, 2000);
    cr_assert_eq(mux->bandwidth, 500);
    cr_assert_eq(mux->entry_count, 1);
    cr_assert(!mux->entries[0].any_data_id && mux->entries[0].udp_only);
    cr_assert_eq(mux->entries[0].client_id, 0x5CA10001);
    cr_assert_eq(mux->entries[0].data_id, 7);
    cr_assert_eq(mux->entries[0].pid, 0x300);
    cr_assert_eq(mux->entries[0].bandwidth, 90);
    cr_assert_eq(mux->entries[0].private_bytes[0], 10);
    cr_assert_eq(mux->entries[0].data_type, SIMULCRYPT_DATA_PRIVATE);
    cr_assert_eq(mux->entries[0].format, SIMULCRYPT_PACKETS);
    cmd_headend_config_clear(&config);
    cr_assert_eq(parse(EMMG("") PORTS STREAM CW), 0, "%s", why);
    cr_assert(mux->entries[0].any_data_id && !mux->has_udp);
    cr_assert_str_eq(mux->listener.host, "127.0.0.1");
    cmd_headend_config_clear(&config);
    refuses("emmg:\n  streams:\n    - {client_id: 1, stream: two, pid: 99}\n" PORTS STREAM CW,
            "f.yaml:3: stream: no stream is named two");
    refuses("emmg: {}\n" PORTS STREAM CW, "f.yaml:1: emmg: streams is missing");
}

#define CPSIG(cas, more)                                                                                     \
    "cas: [{name: a, super_cas_id: 0x5CA10001, ecmgs: [\"h:1\"]}, {name: b, super_cas_id: 0x5CA10001, "      \
    "ecmgs: [\"h:2\"]}]\ncpsig:\n  - {cas: " cas ", address: \"h:9\"" more "}\n"

Test(headend_config, a_cas_has_a_cpsig)
{
    const struct cmd_headend_cpsig *cpsig;

    cr_assert_eq(parse(CPSIG("b", ", version: 2, channel_id: 8, reply_timeout: 1, test_period: 0, "
                                  "flow_pid_trigger: 1, rate_max: 3") PORTS STREAM CW),
                 0, "%s", why);
    cr_assert_eq(config.cpsig.count, 1);
    cpsig = &config.cpsig.list[0];
    cr_assert_eq(cpsig->cas, 1);
    cr_assert_str_eq(cpsig->host, "h");
    cr_assert_eq(cpsig->port, 9);
    cr_assert_eq(cpsig->version, 2);
    cr_assert_eq(cpsig->channel_id, 8);
    cr_assert_eq(cpsig->reply_timeout_us, 1000000);
    cr_assert_eq(cpsig->test_period_us, 0);
    cr_assert_eq(cpsig->flow_pid_trigger, 1);
    cr_assert_eq(cpsig->rate_max, 3);
    cmd_headend_config_clear(&config);
    cr_assert_eq(parse(CPSIG("a", "") PORTS STREAM CW), 0, "%s", why);
    cr_assert_eq(config.cpsig.list[0].version, 3);
    cr_assert_eq(config.cpsig.list[0].test_period_us, 30000000);
    cmd_headend_config_clear(&config);
    cr_assert_eq(parse(PORTS STREAM CW), 0, "%s", why);
    cr_assert_eq(config.cpsig.count, 0);
    cmd_headend_config_clear(&config);
}

Test(headend_config, what_a_cpsig_cannot_be)
{
    refuses(CPSIG("c", "") PORTS STREAM CW, "f.yaml:3: cas: no CAS is named 'c'");
    refuses(CPSIG("a", "}\n  - {cas: b, address: \"h:8\"") PORTS STREAM CW,
            "f.yaml:4: cas: Super_CAS_id 0x5ca10001 has another C(P)SIG already");
    refuses(CPSIG("a", ", tls: {certificate: x}") PORTS STREAM CW, "f.yaml:3: tls: key is missing");
    refuses("cpsig: [{cas: a}]\n" PORTS STREAM CW, "f.yaml:1: cpsig: address is missing");
}

Test(headend_config, takes_all_services)
{
    cr_assert_eq(parse(PORTS STREAM CW "    services: [all]\n"), 0, "%s", why);
    cr_assert(config.streams[0].all_services);
    cmd_headend_config_clear(&config);
}

Test(headend_config, tells_the_line_of_what_is_not_yaml_or_not_known)
{
    refuses("", "f.yaml:1: the file: ports is missing");
    refuses(PORTS STREAM CW "    polcy: hold\n", "f.yaml:9: unknown key 'polcy'");
    refuses("workers: 1\nports: 3\n", "f.yaml:2: ports: a list ('- …') expected");
    refuses("ports:\n\t- name: x\n",
            "f.yaml:2: found character that cannot start any token while scanning for the next token");
    refuses(PORTS, "f.yaml:1: the file: streams is missing");
}

Test(headend_config, tells_the_place_of_a_wrong_value)
{
    refuses(PORTS STREAM CW "    algorithm: des\n",
            "f.yaml:9: algorithm: 'des' is none of " CMD_ALGORITHM_NAMES);
    refuses(PORTS STREAM CW "    crypto_period: 0\n",
            "f.yaml:9: crypto_period: '0' is not a time in seconds from 0.1 to 6553");
    refuses(PORTS STREAM CW "    ecm_pid: 31\n",
            "f.yaml:9: ecm_pid: '31' is not a whole number from 32 to 8190");
    refuses(PORTS STREAM CW "    components: [vido]\n",
            "f.yaml:9: components: 'vido' is none of video, audio, subtitles, data, all");
    refuses("workers: many\n" PORTS STREAM CW,
            "f.yaml:1: workers: 'many' is not a whole number from 0 to 32");
    refuses("ports:\n  - {name: in, device: a, promiscuous: maybe}\n" STREAM CW,
            "f.yaml:2: promiscuous: 'maybe' is none of false, true, no, yes, off, on");
}

Test(headend_config, takes_an_iv_and_the_bits_that_count)
{
    cr_assert_eq(parse(PORTS STREAM "    cw: 000102030405060708090a0b0c0d0e0f\n    algorithm: AES-128-CTR\n"
                                    "    iv: f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff\n    ctr_counter_bits: 32\n"),
                 0, "%s", why);
    cr_assert_eq(config.streams[0].algorithm, CIPHER_AES_CTR);
    cr_assert_eq(config.streams[0].mode.iv[0], 0xf0);
    cr_assert_eq(config.streams[0].mode.iv[15], 0xff);
    cr_assert_eq(config.streams[0].mode.counter_bits, 32);
    cmd_headend_config_clear(&config);
    cr_assert_eq(parse(PORTS STREAM "    cw: 000102030405060708090a0b0c0d0e0f\n    algorithm: aes-128-cbc\n"),
                 0, "%s", why);
    cr_assert_eq(config.streams[0].mode.iv[0], 0);
    cr_assert_eq(config.streams[0].mode.counter_bits, 64);
    cmd_headend_config_clear(&config);
}

#define CW16 "    cw: 000102030405060708090a0b0c0d0e0f\n"

Test(headend_config, refuses_a_mode_that_the_algorithm_does_not_have)
{
    refuses(PORTS STREAM CW "    iv: 000102030405060708090a0b0c0d0e0f\n",
            "f.yaml:9: iv: goes with aes-128-cbc and aes-128-ctr, not with dvb-csa2");
    refuses(PORTS STREAM CW16 "    algorithm: aes-128-cbc\n    ctr_counter_bits: 64\n",
            "f.yaml:10: ctr_counter_bits: goes with aes-128-ctr, not with aes-128-cbc");
    refuses(PORTS STREAM CW16 "    algorithm: aes-128-ctr\n    ctr_counter_bits: 129\n",
            "f.yaml:10: ctr_counter_bits: '129' is not a whole number from 1 to 128");
    refuses(PORTS STREAM CW16 "    algorithm: aes-128-ctr\n    iv: 00\n",
            "f.yaml:10: iv: '00' is not 16 bytes, as 32 hexadecimal digits");
}

Test(headend_config, says_why_csa3_is_not_there)
{
    refuses(PORTS STREAM CW "    algorithm: dvb-csa3\n",
            "f.yaml:9: algorithm: DVB-CSA3 is not available: its specification is not public");
}

Test(headend_config, messages_stay_on_one_line_whatever_they_quote)
{
    refuses(PORTS STREAM CW "    algorithm: \"d\\ne\\es\"\n",
            "f.yaml:9: algorithm: 'd?e?s' is none of " CMD_ALGORITHM_NAMES);
    refuses("ports:\n  - {name: \"a\\nb\", device: x}\n" STREAM CW,
            "f.yaml:2: name: holds control characters");
}

#define ONE(input, output) PORTS "streams:\n  - name: one\n    input: " input "\n    output: " output "\n" CW

Test(headend_config, tells_what_contradicts)
{
    refuses(ONE("{port: x, address: \"239.1.1.1:5000\"}", "{port: out}"), "f.yaml:6: port: no port named x");
    refuses(ONE("{port: in, address: \"239.1.1.1\"}", "{port: out}"),
            "f.yaml:6: address: '239.1.1.1' is not ADDRESS:PORT or [IPv6]:PORT");
    refuses(ONE("{port: in, address: \"239.1.1.1:5000\"}", "{port: out, address: \"[ff15::1]:5000\"}"),
            "f.yaml:7: address: IPv4 and IPv6 cannot be turned into each other");
    refuses(ONE("{port: in, address: \"239.1.1.1:5000\"}", "{port: out, mac: \"2:3\"}"),
            "f.yaml:7: mac: '2:3' is not a MAC address such as 02:00:00:00:00:01");
    refuses(PORTS STREAM, "f.yaml:5: give exactly one of cas, ecmg, eis, cw_file and cw (for "
                          "laboratories)");
    refuses(PORTS STREAM CW "    cw_file: x\n",
            "f.yaml:5: give exactly one of cas, ecmg, eis, cw_file and cw (for laboratories)");
    refuses("ports:\n  - {name: in, device: a}\n  - {name: in, device: b}\n" STREAM CW,
            "f.yaml:3: name: another port is named in");
    refuses(ONE("{port: in, address: \"239.1.1.1:5000\"}", "{port: out, source: \"::1\"}"),
            "f.yaml:7: source: IPv4 and IPv6 cannot be turned into each other");
    refuses(PORTS STREAM CW "  - name: one\n    input: {port: in, address: \"239.1.1.1:5001\"}\n"
                            "    output: {port: out}\n" CW,
            "f.yaml:9: name: another stream is named one");
    refuses(PORTS STREAM "    cw: 01\n    algorithm: dvb-cissa\n",
            "f.yaml:8: cw: dvb-cissa takes 16 bytes, as 32 hexadecimal digits");
    refuses(PORTS STREAM CW "  - name: two\n    input: {port: in, address: \"239.1.1.1:5000\"}\n"
                            "    output: {port: out}\n" CW,
            "f.yaml:10: address: stream one has the same input");
}

Test(headend_config, never_quotes_a_control_word)
{
    static const char *const wrong[] = {"    cw: 0123456789abcdef00\n", "    cw: [0123456789abcdef00]\n",
                                        "    cw: 0123456789abcdef00\n    cw: 0123456789abcdef00\n",
                                        "    cw: {0123456789abcdef00: 1}\n"};

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char text[512];

        snprintf(text, sizeof(text), "%s%s", PORTS STREAM, wrong[i]);
        cr_expect_eq(parse(text), BASE_E_CONFIGURATION);
        cr_expect_null(strstr(why, "0123456789"), "%s", why);
    }
}

Test(headend_config, aliases_cannot_blow_up)
{
    cr_assert_eq(parse("a: &a [x, x]\nb: &b [*a, *a]\n" PORTS STREAM CW), BASE_E_CONFIGURATION);
    refuses("workers: &a 1\ncores: *a\n" PORTS STREAM CW,
            "f.yaml:1: anchors (&) and aliases (*) are not taken");
}

Test(headend_config, examples_load)
{
    const char *folder = getenv("SCRAMLINE_CONFIGS");
    struct dirent *entry;
    unsigned loaded = 0;
    DIR *listing;

    cr_assert_not_null(folder);
    listing = opendir(folder);
    cr_assert_not_null(listing);
    while ((entry = readdir(listing))) {
        char path[1024];

        if (strncmp(entry->d_name, "headend", 7))
            continue;
        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        cr_expect_eq(cmd_headend_config_load(&config, path, why), 0, "%s", why);
        cmd_headend_config_clear(&config);
        loaded++;
    }
    closedir(listing);
    cr_assert_geq(loaded, 2);
}

Test(headend_config, a_file_that_cannot_be_read_is_named)
{
    cr_assert_eq(cmd_headend_config_load(&config, "/nowhere/f.yaml", why), -ENOENT);
    cr_assert(!strncmp(why, "/nowhere/f.yaml: cannot be read: ", 33), "%s", why);
}
