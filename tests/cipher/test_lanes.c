/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every tier, lane by lane, against libdvbcsa's scalar code and OpenSSL's block cipher driven by hand.
 *
 * Payloads lie between pages that cannot be touched. SCRAMLINE_TEST_SEED repeats a run. */
#include <criterion/criterion.h>
#include <dvbcsa/dvbcsa.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "cipher/cipher.h"

#define KEYS CIPHER_BATCH_MAX

static uint64_t seed;
static uint64_t random_state;

/* splitmix64 */
static uint64_t next_random(void)
{
    uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static void fill_random(uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)next_random();
}

static void begin_random(void)
{
    const char *wanted = getenv("SCRAMLINE_TEST_SEED");

    seed = wanted ? strtoull(wanted, NULL, 0) : (uint64_t)time(NULL) * 1000003u + (uint64_t)getpid();
    random_state = seed;
}

/* --- The judges: nothing of cipher/ is used here. --- */

static void judge_csa2(enum cipher_direction direction, const uint8_t *cw, uint8_t *payload, unsigned length)
{
    struct dvbcsa_key_s *key = dvbcsa_key_alloc();

    dvbcsa_key_set(cw, key);
    if (direction == CIPHER_SCRAMBLE)
        dvbcsa_encrypt(key, payload, length);
    else
        dvbcsa_decrypt(key, payload, length);
    dvbcsa_key_free(key);
}

static void aes_block(const uint8_t *cw, int encrypt, const uint8_t in[16], uint8_t out[16])
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    int written;

    EVP_CipherInit_ex(context, EVP_aes_128_ecb(), NULL, cw, NULL, encrypt);
    EVP_CIPHER_CTX_set_padding(context, 0);
    EVP_CipherUpdate(context, out, &written, in, 16);
    EVP_CIPHER_CTX_free(context);
}

static void xor_into(uint8_t *to, const uint8_t *from, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        to[i] ^= from[i];
}

/* CBC as SP 800-38A, 6.2 writes it; `chain` goes in as the IV and comes out as the last scrambled block. */
static void judge_cbc(enum cipher_direction direction, const uint8_t *cw, uint8_t chain[16], uint8_t *payload,
                      unsigned blocks)
{
    for (unsigned i = 0; i < blocks; i++, payload += 16) {
        uint8_t in[16], out[16];

        memcpy(in, payload, 16);
        if (direction == CIPHER_SCRAMBLE) {
            xor_into(in, chain, 16);
            aes_block(cw, 1, in, out);
            memcpy(chain, out, 16);
        } else {
            aes_block(cw, 0, in, out);
            xor_into(out, chain, 16);
            memcpy(chain, in, 16);
        }
        memcpy(payload, out, 16);
    }
}

/* SP 800-38A, 6.5, from a counter of zero: no packet has more than 12 blocks. */
static void judge_ctr(enum cipher_direction direction, const uint8_t *cw, uint8_t *payload, unsigned length)
{
    uint8_t counter[16] = {0}, stream[16];

    (void)direction;
    for (unsigned done = 0; done < length; done += 16, counter[15]++) {
        aes_block(cw, 1, counter, stream);
        xor_into(payload + done, stream, length - done < 16 ? length - done : 16);
    }
}

static void judge(enum cipher_algorithm algorithm, enum cipher_direction direction, const uint8_t *cw,
                  uint8_t *payload, unsigned length)
{
    uint8_t chain[16] = {0}, stream[16];

    if (algorithm == CIPHER_DVB_CSA2 || algorithm == CIPHER_AES_CTR) {
        (algorithm == CIPHER_DVB_CSA2 ? judge_csa2 : judge_ctr)(direction, cw, payload, length);
        return;
    }
    if (algorithm == CIPHER_DVB_CISSA)
        memcpy(chain, "DVBTMCPTAESCISSA", 16);
    judge_cbc(direction, cw, chain, payload, length / 16);
    if (algorithm == CIPHER_ATIS_IDSA) {
        aes_block(cw, 1, chain, stream);
        xor_into(payload + length / 16 * 16, stream, length % 16);
    }
}

/* --- Payloads between guard pages. --- */

struct guarded {
    uint8_t *pages;
    size_t page_size;
    uint8_t *payload;
};

/* The payload ends at the upper guard page, or begins at the lower one. */
static struct guarded guarded_payload(unsigned length, bool at_the_end)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *pages = mmap(NULL, 3 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    cr_assert_neq(pages, MAP_FAILED);
    cr_assert_eq(mprotect(pages + page, page, PROT_READ | PROT_WRITE), 0);
    return (struct guarded){pages, page, at_the_end ? pages + 2 * page - length : pages + page};
}

