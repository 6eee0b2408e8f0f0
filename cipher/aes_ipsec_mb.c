/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The algorithms that are CBC by libipsec-mb's burst calls. The library chooses among its own kernels, below
 * what the CPU mask allows.
 *
 * AES-128-CTR is not served: the library counts in 32 bits, and the other tiers only XOR a prepared stream.
 */
#include <errno.h>
#include <intel-ipsec-mb.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/secret.h"
#include "cipher/aes_key.h"

#define BLOCK CIPHER__AES_BLOCK
/* Jobs of a call: 128 were 5 % slower, 512 only 2 % faster (Zen 5 class). */
#define BURST 256

struct scratch {
    IMB_MGR *manager;
    IMB_JOB jobs[BURST];
};

static void close_manager(void *memory)
{
    struct scratch *scratch = memory;

    if (!scratch->manager)
        return;
    base_secure_zero(scratch->manager, imb_get_mb_mgr_size()); /* it has had round keys of lanes */
    free(scratch->manager);
}

static int open_manager(void *memory)
{
    struct scratch *scratch = memory;
    void *manager;

    if (posix_memalign(&manager, CIPHER__ALIGNMENT, imb_get_mb_mgr_size()) != 0)
        return -ENOMEM;
    scratch->manager = imb_set_pointers_mb_mgr(manager, 0, 1);
    if (cipher_cpu_features() & CIPHER_CPU_AVX512)
        init_mb_mgr_avx512(scratch->manager);
    else
        init_mb_mgr_avx2(scratch->manager);
    return imb_get_errno(scratch->manager) == 0 ? 0 : BASE_E_CRYPTO;
}

static unsigned whole_size(const struct cipher_lane *lane)
{
    return lane->length / BLOCK * BLOCK;
}

static void fill_job(IMB_JOB *job, const struct cipher_lane *lane)
{
    const struct cipher__aes_key *key = cipher__aes_key_of(lane);

    job->src = lane->payload;
    job->dst = lane->payload;
    job->cipher_start_src_offset_in_bytes = 0;
    job->msg_len_to_cipher_in_bytes = whole_size(lane);
    job->iv = key->encrypt.iv;
    job->iv_len_in_bytes = BLOCK;
    job->enc_keys = key->encrypt.keys;
    job->dec_keys = key->decrypt.keys;
    job->key_len_in_bytes = IMB_KEY_128_BYTES;
}

/* Every job is done when the call returns. */
static void turn_jobs(struct scratch *scratch, enum cipher_direction direction, unsigned count)
{
    IMB_CIPHER_DIRECTION way = direction == CIPHER_SCRAMBLE ? IMB_DIR_ENCRYPT : IMB_DIR_DECRYPT;

    if (count)
        IMB_SUBMIT_CIPHER_BURST_NOCHECK(scratch->manager, scratch->jobs, count, IMB_CIPHER_CBC, way,
                                        IMB_KEY_128_BYTES);
}

static void turn_blocks(struct scratch *scratch, enum cipher_direction direction,
                        const struct cipher_lane *lanes, unsigned count)
{
    unsigned filled = 0;

    for (unsigned i = 0; i < count; i++) {
        if (lanes[i].length < BLOCK)
            continue;
        fill_job(&scratch->jobs[filled++], &lanes[i]);
        if (filled == BURST) {
            turn_jobs(scratch, direction, filled);
            filled = 0;
        }
    }
    turn_jobs(scratch, direction, filled);
}

/* While the blocks before are scrambled. CFB's first block is IDSA's residue. */
static void add_residues(struct scratch *scratch, const struct cipher_lane *lanes, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        const struct cipher__aes_key *key = cipher__aes_key_of(&lanes[i]);
        unsigned whole = whole_size(&lanes[i]);
        uint8_t *residue = lanes[i].payload + whole;

        if (lanes[i].length > whole)
            IMB_AES128_CFB_ONE(scratch->manager, residue, residue, whole ? residue - BLOCK : key->encrypt.iv,
                               key->encrypt.keys, lanes[i].length - whole);
    }
}

static void run(void *memory, enum cipher_algorithm algorithm, enum cipher_direction direction,
                const struct cipher_lane *lanes, unsigned count)
{
    struct scratch *scratch = memory;
    bool residues = algorithm == CIPHER_ATIS_IDSA;

    if (residues && direction == CIPHER_DESCRAMBLE)
        add_residues(scratch, lanes, count);
    turn_blocks(scratch, direction, lanes, count);
    if (residues && direction == CIPHER_SCRAMBLE)
        add_residues(scratch, lanes, count);
}

const struct cipher__tier cipher__aes_ipsec_mb = {
    .name = "ipsec-mb",
    .features = CIPHER_CPU_LIBRARIES | CIPHER_CPU_AVX2, /* AVX2: for AES-NI, and its key expansion is ours */
    .scratch_size = sizeof(struct scratch),
    .key_size = sizeof(struct cipher__aes_key),
    .scratch_open = open_manager,
    .scratch_close = close_manager,
    .key_set = cipher__aes_key_set,
    .run = run,
};
