/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/ring.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define CACHE_LINE 64
#define HEADER     8          /* bytes: record size, then padding that keeps records 8-byte aligned */
#define SKIP       UINT32_MAX /* header of the unused rest before the wrap */

struct base_ring {
    _Alignas(CACHE_LINE) _Atomic uint64_t head; /* written by the producer: bytes pushed, ever */
    uint64_t tail_seen;                         /* producer's copy of tail: saves a cache miss per push */
    _Alignas(CACHE_LINE) _Atomic uint64_t tail; /* written by the consumer: bytes popped, ever */
    uint64_t head_seen;
    _Alignas(CACHE_LINE) size_t capacity; /* a power of two; constant */
    uint8_t *bytes;
};

static size_t record_room(size_t size)
{
    return (size + HEADER + 7) & ~(size_t)7;
}

int base_ring_create(struct base_ring **out, size_t capacity)
{
    struct base_ring *ring;
    size_t rounded = 4096;

    if (capacity > (size_t)1 << 30)
        return -EINVAL;
    while (rounded < capacity)
        rounded *= 2;
    ring = aligned_alloc(CACHE_LINE, sizeof(*ring));
    if (!ring)
        return -ENOMEM;
    memset(ring, 0, sizeof(*ring));
    ring->capacity = rounded;
    ring->bytes = aligned_alloc(CACHE_LINE, rounded);
    if (!ring->bytes) {
        free(ring);
        return -ENOMEM;
    }
    *out = ring;
    return 0;
}

void base_ring_destroy(struct base_ring *ring)
{
    if (!ring)
        return;
    free(ring->bytes);
    free(ring);
}

static int has_room(struct base_ring *ring, uint64_t head, size_t need)
{
    if (head + need - ring->tail_seen <= ring->capacity)
        return 1;
    ring->tail_seen = atomic_load_explicit(&ring->tail, memory_order_acquire);
    return head + need - ring->tail_seen <= ring->capacity;
}

static void put_header(struct base_ring *ring, uint64_t position, uint32_t size)
{
    memcpy(ring->bytes + (position & (ring->capacity - 1)), &size, sizeof(size));
}

int base_ring_push(struct base_ring *ring, const void *record, size_t size)
{
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    size_t need = record_room(size);
    size_t to_wrap = ring->capacity - (head & (ring->capacity - 1));
    size_t skipped = to_wrap < need ? to_wrap : 0;

    if (need > ring->capacity / 4)
        return -EMSGSIZE;
    if (!has_room(ring, head, need + skipped))
        return -ENOBUFS;
    if (skipped)
        put_header(ring, head, SKIP);
    head += skipped;
    put_header(ring, head, (uint32_t)size);
    if (size)
        memcpy(ring->bytes + (head & (ring->capacity - 1)) + HEADER, record, size);
    atomic_store_explicit(&ring->head, head + need, memory_order_release);
    return 0;
}

bool base_ring_is_drained(const struct base_ring *ring)
{
    return atomic_load_explicit(&ring->tail, memory_order_acquire) ==
           atomic_load_explicit(&ring->head, memory_order_relaxed);
}

static uint32_t get_header(const struct base_ring *ring, uint64_t position)
{
    uint32_t size;

    memcpy(&size, ring->bytes + (position & (ring->capacity - 1)), sizeof(size));
    return size;
}

const void *base_ring_peek(struct base_ring *ring, size_t *size)
{
    uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);

    if (tail == ring->head_seen) {
        ring->head_seen = atomic_load_explicit(&ring->head, memory_order_acquire);
        if (tail == ring->head_seen)
            return NULL;
    }
    if (get_header(ring, tail) == SKIP) { /* a record always follows it: both were published at once */
        tail += ring->capacity - (tail & (ring->capacity - 1));
        atomic_store_explicit(&ring->tail, tail, memory_order_release);
    }
    *size = get_header(ring, tail);
    return ring->bytes + (tail & (ring->capacity - 1)) + HEADER;
}

void base_ring_pop(struct base_ring *ring)
{
    uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);

    atomic_store_explicit(&ring->tail, tail + record_room(get_header(ring, tail)), memory_order_release);
}
