/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One SCS: its TCP connection, the session on it, and what the session asks. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "base/error.h"
#include "base/log.h"
#include "ecmg/room.h"

#define CHANNEL_ERROR 0x0005
#define STREAM_ERROR  0x0106

/* The session may be at work further up the stack, so the connection goes in the loop's next round. */
static void end_soon(struct ecmg__connection *connection)
{
    connection->ending = true;
    net_timer_start(connection->watch.timer, 0);
}

static void count_error(struct ecmg_server *server, const uint8_t *message, size_t size)
{
    uint16_t type = size >= 5 ? base_load_u16(message + 1) : 0;

    if (type == CHANNEL_ERROR || type == STREAM_ERROR)
        server->counters.errors++;
}

static void write_out(struct ecmg__connection *connection, const uint8_t *bytes, size_t size)
{
    int status = net_tcp_write(connection->tcp, bytes, size);

    if (status == 0)
        return;
    base_log(BASE_LOG_WARNING, "%s: dropped, it does not take its answers: %s", net_tcp_peer(connection->tcp),
             base_error_text(status));
    end_soon(connection);
}

static void flush(struct ecmg__connection *connection)
{
    struct ecmg_server *server = connection->server;

    if (server->output_size)
        write_out(connection, server->output, server->output_size);
    server->output_size = 0;
}

/* All answers to what was read at once are written at once. */
static void gather(struct ecmg__connection *connection, const uint8_t *bytes, size_t size)
{
    struct ecmg_server *server = connection->server;

    if (size > sizeof(server->output) - server->output_size)
        flush(connection);
    memcpy(server->output + server->output_size, bytes, size);
    server->output_size += size;
}

static void on_send(void *context, const uint8_t *bytes, size_t size)
{
    struct ecmg__connection *connection = context;

    if (connection->ending)
        return;
    count_error(connection->server, bytes, size);
    if (connection->server->reading == connection)
        gather(connection, bytes, size);
    else
        write_out(connection, bytes, size);
}

static void on_close(void *context, const char *why)
{
    struct ecmg__connection *connection = context;

    base_log(BASE_LOG_NOTICE, "%s: closing: %s", net_tcp_peer(connection->tcp), why);
    end_soon(connection);
}

static uint16_t on_channel_setup(void *context, uint16_t channel_id, uint32_t super_cas_id,
                                 struct simulcrypt_channel_status *status)
{
    struct ecmg__connection *connection = context;
    uint16_t error = ecmg__channel_open(connection, channel_id, super_cas_id);

    if (error) {
        base_log(BASE_LOG_WARNING, "%s: channel %u for Super_CAS_id 0x%08" PRIx32 " refused: %s",
                 net_tcp_peer(connection->tcp), channel_id, super_cas_id, simulcrypt_ecmg_error_text(error));
        return error;
    }
    ecmg__watch_channel(connection);
    *status = connection->service->channel->status;
    base_log(BASE_LOG_NOTICE, "%s: channel %u for Super_CAS_id 0x%08" PRIx32 " open",
             net_tcp_peer(connection->tcp), channel_id, super_cas_id);
    return SIMULCRYPT_ECMG_OK;
}

static void on_channel_closed(void *context, uint16_t channel_id)
{
    struct ecmg__connection *connection = context;

    base_log(BASE_LOG_NOTICE, "%s: channel %u closed", net_tcp_peer(connection->tcp), channel_id);
    ecmg__channel_close(connection);
}

static uint16_t on_stream_setup(void *context, uint16_t channel_id, uint16_t stream_id, uint16_t ecm_id,
                                uint16_t nominal_cp_duration, bool *transfer_mode)
{
    struct ecmg__connection *connection = context;
    uint16_t error = ecmg__stream_open(connection, stream_id, ecm_id);

    (void)nominal_cp_duration; /* the session has compared it with min_CP_duration */
    *transfer_mode = connection->service->channel->access_criteria_transfer_mode;
    if (error)
        base_log(BASE_LOG_WARNING, "%s: channel %u: stream %u with ECM_id %u refused: %s",
                 net_tcp_peer(connection->tcp), channel_id, stream_id, ecm_id,
                 simulcrypt_ecmg_error_text(error));
    return error;
}

static void on_stream_closed(void *context, uint16_t stream_id)
{
    ecmg__stream_close(context, stream_id);
}

static uint16_t on_cw_provision(void *context, uint16_t stream_id,
                                const struct simulcrypt_cw_provision *provision)
{
    struct ecmg__stream *stream = ecmg__stream_find(context, stream_id);

    return stream ? ecmg__provision_answer(stream, provision) : (uint16_t)SIMULCRYPT_ECMG_UNKNOWN_STREAM;
}

static const struct simulcrypt_ecmg_ops session_ops = {
    .send = on_send,
    .close = on_close,
    .channel_setup = on_channel_setup,
    .channel_closed = on_channel_closed,
    .stream_setup = on_stream_setup,
    .stream_closed = on_stream_closed,
    .cw_provision = on_cw_provision,
};

static void on_input(void *context, const uint8_t *bytes, size_t size)
{
    struct ecmg__connection *connection = context;
    struct ecmg_server *server = connection->server;
    uint64_t now_ms = net_loop_now_ms(server->loop);
    uint64_t before = simulcrypt_ecmg_session_messages(connection->session);

    if (connection->ending)
        return;
    server->reading = connection;
    simulcrypt_ecmg_session_input(connection->session, bytes, size, now_ms);
    server->reading = NULL;
    flush(connection);
    ecmg__watch_heard(connection, (uint32_t)(simulcrypt_ecmg_session_messages(connection->session) - before),
                      now_ms);
}

static void on_ended(void *context, int error)
{
    struct ecmg__connection *connection = context;

    if (error < 0)
        base_log(BASE_LOG_NOTICE, "%s: connection lost: %s", net_tcp_peer(connection->tcp),
                 base_error_text(error));
    ecmg__connection_destroy(connection);
}

static const struct net_tcp_ops tcp_ops = {.input = on_input, .ended = on_ended};

static int set_up(struct ecmg__connection *connection)
{
    int status = ecmg__watch_create(connection);

    if (status == 0)
        status = ecmg__delay_create(connection);
    if (status == 0)
        status = simulcrypt_ecmg_session_create(&connection->session, &session_ops, connection);
    return status;
}

void ecmg__connection_accept(struct ecmg_server *server, struct net_tcp *tcp)
{
    struct ecmg__connection *connection = calloc(1, sizeof(*connection));

    if (!connection) {
        net_tcp_close(tcp);
        return;
    }
    connection->server = server;
    connection->tcp = tcp;
    LIST_INSERT_HEAD(&server->connections, connection, link);
    server->counters.connections++;
    if (set_up(connection) < 0) {
        ecmg__connection_destroy(connection);
        return;
    }
    server->counters.accepted++;
    net_tcp_set_ops(tcp, &tcp_ops, connection);
}

void ecmg__connection_destroy(struct ecmg__connection *connection)
{
    connection->ending = true;
    simulcrypt_ecmg_session_destroy(connection->session); /* closes its channel */
    ecmg__delay_destroy(connection);
    net_timer_destroy(connection->watch.timer);
    net_tcp_close(connection->tcp);
    LIST_REMOVE(connection, link);
    connection->server->counters.connections--;
    free(connection);
}
