/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pair.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

struct pair pair;

static void ecmg_close(void *context, const char *why)
{
    (void)context;
    wire_note("close(%s) ", why);
}

static uint16_t ecmg_channel_setup(void *context, uint16_t channel_id, uint32_t super_cas_id,
                                   struct simulcrypt_channel_status *status)
{
    (void)context;
    wire_note("channel %u of %08X ", channel_id, super_cas_id);
    *status = pair.status;
    return pair.channel_error;
}

static void ecmg_channel_closed(void *context, uint16_t channel_id)
{
    (void)context;
    wire_note("channel_closed %u ", channel_id);
}

static uint16_t ecmg_stream_setup(void *context, uint16_t channel_id, uint16_t stream_id, uint16_t ecm_id,
                                  uint16_t nominal_cp_duration, bool *transfer_mode)
{
    (void)context;
    wire_note("stream %u/%u ecm_id %u nominal %u ", channel_id, stream_id, ecm_id, nominal_cp_duration);
    *transfer_mode = pair.transfer_mode;
    return pair.stream_error;
}

static void ecmg_stream_closed(void *context, uint16_t stream_id)
{
    (void)context;
    wire_note("stream_closed %u ", stream_id);
}

static uint16_t ecmg_cw_provision(void *context, uint16_t stream_id,
                                  const struct simulcrypt_cw_provision *provision)
{
    (void)context;
    uint8_t ecm[5] = {0x80, 0x70, 0x02, (uint8_t)(provision->cp_number >> 8), (uint8_t)provision->cp_number};
    wire_note("provision %u/%u%s ", stream_id, provision->cp_number,
              provision->has_access_criteria ? "+ac" : "");
    pair.last_provision = *provision;
    for (unsigned i = 0; i < provision->cw_count; i++)
        memcpy(pair.last_cws[i], provision->cws[i].cw, provision->cws[i].cw_size);
    if (provision->has_access_criteria)
        memcpy(pair.last_criteria, provision->access_criteria, provision->access_criteria_size);
    if (!pair.provision_error && !pair.silent)
        cr_assert_eq(simulcrypt_ecmg_session_ecm_response(pair.ecmg, stream_id, provision->cp_number, ecm, 5),
                     0);
    return pair.provision_error;
}

static void scs_fail(void *context, const char *why)
{
    (void)context;
    wire_note("fail ");
    snprintf(pair.why, sizeof(pair.why), "%s", why);
}

static void scs_channel_up(void *context, const struct simulcrypt_channel_status *status)
{
    (void)context;
    wire_note("channel_up ");
    pair.seen_status = *status;
    if (pair.on_channel_up)
        pair.on_channel_up();
}

static void scs_stream_up(void *context, uint16_t stream_id)
{
    (void)context;
    wire_note("stream_up %u ", stream_id);
    if (pair.on_stream_up)
        pair.on_stream_up(stream_id);
}

static void scs_ecm(void *context, uint16_t stream_id, uint16_t cp_number, const uint8_t *datagram,
                    size_t size)
{
    (void)context;
    wire_note("ecm %u/%u ", stream_id, cp_number);
    memcpy(pair.ecm, datagram, size);
    pair.ecm_size = size;
    if (pair.on_ecm)
        pair.on_ecm(stream_id, cp_number);
}

static void scs_provision_failed(void *context, uint16_t stream_id, uint16_t cp_number, const char *why)
{
    (void)context;
    wire_note("provision_failed %u/%u ", stream_id, cp_number);
    snprintf(pair.why, sizeof(pair.why), "%s", why);
    if (pair.on_provision_failed)
        pair.on_provision_failed(stream_id, cp_number);
}

static void scs_provision_late(void *context, uint16_t stream_id, uint16_t cp_number)
{
    (void)context;
    wire_note("provision_late %u/%u ", stream_id, cp_number);
}

static void scs_stream_down(void *context, uint16_t stream_id, uint16_t error, const char *why)
{
    (void)context;
    wire_note("stream_down %u 0x%04X ", stream_id, error);
    snprintf(pair.why, sizeof(pair.why), "%s", why);
    if (pair.on_stream_down)
        pair.on_stream_down(stream_id);
}

static const struct simulcrypt_ecmg_ops ecmg_ops = {
    wire_send_to_client, ecmg_close,         ecmg_channel_setup, ecmg_channel_closed,
    ecmg_stream_setup,   ecmg_stream_closed, ecmg_cw_provision};

