/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The EMMG against the MUX of headend/ over loopback, and against MUXes that misbehave. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "emmg/client.h"
#include "folder.h"
#include "tests/headend/mux_rig.h"
#include "tests/simulcrypt/script.h"

static struct emmg_carousel *carousel;
static struct emmg_client *client;
static struct emmg_client_config config;
static bool finished;

static void on_finished(void *context)
{
    (void)context;
    finished = true;
}

static void open_all(void)
{
    mux_rig_init();
    folder_make();
    config = (struct emmg_client_config){
        .host = "127.0.0.1",
        .session = {.version = 3, .client_id = MUX_RIG_CLIENT, .channel_id = 1, .reply_timeout_ms = 500},
        .stream = {.stream_id = 7, .data_id = 1},
        .bandwidth = 1000,
        .finished = on_finished,
    };
    finished = false;
}

static void close_all(void)
{
    emmg_client_destroy(client);
    emmg_carousel_close(carousel);
    mux_rig_stop();
    folder_remove();
}

TestSuite(client, .init = open_all, .fini = close_all, .timeout = 60);

static void start_client(uint16_t port)
{
    char why[256];

    cr_assert_eq(emmg_carousel_open(&carousel, folder, why), 0, "%s", why);
    config.port = port;
    config.carousel = carousel;
    cr_assert_eq(emmg_client_create(&client, rig.loop, &config), 0);
}

static void start(void)
{
    mux_rig_start();
    start_client(headend_mux_port(rig.mux));
}

static struct emmg_client_counters counters(void)
{
    struct emmg_client_counters now;

    emmg_client_counters(client, &now);
    return now;
}

/* All of the folder, `cycles` times, whole and in order. */
static void expect_cycles(unsigned cycles, unsigned count, size_t size)
{
    const struct mux_rig_air *air = mux_rig_air(0, 0x500);
    uint8_t section[TS_SECTION_MAX];

    MUX_RIG_UNTIL(finished && air->sections >= cycles * count);
    cr_assert_eq(air->sections, cycles * count);
    cr_assert_eq(air->assembler.lost, 0);
    for (unsigned i = 0; i < cycles * count; i++) {
        section_make(i % count, size, section);
        cr_assert_arr_eq(air->bytes + i * size, section, size, "section %u", i);
    }
    cr_assert_eq(counters().sections, cycles * count);
    cr_assert_eq(counters().cycles, cycles);
    cr_assert_eq(counters().errors, 0);
    MUX_RIG_UNTIL(mux_rig_counters().connections == 0);
}

Test(client, sections_arrive_over_tcp)
{
    folder_add("a.bin", 0, 100, 120);
    config.cycles = 3;
    start();
    expect_cycles(3, 100, 120);
}

Test(client, packets_arrive_over_tcp)
{
    folder_add("a.bin", 0, 100, 120);
    config.cycles = 2;
    config.session.format = SIMULCRYPT_PACKETS;
    start();
    expect_cycles(2, 100, 120);
}

Test(client, the_largest_sections_arrive_in_either_form)
{
    folder_add("a.bin", 0, 5, TS_SECTION_MAX);
    config.cycles = 1;
    config.session.format = SIMULCRYPT_PACKETS;
    start();
    expect_cycles(1, 5, TS_SECTION_MAX);
}

static void send_by_udp(bool ids, enum simulcrypt_format format)
{
    folder_add("a.bin", 0, 100, 120);
    rig.config.has_udp = true;
    mux_rig_start();
    config.cycles = 2;
    config.udp_ids = ids;
    config.session.format = format;
    snprintf(config.udp_host, sizeof(config.udp_host), "127.0.0.1");
    config.udp_port = headend_mux_udp_port(rig.mux);
    start_client(headend_mux_port(rig.mux));
    expect_cycles(2, 100, 120);
    cr_assert_eq(mux_rig_counters().udp_messages, counters().messages);
}

Test(client, sections_arrive_over_udp)
{
    send_by_udp(false, SIMULCRYPT_SECTIONS);
}

Test(client, packets_arrive_over_udp_with_ids)
{
    send_by_udp(true, SIMULCRYPT_PACKETS);
}

Test(client, it_keeps_to_what_it_is_allocated)
{
    uint64_t begun, ms;

    folder_add("a.bin", 0, 100, 120);
    rig.config.entries[0].bandwidth = 200;
    start();
    MUX_RIG_UNTIL(counters().bandwidth == 200);
    begun = net_loop_now_ms(rig.loop);
    mux_rig_run(1000);
    ms = net_loop_now_ms(rig.loop) - begun;
    cr_assert_leq(counters().bytes * 8, 200 * (ms + 100) + 8 * 1300);
    cr_assert_geq(counters().bytes * 8, 50 * 1000, "%lu bytes", counters().bytes);
    cr_assert_eq(counters().errors, 0, "%s", emmg_client_last_error(client));
}

