/* SPDX-License-Identifier: GPL-3.0-or-later */
/* net/room.h: what the files of net/ share. Private to the room. */
#ifndef NET_ROOM_H
#define NET_ROOM_H

#include <netdb.h>
#include <stdatomic.h>
#include <sys/queue.h>
#include <uv.h>

#include "net/rate.h"
#include "net/tcp.h"
#include "net/tls_session.h"
#include "net/udp.h"

#define NET__INPUT_MAX (64 * 1024) /* bytes read at once */
#define NET__PEER_MAX  300         /* "HOST:PORT" with a NUL */

struct net_loop {
    uv_loop_t uv;
    uv_async_t wake;
    uv_timer_t pause; /* bounds the wait of net_loop_run_once() */
    uv_signal_t signals[2];
    bool has_signals;
    void (*signal_handler)(void *context, int signal);
    void *signal_context;
    atomic_bool stopped;
    uint64_t events; /* callbacks that ran */
    LIST_HEAD(, net_timer) timers;
    LIST_HEAD(, net_listener) listeners;
    LIST_HEAD(, net_tcp) connections;
    LIST_HEAD(, net_udp) datagrams;
    uint8_t input[NET__INPUT_MAX];      /* of the connection that is being read */
    uint8_t plaintext[NET__RECORD_MAX]; /* of its TLS session */
};

enum net__tcp_state {
    NET__TCP_RESOLVING,
    NET__TCP_CONNECTING,
    NET__TCP_SECURING, /* the TLS handshake; a listener's connection has no owner yet */
    NET__TCP_OPEN,
    NET__TCP_ENDED,     /* `ended` was called, net_tcp_close() was not */
    NET__TCP_LINGERING, /* closed by its owner; sends what was written, awaits the peer's end */
    NET__TCP_GONE,      /* only libuv still knows it */
};

enum { /* why nothing is read from an open connection, as bits */
       NET__PAUSED_BY_OWNER = 1,
       NET__PAUSED_BY_RATE = 2,
};

struct net_tcp {
    uv_tcp_t stream;
    uv_timer_t
        timer; /* the end of a handshake, input to deliver, a failure to report; the end of lingering */
    uv_timer_t refill; /* the end of NET__PAUSED_BY_RATE */
    uv_connect_t connect;
    uv_shutdown_t shutdown;
    uv_getaddrinfo_t resolve;
    struct net_loop *loop;
    struct net_listener *listener; /* that accepted it; NULL: none */
    struct net_tcp_ops ops;
    void *context;
    LIST_ENTRY(net_tcp) link;
    struct addrinfo *found, *candidate; /* of a name: all addresses, the one being tried */
    enum net__tcp_state state;
    struct net__tls_session *session; /* NULL: plain TCP */
    struct net_rate rate;
    unsigned paused;
    bool owned;      /* `ops` are somebody's */
    bool peer_ended; /* the orderly end of the peer was read */
    bool shut;       /* everything was sent, and our own end after it */
    int failure;     /* why the last address failed, negative errno */
    unsigned users;  /* handles and requests of libuv that point here */
    char peer[NET__PEER_MAX];
};

/* A connection without a socket yet, in `state`; NULL without memory. */
struct net_tcp *net__tcp_create(struct net_loop *loop, enum net__tcp_state state);

/* The socket is connected: sets options, gives the peer's address. A failure is that of a peer that has gone
 * already. */
int net__tcp_opened(struct net_tcp *tcp, struct sockaddr_storage *peer);

/* It is ready to be used: tells its owner, or finds it one. */
void net__tcp_ready(struct net_tcp *tcp);
int net__tcp_read(struct net_tcp *tcp);

/* flow.c: whether input may go to an owner who wants it now; reads accordingly. */
bool net__tcp_may_deliver(const struct net_tcp *tcp);
void net__tcp_read_or_not(struct net_tcp *tcp);

int net__tcp_send(struct net_tcp *tcp, const uint8_t *bytes, size_t size);
void net__tcp_end(struct net_tcp *tcp, int error);

/* The owner may be inside a call: it hears of the failure in the loop's next round. */
void net__tcp_end_later(struct net_tcp *tcp, int error);

/* Gives it back to libuv and then to the heap, without another word to its owner. */
void net__tcp_release(struct net_tcp *tcp);
void net__tcp_forget_user(struct net_tcp *tcp);

void net__timer_release(struct net_timer *timer);
void net__listener_release(struct net_listener *listener);
void net__listener_forget(struct net_listener *listener); /* a connection of it has ended */
void net__listener_take(struct net_listener *listener, struct net_tcp *tcp);    /* the handshake is done */
void net__listener_give_up(struct net_listener *listener, struct net_tcp *tcp); /* or has failed */

/* secure.c: of connections with a session. */
void net__secure_start(struct net_tcp *tcp);
void net__secure_input(struct net_tcp *tcp, const uint8_t *bytes, size_t size);
void net__secure_pump(struct net_tcp *tcp); /* delivers what has been read already */
size_t net__secure_size(size_t size);       /* bytes that so many become */
int net__secure_write(struct net_tcp *tcp, const uint8_t *bytes, size_t size);
void net__secure_close(struct net_tcp *tcp); /* says goodbye */

struct net_tls *net__tls_hold(struct net_tls *tls); /* for net_tls_destroy(), once more; NULL is allowed */
void net__udp_release(struct net_udp *udp);

/* address.c. A look-up waits: it is for what happens once, when something starts. */
bool net__address_parse(const char *host, uint16_t port, struct sockaddr_storage *address);
void net__address_format(const struct sockaddr *address, char text[static NET__PEER_MAX]);
uint16_t net__address_port(const struct sockaddr *address);
/* All that a name stands for, for uv_freeaddrinfo(); NULL: there is no such name. `kind`: SOCK_STREAM … */
struct addrinfo *net__address_look_up(struct net_loop *loop, const char *host, uint16_t port, int kind);
/* The first of it; every IPv4 address for an empty host. -ENXIO. */
int net__address_find(struct net_loop *loop, const char *host, uint16_t port, int kind,
                      struct sockaddr_storage *address);

#endif
