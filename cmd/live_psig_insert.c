/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Private data that C(P)SIGs insert: where it may go, and what it replaces. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/live_mux.h"
#include "cmd/live_psig.h"
#include "cmd/live_scg.h"

static struct cmd_live_insertion *find(const struct cmd_live_psig *psig, unsigned stream, bool in_cat,
                                       uint16_t service_id)
{
    struct cmd_live_insertion *found = psig->insertions;

    while (found && (found->stream != stream || found->in_cat != in_cat || found->service_id != service_id))
        found = found->next;
    return found;
}

static struct cmd_live_insertion *find_or_make(struct cmd_live_psig *psig, unsigned stream, bool in_cat,
                                               uint16_t service_id)
{
    struct cmd_live_insertion *found = find(psig, stream, in_cat, service_id);

    if (found || !(found = malloc(sizeof(*found))))
        return found;
    *found = (struct cmd_live_insertion){
        .next = psig->insertions, .stream = stream, .in_cat = in_cat, .service_id = service_id};
    psig->insertions = found;
    return found;
}

void cmd_live_psig_forget(struct cmd_live_psig *psig)
{
    while (psig->insertions) {
        struct cmd_live_insertion *first = psig->insertions;

        psig->insertions = first->next;
        free(first);
    }
}

static void amend(const struct cmd_live_insertion *insertion, uint8_t *size, uint8_t *data)
{
    if (!insertion || !insertion->holds)
        return;
    *size = insertion->private_size;
    memcpy(data, insertion->private_data, insertion->private_size);
}

void cmd_live_psig_amend(const struct cmd_live_stream *stream, unsigned service, unsigned cas,
                         struct headend_signal *signal)
{
    const struct cmd_live *live = stream->live;
    struct headend_service_status status;

    if (!live->psigs || headend_follower_status(stream->follower, service, &status) || !status.found)
        return;
    for (unsigned i = 0; i < live->psigs->count; i++) {
        const struct cmd_live_psig *psig = &live->psigs->list[i];

        if (psig->super_cas_id == live->config->cas.cas[cas].super_cas_id)
            amend(find(psig, stream->index, false, status.service_id), &signal->private_size,
                  signal->private_data);
    }
}

void cmd_live_psig_amend_cat(const struct cmd_live_stream *stream, struct headend_cat_entry *entry)
{
    const struct cmd_live_psigs *psigs = stream->live->psigs;

    for (unsigned i = 0; psigs && i < psigs->count; i++) {
        if (psigs->list[i].super_cas_id >> 16 == entry->ca_system_id)
            amend(find(&psigs->list[i], stream->index, true, 0), &entry->private_size, entry->private_data);
    }
}

/* Where it may go */

bool cmd_live_psig_may_use(const struct cmd_live_psig *psig, const struct cmd_cas_use *uses, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (psig->live->config->cas.cas[uses[i].cas].super_cas_id == psig->super_cas_id)
            return true;
    }
    return false;
}

static bool is_of(const struct cmd_live_psig *psig, const struct cmd_live_stream *stream, unsigned service,
                  uint16_t service_id)
{
    const struct cmd_live_service *one = &stream->services[service];
    struct headend_service_status status;

    if (headend_follower_status(stream->follower, service, &status) || !status.found ||
        status.service_id != service_id)
        return false;
    return stream->units ? cmd_live_psig_may_use(psig, stream->config->cas, stream->config->cas_count)
                         : cmd_live_psig_may_use(psig, one->uses, one->use_count);
}

static bool has_service(const struct cmd_live_psig *psig, const struct cmd_live_stream *stream,
                        uint16_t service_id)
{
    for (unsigned i = 0; i < stream->service_count; i++) {
        if (is_of(psig, stream, i, service_id))
            return true;
    }
    return false;
}

bool cmd_live_psig_has_emms(const struct cmd_live_psig *psig, unsigned stream)
{
    const struct cmd_headend_emmg *emmg = &psig->live->config->emmg;

    for (unsigned i = 0; emmg->wanted && i < emmg->config.entry_count; i++) {
        const struct headend_mux_entry *entry = &emmg->config.entries[i];

        if (entry->stream == stream && entry->data_type == SIMULCRYPT_DATA_EMM &&
            entry->client_id >> 16 == psig->super_cas_id >> 16)
            return true;
    }
    return false;
}

static bool is_same_transport_stream(const struct headend_psig_location *asked,
                                     const struct headend_psig_location *known)
{
    return (!asked->has_transport_stream_id || asked->transport_stream_id == known->transport_stream_id) &&
           (!asked->has_original_network_id || !known->has_original_network_id ||
            asked->original_network_id == known->original_network_id);
}

static int check(const struct cmd_live_psig *psig, const struct cmd_live_stream *stream,
                 const struct headend_psig_insertion *insertion)
{
    const struct headend_psig_location *location = &insertion->location;

    if (insertion->private_size > HEADEND_CA_PRIVATE_MAX)
        return -ENOSPC;
    if (insertion->ca_system_id != psig->super_cas_id >> 16 || location->has_es_id ||
        !is_same_transport_stream(location, &psig->streams[stream->index].location))
        return -EINVAL;
    if (location->has_service_id)
        return has_service(psig, stream, location->service_id) ? 0 : -EINVAL;
    return cmd_live_psig_has_emms(psig, stream->index) ? 0 : -EINVAL;
}

/* What it does */

/* Says it. False where the table has no room for it. */
static bool say(struct cmd_live_stream *stream, const struct cmd_live_insertion *insertion)
{
    struct headend_service_status status;
    bool fits = true;

    if (insertion->in_cat) {
        cmd_live_mux_cat_changed(stream->live, stream->index);
        return !headend_follower_cat_is_full(stream->follower);
    }
    for (unsigned i = 0; i < stream->service_count; i++) {
        if (headend_follower_status(stream->follower, i, &status) || !status.found ||
            status.service_id != insertion->service_id)
            continue;
        cmd_live_psig_announce(stream, i);
        fits &= headend_follower_status(stream->follower, i, &status) == 0 && !status.unsignalled;
    }
    return fits;
}

static void set(struct cmd_live_insertion *insertion, const uint8_t *data, uint16_t size)
{
    insertion->holds = size > 0;
    insertion->private_size = (uint8_t)size;
    if (size)
        memcpy(insertion->private_data, data, size);
}

int cmd_live_psig_insert(void *context, uint16_t stream_id, const struct headend_psig_insertion *wanted)
{
    struct cmd_live_psig *psig = (struct cmd_live_psig *)context;
    struct cmd_live_stream *stream = &psig->live->streams[stream_id - 1];
    struct cmd_live_insertion *insertion, before;
    int status = check(psig, stream, wanted);

    if (status < 0)
        return status;
    insertion = find_or_make(psig, stream->index, !wanted->location.has_service_id,
                             wanted->location.has_service_id ? wanted->location.service_id : 0);
    if (!insertion)
        return -ENOMEM;
    before = *insertion;
    set(insertion, wanted->private_data, wanted->private_size);
    if (say(stream, insertion))
        return 0;
    *insertion = before;
    (void)say(stream, insertion);
    return -ENOSPC;
}
