/* SPDX-License-Identifier: GPL-3.0-or-later */
/* simulcrypt/cpsig_psig.h: C(P)SIG ⇔ (P)SIG on the wire (ETSI TS 103 197, clause 8): a CAS's own generator of
 * (P)SI has private data put into tables (CA_descriptors, say) and hears of PIDs. Constants.
 *
 * Certain: the codes of messages and parameters, the sizes, and that the (P)SIG is the client. UNCERTAIN:
 * which message carries which parameters, and how often. So everything but the ids may come or be missing, in
 * any number, and what is made of it is left to the owners of the sessions. The error numbers beyond the
 * first four are not known either: UNKNOWN_ERROR with the parameter at fault stands for them. */
#ifndef SIMULCRYPT_CPSIG_PSIG_H
#define SIMULCRYPT_CPSIG_PSIG_H

#include "simulcrypt/message.h"

/* X(name, number, name in the standard, sender, is_error). The client is the (P)SIG. */
#define SIMULCRYPT_CPSIG_MESSAGE_MAP(X)                                                                      \
    X(CHANNEL_SETUP, 0x0301, channel_setup, FROM_CLIENT, false)                                              \
    X(CHANNEL_STATUS, 0x0302, channel_status, FROM_BOTH, false)                                              \
    X(CHANNEL_TEST, 0x0303, channel_test, FROM_BOTH, false)                                                  \
    X(CHANNEL_CLOSE, 0x0304, channel_close, FROM_CLIENT, false)                                              \
    X(CHANNEL_ERROR, 0x0305, channel_error, FROM_BOTH, true)                                                 \
    X(STREAM_SETUP, 0x0311, stream_setup, FROM_CLIENT, false)                                                \
    X(STREAM_STATUS, 0x0312, stream_status, FROM_BOTH, false)                                                \
    X(STREAM_TEST, 0x0313, stream_test, FROM_BOTH, false)                                                    \
    X(STREAM_CLOSE, 0x0314, stream_close, FROM_CLIENT, false)                                                \
    X(STREAM_CLOSE_REQUEST, 0x0315, stream_close_request, FROM_SERVER, false)                                \
    X(STREAM_CLOSE_RESPONSE, 0x0316, stream_close_response, FROM_CLIENT, false)                              \
    X(STREAM_ERROR, 0x0317, stream_error, FROM_BOTH, true)                                                   \
    X(STREAM_SERVICE_CHANGE, 0x0318, stream_service_change, FROM_CLIENT, false)                              \
    X(STREAM_TRIGGER_ENABLE_REQUEST, 0x0319, stream_trigger_enable_request, FROM_SERVER, false)              \
    X(STREAM_TRIGGER_ENABLE_RESPONSE, 0x031A, stream_trigger_enable_response, FROM_CLIENT, false)            \
    X(TRIGGER, 0x031B, trigger, FROM_CLIENT, false)                                                          \
    X(TABLE_REQUEST, 0x031C, table_request, FROM_SERVER, false)                                              \
    X(TABLE_RESPONSE, 0x031D, table_response, FROM_CLIENT, false)                                            \
    X(DESCRIPTOR_INSERT_REQUEST, 0x031E, descriptor_insert_request, FROM_SERVER, false)                      \
    X(DESCRIPTOR_INSERT_RESPONSE, 0x031F, descriptor_insert_response, FROM_CLIENT, false)                    \
    X(PID_PROVISION_REQUEST, 0x0320, PID_provision_request, FROM_SERVER, false)                              \
    X(PID_PROVISION_RESPONSE, 0x0321, PID_provision_response, FROM_CLIENT, false)

