/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cursor.h"
#include "base/log.h"
#include "base/text.h"
#include "ours.h"
#include "ts/section.h"

static struct scs scs, second, third;

TestSuite(server, .init = ours_set_up, .fini = ours_tear_down, .timeout = 60);

Test(server, answers_channel_setup_with_the_configured_status)
{
    ours.config.channel.status = (struct simulcrypt_channel_status){.packets = true,
                                                                    .has_ac_delay_start = true,
                                                                    .has_ac_delay_stop = true,
                                                                    .has_transition_delay_start = true,
                                                                    .has_transition_delay_stop = true,
                                                                    .ac_delay_start = -1,
                                                                    .ac_delay_stop = 2,
                                                                    .delay_start = -3,
                                                                    .delay_stop = 4,
                                                                    .transition_delay_start = -5,
                                                                    .transition_delay_stop = 6,
                                                                    .ecm_rep_period = 7,
                                                                    .max_streams = 8,
                                                                    .min_cp_duration = 9,
                                                                    .lead_cw = 1,
                                                                    .cw_per_msg = 3,
                                                                    .max_comp_time = 12};
    ours_start();
    ours_start_scs(&scs, 1, 0, 0);
    cr_assert_eq(scs.status.packets, true);
    cr_assert_eq(scs.status.ac_delay_start, -1);
    cr_assert_eq(scs.status.ac_delay_stop, 2);
    cr_assert_eq(scs.status.delay_start, -3);
    cr_assert_eq(scs.status.delay_stop, 4);
    cr_assert_eq(scs.status.transition_delay_start, -5);
    cr_assert_eq(scs.status.transition_delay_stop, 6);
    cr_assert_eq(scs.status.ecm_rep_period, 7);
    cr_assert_eq(scs.status.max_streams, 8);
    cr_assert_eq(scs.status.min_cp_duration, 9);
    cr_assert_eq(scs.status.lead_cw, 1);
    cr_assert_eq(scs.status.cw_per_msg, 3);
    cr_assert_eq(scs.status.max_comp_time, 12);
    scs_stop(&scs);
}

Test(server, puts_each_control_word_at_the_parity_of_its_crypto_period)
{
    ours_start();
    ours_start_scs(&scs, 1, 1, 1);
    cr_assert(scs_provide(&scs, 1, 0, 8, NULL, 0));
    ours_assert_ecm(&scs, 0, 8, 0, 1);
    cr_assert(scs_provide(&scs, 1, 1, 8, NULL, 0));
    ours_assert_ecm(&scs, 1, 8, 2, 1);
    cr_assert(scs_provide(&scs, 1, 65535, 16, NULL, 0));
    ours_assert_ecm(&scs, 65535, 16, 0, 65535);
    cr_assert_eq(ours.opened.super_cas_id, OWN_CAS);
    cr_assert_eq(scs.datagram[0], 0x81);
    cr_assert_eq(scs.datagram_size, 3u + base_load_u16(scs.datagram + 1) - 0x7000u);
    scs_stop(&scs);
}

static void assert_cws(uint8_t lead_cw, uint8_t cw_per_msg, int even_cp, int odd_cp)
{
    ours.config.channel.status.lead_cw = lead_cw;
    ours.config.channel.status.cw_per_msg = cw_per_msg;
    ours_start();
    ours_start_scs(&scs, 1, 1, 1);
    cr_assert(scs_provide(&scs, 1, 100, 8, NULL, 0));
    ours_assert_ecm(&scs, 100, 8, even_cp, odd_cp);
    scs_stop(&scs);
    ours_stop();
}

Test(server, chooses_the_control_words_of_n_and_n_plus_1)
{
    assert_cws(1, 3, 100, 101); /* 99, 100, 101 */
    assert_cws(2, 3, 100, 101); /* 100, 101, 102 */
    assert_cws(7, 8, 100, 101);
    assert_cws(3, 8, 100, 101);
    assert_cws(0, 1, 100, -1);
    assert_cws(0, 2, 100, 99); /* no n + 1: what runs while ECM n may be on air already */
}

