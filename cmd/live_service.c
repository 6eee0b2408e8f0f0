/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/live_service.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

/* How long before its start a slot must be there: ticks of control and bursts of workers, with ease. */
#define GUARD (100 * BASE_TICKS_PER_MS)

static uint16_t numbered(uint16_t configured, unsigned index, unsigned otherwise)
{
    return (uint16_t)(configured ? configured + index : otherwise + index);
}

static struct headend_ecmg_client_config describe_ecmg(const struct cmd_live_stream *stream, unsigned index)
{
    const struct cmd_headend_ecmg *ecmg = &stream->config->ecmg;

    return (struct headend_ecmg_client_config){
        .host = ecmg->host[0] ? ecmg->host : NULL,
        .port = ecmg->port,
        .scs = {.version = ecmg->version,
                .channel_id = numbered(ecmg->channel_id, index, stream->first_number),
                .super_cas_id = ecmg->super_cas_id},
        .stream = {.ecm_id = numbered(ecmg->ecm_id, index, stream->first_number),
                   .access_criteria = ecmg->access_criteria_size ? ecmg->access_criteria : NULL,
                   .access_criteria_size = ecmg->access_criteria_size},
    };
}

int cmd_live_service_init(struct cmd_live_service *service, struct cmd_live_stream *stream, unsigned index)
{
    const struct cmd_headend_stream *config = stream->config;
    const struct keys_grace grace = pipeline_grace(stream->live->pipeline);
    const struct cmd_service_config common = {
        .stream = stream->name,
        .cipher = stream->cipher,
        .algorithm = config->algorithm,
        .grace = &grace,
        .cw = config->cw.size ? &config->cw : NULL,
        .cw_file = config->cw_file[0] ? config->cw_file : NULL,
        .raw_cw = config->raw_cw,
        .group = {.orders = pipeline_orders(stream->live->pipeline, stream->index),
                  .generator = {.group = index},
                  .crypto_period = config->crypto_period,
                  .guard = GUARD < config->crypto_period / 4 ? GUARD : config->crypto_period / 4,
                  .policy = config->policy,
                  .policy_delay = config->policy_delay,
                  /* Receivers find ECM and CA_descriptor before the first scrambled packet. */
                  .lead_in = true},
        .ecmg = describe_ecmg(stream, index),
        .loop = stream->live->loop,
    };

    *service = (struct cmd_live_service){.stream = stream};
    return cmd_service_init(&service->common, &common);
}

void cmd_live_service_set_ecm_pid(struct cmd_live_service *service, uint16_t ecm_pid)
{
    if (!service->common.client || !ecm_pid || ecm_pid == service->ecm_pid)
        return;
    if (!headend_group_set_ecm_pid(service->common.group, ecm_pid))
        service->ecm_pid = ecm_pid;
}

void cmd_live_service_report(struct cmd_live_service *service)
{
    const struct cmd_headend_ecmg *ecmg = &service->stream->config->ecmg;
    bool up = service->common.client && headend_ecmg_client_is_up(service->common.client);
    const char *error = up ? "" : cmd_service_last_error(&service->common);

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
    cmd_service_clear(&service->common);
    *service = (struct cmd_live_service){0};
}
