/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scrambler/memory.h"

uint64_t scrambler__memory_key(uint16_t pid, uint16_t tenure, const struct ts_section_header *header)
{
    uint64_t key = pid;

    key = key << 16 | header->extension;
    key = key << 8 | header->table_id;
    key = key << 8 | header->number;
    key = key << 1 | header->current;
    key = key << 16 | tenure;
    return key << 1 | 1; /* never 0 */
}

static unsigned set_of(uint64_t key)
{
    return (unsigned)(key * UINT64_C(0x9E3779B97F4A7C15) >> 56) % SCRAMBLER__MEMORY_SETS;
}

bool scrambler__memory_has(struct scrambler_memory *memory, uint64_t key, uint32_t crc)
{
    unsigned set = set_of(key);

    memory->looks++;
    for (unsigned way = 0; way < SCRAMBLER__MEMORY_WAYS; way++) {
        if (memory->sections[set][way].key != key)
            continue;
        memory->sections[set][way].stamp = memory->looks;
        return memory->sections[set][way].crc == crc;
    }
    return false;
}

/* The section's own place, else a free one, else that of the one not seen for longest. */
static unsigned place_for(const struct scrambler_memory *memory, unsigned set, uint64_t key)
{
    unsigned best = 0;
    uint32_t best_age = 0;

    for (unsigned way = 0; way < SCRAMBLER__MEMORY_WAYS; way++) {
        uint32_t age = memory->looks - memory->sections[set][way].stamp;

        if (memory->sections[set][way].key == key)
            return way;
        if (memory->sections[set][way].key == 0)
            age = UINT32_MAX;
        if (age > best_age) {
            best = way;
            best_age = age;
        }
    }
    return best;
}

void scrambler__memory_set(struct scrambler_memory *memory, uint64_t key, uint32_t crc)
{
    unsigned set = set_of(key);
    unsigned way = place_for(memory, set, key);

    memory->sections[set][way].key = key;
    memory->sections[set][way].crc = crc;
    memory->sections[set][way].stamp = memory->looks;
}
