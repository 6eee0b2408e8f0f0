/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "net/room.h"

#define BACKLOG 128 /* connections that wait to be accepted */

struct net_listener {
    uv_tcp_t stream;
    struct net_loop *loop;
    void (*accepted)(void *context, struct net_tcp *tcp);
    void *context;
    struct net_listener_counters counters;
    LIST_ENTRY(net_listener) link;
};

static void on_connection(uv_stream_t *stream, int status)
{
    struct net_listener *listener = stream->data;
    struct net_tcp *tcp;

    listener->loop->events++;
    if (status < 0)
        return;
    tcp = net__tcp_create(listener->loop, NET__TCP_CONNECTING);
    if (!tcp)
        return;
    if (uv_accept(stream, (uv_stream_t *)&tcp->stream) < 0) {
        net__tcp_release(tcp);
        return;
    }
    net__tcp_opened(tcp);
    listener->counters.accepted++;
    listener->accepted(listener->context, tcp);
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
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

    if (config->tls || (config->access && config->access->count))
        return -ENOTSUP;
    status = config->host[0] ? listen_on_name(listener, loop, config->host, config->port)
                             : listen_on_all(listener, loop, config->port);
    if (status < 0)
        return status;
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
