/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/cas_report.h"

#include <stdio.h>

static const char *const states[] = {"idle", "connecting", "standby", "active"}; /* enum headend_ecmg_state */

static json_t *ecmg_json(const struct headend_ecmg_status *ecmg)
{
    return json_pack(
        "{s:s, s:s, s:i, s:i, s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:i, s:i, s:s}", "address", ecmg->address,
        "state", states[ecmg->state], "version", ecmg->version, "channels", (int)ecmg->channels, "streams",
        (int)ecmg->streams, "attempts", (json_int_t)ecmg->attempts, "failures", (json_int_t)ecmg->failures,
        "provisions", (json_int_t)ecmg->provisions, "ecms", (json_int_t)ecmg->ecms, "timeouts",
        (json_int_t)ecmg->timeouts, "errors", (json_int_t)ecmg->errors, "response_ms", (int)ecmg->response_ms,
        "response_ms_max", (int)ecmg->response_ms_max, "last_error", ecmg->last_error);
}

static json_t *cas_json(const struct cmd_cas *cas)
{
    json_t *ecmgs = json_array();
    struct headend_ecmg_status status;

    for (unsigned i = 0; headend_ecmgs_status(cas->ecmgs, i, &status) == 0; i++)
        json_array_append_new(ecmgs, ecmg_json(&status));
    return json_pack("{s:s, s:I, s:o}", "name", cas->config->terms.name, "super_cas_id",
                     (json_int_t)cas->config->super_cas_id, "ecmgs", ecmgs);
}

json_t *cmd_cas_set_json(const struct cmd_cas_set *set)
{
    json_t *all = json_array();

    for (unsigned i = 0; i < set->count; i++)
        json_array_append_new(all, cas_json(&set->cas[i]));
    return all;
}

json_t *cmd_scg_cas_json(const struct headend_scg *scg, const struct headend_follower *follower)
{
    json_t *all = json_array();
    struct headend_scg_cas_status status;

    for (unsigned i = 0; headend_scg_cas_status(scg, i, &status) == 0; i++)
        json_array_append_new(all, json_pack("{s:s, s:i, s:i, s:b, s:b, s:b, s:I, s:I, s:s}", "name",
                                             status.name, "ecm_id", (int)status.ecm_id, "ecm_pid",
                                             (int)headend_follower_flow_pid(follower, status.flow),
                                             "required", status.required, "up", status.group.up, "missing",
                                             status.group.missing, "ecms", (json_int_t)status.group.ecms,
                                             "without", (json_int_t)status.group.without, "last_error",
                                             status.group.why));
    return all;
}

uint16_t cmd_scg_ecm_pid(const struct headend_scg *scg, const struct headend_follower *follower)
{
    struct headend_scg_cas_status status;

    return headend_scg_cas_status(scg, 0, &status) ? 0 : headend_follower_flow_pid(follower, status.flow);
}

static const char *source_of(const struct cmd_cas *cas, struct headend_ecmg_status *status)
{
    for (unsigned i = 0; headend_ecmgs_status(cas->ecmgs, i, status) == 0; i++) {
        if (status->state == HEADEND_ECMG_ACTIVE)
            return status->address;
    }
    return "nowhere";
}

void cmd_cas_set_text(const struct cmd_cas_set *set, char *text, size_t room)
{
    struct headend_ecmg_status status;
    size_t used = 0;

    text[0] = '\0';
    for (unsigned i = 0; i < set->count && used < room; i++)
        used += (size_t)snprintf(text + used, room - used, "%s%s from %s", i ? ", " : "",
                                 set->cas[i].config->terms.name, source_of(&set->cas[i], &status));
}
