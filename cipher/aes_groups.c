/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cipher/aes_groups.h"

#include <string.h>

/* A payload is prefetched this many lanes before it is grouped. */
#define AHEAD 32

struct job {
    struct cipher__aes_groups *groups;
    const struct cipher__aes_kernel *kernel;
    void *scratch;
    bool residues;
};

#define MEMORY_OF_MIXED (CIPHER__AES_BLOCKS_MAX + CIPHER__AES_IN_FLIGHT)

static void reset(struct cipher__aes_groups *groups)
{
    memset(groups->counts, 0, sizeof(groups->counts));
    for (unsigned i = 0; i < CIPHER__AES_BLOCKS_MAX; i++)
        groups->collected[i] = groups->memory[i];
    for (unsigned i = 0; i < CIPHER__AES_IN_FLIGHT; i++)
        groups->used[i] = groups->memory[CIPHER__AES_BLOCKS_MAX + i];
    groups->oldest = 0;
}

/* Lanes of the same number of whole blocks. */
static void scramble_equal(const struct job *job, const struct cipher_lane *lanes)
{
    unsigned steps = lanes->length / CIPHER__AES_BLOCK + job->residues;
    struct cipher__aes_group group = {
        .lanes = lanes, .count = job->kernel->size, .steps = steps, .residues = job->residues};

    job->kernel->scramble(job->scratch, &group);
}

/* Takes the memory of lanes that are in flight from now on; gives some whose lanes no longer are. */
static struct cipher_lane *exchange_memory(struct cipher__aes_groups *groups, struct cipher_lane *used)
{
    struct cipher_lane *free = groups->used[groups->oldest];

    groups->used[groups->oldest] = used;
    groups->oldest = (groups->oldest + 1) % CIPHER__AES_IN_FLIGHT;
    return free;
}

/* Turns the lanes collected for a number of whole blocks as soon as they are a group. */
static void turn_collected(const struct job *job, unsigned whole)
{
    struct cipher__aes_groups *groups = job->groups;

    if (groups->counts[whole] < job->kernel->size)
        return;
    scramble_equal(job, groups->collected[whole]);
    groups->collected[whole] = exchange_memory(groups, groups->collected[whole]);
    groups->counts[whole] = 0;
}

/* Lanes of the same number of whole blocks. */
static void collect(const struct job *job, const struct cipher_lane *lanes, unsigned count)
{
    unsigned whole = lanes->length / CIPHER__AES_BLOCK;

    while (count) {
        unsigned *held = &job->groups->counts[whole];
        unsigned room = job->kernel->size - *held;
        unsigned taken = count < room ? count : room;

        memcpy(&job->groups->collected[whole][*held], lanes, taken * sizeof(*lanes));
        *held += taken;
        lanes += taken;
        count -= taken;
        turn_collected(job, whole);
    }
}

static struct cipher_lane *scramble_mixed(const struct job *job, struct cipher_lane *lanes, unsigned count)
{
    unsigned steps = lanes->length / CIPHER__AES_BLOCK + job->residues;
    struct cipher__aes_group group = {
        .lanes = lanes, .count = count, .steps = steps, .mixed = true, .residues = job->residues};

    for (unsigned i = count; i < job->kernel->size; i++)
        lanes[i] = (struct cipher_lane){.payload = lanes->payload, .key = lanes->key};
    job->kernel->scramble(job->scratch, &group);
    return exchange_memory(job->groups, lanes);
}

static void scramble_rest(const struct job *job)
{
    struct cipher__aes_groups *groups = job->groups;
    struct cipher_lane *lanes = groups->memory[MEMORY_OF_MIXED];
    unsigned count = 0;

    for (unsigned whole = CIPHER__AES_BLOCKS_MAX; whole-- > 0;) {
        for (unsigned i = 0; i < groups->counts[whole]; i++) {
            lanes[count++] = groups->collected[whole][i];
            if (count == job->kernel->size) {
                lanes = scramble_mixed(job, lanes, count);
                count = 0;
            }
        }
    }
    if (count)
        scramble_mixed(job, lanes, count);
}

/* How many lanes from the first on have as many whole blocks as it, up to a group. */
static unsigned count_equal(const struct cipher_lane *lanes, unsigned count, unsigned size)
{
    unsigned whole = lanes->length / CIPHER__AES_BLOCK;
    unsigned equal = 1;

    while (equal < size && equal < count && lanes[equal].length / CIPHER__AES_BLOCK == whole)
        equal++;
    return equal;
}

/* Inlined by force: gcc takes a function that only prefetches for one without effect, and drops its calls. */
static inline __attribute__((always_inline)) void prefetch(const struct cipher_lane *lanes, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        __builtin_prefetch(lanes[i].payload);
        __builtin_prefetch(lanes[i].payload + 64);
        __builtin_prefetch(lanes[i].payload + 128);
    }
}

static void scramble_groups(struct cipher__aes_groups *groups, const struct cipher__aes_kernel *kernel,
                            void *scratch, bool residues, const struct cipher_lane *lanes, unsigned count)
{
    const struct job job = {groups, kernel, scratch, residues};

    reset(groups);
    for (unsigned i = 0, equal; i < count; i += equal) {
        equal = count_equal(&lanes[i], count - i, kernel->size);
        if (i + equal + AHEAD < count)
            prefetch(&lanes[i + AHEAD], equal);
        if (lanes[i].length < CIPHER__AES_BLOCK && !residues)
            continue;
        if (equal == kernel->size)
            scramble_equal(&job, &lanes[i]);
        else
            collect(&job, &lanes[i], equal);
    }
    scramble_rest(&job);
    if (kernel->finish)
        kernel->finish(scratch);
}

void cipher__aes_run(struct cipher__aes_groups *groups, const struct cipher__aes_kernel *kernel,
                     void *scratch, enum cipher_algorithm algorithm, enum cipher_direction direction,
                     const struct cipher_lane *lanes, unsigned count)
{
    bool residues = algorithm == CIPHER_ATIS_IDSA;

    if (algorithm == CIPHER_AES_CTR)
        kernel->add_streams(lanes, count);
    else if (direction == CIPHER_SCRAMBLE)
        scramble_groups(groups, kernel, scratch, residues, lanes, count);
    else
        kernel->descramble(lanes, count, residues);
}