Test(server, keeps_access_criteria_until_they_change)
{
    ours_start();
    ours_start_scs(&scs, 1, 2, 1);
    cr_assert(scs_provide(&scs, 1, 1, 8, "gold", 4));
    cr_assert(scs_provide(&scs, 1, 2, 8, NULL, 0));
    ours_assert_ecm(&scs, 2, 8, 2, 3);
    cr_assert_eq(ours.opened.access_criteria_size, 4);
    cr_assert_arr_eq(ours.opened.access_criteria, "gold", 4);
    cr_assert(scs_provide(&scs, 2, 2, 8, NULL, 0)); /* another stream has none */
    ours_assert_ecm(&scs, 2, 8, 2, 3);
    cr_assert_eq(ours.opened.access_criteria_size, 0);
    scs_stop(&scs);
}

Test(server, access_criteria_that_do_not_fit_are_an_invalid_value)
{
    static char criteria[ECMG_ACCESS_CRITERIA_MAX + 1];

    ours_start();
    ours_start_scs(&scs, 1, 1, 1);
    cr_assert(scs_provide(&scs, 1, 1, 16, criteria, ECMG_ACCESS_CRITERIA_MAX));
    cr_assert_not(scs_provide(&scs, 1, 2, 16, criteria, ECMG_ACCESS_CRITERIA_MAX + 1));
    cr_assert_not_null(strstr(scs.why, "invalid parameter value"), "%s", scs.why);
    cr_assert(scs_provide(&scs, 1, 3, 16, "silver", 6));
    ours_assert_ecm(&scs, 3, 16, 4, 3);
    cr_assert_eq(ours.opened.access_criteria_size, 6);
    ours_count();
    cr_assert_eq(ours.counters.errors, 1);
    cr_assert_eq(ours.counters.ecms, 2);
    scs_stop(&scs);
}

static void take_section(void *context, const uint8_t *section, size_t size)
{
    struct scs *one = context;
    uint8_t copy[TS_SECTION_MAX];

    memcpy(copy, section, size);
    memcpy(one->datagram, copy, size);
    one->datagram_size = size;
}

/* Takes the section out of packets as a receiver would, after looking at them closely. */
static void unpack(struct scs *one, size_t packets)
{
    struct ts_section_assembler assembler;
    uint8_t bytes[4 * TS_PACKET_SIZE];
    unsigned sections = 0;

    cr_assert_eq(one->datagram_size, packets * TS_PACKET_SIZE);
    memcpy(bytes, one->datagram, one->datagram_size);
    ts_section_assembler_reset(&assembler);
    for (size_t i = 0; i < packets; i++) {
        const uint8_t *packet = bytes + i * TS_PACKET_SIZE;

        cr_assert_eq(packet[0], 0x47);
        cr_assert_eq(base_load_u16(packet + 1), i == 0 ? 0x5fff : 0x1fff);
        cr_assert_eq(packet[3] & 0xf0, 0x10);
        if (i == 0)
            cr_assert_eq(packet[4], 0);
        sections += ts_section_assembler_feed(&assembler, packet, take_section, one);
    }
    cr_assert_eq(bytes[packets * TS_PACKET_SIZE - 1], 0xff);
    cr_assert_eq(sections, 1);
}

Test(server, gives_ts_packets_where_configured)
{
    static char criteria[ECMG_ACCESS_CRITERIA_MAX];

    ours.config.channel.status.packets = true;
    ours_start();
    ours_start_scs(&scs, 1, 1, 1);
    cr_assert(scs_provide(&scs, 1, 6, 8, "bronze", 6));
    unpack(&scs, 1);
    ours_assert_ecm(&scs, 6, 8, 6, 7);
    cr_assert(scs_provide(&scs, 1, 7, 16, criteria, sizeof(criteria)));
    unpack(&scs, 2);
    ours_assert_ecm(&scs, 7, 16, 8, 7);
    scs_stop(&scs);
}