static void ecmg_input(const uint8_t *bytes, size_t size)
{
    simulcrypt_ecmg_session_input(pair.ecmg, bytes, size, wire.now_ms);
}

static void scs_input(const uint8_t *bytes, size_t size)
{
    simulcrypt_scs_session_input(pair.scs, bytes, size, wire.now_ms);
}

void pair_ecmg_restart(void)
{
    simulcrypt_ecmg_session_destroy(pair.ecmg);
    wire_lose();
    cr_assert_eq(simulcrypt_ecmg_session_create(&pair.ecmg, &ecmg_ops, NULL), 0);
}

static const struct simulcrypt_scs_ops scs_ops = {.send = wire_send_to_server,
                                                  .fail = scs_fail,
                                                  .channel_up = scs_channel_up,
                                                  .stream_up = scs_stream_up,
                                                  .ecm = scs_ecm,
                                                  .provision_failed = scs_provision_failed};

void pair_start(const struct simulcrypt_scs_config *config)
{
    static const struct simulcrypt_scs_config usual = {
        .version = 2, .channel_id = 1, .super_cas_id = 0x12345678, .reply_timeout_ms = 1000};
    memset(&pair, 0, sizeof(pair));
    wire_start(&simulcrypt_ecmg_scs, ecmg_input, scs_input);
    pair.status = (struct simulcrypt_channel_status){
        .delay_start = -200,
        .delay_stop = 200,
        .has_transition_delay_start = true,
        .transition_delay_start = -500,
        .ecm_rep_period = 100,
        .min_cp_duration = 10,
        .lead_cw = 1,
        .cw_per_msg = 2,
        .max_comp_time = 100,
    };
    cr_assert_eq(simulcrypt_ecmg_session_create(&pair.ecmg, &ecmg_ops, NULL), 0);
    cr_assert_eq(simulcrypt_scs_session_create(&pair.scs, config ? config : &usual, &scs_ops, NULL), 0);
}

void pair_tell_all(void)
{
    static const struct simulcrypt_scs_config config = {
        .version = 2, .channel_id = 1, .reply_timeout_ms = 1000};
    struct simulcrypt_scs_ops ops = scs_ops;
    ops.provision_late = scs_provision_late;
    ops.stream_down = scs_stream_down;
    simulcrypt_scs_session_destroy(pair.scs);
    cr_assert_eq(simulcrypt_scs_session_create(&pair.scs, &config, &ops, NULL), 0);
}

void pair_add_stream(uint16_t stream_id)
{
    static const uint8_t criteria[3] = {1, 2, 3};
    struct simulcrypt_scs_stream_config config = {.stream_id = stream_id,
                                                  .ecm_id = (uint16_t)(100 + stream_id),
                                                  .nominal_cp_duration = 100,
                                                  .access_criteria = criteria,
                                                  .access_criteria_size = sizeof(criteria)};
    cr_assert_eq(simulcrypt_scs_session_add_stream(pair.scs, &config), 0);
}

void pair_connect(void)
{
    simulcrypt_scs_session_connected(pair.scs, wire.now_ms);
}

void pair_bring_up(void)
{
    pair_start(NULL);
    pair_add_stream(7);
    pair_connect();
    wire_pump();
    wire_expect("channel 1 of 12345678 channel_up stream 1/7 ecm_id 107 nominal 100 stream_up 7 ");
}

uint64_t pair_tick(uint64_t later_ms)
{
    wire.now_ms += later_ms;
    return simulcrypt_scs_session_tick(pair.scs, wire.now_ms);
}

void pair_stop(void)
{
    simulcrypt_scs_session_destroy(pair.scs);
    simulcrypt_ecmg_session_destroy(pair.ecmg);
}

int pair_provision(uint16_t stream_id, uint16_t cp_number)
{
    uint8_t cws[SIMULCRYPT_CWS_MAX][8];
    struct simulcrypt_cw_provision provision = {.cp_number = cp_number, .cw_count = pair.status.cw_per_msg};
    for (unsigned i = 0; i < provision.cw_count; i++) {
        uint16_t cp = (uint16_t)(cp_number + 1 + pair.status.lead_cw - pair.status.cw_per_msg + i);
        memset(cws[i], (uint8_t)cp, 8);
        provision.cws[i] = (struct simulcrypt_cp_cw){.cp_number = cp, .cw_size = 8, .cw = cws[i]};
    }
    return simulcrypt_scs_session_provision(pair.scs, stream_id, &provision, wire.now_ms);
}
