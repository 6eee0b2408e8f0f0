/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The life of a slot, told by counts of slots since the beginning (number n lies in place n mod KEYS_SLOTS):
 *
 *   released ≤ retired ≤ begun - 1 < begun ≤ published ≤ released + KEYS_SLOTS
 *
 *   [begun, published)    not begun at the worker's last packet
 *   begun - 1             the running slot
 *   [retired, begun - 1)  left behind by the worker, not noticed by control yet
 *   [released, retired)   in grace: lanes of the worker's burst may still point to the key
 *   below released        wiped; the place is free
 *
 * `published` is written by control (release: the slot's content comes before it), `begun` by the worker
 * (release: after it the worker hands out no earlier slot); the other two belong to control. A grace token is
 * taken after begun was seen (acquire), so that a quiescent point after the token is one at which the worker
 * keeps nothing of a slot below begun - 1. */
#include "keys/slots.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define CACHE_LINE 64

struct place {
    struct keys_slot slot;
    struct cipher_key *key; /* owned; of no meaning but in a KEYS_SLOT_KEY */
    uint64_t token;         /* of the grace period */
};

struct keys_slots {
    struct place places[KEYS_SLOTS];
    _Alignas(CACHE_LINE) _Atomic uint64_t published;
    uint64_t retired, released;
    struct keys_grace grace;
    _Alignas(CACHE_LINE) _Atomic uint64_t begun;
};

static struct place *place_of(const struct keys_slots *slots, uint64_t number)
{
    return (struct place *)(uintptr_t)&slots->places[number % KEYS_SLOTS];
}

int keys_slots_create(struct keys_slots **out, const struct cipher *cipher, const struct keys_grace *grace)
{
    struct keys_slots *slots = aligned_alloc(CACHE_LINE, sizeof(*slots));
    int status = 0;

    if (!slots)
        return -ENOMEM;
    memset(slots, 0, sizeof(*slots));
    if (grace)
        slots->grace = *grace;
    for (int i = 0; i < KEYS_SLOTS && status == 0; i++)
        status = cipher_key_create(&slots->places[i].key, cipher);
    if (status < 0) {
        keys_slots_destroy(slots);
        return status;
    }
    *out = slots;
    return 0;
}

void keys_slots_destroy(struct keys_slots *slots)
{
    if (!slots)
        return;
    for (int i = 0; i < KEYS_SLOTS; i++)
        cipher_key_destroy(slots->places[i].key);
    base_secure_zero(slots, sizeof(*slots));
    free(slots);
}

/* Begins the grace period of each slot that the worker has left behind. */
static void retire_slots(struct keys_slots *slots)
{
    uint64_t begun = atomic_load_explicit(&slots->begun, memory_order_acquire);

    for (; slots->retired + 1 < begun; slots->retired++) {
        if (slots->grace.begin)
            place_of(slots, slots->retired)->token = slots->grace.begin(slots->grace.context);
    }
}

static bool is_grace_over(const struct keys_slots *slots, const struct place *place)
{
    return !slots->grace.elapsed || slots->grace.elapsed(slots->grace.context, place->token);
}

/* Wipes what is past its grace period, and so frees its place. */
static void release_slots(struct keys_slots *slots)
{
    for (; slots->released < slots->retired; slots->released++) {
        struct place *place = place_of(slots, slots->released);

        if (!is_grace_over(slots, place))
            return;
        if (place->slot.kind == KEYS_SLOT_KEY)
            cipher_key_clear(place->key);
        place->slot = (struct keys_slot){0};
    }
}

static bool is_valid(enum keys_slot_kind kind, uint8_t parity, const struct base_secret *cw)
{
    return (kind == KEYS_SLOT_KEY) == (cw != NULL) && parity <= 1;
}

static bool begins_in_turn(const struct keys_slots *slots, uint64_t published, uint64_t start)
{
    return !published || start >= place_of(slots, published - 1)->slot.start;
}

bool keys_slots_has_room(struct keys_slots *slots, uint64_t start)
{
    uint64_t published = atomic_load_explicit(&slots->published, memory_order_relaxed);

    retire_slots(slots);
    release_slots(slots);
    return published - slots->released < KEYS_SLOTS && begins_in_turn(slots, published, start);
}

int keys_slots_publish(struct keys_slots *slots, enum keys_slot_kind kind, uint64_t crypto_period,
                       uint64_t start, uint8_t parity, const struct base_secret *cw)
{
    uint64_t published = atomic_load_explicit(&slots->published, memory_order_relaxed);
    struct place *place = place_of(slots, published);
    int status;

    retire_slots(slots);
    release_slots(slots);
    if (!is_valid(kind, parity, cw) || !begins_in_turn(slots, published, start))
        return -EINVAL;
    if (published - slots->released == KEYS_SLOTS)
        return -EAGAIN;
    status = cw ? cipher_key_set(place->key, cw->bytes, cw->size) : 0;
    if (status < 0) {
        cipher_key_clear(place->key);
        return status;
    }
    place->slot = (struct keys_slot){.start = start,
                                     .crypto_period = crypto_period,
                                     .key = cw ? place->key : NULL,
                                     .kind = kind,
                                     .parity = parity};
    atomic_store_explicit(&slots->published, published + 1, memory_order_release);
    return 0;
}

bool keys_slots_newest(const struct keys_slots *slots, struct keys_slot *slot)
{
    uint64_t published = atomic_load_explicit(&slots->published, memory_order_relaxed);

    if (published)
        *slot = place_of(slots, published - 1)->slot;
    return published != 0;
}

const struct keys_slot *keys_slots_current(struct keys_slots *slots, uint64_t source_time)
{
    uint64_t begun = atomic_load_explicit(&slots->begun, memory_order_relaxed);
    uint64_t published = atomic_load_explicit(&slots->published, memory_order_acquire);
    uint64_t before = begun;

    while (begun < published && place_of(slots, begun)->slot.start <= source_time)
        begun++;
    if (begun != before)
        atomic_store_explicit(&slots->begun, begun, memory_order_release);
    return begun ? &place_of(slots, begun - 1)->slot : NULL;
}
