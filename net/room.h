/* SPDX-License-Identifier: GPL-3.0-or-later */
/* net/room.h: what the files of net/ share. Private to the room. */
#ifndef NET_ROOM_H
#define NET_ROOM_H

#include <netdb.h>
#include <stdatomic.h>
#include <sys/queue.h>
#include <uv.h>

#include "net/tcp.h"

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
    uint8_t input[NET__INPUT_MAX]; /* of the connection that is being read */
};

enum net__tcp_state {
    NET__TCP_RESOLVING,
    NET__TCP_CONNECTING,
    NET__TCP_OPEN,
    NET__TCP_ENDED,     /* `ended` was called, net_tcp_close() was not */
    NET__TCP_LINGERING, /* closed by its owner; sends what was written, awaits the peer's end */
    NET__TCP_GONE,      /* only libuv still knows it */
};

struct net_tcp {
    uv_tcp_t stream;
    uv_timer_t timer; /* a failure to report later; the end of lingering */
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
int net__tcp_read(struct net_tcp *tcp);
void net__tcp_end(struct net_tcp *tcp, int error);

/* Gives it back to libuv and then to the heap, without another word to its owner. */
void net__tcp_release(struct net_tcp *tcp);
void net__tcp_forget_user(struct net_tcp *tcp);

void net__timer_release(struct net_timer *timer);
void net__listener_release(struct net_listener *listener);
void net__listener_forget(struct net_listener *listener); /* a connection of it has ended */
void net__address_format(const struct sockaddr *address, char text[static NET__PEER_MAX]);

#endif
