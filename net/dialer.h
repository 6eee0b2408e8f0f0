/* SPDX-License-Identifier: GPL-3.0-or-later */
/* net/dialer.h: one TCP connection to a peer that may be away: made, and made again after it ended. One
 * thread: the loop's.
 *
 * The next attempt comes after 250 ms, doubling to 10 s, with up to a quarter of chance added, so that many
 * clients do not come back as one. It begins anew with net_dialer_settle(), which is for the owner to call
 * when the peer has shown that it works: one that accepts and hangs up is not pestered. */
#ifndef NET_DIALER_H
#define NET_DIALER_H

#include "net/tcp.h"

struct net_dialer;

struct net_dialer_config {
    const char *host; /* copied */
    uint16_t port;
    struct net_tls *tls;         /* borrowed; NULL: plain TCP */
    const char *peer;            /* "SCS": for messages; borrowed */
    uint32_t connect_timeout_ms; /* until connected(); 0: 10000 */
    unsigned rate_max;           /* net_tcp_limit(), for net_dialer_charge(); 0: no limit */
};

/* All are needed. None may destroy the dialer. */
struct net_dialer_ops {
    void (*connected)(void *context);
    void (*input)(void *context, const uint8_t *bytes, size_t size);
    /* The connection has ended, or did not come about; `why` is a sentence, net_dialer_last_error(). */
    void (*down)(void *context, const char *why);
};

/* The first attempt is made by the loop's next turn. -ENOMEM. */
int net_dialer_create(struct net_dialer **dialer, struct net_loop *loop,
                      const struct net_dialer_config *config, const struct net_dialer_ops *ops,
                      void *context);
/* What was written is still sent. NULL is allowed. */
void net_dialer_destroy(struct net_dialer *dialer);

/* Nothing happens while there is no connection. One that does not take `bytes` is ended, as by
 * net_dialer_drop(). */
void net_dialer_write(struct net_dialer *dialer, const uint8_t *bytes, size_t size);
/* Ends the connection after what was written has left; down() is called. `why` completes "SCS HOST:PORT: …".
 * Nothing happens while there is none. */
void net_dialer_drop(struct net_dialer *dialer, const char *why);
void net_dialer_charge(struct net_dialer *dialer, uint32_t count); /* net_tcp_charge() */
void net_dialer_settle(struct net_dialer *dialer);                 /* the next wait is the shortest again */

bool net_dialer_is_connected(const struct net_dialer *dialer);
uint64_t net_dialer_attempts(const struct net_dialer *dialer);
const char *net_dialer_last_error(const struct net_dialer *dialer); /* "" for none */

#endif
