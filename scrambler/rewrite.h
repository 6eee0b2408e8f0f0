/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scrambler/rewrite.h: replacements of sections, and packets of rewritten tables that wait to be sent.
 * Private to scrambler/; one thread. */
#ifndef SCRAMBLER_REWRITE_H
#define SCRAMBLER_REWRITE_H

#include "scrambler/content.h"

#define SCRAMBLER__REPLACEMENTS 128
/* How long packets of a rewritten table wait for null packets and for places of their own PID: with the usual
 * repetition of 100 ms, a table of several packets keeps to its own places. In 27 MHz ticks. */
#define SCRAMBLER__TABLE_PATIENCE (UINT64_C(100) * 27000)

#define SCRAMBLER__QUEUE 64 /* packets: two of the largest sections and some */

struct scrambler_replacement {
    bool used;
    uint16_t pid;
    uint16_t extension;
    uint8_t table_id;
    uint8_t number;
    uint32_t source_crc;
    uint64_t age; /* counts orders */
    struct scrambler_content content;
    uint8_t bytes[TS_ORDER_BYTES_MAX]; /* its */
};

struct scrambler_replacements {
    uint64_t orders;
    struct scrambler_replacement places[SCRAMBLER__REPLACEMENTS];
};

/* TS_ORDER_REPLACE: where all places are taken, the oldest replacement goes: first one of an older version of
 * the same section. Returns false where one of another section had to go. */
bool scrambler__replacements_add(struct scrambler_replacements *replacements, const struct ts_order *order);
void scrambler__replacements_forget(struct scrambler_replacements *replacements, uint16_t pid);

/* NULL where the section passes as it is. */
const struct scrambler_content *
scrambler__replacements_find(const struct scrambler_replacements *replacements, uint16_t pid,
                             const struct ts_section_header *header, uint32_t crc);

struct scrambler_queue {
    uint8_t head;
    uint8_t count;
    struct scrambler_queued {
        uint64_t deadline; /* without a place until then, the packet is inserted */
        bool more;         /* packets of the same section follow */
        uint8_t packet[TS_PACKET_SIZE];
    } packets[SCRAMBLER__QUEUE];
};

/* All packets of the content or, where they do not fit, none (false). */
bool scrambler__queue_content(struct scrambler_queue *queue, const struct scrambler_content *content,
                              uint64_t deadline);
bool scrambler__queue_section(struct scrambler_queue *queue, const uint8_t *section, size_t size,
                              uint64_t deadline);

/* Makes everything in it overdue. */
void scrambler__queue_hurry(struct scrambler_queue *queue);

/* Takes the oldest packet (one must be there); PID and continuity counter are still to be set. Returns
 * whether more of the same section follows. */
bool scrambler__queue_emit(struct scrambler_queue *queue, uint8_t *packet);

#endif
