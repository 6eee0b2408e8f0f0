/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tests/ecmg/ours.h: our server on a free port, SCSs of ours, and peers that this project has no hand in. */
#ifndef TESTS_ECMG_OURS_H
#define TESTS_ECMG_OURS_H

#include "ecmg/ecm.h"
#include "ecmg/server.h"
#include "scs.h"

#define OWN_CAS   0x4adc0001u
#define OTHER_CAS 0x4adc0002u

/* One key, for OWN_CAS; change the configuration before ours_start(). */
struct ours {
    struct net_loop *loop;
    struct ecmg_server *server;
    struct ecmg_server_config config;
    struct ecmg_server_counters counters; /* as of the last ours_count() */
    uint16_t port;
    struct ecmg_ecm opened; /* the last one */
};
extern struct ours ours;

void ours_set_up(void);
void ours_tear_down(void);
void ours_start(void);
void ours_stop(void); /* for another configuration */
void ours_count(void);
void ours_wait_ms(uint64_t ms);

void ours_start_scs(struct scs *scs, uint16_t channel_id, unsigned streams, uint16_t first_ecm_id);
void ours_assert_refused(struct scs *scs, const char *text); /* the set-up, in these words */
void ours_assert_serves(void);                               /* a fresh SCS */

/* Opens the last ECM (a section) and compares its control words: -1 for none of this parity. */
void ours_assert_ecm(const struct scs *scs, uint16_t cp_number, uint8_t cw_size, int even_cp, int odd_cp);

/* Whole messages by hand (TS 103 197, clause 5), version 2, channel 1, OWN_CAS, stream 1. */
#define CHANNEL_SETUP "020001000e000e00020001000100044adc0001"
#define STREAM_SETUP  "0201010018000e00020001000f00020001001900020005001000020064"
#define PROVISION                                                                                            \
    "0202010034000e00020001000f00020001001200020000"                                                         \
    "0014000a00000102030405060708"                                                                           \
    "0014000a00011112131415161718"                                                                           \
    "000d0002aabb"
#define CHANNEL_TEST "0200020006000e00020001"

int peer_connect(void);
void peer_send(int peer, const char *hex);
size_t peer_receive(int peer, uint8_t *bytes, size_t wanted); /* fewer where it ends, or after ten seconds */
bool peer_closed(int peer); /* whether the server closes this connection within ten seconds */
/* Sends and takes one answer of this type; returns the answer's size without the header. */
size_t peer_ask(int peer, const char *hex, uint16_t answer_type, uint8_t answer[static 512]);

#endif
