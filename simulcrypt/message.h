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
#define SIMULCRYPT_RULES_MAX     24
#define SIMULCRYPT_MANY          UINT16_MAX /* no upper bound on instances */

/* The same on every interface. */
#define SIMULCRYPT_P_ERROR_STATUS      0x7000
#define SIMULCRYPT_P_ERROR_INFORMATION 0x7001
#define SIMULCRYPT_UNKNOWN_ERROR       0x7000
#define SIMULCRYPT_UNRECOVERABLE       0x7001 /* closes the stream or channel it is about */
#define SIMULCRYPT_USER_DEFINED        0x8000 /* error_statuses, tags and types from here on */

enum simulcrypt_kind {
    SIMULCRYPT_NUMBER,
    SIMULCRYPT_SIGNED, /* two's complement */
    SIMULCRYPT_BOOLEAN,
    SIMULCRYPT_FORMAT,  /* section_TSpkt_flag: enum simulcrypt_format */
    SIMULCRYPT_BYTES,   /* any */
    SIMULCRYPT_CP_CW,   /* two bytes CP number, then its CW: a secret */
    SIMULCRYPT_COMPOUND /* parameters of its own, coded as those of a message */
};

/* section_TSpkt_flag: what a datagram is made of. */
enum simulcrypt_format {
    SIMULCRYPT_SECTIONS = 0,
    SIMULCRYPT_PACKETS = 1, /* of the transport stream, 188 bytes each */
    SIMULCRYPT_ANNEX_N = 2  /* IP datacast; from version 5 on */
};

struct simulcrypt_message_type;

struct simulcrypt_parameter_type {
    uint16_t tag;
    enum simulcrypt_kind kind;
    uint16_t size_min, size_max; /* bytes of the value; equal for a number */
    const char *name;
    const struct simulcrypt_message_type *inner; /* of a compound: the rules of its parameters, else NULL */
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

/* What can be wrong on any interface, each of which has its own number for it: first with a message as such,
 * then with what it is about. */
enum simulcrypt_fault {
    SIMULCRYPT_FAULT_INVALID_MESSAGE,
    SIMULCRYPT_FAULT_VERSION,
    SIMULCRYPT_FAULT_UNKNOWN_MESSAGE,
    SIMULCRYPT_FAULT_TOO_LONG,
    SIMULCRYPT_FAULT_LENGTH,
    SIMULCRYPT_FAULT_MISSING_PARAMETER,
    SIMULCRYPT_FAULT_VALUE,
    SIMULCRYPT_FAULT_UNKNOWN_CHANNEL,
    SIMULCRYPT_FAULT_UNKNOWN_STREAM,
    SIMULCRYPT_FAULT_UNKNOWN_CLIENT,
    SIMULCRYPT_FAULT_CHANNEL_IN_USE,
    SIMULCRYPT_FAULT_STREAM_IN_USE,
    SIMULCRYPT_FAULT_TOO_MANY_STREAMS, /* on this channel */
    SIMULCRYPT_FAULT_STORAGE,
    SIMULCRYPT_FAULTS
};

/* The messages that interfaces have in common, each with a number of its own; 0 where there is none. */
enum simulcrypt_role {
    SIMULCRYPT_CHANNEL_SETUP,
    SIMULCRYPT_CHANNEL_TEST,
    SIMULCRYPT_CHANNEL_STATUS,
    SIMULCRYPT_CHANNEL_CLOSE,
    SIMULCRYPT_CHANNEL_ERROR,
    SIMULCRYPT_STREAM_SETUP,
    SIMULCRYPT_STREAM_TEST,
    SIMULCRYPT_STREAM_STATUS,
    SIMULCRYPT_STREAM_CLOSE, /* sent by the client; a role apart as its name and its answer differ */
    SIMULCRYPT_STREAM_CLOSED,
    SIMULCRYPT_STREAM_ERROR,
    SIMULCRYPT_ROLES
};

struct simulcrypt_error_type {
    uint16_t number;
    const char *text;
};

struct simulcrypt_interface {
    const char *name;
    uint32_t versions; /* bit n: protocol_version n is known */
    const struct simulcrypt_parameter_type *parameters;
    size_t parameter_count;
    const struct simulcrypt_message_type *messages;
    size_t message_count;
    const struct simulcrypt_error_type *error_types;
    size_t error_count;
    uint16_t errors[SIMULCRYPT_FAULTS]; /* error_status of each fault */
    uint16_t roles[SIMULCRYPT_ROLES];
    /* Parameters that say what a message is about; 0 where the interface has none. */
    uint16_t client_tag, channel_tag, stream_tag;
    uint16_t echo_tag; /* repeated in the stream's error that answers a message */
};

bool simulcrypt_version_is_known(const struct simulcrypt_interface *interface, uint8_t version);
/* NULL where the interface has no such thing. */
const struct simulcrypt_message_type *simulcrypt_find_message(const struct simulcrypt_interface *interface,
                                                              uint16_t type);
const struct simulcrypt_parameter_type *
simulcrypt_find_parameter(const struct simulcrypt_interface *interface, uint16_t tag);
/* For logs; never NULL. */
const char *simulcrypt_message_name(const struct simulcrypt_interface *interface, uint16_t type);
const char *simulcrypt_parameter_name(const struct simulcrypt_interface *interface, uint16_t tag);
const char *simulcrypt_error_text(const struct simulcrypt_interface *interface, uint16_t error_status);

struct simulcrypt_field {
    const uint8_t *value;
    uint16_t size;
};

/* A decoded message; points into the bytes it was decoded from. */
struct simulcrypt_message {
    uint8_t version;
    uint16_t type;
    const struct simulcrypt_message_type *definition; /* one without parameters for an unknown message_type */
    const struct simulcrypt_interface *interface;
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

/* The parameters of a compound's instance, as if it were a message of its own; `field` is from a message that
 * was decoded without a fault. */
struct simulcrypt_message simulcrypt_message_inner(const struct simulcrypt_message *message, uint16_t tag,
                                                   struct simulcrypt_field field);

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
/* A compound: its parameters are encoded into what begin gives, which end then takes back. */
struct simulcrypt_encoder simulcrypt_encode_compound_begin(struct simulcrypt_encoder *encoder, uint16_t tag);
void simulcrypt_encode_compound_end(struct simulcrypt_encoder *encoder,
                                    const struct simulcrypt_encoder *compound);
/* The message's size; -EINVAL where the table does not allow it, -ENOSPC where the buffer is too small. */
ptrdiff_t simulcrypt_encode_end(struct simulcrypt_encoder *encoder);

#endif
