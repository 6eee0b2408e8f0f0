/* SPDX-License-Identifier: GPL-3.0-or-later */
/* DVB-CSA2 for 128 lanes, on AArch64 Advanced SIMD. */
#include "cipher/vector_neon.h"

#define CSA2_ENCRYPT_CHAINS  8
#define CSA2_DECRYPT_CHAINS  8
#define CSA2_UNROLLED_CHAINS _Pragma("GCC unroll 1") /* as on AVX2: the S-box fills the registers */
#include "cipher/csa2_sliced.h"

const struct cipher__tier cipher__csa2_neon = {
    .name = "neon",
    .features = CIPHER_CPU_NEON,
    .scratch_size = sizeof(struct csa2_sliced),
    .key_size = sizeof(struct csa2_key),
    .key_set = cipher__csa2_key_set,
    .run = csa2_sliced_run,
};
