/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A TLS session on a TCP connection: what is read goes through it, and what is written. */
#include <errno.h>

#include "base/error.h"
#include "base/secret.h"
#include "net/room.h"

/* Sends what the session has for the peer. */
static int flush(struct net_tcp *tcp)
{
    const uint8_t *bytes;
    size_t size = net__tls_session_output(tcp->session, &bytes);
    int status = size ? net__tcp_send(tcp, bytes, size) : 0;

    net__tls_session_sent(tcp->session);
    return status;
}

static bool shake(struct net_tcp *tcp)
{
    int status = net__tls_session_shake(tcp->session);
    int flushed = flush(tcp);

    if (status < 0 || flushed < 0)
        net__tcp_end(tcp, status < 0 ? status : flushed);
    else if (status == 1)
        net__tcp_ready(tcp);
    return status == 1 && flushed == 0;
}

/* One record's plaintext to the owner. */
static bool deliver(struct net_tcp *tcp)
{
    uint8_t *bytes = tcp->loop->plaintext;
    ssize_t got = net__tls_session_read(tcp->session, bytes, NET__RECORD_MAX);
    int flushed = flush(tcp);

    if (got > 0) {
        if (tcp->ops.input)
            tcp->ops.input(tcp->context, bytes, (size_t)got);
        base_secure_zero(bytes, (size_t)got);
    } else if (got == BASE_E_CLOSED) {
        tcp->peer_ended = true;
        net__tcp_end(tcp, 0);
    } else if (got < 0 || flushed < 0) {
        net__tcp_end(tcp, got < 0 ? (int)got : flushed);
    }
    return got > 0;
}

void net__secure_pump(struct net_tcp *tcp)
{
    bool more = true;

    while (more && (tcp->state == NET__TCP_SECURING || net__tcp_may_deliver(tcp)))
        more = tcp->state == NET__TCP_SECURING ? shake(tcp) : deliver(tcp);
}

void net__secure_input(struct net_tcp *tcp, const uint8_t *bytes, size_t size)
{
    int status = net__tls_session_feed(tcp->session, bytes, size);

    if (status < 0)
        net__tcp_end(tcp, status);
    else
        net__secure_pump(tcp);
}

void net__secure_start(struct net_tcp *tcp)
{
    int status;

    tcp->state = NET__TCP_SECURING;
    status = net__tcp_read(tcp);
    if (status < 0)
        net__tcp_end(tcp, status);
    else
        net__secure_pump(tcp); /* a client speaks first */
}

size_t net__secure_size(size_t size)
{
    return size + (size / NET__RECORD_MAX + 1) * NET__RECORD_OVERHEAD;
}

int net__secure_write(struct net_tcp *tcp, const uint8_t *bytes, size_t size)
{
    int status = 0;

    for (size_t at = 0; status == 0 && at < size; at += NET__RECORD_MAX) {
        size_t piece = size - at < NET__RECORD_MAX ? size - at : NET__RECORD_MAX;

        status = net__tls_session_write(tcp->session, bytes + at, piece);
        if (status == 0)
            status = flush(tcp);
    }
    if (status < 0) /* the peer would miss a record: nothing can follow */
        net__tcp_end_later(tcp, status);
    return status;
}

void net__secure_close(struct net_tcp *tcp)
{
    net__tls_session_close(tcp->session);
    flush(tcp);
}
