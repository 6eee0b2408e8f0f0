/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scrambler/memory.h: which version of each section control was told last. Private; one thread; fixed size.
 *
 * A full memory forgets: a section that it forgot is told again at its next repetition. */
#ifndef SCRAMBLER_MEMORY_H
#define SCRAMBLER_MEMORY_H

#include "ts/section.h"

#define SCRAMBLER__MEMORY_WAYS 8
#define SCRAMBLER__MEMORY_SETS 256

struct scrambler_memory {
    struct {
        uint64_t key; /* 0: free */
        uint32_t crc;
        uint32_t stamp; /* of the last look, in memory's own count */
    } sections[SCRAMBLER__MEMORY_SETS][SCRAMBLER__MEMORY_WAYS];
    uint32_t looks;
};

/* Identity of a section: versions of it differ in nothing but their CRC. The next version, sent ahead of its
 * time (current_next_indicator 0), is a section of its own. `tenure` tells apart the times for which a PID
 * was observed. */
uint64_t scrambler__memory_key(uint16_t pid, uint16_t tenure, const struct ts_section_header *header);

bool scrambler__memory_has(struct scrambler_memory *memory, uint64_t key, uint32_t crc);
void scrambler__memory_set(struct scrambler_memory *memory, uint64_t key, uint32_t crc);

#endif
