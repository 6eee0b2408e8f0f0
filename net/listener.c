/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "net/room.h"

#define BACKLOG 128 /* connections that wait to be accepted */

struct net_listener {
    uv_tcp_t stream;
    struct net_loop *loop;
    struct net_access access;
    unsigned connections, connections_max;
    void (*accepted)(void *context, struct net_tcp *tcp);
    void *context;
    struct net_listener_counters counters;
    unsigned users; /* connections, and libuv's handle */
    LIST_ENTRY(net_listener) link;
};

static void forget_user(struct net_listener *listener)
{
    if (--listener->users == 0)
        free(listener);
}

void net__listener_forget(struct net_listener *listener)
{
    listener->connections--;
    forget_user(listener);
}

static void hang_up(struct net_tcp *tcp, uint64_t *counter, const char *why)
{
    ++*counter;
    base_log(BASE_LOG_DEBUG, "%s: hung up on, %s", tcp->peer, why);
    net__tcp_release(tcp);
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
        hang_up(tcp, &listener->counters.not_allowed, "its address is not allowed");
    } else if (listener->connections_max && listener->connections >= listener->connections_max) {
        hang_up(tcp, &listener->counters.too_many, "too many connections are open");
    } else {
        count_in(listener, tcp);
        listener->counters.accepted++;
        listener->accepted(listener->context, tcp);
    }
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

/* The look-up waits: it happens once, when a server starts. */
static int listen_on_name(struct net_listener **listener, struct net_loop *loop, const char *host,
                          uint16_t port)
{
    struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | AI_PASSIVE};
    uv_getaddrinfo_t resolve;
    char service[8];
    int status;

    snprintf(service, sizeof(service), "%u", port);
    if (uv_getaddrinfo(&loop->uv, &resolve, NULL, host, service, &hints) < 0)
        return -ENXIO;
    status = -EADDRNOTAVAIL;
    for (const struct addrinfo *found = resolve.addrinfo; found && status < 0; found = found->ai_next)
        status = listen_on(listener, loop, found->ai_addr);
    uv_freeaddrinfo(resolve.addrinfo);
    return status;
}

int net_listen(struct net_listener **listener, struct net_loop *loop, const struct net_listen_config *config)
{
    int status;

    if (config->tls)
        return -ENOTSUP;
    status = config->host[0] ? listen_on_name(listener, loop, config->host, config->port)
                             : listen_on_all(listener, loop, config->port);
    if (status < 0)
        return status;
    if (config->access)
        (*listener)->access = *config->access;
    (*listener)->connections_max = config->connections_max;
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
    /* The port stands at the same place for both families. */
    return ntohs(((const struct sockaddr_in *)&address)->sin_port);
}
