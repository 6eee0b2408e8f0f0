/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Time and quiescent points are moved by hand; threads have a program of their own (threads.c). */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "keys/slots.h"

/* A reader that passes a quiescent point where the test says so. */
static uint64_t quiescent_points;
static unsigned tokens_taken;

static uint64_t begin_grace(void *context)
{
    (void)context;
    tokens_taken++;
    return quiescent_points + 1;
}

static bool is_elapsed(void *context, uint64_t token)
{
    (void)context;
    return quiescent_points >= token;
}

static const struct keys_grace grace = {.begin = begin_grace, .elapsed = is_elapsed};
static struct cipher *cipher;
static struct keys_slots *slots;

static void create(const struct keys_grace *with)
{
    quiescent_points = 0;
    tokens_taken = 0;
    cr_assert_eq(cipher_create(&cipher, CIPHER_DVB_CSA2, NULL), 0);
    cr_assert_eq(keys_slots_create(&slots, cipher, with), 0);
}

static void destroy(void)
{
    keys_slots_destroy(slots);
    cipher_destroy(cipher);
}

static struct base_secret word_of(uint64_t crypto_period)
{
    struct base_secret cw = {.size = 8, .bytes = {(uint8_t)crypto_period, (uint8_t)(crypto_period >> 8), 1}};
    return cw;
}

static int publish(uint64_t crypto_period, uint64_t start)
{
    struct base_secret cw = word_of(crypto_period);

    return keys_slots_publish(slots, KEYS_SLOT_KEY, crypto_period, start, crypto_period & 1, &cw);
}

static void scramble(const struct cipher_key *key, uint8_t payload[static 16])
{
    struct cipher_lane lane = {.payload = payload, .key = key, .length = 16};

    memset(payload, 0, 16);
    cipher_run(cipher, CIPHER_SCRAMBLE, &lane, 1);
}

/* Whether the slot scrambles with the CW of its crypto-period. */
static bool has_right_key(const struct keys_slot *slot)
{
    struct base_secret cw = word_of(slot->crypto_period);
    struct cipher_key *key;
    uint8_t expected[16], found[16];

    cr_assert_eq(cipher_key_create(&key, cipher), 0);
    cr_assert_eq(cipher_key_set(key, cw.bytes, cw.size), 0);
    scramble(key, expected);
    scramble(slot->key, found);
    cipher_key_destroy(key);
    return !memcmp(expected, found, sizeof(found));
}

static void expect_current(uint64_t time, uint64_t crypto_period)
{
    const struct keys_slot *slot = keys_slots_current(slots, time);

    cr_assert_not_null(slot, "at %lu", time);
    cr_assert_eq(slot->crypto_period, crypto_period, "at %lu: %lu, not %lu", time, slot->crypto_period,
                 crypto_period);
    cr_assert_eq(slot->parity, crypto_period & 1);
    cr_assert(has_right_key(slot));
}

TestSuite(slots, .fini = destroy);

Test(slots, nothing_holds_before_the_first_start)
{
    struct keys_slot newest;

    create(NULL);
    cr_assert_null(keys_slots_current(slots, 0));
    cr_assert_null(keys_slots_current(slots, UINT64_MAX));
    cr_assert_not(keys_slots_newest(slots, &newest));
    cr_assert_eq(publish(0, 100), 0);
    cr_assert_null(keys_slots_current(slots, 99));
    expect_current(100, 0);
}

Test(slots, the_boundary_belongs_to_the_new_slot)
{
    create(NULL);
    cr_assert_eq(publish(5, 0), 0);
    cr_assert_eq(publish(6, 1000), 0);
    expect_current(0, 5);
    expect_current(999, 5);
    expect_current(1000, 6);
    expect_current(UINT64_MAX, 6);
}

Test(slots, several_boundaries_may_be_passed_at_once)
{
    create(NULL);
    for (uint64_t n = 0; n < KEYS_SLOTS; n++)
        cr_assert_eq(publish(n, n * 10), 0);
    expect_current(5, 0);
    expect_current(10 * KEYS_SLOTS, KEYS_SLOTS - 1);
}

