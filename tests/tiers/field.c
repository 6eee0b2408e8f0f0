/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/tiers/field.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>

#define PAGE       4096u
#define MARGIN     64u /* bytes of poison beside a payload where there is room: the widest vector */
#define HEADER     4u  /* of a TS packet: what lies between payloads in a row */
#define LANE_PAGES ((CIPHER_BATCH_MAX * sizeof(struct cipher_lane) + PAGE - 1) / PAGE)
#define ROW_PAGES  ((CIPHER_BATCH_MAX * (CIPHER_PAYLOAD_MAX + HEADER) + 2 * MARGIN + PAGE - 1) / PAGE)

_Static_assert(MARGIN + CIPHER_PAYLOAD_MAX + MARGIN + FIELD_ALIGNMENTS <= PAGE, "a payload's page");

/* A run of pages between two that cannot be touched. */
struct area {
    uint8_t *start;
    size_t size;
};

struct lot {
    uint8_t *start;
    uint16_t length;
    uint16_t before, after; /* bytes of poison that belong to it */
};

struct field {
    struct area lanes, row;
    struct area pages[CIPHER_BATCH_MAX];
    struct lot lots[CIPHER_BATCH_MAX];
    uint16_t order[CIPHER_BATCH_MAX];
    unsigned count;
};

const char *field_layout_name(enum field_layout layout)
{
    static const char *const names[FIELD_LAYOUTS] = {
#define X(name, text) [FIELD_##name] = text,
        FIELD_LAYOUT_MAP(X)
#undef X
    };

    return names[layout];
}

static int open_area(struct area *area, size_t pages)
{
    size_t size = (pages + 2) * PAGE;
    uint8_t *start = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (start == MAP_FAILED)
        return -ENOMEM;
    *area = (struct area){start + PAGE, pages * PAGE};
    return mprotect(area->start, area->size, PROT_READ | PROT_WRITE) == 0 ? 0 : -ENOMEM;
}

static void close_area(struct area *area)
{
    if (area->start)
        munmap(area->start - PAGE, area->size + 2 * PAGE);
}

int field_create(struct field **out)
{
    struct field *field = calloc(1, sizeof(*field));
    int status;

    if (!field)
        return -ENOMEM;
    status = open_area(&field->lanes, LANE_PAGES);
    if (!status)
        status = open_area(&field->row, ROW_PAGES);
    for (unsigned i = 0; i < CIPHER_BATCH_MAX && !status; i++)
        status = open_area(&field->pages[i], 1);
    if (status < 0)
        field_destroy(field);
    else
        *out = field;
    return status;
}

void field_destroy(struct field *field)
{
    if (!field)
        return;
    close_area(&field->lanes);
    close_area(&field->row);
    for (unsigned i = 0; i < CIPHER_BATCH_MAX; i++)
        close_area(&field->pages[i]);
    free(field);
}

/* Each payload in a page of its own. */
static void lay_in_pages(struct field *field, enum field_layout layout, struct bench_random *random)
{
    unsigned turn = bench_random_below(random, FIELD_ALIGNMENTS);

    for (unsigned i = 0; i < field->count; i++) {
        struct lot *lot = &field->lots[i];
        uint8_t *page = field->pages[i].start;
        unsigned lines = (PAGE - 2 * MARGIN - FIELD_ALIGNMENTS - CIPHER_PAYLOAD_MAX) / FIELD_ALIGNMENTS;

        lot->before = layout == FIELD_PAGE_START ? 0 : MARGIN;
        lot->after = layout == FIELD_PAGE_END ? 0 : MARGIN;
        if (layout == FIELD_PAGE_END)
            lot->start = page + PAGE - lot->length;
        else if (layout == FIELD_PAGE_START)
            lot->start = page;
        else
            lot->start = page + MARGIN + (i + turn) % FIELD_ALIGNMENTS +
                         bench_random_below(random, lines) * FIELD_ALIGNMENTS;
    }
}

static void shuffle(struct field *field, struct bench_random *random)
{
    for (unsigned i = 0; i < field->count; i++) {
        unsigned other = bench_random_below(random, i + 1);

        field->order[i] = field->order[other];
        field->order[other] = (uint16_t)i;
    }
}

/* A lane's neighbours are other lanes: what is written past one's end is the other's payload. */
static void lay_in_a_row(struct field *field, enum field_layout layout, struct bench_random *random)
{
    uint8_t *at = field->row.start + MARGIN;
    uint16_t gap = layout == FIELD_PACKETS ? HEADER : 0;

    shuffle(field, random);
    for (unsigned i = 0; i < field->count; i++) {
        struct lot *lot = &field->lots[field->order[i]];

        lot->start = layout == FIELD_PACKETS ? at + HEADER + CIPHER_PAYLOAD_MAX - lot->length : at;
        lot->before = i == 0 ? MARGIN : gap;
        lot->after = i == field->count - 1 ? MARGIN : 0;
        at = lot->start + lot->length;
    }
}

/* By the address, so that poison which is moved is noticed. */
static uint8_t poison_at(const uint8_t *byte)
{
    return (uint8_t)((uintptr_t)byte * 37 + 11);
}

static void poison(uint8_t *from, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        from[i] = poison_at(from + i);
}

static bool is_poison(const uint8_t *from, unsigned size)
{
    unsigned different = 0;

    for (unsigned i = 0; i < size; i++)
        different |= from[i] ^ poison_at(from + i);
    return !different;
}

struct cipher_lane *field_lay(struct field *field, enum field_layout layout, const uint16_t *lengths,
                              unsigned count, struct bench_random *random)
{
    struct cipher_lane *lanes = (struct cipher_lane *)(field->lanes.start + field->lanes.size) - count;

    field->count = count;
    for (unsigned i = 0; i < count; i++)
        field->lots[i].length = lengths[i];
    if (layout == FIELD_PACKETS || layout == FIELD_TOUCHING)
        lay_in_a_row(field, layout, random);
    else
        lay_in_pages(field, layout, random);
    for (unsigned i = 0; i < count; i++) {
        const struct lot *lot = &field->lots[i];

        poison(lot->start - lot->before, lot->before);
        poison(lot->start + lot->length, lot->after);
        lanes[i] = (struct cipher_lane){.payload = lot->start, .length = lot->length};
    }
    return lanes;
}

int field_find_damage(const struct field *field)
{
    for (unsigned i = 0; i < field->count; i++) {
        const struct lot *lot = &field->lots[i];

        if (!is_poison(lot->start - lot->before, lot->before) ||
            !is_poison(lot->start + lot->length, lot->after))
            return (int)i;
    }
    return -1;
}
