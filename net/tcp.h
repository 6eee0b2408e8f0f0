/* SPDX-License-Identifier: GPL-3.0-or-later */
/* net/tcp.h: TCP listeners and connections on a net_loop. One thread: the loop's.
 *
 * A connection is closed by exactly one net_tcp_close(); afterwards no callback of it is called. What was
 * written before is sent first (for at most two seconds). */
#ifndef NET_TCP_H
#define NET_TCP_H

#include <stddef.h>
#include <stdint.h>

#include "net/access.h"
#include "net/loop.h"
#include "net/tls.h"

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
 * an owner that cannot wait closes. With `tls` (borrowed; NULL: plain) connected() comes after the handshake,
 * and ended() tells of one that failed (BASE_E_AUTHENTICATION: one end does not accept the other's
 * certificate; a server's refusal comes after connected(), as TLS 1.3 has it).
 * -EINVAL for an empty or overlong host. */
int net_tcp_connect(struct net_tcp **tcp, struct net_loop *loop, const char *host, uint16_t port,
                    struct net_tls *tls, const struct net_tcp_ops *ops, void *context);

/* Copies `bytes`, sends them, wipes the copy. -ENOBUFS where over 1 MiB (with TLS: of what it becomes) would
 * wait for a peer that does not read, -ENOTCONN before connected() and after ended(); nothing is sent then.
 */
int net_tcp_write(struct net_tcp *tcp, const uint8_t *bytes, size_t size);
void net_tcp_close(struct net_tcp *tcp);             /* NULL is allowed; also inside its callbacks */
const char *net_tcp_peer(const struct net_tcp *tcp); /* "ADDRESS:PORT"; IPv6 in brackets */

/* Why it ended, for people: base_error_text(), or what TLS says. Inside ended() and until the close. */
const char *net_tcp_trouble(const struct net_tcp *tcp);

/* Between the two no input() comes, and what the peer sends waits with the peer. Its end, too, is heard of
 * only afterwards. Also inside input(). */
void net_tcp_pause(struct net_tcp *tcp);
void net_tcp_resume(struct net_tcp *tcp);

/* So much of anything per second, `burst` at once (0: as much as per second): the owner tells with
 * net_tcp_charge() what the peer cost, messages say, and where that is too much the connection pauses by
 * itself until it is paid back. per_second 0: no limit, as at first. */
void net_tcp_limit(struct net_tcp *tcp, uint32_t per_second, uint32_t burst);
void net_tcp_charge(struct net_tcp *tcp, uint32_t count);

struct net_listen_config {
    const char *host; /* empty: every address */
    uint16_t port;    /* 0: a free one; net_listener_port() tells which */
    /* Copied; NULL: anybody. A peer that it does not allow is hung up on, and counted. */
    const struct net_access *access;
    struct net_tls *tls;      /* NULL: plain TCP */
    unsigned connections_max; /* open at once, more are hung up on and counted; 0: no limit */
    /* Takes the connection over with net_tcp_set_ops() or closes it. With TLS it comes after the handshake,
     * for which a peer has handshake_ms (0: ten seconds). */
    unsigned handshake_ms;
    void (*accepted)(void *context, struct net_tcp *tcp);
    void *context;
};

struct net_listener_counters {
    uint64_t accepted;
    uint64_t not_allowed; /* by `access` */
    uint64_t too_many;    /* over connections_max */
    uint64_t not_secured; /* handshakes that failed or took too long */
};

int net_listen(struct net_listener **listener, struct net_loop *loop, const struct net_listen_config *config);
void net_listener_counters(const struct net_listener *listener, struct net_listener_counters *counters);
uint16_t net_listener_port(const struct net_listener *listener);
void net_listener_close(struct net_listener *listener); /* NULL is allowed */
void net_tcp_set_ops(struct net_tcp *tcp, const struct net_tcp_ops *ops, void *context);

#endif
