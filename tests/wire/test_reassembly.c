/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/reassembly.h"

/* What came out, one after the other: data as it is after "c:" or "s:" (who sent), events in brackets. */
static char diary[1 << 16];
static uint64_t bytes_seen;
static struct wire_reassembly *reassembly;
static int owner;

__attribute__((format(printf, 1, 2))) static void note(const char *format, ...)
{
    size_t used = strlen(diary);
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(diary + used, sizeof(diary) - used, format, arguments);
    va_end(arguments);
}

static void on_opened(void *context, struct wire_connection *connection)
{
    (void)context;
    cr_assert_null(connection->owner);
    connection->owner = &owner;
    note("[%s %u>%u]", connection->begun ? "open" : "midway", connection->flow.source_port,
         connection->flow.destination_port);
}

static void on_data(void *context, struct wire_connection *connection, enum wire_end from,
                    const uint8_t *bytes, size_t size)
{
    (void)context;
    cr_assert_eq(connection->owner, &owner);
    cr_assert_gt(size, 0);
    bytes_seen += size;
    note("%c:%.*s ", from == WIRE_CLIENT ? 'c' : 's', size < 100 ? (int)size : 0, (const char *)bytes);
}

static void on_gap(void *context, struct wire_connection *connection, enum wire_end from, uint32_t size)
{
    (void)context;
    (void)connection;
    note("[%c misses %u]", from == WIRE_CLIENT ? 'c' : 's', size);
}

static void on_closed(void *context, struct wire_connection *connection, bool reset)
{
    (void)context;
    (void)connection;
    note(reset ? "[reset]" : "[closed]");
}

static void start(void)
{
    static const struct wire_reassembly_ops ops = {on_opened, on_data, on_gap, on_closed};

    cr_assert_eq(wire_reassembly_create(&reassembly, &ops, NULL), 0);
}

static void stop(void)
{
    wire_reassembly_destroy(reassembly);
}

TestSuite(reassembly, .init = start, .fini = stop, .timeout = 30);

#define CLIENT_PORT 40000
#define SERVER_PORT 2222

static void take_bytes(bool client, uint32_t sequence, uint32_t acknowledgement, unsigned flags,
                       const void *bytes, size_t size)
{
    struct wire_segment segment = {.sequence = sequence,
                                   .acknowledgement = acknowledgement,
                                   .flags = (uint8_t)flags,
                                   .payload_size = size};
    uint8_t *exact = malloc(size ? size : 1);

    segment.flow.source.version = segment.flow.destination.version = 4;
    segment.flow.source.bytes[3] = client ? 1 : 2;
    segment.flow.destination.bytes[3] = client ? 2 : 1;
    segment.flow.source_port = client ? CLIENT_PORT : SERVER_PORT;
    segment.flow.destination_port = client ? SERVER_PORT : CLIENT_PORT;
    memcpy(exact, bytes, size);
    cr_assert_eq(wire_reassembly_take(reassembly, &segment, exact), 0);
    free(exact);
}

static void take(bool client, uint32_t sequence, unsigned flags, const char *text)
{
    take_bytes(client, sequence, 0, flags, text, strlen(text));
}

static void acknowledge(bool client, uint32_t sequence, uint32_t acknowledgement)
{
    take_bytes(client, sequence, acknowledgement, WIRE_TCP_ACK, "", 0);
}

static void shake_hands(uint32_t client, uint32_t server)
{
    take(true, client, WIRE_TCP_SYN, "");
    take_bytes(false, server, client + 1, WIRE_TCP_SYN | WIRE_TCP_ACK, "", 0);
    acknowledge(true, client + 1, server + 1);
}

static void expect(const char *expected)
{
    cr_assert_str_eq(diary, expected);
}

Test(reassembly, hands_out_both_directions_in_order)
{
    shake_hands(99, 499);
    take(true, 100, 0, "ask");
    take(false, 500, 0, "answer");
    take(true, 103, WIRE_TCP_FIN, "bye");
    take(false, 506, WIRE_TCP_FIN, "");
    expect("[open 40000>2222]c:ask s:answer c:bye [closed]");
}

Test(reassembly, retransmissions_and_overlaps_come_once)
{
    shake_hands(99, 499);
    take(true, 100, 0, "abc");
    take(true, 100, 0, "abc");
    take(true, 101, 0, "bcde");
    take(true, 99, 0, "x"); /* keep-alive */
    take(true, 100, 0, "abcdef");
    expect("[open 40000>2222]c:abc c:de c:f ");
}

Test(reassembly, what_comes_early_waits_for_what_is_missing)
{
    shake_hands(99, 499);
    take(true, 106, 0, "ghi");
    take(true, 103, 0, "def");
    take(true, 103, 0, "def");
    take(true, 104, 0, "efgh");
    expect("[open 40000>2222]");
    take(true, 100, 0, "abcd");
    expect("[open 40000>2222]c:abcd c:ef c:gh c:i ");
}

Test(reassembly, numbers_go_round)
{
    shake_hands(0xFFFFFFFC, 499);
    take(true, 2, 0, "fgh");
    take(true, 0xFFFFFFFD, 0, "abcde");
    expect("[open 40000>2222]c:abcde c:fgh ");
}

