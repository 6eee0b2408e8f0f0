/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One try makes the box's two outputs one after the other. To make a function that is wanted on some of the
 * 32 inputs, it takes a node that is right there; else one gate over two nodes; else what costs 2 (a gate
 * over a gate, or a three-input gate); else it splits the inputs by a node, the selector, makes a function
 * that is right on one side and one that makes up for it on the other, and joins them. Whatever is open
 * (which of several gates, which selector, which way to join) is left to chance, and a try that exceeds the
 * cost limit is given up. Every network found lowers the limit. */
#include "tests/tools/box_search.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"

#define DEPTH_MAX 6 /* splits inside one another; deeper ones do not fit under any useful limit */

struct search {
    struct gate_network network;
    uint64_t random;
    bool ternary; /* three-input gates are allowed */
};

/* A function of the five inputs of which only the bits in `care` matter. */
struct wanted {
    uint32_t table;
    uint32_t care;
};

/* Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators": the 64-bit variant known as
 * SplitMix64. */
static unsigned random_below(struct search *search, unsigned bound)
{
    uint64_t bits = search->random += 0x9e3779b97f4a7c15;

    bits = (bits ^ bits >> 30) * 0xbf58476d1ce4e5b9;
    bits = (bits ^ bits >> 27) * 0x94d049bb133111eb;
    return (unsigned)((bits ^ bits >> 31) >> 32) % bound;
}

/* Whether the candidate that was just found replaces the one chosen before it; all are equally likely to
 * stay. */
static bool choose(struct search *search, unsigned *found)
{
    return random_below(search, ++*found) == 0;
}

static bool fits(struct wanted wanted, uint32_t table)
{
    return !((table ^ wanted.table) & wanted.care);
}

static uint32_t node_table(const struct search *search, unsigned node)
{
    return search->network.nodes[node].table;
}

static int add(struct search *search, enum gate_operation operation, unsigned x, unsigned y)
{
    struct gate gate = {.operation = operation, .operands = {x, y}};

    return gate_network_add(&search->network, &gate);
}

static int add_ternary(struct search *search, unsigned lut, unsigned x, unsigned y, unsigned z)
{
    struct gate gate = {.operation = GATE_TERNARY, .lut = lut, .operands = {x, y, z}};

    return gate_network_add(&search->network, &gate);
}

/* This and the next ones return a node that fits, or a negative errno; -ENOENT: there is no such one. */
static int find_node(struct search *search, struct wanted wanted)
{
    int chosen = -ENOENT;
    unsigned found = 0;

    for (unsigned node = 0; node < search->network.count; node++)
        if (fits(wanted, node_table(search, node)) && choose(search, &found))
            chosen = (int)node;
    return chosen;
}

static int make_gate(struct search *search, struct wanted wanted)
{
    struct gate chosen;
    unsigned found = 0;

    for (unsigned y = 1; y < search->network.count; y++)
        for (unsigned x = 0; x < y; x++)
            for (enum gate_operation operation = 0; operation < GATE_BINARY_OPERATIONS; operation++)
                if (fits(wanted,
                         gate_binary_table(operation, node_table(search, x), node_table(search, y))) &&
                    choose(search, &found))
                    chosen = (struct gate){.operation = operation, .operands = {x, y}};
    return found ? gate_network_add(&search->network, &chosen) : -ENOENT;
}

/* A gate over a gate. */
struct pair {
    struct gate inner;
    enum gate_operation outer;
    unsigned other; /* the outer gate's second operand; its first is the inner gate */
    unsigned found;
};

static void try_inner(struct search *search, struct wanted wanted, const struct gate *inner,
                      struct pair *pair)
{
    for (unsigned other = 0; other < search->network.count; other++) {
        uint32_t table = node_table(search, other);

#pragma GCC unroll 5 /* gcc leaves the switch in otherwise: 2.2 times the time of the whole search */
        for (enum gate_operation outer = 0; outer < GATE_BINARY_OPERATIONS; outer++) {
            if (fits(wanted, gate_binary_table(outer, inner->table, table)) && choose(search, &pair->found)) {
                pair->inner = *inner;
                pair->outer = outer;
                pair->other = other;
            }
        }
    }
}

