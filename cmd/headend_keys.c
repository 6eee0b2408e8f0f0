/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/headend_keys.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "cmd/cas_keys.h"
#include "cmd/cipher_options.h"

#define SECOND     INT64_C(1000000) /* in microseconds */
#define PERIOD_MIN (SECOND / 10)    /* the unit of nominal_CP_duration */
#define PERIOD_MAX (6553 * SECOND)

/* Where a member stands, and how long it is. */
#define AT(type, member)    .offset = offsetof(struct type, member), .size = sizeof(((struct type *)0)->member)
#define FILE_AT(member)     AT(cmd_headend_entries, member)
#define PORT_AT(member)     AT(cmd_headend_port_entry, member)
#define STREAM_AT(member)   AT(cmd_headend_stream_entry, member)
#define STREAM_LINE(member) .line = offsetof(struct cmd_headend_stream_entry, member)
#define STREAM_HAS(member)  .given = offsetof(struct cmd_headend_stream_entry, pipeline.member)
#define BETWEEN(low, high)  .minimum = (low), .maximum = (high)

static int parse_endpoint(const char *text, void *into)
{
    struct cmd_headend_endpoint *endpoint = (struct cmd_headend_endpoint *)into;

    if (wire_endpoint_parse(text, &endpoint->address, &endpoint->port) < 0)
        return BASE_E_MALFORMED;
    return endpoint->port ? 0 : BASE_E_MALFORMED;
}

static int parse_address(const char *text, void *into)
{
    return wire_address_parse(text, (struct wire_address *)into);
}

static int parse_mac(const char *text, void *into)
{
    uint8_t *mac = (uint8_t *)into;
    unsigned bytes[6];
    int used = 0;

    if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &bytes[0], &bytes[1], &bytes[2], &bytes[3], &bytes[4],
               &bytes[5], &used) != 6 ||
        text[used])
        return BASE_E_MALFORMED;
    for (unsigned i = 0; i < 6; i++)
        mac[i] = (uint8_t)bytes[i];
    return 0;
}

static int parse_service(const char *text, void *into)
{
    struct cmd_headend_service *service = &((struct cmd_headend_service_entry *)into)->service;
    uint64_t id;

    service->by_id = base_parse_u64(text, 1, UINT16_MAX, &id) == 0;
    if (service->by_id)
        service->id = (uint16_t)id;
    else if (!*text || strlen(text) >= sizeof(service->name))
        return BASE_E_MALFORMED;
    else
        snprintf(service->name, sizeof(service->name), "%s", text);
    return 0;
}

/* What is known and not available is told with its reason when the stream is looked at. */
static int parse_algorithm(const char *text, void *into)
{
    enum cipher_algorithm *algorithm = (enum cipher_algorithm *)into;
    int status = cipher_algorithm_from_name(text, algorithm);

    if (status == -ENOTSUP)
        *algorithm = CIPHER_ALGORITHMS;
    return status == -ENOTSUP ? 0 : status;
}

static int parse_iv(const char *text, void *into)
{
    uint8_t *iv = (uint8_t *)into;

    return base_hex_decode(text, iv, 16) == 16 ? 0 : BASE_E_MALFORMED;
}

static void begin_port(void *entry)
{
    ((struct cmd_headend_port_entry *)entry)->port.promiscuous = true;
}

static void begin_stream(void *entry)
{
    struct cmd_headend_stream *stream = &((struct cmd_headend_stream_entry *)entry)->stream;

    cmd_cas_config_init(&((struct cmd_headend_stream_entry *)entry)->ecmg);

    stream->policy_delay = 10 * SECOND;
    stream->crypto_period = 10 * SECOND;
    stream->mode = CIPHER_MODE_DEFAULT;
}

static const char *const hugepage_words[] = {"auto", "never", NULL};
static const char *const policy_words[] = {"hold", "black", "clear", NULL}; /* enum headend_policy */
/* The order of enum ts_component_kind. */
static const char *const component_words[] = {"video", "audio", "subtitles", "data", "all", NULL};

static const struct base_yaml_key port_keys[] = {
    {"name", PORT_AT(port.name), .kind = BASE_YAML_TEXT, .required = true,
     .line = offsetof(struct cmd_headend_port_entry, name_line)},
    {"device", PORT_AT(port.device), .kind = BASE_YAML_TEXT, .required = true},
    {"promiscuous", PORT_AT(port.promiscuous), .kind = BASE_YAML_BOOLEAN, .words = base_yaml_booleans},
    {.name = NULL},
};

