/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/live_json.h"

#include "cmd/cas_report.h"
#include "cmd/live_psig.h"
#include "cmd/live_scg.h"
#include "cmd/summary.h"

#define CONNECTIONS_MAX 256 /* shown */

/* What the control words of an SCG have come to; adds to `json`. */
static void add_scg_json(json_t *json, struct headend_scg *scg, const struct headend_follower *follower)
{
    struct headend_group_status group;
    json_t *more;

    headend_group_status(headend_scg_group(scg), &group);
    more = json_pack("{s:i, s:I, s:I, s:I, s:I, s:b, s:b, s:o}", "ecm_pid", cmd_scg_ecm_pid(scg, follower),
                     "crypto_periods", (json_int_t)group.crypto_periods, "ecms", (json_int_t)group.ecms,
                     "stretched", (json_int_t)group.stretched, "without", (json_int_t)group.without, "on_air",
                     group.on_air, "degraded", group.degraded, "cas", cmd_scg_cas_json(scg, follower));
    json_object_update(json, more);
    json_decref(more);
}

static json_t *service_json(const struct cmd_live_stream *stream, unsigned index)
{
    struct headend_scg *scg = stream->services[index].common.scg;
    struct headend_service_status service = {0};
    json_t *json;

    (void)headend_follower_status(stream->follower, index, &service);
    json = json_pack("{s:i, s:s, s:b, s:i}", "service_id", service.service_id, "name", service.name, "found",
                     service.found && service.pmt_known, "pmt_pid", service.pmt_pid);
    if (scg)
        add_scg_json(json, scg, stream->follower);
    return json;
}

static json_t *units_json(const struct cmd_live_stream *stream, const struct cmd_live_definition *definition,
                          bool components)
{
    json_t *units = json_array();

    for (unsigned i = 0; definition && i < definition->unit_count; i++) {
        const struct cmd_live_unit *unit = definition->units[i];
        struct headend_service_status service = {0};

        (void)headend_follower_status(stream->follower, unit->service, &service);
        if (unit->is_component == components)
            json_array_append_new(units, json_integer(components ? unit->component : service.service_id));
    }
    return units;
}

static json_t *scg_json(const struct cmd_live_stream *stream, const struct cmd_live_scg *scg)
{
    json_t *json = json_pack("{s:i, s:i, s:o, s:o, s:b}", "eis_channel_id", scg->channel_id, "scg_id",
                             scg->scg_id, "services", units_json(stream, scg->current, false), "components",
                             units_json(stream, scg->current, true), "pending", scg->coming != NULL);

    if (scg->scg)
        add_scg_json(json, scg->scg, stream->follower);
    return json;
}

static json_t *stream_json(const struct cmd_live_stream *stream)
{
    struct scrambler_counters packets;
    json_t *services = json_array(), *scgs = json_array();

    pipeline_stream_counters(stream->live->pipeline, stream->index, &packets);
    for (unsigned i = 0; i < stream->service_count; i++)
        json_array_append_new(services, service_json(stream, i));
    for (const struct cmd_live_scg *scg = cmd_live_scgs(stream); scg; scg = scg->next)
        json_array_append_new(scgs, scg_json(stream, scg));
    return json_pack(
        "{s:s, s:s, s:s, s:o, s:o, s:o}", "name", stream->name, "algorithm",
        cipher_algorithm_name(stream->config->algorithm), "tier", cipher_tier_name(stream->cipher), "packets",
        CMD_SUMMARY_COUNTERS(SCRAMBLER_COUNTER_MAP, &packets), "services", services, "scgs", scgs);
}

static json_t *listener_json(const struct net_listener_counters *counters)
{
    return json_pack("{s:I, s:I, s:I, s:I}", "accepted", (json_int_t)counters->accepted, "not_allowed",
                     (json_int_t)counters->not_allowed, "too_many", (json_int_t)counters->too_many,
                     "not_secured", (json_int_t)counters->not_secured);
}

static json_t *eis_channels_json(const struct headend_eis *eis)
{
    struct headend_eis_channel_status status;
    json_t *channels = json_array();

    for (unsigned i = 0; headend_eis_channel_status(eis, i, &status) == 0; i++)
        json_array_append_new(
            channels,
            json_pack("{s:i, s:b, s:s, s:I, s:I, s:I, s:I, s:s}", "channel_id", status.channel_id,
                      "connected", status.connected, "peer", status.peer, "scgs", (json_int_t)status.scgs,
                      "connections", (json_int_t)status.connections, "accepted", (json_int_t)status.accepted,
                      "refused", (json_int_t)status.refused, "last_error", status.last_error));
    return channels;
}

