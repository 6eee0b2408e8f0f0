/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/cas_keys.h"

#include <assert.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"

#define SECOND    INT64_C(1000000) /* in microseconds */
#define DELAY_MAX 30000            /* ms; what multiplexers accept */

#define AT(member)         .offset = offsetof(struct cmd_cas_config, member), SIZE(member)
#define SIZE(member)       .size = sizeof(((struct cmd_cas_config *)0)->member)
#define BETWEEN(low, high) .minimum = (low), .maximum = (high)

static_assert(offsetof(struct cmd_cas_config, terms) == 0, "the keys of a use are those of a CAS as well");

static int parse_ecmg(const char *text, void *into)
{
    struct headend_ecmg_address *ecmg = (struct headend_ecmg_address *)into;
    int status = base_parse_host_port(text, ecmg->host, sizeof(ecmg->host), &ecmg->port);

    return status < 0 || !ecmg->host[0] ? BASE_E_MALFORMED : 0;
}

static int parse_only_ecmg(const char *text, void *into)
{
    struct cmd_cas_config *cas = (struct cmd_cas_config *)into;

    cas->ecmg_count = 1;
    return parse_ecmg(text, &cas->ecmgs[0]);
}

int cmd_cas_parse_access_criteria(const char *text, void *into)
{
    struct cmd_cas_use *use = (struct cmd_cas_use *)into;
    ptrdiff_t size = base_hex_decode(text, use->access_criteria, sizeof(use->access_criteria));

    if (size < 0)
        return (int)size;
    use->access_criteria_size = (uint16_t)size;
    return 0;
}

int cmd_cas_parse_private_data(const char *text, void *into)
{
    struct cmd_cas_use *use = (struct cmd_cas_use *)into;
    ptrdiff_t size = base_hex_decode(text, use->private_data, sizeof(use->private_data));

    if (size < 0)
        return (int)size;
    use->private_size = (uint8_t)size;
    return 0;
}

static int parse_failback(const char *text, void *into)
{
    uint32_t *failback_ms = (uint32_t *)into;
    uint64_t microseconds;
    int status;

    *failback_ms = HEADEND_NO_FAILBACK;
    if (!strcmp(text, "never"))
        return 0;
    status = base_parse_seconds(text, 0, 86400 * SECOND, &microseconds);
    if (status == 0)
        *failback_ms = (uint32_t)(microseconds / 1000);
    return status;
}

static_assert(SIMULCRYPT_ACCESS_CRITERIA_MAX == 1024 && HEADEND_CA_PRIVATE_MAX == 64, "messages say so");

#define NAME                                                                                                 \
    {                                                                                                        \
        "name", CMD_CAS_USE(name), .kind = BASE_YAML_TEXT, .required = true                                  \
    }
#define SUPER_CAS_ID                                                                                         \
    {                                                                                                        \
        "super_cas_id", AT(super_cas_id), .kind = BASE_YAML_NUMBER, BETWEEN(0, UINT32_MAX), .required = true \
    }
#define VERSION                                                                                              \
    {                                                                                                        \
        "version", AT(version), .kind = BASE_YAML_NUMBER, BETWEEN(1, 5),                                     \
                                .line = offsetof(struct cmd_cas_config, version_line)                        \
    }
#define CHANNEL_ID                                                                                           \
    {                                                                                                        \
        "channel_id", AT(channel_id), .kind = BASE_YAML_NUMBER, BETWEEN(0, UINT16_MAX)                       \
    }
