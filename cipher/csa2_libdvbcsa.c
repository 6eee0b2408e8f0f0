/* SPDX-License-Identifier: GPL-3.0-or-later */
/* DVB-CSA2 by libdvbcsa: bitsliced batches of one key each, so lanes are grouped by key first. */
#include <dvbcsa/dvbcsa.h>
#include <errno.h>

#include "cipher/tier.h"

#define SHORTEST_PAYLOAD 8
/* A bitsliced call costs nearly the same for 1 lane as for a full batch (205 against 231 µs measured on
 * SSE2); below this many lanes the scalar calls are cheaper. */
#define SMALLEST_BITSLICED_GROUP 12
#define TABLE_BITS               13 /* twice CIPHER_BATCH_MAX places: one is always free, few are taken */
#define TABLE_SIZE               (1u << TABLE_BITS)
#define NONE                     0xffff

_Static_assert(TABLE_SIZE >= 2 * CIPHER_BATCH_MAX && CIPHER_BATCH_MAX < NONE, "lanes have 16-bit numbers");

struct group {
    const struct cipher_key *key;
    uint16_t first, last; /* lanes, chained by `next` */
    uint16_t count;
    uint16_t place; /* in the table */
};

struct scratch {
    struct dvbcsa_bs_batch_s batch[CIPHER_BATCH_MAX + 1]; /* of one call; and the end mark */
    struct group groups[CIPHER_BATCH_MAX];
    uint16_t next[CIPHER_BATCH_MAX];
    uint16_t table[TABLE_SIZE]; /* hash of a key's address to 1 + its group; all 0 between runs */
    unsigned group_count;
};

struct key_state {
    struct dvbcsa_key_s *scalar;
    struct dvbcsa_bs_key_s *bitsliced;
};

static void set_words(struct key_state *state, const uint8_t *cw)
{
    dvbcsa_key_set(cw, state->scalar);
    dvbcsa_bs_key_set(cw, state->bitsliced);
}

static int key_set(void *memory, enum cipher_algorithm algorithm, const uint8_t *cw,
                   const struct cipher_mode *mode)
{
    (void)algorithm;
    (void)mode;
    set_words(memory, cw);
    return 0;
}

static int key_open(void *memory, enum cipher_algorithm algorithm)
{
    struct key_state *state = memory;

    (void)algorithm;
    state->scalar = dvbcsa_key_alloc();
    state->bitsliced = dvbcsa_bs_key_alloc();
    return state->scalar && state->bitsliced ? 0 : -ENOMEM;
}

static void key_close(void *memory)
{
    static const uint8_t zeros[8];
    struct key_state *state = memory;

    if (state->scalar && state->bitsliced)
        set_words(state, zeros); /* the library frees without wiping */
    if (state->scalar)
        dvbcsa_key_free(state->scalar);
    if (state->bitsliced)
        dvbcsa_bs_key_free(state->bitsliced);
}

static unsigned hash_of(const struct cipher_key *key)
{
    uint64_t address = (uintptr_t)key / CIPHER__ALIGNMENT;

    return (unsigned)((address * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - TABLE_BITS));
}

static struct group *group_of(struct scratch *scratch, const struct cipher_key *key)
{
    unsigned at = hash_of(key);
    struct group *group;

    while (scratch->table[at]) {
        group = &scratch->groups[scratch->table[at] - 1];
        if (group->key == key)
            return group;
        at = (at + 1) % TABLE_SIZE;
    }
    group = &scratch->groups[scratch->group_count++];
    *group = (struct group){.key = key, .first = NONE, .last = NONE, .place = (uint16_t)at};
    scratch->table[at] = (uint16_t)scratch->group_count;
    return group;
}

static void append_lane(struct scratch *scratch, struct group *group, unsigned lane)
{
    scratch->next[lane] = NONE;
    if (group->last == NONE)
        group->first = (uint16_t)lane;
    else
        scratch->next[group->last] = (uint16_t)lane;
    group->last = (uint16_t)lane;
    group->count++;
}

static void group_lanes(struct scratch *scratch, const struct cipher_lane *lanes, unsigned count)
{
    struct group *group = NULL;

    for (unsigned i = 0; i < count; i++) {
        if (lanes[i].length < SHORTEST_PAYLOAD)
            continue;
        if (!group || group->key != lanes[i].key)
            group = group_of(scratch, lanes[i].key);
        append_lane(scratch, group, i);
    }
}

static void turn_scalar(enum cipher_direction direction, const struct key_state *state,
                        const struct dvbcsa_bs_batch_s *batch, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (direction == CIPHER_SCRAMBLE)
            dvbcsa_encrypt(state->scalar, batch[i].data, batch[i].len);
        else
            dvbcsa_decrypt(state->scalar, batch[i].data, batch[i].len);
    }
}

static void turn_bitsliced(enum cipher_direction direction, const struct key_state *state,
                           struct dvbcsa_bs_batch_s *batch, unsigned count, unsigned longest)
{
    unsigned blocks = (longest + 7) / 8;

    batch[count].data = NULL;
    if (direction == CIPHER_SCRAMBLE)
        dvbcsa_bs_encrypt(state->bitsliced, batch, blocks * 8);
    else
        dvbcsa_bs_decrypt(state->bitsliced, batch, blocks * 8);
}

/* The group's next `count` lanes, from `*lane` on, become the library's batch. Returns the longest length. */
static unsigned take_lanes(struct scratch *scratch, const struct cipher_lane *lanes, unsigned *lane,
                           unsigned count)
{
    unsigned longest = 0;

    for (unsigned i = 0; i < count; i++, *lane = scratch->next[*lane]) {
        const struct cipher_lane *it = &lanes[*lane];

        scratch->batch[i] = (struct dvbcsa_bs_batch_s){it->payload, it->length};
        if (it->length > longest)
            longest = it->length;
    }
    return longest;
}

static void turn_group(struct scratch *scratch, enum cipher_direction direction,
                       const struct cipher_lane *lanes, const struct group *group)
{
    const struct key_state *state = cipher__key_state(group->key);
    unsigned batch_size = dvbcsa_bs_batch_size();
    unsigned lane = group->first;

    for (unsigned left = group->count; left > 0;) {
        unsigned count = left < batch_size ? left : batch_size;
        unsigned longest = take_lanes(scratch, lanes, &lane, count);

        if (count < SMALLEST_BITSLICED_GROUP)
            turn_scalar(direction, state, scratch->batch, count);
        else
            turn_bitsliced(direction, state, scratch->batch, count, longest);
        left -= count;
    }
}

static void run(void *memory, enum cipher_algorithm algorithm, enum cipher_direction direction,
                const struct cipher_lane *lanes, unsigned count)
{
    struct scratch *scratch = memory;

    (void)algorithm;
    group_lanes(scratch, lanes, count);
    for (unsigned i = 0; i < scratch->group_count; i++) {
        turn_group(scratch, direction, lanes, &scratch->groups[i]);
        scratch->table[scratch->groups[i].place] = 0;
    }
    scratch->group_count = 0;
}

const struct cipher__tier cipher__csa2_libdvbcsa = {
    .name = "libdvbcsa",
    .features = CIPHER_CPU_LIBRARIES,
    .scratch_size = sizeof(struct scratch),
    .key_size = sizeof(struct key_state),
    .key_open = key_open,
    .key_close = key_close,
    .key_set = key_set,
    .run = run,
};
