/* SPDX-License-Identifier: GPL-3.0-or-later */
/* simulcrypt/eis_scs.h: EIS ⇔ SCS (ETSI TS 103 197, clause 10): values that both ends share.
 *
 * Thread-safe: no state. The Event Information Scheduler defines Scrambling Control Groups (SCG): services or
 * components of one transport stream that share their control words, and the ECM streams that go with them.
 *
 * Uncertain (docs/simulcrypt.md): instance counts other than ECM_Group's, whether a component_id is a
 * component_tag or a PID, CP_duration_flag and SCG_nominal_CP_duration. */
#ifndef SIMULCRYPT_EIS_SCS_H
#define SIMULCRYPT_EIS_SCS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIMULCRYPT_SCG_CONTENT_MAX    256  /* services, and as many components, of one SCG */
#define SIMULCRYPT_SCG_ECM_GROUPS_MAX 16   /* ECM streams of one SCG */
#define SIMULCRYPT_EIS_CRITERIA_MAX   1024 /* bytes of access_criteria */

/* UTC. */
struct simulcrypt_time {
    uint16_t year;
    uint8_t month, day, hour, minute, second, hundredth;
};

#define SIMULCRYPT_TIME_SIZE 8 /* bytes of an activation_time */

/* False where it is no time. Binary numbers and binary-coded decimals are both read: no year can be meant
 * both ways. */
bool simulcrypt_time_read(struct simulcrypt_time *time, const uint8_t bytes[SIMULCRYPT_TIME_SIZE]);
void simulcrypt_time_write(const struct simulcrypt_time *time, uint8_t bytes[SIMULCRYPT_TIME_SIZE]);
/* Milliseconds since 1970-01-01, 0:00 UTC, without leap seconds; negative before. And back, to 10 ms. */
int64_t simulcrypt_time_to_unix_ms(const struct simulcrypt_time *time);
struct simulcrypt_time simulcrypt_time_from_unix_ms(int64_t unix_ms);

/* channel_status */
struct simulcrypt_scs_abilities {
    bool services;   /* service_flag: SCGs of services can be had */
    bool components; /* component_flag: SCGs of components can be had */
    uint16_t max_scg;
    bool has_cp_duration; /* CP_duration_flag is sent at all */
    uint8_t cp_duration;  /* CP_duration_flag: recommended_CP_duration is heeded (assumed) */
};

/* One ECM stream of an SCG: (Super_CAS_id, ECM_id) names it in the whole headend. */
struct simulcrypt_ecm_group {
    uint32_t super_cas_id;
    uint16_t ecm_id;
    bool ac_changed; /* other access criteria than before: AC_delay_start and AC_delay_stop apply */
    bool has_access_criteria;
    uint16_t access_criteria_size;
    const uint8_t *access_criteria;
};

/* SCG_provision: the whole definition, which replaces what the SCG was. Without content and ECM groups it
 * removes the SCG. */
struct simulcrypt_scg {
    uint16_t scg_id;
    uint32_t reference_id; /* the EIS's name for this definition */
    uint16_t transport_stream_id;
    uint16_t original_network_id; /* 0 below version 3 */
    bool has_activation_time;     /* else as soon as possible */
    struct simulcrypt_time activation_time;
    uint16_t recommended_cp_duration; /* × 100 ms, 0: none */
    uint16_t service_count, component_count, ecm_group_count;
    uint16_t services[SIMULCRYPT_SCG_CONTENT_MAX];
    uint16_t components[SIMULCRYPT_SCG_CONTENT_MAX];
    struct simulcrypt_ecm_group ecm_groups[SIMULCRYPT_SCG_ECM_GROUPS_MAX];
};

static inline bool simulcrypt_scg_is_removal(const struct simulcrypt_scg *scg)
{
    return !scg->service_count && !scg->component_count && !scg->ecm_group_count;
}

/* SCG_status */
struct simulcrypt_scg_status {
    uint16_t scg_id;
    uint32_t current_reference_id; /* 0 where no definition is in force yet (assumed) */
    bool pending;                  /* a definition awaits its activation: */
    uint32_t pending_reference_id;
    uint16_t nominal_cp_duration; /* × 100 ms, 0: not told */
};

/* error_status. X(name, number, text) */
#define SIMULCRYPT_EIS_ERROR_MAP(X)                                                                          \
    X(INVALID_MESSAGE, 0x0001, "invalid message")                                                            \
    X(UNSUPPORTED_VERSION, 0x0002, "unsupported protocol version")                                           \
    X(UNKNOWN_MESSAGE, 0x0003, "unknown message_type")                                                       \
    X(MESSAGE_TOO_LONG, 0x0004, "message too long")                                                          \
    X(INCONSISTENT_LENGTH, 0x0005, "inconsistent parameter length")                                          \
    X(MISSING_PARAMETER, 0x0006, "missing mandatory parameter")                                              \
    X(INVALID_VALUE, 0x0007, "invalid parameter value")                                                      \
    X(UNKNOWN_CHANNEL, 0x0008, "unknown EIS_channel_id")                                                     \
    X(UNKNOWN_SCG, 0x0009, "unknown SCG_id")                                                                 \
    X(TOO_MANY_SCGS, 0x000A, "the maximum of SCGs is already defined")                                       \
    X(NO_SERVICE_SCGS, 0x000B, "SCGs of services are not supported")                                         \
    X(NO_COMPONENT_SCGS, 0x000C, "SCGs of components are not supported")                                     \
    X(ACTIVATION_TOO_SOON, 0x000D, "activation_time may be too soon to be kept")                             \
    X(SPANS_STREAMS, 0x000E, "an SCG cannot span transport streams")                                         \
    X(NO_RESOURCE, 0x000F, "a resource of the SCG does not exist")                                           \
    X(RESOURCE_TAKEN, 0x0010, "a resource is already in another SCG")                                        \
    X(NO_ECM_GROUP, 0x0011, "an SCG has content and no ECM_Group")                                           \
    X(NO_CONTENT, 0x0012, "an SCG has an ECM_Group and no content")                                          \
    X(CHANNEL_IN_USE, 0x0013, "EIS_channel_id already in use")                                               \
    X(UNKNOWN_SUPER_CAS_ID, 0x0014, "unknown Super_CAS_id")                                                  \
    X(UNKNOWN_ERROR, 0x7000, "unknown error")                                                                \
    X(UNRECOVERABLE, 0x7001, "unrecoverable error")

enum simulcrypt_eis_error {
    SIMULCRYPT_EIS_OK = 0,
#define X(name, number, text) SIMULCRYPT_EIS_##name = number,
    SIMULCRYPT_EIS_ERROR_MAP(X)
#undef X
};

/* Never NULL; a user-defined or reserved number gives a general text. */
const char *simulcrypt_eis_error_text(uint16_t error_status);

#endif
