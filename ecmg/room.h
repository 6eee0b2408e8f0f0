/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ecmg/room.h: what the files of ecmg/ share. Private to the room. */
#ifndef ECMG_ROOM_H
#define ECMG_ROOM_H

#include <sys/queue.h>

#include "ecmg/ecm.h"
#include "ecmg/server.h"
#include "net/tcp.h"
#include "simulcrypt/ecmg_session.h"

#define ECMG__CHANNEL_IDS    65536
#define ECMG__STREAM_BUCKETS 256  /* of one channel, by ECM_stream_id */
#define ECMG__ECM_BUCKETS    4096 /* of the server, by ECM_id */
#define ECMG__OUTPUT_MAX     (64 * 1024)

struct ecmg__connection;

/* One Super_CAS_id, or any. */
struct ecmg__service {
    const struct ecmg_service_config *config;
    const struct ecmg_channel_config *channel;
    struct ecmg_ecm_key *key;
};

/* CWs that came early, each at its CP_number modulo the room: lead_CW is less than that. */
struct ecmg__cw {
    uint16_t cp_number;
    struct base_secret cw; /* size 0: none */
};

struct ecmg__cws {
    struct ecmg__cw entries[SIMULCRYPT_CWS_MAX];
};

struct ecmg__stream {
    LIST_ENTRY(ecmg__stream) in_channel, in_server;
    struct ecmg__connection *connection;
    uint16_t stream_id, ecm_id;
    uint16_t access_criteria_size; /* sent only when they change, so kept */
    uint8_t access_criteria[ECMG_ACCESS_CRITERIA_MAX];
    struct ecmg__cws *cws; /* NULL: each CW_provision holds the CW of its own crypto-period */
};

LIST_HEAD(ecmg__streams, ecmg__stream);

struct ecmg__watch {
    struct net_timer *timer; /* also ends a connection, in the loop's next round */
    uint64_t accepted_ms, heard_ms;
    uint64_t tested_ms;        /* 0: never */
    uint16_t tested_stream_id; /* the last */
    bool last_look; /* the time is over; where it was us who stood still, the answer is read in the next round
                     */
};

struct ecmg__delay {
    struct net_timer *timer; /* NULL: answers do not wait */
    STAILQ_HEAD(, ecmg__answer) answers;
    unsigned count;
};

struct ecmg__connection {
    LIST_ENTRY(ecmg__connection) link;
    struct ecmg_server *server;
    struct net_tcp *tcp;
    struct simulcrypt_ecmg_session *session;
    struct ecmg__watch watch;
    struct ecmg__delay delay;
    const struct ecmg__service *service; /* of its channel; NULL: none is open */
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
    struct ecmg__service services[ECMG_SERVICES_MAX];
    struct ecmg__connection
        *reading; /* whose input is at work; its answers are gathered, and leave at once */
    size_t output_size;
    uint8_t output[ECMG__OUTPUT_MAX];
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
/* The one with the next greater id, after the greatest the one with the least; NULL: there is none. */
struct ecmg__stream *ecmg__stream_after(struct ecmg__connection *connection, uint16_t stream_id);

/* Makes the ECM for a CW_provision and answers it; else the error_status. */
uint16_t ecmg__provision_answer(struct ecmg__stream *stream, const struct simulcrypt_cw_provision *provision);

/* Keeps a provision's CWs, and wipes those from before its crypto-period and from more than lead_CW after. */
void ecmg__cws_keep(struct ecmg__cws *cws, const struct simulcrypt_cw_provision *provision, uint8_t lead_cw);
/* Its `cw` points into `cws`, NULL where there is none. */
struct simulcrypt_cp_cw ecmg__cws_find(struct ecmg__cws *cws, uint16_t cp_number);

/* Time; `create` begins to wait for a channel. */
int ecmg__watch_create(struct ecmg__connection *connection);
void ecmg__watch_channel(struct ecmg__connection *connection); /* it was opened */
void ecmg__watch_heard(struct ecmg__connection *connection, uint32_t messages, uint64_t now_ms);

/* Sends an ECM_response after answer_delay. -ENOBUFS where too many wait, -ENOMEM. */
int ecmg__delay_create(struct ecmg__connection *connection);
int ecmg__delay_answer(struct ecmg__connection *connection, uint16_t stream_id, uint16_t cp_number,
                       const uint8_t *datagram, size_t size);
void ecmg__delay_forget(struct ecmg__connection *connection, uint16_t stream_id);
void ecmg__delay_destroy(struct ecmg__connection *connection);

#endif
