/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Plans reach workers whole: one pointer per stream, freed when every worker has passed a quiescent point. */
#include <errno.h>
#include <stdlib.h>

#include "pipeline/internal.h"

static void reap(struct pipeline *pipeline)
{
    struct pipeline__plan **link = &pipeline->retired;

    while (*link) {
        struct pipeline__plan *plan = *link;

        if (rte_rcu_qsbr_check(pipeline->qsbr, plan->token, false) == 1) {
            *link = plan->next;
            free(plan);
        } else {
            link = &plan->next;
        }
    }
}

static void retire(struct pipeline *pipeline, struct pipeline__plan *plan)
{
    if (!plan)
        return;
    plan->token = rte_rcu_qsbr_start(pipeline->qsbr);
    plan->next = pipeline->retired;
    pipeline->retired = plan;
}

int pipeline__replace_plan(struct pipeline *pipeline, struct pipeline__stream *stream,
                           const struct scrambler_plan *plan)
{
    struct pipeline__plan *copy;

    reap(pipeline);
    copy = malloc(sizeof(*copy));
    if (!copy)
        return -ENOMEM;
    copy->plan = *plan;
    retire(pipeline, atomic_exchange_explicit(&stream->plan, copy, memory_order_acq_rel));
    return 0;
}

void pipeline__free_plans(struct pipeline *pipeline)
{
    while (pipeline->retired) {
        struct pipeline__plan *next = pipeline->retired->next;

        free(pipeline->retired);
        pipeline->retired = next;
    }
    for (unsigned i = 0; pipeline->streams && i < pipeline->stream_count; i++)
        free(atomic_exchange(&pipeline->streams[i].plan, NULL));
}
