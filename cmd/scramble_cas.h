/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd/scramble_cas.h: the CASs of `scramline scramble`: those of a file, or the one of its options. Private
 * to cmd/scramble.c. */
#ifndef CMD_SCRAMBLE_CAS_H
#define CMD_SCRAMBLE_CAS_H

#include "cmd/cas_config.h"
#include "cmd/options.h"

struct scramble_cas_options {
    const char *file;          /* NULL: none */
    struct cmd_host_port ecmg; /* port 0: none */
    uint64_t super_cas_id;
    uint64_t version;
    uint64_t ecm_pid;            /* 0: free ones */
    const char *access_criteria; /* hexadecimal; NULL: none */
    uint64_t timeout_us;
};

/* An exit status; every failure has had its message. No CAS: an empty list. */
int scramble_cas_take(const struct cmd_command *command, const struct scramble_cas_options *options,
                      struct cmd_cas_list *list);

#endif
