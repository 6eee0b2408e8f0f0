/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/log.h"
#include "net/room.h"

#define BACKLOG         4096  /* connections that wait to be accepted */
#define HANDSHAKE_MS    10000 /* unless told */
#define TOLD_PER_SECOND 1
#define TOLD_AT_ONCE    10

struct net_listener {
    uv_tcp_t stream;
    struct net_loop *loop;
    struct net_access access;
    struct net_tls *tls;
    unsigned connections, connections_max, handshake_ms;
    void (*accepted)(void *context, struct net_tcp *tcp);
    void *context;
    struct net_listener_counters counters;
    struct net_rate told; /* in the log, of those that were hung up on */
    unsigned users;       /* connections, and libuv's handle */
    LIST_ENTRY(net_listener) link;
};

static void forget_user(struct net_listener *listener)
{
    if (--listener->users)
        return;
    net_tls_destroy(listener->tls);
    free(listener);
}

void net__listener_forget(struct net_listener *listener)
{
    listener->connections--;
    forget_user(listener);
}

/* The first few of a time are told, however many come. */
static void tell(struct net_listener *listener, const struct net_tcp *tcp, const char *why)
{
    if (net_rate_take(&listener->told, 1, net_loop_now_ms(listener->loop)) == 0)
        base_log(BASE_LOG_NOTICE, "%s: hung up on: %s", tcp->peer, why);
}

static void hang_up(struct net_listener *listener, struct net_tcp *tcp, uint64_t *counter, const char *why)
{
    ++*counter;
    tell(listener, tcp, why);
    net__tcp_release(tcp);
}

void net__listener_take(struct net_listener *listener, struct net_tcp *tcp)
{
    if (uv_is_closing((uv_handle_t *)&listener->stream)) {
        net_tcp_close(tcp);
        return;
    }
    listener->counters.accepted++;
    listener->accepted(listener->context, tcp);
}

void net__listener_give_up(struct net_listener *listener, struct net_tcp *tcp)
{
    listener->counters.not_secured++;
    tell(listener, tcp, net_tcp_trouble(tcp));
    net_tcp_close(tcp);
}

static void on_handshake_late(uv_timer_t *timer)
{
    struct net_tcp *tcp = timer->data;

    tcp->loop->events++;
    net__tcp_end(tcp, BASE_E_TIMEOUT);
}

static void secure(struct net_listener *listener, struct net_tcp *tcp)
{
    if (net__tls_session_create(&tcp->session, listener->tls, "") < 0) {
        hang_up(listener, tcp, &listener->counters.not_secured, base_error_text(-ENOMEM));
        return;
    }
    uv_update_time(&listener->loop->uv);
    uv_timer_start(&tcp->timer, on_handshake_late, listener->handshake_ms, 0);
    net__secure_start(tcp);
}

static void count_in(struct net_listener *listener, struct net_tcp *tcp)
{
    tcp->listener = listener;
    listener->connections++;
    listener->users++;
}

static void judge(struct net_listener *listener, struct net_tcp *tcp, const struct sockaddr *peer)
{
    if (!net_access_allows(&listener->access, peer)) {
        hang_up(listener, tcp, &listener->counters.not_allowed, "its address is not allowed");
        return;
    }
    if (listener->connections_max && listener->connections >= listener->connections_max) {
        hang_up(listener, tcp, &listener->counters.too_many, "too many connections are open");
        return;
    }
    count_in(listener, tcp);
    if (listener->tls)
        secure(listener, tcp);
    else
        net__tcp_ready(tcp);
}

static void on_connection(uv_stream_t *stream, int status)
{
    struct net_listener *listener = stream->data;
    struct sockaddr_storage peer;
    struct net_tcp *tcp;

    listener->loop->events++;
    if (status < 0)
        return;
    tcp = net__tcp_create(listener->loop, NET__TCP_CONNECTING);
    if (!tcp)
        return;
    if (uv_accept(stream, (uv_stream_t *)&tcp->stream) < 0 || net__tcp_opened(tcp, &peer) < 0) {
        net__tcp_release(tcp);
        return;
    }
    judge(listener, tcp, (struct sockaddr *)&peer);
}

