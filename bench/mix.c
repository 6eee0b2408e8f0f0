/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bench/mix.h"

#include <errno.h>
#include <stdio.h>

#include "base/text.h"

#define SHORT_LONGEST 40 /* bytes */

/* {payload length, packets}: all packets with a payload on PIDs 0x0020 to 0x1FFE of a capture of one
 * H.264/MP2 service (h264-mp2-one-service.ts, from the TSDuck project's test suite). */
static const uint16_t capture[][2] = {
    {1, 2},     {3, 2},     {4, 1},    {5, 2},      {6, 2},    {7, 1},     {8, 1},   {11, 2},  {12, 1},
    {13, 1},    {16, 1},    {17, 2},   {18, 1},     {19, 3},   {20, 2},    {21, 2},  {25, 1},  {26, 1},
    {27, 3},    {28, 2},    {29, 1},   {30, 2},     {31, 1},   {33, 1},    {34, 1},  {35, 3},  {37, 1},
    {38, 3},    {39, 2},    {41, 2},   {42, 2},     {43, 2},   {44, 1},    {46, 1},  {47, 1},  {48, 1},
    {50, 1},    {51, 2},    {52, 1},   {53, 1},     {54, 2},   {55, 1},    {56, 1},  {58, 1},  {60, 1},
    {61, 1},    {62, 1},    {63, 1},   {64, 2},     {65, 1},   {66, 2},    {67, 1},  {68, 2},  {69, 1},
    {70, 1},    {71, 1},    {72, 1},   {73, 2},     {74, 1},   {77, 2},    {78, 2},  {81, 1},  {82, 1},
    {83, 3},    {85, 1},    {87, 2},   {89, 1},     {90, 2},   {91, 2},    {92, 2},  {94, 4},  {95, 2},
    {98, 4},    {99, 1},    {101, 1},  {103, 3},    {104, 1},  {106, 1},   {107, 3}, {110, 3}, {111, 2},
    {112, 209}, {114, 1},   {115, 1},  {116, 1},    {117, 1},  {118, 1},   {119, 3}, {120, 1}, {123, 1},
    {124, 2},   {125, 1},   {127, 2},  {129, 2},    {131, 11}, {132, 1},   {134, 1}, {135, 3}, {136, 1},
    {137, 3},   {138, 20},  {139, 22}, {141, 3},    {142, 1},  {143, 5},   {144, 3}, {145, 1}, {146, 1},
    {147, 21},  {148, 3},   {150, 1},  {151, 3},    {152, 1},  {154, 2},   {156, 2}, {158, 2}, {159, 2},
    {160, 2},   {161, 2},   {162, 2},  {163, 1},    {164, 2},  {165, 1},   {166, 1}, {167, 3}, {168, 2},
    {170, 2},   {172, 2},   {173, 2},  {174, 1},    {175, 2},  {176, 101}, {177, 2}, {179, 2}, {180, 1},
    {181, 3},   {182, 210}, {183, 1},  {184, 9762},
};

void bench_mix_add(struct bench_mix *mix, unsigned length)
{
    mix->counts[length]++;
    mix->total++;
}

static void add_capture(struct bench_mix *mix)
{
    for (size_t i = 0; i < sizeof(capture) / sizeof(capture[0]); i++) {
        mix->counts[capture[i][0]] += capture[i][1];
        mix->total += capture[i][1];
    }
}

static void add_range(struct bench_mix *mix, unsigned shortest, unsigned longest)
{
    for (unsigned length = shortest; length <= longest; length++)
        bench_mix_add(mix, length);
}

/* "N" or "N-M" */
static int parse_lengths(const char *text, unsigned *shortest, unsigned *longest)
{
    unsigned values[CIPHER_PAYLOAD_MAX + 1];
    unsigned count = 0;

    if (strchr(text, ',') ||
        base_parse_list(text, 0, CIPHER_PAYLOAD_MAX, values, CIPHER_PAYLOAD_MAX + 1, &count) < 0)
        return -EINVAL;
    *shortest = values[0];
    *longest = values[count - 1];
    return 0;
}

int bench_mix_from_name(struct bench_mix *mix, const char *name)
{
    unsigned shortest, longest;

    memset(mix, 0, sizeof(*mix));
    snprintf(mix->name, sizeof(mix->name), "%s", name);
    if (!strcmp(name, "mix"))
        add_capture(mix);
    else if (!strcmp(name, "full"))
        bench_mix_add(mix, CIPHER_PAYLOAD_MAX);
    else if (!strcmp(name, "short"))
        add_range(mix, 1, SHORT_LONGEST);
    else if (parse_lengths(name, &shortest, &longest) == 0)
        add_range(mix, shortest, longest);
    else
        return -EINVAL;
    return 0;
}

static void shuffle(struct bench_random *random, uint16_t *values, unsigned count)
{
    for (unsigned left = count; left > 1; left--) {
        unsigned other = bench_random_below(random, left);
        uint16_t value = values[left - 1];

        values[left - 1] = values[other];
        values[other] = value;
    }
}

/* One length from each of `count` equal parts of the mix, ordered by length. */
void bench_mix_draw(const struct bench_mix *mix, struct bench_random *random, uint16_t *lengths,
                    unsigned count)
{
    uint64_t below = mix->counts[0]; /* packets of the mix up to and with `length` */
    unsigned length = 0;

    for (uint64_t i = 0; i < count; i++) {
        uint64_t part = i * mix->total / count;
        uint64_t parts_size = (i + 1) * mix->total / count - part;
        uint64_t packet = part + (parts_size ? bench_random_below(random, parts_size) : 0);

        while (below <= packet)
            below += mix->counts[++length];
        lengths[i] = (uint16_t)length;
    }
    shuffle(random, lengths, count);
}

double bench_mix_mean(const struct bench_mix *mix)
{
    uint64_t bytes = 0;

    for (unsigned length = 0; length <= CIPHER_PAYLOAD_MAX; length++)
        bytes += (uint64_t)mix->counts[length] * length;
    return (double)bytes / mix->total;
}
