/* SPDX-License-Identifier: GPL-3.0-or-later */
/* judge.h: inside judge_simulcrypt: what its files share. One thread.
 *
 * Two streams are loaded whole: the output under judgement and, where given, what it was made from. A first
 * look takes the tables; then the output's packets are judged one by one, in order, with what a receiver of
 * each CAS had heard by then. */
#ifndef JUDGE_H
#define JUDGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"
#include "cipher/cipher.h"
#include "ts/psi.h"

#define JUDGE_KEYS     16
#define JUDGE_SERVICES 64
#define JUDGE_STREAMS  256
#define JUDGE_WORDS    4 /* CWs of one parity that are remembered */
#define JUDGE_BLINDS   32
#define JUDGE_PERIODS  65536
#define JUDGE_VARIANTS (JUDGE_KEYS * JUDGE_WORDS)
#define JUDGE_NONE     UINT64_MAX

struct judge_input {
    const char *path;
    uint8_t *packets; /* count × 188 bytes */
    uint64_t *times;  /* microseconds, from the first packet on */
    size_t count;
};

/* PCRs give the times of TS files, arrival those of captures. 0, or a negative error. */
int judge_input_load(struct judge_input *input, const char *path, const char *flow);
void judge_input_clear(struct judge_input *input);

static inline const uint8_t *judge_input_packet(const struct judge_input *input, size_t at)
{
    return input->packets + at * TS_PACKET_SIZE;
}

struct judge_key {
    uint32_t super_cas_id;
    struct base_secret secret;
    bool always; /* this CAS has to open every scrambled packet */
};

/* A CW that an ECM stream has brought. */
struct judge_word {
    struct base_secret cw;
    uint16_t cp_number;
    uint64_t since;  /* when the first ECM with it was complete */
    uint64_t period; /* the crypto-period that was opened with it, JUDGE_NONE before */
    struct cipher_key *key;
};

/* A stretch of packets that a CAS could not open. */
struct judge_blind {
    uint64_t packet, from, to, packets;
    const char *why;
};

struct judge_blinds {
    struct judge_blind list[JUDGE_BLINDS]; /* the first ones */
    struct judge_blind now;                /* packets 0: it sees */
    unsigned count;
    uint64_t packets;
    uint64_t longest;
};

struct judge_ecm { /* one content of an ECM PID */
    uint16_t cp_number;
    bool opened;
    uint64_t from, to; /* its first and last copy */
    uint64_t copies;
};

/* What one CA_descriptor points at. */
struct judge_stream {
    unsigned service;
    uint16_t component; /* PID, 0 for all of the service */
    uint16_t ecm_pid;
    uint16_t ca_system_id;
    int key;                                 /* index; -1 until an ECM tells the CAS */
    struct judge_word words[2][JUDGE_WORDS]; /* per parity, the newest first */
    uint8_t last[TS_SECTION_MAX];
    size_t last_size;
    struct judge_ecm *ecms;
    size_t ecm_count, ecm_room;
    uint64_t sections, refused, same_table_id, cp_jumps;
    uint64_t last_time, gap_longest, gap_sum;
    uint64_t opened;
    struct judge_blinds blinds;
    struct judge_blinds superseded; /* opened with a CW that a later ECM had replaced */
    uint64_t lead_least;            /* of a CW before its first packet */
};

struct judge_period {
    uint64_t from, to, packet, packets; /* `to`: its last packet */
    uint8_t parity;
    uint64_t leads[JUDGE_KEYS]; /* JUDGE_NONE: its CAS did not open the first packet */
    uint16_t cps[JUDGE_KEYS];
};

struct judge_service {
    uint16_t id;
    bool judged;
    enum cipher_algorithm algorithm;
    struct judge_period *periods;
    size_t period_count;
    uint64_t short_periods;
    uint64_t first_scrambled;
    struct judge_blinds nobody; /* no CAS opens */
    struct judge_blinds clear;  /* from the first clear packet to the next scrambled one */
};

struct judge_pid {
    bool is_protected, is_pes, is_table, in_original, counted;
    uint8_t service; /* of `services`, where it is protected */
    uint8_t counter;
};

struct judge_counts {
    uint64_t packets, nulls, scrambled, clear, reserved, foreign, continuity;
    uint64_t black_at_start; /* of `black`: before any packet was scrambled */
    uint64_t compared, black, lost, changed, alien, lead_in, tail;
};

struct judge {
    struct judge_input output, original; /* the latter empty where there is none */
    struct judge_key keys[JUDGE_KEYS];
    unsigned key_count;
    unsigned kinds; /* bits of enum ts_component_kind that are to be protected */
    uint16_t wanted[JUDGE_SERVICES];
    unsigned wanted_count; /* 0: services with a CA_descriptor of a known CAS */
    uint64_t period_least;
    struct judge_service services[JUDGE_SERVICES];
    unsigned service_count;
    struct judge_stream *streams[JUDGE_STREAMS];
    unsigned stream_count;
    struct judge_pid pids[TS_PIDS];
    struct cipher *ciphers[CIPHER_ALGORITHMS];
    struct ts_section_demux *demux;
    struct judge_counts counts;
    size_t at;                             /* packet of the output under judgement */
    uint64_t now;                          /* its time */
    size_t cursor;                         /* next packet of the original */
    uint64_t slots_output, slots_original; /* packets of no account since the last match */
    int error;                             /* of a callback */
};

/* First look. Fills services, streams and pids from the tables of both streams. */
int judge_tables_read(struct judge *judge);

/* The second look's listening end: ECM streams are fed; words change between packets. */
int judge_ecm_start(struct judge *judge);
void judge_ecm_feed(struct judge *judge, const uint8_t *packet);
void judge_ecm_clear(struct judge *judge);

/* A packet as one CW leaves it. */
struct judge_variant {
    struct judge_word *word;
    struct judge_stream *stream;
    uint8_t packet[TS_PACKET_SIZE];
};

/* Finds the packet's original: NULL where there is none (counted). `packet` is the packet itself where it is
 * clear; else its variants are tried. */
const uint8_t *judge_align(struct judge *judge, const uint8_t *packet, const struct judge_variant *variants,
                           unsigned count);
void judge_align_slot(struct judge *judge); /* a packet of the output that has no original to find */
void judge_align_finish(struct judge *judge);
/* Equal but for transport_scrambling_control. */
bool judge_align_equal(const uint8_t *a, const uint8_t *b);

int judge_packets(struct judge *judge);

/* Takes what is known, as JSON; `faults` get a text for each thing that is not as it should be. */
struct judge_limits {
    uint64_t clear_most, late_most, gap_most, lead_in_most, tail_most;
    bool black, black_at_start, early;
};
json_t *judge_report(const struct judge *judge);
json_t *judge_faults(const struct judge *judge, const struct judge_limits *limits);

#endif
