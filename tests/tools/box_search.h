/* SPDX-License-Identifier: GPL-3.0-or-later */
/* box_search.h: the randomised search for small networks of one box, a pair of functions of five inputs.
 * Thread-safe: no state. */
#ifndef TESTS_TOOLS_BOX_SEARCH_H
#define TESTS_TOOLS_BOX_SEARCH_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/tools/gate_network.h"

struct box {
    unsigned number;
    uint32_t tables[GATE_OUTPUTS]; /* two different ones, neither constant nor an input itself */
};

struct box_search_bounds {
    uint64_t tries;
    uint64_t seconds;    /* 0: no bound */
    unsigned cost_limit; /* at most GATE_COST_MAX */
};

/* Leaves the cheapest network found in *best, of those the one with the least depth; false: none. Three-input
 * gates are used where `ternary` says so. The same arguments give the same network, unless the seconds ran
 * out. */
bool box_search(const struct box *box, bool ternary, uint64_t seed, const struct box_search_bounds *bounds,
                struct gate_network *best);

#endif
