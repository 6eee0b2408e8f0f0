/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ecmgs_rig.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/cursor.h"

struct rig rig;

/* The ECMGs */

static void drip(void *context)
{
    struct rig_connection *connection = context;

    if (!connection->waiting_count)
        return;
    net_tcp_write(connection->tcp, connection->waiting, 1);
    memmove(connection->waiting, connection->waiting + 1, --connection->waiting_count);
    net_timer_start(connection->drip, 100);
}

static void drip_later(struct rig_connection *connection, const uint8_t *bytes, size_t size)
{
    if (connection->waiting_count + size > sizeof(connection->waiting))
        return;
    memcpy(connection->waiting + connection->waiting_count, bytes, size);
    connection->waiting_count += size;
    net_timer_start(connection->drip, 100);
}

/* Errors of the peer's channel and stream, without end if they were answered. */
static void storm(struct rig_connection *connection, const uint8_t *answer, size_t size)
{
    static const uint8_t channel_error[] = {3, 0, 5, 0, 12, 0x00, 0x0E, 0, 2, 0, 1, 0x70, 0, 0, 2, 0, 0x0D};
    static const uint8_t stream_error[] = {3,    1, 6, 0, 18, 0x00, 0x0E, 0, 2, 0, 1,   0x00,
                                           0x0F, 0, 2, 0, 1,  0x70, 0,    0, 2, 0, 0x0D};

    net_tcp_write(connection->tcp, answer, size);
    for (int i = 0; i < 50; i++) {
        net_tcp_write(connection->tcp, channel_error, sizeof(channel_error));
        net_tcp_write(connection->tcp, stream_error, sizeof(stream_error));
    }
}

static void send_wrong_ids(struct rig_connection *connection, const uint8_t *bytes, size_t size)
{
    uint8_t wrong[512];

    if (size < 11 || size > sizeof(wrong))
        return;
    memcpy(wrong, bytes, size);
    wrong[9] ^= 0x55; /* ECM_channel_id comes first */
    net_tcp_write(connection->tcp, wrong, size);
}

static void send_bytes(void *context, const uint8_t *bytes, size_t size)
{
    struct rig_connection *connection = context;
    uint16_t type = base_load_u16(bytes + 1);

    switch (connection->ecmg->manner) {
    case RIG_MUTE:
        return;
    case RIG_HALF_A_MESSAGE:
        net_tcp_write(connection->tcp, bytes, size / 2);
        return;
    case RIG_DRIPS:
        drip_later(connection, bytes, size);
        return;
    case RIG_WRONG_IDS:
        send_wrong_ids(connection, bytes, size);
        return;
    case RIG_STORMS:
        storm(connection, bytes, size);
        return;
    case RIG_RESETS_IN_RESPONSE:
        net_tcp_write(connection->tcp, bytes, type == 0x0202 ? size / 2 : size);
        return;
    default:
        net_tcp_write(connection->tcp, bytes, size);
    }
}

static void session_close(void *context, const char *why)
{
    (void)context;
    (void)why;
}

static uint16_t channel_setup(void *context, uint16_t channel_id, uint32_t super_cas_id,
                              struct simulcrypt_channel_status *status)
{
    struct rig_connection *connection = context;
    struct rig_ecmg *ecmg = connection->ecmg;

    cr_assert_geq(channel_id, 1);
    cr_assert_eq(super_cas_id, 0x4A800001);
    if (ecmg->manner == RIG_REFUSES_CHANNELS && LIST_NEXT(connection, entry))
        return SIMULCRYPT_ECMG_TOO_MANY_CHANNELS;
    *status = ecmg->status;
    return SIMULCRYPT_ECMG_OK;
}

static void channel_closed(void *context, uint16_t channel_id)
{
    (void)channel_id;
    ((struct rig_connection *)context)->ecmg->closed_channels++;
}

static uint16_t stream_setup(void *context, uint16_t channel_id, uint16_t stream_id, uint16_t ecm_id,
                             uint16_t nominal_cp_duration, bool *transfer_mode)
{
    struct rig_connection *connection = context;
    struct rig_ecmg *ecmg = connection->ecmg;

    (void)channel_id;
    (void)stream_id;
    *transfer_mode = false;
    ecmg->setups++;
    ecmg->nominal = nominal_cp_duration;
    if (ecmg->setup_error && (!ecmg->bad_ecm_id || ecmg->bad_ecm_id == ecm_id))
        return ecmg->setup_error;
    if (ecmg->streams_max && connection->streams >= ecmg->streams_max)
        return SIMULCRYPT_ECMG_TOO_MANY_STREAMS_CHANNEL;
    connection->streams++;
    return SIMULCRYPT_ECMG_OK;
}

static void stream_closed(void *context, uint16_t stream_id)
{
    struct rig_connection *connection = context;

    (void)stream_id;
    connection->streams--;
    connection->ecmg->closed_streams++;
}

