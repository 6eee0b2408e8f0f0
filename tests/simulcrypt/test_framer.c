/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "script.h"
#include "simulcrypt/framer.h"

#define LIMIT 64

static const char script[] = "channel_test ECM_channel_id=0001;"
                             "0x0042 0x9000=00112233445566778899AABBCCDDEEFF;"
                             "0x0043;"
                             "stream_test ECM_channel_id=0001 ECM_stream_id=0002";
static uint8_t stream[512];
static size_t stream_size;

static void make_stream(void)
{
    stream_size = script_encode(script, stream, sizeof(stream));
}

TestSuite(framer, .init = make_stream);

/* Feeds the stream in the given cuts and puts the messages together again. */
static size_t feed(struct simulcrypt_framer *framer, const uint8_t *bytes, size_t size, uint8_t *out,
                   unsigned *messages)
{
    struct base_reader input = base_reader_of(bytes, size);
    const uint8_t *message;
    size_t message_size;
    size_t total = 0;
    while (simulcrypt_framer_next(framer, &input, &message, &message_size) == 1) {
        memcpy(out + total, message, message_size);
        total += message_size;
        (*messages)++;
    }
    return total;
}

Test(framer, gives_the_same_messages_for_every_cut)
{
    for (size_t first = 0; first <= stream_size; first++) {
        for (size_t second = first; second <= stream_size; second++) {
            struct simulcrypt_framer framer;
            uint8_t out[512];
            unsigned messages = 0;
            simulcrypt_framer_init(&framer, LIMIT);
            size_t total = feed(&framer, stream, first, out, &messages);
            total += feed(&framer, stream + first, second - first, out + total, &messages);
            total += feed(&framer, stream + second, stream_size - second, out + total, &messages);
            cr_assert_eq(messages, 4);
            cr_assert_eq(total, stream_size);
            cr_assert_arr_eq(out, stream, stream_size);
            simulcrypt_framer_clear(&framer);
        }
    }
}

Test(framer, gives_the_same_messages_byte_by_byte)
{
    struct simulcrypt_framer framer;
    uint8_t out[512];
    unsigned messages = 0;
    size_t total = 0;
    simulcrypt_framer_init(&framer, LIMIT);
    for (size_t i = 0; i < stream_size; i++)
        total += feed(&framer, stream + i, 1, out + total, &messages);
    cr_assert_eq(messages, 4);
    cr_assert_arr_eq(out, stream, stream_size);
    simulcrypt_framer_clear(&framer);
}

/* Events for a stream fed in pieces: 'm' a message, 'L' a too long one. */
static void events_of(size_t limit, size_t cut, char *events)
{
    struct simulcrypt_framer framer;
    simulcrypt_framer_init(&framer, limit);
    for (size_t at = 0; at < stream_size; at += cut) {
        struct base_reader input =
            base_reader_of(stream + at, cut < stream_size - at ? cut : stream_size - at);
        const uint8_t *message;
        size_t size;
        int status;
        while ((status = simulcrypt_framer_next(&framer, &input, &message, &size)) != 0) {
            cr_assert(status == 1 || status == -EMSGSIZE);
            if (status == -EMSGSIZE) {
                cr_assert_eq(size, SIMULCRYPT_HEADER_SIZE);
                cr_assert_eq(base_load_u16(message + 1), 0x0042);
            }
            *events++ = status == 1 ? 'm' : 'L';
        }
    }
    *events = 0;
    simulcrypt_framer_clear(&framer);
}

Test(framer, passes_over_a_message_that_is_too_long)
{
    char events[16];
    for (size_t cut = 1; cut <= stream_size; cut++) {
        events_of(24, cut, events); /* the second one has 25 bytes */
        cr_assert_str_eq(events, "mLmm", "cut %zu: %s", cut, events);
        events_of(25, cut, events);
        cr_assert_str_eq(events, "mmmm", "cut %zu: %s", cut, events);
    }
}

Test(framer, holds_no_more_than_what_is_announced_and_forgets_it)
{
    struct simulcrypt_framer framer;
    const uint8_t *message;
    size_t size;
    struct base_reader input = base_reader_of(stream, stream_size);
    simulcrypt_framer_init(&framer, SIMULCRYPT_HEADER_SIZE + UINT16_MAX);
    input.end = stream + 8;
    cr_assert_eq(simulcrypt_framer_next(&framer, &input, &message, &size), 0);
    simulcrypt_framer_clear(&framer);
    cr_assert_null(framer.held);
    input = base_reader_of(stream, stream_size);
    cr_assert_eq(simulcrypt_framer_next(&framer, &input, &message, &size), 1);
    cr_assert_eq(message, stream, "whole messages are handed out in place");
    cr_assert_null(framer.held);
}
