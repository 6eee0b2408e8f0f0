/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/eis_report.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

static const char *const results[] = {
    [CMD_EIS_STATUS] = "status",
    [CMD_EIS_WARNED] = "warning",
    [CMD_EIS_REFUSED] = "refused",
    [CMD_EIS_UNANSWERED] = "unanswered",
};

static void print_json(json_t *object)
{
    json_dumpf(object, stdout, JSON_COMPACT);
    putchar('\n');
    fflush(stdout);
    json_decref(object);
}

static const char *kinds(const struct simulcrypt_scs_abilities *abilities)
{
    if (abilities->services && abilities->components)
        return "services and components";
    if (abilities->services)
        return "services";
    return abilities->components ? "components" : "neither services nor components";
}

void cmd_eis_report_channel(const struct cmd_eis_report *report, const struct cmd_eis_config *config,
                            const struct simulcrypt_scs_abilities *abilities, uint8_t version)
{
    if (report->json)
        print_json(json_pack("{s:s, s:s, s:i, s:i, s:i, s:b, s:b, s:i}", "event", "channel", "host",
                             config->scs.host, "port", (int)config->scs.port, "channel_id",
                             (int)config->channel_id, "version", (int)version, "services",
                             (int)abilities->services, "components", (int)abilities->components, "max_SCG",
                             (int)abilities->max_scg));
    else
        printf("channel %u of %s:%u is open, version %u: SCGs of %s, at most %u\n", config->channel_id,
               config->scs.host, config->scs.port, version, kinds(abilities), abilities->max_scg);
    fflush(stdout);
}

/* JSON */

static void add_status(json_t *object, const struct simulcrypt_scg_status *status)
{
    json_object_set_new(object, "current_reference_id", json_integer(status->current_reference_id));
    json_object_set_new(object, "pending", json_boolean(status->pending));
    if (status->pending)
        json_object_set_new(object, "pending_reference_id", json_integer(status->pending_reference_id));
    if (status->nominal_cp_duration)
        json_object_set_new(object, "nominal_CP_duration", json_integer(status->nominal_cp_duration));
}

static void print_answer_json(const struct cmd_eis_answer *answer)
{
    json_t *object = json_pack("{s:s, s:i, s:s}", "event", "scg", "SCG_id", (int)answer->scg_id, "result",
                               results[answer->result]);

    if (!object)
        return;
    if (answer->status)
        add_status(object, answer->status);
    if (answer->error)
        json_object_set_new(object, "error_status", json_integer(answer->error));
    if (*answer->text)
        json_object_set_new(object, "error", json_string(answer->text));
    print_json(object);
}

/* Text */

/* 0 stands for no definition (assumed, simulcrypt/eis_scs.h). */
static const char *reference(bool given, uint32_t id, char text[static 16])
{
    snprintf(text, 16, given ? "%" PRIu32 : "-", id);
    return text;
}

static const char *duration(uint16_t duration, char text[static 16])
{
    snprintf(text, 16, duration ? "%u.%u s" : "-", duration / 10u, duration % 10u);
    return text;
}

static const char *state(const struct simulcrypt_scg_status *status)
{
    if (status->pending)
        return status->current_reference_id ? "on air, a change is pending" : "pending";
    return status->current_reference_id ? "on air" : "unknown";
}

static void print_status(const struct cmd_eis_answer *answer)
{
    const struct simulcrypt_scg_status *status = answer->status;
    char current[16], pending[16], cp[16];

    printf("%-6u %-11s %-11s %-10s %s\n", answer->scg_id,
           reference(status->current_reference_id, status->current_reference_id, current),
           reference(status->pending, status->pending_reference_id, pending),
           duration(status->nominal_cp_duration, cp), state(status));
}

static void print_answer_text(struct cmd_eis_report *report, const struct cmd_eis_answer *answer)
{
    if (!report->headed)
        printf("%-6s %-11s %-11s %-10s %s\n", "SCG", "CURRENT", "PENDING", "CP", "STATE");
    report->headed = true;
    if (answer->status)
        print_status(answer);
    else
        printf("%-6u %-11s %-11s %-10s %s: %s\n", answer->scg_id, "-", "-", "-", results[answer->result],
               answer->text);
    fflush(stdout);
}

void cmd_eis_report_answer(struct cmd_eis_report *report, const struct cmd_eis_answer *answer)
{
    if (report->json)
        print_answer_json(answer);
    else
        print_answer_text(report, answer);
}

void cmd_eis_report_list(const struct cmd_eis_report *report, const uint16_t *scg_ids, size_t count)
{
    json_t *ids;

    if (!report->json) {
        printf("the SCS has %zu SCG%s on this channel\n", count, count == 1 ? "" : "s");
        fflush(stdout);
        return;
    }
    ids = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(ids, json_integer(scg_ids[i]));
    print_json(json_pack("{s:s, s:o}", "event", "list", "SCG_ids", ids));
}

void cmd_eis_report_summary(const struct cmd_eis_report *report, unsigned answers, unsigned refused)
{
    if (report->json)
        print_json(json_pack("{s:s, s:i, s:i}", "event", "summary", "answers", (int)answers, "refused",
                             (int)refused));
    else if (refused)
        printf("%u of %u refused or not answered\n", refused, answers);
    fflush(stdout);
}
