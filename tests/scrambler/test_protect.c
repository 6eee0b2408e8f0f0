/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What becomes of each packet of a protected, black, or passed PID. */
#include <criterion/criterion.h>
#include <dvbcsa/dvbcsa.h>
#include <stdlib.h>
#include <string.h>

#include "rig.h"

#define VIDEO 0x100
#define AUDIO 0x101

static struct rig rig;
static struct stream stream;
static uint8_t (*before)[TS_PACKET_SIZE];

static void open_all(void)
{
    rig_open(&rig, false);
    stream_open(&stream);
}

static void close_all(void)
{
    rig_check_conservation(&rig);
    rig_close(&rig);
    stream_close(&stream);
    free(before);
    before = NULL;
}

static void run(void)
{
    before = malloc((size_t)stream.count * TS_PACKET_SIZE);
    memcpy(before, stream.packets, (size_t)stream.count * TS_PACKET_SIZE);
    rig_run(&rig, &stream, 7, NULL);
}

static bool is_same(unsigned index)
{
    return memcmp(rig.out[index], before[index], TS_PACKET_SIZE) == 0;
}

static bool is_null(unsigned index)
{
    uint8_t null[TS_PACKET_SIZE];

    ts_make_null(null);
    return memcmp(rig.out[index], null, TS_PACKET_SIZE) == 0;
}

TestSuite(protect, .init = open_all, .fini = close_all);

Test(protect, plan_begins_black_but_for_tables_and_nulls)
{
    scrambler_plan_init(rig.plan);
    stream_add(&stream, 0x1F);
    stream_add(&stream, 0x20);
    stream_add(&stream, 0x1FFE);
    stream_add_null(&stream);
    run();
    cr_assert(is_same(0));
    cr_assert(is_null(1));
    cr_assert(is_null(2));
    cr_assert(is_same(3));
    cr_assert_eq(rig_counters(&rig)->black, 2);
    cr_assert_eq(rig_counters(&rig)->passed, 2);
    cr_assert(rig.plan->pids[TS_PID_PAT].observe && rig.plan->pids[TS_PID_PAT].guard);
}

Test(protect, csa2_payload_equals_libdvbcsa)
{
    unsigned group = rig_add_group(&rig, CIPHER_DVB_CSA2);
    struct dvbcsa_key_s *key = dvbcsa_key_alloc();
    struct base_secret cw = rig_word(0x21, 8);
    uint8_t expected[TS_PACKET_SIZE];

    rig_protect(&rig, VIDEO, group);
    rig_publish(&rig, group, KEYS_SLOT_KEY, 0, 0, 0x21);
    dvbcsa_key_set(cw.bytes, key);
    stream_add(&stream, VIDEO);
    for (unsigned length = 0; length <= 183; length++)
        stream_add_adaptation(&stream, VIDEO, 3, (uint8_t)length);
    run();
    for (unsigned i = 0; i < stream.count; i++) {
        unsigned offset = i ? 5 + (i - 1) : 4;

        memcpy(expected, before[i], TS_PACKET_SIZE);
        expected[3] |= 0x80;
        dvbcsa_encrypt(key, expected + offset, TS_PACKET_SIZE - offset);
        cr_assert_arr_eq(rig.out[i], expected, TS_PACKET_SIZE, "packet %u", i);
    }
    cr_assert_eq(rig_counters(&rig)->scrambled, stream.count);
    dvbcsa_key_free(key);
}

