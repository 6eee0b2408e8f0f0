/* SPDX-License-Identifier: GPL-3.0-or-later */
/* DVB-CSA2 for 256 lanes, on AVX2. */
#include "cipher/vector_avx2.h"

#define CSA2_ENCRYPT_CHAINS 8
#define CSA2_DECRYPT_CHAINS 8
/* A chain's state is in memory anyhow, and one copy of a round's code for all of them stays in the caches of
 * decoded instructions. */
#define CSA2_UNROLLED_CHAINS _Pragma("GCC unroll 1")
#include "cipher/csa2_sliced.h"

const struct cipher__tier cipher__csa2_avx2 = {
    .name = "avx2",
    .features = CIPHER_CPU_AVX2,
    .scratch_size = sizeof(struct csa2_sliced),
    .key_size = sizeof(struct csa2_key),
    .key_set = cipher__csa2_key_set,
    .run = csa2_sliced_run,
};
