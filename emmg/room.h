/* SPDX-License-Identifier: GPL-3.0-or-later */
/* emmg/room.h: what client.c and provision.c share. Private to the room. */
#ifndef EMMG_ROOM_H
#define EMMG_ROOM_H

#include "base/bucket.h"
#include "emmg/client.h"
#include "net/udp.h"
#include "ts/pack.h"

#define EMMG__SECTIONS_MAX 64 /* of one message */
#define EMMG__PACKETS_MAX  24 /* of one message */

struct emmg_client {
    struct emmg_client_config config;
    struct net_loop *loop;
    struct net_tcp *tcp; /* NULL: waiting for the next attempt */
    struct net_udp *udp; /* NULL: data goes over TCP */
    struct simulcrypt_emmg_session *session;
    struct net_timer *reconnect, *tick, *pace_timer, *refresh, *end;
    bool connected; /* TCP is */
    bool up;        /* the stream is, and its bandwidth is known */
    bool stopping;
    uint64_t up_ms;
    uint64_t backoff_ms;
    struct base_bucket pace;
    struct emmg_client_counters counters;
    char error[320];
    char refused[256]; /* what was told last about the folder */
    uint8_t packets[EMMG__PACKETS_MAX * TS_PACKET_SIZE];
    uint8_t sections[EMMG__PACKETS_MAX * TS_PACK_BYTES_MIN];
    uint8_t message[UINT16_MAX];
};

/* 0: the MUX named none. Sending begins, or goes on at the new pace. */
void emmg__provision_set_bandwidth(struct emmg_client *client, uint16_t bandwidth);

/* Sends what the pace allows, and comes back by `pace_timer`. */
void emmg__provision_send(void *client);

#endif