Test(client, it_follows_a_later_allocation)
{
    static struct peer other;

    folder_add("a.bin", 0, 100, 120);
    rig.config.bandwidth = 600;
    mux_rig_add(0x0B000002, 5, 0, 0x501);
    mux_rig_start();
    peer_open(&other, 0x0B000002, 5, SIMULCRYPT_SECTIONS);
    peer_say(&other, "v3 stream_BW_request client_id=0b000002 data_channel_id=0001 data_stream_id=0007 "
                     "bandwidth=01f4");
    MUX_RIG_UNTIL(other.size > 0);
    start_client(headend_mux_port(rig.mux));
    MUX_RIG_UNTIL(counters().bandwidth == 100);
    peer_close(&other);
    MUX_RIG_UNTIL(counters().bandwidth == 600);
}

Test(client, it_comes_back_and_goes_on_where_it_was)
{
    const struct mux_rig_air *air = mux_rig_air(0, 0x500);
    uint16_t port;
    uint64_t before;

    folder_add("a.bin", 0, 1000, 120);
    config.bandwidth = 500;
    start();
    MUX_RIG_UNTIL(air->sections > 50);
    port = headend_mux_port(rig.mux);
    headend_mux_destroy(rig.mux);
    before = counters().sections;
    rig.config.listener.port = port;
    mux_rig_start();
    MUX_RIG_UNTIL(counters().connections == 2);
    before = counters().sections;
    mux_rig_air(0, 0x500)->assembler.collecting = false;
    MUX_RIG_UNTIL(counters().sections > before + 20);
    cr_assert_eq(counters().cycles, 0);
    mux_rig_run(300);
    /* it never began anew: numbers only grow */
    for (size_t at = 120; at < air->size; at += 120)
        cr_assert_gt(base_load_u32(air->bytes + at + 3), base_load_u32(air->bytes + at - 117));
    cr_assert_gt(base_load_u32(air->bytes + air->size - 117), before);
}

static bool has_section(const struct mux_rig_air *air, uint32_t number)
{
    for (size_t at = 0; at < air->size; at += 120)
        if (base_load_u32(air->bytes + at + 3) == number)
            return true;
    return false;
}

Test(client, a_change_of_the_folder_is_followed)
{
    const struct mux_rig_air *air = mux_rig_air(0, 0x500);

    folder_add("a.bin", 0, 5, 120);
    start();
    MUX_RIG_UNTIL(air->sections > 20);
    folder_add("b.bin", 77, 1, 120);
    MUX_RIG_UNTIL(counters().refreshed == 1);
    MUX_RIG_UNTIL(has_section(air, 77));
}

Test(client, a_stop_is_orderly)
{
    struct headend_mux_connection_status status;

    folder_add("a.bin", 0, 100, 120);
    start();
    MUX_RIG_UNTIL(counters().sections > 10);
    emmg_client_stop(client);
    MUX_RIG_UNTIL(finished);
    MUX_RIG_UNTIL(headend_mux_connections(rig.mux, &status, 1) == 0);
    cr_assert_eq(mux_rig_counters().errors, 0);
    cr_assert_eq(mux_rig_status(0).datagrams, counters().sections);
}

/* MUXes that misbehave: what a listener says to whoever comes. */

static struct net_listener *listener;
static struct peer *accepted;
static unsigned accepts;

static void on_input(void *context, const uint8_t *bytes, size_t size)
{
    struct peer *peer = context;

    cr_assert_leq(peer->size + size, sizeof(peer->heard));
    memcpy(peer->heard + peer->size, bytes, size);
    peer->size += size;
}

static void on_ended(void *context, int error)
{
    (void)error;
    ((struct peer *)context)->ended = true;
}

static void on_accepted(void *context, struct net_tcp *tcp)
{
    static const struct net_tcp_ops ops = {.input = on_input, .ended = on_ended};
    static struct peer peers[16];

    (void)context;
    accepted = &peers[accepts++ % 16];
    memset(accepted, 0, sizeof(*accepted));
    accepted->tcp = tcp;
    net_tcp_set_ops(tcp, &ops, accepted);
}

static void run(unsigned ms)
{
    uint64_t end = net_loop_now_ms(rig.loop) + ms;

    while (net_loop_now_ms(rig.loop) < end)
        net_loop_run_once(rig.loop, 5);
}

#define UNTIL(condition)                                                                                     \
    do {                                                                                                     \
        uint64_t limit_ = net_loop_now_ms(rig.loop) + 10000;                                                 \
        while (!(condition) && net_loop_now_ms(rig.loop) < limit_)                                           \
            net_loop_run_once(rig.loop, 5);                                                                  \
        cr_assert(condition);                                                                                \
    } while (0)

