/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/live.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/log.h"
#include "cmd/live_service.h"
#include "cmd/plan.h"
#include "ts/order.h"

/* What one tick takes at most of a stream's observations, so that one stream cannot starve the others. */
#define OBSERVATIONS_PER_TICK 64

static void publish_plan(struct cmd_live_stream *stream)
{
    const struct headend_map *map = headend_follower_map(stream->follower);
    struct scrambler_plan plan;
    int rc;

    cmd_plan_from_map(&plan, map, stream->groups, stream->service_count);
    /* A service that the PAT lists later is no group's: its packets must not pass as unreferenced. */
    if (stream->config->all_services)
        plan.unreferenced = SCRAMBLER_BLACK;
    rc = pipeline_set_plan(stream->live->pipeline, stream->index, &plan);
    if (rc)
        base_log(BASE_LOG_ERROR, "stream %s: a change of its tables cannot be followed: %s", stream->name,
                 base_error_text(rc));
    else
        stream->planned = map->observations;
}

static uint16_t ecm_pid_of(const struct cmd_headend_stream *config, unsigned index)
{
    return config->ecm_pid && config->ecm_pid + index < TS_PID_NULL ? (uint16_t)(config->ecm_pid + index) : 0;
}

static struct headend_service_config follow(const struct cmd_headend_stream *config,
                                            const struct cmd_headend_service *service, unsigned index)
{
    struct headend_service_config follow = {
        .choice = HEADEND_SERVICE_FIRST,
        .components = config->components,
        .group = (uint8_t)index,
        .signal = config->ecmg.host[0],
        .ca = {.ca_system_id = (uint16_t)(config->ecmg.super_cas_id >> 16),
               .ca_pid = ecm_pid_of(config, index)},
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
    for (unsigned i = 0; i < stream->service_count; i++)
        cmd_live_service_clear(&stream->services[i]);
    free(stream->services);
    headend_follower_destroy(stream->follower);
    stream->services = NULL;
    stream->service_count = 0;
    stream->follower = NULL;
}

/* Slots and groups of `count` services, and the follower that finds them; `services` NULL: the first one. */
static int open_services(struct cmd_live_stream *stream, const struct cmd_headend_service *services,
                         unsigned count)
{
    struct headend_service_config configs[HEADEND_SERVICES_MAX];
    int rc = 0;

    stream->first_number = stream->live->numbers + 1;
    stream->live->numbers += count;
    stream->services = calloc(count, sizeof(*stream->services));
    if (!stream->services)
        return -ENOMEM;
    for (unsigned i = 0; !rc && i < count; i++) {
        configs[i] = follow(stream->config, services ? &services[i] : NULL, i);
        stream->service_count++;
        rc = cmd_live_service_init(&stream->services[i], stream, i);
        stream->groups[i] = (struct scrambler_group){.slots = stream->services[i].common.slots,
                                                     .algorithm = stream->config->algorithm};
    }
    if (!rc)
        rc = headend_follower_create(&stream->follower, configs, count,
                                     pipeline_orders(stream->live->pipeline, stream->index));
    if (rc)
        close_services(stream);
    return rc;
}

/* `services: [all]`: which they are is known with the first PAT. */
static void open_all(struct cmd_live_stream *stream, const struct ts_observation *observation)
{
    struct cmd_headend_service services[HEADEND_SERVICES_MAX] = {0};
    struct ts_pat_section pat;

    if (observation->pid != TS_PID_PAT || ts_pat_read(observation->section, observation->size, &pat))
        return;
    if (pat.last_number || !pat.count || pat.count > HEADEND_SERVICES_MAX) {
        base_log(
            BASE_LOG_ERROR,
            "stream %s: its PAT lists %u services in %u sections: \"all\" takes 1 to %d in one; it stays "
            "black",
            stream->name, pat.count, pat.last_number + 1u, HEADEND_SERVICES_MAX);
        return;
    }
    for (unsigned i = 0; i < pat.count; i++)
        services[i] = (struct cmd_headend_service){.by_id = true, .id = pat.programs[i].program_number};
    if (open_services(stream, services, pat.count))
        base_log(BASE_LOG_ERROR, "stream %s: stays black", stream->name);
}

static void place_ecms(struct cmd_live_stream *stream)
{
    for (unsigned i = 0; i < stream->service_count; i++) {
        struct headend_service_status status;

        if (!headend_follower_status(stream->follower, i, &status) && status.pmt_known)
            cmd_live_service_set_ecm_pid(&stream->services[i], status.ecm_pid);
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
        if (!stream->services)
            open_all(stream, &observation);
        if (!stream->follower)
            continue;
        rc = headend_follower_section(stream->follower, observation.pid, observation.section,
                                      observation.size, observation.sequence, observation.source_time);
        changed |= rc > 0 || rc == -ENOBUFS;
        stream->orders_wait |= rc == -ENOBUFS;
    }
    if (stream->follower &&
        (changed || headend_follower_map(stream->follower)->observations != stream->planned)) {
        place_ecms(stream);
        publish_plan(stream);
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
    rc = cipher_create(&stream->cipher, stream->config->algorithm, config->pipeline.cipher_tier);
    if (rc || stream->config->all_services)
        return rc;
    if (!stream->config->service_count)
        return open_services(stream, NULL, 1);
    return open_services(stream, stream->config->services, stream->config->service_count);
}

int cmd_live_init(struct cmd_live *live, const struct cmd_headend_config *config, struct pipeline *pipeline,
                  struct net_loop *loop)
{
    int rc = 0;

    *live = (struct cmd_live){.pipeline = pipeline, .loop = loop};
    live->streams = calloc(config->pipeline.stream_count, sizeof(*live->streams));
    if (!live->streams)
        return -ENOMEM;
    for (unsigned i = 0; !rc && i < config->pipeline.stream_count; i++)
        rc = open_stream(live, config, i);
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
        for (unsigned j = 0; j < stream->service_count; j++)
            (void)headend_group_advance(stream->services[j].common.group, now);
    }
}

void cmd_live_report(struct cmd_live *live)
{
    for (unsigned i = 0; i < live->stream_count; i++) {
        for (unsigned j = 0; j < live->streams[i].service_count; j++)
            cmd_live_service_report(&live->streams[i].services[j]);
    }
}

void cmd_live_clear(struct cmd_live *live)
{
    for (unsigned i = 0; i < live->stream_count; i++) {
        close_services(&live->streams[i]);
        cipher_destroy(live->streams[i].cipher);
    }
    free(live->streams);
    *live = (struct cmd_live){0};
}
