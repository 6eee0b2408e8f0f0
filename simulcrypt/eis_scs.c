/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ETSI TS 103 197, clause 10: the tables of EIS ⇔ SCS. */
#include "simulcrypt/eis_scs_table.h"
#include "simulcrypt/table.h"

#define RULE_TAG(name)    SIMULCRYPT_EIS_P_##name
#define ROLE_TYPE(name)   SIMULCRYPT_EIS_M_##name
#define FAULT_ERROR(name) SIMULCRYPT_EIS_##name

#define CHANNEL P(EIS_CHANNEL_ID)
#define SCG     P(EIS_CHANNEL_ID), P(SCG_ID)

RULES(channel_setup, CHANNEL);
RULES(channel_test, CHANNEL);
RULES(channel_status, CHANNEL, P(SERVICE_FLAG), P(COMPONENT_FLAG), P(MAX_SCG), P_OPTIONAL(CP_DURATION_FLAG));
RULES(channel_close, CHANNEL);
RULES(channel_error, CHANNEL, P_ERRORS, P_ANY(ERROR_DESCRIPTION));
RULES(channel_reset, CHANNEL);
RULES(SCG_provision, SCG, P(TRANSPORT_STREAM_ID), P_SINCE(ORIGINAL_NETWORK_ID, 3), P(SCG_REFERENCE_ID),
      P_OPTIONAL(ACTIVATION_TIME), P_OPTIONAL(RECOMMENDED_CP_DURATION), P_ANY(SERVICE_ID),
      P_ANY(COMPONENT_ID), P_ANY(ECM_GROUP));
RULES(SCG_test, SCG);
RULES(SCG_status, SCG, P(SCG_CURRENT_REFERENCE_ID), P_OPTIONAL(SCG_PENDING_REFERENCE_ID),
      P(ACTIVATION_PENDING_FLAG), P_OPTIONAL(SCG_NOMINAL_CP_DURATION));
/* SCG_reference_id: absent where the message at fault had none. */
RULES(SCG_error, SCG, P_OPTIONAL(SCG_REFERENCE_ID), P_ERRORS, P_ANY(ERROR_DESCRIPTION));
RULES(SCG_list_request, CHANNEL);
RULES(SCG_list_response, CHANNEL, P_ANY(SCG_ID));

/* In the order seen from an EIS in the field. */
RULES(ECM_Group, P(ECM_ID), P(SUPER_CAS_ID), P_OPTIONAL(ACCESS_CRITERIA), P(AC_CHANGED_FLAG));
static const struct simulcrypt_message_type ecm_group = {
    .name = "ECM_Group", .rules = rules_ECM_Group, .rule_count = COUNT_OF(rules_ECM_Group)};

static const struct simulcrypt_message_type messages[] = {SIMULCRYPT_EIS_MESSAGE_MAP(MESSAGE_TYPE)};
static const struct simulcrypt_error_type error_types[] = {SIMULCRYPT_EIS_ERROR_MAP(ERROR_TYPE)};
static const struct simulcrypt_parameter_type parameters[] = {
#define X(name, number, text, kind, least, greatest)                                                         \
    {number, SIMULCRYPT_##kind,                                                                              \
     least,  greatest,                                                                                       \
     #text,  SIMULCRYPT_##kind == SIMULCRYPT_COMPOUND ? &ecm_group : NULL},
    SIMULCRYPT_EIS_PARAMETER_MAP(X)
#undef X
};

const struct simulcrypt_interface simulcrypt_eis_scs = {
    .name = "EIS-SCS",
    .versions = 1u << 2 | 1u << 3 | 1u << 4,
    INTERFACE_TABLES,
    .errors = {INTERFACE_FAULTS, [SIMULCRYPT_FAULT_UNKNOWN_STREAM] = SIMULCRYPT_EIS_UNKNOWN_SCG,
               [SIMULCRYPT_FAULT_STORAGE] = SIMULCRYPT_EIS_UNKNOWN_ERROR},
    .roles = {INTERFACE_CHANNEL_ROLES, [SIMULCRYPT_STREAM_ERROR] = ROLE_TYPE(SCG_ERROR)},
    .channel_tag = SIMULCRYPT_EIS_P_EIS_CHANNEL_ID,
    .stream_tag = SIMULCRYPT_EIS_P_SCG_ID,
    .echo_tag = SIMULCRYPT_EIS_P_SCG_REFERENCE_ID,
};

const char *simulcrypt_eis_error_text(uint16_t error_status)
{
    return simulcrypt_error_text(&simulcrypt_eis_scs, error_status);
}
