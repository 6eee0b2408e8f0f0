/* SPDX-License-Identifier: GPL-3.0-or-later */
/* simulcrypt/emmg_mux.h: EMMG/PDG ⇔ MUX (ETSI TS 103 197, clause 6): what both ends share, and
 * data_provision, which also comes in UDP datagrams.
 *
 * Thread-safe: no state. An EMMG (or a generator of private data, PDG) is known by its client_id; what it
 * sends by (client_id, data_id), from which the MUX's configuration finds a PID. */
#ifndef SIMULCRYPT_EMMG_MUX_H
#define SIMULCRYPT_EMMG_MUX_H

#include "simulcrypt/message.h"

#define SIMULCRYPT_SECTION_MAX 4096 /* bytes of the largest section in a datagram */

enum simulcrypt_data_type {
    SIMULCRYPT_DATA_EMM = 0,
    SIMULCRYPT_DATA_PRIVATE = 1,
    SIMULCRYPT_DATA_ECM = 2 /* reserved for ECMs */
};

/* What stream_setup says of a stream. */
struct simulcrypt_data_stream {
    uint16_t stream_id;
    uint16_t data_id; /* 0 where a version 1 peer gives none */
    uint8_t data_type;
};

/* error_status (Table 8); numbers differ from those of ECMG ⇔ SCS. X(name, number, text) */
#define SIMULCRYPT_EMMG_ERROR_MAP(X)                                                                         \
    X(INVALID_MESSAGE, 0x0001, "invalid message")                                                            \
    X(UNSUPPORTED_VERSION, 0x0002, "unsupported protocol version")                                           \
    X(UNKNOWN_MESSAGE, 0x0003, "unknown message_type")                                                       \
    X(MESSAGE_TOO_LONG, 0x0004, "message too long")                                                          \
    X(UNKNOWN_STREAM, 0x0005, "unknown data_stream_id")                                                      \
    X(UNKNOWN_CHANNEL, 0x0006, "unknown data_channel_id")                                                    \
    X(TOO_MANY_CHANNELS, 0x0007, "too many channels on this MUX")                                            \
    X(TOO_MANY_STREAMS_CHANNEL, 0x0008, "too many data streams on this channel")                             \
    X(TOO_MANY_STREAMS, 0x0009, "too many data streams on this MUX")                                         \
    X(UNKNOWN_PARAMETER, 0x000A, "unknown parameter_type")                                                   \
    X(INCONSISTENT_LENGTH, 0x000B, "inconsistent parameter length")                                          \
    X(MISSING_PARAMETER, 0x000C, "missing mandatory parameter")                                              \
    X(INVALID_VALUE, 0x000D, "invalid parameter value")                                                      \
    X(UNKNOWN_CLIENT, 0x000E, "unknown client_id")                                                           \
    X(EXCEEDED_BANDWIDTH, 0x000F, "exceeded bandwidth")                                                      \
    X(UNKNOWN_DATA_ID, 0x0010, "unknown data_id")                                                            \
    X(CHANNEL_IN_USE, 0x0011, "data_channel_id already in use")                                              \
    X(STREAM_IN_USE, 0x0012, "data_stream_id already in use")                                                \
    X(DATA_ID_IN_USE, 0x0013, "data_id already in use")                                                      \
    X(CLIENT_IN_USE, 0x0014, "client_id already in use")                                                     \
    X(UNKNOWN_ERROR, 0x7000, "unknown error")                                                                \
    X(UNRECOVERABLE, 0x7001, "unrecoverable error")

enum simulcrypt_emmg_error {
    SIMULCRYPT_EMMG_OK = 0,
#define X(name, number, text) SIMULCRYPT_EMMG_##name = number,
    SIMULCRYPT_EMMG_ERROR_MAP(X)
#undef X
};

/* Never NULL; a user-defined or reserved number gives a general text. */
const char *simulcrypt_emmg_error_text(uint16_t error_status);

/* One data_provision. Over TCP it names channel and stream; over UDP the standard leaves both out, but some
 * EMMGs send them there, too: they are told here and mean nothing. */
struct simulcrypt_data_provision {
    uint32_t client_id;
    uint16_t data_id; /* 0 where a version 1 peer gives none */
    bool has_ids;     /* both that follow */
    uint16_t channel_id, stream_id;
};

struct simulcrypt_datagram {
    const uint8_t *bytes;
    size_t size;
};

/* Whether a datagram is what its format asks for: one whole section, or whole TS packets. ANNEX_N: anything
 * but nothing. */
bool simulcrypt_datagram_is_sound(enum simulcrypt_format format, const uint8_t *bytes, size_t size);

/* A UDP datagram that came: 0 and its datagrams from simulcrypt_data_provision_next(), or BASE_E_MALFORMED
 * for anything but a data_provision. `message` points into `bytes`. */
int simulcrypt_data_provision_read(const void *bytes, size_t size, struct simulcrypt_message *message,
                                   struct simulcrypt_data_provision *provision);
/* The first datagram where `after.value` is NULL, else the next; value NULL after the last. */
struct simulcrypt_field simulcrypt_data_provision_next(const struct simulcrypt_message *message,
                                                       struct simulcrypt_field after);
/* Bits of all its datagrams; BASE_E_MALFORMED where one is unsound. */
int64_t simulcrypt_data_provision_bits(const struct simulcrypt_message *message,
                                       enum simulcrypt_format format);
/* The message's size; -EINVAL for no datagrams, -ENOSPC. Of `size` 65507 at most goes through UDP. */
ptrdiff_t simulcrypt_data_provision_write(uint8_t version, const struct simulcrypt_data_provision *provision,
                                          const struct simulcrypt_datagram *datagrams, size_t count,
                                          void *bytes, size_t size);

#endif
