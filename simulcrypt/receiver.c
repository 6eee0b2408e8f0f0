/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "simulcrypt/receiver.h"

#include <errno.h>

#include "base/error.h"

void simulcrypt__receiver_init(struct simulcrypt__receiver *receiver,
                               const struct simulcrypt_interface *interface, enum simulcrypt_sender from,
                               size_t message_max)
{
    *receiver = (struct simulcrypt__receiver){.interface = interface, .from = from};
    simulcrypt_framer_init(&receiver->framer, message_max);
}

void simulcrypt__receiver_clear(struct simulcrypt__receiver *receiver)
{
    simulcrypt_framer_clear(&receiver->framer);
    receiver->invalid_messages = 0;
}

static int decode(struct simulcrypt__receiver *receiver, int framed, const uint8_t *bytes, size_t size,
                  struct simulcrypt_message *message, struct simulcrypt_verdict *verdict)
{
    int status =
        simulcrypt_message_decode(receiver->interface, receiver->from, bytes, size, message, verdict);
    if (framed != -EMSGSIZE)
        return status ? status : 1;
    if (verdict->fault != SIMULCRYPT_FAULT_UNKNOWN_MESSAGE)
        *verdict =
            simulcrypt_verdict_of(receiver->interface, SIMULCRYPT_FAULT_TOO_LONG, SIMULCRYPT_LENGTH_OFFSET);
    return BASE_E_MALFORMED;
}

int simulcrypt__receiver_next(struct simulcrypt__receiver *receiver, struct base_reader *input,
                              struct simulcrypt_message *message, struct simulcrypt_verdict *verdict)
{
    const uint8_t *bytes;
    size_t size;
    for (;;) {
        int framed = simulcrypt_framer_next(&receiver->framer, input, &bytes, &size);
        if (framed == 0 || framed == -ENOMEM)
            return framed;
        receiver->messages++;
        int status = decode(receiver, framed, bytes, size, message, verdict);
        if (status > 0)
            receiver->invalid_messages = 0;
        else if (verdict->fault == SIMULCRYPT_FAULT_UNKNOWN_MESSAGE)
            continue; /* clause 4.4: ignored */
        else
            receiver->invalid_messages++;
        return status;
    }
}
