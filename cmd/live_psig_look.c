/* SPDX-License-Identifier: GPL-3.0-or-later */
/* PIDs of a stream's ECMs and EMMs, by the names that C(P)SIGs have for them; what of a stream has changed.
 */
#include "cmd/live_psig.h"
#include "cmd/live_scg.h"
#include "cmd/live_service.h"

/* flow_type is not known beyond its size (docs/simulcrypt.md): sent so, and not looked at in questions. */
#define FLOW_TYPE_ECM 1

/* Returns true to end. */
typedef bool take_flow(void *context, const struct cmd_live_flow *flow);

static bool give(const struct cmd_live_stream *stream, const struct cmd_cas_use *use, uint16_t ecm_id,
                 uint16_t flow, take_flow *take, void *context)
{
    const struct cmd_live_flow found = {.super_cas_id = stream->live->config->cas.cas[use->cas].super_cas_id,
                                        .ecm_id = ecm_id,
                                        .flow = flow,
                                        .pid = headend_follower_flow_pid(stream->follower, flow)};

    return found.pid && take(context, &found);
}

static bool each_of_service(const struct cmd_live_stream *stream, const struct cmd_live_service *service,
                            take_flow *take, void *context)
{
    struct headend_scg_cas_status status;
    bool ended = false;

    for (unsigned i = 0;
         !ended && service->use_count && headend_scg_cas_status(service->common.scg, i, &status) == 0; i++)
        ended = give(stream, &service->uses[status.flow - service->first_flow], status.ecm_id, status.flow,
                     take, context);
    return ended;
}

static bool each_of_definition(const struct cmd_live_stream *stream,
                               const struct cmd_live_definition *definition, take_flow *take, void *context)
{
    bool ended = false;

    for (unsigned i = 0; !ended && definition && i < definition->term_count; i++) {
        const struct cmd_live_ecm *ecm = definition->terms[i].ecm;

        ended = give(stream, ecm->use, ecm->ecm_id, ecm->flow, take, context);
    }
    return ended;
}

/* ECM streams that have a PID; those of two definitions come twice. */
static void each_flow(const struct cmd_live_stream *stream, take_flow *take, void *context)
{
    bool ended = false;

    for (unsigned i = 0; !stream->units && !ended && i < stream->service_count; i++)
        ended = each_of_service(stream, &stream->services[i], take, context);
    for (const struct cmd_live_scg *scg = cmd_live_scgs(stream); !ended && scg; scg = scg->next)
        ended = each_of_definition(stream, scg->current, take, context) ||
                each_of_definition(stream, scg->coming, take, context) ||
                each_of_definition(stream, scg->old, take, context);
}

/* Questions */

struct question {
    uint32_t super_cas_id;
    uint16_t id, pid;
};

static bool answers(void *context, const struct cmd_live_flow *flow)
{
    struct question *question = (struct question *)context;

    if (flow->super_cas_id != question->super_cas_id || flow->ecm_id != question->id)
        return false;
    question->pid = flow->pid;
    return true;
}

static uint16_t emm_pid(const struct cmd_live_stream *stream, uint32_t client_id, uint16_t data_id)
{
    const struct cmd_headend_emmg *emmg = &stream->live->config->emmg;
    uint16_t pid = 0;

    for (unsigned i = 0; emmg->wanted && i < emmg->config.entry_count; i++) {
        const struct headend_mux_entry *entry = &emmg->config.entries[i];

        if (entry->stream != stream->index || entry->client_id != client_id)
            continue;
        if (!entry->any_data_id && entry->data_id == data_id)
            return entry->pid;
        if (entry->any_data_id)
            pid = entry->pid;
    }
    return pid;
}

uint16_t cmd_live_psig_flow_pid(void *context, uint16_t stream_id, const struct headend_psig_flow *flow)
{
    const struct cmd_live_psig *psig = (const struct cmd_live_psig *)context;
    const struct cmd_live_stream *stream = &psig->live->streams[stream_id - 1];
    struct question question = {.super_cas_id = flow->super_cas_id, .id = flow->id};

    each_flow(stream, answers, &question);
    return question.pid ? question.pid : emm_pid(stream, flow->super_cas_id, flow->id);
}

/* Changes */

struct look {
    const struct cmd_live_stream *stream;
    struct cmd_live_psig_seen *seen;
};

static bool is_same(const struct cmd_live_flow *one, const struct cmd_live_flow *other)
{
    return one->super_cas_id == other->super_cas_id && one->ecm_id == other->ecm_id && one->pid == other->pid;
}

static void tell_flow(const struct cmd_live_stream *stream, const struct cmd_live_flow *flow)
{
    const struct headend_psig_flow told = {
        .type = FLOW_TYPE_ECM, .super_cas_id = flow->super_cas_id, .id = flow->ecm_id};
    const struct cmd_live_psigs *psigs = stream->live->psigs;

    for (unsigned i = 0; i < psigs->count; i++) {
        if (psigs->list[i].super_cas_id == flow->super_cas_id && psigs->list[i].streams[stream->index].added)
            (void)headend_psig_flow_changed(psigs->list[i].psig, cmd_live_psig_stream_id(stream->index),
                                            &told, flow->pid);
    }
}

static bool look_at_flow(void *context, const struct cmd_live_flow *flow)
{
    const struct look *look = (const struct look *)context;

    if (!is_same(&look->seen->flows[flow->flow], flow))
        tell_flow(look->stream, flow);
    look->seen->flows[flow->flow] = *flow;
    return false;
}

static void tell_service(const struct cmd_live_stream *stream, uint16_t service_id)
{
    const struct cmd_live_psigs *psigs = stream->live->psigs;

    for (unsigned i = 0; service_id && i < psigs->count; i++) {
        if (psigs->list[i].streams[stream->index].added)
            (void)headend_psig_service_changed(psigs->list[i].psig, cmd_live_psig_stream_id(stream->index),
                                               service_id);
    }
}

void cmd_live_psig_announce(struct cmd_live_stream *stream, unsigned service)
{
    if (stream->units)
        cmd_live_announce_service(stream, service);
    else
        cmd_live_service_announce(&stream->services[service]);
    cmd_live_publish(stream);
}

/* What stands at an index may have become another service: that has private data of its own. */
static void look_at_service(struct cmd_live_stream *stream, struct cmd_live_psig_seen *seen, unsigned index)
{
    struct headend_service_status status;
    uint16_t before = seen->services[index].service_id, now;

    if (headend_follower_status(stream->follower, index, &status))
        return;
    now = status.found ? status.service_id : 0;
    if (now == before && status.pmt_pid == seen->services[index].pmt_pid &&
        status.pmt_crc == seen->services[index].pmt_crc)
        return;
    seen->services[index].service_id = now;
    seen->services[index].pmt_pid = status.pmt_pid;
    seen->services[index].pmt_crc = status.pmt_crc;
    tell_service(stream, now);
    if (now == before)
        return;
    tell_service(stream, before);
    if (now)
        cmd_live_psig_announce(stream, index);
}

void cmd_live_psig_look(struct cmd_live_stream *stream)
{
    struct look look = {.stream = stream, .seen = &stream->live->psigs->seen[stream->index]};

    each_flow(stream, look_at_flow, &look);
    for (unsigned i = 0; i < stream->service_count; i++)
        look_at_service(stream, look.seen, i);
}
