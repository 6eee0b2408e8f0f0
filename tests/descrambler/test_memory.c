/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory that is refused, and memory that is given back: never with a control word in it. (With ECMs:
 * test_ecm.c.) */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "descrambler/engine.h"
#include "tests/common/memory.h"

#define PACKETS 8u

static struct cipher_batch *batch;
static struct base_secret words[4];

static void open_all(void)
{
    batch = calloc(1, sizeof(*batch));
    cr_assert_not_null(batch);
    cipher_batch_init(batch, CIPHER_DESCRAMBLE);
    for (int i = 0; i < CIPHER_ALGORITHMS; i++)
        cr_assert_eq(cipher_create(&batch->ciphers[i], i, NULL), 0);
    for (unsigned i = 0; i < 4; i++) {
        words[i].size = 8;
        for (unsigned k = 0; k < 8; k++)
            words[i].bytes[k] = (uint8_t)(0x9d * (i + 1) + 0x35 * k);
        memory_look_for(words[i].bytes, 8);
    }
}

static void close_all(void)
{
    for (int i = 0; i < CIPHER_ALGORITHMS; i++)
        cipher_destroy(batch->ciphers[i]);
    free(batch);
}

TestSuite(memory, .init = open_all, .fini = close_all);

/* Packets of one PID, each crypto-period one long. */
static void make_packets(uint8_t packets[static PACKETS * TS_PACKET_SIZE], uint8_t *pointers[static PACKETS])
{
    memset(packets, 0x55, PACKETS * TS_PACKET_SIZE);
    for (unsigned i = 0; i < PACKETS; i++) {
        pointers[i] = packets + (size_t)i * TS_PACKET_SIZE;
        memcpy(pointers[i], (uint8_t[]){TS_SYNC_BYTE, 0x01, 0x00, (uint8_t)(i & 1 ? 0xD0 : 0x90)}, 4);
    }
}

/* Creates, opens packets, destroys. Where no key can be had, packets stay locked. */
static int use_engine(void *context)
{
    uint8_t packets[PACKETS * TS_PACKET_SIZE];
    uint8_t *pointers[PACKETS];
    const struct descrambler_counters *counters;
    struct descrambler_engine *engine = NULL;
    int status = descrambler_engine_create(&engine, context);

    if (status < 0)
        return status;
    make_packets(packets, pointers);
    descrambler_engine_process(engine, pointers, PACKETS, batch);
    cipher_batch_flush(batch);
    counters = descrambler_engine_counters(engine);
    cr_assert_eq(counters->descrambled + counters->locked, PACKETS);
    if (counters->locked)
        status = -ENOMEM;
    descrambler_engine_destroy(engine);
    return status;
}

Test(memory, fixed_words)
{
    struct descrambler_config config = {.fixed_even = words[0], .fixed_odd = words[1]};

    memory_survive_each(use_engine, &config, 4);
    memory_assert_it_looks();
}

Test(memory, list_of_words)
{
    struct descrambler_config config = {.list = words, .list_count = 4};

    memory_survive_each(use_engine, &config, 5);
    memory_assert_it_looks();
}

static int use_create(void *context)
{
    struct descrambler_engine *engine = NULL;
    int status = descrambler_engine_create(&engine, context);

    cr_assert(status == 0 || !engine);
    descrambler_engine_destroy(engine);
    return status;
}

Test(memory, engine_needs_all_of_its_parts)
{
    struct descrambler_config config = {.list = words, .list_count = 4};

    memory_refuse_each(use_create, &config, 3);
}
