/* SPDX-License-Identifier: GPL-3.0-or-later */
/* headend/mux_room.h: what the files of the MUX share. Private to headend/. One thread. */
#ifndef HEADEND_MUX_ROOM_H
#define HEADEND_MUX_ROOM_H

#include <sys/queue.h>

#include "headend/mux.h"
#include "headend/mux_feed.h"
#include "net/tcp.h"
#include "net/udp.h"
#include "simulcrypt/mux_session.h"

struct headend__mux_connection {
    LIST_ENTRY(headend__mux_connection) link;
    struct headend_mux *mux;
    struct net_tcp *tcp;
    struct net_timer *patience; /* ends a connection without a channel, without an answer, or to be closed */
    struct simulcrypt_mux_session *session;
    bool ending;
    bool tested;      /* and has not answered yet */
    unsigned refused; /* set-ups */
    struct headend_mux_connection_status status;
};

/* An open data stream of a connection. */
struct headend__mux_stream {
    LIST_ENTRY(headend__mux_stream) link;
    struct headend__mux_connection *connection;
    struct headend__mux_target *target;
    uint16_t stream_id, data_id;
    uint16_t asked; /* kbit/s; 0: it did not */
    uint16_t allocated;
};

/* An entry of the configuration, and what became of it. */
struct headend__mux_target {
    const struct headend_mux_entry *config;
    struct headend__mux_feed *feed;
    struct base_bucket udp_bandwidth; /* of what comes without a connection */
    struct headend_mux_entry_status status;
};

struct headend_mux {
    struct net_loop *loop;
    struct headend_mux_config config;
    struct net_listener *listener;
    struct net_udp *udp;
    struct headend_mux_counters counters;
    struct headend__mux_target targets[HEADEND_MUX_ENTRIES_MAX];
    unsigned feed_count;
    struct headend__mux_feed feeds[HEADEND_MUX_ENTRIES_MAX]; /* one per PID of a transport stream */
    bool bandwidth_freed;
    bool cat_changed[HEADEND_MUX_ENTRIES_MAX]; /* by entry */
    LIST_HEAD(, headend__mux_connection) connections;
    LIST_HEAD(, headend__mux_stream) streams;
    struct ts_order order; /* scratch */
};

/* mux_connection.c */

/* Takes `tcp` over: sets it up, or closes it. */
void headend__mux_connection_accept(struct headend_mux *mux, struct net_tcp *tcp);
void headend__mux_connection_destroy(struct headend__mux_connection *connection);
/* Asks whether the peer is still there; without an answer it is closed. */
void headend__mux_connection_test(struct headend__mux_connection *connection);

/* mux_books.c: what is open over all connections. The session of a connection has checked what concerns that
 * alone; the answers are error_status values. */

uint16_t headend__mux_channel_open(struct headend__mux_connection *connection, uint32_t client_id,
                                   uint16_t channel_id, enum simulcrypt_format format);
void headend__mux_channel_close(struct headend__mux_connection *connection);
uint16_t headend__mux_stream_open(struct headend__mux_connection *connection,
                                  const struct simulcrypt_data_stream *about, uint16_t *bandwidth);
void headend__mux_stream_close(struct headend__mux_connection *connection, uint16_t stream_id);
struct headend__mux_stream *headend__mux_stream_find(const struct headend__mux_connection *connection,
                                                     uint16_t stream_id);
/* The open stream of any connection; NULL. */
struct headend__mux_stream *headend__mux_stream_of_data(const struct headend_mux *mux, uint32_t client_id,
                                                        uint16_t data_id);
/* The entry for it, NULL. data_id 0, which is all that version 1 has, is also the only entry of a client. */
struct headend__mux_target *headend__mux_target_find(struct headend_mux *mux, uint32_t client_id,
                                                     uint16_t data_id);
void headend__mux_target_see(struct headend_mux *mux, struct headend__mux_target *target);
/* A sound datagram has come for it. */
void headend__mux_target_take(struct headend_mux *mux, struct headend__mux_target *target,
                              enum simulcrypt_format format, const uint8_t *datagram, size_t size);

/* mux_bandwidth.c */

/* kbit/s that the stream may have, 1 at the least. */
uint16_t headend__mux_bandwidth_left(const struct headend_mux *mux, const struct headend__mux_stream *stream);
/* Answers stream_BW_request; `asked` may be NULL. */
uint16_t headend__mux_bandwidth_allocate(const struct headend_mux *mux, struct headend__mux_stream *stream,
                                         const uint16_t *asked);
/* Gives streams that got less than they asked for what was freed since. */
void headend__mux_bandwidth_share_out(struct headend_mux *mux);

/* mux_udp.c */
int headend__mux_udp_open(struct headend_mux *mux);

#endif
