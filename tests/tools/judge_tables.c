/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "judge.h"

static bool is_wanted(const struct judge *judge, uint16_t id)
{
    for (unsigned i = 0; i < judge->wanted_count; i++)
        if (judge->wanted[i] == id)
            return true;
    return false;
}

static struct judge_service *service_of(struct judge *judge, uint16_t id)
{
    struct judge_service *service;

    for (unsigned i = 0; i < judge->service_count; i++)
        if (judge->services[i].id == id)
            return &judge->services[i];
    if (judge->service_count == JUDGE_SERVICES)
        return NULL;
    service = &judge->services[judge->service_count++];
    service->id = id;
    service->judged = is_wanted(judge, id);
    service->first_scrambled = JUDGE_NONE;
    return service;
}

/* The only known CAS of this ca_system_id; -1 where there are several: their ECMs will tell. */
static int key_of_system(const struct judge *judge, uint16_t ca_system_id)
{
    int found = -1;

    for (unsigned i = 0; i < judge->key_count; i++) {
        if (judge->keys[i].super_cas_id >> 16 != ca_system_id)
            continue;
        if (found >= 0)
            return -1;
        found = (int)i;
    }
    return found;
}

static bool is_known_system(const struct judge *judge, uint16_t ca_system_id)
{
    for (unsigned i = 0; i < judge->key_count; i++)
        if (judge->keys[i].super_cas_id >> 16 == ca_system_id)
            return true;
    return false;
}

static int add_stream(struct judge *judge, struct judge_service *service, uint16_t component,
                      const struct ts_ca_descriptor *ca)
{
    unsigned number = (unsigned)(service - judge->services);
    struct judge_stream *stream;

    judge->pids[ca->ca_pid].is_table = true;
    if (!is_known_system(judge, ca->ca_system_id))
        return 0;
    for (unsigned i = 0; i < judge->stream_count; i++) {
        stream = judge->streams[i];
        if (stream->service == number && stream->component == component && stream->ecm_pid == ca->ca_pid)
            return 0;
    }
    if (judge->stream_count == JUDGE_STREAMS)
        return -E2BIG;
    stream = calloc(1, sizeof(*stream));
    if (!stream)
        return -ENOMEM;
    *stream = (struct judge_stream){.service = number,
                                    .component = component,
                                    .ecm_pid = ca->ca_pid,
                                    .ca_system_id = ca->ca_system_id,
                                    .key = key_of_system(judge, ca->ca_system_id),
                                    .lead_least = JUDGE_NONE};
    judge->streams[judge->stream_count++] = stream;
    service->judged |= judge->wanted_count == 0;
    return 0;
}

/* Sections in a component's packets begin without a PES start code. */
static bool carries_pes(uint8_t stream_type)
{
    return stream_type != 0x05 && (stream_type < 0x0A || stream_type > 0x0D) && stream_type != 0x14 &&
           stream_type != 0x86;
}

static void take_component(struct judge *judge, const struct judge_service *service,
                           const struct ts_pmt_component *component)
{
    struct judge_pid *pid = &judge->pids[component->pid];

    if (!(judge->kinds & 1u << component->kind))
        return;
    pid->is_protected = true;
    pid->is_pes = carries_pes(component->stream_type);
    pid->service = (uint8_t)(service - judge->services);
}

static void take_pmt(struct judge *judge, const struct ts_pmt *pmt)
{
    struct judge_service *service = service_of(judge, pmt->program_number);

    if (!service)
        return;
    if (pmt->scrambling_mode)
        cipher_algorithm_from_scrambling_mode(pmt->scrambling_mode, &service->algorithm);
    for (unsigned i = 0; i < pmt->ca_count && judge->error == 0; i++)
        judge->error = add_stream(judge, service, 0, &pmt->ca[i]);
    for (unsigned i = 0; i < pmt->component_count; i++) {
        take_component(judge, service, &pmt->components[i]);
        for (unsigned c = 0; c < pmt->components[i].ca_count && judge->error == 0; c++)
            judge->error = add_stream(judge, service, pmt->components[i].pid, &pmt->components[i].ca[c]);
    }
}

static void take_pat(struct judge *judge, const uint8_t *section, size_t size)
{
    static struct ts_pat_section pat;

    if (ts_pat_read(section, size, &pat) < 0)
        return;
    for (unsigned i = 0; i < pat.count; i++) {
        judge->pids[pat.programs[i].pmt_pid].is_table = true;
        ts_demux_add(judge->demux, pat.programs[i].pmt_pid);
    }
}

static void take_section(void *context, uint16_t pid, const uint8_t *section, size_t size)
{
    static struct ts_pmt pmt;
    struct judge *judge = context;

    if (pid == TS_PID_PAT)
        take_pat(judge, section, size);
    else if (ts_pmt_read(section, size, &pmt) == 0 && pmt.current)
        take_pmt(judge, &pmt);
}

static int look_at(struct judge *judge, const struct judge_input *input, bool is_original)
{
    int status = ts_demux_create(&judge->demux, take_section, judge);

    if (status == 0)
        status = ts_demux_add(judge->demux, TS_PID_PAT);
    for (size_t at = 0; at < input->count && status == 0 && judge->error == 0; at++) {
        const uint8_t *packet = judge_input_packet(input, at);

        judge->pids[ts_pid(packet)].in_original |= is_original;
        ts_demux_feed(judge->demux, packet);
    }
    ts_demux_destroy(judge->demux);
    judge->demux = NULL;
    return status < 0 ? status : judge->error;
}

static void forget_others(struct judge *judge)
{
    for (unsigned pid = 0; pid < TS_PIDS; pid++)
        judge->pids[pid].is_protected &= judge->services[judge->pids[pid].service].judged;
}

int judge_tables_read(struct judge *judge)
{
    int status = look_at(judge, &judge->output, false);

    if (status == 0)
        status = look_at(judge, &judge->original, true);
    judge->pids[TS_PID_CAT].is_table = judge->pids[TS_PID_SDT].is_table = true;
    judge->pids[TS_PID_NULL].is_table = true;
    forget_others(judge);
    return status;
}
