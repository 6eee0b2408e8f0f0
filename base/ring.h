/* SPDX-License-Identifier: GPL-3.0-or-later */
/* base/ring.h: a lock-free queue of variable-size records between one producer thread and one consumer
 * thread.
 *
 * It carries sections and orders between control and a worker (docs/architecture.md); a file run uses both
 * ends from one thread. Push and pop never block, allocate or make a system call. Records keep their order.
 */
#ifndef BASE_RING_H
#define BASE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct base_ring;

/* `capacity` in bytes, rounded up to a power of two (at least 4096). A record takes its size + 8, rounded up
 * to 8; the largest record is a quarter of the capacity. -ENOMEM, or -EINVAL over 1 GiB. */
int base_ring_create(struct base_ring **ring, size_t capacity);
void base_ring_destroy(struct base_ring *ring); /* NULL is allowed; neither side may still use it */

/* Producer. -ENOBUFS where there is no room now, -EMSGSIZE where there never will be. */
int base_ring_push(struct base_ring *ring, const void *record, size_t size);

/* Producer: whether the consumer has taken all that was pushed. */
bool base_ring_is_drained(const struct base_ring *ring);

/* Consumer: the oldest record in place (8-byte aligned), valid until base_ring_pop(); NULL where there is
 * none. */
const void *base_ring_peek(struct base_ring *ring, size_t *size);
void base_ring_pop(struct base_ring *ring);

#endif
