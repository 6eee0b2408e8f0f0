/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gate_network.h: straight-line networks of gates over five inputs, as gates_search builds them. One thread.
 *
 * A node's table holds its value for all 32 inputs at once: input a is bit 4 of a bit's index, input e is bit
 * 0, as in cipher/csa2_gates.json. A two-input gate costs 1 and a three-input gate 2. */
#ifndef TESTS_TOOLS_GATE_NETWORK_H
#define TESTS_TOOLS_GATE_NETWORK_H

#include <jansson.h>
#include <stdint.h>

#define GATE_INPUTS       5
#define GATE_ONES         GATE_INPUTS       /* the node that is always set: x xor it is "not x" */
#define GATE_FIRST        (GATE_INPUTS + 1) /* the first node that is a gate */
#define GATE_COST_MAX     40
#define GATE_NODES        (GATE_FIRST + GATE_COST_MAX)
#define GATE_OPERANDS_MAX 3
#define GATE_OUTPUTS      2 /* high, low */

/* The two-input operations come first, so that they can be counted through for x before y alone. */
enum gate_operation {
    GATE_AND,
    GATE_OR,
    GATE_XOR,
    GATE_ANDNOT, /* y and not x, as the networks' file has it */
    GATE_BUTNOT, /* x and not y; written as an andnot */
    GATE_TERNARY,
};
#define GATE_BINARY_OPERATIONS GATE_TERNARY

struct gate {
    enum gate_operation operation;
    unsigned lut;                         /* GATE_TERNARY: the output for (x, y, z) is bit 4x + 2y + z */
    unsigned operands[GATE_OPERANDS_MAX]; /* nodes before this one */
    uint32_t table;                       /* filled by gate_network_add() */
};

struct gate_network {
    struct gate nodes[GATE_NODES];
    unsigned count;
    unsigned cost;
    unsigned cost_limit;
    unsigned outputs[GATE_OUTPUTS];
};

static inline uint32_t gate_binary_table(enum gate_operation operation, uint32_t x, uint32_t y)
{
    switch (operation) {
    case GATE_AND:
        return x & y;
    case GATE_OR:
        return x | y;
    case GATE_XOR:
        return x ^ y;
    case GATE_ANDNOT:
        return ~x & y;
    default:
        return x & ~y;
    }
}

/* Where (x, y, z) is row 4x + 2y + z. */
static inline uint32_t gate_row_table(unsigned row, uint32_t x, uint32_t y, uint32_t z)
{
    return (row & 4 ? x : ~x) & (row & 2 ? y : ~y) & (row & 1 ? z : ~z);
}

/* The inputs alone; cost_limit is at most GATE_COST_MAX. */
void gate_network_start(struct gate_network *network, unsigned cost_limit);

/* The node of that table, or -1. */
int gate_network_find(const struct gate_network *network, uint32_t table);

/* Returns the gate's node, which is an older one where that has the same table. -ENOSPC: above the cost
 * limit; -EINVAL: a gate that the networks' file cannot hold, as it is never set or is ternary with
 * GATE_ONES. */
int gate_network_add(struct gate_network *network, const struct gate *gate);

/* Removes the gates on which no output depends. */
void gate_network_prune(struct gate_network *network);

/* Gates one after the other on the longest way to an output. */
unsigned gate_network_depth(const struct gate_network *network);

/* The gates as cipher/csa2_gates.json has them, or NULL out of memory. The outputs are two different gates.
 */
json_t *gate_network_list(const struct gate_network *network);

#endif