static void free_guarded(struct guarded *guarded)
{
    munmap(guarded->pages, 3 * guarded->page_size);
}

/* --- One batch. --- */

struct bench {
    enum cipher_algorithm algorithm;
    struct cipher *cipher;
    struct cipher_key *keys[KEYS];
    uint8_t cws[KEYS][16];
};

static void open_bench(struct bench *bench, enum cipher_algorithm algorithm, const char *tier)
{
    bench->algorithm = algorithm;
    cr_assert_eq(cipher_create(&bench->cipher, algorithm, tier), 0);
    for (int i = 0; i < KEYS; i++) {
        fill_random(bench->cws[i], sizeof(bench->cws[i]));
        cr_assert_eq(cipher_key_create(&bench->keys[i], bench->cipher), 0);
        cr_assert_eq(cipher_key_set(bench->keys[i], bench->cws[i], cipher_cw_size(algorithm)), 0);
    }
}

static void close_bench(struct bench *bench)
{
    for (int i = 0; i < KEYS; i++)
        cipher_key_destroy(bench->keys[i]);
    cipher_destroy(bench->cipher);
}

/* How lengths and keys are spread over a batch. */
struct mixture {
    unsigned keys;              /* distinct ones */
    unsigned shortest, longest; /* bytes of payload */
};

#define PADDING 19 /* bytes kept around each payload, which must not change; makes starts unaligned */
#define STRIDE  (CIPHER_PAYLOAD_MAX + 2 * PADDING)

static uint8_t before[CIPHER_BATCH_MAX][STRIDE], expected[CIPHER_BATCH_MAX][STRIDE],
    found[CIPHER_BATCH_MAX][STRIDE];

static void check_batch(struct bench *bench, enum cipher_direction direction, struct mixture mixture,
                        unsigned count)
{
    struct cipher_lane lanes[CIPHER_BATCH_MAX], unchanged[CIPHER_BATCH_MAX];
    unsigned key_of[CIPHER_BATCH_MAX];
    unsigned rows = count < CIPHER_BATCH_MAX ? count + 1 : count; /* the one behind must stay as it is */

    fill_random(before[0], rows * STRIDE);
    memcpy(expected, before, rows * STRIDE);
    memcpy(found, before, rows * STRIDE);
    memset(lanes, 0, sizeof(lanes));
    for (unsigned i = 0; i < count; i++) {
        unsigned start = PADDING - (unsigned)(next_random() % 16);
        unsigned length =
            mixture.shortest + (unsigned)(next_random() % (mixture.longest - mixture.shortest + 1));

        key_of[i] = (unsigned)(next_random() % mixture.keys);
        lanes[i] = (struct cipher_lane){found[i] + start, bench->keys[key_of[i]], (uint16_t)length};
        judge(bench->algorithm, direction, bench->cws[key_of[i]], expected[i] + start, length);
    }
    memcpy(unchanged, lanes, sizeof(lanes));
    cipher_run(bench->cipher, direction, lanes, count);
    cr_assert_arr_eq(lanes, unchanged, sizeof(lanes));
    for (unsigned i = 0; i < rows; i++)
        cr_assert_arr_eq(found[i], expected[i], STRIDE,
                         "seed %lu: %s %s %s, lane %u of %u, length %u, key %u", seed,
                         cipher_algorithm_name(bench->algorithm), cipher_tier_name(bench->cipher),
                         direction == CIPHER_SCRAMBLE ? "scramble" : "descramble", i, count, lanes[i].length,
                         i < count ? key_of[i] : 0);
}

/* Runs `check` on every tier of every algorithm in both directions. */
static void for_every_tier(void (*check)(struct bench *, enum cipher_direction))
{
    begin_random();
    for (int algorithm = 0; algorithm < CIPHER_ALGORITHMS; algorithm++) {
        for (unsigned n = 0; cipher_tier_at(algorithm, n); n++) {
            struct bench bench;

            open_bench(&bench, algorithm, cipher_tier_at(algorithm, n));
            check(&bench, CIPHER_SCRAMBLE);
            check(&bench, CIPHER_DESCRAMBLE);
            close_bench(&bench);
        }
    }
}

static const unsigned batch_sizes[] = {
    0, 1, 2, 11, 12, 13, 127, 128, 129, 512, CIPHER_BATCH_MAX - 1, CIPHER_BATCH_MAX};

static void check_batch_sizes(struct bench *bench, enum cipher_direction direction)
{
    static const struct mixture mixtures[] = {
        {1, 184, 184}, {1, 0, 184}, {3, 0, 184}, {40, 0, 184}, {KEYS, 0, 184}, {2, 0, 7}, {2, 0, 24},
    };

    for (size_t i = 0; i < sizeof(batch_sizes) / sizeof(batch_sizes[0]); i++) {
        for (size_t k = 0; k < sizeof(mixtures) / sizeof(mixtures[0]); k++)
            check_batch(bench, direction, mixtures[k], batch_sizes[i]);
    }
}

