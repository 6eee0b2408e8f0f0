/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/dialer.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define WAIT_FIRST_MS 250
#define WAIT_MAX_MS   10000
#define CONNECT_MS    10000

struct net_dialer {
    struct net_loop *loop;
    struct net_dialer_ops ops;
    void *context;
    char *host;
    uint16_t port;
    struct net_tls *tls;
    const char *peer;
    struct net_tcp *tcp;     /* NULL: waiting for the next attempt */
    struct net_timer *timer; /* the next attempt; the end of one that takes too long */
    uint32_t connect_timeout_ms;
    unsigned rate_max;
    bool connected;
    uint64_t wait_ms;
    uint64_t attempts;
    uint32_t chance;
    char error[400];
};

__attribute__((format(printf, 2, 3))) static void set_error(struct net_dialer *dialer, const char *format,
                                                            ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(dialer->error, sizeof(dialer->error), format, arguments);
    va_end(arguments);
}

/* Within a sentence: "connection refused". Acronyms keep their case. */
static const char *within_sentence(const char *why, char *text, size_t room)
{
    snprintf(text, room, "%s", why);
    if (!isupper((unsigned char)text[1]))
        text[0] = (char)tolower((unsigned char)text[0]);
    return text;
}

/* No secret: it only keeps clients apart, each by where its memory lies and when it asks. */
static uint64_t chance_up_to(struct net_dialer *dialer, uint64_t most)
{
    dialer->chance = dialer->chance * 1664525 + 1013904223;
    return (dialer->chance >> 8) % (most + 1);
}

static void wait_for_next(struct net_dialer *dialer)
{
    net_timer_start(dialer->timer, dialer->wait_ms + chance_up_to(dialer, dialer->wait_ms / 4));
    dialer->wait_ms = dialer->wait_ms * 2 < WAIT_MAX_MS ? dialer->wait_ms * 2 : WAIT_MAX_MS;
}

static void lose(struct net_dialer *dialer)
{
    net_tcp_close(dialer->tcp);
    dialer->tcp = NULL;
    dialer->connected = false;
    wait_for_next(dialer);
    dialer->ops.down(dialer->context, dialer->error);
}

static void on_connected(void *context)
{
    struct net_dialer *dialer = context;

    dialer->connected = true;
    net_timer_stop(dialer->timer);
    net_tcp_limit(dialer->tcp, dialer->rate_max, 0);
    dialer->ops.connected(dialer->context);
}

static void on_input(void *context, const uint8_t *bytes, size_t size)
{
    struct net_dialer *dialer = context;

    dialer->ops.input(dialer->context, bytes, size);
}

static void note_end(struct net_dialer *dialer, const char *why)
{
    char text[256];

    within_sentence(why, text, sizeof(text));
    if (dialer->connected)
        set_error(dialer, "the connection to the %s %s:%u ended: %s", dialer->peer, dialer->host,
                  dialer->port, text);
    else
        set_error(dialer, "cannot connect to the %s %s:%u: %s", dialer->peer, dialer->host, dialer->port,
                  text);
    lose(dialer);
}

static void on_ended(void *context, int error)
{
    struct net_dialer *dialer = context;

    note_end(dialer, error ? net_tcp_trouble(dialer->tcp) : base_error_text(BASE_E_CLOSED));
}

static void attempt(struct net_dialer *dialer)
{
    static const struct net_tcp_ops ops = {.connected = on_connected, .input = on_input, .ended = on_ended};
    int status;

    dialer->attempts++;
    net_timer_start(dialer->timer, dialer->connect_timeout_ms);
    status =
        net_tcp_connect(&dialer->tcp, dialer->loop, dialer->host, dialer->port, dialer->tls, &ops, dialer);
    if (status < 0) {
        dialer->tcp = NULL;
        note_end(dialer, base_error_text(status));
    }
}

static void on_timer(void *context)
{
    struct net_dialer *dialer = context;

    if (dialer->tcp)
        note_end(dialer, base_error_text(BASE_E_TIMEOUT));
    else
        attempt(dialer);
}

void net_dialer_write(struct net_dialer *dialer, const uint8_t *bytes, size_t size)
{
    int status = dialer->connected ? net_tcp_write(dialer->tcp, bytes, size) : 0;
    char text[128];

    if (status >= 0)
        return;
    set_error(dialer, "cannot send to the %s %s:%u: %s", dialer->peer, dialer->host, dialer->port,
              within_sentence(base_error_text(status), text, sizeof(text)));
    lose(dialer);
}

void net_dialer_drop(struct net_dialer *dialer, const char *why)
{
    if (!dialer->tcp)
        return;
    set_error(dialer, "%s %s:%u: %s", dialer->peer, dialer->host, dialer->port, why);
    lose(dialer);
}

void net_dialer_charge(struct net_dialer *dialer, uint32_t count)
{
    if (dialer->connected)
        net_tcp_charge(dialer->tcp, count);
}

void net_dialer_settle(struct net_dialer *dialer)
{
    dialer->wait_ms = WAIT_FIRST_MS;
}

bool net_dialer_is_connected(const struct net_dialer *dialer)
{
    return dialer->connected;
}

uint64_t net_dialer_attempts(const struct net_dialer *dialer)
{
    return dialer->attempts;
}

const char *net_dialer_last_error(const struct net_dialer *dialer)
{
    return dialer->error;
}

int net_dialer_create(struct net_dialer **dialer, struct net_loop *loop,
                      const struct net_dialer_config *config, const struct net_dialer_ops *ops, void *context)
{
    struct net_dialer *made = calloc(1, sizeof(*made));
    int status;

    *dialer = NULL;
    if (!made)
        return -ENOMEM;
    made->loop = loop;
    made->ops = *ops;
    made->context = context;
    made->port = config->port;
    made->tls = config->tls;
    made->peer = config->peer;
    made->connect_timeout_ms = config->connect_timeout_ms ? config->connect_timeout_ms : CONNECT_MS;
    made->rate_max = config->rate_max;
    made->wait_ms = WAIT_FIRST_MS;
    made->chance = (uint32_t)((uintptr_t)made >> 4 ^ net_loop_now_ms(loop));
    made->host = strdup(config->host);
    status = made->host ? net_timer_create(&made->timer, loop, on_timer, made) : -ENOMEM;
    if (status < 0) {
        net_dialer_destroy(made);
        return status;
    }
    net_timer_start(made->timer, 0);
    *dialer = made;
    return 0;
}

void net_dialer_destroy(struct net_dialer *dialer)
{
    if (!dialer)
        return;
    net_tcp_close(dialer->tcp);
    net_timer_destroy(dialer->timer);
    free(dialer->host);
    free(dialer);
}