static void on_closed(uv_handle_t *handle)
{
    forget_user(handle->data);
}

void net__listener_release(struct net_listener *listener)
{
    LIST_REMOVE(listener, link);
    uv_close((uv_handle_t *)&listener->stream, on_closed);
}

void net_listener_close(struct net_listener *listener)
{
    if (listener)
        net__listener_release(listener);
}

static struct net_listener *listener_create(struct net_loop *loop)
{
    struct net_listener *listener = calloc(1, sizeof(*listener));

    if (!listener)
        return NULL;
    listener->loop = loop;
    listener->users = 1;
    uv_tcp_init(&loop->uv, &listener->stream);
    listener->stream.data = listener;
    LIST_INSERT_HEAD(&loop->listeners, listener, link);
    return listener;
}

static int listen_on(struct net_listener **listener, struct net_loop *loop, const struct sockaddr *address)
{
    struct net_listener *made = listener_create(loop);
    int status;

    if (!made)
        return -ENOMEM;
    status = uv_tcp_bind(&made->stream, address, 0);
    if (status == 0)
        status = uv_listen((uv_stream_t *)&made->stream, BACKLOG, on_connection);
    if (status < 0) {
        net__listener_release(made);
        return status;
    }
    *listener = made;
    return 0;
}

/* IPv6's any address takes IPv4 too; a machine without IPv6 has only the other. */
static int listen_on_all(struct net_listener **listener, struct net_loop *loop, uint16_t port)
{
    struct sockaddr_in6 six;
    struct sockaddr_in four;
    int status;

    uv_ip6_addr("::", port, &six);
    status = listen_on(listener, loop, (struct sockaddr *)&six);
    if (status != -EAFNOSUPPORT && status != -EADDRNOTAVAIL)
        return status;
    uv_ip4_addr("0.0.0.0", port, &four);
    return listen_on(listener, loop, (struct sockaddr *)&four);
}

static int listen_on_name(struct net_listener **listener, struct net_loop *loop, const char *host,
                          uint16_t port)
{
    struct addrinfo *all = net__address_look_up(loop, host, port, SOCK_STREAM);
    int status = -EADDRNOTAVAIL;

    if (!all)
        return -ENXIO;
    for (const struct addrinfo *found = all; found && status < 0; found = found->ai_next)
        status = listen_on(listener, loop, found->ai_addr);
    uv_freeaddrinfo(all);
    return status;
}

int net_listen(struct net_listener **listener, struct net_loop *loop, const struct net_listen_config *config)
{
    int status;

    status = config->host[0] ? listen_on_name(listener, loop, config->host, config->port)
                             : listen_on_all(listener, loop, config->port);
    if (status < 0)
        return status;
    if (config->access)
        (*listener)->access = *config->access;
    (*listener)->tls = net__tls_hold(config->tls);
    (*listener)->handshake_ms = config->handshake_ms ? config->handshake_ms : HANDSHAKE_MS;
    (*listener)->connections_max = config->connections_max;
    net_rate_init(&(*listener)->told, TOLD_PER_SECOND, TOLD_AT_ONCE, net_loop_now_ms(loop));
    (*listener)->accepted = config->accepted;
    (*listener)->context = config->context;
    return 0;
}

void net_listener_counters(const struct net_listener *listener, struct net_listener_counters *counters)
{
    *counters = listener->counters;
}

uint16_t net_listener_port(const struct net_listener *listener)
{
    struct sockaddr_storage address;
    int size = sizeof(address);

    if (uv_tcp_getsockname(&listener->stream, (struct sockaddr *)&address, &size) < 0)
        return 0;
    return net__address_port((struct sockaddr *)&address);
}
