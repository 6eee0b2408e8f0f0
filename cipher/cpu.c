/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cipher/cpu.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"

#define ALL_SETS ((1u << CIPHER_CPU_BITS) - 1)
_Static_assert(ALL_SETS == 15, "CIPHER_CPU_MASK_VALUES says so");

#if defined(__x86_64__)

#include <cpuid.h>

/* What the system saves of a thread's registers (Intel SDM volume 1, 13.1): XMM, YMM; opmasks and ZMM. */
#define SAVES_YMM ((1u << 1) | (1u << 2))
#define SAVES_ZMM (SAVES_YMM | (1u << 5) | (1u << 6) | (1u << 7))

struct answer {
    unsigned eax, ebx, ecx, edx;
};

static bool has_all(unsigned word, unsigned bits)
{
    return (word & bits) == bits;
}

/* Only where CPUID has OSXSAVE. No intrinsic: that would take -mxsave. */
static unsigned saved_registers(void)
{
    unsigned low, high;

    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

static bool has_avx2(const struct answer *basic, const struct answer *extended, unsigned saved)
{
    return has_all(basic->ecx, bit_AVX | bit_SSSE3 | bit_SSE4_1 | bit_AES) &&
           has_all(extended->ebx, bit_AVX2) && has_all(saved, SAVES_YMM);
}

static bool has_avx512(const struct answer *extended, unsigned saved)
{
    return has_all(extended->ebx, bit_AVX512F | bit_AVX512BW | bit_AVX512VL | bit_AVX512DQ) &&
           has_all(extended->ecx, bit_AVX512VBMI | bit_GFNI | bit_VAES) && has_all(saved, SAVES_ZMM);
}

static unsigned detect_instructions(void)
{
    struct answer basic = {0}, extended = {0};
    unsigned saved;

    if (!__get_cpuid(1, &basic.eax, &basic.ebx, &basic.ecx, &basic.edx) ||
        !__get_cpuid_count(7, 0, &extended.eax, &extended.ebx, &extended.ecx, &extended.edx) ||
        !has_all(basic.ecx, bit_OSXSAVE))
        return 0;
    saved = saved_registers();
    if (!has_avx2(&basic, &extended, saved))
        return 0;
    return CIPHER_CPU_AVX2 | (has_avx512(&extended, saved) ? CIPHER_CPU_AVX512 : 0);
}

#elif defined(__aarch64__)

#include <sys/auxv.h>

static unsigned detect_instructions(void)
{
    return getauxval(AT_HWCAP) & HWCAP_ASIMD ? CIPHER_CPU_NEON : 0;
}

#else

static unsigned detect_instructions(void)
{
    return 0;
}

#endif

#define NOT_SAID (ALL_SETS + 1)

static unsigned detected; /* once, by detect() */
static _Atomic unsigned allowed = NOT_SAID;

static int parse_mask(const char *text, unsigned *bits)
{
    static const char *const names[] = {
#define X(name, text, needs) text,
        CIPHER_CPU_MAP(X)
#undef X
    };
    uint64_t number;

    for (unsigned i = 0; i < CIPHER_CPU_BITS; i++) {
        if (!strcmp(names[i], text)) {
            *bits = (2u << i) - 1;
            return 0;
        }
    }
    if (base_parse_u64(text, 0, ALL_SETS, &number) < 0)
        return -EINVAL;
    *bits = (unsigned)number;
    return 0;
}

/* A mask that cannot be read was to forbid something: nothing is allowed then. */
static unsigned mask_of_environment(void)
{
    const char *text = getenv(CIPHER_CPU_MASK_VARIABLE);
    unsigned bits = ALL_SETS;

    if (text && parse_mask(text, &bits) < 0) {
        base_log(BASE_LOG_ERROR,
                 CIPHER_CPU_MASK_VARIABLE ": '%s' is not " CIPHER_CPU_MASK_VALUES
                                          ": only the reference is used",
                 text);
        bits = 0;
    }
    return bits;
}

static void detect(void)
{
    detected = CIPHER_CPU_LIBRARIES | detect_instructions();
    if (atomic_load_explicit(&allowed, memory_order_relaxed) == NOT_SAID)
        atomic_store_explicit(&allowed, mask_of_environment(), memory_order_relaxed);
}

unsigned cipher_cpu_features(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, detect);
    return detected & atomic_load_explicit(&allowed, memory_order_relaxed);
}

int cipher_cpu_mask(const char *text)
{
    unsigned bits;

    if (parse_mask(text, &bits) < 0)
        return -EINVAL;
    atomic_store_explicit(&allowed, bits, memory_order_relaxed);
    return 0;
}
