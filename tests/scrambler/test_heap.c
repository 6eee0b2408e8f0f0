/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>

#include "rig.h"
#include "scrambler/heap.h"

static unsigned first_by_looking(const uint64_t *keys, unsigned count)
{
    unsigned best = 0;

    for (unsigned i = 1; i < count; i++)
        if (keys[i] < keys[best])
            best = i;
    return best;
}

Test(heap, the_first_is_the_lowest_key_and_of_equal_ones_the_lowest_index)
{
    static uint64_t keys[300];
    struct scrambler_heap heap;
    struct random random = {7};

    for (unsigned count = 1; count <= 300; count = count * 2 + 1) {
        cr_assert_eq(scrambler__heap_create(&heap, count), 0);
        for (unsigned i = 0; i < count; i++)
            keys[i] = SCRAMBLER__NEVER;
        for (unsigned n = 0; n < 5000; n++) {
            unsigned i = random_below(&random, count);

            keys[i] = random_below(&random, 4) ? random_below(&random, 50) : SCRAMBLER__NEVER;
            scrambler__heap_set(&heap, i, keys[i]);
            cr_assert_eq(scrambler__heap_first(&heap), first_by_looking(keys, count));
            cr_assert_eq(scrambler__heap_first_key(&heap), keys[scrambler__heap_first(&heap)]);
        }
        scrambler__heap_destroy(&heap);
    }
    scrambler__heap_destroy(&heap);
}
