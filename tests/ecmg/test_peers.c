/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SCSs that misbehave, over real sockets. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cursor.h"
#include "ours.h"

static struct scs scs;

TestSuite(peers, .init = ours_set_up, .fini = ours_tear_down, .timeout = 60);

static int start_peer(void)
{
    uint8_t answer[512];
    int peer;

    ours_start();
    peer = peer_connect();
    peer_ask(peer, CHANNEL_SETUP, 0x0003, answer);
    return peer;
}

static void assert_silence(int peer)
{
    uint8_t byte;

    ours_wait_ms(50);
    cr_assert_eq(recv(peer, &byte, 1, MSG_DONTWAIT), -1);
    cr_assert_eq(errno, EAGAIN);
}

/* The error_status in the answer to a message. */
static uint16_t error_for(int peer, const char *hex, uint16_t type)
{
    uint8_t answer[512];
    size_t size = peer_ask(peer, hex, type, answer);

    for (size_t at = 0; at + 6 <= size; at += 4u + base_load_u16(answer + at + 2)) {
        if (base_load_u16(answer + at) == 0x7000)
            return base_load_u16(answer + at + 4);
    }
    return 0;
}

Test(peers, half_a_message_and_silence_hinders_nobody)
{
    int peer = start_peer();

    peer_send(peer, "0201010018000e0002");
    assert_silence(peer);
    ours_assert_serves();
    peer_send(peer, "0001000f00020001001900020005001000020064"); /* the other half */
    cr_assert_eq(error_for(peer, CHANNEL_SETUP, 0x0103), 0);
    close(peer);
}

Test(peers, a_byte_now_and_then_hinders_nobody)
{
    static const char *const bytes[] = {"02", "01", "01", "00", "18", "00", "0e"};
    int peer = start_peer();

    ours_start_scs(&scs, 2, 1, 2);
    for (uint16_t i = 0; i < sizeof(bytes) / sizeof(bytes[0]); i++) {
        peer_send(peer, bytes[i]);
        ours_wait_ms(20);
        cr_assert(scs_provide(&scs, 1, i, 8, NULL, 0));
    }
    assert_silence(peer);
    scs_stop(&scs);
    close(peer);
}

Test(peers, wrong_ids_are_refused_with_their_codes)
{
    int peer = start_peer();

    cr_assert_eq(error_for(peer, "0200020006000e00020002", 0x0005), 0x0006); /* channel 2 */
    cr_assert_eq(error_for(peer, "020102000c000e00020001000f00020009", 0x0106), 0x0007);
    cr_assert_eq(error_for(peer, PROVISION, 0x0106), 0x0007);
    cr_assert_eq(error_for(peer, STREAM_SETUP, 0x0103), 0);
    cr_assert_eq(error_for(peer, STREAM_SETUP, 0x0106), 0x0014);
    cr_assert_eq(error_for(peer, "0201010018000e00020001000f00020002001900020005001000020064", 0x0106),
                 0x0015);
    cr_assert_eq(error_for(peer, CHANNEL_SETUP, 0x0005), 0x0013);
    cr_assert_eq(error_for(peer, "0200020006000e00020001", 0x0003), 0); /* it goes on */
    close(peer);
}

Test(peers, a_storm_of_errors_is_taken_in_silence)
{
    static const uint8_t error[17] = {2, 0, 5, 0, 12, 0, 14, 0, 2, 0, 1, 0x70, 0, 0, 2, 0, 6};
    static uint8_t storm[sizeof(error) * 2000];
    int peer = start_peer();

    for (size_t i = 0; i < sizeof(storm); i++)
        storm[i] = error[i % sizeof(error)];
    for (unsigned i = 0; i < 20; i++) {
        cr_assert_eq(send(peer, storm, sizeof(storm), MSG_NOSIGNAL), (ssize_t)sizeof(storm));
        ours_wait_ms(2);
    }
    assert_silence(peer);
    cr_assert_eq(error_for(peer, CHANNEL_TEST, 0x0003), 0);
    ours_count();
    cr_assert_eq(ours.counters.errors, 0);
    close(peer);
}

Test(peers, an_unrecoverable_error_closes_what_it_is_about)
{
    int peer = start_peer();

    cr_assert_eq(error_for(peer, STREAM_SETUP, 0x0103), 0);
    peer_send(peer, "0201060012000e00020001000f00020001700000027001");
    RUN_UNTIL(ours.loop, (ours_count(), ours.counters.streams == 0));
    peer_send(peer, "020005000c000e00020001700000027001");
    cr_assert(peer_closed(peer));
    RUN_UNTIL(ours.loop, (ours_count(), ours.counters.channels == 0));
    close(peer);
}

Test(peers, a_message_that_is_too_long_is_passed_over)
{
    static uint8_t filler[65535];
    uint8_t answer[512];
    int peer = start_peer();
    size_t sent = 0;

    cr_assert_eq(send(peer, "\2\0\2\xff\xff", 5, MSG_NOSIGNAL), 5);
    while (sent < sizeof(filler)) {
        ssize_t part = send(peer, filler + sent, sizeof(filler) - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        sent += part > 0 ? (size_t)part : 0;
        net_loop_run_once(ours.loop, 1);
    }
    cr_assert_eq(peer_receive(peer, answer, 5), 5);
    cr_assert_eq(base_load_u16(answer + 1), 0x0005);
    peer_receive(peer, answer, base_load_u16(answer + 3));
    cr_assert_eq(error_for(peer, CHANNEL_TEST, 0x0003), 0);
    close(peer);
}

Test(peers, another_version_is_refused_with_its_own)
{
    uint8_t answer[64];
    int peer;

    ours_start();
    peer = peer_connect();
    peer_send(peer, "040001000e000e00020001000100044adc0001");
    cr_assert_eq(peer_receive(peer, answer, 17), 17);
    cr_assert_eq(answer[0], 4);
    cr_assert_eq(base_load_u16(answer + 1), 0x0005);
    cr_assert_eq(base_load_u16(answer + 15), 0x0002);
    ours_assert_serves();
    close(peer);
}

/* Connections come and go in the middle of all that there is to do. */
Test(peers, resets_at_any_time_leave_nothing)
{
    static const char *const messages[] = {CHANNEL_SETUP, STREAM_SETUP, PROVISION, PROVISION};
    const struct linger now = {.l_onoff = 1, .l_linger = 0};

    ours_start();
    for (unsigned round = 0; round < 40; round++) {
        int peer = peer_connect();

        for (unsigned i = 0; i < round % 5 && i < 4; i++)
            peer_send(peer, messages[i]);
        if (round % 3)
            net_loop_run_once(ours.loop, 2);
        setsockopt(peer, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
        close(peer);
    }
    RUN_UNTIL(ours.loop, (ours_count(), ours.counters.connections == 0 && ours.counters.accepted > 0));
    cr_assert_eq(ours.counters.channels, 0);
    cr_assert_eq(ours.counters.streams, 0);
    ours_assert_serves();
}
