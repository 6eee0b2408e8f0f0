/* SPDX-License-Identifier: GPL-3.0-or-later */
/* simulcrypt/message.h: the generic SimulCrypt message (ETSI TS 103 197, clause 4.4): tables, decoder,
 * encoder.
 *
 * Thread-safe: no state outside the objects passed in, no allocation. A message is a header
 * (protocol_version, message_type, message_length) and parameters (parameter_type, parameter_length, value),
 * all big-endian. What an interface allows is data, struct simulcrypt_interface; the code here knows no
 * interface.
 *
 * Receiving is liberal: parameters in any order, unknown ones skipped. Sending is exact: a message that its
 * table does not allow is not made. */
#ifndef SIMULCRYPT_MESSAGE_H
#define SIMULCRYPT_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cursor.h"

#define SIMULCRYPT_HEADER_SIZE   5
#define SIMULCRYPT_LENGTH_OFFSET 3 /* of message_length */
#define SIMULCRYPT_RULES_MAX     16
#define SIMULCRYPT_MANY          UINT16_MAX /* no upper bound on instances */

enum simulcrypt_kind { SIMULCRYPT_NUMBER, SIMULCRYPT_BOOLEAN, SIMULCRYPT_BYTES };

struct simulcrypt_parameter_type {
    uint16_t tag;
    enum simulcrypt_kind kind;
    uint16_t size_min, size_max; /* bytes of the value; equal for a number */
    const char *name;
};

/* How often a parameter occurs in a message. In versions below `since` it is not sent, and may be absent from
 * what is received. */
struct simulcrypt_rule {
    uint16_t tag;
    uint16_t count_min, count_max;
    uint8_t since;
};

/* The ends of an interface: the client opens the TCP connection. */
enum simulcrypt_sender { SIMULCRYPT_FROM_CLIENT = 1, SIMULCRYPT_FROM_SERVER = 2, SIMULCRYPT_FROM_BOTH = 3 };

struct simulcrypt_message_type {
    uint16_t type;
    enum simulcrypt_sender from;
    bool is_error; /* never answered with an error: two ends could go on for ever */
    const char *name;
    const struct simulcrypt_rule *rules;
    size_t rule_count;
};

/* What can be wrong with a message as such; every interface has its own number for each. */
enum simulcrypt_fault {
    SIMULCRYPT_FAULT_INVALID_MESSAGE,
    SIMULCRYPT_FAULT_VERSION,
    SIMULCRYPT_FAULT_UNKNOWN_MESSAGE,
    SIMULCRYPT_FAULT_TOO_LONG,
    SIMULCRYPT_FAULT_LENGTH,
    SIMULCRYPT_FAULT_MISSING_PARAMETER,
    SIMULCRYPT_FAULT_VALUE,
    SIMULCRYPT_FAULTS
};

struct simulcrypt_interface {
    const char *name;
    uint32_t versions; /* bit n: protocol_version n is known */
    const struct simulcrypt_parameter_type *parameters;
    size_t parameter_count;
    const struct simulcrypt_message_type *messages;
    size_t message_count;
    uint16_t errors[SIMULCRYPT_FAULTS]; /* error_status of each fault */
};

/* NULL where the interface has no such thing. */
const struct simulcrypt_message_type *simulcrypt_find_message(const struct simulcrypt_interface *interface,
                                                              uint16_t type);
const struct simulcrypt_parameter_type *
simulcrypt_find_parameter(const struct simulcrypt_interface *interface, uint16_t tag);
/* For logs; never NULL. */
const char *simulcrypt_message_name(const struct simulcrypt_interface *interface, uint16_t type);
const char *simulcrypt_parameter_name(const struct simulcrypt_interface *interface, uint16_t tag);

struct simulcrypt_field {
    const uint8_t *value;
    uint16_t size;
};

/* A decoded message; points into the bytes it was decoded from. */
struct simulcrypt_message {
    uint8_t version;
    uint16_t type;
    const struct simulcrypt_message_type *definition; /* one without parameters for an unknown message_type */
    struct base_reader body;
    struct simulcrypt_field first[SIMULCRYPT_RULES_MAX]; /* per rule of the definition */
    uint16_t count[SIMULCRYPT_RULES_MAX];
};

/* What to answer an invalid message with. error_information is the tag of the parameter at fault, or the
 * fault's offset in bytes from the start of the message where no parameter can be named. */
struct simulcrypt_verdict {
    enum simulcrypt_fault fault;
    uint16_t error_status;
    uint16_t error_information;
};

struct simulcrypt_verdict simulcrypt_verdict_of(const struct simulcrypt_interface *interface,
                                                enum simulcrypt_fault fault, size_t information);

/* Decodes one whole message sent by `from`. 0, or BASE_E_MALFORMED with the first fault in `verdict`;
 * `message` then holds what could be read, so that an answer can name its channel. An error message is read
 * whatever its version: it may be the answer to a version that the peer does not know. Time is linear in
 * `size`. */
int simulcrypt_message_decode(const struct simulcrypt_interface *interface, enum simulcrypt_sender from,
                              const void *bytes, size_t size, struct simulcrypt_message *message,
                              struct simulcrypt_verdict *verdict);

/* Instances of a parameter that the message's table names; 0 for any other. */
uint16_t simulcrypt_message_count(const struct simulcrypt_message *message, uint16_t tag);
/* The first instance; value NULL where there is none. */
struct simulcrypt_field simulcrypt_message_first(const struct simulcrypt_message *message, uint16_t tag);
/* The instance after `field`, in the order sent; value NULL after the last. */
struct simulcrypt_field simulcrypt_message_next(const struct simulcrypt_message *message, uint16_t tag,
                                                struct simulcrypt_field field);
/* The first instance as a number of its own width (up to 4 bytes); 0 where there is none. */
uint32_t simulcrypt_message_number(const struct simulcrypt_message *message, uint16_t tag);
uint32_t simulcrypt_field_number(struct simulcrypt_field field);

static inline uint16_t simulcrypt_message_u16(const struct simulcrypt_message *message, uint16_t tag)
{
    return (uint16_t)simulcrypt_message_number(message, tag);
}

/* Builds one message in the caller's buffer. Failures are remembered: ask simulcrypt_encode_end() once. */
struct simulcrypt_encoder {
    struct base_writer writer;
    const struct simulcrypt_interface *interface;
    const struct simulcrypt_message_type *definition;
    uint8_t version;
    bool wrong; /* the table does not allow what was asked for */
    uint16_t count[SIMULCRYPT_RULES_MAX];
};

void simulcrypt_encode_begin(struct simulcrypt_encoder *encoder, const struct simulcrypt_interface *interface,
                             uint8_t version, uint16_t type, void *buffer, size_t room);
/* A number in the width that the table gives. */
void simulcrypt_encode_number(struct simulcrypt_encoder *encoder, uint16_t tag, uint32_t value);
void simulcrypt_encode_bytes(struct simulcrypt_encoder *encoder, uint16_t tag, const void *bytes,
                             size_t size);
/* Room for a value that the caller writes; NULL where it does not fit or is not allowed. */
uint8_t *simulcrypt_encode_room(struct simulcrypt_encoder *encoder, uint16_t tag, size_t size);
/* The message's size; -EINVAL where the table does not allow it, -ENOSPC where the buffer is too small. */
ptrdiff_t simulcrypt_encode_end(struct simulcrypt_encoder *encoder);

#endif
