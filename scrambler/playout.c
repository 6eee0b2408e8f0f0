/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scrambler/playout.h"

#include <errno.h>
#include <stdlib.h>

static uint64_t later(uint64_t time, uint64_t ticks)
{
    return time > SCRAMBLER__NEVER - ticks ? SCRAMBLER__NEVER : time + ticks;
}

static struct scrambler_content *running(const struct scrambler_carousel *carousel)
{
    return (struct scrambler_content *)(uintptr_t)&carousel->contents[carousel->running];
}

static bool plays_once(const struct scrambler_content *content)
{
    return content->size && content->period == 0;
}

/* The only play of the running content is under way: nothing begins before its end. */
static bool plays_only(const struct scrambler_carousel *carousel)
{
    return carousel->left && plays_once(running(carousel));
}

/* The n-th content that waits; n == waiting: the place of the next one. */
static unsigned place(const struct scrambler_carousel *carousel, unsigned n)
{
    return (carousel->running + 1u + n) % SCRAMBLER__CONTENTS;
}

int scrambler__playout_create(struct scrambler_playout *playout, unsigned count)
{
    unsigned buckets = 1;

    while (buckets < count)
        buckets *= 2;
    *playout = (struct scrambler_playout){.count = count, .bucket_mask = buckets - 1, .free = 1};
    playout->carousels = calloc(count, sizeof(*playout->carousels));
    playout->buckets = calloc(buckets, sizeof(*playout->buckets));
    playout->bytes = malloc((size_t)count * SCRAMBLER__PLAYS * sizeof(*playout->bytes));
    if (!playout->carousels || !playout->buckets || !playout->bytes) {
        scrambler__playout_destroy(playout);
        return -ENOMEM;
    }
    for (unsigned i = 0; i < count; i++) {
        playout->carousels[i].bytes = playout->bytes + (size_t)i * SCRAMBLER__PLAYS;
        playout->carousels[i].next = i + 1 < count ? (uint16_t)(i + 2) : 0;
    }
    return 0;
}

void scrambler__playout_destroy(struct scrambler_playout *playout)
{
    free(playout->carousels);
    free(playout->buckets);
    free(playout->bytes);
    *playout = (struct scrambler_playout){0};
}

static uint16_t *bucket_of(const struct scrambler_playout *playout, uint16_t pid, uint16_t stream)
{
    uint32_t key = (uint32_t)pid << 16 | stream;

    return &playout->buckets[key * UINT32_C(0x9E3779B1) >> 16 & playout->bucket_mask];
}

static struct scrambler_carousel *find(const struct scrambler_playout *playout, uint16_t pid, uint16_t stream)
{
    for (unsigned i = *bucket_of(playout, pid, stream); i; i = playout->carousels[i - 1].next) {
        struct scrambler_carousel *carousel = &playout->carousels[i - 1];

        if (carousel->pid == pid && carousel->stream == stream)
            return carousel;
    }
    return NULL;
}

static struct scrambler_carousel *take_free(struct scrambler_playout *playout, uint16_t pid, uint16_t stream)
{
    uint16_t *bucket = bucket_of(playout, pid, stream), taken = playout->free;
    struct scrambler_carousel *carousel;

    if (!taken)
        return NULL;
    carousel = &playout->carousels[taken - 1];
    playout->free = carousel->next;
    carousel->next = *bucket;
    *bucket = taken;
    carousel->used = true;
    carousel->pid = pid;
    carousel->stream = stream;
    carousel->waiting = 0;
    carousel->left = 0;
    carousel->next_play = SCRAMBLER__NEVER;
    running(carousel)->size = 0;
    return carousel;
}

void scrambler__playout_release(struct scrambler_playout *playout, struct scrambler_carousel *carousel)
{
    uint16_t number = (uint16_t)(carousel - playout->carousels + 1);
    uint16_t *link = bucket_of(playout, carousel->pid, carousel->stream);

    if (carousel->used)
        return;
    while (*link && *link != number)
        link = &playout->carousels[*link - 1].next;
    if (!*link) /* it was free already */
        return;
    *link = carousel->next;
    carousel->next = playout->free;
    playout->free = number;
}

/* Whether one of the plays that run or wait has these bytes. */
static bool has_bytes(const struct scrambler_carousel *carousel, const uint8_t *bytes)
{
    if (running(carousel)->size && running(carousel)->bytes == bytes)
        return true;
    for (unsigned n = 0; n < carousel->waiting; n++) {
        const struct scrambler_content *content = &carousel->contents[place(carousel, n)];

        if (content->size && content->bytes == bytes)
            return true;
    }
    return false;
}

