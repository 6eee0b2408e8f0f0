/* SPDX-License-Identifier: GPL-3.0-or-later */
/* configs/eis.yaml explains every key. */
#include "cmd/eis_config.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "base/yaml.h"
#include "net/settings.h"

#define AFTER_MAX_US (UINT64_C(1000000) * 86400 * 366)

static int parse_connect(const char *text, void *into)
{
    struct cmd_host_port *scs = into;
    int status = base_parse_host_port(text, scs->host, sizeof(scs->host), &scs->port);

    return status == 0 && !scs->host[0] ? BASE_E_MALFORMED : status;
}

/* Digits alone: sscanf() would take signs and spaces as well. */
static bool looks_like_a_time(const char *text)
{
    static const char pattern[] = "0000-00-00T00:00:00";

    for (size_t i = 0; pattern[i]; i++) {
        bool digit = text[i] >= '0' && text[i] <= '9';

        if (pattern[i] == '0' ? !digit : text[i] != pattern[i])
            return false;
    }
    return true;
}

static int parse_hundredth(const char *text, uint8_t *hundredth)
{
    uint64_t us = 0;
    char seconds[8];

    if (*text == 'Z' && !text[1])
        return 0;
    if (snprintf(seconds, sizeof(seconds), "0%s", text) > 5 || seconds[strlen(seconds) - 1] != 'Z')
        return BASE_E_MALFORMED;
    seconds[strlen(seconds) - 1] = '\0';
    if (base_parse_seconds(seconds, 0, 999999, &us) < 0)
        return BASE_E_MALFORMED;
    *hundredth = (uint8_t)(us / 10000);
    return 0;
}

static int parse_utc(const char *text, struct cmd_eis_time *time)
{
    unsigned field[6];
    struct simulcrypt_time utc = {0}, again;

    if (!looks_like_a_time(text) || sscanf(text, "%4u-%2u-%2uT%2u:%2u:%2u", &field[0], &field[1], &field[2],
                                           &field[3], &field[4], &field[5]) != 6)
        return BASE_E_MALFORMED;
    utc =
        (struct simulcrypt_time){(uint16_t)field[0], (uint8_t)field[1], (uint8_t)field[2], (uint8_t)field[3],
                                 (uint8_t)field[4],  (uint8_t)field[5], .hundredth = 0};
    if (parse_hundredth(text + 19, &utc.hundredth) < 0)
        return BASE_E_MALFORMED;
    *time = (struct cmd_eis_time){CMD_EIS_AT, simulcrypt_time_to_unix_ms(&utc)};
    again = simulcrypt_time_from_unix_ms(time->ms); /* there is no 31st of February, nor a 24th hour */
    return utc.year >= 1970 && !memcmp(&again, &utc, sizeof(utc)) ? 0 : BASE_E_MALFORMED;
}

static int parse_after(const char *text, struct cmd_eis_time *time)
{
    size_t length = strlen(text);
    uint64_t us;
    char seconds[32];

    if (length < 2 || text[length - 1] != 's' || length > sizeof(seconds))
        return BASE_E_MALFORMED;
    snprintf(seconds, sizeof(seconds), "%.*s", (int)length - 1, text);
    if (base_parse_seconds(seconds, 0, AFTER_MAX_US, &us) < 0)
        return BASE_E_MALFORMED;
    *time = (struct cmd_eis_time){CMD_EIS_AFTER, (int64_t)(us / 1000)};
    return 0;
}

int cmd_eis_parse_time(const char *text, void *time)
{
    if (!strcmp(text, "none")) {
        *(struct cmd_eis_time *)time = (struct cmd_eis_time){CMD_EIS_AT_ONCE, 0};
        return 0;
    }
    return *text == '+' ? parse_after(text + 1, time) : parse_utc(text, time);
}

static int parse_criteria(const char *text, void *into)
{
    struct cmd_eis_criteria *criteria = into;
    ptrdiff_t size = base_hex_decode(text, criteria->bytes, sizeof(criteria->bytes));

    if (size < 0)
        return (int)size;
    criteria->given = true;
    criteria->size = (uint16_t)size;
    return 0;
}

/* Tables of keys */

#define FILE_AT(member)                                                                                      \
    .offset = offsetof(struct cmd_eis_config, member), .size = sizeof(((struct cmd_eis_config *)0)->member)
#define SCG_AT(member)                                                                                       \
    .offset = offsetof(struct cmd_eis_scg, member), .size = sizeof(((struct cmd_eis_scg *)0)->member)
#define GROUP_AT(member)                                                                                     \
    .offset = offsetof(struct cmd_eis_ecm_group, member),                                                    \
    .size = sizeof(((struct cmd_eis_ecm_group *)0)->member)
#define BETWEEN(low, high) .minimum = (low), .maximum = (high)
#define SECONDS_MAX        (INT64_C(1000000) * 86400)

