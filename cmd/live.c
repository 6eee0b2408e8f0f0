/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/live.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/log.h"
#include "cmd/cipher_options.h"
#include "cmd/live_eis.h"
#include "cmd/live_mux.h"
#include "cmd/live_psig.h"
#include "cmd/live_scg.h"
#include "cmd/live_service.h"
#include "cmd/plan.h"
#include "ts/order.h"

/* What one tick takes at most of a stream's observations, so that one stream cannot starve the others. */
#define OBSERVATIONS_PER_TICK 64

/* Of services that could not be added: what is neither protected nor a table. */
static void blacken_others(struct scrambler_plan *plan)
{
    for (unsigned pid = TS_PID_FIRST; pid < TS_PID_NULL; pid++) {
        if (plan->pids[pid].action == SCRAMBLER_PASS && !plan->pids[pid].observe)
            plan->pids[pid].action = SCRAMBLER_BLACK;
    }
}

void cmd_live_publish(struct cmd_live_stream *stream)
{
    const struct headend_map *map = headend_follower_map(stream->follower);
    struct scrambler_plan plan;
    int rc;

    stream->has_changed = true;
    cmd_plan_from_map(&plan, map, stream->groups, stream->units ? CMD_LIVE_UNITS_MAX : stream->service_count);
    if (stream->config->all_services)
        plan.unreferenced = SCRAMBLER_BLACK; /* what no table names may belong to any service */
    if (stream->overfull)
        blacken_others(&plan);
    rc = pipeline_set_plan(stream->live->pipeline, stream->index, &plan);
    if (rc)
        base_log(BASE_LOG_ERROR, "stream %s: a change of its tables cannot be followed: %s", stream->name,
                 base_error_text(rc));
    else
        stream->planned = map->observations;
}

static struct headend_service_config follow(const struct cmd_headend_stream *config,
                                            const struct cmd_headend_service *service, unsigned index)
{
    struct headend_service_config follow = {
        .choice = HEADEND_SERVICE_FIRST,
        .components = config->components,
        .group = (uint8_t)index,
        .scrambling_mode = cipher_scrambling_mode(config->algorithm),
    };

    if (service) {
        follow.choice = service->by_id ? HEADEND_SERVICE_ID : HEADEND_SERVICE_NAME;
        follow.service_id = service->id;
        snprintf(follow.name, sizeof(follow.name), "%s", service->name);
    }
    return follow;
}

static void close_services(struct cmd_live_stream *stream)
{
    cmd_live_scgs_clear(stream);
    for (unsigned i = 0; i < stream->service_count; i++)
        cmd_live_service_clear(&stream->services[i]);
    free(stream->services);
    headend_follower_destroy(stream->follower);
    stream->services = NULL;
    stream->service_count = 0;
    stream->follower = NULL;
}

/* Slots and group of one service more; what finds it is the follower's task. */
static int open_service(struct cmd_live_stream *stream)
{
    unsigned index = stream->service_count++;
    int rc = cmd_live_service_init(&stream->services[index], stream, index);

    stream->groups[index].slots = stream->services[index].common.slots;
    if (!rc && stream->units)
        rc = cmd_live_unit_init(stream, index);
    return rc;
}

/* Those of the configuration, or the first one; of `services: [all]` none yet. */
static int open_services(struct cmd_live_stream *stream)
{
    const struct cmd_headend_stream *config = stream->config;
    struct headend_service_config configs[HEADEND_SERVICES_MAX];
    unsigned count = config->service_count ? config->service_count : !config->all_services;
    unsigned room = config->all_services ? HEADEND_SERVICES_MAX : count;
    int rc = 0;

    stream->services = calloc(room, sizeof(*stream->services));
    if (!stream->services)
        return -ENOMEM;
    for (unsigned i = 0; !rc && i < count; i++) {
        configs[i] = follow(config, config->service_count ? &config->services[i] : NULL, i);
        rc = open_service(stream);
    }
    if (!rc)
        rc = headend_follower_create(&stream->follower, configs, count,
                                     pipeline_orders(stream->live->pipeline, stream->index));
    for (unsigned i = 0; !rc && i < count; i++)
        cmd_live_service_announce(&stream->services[i]);
    if (rc)
        close_services(stream);
    return rc;
}