static const struct base_yaml_key input_keys[] = {
    {"port", STREAM_AT(input.name), .kind = BASE_YAML_TEXT, STREAM_LINE(input.line), .required = true},
    {"address", STREAM_AT(input_address), .kind = BASE_YAML_PARSED, .parse = parse_endpoint,
     .expected = "is not ADDRESS:PORT or [IPv6]:PORT", STREAM_LINE(input_address_line), .required = true},
    {.name = NULL},
};

static const struct base_yaml_key output_keys[] = {
    {"port", STREAM_AT(output.name), .kind = BASE_YAML_TEXT, STREAM_LINE(output.line), .required = true},
    {"address", STREAM_AT(output_address), .kind = BASE_YAML_PARSED, .parse = parse_endpoint,
     .expected = "is not ADDRESS:PORT or [IPv6]:PORT", STREAM_LINE(output_address_line),
     STREAM_HAS(readdress)},
    {"source", STREAM_AT(pipeline.output_source), .kind = BASE_YAML_PARSED, .parse = parse_address,
     .expected = "is not an IP address", STREAM_LINE(output_source_line), STREAM_HAS(has_output_source)},
    {"ttl", STREAM_AT(pipeline.ttl), .kind = BASE_YAML_NUMBER, BETWEEN(1, UINT8_MAX)},
    {"mac", STREAM_AT(pipeline.output_mac), .kind = BASE_YAML_PARSED, .parse = parse_mac,
     .expected = "is not a MAC address such as 02:00:00:00:00:01", STREAM_HAS(has_output_mac)},
    {.name = NULL},
};

#define SERVICE_IS                                                                                           \
    .parse = parse_service, .expected = "is neither a service_id nor a name of at most 63 bytes"

static const struct base_yaml_key service_keys[] = {
    {"service", .kind = BASE_YAML_PARSED, SERVICE_IS, .required = true},
    {"cas", .offset = offsetof(struct cmd_headend_service_entry, service.cas),
     .size = sizeof(struct cmd_cas_use), .kind = BASE_YAML_LIST, .grows = true, .keys = &cmd_cas_use_key,
     .count = offsetof(struct cmd_headend_service_entry, service.cas_count), BETWEEN(1, HEADEND_SIGNALS_MAX)},
    CMD_CAS_TERMS,
    {.name = NULL},
};
static const struct base_yaml_key service_alone = {.name = "services", .kind = BASE_YAML_PARSED, SERVICE_IS};
const struct base_yaml_key cmd_headend_service_key = {.name = "services",
                                                      .kind = BASE_YAML_MAPPING,
                                                      .keys = service_keys,
                                                      .scalar = &service_alone,
                                                      .line =
                                                          offsetof(struct cmd_headend_service_entry, line)};
static const struct base_yaml_key component = {
    .name = "components", .size = 1, .kind = BASE_YAML_WORD, .words = component_words};

static const struct base_yaml_key stream_keys[] = {
    {"name", STREAM_AT(pipeline.name), .kind = BASE_YAML_TEXT, STREAM_LINE(name_line), .required = true},
    {"input", .kind = BASE_YAML_MAPPING, .keys = input_keys, .required = true},
    {"output", .kind = BASE_YAML_MAPPING, .keys = output_keys, .required = true},
    {"algorithm", STREAM_AT(stream.algorithm), .kind = BASE_YAML_PARSED, .parse = parse_algorithm,
     .expected = "is none of " CMD_ALGORITHM_NAMES, STREAM_LINE(algorithm_line)},
    {"iv", STREAM_AT(stream.mode.iv), .kind = BASE_YAML_PARSED, .parse = parse_iv,
     .expected = "is not 16 bytes, as 32 hexadecimal digits", STREAM_LINE(iv_line)},
    {"ctr_counter_bits", STREAM_AT(stream.mode.counter_bits), .kind = BASE_YAML_NUMBER,
     STREAM_LINE(counter_bits_line), BETWEEN(1, 128)},
    {"policy", STREAM_AT(stream.policy), .kind = BASE_YAML_WORD, .words = policy_words},
    {"policy_delay", STREAM_AT(stream.policy_delay), .kind = BASE_YAML_SECONDS, BETWEEN(0, PERIOD_MAX)},
    {"crypto_period", STREAM_AT(stream.crypto_period), .kind = BASE_YAML_SECONDS,
     BETWEEN(PERIOD_MIN, PERIOD_MAX)},
    {"ecm_pid", STREAM_AT(ecm_pid), .kind = BASE_YAML_NUMBER, STREAM_LINE(ecm_pid_line),
     BETWEEN(TS_PID_FIRST, TS_PID_NULL - 1)},
    {"services", .offset = offsetof(struct cmd_headend_stream_entry, services),
     .size = sizeof(struct cmd_headend_service_entry), .kind = BASE_YAML_LIST, .grows = true,
     .keys = &cmd_headend_service_key, .count = offsetof(struct cmd_headend_stream_entry, service_count),
     STREAM_LINE(services_line), BETWEEN(1, HEADEND_SERVICES_MAX)},
    {"components", STREAM_AT(components[0]), .kind = BASE_YAML_LIST, .keys = &component,
     .count = offsetof(struct cmd_headend_stream_entry, component_count),
     BETWEEN(1, CMD_HEADEND_COMPONENTS_MAX)},
    {"cas", .offset = offsetof(struct cmd_headend_stream_entry, stream.cas),
     .size = sizeof(struct cmd_cas_use), .kind = BASE_YAML_LIST, .grows = true, .keys = &cmd_cas_use_key,
     .count = offsetof(struct cmd_headend_stream_entry, stream.cas_count), BETWEEN(1, HEADEND_SIGNALS_MAX)},
    {"eis", .kind = BASE_YAML_MAPPING, .keys = cmd_headend_stream_eis_keys, STREAM_LINE(eis_line),
     .given = offsetof(struct cmd_headend_stream_entry, stream.eis.wanted)},
    {"ecmg", .offset = offsetof(struct cmd_headend_stream_entry, ecmg), .kind = BASE_YAML_MAPPING,
     .keys = cmd_cas_short_keys, STREAM_LINE(ecmg_line),
     .given = offsetof(struct cmd_headend_stream_entry, has_ecmg)},
    {"cw", STREAM_AT(cw), .kind = BASE_YAML_TEXT, STREAM_LINE(cw_line)},
    {"cw_file", STREAM_AT(stream.cw_file), .kind = BASE_YAML_TEXT},
    {"raw_cw", STREAM_AT(stream.raw_cw), .kind = BASE_YAML_BOOLEAN, .words = base_yaml_booleans},
    {.name = NULL},
};

