/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The books of what is open: channels and streams over all connections, and what the entries got. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/log.h"
#include "headend/mux_room.h"

static bool has_client(const struct headend_mux *mux, uint32_t client_id)
{
    for (unsigned i = 0; i < mux->config.entry_count; i++)
        if (mux->config.entries[i].client_id == client_id)
            return true;
    return false;
}

static struct headend__mux_connection *find_channel(const struct headend_mux *mux, uint32_t client_id,
                                                    uint16_t channel_id)
{
    struct headend__mux_connection *connection;

    LIST_FOREACH(connection, &mux->connections, link)
    {
        const struct headend_mux_connection_status *status = &connection->status;

        if (status->channel_open && status->client_id == client_id && status->channel_id == channel_id)
            return connection;
    }
    return NULL;
}

uint16_t headend__mux_channel_open(struct headend__mux_connection *connection, uint32_t client_id,
                                   uint16_t channel_id, enum simulcrypt_format format)
{
    struct headend_mux *mux = connection->mux;
    struct headend__mux_connection *holder = find_channel(mux, client_id, channel_id);

    if (!has_client(mux, client_id))
        return SIMULCRYPT_EMMG_UNKNOWN_CLIENT;
    if (format == SIMULCRYPT_ANNEX_N)
        return SIMULCRYPT_EMMG_INVALID_VALUE;
    if (holder) {
        headend__mux_connection_test(holder);
        return SIMULCRYPT_EMMG_CHANNEL_IN_USE;
    }
    if (mux->counters.channels >= mux->config.channels_max)
        return SIMULCRYPT_EMMG_TOO_MANY_CHANNELS;
    mux->counters.channels++;
    connection->status.channel_open = true;
    connection->status.client_id = client_id;
    connection->status.channel_id = channel_id;
    connection->status.format = format;
    return SIMULCRYPT_EMMG_OK;
}

void headend__mux_channel_close(struct headend__mux_connection *connection)
{
    connection->mux->counters.channels--;
    connection->status.channel_open = false;
}

struct headend__mux_target *headend__mux_target_find(struct headend_mux *mux, uint32_t client_id,
                                                     uint16_t data_id)
{
    struct headend__mux_target *any = NULL, *last = NULL;
    unsigned of_client = 0;

    for (unsigned i = 0; i < mux->config.entry_count; i++) {
        const struct headend_mux_entry *entry = &mux->config.entries[i];

        if (entry->client_id != client_id)
            continue;
        of_client++;
        last = &mux->targets[i];
        if (entry->any_data_id)
            any = last;
        else if (entry->data_id == data_id)
            return last;
    }
    return data_id == 0 && of_client == 1 ? last : any;
}

struct headend__mux_stream *headend__mux_stream_of_data(const struct headend_mux *mux, uint32_t client_id,
                                                        uint16_t data_id)
{
    struct headend__mux_stream *stream;

    LIST_FOREACH(stream, &mux->streams, link)
    {
        if (stream->data_id == data_id && stream->connection->status.client_id == client_id)
            return stream;
    }
    return NULL;
}

struct headend__mux_stream *headend__mux_stream_find(const struct headend__mux_connection *connection,
                                                     uint16_t stream_id)
{
    struct headend__mux_stream *stream;

    LIST_FOREACH(stream, &connection->mux->streams, link)
    {
        if (stream->connection == connection && stream->stream_id == stream_id)
            return stream;
    }
    return NULL;
}

/* Packets of one source hold sections that those of another would cut. */
static bool would_cut_sections(const struct headend__mux_connection *connection,
                               const struct headend__mux_target *target)
{
    const struct headend__mux_stream *other;

    LIST_FOREACH(other, &connection->mux->streams, link)
    {
        if (other->target->feed == target->feed && (connection->status.format == SIMULCRYPT_PACKETS ||
                                                    other->connection->status.format == SIMULCRYPT_PACKETS))
            return true;
    }
    return false;
}

static uint16_t check_stream(struct headend__mux_connection *connection,
                             const struct headend__mux_target *target,
                             const struct simulcrypt_data_stream *about)
{
    struct headend_mux *mux = connection->mux;
    struct headend__mux_stream *holder =
        headend__mux_stream_of_data(mux, connection->status.client_id, about->data_id);

    if (!target)
        return SIMULCRYPT_EMMG_UNKNOWN_DATA_ID;
    if (about->data_type != target->config->data_type)
        return SIMULCRYPT_EMMG_INVALID_VALUE;
    if (holder && holder->connection != connection) {
        headend__mux_connection_test(holder->connection);
        return SIMULCRYPT_EMMG_DATA_ID_IN_USE;
    }
    if (mux->counters.streams >= mux->config.streams_max)
        return SIMULCRYPT_EMMG_TOO_MANY_STREAMS;
    if (!would_cut_sections(connection, target))
        return SIMULCRYPT_EMMG_OK;
    base_log(BASE_LOG_WARNING,
             "client_id 0x%08" PRIx32 " data_id %u: PID %u has another stream already, "
             "which packets would mix with: let EMMGs of one PID deliver sections",
             connection->status.client_id, about->data_id, target->config->pid);
    return SIMULCRYPT_EMMG_UNKNOWN_ERROR;
}

uint16_t headend__mux_stream_open(struct headend__mux_connection *connection,
                                  const struct simulcrypt_data_stream *about, uint16_t *bandwidth)
{
    struct headend_mux *mux = connection->mux;
    struct headend__mux_target *target =
        headend__mux_target_find(mux, connection->status.client_id, about->data_id);
    uint16_t error = check_stream(connection, target, about);
    struct headend__mux_stream *stream = error ? NULL : calloc(1, sizeof(*stream));

    if (!stream)
        return error ? error : (uint16_t)SIMULCRYPT_EMMG_UNKNOWN_ERROR;
    stream->connection = connection;
    stream->target = target;
    stream->stream_id = about->stream_id;
    stream->data_id = about->data_id;
    stream->allocated = headend__mux_bandwidth_left(mux, stream);
    *bandwidth = stream->allocated;
    LIST_INSERT_HEAD(&mux->streams, stream, link);
    mux->counters.streams++;
    connection->status.streams++;
    target->status.open++;
    headend__mux_target_see(mux, target);
    return SIMULCRYPT_EMMG_OK;
}

void headend__mux_stream_close(struct headend__mux_connection *connection, uint16_t stream_id)
{
    struct headend__mux_stream *stream = headend__mux_stream_find(connection, stream_id);

    if (!stream)
        return;
    LIST_REMOVE(stream, link);
    connection->mux->counters.streams--;
    connection->mux->bandwidth_freed = true;
    connection->status.streams--;
    stream->target->status.open--;
    free(stream);
}

void headend__mux_target_see(struct headend_mux *mux, struct headend__mux_target *target)
{
    if (!target->status.seen && target->config->data_type == SIMULCRYPT_DATA_EMM)
        mux->cat_changed[target - mux->targets] = true;
    target->status.seen = true;
}

void headend__mux_target_take(struct headend_mux *mux, struct headend__mux_target *target,
                              enum simulcrypt_format format, const uint8_t *datagram, size_t size)
{
    target->status.datagrams++;
    target->status.bytes += size;
    target->status.last_data_ms = net_loop_now_ms(mux->loop);
    mux->counters.datagrams++;
    if (headend__mux_feed_add(target->feed, format, datagram, size))
        return;
    target->status.dropped++;
    mux->counters.dropped++;
}
