/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "cipher/batch.h"

static struct cipher_batch *batch;
static struct cipher *ciphers[CIPHER_ALGORITHMS];
static struct cipher_key *keys[CIPHER_ALGORITHMS];
static const uint8_t cw[16] = {1, 2, 3, 6, 5, 6, 7, 18};

static void create(void)
{
    batch = malloc(sizeof(*batch));
    cr_assert_not_null(batch);
    cipher_batch_init(batch, CIPHER_SCRAMBLE);
    for (int i = 0; i < CIPHER_ALGORITHMS; i++) {
        cr_assert_eq(cipher_create(&ciphers[i], i, NULL), 0);
        cr_assert_eq(cipher_key_create(&keys[i], ciphers[i]), 0);
        cr_assert_eq(cipher_key_set(keys[i], cw, cipher_cw_size(i)), 0);
        batch->ciphers[i] = ciphers[i];
    }
}

static void destroy(void)
{
    for (int i = 0; i < CIPHER_ALGORITHMS; i++) {
        cipher_key_destroy(keys[i]);
        cipher_destroy(ciphers[i]);
    }
    free(batch);
}

TestSuite(batch, .init = create, .fini = destroy);

/* What one lane of zeros becomes. */
static void turned_alone(int algorithm, uint8_t *payload)
{
    struct cipher_lane lane = {payload, keys[algorithm], CIPHER_PAYLOAD_MAX};

    memset(payload, 0, CIPHER_PAYLOAD_MAX);
    cipher_run(ciphers[algorithm], CIPHER_SCRAMBLE, &lane, 1);
}

Test(batch, algorithms_mix_and_wait_for_the_flush)
{
    uint8_t payloads[CIPHER_ALGORITHMS][CIPHER_PAYLOAD_MAX] = {{0}};
    uint8_t expected[CIPHER_PAYLOAD_MAX];

    for (int i = 0; i < CIPHER_ALGORITHMS; i++)
        cipher_batch_add(batch, i, payloads[i], CIPHER_PAYLOAD_MAX, keys[i]);
    for (size_t i = 0; i < sizeof(payloads); i++)
        cr_assert_eq(payloads[i / CIPHER_PAYLOAD_MAX][i % CIPHER_PAYLOAD_MAX], 0);
    cipher_batch_flush(batch);
    for (int i = 0; i < CIPHER_ALGORITHMS; i++)
        cr_assert_eq(batch->lanes_turned[i], 1);
    for (int i = 0; i < CIPHER_ALGORITHMS; i++) {
        turned_alone(i, expected);
        cr_assert_arr_eq(payloads[i], expected, sizeof(expected));
    }
    cipher_batch_flush(batch);
    cr_assert_eq(batch->lanes_turned[0], 1, "what was turned is not turned again");
}

Test(batch, a_full_batch_is_turned_at_once)
{
    static uint8_t payloads[CIPHER_BATCH_MAX + 1][CIPHER_PAYLOAD_MAX];
    uint8_t expected[CIPHER_PAYLOAD_MAX];

    turned_alone(CIPHER_DVB_CISSA, expected);
    for (unsigned i = 0; i <= CIPHER_BATCH_MAX; i++) {
        cr_assert_eq(batch->lanes_turned[CIPHER_DVB_CISSA], i == CIPHER_BATCH_MAX ? CIPHER_BATCH_MAX : 0);
        cipher_batch_add(batch, CIPHER_DVB_CISSA, payloads[i], CIPHER_PAYLOAD_MAX, keys[CIPHER_DVB_CISSA]);
    }
    cr_assert_arr_eq(payloads[CIPHER_BATCH_MAX - 1], expected, sizeof(expected));
    cr_assert_eq(payloads[CIPHER_BATCH_MAX][0], 0);
    cipher_batch_flush(batch);
    cr_assert_eq(batch->lanes_turned[CIPHER_DVB_CISSA], CIPHER_BATCH_MAX + 1);
    cr_assert_arr_eq(payloads[CIPHER_BATCH_MAX], expected, sizeof(expected));
}

Test(batch, turns_in_the_direction_it_was_made_for)
{
    uint8_t payload[CIPHER_PAYLOAD_MAX];
    static const uint8_t zeros[CIPHER_PAYLOAD_MAX];

    turned_alone(CIPHER_DVB_CSA2, payload);
    cipher_batch_init(batch, CIPHER_DESCRAMBLE);
    batch->ciphers[CIPHER_DVB_CSA2] = ciphers[CIPHER_DVB_CSA2];
    cipher_batch_add(batch, CIPHER_DVB_CSA2, payload, CIPHER_PAYLOAD_MAX, keys[CIPHER_DVB_CSA2]);
    cipher_batch_flush(batch);
    cr_assert_arr_eq(payload, zeros, sizeof(zeros));
}
