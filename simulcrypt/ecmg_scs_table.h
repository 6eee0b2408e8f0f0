/* SPDX-License-Identifier: GPL-3.0-or-later */
/* simulcrypt/ecmg_scs_table.h: ECMG ⇔ SCS on the wire: codes of messages and parameters (ETSI TS 103 197,
 * clause 5).
 *
 * Thread-safe: constants. Numbers have a meaning on this interface alone. */
#ifndef SIMULCRYPT_ECMG_SCS_TABLE_H
#define SIMULCRYPT_ECMG_SCS_TABLE_H

#include <assert.h>

#include "simulcrypt/ecmg_scs.h"
#include "simulcrypt/message.h"

/* Bytes of the largest message taken. The largest that either end sends is an ECM_response of about 4.5 KiB;
 * the rest is for what the peer may add. */
#define SIMULCRYPT_ECMG_MESSAGE_MAX (16 * 1024)

/* Bytes of the largest message sent. */
#define SIMULCRYPT_ECMG_SENT_MAX (SIMULCRYPT_HEADER_SIZE + 64 + SIMULCRYPT_ECM_DATAGRAM_MAX)
static_assert(SIMULCRYPT_CWS_MAX * (4 + 2 + UINT8_MAX) + SIMULCRYPT_ACCESS_CRITERIA_MAX <=
                  SIMULCRYPT_ECM_DATAGRAM_MAX,
              "the largest CW_provision is smaller than the largest ECM_response");

/* X(name, number, name in the standard, sender, is_error) */
#define SIMULCRYPT_ECMG_MESSAGE_MAP(X)                                                                       \
    X(CHANNEL_SETUP, 0x0001, channel_setup, FROM_CLIENT, false)                                              \
    X(CHANNEL_TEST, 0x0002, channel_test, FROM_BOTH, false)                                                  \
    X(CHANNEL_STATUS, 0x0003, channel_status, FROM_BOTH, false)                                              \
    X(CHANNEL_CLOSE, 0x0004, channel_close, FROM_CLIENT, false)                                              \
    X(CHANNEL_ERROR, 0x0005, channel_error, FROM_BOTH, true)                                                 \
    X(STREAM_SETUP, 0x0101, stream_setup, FROM_CLIENT, false)                                                \
    X(STREAM_TEST, 0x0102, stream_test, FROM_BOTH, false)                                                    \
    X(STREAM_STATUS, 0x0103, stream_status, FROM_BOTH, false)                                                \
    X(STREAM_CLOSE_REQUEST, 0x0104, stream_close_request, FROM_CLIENT, false)                                \
    X(STREAM_CLOSE_RESPONSE, 0x0105, stream_close_response, FROM_SERVER, false)                              \
    X(STREAM_ERROR, 0x0106, stream_error, FROM_BOTH, true)                                                   \
    X(CW_PROVISION, 0x0201, CW_provision, FROM_CLIENT, false)                                                \
    X(ECM_RESPONSE, 0x0202, ECM_response, FROM_SERVER, false)

