/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench/contender.h: whoever can turn a load: our tiers, and the libraries that they are measured against.
 *
 * A load is handed over before it is turned, in the form that the contender likes best: what is measured is
 * the turning alone, for ours as for the libraries. One thread at a time. */
#ifndef BENCH_CONTENDER_H
#define BENCH_CONTENDER_H

#include <stdbool.h>

#include "bench/lanes.h"

/* Tiers that are libraries behind our interface are named with this before it; the plain names ("libdvbcsa",
 * "openssl", "ipsec-mb") are the libraries themselves, driven without us. */
#define BENCH_WRAPPER_PREFIX "tier-"

#define BENCH_LOAD_MAX  CIPHER_BATCH_MAX /* lanes */
#define BENCH_NAME_SIZE 32

struct bench_contender;

struct bench_contender_operations {
    int (*add_key)(struct bench_contender *contender); /* one more key object, not set yet */
    int (*set_key)(struct bench_contender *contender, unsigned key, const uint8_t *cw);
    void (*load)(struct bench_contender *contender, enum cipher_direction direction,
                 const struct bench_lane *lanes, unsigned count, unsigned batch);
    void (*run)(struct bench_contender *contender);
    void (*close)(struct bench_contender *contender);
};

/* The first member of each contender's own structure. */
struct bench_contender {
    const struct bench_contender_operations *operations;
    char name[BENCH_NAME_SIZE];
    enum cipher_algorithm algorithm;
    unsigned keys;     /* objects that there are */
    bool peer;         /* a library, not ours */
    bool default_tier; /* the tier that commands take on this CPU */
};

/* Writes the name of the algorithm's n-th contender: our tiers, best first, then the libraries. False after
 * the last. Those that this CPU or build lacks are named too. */
bool bench_contender_name(enum cipher_algorithm algorithm, unsigned n, char name[static BENCH_NAME_SIZE]);

/* The name of the tier that commands take on this CPU; false where there is none. */
bool bench_contender_default(enum cipher_algorithm algorithm, char name[static BENCH_NAME_SIZE]);

/* -ENOENT for a name that the algorithm does not have, -ENOTSUP for a contender that this CPU or build lacks,
 * BASE_E_SELF_TEST, BASE_E_CRYPTO, -ENOMEM. */
int bench_contender_open(struct bench_contender **contender, enum cipher_algorithm algorithm,
                         const char *name);
void bench_contender_close(struct bench_contender *contender); /* NULL is allowed */

/* Makes what is missing of the first `count` keys and prepares them: -ENOMEM, BASE_E_CRYPTO. */
int bench_contender_set_keys(struct bench_contender *contender, const uint8_t (*cws)[BENCH_CW_SIZE],
                             unsigned count);

/* Hands over up to BENCH_LOAD_MAX lanes, which are turned in place, `batch` per call, each time that
 * bench_contender_run() is called. Their keys are set. */
static inline void bench_contender_load(struct bench_contender *contender, enum cipher_direction direction,
                                        const struct bench_lane *lanes, unsigned count, unsigned batch)
{
    contender->operations->load(contender, direction, lanes, count, batch);
}

static inline void bench_contender_run(struct bench_contender *contender)
{
    contender->operations->run(contender);
}

#endif