static const struct base_yaml_key ecm_group_keys[] = {
    {"super_cas_id", GROUP_AT(group.super_cas_id), .kind = BASE_YAML_NUMBER, BETWEEN(0, UINT32_MAX),
     .required = true},
    {"ecm_id", GROUP_AT(group.ecm_id), .kind = BASE_YAML_NUMBER, BETWEEN(0, UINT16_MAX), .required = true},
    {"access_criteria", GROUP_AT(criteria), .kind = BASE_YAML_PARSED, .parse = parse_criteria,
     .expected = "is not hexadecimal, of up to 1024 bytes"},
    {"AC_changed", GROUP_AT(group.ac_changed), .kind = BASE_YAML_BOOLEAN, .words = base_yaml_booleans},
    {.name = NULL},
};

static const struct base_yaml_key ecm_group = {
    .name = "ecm_groups", .kind = BASE_YAML_MAPPING, .keys = ecm_group_keys};
static const struct base_yaml_key service = {
    .name = "services", .size = sizeof(uint16_t), .kind = BASE_YAML_NUMBER, BETWEEN(0, UINT16_MAX)};
static const struct base_yaml_key component = {
    .name = "components", .size = sizeof(uint16_t), .kind = BASE_YAML_NUMBER, BETWEEN(0, UINT16_MAX)};

static const struct base_yaml_key scg_keys[] = {
    {"id", SCG_AT(scg.scg_id), .kind = BASE_YAML_NUMBER, BETWEEN(0, UINT16_MAX), .required = true,
     .line = offsetof(struct cmd_eis_scg, line)},
    {"reference_id", SCG_AT(scg.reference_id), .kind = BASE_YAML_NUMBER, BETWEEN(1, UINT32_MAX)},
    {"transport_stream_id", SCG_AT(scg.transport_stream_id), .kind = BASE_YAML_NUMBER, BETWEEN(0, UINT16_MAX),
     .given = offsetof(struct cmd_eis_scg, has_transport_stream_id)},
    {"original_network_id", SCG_AT(scg.original_network_id), .kind = BASE_YAML_NUMBER, BETWEEN(0, UINT16_MAX),
     .given = offsetof(struct cmd_eis_scg, has_original_network_id)},
    {"activation_time", SCG_AT(activation), .kind = BASE_YAML_PARSED, .parse = cmd_eis_parse_time,
     .expected = "is not 'none', '+30s' or a time such as 2026-11-20T20:00:00Z"},
    {"recommended_CP_duration", SCG_AT(scg.recommended_cp_duration), .kind = BASE_YAML_NUMBER,
     BETWEEN(1, UINT16_MAX)},
    {"services", SCG_AT(scg.services[0]), .kind = BASE_YAML_LIST, .keys = &service,
     .count = offsetof(struct cmd_eis_scg, service_count), BETWEEN(0, SIMULCRYPT_SCG_CONTENT_MAX)},
    {"components", SCG_AT(scg.components[0]), .kind = BASE_YAML_LIST, .keys = &component,
     .count = offsetof(struct cmd_eis_scg, component_count), BETWEEN(0, SIMULCRYPT_SCG_CONTENT_MAX)},
    {"ecm_groups", SCG_AT(ecm_groups[0]), .kind = BASE_YAML_LIST, .keys = &ecm_group,
     .count = offsetof(struct cmd_eis_scg, ecm_group_count), BETWEEN(0, SIMULCRYPT_SCG_ECM_GROUPS_MAX)},
    {.name = NULL},
};

/* 0 would be taken for none. */
static void begin_scg(void *entry)
{
    ((struct cmd_eis_scg *)entry)->scg.reference_id = 1;
}

static const struct base_yaml_key scg = {.name = "scgs", .kind = BASE_YAML_MAPPING, .keys = scg_keys};

static const struct base_yaml_key file_keys[] = {
    {"connect", FILE_AT(scs), .kind = BASE_YAML_PARSED, .parse = parse_connect,
     .expected = "is not HOST:PORT"},
    {"channel_id", FILE_AT(channel_id), .kind = BASE_YAML_NUMBER, BETWEEN(0, UINT16_MAX)},
    {"version", FILE_AT(version), .kind = BASE_YAML_NUMBER, BETWEEN(2, 4)},
    {"transport_stream_id", FILE_AT(transport_stream_id), .kind = BASE_YAML_NUMBER, BETWEEN(0, UINT16_MAX),
     .required = true},
    {"original_network_id", FILE_AT(original_network_id), .kind = BASE_YAML_NUMBER, BETWEEN(0, UINT16_MAX),
     .required = true},
    {"reply_timeout", FILE_AT(reply_timeout_us), .kind = BASE_YAML_SECONDS, BETWEEN(100000, SECONDS_MAX)},
    {"test_period", FILE_AT(test_period_us), .kind = BASE_YAML_SECONDS, BETWEEN(0, SECONDS_MAX)},
    {"status_period", FILE_AT(status_period_us), .kind = BASE_YAML_SECONDS, BETWEEN(100000, SECONDS_MAX)},
    {"tls", FILE_AT(tls), .kind = BASE_YAML_MAPPING, .keys = net_tls_client_keys,
     .line = offsetof(struct cmd_eis_config, tls_line)},
    {"scgs", FILE_AT(scgs[0]), .kind = BASE_YAML_LIST, .keys = &scg, .init = begin_scg,
     .count = offsetof(struct cmd_eis_config, scg_count), BETWEEN(0, CMD_EIS_SCGS_MAX)},
    {.name = NULL},
};