#define OVERRIDE(key, member, low, high)                                                                     \
    {                                                                                                        \
        key, AT(override.member), .kind = BASE_YAML_NUMBER, BETWEEN(low, high),                              \
                                  .given = offsetof(struct cmd_cas_config, override.has_##member)            \
    }
#define DELAY(key, member) OVERRIDE(key, member, -DELAY_MAX, DELAY_MAX)

/* The names that channel_status has for them in the standard. */
static const struct base_yaml_key override_keys[] = {
    DELAY("delay_start", delay_start),
    DELAY("delay_stop", delay_stop),
    DELAY("transition_delay_start", transition_delay_start),
    DELAY("transition_delay_stop", transition_delay_stop),
    DELAY("AC_delay_start", ac_delay_start),
    DELAY("AC_delay_stop", ac_delay_stop),
    OVERRIDE("ECM_rep_period", ecm_rep_period, 1, UINT16_MAX),
    OVERRIDE("min_CP_duration", min_cp_duration, 1, UINT16_MAX),
    OVERRIDE("max_comp_time", max_comp_time, 1, UINT16_MAX),
    {.name = NULL},
};

static const struct base_yaml_key ecmg = {
    .name = "ecmgs", .kind = BASE_YAML_PARSED, .parse = parse_ecmg, .expected = "is not HOST:PORT"};

static const struct base_yaml_key cas_keys[] = {
    NAME,
    SUPER_CAS_ID,
    {"ecmgs", AT(ecmgs[0]), .kind = BASE_YAML_LIST, .keys = &ecmg,
     .count = offsetof(struct cmd_cas_config, ecmg_count), BETWEEN(1, HEADEND_ECMGS_MAX), .required = true},
    VERSION,
    CHANNEL_ID,
    {"reply_timeout", AT(reply_timeout_us), .kind = BASE_YAML_SECONDS, BETWEEN(SECOND / 10, 600 * SECOND)},
    {"network_delay", AT(network_delay_us), .kind = BASE_YAML_SECONDS, BETWEEN(SECOND / 100, 600 * SECOND)},
    {"test_period", AT(test_period_us), .kind = BASE_YAML_SECONDS, BETWEEN(0, 3600 * SECOND)},
    {"failback", AT(failback_ms), .kind = BASE_YAML_PARSED, .parse = parse_failback,
     .expected = "is neither 'never' nor a time in seconds up to 86400"},
    {"outstanding", AT(outstanding), .kind = BASE_YAML_NUMBER, BETWEEN(1, 8)},
    {"channel_status", .kind = BASE_YAML_MAPPING, .keys = override_keys},
    {"tls", .offset = offsetof(struct cmd_cas_config, tls), .kind = BASE_YAML_MAPPING,
     .keys = net_tls_client_keys, .line = offsetof(struct cmd_cas_config, tls_line)},
    CMD_CAS_TERMS,
    {.name = NULL},
};

const struct base_yaml_key cmd_cas_key = {.name = "cas",
                                          .kind = BASE_YAML_MAPPING,
                                          .keys = cas_keys,
                                          .line = offsetof(struct cmd_cas_config, terms.line)};

static const struct base_yaml_key use_keys[] = {NAME, CMD_CAS_TERMS, {.name = NULL}};
static const struct base_yaml_key use_name = {.name = "cas", CMD_CAS_USE(name), .kind = BASE_YAML_TEXT};

const struct base_yaml_key cmd_cas_use_key = {.name = "cas",
                                              .kind = BASE_YAML_MAPPING,
                                              .keys = use_keys,
                                              .scalar = &use_name,
                                              .line = offsetof(struct cmd_cas_use, line)};

const struct base_yaml_key cmd_cas_short_keys[] = {
    {"address", .kind = BASE_YAML_PARSED, .parse = parse_only_ecmg, .expected = "is not HOST:PORT",
     .required = true},
    SUPER_CAS_ID,
    VERSION,
    CHANNEL_ID,
    CMD_CAS_ACCESS_CRITERIA,
    CMD_CAS_ECM_ID,
    {.name = NULL},
};

void cmd_cas_config_init(void *entry)
{
    struct cmd_cas_config *cas = (struct cmd_cas_config *)entry;

    *cas = (struct cmd_cas_config){
        .terms = {.required = true},
        .version = 3,
        .outstanding = 1,
        .reply_timeout_us = 5 * SECOND,
        .network_delay_us = 5 * SECOND,
        .test_period_us = 30 * SECOND,
        .failback_ms = 30000,
    };
}

static int check_unlike_others(const struct cmd_cas_list *list, unsigned index,
                               const struct base_yaml_report *report)
{
    const struct cmd_cas_use *terms = &list->cas[index].terms;

    for (unsigned i = 0; i < index; i++) {
        if (!strcmp(list->cas[i].terms.name, terms->name))
            return base_yaml_refuse(report, terms->line, "name: another CAS is named %s", terms->name);
    }
    return 0;
}

static int check_version(const struct cmd_cas_config *cas, const struct base_yaml_report *report)
{
    if (cas->version != 4)
        return 0;
    return base_yaml_refuse(report, cas->version_line,
                            "version: there is no version 4 of ECMG ⇔ SCS: 1, 2, 3 or 5");
}

int cmd_cas_list_settle(struct cmd_cas_list *list, const char *folder, const struct base_yaml_report *report)
{
    for (unsigned i = 0; i < list->count; i++) {
        struct cmd_cas_config *cas = &list->cas[i];
        int status;

        cas->terms.cas = i;
        if ((status = check_version(cas, report)) < 0 ||
            (status = check_unlike_others(list, i, report)) < 0 ||
            (status = net_tls_settle(&cas->tls, false, folder, cas->tls_line, report)) < 0)
            return status;
    }
    return 0;
}

void cmd_cas_use_settle(struct cmd_cas_use *use, const struct cmd_cas_use *terms)
{
    struct cmd_cas_use settled = *terms;

    settled.line = use->line;
    if (use->has_required)
        settled.required = use->required;
    if (use->has_allow_late_ecm)
        settled.allow_late_ecm = use->allow_late_ecm;
    if (use->ecm_pid)
        settled.ecm_pid = use->ecm_pid;
    if (use->ecm_id)
        settled.ecm_id = use->ecm_id;
    if (use->has_access_criteria) {
        settled.access_criteria_size = use->access_criteria_size;
        memcpy(settled.access_criteria, use->access_criteria, use->access_criteria_size);
    }
    if (use->has_private_data) {
        settled.private_size = use->private_size;
        memcpy(settled.private_data, use->private_data, use->private_size);
    }
    *use = settled;
}

int cmd_cas_use_resolve(struct cmd_cas_use *use, const struct cmd_cas_list *list,
                        const struct base_yaml_report *report)
{
    for (unsigned i = 0; i < list->count; i++) {
        if (!strcmp(list->cas[i].terms.name, use->name)) {
            cmd_cas_use_settle(use, &list->cas[i].terms);
            return 0;
        }
    }
    return base_yaml_refuse(report, use->line, "cas: no CAS is named '%s'", use->name);
}

static const struct base_yaml_key file_keys[] = {
    {"cas", offsetof(struct cmd_cas_list, cas), sizeof(struct cmd_cas_config), .kind = BASE_YAML_LIST,
     .keys = &cmd_cas_key, .init = cmd_cas_config_init, .count = offsetof(struct cmd_cas_list, count),
     BETWEEN(1, HEADEND_SIGNALS_MAX), .grows = true, .required = true},
    {.name = NULL},
};

int cmd_cas_list_load(struct cmd_cas_list *list, const char *path, char why[static 512])
{
    const struct base_yaml_report report = {.name = path, .why = why, .room = 512};
    char folder[PATH_MAX], *text = NULL;
    size_t size = 0;
    int status = base_file_folder(path, folder, sizeof(folder));

    *list = (struct cmd_cas_list){0};
    if (status == 0)
        status = base_yaml_read(path, &text, &size);
    if (status < 0)
        snprintf(why, 512, "%s: cannot be read: %s", path, base_error_text(status));
    else if ((status = base_yaml_load(file_keys, list, text, size, &report)) == 0)
        status = cmd_cas_list_settle(list, folder, &report);
    base_yaml_discard(text, size);
    if (status < 0)
        cmd_cas_list_clear(list);
    return status;
}

void cmd_cas_list_clear(struct cmd_cas_list *list)
{
    free(list->cas);
    *list = (struct cmd_cas_list){0};
}
