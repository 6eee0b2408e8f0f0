/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "headend/ecmg_client.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define BACKOFF_FIRST_MS 250
#define BACKOFF_MAX_MS   10000
#define VERSION_LOWEST   2
/* An ECMG that refuses a CW_provision is not asked again at once. */
#define PROVISION_PAUSE_FIRST_MS 100
#define PROVISION_PAUSE_MAX_MS   5000

struct headend_ecmg_client {
    struct headend_ecmg_client_config config; /* host and access criteria: owned copies */
    char *host;
    uint8_t *access_criteria;
    struct net_loop *loop;
    struct headend_group *group; /* NULL: not attached */
    struct simulcrypt_scs_session *session;
    struct net_tcp *tcp; /* NULL: waiting for the next attempt */
    struct net_timer *reconnect, *tick;
    struct simulcrypt_channel_status status;
    bool connected; /* TCP is */
    bool up;        /* the stream is */
    uint64_t backoff_ms;
    uint64_t pause_ms, paused_until_ms;
    uint64_t attempts;
    char error[256];
};

static void changed(struct headend_ecmg_client *client)
{
    if (client->config.changed)
        client->config.changed(client->config.context);
}

__attribute__((format(printf, 2, 3))) static void set_error(struct headend_ecmg_client *client,
                                                            const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(client->error, sizeof(client->error), format, arguments);
    va_end(arguments);
}

/* Within a sentence: "connection refused". Acronyms keep their case. */
static const char *error_text(int error, char *text, size_t room)
{
    snprintf(text, room, "%s", error ? base_error_text(error) : base_error_text(BASE_E_CLOSED));
    if (!isupper((unsigned char)text[1]))
        text[0] = (char)tolower((unsigned char)text[0]);
    return text;
}

/* Ends the connection and tries again later. Called inside the session's callbacks too, so the session stays
 * until then. */
static void lose(struct headend_ecmg_client *client)
{
    bool was_up = client->up;

    net_tcp_close(client->tcp);
    client->tcp = NULL;
    client->connected = client->up = false;
    net_timer_stop(client->tick);
    net_timer_start(client->reconnect, client->backoff_ms);
    client->backoff_ms = client->backoff_ms * 2 < BACKOFF_MAX_MS ? client->backoff_ms * 2 : BACKOFF_MAX_MS;
    if (was_up && client->group)
        headend_group_cas_down(client->group, client->error);
    changed(client);
}

static void tick(void *context)
{
    struct headend_ecmg_client *client = context;
    uint64_t now = net_loop_now_ms(client->loop);
    uint64_t next;

    if (!client->connected)
        return;
    next = simulcrypt_scs_session_tick(client->session, now);
    if (client->connected && next != UINT64_MAX)
        net_timer_start(client->tick, next > now ? next - now : 1);
}

/* Session */

static void session_send(void *context, const uint8_t *bytes, size_t size)
{
    struct headend_ecmg_client *client = context;
    int r = client->connected ? net_tcp_write(client->tcp, bytes, size) : 0;
    char text[128];

    if (r >= 0)
        return;
    set_error(client, "cannot send to the ECMG %s:%u: %s", client->host, client->config.port,
              error_text(r, text, sizeof(text)));
    lose(client);
}

static void session_fail(void *context, const char *why)
{
    struct headend_ecmg_client *client = context;

    if (!client->tcp)
        return;
    if (client->config.scs.version > VERSION_LOWEST &&
        simulcrypt_scs_session_version_refused(client->session))
        client->config.scs.version--;
    set_error(client, "ECMG %s:%u: %s", client->host, client->config.port, why);
    lose(client);
}

static void session_channel_up(void *context, const struct simulcrypt_channel_status *status)
{
    struct headend_ecmg_client *client = context;

    client->status = *status;
}

/* Tells the group; an ECMG whose values cannot be used is left alone for as long as the back-off allows. */
static void announce(struct headend_ecmg_client *client)
{
    const char *why;

    if (!client->up || !client->group || headend_group_cas_up(client->group, &client->status, &why) >= 0)
        return;
    set_error(client, "ECMG %s:%u: %s", client->host, client->config.port, why);
    client->backoff_ms = BACKOFF_MAX_MS;
    lose(client);
}

static void session_stream_up(void *context, uint16_t stream_id)
{
    struct headend_ecmg_client *client = context;

    if (!client->tcp || stream_id != client->config.stream.stream_id)
        return;
    client->up = true;
    client->paused_until_ms = 0;
    announce(client);
    if (client->up)
        changed(client);
}

static void session_ecm(void *context, uint16_t stream_id, uint16_t cp_number, const uint8_t *datagram,
                        size_t size)
{
    struct headend_ecmg_client *client = context;

    if (!client->up || stream_id != client->config.stream.stream_id)
        return;
    client->backoff_ms = BACKOFF_FIRST_MS;
    client->pause_ms = PROVISION_PAUSE_FIRST_MS;
    client->error[0] = '\0';
    if (client->group)
        headend_group_ecm(client->group, cp_number, datagram, size);
    changed(client);
}