Test(reassembly, what_the_receiver_has_is_missing_in_the_capture_alone)
{
    shake_hands(99, 499);
    take(true, 110, 0, "later");
    acknowledge(false, 500, 100); /* the receiver waits, too */
    expect("[open 40000>2222]");
    acknowledge(false, 500, 115);
    expect("[open 40000>2222][c misses 10]c:later ");
    take(true, 115, 0, "on");
    expect("[open 40000>2222][c misses 10]c:later c:on ");
}

Test(reassembly, the_end_gives_up_gaps)
{
    shake_hands(99, 499);
    take(true, 103, 0, "b");
    take(true, 106, 0, "c");
    take(false, 505, WIRE_TCP_FIN, "");
    wire_reassembly_finish(reassembly);
    expect("[open 40000>2222][c misses 3]c:b [c misses 2]c:c [s misses 5][closed]");
}

Test(reassembly, a_reset_ends_both_directions)
{
    shake_hands(99, 499);
    take(true, 103, 0, "b");
    take(false, 500, WIRE_TCP_RST, "");
    take(true, 104, 0, "more"); /* stray */
    expect("[open 40000>2222][c misses 3]c:b [reset]");
}

Test(reassembly, a_connection_without_its_beginning_starts_where_it_is_seen)
{
    take(false, 5000, WIRE_TCP_ACK, "answer");
    take(true, 77, WIRE_TCP_ACK, "ask");
    take(true, 70, WIRE_TCP_ACK, "before!");
    expect("[midway 40000>2222]s:answer c:ask ");
}

Test(reassembly, the_same_ports_may_begin_anew)
{
    shake_hands(99, 499);
    take(true, 99, WIRE_TCP_SYN, ""); /* sent again: the old one */
    take(true, 100, 0, "a");
    shake_hands(5000, 6000);
    take(true, 5001, 0, "b");
    expect("[open 40000>2222]c:a [closed][open 40000>2222]c:b ");
}

Test(reassembly, an_answer_alone_tells_who_is_the_server)
{
    struct wire_segment segment = {.flags = WIRE_TCP_SYN | WIRE_TCP_ACK};

    segment.flow.source_port = 50000;
    segment.flow.destination_port = 1000;
    cr_assert_eq(wire_reassembly_take(reassembly, &segment, (const uint8_t *)""), 0);
    expect("[open 1000>50000]");
}

static char block[10000];

Test(reassembly, what_is_held_is_bounded_in_bytes)
{
    size_t held = 0;

    shake_hands(99, 499);
    for (uint32_t i = 0; i < 100; i++) {
        take_bytes(true, 200 + i * (uint32_t)sizeof(block), 0, 0, block, sizeof(block));
        held = (i + 1) * sizeof(block) - bytes_seen;
        cr_assert_leq(held, WIRE_HELD_MAX);
    }
    cr_assert(strstr(diary, "[c misses 100]"));
    cr_assert_eq(bytes_seen, 100 * sizeof(block));
}

Test(reassembly, what_is_held_is_bounded_in_segments)
{
    shake_hands(99, 499);
    for (uint32_t i = 0; i <= WIRE_HELD_SEGMENTS_MAX; i++)
        take(true, 101 + 2 * i, 0, "x");
    cr_assert_geq(bytes_seen, 1);
    wire_reassembly_finish(reassembly);
    cr_assert_eq(bytes_seen, WIRE_HELD_SEGMENTS_MAX + 1);
}

Test(reassembly, connections_are_bounded_and_the_idlest_goes_first)
{
    struct wire_segment segment = {.flags = WIRE_TCP_SYN};
    unsigned closed = 0;

    segment.flow.destination_port = 2222;
    for (unsigned i = 0; i < WIRE_CONNECTIONS_MAX + 10; i++) {
        segment.flow.source_port = (uint16_t)(10000 + i);
        cr_assert_eq(wire_reassembly_take(reassembly, &segment, (const uint8_t *)""), 0);
    }
    for (const char *at = diary; (at = strstr(at, "[closed]")); at++)
        closed++;
    cr_assert_eq(closed, 10);
    cr_assert(strstr(diary, "[open 11024>2222]"));
}

/* Any order and any cuts of one stream give the same stream. */
Test(reassembly, shuffled_segments_give_the_stream_back)
{
    enum { PIECES = 200, PIECE = 3 };
    char stream[PIECES * PIECE + 1];
    unsigned order[PIECES];

    srand(1);
    for (unsigned i = 0; i < PIECES * PIECE; i++)
        stream[i] = (char)('a' + i % 26);
    stream[PIECES * PIECE] = 0;
    for (unsigned i = 0; i < PIECES; i++)
        order[i] = i;
    for (unsigned i = PIECES - 1; i > 0; i--) {
        unsigned j = (unsigned)rand() % (i + 1);
        unsigned swap = order[i];
        order[i] = order[j];
        order[j] = swap;
    }
    shake_hands(99, 499);
    for (unsigned i = 0; i < PIECES; i++)
        take_bytes(true, 100 + order[i] * PIECE, 0, 0, stream + order[i] * PIECE,
                   order[i] + 2 < PIECES ? 2 * PIECE : PIECE); /* overlapping */
    cr_assert_eq(bytes_seen, PIECES * PIECE);
    cr_assert(!strstr(diary, "misses"));
    char *to = diary;
    for (const char *at = strchr(diary, ']') + 1; *at; at++)
        if (*at == ':')
            while (*++at != ' ')
                *to++ = *at;
    *to = 0;
    cr_assert_str_eq(diary, stream);
}
