/* SPDX-License-Identifier: GPL-3.0-or-later */
/* DVB-CSA2 for 512 lanes, on AVX-512 with VBMI and GFNI. */
#include "cipher/vector_avx512.h"

/* Four chains scramble as fast as eight, whose keys overflow the first-level cache. Six descramble as fast as
 * eight, of which Clang spills more. */
#define CSA2_ENCRYPT_CHAINS 4
#define CSA2_DECRYPT_CHAINS 6
#include "cipher/csa2_sliced.h"

const struct cipher__tier cipher__csa2_avx512 = {
    .name = "avx512",
    .features = CIPHER_CPU_AVX512,
    .scratch_size = sizeof(struct csa2_sliced),
    .key_size = sizeof(struct csa2_key),
    .key_set = cipher__csa2_key_set,
    .run = csa2_sliced_run,
};
