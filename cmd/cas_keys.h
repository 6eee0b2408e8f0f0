/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd/cas_keys.h: rows for tables of keys whose structure begins with a struct cmd_cas_use. Private to the
 * configurations of cmd/. */
#ifndef CMD_CAS_KEYS_H
#define CMD_CAS_KEYS_H

#include "cmd/cas_config.h"
#include "ts/packet.h"

int cmd_cas_parse_access_criteria(const char *text, void *into);
int cmd_cas_parse_private_data(const char *text, void *into);

#define CMD_CAS_USE(member)                                                                                  \
    .offset = offsetof(struct cmd_cas_use, member), .size = sizeof(((struct cmd_cas_use *)0)->member)
#define CMD_CAS_USE_HAS(member) .given = offsetof(struct cmd_cas_use, has_##member)

#define CMD_CAS_ACCESS_CRITERIA                                                                              \
    {                                                                                                        \
        "access_criteria", .kind = BASE_YAML_PARSED, .parse = cmd_cas_parse_access_criteria,                 \
                           .expected = "is not at most 1024 bytes as hexadecimal digits",                    \
                           CMD_CAS_USE_HAS(access_criteria)                                                  \
    }
#define CMD_CAS_PRIVATE_DATA                                                                                 \
    {                                                                                                        \
        "private_data", .kind = BASE_YAML_PARSED, .parse = cmd_cas_parse_private_data,                       \
                        .expected = "is not at most 64 bytes as hexadecimal digits",                         \
                        CMD_CAS_USE_HAS(private_data)                                                        \
    }
#define CMD_CAS_ECM_ID                                                                                       \
    {                                                                                                        \
        "ecm_id", CMD_CAS_USE(ecm_id), .kind = BASE_YAML_NUMBER, .minimum = 0, .maximum = UINT16_MAX         \
    }
#define CMD_CAS_ECM_PID                                                                                      \
    {                                                                                                        \
        "ecm_pid", CMD_CAS_USE(ecm_pid), .kind = BASE_YAML_NUMBER, .minimum = TS_PID_FIRST,                  \
                                         .maximum = TS_PID_NULL - 1                                          \
    }
#define CMD_CAS_FLAG(member)                                                                                 \
    {                                                                                                        \
#member, CMD_CAS_USE(member), .kind = BASE_YAML_BOOLEAN, .words = base_yaml_booleans,                \
                                      CMD_CAS_USE_HAS(member)                                                \
    }
#define CMD_CAS_TERMS                                                                                        \
    CMD_CAS_ACCESS_CRITERIA, CMD_CAS_ECM_ID, CMD_CAS_ECM_PID, CMD_CAS_FLAG(required),                        \
        CMD_CAS_FLAG(allow_late_ecm), CMD_CAS_PRIVATE_DATA

#endif
