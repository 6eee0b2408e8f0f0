/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/headend_config.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/yaml.h"
#include "cmd/headend_uses.h"
#include "keys/control_word.h"

#define TICKS_PER_US (BASE_TICKS_PER_SECOND / 1000000)

static int take_ports(const struct cmd_headend_entries *entries, struct pipeline_config *pipeline,
                      const struct base_yaml_report *report)
{
    for (unsigned i = 0; i < entries->port_count; i++) {
        const struct cmd_headend_port_entry *entry = &entries->ports[i];

        for (unsigned j = 0; j < i; j++) {
            if (!strcmp(pipeline->ports[j].name, entry->port.name))
                return base_yaml_refuse(report, entry->name_line, "name: another port is named %s",
                                        entry->port.name);
        }
        pipeline->ports[i] = entry->port;
    }
    pipeline->port_count = entries->port_count;
    return 0;
}

static int find_port(const struct pipeline_config *pipeline, const struct cmd_headend_port_name *wanted,
                     unsigned *index, const struct base_yaml_report *report)
{
    for (*index = 0; *index < pipeline->port_count; ++*index) {
        if (!strcmp(pipeline->ports[*index].name, wanted->name))
            return 0;
    }
    return base_yaml_refuse(report, wanted->line, "port: no port named %s", wanted->name);
}

static int check_versions(const struct cmd_headend_stream_entry *entry,
                          const struct pipeline_stream_config *stream, const struct base_yaml_report *report)
{
    static const char other_version[] = "IPv4 and IPv6 cannot be turned into each other";

    if (stream->readdress && stream->output_address.version != stream->input_address.version)
        return base_yaml_refuse(report, entry->output_address_line, "address: %s", other_version);
    if (stream->has_output_source && stream->output_source.version != stream->input_address.version)
        return base_yaml_refuse(report, entry->output_source_line, "source: %s", other_version);
    return 0;
}

static int check_unlike_others(const struct pipeline_stream_config *streams, unsigned index,
                               const struct cmd_headend_stream_entry *entry,
                               const struct base_yaml_report *report)
{
    const struct pipeline_stream_config *one = &streams[index];

    for (unsigned i = 0; i < index; i++) {
        const struct pipeline_stream_config *other = &streams[i];

        if (!strcmp(other->name, one->name))
            return base_yaml_refuse(report, entry->name_line, "name: another stream is named %s", one->name);
        if (other->input_port == one->input_port && other->input_port_number == one->input_port_number &&
            wire_address_equal(&other->input_address, &one->input_address))
            return base_yaml_refuse(report, entry->input_address_line,
                                    "address: stream %s has the same input", other->name);
    }
    return 0;
}

/* What the pipeline is to know of the stream, at its place among the others. */
static int take_way(const struct cmd_headend_stream_entry *entry, const struct pipeline_config *pipeline,
                    struct pipeline_stream_config *streams, unsigned index,
                    const struct base_yaml_report *report)
{
    struct pipeline_stream_config *stream = &streams[index];
    int rc;

    *stream = entry->pipeline;
    stream->input_address = entry->input_address.address;
    stream->input_port_number = entry->input_address.port;
    stream->output_address = entry->output_address.address;
    stream->output_port_number = entry->output_address.port;
    if ((rc = find_port(pipeline, &entry->input, &stream->input_port, report)) < 0 ||
        (rc = find_port(pipeline, &entry->output, &stream->output_port, report)) < 0 ||
        (rc = check_versions(entry, stream, report)) < 0)
        return rc;
    return check_unlike_others(streams, index, entry, report);
}

static unsigned components_of(const struct cmd_headend_stream_entry *entry)
{
    unsigned components = entry->component_count ? 0 : HEADEND_VIDEO | HEADEND_AUDIO;

    for (unsigned i = 0; i < entry->component_count; i++)
        components |= 1u << entry->components[i];
    return components > HEADEND_ALL ? HEADEND_ALL : components; /* "all" is the word behind the last kind */
}

