/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cipher/aes_groups.h: chooses the lanes that a CBC-scrambling kernel takes together. Private to cipher/.
 *
 * A block of CBC needs the one before, so a kernel scrambles several packets in step. Packets of the same
 * number of blocks are collected, so that none waits for longer ones; only what is left at the end of a batch
 * is mixed, longest first. */
#ifndef CIPHER_AES_GROUPS_H
#define CIPHER_AES_GROUPS_H

#include <stdbool.h>

#include "cipher/aes_mode.h"

#define CIPHER__AES_GROUP_MAX 32

struct cipher__aes_group {
    const struct cipher_lane *lanes; /* the kernel's size; those behind `count` are empty, with a key */
    unsigned count;
    unsigned steps; /* blocks of the longest lane, and one for `residues` */
    bool mixed;     /* not every lane has the same number of whole blocks */
    bool residues;  /* IDSA: bytes behind the last whole block are XORed with one more encryption */
};

struct cipher__aes_kernel {
    unsigned size; /* lanes of a full group, up to CIPHER__AES_GROUP_MAX */
    /* May leave up to CIPHER__AES_IN_FLIGHT groups unfinished until finish(), which ends a batch; NULL for a
     * kernel that leaves none. */
    void (*scramble)(void *scratch, const struct cipher__aes_group *group);
    void (*finish)(void *scratch);
    /* All lanes; `residues` as above. */
    void (*descramble)(const struct cipher_lane *lanes, unsigned count, bool residues);
    /* AES-128-CTR, either direction: the stream is the key's. */
    void (*add_streams)(const struct cipher_lane *lanes, unsigned count);
};
#define CIPHER__AES_IN_FLIGHT 2

/* Scratch. Between calls of no meaning. */
struct cipher__aes_groups {
    struct cipher_lane *collected[CIPHER__AES_BLOCKS_MAX]; /* by whole blocks */
    unsigned counts[CIPHER__AES_BLOCKS_MAX];
    struct cipher_lane *used[CIPHER__AES_IN_FLIGHT]; /* lanes that may be in flight */
    unsigned oldest;                                 /* of `used` */
    struct cipher_lane memory[CIPHER__AES_BLOCKS_MAX + CIPHER__AES_IN_FLIGHT + 1][CIPHER__AES_GROUP_MAX];
};

/* run of struct cipher__tier, by a kernel. */
void cipher__aes_run(struct cipher__aes_groups *groups, const struct cipher__aes_kernel *kernel,
                     void *scratch, enum cipher_algorithm algorithm, enum cipher_direction direction,
                     const struct cipher_lane *lanes, unsigned count);

#endif
