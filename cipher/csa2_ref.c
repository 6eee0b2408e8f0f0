/* SPDX-License-Identifier: GPL-3.0-or-later */
/* DVB-CSA2 in plain C, beside the public descriptions of the cipher (the published analyses of the DVB Common
 * Scrambling Algorithm): what every other tier is compared with.
 *
 * A payload is scrambled twice: its whole blocks by a block cipher in reverse CBC, from the last block to the
 * first; then all but the first block by a stream cipher that the key and the scrambled first block seed.
 *
 * Not constant time: csa2_sbox[] and stream_boxes[] are looked up by bytes that depend on key and payload. */
#include <string.h>

#include "cipher/csa2_tables.h"
#include "cipher/tier.h"

#define NIBBLES       10 /* of each shift register of the stream cipher */
#define CLOCKS        4  /* of the stream cipher for a byte */
#define BITS_OF(word) (8 * sizeof(word))

struct key_state {
    uint8_t cw[CSA2_BLOCK];
    uint8_t round_keys[CSA2_ROUNDS];
};

/* The key schedule */

static uint64_t permute_key_bits(uint64_t from)
{
    uint64_t to = 0;

    for (unsigned i = 0; i < CSA2_KEY_BITS; i++)
        to |= (from >> (CSA2_KEY_BITS - 1 - i) & 1) << (CSA2_KEY_BITS - 1 - csa2_key_permutation[i]);
    return to;
}

static uint64_t load_block(const uint8_t *bytes)
{
    uint64_t word = 0;

    for (unsigned i = 0; i < CSA2_BLOCK; i++)
        word = word << 8 | bytes[i];
    return word;
}

static int key_set(void *memory, enum cipher_algorithm algorithm, const uint8_t *cw,
                   const struct cipher_mode *mode)
{
    struct key_state *state = memory;
    uint64_t layer = load_block(cw);

    (void)algorithm;
    (void)mode;
    memcpy(state->cw, cw, CSA2_BLOCK);
    for (unsigned number = CSA2_LAYERS; number-- > 0; layer = permute_key_bits(layer)) {
        for (unsigned i = 0; i < CSA2_BLOCK; i++)
            state->round_keys[number * CSA2_BLOCK + i] =
                (uint8_t)(layer >> (BITS_OF(layer) - 8 * (i + 1)) ^ number);
    }
    return 0;
}

/* The block cipher: 56 rounds on eight bytes r[0] to r[7], R1 to R8 of the descriptions */

static uint8_t permute_bits(uint8_t from)
{
    unsigned to = 0;

    for (unsigned i = 0; i < 8; i++)
        to |= (unsigned)(from >> i & 1) << csa2_round_permutation[i];
    return (uint8_t)to;
}

static void encrypt_block(const uint8_t round_keys[static CSA2_ROUNDS], uint8_t r[static CSA2_BLOCK])
{
    for (unsigned round = 0; round < CSA2_ROUNDS; round++) {
        const uint8_t s = csa2_sbox[round_keys[round] ^ r[7]];
        const uint8_t first = r[0];

        r[0] = r[1];
        r[1] = r[2] ^ first;
        r[2] = r[3] ^ first;
        r[3] = r[4] ^ first;
        r[4] = r[5];
        r[5] = r[6] ^ permute_bits(s);
        r[6] = r[7];
        r[7] = first ^ s;
    }
}

static void decrypt_block(const uint8_t round_keys[static CSA2_ROUNDS], uint8_t r[static CSA2_BLOCK])
{
    for (unsigned round = CSA2_ROUNDS; round-- > 0;) {
        const uint8_t s = csa2_sbox[round_keys[round] ^ r[6]];
        const uint8_t first = r[7] ^ s;

        r[7] = r[6];
        r[6] = r[5] ^ permute_bits(s);
        r[5] = r[4];
        r[4] = r[3] ^ first;
        r[3] = r[2] ^ first;
        r[2] = r[1] ^ first;
        r[1] = r[0];
        r[0] = first;
    }
}

/* The stream cipher: registers A and B of ten nibbles, nibbles X, Y, Z, D, E, F, bits p, q, r */

struct stream {
    uint8_t a[NIBBLES], b[NIBBLES]; /* A1 to A10, B1 to B10 */
    uint8_t x, y, z, d, e, f, p, q, r;
};

static unsigned bit(const uint8_t *nibbles, unsigned number, unsigned index)
{
    return nibbles[number - 1] >> index & 1;
}

