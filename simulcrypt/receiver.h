/* SPDX-License-Identifier: GPL-3.0-or-later */
/* simulcrypt/receiver.h: inside the room: from a byte stream to decoded messages, for one end of any
 * interface.
 *
 * One thread. */
#ifndef SIMULCRYPT_RECEIVER_H
#define SIMULCRYPT_RECEIVER_H

#include "simulcrypt/framer.h"

#define SIMULCRYPT_INVALID_MESSAGES_MAX 3 /* in a row; then the connection is given up */

struct simulcrypt__receiver {
    const struct simulcrypt_interface *interface;
    enum simulcrypt_sender from; /* the other end */
    struct simulcrypt_framer framer;
    unsigned invalid_messages; /* in a row */
    uint64_t messages;         /* ever, whatever they were */
};

void simulcrypt__receiver_init(struct simulcrypt__receiver *receiver,
                               const struct simulcrypt_interface *interface, enum simulcrypt_sender from,
                               size_t message_max);
void simulcrypt__receiver_clear(struct simulcrypt__receiver *receiver); /* for a new connection; wipes */

/* The next message of `input`; unknown message_types are passed over. 1: `message` is valid until the next
 * call. BASE_E_MALFORMED: an invalid message, counted; `verdict` says what is wrong, `message` holds what
 * could be read. 0: all input is used up. -ENOMEM: the stream is lost. */
int simulcrypt__receiver_next(struct simulcrypt__receiver *receiver, struct base_reader *input,
                              struct simulcrypt_message *message, struct simulcrypt_verdict *verdict);

#endif
