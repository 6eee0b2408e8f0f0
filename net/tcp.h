/* SPDX-License-Identifier: GPL-3.0-or-later */
/* net/tcp.h: TCP listeners and connections on a net_loop. One thread: the loop's.
 *
 * A connection is closed by exactly one net_tcp_close(); afterwards no callback of it is called. What was
 * written before is sent first (for at most two seconds). */
#ifndef NET_TCP_H
#define NET_TCP_H

#include <stddef.h>
#include <stdint.h>

#include "net/loop.h"

struct net_tcp;
struct net_listener;

struct net_tcp_ops {
    void (*connected)(void *context);                                /* of net_tcp_connect() alone */
    void (*input)(void *context, const uint8_t *bytes, size_t size); /* bytes are wiped after the call */
    /* The connection ended or never came about (`error`: negative errno, 0 for an orderly end). Call
     * net_tcp_close(). */
    void (*ended)(void *context, int error);
};

/* Resolves `host` (name, IPv4 or IPv6 text) and connects, address by address until one answers; the result
 * comes through the ops, never during this call (-ENXIO: no such name). There is no time-out but TCP's own:
 * an owner that cannot wait closes. -EINVAL for an empty or overlong host. */
int net_tcp_connect(struct net_tcp **tcp, struct net_loop *loop, const char *host, uint16_t port,
                    const struct net_tcp_ops *ops, void *context);

/* Copies `bytes`, sends them, wipes the copy. -ENOBUFS where over 1 MiB would wait for a peer that does not
 * read, -ENOTCONN before connected() and after ended(); nothing is sent then. */
int net_tcp_write(struct net_tcp *tcp, const uint8_t *bytes, size_t size);
void net_tcp_close(struct net_tcp *tcp);             /* NULL is allowed; also inside its callbacks */
const char *net_tcp_peer(const struct net_tcp *tcp); /* "ADDRESS:PORT"; IPv6 in brackets */

/* Calls `accepted` for each connection; that callback takes it over with net_tcp_set_ops() or closes it. Port
 * 0 listens on a free port: net_listener_port() tells which. An empty host means every address. */
int net_listen(struct net_listener **listener, struct net_loop *loop, const char *host, uint16_t port,
               void (*accepted)(void *context, struct net_tcp *tcp), void *context);
uint16_t net_listener_port(const struct net_listener *listener);
void net_listener_close(struct net_listener *listener); /* NULL is allowed */
void net_tcp_set_ops(struct net_tcp *tcp, const struct net_tcp_ops *ops, void *context);

#endif