Test(server, serves_each_super_cas_id_under_its_own_key)
{
    ours.config.service_count = 2;
    ours.config.services[1].any = true;
    base_secret_set(&ours.config.services[1].key, "fedcba9876543210", 16);
    ours_start();
    ours_start_scs(&scs, 1, 1, 1);
    scs_start(&second, ours.loop, ours.port, 2, OTHER_CAS, 1,
              1); /* the same ECM_id under another Super_CAS_id is another ECM */
    RUN_UNTIL(ours.loop, second.streams_up == 1);
    cr_assert(scs_provide(&scs, 1, 1, 8, NULL, 0));
    cr_assert(scs_provide(&second, 1, 1, 8, NULL, 0));
    ours_assert_ecm(&scs, 1, 8, 2, 1);
    cr_assert_lt(
        ecmg_ecm_open(&ours.config.services[0].key, second.datagram, second.datagram_size, &ours.opened), 0);
    cr_assert_eq(
        ecmg_ecm_open(&ours.config.services[1].key, second.datagram, second.datagram_size, &ours.opened), 0);
    cr_assert_eq(ours.opened.super_cas_id, OTHER_CAS);
    scs_stop(&scs);
    scs_stop(&second);
}

Test(server, refuses_a_super_cas_id_that_it_does_not_serve)
{
    ours_start();
    scs_start(&scs, ours.loop, ours.port, 1, OTHER_CAS, 0, 0);
    ours_assert_refused(&scs, "unknown Super_CAS_id");
}

Test(server, channel_ids_are_unique_over_connections_and_free_after_them)
{
    ours_start();
    ours_start_scs(&scs, 77, 1, 1);
    scs_start(&second, ours.loop, ours.port, 77, OWN_CAS, 0, 0);
    ours_assert_refused(&second, "ECM_channel_id already in use");
    cr_assert(scs_provide(&scs, 1, 1, 8, NULL, 0)); /* the first has not noticed */
    scs_stop(&scs);
    RUN_UNTIL(ours.loop, (ours_count(), ours.counters.connections == 0));
    cr_assert_eq(ours.counters.channels + ours.counters.streams, 0);
    ours_start_scs(&second, 77, 1, 1);
    simulcrypt_scs_session_close(second.session);
    RUN_UNTIL(ours.loop, (ours_count(), ours.counters.channels == 0 && ours.counters.streams == 0));
    scs_stop(&second);
    RUN_UNTIL(ours.loop, (ours_count(), ours.counters.connections == 0));
}

Test(server, ecm_ids_are_unique_within_a_super_cas_id)
{
    ours_start();
    ours_start_scs(&scs, 1, 2, 10);
    scs_start(&second, ours.loop, ours.port, 2, OWN_CAS, 1, 11);
    ours_assert_refused(&second, "ECM_id already in use");
    scs_stop(&scs);
}

Test(server, limits_channels_and_streams)
{
    ours.config.channels_max = 2;
    ours.config.streams_max = 3;
    ours_start();
    ours_start_scs(&scs, 1, 2, 1);
    scs_start(&second, ours.loop, ours.port, 2, OWN_CAS, 2, 10);
    ours_assert_refused(&second, "too many ECM streams on this ECMG");
    RUN_UNTIL(ours.loop, (ours_count(), ours.counters.channels == 1));
    ours_start_scs(&second, 2, 1, 10);
    scs_start(&third, ours.loop, ours.port, 3, OWN_CAS, 0, 0);
    ours_assert_refused(&third, "too many channels");
    cr_assert(scs_provide(&scs, 2, 1, 8, NULL, 0));
    cr_assert(scs_provide(&second, 1, 1, 8, NULL, 0));
    scs_stop(&scs);
    scs_stop(&second);
}

