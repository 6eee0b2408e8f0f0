/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every packet of the output that is neither null nor of a table or ECM comes from a packet of the original,
 * in the same order. What is skipped on the way was either made black, and then a null packet (or an ECM in
 * its place) stands there, or it was lost. */
#include <string.h>

#include "judge.h"

#define REACH 100000 /* packets of the original that are searched */

bool judge_align_equal(const uint8_t *a, const uint8_t *b)
{
    return !memcmp(a, b, 3) && (a[3] & 0x3F) == (b[3] & 0x3F) && !memcmp(a + 4, b + 4, TS_PACKET_SIZE - 4);
}

/* Header and adaptation field: what a wrong CW leaves alone. */
static bool same_frame(const uint8_t *a, const uint8_t *b)
{
    unsigned payload = ts_payload_offset(a);

    return payload == ts_payload_offset(b) && !memcmp(a, b, 3) && (a[3] & 0x3F) == (b[3] & 0x3F) &&
           !memcmp(a + 4, b + 4, payload - 4);
}

static bool is_slot(const struct judge *judge, const uint8_t *original)
{
    return judge->pids[ts_pid(original)].is_table;
}

static bool equals_any(const uint8_t *original, const uint8_t *packet, const struct judge_variant *variants,
                       unsigned count)
{
    if (ts_pid(original) != ts_pid(packet))
        return false;
    for (unsigned i = 0; i < count; i++)
        if (judge_align_equal(original, variants[i].packet))
            return true;
    return judge_align_equal(original, packet) && original[3] == packet[3];
}

/* The original that has the same bytes; where there is none, one with the same header. */
static size_t find(const struct judge *judge, const uint8_t *packet, const struct judge_variant *variants,
                   unsigned count)
{
    const struct judge_input *original = &judge->original;
    size_t end = judge->cursor + REACH < original->count ? judge->cursor + REACH : original->count;
    size_t alike = original->count;

    for (size_t at = judge->cursor; at < end; at++) {
        const uint8_t *candidate = judge_input_packet(original, at);

        if (is_slot(judge, candidate))
            continue;
        if (equals_any(candidate, packet, variants, count))
            return at;
        if (alike == original->count && same_frame(candidate, packet))
            alike = at;
    }
    return alike;
}

/* Originals from the cursor to `to`; `skipped` of them should have been in the output. */
static uint64_t skip_to(struct judge *judge, size_t to)
{
    uint64_t skipped = 0;

    for (; judge->cursor < to; judge->cursor++)
        if (is_slot(judge, judge_input_packet(&judge->original, judge->cursor)))
            judge->slots_original++;
        else
            skipped++;
    return skipped;
}

static uint64_t lost_of(const struct judge *judge, uint64_t skipped)
{
    uint64_t places = skipped + judge->slots_original;

    if (judge->slots_output >= places)
        return 0;
    return places - judge->slots_output < skipped ? places - judge->slots_output : skipped;
}

static void account(struct judge *judge, uint64_t skipped)
{
    uint64_t lost = lost_of(judge, skipped);

    if (judge->counts.compared == 0)
        judge->counts.lead_in = skipped;
    else
        judge->counts.lost += lost;
    if (judge->counts.compared)
        judge->counts.black += skipped - lost;
    if (judge->counts.compared && judge->counts.scrambled <= 1) /* the one that is looked for counts */
        judge->counts.black_at_start += skipped - lost;
    judge->slots_output = judge->slots_original = 0;
}

const uint8_t *judge_align(struct judge *judge, const uint8_t *packet, const struct judge_variant *variants,
                           unsigned count)
{
    size_t at = find(judge, packet, variants, count);

    if (at == judge->original.count) {
        judge->counts.alien++;
        return NULL;
    }
    account(judge, skip_to(judge, at));
    judge->cursor = at + 1;
    judge->counts.compared++;
    return judge_input_packet(&judge->original, at);
}

void judge_align_slot(struct judge *judge)
{
    judge->slots_output++;
}

void judge_align_finish(struct judge *judge)
{
    uint64_t skipped = skip_to(judge, judge->original.count);

    judge->counts.tail = lost_of(judge, skipped);
    judge->counts.black += skipped - judge->counts.tail;
}
