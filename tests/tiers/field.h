/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tests/tiers/field.h: memory for a batch's payloads in which a stray access is noticed.
 *
 * Pages that cannot be touched fault at once where a payload borders on them; elsewhere bytes of poison stand
 * around it, and are looked at afterwards. The lanes' own array ends at such a page too. One thread. */
#ifndef TESTS_TIERS_FIELD_H
#define TESTS_TIERS_FIELD_H

#include "bench/random.h"
#include "cipher/cipher.h"

/* X(name, text) */
#define FIELD_LAYOUT_MAP(X)                                                                                  \
    X(PAGE_END, "up to a guard page")                                                                        \
    X(PAGE_START, "from a guard page on")                                                                    \
    X(SCATTERED, "each at another alignment")                                                                \
    X(PACKETS, "in 188-byte packets in a row")                                                               \
    X(TOUCHING, "in a row without a gap")

enum field_layout {
#define X(name, text) FIELD_##name,
    FIELD_LAYOUT_MAP(X)
#undef X
        FIELD_LAYOUTS
};

#define FIELD_ALIGNMENTS 64 /* a scattered batch of as many lanes has a payload at each */

struct field;

const char *field_layout_name(enum field_layout layout);

int field_create(struct field **field); /* -ENOMEM; CIPHER_BATCH_MAX payloads wide */
void field_destroy(struct field *field);

/* Makes `count` lanes, without keys, of the given lengths, and poisons what lies between them. In rows, lanes
 * lie in random order. The lanes and their payloads may be written until the next call. */
struct cipher_lane *field_lay(struct field *field, enum field_layout layout, const uint16_t *lengths,
                              unsigned count, struct bench_random *random);

/* The number of the first lane next to which poison has changed, or -1. */
int field_find_damage(const struct field *field);

#endif
