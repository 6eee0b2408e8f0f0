/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tests/headend/ecmgs_rig.h: the ECMGs. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "ecmgs_rig.h"

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

void rig_hang_up_one(unsigned index)
{
    struct rig_connection *connection = LIST_FIRST(&rig.ecmg[index].connections);

    while (!connection->streams)
        connection = LIST_NEXT(connection, entry);
    hang_up(connection);
}