/* Never quotes what it was given. */
static int take_cw(const struct cmd_headend_stream_entry *entry, struct cmd_headend_stream *stream,
                   const struct base_yaml_report *report)
{
    size_t size = cipher_cw_size(stream->algorithm);

    if (!entry->cw[0] || keys_cw_from_hex(&stream->cw, entry->cw, size, stream->raw_cw) == 0)
        return 0;
    return base_yaml_refuse(report, entry->cw_line, "cw: %s takes %zu bytes, as %zu hexadecimal digits",
                            cipher_algorithm_name(stream->algorithm), size, 2 * size);
}

static int check_cipher(const struct cmd_headend_stream_entry *entry, const struct base_yaml_report *report)
{
    enum cipher_algorithm algorithm = entry->stream.algorithm;

    if (algorithm == CIPHER_ALGORITHMS)
        return base_yaml_refuse(report, entry->algorithm_line, "algorithm: " CIPHER_CSA3_ABSENT);
    if (entry->iv_line && !cipher_has_iv(algorithm))
        return base_yaml_refuse(report, entry->iv_line,
                                "iv: goes with aes-128-cbc and aes-128-ctr, not with %s",
                                cipher_algorithm_name(algorithm));
    if (entry->counter_bits_line && algorithm != CIPHER_AES_CTR)
        return base_yaml_refuse(report, entry->counter_bits_line,
                                "ctr_counter_bits: goes with aes-128-ctr, not with %s",
                                cipher_algorithm_name(algorithm));
    return 0;
}

/* An EIS says which of the headend's CASs its SCGs have; `cas` may name those it can choose from. */
static int check_source(const struct cmd_headend_stream_entry *entry, const struct base_yaml_report *report)
{
    bool cas = entry->stream.cas_count, eis = entry->stream.eis.wanted;

    if ((cas || eis) + entry->has_ecmg + !!entry->cw[0] + !!entry->stream.cw_file[0] == 1)
        return 0;
    return base_yaml_refuse(report, entry->line,
                            "give exactly one of cas, ecmg, eis, cw_file and cw (for laboratories)");
}

static int take_scrambling(struct cmd_headend_stream_entry *entry, struct cmd_headend_stream *stream,
                           const struct base_yaml_report *report)
{
    int rc = check_cipher(entry, report);

    if (rc < 0)
        return rc;
    rc = check_source(entry, report);
    if (rc < 0)
        return rc;
    *stream = entry->stream;
    entry->stream.cas = NULL;
    stream->policy_delay *= TICKS_PER_US;
    stream->crypto_period *= TICKS_PER_US;
    stream->components = components_of(entry);
    return take_cw(entry, stream, report);
}

static int take_stream(struct cmd_headend_config *config, struct cmd_headend_stream_entry *entry,
                       const struct base_yaml_report *report)
{
    unsigned index = config->pipeline.stream_count++;
    struct cmd_headend_stream *stream = &config->streams[index];
    int rc = take_scrambling(entry, stream, report);

    if (!rc)
        rc = cmd_headend_take_uses(config, entry, stream, report);
    if (!rc)
        rc = cmd_headend_take_services(config, entry, stream, report);
    return rc ? rc : take_way(entry, &config->pipeline, config->pipeline_streams, index, report);
}

