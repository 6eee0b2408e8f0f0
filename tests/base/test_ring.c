/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>

#include "base/ring.h"

Test(ring, keeps_order_content_and_alignment_over_many_wraps)
{
    struct base_ring *ring;
    unsigned pushed = 0;
    unsigned popped = 0;

    cr_assert_eq(base_ring_create(&ring, 4096), 0);
    while (popped < 10000) {
        uint32_t record[64];
        size_t size = 4 + (pushed * 7) % 250;
        const uint32_t *oldest;

        memset(record, (int)pushed, sizeof(record));
        record[0] = pushed;
        if (base_ring_push(ring, record, size) == 0) {
            pushed++;
            continue;
        }
        oldest = base_ring_peek(ring, &size);
        cr_assert_not_null(oldest);
        cr_assert_eq((uintptr_t)oldest % 8, 0);
        cr_assert_eq(*oldest, popped);
        cr_assert_eq(size, 4 + (popped * 7) % 250);
        base_ring_pop(ring);
        popped++;
    }
    base_ring_destroy(ring);
}

Test(ring, refuses_what_never_fits)
{
    struct base_ring *ring;
    char record[2048] = {0};

    cr_assert_eq(base_ring_create(&ring, 0), 0);
    cr_assert_eq(base_ring_push(ring, record, sizeof(record)), -EMSGSIZE);
    cr_assert_eq(base_ring_push(ring, record, 1000), 0);
    base_ring_destroy(ring);
    base_ring_destroy(NULL);
    cr_assert_eq(base_ring_create(&ring, (size_t)2 << 30), -EINVAL);
}

Test(ring, empty_ring_has_nothing)
{
    struct base_ring *ring;
    size_t size;

    cr_assert_eq(base_ring_create(&ring, 4096), 0);
    cr_assert_null(base_ring_peek(ring, &size));
    cr_assert_eq(base_ring_push(ring, NULL, 0), 0);
    cr_assert_not_null(base_ring_peek(ring, &size));
    cr_assert_eq(size, 0);
    base_ring_pop(ring);
    cr_assert_null(base_ring_peek(ring, &size));
    base_ring_destroy(ring);
}

Test(ring, producer_sees_that_all_was_taken)
{
    struct base_ring *ring;
    size_t size;

    cr_assert_eq(base_ring_create(&ring, 4096), 0);
    cr_assert(base_ring_is_drained(ring));
    cr_assert_eq(base_ring_push(ring, "a", 1), 0);
    cr_assert_eq(base_ring_push(ring, "b", 1), 0);
    for (unsigned i = 0; i < 2; i++) {
        cr_assert_not(base_ring_is_drained(ring));
        cr_assert_not_null(base_ring_peek(ring, &size));
        base_ring_pop(ring);
    }
    cr_assert(base_ring_is_drained(ring));
    base_ring_destroy(ring);
}
