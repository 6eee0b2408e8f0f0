/* SPDX-License-Identifier: GPL-3.0-or-later */
/* simulcrypt/link.h: inside the room: what both ends of any interface's connection share: the connection's
 * values, receiving, and errors.
 *
 * One thread. Nothing is kept between a begin and its send but the encoder: no callback may come in between.
 */
#ifndef SIMULCRYPT_LINK_H
#define SIMULCRYPT_LINK_H

#include "simulcrypt/receiver.h"

#define SIMULCRYPT_NO_INFORMATION (-1) /* an error without error_information */
#define SIMULCRYPT_NEVER          UINT64_MAX

/* What a message is about. */
struct simulcrypt__address {
    uint32_t client_id; /* where the interface has one */
    uint16_t channel_id;
    bool has_stream;
    uint16_t stream_id;
    bool has_echo; /* the parameter that an answer repeats is there */
    uint32_t echo;
};

struct simulcrypt__link {
    void (*send)(void *context, const uint8_t *bytes, size_t size);
    void *context;
    struct simulcrypt__receiver receiver;
    uint8_t version;
    uint32_t client_id;
    uint16_t channel_id;
    uint8_t *out; /* room for the largest message that this end sends */
    size_t out_size;
};

static inline uint16_t simulcrypt__type_of(const struct simulcrypt__link *link, enum simulcrypt_role role)
{
    return link->receiver.interface->roles[role];
}

struct simulcrypt__address simulcrypt__address_of(const struct simulcrypt_interface *interface,
                                                  const struct simulcrypt_message *message);

/* A message about this link's channel, or about a stream of it. */
struct simulcrypt_encoder simulcrypt__link_begin(struct simulcrypt__link *link, uint16_t type);
struct simulcrypt_encoder simulcrypt__link_begin_stream(struct simulcrypt__link *link, uint16_t type,
                                                        uint16_t stream_id);
/* -EINVAL where the tables do not allow what was begun; then nothing is sent. */
int simulcrypt__link_send(struct simulcrypt__link *link, struct simulcrypt_encoder *encoder);
/* One of those that consist of nothing but their address. */
void simulcrypt__link_send_plain(struct simulcrypt__link *link, uint16_t type);
void simulcrypt__link_send_stream_plain(struct simulcrypt__link *link, uint16_t type, uint16_t stream_id);

/* stream_error where the address has a stream, else channel_error. error_information is two bytes, as the
 * strictest peers expect: a parameter's tag or an offset, or SIMULCRYPT_NO_INFORMATION. */
void simulcrypt__link_send_error(struct simulcrypt__link *link, const struct simulcrypt__address *about,
                                 uint16_t error, int information);

/* The text of an error message's first error_status, followed by the parameter at fault where
 * error_information names one. */
struct simulcrypt__sentence {
    char text[120];
};

struct simulcrypt__sentence simulcrypt__error_text(const struct simulcrypt_interface *interface,
                                                   const struct simulcrypt_message *message);

/* Whether an error message names `error` among its error_statuses. */
bool simulcrypt__has_error(const struct simulcrypt_message *message, uint16_t error);

#endif