Test(protect, short_payloads_are_marked_and_keep_their_bytes)
{
    unsigned csa = rig_add_group(&rig, CIPHER_DVB_CSA2);
    unsigned cissa = rig_add_group(&rig, CIPHER_DVB_CISSA);

    rig_protect(&rig, VIDEO, csa);
    rig_protect(&rig, AUDIO, cissa);
    rig_publish(&rig, csa, KEYS_SLOT_KEY, 0, 1, 1);
    rig_publish(&rig, cissa, KEYS_SLOT_KEY, 0, 0, 2);
    stream_add_adaptation(&stream, VIDEO, 3, 183 - 7);
    stream_add_adaptation(&stream, VIDEO, 3, 183 - 8);
    stream_add_adaptation(&stream, AUDIO, 3, 183 - 15);
    stream_add_adaptation(&stream, AUDIO, 3, 183 - 16);
    stream_add_adaptation(&stream, AUDIO, 3, 183);
    run();
    for (unsigned i = 0; i < stream.count; i++) {
        bool changed = memcmp(rig.out[i] + 4, before[i] + 4, TS_PACKET_SIZE - 4) != 0;

        cr_assert_eq(ts_scrambling_control(rig.out[i]), i < 2 ? TS_ODD : TS_EVEN);
        cr_assert_eq(changed, i == 1 || i == 3, "packet %u", i);
    }
    cr_assert_eq(rig_counters(&rig)->scrambled, 5);
}

Test(protect, packets_without_sound_payload_pass)
{
    unsigned group = rig_add_group(&rig, CIPHER_DVB_CISSA);

    rig_protect(&rig, VIDEO, group);
    rig_publish(&rig, group, KEYS_SLOT_KEY, 0, 0, 1);
    stream_add_adaptation(&stream, VIDEO, 2, 183);
    stream_add_adaptation(&stream, VIDEO, 0, 0);
    stream_add_adaptation(&stream, VIDEO, 3, 184);
    stream_add_adaptation(&stream, VIDEO, 3, 255);
    run();
    for (unsigned i = 0; i < stream.count; i++)
        cr_assert(is_same(i));
    cr_assert_eq(rig_counters(&rig)->no_payload, 2);
    cr_assert_eq(rig_counters(&rig)->bad_adaptation, 2);
    cr_assert_eq(rig_counters(&rig)->passed, 4);
}

Test(protect, scrambled_input_passes_and_is_counted)
{
    unsigned group = rig_add_group(&rig, CIPHER_DVB_CISSA);

    rig_protect(&rig, VIDEO, group);
    rig_publish(&rig, group, KEYS_SLOT_KEY, 0, 0, 1);
    for (unsigned i = 1; i < 4; i++)
        ts_set_scrambling_control(stream_add(&stream, VIDEO), (enum ts_scrambling)i);
    run();
    for (unsigned i = 0; i < stream.count; i++)
        cr_assert(is_same(i));
    cr_assert_eq(rig_counters(&rig)->already_scrambled, 3);
}

Test(protect, transport_errors_are_treated_like_others)
{
    unsigned group = rig_add_group(&rig, CIPHER_DVB_CISSA);

    rig_protect(&rig, VIDEO, group);
    rig_publish(&rig, group, KEYS_SLOT_KEY, 0, 0, 1);
    stream_add(&stream, VIDEO)[1] |= 0x80;
    stream_add(&stream, 0x300)[1] |= 0x80;
    stream_add_null(&stream)[1] |= 0x80;
    run();
    cr_assert(ts_error_indicator(rig.out[0]));
    cr_assert_eq(ts_scrambling_control(rig.out[0]), TS_EVEN);
    cr_assert(is_same(1) && is_same(2));
    cr_assert_eq(rig_counters(&rig)->transport_error, 3);
    cr_assert_eq(rig_counters(&rig)->scrambled, 1);
}

