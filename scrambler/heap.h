/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scrambler/heap.h: which of a fixed number of things is due first. Private to scrambler/; one thread.
 *
 * Every thing has a key, its time; SCRAMBLER__NEVER to begin with. Of equal keys the lower index comes first,
 * so that the order of what is sent does not depend on the past. Setting a key costs the logarithm of their
 * number, asking for the first one nothing. */
#ifndef SCRAMBLER_HEAP_H
#define SCRAMBLER_HEAP_H

#include <stdint.h>

#define SCRAMBLER__NEVER UINT64_MAX

struct scrambler_heap {
    uint64_t *keys;  /* by index */
    uint16_t *order; /* indices, as a binary heap */
    uint16_t *place; /* by index: where it is in `order` */
    unsigned count;
};

int scrambler__heap_create(struct scrambler_heap *heap, unsigned count); /* 1 to 65535; -ENOMEM */
void scrambler__heap_destroy(struct scrambler_heap *heap);               /* accepts one that is all zero */

void scrambler__heap_set(struct scrambler_heap *heap, unsigned index, uint64_t key);

static inline unsigned scrambler__heap_first(const struct scrambler_heap *heap)
{
    return heap->order[0];
}

static inline uint64_t scrambler__heap_first_key(const struct scrambler_heap *heap)
{
    return heap->keys[heap->order[0]];
}

#endif
