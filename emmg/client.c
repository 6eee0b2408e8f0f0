/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The connection to the MUX: comes, goes, comes back. What flows through it is provision.c's. */
#include "emmg/client.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "emmg/room.h"

#define BACKOFF_FIRST_MS 250
#define BACKOFF_MAX_MS   10000
#define SETTLED_MS       2000 /* a stream that was up so long begins its back-off anew */
#define UDP_END_MS       100  /* datagrams may arrive so much later than the end of the stream */
#define REFRESH_MS       1000

__attribute__((format(printf, 2, 3))) static void set_error(struct emmg_client *client, const char *format,
                                                            ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(client->error, sizeof(client->error), format, arguments);
    va_end(arguments);
    base_log(BASE_LOG_WARNING, "%s", client->error);
}

/* Ends the connection and tries again later. Called inside the session's callbacks too, so the session stays
 * until then. */
static void lose(struct emmg_client *client)
{
    if (client->up && net_loop_now_ms(client->loop) - client->up_ms >= SETTLED_MS)
        client->backoff_ms = BACKOFF_FIRST_MS;
    net_tcp_close(client->tcp);
    client->tcp = NULL;
    client->connected = client->up = false;
    net_timer_stop(client->tick);
    net_timer_stop(client->pace_timer);
    if (client->stopping) {
        net_timer_start(client->end, 0);
        return;
    }
    net_timer_start(client->reconnect, client->backoff_ms);
    client->backoff_ms = client->backoff_ms * 2 < BACKOFF_MAX_MS ? client->backoff_ms * 2 : BACKOFF_MAX_MS;
}

static void tick(void *context)
{
    struct emmg_client *client = context;
    uint64_t now = net_loop_now_ms(client->loop);
    uint64_t next;

    if (!client->connected)
        return;
    next = simulcrypt_emmg_session_tick(client->session, now);
    if (client->connected && next != UINT64_MAX)
        net_timer_start(client->tick, next > now ? next - now : 1);
}

/* Session */

static void on_send(void *context, const uint8_t *bytes, size_t size)
{
    struct emmg_client *client = context;
    int status = client->connected ? net_tcp_write(client->tcp, bytes, size) : 0;

    if (status >= 0)
        return;
    set_error(client, "cannot send to the MUX %s:%u: %s", client->config.host, client->config.port,
              base_error_text(status));
    lose(client);
}

/* Of the versions that there are, the one below. */
static uint8_t lower_version(uint8_t version)
{
    return version > 3 ? 3 : version > 1 ? version - 1 : 1;
}

static void on_fail(void *context, const char *why)
{
    struct emmg_client *client = context;

    if (!client->tcp)
        return;
    set_error(client, "MUX %s:%u: %s", client->config.host, client->config.port, why);
    if (simulcrypt_emmg_session_version_refused(client->session))
        client->config.session.version = lower_version(client->config.session.version);
    lose(client);
}

static void on_channel_up(void *context)
{
    (void)context;
}

static void on_stream_up(void *context, uint16_t stream_id)
{
    struct emmg_client *client = context;

    client->counters.connections++;
    client->up_ms = net_loop_now_ms(client->loop);
    simulcrypt_emmg_session_request_bandwidth(client->session, stream_id, client->config.bandwidth,
                                              client->up_ms);
}

static void on_bandwidth(void *context, uint16_t stream_id, uint16_t bandwidth)
{
    struct emmg_client *client = context;

    (void)stream_id;
    if (!client->connected || client->stopping)
        return;
    if (!client->up)
        base_log(BASE_LOG_NOTICE, "MUX %s:%u: stream up, version %u", client->config.host,
                 client->config.port, client->config.session.version);
    client->up = true;
    emmg__provision_set_bandwidth(client, bandwidth);
}

static void on_stream_error(void *context, uint16_t stream_id, uint16_t error, const char *text)
{
    struct emmg_client *client = context;

    (void)error;
    client->counters.errors++;
    set_error(client, "MUX %s:%u: stream %u: %s", client->config.host, client->config.port, stream_id, text);
}

static void on_channel_error(void *context, uint16_t error, const char *text)
{
    struct emmg_client *client = context;

    (void)error;
    client->counters.errors++;
    set_error(client, "MUX %s:%u: %s", client->config.host, client->config.port, text);
}

static const struct simulcrypt_emmg_ops session_ops = {
    .send = on_send,
    .fail = on_fail,
    .channel_up = on_channel_up,
    .stream_up = on_stream_up,
    .bandwidth = on_bandwidth,
    .stream_error = on_stream_error,
    .channel_error = on_channel_error,
};

/* Connection */

static void on_connected(void *context)
{
    struct emmg_client *client = context;

    client->connected = true;
    simulcrypt_emmg_session_connected(client->session, net_loop_now_ms(client->loop));
    tick(client);
}

static void on_input(void *context, const uint8_t *bytes, size_t size)
{
    struct emmg_client *client = context;

    simulcrypt_emmg_session_input(client->session, bytes, size, net_loop_now_ms(client->loop));
    tick(client);
}

