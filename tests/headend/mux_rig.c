/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mux_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "simulcrypt/emmg_mux_table.h"
#include "tests/simulcrypt/script.h"
#include "ts/order.h"

struct mux_rig rig;
static struct ts_order order;

static void on_cat_changed(void *context, unsigned stream)
{
    (void)context;
    (void)stream;
    rig.cat_changes++;
}

void mux_rig_init(void)
{
    memset(&rig, 0, sizeof(rig));
    base_log_set_level(BASE_LOG_ERROR);
    script_interface = &simulcrypt_emmg_mux;
    headend_mux_config_init(&rig.config);
    rig.config.listener.port = 0;
    rig.config.orders = (struct base_ring *const *)rig.rings;
    rig.config.order_count = MUX_RIG_STREAMS;
    rig.config.cat_changed = on_cat_changed;
    snprintf(rig.config.udp_host, sizeof(rig.config.udp_host), "127.0.0.1");
    mux_rig_add(MUX_RIG_CLIENT, 1, 0, 0x500);
    for (unsigned i = 0; i < MUX_RIG_STREAMS; i++)
        cr_assert_eq(base_ring_create(&rig.rings[i], 1 << 18), 0);
    cr_assert_eq(net_loop_create(&rig.loop), 0);
}

struct headend_mux_entry *mux_rig_add(uint32_t client_id, uint16_t data_id, unsigned stream, uint16_t pid)
{
    struct headend_mux_entry *entry = &rig.config.entries[rig.config.entry_count++];

    *entry =
        (struct headend_mux_entry){.client_id = client_id, .data_id = data_id, .stream = stream, .pid = pid};
    return entry;
}

void mux_rig_start(void)
{
    cr_assert_eq(headend_mux_create(&rig.mux, rig.loop, &rig.config, rig.why), 0, "%s", rig.why);
}

void mux_rig_stop(void)
{
    headend_mux_destroy(rig.mux);
    net_loop_destroy(rig.loop);
    for (unsigned i = 0; i < MUX_RIG_STREAMS; i++)
        base_ring_destroy(rig.rings[i]);
    for (unsigned i = 0; i < rig.air_count; i++)
        free(rig.airs[i].bytes);
    rig.mux = NULL;
}

struct mux_rig_air *mux_rig_air(unsigned stream, uint16_t pid)
{
    struct mux_rig_air *air = rig.airs;

    for (; air < rig.airs + rig.air_count; air++)
        if (air->stream == stream && air->pid == pid)
            return air;
    cr_assert_lt(rig.air_count++, MUX_RIG_AIRS);
    air->stream = stream;
    air->pid = pid;
    air->bytes = malloc(MUX_RIG_AIR_ROOM);
    return air;
}

static void take_section(void *context, const uint8_t *section, size_t size)
{
    struct mux_rig_air *air = context;

    cr_assert_leq(air->size + size, MUX_RIG_AIR_ROOM);
    memcpy(air->bytes + air->size, section, size);
    air->size += size;
    air->sections++;
}

/* As the engine does: PID and continuity counter are its own. */
static void play(unsigned stream)
{
    struct mux_rig_air *air = mux_rig_air(stream, order.pid);

    cr_assert_eq(order.kind, TS_ORDER_PLAY);
    cr_assert_eq(order.form, TS_ORDER_PACKETS);
    cr_assert_eq(order.period, 0);
    cr_assert_gt(order.patience, 0);
    cr_assert_gt(order.start, air->last_start);
    air->last_start = order.start;
    air->orders++;
    for (unsigned at = 0; at < order.size; at += TS_PACKET_SIZE) {
        uint8_t *packet = order.bytes + at;

        ts_set_pid(packet, order.pid);
        ts_set_continuity_counter(packet, air->counter++ & 15);
        ts_section_assembler_feed(&air->assembler, packet, take_section, air);
        air->packets++;
    }
}

void mux_rig_turn(void)
{
    net_loop_run_once(rig.loop, 2);
    headend_mux_tick(rig.mux, net_loop_now_ms(rig.loop) * BASE_TICKS_PER_MS);
    for (unsigned i = 0; !rig.deaf && i < MUX_RIG_STREAMS; i++)
        while (ts_order_pop(rig.rings[i], &order) > 0)
            play(i);
}

void mux_rig_run(unsigned ms)
{
    uint64_t end = net_loop_now_ms(rig.loop) + ms;

    while (net_loop_now_ms(rig.loop) < end)
        mux_rig_turn();
}

struct headend_mux_counters mux_rig_counters(void)
{
    struct headend_mux_counters counters;

    headend_mux_counters(rig.mux, &counters);
    return counters;
}

struct headend_mux_entry_status mux_rig_status(unsigned entry)
{
    struct headend_mux_entry_status status;

    cr_assert_eq(headend_mux_entry_status(rig.mux, entry, &status), 0);
    return status;
}

/* Peers */

static void on_connected(void *context)
{
    ((struct peer *)context)->connected = true;
}

static void on_input(void *context, const uint8_t *bytes, size_t size)
{
    struct peer *peer = context;

    if (peer->deaf)
        return;
    cr_assert_leq(peer->size + size, sizeof(peer->heard));
    memcpy(peer->heard + peer->size, bytes, size);
    peer->size += size;
}