static int make_pair(struct search *search, struct wanted wanted)
{
    struct pair pair = {.found = 0};
    int inner;

    for (unsigned y = 1; y < search->network.count; y++) {
        for (unsigned x = 0; x < y; x++) {
            for (enum gate_operation operation = 0; operation < GATE_BINARY_OPERATIONS; operation++) {
                struct gate gate = {.operation = operation, .operands = {x, y}};

                gate.table = gate_binary_table(operation, node_table(search, x), node_table(search, y));
                try_inner(search, wanted, &gate, &pair);
            }
        }
    }
    if (!pair.found)
        return -ENOENT;
    inner = gate_network_add(&search->network, &pair.inner);
    return inner < 0 ? inner : add(search, pair.outer, (unsigned)inner, pair.other);
}

/* The bits of a gate over these operands that fits; those that do not matter are left to chance. */
static int fitting_lut(struct search *search, struct wanted wanted, const unsigned operands[3])
{
    uint32_t x = node_table(search, operands[0]), y = node_table(search, operands[1]);
    uint32_t z = node_table(search, operands[2]);
    int lut = 0;

    if (operands[0] == GATE_ONES || operands[1] == GATE_ONES || operands[2] == GATE_ONES)
        return -ENOENT;
    for (unsigned row = 0; row < 8; row++) {
        uint32_t care = gate_row_table(row, x, y, z) & wanted.care, set = care & wanted.table;

        if (set && set != care)
            return -ENOENT;
        if (set || (!care && random_below(search, 2)))
            lut |= 1 << row;
    }
    return lut;
}

/* Counts through all x < y < z below `count`; false at the end. */
static bool next_triple(unsigned operands[3], unsigned count)
{
    unsigned place = 0;

    while (place < 2 && operands[place] + 1 == operands[place + 1]) {
        operands[place] = place;
        place++;
    }
    return ++operands[place] < count;
}

static int make_ternary(struct search *search, struct wanted wanted)
{
    unsigned operands[3] = {0, 1, 2}, chosen[3] = {0}, found = 0;
    int chosen_lut = 0;

    do {
        int lut = fitting_lut(search, wanted, operands);

        if (lut >= 0 && choose(search, &found)) {
            memcpy(chosen, operands, sizeof(chosen));
            chosen_lut = lut;
        }
    } while (next_triple(operands, search->network.count));
    return found ? add_ternary(search, (unsigned)chosen_lut, chosen[0], chosen[1], chosen[2]) : -ENOENT;
}

static int make_for_two(struct search *search, struct wanted wanted)
{
    bool ternary_first = search->ternary && random_below(search, 2);
    int node = ternary_first ? make_ternary(search, wanted) : make_pair(search, wanted);

    if (node != -ENOENT || !search->ternary)
        return node;
    return ternary_first ? make_pair(search, wanted) : make_ternary(search, wanted);
}

/* How to join `rest`, which is right on one side of a selector s, and `part`, which makes up for it on the
 * other, called the region. A form that does better stands more than once, to be taken more often. */
struct form {
    enum gate_operation join; /* GATE_TERNARY: s ? part : rest. Others: (rest, (part, s)) */
    enum gate_operation gate; /* of (part, s) */
    bool region_set;          /* the region is where s is set, else where it is clear */
};

#define FORMS_BINARY 8 /* those at the front that need no three-input gate */
static const struct form forms[] = {
    {GATE_XOR, GATE_AND, true},         {GATE_XOR, GATE_AND, true},
    {GATE_XOR, GATE_BUTNOT, false},     {GATE_XOR, GATE_BUTNOT, false},
    {GATE_OR, GATE_AND, true},          {GATE_OR, GATE_BUTNOT, false},
    {GATE_AND, GATE_OR, false},         {GATE_BUTNOT, GATE_AND, true},
    {GATE_TERNARY, GATE_TERNARY, true}, {GATE_TERNARY, GATE_TERNARY, true},
    {GATE_TERNARY, GATE_TERNARY, true}, {GATE_TERNARY, GATE_TERNARY, true},
};
#define FORMS (sizeof(forms) / sizeof(*forms))

/* Outside the region all of `rest` matters; inside, what `part` cannot put right through this join. */
static struct wanted wanted_of_rest(enum gate_operation join, struct wanted wanted, uint32_t region)
{
    uint32_t care_inside = 0;

    if (join == GATE_OR)
        care_inside = ~wanted.table;
    else if (join == GATE_AND || join == GATE_BUTNOT)
        care_inside = wanted.table;
    return (struct wanted){wanted.table, wanted.care & (~region | care_inside)};
}

