/* SPDX-License-Identifier: GPL-3.0-or-later */
/* simulcrypt/eis_scs_table.h: EIS ⇔ SCS on the wire: codes of messages and parameters (ETSI TS 103 197,
 * clause 10).
 *
 * Thread-safe: constants. Numbers have a meaning on this interface alone. */
#ifndef SIMULCRYPT_EIS_SCS_TABLE_H
#define SIMULCRYPT_EIS_SCS_TABLE_H

#include "simulcrypt/eis_scs.h"
#include "simulcrypt/message.h"

#define SIMULCRYPT_EIS_MESSAGE_MAX (SIMULCRYPT_HEADER_SIZE + UINT16_MAX)

/* X(name, number, name in the standard, sender, is_error) */
#define SIMULCRYPT_EIS_MESSAGE_MAP(X)                                                                        \
    X(CHANNEL_SETUP, 0x0401, channel_setup, FROM_CLIENT, false)                                              \
    X(CHANNEL_TEST, 0x0402, channel_test, FROM_BOTH, false)                                                  \
    X(CHANNEL_STATUS, 0x0403, channel_status, FROM_BOTH, false)                                              \
    X(CHANNEL_CLOSE, 0x0404, channel_close, FROM_CLIENT, false)                                              \
    X(CHANNEL_ERROR, 0x0405, channel_error, FROM_BOTH, true)                                                 \
    X(CHANNEL_RESET, 0x0406, channel_reset, FROM_CLIENT, false)                                              \
    X(SCG_PROVISION, 0x0408, SCG_provision, FROM_CLIENT, false)                                              \
    X(SCG_TEST, 0x0409, SCG_test, FROM_CLIENT, false)                                                        \
    X(SCG_STATUS, 0x040A, SCG_status, FROM_SERVER, false)                                                    \
    X(SCG_ERROR, 0x040B, SCG_error, FROM_SERVER, true)                                                       \
    X(SCG_LIST_REQUEST, 0x040C, SCG_list_request, FROM_CLIENT, false)                                        \
    X(SCG_LIST_RESPONSE, 0x040D, SCG_list_response, FROM_SERVER, false)

/* X(name, number, name in the standard, kind, least size, greatest size) */
#define SIMULCRYPT_EIS_PARAMETER_MAP(X)                                                                      \
    X(EIS_CHANNEL_ID, 0x0001, EIS_channel_id, NUMBER, 2, 2)                                                  \
    X(SERVICE_FLAG, 0x0002, service_flag, BOOLEAN, 1, 1)                                                     \
    X(COMPONENT_FLAG, 0x0003, component_flag, BOOLEAN, 1, 1)                                                 \
    X(MAX_SCG, 0x0004, max_SCG, NUMBER, 2, 2)                                                                \
    X(ECM_GROUP, 0x0005, ECM_Group, COMPOUND, 0, UINT16_MAX)                                                 \
    X(SCG_ID, 0x0006, SCG_id, NUMBER, 2, 2)                                                                  \
    X(SCG_REFERENCE_ID, 0x0007, SCG_reference_id, NUMBER, 4, 4)                                              \
    X(SUPER_CAS_ID, 0x0008, Super_CAS_id, NUMBER, 4, 4)                                                      \
    X(ECM_ID, 0x0009, ECM_id, NUMBER, 2, 2)                                                                  \
    X(ACCESS_CRITERIA, 0x000A, access_criteria, BYTES, 0, SIMULCRYPT_EIS_CRITERIA_MAX)                       \
    X(ACTIVATION_TIME, 0x000B, activation_time, BYTES, SIMULCRYPT_TIME_SIZE, SIMULCRYPT_TIME_SIZE)           \
    X(ACTIVATION_PENDING_FLAG, 0x000C, activation_pending_flag, BOOLEAN, 1, 1)                               \
    X(COMPONENT_ID, 0x000D, component_id, NUMBER, 2, 2)                                                      \
    X(SERVICE_ID, 0x000E, service_id, NUMBER, 2, 2)                                                          \
    X(TRANSPORT_STREAM_ID, 0x000F, transport_stream_id, NUMBER, 2, 2)                                        \
    X(AC_CHANGED_FLAG, 0x0010, AC_changed_flag, BOOLEAN, 1, 1)                                               \
    X(SCG_CURRENT_REFERENCE_ID, 0x0011, SCG_current_reference_id, NUMBER, 4, 4)                              \
    X(SCG_PENDING_REFERENCE_ID, 0x0012, SCG_pending_reference_id, NUMBER, 4, 4)                              \
    X(CP_DURATION_FLAG, 0x0013, CP_duration_flag, NUMBER, 1, 1)                                              \
    X(RECOMMENDED_CP_DURATION, 0x0014, recommended_CP_duration, NUMBER, 2, 2)                                \
    X(SCG_NOMINAL_CP_DURATION, 0x0015, SCG_nominal_CP_duration, NUMBER, 2, 2)                                \
    X(ORIGINAL_NETWORK_ID, 0x0016, original_network_id, NUMBER, 2, 2)                                        \
    X(ERROR_STATUS, 0x7000, error_status, NUMBER, 2, 2)                                                      \
    X(ERROR_INFORMATION, 0x7001, error_information, BYTES, 0, UINT16_MAX)                                    \
    X(ERROR_DESCRIPTION, 0x7002, error_description, BYTES, 0, UINT16_MAX)

enum simulcrypt_eis_message {
#define X(name, number, text, sender, is_error) SIMULCRYPT_EIS_M_##name = number,
    SIMULCRYPT_EIS_MESSAGE_MAP(X)
#undef X
};

enum simulcrypt_eis_parameter {
#define X(name, number, text, kind, least, greatest) SIMULCRYPT_EIS_P_##name = number,
    SIMULCRYPT_EIS_PARAMETER_MAP(X)
#undef X
};

/* The EIS is the client. */
extern const struct simulcrypt_interface simulcrypt_eis_scs;

/* Inside the room: messages to and from their structs, all parameters but EIS_channel_id and SCG_id. */
void simulcrypt__write_abilities(struct simulcrypt_encoder *encoder,
                                 const struct simulcrypt_scs_abilities *abilities);
void simulcrypt__read_abilities(const struct simulcrypt_message *message,
                                struct simulcrypt_scs_abilities *abilities);
void simulcrypt__write_scg(struct simulcrypt_encoder *encoder, const struct simulcrypt_scg *scg);
/* Points into the message. SIMULCRYPT_EIS_OK, or the error_status to answer with and its
 * error_information. */
uint16_t simulcrypt__read_scg(const struct simulcrypt_message *message, struct simulcrypt_scg *scg,
                              int *information);
void simulcrypt__write_scg_status(struct simulcrypt_encoder *encoder,
                                  const struct simulcrypt_scg_status *status);
void simulcrypt__read_scg_status(const struct simulcrypt_message *message,
                                 struct simulcrypt_scg_status *status);

#endif
