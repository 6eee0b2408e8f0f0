/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libdvbcsa: bitsliced calls of one key each, as full as a batch allows; few lanes of a key through the
 * scalar calls. Lanes are grouped by key while they are loaded: that costs the library nothing here. */
#include <dvbcsa/dvbcsa.h>
#include <errno.h>
#include <stdlib.h>

#include "bench/peer.h"

#define SHORTEST_PAYLOAD         8
#define SMALLEST_BITSLICED_GROUP 12 /* lanes; below it scalar calls are cheaper */

struct call {
    unsigned key, first, count, longest; /* entries from `first` on, then the end mark */
};

struct peer {
    struct bench_contender contender;
    struct dvbcsa_key_s *scalar[BENCH_KEYS_MAX];
    struct dvbcsa_bs_key_s *bitsliced[BENCH_KEYS_MAX];
    struct call calls[BENCH_LOAD_MAX];
    struct dvbcsa_bs_batch_s entries[2 * BENCH_LOAD_MAX]; /* each call's, and its end mark */
    unsigned call_count, entry_count;
    enum cipher_direction direction;
};

static int add_key(struct bench_contender *contender)
{
    struct peer *peer = (struct peer *)contender;
    unsigned key = contender->keys;

    peer->scalar[key] = dvbcsa_key_alloc();
    peer->bitsliced[key] = dvbcsa_bs_key_alloc();
    if (peer->scalar[key] && peer->bitsliced[key])
        return 0;
    dvbcsa_key_free(peer->scalar[key]);
    dvbcsa_bs_key_free(peer->bitsliced[key]);
    return -ENOMEM;
}

static int set_key(struct bench_contender *contender, unsigned key, const uint8_t *cw)
{
    struct peer *peer = (struct peer *)contender;

    dvbcsa_key_set(cw, peer->scalar[key]);
    dvbcsa_bs_key_set(cw, peer->bitsliced[key]);
    return 0;
}

static int by_key(const void *a, const void *b)
{
    const struct bench_lane *x = a;
    const struct bench_lane *y = b;

    return x->key != y->key ? x->key - y->key : (x->payload > y->payload) - (x->payload < y->payload);
}

static void end_call(struct peer *peer)
{
    peer->entries[peer->entry_count++].data = NULL;
}

/* The lanes of one batch, ordered by key. */
static void load_batch(struct peer *peer, const struct bench_lane *lanes, unsigned count)
{
    struct call *call = NULL;

    for (unsigned i = 0; i < count; i++) {
        if (lanes[i].length < SHORTEST_PAYLOAD)
            continue;
        if (!call || call->key != lanes[i].key || call->count == dvbcsa_bs_batch_size()) {
            if (call)
                end_call(peer);
            call = &peer->calls[peer->call_count++];
            *call = (struct call){.key = lanes[i].key, .first = peer->entry_count};
        }
        peer->entries[peer->entry_count++] = (struct dvbcsa_bs_batch_s){lanes[i].payload, lanes[i].length};
        call->count++;
        if (lanes[i].length > call->longest)
            call->longest = lanes[i].length;
    }
    if (call)
        end_call(peer);
}

static void load(struct bench_contender *contender, enum cipher_direction direction,
                 const struct bench_lane *lanes, unsigned count, unsigned batch)
{
    struct peer *peer = (struct peer *)contender;
    struct bench_lane ordered[CIPHER_BATCH_MAX];

    peer->direction = direction;
    peer->call_count = 0;
    peer->entry_count = 0;
    for (unsigned at = 0; at < count; at += batch) {
        memcpy(ordered, lanes + at, batch * sizeof(*lanes));
        qsort(ordered, batch, sizeof(*ordered), by_key);
        load_batch(peer, ordered, batch);
    }
}

static void run_scalar(const struct peer *peer, const struct call *call)
{
    const struct dvbcsa_bs_batch_s *entry = peer->entries + call->first;

    for (; entry->data; entry++) {
        if (peer->direction == CIPHER_SCRAMBLE)
            dvbcsa_encrypt(peer->scalar[call->key], entry->data, entry->len);
        else
            dvbcsa_decrypt(peer->scalar[call->key], entry->data, entry->len);
    }
}

static void run_bitsliced(const struct peer *peer, const struct call *call)
{
    const struct dvbcsa_bs_batch_s *entries = peer->entries + call->first;
    unsigned longest = (call->longest + 7) / 8 * 8;

    if (peer->direction == CIPHER_SCRAMBLE)
        dvbcsa_bs_encrypt(peer->bitsliced[call->key], entries, longest);
    else
        dvbcsa_bs_decrypt(peer->bitsliced[call->key], entries, longest);
}

static void run(struct bench_contender *contender)
{
    const struct peer *peer = (struct peer *)contender;

    for (const struct call *call = peer->calls; call < peer->calls + peer->call_count; call++) {
        if (call->count < SMALLEST_BITSLICED_GROUP)
            run_scalar(peer, call);
        else
            run_bitsliced(peer, call);
    }
}

static void close_peer(struct bench_contender *contender)
{
    struct peer *peer = (struct peer *)contender;

    for (unsigned key = 0; key < contender->keys; key++) {
        dvbcsa_key_free(peer->scalar[key]);
        dvbcsa_bs_key_free(peer->bitsliced[key]);
    }
    free(peer);
}

static const struct bench_contender_operations operations = {
    .add_key = add_key,
    .set_key = set_key,
    .load = load,
    .run = run,
    .close = close_peer,
};

int bench__libdvbcsa_open(struct bench_contender **contender, enum cipher_algorithm algorithm)
{
    *contender = bench__contender_create(sizeof(struct peer), &operations, algorithm, "libdvbcsa");
    return *contender ? 0 : -ENOMEM;
}
