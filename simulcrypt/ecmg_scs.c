/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ETSI TS 103 197, clause 5: the tables of ECMG ⇔ SCS. */
#include "simulcrypt/ecmg_scs.h"

#include "simulcrypt/ecmg_scs_table.h"
#include "simulcrypt/table.h"

#define RULE_TAG(name)    SIMULCRYPT_ECMG_P_##name
#define ROLE_TYPE(name)   SIMULCRYPT_ECMG_M_##name
#define FAULT_ERROR(name) SIMULCRYPT_ECMG_##name

#define CHANNEL P(ECM_CHANNEL_ID)
#define STREAM  P(ECM_CHANNEL_ID), P(ECM_STREAM_ID)

RULES(channel_setup, CHANNEL, P(SUPER_CAS_ID));
RULES(channel_test, CHANNEL);
RULES(channel_status, CHANNEL, P(SECTION_TSPKT_FLAG), P_OPTIONAL(AC_DELAY_START), P_OPTIONAL(AC_DELAY_STOP),
      P(DELAY_START), P(DELAY_STOP), P_OPTIONAL(TRANSITION_DELAY_START), P_OPTIONAL(TRANSITION_DELAY_STOP),
      P(ECM_REP_PERIOD), P(MAX_STREAMS), P(MIN_CP_DURATION), P(LEAD_CW), P(CW_PER_MSG), P(MAX_COMP_TIME));
RULES(channel_close, CHANNEL);
RULES(channel_error, CHANNEL, P_ERRORS);
RULES(stream_setup, STREAM, P_SINCE(ECM_ID, 2), P(NOMINAL_CP_DURATION));
RULES(stream_test, STREAM);
RULES(stream_status, STREAM, P_SINCE(ECM_ID, 2), P(ACCESS_CRITERIA_TRANSFER_MODE));
RULES(stream_close_request, STREAM);
RULES(stream_close_response, STREAM);
RULES(stream_error, STREAM, P_ERRORS);
/* CP_CW_combination: CW_per_msg times, which only the sessions know. */
RULES(CW_provision, STREAM, P(CP_NUMBER), P_OPTIONAL(CW_ENCRYPTION), P_ONE_OR_MORE(CP_CW_COMBINATION),
      P_OPTIONAL(CP_DURATION), P_OPTIONAL(ACCESS_CRITERIA));
RULES(ECM_response, STREAM, P(CP_NUMBER), P(ECM_DATAGRAM));

static const struct simulcrypt_message_type messages[] = {SIMULCRYPT_ECMG_MESSAGE_MAP(MESSAGE_TYPE)};
static const struct simulcrypt_parameter_type parameters[] = {SIMULCRYPT_ECMG_PARAMETER_MAP(PARAMETER_TYPE)};
static const struct simulcrypt_error_type error_types[] = {SIMULCRYPT_ECMG_ERROR_MAP(ERROR_TYPE)};

const struct simulcrypt_interface simulcrypt_ecmg_scs = {
    .name = "ECMG-SCS",
    .versions = 1u << 1 | 1u << 2 | 1u << 3 | 1u << 5,
    INTERFACE_TABLES,
    .errors = {INTERFACE_FAULTS,
               INTERFACE_STREAM_FAULTS, [SIMULCRYPT_FAULT_STORAGE] = SIMULCRYPT_ECMG_OUT_OF_STORAGE},
    .roles = {INTERFACE_CHANNEL_ROLES,
              INTERFACE_STREAM_ROLES, [SIMULCRYPT_STREAM_CLOSE] = ROLE_TYPE(STREAM_CLOSE_REQUEST),
              [SIMULCRYPT_STREAM_CLOSED] = ROLE_TYPE(STREAM_CLOSE_RESPONSE)},
    .channel_tag = SIMULCRYPT_ECMG_P_ECM_CHANNEL_ID,
    .stream_tag = SIMULCRYPT_ECMG_P_ECM_STREAM_ID,
};

const char *simulcrypt_ecmg_error_text(uint16_t error_status)
{
    return simulcrypt_error_text(&simulcrypt_ecmg_scs, error_status);
}

/* Where each parameter of channel_status lives in the struct; `flag` is its has_ flag, -1 for a mandatory
 * one. */
#define FIELD(tag, field, flag)                                                                              \
    {                                                                                                        \
        SIMULCRYPT_ECMG_P_##tag, offsetof(struct simulcrypt_channel_status, field),                          \
            sizeof(((struct simulcrypt_channel_status *)0)->field), flag                                     \
    }
#define ALWAYS(tag, field) FIELD(tag, field, -1)
#define MAYBE(tag, field)  FIELD(tag, field, (int)offsetof(struct simulcrypt_channel_status, has_##field))

static const struct {
    uint16_t tag;
    size_t offset;
    size_t size;
    int flag;
} status_fields[] = {
    ALWAYS(SECTION_TSPKT_FLAG, packets),
    MAYBE(AC_DELAY_START, ac_delay_start),
    MAYBE(AC_DELAY_STOP, ac_delay_stop),
    ALWAYS(DELAY_START, delay_start),
    ALWAYS(DELAY_STOP, delay_stop),
    MAYBE(TRANSITION_DELAY_START, transition_delay_start),
    MAYBE(TRANSITION_DELAY_STOP, transition_delay_stop),
    ALWAYS(ECM_REP_PERIOD, ecm_rep_period),
    ALWAYS(MAX_STREAMS, max_streams),
    ALWAYS(MIN_CP_DURATION, min_cp_duration),
    ALWAYS(LEAD_CW, lead_cw),
    ALWAYS(CW_PER_MSG, cw_per_msg),
    ALWAYS(MAX_COMP_TIME, max_comp_time),
};

void simulcrypt__write_channel_status(struct simulcrypt_encoder *encoder,
                                      const struct simulcrypt_channel_status *status)
{
    const uint8_t *bytes = (const uint8_t *)status;
    for (size_t i = 0; i < COUNT_OF(status_fields); i++) {
        uint16_t wide = bytes[status_fields[i].offset];
        if (status_fields[i].flag >= 0 && !bytes[status_fields[i].flag])
            continue;
        if (status_fields[i].size == sizeof(wide))
            memcpy(&wide, bytes + status_fields[i].offset, sizeof(wide));
        simulcrypt_encode_number(encoder, status_fields[i].tag, wide);
    }
}

void simulcrypt__read_channel_status(const struct simulcrypt_message *message,
                                     struct simulcrypt_channel_status *status)
{
    uint8_t *bytes = (uint8_t *)status;
    *status = (struct simulcrypt_channel_status){0};
    for (size_t i = 0; i < COUNT_OF(status_fields); i++) {
        uint16_t wide = simulcrypt_message_u16(message, status_fields[i].tag);
        if (status_fields[i].size == sizeof(wide))
            memcpy(bytes + status_fields[i].offset, &wide, sizeof(wide));
        else
            bytes[status_fields[i].offset] = (uint8_t)wide;
        if (status_fields[i].flag >= 0)
            bytes[status_fields[i].flag] = simulcrypt_message_count(message, status_fields[i].tag) > 0;
    }
}

void simulcrypt__write_stream_status(struct simulcrypt_encoder *encoder, uint16_t ecm_id, bool transfer_mode)
{
    if (encoder->version >= 2)
        simulcrypt_encode_number(encoder, SIMULCRYPT_ECMG_P_ECM_ID, ecm_id);
    simulcrypt_encode_number(encoder, SIMULCRYPT_ECMG_P_ACCESS_CRITERIA_TRANSFER_MODE, transfer_mode);
}