Test(lanes, all_batch_sizes_with_mixed_keys_and_lengths, .timeout = 120)
{
    for_every_tier(check_batch_sizes);
}

/* 16 lanes of one key and length: wide enough for a bitsliced call; one lane: the scalar one. */
static void check_lengths(struct bench *bench, enum cipher_direction direction)
{
    for (unsigned length = 0; length <= CIPHER_PAYLOAD_MAX; length++) {
        check_batch(bench, direction, (struct mixture){1, length, length}, 1);
        check_batch(bench, direction, (struct mixture){1, length, length}, 16);
    }
}

Test(lanes, every_payload_length, .timeout = 120)
{
    for_every_tier(check_lengths);
}

static void check_guarded(struct bench *bench, enum cipher_direction direction, unsigned length,
                          bool at_the_end)
{
    enum { LANES = 13 }; /* a bitsliced group */
    struct guarded payloads[LANES];
    struct cipher_lane lanes[LANES];
    uint8_t judged[LANES][CIPHER_PAYLOAD_MAX];

    for (unsigned i = 0; i < LANES; i++) {
        payloads[i] = guarded_payload(length, at_the_end);
        fill_random(payloads[i].payload, length);
        memcpy(judged[i], payloads[i].payload, length);
        judge(bench->algorithm, direction, bench->cws[0], judged[i], length);
        lanes[i] = (struct cipher_lane){payloads[i].payload, bench->keys[0], (uint16_t)length};
    }
    cipher_run(bench->cipher, direction, lanes, 1);
    cipher_run(bench->cipher, direction, lanes + 1, LANES - 1);
    for (unsigned i = 0; i < LANES; i++) {
        cr_assert_arr_eq(payloads[i].payload, judged[i], length, "seed %lu: %s, length %u, lane %u", seed,
                         cipher_algorithm_name(bench->algorithm), length, i);
        free_guarded(&payloads[i]);
    }
}

static void check_between_guards(struct bench *bench, enum cipher_direction direction)
{
    for (unsigned length = 0; length <= CIPHER_PAYLOAD_MAX; length++) {
        check_guarded(bench, direction, length, true);
        check_guarded(bench, direction, length, false);
    }
}

Test(lanes, nothing_is_touched_outside_the_payload, .timeout = 120)
{
    for_every_tier(check_between_guards);
}

static void check_round_trip(struct bench *bench, enum cipher_direction direction)
{
    static uint8_t clear[CIPHER_BATCH_MAX][CIPHER_PAYLOAD_MAX], turned[CIPHER_BATCH_MAX][CIPHER_PAYLOAD_MAX];
    struct cipher_lane lanes[CIPHER_BATCH_MAX];

    fill_random(clear[0], sizeof(clear));
    memcpy(turned, clear, sizeof(clear));
    for (unsigned i = 0; i < CIPHER_BATCH_MAX; i++)
        lanes[i] = (struct cipher_lane){turned[i], bench->keys[i * 7 % 40], (uint16_t)(i % 185)};
    cipher_run(bench->cipher, direction, lanes, CIPHER_BATCH_MAX);
    cr_assert(memcmp(clear, turned, sizeof(clear)));
    cipher_run(bench->cipher, direction == CIPHER_SCRAMBLE ? CIPHER_DESCRAMBLE : CIPHER_SCRAMBLE, lanes,
               CIPHER_BATCH_MAX);
    cr_assert_arr_eq(clear, turned, sizeof(clear), "seed %lu", seed);
}

Test(lanes, descrambling_undoes_scrambling)
{
    for_every_tier(check_round_trip);
}

static void check_shortest(struct bench *bench, enum cipher_direction direction)
{
    unsigned shortest = (unsigned)cipher_shortest_payload(bench->algorithm);
    uint8_t payload[16] = {0}, zeros[16] = {0};
    struct cipher_lane lane = {payload, bench->keys[0], (uint16_t)(shortest - 1)};

    cipher_run(bench->cipher, direction, &lane, 1);
    cr_assert_arr_eq(payload, zeros, 16, "below it nothing changes");
    for (int i = 0; i < 8 && !memcmp(payload, zeros, 16); i++) { /* one byte may turn into itself */
        lane = (struct cipher_lane){payload, bench->keys[i], (uint16_t)shortest};
        cipher_run(bench->cipher, direction, &lane, 1);
    }
    cr_assert(memcmp(payload, zeros, 16));
}

Test(lanes, the_shortest_payload_that_is_turned)
{
    for_every_tier(check_shortest);
}
