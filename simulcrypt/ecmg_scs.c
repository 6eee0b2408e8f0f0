/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ETSI TS 103 197, clause 5: the tables of ECMG ⇔ SCS. */
#include "simulcrypt/ecmg_scs.h"

#include "simulcrypt/ecmg_scs_table.h"

#define P(name)                                                                                              \
    {                                                                                                        \
        SIMULCRYPT_ECMG_P_##name, 1, 1, 0                                                                    \
    }
#define P_OPTIONAL(name)                                                                                     \
    {                                                                                                        \
        SIMULCRYPT_ECMG_P_##name, 0, 1, 0                                                                    \
    }
#define P_SINCE(name, version)                                                                               \
    {                                                                                                        \
        SIMULCRYPT_ECMG_P_##name, 1, 1, version                                                              \
    }
#define P_ONE_OR_MORE(name)                                                                                  \
    {                                                                                                        \
        SIMULCRYPT_ECMG_P_##name, 1, SIMULCRYPT_MANY, 0                                                      \
    }
#define P_ANY(name)                                                                                          \
    {                                                                                                        \
        SIMULCRYPT_ECMG_P_##name, 0, SIMULCRYPT_MANY, 0                                                      \
    }

static const struct simulcrypt_rule rules_channel_setup[] = {P(ECM_CHANNEL_ID), P(SUPER_CAS_ID)};
static const struct simulcrypt_rule rules_channel_test[] = {P(ECM_CHANNEL_ID)};
static const struct simulcrypt_rule rules_channel_status[] = {
    P(ECM_CHANNEL_ID),
    P(SECTION_TSPKT_FLAG),
    P_OPTIONAL(AC_DELAY_START),
    P_OPTIONAL(AC_DELAY_STOP),
    P(DELAY_START),
    P(DELAY_STOP),
    P_OPTIONAL(TRANSITION_DELAY_START),
    P_OPTIONAL(TRANSITION_DELAY_STOP),
    P(ECM_REP_PERIOD),
    P(MAX_STREAMS),
    P(MIN_CP_DURATION),
    P(LEAD_CW),
    P(CW_PER_MSG),
    P(MAX_COMP_TIME),
};
static const struct simulcrypt_rule rules_channel_close[] = {P(ECM_CHANNEL_ID)};
static const struct simulcrypt_rule rules_channel_error[] = {
    P(ECM_CHANNEL_ID),
    P_ONE_OR_MORE(ERROR_STATUS),
    P_ANY(ERROR_INFORMATION),
};
static const struct simulcrypt_rule rules_stream_setup[] = {
    P(ECM_CHANNEL_ID),
    P(ECM_STREAM_ID),
    P_SINCE(ECM_ID, 2),
    P(NOMINAL_CP_DURATION),
};
static const struct simulcrypt_rule rules_stream_test[] = {P(ECM_CHANNEL_ID), P(ECM_STREAM_ID)};
static const struct simulcrypt_rule rules_stream_status[] = {
    P(ECM_CHANNEL_ID),
    P(ECM_STREAM_ID),
    P_SINCE(ECM_ID, 2),
    P(ACCESS_CRITERIA_TRANSFER_MODE),
};
static const struct simulcrypt_rule rules_stream_close_request[] = {P(ECM_CHANNEL_ID), P(ECM_STREAM_ID)};
static const struct simulcrypt_rule rules_stream_close_response[] = {P(ECM_CHANNEL_ID), P(ECM_STREAM_ID)};
static const struct simulcrypt_rule rules_stream_error[] = {
    P(ECM_CHANNEL_ID),
    P(ECM_STREAM_ID),
    P_ONE_OR_MORE(ERROR_STATUS),
    P_ANY(ERROR_INFORMATION),
};
/* CP_CW_combination: CW_per_msg times, which only the sessions know. */
static const struct simulcrypt_rule rules_CW_provision[] = {
    P(ECM_CHANNEL_ID),
    P(ECM_STREAM_ID),
    P(CP_NUMBER),
    P_OPTIONAL(CW_ENCRYPTION),
    P_ONE_OR_MORE(CP_CW_COMBINATION),
    P_OPTIONAL(CP_DURATION),
    P_OPTIONAL(ACCESS_CRITERIA),
};
static const struct simulcrypt_rule rules_ECM_response[] = {
    P(ECM_CHANNEL_ID),
    P(ECM_STREAM_ID),
    P(CP_NUMBER),
    P(ECM_DATAGRAM),
};

#define COUNT_OF(array) (sizeof(array) / sizeof(*(array)))

static const struct simulcrypt_message_type messages[] = {
#define X(name, number, text, sender, is_error)                                                              \
    {number, SIMULCRYPT_##sender, is_error, #text, rules_##text, COUNT_OF(rules_##text)},
    SIMULCRYPT_ECMG_MESSAGE_MAP(X)
#undef X
};

static const struct simulcrypt_parameter_type parameters[] = {
#define X(name, number, text, kind, least, greatest) {number, SIMULCRYPT_##kind, least, greatest, #text},
    SIMULCRYPT_ECMG_PARAMETER_MAP(X)
#undef X
};

const struct simulcrypt_interface simulcrypt_ecmg_scs = {
    .name = "ECMG-SCS",
    .versions = 1u << 1 | 1u << 2 | 1u << 3,
    .parameters = parameters,
    .parameter_count = COUNT_OF(parameters),
    .messages = messages,
    .message_count = COUNT_OF(messages),
    .errors =
        {
            [SIMULCRYPT_FAULT_INVALID_MESSAGE] = SIMULCRYPT_ECMG_INVALID_MESSAGE,
            [SIMULCRYPT_FAULT_VERSION] = SIMULCRYPT_ECMG_UNSUPPORTED_VERSION,
            [SIMULCRYPT_FAULT_UNKNOWN_MESSAGE] = SIMULCRYPT_ECMG_UNKNOWN_MESSAGE,
            [SIMULCRYPT_FAULT_TOO_LONG] = SIMULCRYPT_ECMG_MESSAGE_TOO_LONG,
            [SIMULCRYPT_FAULT_LENGTH] = SIMULCRYPT_ECMG_INCONSISTENT_LENGTH,
            [SIMULCRYPT_FAULT_MISSING_PARAMETER] = SIMULCRYPT_ECMG_MISSING_PARAMETER,
            [SIMULCRYPT_FAULT_VALUE] = SIMULCRYPT_ECMG_INVALID_VALUE,
        },
};

const char *simulcrypt_ecmg_error_text(uint16_t error_status)
{
    switch (error_status) {
#define X(name, number, text)                                                                                \
    case number:                                                                                             \
        return text;
        SIMULCRYPT_ECMG_ERROR_MAP(X)
#undef X
    default:
        return error_status >= 0x8000 ? "user defined error" : "reserved error number";
    }
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