static bool is_followed(const struct cmd_live_stream *stream, uint16_t service_id)
{
    struct headend_service_status status;

    for (unsigned i = 0; i < stream->service_count; i++)
        if (!headend_follower_status(stream->follower, i, &status) && status.service_id == service_id)
            return true;
    return false;
}

static int add_service(struct cmd_live_stream *stream, uint16_t service_id)
{
    const struct cmd_headend_service service = {.by_id = true, .id = service_id};
    const struct headend_service_config config = follow(stream->config, &service, stream->service_count);
    int rc;

    if (stream->service_count == HEADEND_SERVICES_MAX)
        return -ENOSPC;
    stream->services[stream->service_count].service_id = service_id;
    rc = open_service(stream);
    if (!rc)
        rc = headend_follower_add(stream->follower, &config);
    if (rc)
        cmd_live_service_clear(&stream->services[--stream->service_count]);
    else
        cmd_live_service_announce(&stream->services[stream->service_count - 1]);
    return rc;
}

/* `services: [all]`: each that a PAT lists, before a plan could let it pass. True where there is a new one.
 */
static bool add_listed(struct cmd_live_stream *stream)
{
    struct headend_service_entry entries[HEADEND_SERVICES_MAX + 1];
    unsigned count = headend_follower_services(stream->follower, entries, HEADEND_SERVICES_MAX + 1);
    bool added = false;

    for (unsigned i = 0; !stream->overfull && i < count && i <= HEADEND_SERVICES_MAX; i++) {
        if (is_followed(stream, entries[i].service_id))
            continue;
        stream->overfull = add_service(stream, entries[i].service_id);
        added = true;
        if (stream->overfull)
            base_log(
                BASE_LOG_ERROR,
                "stream %s: service %u cannot be added, \"all\" takes %d: it is black, and so is what is "
                "not protected",
                stream->name, entries[i].service_id, HEADEND_SERVICES_MAX);
    }
    return added;
}

void cmd_live_place_ecms(struct cmd_live_stream *stream)
{
    if (stream->units)
        cmd_live_scgs_place_ecms(stream);
    for (unsigned i = 0; !stream->units && i < stream->service_count; i++)
        headend_scg_place_ecms(stream->services[i].common.scg, stream->follower);
}

/* What is not there cannot be protected: the operator may have meant a service that is there, and goes out
 * clear. */
static void tell_missing(struct cmd_live_stream *stream)
{
    char text[TS_SERVICE_NAME_MAX + 16], services[512];

    if (!headend_follower_map(stream->follower)->complete)
        return;
    for (unsigned i = 0; i < stream->service_count; i++) {
        struct cmd_live_service *service = &stream->services[i];
        struct headend_service_status status;

        if (headend_follower_status(stream->follower, i, &status) || status.found == !service->missing)
            continue;
        service->missing = !status.found;
        cmd_service_list(stream->follower, services, sizeof(services));
        if (service->missing)
            base_log(BASE_LOG_WARNING,
                     "stream %s: there is no %s, nothing is scrambled for it; there are: %s", stream->name,
                     cmd_live_service_wanted(stream, i, text, sizeof(text)), services);
        else
            base_log(BASE_LOG_NOTICE, "stream %s: %s is there", stream->name,
                     cmd_live_service_wanted(stream, i, text, sizeof(text)));
    }
}

/* A worker takes orders as packets come; those that found no room are sent again. */
static void send_waiting_orders(struct cmd_live_stream *stream)
{
    if (stream->orders_wait)
        stream->orders_wait =
            headend_follower_flush(stream->follower, pipeline_now(stream->live->pipeline)) == -ENOBUFS;
}

