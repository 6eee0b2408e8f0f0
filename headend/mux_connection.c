/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One EMMG or PDG: its TCP connection, the session on it, and what the session asks. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/log.h"
#include "headend/mux_room.h"
#include "simulcrypt/emmg_mux_table.h"

#define PATIENCE_MS 30000 /* for channel_setup */
#define ANSWER_MS   2000  /* for the answer to channel_test */
#define RATE_MAX    20000 /* answers and datagrams per second: who wants more is read more slowly */
#define REFUSED_MAX 16    /* set-ups: whoever has no luck so often is in the wrong place */

/* The session may be at work further up the stack, so the connection goes in the loop's next round. */
static void end_soon(struct headend__mux_connection *connection)
{
    connection->ending = true;
    net_timer_start(connection->patience, 0);
}

static void note_error(struct headend__mux_connection *connection, const uint8_t *bytes, size_t size)
{
    struct simulcrypt_message message;
    struct simulcrypt_verdict ignored;

    if (simulcrypt_message_decode(&simulcrypt_emmg_mux, SIMULCRYPT_FROM_SERVER, bytes, size, &message,
                                  &ignored) < 0 ||
        !message.definition->is_error)
        return;
    connection->mux->counters.errors++;
    connection->status.errors++;
    snprintf(connection->status.last_error, sizeof(connection->status.last_error), "%s: %s",
             message.definition->name,
             simulcrypt_emmg_error_text(simulcrypt_message_u16(&message, SIMULCRYPT_P_ERROR_STATUS)));
}

static void on_send(void *context, const uint8_t *bytes, size_t size)
{
    struct headend__mux_connection *connection = context;
    int status;

    if (connection->ending)
        return;
    note_error(connection, bytes, size);
    net_tcp_charge(connection->tcp, 1);
    status = net_tcp_write(connection->tcp, bytes, size);
    if (status < 0) {
        base_log(BASE_LOG_WARNING, "%s: dropped, it does not take its answers: %s",
                 net_tcp_peer(connection->tcp), base_error_text(status));
        end_soon(connection);
    }
}

static void on_close(void *context, const char *why)
{
    struct headend__mux_connection *connection = context;

    base_log(BASE_LOG_NOTICE, "%s: closing: %s", net_tcp_peer(connection->tcp), why);
    end_soon(connection);
}

static void count_refusal(struct headend__mux_connection *connection)
{
    if (++connection->refused == REFUSED_MAX)
        on_close(connection, "too many set-ups were refused");
}

static uint16_t on_channel_setup(void *context, uint32_t client_id, uint16_t channel_id,
                                 enum simulcrypt_format format)
{
    struct headend__mux_connection *connection = context;
    uint16_t error = headend__mux_channel_open(connection, client_id, channel_id, format);

    if (error) {
        base_log(BASE_LOG_WARNING, "%s: channel %u of client_id 0x%08" PRIx32 " refused: %s",
                 net_tcp_peer(connection->tcp), channel_id, client_id, simulcrypt_emmg_error_text(error));
        count_refusal(connection);
        return error;
    }
    net_timer_stop(connection->patience);
    base_log(BASE_LOG_NOTICE, "%s: channel %u of client_id 0x%08" PRIx32 " open: it delivers %s",
             net_tcp_peer(connection->tcp), channel_id, client_id,
             format == SIMULCRYPT_PACKETS ? "packets" : "sections");
    return SIMULCRYPT_EMMG_OK;
}

static void on_channel_closed(void *context, uint16_t channel_id)
{
    struct headend__mux_connection *connection = context;

    base_log(BASE_LOG_NOTICE, "%s: channel %u closed", net_tcp_peer(connection->tcp), channel_id);
    headend__mux_channel_close(connection);
}

static uint16_t on_stream_setup(void *context, const struct simulcrypt_data_stream *about,
                                uint16_t *bandwidth)
{
    struct headend__mux_connection *connection = context;
    uint16_t error = headend__mux_stream_open(connection, about, bandwidth);

    if (error) {
        base_log(BASE_LOG_WARNING, "%s: stream %u with data_id %u and data_type %u refused: %s",
                 net_tcp_peer(connection->tcp), about->stream_id, about->data_id, about->data_type,
                 simulcrypt_emmg_error_text(error));
        count_refusal(connection);
    }
    return error;
}

static void on_stream_closed(void *context, uint16_t stream_id)
{
    headend__mux_stream_close(context, stream_id);
}

