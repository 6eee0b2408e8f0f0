/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "emmg_pair.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "simulcrypt/emmg_mux_table.h"

struct emmg_pair emmg_pair;

static void mux_close(void *context, const char *why)
{
    (void)context;
    wire_note("close(%s) ", why);
}

static uint16_t mux_channel_setup(void *context, uint32_t client_id, uint16_t channel_id,
                                  enum simulcrypt_format format)
{
    (void)context;
    wire_note("channel %u of %08X format %d ", channel_id, client_id, (int)format);
    return emmg_pair.channel_error;
}

static void mux_channel_closed(void *context, uint16_t channel_id)
{
    (void)context;
    wire_note("channel_closed %u ", channel_id);
}

static uint16_t mux_stream_setup(void *context, const struct simulcrypt_data_stream *stream,
                                 uint16_t *bandwidth)
{
    (void)context;
    wire_note("stream %u data_id %u type %u ", stream->stream_id, stream->data_id, stream->data_type);
    cr_assert_eq(*bandwidth, 0);
    *bandwidth = emmg_pair.bandwidth;
    return emmg_pair.stream_error;
}

static void mux_stream_closed(void *context, uint16_t stream_id)
{
    (void)context;
    wire_note("stream_closed %u ", stream_id);
}

static uint16_t mux_bandwidth(void *context, uint16_t stream_id, const uint16_t *asked, uint16_t *bandwidth)
{
    (void)context;
    if (asked)
        wire_note("asked %u: %u of %u ", stream_id, *asked, *bandwidth);
    else
        wire_note("asked %u of %u ", stream_id, *bandwidth);
    if (asked)
        *bandwidth = emmg_pair.bandwidth && *asked > emmg_pair.bandwidth ? emmg_pair.bandwidth : *asked;
    return emmg_pair.bandwidth_error;
}

static void mux_data(void *context, uint16_t stream_id, const uint8_t *datagram, size_t size)
{
    (void)context;
    wire_note("data %u:%zu ", stream_id, size);
    memcpy(emmg_pair.data, datagram, size);
    emmg_pair.data_size = size;
}

static void emmg_fail(void *context, const char *why)
{
    (void)context;
    wire_note("fail ");
    snprintf(emmg_pair.why, sizeof(emmg_pair.why), "%s", why);
}

static void emmg_channel_up(void *context)
{
    (void)context;
    wire_note("channel_up ");
}

static void emmg_stream_up(void *context, uint16_t stream_id)
{
    (void)context;
    wire_note("stream_up %u ", stream_id);
    if (emmg_pair.on_stream_up)
        emmg_pair.on_stream_up(stream_id);
}

static void emmg_bandwidth(void *context, uint16_t stream_id, uint16_t bandwidth)
{
    (void)context;
    wire_note("bandwidth %u: %u ", stream_id, bandwidth);
}

static void emmg_stream_error(void *context, uint16_t stream_id, uint16_t error, const char *text)
{
    (void)context;
    wire_note("stream_error %u: %04X ", stream_id, error);
    snprintf(emmg_pair.why, sizeof(emmg_pair.why), "%s", text);
}

static void emmg_channel_error(void *context, uint16_t error, const char *text)
{
    (void)context;
    wire_note("channel_error %04X ", error);
    snprintf(emmg_pair.why, sizeof(emmg_pair.why), "%s", text);
}

static const struct simulcrypt_mux_ops mux_ops = {wire_send_to_client, mux_close,        mux_channel_setup,
                                                  mux_channel_closed,  mux_stream_setup, mux_stream_closed,
                                                  mux_bandwidth,       mux_data};

static void mux_input(const uint8_t *bytes, size_t size)
{
    simulcrypt_mux_session_input(emmg_pair.mux, bytes, size, wire.now_ms);
}

static void emmg_input(const uint8_t *bytes, size_t size)
{
    simulcrypt_emmg_session_input(emmg_pair.emmg, bytes, size, wire.now_ms);
}

void emmg_pair_mux_restart(void)
{
    simulcrypt_mux_session_destroy(emmg_pair.mux);
    wire_lose();
    cr_assert_eq(simulcrypt_mux_session_create(&emmg_pair.mux, emmg_pair.max_streams, &mux_ops, NULL), 0);
}

void emmg_pair_start(const struct simulcrypt_emmg_config *config)
{
    static const struct simulcrypt_emmg_config usual = {
        .version = 3, .client_id = 0x12340001, .channel_id = 1, .reply_timeout_ms = 1000};
    static const struct simulcrypt_emmg_ops ops = {wire_send_to_server, emmg_fail,      emmg_channel_up,
                                                   emmg_stream_up,      emmg_bandwidth, emmg_stream_error,
                                                   emmg_channel_error};
    memset(&emmg_pair, 0, sizeof(emmg_pair));
    wire_start(&simulcrypt_emmg_mux, mux_input, emmg_input);
    cr_assert_eq(simulcrypt_mux_session_create(&emmg_pair.mux, 0, &mux_ops, NULL), 0);
    cr_assert_eq(simulcrypt_emmg_session_create(&emmg_pair.emmg, config ? config : &usual, &ops, NULL), 0);
}

void emmg_pair_add_stream(uint16_t stream_id)
{
    struct simulcrypt_data_stream stream = {.stream_id = stream_id, .data_id = (uint16_t)(100 + stream_id)};
    cr_assert_eq(simulcrypt_emmg_session_add_stream(emmg_pair.emmg, &stream), 0);
}

void emmg_pair_connect(void)
{
    simulcrypt_emmg_session_connected(emmg_pair.emmg, wire.now_ms);
}

void emmg_pair_bring_up(void)
{
    emmg_pair_start(NULL);
    emmg_pair_add_stream(7);
    emmg_pair_connect();
    wire_pump();
    wire_expect("channel 1 of 12340001 format 0 channel_up stream 7 data_id 107 type 0 stream_up 7 ");
}

uint64_t emmg_pair_tick(uint64_t later_ms)
{
    wire.now_ms += later_ms;
    return simulcrypt_emmg_session_tick(emmg_pair.emmg, wire.now_ms);
}

void emmg_pair_stop(void)
{
    simulcrypt_emmg_session_destroy(emmg_pair.emmg);
    simulcrypt_mux_session_destroy(emmg_pair.mux);
}

static uint8_t filled[1 << 16];

struct simulcrypt_datagram emmg_pair_section(size_t size, uint8_t fill)
{
    memset(filled, fill, size);
    filled[0] = 0x82;
    filled[1] = (uint8_t)(0x70 | (size - 3) >> 8);
    filled[2] = (uint8_t)(size - 3);
    return (struct simulcrypt_datagram){filled, size};
}

struct simulcrypt_datagram emmg_pair_packets(size_t count, uint8_t fill)
{
    memset(filled, fill, count * 188);
    for (size_t i = 0; i < count; i++)
        filled[i * 188] = 0x47;
    return (struct simulcrypt_datagram){filled, count * 188};
}
