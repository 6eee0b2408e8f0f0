/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libipsec-mb with the implementation that it chooses for this CPU: its burst calls for CBC and CTR, whose
 * jobs are written while a load is handed over; IDSA is its DOCSIS mode (the same treatment of the residue),
 * which has the general burst calls alone, whose jobs are its own and are written while it runs. */
#include <errno.h>
#include <intel-ipsec-mb.h>
#include <stdlib.h>

#include "bench/peer.h"

#define BLOCK 16 /* bytes */

struct schedule {
    _Alignas(16) uint8_t encrypt[11 * BLOCK];
    _Alignas(16) uint8_t decrypt[11 * BLOCK];
};

struct peer {
    struct bench_contender contender;
    IMB_MGR *manager;
    struct schedule schedules[BENCH_KEYS_MAX];
    uint8_t iv[BLOCK];
    IMB_JOB jobs[BENCH_LOAD_MAX];
    unsigned calls[BENCH_LOAD_MAX]; /* jobs of each batch */
    unsigned call_count;
    IMB_CIPHER_MODE mode;
    enum cipher_direction direction;
};

static int add_key(struct bench_contender *contender)
{
    (void)contender;
    return 0;
}

static int set_key(struct bench_contender *contender, unsigned key, const uint8_t *cw)
{
    struct peer *peer = (struct peer *)contender;

    IMB_AES_KEYEXP_128(peer->manager, cw, peer->schedules[key].encrypt, peer->schedules[key].decrypt);
    return 0;
}

static IMB_JOB job_of(const struct peer *peer, const struct bench_lane *lane)
{
    unsigned clear = peer->mode == IMB_CIPHER_CBC ? lane->length % BLOCK : 0;

    return (IMB_JOB){
        .enc_keys = peer->schedules[lane->key].encrypt,
        .dec_keys = peer->schedules[lane->key].decrypt,
        .key_len_in_bytes = IMB_KEY_128_BYTES,
        .src = lane->payload,
        .dst = lane->payload,
        .msg_len_to_cipher_in_bytes = lane->length - clear,
        .iv = peer->iv,
        .iv_len_in_bytes = BLOCK,
        .cipher_mode = peer->mode,
        .cipher_direction = peer->direction == CIPHER_SCRAMBLE ? IMB_DIR_ENCRYPT : IMB_DIR_DECRYPT,
        .hash_alg = IMB_AUTH_NULL,
        .chain_order = peer->direction == CIPHER_SCRAMBLE ? IMB_ORDER_CIPHER_HASH : IMB_ORDER_HASH_CIPHER,
    };
}

static void load(struct bench_contender *contender, enum cipher_direction direction,
                 const struct bench_lane *lanes, unsigned count, unsigned batch)
{
    struct peer *peer = (struct peer *)contender;
    unsigned jobs = 0;

    peer->direction = direction;
    peer->call_count = count / batch;
    for (unsigned i = 0; i < count; i++) {
        if (i % batch == 0)
            peer->calls[i / batch] = 0;
        if (lanes[i].length < cipher_shortest_payload(contender->algorithm))
            continue;
        peer->jobs[jobs++] = job_of(peer, &lanes[i]);
        peer->calls[i / batch]++;
    }
}

static void run_cipher_bursts(struct bench_contender *contender)
{
    struct peer *peer = (struct peer *)contender;
    IMB_CIPHER_DIRECTION direction = peer->direction == CIPHER_SCRAMBLE ? IMB_DIR_ENCRYPT : IMB_DIR_DECRYPT;
    IMB_JOB *jobs = peer->jobs;

    for (unsigned call = 0; call < peer->call_count; jobs += peer->calls[call++])
        IMB_SUBMIT_CIPHER_BURST_NOCHECK(peer->manager, jobs, peer->calls[call], peer->mode, direction,
                                        IMB_KEY_128_BYTES);
}

/* Up to IMB_MAX_BURST_SIZE jobs; some may stay in the manager. */
static void submit_burst(IMB_MGR *manager, const IMB_JOB *jobs, unsigned count)
{
    IMB_JOB *slots[IMB_MAX_BURST_SIZE];

    while (IMB_GET_NEXT_BURST(manager, count, slots) < count)
        IMB_FLUSH_BURST(manager, IMB_MAX_BURST_SIZE, slots);
    for (unsigned i = 0; i < count; i++)
        *slots[i] = jobs[i];
    IMB_SUBMIT_BURST_NOCHECK(manager, count, slots);
}

static void run_general_bursts(struct bench_contender *contender)
{
    struct peer *peer = (struct peer *)contender;
    IMB_JOB *done[IMB_MAX_BURST_SIZE];
    const IMB_JOB *jobs = peer->jobs;

    for (unsigned call = 0; call < peer->call_count; call++) {
        for (unsigned left = peer->calls[call]; left;) {
            unsigned count = left < IMB_MAX_BURST_SIZE ? left : IMB_MAX_BURST_SIZE;

            submit_burst(peer->manager, jobs, count);
            jobs += count;
            left -= count;
        }
        while (IMB_FLUSH_BURST(peer->manager, IMB_MAX_BURST_SIZE, done) > 0)
            ;
    }
}

static void close_peer(struct bench_contender *contender)
{
    struct peer *peer = (struct peer *)contender;

    free_mb_mgr(peer->manager);
    free(peer);
}

static const struct bench_contender_operations cipher_bursts = {
    .add_key = add_key,
    .set_key = set_key,
    .load = load,
    .run = run_cipher_bursts,
    .close = close_peer,
};

static const struct bench_contender_operations general_bursts = {
    .add_key = add_key,
    .set_key = set_key,
    .load = load,
    .run = run_general_bursts,
    .close = close_peer,
};

static IMB_CIPHER_MODE mode_of(enum cipher_algorithm algorithm)
{
    if (algorithm == CIPHER_AES_CTR)
        return IMB_CIPHER_CNTR;
    return algorithm == CIPHER_ATIS_IDSA ? IMB_CIPHER_DOCSIS_SEC_BPI : IMB_CIPHER_CBC;
}

int bench__ipsec_mb_open(struct bench_contender **contender, enum cipher_algorithm algorithm)
{
    struct peer *peer;
    IMB_ARCH arch;

    peer = bench__contender_create(sizeof(*peer),
                                   algorithm == CIPHER_ATIS_IDSA ? &general_bursts : &cipher_bursts,
                                   algorithm, "ipsec-mb");
    if (!peer)
        return -ENOMEM;
    peer->mode = mode_of(algorithm);
    if (algorithm == CIPHER_DVB_CISSA)
        memcpy(peer->iv, "DVBTMCPTAESCISSA", BLOCK);
    peer->manager = alloc_mb_mgr(0);
    if (!peer->manager) {
        close_peer(&peer->contender);
        return -ENOMEM;
    }
    init_mb_mgr_auto(peer->manager, &arch);
    *contender = &peer->contender;
    return 0;
}
