/* SPDX-License-Identifier: GPL-3.0-or-later */
/* headend/eis_room.h: what eis.c and eis_connection.c share. */
#ifndef HEADEND_EIS_ROOM_H
#define HEADEND_EIS_ROOM_H

#include <sys/queue.h>

#include "headend/eis.h"
#include "simulcrypt/scg_session.h"

struct headend__eis_connection;

/* One EIS_channel_id, with a connection or SCGs. */
struct headend__eis_channel {
    LIST_ENTRY(headend__eis_channel) link;
    struct headend_eis *eis;
    struct simulcrypt_scgs *scgs;
    struct headend__eis_connection *connection; /* NULL: its EIS is away */
    struct headend_eis_channel_status status;   /* but `connected` and `scgs` */
};

struct headend__eis_connection {
    LIST_ENTRY(headend__eis_connection) link;
    struct headend_eis *eis;
    struct net_tcp *tcp;
    struct net_timer *watch; /* whether the EIS lives; the end of a connection that is to be closed */
    struct simulcrypt_scg_session *session;
    struct headend__eis_channel *channel; /* NULL: none is open */
    bool ending;
    bool explained; /* why the next refusal comes has been said */
    bool tested;    /* a channel_test has not been answered */
    bool overdue;   /* nor in time */
    uint64_t heard_ms;
};

struct headend_eis {
    struct net_loop *loop;
    struct net_listener *listener;
    struct headend_eis_config config;
    struct headend_eis_ops ops;
    void *context;
    struct headend_eis_counters counters; /* those that only grow, and the last error */
    unsigned channel_count;
    LIST_HEAD(, headend__eis_channel) channels;
    LIST_HEAD(, headend__eis_connection) connections;
};

/* Takes `tcp` over: sets it up, or closes it. */
void headend__eis_connection_accept(struct headend_eis *eis, struct net_tcp *tcp);
void headend__eis_connection_destroy(struct headend__eis_connection *connection);

/* Asks the EIS now whether it lives, unless it is being asked. */
void headend__eis_connection_test(struct headend__eis_connection *connection);

/* An answer, or a change: what rate_max counts. */
void headend__eis_connection_charge(struct headend__eis_connection *connection);

/* The channel for `connection`, new or left by an earlier one; or an error_status. */
uint16_t headend__eis_channel_open(struct headend__eis_connection *connection, uint16_t channel_id);
void headend__eis_channel_close(struct headend__eis_connection *connection);
struct headend__eis_channel *headend__eis_channel_find(const struct headend_eis *eis, uint16_t channel_id);

/* A sentence for management, about the channel too where there is one (NULL). */
__attribute__((format(printf, 3, 4))) void
headend__eis_say(struct headend_eis *eis, struct headend__eis_channel *channel, const char *format, ...);

#endif
