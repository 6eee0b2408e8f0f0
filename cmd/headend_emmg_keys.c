/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the headend's configuration says about EMMGs and PDGs: the MUX end. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "cmd/headend_keys.h"

#define SECOND INT64_C(1000000) /* in microseconds */

#define AT(member)         .offset = offsetof(struct cmd_headend_entries, member), SIZE(member)
#define SIZE(member)       .size = sizeof(((struct cmd_headend_entries *)0)->member)
#define LISTENER           offsetof(struct cmd_headend_entries, emmg.config.listener)
#define ENTRY(member)      offsetof(struct cmd_headend_emmg_entry, member)
#define OF(member)         .offset = ENTRY(member), .size = sizeof(((struct cmd_headend_emmg_entry *)0)->member)
#define BETWEEN(low, high) .minimum = (low), .maximum = (high)

/* enum simulcrypt_data_type, and enum simulcrypt_format */
static const char *const data_type_words[] = {"emm", "private", "ecm", NULL};
static const char *const format_words[] = {"sections", "packets", NULL};

static int parse_udp(const char *text, void *into)
{
    struct headend_mux_config *config = (struct headend_mux_config *)into;

    config->has_udp = true;
    return base_parse_listen(text, config->udp_host, sizeof(config->udp_host), &config->udp_port);
}

static int parse_private_data(const char *text, void *into)
{
    struct headend_mux_entry *entry = (struct headend_mux_entry *)into;
    ptrdiff_t size = base_hex_decode(text, entry->private_bytes, sizeof(entry->private_bytes));

    if (size < 0)
        return (int)size;
    entry->private_size = (uint8_t)size;
    return 0;
}

static const struct base_yaml_key stream_keys[] = {
    {"client_id", OF(mux.client_id), .kind = BASE_YAML_NUMBER, BETWEEN(0, UINT32_MAX), .required = true},
    {"data_id", OF(mux.data_id), .kind = BASE_YAML_NUMBER, BETWEEN(0, UINT16_MAX),
     .given = ENTRY(has_data_id)},
    {"stream", OF(stream), .kind = BASE_YAML_TEXT, .required = true},
    {"pid", OF(mux.pid), .kind = BASE_YAML_NUMBER, BETWEEN(TS_PID_FIRST, TS_PID_NULL - 1), .required = true},
    {"bandwidth", OF(mux.bandwidth), .kind = BASE_YAML_NUMBER, BETWEEN(1, HEADEND_MUX_BANDWIDTH_MAX)},
    {"data_type", OF(mux.data_type), .kind = BASE_YAML_WORD, .words = data_type_words},
    {"udp_only", OF(mux.udp_only), .kind = BASE_YAML_BOOLEAN, .words = base_yaml_booleans},
    {"format", OF(mux.format), .kind = BASE_YAML_WORD, .words = format_words},
    {"private_data", .offset = ENTRY(mux), .kind = BASE_YAML_PARSED, .parse = parse_private_data,
     .expected = "is not at most 64 bytes as hexadecimal digits"},
    {.name = NULL},
};
static const struct base_yaml_key stream = {
    .name = "streams", .kind = BASE_YAML_MAPPING, .keys = stream_keys, .line = ENTRY(line)};

const struct base_yaml_key cmd_headend_emmg_keys[] = {
    NET_SETTINGS_LISTEN(LISTENER),
    NET_SETTINGS_ALLOW(LISTENER),
    NET_SETTINGS_TLS(LISTENER),
    NET_SETTINGS_CONNECTIONS_MAX(LISTENER),
    {"udp", .offset = offsetof(struct cmd_headend_entries, emmg.config), .kind = BASE_YAML_PARSED,
     .parse = parse_udp, .expected = "is not ADDRESS:PORT ('*' for every address)"},
    {"udp_interface", AT(emmg.config.udp_interface), .kind = BASE_YAML_TEXT},
    {"bandwidth", AT(emmg.config.bandwidth), .kind = BASE_YAML_NUMBER, BETWEEN(1, 1000000)},
    {"channels_max", AT(emmg.config.channels_max), .kind = BASE_YAML_NUMBER, BETWEEN(1, 65536)},
    {"streams_max", AT(emmg.config.streams_max), .kind = BASE_YAML_NUMBER, BETWEEN(1, 65536)},
    {"test_period", AT(emmg_test_period_us), .kind = BASE_YAML_SECONDS, BETWEEN(SECOND, 3600 * SECOND)},
    {"streams", .offset = offsetof(struct cmd_headend_entries, emmg_entries),
     .size = sizeof(struct cmd_headend_emmg_entry), .kind = BASE_YAML_LIST, .grows = true, .keys = &stream,
     .count = offsetof(struct cmd_headend_entries, emmg_entry_count), BETWEEN(1, HEADEND_MUX_ENTRIES_MAX),
     .required = true},
    {.name = NULL},
};

static int find_stream(const struct pipeline_config *pipeline, const struct cmd_headend_emmg_entry *entry,
                       unsigned *index, const struct base_yaml_report *report)
{
    for (*index = 0; *index < pipeline->stream_count; ++*index) {
        if (!strcmp(pipeline->streams[*index].name, entry->stream))
            return 0;
    }
    return base_yaml_refuse(report, entry->line, "stream: no stream is named %s", entry->stream);
}

int cmd_headend_take_emmg(struct cmd_headend_config *config, const struct cmd_headend_entries *entries,
                          const char *folder, const struct base_yaml_report *report)
{
    struct headend_mux_config *mux = &config->emmg.config;
    int status;

    config->emmg = entries->emmg;
    mux->test_period_ms = (uint32_t)(entries->emmg_test_period_us / 1000);
    status = net_tls_settle(&mux->listener.tls, true, folder, mux->listener.tls_line, report);
    for (unsigned i = 0; status == 0 && i < entries->emmg_entry_count; i++) {
        const struct cmd_headend_emmg_entry *entry = &entries->emmg_entries[i];
        struct headend_mux_entry *taken = &mux->entries[mux->entry_count++];

        *taken = entry->mux;
        taken->any_data_id = !entry->has_data_id;
        status = find_stream(&config->pipeline, entry, &taken->stream, report);
    }
    return status;
}
