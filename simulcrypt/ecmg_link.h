/* SPDX-License-Identifier: GPL-3.0-or-later */
/* simulcrypt/ecmg_link.h: inside the room: what both ends of an ECMG ⇔ SCS connection share: the connection's
 * values, receiving, and the messages that either end sends.
 *
 * One thread. Nothing is kept between a begin and its send but the encoder: no callback may come in between.
 */
#ifndef SIMULCRYPT_ECMG_LINK_H
#define SIMULCRYPT_ECMG_LINK_H

#include <assert.h>

#include "simulcrypt/ecmg_scs_table.h"
#include "simulcrypt/receiver.h"

#define SIMULCRYPT_NO_INFORMATION (-1) /* an error without error_information */

struct simulcrypt__link {
    void (*send)(void *context, const uint8_t *bytes, size_t size);
    void *context;
    struct simulcrypt__receiver receiver;
    uint8_t version;
    uint16_t channel_id;
    struct simulcrypt_channel_status status; /* in force */
    uint8_t out[SIMULCRYPT_HEADER_SIZE + 64 + SIMULCRYPT_ECM_DATAGRAM_MAX];
};

static_assert(SIMULCRYPT_CWS_MAX * (4 + 2 + UINT8_MAX) + SIMULCRYPT_ACCESS_CRITERIA_MAX <=
                  SIMULCRYPT_ECM_DATAGRAM_MAX,
              "the largest CW_provision fits into out[], too");

/* A message about the channel, or about a stream of it. */
struct simulcrypt_encoder simulcrypt__link_begin(struct simulcrypt__link *link, uint16_t type);
struct simulcrypt_encoder simulcrypt__link_begin_stream(struct simulcrypt__link *link, uint16_t type,
                                                        uint16_t stream_id);
/* -EINVAL where the tables do not allow what was begun; then nothing is sent. */
int simulcrypt__link_send(struct simulcrypt__link *link, struct simulcrypt_encoder *encoder);

void simulcrypt__link_send_channel_status(struct simulcrypt__link *link);
void simulcrypt__link_send_stream_status(struct simulcrypt__link *link, uint16_t stream_id, uint16_t ecm_id,
                                         bool transfer_mode);
/* error_information is two bytes, as the strictest peers expect: a parameter's tag or an offset, or
 * SIMULCRYPT_NO_INFORMATION. */
void simulcrypt__link_send_channel_error(struct simulcrypt__link *link, uint16_t channel_id, uint16_t error,
                                         int information);
void simulcrypt__link_send_stream_error(struct simulcrypt__link *link, uint16_t stream_id, uint16_t error,
                                        int information);

/* Ids of a message; 0 where it has none. */
static inline uint16_t simulcrypt__channel_of(const struct simulcrypt_message *message)
{
    return simulcrypt_message_u16(message, SIMULCRYPT_ECMG_P_ECM_CHANNEL_ID);
}

static inline uint16_t simulcrypt__stream_of(const struct simulcrypt_message *message)
{
    return simulcrypt_message_u16(message, SIMULCRYPT_ECMG_P_ECM_STREAM_ID);
}

/* Whether an error message names `error` among its error_statuses. */
bool simulcrypt__has_error(const struct simulcrypt_message *message, uint16_t error);

#endif
