/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A worker's loop, from start to stop. */
#include <rte_pause.h>

#include "pipeline/internal.h"

static unsigned run_once(struct pipeline__worker *worker, int phase)
{
    unsigned frames = pipeline__send_handed_over(worker);

    frames += pipeline__take_handed_over(worker);
    if (phase == PIPELINE_RUN)
        frames += pipeline__receive(worker);
    return frames;
}

/* A phase is reached once nothing of what it ends is left here; control starts the next one when all workers
 * have reached it. */
int pipeline__run_worker(void *argument)
{
    struct pipeline__worker *worker = (struct pipeline__worker *)argument;
    struct pipeline *pipeline = worker->pipeline;
    int reached = PIPELINE_RUN;

    rte_rcu_qsbr_thread_register(pipeline->qsbr, worker->index);
    rte_rcu_qsbr_thread_online(pipeline->qsbr, worker->index);
    while (reached != PIPELINE_FINISH_SENDING) {
        int phase = atomic_load_explicit(&pipeline->phase, memory_order_acquire);
        unsigned frames = run_once(worker, phase);

        rte_rcu_qsbr_quiescent(pipeline->qsbr, worker->index);
        if (frames)
            atomic_store_explicit(&worker->last_frame_tsc, rte_rdtsc(), memory_order_relaxed);
        else
            rte_pause();
        if (phase == PIPELINE_STOP_RECEIVING || !frames) {
            reached = phase;
            atomic_store_explicit(&worker->phase, reached, memory_order_release);
        }
    }
    rte_rcu_qsbr_thread_offline(pipeline->qsbr, worker->index);
    rte_rcu_qsbr_thread_unregister(pipeline->qsbr, worker->index);
    return 0;
}
