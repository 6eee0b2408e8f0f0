/* SPDX-License-Identifier: GPL-3.0-or-later */
/* emmg/client.h: an EMMG or PDG: sends a carousel's sections to a MUX (ETSI TS 103 197, clause 6), over
 * simulcrypt/emmg_session.h on net/tcp.h, or their data in UDP datagrams. One thread: the loop's.
 *
 * One channel with one stream. It asks for a bandwidth and keeps to what it is allocated, to later changes
 * too; bytes count as if packets were around them, so that it is right whichever way the MUX counts. Where
 * the connection is lost it comes back after 250 ms, doubling to 10 s, and goes on where it was. A version
 * that is refused (0x0002) is followed by the next lower one. */
#ifndef EMMG_CLIENT_H
#define EMMG_CLIENT_H

#include "emmg/carousel.h"
#include "net/tcp.h"
#include "simulcrypt/emmg_session.h"

struct emmg_client;

struct emmg_client_config {
    char host[256]; /* of the MUX's control connection */
    uint16_t port;
    struct net_tls *tls; /* borrowed; NULL: plain TCP */
    char udp_host[256];  /* where data goes in UDP datagrams, a multicast group maybe; empty: over TCP */
    uint16_t udp_port;
    bool udp_ids; /* data_channel_id and data_stream_id stand in those, too, for a MUX that wants them */
    struct simulcrypt_emmg_config session;
    struct simulcrypt_data_stream stream;
    uint16_t bandwidth;             /* kbit/s to ask for */
    uint64_t cycles;                /* times through the carousel; 0: for ever */
    struct emmg_carousel *carousel; /* borrowed */
    /* All cycles were sent, or emmg_client_stop() has done its work: it may be destroyed, but not inside. */
    void (*finished)(void *context);
    void *context;
};

struct emmg_client_counters {
    uint64_t attempts;                  /* connections tried */
    uint64_t connections;               /* that came to a stream */
    uint64_t sections, bytes, messages; /* sent; bytes of sections */
    uint64_t cycles;
    uint64_t errors;    /* told by the MUX */
    uint64_t refreshed; /* the folder was read anew */
    uint8_t version;    /* being spoken */
    uint16_t bandwidth; /* kbit/s being kept to; 0: no stream is up */
};

/* Connects at once. -EINVAL, -ENXIO for an address of UDP that there is not, -ENOMEM. */
int emmg_client_create(struct emmg_client **client, struct net_loop *loop,
                       const struct emmg_client_config *config);
/* Orderly end: stream_close_request and channel_close, 100 ms after the last UDP datagram; then finished().
 */
void emmg_client_stop(struct emmg_client *client);
void emmg_client_destroy(struct emmg_client *client); /* NULL is allowed */
void emmg_client_counters(const struct emmg_client *client, struct emmg_client_counters *counters);
const char *emmg_client_last_error(const struct emmg_client *client); /* a sentence, "" for none */

#endif
