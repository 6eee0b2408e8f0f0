/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Both ways by which control hands things to a worker, under load: the slots of keys/ and base/ring.h. One
 * thread on each side. A program of its own, for ThreadSanitizer does not start under Criterion; writes TAP.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ring.h"
#include "keys/slots.h"

#define CRYPTO_PERIODS 20000
#define PERIOD         100 /* ticks */
#define BURST          8   /* packets between two quiescent points */
#define RECORDS        200000
#define RECORD_MAX     1000
#define TRIES_MAX      20000000 /* looks in vain, tens of seconds: the other side is stuck */

static uint64_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 33;
}

/* --- Slots: all of a slot follows from its crypto-period, so the worker can tell a torn or reused one. ---
 */

struct slots_bench {
    struct cipher *cipher; /* the worker's */
    struct keys_slots *slots;
    struct cipher_key *expected; /* the worker's */
    _Atomic uint64_t published;
    _Atomic uint64_t quiescent_points;
    _Atomic bool stopped;
    const char *failure;
};

static enum keys_slot_kind kind_of(uint64_t crypto_period)
{
    if (crypto_period % 7 == 6)
        return KEYS_SLOT_BLACK;
    return crypto_period % 11 == 10 ? KEYS_SLOT_CLEAR : KEYS_SLOT_KEY;
}

static struct base_secret word_of(uint64_t crypto_period)
{
    struct base_secret cw = {.size = 8};

    memcpy(cw.bytes, &crypto_period, 8);
    return cw;
}

static uint64_t begin_grace(void *context)
{
    return atomic_load(&((struct slots_bench *)context)->quiescent_points) + 1;
}

static bool is_elapsed(void *context, uint64_t token)
{
    return atomic_load(&((struct slots_bench *)context)->quiescent_points) >= token;
}

static void *publish_slots(void *context)
{
    struct slots_bench *bench = context;

    for (uint64_t n = 0; n < CRYPTO_PERIODS && !atomic_load(&bench->stopped);) {
        struct base_secret cw = word_of(n);
        enum keys_slot_kind kind = kind_of(n);
        int status =
            keys_slots_publish(bench->slots, kind, n, n * PERIOD, n & 1, kind == KEYS_SLOT_KEY ? &cw : NULL);

        if (status == 0)
            atomic_store_explicit(&bench->published, ++n, memory_order_relaxed);
        else if (status == -EAGAIN)
            sched_yield();
        else
            abort();
    }
    return NULL;
}

static uint64_t scrambled_zeros(struct cipher *cipher, const struct cipher_key *key)
{
    uint64_t payload = 0;
    struct cipher_lane lane = {(uint8_t *)&payload, key, sizeof(payload)};

    cipher_run(cipher, CIPHER_SCRAMBLE, &lane, 1);
    return payload;
}

static const char *check_slot(struct slots_bench *bench, const struct keys_slot *slot, uint64_t crypto_period)
{
    struct base_secret cw = word_of(crypto_period);

    if (slot->crypto_period != crypto_period || slot->start != crypto_period * PERIOD ||
        slot->kind != kind_of(crypto_period) || slot->parity != (crypto_period & 1))
        return "a slot changed while it was in use";
    if (slot->kind != KEYS_SLOT_KEY)
        return slot->key ? "a key where there should be none" : NULL;
    cipher_key_set(bench->expected, cw.bytes, cw.size);
    if (scrambled_zeros(bench->cipher, slot->key) != scrambled_zeros(bench->cipher, bench->expected))
        return "a key changed while it was in use";
    return NULL;
}

/* One burst: each packet's slot must be the newest begun one, and all must last until the burst ends. */
static const char *check_burst(struct slots_bench *bench, uint64_t *time, uint64_t *state, uint64_t *reached)
{
    const struct keys_slot *held[BURST];
    uint64_t periods[BURST];
    const char *failure = NULL;

    for (int i = 0; i < BURST; i++) {
        uint64_t published = atomic_load_explicit(&bench->published, memory_order_relaxed);
        uint64_t newest = published ? published - 1 : 0;

        *time += *time < newest * PERIOD ? next_random(state) % PERIOD : 0;
        held[i] = keys_slots_current(bench->slots, *time);
        periods[i] = held[i] ? held[i]->crypto_period : 0;
        if (held[i] && periods[i] > *time / PERIOD)
            return "a slot before its start";
        if (published && (!held[i] || periods[i] < (newest < *time / PERIOD ? newest : *time / PERIOD)))
            return "a slot that is no longer the newest";
    }
    for (int i = 0; i < BURST && !failure; i++)
        failure = held[i] ? check_slot(bench, held[i], periods[i]) : NULL;
    *reached = periods[BURST - 1];
    return failure;
}

