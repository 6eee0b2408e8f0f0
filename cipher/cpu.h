/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cipher/cpu.h: which instruction sets the kernels may use. The only place that asks the CPU.
 *
 * Any thread, after cipher_cpu_mask(), which is called before the first cipher is made. */
#ifndef CIPHER_CPU_H
#define CIPHER_CPU_H

/* Named feature sets: a set counts as there when CPUID has all of it and the system saves its registers
 * (XCR0). X(name, text, what it needs) */
#define CIPHER_CPU_MAP(X)                                                                                    \
    X(LIBRARIES, "libraries", "libdvbcsa, OpenSSL: they choose for themselves")                              \
    X(NEON, "neon", "AArch64 Advanced SIMD")                                                                 \
    X(AVX2, "avx2", "AVX2, SSSE3, SSE4.1, AES-NI")                                                           \
    X(AVX512, "avx512", "AVX-512 F, BW, VL, DQ and VBMI, GFNI, VAES, and the set avx2")

enum {
#define X(name, text, needs) CIPHER_CPU_BIT_##name,
    CIPHER_CPU_MAP(X)
#undef X
        CIPHER_CPU_BITS
};
#define CIPHER_CPU_LIBRARIES (1u << CIPHER_CPU_BIT_LIBRARIES)
#define CIPHER_CPU_NEON      (1u << CIPHER_CPU_BIT_NEON)
#define CIPHER_CPU_AVX2      (1u << CIPHER_CPU_BIT_AVX2)
#define CIPHER_CPU_AVX512    (1u << CIPHER_CPU_BIT_AVX512)

/* CIPHER_CPU_…, of this CPU and allowed by the mask. */
unsigned cipher_cpu_features(void);

/* Lowers the features: the name of the highest set that may be used ("avx2" allows "libraries" too), or a
 * number that is the bits allowed (0: the reference alone). -EINVAL for neither. Where this was not called,
 * CIPHER_CPU_MASK_VARIABLE of the environment is read at first use; a value that is neither is an error in
 * the log, and the reference alone is left (it was to forbid something). */
int cipher_cpu_mask(const char *text);
#define CIPHER_CPU_MASK_VARIABLE "SCRAMLINE_CPU_MASK"
#define CIPHER_CPU_MASK_VALUES   "libraries, neon, avx2, avx512 or bits from 0 to 15" /* for messages */

#endif