Test(slots, of_one_start_the_last_published_wins)
{
    create(NULL);
    cr_assert_eq(publish(1, 100), 0);
    cr_assert_eq(keys_slots_publish(slots, KEYS_SLOT_BLACK, 2, 100, 0, NULL), 0);
    cr_assert_eq(publish(3, 100), 0);
    expect_current(100, 3);
}

Test(slots, a_start_that_wins_may_come_while_the_first_one_runs)
{
    create(NULL);
    cr_assert_eq(publish(1, 100), 0);
    expect_current(100, 1);
    cr_assert_eq(publish(2, 100), 0);
    expect_current(100, 2);
}

Test(slots, kinds_without_a_key_are_published_too)
{
    const struct keys_slot *slot;

    create(NULL);
    cr_assert_eq(keys_slots_publish(slots, KEYS_SLOT_CLEAR, 1, 0, 1, NULL), 0);
    cr_assert_eq(keys_slots_publish(slots, KEYS_SLOT_BLACK, 2, 10, 0, NULL), 0);
    slot = keys_slots_current(slots, 5);
    cr_assert_eq(slot->kind, KEYS_SLOT_CLEAR);
    cr_assert_null(slot->key);
    cr_assert_eq(slot->parity, 1);
    slot = keys_slots_current(slots, 10);
    cr_assert_eq(slot->kind, KEYS_SLOT_BLACK);
    cr_assert_null(slot->key);
    cr_assert_eq(slot->start, 10);
}

Test(slots, refuses_what_makes_no_sense)
{
    struct base_secret cw = word_of(1), longer = {.size = 16};

    create(NULL);
    cr_assert_eq(publish(1, 100), 0);
    cr_assert_eq(publish(2, 99), -EINVAL, "starts never go back");
    cr_assert_eq(keys_slots_publish(slots, KEYS_SLOT_KEY, 2, 200, 0, NULL), -EINVAL);
    cr_assert_eq(keys_slots_publish(slots, KEYS_SLOT_BLACK, 2, 200, 0, &cw), -EINVAL);
    cr_assert_eq(keys_slots_publish(slots, KEYS_SLOT_CLEAR, 2, 200, 0, &cw), -EINVAL);
    cr_assert_eq(keys_slots_publish(slots, KEYS_SLOT_KEY, 2, 200, 2, &cw), -EINVAL);
    cr_assert_eq(keys_slots_publish(slots, KEYS_SLOT_KEY, 2, 200, 0, &longer), -EINVAL);
    expect_current(1000, 1);
}

Test(slots, newest_is_what_was_published_last_wherever_the_worker_is)
{
    struct keys_slot newest;

    create(NULL);
    cr_assert_eq(publish(1, 100), 0);
    cr_assert_eq(publish(2, 200), 0);
    cr_assert(keys_slots_newest(slots, &newest));
    cr_assert_eq(newest.crypto_period, 2);
    cr_assert_eq(newest.start, 200);
    cr_assert_eq(publish(3, 150), -EINVAL);
    cr_assert(keys_slots_newest(slots, &newest));
    cr_assert_eq(newest.crypto_period, 2);
}

Test(slots, a_full_ring_ahead_of_the_reader_is_never_overwritten)
{
    create(NULL);
    for (uint64_t n = 0; n < KEYS_SLOTS; n++)
        cr_assert_eq(publish(n, n * 10), 0);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(publish(99, 1000), -EAGAIN, "no slot has been read yet");
    expect_current(0, 0);
    cr_assert_eq(publish(99, 1000), -EAGAIN, "the first slot is running");
    expect_current(10, 1);
    cr_assert_eq(publish(4, 1000), 0, "the first slot was left behind");
    cr_assert_eq(publish(5, 1000), -EAGAIN);
    expect_current(10, 1);
    expect_current(29, 2);
    expect_current(30, 3);
    expect_current(1000, 4);
}

Test(slots, room_is_told_before_it_is_used)
{
    create(&grace);
    for (uint64_t n = 0; n < KEYS_SLOTS; n++) {
        cr_assert(keys_slots_has_room(slots, 100 * n));
        cr_assert_eq(publish(n, 100 * n), 0);
        cr_assert(!n || !keys_slots_has_room(slots, 100 * n - 1), "before the newest one");
    }
    cr_assert_not(keys_slots_has_room(slots, 1000));
    cr_assert_not_null(keys_slots_current(slots, 100));
    cr_assert_not(keys_slots_has_room(slots, 1000), "in its grace period");
    quiescent_points++;
    cr_assert(keys_slots_has_room(slots, 1000));
    cr_assert_eq(publish(KEYS_SLOTS, 1000), 0);
}