/* Where another play can be kept; NULL: four wait. */
static uint8_t *free_bytes(struct scrambler_carousel *carousel)
{
    unsigned waiting = 0;

    for (unsigned n = 0; n < carousel->waiting; n++)
        waiting += carousel->contents[place(carousel, n)].size > 0;
    for (unsigned i = 0; i < SCRAMBLER__PLAYS && waiting < SCRAMBLER__PLAYS - 1; i++)
        if (!has_bytes(carousel, carousel->bytes[i]))
            return carousel->bytes[i];
    return NULL;
}

static bool enqueue(struct scrambler_carousel *carousel, const struct ts_order *order)
{
    uint8_t *bytes = NULL;

    /* An order holds from its start on: what was to begin then or later is void. */
    while (carousel->waiting &&
           carousel->contents[place(carousel, carousel->waiting - 1u)].start >= order->start)
        carousel->waiting--;
    if (carousel->waiting == SCRAMBLER__CONTENTS - 1)
        return false;
    if (order->kind != TS_ORDER_STOP && !(bytes = free_bytes(carousel)))
        return false;
    scrambler__content_set(&carousel->contents[place(carousel, carousel->waiting)], order, bytes);
    carousel->waiting++;
    return true;
}

int scrambler__playout_order(struct scrambler_playout *playout, const struct ts_order *order)
{
    struct scrambler_carousel *carousel = find(playout, order->pid, order->stream);

    if (!carousel && order->kind == TS_ORDER_STOP)
        return -ENOENT;
    if (!carousel)
        carousel = take_free(playout, order->pid, order->stream);
    if (!carousel || !enqueue(carousel, order))
        return -ENOBUFS;
    return (int)(carousel - playout->carousels);
}

/* `grid` is the time at which the play should have begun, `now` at which it can. */
static void begin_play(struct scrambler_carousel *carousel, uint64_t grid, uint64_t now, uint64_t patience)
{
    const struct scrambler_content *content = running(carousel);

    carousel->index = 0;
    carousel->left = (uint8_t)scrambler__content_packets(content);
    carousel->deadline = later(now, patience);
    carousel->next_play = later(grid, content->period);
    if (carousel->next_play <= now) /* time leapt over several plays: they are not made up for */
        carousel->next_play = later(now, content->period);
    if (content->period == 0)
        carousel->next_play = SCRAMBLER__NEVER;
}

static uint64_t patience_of(const struct scrambler_content *content)
{
    uint64_t quarter = content->period / 4;

    return quarter < SCRAMBLER__PATIENCE ? quarter : SCRAMBLER__PATIENCE;
}

static bool next_is_due(const struct scrambler_carousel *carousel, uint64_t now)
{
    return carousel->waiting && carousel->contents[place(carousel, 0)].start <= now;
}

static void advance_content(struct scrambler_carousel *carousel, uint64_t now)
{
    do {
        carousel->running = (uint8_t)place(carousel, 0);
        carousel->waiting--;
    } while (!plays_once(running(carousel)) && next_is_due(carousel, now));
    carousel->next_play = SCRAMBLER__NEVER;
    carousel->left = 0;
    if (running(carousel)->size) {
        begin_play(carousel, running(carousel)->start, now, 0);
        carousel->deadline = later(running(carousel)->start, running(carousel)->patience);
    }
    carousel->used = running(carousel)->size || carousel->waiting;
}

void scrambler__carousel_activate(struct scrambler_carousel *carousel, uint64_t now)
{
    if (next_is_due(carousel, now)) {
        if (carousel->left && carousel->index > 0)
            carousel->deadline = now;
        else
            advance_content(carousel, now);
    } else if (carousel->next_play <= now) {
        if (carousel->left)
            carousel->deadline = now; /* the next play is due while the last one still waits */
        else
            begin_play(carousel, carousel->next_play, now, patience_of(running(carousel)));
    }
}

uint64_t scrambler__carousel_activation(const struct scrambler_carousel *carousel)
{
    uint64_t start = carousel->waiting ? carousel->contents[place(carousel, 0)].start : SCRAMBLER__NEVER;

    if (!carousel->used || plays_only(carousel))
        return SCRAMBLER__NEVER;
    return start < carousel->next_play ? start : carousel->next_play;
}

void scrambler__carousel_emit(struct scrambler_carousel *carousel, uint8_t *packet)
{
    scrambler__content_packet(running(carousel), carousel->index, packet);
    carousel->index++;
    carousel->left--;
    if (carousel->left == 0 && carousel->next_play == SCRAMBLER__NEVER && carousel->waiting == 0)
        carousel->used = false; /* played once, and nothing follows */
}
