/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Streams by (port, destination address, destination port): open addressing, never full, never changed while
 * workers run. */
#include <errno.h>
#include <string.h>

#include <rte_jhash.h>

#include "pipeline/internal.h"

static size_t address_size(const struct wire_address *address)
{
    return address->version == 4 ? 4 : sizeof(address->bytes);
}

static unsigned slot_of(unsigned port, const struct wire_address *address, uint16_t port_number)
{
    uint32_t seed = (uint32_t)port << 16 | port_number;
    uint32_t words[4]; /* aligned, as DPDK's hash reads them */

    memcpy(words, address->bytes, sizeof(words));
    return rte_jhash_32b(words, (uint32_t)address_size(address) / 4, seed) & (PIPELINE_TABLE_SIZE - 1);
}

static bool matches(const struct pipeline__table_entry *entry, unsigned port,
                    const struct wire_address *address, uint16_t port_number)
{
    return entry->port == port && entry->port_number == port_number &&
           entry->address.version == address->version &&
           !memcmp(entry->address.bytes, address->bytes, address_size(address));
}

/* The entry of this destination, or the empty one where it belongs. */
static unsigned probe(const struct pipeline *pipeline, unsigned port, const struct wire_address *address,
                      uint16_t port_number)
{
    unsigned slot = slot_of(port, address, port_number);

    while (pipeline->table[slot].stream >= 0 && !matches(&pipeline->table[slot], port, address, port_number))
        slot = (slot + 1) & (PIPELINE_TABLE_SIZE - 1);
    return slot;
}

int pipeline__table_add(struct pipeline *pipeline, unsigned stream)
{
    const struct pipeline_stream_config *config = &pipeline->streams[stream].config;
    struct pipeline__table_entry *entry =
        &pipeline
             ->table[probe(pipeline, config->input_port, &config->input_address, config->input_port_number)];

    if (entry->stream >= 0)
        return -EEXIST;
    entry->address = config->input_address;
    entry->port_number = config->input_port_number;
    entry->port = (uint8_t)config->input_port;
    entry->stream = (int16_t)stream;
    return 0;
}

int pipeline__table_find(const struct pipeline *pipeline, unsigned port, const struct wire_flow *flow)
{
    return pipeline->table[probe(pipeline, port, &flow->destination, flow->destination_port)].stream;
}
