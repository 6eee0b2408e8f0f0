/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/live_psig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"

/* Seconds that a stream without an SDT is waited for: the SDT names the network. */
#define SDT_AWAITED 3

static int give_table(void *context, uint16_t stream_id, uint8_t table_id,
                      const struct headend_psig_location *location,
                      void (*section)(void *to, const uint8_t *bytes, size_t size), void *to)
{
    const struct cmd_live_psig *psig = (const struct cmd_live_psig *)context;

    return headend_follower_table(psig->live->streams[stream_id - 1].follower, table_id,
                                  location->has_service_id ? location->service_id : 0, section, to);
}

static const struct headend_psig_ops ops = {
    .ca_private_data = cmd_live_psig_insert, .table = give_table, .flow_pid = cmd_live_psig_flow_pid};

/* Opening */

static bool concerns(const struct cmd_live_psig *psig, unsigned index)
{
    const struct cmd_headend_stream *stream = &psig->live->config->streams[index];
    bool concerned =
        cmd_live_psig_may_use(psig, stream->cas, stream->cas_count) || cmd_live_psig_has_emms(psig, index);

    for (unsigned i = 0; !concerned && i < stream->service_count; i++)
        concerned = stream->services[i].cas &&
                    cmd_live_psig_may_use(psig, stream->services[i].cas, stream->services[i].cas_count);
    return concerned;
}

static int prepare_tls(struct cmd_live_psig *psig)
{
    char why[256] = "";
    int status;

    if (!net_tls_is_wanted(&psig->config->tls))
        return 0;
    status = net_tls_create(&psig->tls, &psig->config->tls, false, why);
    if (status < 0)
        base_log(BASE_LOG_ERROR, "C(P)SIG of %s: tls: %s", psig->config->cas_name,
                 *why ? why : base_error_text(status));
    return status;
}

static int connect_psig(struct cmd_live_psig *psig)
{
    const struct cmd_headend_cpsig *config = psig->config;
    const struct headend_psig_config created = {
        .host = config->host,
        .port = config->port,
        .tls = psig->tls,
        .version = config->version,
        .channel_id = config->channel_id,
        .custom_cas_id = psig->super_cas_id,
        .reply_timeout_ms = (uint32_t)(config->reply_timeout_us / 1000),
        .test_period_ms = (uint32_t)(config->test_period_us / 1000),
        .flow_pid_trigger = config->flow_pid_trigger,
        .rate_max = config->rate_max,
    };
    int status = headend_psig_create(&psig->psig, psig->live->loop, &created, &ops, psig);

    if (status < 0)
        base_log(BASE_LOG_ERROR, "C(P)SIG of %s: cannot be connected to: %s", config->cas_name,
                 base_error_text(status));
    return status;
}

static int open_psig(struct cmd_live *live, const struct cmd_headend_cpsig *config)
{
    struct cmd_live_psig *psig = &live->psigs->list[live->psigs->count++];
    int status;

    psig->live = live;
    psig->config = config;
    psig->super_cas_id = live->config->cas.cas[config->cas].super_cas_id;
    for (unsigned i = 0; i < live->stream_count; i++)
        psig->streams[i].wanted = concerns(psig, i);
    status = prepare_tls(psig);
    return status < 0 ? status : connect_psig(psig);
}

int cmd_live_psig_open(struct cmd_live *live)
{
    const struct cmd_headend_cpsigs *config = &live->config->cpsig;
    int status = 0;

    if (!config->count)
        return 0;
    live->psigs = calloc(1, sizeof(*live->psigs));
    if (!live->psigs)
        return -ENOMEM;
    live->psigs->list = calloc(config->count, sizeof(*live->psigs->list));
    live->psigs->seen = calloc(live->stream_count, sizeof(*live->psigs->seen));
    if (!live->psigs->list || !live->psigs->seen)
        return -ENOMEM;
    for (unsigned i = 0; status == 0 && i < config->count; i++)
        status = open_psig(live, &config->list[i]);
    return status;
}

void cmd_live_psig_close(struct cmd_live *live)
{
    struct cmd_live_psigs *psigs = live->psigs;

    if (!psigs)
        return;
    for (unsigned i = 0; i < psigs->count; i++) {
        headend_psig_destroy(psigs->list[i].psig);
        net_tls_destroy(psigs->list[i].tls);
        cmd_live_psig_forget(&psigs->list[i]);
    }
    free(psigs->list);
    free(psigs->seen);
    free(psigs);
    live->psigs = NULL;
}

/* Streams come and change their names */

/* False: not known yet. */
static bool locate(const struct cmd_live_stream *stream, bool waits, struct headend_psig_location *location)
{
    bool known;

    *location = (struct headend_psig_location){0};
    known =
        headend_follower_transport_stream(stream->follower, &location->transport_stream_id,
                                          &location->original_network_id, &location->has_original_network_id);
    location->has_transport_stream_id = known;
    return known && (location->has_original_network_id || !waits);
}

static bool is_same(const struct headend_psig_location *one, const struct headend_psig_location *other)
{
    return one->transport_stream_id == other->transport_stream_id &&
           one->has_original_network_id == other->has_original_network_id &&
           (!one->has_original_network_id || one->original_network_id == other->original_network_id);
}

static void follow_stream(struct cmd_live_psig *psig, const struct cmd_live_stream *stream)
{
    struct cmd_live_psig_stream *known = &psig->streams[stream->index];
    uint16_t stream_id = cmd_live_psig_stream_id(stream->index);
    struct headend_psig_location location = {0};

    if (!known->wanted || !locate(stream, known->age < SDT_AWAITED, &location)) {
        known->age += location.has_transport_stream_id;
        return;
    }
    if (known->added && is_same(&location, &known->location))
        return;
    if (known->added)
        (void)headend_psig_remove_stream(psig->psig, stream_id);
    known->location = location;
    known->added = headend_psig_add_stream(psig->psig, stream_id, &location) == 0;
}

static void tell_state(struct cmd_live_psig *psig)
{
    struct headend_psig_status status;

    headend_psig_status(psig->psig, &status);
    if (status.channel_up != psig->up_told)
        base_log(status.channel_up ? BASE_LOG_NOTICE : BASE_LOG_WARNING, "C(P)SIG of %s: %s",
                 psig->config->cas_name, status.channel_up ? "connected" : "lost");
    if (status.last_error[0] && strcmp(status.last_error, psig->error_told))
        base_log(BASE_LOG_WARNING, "C(P)SIG of %s: %s", psig->config->cas_name, status.last_error);
    psig->up_told = status.channel_up;
    snprintf(psig->error_told, sizeof(psig->error_told), "%s", status.last_error);
}

void cmd_live_psig_report(struct cmd_live *live)
{
    for (unsigned i = 0; live->psigs && i < live->psigs->count; i++) {
        struct cmd_live_psig *psig = &live->psigs->list[i];

        for (unsigned j = 0; j < live->stream_count; j++)
            follow_stream(psig, &live->streams[j]);
        tell_state(psig);
    }
}

void cmd_live_psig_tick(struct cmd_live *live)
{
    for (unsigned i = 0; live->psigs && i < live->stream_count; i++) {
        struct cmd_live_stream *stream = &live->streams[i];

        if (!stream->has_changed)
            continue;
        stream->has_changed = false;
        cmd_live_psig_look(stream);
    }
}
