/* SPDX-License-Identifier: GPL-3.0-or-later */
/* simulcrypt/framer.h: cuts a TCP byte stream into SimulCrypt messages. One thread.
 *
 * Messages that lie whole in the input are handed out in place; only a message cut by the end of the input is
 * copied, and that copy is wiped: it may hold control words. */
#ifndef SIMULCRYPT_FRAMER_H
#define SIMULCRYPT_FRAMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cursor.h"
#include "simulcrypt/message.h"

struct simulcrypt_framer {
    size_t limit;                           /* bytes of the largest message, header included */
    uint8_t header[SIMULCRYPT_HEADER_SIZE]; /* of the message being gathered */
    uint8_t *held;                          /* that message, once its size is known */
    size_t have;                            /* bytes of it gathered so far */
    size_t skip;                            /* bytes of a too long message still to pass over */
    bool whole;                             /* `held` was handed out and is wiped at the next call */
};

void simulcrypt_framer_init(struct simulcrypt_framer *framer, size_t limit);
void simulcrypt_framer_clear(struct simulcrypt_framer *framer); /* forgets and wipes what is held */

/* The next message of `input`, which is read on. 1: *message, *size hold it until the next call. 0: all input
 * is used up. -EMSGSIZE: a message over the limit, which is passed over; *message holds its header alone.
 * -ENOMEM: the stream is lost. */
int simulcrypt_framer_next(struct simulcrypt_framer *framer, struct base_reader *input,
                           const uint8_t **message, size_t *size);

#endif
