/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/live_mux.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "cmd/live_psig.h"

/* A CAT names what is there or was: receivers need not look for the PID again. */
void cmd_live_mux_cat_changed(struct cmd_live *live, unsigned index)
{
    struct cmd_live_stream *stream = &live->streams[index];
    struct headend_mux_ca cas[HEADEND_CAT_ENTRIES_MAX];
    struct headend_cat_entry entries[HEADEND_CAT_ENTRIES_MAX];
    unsigned count = headend_mux_cat(live->mux, index, cas, HEADEND_CAT_ENTRIES_MAX);
    int status;

    if (count > HEADEND_CAT_ENTRIES_MAX)
        count = HEADEND_CAT_ENTRIES_MAX;
    for (unsigned i = 0; i < count; i++) {
        entries[i] = (struct headend_cat_entry){
            .ca_system_id = cas[i].ca_system_id, .emm_pid = cas[i].pid, .private_size = cas[i].private_size};
        memcpy(entries[i].private_data, cas[i].private_bytes, cas[i].private_size);
        cmd_live_psig_amend_cat(stream, &entries[i]);
    }
    status = headend_follower_set_cat(stream->follower, entries, count);
    if (status == -ENOBUFS)
        stream->orders_wait = true;
    else if (status < 0)
        base_log(BASE_LOG_ERROR, "stream %s: the CAT cannot name its EMM PIDs: %s", stream->name,
                 base_error_text(status));
    cmd_live_publish(stream); /* where ECMs play, and whether the CAT is rewritten, may have changed */
    cmd_live_place_ecms(stream);
}

static void cat_changed(void *context, unsigned index)
{
    cmd_live_mux_cat_changed((struct cmd_live *)context, index);
}

static int create(struct cmd_live *live, struct headend_mux_config *config)
{
    struct base_ring *orders[PIPELINE_STREAMS_MAX];
    char why[256] = "";
    int status;

    for (unsigned i = 0; i < live->stream_count; i++)
        orders[i] = pipeline_orders(live->pipeline, i);
    config->orders = orders;
    config->order_count = live->stream_count;
    config->cat_changed = cat_changed;
    config->context = live;
    status = headend_mux_create(&live->mux, live->loop, config, why);
    if (status < 0)
        base_log(BASE_LOG_ERROR, "EMMGs: %s", why);
    return status;
}

int cmd_live_mux_open(struct cmd_live *live)
{
    struct headend_mux_config *config;
    int status;

    if (!live->config->emmg.wanted)
        return 0;
    config = malloc(sizeof(*config));
    if (!config)
        return -ENOMEM;
    *config = live->config->emmg.config;
    status = create(live, config);
    if (status == 0)
        base_log(BASE_LOG_NOTICE, "EMMGs: listening on %s port %u",
                 *config->listener.host ? config->listener.host : "every address",
                 headend_mux_port(live->mux));
    if (status == 0 && config->has_udp)
        base_log(BASE_LOG_NOTICE, "EMMGs: receiving UDP on %s port %u",
                 *config->udp_host ? config->udp_host : "every address", headend_mux_udp_port(live->mux));
    free(config);
    return status;
}

void cmd_live_mux_tick(struct cmd_live *live, uint64_t now)
{
    if (live->mux)
        headend_mux_tick(live->mux, now);
}

void cmd_live_mux_close(struct cmd_live *live)
{
    headend_mux_destroy(live->mux);
    live->mux = NULL;
}
