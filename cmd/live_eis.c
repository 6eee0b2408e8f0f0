/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/live_eis.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "cmd/live_scg.h"

#define CP_DURATION_UNIT (100 * BASE_TICKS_PER_MS) /* of SCG_nominal_CP_duration */
#define SOON_MS          1000                      /* what may be too soon to be kept to the boundary */

/* Whether a SCG's identifiers name the stream; 0 for an original_network_id: below version 3 there is none.
 */
static bool is_named(const struct cmd_live_stream *stream, const struct simulcrypt_scg *scg)
{
    const struct cmd_headend_stream_eis *eis = &stream->config->eis;
    uint16_t transport_stream_id = 0, original_network_id = 0;
    bool network_known = false;
    bool known = headend_follower_transport_stream(stream->follower, &transport_stream_id,
                                                   &original_network_id, &network_known);

    if (eis->has_transport_stream_id)
        transport_stream_id = eis->transport_stream_id;
    if (eis->has_original_network_id)
        original_network_id = eis->original_network_id;
    known |= eis->has_transport_stream_id;
    network_known |= eis->has_original_network_id;
    return known && transport_stream_id == scg->transport_stream_id &&
           (!scg->original_network_id || !network_known || original_network_id == scg->original_network_id);
}

static struct cmd_live_stream *stream_of(const struct cmd_live *live, const struct simulcrypt_scg *scg)
{
    for (unsigned i = 0; i < live->stream_count; i++) {
        if (live->streams[i].units && is_named(&live->streams[i], scg))
            return &live->streams[i];
    }
    return NULL;
}

/* The stream of an SCG that is known already: a removal names no content, and need not name the stream. */
static struct cmd_live_stream *stream_of_known(const struct cmd_live *live, uint16_t channel_id,
                                               uint16_t scg_id)
{
    for (unsigned i = 0; i < live->stream_count; i++) {
        if (cmd_live_scg_find(&live->streams[i], channel_id, scg_id))
            return &live->streams[i];
    }
    return NULL;
}

static uint16_t explain_missing(const struct cmd_live *live, const struct cmd_live_stream *stream,
                                uint16_t service_id)
{
    for (unsigned i = 0; i < live->stream_count; i++) {
        struct cmd_live_stream *other = &live->streams[i];

        if (other != stream && other->units && cmd_live_unit_of_service(other, service_id))
            return SIMULCRYPT_EIS_SPANS_STREAMS;
    }
    return SIMULCRYPT_EIS_NO_RESOURCE;
}

static uint16_t check_content(const struct cmd_live *live, struct cmd_live_stream *stream,
                              const struct simulcrypt_scg *scg)
{
    unsigned is_new = 0;

    for (unsigned i = 0; i < scg->service_count; i++) {
        if (!cmd_live_unit_of_service(stream, scg->services[i]))
            return explain_missing(live, stream, scg->services[i]);
    }
    for (unsigned i = 0; i < scg->component_count; i++) {
        unsigned service;

        if (cmd_live_find_component(stream, scg, scg->components[i], &service))
            return SIMULCRYPT_EIS_NO_RESOURCE;
        is_new += !cmd_live_unit_of_component(stream, scg, scg->components[i], false);
    }
    return is_new > cmd_live_units_free(stream) ? SIMULCRYPT_EIS_TOO_MANY_SCGS : SIMULCRYPT_EIS_OK;
}

/* By another SCG than `own`. */
static bool is_taken(const struct cmd_live_stream *stream, const struct cmd_live_scg *own,
                     const struct cmd_live_unit *unit)
{
    for (const struct cmd_live_scg *scg = stream->units->scgs; unit && scg; scg = scg->next) {
        if (scg != own && !scg->ending && cmd_live_definition_holds(cmd_live_scg_latest(scg), unit))
            return true;
    }
    return false;
}

/* Across EIS_channel_ids, too, and whichever way an SCG names its stream. */
static uint16_t check_free(struct cmd_live_stream *stream, const struct cmd_live_scg *own,
                           const struct simulcrypt_scg *scg)
{
    bool taken = false;

    for (unsigned i = 0; i < scg->component_count; i++)
        taken |= is_taken(stream, own, cmd_live_unit_of_component(stream, scg, scg->components[i], false));
    for (unsigned i = 0; !scg->component_count && i < scg->service_count; i++)
        taken |= is_taken(stream, own, cmd_live_unit_of_service(stream, scg->services[i]));
    return taken ? SIMULCRYPT_EIS_RESOURCE_TAKEN : SIMULCRYPT_EIS_OK;
}

static bool is_repeated(const struct simulcrypt_scg *scg, unsigned index)
{
    const struct simulcrypt_ecm_group *groups = scg->ecm_groups;

    for (unsigned i = 0; i < index; i++) {
        if (groups[i].super_cas_id == groups[index].super_cas_id && groups[i].ecm_id == groups[index].ecm_id)
            return true;
    }
    return false;
}

