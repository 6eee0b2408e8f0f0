/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tests/tiers/trial.h: what a tier has to go through: all lengths, alignments, batch sizes, mixtures.
 *
 * Each function returns false at the first difference; match.failure says which. All follows from the seed.
 * One thread per trial. */
#ifndef TESTS_TIERS_TRIAL_H
#define TESTS_TIERS_TRIAL_H

#include "tests/tiers/match.h"

struct trial {
    enum cipher_algorithm algorithm;
    uint64_t seed;
    struct pool_judge judge;
    struct match match;
    struct pool pool;
};

/* Of one tier; as match_open(). The struct is large: no local variable. */
int trial_open(struct trial *trial, enum cipher_algorithm algorithm, const char *tier, struct field *field,
               uint64_t seed, struct pool_judge judge);
void trial_close(struct trial *trial);

/* The pool of one round for match_play(): mixtures of lengths and numbers of keys change with the round.
 * `packets` are left to be turned; returns how many of them the pool has. */
unsigned trial_make_round(struct pool *pool, enum cipher_algorithm algorithm, uint64_t seed, uint64_t round,
                          uint64_t packets, const struct pool_judge *judge);

/* Rounds from the first on, until `packets` packets have been turned both ways. */
bool trial_packets(struct trial *trial, uint64_t packets);

/* Every payload length: in every layout, at each alignment, alone and in batches, both directions. */
bool trial_lengths(struct trial *trial);

/* Batches of every size from 0 to `last` lanes and of the two largest, both directions; of all mixtures of
 * lengths, or of short payloads alone (a fifth of the time for a slow tier). */
bool trial_sizes(struct trial *trial, unsigned last, bool only_short);

/* The same lanes and key objects again, but with other control words in the keys. */
bool trial_new_words(struct trial *trial);

#endif