static uint16_t on_bandwidth(void *context, uint16_t stream_id, const uint16_t *asked, uint16_t *bandwidth)
{
    struct headend__mux_connection *connection = context;
    struct headend__mux_stream *stream = headend__mux_stream_find(connection, stream_id);

    if (!stream)
        return SIMULCRYPT_EMMG_UNKNOWN_STREAM;
    *bandwidth = headend__mux_bandwidth_allocate(connection->mux, stream, asked);
    return SIMULCRYPT_EMMG_OK;
}

static void on_data(void *context, uint16_t stream_id, const uint8_t *datagram, size_t size)
{
    struct headend__mux_connection *connection = context;
    struct headend__mux_stream *stream = headend__mux_stream_find(connection, stream_id);

    if (!stream)
        return;
    connection->status.datagrams++;
    net_tcp_charge(connection->tcp, 1);
    headend__mux_target_take(connection->mux, stream->target, connection->status.format, datagram, size);
}

static const struct simulcrypt_mux_ops session_ops = {
    .send = on_send,
    .close = on_close,
    .channel_setup = on_channel_setup,
    .channel_closed = on_channel_closed,
    .stream_setup = on_stream_setup,
    .stream_closed = on_stream_closed,
    .bandwidth = on_bandwidth,
    .data = on_data,
};

static void on_input(void *context, const uint8_t *bytes, size_t size)
{
    struct headend__mux_connection *connection = context;
    uint64_t now_ms = net_loop_now_ms(connection->mux->loop);

    if (connection->ending)
        return;
    if (connection->tested)
        net_timer_stop(connection->patience);
    connection->tested = false;
    connection->status.heard_ms = now_ms;
    simulcrypt_mux_session_input(connection->session, bytes, size, now_ms);
}

static void on_ended(void *context, int error)
{
    struct headend__mux_connection *connection = context;

    if (error < 0)
        base_log(BASE_LOG_NOTICE, "%s: connection lost: %s", net_tcp_peer(connection->tcp),
                 net_tcp_trouble(connection->tcp));
    headend__mux_connection_destroy(connection);
}

static const struct net_tcp_ops tcp_ops = {.input = on_input, .ended = on_ended};

void headend__mux_connection_test(struct headend__mux_connection *connection)
{
    if (connection->tested || connection->ending || !connection->status.channel_open)
        return;
    connection->tested = true;
    net_timer_start(connection->patience, ANSWER_MS);
    simulcrypt_mux_session_test_channel(connection->session);
}

static void on_patience_ended(void *context)
{
    struct headend__mux_connection *connection = context;

    if (connection->tested)
        base_log(BASE_LOG_NOTICE, "%s: closed, it did not answer channel_test",
                 net_tcp_peer(connection->tcp));
    else if (!connection->ending)
        base_log(BASE_LOG_NOTICE, "%s: closed, it set up no channel in %d s", net_tcp_peer(connection->tcp),
                 PATIENCE_MS / 1000);
    headend__mux_connection_destroy(connection);
}

static int set_up(struct headend__mux_connection *connection)
{
    int status =
        net_timer_create(&connection->patience, connection->mux->loop, on_patience_ended, connection);

    if (status == 0)
        status = simulcrypt_mux_session_create(&connection->session, 0, &session_ops, connection);
    return status;
}

void headend__mux_connection_accept(struct headend_mux *mux, struct net_tcp *tcp)
{
    struct headend__mux_connection *connection = calloc(1, sizeof(*connection));

    if (!connection) {
        net_tcp_close(tcp);
        return;
    }
    connection->mux = mux;
    connection->tcp = tcp;
    connection->status.since_ms = connection->status.heard_ms = net_loop_now_ms(mux->loop);
    snprintf(connection->status.peer, sizeof(connection->status.peer), "%s", net_tcp_peer(tcp));
    LIST_INSERT_HEAD(&mux->connections, connection, link);
    mux->counters.connections++;
    if (set_up(connection) < 0) {
        headend__mux_connection_destroy(connection);
        return;
    }
    mux->counters.accepted++;
    net_timer_start(connection->patience, PATIENCE_MS);
    net_tcp_limit(tcp, RATE_MAX, 0);
    net_tcp_set_ops(tcp, &tcp_ops, connection);
}

void headend__mux_connection_destroy(struct headend__mux_connection *connection)
{
    connection->ending = true;
    simulcrypt_mux_session_destroy(connection->session); /* closes its channel */
    net_timer_destroy(connection->patience);
    net_tcp_close(connection->tcp);
    LIST_REMOVE(connection, link);
    connection->mux->counters.connections--;
    free(connection);
}
