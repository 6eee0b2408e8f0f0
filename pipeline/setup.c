/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One worker per lcore: what it owns, and the rings that join it to the others. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include <rte_malloc.h>

#include "base/error.h"
#include "pipeline/internal.h"

static int create_ring(struct pipeline *pipeline, struct rte_ring **ring, char why[static 256])
{
    char name[RTE_RING_NAMESIZE];

    snprintf(name, sizeof(name), "scramline_%u", pipeline->ring_count);
    *ring = rte_ring_create(name, PIPELINE_RING_SIZE, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
    if (!*ring) {
        snprintf(why, 256, "no memory for the rings between workers");
        return -ENOMEM;
    }
    pipeline->rings[pipeline->ring_count++] = *ring;
    return 0;
}

/* Two rings for every ordered pair: frames to turn, and frames to send. */
static int join_workers(struct pipeline *pipeline, char why[static 256])
{
    int rc = 0;

    for (unsigned from = 0; from < pipeline->worker_count; from++) {
        for (unsigned to = 0; !rc && to < pipeline->worker_count; to++) {
            struct pipeline__worker *consumer = pipeline->workers[to];

            if (from == to)
                continue;
            rc = create_ring(pipeline, &consumer->to_turn[from], why);
            if (!rc)
                rc = create_ring(pipeline, &consumer->to_send[from], why);
            pipeline->workers[from]->turn_at[to] = consumer->to_turn[from];
        }
    }
    return rc;
}

static void assign_port(struct pipeline *pipeline, unsigned index)
{
    const struct pipeline__port *port = &pipeline->ports[index];
    unsigned owner;

    assert(pipeline->worker_count); /* choose_cores() sees to it */
    owner = index % pipeline->worker_count;

    for (uint16_t queue = 0; queue < port->rx_queues; queue++) {
        struct pipeline__worker *worker = pipeline->workers[(owner + queue) % pipeline->worker_count];

        worker->entries[worker->entry_count++] =
            (struct pipeline__entry){.port = port->id, .queue = queue, .index = (uint8_t)index};
    }
    for (unsigned i = 0; i < pipeline->worker_count; i++) {
        struct pipeline__exit *way = &pipeline->workers[i]->exits[index];
        bool own_queue = port->tx_queues == pipeline->worker_count;

        way->port = port->id;
        way->queue = own_queue ? (uint16_t)i : 0;
        if (!own_queue && i != owner)
            way->ring = pipeline->workers[owner]->to_send[i];
    }
}

static int create_ciphers(struct pipeline__worker *worker, char why[static 256])
{
    struct pipeline *pipeline = worker->pipeline;

    cipher_batch_init(&worker->batch, CIPHER_SCRAMBLE);
    for (unsigned i = 0; i < CIPHER_ALGORITHMS; i++) {
        int rc = cipher_create(&worker->ciphers[i], (enum cipher_algorithm)i, pipeline->config.cipher_tier);

        if (rc && rc != -ENOTSUP) {
            snprintf(why, 256, "%s: %s", cipher_algorithm_name((enum cipher_algorithm)i),
                     base_error_text(rc));
            return rc;
        }
        pipeline->has_cipher[i] = !rc;
        worker->batch.ciphers[i] = worker->ciphers[i];
    }
    return 0;
}

static int create_worker(struct pipeline *pipeline, unsigned index, char why[static 256])
{
    int socket = (int)rte_lcore_to_socket_id(pipeline->worker_lcores[index]);
    struct pipeline__worker *worker =
        rte_zmalloc_socket("worker", sizeof(*worker), RTE_CACHE_LINE_SIZE, socket);

    if (!worker) {
        snprintf(why, 256, "no memory for worker %u", index);
        return -ENOMEM;
    }
    pipeline->workers[index] = worker;
    worker->pipeline = pipeline;
    worker->index = index;
    return create_ciphers(worker, why);
}

int pipeline__create_workers(struct pipeline *pipeline, char why[static 256])
{
    int rc = 0;

    for (unsigned i = 0; !rc && i < pipeline->worker_count; i++)
        rc = create_worker(pipeline, i, why);
    if (!rc)
        rc = join_workers(pipeline, why);
    if (rc)
        return rc;
    for (unsigned i = 0; i < pipeline->port_count; i++)
        assign_port(pipeline, i);
    return 0;
}

static void free_frames(struct rte_ring *ring)
{
    void *frame;

    while (!rte_ring_sc_dequeue(ring, &frame))
        rte_pktmbuf_free((struct rte_mbuf *)frame);
}

void pipeline__destroy_workers(struct pipeline *pipeline)
{
    for (unsigned i = 0; i < pipeline->ring_count; i++) {
        free_frames(pipeline->rings[i]);
        rte_ring_free(pipeline->rings[i]);
    }
    for (unsigned i = 0; i < pipeline->worker_count; i++) {
        for (unsigned j = 0; pipeline->workers[i] && j < CIPHER_ALGORITHMS; j++)
            cipher_destroy(pipeline->workers[i]->ciphers[j]);
        rte_free(pipeline->workers[i]);
    }
}