static void *read_slots(void *context)
{
    struct slots_bench *bench = context;
    uint64_t time = 0, state = 1, reached = 0;

    for (uint64_t tries = 0; reached < CRYPTO_PERIODS - 1 && !bench->failure; tries++) {
        uint64_t before = time;

        bench->failure = tries < TRIES_MAX ? check_burst(bench, &time, &state, &reached) : "stuck";
        atomic_fetch_add(&bench->quiescent_points, 1);
        if (time == before)
            sched_yield();
    }
    atomic_store(&bench->stopped, true);
    return NULL;
}

static void run_pair(void *(*control)(void *), void *(*worker)(void *), void *context)
{
    pthread_t threads[2];

    if (pthread_create(&threads[0], NULL, control, context) != 0 ||
        pthread_create(&threads[1], NULL, worker, context) != 0)
        abort();
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
}

static const char *test_slots(void)
{
    struct slots_bench bench = {0};
    struct keys_grace grace = {.begin = begin_grace, .elapsed = is_elapsed, .context = &bench};

    bench.failure = "creation";
    if (cipher_create(&bench.cipher, CIPHER_DVB_CSA2, NULL) == 0 &&
        cipher_key_create(&bench.expected, bench.cipher) == 0 &&
        keys_slots_create(&bench.slots, bench.cipher, &grace) == 0) {
        bench.failure = NULL;
        run_pair(publish_slots, read_slots, &bench);
    }
    keys_slots_destroy(bench.slots);
    cipher_key_destroy(bench.expected);
    cipher_destroy(bench.cipher);
    return bench.failure;
}

/* --- Ring: record n has a size and bytes that follow from n. --- */

struct ring_bench {
    struct base_ring *ring;
    _Atomic bool stopped;
    const char *failure;
};

static size_t fill_record(uint32_t n, uint8_t record[static RECORD_MAX])
{
    uint64_t state = n;
    size_t size = next_random(&state) % (RECORD_MAX + 1);

    memset(record, (int)(n * 31 + 7), size);
    if (size >= sizeof(n))
        memcpy(record, &n, sizeof(n));
    return size;
}

static void *push_records(void *context)
{
    struct ring_bench *bench = context;
    uint8_t record[RECORD_MAX];

    for (uint32_t n = 0; n < RECORDS; n++) {
        size_t size = fill_record(n, record);

        while (base_ring_push(bench->ring, record, size) == -ENOBUFS) {
            if (atomic_load(&bench->stopped))
                return NULL;
            sched_yield();
        }
    }
    return NULL;
}

static void *pop_records(void *context)
{
    struct ring_bench *bench = context;
    uint8_t expected[RECORD_MAX];
    uint64_t tries = 0;

    for (uint32_t n = 0; n < RECORDS && !bench->failure;) {
        size_t size, expected_size;
        const void *record = base_ring_peek(bench->ring, &size);

        if (!record) {
            bench->failure = ++tries < TRIES_MAX ? NULL : "stuck";
            sched_yield();
            continue;
        }
        expected_size = fill_record(n++, expected);
        if (size != expected_size || memcmp(record, expected, size) != 0)
            bench->failure = "a record that is not the next one pushed";
        base_ring_pop(bench->ring);
    }
    atomic_store(&bench->stopped, true);
    return NULL;
}

static const char *test_ring(void)
{
    struct ring_bench bench = {0};

    if (base_ring_create(&bench.ring, 4096) < 0)
        return "creation";
    run_pair(push_records, pop_records, &bench);
    base_ring_destroy(bench.ring);
    return bench.failure;
}

static int report(int number, const char *name, const char *failure)
{
    printf("%sok %d - %s%s%s\n", failure ? "not " : "", number, name, failure ? ": " : "",
           failure ? failure : "");
    return failure != NULL;
}

int main(void)
{
    int failed;

    printf("1..2\n");
    failed = report(1, "slots under load", test_slots());
    failed += report(2, "ring under load", test_ring());
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
