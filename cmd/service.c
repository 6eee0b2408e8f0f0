/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/service.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/log.h"
#include "cmd/control_words.h"

#define LISTED_MAX 16
static void period(void *context, uint64_t start, const struct base_secret *cw)
{
    struct cmd_service *service = (struct cmd_service *)context;

    if (service->period)
        service->period(service->context, start, cw);
}

static const struct headend_scg_ops scg_ops = {.period = period};

static int fail(const struct cmd_service *service, int error)
{
    base_log(BASE_LOG_ERROR, "%s: control words cannot be prepared: %s", service->name,
             base_error_text(error));
    return error;
}

static int load_words(struct cmd_service *service, const struct cmd_service_config *config)
{
    if (config->cw_file)
        return cmd_cw_list_load(&service->list, config->cw_file, config->algorithm, config->raw_cw);
    if (!config->cw)
        return 0;
    service->list.words = calloc(1, sizeof(*service->list.words));
    if (!service->list.words)
        return fail(service, -ENOMEM);
    service->list.words[0] = *config->cw;
    service->list.count = 1;
    return 0;
}

static int describe_cas(const struct cmd_service_config *config, unsigned index,
                        struct headend_scg_cas *described)
{
    const struct cmd_cas_use *use = &config->uses[index];
    struct cmd_cas *cas = &config->cas->cas[use->cas];
    uint16_t wanted = use->ecm_id ? (uint16_t)(use->ecm_id + config->counted_on) : 0;

    *described =
        (struct headend_scg_cas){.flow = (uint16_t)(config->first_flow + index),
                                 .ecmgs = cas->ecmgs,
                                 .ecm_id = cmd_cas_take_ecm_id(cas, wanted),
                                 .required = use->required,
                                 .allow_late_ecm = use->allow_late_ecm,
                                 .access_criteria = use->access_criteria_size ? use->access_criteria : NULL,
                                 .access_criteria_size = use->access_criteria_size};
    return described->ecm_id ? 0 : -ENOSPC;
}

static int create_scg(struct cmd_service *service, const struct cmd_service_config *config)
{
    const struct headend_group_member member = {.slots = service->slots, .after = KEYS_SLOT_BLACK};
    struct headend_scg_cas cas[HEADEND_SIGNALS_MAX];
    struct headend_scg_config scg = {
        .name = service->name, .group = config->group, .cas_count = config->use_count, .cas = cas};
    int status = 0;

    for (unsigned i = 0; status == 0 && i < config->use_count; i++)
        status = describe_cas(config, i, &cas[i]);
    if (status < 0)
        return status;
    scg.group.member_count = 1;
    scg.group.members = &member;
    scg.group.generator.cw_size = (uint8_t)cipher_cw_size(config->algorithm);
    scg.group.list = service->list.count ? &service->list : NULL;
    scg.group.fixed = config->cw;
    status = headend_scg_create(&service->scg, &scg, &scg_ops, service);
    keys_cw_generator_clear(&scg.group.generator);
    return status;
}

int cmd_service_init(struct cmd_service *service, const struct cmd_service_config *config)
{
    int status;

    *service = (struct cmd_service){.period = config->period, .context = config->context};
    snprintf(service->name, sizeof(service->name), "%s", config->name);
    status = load_words(service, config);
    if (status < 0)
        return status;
    if ((status = keys_slots_create(&service->slots, config->cipher, config->grace)) < 0 ||
        (!config->slots_alone && (status = create_scg(service, config)) < 0))
        return fail(service, status);
    return 0;
}

void cmd_service_clear(struct cmd_service *service)
{
    headend_scg_destroy(service->scg);
    keys_slots_destroy(service->slots);
    keys_cw_list_clear(&service->list);
    *service = (struct cmd_service){0};
}

void cmd_service_add(struct cmd_service_totals *totals, struct headend_scg *scg)
{
    struct headend_group_status status;

    if (!scg)
        return;
    headend_group_status(headend_scg_group(scg), &status);
    totals->services++;
    totals->on_air += status.on_air;
    totals->degraded += status.degraded;
    totals->was_degraded |= headend_scg_was_degraded(scg);
    totals->crypto_periods += status.crypto_periods;
    totals->ecms += status.ecms;
    totals->stretched += status.stretched;
    totals->without += status.without;
}

void cmd_service_list(const struct headend_follower *follower, char *text, size_t room)
{
    struct headend_service_entry entries[LISTED_MAX];
    unsigned total = headend_follower_services(follower, entries, LISTED_MAX);
    size_t used = 0;

    snprintf(text, room, total ? "" : "none");
    for (unsigned i = 0; i < total && i < LISTED_MAX && used < room; i++) {
        const char *name = entries[i].name;

        used += (size_t)snprintf(text + used, room - used, "%s%u%s%s%s", i ? ", " : "", entries[i].service_id,
                                 *name ? " (" : "", name, *name ? ")" : "");
    }
}