static void on_ended(void *context, int error)
{
    (void)error;
    ((struct peer *)context)->ended = true;
}

static const struct net_tcp_ops peer_ops = {.connected = on_connected, .input = on_input, .ended = on_ended};

void peer_connect(struct peer *peer)
{
    memset(peer, 0, sizeof(*peer));
    cr_assert_eq(
        net_tcp_connect(&peer->tcp, rig.loop, "127.0.0.1", headend_mux_port(rig.mux), NULL, &peer_ops, peer),
        0);
    MUX_RIG_UNTIL(peer->connected || peer->ended);
}

void peer_close(struct peer *peer)
{
    net_tcp_close(peer->tcp);
    peer->tcp = NULL;
}

void peer_send(struct peer *peer, const void *bytes, size_t size)
{
    cr_assert_eq(net_tcp_write(peer->tcp, bytes, size), 0);
}

void peer_say(struct peer *peer, const char *script)
{
    static uint8_t bytes[1 << 16];

    peer_send(peer, bytes, script_encode(script, bytes, sizeof(bytes)));
}

static bool has_whole_messages(const struct peer *peer)
{
    size_t at = 0;

    while (at + SIMULCRYPT_HEADER_SIZE <= peer->size)
        at += SIMULCRYPT_HEADER_SIZE + base_load_u16(peer->heard + at + SIMULCRYPT_LENGTH_OFFSET);
    return at == peer->size;
}

static bool heard(const struct peer *peer, const char *expected)
{
    return has_whole_messages(peer) && !strcmp(script_describe(peer->heard, peer->size), expected);
}

void peer_expect(struct peer *peer, const char *expected)
{
    uint64_t limit = net_loop_now_ms(rig.loop) + 10000;

    while (!heard(peer, expected) && net_loop_now_ms(rig.loop) < limit)
        mux_rig_turn();
    cr_assert(heard(peer, expected), "heard: %s\nexpected: %s", script_describe(peer->heard, peer->size),
              expected);
    peer->size = 0;
}

void peer_expect_end(struct peer *peer)
{
    MUX_RIG_UNTIL(peer->ended);
    peer_close(peer);
}

void peer_open(struct peer *peer, uint32_t client_id, uint16_t data_id, enum simulcrypt_format format)
{
    char text[512], status[512];

    peer_connect(peer);
    snprintf(text, sizeof(text),
             "v3 channel_setup client_id=%08x data_channel_id=0001 section_TSpkt_flag=%02x; "
             "v3 stream_setup client_id=%08x data_channel_id=0001 data_stream_id=0007 data_id=%04x "
             "data_type=00",
             client_id, format, client_id, data_id);
    peer_say(peer, text);
    snprintf(status, sizeof(status),
             "v3 channel_status client_id=%08X data_channel_id=0001 section_TSpkt_flag=%02X; "
             "v3 stream_status client_id=%08X data_channel_id=0001 data_stream_id=0007 data_id=%04X "
             "data_type=00",
             client_id, format, client_id, data_id);
    peer_expect(peer, status);
}

size_t section_make(unsigned number, size_t size, uint8_t *section)
{
    memset(section, (int)(number * 7), size);
    section[0] = 0x82;
    base_store_u16(section + 1, (uint16_t)(0x7000 | (size - 3)));
    base_store_u32(section + 3, number);
    return size;
}

size_t provision_make(uint32_t client_id, uint16_t data_id, bool has_ids, unsigned first, unsigned count,
                      size_t section_size, uint8_t *bytes, size_t room)
{
    static uint8_t sections[1 << 16];
    struct simulcrypt_datagram datagrams[1000];
    struct simulcrypt_data_provision provision = {
        .client_id = client_id, .data_id = data_id, .has_ids = has_ids, .channel_id = 1, .stream_id = 7};
    ptrdiff_t size;

    for (unsigned i = 0; i < count; i++) {
        datagrams[i].bytes = sections + i * section_size;
        datagrams[i].size = section_make(first + i, section_size, sections + i * section_size);
    }
    size = simulcrypt_data_provision_write(3, &provision, datagrams, count, bytes, room);
    cr_assert_gt(size, 0);
    return (size_t)size;
}

void peer_provide(struct peer *peer, uint32_t client_id, uint16_t data_id, unsigned first, unsigned count,
                  size_t section_size)
{
    static uint8_t bytes[1 << 16];

    peer_send(peer, bytes,
              provision_make(client_id, data_id, true, first, count, section_size, bytes, sizeof(bytes)));
}

void air_expect(const struct mux_rig_air *air, unsigned first, unsigned count, size_t size)
{
    uint8_t section[TS_SECTION_MAX];

    cr_assert_eq(air->assembler.lost, 0);
    cr_assert_eq(air->sections, count, "%u sections", air->sections);
    cr_assert_eq(air->size, count * size);
    for (unsigned i = 0; i < count; i++) {
        section_make(first + i, size, section);
        cr_assert_arr_eq(air->bytes + i * size, section, size, "section %u", i);
    }
}
