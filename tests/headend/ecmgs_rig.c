/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tests/headend/ecmgs_rig.h: the CAS and the owners of its streams. */
#include "ecmgs_rig.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/cursor.h"

struct rig rig;

static int channel_take(void *context, uint16_t *channel_id)
{
    static uint16_t last;

    (void)context;
    if (rig.channels == rig.channels_max)
        return -ENOSPC;
    rig.channels++;
    if (rig.channels > rig.channels_most)
        rig.channels_most = rig.channels;
    last = (uint16_t)(last % 60000 + 1);
    *channel_id = last;
    return 0;
}

static void channel_give(void *context, uint16_t channel_id)
{
    (void)context;
    cr_assert_geq(channel_id, 1);
    rig.channels--;
}

static void changed(void *context)
{
    (void)context;
    rig.changes++;
}

static bool up(void *context, const struct simulcrypt_channel_status *status, const char **why)
{
    struct rig_stream *stream = context;

    stream->status = *status;
    if (stream->unusable) {
        *why = stream->unusable;
        return false;
    }
    cr_assert_eq(stream->ups, stream->downs);
    stream->ups++;
    if (stream->keep_asking)
        cr_assert_eq(rig_ask((unsigned)(stream - rig.stream), stream->last_cp), 0);
    return true;
}

static void down(void *context, const char *why)
{
    struct rig_stream *stream = context;

    stream->downs++;
    cr_assert_eq(stream->ups, stream->downs);
    cr_assert_eq(rig_ask((unsigned)(stream - rig.stream), 0), -ENOTCONN);
    snprintf(stream->why, sizeof(stream->why), "%s", why);
}

static void ecm(void *context, uint16_t cp_number, const uint8_t *datagram, size_t size)
{
    struct rig_stream *stream = context;

    cr_assert_eq(size, 6);
    cr_assert_eq(base_load_u16(datagram + 3), cp_number);
    stream->ecms++;
    stream->last_cp = cp_number;
    if (stream->keep_asking)
        cr_assert_eq(rig_ask((unsigned)(stream - rig.stream), (uint16_t)(cp_number + 1)), 0);
}

static void provision_failed(void *context, uint16_t cp_number, const char *why)
{
    struct rig_stream *stream = context;

    (void)cp_number;
    stream->failures++;
    snprintf(stream->why, sizeof(stream->why), "%s", why);
}

int rig_ask(unsigned stream, uint16_t cp_number)
{
    static const uint8_t cw[8] = {1, 2, 3, 6};
    struct simulcrypt_cw_provision provision = {
        .cp_number = cp_number,
        .cw_count = 2,
        .cws = {{cp_number, 8, cw}, {(uint16_t)(cp_number + 1), 8, cw}}};

    return headend_ecm_stream_provision(rig.stream[stream].stream, &provision);
}

void rig_begin(void)
{
    memset(&rig, 0, sizeof(rig));
    rig.channels_max = 1000;
    cr_assert_eq(net_loop_create(&rig.loop), 0);
    for (unsigned i = 0; i < RIG_ECMGS; i++) {
        rig.ecmg[i].status = (struct simulcrypt_channel_status){.delay_start = -100,
                                                                .ecm_rep_period = 100,
                                                                .min_cp_duration = 10,
                                                                .lead_cw = 1,
                                                                .cw_per_msg = 2,
                                                                .max_comp_time = 100};
        rig_revive(i);
        snprintf(rig.addresses[i].host, sizeof(rig.addresses[i].host), "127.0.0.1");
        rig.addresses[i].port = rig.ecmg[i].port;
    }
    rig.config = (struct headend_ecmgs_config){.name = "cas",
                                               .super_cas_id = 0x4A800001,
                                               .version = 3,
                                               .count = 2,
                                               .ecmgs = rig.addresses,
                                               .failback_ms = HEADEND_NO_FAILBACK,
                                               .channel_take = channel_take,
                                               .channel_give = channel_give,
                                               .changed = changed};
}

void rig_end(void)
{
    headend_ecmgs_destroy(rig.ecmgs);
    cr_assert_eq(rig.channels, 0, "every ECM_channel_id is given back");
    for (unsigned i = 0; i < RIG_ECMGS; i++)
        rig_kill(i);
    net_loop_destroy(rig.loop);
}

void rig_create(void)
{
    cr_assert_eq(headend_ecmgs_create(&rig.ecmgs, rig.loop, &rig.config), 0);
}

void rig_add_streams(unsigned count)
{
    static const struct headend_ecm_stream_ops ops = {up, down, ecm, provision_failed};

    for (unsigned i = 0; i < count; i++) {
        struct rig_stream *stream = &rig.stream[rig.stream_count];
        struct headend_ecm_stream_config config = {.ecm_id = (uint16_t)(100 + rig.stream_count),
                                                   .nominal_cp_duration = 100};
        cr_assert_eq(headend_ecm_stream_create(&stream->stream, rig.ecmgs, &config, &ops, stream), 0);
        rig.stream_count++;
    }
}

void rig_create_with_streams(unsigned count)
{
    rig_create();
    rig_add_streams(count);
}

void rig_bring_up(unsigned streams)
{
    rig_create_with_streams(streams);
    cr_assert(rig_turn(rig_first_is_active, 10000));
}

/* Waiting */

bool rig_turn(bool (*done)(void), uint64_t ms)
{
    uint64_t end_ms = base_clock_monotonic_ms() + ms;

    while (!(done && done())) {
        if (base_clock_monotonic_ms() >= end_ms)
            return false;
        net_loop_run_once(rig.loop, 5);
    }
    return true;
}

void rig_wait(uint64_t ms)
{
    rig_turn(NULL, ms);
}

struct headend_ecmg_status rig_status(unsigned ecmg)
{
    struct headend_ecmg_status status;

    cr_assert_eq(headend_ecmgs_status(rig.ecmgs, ecmg, &status), 0);
    return status;
}

unsigned rig_up_count(void)
{
    unsigned count = 0;

    for (unsigned i = 0; i < rig.stream_count; i++)
        count += rig.stream[i].stream && headend_ecm_stream_is_up(rig.stream[i].stream);
    return count;
}

bool rig_all_up(void)
{
    return rig_up_count() == rig.stream_count;
}

bool rig_none_up(void)
{
    return rig_up_count() == 0;
}

static bool has_all(unsigned ecmg)
{
    return rig_status(ecmg).state == HEADEND_ECMG_ACTIVE && rig_all_up();
}

bool rig_first_is_active(void)
{
    return has_all(0);
}

bool rig_second_is_active(void)
{
    return has_all(1);
}