Test(protect, slots_change_at_their_source_time_exactly)
{
    unsigned group = rig_add_group(&rig, CIPHER_DVB_CSA2);

    rig_protect(&rig, VIDEO, group);
    rig_publish(&rig, group, KEYS_SLOT_KEY, 10 * RIG_TICK, 0, 1);
    rig_publish(&rig, group, KEYS_SLOT_KEY, 20 * RIG_TICK, 1, 2);
    rig_publish(&rig, group, KEYS_SLOT_BLACK, 30 * RIG_TICK + 1, 0, 0);
    rig_publish(&rig, group, KEYS_SLOT_CLEAR, 40 * RIG_TICK, 0, 0);
    for (unsigned i = 0; i < 50; i++)
        stream_add(&stream, VIDEO);
    run();
    for (unsigned i = 0; i < 50; i++) {
        bool black = i < 10 || (i > 30 && i < 40);

        cr_assert_eq(is_null(i), black, "packet %u", i);
        if (!black)
            cr_assert_eq(ts_scrambling_control(rig.out[i]), i < 20 ? TS_EVEN : i <= 30 ? TS_ODD : TS_CLEAR);
        cr_assert_eq(is_same(i), i >= 40);
    }
    cr_assert_eq(rig_counters(&rig)->black, 19);
    cr_assert_eq(rig_counters(&rig)->scrambled, 21);
    cr_assert_eq(rig_counters(&rig)->unscrambled, 10);
}

Test(protect, without_slots_or_cipher_it_is_black)
{
    unsigned group = rig_add_group(&rig, CIPHER_ATIS_IDSA);

    rig_publish(&rig, group, KEYS_SLOT_KEY, 0, 0, 1);
    rig.batch->ciphers[CIPHER_ATIS_IDSA] = NULL;
    rig_protect(&rig, VIDEO, group);
    rig_protect(&rig, AUDIO, group + 1); /* no such group */
    rig.plan->pids[0x102].action = SCRAMBLER_BLACK;
    rig.plan->pids[0x103].action = 77; /* no such action */
    for (uint16_t pid = VIDEO; pid < VIDEO + 4; pid++)
        stream_add(&stream, pid);
    stream_add_adaptation(&stream, VIDEO, 2, 183); /* whatever it holds */
    run();
    for (unsigned i = 0; i < stream.count; i++)
        cr_assert(is_null(i), "packet %u", i);
    cr_assert_eq(rig_counters(&rig)->black, stream.count);
}

Test(protect, null_packets_pass_whatever_the_plan_says)
{
    rig.plan->pids[TS_PID_NULL].action = SCRAMBLER_BLACK;
    stream_add_null(&stream)[10] = 0x12;
    run();
    cr_assert(is_same(0));
}

Test(protect, groups_have_keys_of_their_own)
{
    unsigned first = rig_add_group(&rig, CIPHER_DVB_CISSA);
    unsigned second = rig_add_group(&rig, CIPHER_DVB_CISSA);

    rig_protect(&rig, VIDEO, first);
    rig_protect(&rig, AUDIO, second);
    rig_publish(&rig, first, KEYS_SLOT_KEY, 0, 0, 1);
    rig_publish(&rig, second, KEYS_SLOT_KEY, 0, 1, 2);
    memset(stream_add(&stream, VIDEO) + 4, 0, 184);
    memset(stream_add(&stream, AUDIO) + 4, 0, 184);
    run();
    cr_assert_eq(ts_scrambling_control(rig.out[0]), TS_EVEN);
    cr_assert_eq(ts_scrambling_control(rig.out[1]), TS_ODD);
    cr_assert_neq(memcmp(rig.out[0] + 4, rig.out[1] + 4, 184), 0);
}

/* Each member of a group of CASs has its own slots, and none may keep the others from theirs. */
Test(protect, a_group_without_packets_goes_on_with_time)
{
    unsigned with = rig_add_group(&rig, CIPHER_DVB_CSA2), without = rig_add_group(&rig, CIPHER_DVB_CSA2);

    rig_protect(&rig, VIDEO, with);
    for (uint8_t n = 0; n < KEYS_SLOTS; n++)
        rig_publish(&rig, without, KEYS_SLOT_KEY, 0, n & 1, n);
    cr_assert_not(keys_slots_has_room(rig.slots[without], 0));
    for (unsigned i = 0; i < 10; i++)
        stream_add(&stream, VIDEO);
    rig_run(&rig, &stream, 1, NULL);
    cr_assert(keys_slots_has_room(rig.slots[without], 0));
}
