/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the scrambler closes the descrambler opens, bit by bit. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "descrambler/engine.h"
#include "rig.h"

static struct rig rig;
static struct stream stream;
static struct descrambler_engine *engine;
static struct cipher_batch *batch;
static uint8_t (*original)[TS_PACKET_SIZE];

static void open_all(void)
{
    rig_open(&rig, false);
    stream_open(&stream);
    batch = calloc(1, sizeof(*batch));
    cipher_batch_init(batch, CIPHER_DESCRAMBLE);
    memcpy(batch->ciphers, rig.ciphers, sizeof(batch->ciphers));
    engine = NULL;
    original = NULL;
}

static void close_all(void)
{
    descrambler_engine_destroy(engine);
    rig_close(&rig);
    stream_close(&stream);
    free(batch);
    free(original);
}

TestSuite(round_trip, .init = open_all, .fini = close_all);

static void keep_original(void)
{
    original = malloc((size_t)stream.count * TS_PACKET_SIZE);
    memcpy(original, stream.packets, (size_t)stream.count * TS_PACKET_SIZE);
}

static void open_outputs(struct random *random)
{
    const struct descrambler_counters *c = descrambler_engine_counters(engine);
    uint8_t *packets[300];

    for (unsigned done = 0; done < rig.count;) {
        unsigned count = 1 + random_below(random, 300);

        if (count > rig.count - done)
            count = rig.count - done;
        for (unsigned i = 0; i < count; i++)
            packets[i] = rig.out[done + i];
        descrambler_engine_process(engine, packets, count, batch);
        cipher_batch_flush(batch);
        done += count;
    }
    cr_assert_eq(c->in, c->passed + c->descrambled + c->locked + c->reserved);
}

/* Every adaptation field, every control, two PIDs of two parities; whatever comes in scrambled is left out.
 */
static void all_shapes(enum cipher_algorithm algorithm)
{
    struct random random = {algorithm};
    struct descrambler_config config = {.has_algorithm = true, .algorithm = algorithm};
    size_t size = cipher_cw_size(algorithm);
    unsigned group = rig_add_group(&rig, algorithm);

    config.fixed_even = rig_word(1, size);
    config.fixed_odd = rig_word(2, size);
    rig_publish(&rig, group, KEYS_SLOT_KEY, 0, 0, 1);
    rig_publish(&rig, group, KEYS_SLOT_KEY, 2000 * RIG_TICK, 1, 2);
    rig_publish(&rig, group, KEYS_SLOT_KEY, 3000 * RIG_TICK, 0, 1);
    for (uint16_t pid = 0x20; pid < TS_PID_NULL; pid++)
        rig_protect(&rig, pid, group);
    for (unsigned i = 0; i < 8 * 256; i++) {
        uint8_t *packet = stream_add_adaptation(&stream, 0x100, (uint8_t)(i & 3), (uint8_t)(i >> 3));

        random_fill(&random, packet + 5, TS_PACKET_SIZE - 5);
    }
    while (stream.count < 5000)
        ts_set_scrambling_control(stream_add_random(&stream, &random), TS_CLEAR);
    keep_original();
    rig_run(&rig, &stream, 0, &random);
    cr_assert_eq(descrambler_engine_create(&engine, &config), 0);
    open_outputs(&random);
    cr_assert_eq(rig.count, stream.count);
    for (unsigned i = 0; i < stream.count; i++)
        cr_assert_arr_eq(rig.out[i], original[i], TS_PACKET_SIZE, "packet %u", i);
    cr_assert_eq(descrambler_engine_counters(engine)->descrambled, rig_counters(&rig)->scrambled);
    cr_assert_eq(descrambler_engine_counters(engine)->crypto_periods, 2);
    cr_assert_gt(rig_counters(&rig)->scrambled, 2000);
}

Test(round_trip, csa2_all_shapes)
{
    all_shapes(CIPHER_DVB_CSA2);
}

Test(round_trip, cissa_all_shapes)
{
    all_shapes(CIPHER_DVB_CISSA);
}

Test(round_trip, idsa_all_shapes)
{
    all_shapes(CIPHER_ATIS_IDSA);
}

