/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One EIS: its TCP connection, the session on it, whether it lives, and how much it may ask for. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/log.h"
#include "headend/eis_room.h"
#include "simulcrypt/eis_scs_table.h"

#define PATIENCE_MS 30000 /* for channel_setup */
#define ANSWER_MS   5000  /* for the answer to a channel_test, or the test period */

/* The session may be at work further up the stack, so the connection goes in the loop's next round. */
static void end_soon(struct headend__eis_connection *connection)
{
    connection->ending = true;
    net_timer_start(connection->watch, 0);
}

void headend__eis_connection_charge(struct headend__eis_connection *connection)
{
    net_tcp_charge(connection->tcp, 1);
}

/* What is sent */

static bool is_warning(const struct simulcrypt_message *message)
{
    return simulcrypt_message_u16(message, SIMULCRYPT_EIS_P_ERROR_STATUS) ==
           SIMULCRYPT_EIS_ACTIVATION_TOO_SOON;
}

static void note_refusal(struct headend__eis_connection *connection, const struct simulcrypt_message *message)
{
    struct headend_eis *eis = connection->eis;
    struct headend__eis_channel *channel = connection->channel;
    uint16_t error = simulcrypt_message_u16(message, SIMULCRYPT_EIS_P_ERROR_STATUS);
    char what[32] = "a message";

    if (message->type == SIMULCRYPT_EIS_M_SCG_ERROR)
        snprintf(what, sizeof(what), "SCG %u", simulcrypt_message_u16(message, SIMULCRYPT_EIS_P_SCG_ID));
    eis->counters.refused++;
    if (channel)
        channel->status.refused++;
    if (!connection->explained)
        headend__eis_say(eis, channel, "%s: %s is refused: %s (0x%04x)", net_tcp_peer(connection->tcp), what,
                         simulcrypt_eis_error_text(error), error);
    connection->explained = false;
}

static void note_sent(struct headend__eis_connection *connection, const uint8_t *bytes, size_t size)
{
    struct simulcrypt_message message;
    struct simulcrypt_verdict verdict;

    if (simulcrypt_message_decode(&simulcrypt_eis_scs, SIMULCRYPT_FROM_SERVER, bytes, size, &message,
                                  &verdict) < 0 ||
        !message.definition->is_error || is_warning(&message))
        return;
    note_refusal(connection, &message);
}

static void on_send(void *context, const uint8_t *bytes, size_t size)
{
    struct headend__eis_connection *connection = context;
    int status;

    if (connection->ending)
        return;
    note_sent(connection, bytes, size);
    headend__eis_connection_charge(connection);
    status = net_tcp_write(connection->tcp, bytes, size);
    if (status < 0) {
        headend__eis_say(connection->eis, connection->channel,
                         "%s: dropped, it does not take its answers: %s", net_tcp_peer(connection->tcp),
                         base_error_text(status));
        end_soon(connection);
    }
}

static void on_close(void *context, const char *why)
{
    struct headend__eis_connection *connection = context;

    base_log(BASE_LOG_NOTICE, "EIS %s: closing: %s", net_tcp_peer(connection->tcp), why);
    end_soon(connection);
}

/* Channel */

static uint16_t on_channel_setup(void *context, uint16_t channel_id, struct simulcrypt_scgs **scgs)
{
    struct headend__eis_connection *connection = context;
    uint16_t error = headend__eis_channel_open(connection, channel_id);

    if (error)
        return error;
    *scgs = connection->channel->scgs;
    net_timer_start(connection->watch, connection->eis->config.test_period_ms);
    base_log(BASE_LOG_NOTICE, "EIS %s: channel %u open, it has %zu SCGs", net_tcp_peer(connection->tcp),
             channel_id, simulcrypt_scgs_count(*scgs));
    return SIMULCRYPT_EIS_OK;
}

static void on_channel_closed(void *context, uint16_t channel_id)
{
    struct headend__eis_connection *connection = context;

    base_log(BASE_LOG_NOTICE, "EIS %s: channel %u closed, its SCGs stay", net_tcp_peer(connection->tcp),
             channel_id);
    headend__eis_channel_close(connection);
}

static const struct simulcrypt_scg_session_ops session_ops = {
    .send = on_send,
    .close = on_close,
    .channel_setup = on_channel_setup,
    .channel_closed = on_channel_closed,
};

