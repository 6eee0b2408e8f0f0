/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a batch leaves below the stack: nothing of what was on it, neither keys nor payloads in whatever
 * layout a kernel spilled them.
 *
 * The stack is painted, a batch is turned, and the stack is read again: what is neither paint nor zero was
 * left there. The frames of this file's own calls lie above, those of the wiping itself below. Not in
 * sanitizer builds, which forbid the look.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "cipher/cipher.h"

#define DEPTH   65536 /* bytes that are painted */
#define WIPED   8192  /* bytes that a batch wipes at its end */
#define WIPER   256   /* below these: frames of what wipes, which hold addresses */
#define MARGIN  512   /* of them at the top: frames of what is called between painting and reading */
#define PAINT   0xa5
#define LANES   600
#define REACHED (DEPTH - MARGIN)

static uint8_t payloads[LANES][CIPHER_PAYLOAD_MAX];
static uint8_t below[REACHED]; /* the stack as it was found, the deepest byte first */

static __attribute__((noinline)) void paint(void)
{
    uint8_t bytes[DEPTH];

    memset(bytes, PAINT, DEPTH);
    __asm__ volatile("" : : "m"(bytes));
}

/* Reads on purpose what nothing here has written; the compiler must not know. */
static __attribute__((noinline)) void look(void)
{
    uint8_t bytes[DEPTH];

    __asm__ volatile("" : "=m"(bytes));
    memcpy(below, bytes, REACHED);
}

static unsigned count_left(void)
{
    unsigned left = 0;

    for (size_t i = 0; i < DEPTH - WIPED - WIPER; i++)
        left += below[i] != PAINT;
    for (size_t i = DEPTH - WIPED; i < REACHED; i++)
        left += below[i] != 0;
    return left;
}

static void check_tier(enum cipher_algorithm algorithm, const char *tier)
{
    static const uint8_t cw[16] = {0x11, 0x22, 0x33, 0x66, 0x55, 0x66, 0x77, 0x32, 1, 2, 3, 4, 5, 6, 7, 8};
    struct cipher_lane lanes[LANES];
    struct cipher *cipher;
    struct cipher_key *key;
    int status = cipher_create(&cipher, algorithm, tier);

    if (status == -ENOTSUP || status == -ENOENT)
        return;
    cr_assert_eq(status, 0);
    cr_assert_eq(cipher_key_create(&key, cipher), 0);
    cr_assert_eq(cipher_key_set(key, cw, cipher_cw_size(algorithm)), 0);
    for (unsigned i = 0; i < LANES; i++)
        lanes[i] = (struct cipher_lane){payloads[i], key, (uint16_t)(i % 5 ? 184 : i % 185)};
    for (int direction = 0; direction < 2; direction++) {
        paint();
        cipher_run(cipher, (enum cipher_direction)direction, lanes, LANES);
        look();
        cr_expect_eq(count_left(), 0, "%s, %s: %u bytes", cipher_algorithm_name(algorithm), tier,
                     count_left());
    }
    cipher_key_destroy(key);
    cipher_destroy(cipher);
}

/* Those whose code is ours alone: a library's frames are its own business. */
Test(stack, keeps_nothing_of_a_batch)
{
    static const char *const own[] = {"avx512", "avx2", "neon", "ref"};

    memset(payloads, 0x5c, sizeof(payloads));
    for (int algorithm = 0; algorithm < CIPHER_ALGORITHMS; algorithm++)
        for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
            check_tier((enum cipher_algorithm)algorithm, own[i]);
}
