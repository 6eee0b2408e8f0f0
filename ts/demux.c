/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>

#include "ts/section.h"

struct ts_section_demux {
    ts_demux_taker *take;
    void *context;
    uint16_t feeding;                     /* PID under ts_demux_feed() */
    unsigned completed;                   /* sections handed on during it */
    struct ts_section_assembler *current; /* its assembler; survives removal until the feed returns */
    struct ts_section_assembler *assemblers[TS_PIDS];
};

int ts_demux_create(struct ts_section_demux **out, ts_demux_taker *take, void *context)
{
    struct ts_section_demux *demux = calloc(1, sizeof(*demux));

    if (!demux)
        return -ENOMEM;
    demux->take = take;
    demux->context = context;
    *out = demux;
    return 0;
}

void ts_demux_destroy(struct ts_section_demux *demux)
{
    if (!demux)
        return;
    for (unsigned pid = 0; pid < TS_PIDS; pid++)
        free(demux->assemblers[pid]);
    free(demux);
}

int ts_demux_add(struct ts_section_demux *demux, uint16_t pid)
{
    if (pid >= TS_PIDS)
        return -EINVAL;
    if (demux->assemblers[pid])
        return 0;
    demux->assemblers[pid] = calloc(1, sizeof(**demux->assemblers));
    return demux->assemblers[pid] ? 0 : -ENOMEM;
}

void ts_demux_remove(struct ts_section_demux *demux, uint16_t pid)
{
    if (pid >= TS_PIDS)
        return;
    if (demux->assemblers[pid] != demux->current)
        free(demux->assemblers[pid]);
    demux->assemblers[pid] = NULL;
}

bool ts_demux_has(const struct ts_section_demux *demux, uint16_t pid)
{
    return pid < TS_PIDS && demux->assemblers[pid];
}

/* Sections that follow in the same packet after the PID was removed (or added anew) are not wanted. */
static void pass_on(void *context, const uint8_t *section, size_t size)
{
    struct ts_section_demux *demux = context;

    if (demux->assemblers[demux->feeding] != demux->current)
        return;
    demux->completed++;
    demux->take(demux->context, demux->feeding, section, size);
}

unsigned ts_demux_feed(struct ts_section_demux *demux, const uint8_t *packet)
{
    uint16_t pid = ts_pid(packet);

    if (!demux->assemblers[pid])
        return 0;
    demux->feeding = pid;
    demux->completed = 0;
    demux->current = demux->assemblers[pid];
    ts_section_assembler_feed(demux->current, packet, pass_on, demux);
    if (demux->assemblers[pid] != demux->current)
        free(demux->current);
    demux->current = NULL;
    return demux->completed;
}
