/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scs.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/secret.h"

static void on_send(void *context, const uint8_t *bytes, size_t size)
{
    struct scs *scs = context;

    if (!scs->ended)
        net_tcp_write(scs->tcp, bytes, size);
}

static void on_fail(void *context, const char *why)
{
    struct scs *scs = context;

    snprintf(scs->why, sizeof(scs->why), "%s", why);
    scs->ended = true;
}

static void on_channel_up(void *context, const struct simulcrypt_channel_status *status)
{
    struct scs *scs = context;

    scs->status = *status;
    scs->up++;
}

static void on_stream_up(void *context, uint16_t stream_id)
{
    (void)stream_id;
    ((struct scs *)context)->streams_up++;
}

static void on_ecm(void *context, uint16_t stream_id, uint16_t cp_number, const uint8_t *datagram,
                   size_t size)
{
    struct scs *scs = context;

    scs->ecm_stream_id = stream_id;
    scs->ecm_cp_number = cp_number;
    memcpy(scs->datagram, datagram, size);
    scs->datagram_size = size;
    scs->ecms++;
}

static void on_provision_failed(void *context, uint16_t stream_id, uint16_t cp_number, const char *why)
{
    struct scs *scs = context;

    (void)stream_id;
    (void)cp_number;
    snprintf(scs->why, sizeof(scs->why), "%s", why);
    scs->failed_provisions++;
}

static const struct simulcrypt_scs_ops session_ops = {
    .send = on_send,
    .fail = on_fail,
    .channel_up = on_channel_up,
    .stream_up = on_stream_up,
    .ecm = on_ecm,
    .provision_failed = on_provision_failed,
};

static void on_connected(void *context)
{
    struct scs *scs = context;

    simulcrypt_scs_session_connected(scs->session, net_loop_now_ms(scs->loop));
}

static void on_input(void *context, const uint8_t *bytes, size_t size)
{
    struct scs *scs = context;

    if (!scs->ended)
        simulcrypt_scs_session_input(scs->session, bytes, size, net_loop_now_ms(scs->loop));
}

static void on_ended(void *context, int error)
{
    (void)error;
    ((struct scs *)context)->ended = true;
}

static const struct net_tcp_ops tcp_ops = {.connected = on_connected, .input = on_input, .ended = on_ended};

void scs_start(struct scs *scs, struct net_loop *loop, uint16_t port, uint16_t channel_id,
               uint32_t super_cas_id, unsigned streams, uint16_t first_ecm_id)
{
    const struct simulcrypt_scs_config config = {
        .version = 3, .channel_id = channel_id, .super_cas_id = super_cas_id};

    memset(scs, 0, sizeof(*scs));
    scs->loop = loop;
    cr_assert_eq(simulcrypt_scs_session_create(&scs->session, &config, &session_ops, scs), 0);
    for (unsigned i = 0; i < streams; i++) {
        const struct simulcrypt_scs_stream_config stream = {.stream_id = (uint16_t)(i + 1),
                                                            .ecm_id = (uint16_t)(first_ecm_id + i),
                                                            .nominal_cp_duration = 100};
        cr_assert_eq(simulcrypt_scs_session_add_stream(scs->session, &stream), 0);
    }
    cr_assert_eq(net_tcp_connect(&scs->tcp, loop, "127.0.0.1", port, NULL, &tcp_ops, scs), 0);
}

void scs_stop(struct scs *scs)
{
    simulcrypt_scs_session_destroy(scs->session);
    net_tcp_close(scs->tcp);
    scs->session = NULL;
    scs->tcp = NULL;
    scs->ended = true;
}

void scs_cw(uint16_t cp_number, uint8_t cw[static 16])
{
    for (unsigned i = 0; i < 16; i++)
        cw[i] = (uint8_t)(0xc5 ^ (cp_number * 31) ^ (cp_number >> 8) ^ (i * 89));
}

bool scs_provide(struct scs *scs, uint16_t stream_id, uint16_t cp_number, uint8_t cw_size,
                 const char *criteria, uint16_t criteria_size)
{
    uint8_t cws[SIMULCRYPT_CWS_MAX][16];
    struct simulcrypt_cw_provision provision = {
        .cp_number = cp_number,
        .cw_count = scs->status.cw_per_msg,
        .has_access_criteria = criteria != NULL,
        .access_criteria = (const uint8_t *)criteria,
        .access_criteria_size = criteria_size,
    };
    unsigned ecms = scs->ecms, failed = scs->failed_provisions;

    for (unsigned i = 0; i < provision.cw_count; i++) {
        uint16_t cp = (uint16_t)(cp_number + 1 + scs->status.lead_cw - scs->status.cw_per_msg + i);

        scs_cw(cp, cws[i]);
        provision.cws[i] = (struct simulcrypt_cp_cw){.cp_number = cp, .cw_size = cw_size, .cw = cws[i]};
    }
    cr_assert_eq(
        simulcrypt_scs_session_provision(scs->session, stream_id, &provision, net_loop_now_ms(scs->loop)), 0);
    base_secure_zero(cws, sizeof(cws));
    RUN_UNTIL(scs->loop, scs->ecms != ecms || scs->failed_provisions != failed);
    return scs->ecms != ecms;
}
