/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scrambler/rewrite.h"

static bool is_same_section(const struct scrambler_replacement *place, const struct ts_order *order)
{
    return place->used && place->pid == order->pid && place->table_id == order->table_id &&
           place->extension == order->extension && place->number == order->number;
}

/* How gladly a place is given to the order: the highest wins, among equals the oldest. */
static unsigned rank_place(const struct scrambler_replacement *place, const struct ts_order *order)
{
    if (is_same_section(place, order) && place->source_crc == order->source_crc)
        return 3;
    if (!place->used)
        return 2;
    return is_same_section(place, order) ? 1 : 0;
}

bool scrambler__replacements_add(struct scrambler_replacements *replacements, const struct ts_order *order)
{
    struct scrambler_replacement *best = &replacements->places[0];
    unsigned best_rank = rank_place(best, order);

    for (unsigned i = 1; i < SCRAMBLER__REPLACEMENTS; i++) {
        struct scrambler_replacement *place = &replacements->places[i];
        unsigned rank = rank_place(place, order);

        if (rank > best_rank || (rank == best_rank && place->age < best->age)) {
            best = place;
            best_rank = rank;
        }
    }
    best->used = true;
    best->pid = order->pid;
    best->extension = order->extension;
    best->table_id = order->table_id;
    best->number = order->number;
    best->source_crc = order->source_crc;
    best->age = ++replacements->orders;
    scrambler__content_set(&best->content, order, best->bytes);
    return best_rank > 0;
}

void scrambler__replacements_forget(struct scrambler_replacements *replacements, uint16_t pid)
{
    for (unsigned i = 0; i < SCRAMBLER__REPLACEMENTS; i++)
        if (replacements->places[i].pid == pid)
            replacements->places[i].used = false;
}

const struct scrambler_content *
scrambler__replacements_find(const struct scrambler_replacements *replacements, uint16_t pid,
                             const struct ts_section_header *header, uint32_t crc)
{
    for (unsigned i = 0; i < SCRAMBLER__REPLACEMENTS; i++) {
        const struct scrambler_replacement *place = &replacements->places[i];

        if (place->used && place->source_crc == crc && place->pid == pid &&
            place->table_id == header->table_id && place->extension == header->extension &&
            place->number == header->number)
            return &place->content;
    }
    return NULL;
}

/* The next free place (there is one), filled in but for the packet, which is number `index` of `count`. */
static struct scrambler_queued *reserve(struct scrambler_queue *queue, unsigned index, unsigned count,
                                        uint64_t deadline)
{
    struct scrambler_queued *queued = &queue->packets[(queue->head + queue->count) % SCRAMBLER__QUEUE];

    queue->count++;
    queued->deadline = deadline;
    queued->more = index + 1 < count;
    return queued;
}

bool scrambler__queue_content(struct scrambler_queue *queue, const struct scrambler_content *content,
                              uint64_t deadline)
{
    unsigned count = scrambler__content_packets(content);

    if (count > (unsigned)SCRAMBLER__QUEUE - queue->count)
        return false;
    for (unsigned i = 0; i < count; i++)
        scrambler__content_packet(content, i, reserve(queue, i, count, deadline)->packet);
    return true;
}

bool scrambler__queue_section(struct scrambler_queue *queue, const uint8_t *section, size_t size,
                              uint64_t deadline)
{
    struct ts_packetizer packetizer = {0};
    unsigned count = ts_packets_for_section(size);

    if (count > (unsigned)SCRAMBLER__QUEUE - queue->count)
        return false;
    for (unsigned i = 0; i < count; i++)
        ts_packetize(&packetizer, section, size, i, reserve(queue, i, count, deadline)->packet);
    return true;
}

void scrambler__queue_hurry(struct scrambler_queue *queue)
{
    for (unsigned i = 0; i < queue->count; i++)
        queue->packets[(queue->head + i) % SCRAMBLER__QUEUE].deadline = 0;
}

bool scrambler__queue_emit(struct scrambler_queue *queue, uint8_t *packet)
{
    const struct scrambler_queued *queued = &queue->packets[queue->head];

    memcpy(packet, queued->packet, TS_PACKET_SIZE);
    queue->head = (uint8_t)((queue->head + 1) % SCRAMBLER__QUEUE);
    queue->count--;
    return queued->more;
}
