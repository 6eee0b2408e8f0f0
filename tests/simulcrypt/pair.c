/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pair.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "script.h"

struct pair pair;

__attribute__((format(printf, 1, 2))) static void note(const char *format, ...)
{
    size_t used = strlen(pair.diary);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(pair.diary + used, sizeof(pair.diary) - used, format, arguments);
    va_end(arguments);
}

void pair_expect(const char *expected)
{
    cr_assert_str_eq(pair.diary, expected);
    pair.diary[0] = 0;
}

static void enqueue(struct pair_queue *queue, const uint8_t *bytes, size_t size)
{
    cr_assert_leq(queue->size + size, PAIR_QUEUE);
    memcpy(queue->bytes + queue->size, bytes, size);
    queue->size += size;
}

static void send_to_scs(void *context, const uint8_t *bytes, size_t size)
{
    (void)context;
    enqueue(&pair.to_scs, bytes, size);
    if (pair.on_send)
        pair.on_send(false, bytes, size);
}

static void send_to_ecmg(void *context, const uint8_t *bytes, size_t size)
{
    (void)context;
    enqueue(&pair.to_ecmg, bytes, size);
    if (pair.on_send)
        pair.on_send(true, bytes, size);
}

static void ecmg_close(void *context, const char *why)
{
    (void)context;
    note("close(%s) ", why);
}

static uint16_t ecmg_channel_setup(void *context, uint16_t channel_id, uint32_t super_cas_id,
                                   struct simulcrypt_channel_status *status)
{
    (void)context;
    note("channel %u of %08X ", channel_id, super_cas_id);
    *status = pair.status;
    return pair.channel_error;
}

static void ecmg_channel_closed(void *context, uint16_t channel_id)
{
    (void)context;
    note("channel_closed %u ", channel_id);
}

static uint16_t ecmg_stream_setup(void *context, uint16_t channel_id, uint16_t stream_id, uint16_t ecm_id,
                                  uint16_t nominal_cp_duration, bool *transfer_mode)
{
    (void)context;
    note("stream %u/%u ecm_id %u nominal %u ", channel_id, stream_id, ecm_id, nominal_cp_duration);
    *transfer_mode = pair.transfer_mode;
    return pair.stream_error;
}

static void ecmg_stream_closed(void *context, uint16_t stream_id)
{
    (void)context;
    note("stream_closed %u ", stream_id);
}

static uint16_t ecmg_cw_provision(void *context, uint16_t stream_id,
                                  const struct simulcrypt_cw_provision *provision)
{
    (void)context;
    uint8_t ecm[5] = {0x80, 0x70, 0x02, (uint8_t)(provision->cp_number >> 8), (uint8_t)provision->cp_number};
    note("provision %u/%u%s ", stream_id, provision->cp_number, provision->has_access_criteria ? "+ac" : "");
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
    note("fail ");
    snprintf(pair.why, sizeof(pair.why), "%s", why);
}

static void scs_channel_up(void *context, const struct simulcrypt_channel_status *status)
{
    (void)context;
    note("channel_up ");
    pair.seen_status = *status;
}

static void scs_stream_up(void *context, uint16_t stream_id)
{
    (void)context;
    note("stream_up %u ", stream_id);
    if (pair.on_stream_up)
        pair.on_stream_up(stream_id);
}

static void scs_ecm(void *context, uint16_t stream_id, uint16_t cp_number, const uint8_t *datagram,
                    size_t size)
{
    (void)context;
    note("ecm %u/%u ", stream_id, cp_number);
    memcpy(pair.ecm, datagram, size);
    pair.ecm_size = size;
    if (pair.on_ecm)
        pair.on_ecm(stream_id, cp_number);
}

static void scs_provision_failed(void *context, uint16_t stream_id, uint16_t cp_number, const char *why)
{
    (void)context;
    note("provision_failed %u/%u ", stream_id, cp_number);
    snprintf(pair.why, sizeof(pair.why), "%s", why);
    if (pair.on_provision_failed)
        pair.on_provision_failed(stream_id, cp_number);
}

