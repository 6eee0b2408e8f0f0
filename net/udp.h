/* SPDX-License-Identifier: GPL-3.0-or-later */
/* net/udp.h: UDP sockets that receive, and that send, on a net_loop. One thread: the loop's. */
#ifndef NET_UDP_H
#define NET_UDP_H

#include <stddef.h>
#include <stdint.h>

#include "net/access.h"
#include "net/loop.h"

struct net_udp;

/* Receives what is sent to host:port (host empty: to every IPv4 address). A multicast group as `host` is
 * joined, on the interface that has the address (IPv4) or name (IPv6) `interface`; "" leaves the choice to
 * the system. Datagrams of peers that `access` (copied; NULL: anybody) does not allow are dropped and
 * counted. Port 0: a free one. `input` gets each datagram, its bytes are wiped after the call; `peer` is
 * "ADDRESS:PORT". Negative errno; -ENXIO: no such name. */
int net_udp_receive(struct net_udp **udp, struct net_loop *loop, const char *host, uint16_t port,
                    const char *interface, const struct net_access *access,
                    void (*input)(void *context, const uint8_t *bytes, size_t size, const char *peer),
                    void *context);

/* Sends to host:port, a multicast group too (time to live 1 unless the system says otherwise). */
int net_udp_send_to(struct net_udp **udp, struct net_loop *loop, const char *host, uint16_t port);

/* One datagram, at once. -EMSGSIZE over 65507 bytes, -EAGAIN where the system has no room now. */
int net_udp_write(struct net_udp *udp, const uint8_t *bytes, size_t size);

uint16_t net_udp_port(const struct net_udp *udp);
uint64_t net_udp_refused(const struct net_udp *udp); /* datagrams of peers that are not allowed */
void net_udp_close(struct net_udp *udp);             /* NULL is allowed; also inside its callback */

#endif
