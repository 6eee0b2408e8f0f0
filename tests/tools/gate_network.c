/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/tools/gate_network.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

static const uint32_t input_tables[GATE_INPUTS] = {0xffff0000, 0xff00ff00, 0xf0f0f0f0, 0xcccccccc,
                                                   0xaaaaaaaa};

void gate_network_start(struct gate_network *network, unsigned cost_limit)
{
    for (unsigned input = 0; input < GATE_INPUTS; input++)
        network->nodes[input].table = input_tables[input];
    network->nodes[GATE_ONES].table = UINT32_MAX;
    network->count = GATE_FIRST;
    network->cost = 0;
    network->cost_limit = cost_limit;
}

int gate_network_find(const struct gate_network *network, uint32_t table)
{
    for (unsigned node = 0; node < network->count; node++)
        if (network->nodes[node].table == table)
            return (int)node;
    return -1;
}

static unsigned operand_count(const struct gate *gate)
{
    return gate->operation == GATE_TERNARY ? 3 : 2;
}

static unsigned gate_cost(const struct gate *gate)
{
    return gate->operation == GATE_TERNARY ? 2 : 1;
}

static uint32_t operand_table(const struct gate_network *network, const struct gate *gate, unsigned operand)
{
    return network->nodes[gate->operands[operand]].table;
}

static uint32_t gate_table(const struct gate_network *network, const struct gate *gate)
{
    uint32_t x = operand_table(network, gate, 0), y = operand_table(network, gate, 1), z, table = 0;

    if (gate->operation != GATE_TERNARY)
        return gate_binary_table(gate->operation, x, y);
    z = operand_table(network, gate, 2);
    for (unsigned row = 0; row < 8; row++)
        if (gate->lut >> row & 1)
            table |= gate_row_table(row, x, y, z);
    return table;
}

static bool uses(const struct gate *gate, unsigned node)
{
    for (unsigned operand = 0; operand < operand_count(gate); operand++)
        if (gate->operands[operand] == node)
            return true;
    return false;
}

int gate_network_add(struct gate_network *network, const struct gate *gate)
{
    uint32_t table = gate_table(network, gate);
    int same = gate_network_find(network, table);

    if (same >= 0)
        return same;
    if (!table || (gate->operation == GATE_TERNARY && uses(gate, GATE_ONES)))
        return -EINVAL;
    if (network->cost + gate_cost(gate) > network->cost_limit)
        return -ENOSPC;
    network->cost += gate_cost(gate);
    network->nodes[network->count] = *gate;
    network->nodes[network->count].table = table;
    return (int)network->count++;
}

/* Marks the nodes on which an output depends. */
static void mark_needed(const struct gate_network *network, bool needed[GATE_NODES])
{
    for (unsigned output = 0; output < GATE_OUTPUTS; output++)
        needed[network->outputs[output]] = true;
    for (unsigned node = network->count; node-- > GATE_FIRST;) {
        const struct gate *gate = &network->nodes[node];

        for (unsigned operand = 0; needed[node] && operand < operand_count(gate); operand++)
            needed[gate->operands[operand]] = true;
    }
}

void gate_network_prune(struct gate_network *network)
{
    struct gate_network pruned;
    bool needed[GATE_NODES] = {false};
    unsigned place[GATE_NODES];

    mark_needed(network, needed);
    gate_network_start(&pruned, network->cost_limit);
    for (unsigned node = 0; node < network->count; node++) {
        struct gate gate = network->nodes[node];

        place[node] = node;
        if (node < GATE_FIRST || !needed[node])
            continue;
        for (unsigned operand = 0; operand < operand_count(&gate); operand++)
            gate.operands[operand] = place[gate.operands[operand]];
        place[node] = (unsigned)gate_network_add(&pruned, &gate);
    }
    for (unsigned output = 0; output < GATE_OUTPUTS; output++)
        pruned.outputs[output] = place[network->outputs[output]];
    *network = pruned;
}

unsigned gate_network_depth(const struct gate_network *network)
{
    unsigned depths[GATE_NODES] = {0}, deepest = 0;

    for (unsigned node = GATE_FIRST; node < network->count; node++) {
        const struct gate *gate = &network->nodes[node];

        for (unsigned operand = 0; operand < operand_count(gate); operand++)
            if (depths[node] <= depths[gate->operands[operand]])
                depths[node] = depths[gate->operands[operand]] + 1;
        if (depths[node] > deepest)
            deepest = depths[node];
    }
    return deepest;
}

struct name {
    char text[12];
};

static struct name node_name(const struct gate_network *network, unsigned node)
{
    struct name name;

    if (node == network->outputs[0])
        return (struct name){"high"};
    if (node == network->outputs[1])
        return (struct name){"low"};
    if (node < GATE_INPUTS)
        return (struct name){{(char)('a' + node)}};
    snprintf(name.text, sizeof(name.text), "g%u", node - GATE_FIRST);
    return name;
}

static json_t *gate_text(const struct gate_network *network, unsigned node)
{
    static const char *const words[] = {"and", "or", "xor", "andnot", "andnot"};
    const struct gate *gate = &network->nodes[node];
    bool swapped = gate->operation == GATE_BUTNOT;
    struct name name = node_name(network, node), x = node_name(network, gate->operands[swapped]),
                y = node_name(network, gate->operands[!swapped]), z;

    if (gate->operation == GATE_TERNARY) {
        z = node_name(network, gate->operands[2]);
        return json_sprintf("%s = 0x%02x %s %s %s", name.text, gate->lut, x.text, y.text, z.text);
    }
    if (uses(gate, GATE_ONES)) /* what is neither never set nor the operand itself is its inverse */
        return json_sprintf("%s = not %s", name.text, gate->operands[swapped] == GATE_ONES ? y.text : x.text);
    return json_sprintf("%s = %s %s %s", name.text, words[gate->operation], x.text, y.text);
}

json_t *gate_network_list(const struct gate_network *network)
{
    json_t *list = json_array();

    for (unsigned node = GATE_FIRST; list && node < network->count; node++) {
        if (json_array_append_new(list, gate_text(network, node)) < 0) {
            json_decref(list);
            list = NULL;
        }
    }
    return list;
}
