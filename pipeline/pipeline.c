/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The control thread's side: builds everything up in one order, takes it down in the reverse. */
#include "pipeline/pipeline.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_malloc.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "pipeline/internal.h"

#define ORDERS_ROOM       (256 * 1024) /* bytes of ring per stream */
#define OBSERVATIONS_ROOM (256 * 1024)
#define END_IDLE_SECONDS  1 /* without a frame, after some */
#define END_EMPTY_SECONDS 5 /* without any */

static int check_stream(const struct pipeline_config *config, const struct pipeline_stream_config *stream,
                        char why[static 256])
{
    const char *wrong = NULL;
    uint8_t version = stream->input_address.version;

    if (stream->input_port >= config->port_count || stream->output_port >= config->port_count)
        wrong = "names a port that does not exist";
    else if (version != 4 && version != 6)
        wrong = "has no input address";
    else if (stream->readdress && stream->output_address.version != version)
        wrong = "changes the IP version from input to output";
    else if (stream->has_output_source && stream->output_source.version != version)
        wrong = "has an output source of another IP version";
    if (wrong)
        snprintf(why, 256, "stream %s %s", stream->name, wrong);
    return wrong ? BASE_E_CONFIGURATION : 0;
}

static int check_config(const struct pipeline_config *config, char why[static 256])
{
    if (!config->port_count || config->port_count > PIPELINE_PORTS_MAX) {
        snprintf(why, 256, "there must be 1 to %d ports", PIPELINE_PORTS_MAX);
        return BASE_E_CONFIGURATION;
    }
    if (config->stream_count > PIPELINE_STREAMS_MAX || config->workers > PIPELINE_WORKERS_MAX) {
        snprintf(why, 256, "at most %d streams and %d workers can be had", PIPELINE_STREAMS_MAX,
                 PIPELINE_WORKERS_MAX);
        return BASE_E_CONFIGURATION;
    }
    for (unsigned i = 0; i < config->stream_count; i++) {
        int rc = check_stream(config, &config->streams[i], why);

        if (rc)
            return rc;
    }
    return 0;
}

static int create_engine(struct pipeline__stream *stream)
{
    int rc = base_ring_create(&stream->orders, ORDERS_ROOM);

    if (!rc)
        rc = base_ring_create(&stream->observations, OBSERVATIONS_ROOM);
    if (!rc)
        rc = scrambler_engine_create(
            &stream->engine, &(struct scrambler_engine_config){.postpones = true,
                                                               .orders = stream->orders,
                                                               .observations = stream->observations,
                                                               .carousels = stream->config.carousels});
    return rc;
}

static int create_stream(struct pipeline *pipeline, unsigned index, char why[static 256])
{
    struct pipeline__stream *stream = &pipeline->streams[index];
    struct pipeline__plan *plan = malloc(sizeof(*plan));
    int rc;

    if (!plan)
        return -ENOMEM;
    scrambler_plan_init(&plan->plan);
    atomic_store(&stream->plan, plan);
    stream->config = pipeline->config.streams[index];
    stream->owner = index % pipeline->worker_count;
    memcpy(stream->source_mac, pipeline->ports[stream->config.output_port].mac, sizeof(stream->source_mac));
    rc = create_engine(stream);
    if (rc)
        return rc;
    rc = pipeline__table_add(pipeline, index);
    if (rc)
        snprintf(why, 256, "stream %s: another stream has the same input", stream->config.name);
    return rc;
}

static int create_streams(struct pipeline *pipeline, char why[static 256])
{
    int rc = 0;

    for (unsigned i = 0; i < PIPELINE_TABLE_SIZE; i++)
        pipeline->table[i].stream = -1;
    pipeline->streams =
        rte_calloc("streams", pipeline->stream_count + 1, sizeof(*pipeline->streams), RTE_CACHE_LINE_SIZE);
    if (!pipeline->streams)
        return -ENOMEM;
    for (unsigned i = 0; !rc && i < pipeline->stream_count; i++)
        rc = create_stream(pipeline, i, why);
    return rc;
}

static void destroy_streams(struct pipeline *pipeline)
{
    for (unsigned i = 0; pipeline->streams && i < pipeline->stream_count; i++) {
        scrambler_engine_destroy(pipeline->streams[i].engine);
        base_ring_destroy(pipeline->streams[i].orders);
        base_ring_destroy(pipeline->streams[i].observations);
    }
    rte_free(pipeline->streams);
}

