/* SPDX-License-Identifier: GPL-3.0-or-later */
/* simulcrypt/table.h: inside the room: how an interface's table is written down. Constants.
 *
 * An interface's header lists its messages, parameters and errors in three maps; its C file writes one array
 * rules_MESSAGE per message, in the order in which the parameters are sent, with the words below. They expect
 * RULE_TAG(name) to be the tag of a parameter's name. */
#ifndef SIMULCRYPT_TABLE_H
#define SIMULCRYPT_TABLE_H

#include "simulcrypt/message.h"

#define COUNT_OF(array) (sizeof(array) / sizeof(*(array)))

#define RULE(name, least, greatest, since)                                                                   \
    {                                                                                                        \
        RULE_TAG(name), least, greatest, since                                                               \
    }
#define P(name)                RULE(name, 1, 1, 0)
#define P_OPTIONAL(name)       RULE(name, 0, 1, 0)
#define P_SINCE(name, version) RULE(name, 1, 1, version)
#define P_ONE_OR_MORE(name)    RULE(name, 1, SIMULCRYPT_MANY, 0)
#define P_ANY(name)            RULE(name, 0, SIMULCRYPT_MANY, 0)
#define P_ERRORS               P_ONE_OR_MORE(ERROR_STATUS), P_ANY(ERROR_INFORMATION)
#define RULES(message, ...)    static const struct simulcrypt_rule rules_##message[] = {__VA_ARGS__}

/* Elements of the three arrays, for the maps. */
#define MESSAGE_TYPE(name, number, text, sender, is_error)                                                   \
    {number, SIMULCRYPT_##sender, is_error, #text, rules_##text, COUNT_OF(rules_##text)},
#define PARAMETER_TYPE(name, number, text, kind, least, greatest)                                            \
    {number, SIMULCRYPT_##kind, least, greatest, #text, NULL},
#define ERROR_TYPE(name, number, text) {number, text},

/* Members of struct simulcrypt_interface. */
#define INTERFACE_TABLES                                                                                     \
    .parameters = parameters, .parameter_count = COUNT_OF(parameters), .messages = messages,                 \
    .message_count = COUNT_OF(messages), .error_types = error_types, .error_count = COUNT_OF(error_types)

/* What is called the same everywhere; FAULT_ERROR(name) is an error's number, ROLE_TYPE(name) a message's. */
#define INTERFACE_FAULTS                                                                                     \
    [SIMULCRYPT_FAULT_INVALID_MESSAGE] = FAULT_ERROR(INVALID_MESSAGE),                                       \
    [SIMULCRYPT_FAULT_VERSION] = FAULT_ERROR(UNSUPPORTED_VERSION),                                           \
    [SIMULCRYPT_FAULT_UNKNOWN_MESSAGE] = FAULT_ERROR(UNKNOWN_MESSAGE),                                       \
    [SIMULCRYPT_FAULT_TOO_LONG] = FAULT_ERROR(MESSAGE_TOO_LONG),                                             \
    [SIMULCRYPT_FAULT_LENGTH] = FAULT_ERROR(INCONSISTENT_LENGTH),                                            \
    [SIMULCRYPT_FAULT_MISSING_PARAMETER] = FAULT_ERROR(MISSING_PARAMETER),                                   \
    [SIMULCRYPT_FAULT_VALUE] = FAULT_ERROR(INVALID_VALUE),                                                   \
    [SIMULCRYPT_FAULT_UNKNOWN_CHANNEL] = FAULT_ERROR(UNKNOWN_CHANNEL),                                       \
    [SIMULCRYPT_FAULT_CHANNEL_IN_USE] = FAULT_ERROR(CHANNEL_IN_USE)
#define INTERFACE_STREAM_FAULTS                                                                              \
    [SIMULCRYPT_FAULT_UNKNOWN_STREAM] = FAULT_ERROR(UNKNOWN_STREAM),                                         \
    [SIMULCRYPT_FAULT_STREAM_IN_USE] = FAULT_ERROR(STREAM_IN_USE),                                           \
    [SIMULCRYPT_FAULT_TOO_MANY_STREAMS] = FAULT_ERROR(TOO_MANY_STREAMS_CHANNEL)
#define INTERFACE_CHANNEL_ROLES                                                                              \
    [SIMULCRYPT_CHANNEL_SETUP] = ROLE_TYPE(CHANNEL_SETUP),                                                   \
    [SIMULCRYPT_CHANNEL_TEST] = ROLE_TYPE(CHANNEL_TEST),                                                     \
    [SIMULCRYPT_CHANNEL_STATUS] = ROLE_TYPE(CHANNEL_STATUS),                                                 \
    [SIMULCRYPT_CHANNEL_CLOSE] = ROLE_TYPE(CHANNEL_CLOSE),                                                   \
    [SIMULCRYPT_CHANNEL_ERROR] = ROLE_TYPE(CHANNEL_ERROR)
#define INTERFACE_STREAM_ROLES                                                                               \
    [SIMULCRYPT_STREAM_SETUP] = ROLE_TYPE(STREAM_SETUP), [SIMULCRYPT_STREAM_TEST] = ROLE_TYPE(STREAM_TEST),  \
    [SIMULCRYPT_STREAM_STATUS] = ROLE_TYPE(STREAM_STATUS),                                                   \
    [SIMULCRYPT_STREAM_ERROR] = ROLE_TYPE(STREAM_ERROR)

#endif
