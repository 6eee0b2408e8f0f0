/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of a silent SCS, and an SCS that talks too fast. */
#include <criterion/criterion.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cursor.h"
#include "ours.h"

#define MS UINT64_C(1000) /* in µs */

static struct scs scs;

TestSuite(watch, .init = ours_set_up, .fini = ours_tear_down, .timeout = 60);

/* The next message's type and, where it has one, its ECM_stream_id. */
static uint16_t take_message(int peer, uint16_t *stream_id)
{
    uint8_t bytes[512];
    size_t size;

    cr_assert_eq(peer_receive(peer, bytes, 5), 5);
    size = base_load_u16(bytes + 3);
    cr_assert_leq(size, sizeof(bytes) - 5);
    cr_assert_eq(peer_receive(peer, bytes + 5, size), size);
    *stream_id = size >= 12 ? base_load_u16(bytes + 15) : 0;
    return base_load_u16(bytes + 1);
}

static void assert_message(int peer, uint16_t type, uint16_t stream_id)
{
    uint16_t found_stream_id;
    uint16_t found = take_message(peer, &found_stream_id);

    cr_assert_eq(found, type, "0x%04x", found);
    cr_assert_eq(found_stream_id, stream_id, "stream %u", found_stream_id);
}

Test(watch, an_scs_that_answers_tests_stays)
{
    ours.config.test_period_us = 20 * MS;
    ours.config.reply_timeout_us = 50 * MS;
    ours_start();
    ours_start_scs(&scs, 1, 3, 1);
    ours_wait_ms(300);
    cr_assert_not(scs.ended, "%s", scs.why);
    cr_assert(scs_provide(&scs, 1, 1, 8, NULL, 0));
    ours_count();
    cr_assert_eq(ours.counters.errors, 0);
    scs_stop(&scs);
}

Test(watch, the_channel_and_its_streams_in_turn_are_tested)
{
    uint8_t answer[512];
    int peer;

    ours.config.test_period_us = 50 * MS;
    ours.config.reply_timeout_us = 20000 * MS;
    ours_start();
    peer = peer_connect();
    peer_ask(peer, CHANNEL_SETUP, 0x0003, answer);
    assert_message(peer, 0x0002, 0);
    peer_send(peer, "0201010018000e00020001000f00020005001900020005001000020064"); /* stream 5 */
    assert_message(peer, 0x0103, 5);
    peer_send(peer, "0201010018000e00020001000f00020002001900020002001000020064"); /* stream 2 */
    assert_message(peer, 0x0103, 2);
    for (unsigned i = 0; i < 4; i++) {
        assert_message(peer, 0x0002, 0);
        assert_message(peer, 0x0102, i % 2 ? 5 : 2);
        peer_send(peer, "020005000c000e00020001700000020006"); /* a channel_error counts as heard, too */
    }
    close(peer);
}

Test(watch, an_scs_that_answers_no_test_is_dropped)
{
    uint8_t answer[512];
    uint64_t start_ms;
    int peer;

    ours.config.test_period_us = 50 * MS;
    ours.config.reply_timeout_us = 100 * MS;
    ours_start();
    peer = peer_connect();
    peer_ask(peer, CHANNEL_SETUP, 0x0003, answer);
    start_ms = net_loop_now_ms(ours.loop);
    cr_assert(peer_closed(peer));
    cr_assert_geq(net_loop_now_ms(ours.loop) - start_ms, 100);
    RUN_UNTIL(ours.loop, (ours_count(), ours.counters.channels == 0));
    ours_assert_serves();
    close(peer);
}

Test(watch, half_a_message_and_silence_is_silence)
{
    uint8_t answer[512];
    int peer;

    ours.config.test_period_us = 50 * MS;
    ours.config.reply_timeout_us = 50 * MS;
    ours_start();
    peer = peer_connect();
    peer_ask(peer, CHANNEL_SETUP, 0x0003, answer);
    peer_send(peer, "0201010018000e0002");
    cr_assert(peer_closed(peer));
    ours_assert_serves();
    close(peer);
}

static void send_tests(int peer, unsigned count)
{
    static const uint8_t test[11] = {2, 0, 2, 0, 6, 0, 14, 0, 2, 0, 1};
    static uint8_t tests[11 * 2000];

    for (unsigned i = 0; i < count; i++)
        memcpy(tests + (size_t)i * 11, test, 11);
    cr_assert_eq(send(peer, tests, (size_t)count * 11, MSG_NOSIGNAL), (ssize_t)count * 11);
}

/* Tests of the server may come in between. */
static void take_answers(int peer, unsigned count)
{
    uint16_t stream_id, type;

    while (count) {
        type = take_message(peer, &stream_id);
        cr_assert(type == 0x0002 || type == 0x0003, "0x%04x", type);
        count -= type == 0x0003;
    }
}

Test(watch, what_comes_faster_than_allowed_waits)
{
    uint8_t answer[512];
    uint64_t start_ms;
    int peer;

    ours.config.messages_per_second = 1000;
    ours_start();
    peer = peer_connect();
    peer_ask(peer, CHANNEL_SETUP, 0x0003, answer);
    start_ms = net_loop_now_ms(ours.loop);
    send_tests(peer, 1600); /* the burst of a second, and the rest of a chunk that was read */
    take_answers(peer, 1600);
    send_tests(peer, 1);
    take_answers(peer, 1);
    cr_assert_geq(net_loop_now_ms(ours.loop) - start_ms, 500);
    ours_assert_serves();
    close(peer);
}

Test(watch, one_that_waits_does_not_hinder_others)
{
    uint8_t answer[512];
    int peer;

    ours.config.messages_per_second = 10;
    ours_start();
    peer = peer_connect();
    peer_ask(peer, CHANNEL_SETUP, 0x0003, answer);
    send_tests(peer, 1000);
    take_answers(peer, 1000); /* now it owes more than a minute */
    send_tests(peer, 1);
    ours_assert_serves();
    cr_assert_eq(recv(peer, answer, sizeof(answer), MSG_DONTWAIT), -1);
    close(peer);
}

Test(watch, tests_and_limits_go_together)
{
    uint8_t answer[512];
    int peer;

    ours.config.messages_per_second = 1000;
    ours.config.test_period_us = 100 * MS;
    ours.config.reply_timeout_us = 100 * MS;
    ours_start();
    peer = peer_connect();
    peer_ask(peer, CHANNEL_SETUP, 0x0003, answer);
    send_tests(peer, 2000); /* a second of waiting is no silence of the peer */
    take_answers(peer, 2000);
    send_tests(peer, 1);
    take_answers(peer, 1);
    close(peer);
}