static json_t *eis_json(const struct headend_eis *eis)
{
    struct headend_eis_counters counters;

    headend_eis_counters(eis, &counters);
    return json_pack("{s:i, s:o, s:i, s:i, s:i, s:I, s:I, s:s, s:o}", "port", headend_eis_port(eis),
                     "listener", listener_json(&counters.listener), "connections", (int)counters.connections,
                     "channels", (int)counters.channels, "scgs", (int)counters.scgs, "accepted",
                     (json_int_t)counters.accepted, "refused", (json_int_t)counters.refused, "last_error",
                     counters.last_error, "channel_list", eis_channels_json(eis));
}

static json_t *entry_json(const struct cmd_live *live, const struct headend_mux_entry_status *status)
{
    const struct headend_mux_entry *config = status->config;
    json_t *json = json_pack("{s:I, s:o, s:s, s:i, s:i, s:b}", "client_id", (json_int_t)config->client_id,
                             "data_id", config->any_data_id ? json_null() : json_integer(config->data_id),
                             "stream", live->streams[config->stream].name, "pid", (int)config->pid, "open",
                             (int)status->open, "seen", status->seen);
    json_t *more =
        json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "bandwidth", (json_int_t)status->bandwidth,
                  "datagrams", (json_int_t)status->datagrams, "bytes", (json_int_t)status->bytes, "dropped",
                  (json_int_t)status->dropped, "udp_exceeded", (json_int_t)status->udp_exceeded, "packets",
                  (json_int_t)status->packets, "queued", (json_int_t)status->queued);

    json_object_update(json, more);
    json_decref(more);
    return json;
}

static json_t *entries_json(const struct cmd_live *live)
{
    struct headend_mux_entry_status status;
    json_t *entries = json_array();

    for (unsigned i = 0; headend_mux_entry_status(live->mux, i, &status) == 0; i++)
        json_array_append_new(entries, entry_json(live, &status));
    return entries;
}

static json_t *connections_json(const struct headend_mux *mux)
{
    static struct headend_mux_connection_status list[CONNECTIONS_MAX];
    unsigned count = headend_mux_connections(mux, list, CONNECTIONS_MAX);
    json_t *connections = json_array();

    for (unsigned i = 0; i < count && i < CONNECTIONS_MAX; i++)
        json_array_append_new(
            connections, json_pack("{s:s, s:b, s:I, s:i, s:i, s:I, s:I, s:s}", "peer", list[i].peer,
                                   "channel_open", list[i].channel_open, "client_id",
                                   (json_int_t)list[i].client_id, "channel_id", list[i].channel_id, "streams",
                                   (int)list[i].streams, "datagrams", (json_int_t)list[i].datagrams, "errors",
                                   (json_int_t)list[i].errors, "last_error", list[i].last_error));
    return connections;
}

static json_t *mux_json(const struct cmd_live *live)
{
    struct headend_mux_counters counters;

    headend_mux_counters(live->mux, &counters);
    return json_pack("{s:i, s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o}", "port",
                     headend_mux_port(live->mux), "udp_port", headend_mux_udp_port(live->mux), "accepted",
                     (json_int_t)counters.accepted, "datagrams", (json_int_t)counters.datagrams, "dropped",
                     (json_int_t)counters.dropped, "errors", (json_int_t)counters.errors, "udp_malformed",
                     (json_int_t)counters.udp_malformed, "udp_unknown", (json_int_t)counters.udp_unknown,
                     "udp_refused", (json_int_t)counters.udp_refused, "entries", entries_json(live),
                     "connections", connections_json(live->mux));
}

static json_t *psig_json(const struct cmd_live_psig *psig)
{
    struct headend_psig_status status;

    headend_psig_status(psig->psig, &status);
    return json_pack(
        "{s:s, s:s, s:i, s:b, s:b, s:i, s:i, s:i, s:I, s:I, s:I, s:I, s:I, s:s}", "cas",
        psig->config->cas_name, "host", psig->config->host, "port", (int)psig->config->port, "connected",
        status.connected, "channel_up", status.channel_up, "streams", (int)status.streams, "streams_up",
        (int)status.streams_up, "version", (int)status.version, "attempts", (json_int_t)status.attempts,
        "requests", (json_int_t)status.requests, "insertions", (json_int_t)status.insertions, "refused",
        (json_int_t)status.refused, "triggers", (json_int_t)status.triggers, "last_error", status.last_error);
}

static json_t *psigs_json(const struct cmd_live_psigs *psigs)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < psigs->count; i++)
        json_array_append_new(list, psig_json(&psigs->list[i]));
    return list;
}

void cmd_live_add_json(json_t *root, const struct cmd_live *live)
{
    json_t *streams = json_array();

    for (unsigned i = 0; i < live->stream_count; i++)
        json_array_append_new(streams, stream_json(&live->streams[i]));
    json_object_set_new(root, "streams", streams);
    json_object_set_new(root, "cas", cmd_cas_set_json(&live->cas));
    if (live->eis)
        json_object_set_new(root, "eis", eis_json(live->eis));
    if (live->mux)
        json_object_set_new(root, "emmg", mux_json(live));
    if (live->psigs)
        json_object_set_new(root, "cpsig", psigs_json(live->psigs));
}
