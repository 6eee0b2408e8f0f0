/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cipher/batch.h"

#include <string.h>

void cipher_batch_init(struct cipher_batch *batch, enum cipher_direction direction)
{
    memset(batch, 0, sizeof(*batch));
    batch->direction = direction;
}

static void turn_lanes(struct cipher_batch *batch, enum cipher_algorithm algorithm)
{
    unsigned count = batch->counts[algorithm];

    if (!count)
        return;
    cipher_run(batch->ciphers[algorithm], batch->direction, batch->lanes[algorithm], count);
    batch->lanes_turned[algorithm] += count;
    batch->counts[algorithm] = 0;
}

void cipher_batch_add(struct cipher_batch *batch, enum cipher_algorithm algorithm, uint8_t *payload,
                      uint16_t length, const struct cipher_key *key)
{
    batch->lanes[algorithm][batch->counts[algorithm]++] =
        (struct cipher_lane){.payload = payload, .key = key, .length = length};
    if (batch->counts[algorithm] == CIPHER_BATCH_MAX)
        turn_lanes(batch, algorithm);
}

void cipher_batch_flush(struct cipher_batch *batch)
{
    for (int i = 0; i < CIPHER_ALGORITHMS; i++)
        turn_lanes(batch, (enum cipher_algorithm)i);
}
