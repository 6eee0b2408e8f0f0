/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the headend's configuration says about C(P)SIGs: the (P)SIG end. */
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "cmd/headend_keys.h"

#define SECOND INT64_C(1000000) /* in microseconds */

#define ENTRY(member)      offsetof(struct cmd_headend_cpsig, member)
#define OF(member)         .offset = ENTRY(member), .size = sizeof(((struct cmd_headend_cpsig *)0)->member)
#define BETWEEN(low, high) .minimum = (low), .maximum = (high)

static int parse_address(const char *text, void *into)
{
    struct cmd_headend_cpsig *cpsig = (struct cmd_headend_cpsig *)into;
    int status = base_parse_host_port(text, cpsig->host, sizeof(cpsig->host), &cpsig->port);

    return status < 0 || !cpsig->host[0] ? BASE_E_MALFORMED : 0;
}

void cmd_headend_begin_cpsig(void *entry)
{
    *(struct cmd_headend_cpsig *)entry = (struct cmd_headend_cpsig){
        .version = 3, .channel_id = 1, .reply_timeout_us = 5 * SECOND, .test_period_us = 30 * SECOND};
}

static const struct base_yaml_key keys[] = {
    {"cas", OF(cas_name), .kind = BASE_YAML_TEXT, .required = true},
    {"address", .kind = BASE_YAML_PARSED, .parse = parse_address, .expected = "is not HOST:PORT",
     .required = true},
    {"version", OF(version), .kind = BASE_YAML_NUMBER, BETWEEN(2, 3)},
    {"channel_id", OF(channel_id), .kind = BASE_YAML_NUMBER, BETWEEN(0, UINT16_MAX)},
    {"reply_timeout", OF(reply_timeout_us), .kind = BASE_YAML_SECONDS, BETWEEN(SECOND / 10, 600 * SECOND)},
    {"test_period", OF(test_period_us), .kind = BASE_YAML_SECONDS, BETWEEN(0, 3600 * SECOND)},
    {"flow_pid_trigger", OF(flow_pid_trigger), .kind = BASE_YAML_NUMBER, BETWEEN(1, UINT32_MAX)},
    {"rate_max", OF(rate_max), .kind = BASE_YAML_NUMBER, BETWEEN(1, 100000)},
    {"tls", .offset = ENTRY(tls), .kind = BASE_YAML_MAPPING, .keys = net_tls_client_keys,
     .line = ENTRY(tls_line)},
    {.name = NULL},
};

const struct base_yaml_key cmd_headend_cpsig_key = {
    .name = "cpsig", .kind = BASE_YAML_MAPPING, .keys = keys, .line = ENTRY(line)};

static int find_cas(const struct cmd_cas_list *cas, struct cmd_headend_cpsig *cpsig,
                    const struct base_yaml_report *report)
{
    for (cpsig->cas = 0; cpsig->cas < cas->count; cpsig->cas++) {
        if (!strcmp(cas->cas[cpsig->cas].terms.name, cpsig->cas_name))
            return 0;
    }
    return base_yaml_refuse(report, cpsig->line, "cas: no CAS is named '%s'", cpsig->cas_name);
}

static int check_unlike_others(const struct cmd_headend_config *config, unsigned index,
                               const struct base_yaml_report *report)
{
    const struct cmd_headend_cpsig *list = config->cpsig.list;
    uint32_t super_cas_id = config->cas.cas[list[index].cas].super_cas_id;

    for (unsigned i = 0; i < index; i++) {
        if (config->cas.cas[list[i].cas].super_cas_id == super_cas_id)
            return base_yaml_refuse(report, list[index].line,
                                    "cas: Super_CAS_id 0x%08x has another C(P)SIG already", super_cas_id);
    }
    return 0;
}

int cmd_headend_take_cpsig(struct cmd_headend_config *config, struct cmd_headend_entries *entries,
                           const char *folder, const struct base_yaml_report *report)
{
    int status = 0;

    config->cpsig = entries->cpsig;
    entries->cpsig = (struct cmd_headend_cpsigs){0};
    for (unsigned i = 0; status == 0 && i < config->cpsig.count; i++) {
        struct cmd_headend_cpsig *cpsig = &config->cpsig.list[i];

        status = find_cas(&config->cas, cpsig, report);
        if (status == 0)
            status = check_unlike_others(config, i, report);
        if (status == 0)
            status = net_tls_settle(&cpsig->tls, false, folder, cpsig->tls_line, report);
    }
    return status;
}