Test(slots, all_but_the_running_slot_may_be_ahead)
{
    create(&grace);
    cr_assert_eq(publish(0, 0), 0);
    expect_current(0, 0);
    for (uint64_t n = 1; n < KEYS_SLOTS; n++)
        cr_assert_eq(publish(n, n * 10), 0);
    cr_assert_eq(publish(99, 1000), -EAGAIN);
    quiescent_points += 10;
    cr_assert_eq(publish(99, 1000), -EAGAIN, "quiescent points do not end a slot that runs");
    expect_current(9, 0);
}

Test(slots, a_slot_left_behind_waits_for_a_quiescent_point)
{
    const struct keys_slot *in_a_batch;

    create(&grace);
    for (uint64_t n = 0; n < KEYS_SLOTS; n++)
        cr_assert_eq(publish(n, n * 10), 0);
    in_a_batch = keys_slots_current(slots, 9);
    expect_current(10, 1);
    quiescent_points++; /* before control noticed: this one does not count */
    cr_assert_eq(publish(4, 40), -EAGAIN);
    cr_assert_eq(publish(4, 40), -EAGAIN);
    cr_assert_eq(in_a_batch->crypto_period, 0);
    cr_assert(has_right_key(in_a_batch), "a lane of the burst may still point to it");
    quiescent_points++;
    cr_assert_eq(publish(4, 40), 0);
    cr_assert_eq(tokens_taken, 1, "one token per slot, however often control asks");
    cr_assert_eq(publish(5, 50), -EAGAIN);
}

Test(slots, with_one_slot_of_lead_no_boundary_meets_eagain)
{
    create(&grace);
    cr_assert_eq(publish(0, 0), 0);
    for (uint64_t n = 0; n < 100000; n++) {
        cr_assert_eq(publish(n + 1, (n + 1) * 10), 0);
        for (uint64_t time = n * 10; time < n * 10 + 10; time++)
            cr_assert_eq(keys_slots_current(slots, time)->crypto_period, n);
        quiescent_points++;
    }
}

Test(slots, a_black_slot_takes_over_the_place_of_a_key)
{
    create(NULL);
    for (uint64_t n = 0; n < 4 * KEYS_SLOTS; n++) {
        if (n % 2)
            cr_assert_eq(keys_slots_publish(slots, KEYS_SLOT_BLACK, n, n, 0, NULL), 0);
        else
            cr_assert_eq(publish(n, n), 0);
        cr_assert_eq(keys_slots_current(slots, n)->crypto_period, n);
        cr_assert_eq(keys_slots_current(slots, n)->key == NULL, n % 2);
    }
}

Test(slots, the_key_of_a_slot_out_of_use_is_wiped)
{
    const struct cipher_key *key;
    uint8_t before[16], after[16];

    create(&grace);
    cr_assert_eq(publish(1, 0), 0);
    key = keys_slots_current(slots, 0)->key;
    scramble(key, before);
    cr_assert_eq(keys_slots_publish(slots, KEYS_SLOT_BLACK, 2, 10, 0, NULL), 0);
    cr_assert_eq(keys_slots_current(slots, 10)->kind, KEYS_SLOT_BLACK);
    cr_assert_eq(keys_slots_publish(slots, KEYS_SLOT_BLACK, 3, 20, 0, NULL), 0);
    scramble(key, after);
    cr_assert_arr_eq(before, after, 16, "in grace");
    quiescent_points++;
    cr_assert_eq(keys_slots_publish(slots, KEYS_SLOT_BLACK, 4, 30, 0, NULL), 0);
    scramble(key, after);
    cr_assert(memcmp(before, after, 16), "the key must be gone, though its place is not used again yet");
}

Test(slots, nobody_has_to_read)
{
    create(NULL);
    cr_assert_eq(publish(1, 0), 0);
    keys_slots_destroy(NULL);
}