/* X(name, number, name in the standard, kind, least size, greatest size) */
#define SIMULCRYPT_ECMG_PARAMETER_MAP(X)                                                                     \
    X(SUPER_CAS_ID, 0x0001, Super_CAS_id, NUMBER, 4, 4)                                                      \
    X(SECTION_TSPKT_FLAG, 0x0002, section_TSpkt_flag, FORMAT, 1, 1)                                          \
    X(DELAY_START, 0x0003, delay_start, SIGNED, 2, 2)                                                        \
    X(DELAY_STOP, 0x0004, delay_stop, SIGNED, 2, 2)                                                          \
    X(TRANSITION_DELAY_START, 0x0005, transition_delay_start, SIGNED, 2, 2)                                  \
    X(TRANSITION_DELAY_STOP, 0x0006, transition_delay_stop, SIGNED, 2, 2)                                    \
    X(ECM_REP_PERIOD, 0x0007, ECM_rep_period, NUMBER, 2, 2)                                                  \
    X(MAX_STREAMS, 0x0008, max_streams, NUMBER, 2, 2)                                                        \
    X(MIN_CP_DURATION, 0x0009, min_CP_duration, NUMBER, 2, 2)                                                \
    X(LEAD_CW, 0x000A, lead_CW, NUMBER, 1, 1)                                                                \
    X(CW_PER_MSG, 0x000B, CW_per_msg, NUMBER, 1, 1)                                                          \
    X(MAX_COMP_TIME, 0x000C, max_comp_time, NUMBER, 2, 2)                                                    \
    X(ACCESS_CRITERIA, 0x000D, access_criteria, BYTES, 0, SIMULCRYPT_ACCESS_CRITERIA_MAX)                    \
    X(ECM_CHANNEL_ID, 0x000E, ECM_channel_id, NUMBER, 2, 2)                                                  \
    X(ECM_STREAM_ID, 0x000F, ECM_stream_id, NUMBER, 2, 2)                                                    \
    X(NOMINAL_CP_DURATION, 0x0010, nominal_CP_duration, NUMBER, 2, 2)                                        \
    X(ACCESS_CRITERIA_TRANSFER_MODE, 0x0011, access_criteria_transfer_mode, BOOLEAN, 1, 1)                   \
    X(CP_NUMBER, 0x0012, CP_number, NUMBER, 2, 2)                                                            \
    X(CP_DURATION, 0x0013, CP_duration, NUMBER, 2, 2)                                                        \
    X(CP_CW_COMBINATION, 0x0014, CP_CW_combination, CP_CW, 3, 2 + UINT8_MAX)                                 \
    X(ECM_DATAGRAM, 0x0015, ECM_datagram, BYTES, 0, SIMULCRYPT_ECM_DATAGRAM_MAX)                             \
    X(AC_DELAY_START, 0x0016, AC_delay_start, SIGNED, 2, 2)                                                  \
    X(AC_DELAY_STOP, 0x0017, AC_delay_stop, SIGNED, 2, 2)                                                    \
    X(CW_ENCRYPTION, 0x0018, CW_encryption, BYTES, 0, UINT16_MAX)                                            \
    X(ECM_ID, 0x0019, ECM_id, NUMBER, 2, 2)                                                                  \
    X(ERROR_STATUS, 0x7000, error_status, NUMBER, 2, 2)                                                      \
    X(ERROR_INFORMATION, 0x7001, error_information, BYTES, 0, UINT16_MAX)

enum simulcrypt_ecmg_message {
#define X(name, number, text, sender, is_error) SIMULCRYPT_ECMG_M_##name = number,
    SIMULCRYPT_ECMG_MESSAGE_MAP(X)
#undef X
};

enum simulcrypt_ecmg_parameter {
#define X(name, number, text, kind, least, greatest) SIMULCRYPT_ECMG_P_##name = number,
    SIMULCRYPT_ECMG_PARAMETER_MAP(X)
#undef X
};

/* The SCS is the client. */
extern const struct simulcrypt_interface simulcrypt_ecmg_scs;

/* Inside the room: channel_status to and from its struct, all parameters but ECM_channel_id. */
void simulcrypt__write_channel_status(struct simulcrypt_encoder *encoder,
                                      const struct simulcrypt_channel_status *status);
void simulcrypt__read_channel_status(const struct simulcrypt_message *message,
                                     struct simulcrypt_channel_status *status);

/* Inside the room: stream_status likewise, all parameters but the ids of channel and stream. */
void simulcrypt__write_stream_status(struct simulcrypt_encoder *encoder, uint16_t ecm_id, bool transfer_mode);

/* Inside the room: the first CP of a CW_provision for CP n; it carries CW_per_msg CWs from there on. CP
 * numbers wrap at 65535. */
static inline uint16_t simulcrypt__first_cp(const struct simulcrypt_channel_status *status,
                                            uint16_t cp_number)
{
    return (uint16_t)(cp_number + 1 + status->lead_cw - status->cw_per_msg);
}

#endif
