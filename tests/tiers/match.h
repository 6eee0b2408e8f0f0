/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tests/tiers/match.h: one tier turns batches of a judged pool; every byte must be the judge's.
 *
 * Shared by the suites of tests/cipher and the program cipher_check: needs nothing but bench/'s loads and the
 * room cipher/. A match belongs to one thread. */
#ifndef TESTS_TIERS_MATCH_H
#define TESTS_TIERS_MATCH_H

#include <stdbool.h>

#include "tests/tiers/field.h"
#include "tests/tiers/pool.h"

/* A batch: `count` lanes of a pool from lane `first` on, the pool's first following its last. */
struct match_batch {
    enum cipher_direction direction;
    enum field_layout layout;
    unsigned first, count;
};

struct match {
    struct cipher *cipher;
    struct cipher_key *keys[POOL_LANES];
    const struct pool *pool;                        /* whose control words the keys have */
    struct field *field;                            /* borrowed */
    struct cipher_lane unchanged[CIPHER_BATCH_MAX]; /* what the lanes were before they were turned */
    uint16_t lengths[CIPHER_BATCH_MAX];
    char failure[320]; /* one line: what was different, and the seed */
};

/* As cipher_create(). Matches of one thread may share a field; one that is only a judge has none (NULL). */
int match_open(struct match *match, enum cipher_algorithm algorithm, const char *tier, struct field *field);
void match_close(struct match *match); /* also one that could not be opened */

/* Gives the keys the pool's control words: the same objects as before with new words, but some that are made
 * anew, often where an old one was. False: `failure` says why. */
bool match_take_pool(struct match *match, const struct pool *pool);

/* Of the pool that was taken last. False for any difference, also in what is not the lanes' own. */
bool match_turn(struct match *match, struct match_batch batch);

/* Takes the pool, and turns it all in batches of many sizes and layouts, in both directions. */
bool match_play(struct match *match, const struct pool *pool);

/* A judge: the open match's tier, which turns all lanes in one batch. */
struct pool_judge match_as_judge(struct match *match);

/* What a skipped test says of a tier that match_open() gave -ENOTSUP or -ENOENT for. */
#define MATCH_LACKS_TIER "this CPU lacks it, or its mask, or this build"

#endif
