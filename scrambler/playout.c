/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scrambler/playout.h"

static uint64_t later(uint64_t time, uint64_t ticks)
{
    return time > SCRAMBLER__NEVER - ticks ? SCRAMBLER__NEVER : time + ticks;
}

static struct scrambler_content *running(const struct scrambler_carousel *carousel)
{
    return &carousel->contents[carousel->running];
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

static struct scrambler_carousel *find(struct scrambler_carousel *carousels, uint16_t pid, uint16_t stream)
{
    for (unsigned i = 0; i < SCRAMBLER__CAROUSELS; i++)
        if (carousels[i].used && carousels[i].pid == pid && carousels[i].stream == stream)
            return &carousels[i];
    return NULL;
}

static struct scrambler_carousel *take_free(struct scrambler_carousel *carousels, uint16_t pid,
                                            uint16_t stream)
{
    for (unsigned i = 0; i < SCRAMBLER__CAROUSELS; i++) {
        struct scrambler_carousel *carousel = &carousels[i];

        if (carousel->used)
            continue;
        carousel->used = true;
        carousel->pid = pid;
        carousel->stream = stream;
        carousel->waiting = 0;
        carousel->left = 0;
        carousel->next_play = SCRAMBLER__NEVER;
        running(carousel)->size = 0;
        return carousel;
    }
    return NULL;
}

bool scrambler__playout_order(struct scrambler_carousel *carousels, const struct ts_order *order)
{
    struct scrambler_carousel *carousel = find(carousels, order->pid, order->stream);

    if (!carousel && order->kind == TS_ORDER_STOP)
        return true;
    if (!carousel)
        carousel = take_free(carousels, order->pid, order->stream);
    if (!carousel)
        return false;
    /* An order holds from its start on: what was to begin then or later is void. */
    while (carousel->waiting &&
           carousel->contents[place(carousel, carousel->waiting - 1u)].start >= order->start)
        carousel->waiting--;
    if (carousel->waiting == SCRAMBLER__CONTENTS - 1)
        return false;
    scrambler__content_set(&carousel->contents[place(carousel, carousel->waiting)], order);
    carousel->waiting++;
    return true;
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