Test(round_trip, list_moves_on_with_each_change_of_parity)
{
    struct random random = {9};
    struct base_secret list[6];
    struct descrambler_config config = {.list = list, .list_count = 6};
    unsigned groups[2] = {rig_add_group(&rig, CIPHER_DVB_CSA2), rig_add_group(&rig, CIPHER_DVB_CSA2)};

    rig_protect(&rig, 0x100, groups[0]);
    rig_protect(&rig, 0x101, groups[1]);
    for (uint8_t i = 0; i < 6; i++)
        list[i] = rig_word((uint8_t)(i + 10), 8);
    for (unsigned i = 0; i < 18000; i++)
        random_fill(&random, stream_add(&stream, random_below(&random, 3) ? 0x100 : 0x101) + 4, 184);
    keep_original();
    /* the second PID changes 500 packets later each time */
    for (unsigned part = 0; part < 6; part++) {
        struct stream span = {
            .count = 3000, .packets = stream.packets + 3000u * part, .times = stream.times + 3000u * part};

        rig_publish(&rig, groups[0], KEYS_SLOT_KEY, 3000u * part * RIG_TICK, part & 1, (uint8_t)(part + 10));
        rig_publish(&rig, groups[1], KEYS_SLOT_KEY, part ? (3000u * part + 500) * RIG_TICK : 0, part & 1,
                    (uint8_t)(part + 10));
        rig_run(&rig, &span, 100, NULL);
    }
    cr_assert_eq(descrambler_engine_create(&engine, &config), 0);
    open_outputs(&random);
    for (unsigned i = 0; i < stream.count; i++)
        cr_assert_arr_eq(rig.out[i], original[i], TS_PACKET_SIZE, "packet %u", i);
    cr_assert_eq(descrambler_engine_counters(engine)->crypto_periods, 5);
}

/* A captured programme with several services, all scrambled with one word, and back. */
static void capture_round_trip(const char *folder, const char *name, enum cipher_algorithm algorithm)
{
    struct descrambler_config config = {.has_algorithm = true, .algorithm = algorithm};
    struct random random = {3};
    unsigned group = rig_add_group(&rig, algorithm);
    char path[4096];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    file = fopen(path, "rb");
    cr_assert_not_null(file);
    while (stream.count < RIG_PACKETS_MAX &&
           fread(stream.packets[stream.count], TS_PACKET_SIZE, 1, file) == 1) {
        stream.times[stream.count] = stream.count;
        stream.count++;
    }
    fclose(file);
    keep_original();
    for (uint16_t pid = 0x20; pid < TS_PID_NULL; pid++)
        rig_protect(&rig, pid, group);
    rig_publish(&rig, group, KEYS_SLOT_KEY, 0, 0, 7);
    rig_publish(&rig, group, KEYS_SLOT_KEY, 5000, 1, 8);
    config.fixed_even = rig_word(7, cipher_cw_size(algorithm));
    config.fixed_odd = rig_word(8, cipher_cw_size(algorithm));
    rig_run(&rig, &stream, 0, &random);
    cr_assert_eq(descrambler_engine_create(&engine, &config), 0);
    open_outputs(&random);
    cr_assert_eq(rig.count, stream.count);
    for (unsigned i = 0; i < stream.count; i++)
        cr_assert_arr_eq(rig.out[i], original[i], TS_PACKET_SIZE, "packet %u", i);
    cr_assert_gt(rig_counters(&rig)->scrambled, stream.count / 2);
}

Test(round_trip, captures)
{
    static const char *const names[] = {"dvb-s-rai1-mpeg2-teletext.ts", "h264-aac-no-sdt.ts",
                                        "h264-mp2-one-service.ts"};
    const char *folder = getenv("SCRAMLINE_CAPTURES");

    if (!folder)
        cr_skip_test("SCRAMLINE_CAPTURES is not set");
    for (unsigned i = 0; i < 3; i++) {
        for (unsigned algorithm = 0; algorithm < CIPHER_ALGORITHMS; algorithm++) {
            capture_round_trip(folder, names[i], (enum cipher_algorithm)algorithm);
            if (i < 2 || algorithm + 1 < CIPHER_ALGORITHMS) {
                close_all();
                open_all();
            }
        }
    }
}
