/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>

#include "base/ring.h"
#include "tests/common/memory.h"

static int use_ring(void *context)
{
    struct base_ring *ring = NULL;
    int status = base_ring_create(&ring, 4096);

    (void)context;
    base_ring_destroy(ring);
    return status;
}

Test(memory, ring_needs_all_of_its_parts)
{
    memory_refuse_each(use_ring, NULL, 2);
}
