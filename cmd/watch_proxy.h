/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd/watch_proxy.h: connections that are watched on their way: each is passed on to the server, bytes
 * unchanged in both directions, what cannot be decoded too. One thread: the loop's.
 *
 * Bytes are passed on before they are looked at. Where an end does not read, the other one is not read from.
 * TCP ends as wholes: the end of one side ends the other, after all that came before it was sent. */
#ifndef CMD_WATCH_PROXY_H
#define CMD_WATCH_PROXY_H

#include "cmd/watch_link.h"
#include "net/tcp.h"

struct cmd_watch_proxy_config {
    struct net_listen_config listen; /* `accepted` and `context` are the proxy's own */
    const char *host;                /* of the server */
    uint16_t port;
    struct net_tls *tls;                         /* towards the server; NULL: plain TCP */
    const struct cmd_watch_interface *interface; /* NULL: each connection's messages tell */
    const char *udp_listen_host, *udp_host;      /* NULL: no datagrams are passed on */
    uint16_t udp_listen_port, udp_port;
};

struct cmd_watch_proxy;

/* The messages go to `watch`; once it is done the loop is stopped. Negative errno with `why` filled. */
int cmd_watch_proxy_create(struct cmd_watch_proxy **proxy, struct net_loop *loop, struct cmd_watch *watch,
                           const struct cmd_watch_proxy_config *config, char why[static 256]);
void cmd_watch_proxy_destroy(struct cmd_watch_proxy *proxy); /* closes what is open; NULL is allowed */
uint16_t cmd_watch_proxy_port(const struct cmd_watch_proxy *proxy);
uint16_t cmd_watch_proxy_udp_port(const struct cmd_watch_proxy *proxy);

#endif
