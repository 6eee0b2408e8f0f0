/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bench/lanes.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#define PATTERN_MIN 8192 /* lanes until keys and lengths come again: more than a cipher can learn */
#define LENGTHS_MIN 1024 /* lanes over which the lengths have their mix's shares, in small batches */

struct bench_lanes {
    uint8_t *first; /* packet */
    size_t stride;
    size_t packets;
    size_t packet; /* the next one; and its place in the pattern, which runs on beside it */
    unsigned pattern;
    unsigned pattern_size;
    uint16_t *keys; /* of the pattern's lanes */
    uint16_t *lengths;
    uint8_t (*cws)[BENCH_CW_SIZE];
};

/* What `fill` makes of `unit` lanes at a time, over the whole pattern. */
static void fill_pattern(uint16_t *values, unsigned size, uint16_t *one, unsigned unit, void *context,
                         void (*fill)(void *context, uint16_t *values, unsigned count))
{
    for (unsigned at = 0; at < size; at += unit) {
        fill(context, one, unit);
        memcpy(values + at, one, (size - at < unit ? size - at : unit) * sizeof(*one));
    }
}

struct draw {
    const struct bench_lanes_plan *plan;
    struct bench_random random;
};

/* Fisher and Yates, from the inside. */
static void draw_keys(void *context, uint16_t *values, unsigned count)
{
    struct draw *draw = context;

    for (unsigned i = 0; i < count; i++) {
        unsigned other = bench_random_below(&draw->random, i + 1);

        values[i] = values[other];
        values[other] = (uint16_t)(i % draw->plan->keys);
    }
}

static void draw_lengths(void *context, uint16_t *values, unsigned count)
{
    struct draw *draw = context;

    bench_mix_draw(draw->plan->mix, &draw->random, values, count);
}

static int draw_pattern(struct bench_lanes *lanes, const struct bench_lanes_plan *plan)
{
    struct draw draw = {plan, {plan->seed}};
    unsigned keys_unit = plan->batch > plan->keys ? plan->batch : plan->keys;
    unsigned lengths_unit = plan->batch > LENGTHS_MIN / 4 ? plan->batch : LENGTHS_MIN;
    uint16_t *one = malloc((keys_unit > lengths_unit ? keys_unit : lengths_unit) * sizeof(*one));

    if (!one)
        return -ENOMEM;
    bench_random_fill(&draw.random, lanes->cws[0], plan->keys * sizeof(*lanes->cws));
    fill_pattern(lanes->keys, lanes->pattern_size, one, keys_unit, &draw, draw_keys);
    fill_pattern(lanes->lengths, lanes->pattern_size, one, lengths_unit, &draw, draw_lengths);
    free(one);
    return 0;
}

static unsigned pattern_size(const struct bench_lanes_plan *plan)
{
    unsigned wanted = plan->keys > PATTERN_MIN / 4 ? 4 * plan->keys : PATTERN_MIN;

    return (wanted + plan->batch - 1) / plan->batch * plan->batch;
}

static bool is_sound(const struct bench_lanes_plan *plan)
{
    return plan->keys >= 1 && plan->keys <= BENCH_KEYS_MAX && plan->batch >= 1 &&
           plan->batch <= CIPHER_BATCH_MAX && plan->stride >= CIPHER_PAYLOAD_MAX && plan->mix->total &&
           plan->size >= plan->start + plan->batch * plan->stride;
}

int bench_lanes_create(struct bench_lanes **out, const struct bench_lanes_plan *plan)
{
    struct bench_lanes *lanes;
    int status;

    if (!is_sound(plan))
        return -EINVAL;
    lanes = calloc(1, sizeof(*lanes));
    if (!lanes)
        return -ENOMEM;
    lanes->first = plan->memory + plan->start;
    lanes->stride = plan->stride;
    lanes->packets = (plan->size - plan->start) / plan->stride / plan->batch * plan->batch;
    lanes->pattern_size = pattern_size(plan);
    lanes->keys = malloc(lanes->pattern_size * sizeof(*lanes->keys));
    lanes->lengths = malloc(lanes->pattern_size * sizeof(*lanes->lengths));
    lanes->cws = malloc(plan->keys * sizeof(*lanes->cws));
    status = lanes->keys && lanes->lengths && lanes->cws ? draw_pattern(lanes, plan) : -ENOMEM;
    if (status < 0)
        bench_lanes_destroy(lanes);
    else
        *out = lanes;
    return status;
}

void bench_lanes_destroy(struct bench_lanes *lanes)
{
    if (!lanes)
        return;
    free(lanes->keys);
    free(lanes->lengths);
    free(lanes->cws);
    free(lanes);
}

void bench_lanes_take(struct bench_lanes *lanes, struct bench_lane *taken, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        uint16_t length = lanes->lengths[lanes->pattern];
        uint8_t *packet = lanes->first + lanes->packet * lanes->stride;

        taken[i] = (struct bench_lane){packet + lanes->stride - length, length, lanes->keys[lanes->pattern]};
        lanes->packet = lanes->packet + 1 == lanes->packets ? 0 : lanes->packet + 1;
        lanes->pattern = lanes->pattern + 1 == lanes->pattern_size ? 0 : lanes->pattern + 1;
    }
}

const uint8_t (*bench_lanes_cws(const struct bench_lanes *lanes))[BENCH_CW_SIZE]
{
    return (const uint8_t(*)[BENCH_CW_SIZE])lanes->cws;
}

size_t bench_lanes_packets(const struct bench_lanes *lanes)
{
    return lanes->packets;
}

double bench_lanes_mean_length(const struct bench_lanes *lanes)
{
    uint64_t bytes = 0;

    for (unsigned i = 0; i < lanes->pattern_size; i++)
        bytes += lanes->lengths[i];
    return (double)bytes / lanes->pattern_size;
}
