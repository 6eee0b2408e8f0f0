/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/live_service.h"

#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "cmd/live_psig.h"

#define GUARD (100 * BASE_TICKS_PER_MS)

uint64_t cmd_live_guard(uint64_t crypto_period)
{
    return GUARD < crypto_period / 4 ? GUARD : crypto_period / 4;
}

const char *cmd_live_service_wanted(const struct cmd_live_stream *stream, unsigned index, char *text,
                                    size_t room)
{
    const struct cmd_headend_stream *config = stream->config;

    if (index < config->service_count && config->services[index].by_id)
        snprintf(text, room, "service %u", config->services[index].id);
    else if (index < config->service_count)
        snprintf(text, room, "service \"%s\"", config->services[index].name);
    else if (config->all_services)
        snprintf(text, room, "service %u", stream->services[index].service_id);
    else
        snprintf(text, room, "service");
    return text;
}

static const struct cmd_headend_service *configured(const struct cmd_headend_stream *config, unsigned index)
{
    return index < config->service_count ? &config->services[index] : NULL;
}

struct headend_group_config cmd_live_describe_group(const struct cmd_live_stream *stream, unsigned number)
{
    const struct cmd_headend_stream *config = stream->config;

    return (struct headend_group_config){
        .orders = pipeline_orders(stream->live->pipeline, stream->index),
        .generator = {.group = number, .cw_size = (uint8_t)cipher_cw_size(config->algorithm)},
        .crypto_period = config->crypto_period,
        .guard = cmd_live_guard(config->crypto_period),
        .policy = config->policy,
        .policy_delay = config->policy_delay,
        /* Receivers find ECM and CA_descriptor before the first scrambled packet. */
        .lead_in = true,
    };
}

int cmd_live_service_init(struct cmd_live_service *service, struct cmd_live_stream *stream, unsigned index)
{
    const struct cmd_headend_stream *config = stream->config;
    const struct keys_grace grace = pipeline_grace(stream->live->pipeline);
    char wanted[TS_SERVICE_NAME_MAX + 16], name[160];
    struct cmd_service_config common = {
        .name = name,
        .cipher = stream->cipher,
        .algorithm = config->algorithm,
        .grace = &grace,
        .cw = config->cw.size ? &config->cw : NULL,
        .cw_file = config->cw_file[0] ? config->cw_file : NULL,
        .raw_cw = config->raw_cw,
        .group = cmd_live_describe_group(stream, index),
        .cas = &stream->live->cas,
        .slots_alone = config->eis.wanted,
    };

    service->stream = stream;
    snprintf(name, sizeof(name), "stream %.63s, %s", stream->name,
             cmd_live_service_wanted(stream, index, wanted, sizeof(wanted)));
    if (config->eis.wanted)
        return cmd_service_init(&service->common, &common);
    common.uses = cmd_headend_uses(config, configured(config, index), &common.use_count);
    common.counted_on = common.uses == config->cas ? index : 0;
    service->uses = common.uses;
    service->use_count = common.use_count;
    service->counted_on = common.counted_on;
    service->first_flow = common.first_flow = stream->flows;
    stream->flows = (uint16_t)(stream->flows + common.use_count);
    return cmd_service_init(&service->common, &common);
}

void cmd_live_service_announce(const struct cmd_live_service *service)
{
    struct cmd_live_stream *stream = service->stream;
    unsigned index = (unsigned)(service - stream->services);
    struct headend_signal signals[HEADEND_SIGNALS_MAX];
    int status;

    if (!service->use_count)
        return;
    cmd_cas_signals(&stream->live->config->cas, service->uses, service->use_count, service->first_flow,
                    service->counted_on, signals);
    for (unsigned i = 0; i < service->use_count; i++)
        cmd_live_psig_amend(stream, index, service->uses[i].cas, &signals[i]);
    status = headend_follower_set_signals(stream->follower, index, signals, service->use_count);
    if (status == -ENOBUFS)
        stream->orders_wait = true;
    else if (status < 0)
        base_log(BASE_LOG_ERROR, "%s: its CASs cannot be announced: %s", service->common.name,
                 base_error_text(status));
}

void cmd_live_service_clear(struct cmd_live_service *service)
{
    cmd_service_clear(&service->common);
    *service = (struct cmd_live_service){0};
}