static void set_defaults(struct cmd_eis_config *config)
{
    snprintf(config->scs.host, sizeof(config->scs.host), "127.0.0.1");
    config->scs.port = 2233;
    config->channel_id = 1;
    config->version = 4;
    config->reply_timeout_us = 5000000;
    config->test_period_us = 10000000;
    config->status_period_us = 2000000;
}

static int check_scg(const struct cmd_eis_config *config, unsigned index,
                     const struct base_yaml_report *report)
{
    const struct cmd_eis_scg *entry = &config->scgs[index];

    for (unsigned i = 0; i < index; i++) {
        if (config->scgs[i].scg.scg_id == entry->scg.scg_id)
            return base_yaml_refuse(report, entry->line, "id: another SCG has the id %u", entry->scg.scg_id);
    }
    if (entry->service_count || entry->component_count || entry->ecm_group_count)
        return 0;
    return base_yaml_refuse(report, entry->line,
                            "id: SCG %u has no services, components and ecm_groups, which would remove it "
                            "(that is what --remove %u does)",
                            entry->scg.scg_id, entry->scg.scg_id);
}

static void complete_scg(const struct cmd_eis_config *config, struct cmd_eis_scg *entry)
{
    if (!entry->has_transport_stream_id)
        entry->scg.transport_stream_id = config->transport_stream_id;
    if (!entry->has_original_network_id)
        entry->scg.original_network_id = config->original_network_id;
}

int cmd_eis_config_parse(struct cmd_eis_config *config, const char *name, const char *folder,
                         const char *text, size_t size, char why[static CMD_EIS_WHY_SIZE])
{
    const struct base_yaml_report report = {.name = name, .why = why, .room = CMD_EIS_WHY_SIZE};
    int status;

    why[0] = '\0';
    set_defaults(config);
    status = base_yaml_load(file_keys, config, text, size, &report);
    if (status == 0)
        status = net_tls_settle(&config->tls, false, folder, config->tls_line, &report);
    for (unsigned i = 0; status == 0 && i < config->scg_count; i++) {
        status = check_scg(config, i, &report);
        complete_scg(config, &config->scgs[i]);
    }
    return status;
}

int cmd_eis_config_load(struct cmd_eis_config *config, const char *path, char why[static CMD_EIS_WHY_SIZE])
{
    char folder[PATH_MAX];
    char *text = NULL;
    size_t size = 0;
    int status = base_file_folder(path, folder, sizeof(folder));

    if (status == 0)
        status = base_yaml_read(path, &text, &size);
    if (status == 0)
        status = cmd_eis_config_parse(config, path, folder, text, size, why);
    else
        snprintf(why, CMD_EIS_WHY_SIZE, "%.160s: %s", path, base_error_text(status));
    base_yaml_discard(text, size);
    return status;
}

static void describe_group(const struct cmd_eis_ecm_group *entry, struct simulcrypt_ecm_group *group)
{
    *group = entry->group;
    group->has_access_criteria = entry->criteria.given;
    group->access_criteria_size = entry->criteria.size;
    group->access_criteria = entry->criteria.bytes;
}

void cmd_eis_describe(const struct cmd_eis_scg *entry, int64_t start_ms, struct simulcrypt_scg *scg_)
{
    int64_t after_ms = entry->activation.when == CMD_EIS_AFTER ? start_ms : 0;

    *scg_ = entry->scg;
    scg_->has_activation_time = entry->activation.when != CMD_EIS_AT_ONCE;
    if (scg_->has_activation_time)
        scg_->activation_time = simulcrypt_time_from_unix_ms(after_ms + entry->activation.ms);
    scg_->service_count = (uint16_t)entry->service_count;
    scg_->component_count = (uint16_t)entry->component_count;
    scg_->ecm_group_count = (uint16_t)entry->ecm_group_count;
    for (unsigned i = 0; i < entry->ecm_group_count; i++)
        describe_group(&entry->ecm_groups[i], &scg_->ecm_groups[i]);
}