static void observe(struct cmd_live_stream *stream)
{
    struct base_ring *ring = pipeline_observations(stream->live->pipeline, stream->index);
    struct ts_observation observation;
    bool changed = false;
    int rc;

    for (unsigned i = 0; i < OBSERVATIONS_PER_TICK && ts_observation_pop(ring, &observation) > 0; i++) {
        rc = headend_follower_section(stream->follower, observation.pid, observation.section,
                                      observation.size, observation.sequence, observation.source_time);
        changed |= rc > 0 || rc == -ENOBUFS;
        stream->orders_wait |= rc == -ENOBUFS;
        if (stream->config->all_services && add_listed(stream))
            changed = stream->orders_wait = true;
    }
    if (changed || headend_follower_map(stream->follower)->observations != stream->planned) {
        cmd_live_place_ecms(stream);
        cmd_live_publish(stream);
        tell_missing(stream);
    }
}

static int open_stream(struct cmd_live *live, const struct cmd_headend_config *config, unsigned index)
{
    struct cmd_live_stream *stream = &live->streams[index];
    int rc;

    stream->live = live;
    stream->index = index;
    stream->config = &config->streams[index];
    stream->name = config->pipeline_streams[index].name;
    live->stream_count++;
    for (unsigned i = 0; i < SCRAMBLER_GROUPS_MAX; i++)
        stream->groups[i].algorithm = stream->config->algorithm;
    if (stream->config->eis.wanted && !(stream->units = calloc(1, sizeof(*stream->units))))
        return -ENOMEM;
    rc = cmd_cipher_create(&stream->cipher, stream->config->algorithm, config->pipeline.cipher_tier,
                           &stream->config->mode);
    return rc ? rc : open_services(stream);
}

/* Each algorithm once. */
static void tell_tiers(const struct cmd_live *live)
{
    bool told[CIPHER_ALGORITHMS] = {false};

    for (unsigned i = 0; i < live->stream_count; i++) {
        const struct cipher *cipher = live->streams[i].cipher;
        enum cipher_algorithm algorithm = cipher_algorithm_of(cipher);

        if (!told[algorithm])
            base_log(BASE_LOG_NOTICE, "%s: tier %s", cipher_algorithm_name(algorithm),
                     cipher_tier_name(cipher));
        told[algorithm] = true;
    }
}

int cmd_live_init(struct cmd_live *live, const struct cmd_headend_config *config, struct pipeline *pipeline,
                  struct net_loop *loop)
{
    int rc = 0;

    *live = (struct cmd_live){.config = config, .pipeline = pipeline, .loop = loop};
    live->streams = calloc(config->pipeline.stream_count, sizeof(*live->streams));
    if (!live->streams)
        return -ENOMEM;
    rc = cmd_cas_set_open(&live->cas, &config->cas, loop);
    for (unsigned i = 0; !rc && i < config->pipeline.stream_count; i++)
        rc = open_stream(live, config, i);
    if (!rc)
        rc = cmd_live_eis_open(live);
    if (!rc)
        rc = cmd_live_mux_open(live);
    if (!rc)
        rc = cmd_live_psig_open(live);
    if (!rc)
        tell_tiers(live);
    return rc;
}

void cmd_live_tick(struct cmd_live *live)
{
    for (unsigned i = 0; i < live->stream_count; i++) {
        struct cmd_live_stream *stream = &live->streams[i];
        uint64_t now;

        send_waiting_orders(stream);
        observe(stream);
        now = pipeline_now(live->pipeline);
        cmd_live_scgs_advance(stream, now);
        for (unsigned j = 0; !stream->units && j < stream->service_count; j++)
            headend_scg_advance(stream->services[j].common.scg, now);
    }
    cmd_live_mux_tick(live, pipeline_now(live->pipeline));
    cmd_live_psig_tick(live);
}

void cmd_live_report(struct cmd_live *live)
{
    cmd_cas_set_report(&live->cas);
    cmd_live_eis_report(live);
    cmd_live_psig_report(live);
}

void cmd_live_clear(struct cmd_live *live)
{
    cmd_live_eis_close(live);
    cmd_live_psig_close(live);
    cmd_live_mux_close(live);
    for (unsigned i = 0; i < live->stream_count; i++) {
        close_services(&live->streams[i]);
        cipher_destroy(live->streams[i].cipher);
    }
    cmd_cas_set_close(&live->cas);
    free(live->streams);
    *live = (struct cmd_live){0};
}
