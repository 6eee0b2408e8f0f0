/* SPDX-License-Identifier: GPL-3.0-or-later */
/* simulcrypt/ecmg_scs.h: values that both ends of ECMG ⇔ SCS share (ETSI TS 103 197, clause 5). */
#ifndef SIMULCRYPT_ECMG_SCS_H
#define SIMULCRYPT_ECMG_SCS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIMULCRYPT_CWS_MAX             8    /* CP_CW_combinations of one CW_provision */
#define SIMULCRYPT_ACCESS_CRITERIA_MAX 1024 /* bytes */
#define SIMULCRYPT_ECM_DATAGRAM_MAX    (24 * 188)

/* channel_status. Times in ms unless said; signed ones are relative to a crypto-period's start or end. */
struct simulcrypt_channel_status {
    bool packets; /* section_TSpkt_flag: ECM_datagrams are TS packets */
    bool has_ac_delay_start, has_ac_delay_stop, has_transition_delay_start, has_transition_delay_stop;
    int16_t ac_delay_start, ac_delay_stop;
    int16_t delay_start, delay_stop;
    int16_t transition_delay_start, transition_delay_stop;
    uint16_t ecm_rep_period;
    uint16_t max_streams;     /* 0: no limit known */
    uint16_t min_cp_duration; /* × 100 ms */
    uint8_t lead_cw;
    uint8_t cw_per_msg;
    uint16_t max_comp_time;
};

struct simulcrypt_cp_cw {
    uint16_t cp_number;
    uint8_t cw_size;   /* bytes */
    const uint8_t *cw; /* secret; valid during the call it is handed to */
};

struct simulcrypt_cw_provision {
    uint16_t cp_number;
    uint16_t cp_duration; /* × 100 ms, 0: absent */
    uint8_t cw_count;
    struct simulcrypt_cp_cw cws[SIMULCRYPT_CWS_MAX];
    bool has_access_criteria;
    uint16_t access_criteria_size;
    const uint8_t *access_criteria;
};

/* error_status (Table 6); X(name, number, text) */
#define SIMULCRYPT_ECMG_ERROR_MAP(X)                                                                         \
    X(INVALID_MESSAGE, 0x0001, "invalid message")                                                            \
    X(UNSUPPORTED_VERSION, 0x0002, "unsupported protocol version")                                           \
    X(UNKNOWN_MESSAGE, 0x0003, "unknown message_type")                                                       \
    X(MESSAGE_TOO_LONG, 0x0004, "message too long")                                                          \
    X(UNKNOWN_SUPER_CAS_ID, 0x0005, "unknown Super_CAS_id")                                                  \
    X(UNKNOWN_CHANNEL, 0x0006, "unknown ECM_channel_id")                                                     \
    X(UNKNOWN_STREAM, 0x0007, "unknown ECM_stream_id")                                                       \
    X(TOO_MANY_CHANNELS, 0x0008, "too many channels on this ECMG")                                           \
    X(TOO_MANY_STREAMS_CHANNEL, 0x0009, "too many ECM streams on this channel")                              \
    X(TOO_MANY_STREAMS, 0x000A, "too many ECM streams on this ECMG")                                         \
    X(NOT_ENOUGH_CWS, 0x000B, "not enough control words to compute ECM")                                     \
    X(OUT_OF_STORAGE, 0x000C, "ECMG out of storage capacity")                                                \
    X(OUT_OF_RESOURCES, 0x000D, "ECMG out of computational resources")                                       \
    X(UNKNOWN_PARAMETER, 0x000E, "unknown parameter_type")                                                   \
    X(INCONSISTENT_LENGTH, 0x000F, "inconsistent parameter length")                                          \
    X(MISSING_PARAMETER, 0x0010, "missing mandatory parameter")                                              \
    X(INVALID_VALUE, 0x0011, "invalid parameter value")                                                      \
    X(UNKNOWN_ECM_ID, 0x0012, "unknown ECM_id")                                                              \
    X(CHANNEL_IN_USE, 0x0013, "ECM_channel_id already in use")                                               \
    X(STREAM_IN_USE, 0x0014, "ECM_stream_id already in use")                                                 \
    X(ECM_ID_IN_USE, 0x0015, "ECM_id already in use")                                                        \
    X(UNKNOWN_ERROR, 0x7000, "unknown error")                                                                \
    X(UNRECOVERABLE, 0x7001, "unrecoverable error")

enum simulcrypt_ecmg_error {
    SIMULCRYPT_ECMG_OK = 0,
#define X(name, number, text) SIMULCRYPT_ECMG_##name = number,
    SIMULCRYPT_ECMG_ERROR_MAP(X)
#undef X
};

/* Never NULL; a user-defined or reserved number gives a general text. */
const char *simulcrypt_ecmg_error_text(uint16_t error_status);

#endif
