/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench/memory.h: caches of this machine, and memory to walk through. Any thread. */
#ifndef BENCH_MEMORY_H
#define BENCH_MEMORY_H

#include <stddef.h>
#include <stdint.h>

struct bench_caches {
    size_t level2; /* bytes, of the first core; a usual size where the system does not tell */
    size_t last;   /* of the last level; level2 where there is none above */
};

void bench_caches_read(struct bench_caches *caches);

size_t bench_memory_available(void); /* bytes, without swapping */

/* Random bytes, all touched, in huge pages where the system gives them: the packets of a live headend lie in
 * such. NULL where there is not enough. */
uint8_t *bench_memory_create(size_t size, uint64_t seed);
void bench_memory_destroy(uint8_t *memory, size_t size); /* NULL is allowed */

#endif
