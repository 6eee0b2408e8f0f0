/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ecmg/room.h: what server.c, connection.c and provision.c share. Private to the room. */
#ifndef ECMG_ROOM_H
#define ECMG_ROOM_H

#include <sys/queue.h>

#include "ecmg/ecm.h"
#include "ecmg/server.h"
#include "net/tcp.h"
#include "simulcrypt/ecmg_session.h"

#define ECMG__CHANNEL_IDS    65536
#define ECMG__STREAM_BUCKETS 64   /* of one channel, by ECM_stream_id */
#define ECMG__ECM_BUCKETS    1024 /* of the server, by ECM_id */

struct ecmg__connection;

struct ecmg__stream {
    LIST_ENTRY(ecmg__stream) in_channel, in_server;
    struct ecmg__connection *connection;
    uint16_t stream_id, ecm_id;
    uint16_t access_criteria_size; /* sent only when they change, so kept */
    uint8_t access_criteria[ECMG_ACCESS_CRITERIA_MAX];
};

LIST_HEAD(ecmg__streams, ecmg__stream);

struct ecmg__connection {
    LIST_ENTRY(ecmg__connection) link;
    struct ecmg_server *server;
    struct net_tcp *tcp;
    struct net_timer *patience; /* ends a connection that sets up no channel, and one that is to be closed */
    struct simulcrypt_ecmg_session *session;
    const struct ecmg_service_config *service; /* of its channel; NULL: none is open */
    bool ending;
    uint16_t channel_id;
    uint32_t super_cas_id;
    struct ecmg__streams streams[ECMG__STREAM_BUCKETS];
};

struct ecmg_server {
    struct net_loop *loop;
    struct net_listener *listener;
    struct ecmg_server_config config;
    struct ecmg_server_counters counters;
    uint8_t channels_in_use[ECMG__CHANNEL_IDS / 8]; /* one bit per ECM_channel_id */
    struct ecmg__streams streams[ECMG__ECM_BUCKETS];
    LIST_HEAD(, ecmg__connection) connections;
};

/* Takes `tcp` over: sets it up, or closes it. */
void ecmg__connection_accept(struct ecmg_server *server, struct net_tcp *tcp);
void ecmg__connection_destroy(struct ecmg__connection *connection);

/* Setup and close of channels and streams, as far as other connections matter: what concerns one channel
 * alone the session has checked. The answers are error_status values. */
uint16_t ecmg__channel_open(struct ecmg__connection *connection, uint16_t channel_id, uint32_t super_cas_id);
void ecmg__channel_close(struct ecmg__connection *connection);
uint16_t ecmg__stream_open(struct ecmg__connection *connection, uint16_t stream_id, uint16_t ecm_id);
void ecmg__stream_close(struct ecmg__connection *connection, uint16_t stream_id);
struct ecmg__stream *ecmg__stream_find(struct ecmg__connection *connection, uint16_t stream_id);

/* Makes the ECM for a CW_provision and answers it; else the error_status. */
uint16_t ecmg__provision_answer(struct ecmg__stream *stream, const struct simulcrypt_cw_provision *provision);

#endif