static const struct base_yaml_key memory_keys[] = {
    {"hugepages", FILE_AT(pipeline.no_huge), .kind = BASE_YAML_BOOLEAN, .words = hugepage_words},
    {"size", FILE_AT(pipeline.memory_mib), .kind = BASE_YAML_NUMBER, BETWEEN(64, 1 << 20)},
    {.name = NULL},
};

static const struct base_yaml_key port = {.name = "ports", .kind = BASE_YAML_MAPPING, .keys = port_keys};
static const struct base_yaml_key stream = {
    .name = "streams", STREAM_LINE(line), .kind = BASE_YAML_MAPPING, .keys = stream_keys};

const struct base_yaml_key cmd_headend_keys[] = {
    {"cas", .offset = offsetof(struct cmd_headend_entries, cas.cas), .size = sizeof(struct cmd_cas_config),
     .kind = BASE_YAML_LIST, .grows = true, .keys = &cmd_cas_key, .init = cmd_cas_config_init,
     .count = offsetof(struct cmd_headend_entries, cas.count), BETWEEN(1, CMD_CAS_MAX)},
    {"eis", .kind = BASE_YAML_MAPPING, .keys = cmd_headend_eis_keys,
     .line = offsetof(struct cmd_headend_entries, eis_line),
     .given = offsetof(struct cmd_headend_entries, eis.wanted)},
    {"emmg", .kind = BASE_YAML_MAPPING, .keys = cmd_headend_emmg_keys,
     .line = offsetof(struct cmd_headend_entries, emmg_line),
     .given = offsetof(struct cmd_headend_entries, emmg.wanted)},
    {"cpsig", .offset = offsetof(struct cmd_headend_entries, cpsig.list),
     .size = sizeof(struct cmd_headend_cpsig), .kind = BASE_YAML_LIST, .grows = true,
     .keys = &cmd_headend_cpsig_key, .init = cmd_headend_begin_cpsig,
     .count = offsetof(struct cmd_headend_entries, cpsig.count), BETWEEN(1, CMD_CAS_MAX)},
    {"workers", FILE_AT(pipeline.workers), .kind = BASE_YAML_NUMBER, BETWEEN(0, 32)},
    {"cores", FILE_AT(pipeline.cores), .kind = BASE_YAML_TEXT},
    {"memory", .kind = BASE_YAML_MAPPING, .keys = memory_keys},
    {"ports", FILE_AT(ports[0]), .kind = BASE_YAML_LIST, .keys = &port, .init = begin_port,
     .count = offsetof(struct cmd_headend_entries, port_count), BETWEEN(1, PIPELINE_PORTS_MAX),
     .required = true},
    {"streams", FILE_AT(streams[0]), .kind = BASE_YAML_LIST, .keys = &stream, .init = begin_stream,
     .count = offsetof(struct cmd_headend_entries, stream_count), BETWEEN(1, PIPELINE_STREAMS_MAX),
     .required = true},
    {.name = NULL},
};