Test(server, limits_the_streams_of_a_channel)
{
    ours.config.channel.status.max_streams = 1;
    ours_start();
    scs_start(&scs, ours.loop, ours.port, 1, OWN_CAS, 2, 1);
    ours_assert_refused(&scs, "too many ECM streams on this channel");
}

Test(server, counts_what_is_open_and_done)
{
    ours_start();
    ours_start_scs(&scs, 1, 2, 1);
    ours_start_scs(&second, 2, 1, 10);
    cr_assert(scs_provide(&scs, 1, 1, 8, NULL, 0));
    cr_assert(scs_provide(&scs, 2, 1, 8, NULL, 0));
    ours_count();
    cr_assert_eq(ours.counters.connections, 2);
    cr_assert_eq(ours.counters.accepted, 2);
    cr_assert_eq(ours.counters.channels, 2);
    cr_assert_eq(ours.counters.streams, 3);
    cr_assert_eq(ours.counters.ecms, 2);
    cr_assert_eq(ours.counters.errors, 0);
    scs_stop(&scs);
    scs_stop(&second);
}

/* All but the last byte, each in a segment of its own. */
static size_t ask_in_bytes(int peer, const char *hex, uint16_t answer_type, uint8_t answer[static 512])
{
    const char *digit = hex;

    for (; digit[2]; digit += 2) {
        const char one[3] = {digit[0], digit[1], '\0'};
        peer_send(peer, one);
        net_loop_run_once(ours.loop, 1);
    }
    return peer_ask(peer, digit, answer_type, answer);
}

Test(server, answers_messages_made_by_hand_byte_by_byte)
{
    /* ECM_response: channel 1, stream 1, CP_number 0, ECM_datagram of 22 + 2 + 16 + 2 + 16 bytes */
    static const uint8_t response[] = {0, 14, 0, 2, 0, 1, 0, 15, 0, 2, 0, 1, 0, 18, 0, 2, 0, 0, 0, 21, 0, 58};
    static const uint8_t words[] = {1, 2, 3, 4, 5, 6, 7, 8, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18};
    uint8_t bytes[512];
    int peer;

    ours_start();
    peer = peer_connect();
    ask_in_bytes(peer, CHANNEL_SETUP, 0x0003, bytes);
    ask_in_bytes(peer, STREAM_SETUP, 0x0103, bytes);
    cr_assert_eq(ask_in_bytes(peer, PROVISION, 0x0202, bytes), sizeof(response) + 58);
    cr_assert_arr_eq(bytes, response, sizeof(response));
    cr_assert_eq(ecmg_ecm_open(&ours.config.services[0].key, bytes + sizeof(response), 58, &ours.opened), 0);
    cr_assert_arr_eq(ours.opened.even.bytes, words, 8);
    cr_assert_arr_eq(ours.opened.odd.bytes, words + 8, 8);
    cr_assert_arr_eq(ours.opened.access_criteria, "\xaa\xbb", 2);
    close(peer);
}

Test(server, outlives_garbage)
{
    uint8_t garbage[3000];
    unsigned state = 1;
    int peer;

    ours_start();
    for (unsigned round = 0; round < 50; round++) {
        for (size_t i = 0; i < sizeof(garbage); i++) {
            state = state * 1103515245 + 12345;
            garbage[i] = (uint8_t)(state >> 16);
        }
        if (round % 2)
            memset(garbage, 0x02, 1); /* a version that is known */
        peer = peer_connect();
        send(peer, garbage, sizeof(garbage), MSG_NOSIGNAL);
        net_loop_run_once(ours.loop, 5);
        close(peer);
    }
    ours_assert_serves();
    RUN_UNTIL(ours.loop, (ours_count(), ours.counters.connections == 0));
}