static const struct simulcrypt_ecmg_ops ecmg_ops = {
    send_to_scs,       ecmg_close,         ecmg_channel_setup, ecmg_channel_closed,
    ecmg_stream_setup, ecmg_stream_closed, ecmg_cw_provision};

void pair_ecmg_restart(void)
{
    simulcrypt_ecmg_session_destroy(pair.ecmg);
    pair.to_ecmg.size = pair.to_scs.size = 0;
    cr_assert_eq(simulcrypt_ecmg_session_create(&pair.ecmg, &ecmg_ops, NULL), 0);
}

void pair_start(const struct simulcrypt_scs_config *config)
{
    static const struct simulcrypt_scs_config usual = {
        .version = 2, .channel_id = 1, .super_cas_id = 0x12345678, .reply_timeout_ms = 1000};
    static const struct simulcrypt_scs_ops scs_ops = {send_to_ecmg,  scs_fail, scs_channel_up,
                                                      scs_stream_up, scs_ecm,  scs_provision_failed};
    memset(&pair, 0, sizeof(pair));
    pair.now_ms = 1000;
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
    simulcrypt_scs_session_connected(pair.scs, pair.now_ms);
}

static size_t deliver(struct pair_queue *queue, uint8_t *bytes)
{
    size_t size = queue->size - queue->taken;
    if (pair.cut && size > pair.cut)
        size = pair.cut;
    memcpy(bytes, queue->bytes + queue->taken, size);
    for (size_t i = 0; pair.damage && i < size; i++)
        if ((unsigned)rand() % pair.damage == 0)
            bytes[i] = (uint8_t)rand();
    queue->taken += size;
    if (queue->taken == queue->size)
        queue->taken = queue->size = 0;
    return size;
}

void pair_pump(void)
{
    static uint8_t bytes[PAIR_QUEUE];
    size_t size = 1;
    size_t other = 1;
    for (unsigned rounds = 0; size || other; rounds++) {
        cr_assert_lt(rounds, 100000);
        size = deliver(&pair.to_ecmg, bytes);
        if (size)
            simulcrypt_ecmg_session_input(pair.ecmg, bytes, size, pair.now_ms);
        other = deliver(&pair.to_scs, bytes);
        if (other)
            simulcrypt_scs_session_input(pair.scs, bytes, other, pair.now_ms);
    }
}

void pair_bring_up(void)
{
    pair_start(NULL);
    pair_add_stream(7);
    pair_connect();
    pair_pump();
    pair_expect("channel 1 of 12345678 channel_up stream 1/7 ecm_id 107 nominal 100 stream_up 7 ");
}

uint64_t pair_tick(uint64_t later_ms)
{
    pair.now_ms += later_ms;
    return simulcrypt_scs_session_tick(pair.scs, pair.now_ms);
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
    return simulcrypt_scs_session_provision(pair.scs, stream_id, &provision, pair.now_ms);
}

static size_t encode(const char *script, uint8_t **bytes)
{
    static uint8_t room[PAIR_QUEUE];
    *bytes = room;
    return script_encode(script, room, sizeof(room));
}

void pair_ecmg_hears(const char *script)
{
    uint8_t *bytes;
    size_t size = encode(script, &bytes);
    simulcrypt_ecmg_session_input(pair.ecmg, bytes, size, pair.now_ms);
}

void pair_scs_hears(const char *script)
{
    uint8_t *bytes;
    size_t size = encode(script, &bytes);
    simulcrypt_scs_session_input(pair.scs, bytes, size, pair.now_ms);
}

static void expect_said(struct pair_queue *queue, const char *expected)
{
    cr_assert_str_eq(script_describe(queue->bytes, queue->size), expected);
    queue->size = 0;
}

void pair_ecmg_said(const char *expected)
{
    expect_said(&pair.to_scs, expected);
}

void pair_scs_said(const char *expected)
{
    expect_said(&pair.to_ecmg, expected);
}
