/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What time does to a connection: one that sets up no channel goes, a silent SCS is tested and then dropped.
 */
#include "base/log.h"
#include "ecmg/room.h"

#define PATIENCE_MS    30000 /* for channel_setup */
#define MS_PER_SECOND  1000
#define US_PER_MS      1000
#define NOTHING_IS_DUE UINT64_MAX

static uint64_t reply_timeout_ms(const struct ecmg__connection *connection)
{
    return connection->server->config.reply_timeout_us / US_PER_MS;
}

static uint64_t test_period_ms(const struct ecmg__connection *connection)
{
    uint64_t period_us = connection->server->config.test_period_us;

    return period_us && period_us < US_PER_MS ? 1 : period_us / US_PER_MS;
}

static bool is_under_test(const struct ecmg__watch *watch)
{
    return watch->tested_ms && watch->heard_ms < watch->tested_ms;
}

/* When there is something to do next. */
static uint64_t due_ms(const struct ecmg__connection *connection)
{
    const struct ecmg__watch *watch = &connection->watch;

    if (!connection->service)
        return watch->accepted_ms + PATIENCE_MS;
    if (is_under_test(watch))
        return watch->tested_ms + reply_timeout_ms(connection);
    if (test_period_ms(connection))
        return watch->heard_ms + test_period_ms(connection);
    return NOTHING_IS_DUE;
}

static void wait_for_next(struct ecmg__connection *connection, uint64_t now_ms)
{
    uint64_t due = due_ms(connection);

    if (connection->ending)
        return;
    if (due == NOTHING_IS_DUE)
        net_timer_stop(connection->watch.timer);
    else
        net_timer_start(connection->watch.timer, due > now_ms ? due - now_ms : 0);
}

static void test_next_stream(struct ecmg__connection *connection)
{
    const struct ecmg__stream *stream = ecmg__stream_after(connection, connection->watch.tested_stream_id);

    if (!stream)
        return;
    connection->watch.tested_stream_id = stream->stream_id;
    simulcrypt_ecmg_session_test_stream(connection->session, stream->stream_id);
}

static void test(struct ecmg__connection *connection, uint64_t now_ms)
{
    connection->watch.tested_ms = now_ms;
    simulcrypt_ecmg_session_test_channel(connection->session);
    test_next_stream(connection);
}

static void end(struct ecmg__connection *connection, const char *why)
{
    base_log(BASE_LOG_NOTICE, "%s: closed, %s", net_tcp_peer(connection->tcp), why);
    ecmg__connection_destroy(connection);
}

static void give_up(struct ecmg__connection *connection)
{
    if (connection->watch.last_look) {
        end(connection, "it is silent, and answers no channel_test");
        return;
    }
    connection->watch.last_look = true;
    net_timer_start(connection->watch.timer, 1);
}

static void act(struct ecmg__connection *connection, uint64_t now_ms)
{
    if (!connection->service) {
        end(connection, "it set up no channel in 30 s");
    } else if (is_under_test(&connection->watch)) {
        give_up(connection);
    } else {
        test(connection, now_ms);
        wait_for_next(connection, now_ms);
    }
}

static void on_due(void *context)
{
    struct ecmg__connection *connection = context;
    uint64_t now_ms = net_loop_now_ms(connection->server->loop);

    if (connection->ending)
        ecmg__connection_destroy(connection);
    else if (now_ms >= due_ms(connection))
        act(connection, now_ms);
    else
        wait_for_next(connection, now_ms);
}

int ecmg__watch_create(struct ecmg__connection *connection)
{
    struct ecmg__watch *watch = &connection->watch;
    int status = net_timer_create(&watch->timer, connection->server->loop, on_due, connection);

    net_tcp_limit(connection->tcp, connection->server->config.messages_per_second, 0);
    watch->accepted_ms = watch->heard_ms = net_loop_now_ms(connection->server->loop);
    if (status == 0)
        wait_for_next(connection, watch->accepted_ms);
    return status;
}

void ecmg__watch_channel(struct ecmg__connection *connection)
{
    wait_for_next(connection, net_loop_now_ms(connection->server->loop));
}

/* Where reading pauses because of messages_per_second, what the SCS says then is not heard: it counts as
 * heard until its messages are paid for. */
static uint64_t heard_until_ms(const struct ecmg__connection *connection, uint32_t messages, uint64_t now_ms)
{
    uint64_t rate = connection->server->config.messages_per_second;
    uint64_t begin_ms = connection->watch.heard_ms > now_ms ? connection->watch.heard_ms : now_ms;

    return rate ? begin_ms + (uint64_t)messages * MS_PER_SECOND / rate : now_ms;
}

void ecmg__watch_heard(struct ecmg__connection *connection, uint32_t messages, uint64_t now_ms)
{
    bool was_awaited = is_under_test(&connection->watch);

    connection->watch.heard_ms = heard_until_ms(connection, messages, now_ms);
    connection->watch.last_look = false;
    net_tcp_charge(connection->tcp, messages);
    if (was_awaited)
        wait_for_next(connection, now_ms);
}