Test(server, drops_a_peer_after_three_invalid_messages)
{
    int peer;

    ours_start();
    peer = peer_connect();
    for (unsigned i = 0; i < 3; i++)
        peer_send(peer, "0200010005000e0001ff"); /* an ECM_channel_id of one byte */
    cr_assert(peer_closed(peer));
    close(peer);
    ours_count();
    cr_assert_geq(ours.counters.errors, 2);
    ours_assert_serves();
}

Test(server, frees_what_a_peer_had_when_it_vanishes_inside_a_message)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    int peer;

    ours_start();
    for (unsigned cut = 1; cut < 18; cut++) {
        peer = peer_connect();
        peer_send(peer, CHANNEL_SETUP);
        RUN_UNTIL(ours.loop, (ours_count(), ours.counters.channels == 1));
        send(peer, "\2\2\1\0\64\0\16\0\2\0\1\0\17\0\2\0\1\0", cut, MSG_NOSIGNAL);
        net_loop_run_once(ours.loop, 2);
        if (cut % 2)
            setsockopt(peer, SOL_SOCKET, SO_LINGER, &now, sizeof(now)); /* a reset instead of an end */
        close(peer);
        RUN_UNTIL(ours.loop, (ours_count(), ours.counters.channels == 0 && ours.counters.connections == 0));
    }
    ours_assert_serves();
}

Test(server, drops_a_peer_that_asks_and_does_not_read)
{
    static const uint8_t test[11] = {2, 0, 2, 0, 6, 0, 14, 0, 2, 0, 1}; /* channel_test */
    static uint8_t tests[11 * 1000];
    uint64_t limit;
    size_t from = 0; /* a cut message goes on where it was cut */
    int peer;

    ours_start();
    peer = peer_connect();
    peer_send(peer, CHANNEL_SETUP);
    RUN_UNTIL(ours.loop, (ours_count(), ours.counters.channels == 1));
    for (size_t i = 0; i < sizeof(tests); i++)
        tests[i] = test[i % 11];
    limit = net_loop_now_ms(ours.loop) + 30000;
    while ((ours_count(), ours.counters.channels) && net_loop_now_ms(ours.loop) < limit) {
        ssize_t sent = send(peer, tests + from, sizeof(tests) - 11, MSG_NOSIGNAL | MSG_DONTWAIT);
        from = sent > 0 ? (from + (size_t)sent) % 11 : from;
        net_loop_run_once(ours.loop, 1);
    }
    cr_assert_eq(ours.counters.channels, 0);
    ours_assert_serves();
    close(peer);
}

Test(server, more_connections_than_it_takes_are_closed)
{
    enum { MORE = 70 };
    int peers[MORE];

    ours.config.channels_max = 1;
    ours_start();
    for (unsigned i = 0; i < MORE; i++) {
        peers[i] = peer_connect();
        net_loop_run_once(ours.loop, 5);
    }
    RUN_UNTIL(ours.loop, (net_loop_run_once(ours.loop, 5), ours_count(), ours.counters.connections == 65));
    cr_assert(peer_closed(peers[MORE - 1]));
    for (unsigned i = 0; i < MORE; i++)
        close(peers[i]);
    RUN_UNTIL(ours.loop, (ours_count(), ours.counters.connections == 0));
    ours_assert_serves();
}

Test(server, destroying_it_closes_every_connection)
{
    ours_start();
    ours_start_scs(&scs, 1, 1, 1);
    ours_start_scs(&second, 2, 1, 2);
    ours_stop();
    RUN_UNTIL(ours.loop, scs.ended && second.ended);
    scs_stop(&scs);
    scs_stop(&second);
    ecmg_server_destroy(NULL);
}

Test(server, says_when_it_cannot_listen)
{
    struct ecmg_server *other = NULL;

    ours_start();
    ours.config.listener.port = ours.port;
    cr_assert_eq(ecmg_server_create(&other, ours.loop, &ours.config), -EADDRINUSE);
    cr_assert_null(other);
}