/* X(name, number, name in the standard, kind, least size, greatest size) */
#define SIMULCRYPT_CPSIG_PARAMETER_MAP(X)                                                                    \
    X(ACCESS_CRITERIA, 0x000D, access_criteria, BYTES, 0, UINT16_MAX)                                        \
    X(BOUQUET_ID, 0x0100, bouquet_id, NUMBER, 2, 2)                                                          \
    X(CA_DESCRIPTOR_INSERTION_MODE, 0x0101, CA_descriptor_insertion_mode, NUMBER, 1, 1)                      \
    X(CUSTOM_CAS_ID, 0x0102, custom_CAS_id, NUMBER, 4, 4)                                                    \
    X(CUSTOM_CHANNEL_ID, 0x0103, custom_channel_id, NUMBER, 2, 2)                                            \
    X(CUSTOM_STREAM_ID, 0x0104, custom_stream_id, NUMBER, 2, 2)                                              \
    X(DESCRIPTOR, 0x0105, descriptor, BYTES, 0, UINT16_MAX)                                                  \
    X(DESCRIPTOR_INSERT_STATUS, 0x0106, descriptor_insert_status, NUMBER, 1, 1)                              \
    X(DURATION, 0x0107, duration, NUMBER, 3, 3)                                                              \
    X(ECM_RELATED_DATA, 0x0108, ECM_related_data, BYTES, 0, UINT16_MAX)                                      \
    X(ES_ID, 0x010B, ES_id, NUMBER, 2, 2)                                                                    \
    X(EVENT_ID, 0x010C, event_id, NUMBER, 2, 2)                                                              \
    X(EVENT_RELATED_DATA, 0x010D, event_related_data, BYTES, 0, UINT16_MAX)                                  \
    X(FLOW_ID, 0x010E, flow_id, NUMBER, 2, 2)                                                                \
    X(FLOW_PID, 0x010F, flow_PID, NUMBER, 2, 2)                                                              \
    X(FLOW_PID_CHANGE_RELATED_DATA, 0x0110, flow_PID_change_related_data, BYTES, 9, 9)                       \
    X(FLOW_SUPER_CAS_ID, 0x0111, flow_super_CAS_id, NUMBER, 4, 4)                                            \
    X(FLOW_TYPE, 0x0112, flow_type, NUMBER, 1, 1)                                                            \
    X(INSERTION_DELAY, 0x0113, insertion_delay, SIGNED, 2, 2)                                                \
    X(INSERTION_DELAY_TYPE, 0x0114, insertion_delay_type, NUMBER, 1, 1)                                      \
    X(LAST_SECTION_INDICATOR, 0x0115, last_section_indicator, BOOLEAN, 1, 1)                                 \
    X(LOCATION_ID, 0x0116, location_id, NUMBER, 1, 1)                                                        \
    X(MAX_COMP_TIME, 0x0117, max_comp_time, NUMBER, 2, 2)                                                    \
    X(MAX_STREAMS, 0x0118, max_streams, NUMBER, 2, 2)                                                        \
    X(MPEG_SECTION, 0x0119, MPEG_section, BYTES, 0, UINT16_MAX)                                              \
    X(NETWORK_ID, 0x011A, network_id, NUMBER, 2, 2)                                                          \
    X(ORIGINAL_NETWORK_ID, 0x011B, original_network_id, NUMBER, 2, 2)                                        \
    X(PRIVATE_DATA, 0x011C, private_data, BYTES, 0, UINT16_MAX)                                              \
    X(PRIVATE_DATA_SPECIFIER, 0x011D, private_data_specifier, NUMBER, 4, 4)                                  \
    X(PSIG_TYPE, 0x011E, PSIG_type, NUMBER, 1, 1) /* "(P)SIG_type" there */                                  \
    X(SEGMENT_NUMBER, 0x011F, segment_number, NUMBER, 1, 1)                                                  \
    X(SERVICE_ID, 0x0120, service_id, NUMBER, 2, 2)                                                          \
    X(SERVICE_PARAMETERS, 0x0121, service_parameters, BYTES, 8, 8)                                           \
    X(START_TIME, 0x0122, start_time, BYTES, 5, 5)                                                           \
    X(STREAM_CHANGE_TIMESTAMP, 0x0123, stream_change_timestamp, BYTES, 5, 5)                                 \
    X(STREAM_CHANGE_TYPE, 0x0124, stream_change_type, NUMBER, 1, 1)                                          \
    X(TABLE_ID, 0x0125, table_id, NUMBER, 1, 1)                                                              \
    X(TRANSACTION_ID, 0x0126, transaction_id, NUMBER, 2, 2)                                                  \
    X(TRANSPORT_STREAM_ID, 0x0127, transport_stream_id, NUMBER, 2, 2)                                        \
    X(TRIGGER_ID, 0x0128, trigger_id, NUMBER, 2, 2)                                                          \
    X(TRIGGER_LIST, 0x0129, trigger_list, NUMBER, 4, 4)                                                      \
    X(TRIGGER_TYPE, 0x012A, trigger_type, NUMBER, 4, 4)                                                      \
    X(PD_RELATED_DATA, 0x012B, PD_related_data, BYTES, 0, UINT16_MAX)                                        \
    X(FLOW_STREAM_TYPE, 0x012C, flow_stream_type, NUMBER, 1, 1)                                              \
    X(ERROR_STATUS, 0x7000, error_status, NUMBER, 2, 2)                                                      \
    X(ERROR_INFORMATION, 0x7001, error_information, BYTES, 0, UINT16_MAX)

/* error_status, as far as it is known. X(name, number, text) */
#define SIMULCRYPT_CPSIG_ERROR_MAP(X)                                                                        \
    X(INVALID_MESSAGE, 0x0001, "invalid message")                                                            \
    X(UNSUPPORTED_VERSION, 0x0002, "unsupported protocol version")                                           \
    X(UNKNOWN_MESSAGE, 0x0003, "unknown message_type")                                                       \
    X(MESSAGE_TOO_LONG, 0x0004, "message too long")                                                          \
    X(UNKNOWN_ERROR, 0x7000, "unknown error")                                                                \
    X(UNRECOVERABLE, 0x7001, "unrecoverable error")

enum simulcrypt_cpsig_error {
    SIMULCRYPT_CPSIG_OK = 0,
#define X(name, number, text) SIMULCRYPT_CPSIG_##name = number,
    SIMULCRYPT_CPSIG_ERROR_MAP(X)
#undef X
};

enum simulcrypt_cpsig_message {
#define X(name, number, text, sender, is_error) SIMULCRYPT_CPSIG_M_##name = number,
    SIMULCRYPT_CPSIG_MESSAGE_MAP(X)
#undef X
};

enum simulcrypt_cpsig_parameter {
#define X(name, number, text, kind, least, greatest) SIMULCRYPT_CPSIG_P_##name = number,
    SIMULCRYPT_CPSIG_PARAMETER_MAP(X)
#undef X
};

extern const struct simulcrypt_interface simulcrypt_cpsig_psig;

#endif
