/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/scramble_cas.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/text.h"

static int load(const char *path, struct cmd_cas_list *list)
{
    char why[512];

    if (cmd_cas_list_load(list, path, why) == 0)
        return CMD_EXIT_OK;
    base_log(BASE_LOG_ERROR, "%s", why);
    return CMD_EXIT_FAILED;
}

static int take_access_criteria(const struct cmd_command *command, const char *text,
                                struct cmd_cas_use *terms)
{
    ptrdiff_t size = text ? base_hex_decode(text, terms->access_criteria, sizeof(terms->access_criteria)) : 0;

    if (size < 0)
        return cmd_usage_error(command, "--access-criteria: '%s' is not hexadecimal", text);
    terms->access_criteria_size = (uint16_t)size;
    return CMD_EXIT_OK;
}

/* The time-out is one for set-up and ECMs. A file run makes no channel_test: it is over too soon. */
static int describe(const struct cmd_command *command, const struct scramble_cas_options *options,
                    struct cmd_cas_config *cas)
{
    cmd_cas_config_init(cas);
    cas->super_cas_id = (uint32_t)options->super_cas_id;
    cas->version = (uint8_t)options->version;
    cas->reply_timeout_us = cas->network_delay_us = options->timeout_us;
    cas->test_period_us = 0;
    cas->ecmg_count = 1;
    snprintf(cas->ecmgs[0].host, sizeof(cas->ecmgs[0].host), "%s", options->ecmg.host);
    cas->ecmgs[0].port = options->ecmg.port;
    snprintf(cas->terms.name, sizeof(cas->terms.name), "%.50s:%u", options->ecmg.host, options->ecmg.port);
    cas->terms.ecm_pid = (uint16_t)options->ecm_pid;
    return take_access_criteria(command, options->access_criteria, &cas->terms);
}

int scramble_cas_take(const struct cmd_command *command, const struct scramble_cas_options *options,
                      struct cmd_cas_list *list)
{
    if (options->file)
        return load(options->file, list);
    if (!options->ecmg.port)
        return CMD_EXIT_OK;
    list->cas = calloc(1, sizeof(*list->cas));
    if (!list->cas)
        return cmd_failed(-ENOMEM, "cannot start");
    list->count = 1;
    return describe(command, options, list->cas);
}