static void assert_absent(const char *log, size_t size, const uint8_t *secret, size_t secret_size)
{
    char hex[65];

    cr_assert_null(memmem(log, size, secret, secret_size));
    base_hex_encode(secret, secret_size, hex, sizeof(hex));
    cr_assert_null(strcasestr(log, hex));
    hex[8] = '\0'; /* nor a part of it */
    cr_assert_null(strcasestr(log, hex));
}

Test(server, logs_no_secret, .init = NULL)
{
    static char log[65536];
    uint8_t cw[16];
    size_t size;
    FILE *file;

    file = tmpfile();
    cr_assert_not_null(file);
    ours_set_up();
    base_log_set_level(BASE_LOG_DEBUG);
    fflush(stderr);
    cr_assert_geq(dup2(fileno(file), STDERR_FILENO), 0);
    ours_start();
    ours_start_scs(&scs, 1, 1, 1);
    cr_assert(scs_provide(&scs, 1, 5, 16, "platinum", 8));
    cr_assert_not(scs_provide(&scs, 1, 6, 16, log, 200)); /* an error is more talkative */
    scs_start(&second, ours.loop, ours.port, 1, OWN_CAS, 0, 0);
    ours_assert_refused(&second, "in use");
    scs_stop(&scs);
    RUN_UNTIL(ours.loop, (ours_count(), ours.counters.connections == 0));
    rewind(file);
    size = fread(log, 1, sizeof(log) - 1, file);
    cr_assert_gt(size, 100); /* it does say something */
    for (uint16_t cp = 5; cp < 8; cp++) {
        scs_cw(cp, cw);
        assert_absent(log, size, cw, 16);
        assert_absent(log, size, cw, 8);
    }
    assert_absent(log, size, (const uint8_t *)"0123456789abcdef", 16);
    fclose(file);
}

#ifndef __SANITIZE_ADDRESS__ /* its shadow and quarantine are no place to search */
/* Whether the line of /proc/self/maps is about writable memory that is no file and no stack. */
static bool is_heap(const char *line)
{
    const char *name = strchr(line, '[');

    return strstr(line, " rw-p ") && !strchr(line, '/') && (!name || strncmp(name, "[heap]", 6) == 0);
}

/* How often `pattern` stands in the heap; it is given inverted, so that the search does not find itself. */
static unsigned count_in_heap(const uint8_t inverted[static 16])
{
    FILE *maps = fopen("/proc/self/maps", "re");
    char line[512];
    char *end;
    unsigned found = 0;

    while (fgets(line, sizeof(line), maps)) {
        size_t start = strtoul(line, &end, 16);
        size_t stop = strtoul(end + 1, NULL, 16);
        /* NOLINTNEXTLINE(performance-no-int-to-ptr): an address that the kernel told */
        const uint8_t *bytes = (const uint8_t *)start;

        for (size_t at = 0; is_heap(line) && at + 16 <= stop - start; at++) {
            size_t same = 0;
            while (same < 16 && (bytes[at + same] ^ inverted[same]) == 0xff)
                same++;
            found += same == 16;
        }
    }
    fclose(maps);
    return found;
}

Test(server, leaves_no_control_word_in_memory)
{
    uint8_t inverted[16];
    uint8_t *planted = malloc(16);

    ours_start();
    ours_start_scs(&scs, 1, 1, 1);
    for (uint16_t cp = 0; cp < 20; cp++)
        cr_assert(scs_provide(&scs, 1, cp, 16, "criteria", 8));
    scs_cw(10, inverted);
    memcpy(planted, inverted, 16);
    for (unsigned i = 0; i < 16; i++)
        inverted[i] = (uint8_t)~inverted[i];
    cr_assert_eq(count_in_heap(inverted), 1, "the planted one alone");
    memset(planted, 0, 16);
    cr_assert_eq(count_in_heap(inverted), 0);
    scs_stop(&scs);
    free(planted);
}
#endif
