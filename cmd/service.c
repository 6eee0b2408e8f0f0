/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/service.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "cmd/control_words.h"

#define LISTED_MAX       16
#define CP_DURATION_UNIT (100 * BASE_TICKS_PER_MS) /* of nominal_CP_duration */

static int provision(void *context, const struct simulcrypt_cw_provision *provision)
{
    struct cmd_service *service = (struct cmd_service *)context;

    return headend_ecmg_client_provision(service->client, provision);
}

static void period(void *context, uint64_t crypto_period, uint64_t start, const struct base_secret *cw)
{
    struct cmd_service *service = (struct cmd_service *)context;

    (void)crypto_period;
    if (service->period)
        service->period(service->context, start, cw);
}

static void degraded(void *context, bool failing, const char *why)
{
    struct cmd_service *service = (struct cmd_service *)context;
    const char *stream = service->stream;

    service->was_degraded |= failing;
    base_log(failing ? BASE_LOG_WARNING : BASE_LOG_NOTICE, "%s%s%s%s", stream ? "stream " : "",
             stream ? stream : "", stream ? ": " : "", why);
}

static const struct headend_group_ops group_ops = {
    .provision = provision, .period = period, .degraded = degraded};

static int fail(const struct cmd_service *service, int error)
{
    base_log(BASE_LOG_ERROR, "%s%s: control words cannot be prepared: %s", service->stream ? "stream " : "",
             service->stream ? service->stream : "the service", base_error_text(error));
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

static int create_group(struct cmd_service *service, const struct cmd_service_config *config)
{
    struct headend_group_config group = config->group;
    int status;

    group.slots = service->slots;
    group.generator.cw_size = (uint8_t)cipher_cw_size(config->algorithm);
    group.list = service->list.count ? &service->list : NULL;
    group.fixed = config->cw;
    group.has_cas = config->ecmg.host;
    status = headend_group_create(&service->group, &group, &group_ops, service);
    keys_cw_generator_clear(&group.generator);
    return status;
}

/* Each service has a channel of its own: one connection, one channel, one stream. */
static int create_client(struct cmd_service *service, const struct cmd_service_config *config)
{
    struct headend_ecmg_client_config ecmg = config->ecmg;
    int status;

    ecmg.stream.stream_id = 1;
    ecmg.stream.nominal_cp_duration =
        (uint16_t)((config->group.crypto_period + CP_DURATION_UNIT - 1) / CP_DURATION_UNIT);
    status = headend_ecmg_client_create(&service->client, config->loop, &ecmg);
    if (status == 0)
        headend_ecmg_client_attach(service->client, service->group);
    return status;
}

int cmd_service_init(struct cmd_service *service, const struct cmd_service_config *config)
{
    int status;

    *service =
        (struct cmd_service){.stream = config->stream, .period = config->period, .context = config->context};
    status = load_words(service, config);
    if (status < 0)
        return status;
    if ((status = keys_slots_create(&service->slots, config->cipher, config->grace)) < 0 ||
        (status = create_group(service, config)) < 0 ||
        (config->ecmg.host && (status = create_client(service, config)) < 0))
        return fail(service, status);
    return 0;
}

void cmd_service_clear(struct cmd_service *service)
{
    headend_ecmg_client_destroy(service->client);
    headend_group_destroy(service->group);
    keys_slots_destroy(service->slots);
    keys_cw_list_clear(&service->list);
    *service = (struct cmd_service){0};
}

const char *cmd_service_last_error(const struct cmd_service *service)
{
    return service->client ? headend_ecmg_client_last_error(service->client) : "";
}

void cmd_service_add(struct cmd_service_totals *totals, const struct cmd_service *service)
{
    struct headend_group_status status;

    headend_group_status(service->group, &status);
    totals->services++;
    totals->on_air += status.on_air;
    totals->degraded += status.degraded;
    totals->was_degraded |= service->was_degraded;
    totals->crypto_periods += status.crypto_periods;
    totals->ecms += status.ecms;
    totals->stretched += status.stretched;
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