static void start_foreign(void)
{
    const struct net_listen_config listen = {.host = "127.0.0.1", .accepted = on_accepted};

    folder_add("a.bin", 0, 10, 120);
    cr_assert_eq(net_listen(&listener, rig.loop, &listen), 0);
    start_client(net_listener_port(listener));
    UNTIL(accepts == 1);
}

static size_t message_size(void)
{
    return (size_t)SIMULCRYPT_HEADER_SIZE + base_load_u16(accepted->heard + SIMULCRYPT_LENGTH_OFFSET);
}

/* The next message that came begins like this. */
static void expect(const char *begin)
{
    const char *text;
    size_t size;

    UNTIL(accepted->size >= SIMULCRYPT_HEADER_SIZE && accepted->size >= message_size());
    size = message_size();
    text = script_describe(accepted->heard, size);
    cr_assert_eq(strncmp(text, begin, strlen(begin)), 0, "%s", text);
    memmove(accepted->heard, accepted->heard + size, accepted->size - size);
    accepted->size -= size;
}

#define CHANNEL "client_id=4adc0001 data_channel_id=0001"
#define STREAM  CHANNEL " data_stream_id=0007"

static void bring_up(void)
{
    expect("v3 channel_setup");
    peer_say(accepted, "v3 channel_status " CHANNEL " section_TSpkt_flag=00");
    expect("v3 stream_setup");
    peer_say(accepted, "v3 stream_status " STREAM " data_id=0001 data_type=00");
    expect("v3 stream_BW_request client_id=4ADC0001 data_channel_id=0001 data_stream_id=0007 bandwidth=03E8");
}

Test(client, a_refused_version_is_followed_by_lower_ones)
{
    static const char *const begins[] = {"v5 channel_setup", "v3 channel_setup", "v2 channel_setup",
                                         "v1 channel_setup"};

    config.session.version = 5;
    start_foreign();
    for (unsigned i = 0; i < 4; i++) {
        UNTIL(accepts == i + 1);
        expect(begins[i]);
        peer_say(accepted, "v1 channel_error " CHANNEL " error_status=0002");
    }
    net_listener_close(listener);
}

Test(client, a_mux_that_does_not_negotiate_gets_the_data_all_the_same)
{
    start_foreign();
    bring_up();
    expect("v3 data_provision");
    cr_assert_eq(counters().bandwidth, 1000);
    net_listener_close(listener);
}

Test(client, a_silent_mux_is_left_and_tried_again)
{
    start_foreign();
    UNTIL(accepts == 2);
    cr_assert(strstr(emmg_client_last_error(client), "MUX 127.0.0.1"), "%s", emmg_client_last_error(client));
    net_listener_close(listener);
}

Test(client, one_that_stops_answering_is_noticed_by_its_silence)
{
    config.session.test_period_ms = 200;
    start_foreign();
    bring_up();
    peer_say(accepted, "v3 stream_BW_allocation " STREAM " bandwidth=0001");
    UNTIL(accepts == 2);
    net_listener_close(listener);
}

Test(client, one_that_hangs_up_is_not_pestered)
{
    uint64_t begun = net_loop_now_ms(rig.loop);

    start_foreign();
    while (accepts < 4) {
        if (accepted->tcp) {
            net_tcp_close(accepted->tcp);
            accepted->tcp = NULL;
        }
        run(5);
    }
    cr_assert_geq(net_loop_now_ms(rig.loop) - begun, 250 + 500 + 1000 - 50);
    cr_assert_leq(counters().attempts, 5);
    net_listener_close(listener);
}

Test(client, errors_are_counted_and_not_answered)
{
    start_foreign();
    bring_up();
    peer_say(accepted, "v3 stream_BW_allocation " STREAM " bandwidth=0001");
    expect("v3 data_provision");
    for (unsigned i = 0; i < 100; i++)
        peer_say(accepted, "v3 stream_error " STREAM " error_status=000f; v3 channel_error " CHANNEL
                           " error_status=7000");
    UNTIL(counters().errors == 200);
    for (; accepted->size >= SIMULCRYPT_HEADER_SIZE;)
        expect("v3 data_provision");
    cr_assert_eq(accepts, 1);
    net_listener_close(listener);
}

Test(client, a_stream_that_the_mux_refuses_is_tried_again_later)
{
    start_foreign();
    expect("v3 channel_setup");
    peer_say(accepted, "v3 channel_status " CHANNEL " section_TSpkt_flag=00");
    expect("v3 stream_setup");
    peer_say(accepted, "v3 stream_error " STREAM " error_status=0010");
    UNTIL(accepts == 2);
    cr_assert(strstr(emmg_client_last_error(client), "unknown data_id"), "%s",
              emmg_client_last_error(client));
    net_listener_close(listener);
}