void rig_answer(unsigned index)
{
    struct rig_ecmg *ecmg = &rig.ecmg[index];
    uint8_t datagram[6] = {0x80, 0x70, 0x03, 0, 0, (uint8_t)index};

    base_store_u16(datagram + 3, ecmg->last_cp);
    simulcrypt_ecmg_session_ecm_response(ecmg->last_connection->session, ecmg->last_stream_id, ecmg->last_cp,
                                         datagram, sizeof(datagram));
}

static uint16_t cw_provision(void *context, uint16_t stream_id,
                             const struct simulcrypt_cw_provision *provision)
{
    struct rig_connection *connection = context;
    struct rig_ecmg *ecmg = connection->ecmg;

    ecmg->provisions++;
    ecmg->last_connection = connection;
    ecmg->last_stream_id = stream_id;
    ecmg->last_cp = provision->cp_number;
    if (ecmg->keeps_ecms || (ecmg->silent_stream_id && ecmg->silent_stream_id == stream_id) ||
        ecmg->provision_error)
        return ecmg->provision_error;
    rig_answer((unsigned)(ecmg - rig.ecmg));
    return SIMULCRYPT_ECMG_OK;
}

static void hang_up(struct rig_connection *connection)
{
    LIST_REMOVE(connection, entry);
    net_tcp_close(connection->tcp);
    net_timer_destroy(connection->drip);
    simulcrypt_ecmg_session_destroy(connection->session);
    free(connection);
}

/* channel_error, error_status 0x0002 (TS 103 197, 5.4.1 and Table 6). */
static void refuse_version(struct rig_connection *connection)
{
    static const uint8_t refusal[] = {2, 0, 5, 0, 12, 0x00, 0x0E, 0, 2, 0, 1, 0x70, 0x00, 0, 2, 0, 2};

    net_tcp_write(connection->tcp, refusal, sizeof(refusal));
}

static void tcp_input(void *context, const uint8_t *bytes, size_t size)
{
    struct rig_connection *connection = context;
    struct rig_ecmg *ecmg = connection->ecmg;
    unsigned provisions = ecmg->provisions;

    ecmg->bytes += size;
    if (ecmg->deaf)
        return;
    ecmg->version = bytes[0];
    ecmg->tests += base_load_u16(bytes + 1) == 0x0002;
    if (ecmg->manner == RIG_REFUSES_VERSIONS && bytes[0] > ecmg->version_max) {
        refuse_version(connection);
        return;
    }
    simulcrypt_ecmg_session_input(connection->session, bytes, size, net_loop_now_ms(rig.loop));
    if (ecmg->manner == RIG_HANGS_UP_WHEN_UP ||
        (ecmg->manner == RIG_RESETS_IN_RESPONSE && ecmg->provisions > provisions))
        hang_up(connection);
}

static void tcp_ended(void *context, int error)
{
    (void)error;
    hang_up(context);
}

static void accepted(void *context, struct net_tcp *tcp)
{
    static const struct net_tcp_ops ops = {.input = tcp_input, .ended = tcp_ended};
    static const struct simulcrypt_ecmg_ops session_ops = {
        send_bytes, session_close, channel_setup, channel_closed, stream_setup, stream_closed, cw_provision};
    struct rig_ecmg *ecmg = context;
    struct rig_connection *made = calloc(1, sizeof(*made));

    ecmg->connected++;
    cr_assert_eq(simulcrypt_ecmg_session_create(&made->session, &session_ops, made), 0);
    cr_assert_eq(net_timer_create(&made->drip, rig.loop, drip, made), 0);
    made->ecmg = ecmg;
    made->tcp = tcp;
    LIST_INSERT_HEAD(&ecmg->connections, made, entry);
    net_tcp_set_ops(tcp, &ops, made);
    if (ecmg->manner == RIG_HANGS_UP)
        hang_up(made);
}

void rig_revive(unsigned index)
{
    struct rig_ecmg *ecmg = &rig.ecmg[index];
    const struct net_listen_config config = {
        .host = "127.0.0.1", .port = ecmg->port, .accepted = accepted, .context = ecmg};

    cr_assert_eq(net_listen(&ecmg->listener, rig.loop, &config), 0);
    ecmg->port = net_listener_port(ecmg->listener);
}

void rig_hang_up(unsigned index)
{
    while (!LIST_EMPTY(&rig.ecmg[index].connections))
        hang_up(LIST_FIRST(&rig.ecmg[index].connections));
}

void rig_kill(unsigned index)
{
    net_listener_close(rig.ecmg[index].listener);
    rig.ecmg[index].listener = NULL;
    rig_hang_up(index);
}

void rig_say(unsigned index, const void *bytes, size_t size)
{
    struct rig_connection *connection;

    LIST_FOREACH(connection, &rig.ecmg[index].connections, entry)
    net_tcp_write(connection->tcp, bytes, size);
}

/* The CAS */

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