static int create_shared(struct pipeline *pipeline, char why[static 256])
{
    size_t size = rte_rcu_qsbr_get_memsize(pipeline->worker_count);

    pipeline->pool = rte_pktmbuf_pool_create("scramline_frames", pipeline__buffers_needed(pipeline),
                                             RTE_MEMPOOL_CACHE_MAX_SIZE / 2, sizeof(struct pipeline__frame),
                                             RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
    pipeline->qsbr = rte_zmalloc("qsbr", size, RTE_CACHE_LINE_SIZE);
    if (!pipeline->pool || !pipeline->qsbr) {
        snprintf(why, 256, "no memory for %u buffers: %s", pipeline__buffers_needed(pipeline),
                 rte_strerror(pipeline->pool ? ENOMEM : rte_errno));
        return -ENOMEM;
    }
    return rte_rcu_qsbr_init(pipeline->qsbr, pipeline->worker_count) ? -EINVAL : 0;
}

static int create_ports(struct pipeline *pipeline, char why[static 256])
{
    int rc = 0;

    for (unsigned i = 0; !rc && i < pipeline->port_count; i++) {
        pipeline->ports[i].config = pipeline->config.ports[i];
        rc = pipeline__create_port(pipeline, &pipeline->ports[i], why);
    }
    return rc;
}

static int build(struct pipeline *pipeline, char why[static 256])
{
    int rc = pipeline__start_eal(pipeline, why);

    if (!rc)
        rc = create_shared(pipeline, why);
    if (!rc)
        rc = create_ports(pipeline, why);
    if (!rc)
        rc = create_streams(pipeline, why);
    if (!rc)
        rc = pipeline__create_workers(pipeline, why);
    return rc;
}

int pipeline_create(struct pipeline **pipeline, const struct pipeline_config *config, char why[static 256])
{
    struct pipeline *made;
    int rc = check_config(config, why);

    *pipeline = NULL;
    if (rc)
        return rc;
    snprintf(why, 256, "out of memory");
    made = calloc(1, sizeof(*made));
    if (!made)
        return -ENOMEM;
    made->config = *config;
    made->port_count = config->port_count;
    made->stream_count = config->stream_count;
    made->lossless = config->stop_at_end;
    rc = build(made, why);
    made->config.streams = NULL;
    if (rc) {
        pipeline_destroy(made);
        return rc;
    }
    pipeline__log_run();
    why[0] = '\0';
    *pipeline = made;
    return 0;
}

static int launch(struct pipeline *pipeline)
{
    for (; pipeline->launched < pipeline->worker_count; pipeline->launched++) {
        int rc = rte_eal_remote_launch(pipeline__run_worker, pipeline->workers[pipeline->launched],
                                       pipeline->worker_lcores[pipeline->launched]);

        if (rc)
            return rc;
    }
    return 0;
}

int pipeline_start(struct pipeline *pipeline)
{
    char why[256];
    int rc = 0;

    for (unsigned i = 0; !rc && i < pipeline->port_count; i++)
        rc = pipeline__start_port(&pipeline->ports[i], why);
    if (rc) {
        base_log(BASE_LOG_ERROR, "%s", why);
        return rc;
    }
    pipeline->ticks_factor = (uint64_t)(((unsigned __int128)BASE_TICKS_PER_SECOND << 64) / rte_get_tsc_hz());
    pipeline->start_tsc = rte_rdtsc();
    atomic_store(&pipeline->phase, PIPELINE_RUN);
    rc = launch(pipeline);
    if (rc)
        pipeline_stop(pipeline);
    return rc;
}

static void reach(struct pipeline *pipeline, int phase)
{
    atomic_store_explicit(&pipeline->phase, phase, memory_order_release);
    for (unsigned i = 0; i < pipeline->launched; i++) {
        while (atomic_load_explicit(&pipeline->workers[i]->phase, memory_order_acquire) != phase)
            rte_delay_us_sleep(50);
    }
}

static uint64_t missed_frames(const struct pipeline__port *port)
{
    struct rte_eth_stats stats;

    if (!port->started || rte_eth_stats_get(port->id, &stats))
        return port->missed;
    return stats.imissed + stats.rx_nombuf;
}

void pipeline_stop(struct pipeline *pipeline)
{
    reach(pipeline, PIPELINE_STOP_RECEIVING);
    reach(pipeline, PIPELINE_FINISH_TURNING);
    reach(pipeline, PIPELINE_FINISH_SENDING);
    for (; pipeline->launched; pipeline->launched--)
        rte_eal_wait_lcore(pipeline->worker_lcores[pipeline->launched - 1]);
    for (unsigned i = 0; i < pipeline->port_count; i++) {
        pipeline->ports[i].missed = missed_frames(&pipeline->ports[i]);
        pipeline__stop_port(&pipeline->ports[i]);
    }
}

void pipeline_destroy(struct pipeline *pipeline)
{
    if (!pipeline)
        return;
    if (pipeline->launched)
        pipeline_stop(pipeline);
    pipeline__destroy_workers(pipeline);
    pipeline__free_plans(pipeline);
    destroy_streams(pipeline);
    for (unsigned i = 0; i < pipeline->port_count; i++)
        pipeline__destroy_port(&pipeline->ports[i]);
    rte_free(pipeline->qsbr);
    rte_mempool_free(pipeline->pool);
    if (pipeline->eal_started)
        rte_eal_cleanup();
    pipeline__log_stop();
    free(pipeline);
}

uint64_t pipeline_now(const struct pipeline *pipeline)
{
    return pipeline->start_tsc ? pipeline__source_time(pipeline, rte_rdtsc()) : 0;
}

static uint64_t grace_begin(void *context)
{
    return rte_rcu_qsbr_start(((struct pipeline *)context)->qsbr);
}

static bool grace_elapsed(void *context, uint64_t token)
{
    return rte_rcu_qsbr_check(((struct pipeline *)context)->qsbr, token, false) == 1;
}

struct keys_grace pipeline_grace(struct pipeline *pipeline)
{
    return (struct keys_grace){.begin = grace_begin, .elapsed = grace_elapsed, .context = pipeline};
}

int pipeline_set_plan(struct pipeline *pipeline, unsigned stream, const struct scrambler_plan *plan)
{
    if (stream >= pipeline->stream_count)
        return -EINVAL;
    for (unsigned i = 0; i < plan->group_count; i++) {
        if (!pipeline->has_cipher[plan->groups[i].algorithm])
            return -ENOTSUP;
    }
    return pipeline__replace_plan(pipeline, &pipeline->streams[stream], plan);
}

struct base_ring *pipeline_orders(struct pipeline *pipeline, unsigned stream)
{
    return pipeline->streams[stream].orders;
}

struct base_ring *pipeline_observations(struct pipeline *pipeline, unsigned stream)
{
    return pipeline->streams[stream].observations;
}

void pipeline_counters(const struct pipeline *pipeline, struct pipeline_counters *sum)
{
    *sum = (struct pipeline_counters){0};
    for (unsigned i = 0; i < pipeline->worker_count; i++) {
        const struct pipeline_counters *counters = &pipeline->workers[i]->counters;

#define X(name, help) sum->name += __atomic_load_n(&counters->name, __ATOMIC_RELAXED);
        PIPELINE_COUNTER_MAP(X)
#undef X
    }
    for (unsigned i = 0; i < pipeline->port_count; i++)
        sum->missed_frames += missed_frames(&pipeline->ports[i]);
}

void pipeline_stream_counters(const struct pipeline *pipeline, unsigned stream,
                              struct scrambler_counters *counters)
{
    *counters = *scrambler_engine_counters(pipeline->streams[stream].engine);
}

bool pipeline_finished(const struct pipeline *pipeline)
{
    uint64_t now = rte_rdtsc(), hz = rte_get_tsc_hz(), last = 0;

    if (!pipeline->config.stop_at_end)
        return false;
    for (unsigned i = 0; i < pipeline->worker_count; i++) {
        uint64_t tsc = atomic_load_explicit(&pipeline->workers[i]->last_frame_tsc, memory_order_relaxed);

        last = tsc > last ? tsc : last;
    }
    if (!last)
        return now - pipeline->start_tsc > END_EMPTY_SECONDS * hz;
    return now > last && now - last > END_IDLE_SECONDS * hz;
}

const char *pipeline_memory_mode(const struct pipeline *pipeline)
{
    return pipeline->memory_mode;
}
