/* SPDX-License-Identifier: GPL-3.0-or-later */
/* simulcrypt/emmg_mux_table.h: EMMG/PDG ⇔ MUX on the wire: codes of messages and parameters (ETSI TS 103 197,
 * clause 6).
 *
 * Thread-safe: constants. Numbers have a meaning on this interface alone. */
#ifndef SIMULCRYPT_EMMG_MUX_TABLE_H
#define SIMULCRYPT_EMMG_MUX_TABLE_H

#include "simulcrypt/emmg_mux.h"

/* X(name, number, name in the standard, sender, is_error) */
#define SIMULCRYPT_EMMG_MESSAGE_MAP(X)                                                                       \
    X(CHANNEL_SETUP, 0x0011, channel_setup, FROM_CLIENT, false)                                              \
    X(CHANNEL_TEST, 0x0012, channel_test, FROM_BOTH, false)                                                  \
    X(CHANNEL_STATUS, 0x0013, channel_status, FROM_BOTH, false)                                              \
    X(CHANNEL_CLOSE, 0x0014, channel_close, FROM_CLIENT, false)                                              \
    X(CHANNEL_ERROR, 0x0015, channel_error, FROM_BOTH, true)                                                 \
    X(STREAM_SETUP, 0x0111, stream_setup, FROM_CLIENT, false)                                                \
    X(STREAM_TEST, 0x0112, stream_test, FROM_BOTH, false)                                                    \
    X(STREAM_STATUS, 0x0113, stream_status, FROM_BOTH, false)                                                \
    X(STREAM_CLOSE_REQUEST, 0x0114, stream_close_request, FROM_CLIENT, false)                                \
    X(STREAM_CLOSE_RESPONSE, 0x0115, stream_close_response, FROM_SERVER, false)                              \
    X(STREAM_ERROR, 0x0116, stream_error, FROM_BOTH, true)                                                   \
    X(STREAM_BW_REQUEST, 0x0117, stream_BW_request, FROM_CLIENT, false)                                      \
    X(STREAM_BW_ALLOCATION, 0x0118, stream_BW_allocation, FROM_SERVER, false)                                \
    X(DATA_PROVISION, 0x0211, data_provision, FROM_CLIENT, false)

/* X(name, number, name in the standard, kind, least size, greatest size) */
#define SIMULCRYPT_EMMG_PARAMETER_MAP(X)                                                                     \
    X(CLIENT_ID, 0x0001, client_id, NUMBER, 4, 4)                                                            \
    X(SECTION_TSPKT_FLAG, 0x0002, section_TSpkt_flag, FORMAT, 1, 1)                                          \
    X(DATA_CHANNEL_ID, 0x0003, data_channel_id, NUMBER, 2, 2)                                                \
    X(DATA_STREAM_ID, 0x0004, data_stream_id, NUMBER, 2, 2)                                                  \
    X(DATAGRAM, 0x0005, datagram, BYTES, 0, UINT16_MAX)                                                      \
    X(BANDWIDTH, 0x0006, bandwidth, NUMBER, 2, 2)                                                            \
    X(DATA_TYPE, 0x0007, data_type, NUMBER, 1, 1)                                                            \
    X(DATA_ID, 0x0008, data_id, NUMBER, 2, 2)                                                                \
    X(ERROR_STATUS, 0x7000, error_status, NUMBER, 2, 2)                                                      \
    X(ERROR_INFORMATION, 0x7001, error_information, BYTES, 0, UINT16_MAX)

enum simulcrypt_emmg_message {
#define X(name, number, text, sender, is_error) SIMULCRYPT_EMMG_M_##name = number,
    SIMULCRYPT_EMMG_MESSAGE_MAP(X)
#undef X
};

enum simulcrypt_emmg_parameter {
#define X(name, number, text, kind, least, greatest) SIMULCRYPT_EMMG_P_##name = number,
    SIMULCRYPT_EMMG_PARAMETER_MAP(X)
#undef X
};

/* The EMMG or PDG is the client. */
extern const struct simulcrypt_interface simulcrypt_emmg_mux;

/* Inside the room: stream_setup and stream_status, all parameters but the ids of client, channel and stream.
 */
void simulcrypt__write_data_stream(struct simulcrypt_encoder *encoder,
                                   const struct simulcrypt_data_stream *stream);

#endif
