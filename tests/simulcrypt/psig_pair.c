/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "psig_pair.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

struct psig_pair psig_pair;

static void cpsig_close(void *context, const char *why)
{
    (void)context;
    wire_note("close(%s) ", why);
}

static uint16_t cpsig_channel_setup(void *context, const struct simulcrypt_message *setup)
{
    (void)context;
    wire_note("channel of %08X ", simulcrypt_message_number(setup, SIMULCRYPT_CPSIG_P_CUSTOM_CAS_ID));
    return psig_pair.channel_error;
}

static void cpsig_describe_channel(void *context, struct simulcrypt_encoder *encoder)
{
    (void)context;
    simulcrypt_encode_number(encoder, SIMULCRYPT_CPSIG_P_MAX_STREAMS, 9);
}

static void cpsig_channel_closed(void *context)
{
    (void)context;
    wire_note("channel_closed ");
}

static uint16_t cpsig_stream_setup(void *context, uint16_t stream_id, const struct simulcrypt_message *setup)
{
    (void)context;
    wire_note("stream %u of service %u ", stream_id,
              simulcrypt_message_u16(setup, SIMULCRYPT_CPSIG_P_SERVICE_ID));
    return psig_pair.stream_error;
}

static void cpsig_describe_stream(void *context, uint16_t stream_id, struct simulcrypt_encoder *encoder)
{
    (void)context;
    (void)stream_id;
    simulcrypt_encode_number(encoder, SIMULCRYPT_CPSIG_P_TRIGGER_LIST, 0x80000001);
}

static void cpsig_stream_closed(void *context, uint16_t stream_id)
{
    (void)context;
    wire_note("stream_closed %u ", stream_id);
}

static void cpsig_message(void *context, uint16_t stream_id, const struct simulcrypt_message *message)
{
    (void)context;
    wire_note("%s %u ", message->definition->name, stream_id);
}

static void psig_fail(void *context, const char *why)
{
    (void)context;
    wire_note("fail ");
    snprintf(psig_pair.why, sizeof(psig_pair.why), "%s", why);
}

static void psig_channel_up(void *context, const struct simulcrypt_message *status)
{
    (void)context;
    wire_note("channel_up %u ", simulcrypt_message_u16(status, SIMULCRYPT_CPSIG_P_MAX_STREAMS));
}

static void psig_describe_stream(void *context, uint16_t stream_id, struct simulcrypt_encoder *encoder)
{
    (void)context;
    simulcrypt_encode_number(encoder, SIMULCRYPT_CPSIG_P_SERVICE_ID, 10u * stream_id);
}

static void psig_stream_up(void *context, uint16_t stream_id, const struct simulcrypt_message *status)
{
    (void)context;
    wire_note("stream_up %u %08X ", stream_id,
              simulcrypt_message_number(status, SIMULCRYPT_CPSIG_P_TRIGGER_LIST));
}

static void psig_stream_closed(void *context, uint16_t stream_id)
{
    (void)context;
    wire_note("asked to close %u ", stream_id);
}

static void psig_request(void *context, uint16_t stream_id, const struct simulcrypt_message *request)
{
    (void)context;
    wire_note("%s %u/%u ", request->definition->name, stream_id,
              simulcrypt_message_u16(request, SIMULCRYPT_CPSIG_P_TRANSACTION_ID));
}

static void psig_error(void *context, const uint16_t *stream_id, uint16_t error, const char *text)
{
    (void)context;
    if (stream_id)
        wire_note("stream_error %u: %04X ", *stream_id, error);
    else
        wire_note("channel_error %04X ", error);
    snprintf(psig_pair.why, sizeof(psig_pair.why), "%s", text);
}

static const struct simulcrypt_cpsig_ops cpsig_ops = {
    wire_send_to_client,    cpsig_close,          cpsig_channel_setup,
    cpsig_describe_channel, cpsig_channel_closed, cpsig_stream_setup,
    cpsig_describe_stream,  cpsig_stream_closed,  cpsig_message};

static void cpsig_input(const uint8_t *bytes, size_t size)
{
    simulcrypt_cpsig_session_input(psig_pair.cpsig, bytes, size);
}

static void psig_input(const uint8_t *bytes, size_t size)
{
    simulcrypt_psig_session_input(psig_pair.psig, bytes, size, wire.now_ms);
}

void psig_pair_cpsig_restart(void)
{
    simulcrypt_cpsig_session_destroy(psig_pair.cpsig);
    wire_lose();
    cr_assert_eq(simulcrypt_cpsig_session_create(&psig_pair.cpsig, &cpsig_ops, NULL), 0);
}

void psig_pair_start(const struct simulcrypt_psig_config *config)
{
    static const struct simulcrypt_psig_config usual = {
        .version = 3, .channel_id = 1, .custom_cas_id = 0x4ADC0001, .reply_timeout_ms = 1000};
    static const struct simulcrypt_psig_ops ops = {wire_send_to_server,  psig_fail,      psig_channel_up,
                                                   psig_describe_stream, psig_stream_up, psig_stream_closed,
                                                   psig_request,         psig_error};
    memset(&psig_pair, 0, sizeof(psig_pair));
    wire_start(&simulcrypt_cpsig_psig, cpsig_input, psig_input);
    cr_assert_eq(simulcrypt_cpsig_session_create(&psig_pair.cpsig, &cpsig_ops, NULL), 0);
    cr_assert_eq(simulcrypt_psig_session_create(&psig_pair.psig, config ? config : &usual, &ops, NULL), 0);
}

void psig_pair_bring_up(void)
{
    psig_pair_start(NULL);
    cr_assert_eq(simulcrypt_psig_session_add_stream(psig_pair.psig, 7), 0);
    simulcrypt_psig_session_connected(psig_pair.psig, wire.now_ms);
    wire_pump();
    wire_expect("channel of 4ADC0001 channel_up 9 stream 7 of service 70 stream_up 7 80000001 ");
}

uint64_t psig_pair_tick(uint64_t later_ms)
{
    wire.now_ms += later_ms;
    return simulcrypt_psig_session_tick(psig_pair.psig, wire.now_ms);
}

void psig_pair_stop(void)
{
    simulcrypt_psig_session_destroy(psig_pair.psig);
    simulcrypt_cpsig_session_destroy(psig_pair.cpsig);
}
