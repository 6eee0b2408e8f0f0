/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/live_service.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"

/* How long before its start a slot must be there: ticks of control and bursts of workers, with ease. */
#define GUARD (100 * BASE_TICKS_PER_MS)

static int provision(void *context, const struct simulcrypt_cw_provision *provision)
{
    struct cmd_live_service *service = (struct cmd_live_service *)context;

    return headend_ecmg_client_provision(service->client, provision);
}

static void degraded(void *context, bool failing, const char *why)
{
    const struct cmd_live_service *service = (const struct cmd_live_service *)context;

    base_log(failing ? BASE_LOG_WARNING : BASE_LOG_NOTICE, "stream %s: %s", service->stream->name, why);
}

static const struct headend_group_ops group_ops = {.provision = provision, .degraded = degraded};

static int load_words(struct cmd_live_service *service, const struct cmd_headend_stream *config)
{
    size_t line = 0;
    int rc;

    if (config->cw.size) {
        service->list.words = calloc(1, sizeof(*service->list.words));
        if (!service->list.words) {
            base_log(BASE_LOG_ERROR, "stream %s: out of memory", service->stream->name);
            return -ENOMEM;
        }
        service->list.words[0] = config->cw;
        service->list.count = 1;
    }
    if (!config->cw_file[0])
        return 0;
    rc = keys_cw_list_load(&service->list, config->cw_file, cipher_cw_size(config->algorithm), config->raw_cw,
                           &line);
    if (rc == BASE_E_MALFORMED)
        base_log(BASE_LOG_ERROR, "%s:%zu: is not a control word of %s", config->cw_file, line,
                 cipher_algorithm_name(config->algorithm));
    else if (rc)
        base_log(BASE_LOG_ERROR, "%s: cannot be read: %s", config->cw_file, base_error_text(rc));
    return rc;
}

static int create_group(struct cmd_live_service *service, unsigned index)
{
    const struct cmd_headend_stream *config = service->stream->config;
    const struct headend_group_config group = {
        .slots = service->slots,
        .orders = pipeline_orders(service->stream->live->pipeline, service->stream->index),
        .generator = {.group = index, .cw_size = (uint8_t)cipher_cw_size(config->algorithm)},
        .list = service->list.count ? &service->list : NULL,
        .fixed = config->cw.size,
        .has_cas = config->ecmg.host[0],
        .crypto_period = config->crypto_period,
        .guard = GUARD < config->crypto_period / 4 ? GUARD : config->crypto_period / 4,
        .policy = config->policy,
        .policy_delay = config->policy_delay,
        .lead_in = true, /* receivers find ECM and CA_descriptor before the first scrambled packet */
    };

    return headend_group_create(&service->group, &group, &group_ops, service);
}

static uint16_t numbered(uint16_t configured, unsigned index, unsigned otherwise)
{
    return (uint16_t)(configured ? configured + index : otherwise + index);
}

/* Each service has a channel of its own: one connection, one channel, one stream. */
static int create_client(struct cmd_live_service *service, unsigned index)
{
    const struct cmd_live_stream *stream = service->stream;
    const struct cmd_headend_ecmg *ecmg = &stream->config->ecmg;
    const struct headend_ecmg_client_config config = {
        .host = ecmg->host,
        .port = ecmg->port,
        .scs = {.version = ecmg->version,
                .channel_id = numbered(ecmg->channel_id, index, stream->first_number),
                .super_cas_id = ecmg->super_cas_id},
        .stream = {.stream_id = 1,
                   .ecm_id = numbered(ecmg->ecm_id, index, stream->first_number),
                   .nominal_cp_duration =
                       (uint16_t)(stream->config->crypto_period / (100 * BASE_TICKS_PER_MS)),
                   .access_criteria = ecmg->access_criteria_size ? ecmg->access_criteria : NULL,
                   .access_criteria_size = ecmg->access_criteria_size},
    };
    int rc = headend_ecmg_client_create(&service->client, stream->live->loop, &config);

    if (!rc)
        headend_ecmg_client_attach(service->client, service->group);
    return rc;
}

int cmd_live_service_init(struct cmd_live_service *service, struct cmd_live_stream *stream, unsigned index)
{
    struct keys_grace grace = pipeline_grace(stream->live->pipeline);
    int rc;

    *service = (struct cmd_live_service){.stream = stream};
    rc = load_words(service, stream->config);
    if (rc)
        return rc; /* was told */
    rc = keys_slots_create(&service->slots, stream->cipher, &grace);
    if (!rc)
        rc = create_group(service, index);
    if (!rc && stream->config->ecmg.host[0])
        rc = create_client(service, index);
    if (rc)
        base_log(BASE_LOG_ERROR, "stream %s: control words cannot be prepared: %s", stream->name,
                 base_error_text(rc));
    return rc;
}

void cmd_live_service_set_ecm_pid(struct cmd_live_service *service, uint16_t ecm_pid)
{
    if (!service->client || !ecm_pid || ecm_pid == service->ecm_pid)
        return;
    if (!headend_group_set_ecm_pid(service->group, ecm_pid))
        service->ecm_pid = ecm_pid;
}

void cmd_live_service_report(struct cmd_live_service *service)
{
    const struct cmd_headend_ecmg *ecmg = &service->stream->config->ecmg;
    bool up = service->client && headend_ecmg_client_is_up(service->client);
    const char *error = service->client && !up ? headend_ecmg_client_last_error(service->client) : "";

    if (!strncmp(error, service->last_error, sizeof(service->last_error) - 1) || (!error[0] && !up))
        return;
    if (error[0])
        base_log(BASE_LOG_WARNING, "stream %s: %s", service->stream->name, error); /* names the ECMG */
    else
        base_log(BASE_LOG_NOTICE, "stream %s: ECMG %s port %u is back", service->stream->name, ecmg->host,
                 ecmg->port);
    snprintf(service->last_error, sizeof(service->last_error), "%s", error);
}

void cmd_live_service_clear(struct cmd_live_service *service)
{
    headend_ecmg_client_destroy(service->client);
    headend_group_destroy(service->group);
    keys_slots_destroy(service->slots);
    keys_cw_list_clear(&service->list);
    *service = (struct cmd_live_service){0};
}
