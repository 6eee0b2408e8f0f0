/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What tables and plan say of SCGs: CA_descriptors of services and components, and whose control words a
 * component reads. */
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "cmd/live_psig.h"
#include "cmd/live_scg.h"

struct signals {
    unsigned count;
    struct headend_signal list[HEADEND_SIGNALS_MAX];
};

static bool has(const struct signals *signals, const struct cmd_live_ecm *ecm,
                const struct cmd_live_unit *unit)
{
    for (unsigned i = 0; i < signals->count; i++) {
        const struct headend_signal *signal = &signals->list[i];

        if (signal->flow == ecm->flow && signal->of_components == unit->is_component &&
            (!unit->is_component || signal->group == unit->group))
            return true;
    }
    return false;
}

static void add(struct signals *signals, const struct cmd_live_stream *stream, const struct cmd_live_ecm *ecm,
                const struct cmd_live_unit *unit)
{
    struct headend_signal *signal = &signals->list[signals->count];
    const struct cmd_cas_use *use = ecm->use;

    if (has(signals, ecm, unit))
        return;
    if (signals->count == HEADEND_SIGNALS_MAX) {
        base_log(BASE_LOG_ERROR, "stream %s: a service has over %d CA_descriptors: some are left out",
                 stream->name, HEADEND_SIGNALS_MAX);
        return;
    }
    *signal = (struct headend_signal){
        .flow = ecm->flow,
        .ca_system_id = (uint16_t)(stream->live->config->cas.cas[use->cas].super_cas_id >> 16),
        .of_components = unit->is_component,
        .group = (uint8_t)unit->group,
        .private_size = use->private_size,
    };
    memcpy(signal->private_data, use->private_data, use->private_size);
    cmd_live_psig_amend(stream, unit->service, use->cas, signal);
    signals->count++;
}

static void collect(struct signals *signals, const struct cmd_live_stream *stream, unsigned service,
                    const struct cmd_live_definition *definition)
{
    for (unsigned i = 0; definition && i < definition->unit_count; i++) {
        for (unsigned j = 0; definition->units[i]->service == service && j < definition->term_count; j++)
            add(signals, stream, definition->terms[j].ecm, definition->units[i]);
    }
}

void cmd_live_announce_service(struct cmd_live_stream *stream, unsigned service)
{
    struct signals signals = {0};
    int status;

    for (const struct cmd_live_scg *scg = stream->units->scgs; scg; scg = scg->next) {
        collect(&signals, stream, service, scg->current);
        collect(&signals, stream, service, scg->applied ? scg->coming : NULL);
        collect(&signals, stream, service, scg->old);
    }
    status = headend_follower_set_signals(stream->follower, service, signals.list, signals.count);
    if (status == -ENOBUFS)
        stream->orders_wait = true;
    else if (status < 0)
        base_log(BASE_LOG_ERROR, "stream %s: CASs cannot be announced: %s", stream->name,
                 base_error_text(status));
}

/* Each service of the definition once. */
void cmd_live_announce_scgs(struct cmd_live_stream *stream, const struct cmd_live_definition *touched)
{
    bool done[HEADEND_SERVICES_MAX] = {false};

    for (unsigned i = 0; touched && i < touched->unit_count; i++) {
        unsigned service = touched->units[i]->service;

        if (!done[service])
            cmd_live_announce_service(stream, service);
        done[service] = true;
    }
    cmd_live_publish(stream); /* which tables are rewritten has changed, too */
    cmd_live_scgs_place_ecms(stream);
}

void cmd_live_map_components(struct cmd_live_stream *stream, unsigned service)
{
    struct headend_component_group groups[HEADEND_COMPONENT_GROUPS_MAX];
    unsigned count = 0;
    int status;

    for (unsigned i = HEADEND_SERVICES_MAX; i < CMD_LIVE_UNITS_MAX; i++) {
        const struct cmd_live_unit *unit = &stream->units->units[i];

        if (unit->mapped && unit->service == service && count < HEADEND_COMPONENT_GROUPS_MAX)
            groups[count++] =
                (struct headend_component_group){.by_tag = stream->live->config->eis.components_by_tag,
                                                 .component = unit->component,
                                                 .group = (uint8_t)unit->group};
    }
    status = headend_follower_set_components(stream->follower, service, groups, count);
    if (status < 0)
        base_log(BASE_LOG_ERROR, "stream %s: components cannot be told apart: %s", stream->name,
                 base_error_text(status));
    stream->orders_wait = true;
    cmd_live_publish(stream);
}