static void session_provision_failed(void *context, uint16_t stream_id, uint16_t cp_number, const char *why)
{
    struct headend_ecmg_client *client = context;

    if (!client->up || stream_id != client->config.stream.stream_id)
        return;
    set_error(client, "ECMG %s:%u: no ECM for crypto-period %u: %s", client->host, client->config.port,
              cp_number, why);
    client->paused_until_ms = net_loop_now_ms(client->loop) + client->pause_ms;
    if (client->pause_ms < PROVISION_PAUSE_MAX_MS)
        client->pause_ms *= 2;
    if (client->group)
        headend_group_provision_failed(client->group, cp_number, client->error);
    changed(client);
}

static const struct simulcrypt_scs_ops session_ops = {
    .send = session_send,
    .fail = session_fail,
    .channel_up = session_channel_up,
    .stream_up = session_stream_up,
    .ecm = session_ecm,
    .provision_failed = session_provision_failed,
};

/* Connection */

static void tcp_connected(void *context)
{
    struct headend_ecmg_client *client = context;

    client->connected = true;
    simulcrypt_scs_session_connected(client->session, net_loop_now_ms(client->loop));
    tick(client);
}

static void tcp_input(void *context, const uint8_t *bytes, size_t size)
{
    struct headend_ecmg_client *client = context;

    simulcrypt_scs_session_input(client->session, bytes, size, net_loop_now_ms(client->loop));
    tick(client);
}

static void tcp_ended(void *context, int error)
{
    struct headend_ecmg_client *client = context;
    char text[128];

    error_text(error, text, sizeof(text));
    if (client->connected)
        set_error(client, "the connection to the ECMG %s:%u ended: %s", client->host, client->config.port,
                  text);
    else
        set_error(client, "cannot connect to %s:%u: %s", client->host, client->config.port, text);
    lose(client);
}

static const struct net_tcp_ops tcp_ops = {
    .connected = tcp_connected, .input = tcp_input, .ended = tcp_ended};

static int begin_session(struct headend_ecmg_client *client)
{
    int r;

    simulcrypt_scs_session_destroy(client->session);
    client->session = NULL;
    r = simulcrypt_scs_session_create(&client->session, &client->config.scs, &session_ops, client);
    if (r < 0)
        return r;
    return simulcrypt_scs_session_add_stream(client->session, &client->config.stream);
}

/* A session per connection: the version may have changed, and state never outlives its connection. */
static void attempt(void *context)
{
    struct headend_ecmg_client *client = context;
    int r;

    client->attempts++;
    r = begin_session(client);
    if (r >= 0)
        r = net_tcp_connect(&client->tcp, client->loop, client->host, client->config.port, NULL, &tcp_ops,
                            client);
    if (r < 0) {
        client->tcp = NULL;
        tcp_ended(client, r);
    }
}

static int copy_config(struct headend_ecmg_client *client, const struct headend_ecmg_client_config *config)
{
    size_t size = config->stream.access_criteria ? config->stream.access_criteria_size : 0;

    client->config = *config;
    client->host = strdup(config->host);
    client->access_criteria = malloc(size ? size : 1);
    if (!client->host || !client->access_criteria)
        return -ENOMEM;
    if (size)
        memcpy(client->access_criteria, config->stream.access_criteria, size);
    client->config.host = client->host;
    client->config.stream.access_criteria = size ? client->access_criteria : NULL;
    client->config.stream.access_criteria_size = (uint16_t)size;
    return 0;
}

int headend_ecmg_client_create(struct headend_ecmg_client **client, struct net_loop *loop,
                               const struct headend_ecmg_client_config *config)
{
    struct headend_ecmg_client *c = calloc(1, sizeof(*c));
    int r;

    if (!c)
        return -ENOMEM;
    c->loop = loop;
    c->backoff_ms = BACKOFF_FIRST_MS;
    c->pause_ms = PROVISION_PAUSE_FIRST_MS;
    r = copy_config(c, config);
    if (r >= 0)
        r = net_timer_create(&c->reconnect, loop, attempt, c);
    if (r >= 0)
        r = net_timer_create(&c->tick, loop, tick, c);
    if (r < 0) {
        headend_ecmg_client_destroy(c);
        return r;
    }
    *client = c;
    attempt(c);
    return 0;
}

void headend_ecmg_client_destroy(struct headend_ecmg_client *client)
{
    if (!client)
        return;
    client->group = NULL;
    client->config.changed = NULL;
    if (client->connected)
        simulcrypt_scs_session_close(client->session);
    net_tcp_close(client->tcp);
    net_timer_destroy(client->reconnect);
    net_timer_destroy(client->tick);
    simulcrypt_scs_session_destroy(client->session);
    free(client->access_criteria);
    free(client->host);
    free(client);
}

void headend_ecmg_client_attach(struct headend_ecmg_client *client, struct headend_group *group)
{
    client->group = group;
    announce(client);
}

int headend_ecmg_client_provision(struct headend_ecmg_client *client,
                                  const struct simulcrypt_cw_provision *provision)
{
    uint64_t now = net_loop_now_ms(client->loop);
    int r;

    if (!client->up)
        return -ENOTCONN;
    if (now < client->paused_until_ms)
        return -EBUSY;
    r = simulcrypt_scs_session_provision(client->session, client->config.stream.stream_id, provision, now);
    if (r >= 0)
        tick(client);
    return r;
}

bool headend_ecmg_client_is_up(const struct headend_ecmg_client *client)
{
    return client->up;
}

uint64_t headend_ecmg_client_attempts(const struct headend_ecmg_client *client)
{
    return client->attempts;
}

const char *headend_ecmg_client_last_error(const struct headend_ecmg_client *client)
{
    return client->error;
}
