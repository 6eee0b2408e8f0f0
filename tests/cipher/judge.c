/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/cipher/judge.h"

#include <criterion/criterion.h>
#include <dvbcsa/dvbcsa.h>
#include <openssl/evp.h>
#include <string.h>

/* Of the lane that is being judged. */
static EVP_CIPHER_CTX *encrypting, *decrypting;
static struct dvbcsa_key_s *csa2_key;

static EVP_CIPHER_CTX *new_context(int encrypt)
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();

    cr_assert_not_null(context);
    cr_assert_eq(EVP_CipherInit_ex2(context, EVP_aes_128_ecb(), NULL, NULL, encrypt, NULL), 1);
    cr_assert_eq(EVP_CIPHER_CTX_set_padding(context, 0), 1);
    return context;
}

static void aes_block(EVP_CIPHER_CTX *context, const uint8_t in[16], uint8_t out[16])
{
    int written;

    EVP_CipherUpdate(context, out, &written, in, 16);
}

static void xor_into(uint8_t *to, const uint8_t *from, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        to[i] ^= from[i];
}

/* CBC as SP 800-38A, 6.2 writes it; `chain` goes in as the IV and comes out as the last scrambled block. */
static void judge_cbc(enum cipher_direction direction, uint8_t chain[16], uint8_t *payload, unsigned blocks)
{
    for (unsigned i = 0; i < blocks; i++, payload += 16) {
        uint8_t in[16], out[16];

        memcpy(in, payload, 16);
        if (direction == CIPHER_SCRAMBLE) {
            xor_into(in, chain, 16);
            aes_block(encrypting, in, out);
            memcpy(chain, out, 16);
        } else {
            aes_block(decrypting, in, out);
            xor_into(out, chain, 16);
            memcpy(chain, in, 16);
        }
        memcpy(payload, out, 16);
    }
}

static unsigned __int128 number_of(const uint8_t bytes[16])
{
    unsigned __int128 number = 0;

    for (int i = 0; i < 16; i++)
        number = number << 8 | bytes[i];
    return number;
}

static void bytes_of(unsigned __int128 number, uint8_t bytes[16])
{
    for (int i = 16; i-- > 0; number >>= 8)
        bytes[i] = (uint8_t)number;
}

/* SP 800-38A, 6.5, and B.1 for a counter in the last bits of its block. */
static void judge_ctr(const struct cipher_mode *mode, uint8_t *payload, unsigned length)
{
    unsigned __int128 counting = ~(unsigned __int128)0 >> (128 - mode->counter_bits);
    unsigned __int128 counter = number_of(mode->iv);

    for (unsigned done = 0; done < length; done += 16) {
        uint8_t block[16], stream[16];

        bytes_of(counter, block);
        aes_block(encrypting, block, stream);
        xor_into(payload + done, stream, length - done < 16 ? length - done : 16);
        counter = (counter & ~counting) | ((counter + 1) & counting);
    }
}

static void judge_csa2(enum cipher_direction direction, const uint8_t *cw, uint8_t *payload, unsigned length)
{
    dvbcsa_key_set(cw, csa2_key);
    if (direction == CIPHER_SCRAMBLE)
        dvbcsa_encrypt(csa2_key, payload, length);
    else
        dvbcsa_decrypt(csa2_key, payload, length);
}

static void judge_aes(enum cipher_algorithm algorithm, enum cipher_direction direction,
                      const struct cipher_mode *mode, uint8_t *payload, unsigned length)
{
    uint8_t chain[16] = {0}, stream[16];

    if (algorithm == CIPHER_AES_CTR) {
        judge_ctr(mode, payload, length);
        return;
    }
    if (algorithm == CIPHER_DVB_CISSA)
        memcpy(chain, "DVBTMCPTAESCISSA", 16);
    else if (algorithm == CIPHER_AES_CBC)
        memcpy(chain, mode->iv, 16);
    judge_cbc(direction, chain, payload, length / 16);
    if (algorithm == CIPHER_ATIS_IDSA) {
        aes_block(encrypting, chain, stream);
        xor_into(payload + length / 16 * 16, stream, length % 16);
    }
}

static void judge_lane(struct pool *pool, enum cipher_direction direction, unsigned lane)
{
    unsigned key = pool->key_of[lane];
    uint8_t *payload = pool->payloads[1 - direction][lane];

    if (pool->algorithm == CIPHER_DVB_CSA2) {
        judge_csa2(direction, pool->cws[key], payload, pool->lengths[lane]);
        return;
    }
    cr_assert_eq(EVP_CipherInit_ex2(encrypting, NULL, pool->cws[key], NULL, -1, NULL), 1);
    cr_assert_eq(EVP_CipherInit_ex2(decrypting, NULL, pool->cws[key], NULL, -1, NULL), 1);
    judge_aes(pool->algorithm, direction, &pool->modes[key], payload, pool->lengths[lane]);
}

static void judge_pool(void *context, struct pool *pool, enum cipher_direction direction)
{
    (void)context;
    encrypting = new_context(1);
    decrypting = new_context(0);
    csa2_key = dvbcsa_key_alloc();
    cr_assert_not_null(csa2_key);
    for (unsigned i = 0; i < pool->shape.lanes; i++)
        judge_lane(pool, direction, i);
    dvbcsa_key_free(csa2_key);
    EVP_CIPHER_CTX_free(decrypting);
    EVP_CIPHER_CTX_free(encrypting);
}

struct pool_judge judge_by_libraries(void)
{
    return (struct pool_judge){judge_pool, NULL};
}
