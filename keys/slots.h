/* SPDX-License-Identifier: GPL-3.0-or-later */
/* keys/slots.h: the control words of one scrambling control group (SCG), handed from control to a worker.
 *
 * A ring of at least three slots. Control publishes what holds from a source time on; the worker asks for
 * what holds at a packet's source time, so a late control plane never delays a boundary (design decision 2).
 * One control thread publishes, one worker reads; neither blocks. Prepared keys are made when a CW is
 * published, never per packet. */
#ifndef KEYS_SLOTS_H
#define KEYS_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"
#include "cipher/cipher.h"

#define KEYS_SLOTS 4 /* slots of a ring: the running one, two ahead, one in its grace period */

enum keys_slot_kind {
    KEYS_SLOT_BLACK, /* no key: protected packets become null packets */
    KEYS_SLOT_CLEAR, /* by policy only: protected packets stay clear */
    KEYS_SLOT_KEY,   /* scramble with `key` */
};

/* What holds from `start` on. Read-only for the worker, valid until its next quiescent point. */
struct keys_slot {
    uint64_t start;         /* source time, 27 MHz ticks */
    uint64_t crypto_period; /* counted in 64 bits; CP_number on the wire is its low 16 */
    const struct cipher_key *key;
    enum keys_slot_kind kind;
    uint8_t parity; /* 0 even (TSC 10), 1 odd (TSC 11) */
};

struct keys_slots;

/* Says whether every reader has passed a quiescent point since `token` was taken. What a reader did before
 * that point must be visible once elapsed() says so (acquire): rte_rcu_qsbr_start() and _check() do it. NULL
 * callbacks: reader and publisher are one thread, and what publish() replaces is never in use. */
struct keys_grace {
    uint64_t (*begin)(void *context); /* a token for "now" */
    bool (*elapsed)(void *context, uint64_t token);
    void *context;
};

/* `cipher` names algorithm and tier of the prepared keys; it is not kept. `grace` is copied, NULL allowed. */
int keys_slots_create(struct keys_slots **slots, const struct cipher *cipher, const struct keys_grace *grace);
void keys_slots_destroy(struct keys_slots *slots); /* wipes; no reader may be left; NULL is allowed */

/* Control: from `start` on, this holds; of slots with one start the last published wins. `start` must not be
 * below the newest published one, and `cw` is NULL for a kind without a key and of the algorithm's size for
 * the other (-EINVAL). -EAGAIN while every slot is ahead of the worker, running, or in its grace period: try
 * again after the worker's next burst. A slot is wiped when it is found to be out of use here. */
int keys_slots_publish(struct keys_slots *slots, enum keys_slot_kind kind, uint64_t crypto_period,
                       uint64_t start, uint8_t parity, const struct base_secret *cw);

/* Control: whether keys_slots_publish() would find a place now for what begins at `start`; false where that
 * is before the newest one's. Whoever publishes to several rings at once asks all of them first. */
bool keys_slots_has_room(struct keys_slots *slots, uint64_t start);

/* Control: what was published last; false before the first. */
bool keys_slots_newest(const struct keys_slots *slots, struct keys_slot *slot);

/* Worker: the newest slot whose start is not after `source_time` (never decreasing), or NULL before the first
 * (the caller treats NULL as black). A few loads; no lock. The worker also marks what it has left behind,
 * which is what lets the publisher reuse a slot. */
const struct keys_slot *keys_slots_current(struct keys_slots *slots, uint64_t source_time);

#endif
