/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The MUX as a whole: its configuration, its sockets, its pace, and what it tells. */
#include "headend/mux.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/error.h"
#include "headend/mux_room.h"

#define DEFAULT_PORT     2223
#define DEFAULT_CHANNELS 64
#define DEFAULT_STREAMS  256
#define SPARE            16 /* connections over channels_max: they get an error_status, not a silence */
#define UDP_BURST_MS     1000

void headend_mux_config_init(struct headend_mux_config *config)
{
    *config = (struct headend_mux_config){0};
    net_listener_settings_init(&config->listener, DEFAULT_PORT);
    config->listener.connections_max = 0;
}

/* Configuration */

__attribute__((format(printf, 2, 3))) static int refuse(char why[static 256], const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(why, 256, format, arguments);
    va_end(arguments);
    return BASE_E_CONFIGURATION;
}

static bool are_same_data(const struct headend_mux_entry *a, const struct headend_mux_entry *b)
{
    return a->client_id == b->client_id && a->any_data_id == b->any_data_id &&
           (a->any_data_id || a->data_id == b->data_id);
}

static int check_entry(const struct headend_mux_config *config, unsigned index, char why[static 256])
{
    const struct headend_mux_entry *entry = &config->entries[index];

    if (entry->stream >= config->order_count)
        return refuse(why, "EMM stream of client_id 0x%08" PRIx32 ": there is no transport stream %u",
                      entry->client_id, entry->stream);
    if (entry->pid < TS_PID_FIRST || entry->pid >= TS_PID_NULL)
        return refuse(why,
                      "EMM stream of client_id 0x%08" PRIx32 ": PID %u cannot carry EMMs: take one from "
                      "%u to %u",
                      entry->client_id, entry->pid, TS_PID_FIRST, TS_PID_NULL - 1);
    if (entry->format == SIMULCRYPT_ANNEX_N || entry->data_type > SIMULCRYPT_DATA_PRIVATE ||
        entry->private_size > HEADEND_MUX_PRIVATE_MAX)
        return refuse(why, "EMM stream of client_id 0x%08" PRIx32 ": a value is out of its range",
                      entry->client_id);
    for (unsigned i = 0; i < index; i++)
        if (are_same_data(entry, &config->entries[i]))
            return refuse(why, "EMM streams: client_id 0x%08" PRIx32 " with this data_id stands there twice",
                          entry->client_id);
    return 0;
}

static int check(const struct headend_mux_config *config, char why[static 256])
{
    int status = 0;

    if (config->entry_count > HEADEND_MUX_ENTRIES_MAX)
        return refuse(why, "more than %d EMM streams", HEADEND_MUX_ENTRIES_MAX);
    for (unsigned i = 0; !status && i < config->entry_count; i++)
        status = check_entry(config, i, why);
    return status;
}

static void set_defaults(struct headend_mux_config *config)
{
    if (!config->channels_max)
        config->channels_max = DEFAULT_CHANNELS;
    if (!config->streams_max)
        config->streams_max = DEFAULT_STREAMS;
    if (!config->listener.connections_max)
        config->listener.connections_max = config->channels_max + SPARE;
}

/* Entries and feeds */

/* What all entries of the PID may bring. */
static uint32_t pid_bandwidth(const struct headend_mux_config *config, const struct headend_mux_entry *about)
{
    uint32_t sum = 0;

    for (unsigned i = 0; i < config->entry_count; i++) {
        const struct headend_mux_entry *entry = &config->entries[i];

        if (entry->stream == about->stream && entry->pid == about->pid)
            sum += entry->bandwidth ? entry->bandwidth : HEADEND_MUX_BANDWIDTH_MAX;
    }
    return sum < HEADEND_MUX_BANDWIDTH_MAX ? sum : HEADEND_MUX_BANDWIDTH_MAX;
}

static struct headend__mux_feed *find_feed(struct headend_mux *mux, const struct headend_mux_entry *entry)
{
    for (unsigned i = 0; i < mux->feed_count; i++)
        if (mux->feeds[i].stream == entry->stream && mux->feeds[i].pid == entry->pid)
            return &mux->feeds[i];
    return NULL;
}

static struct headend__mux_feed *get_feed(struct headend_mux *mux, const struct headend_mux_entry *entry)
{
    struct headend__mux_feed *feed = find_feed(mux, entry);

    if (feed)
        return feed;
    feed = &mux->feeds[mux->feed_count++];
    headend__mux_feed_init(feed, mux->config.orders[entry->stream], entry->stream, entry->pid,
                           pid_bandwidth(&mux->config, entry));
    return feed;
}

static void open_entries(struct headend_mux *mux)
{
    for (unsigned i = 0; i < mux->config.entry_count; i++) {
        const struct headend_mux_entry *entry = &mux->config.entries[i];
        struct headend__mux_target *target = &mux->targets[i];

        target->config = target->status.config = entry;
        target->feed = get_feed(mux, entry);
        base_bucket_init(&target->udp_bandwidth,
                         entry->bandwidth ? entry->bandwidth : HEADEND_MUX_BANDWIDTH_MAX, UDP_BURST_MS,
                         net_loop_now_ms(mux->loop));
    }
}

/* Life */

static void on_accepted(void *context, struct net_tcp *tcp)
{
    headend__mux_connection_accept(context, tcp);
}