/* Inside the region alone, and there what `rest` leaves to be decided. */
static struct wanted wanted_of_part(enum gate_operation join, struct wanted wanted, uint32_t region,
                                    uint32_t rest)
{
    uint32_t care = wanted.care & region;

    switch (join) {
    case GATE_XOR:
        return (struct wanted){wanted.table ^ rest, care};
    case GATE_OR:
        return (struct wanted){wanted.table, care & ~(wanted.table & rest)};
    case GATE_AND:
        return (struct wanted){wanted.table, care & (wanted.table | rest)};
    case GATE_BUTNOT:
        return (struct wanted){~wanted.table, care & (wanted.table | rest)};
    default:
        return (struct wanted){wanted.table, care};
    }
}

static int join(struct search *search, const struct form *form, unsigned selector, unsigned rest,
                unsigned part)
{
    const unsigned multiplexer = 0xca; /* x ? y : z */
    int gated;

    if (form->join == GATE_TERNARY)
        return add_ternary(search, multiplexer, selector, part, rest);
    gated = add(search, form->gate, part, selector);
    return gated < 0 ? gated : add(search, form->join, rest, (unsigned)gated);
}

/* Mostly an input, else any node. */
static unsigned choose_selector(struct search *search)
{
    return random_below(search, random_below(search, 4) ? GATE_INPUTS : search->network.count);
}

static int make_node(struct search *search, struct wanted wanted, unsigned depth);

static int split(struct search *search, struct wanted wanted, unsigned depth)
{
    const struct form *form = &forms[random_below(search, search->ternary ? FORMS : FORMS_BINARY)];
    unsigned selector = choose_selector(search);
    uint32_t set = node_table(search, selector), region = form->region_set ? set : ~set;
    int rest, part;

    if (!(wanted.care & region) || !(wanted.care & ~region))
        return -ENOENT;
    rest = make_node(search, wanted_of_rest(form->join, wanted, region), depth + 1);
    if (rest < 0)
        return rest;
    part = make_node(search, wanted_of_part(form->join, wanted, region, node_table(search, (unsigned)rest)),
                     depth + 1);
    return part < 0 ? part : join(search, form, selector, (unsigned)rest, (unsigned)part);
}

/* The cheapest way that there is. */
static int make_node(struct search *search, struct wanted wanted, unsigned depth)
{
    unsigned room = search->network.cost_limit - search->network.cost;
    int node = find_node(search, wanted);

    if (node == -ENOENT && room >= 1)
        node = make_gate(search, wanted);
    if (node == -ENOENT && room >= 2)
        node = make_for_two(search, wanted);
    if (node == -ENOENT && room >= 3 && depth < DEPTH_MAX)
        node = split(search, wanted, depth);
    return node;
}

/* One try; either output may come first, as the second one profits from the gates of the first. */
static bool try_box(struct search *search, const struct box *box, unsigned cost_limit)
{
    unsigned first = random_below(search, GATE_OUTPUTS);

    gate_network_start(&search->network, cost_limit);
    for (unsigned i = 0; i < GATE_OUTPUTS; i++) {
        unsigned output = i ^ first;
        int node = make_node(search, (struct wanted){box->tables[output], UINT32_MAX}, 0);

        if (node < 0)
            return false;
        search->network.outputs[output] = (unsigned)node;
    }
    gate_network_prune(&search->network);
    return true;
}

static bool better(const struct gate_network *network, const struct gate_network *best)
{
    if (network->cost != best->cost)
        return network->cost < best->cost;
    return gate_network_depth(network) < gate_network_depth(best);
}

bool box_search(const struct box *box, bool ternary, uint64_t seed, const struct box_search_bounds *bounds,
                struct gate_network *best)
{
    struct search search = {.random = seed << 8 | box->number, .ternary = ternary};
    uint64_t end_ms = base_clock_monotonic_ms() + bounds->seconds * 1000;
    unsigned limit = bounds->cost_limit;
    bool found = false;

    for (uint64_t try = 0; try < bounds->tries; try++) {
        if (bounds->seconds && base_clock_monotonic_ms() >= end_ms)
            break;
        /* Now and then one of the same cost is looked for, which may have less depth. */
        if (!try_box(&search, box, found && random_below(&search, 4) ? best->cost - 1 : limit))
            continue;
        if (!found || better(&search.network, best))
            *best = search.network;
        found = true;
        limit = best->cost;
    }
    return found;
}
