/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Connecting: a name's addresses are tried one after the other. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "net/room.h"

#define HOST_MAX 255 /* characters of a host name (RFC 1035, 2.3.4) */

static void try_candidate(struct net_tcp *tcp);

/* libuv cannot connect a socket again: a new one takes its place. */
static void on_socket_closed(uv_handle_t *handle)
{
    struct net_tcp *tcp = handle->data;

    if (tcp->state == NET__TCP_GONE) {
        net__tcp_forget_user(tcp);
        return;
    }
    uv_tcp_init(&tcp->loop->uv, &tcp->stream);
    tcp->stream.data = tcp;
    try_candidate(tcp);
}

static void try_next(struct net_tcp *tcp, int error)
{
    tcp->failure = error;
    tcp->candidate = tcp->candidate ? tcp->candidate->ai_next : NULL;
    if (tcp->candidate)
        uv_close((uv_handle_t *)&tcp->stream, on_socket_closed);
    else
        net__tcp_end_later(tcp, error);
}

static void on_connected(uv_connect_t *request, int status)
{
    struct net_tcp *tcp = request->handle->data;
    struct sockaddr_storage peer;

    tcp->loop->events++;
    if (tcp->state != NET__TCP_CONNECTING)
        return;
    if (status < 0) {
        try_next(tcp, status);
        return;
    }
    net__tcp_opened(tcp, &peer); /* a peer that has gone again is met by the reading */
    if (tcp->session)
        net__secure_start(tcp);
    else
        net__tcp_ready(tcp);
}

static void try_address(struct net_tcp *tcp, const struct sockaddr *address)
{
    int status = uv_tcp_connect(&tcp->connect, &tcp->stream, address, on_connected);

    if (status < 0)
        try_next(tcp, status);
}

static void try_candidate(struct net_tcp *tcp)
{
    try_address(tcp, tcp->candidate->ai_addr);
}

static int errno_of_resolver(int status)
{
    return status <= UV_EAI_ADDRFAMILY && status >= UV_EAI_PROTOCOL ? -ENXIO : status;
}

static void on_resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
    struct net_tcp *tcp = request->data;

    tcp->loop->events++;
    if (tcp->state == NET__TCP_GONE) {
        uv_freeaddrinfo(found);
    } else if (status < 0) {
        tcp->state = NET__TCP_CONNECTING;
        net__tcp_end_later(tcp, errno_of_resolver(status));
    } else {
        tcp->state = NET__TCP_CONNECTING;
        tcp->found = tcp->candidate = found;
        try_candidate(tcp);
    }
    net__tcp_forget_user(tcp);
}

static int resolve(struct net_tcp *tcp, const char *host, uint16_t port)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    char service[8];
    int status;

    snprintf(service, sizeof(service), "%u", port);
    tcp->resolve.data = tcp;
    status = uv_getaddrinfo(&tcp->loop->uv, &tcp->resolve, on_resolved, host, service, &hints);
    if (status < 0)
        return status;
    tcp->users++;
    return 0;
}

int net_tcp_connect(struct net_tcp **tcp, struct net_loop *loop, const char *host, uint16_t port,
                    struct net_tls *tls, const struct net_tcp_ops *ops, void *context)
{
    struct sockaddr_storage address;
    struct net_tcp *made;
    bool numeric;
    int status = 0;

    if (!host[0] || strlen(host) > HOST_MAX)
        return -EINVAL;
    numeric = net__address_parse(host, port, &address); /* needs no resolver, and so no threads */
    made = net__tcp_create(loop, numeric ? NET__TCP_CONNECTING : NET__TCP_RESOLVING);
    if (!made)
        return -ENOMEM;
    if (tls && net__tls_session_create(&made->session, tls, host) < 0) {
        made->state = NET__TCP_CONNECTING;
        net__tcp_release(made);
        return -ENOMEM;
    }
    made->ops = *ops;
    made->context = context;
    made->owned = true;
    snprintf(made->peer, sizeof(made->peer), strchr(host, ':') ? "[%s]:%u" : "%s:%u", host, port);
    uv_update_time(&loop->uv);
    if (numeric)
        try_address(made, (struct sockaddr *)&address);
    else
        status = resolve(made, host, port);
    if (status < 0) {
        made->state = NET__TCP_CONNECTING; /* there is no look-up to cancel */
        net__tcp_release(made);
        return status;
    }
    *tcp = made;
    return 0;
}