/* Which bits of A a box takes, the high bit of its index first. */
struct tap {
    uint8_t number, index;
};
static const struct tap box_taps[7][5] = {
    {{4, 0}, {1, 2}, {6, 1}, {7, 3}, {9, 0}}, {{2, 1}, {3, 2}, {6, 3}, {7, 0}, {9, 1}},
    {{1, 3}, {2, 0}, {5, 1}, {5, 3}, {6, 2}}, {{3, 3}, {1, 1}, {2, 3}, {4, 2}, {8, 0}},
    {{5, 2}, {4, 3}, {6, 0}, {8, 1}, {9, 2}}, {{3, 1}, {4, 1}, {5, 0}, {7, 2}, {9, 3}},
    {{2, 2}, {3, 0}, {7, 1}, {8, 2}, {8, 3}},
};

static const uint8_t stream_boxes[7][32] = {
    {2, 0, 1, 1, 2, 3, 3, 0, 3, 2, 2, 0, 1, 1, 0, 3, 0, 3, 3, 0, 2, 2, 1, 1, 2, 2, 0, 3, 1, 1, 3, 0},
    {3, 1, 0, 2, 2, 3, 3, 0, 1, 3, 2, 1, 0, 0, 1, 2, 3, 1, 0, 3, 3, 2, 0, 2, 0, 0, 1, 2, 2, 1, 3, 1},
    {2, 0, 1, 2, 2, 3, 3, 1, 1, 1, 0, 3, 3, 0, 2, 0, 1, 3, 0, 1, 3, 0, 2, 2, 2, 0, 1, 2, 0, 3, 3, 1},
    {3, 1, 2, 3, 0, 2, 1, 2, 1, 2, 0, 1, 3, 0, 0, 3, 1, 0, 3, 1, 2, 3, 0, 3, 0, 3, 2, 0, 1, 2, 2, 1},
    {2, 0, 0, 1, 3, 2, 3, 2, 0, 1, 3, 3, 1, 0, 2, 1, 2, 3, 2, 0, 0, 3, 1, 1, 1, 0, 3, 2, 3, 1, 0, 2},
    {0, 1, 2, 3, 1, 2, 2, 0, 0, 1, 3, 0, 2, 3, 1, 3, 2, 3, 0, 2, 3, 0, 1, 1, 2, 1, 1, 2, 0, 3, 3, 0},
    {0, 3, 2, 2, 3, 0, 0, 1, 3, 0, 1, 3, 1, 2, 2, 1, 1, 0, 3, 3, 0, 1, 1, 2, 2, 3, 1, 0, 2, 3, 0, 2},
};

static unsigned look_up(const struct stream *s, unsigned box)
{
    unsigned index = 0;

    for (unsigned i = 0; i < 5; i++)
        index = index << 1 | bit(s->a, box_taps[box][i].number, box_taps[box][i].index);
    return stream_boxes[box][index];
}

/* What B adds to D. */
static unsigned mix_b(const uint8_t *b)
{
    return (bit(b, 3, 0) ^ bit(b, 6, 1) ^ bit(b, 7, 2) ^ bit(b, 9, 3)) << 3 |
           (bit(b, 6, 0) ^ bit(b, 8, 1) ^ bit(b, 3, 3) ^ bit(b, 4, 2)) << 2 |
           (bit(b, 5, 3) ^ bit(b, 8, 2) ^ bit(b, 4, 0) ^ bit(b, 5, 1)) << 1 |
           (bit(b, 9, 2) ^ bit(b, 6, 3) ^ bit(b, 3, 1) ^ bit(b, 8, 0));
}

static void shift_in(uint8_t *nibbles, unsigned first)
{
    memmove(nibbles + 1, nibbles, NIBBLES - 1);
    nibbles[0] = (uint8_t)first;
}

static unsigned rotate_nibble(unsigned nibble)
{
    return (nibble << 1 | nibble >> 3) & 15;
}

/* F becomes Z + E + r with r the carry, or E. */
static void advance_e_and_f(struct stream *s)
{
    unsigned f = s->e;

    if (s->q) {
        f = (unsigned)s->z + s->e + s->r;
        s->r = (uint8_t)(f >> 4);
    }
    s->e = s->f;
    s->f = f & 15;
}

static void take_boxes(struct stream *s)
{
    unsigned t[8]; /* by the number of the box */

    for (unsigned box = 1; box <= 7; box++)
        t[box] = look_up(s, box - 1);
    s->x = (uint8_t)((t[4] & 1) << 3 | (t[3] & 1) << 2 | (t[2] >> 1) << 1 | t[1] >> 1);
    s->y = (uint8_t)((t[6] & 1) << 3 | (t[5] & 1) << 2 | (t[4] >> 1) << 1 | t[3] >> 1);
    s->z = (uint8_t)((t[2] & 1) << 3 | (t[1] & 1) << 2 | (t[6] >> 1) << 1 | t[5] >> 1);
    s->p = (uint8_t)(t[7] >> 1);
    s->q = t[7] & 1;
}