static void on_ended(void *context, int error)
{
    struct emmg_client *client = context;
    const char *why = error ? base_error_text(error) : base_error_text(BASE_E_CLOSED);

    if (error && client->tcp)
        why = net_tcp_trouble(client->tcp);
    if (!client->stopping)
        set_error(client,
                  client->connected ? "connection to the MUX %s:%u lost: %s"
                                    : "cannot connect to the MUX %s:%u: %s",
                  client->config.host, client->config.port, why);
    lose(client);
}

static const struct net_tcp_ops tcp_ops = {.connected = on_connected, .input = on_input, .ended = on_ended};

/* A session per connection: the version may have changed, and state never outlives its connection. */
static int begin_session(struct emmg_client *client)
{
    int status;

    simulcrypt_emmg_session_destroy(client->session);
    client->session = NULL;
    status = simulcrypt_emmg_session_create(&client->session, &client->config.session, &session_ops, client);
    return status < 0 ? status : simulcrypt_emmg_session_add_stream(client->session, &client->config.stream);
}

static void attempt(void *context)
{
    struct emmg_client *client = context;
    int status;

    client->counters.attempts++;
    status = begin_session(client);
    if (status == 0)
        status = net_tcp_connect(&client->tcp, client->loop, client->config.host, client->config.port,
                                 client->config.tls, &tcp_ops, client);
    if (status < 0) {
        client->tcp = NULL;
        on_ended(client, status);
    }
}

/* Life */

static void refresh(void *context)
{
    struct emmg_client *client = context;
    char why[256];
    int status = emmg_carousel_refresh(client->config.carousel, why);

    net_timer_start(client->refresh, REFRESH_MS);
    if (status < 0 && strcmp(why, client->refused) != 0) {
        snprintf(client->refused, sizeof(client->refused), "%s", why);
        base_log(BASE_LOG_WARNING, "what was read before goes on: %s", why);
    }
    if (status <= 0)
        return;
    client->refused[0] = '\0';
    client->counters.refreshed++;
    base_log(BASE_LOG_NOTICE, "the folder changed: %zu sections",
             emmg_carousel_count(client->config.carousel));
}

/* After the last word: the connection may go, and the owner is told. */
static void end(void *context)
{
    struct emmg_client *client = context;

    if (client->connected)
        simulcrypt_emmg_session_close(client->session);
    client->connected = false;
    net_tcp_close(client->tcp);
    client->tcp = NULL;
    client->config.finished(client->config.context);
}

void emmg_client_stop(struct emmg_client *client)
{
    if (client->stopping)
        return;
    client->stopping = true;
    client->up = false;
    net_timer_stop(client->reconnect);
    net_timer_stop(client->refresh);
    net_timer_stop(client->pace_timer);
    net_timer_start(client->end, client->udp && client->counters.messages ? UDP_END_MS : 0);
}

static int create_timers(struct emmg_client *client)
{
    int status = net_timer_create(&client->reconnect, client->loop, attempt, client);

    if (status == 0)
        status = net_timer_create(&client->tick, client->loop, tick, client);
    if (status == 0)
        status = net_timer_create(&client->pace_timer, client->loop, emmg__provision_send, client);
    if (status == 0)
        status = net_timer_create(&client->refresh, client->loop, refresh, client);
    if (status == 0)
        status = net_timer_create(&client->end, client->loop, end, client);
    return status;
}

int emmg_client_create(struct emmg_client **client, struct net_loop *loop,
                       const struct emmg_client_config *config)
{
    struct emmg_client *made = calloc(1, sizeof(*made));
    int status;

    if (!made)
        return -ENOMEM;
    made->loop = loop;
    made->config = *config;
    made->backoff_ms = BACKOFF_FIRST_MS;
    status = create_timers(made);
    if (status == 0 && config->udp_host[0])
        status = net_udp_send_to(&made->udp, loop, config->udp_host, config->udp_port);
    if (status == 0)
        status = begin_session(made);
    if (status < 0) {
        emmg_client_destroy(made);
        return status;
    }
    net_timer_start(made->refresh, REFRESH_MS);
    *client = made;
    attempt(made);
    return 0;
}

void emmg_client_destroy(struct emmg_client *client)
{
    if (!client)
        return;
    net_tcp_close(client->tcp);
    net_udp_close(client->udp);
    net_timer_destroy(client->reconnect);
    net_timer_destroy(client->tick);
    net_timer_destroy(client->pace_timer);
    net_timer_destroy(client->refresh);
    net_timer_destroy(client->end);
    simulcrypt_emmg_session_destroy(client->session);
    free(client);
}

void emmg_client_counters(const struct emmg_client *client, struct emmg_client_counters *counters)
{
    *counters = client->counters;
    counters->cycles = emmg_carousel_cycles(client->config.carousel);
    counters->version = client->config.session.version;
    counters->bandwidth = client->up ? (uint16_t)client->pace.rate : 0;
}

const char *emmg_client_last_error(const struct emmg_client *client)
{
    return client->error;
}