/* Whether it lives */

void headend__eis_connection_test(struct headend__eis_connection *connection)
{
    uint32_t period_ms = connection->eis->config.test_period_ms;

    if (connection->tested || connection->ending)
        return;
    connection->tested = true;
    connection->overdue = false;
    simulcrypt_scg_session_test_channel(connection->session);
    net_timer_start(connection->watch, period_ms < ANSWER_MS ? period_ms : ANSWER_MS);
}

static void give_up(struct headend__eis_connection *connection, const char *why)
{
    headend__eis_say(connection->eis, connection->channel, "%s: closed, %s", net_tcp_peer(connection->tcp),
                     why);
    base_log(BASE_LOG_NOTICE, "EIS %s", connection->eis->counters.last_error);
    headend__eis_connection_destroy(connection);
}

static void test_when_silent(struct headend__eis_connection *connection)
{
    uint64_t silent_ms = net_loop_now_ms(connection->eis->loop) - connection->heard_ms;
    uint64_t period_ms = connection->eis->config.test_period_ms;

    if (silent_ms >= period_ms)
        headend__eis_connection_test(connection);
    else
        net_timer_start(connection->watch, period_ms - silent_ms);
}

/* Where this process itself was held up, the answer may have come and be unread: one more turn of the loop.
 */
static void give_up_unless_answered(struct headend__eis_connection *connection)
{
    if (connection->overdue) {
        give_up(connection, "it did not answer channel_test");
        return;
    }
    connection->overdue = true;
    net_timer_start(connection->watch, 0);
}

static void on_watch(void *context)
{
    struct headend__eis_connection *connection = context;

    if (connection->ending)
        headend__eis_connection_destroy(connection);
    else if (!connection->channel)
        give_up(connection, "it set up no channel in 30 s");
    else if (connection->tested)
        give_up_unless_answered(connection);
    else
        test_when_silent(connection);
}

static void note_life(struct headend__eis_connection *connection)
{
    connection->heard_ms = net_loop_now_ms(connection->eis->loop);
    if (!connection->tested)
        return;
    connection->tested = false;
    net_timer_start(connection->watch, connection->eis->config.test_period_ms);
}

/* Connection */

static void on_input(void *context, const uint8_t *bytes, size_t size)
{
    struct headend__eis_connection *connection = context;

    if (connection->ending)
        return;
    note_life(connection);
    simulcrypt_scg_session_input(connection->session, bytes, size);
}

static void on_ended(void *context, int error)
{
    struct headend__eis_connection *connection = context;

    if (error < 0)
        headend__eis_say(connection->eis, connection->channel, "%s: connection lost: %s",
                         net_tcp_peer(connection->tcp), base_error_text(error));
    headend__eis_connection_destroy(connection);
}

static const struct net_tcp_ops tcp_ops = {.input = on_input, .ended = on_ended};

static int set_up(struct headend__eis_connection *connection)
{
    int status = net_timer_create(&connection->watch, connection->eis->loop, on_watch, connection);

    if (status == 0)
        status = simulcrypt_scg_session_create(&connection->session, &session_ops, connection);
    return status;
}

void headend__eis_connection_accept(struct headend_eis *eis, struct net_tcp *tcp)
{
    struct headend__eis_connection *connection = calloc(1, sizeof(*connection));

    if (!connection) {
        net_tcp_close(tcp);
        return;
    }
    connection->eis = eis;
    connection->tcp = tcp;
    LIST_INSERT_HEAD(&eis->connections, connection, link);
    if (set_up(connection) < 0) {
        headend__eis_connection_destroy(connection);
        return;
    }
    net_timer_start(connection->watch, PATIENCE_MS);
    net_tcp_limit(tcp, eis->config.rate_max, 0);
    net_tcp_set_ops(tcp, &tcp_ops, connection);
}

void headend__eis_connection_destroy(struct headend__eis_connection *connection)
{
    connection->ending = true;
    simulcrypt_scg_session_destroy(connection->session); /* closes its channel */
    headend__eis_channel_close(connection);
    net_timer_destroy(connection->watch);
    net_tcp_close(connection->tcp);
    LIST_REMOVE(connection, link);
    free(connection);
}
