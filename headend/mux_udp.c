/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Data in UDP datagrams: one data_provision each, found by (client_id, data_id), never answered. */
#include <errno.h>

#include "headend/mux_room.h"

/* All datagrams of a message, or none. */
static int take_without_connection(struct headend_mux *mux, struct headend__mux_target *target,
                                   const struct simulcrypt_message *message)
{
    enum simulcrypt_format format = target->config->format;
    int64_t bits = simulcrypt_data_provision_bits(message, format);
    struct simulcrypt_field datagram = {0};

    if (bits < 0)
        return (int)bits;
    if (!base_bucket_take(&target->udp_bandwidth, bits, net_loop_now_ms(mux->loop)))
        return -EDQUOT;
    headend__mux_target_see(mux, target);
    while ((datagram = simulcrypt_data_provision_next(message, datagram)).value)
        headend__mux_target_take(mux, target, format, datagram.value, datagram.size);
    return 0;
}

static int take(struct headend_mux *mux, const struct simulcrypt_message *message,
                const struct simulcrypt_data_provision *provision)
{
    struct headend__mux_stream *stream =
        headend__mux_stream_of_data(mux, provision->client_id, provision->data_id);
    struct headend__mux_target *target =
        headend__mux_target_find(mux, provision->client_id, provision->data_id);
    int status = -ENOENT;

    if (stream)
        status = simulcrypt_mux_session_udp(stream->connection->session, message, net_loop_now_ms(mux->loop));
    else if (target && target->config->udp_only)
        status = take_without_connection(mux, target, message);
    if (status == -EDQUOT)
        target->status.udp_exceeded++;
    return status;
}

static void on_datagram(void *context, const uint8_t *bytes, size_t size, const char *peer)
{
    struct headend_mux *mux = context;
    struct simulcrypt_data_provision provision;
    struct simulcrypt_message message;
    int status = simulcrypt_data_provision_read(bytes, size, &message, &provision);

    (void)peer;
    if (status == 0)
        status = take(mux, &message, &provision);
    mux->counters.udp_messages++;
    mux->counters.udp_malformed += status < 0 && status != -ENOENT && status != -EDQUOT;
    mux->counters.udp_unknown += status == -ENOENT;
    mux->counters.udp_exceeded += status == -EDQUOT;
}

int headend__mux_udp_open(struct headend_mux *mux)
{
    const struct headend_mux_config *config = &mux->config;

    return net_udp_receive(&mux->udp, mux->loop, config->udp_host, config->udp_port, config->udp_interface,
                           &config->listener.access, on_datagram, mux);
}
