/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scrambler/heap.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

int scrambler__heap_create(struct scrambler_heap *heap, unsigned count)
{
    *heap = (struct scrambler_heap){.count = count};
    heap->keys = malloc(count * sizeof(*heap->keys));
    heap->order = malloc(count * sizeof(*heap->order));
    heap->place = malloc(count * sizeof(*heap->place));
    if (!heap->keys || !heap->order || !heap->place) {
        scrambler__heap_destroy(heap);
        return -ENOMEM;
    }
    for (unsigned i = 0; i < count; i++) {
        heap->keys[i] = SCRAMBLER__NEVER;
        heap->order[i] = heap->place[i] = (uint16_t)i;
    }
    return 0;
}

void scrambler__heap_destroy(struct scrambler_heap *heap)
{
    free(heap->keys);
    free(heap->order);
    free(heap->place);
    *heap = (struct scrambler_heap){0};
}

static bool comes_before(const struct scrambler_heap *heap, unsigned a, unsigned b)
{
    return heap->keys[a] < heap->keys[b] || (heap->keys[a] == heap->keys[b] && a < b);
}

static void put(struct scrambler_heap *heap, unsigned at, unsigned index)
{
    heap->order[at] = (uint16_t)index;
    heap->place[index] = (uint16_t)at;
}

static unsigned rise(struct scrambler_heap *heap, unsigned at, unsigned index)
{
    while (at && comes_before(heap, index, heap->order[(at - 1) / 2])) {
        put(heap, at, heap->order[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    return at;
}

static unsigned sink(struct scrambler_heap *heap, unsigned at, unsigned index)
{
    for (;;) {
        unsigned child = 2 * at + 1;

        if (child + 1 < heap->count && comes_before(heap, heap->order[child + 1], heap->order[child]))
            child++;
        if (child >= heap->count || !comes_before(heap, heap->order[child], index))
            return at;
        put(heap, at, heap->order[child]);
        at = child;
    }
}

void scrambler__heap_set(struct scrambler_heap *heap, unsigned index, uint64_t key)
{
    unsigned at = heap->place[index];

    if (heap->keys[index] == key)
        return;
    heap->keys[index] = key;
    at = rise(heap, at, index);
    put(heap, at, index);
    put(heap, sink(heap, at, index), index);
}