/* One clock: `in_a` and `in_b` are what the registers take in besides. The boxes look at A before it shifts.
 */
static void clock_stream(struct stream *s, unsigned in_a, unsigned in_b)
{
    const unsigned next_a = s->a[NIBBLES - 1] ^ s->x ^ in_a;
    const unsigned next_b = s->b[6] ^ s->b[NIBBLES - 1] ^ s->y ^ in_b;
    const unsigned next_d = s->e ^ s->z ^ mix_b(s->b);
    const unsigned p = s->p;

    advance_e_and_f(s);
    take_boxes(s);
    shift_in(s->a, next_a);
    shift_in(s->b, p ? rotate_nibble(next_b) : next_b);
    s->d = (uint8_t)next_d;
}

/* The CW's nibbles begin in A1 to A8 and B1 to B8; the scrambled block 0 is clocked in. */
static void seed_stream(struct stream *s, const uint8_t *cw, const uint8_t *block)
{
    memset(s, 0, sizeof(*s));
    for (unsigned i = 0; i < CSA2_BLOCK; i++) {
        s->a[i] = i % 2 ? cw[i / 2] & 15 : cw[i / 2] >> 4;
        s->b[i] = i % 2 ? cw[4 + i / 2] & 15 : cw[4 + i / 2] >> 4;
    }
    for (unsigned i = 0; i < CSA2_BLOCK * CLOCKS; i++) {
        const unsigned high = block[i / CLOCKS] >> 4, low = block[i / CLOCKS] & 15;

        clock_stream(s, s->d ^ (i % 2 ? low : high), i % 2 ? high : low);
    }
}

/* Each clock gives two bits of key stream, the high ones of a byte first. */
static void xor_stream(struct stream *s, const uint8_t *cw, uint8_t *payload, unsigned length)
{
    seed_stream(s, cw, payload);
    for (unsigned i = CSA2_BLOCK; i < length; i++) {
        unsigned byte = 0;

        for (unsigned j = 0; j < CLOCKS; j++) {
            clock_stream(s, 0, 0);
            byte = byte << 2 | (s->d >> 3 ^ (s->d >> 2 & 1)) << 1 | ((s->d >> 1 ^ s->d) & 1);
        }
        payload[i] ^= (uint8_t)byte;
    }
}

/* The payload */

static void xor_block(uint8_t *to, const uint8_t *from)
{
    for (unsigned i = 0; i < CSA2_BLOCK; i++)
        to[i] ^= from[i];
}

static void scramble(struct stream *s, const struct key_state *key, uint8_t *payload, unsigned length)
{
    const unsigned last = length / CSA2_BLOCK - 1;

    for (unsigned i = last + 1; i-- > 0;) {
        if (i < last)
            xor_block(payload + i * CSA2_BLOCK, payload + (i + 1) * CSA2_BLOCK);
        encrypt_block(key->round_keys, payload + i * CSA2_BLOCK);
    }
    xor_stream(s, key->cw, payload, length);
}

static void descramble(struct stream *s, const struct key_state *key, uint8_t *payload, unsigned length)
{
    const unsigned last = length / CSA2_BLOCK - 1;

    xor_stream(s, key->cw, payload, length);
    for (unsigned i = 0; i <= last; i++) {
        decrypt_block(key->round_keys, payload + i * CSA2_BLOCK);
        if (i < last)
            xor_block(payload + i * CSA2_BLOCK, payload + (i + 1) * CSA2_BLOCK);
    }
}

static void run(void *scratch, enum cipher_algorithm algorithm, enum cipher_direction direction,
                const struct cipher_lane *lanes, unsigned count)
{
    (void)algorithm;
    for (unsigned i = 0; i < count; i++) {
        const struct key_state *key = cipher__key_state(lanes[i].key);

        if (lanes[i].length < CSA2_BLOCK)
            continue;
        if (direction == CIPHER_SCRAMBLE)
            scramble(scratch, key, lanes[i].payload, lanes[i].length);
        else
            descramble(scratch, key, lanes[i].payload, lanes[i].length);
    }
}

const struct cipher__tier cipher__csa2_ref = {
    .name = "ref",
    .scratch_size = sizeof(struct stream),
    .key_size = sizeof(struct key_state),
    .key_set = key_set,
    .run = run,
};