static uint16_t check_ecms(struct cmd_live_stream *stream, const struct cmd_live_scg *before,
                           const struct simulcrypt_scg *scg)
{
    for (unsigned i = 0; i < scg->ecm_group_count; i++) {
        const struct simulcrypt_ecm_group *group = &scg->ecm_groups[i];
        const struct cmd_cas_use *use = cmd_live_find_use(stream, group->super_cas_id);

        if (!use)
            return SIMULCRYPT_EIS_UNKNOWN_SUPER_CAS_ID;
        if (!group->ecm_id)
            return SIMULCRYPT_EIS_INVALID_VALUE;
        if (before && cmd_live_scg_find_ecm(before, use, group->ecm_id) && !is_repeated(scg, i))
            continue;
        if (is_repeated(scg, i) || !cmd_cas_ecm_id_is_free(&stream->live->cas.cas[use->cas], group->ecm_id))
            return SIMULCRYPT_EIS_RESOURCE_TAKEN;
    }
    return SIMULCRYPT_EIS_OK;
}

static uint16_t check(void *context, uint16_t channel_id, const struct simulcrypt_scg *scg,
                      int64_t activation_ms)
{
    struct cmd_live *live = (struct cmd_live *)context;
    struct cmd_live_stream *stream = stream_of(live, scg);
    struct cmd_live_stream *known = stream_of_known(live, channel_id, scg->scg_id);
    const struct cmd_live_scg *before;
    uint16_t error;

    if (!stream)
        return SIMULCRYPT_EIS_NO_RESOURCE;
    if (known && known != stream)
        return SIMULCRYPT_EIS_SPANS_STREAMS;
    before = cmd_live_scg_find(stream, channel_id, scg->scg_id);
    if ((error = check_content(live, stream, scg)) || (error = check_free(stream, before, scg)) ||
        (error = check_ecms(stream, before, scg)))
        return error;
    return activation_ms != HEADEND_EIS_AT_ONCE &&
                   activation_ms < (int64_t)(base_clock_utc_ns() / 1000000) + SOON_MS
               ? SIMULCRYPT_EIS_ACTIVATION_TOO_SOON
               : SIMULCRYPT_EIS_OK;
}

static void accepted(void *context, uint16_t channel_id, const struct simulcrypt_scg *scg,
                     int64_t activation_ms)
{
    struct cmd_live *live = (struct cmd_live *)context;
    struct cmd_live_stream *stream = stream_of_known(live, channel_id, scg->scg_id);
    struct cmd_live_definition *definition;

    if (!stream)
        stream = stream_of(live, scg);
    if (!stream)
        return;
    definition = cmd_live_definition_create(stream, cmd_live_scg_find(stream, channel_id, scg->scg_id), scg,
                                            activation_ms);
    if (definition && cmd_live_scg_define(stream, channel_id, scg->scg_id, definition) == 0)
        return;
    cmd_live_definition_destroy(stream, definition);
    base_log(BASE_LOG_ERROR, "stream %s: SCG %u of EIS channel %u stays as it is: out of memory",
             stream->name, scg->scg_id, channel_id);
}

static uint16_t nominal_cp_duration(void *context, uint16_t channel_id, uint16_t scg_id)
{
    const struct cmd_live *live = (const struct cmd_live *)context;
    const struct cmd_live_stream *stream = stream_of_known(live, channel_id, scg_id);
    const struct cmd_live_scg *scg = stream ? cmd_live_scg_find(stream, channel_id, scg_id) : NULL;
    const struct cmd_live_definition *latest = scg ? cmd_live_scg_latest(scg) : NULL;
    uint64_t ticks = scg && scg->scg ? headend_scg_crypto_period(scg->scg)
                     : latest        ? latest->crypto_period
                                     : 0;

    return (uint16_t)((ticks + CP_DURATION_UNIT - 1) / CP_DURATION_UNIT);
}

static const struct headend_eis_ops ops = {
    .check = check, .accepted = accepted, .nominal_cp_duration = nominal_cp_duration};

int cmd_live_eis_open(struct cmd_live *live)
{
    const struct cmd_headend_eis *config = &live->config->eis;
    char why[256] = "";
    int status;

    if (!config->wanted)
        return 0;
    status = headend_eis_create(&live->eis, live->loop, &config->config, &ops, live, why);
    if (status < 0)
        base_log(BASE_LOG_ERROR, "EIS: %s", why);
    else
        base_log(BASE_LOG_NOTICE, "EIS: listening on %s port %u",
                 *config->config.listen.host ? config->config.listen.host : "every address",
                 headend_eis_port(live->eis));
    return status;
}

void cmd_live_eis_activated(struct cmd_live *live, uint16_t channel_id, uint16_t scg_id)
{
    (void)headend_eis_activated(live->eis, channel_id, scg_id);
}

void cmd_live_eis_report(struct cmd_live *live)
{
    struct headend_eis_counters counters;

    if (!live->eis)
        return;
    headend_eis_counters(live->eis, &counters);
    if (counters.last_error[0] && strcmp(counters.last_error, live->eis_told))
        base_log(BASE_LOG_WARNING, "EIS: %s", counters.last_error);
    snprintf(live->eis_told, sizeof(live->eis_told), "%s", counters.last_error);
}

void cmd_live_eis_close(struct cmd_live *live)
{
    headend_eis_destroy(live->eis);
    live->eis = NULL;
}
