/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "simulcrypt/ecmg_link.h"

struct simulcrypt_encoder simulcrypt__link_begin(struct simulcrypt__link *link, uint16_t type)
{
    struct simulcrypt_encoder encoder;
    simulcrypt_encode_begin(&encoder, link->receiver.interface, link->version, type, link->out,
                            sizeof(link->out));
    simulcrypt_encode_number(&encoder, SIMULCRYPT_ECMG_P_ECM_CHANNEL_ID, link->channel_id);
    return encoder;
}

struct simulcrypt_encoder simulcrypt__link_begin_stream(struct simulcrypt__link *link, uint16_t type,
                                                        uint16_t stream_id)
{
    struct simulcrypt_encoder encoder = simulcrypt__link_begin(link, type);
    simulcrypt_encode_number(&encoder, SIMULCRYPT_ECMG_P_ECM_STREAM_ID, stream_id);
    return encoder;
}

int simulcrypt__link_send(struct simulcrypt__link *link, struct simulcrypt_encoder *encoder)
{
    ptrdiff_t size = simulcrypt_encode_end(encoder);
    if (size < 0)
        return (int)size;
    link->send(link->context, link->out, (size_t)size);
    return 0;
}

void simulcrypt__link_send_channel_status(struct simulcrypt__link *link)
{
    struct simulcrypt_encoder encoder = simulcrypt__link_begin(link, SIMULCRYPT_ECMG_M_CHANNEL_STATUS);
    simulcrypt__write_channel_status(&encoder, &link->status);
    simulcrypt__link_send(link, &encoder);
}

void simulcrypt__link_send_stream_status(struct simulcrypt__link *link, uint16_t stream_id, uint16_t ecm_id,
                                         bool transfer_mode)
{
    struct simulcrypt_encoder encoder =
        simulcrypt__link_begin_stream(link, SIMULCRYPT_ECMG_M_STREAM_STATUS, stream_id);
    if (link->version >= 2)
        simulcrypt_encode_number(&encoder, SIMULCRYPT_ECMG_P_ECM_ID, ecm_id);
    simulcrypt_encode_number(&encoder, SIMULCRYPT_ECMG_P_ACCESS_CRITERIA_TRANSFER_MODE, transfer_mode);
    simulcrypt__link_send(link, &encoder);
}

static void send_error(struct simulcrypt__link *link, struct simulcrypt_encoder *encoder, uint16_t error,
                       int information)
{
    uint8_t bytes[2];
    simulcrypt_encode_number(encoder, SIMULCRYPT_ECMG_P_ERROR_STATUS, error);
    if (information != SIMULCRYPT_NO_INFORMATION) {
        base_store_u16(bytes, (uint16_t)information);
        simulcrypt_encode_bytes(encoder, SIMULCRYPT_ECMG_P_ERROR_INFORMATION, bytes, sizeof(bytes));
    }
    simulcrypt__link_send(link, encoder);
}

void simulcrypt__link_send_channel_error(struct simulcrypt__link *link, uint16_t channel_id, uint16_t error,
                                         int information)
{
    struct simulcrypt_encoder encoder;
    simulcrypt_encode_begin(&encoder, link->receiver.interface, link->version,
                            SIMULCRYPT_ECMG_M_CHANNEL_ERROR, link->out, sizeof(link->out));
    simulcrypt_encode_number(&encoder, SIMULCRYPT_ECMG_P_ECM_CHANNEL_ID, channel_id);
    send_error(link, &encoder, error, information);
}

void simulcrypt__link_send_stream_error(struct simulcrypt__link *link, uint16_t stream_id, uint16_t error,
                                        int information)
{
    struct simulcrypt_encoder encoder =
        simulcrypt__link_begin_stream(link, SIMULCRYPT_ECMG_M_STREAM_ERROR, stream_id);
    send_error(link, &encoder, error, information);
}

bool simulcrypt__has_error(const struct simulcrypt_message *message, uint16_t error)
{
    struct simulcrypt_field field = simulcrypt_message_first(message, SIMULCRYPT_ECMG_P_ERROR_STATUS);
    while (field.value && simulcrypt_field_number(field) != error)
        field = simulcrypt_message_next(message, SIMULCRYPT_ECMG_P_ERROR_STATUS, field);
    return field.value != NULL;
}