static int open_sockets(struct headend_mux *mux, char why[static 256])
{
    const struct headend_mux_config *config = &mux->config;
    int status = net_settings_listen(&mux->listener, mux->loop, &config->listener, on_accepted, mux, why);

    if (status < 0 || !config->has_udp)
        return status;
    status = headend__mux_udp_open(mux);
    if (status < 0)
        snprintf(why, 256, "cannot receive EMMs on %.100s port %u: %s",
                 *config->udp_host ? config->udp_host : "every address", config->udp_port,
                 base_error_text(status));
    return status;
}

int headend_mux_create(struct headend_mux **mux, struct net_loop *loop,
                       const struct headend_mux_config *config, char why[static 256])
{
    struct headend_mux *made;
    int status = check(config, why);

    if (status < 0)
        return status;
    made = calloc(1, sizeof(*made));
    if (!made) {
        snprintf(why, 256, "%s", base_error_text(-ENOMEM));
        return -ENOMEM;
    }
    made->loop = loop;
    made->config = *config;
    set_defaults(&made->config);
    open_entries(made);
    status = open_sockets(made, why);
    if (status < 0) {
        headend_mux_destroy(made);
        return status;
    }
    *mux = made;
    return 0;
}

void headend_mux_destroy(struct headend_mux *mux)
{
    if (!mux)
        return;
    net_listener_close(mux->listener);
    net_udp_close(mux->udp);
    while (!LIST_EMPTY(&mux->connections))
        headend__mux_connection_destroy(LIST_FIRST(&mux->connections));
    for (unsigned i = 0; i < mux->feed_count; i++)
        headend__mux_feed_clear(&mux->feeds[i]);
    free(mux);
}

static void test_silent(struct headend_mux *mux)
{
    uint64_t now_ms = net_loop_now_ms(mux->loop);
    struct headend__mux_connection *connection;

    LIST_FOREACH(connection, &mux->connections, link)
    {
        if (now_ms - connection->status.heard_ms >= mux->config.test_period_ms)
            headend__mux_connection_test(connection);
    }
}

static void tell_cat_changes(struct headend_mux *mux)
{
    for (unsigned i = 0; i < mux->config.entry_count; i++) {
        if (!mux->cat_changed[i])
            continue;
        mux->cat_changed[i] = false;
        if (mux->config.cat_changed)
            mux->config.cat_changed(mux->config.context, mux->config.entries[i].stream);
    }
}

void headend_mux_tick(struct headend_mux *mux, uint64_t now)
{
    if (mux->config.test_period_ms)
        test_silent(mux);
    if (mux->bandwidth_freed)
        headend__mux_bandwidth_share_out(mux);
    mux->bandwidth_freed = false;
    for (unsigned i = 0; i < mux->feed_count; i++)
        headend__mux_feed_advance(&mux->feeds[i], now, &mux->order);
    tell_cat_changes(mux);
}

/* What it tells */

uint16_t headend_mux_port(const struct headend_mux *mux)
{
    return net_listener_port(mux->listener);
}

uint16_t headend_mux_udp_port(const struct headend_mux *mux)
{
    return mux->udp ? net_udp_port(mux->udp) : 0;
}

static bool is_listed(const struct headend_mux *mux, unsigned stream, unsigned entry, uint16_t ca_system_id)
{
    for (unsigned i = 0; i < entry; i++) {
        const struct headend_mux_entry *other = &mux->config.entries[i];

        if (mux->targets[i].status.seen && other->data_type == SIMULCRYPT_DATA_EMM &&
            other->stream == stream && other->pid == mux->config.entries[entry].pid &&
            other->client_id >> 16 == ca_system_id)
            return true;
    }
    return false;
}

unsigned headend_mux_cat(const struct headend_mux *mux, unsigned stream, struct headend_mux_ca *cas,
                         unsigned room)
{
    unsigned count = 0;

    for (unsigned i = 0; i < mux->config.entry_count; i++) {
        const struct headend_mux_entry *entry = &mux->config.entries[i];
        uint16_t ca_system_id = (uint16_t)(entry->client_id >> 16);

        if (!mux->targets[i].status.seen || entry->data_type != SIMULCRYPT_DATA_EMM ||
            entry->stream != stream || is_listed(mux, stream, i, ca_system_id))
            continue;
        if (count++ < room)
            cas[count - 1] = (struct headend_mux_ca){.ca_system_id = ca_system_id,
                                                     .pid = entry->pid,
                                                     .private_bytes = entry->private_bytes,
                                                     .private_size = entry->private_size};
    }
    return count;
}

int headend_mux_entry_status(const struct headend_mux *mux, unsigned entry,
                             struct headend_mux_entry_status *status)
{
    const struct headend__mux_stream *stream;

    if (entry >= mux->config.entry_count)
        return -ENOENT;
    *status = mux->targets[entry].status;
    status->packets = mux->targets[entry].feed->packets;
    status->queued = mux->targets[entry].feed->queued;
    LIST_FOREACH(stream, &mux->streams, link)
    {
        if (stream->target == &mux->targets[entry] && stream->asked)
            status->bandwidth += stream->allocated;
    }
    return 0;
}

unsigned headend_mux_connections(const struct headend_mux *mux, struct headend_mux_connection_status *status,
                                 unsigned room)
{
    const struct headend__mux_connection *connection;
    unsigned count = 0;

    LIST_FOREACH(connection, &mux->connections, link)
    {
        if (count < room)
            status[count] = connection->status;
        count++;
    }
    return count;
}

void headend_mux_counters(const struct headend_mux *mux, struct headend_mux_counters *counters)
{
    *counters = mux->counters;
    counters->udp_refused = mux->udp ? net_udp_refused(mux->udp) : 0;
}
