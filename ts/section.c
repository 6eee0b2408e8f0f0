/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sections out of packets: ISO/IEC 13818-1, 2.4.3.3 (continuity_counter), 2.4.4.1 and 2.4.4.2
 * (pointer_field), 2.4.4.11 (private_section). */
#include "ts/section.h"

#include "base/error.h"

#define SHORT_HEADER 3       /* table_id and section_length */
#define LONG_MINIMUM (8 + 4) /* long header and CRC_32 */

/* Only where the first SHORT_HEADER bytes are there. */
static size_t announced_size(const uint8_t *section)
{
    return SHORT_HEADER + (base_load_u16(section + 1) & 0x0FFFu);
}

int ts_section_parse(const uint8_t *section, size_t size, struct ts_section_header *header)
{
    if (size < SHORT_HEADER || size < announced_size(section))
        return BASE_E_TRUNCATED;
    if (size > announced_size(section) || size > TS_SECTION_MAX)
        return BASE_E_MALFORMED;
    *header = (struct ts_section_header){
        .size = (uint16_t)size, .table_id = section[0], .long_syntax = section[1] & 0x80, .current = true};
    if (!header->long_syntax)
        return 0;
    if (size < LONG_MINIMUM)
        return BASE_E_MALFORMED;
    header->extension = base_load_u16(section + 3);
    header->version = section[5] >> 1 & 0x1F;
    header->current = section[5] & 1;
    header->number = section[6];
    header->last_number = section[7];
    return ts_crc32(section, size) ? BASE_E_CHECKSUM : 0;
}

void ts_section_assembler_reset(struct ts_section_assembler *assembler)
{
    memset(assembler, 0, sizeof(*assembler));
}

static void drop_section(struct ts_section_assembler *a)
{
    a->lost += a->collecting;
    a->collecting = false;
    a->filled = 0;
}

/* How many more bytes the section under way wants: of its header first, then of the rest. */
static size_t bytes_wanted(const struct ts_section_assembler *a)
{
    return (a->filled < SHORT_HEADER ? SHORT_HEADER : announced_size(a->buffer)) - a->filled;
}

/* Moves bytes into the section under way until it is complete (true) or the bytes are used up. */
static bool collect(struct ts_section_assembler *a, struct base_reader *bytes)
{
    while (a->collecting && base_reader_left(bytes)) {
        size_t wanted = bytes_wanted(a);
        size_t n = wanted < base_reader_left(bytes) ? wanted : base_reader_left(bytes);

        memcpy(a->buffer + a->filled, base_read_bytes(bytes, n), n);
        a->filled = (uint16_t)(a->filled + n);
        if (a->filled < SHORT_HEADER)
            break;
        if (announced_size(a->buffer) > TS_SECTION_MAX)
            drop_section(a);
        else if (bytes_wanted(a) == 0)
            return true;
    }
    return false;
}

static void hand_over(struct ts_section_assembler *a, ts_section_taker *take, void *context)
{
    size_t size = a->filled;

    a->collecting = false;
    a->filled = 0;
    take(context, a->buffer, size);
}

/* Sections that begin in a packet follow each other up to its end or to stuffing, which reads as table_id
 * 0xFF. */
static unsigned collect_starts(struct ts_section_assembler *a, struct base_reader *bytes,
                               ts_section_taker *take, void *context)
{
    unsigned count = 0;

    while (base_reader_left(bytes) && *bytes->at != 0xFF) {
        a->collecting = true;
        if (!collect(a, bytes))
            break;
        hand_over(a, take, context);
        count++;
    }
    return count;
}

static unsigned collect_payload(struct ts_section_assembler *a, const uint8_t *packet, ts_section_taker *take,
                                void *context)
{
    unsigned offset = ts_payload_offset(packet);
    struct base_reader payload = base_reader_of(packet + offset, TS_PACKET_SIZE - offset);
    bool starts = ts_unit_start(packet) && base_reader_left(&payload);
    size_t pointer = starts ? base_read_u8(&payload) : base_reader_left(&payload);
    struct base_reader rest = base_read_part(&payload, pointer);
    unsigned count = 0;

    if (rest.failed) { /* pointer_field beyond the packet */
        drop_section(a);
        return 0;
    }
    if (collect(a, &rest)) {
        hand_over(a, take, context);
        count++;
    }
    if (!starts)
        return count;
    drop_section(a); /* one that should have ended before the pointer */
    return count + collect_starts(a, &payload, take, context);
}

static bool is_duplicate(const struct ts_section_assembler *a, const uint8_t *packet)
{
    unsigned offset = ts_payload_offset(packet);

    return a->counter_known && !ts_discontinuity(packet) && ts_continuity_counter(packet) == a->counter &&
           memcmp(packet + offset, a->last + offset, TS_PACKET_SIZE - offset) == 0;
}

/* Follows the counter; a jump, announced or not, ends the section under way. */
static void follow_counter(struct ts_section_assembler *a, const uint8_t *packet)
{
    uint8_t counter = ts_continuity_counter(packet);

    if (!a->counter_known || counter != ((a->counter + ts_payload_flag(packet)) & 0x0F))
        drop_section(a);
    a->counter = counter;
    a->counter_known = true;
}

unsigned ts_section_assembler_feed(struct ts_section_assembler *assembler, const uint8_t *packet,
                                   ts_section_taker *take, void *context)
{
    if (ts_error_indicator(packet) || ts_scrambling_control(packet) != TS_CLEAR ||
        !ts_adaptation_sound(packet)) {
        drop_section(assembler);
        assembler->counter_known = false;
        return 0;
    }
    if (!ts_payload_flag(packet)) { /* its counter stands still, unless it announces that it does not */
        if (ts_discontinuity(packet))
            follow_counter(assembler, packet);
        return 0;
    }
    if (is_duplicate(assembler, packet))
        return 0;
    follow_counter(assembler, packet);
    memcpy(assembler->last, packet, TS_PACKET_SIZE);
    return collect_payload(assembler, packet, take, context);
}