static int take(struct cmd_headend_config *config, struct cmd_headend_entries *entries,
                const struct base_yaml_report *report)
{
    char folder[PATH_MAX];
    int rc;

    config->pipeline = entries->pipeline;
    config->eis = entries->eis;
    config->eis.config.test_period_ms = (uint32_t)(entries->eis_test_period_us / 1000);
    config->streams = calloc(entries->stream_count, sizeof(*config->streams));
    config->pipeline_streams = calloc(entries->stream_count, sizeof(*config->pipeline_streams));
    if (!config->streams || !config->pipeline_streams)
        return base_yaml_refuse(report, 1, "%s", base_error_text(-ENOMEM));
    config->pipeline.streams = config->pipeline_streams;
    if (base_file_folder(report->name, folder, sizeof(folder)) < 0)
        return base_yaml_refuse(report, 1, "the path of this file is too long");
    rc = take_ports(entries, &config->pipeline, report);
    if (!rc)
        rc = cmd_headend_take_cas_list(config, entries, folder, report);
    if (!rc)
        rc = net_tls_settle(&config->eis.config.listen.tls, true, folder, config->eis.config.listen.tls_line,
                            report);
    for (unsigned i = 0; !rc && i < entries->stream_count; i++)
        rc = take_stream(config, &entries->streams[i], report);
    if (!rc)
        cmd_headend_count_carousels(config);
    if (!rc)
        rc = cmd_headend_take_emmg(config, entries, folder, report);
    return rc ? rc : cmd_headend_take_cpsig(config, entries, folder, report);
}

/* What was not taken over. */
static void discard_stream(struct cmd_headend_stream_entry *entry)
{
    for (unsigned i = 0; i < entry->service_count; i++)
        free(entry->services[i].service.cas);
    free(entry->services);
    free(entry->stream.cas);
    base_secure_zero(entry->cw, sizeof(entry->cw));
}

static void discard(struct cmd_headend_entries *entries)
{
    for (unsigned i = 0; i < entries->stream_count; i++)
        discard_stream(&entries->streams[i]);
    cmd_cas_list_clear(&entries->cas);
    free(entries->emmg_entries);
    free(entries->cpsig.list);
    free(entries);
}

static void begin(struct cmd_headend_entries *entries)
{
    entries->eis.config.abilities = (struct simulcrypt_scs_abilities){
        .services = true, .components = true, .has_cp_duration = true, .cp_duration = 1};
    net_listener_settings_init(&entries->eis.config.listen, CMD_HEADEND_EIS_PORT);
    entries->eis.config.listen.connections_max = 0;
    headend_mux_config_init(&entries->emmg.config);
}

int cmd_headend_config_parse(struct cmd_headend_config *config, const char *path, const uint8_t *text,
                             size_t size, char why[static CMD_HEADEND_WHY_SIZE])
{
    const struct base_yaml_report report = {.name = path, .why = why, .room = CMD_HEADEND_WHY_SIZE};
    struct cmd_headend_entries *entries = calloc(1, sizeof(*entries));
    int rc;

    *config = (struct cmd_headend_config){0};
    if (!entries)
        return base_yaml_refuse(&report, 1, "%s", base_error_text(-ENOMEM));
    begin(entries);
    rc = base_yaml_load(cmd_headend_keys, entries, (const char *)text, size, &report);
    if (!rc)
        rc = take(config, entries, &report);
    discard(entries);
    if (rc)
        cmd_headend_config_clear(config);
    return rc;
}

int cmd_headend_config_load(struct cmd_headend_config *config, const char *path,
                            char why[static CMD_HEADEND_WHY_SIZE])
{
    char *text;
    size_t size;
    int rc = base_yaml_read(path, &text, &size);

    *config = (struct cmd_headend_config){0};
    if (rc)
        snprintf(why, CMD_HEADEND_WHY_SIZE, "%s: cannot be read: %s", path, base_error_text(rc));
    else
        rc = cmd_headend_config_parse(config, path, (const uint8_t *)text, size, why);
    base_yaml_discard(text, size);
    return rc;
}

static void clear_stream(struct cmd_headend_stream *stream)
{
    for (unsigned i = 0; i < stream->service_count; i++)
        free(stream->services[i].cas);
    free(stream->services);
    free(stream->cas);
    base_secret_clear(&stream->cw);
}

void cmd_headend_config_clear(struct cmd_headend_config *config)
{
    for (unsigned i = 0; config->streams && i < config->pipeline.stream_count; i++)
        clear_stream(&config->streams[i]);
    cmd_cas_list_clear(&config->cas);
    free(config->cpsig.list);
    free(config->streams);
    free(config->pipeline_streams);
    *config = (struct cmd_headend_config){0};
}
