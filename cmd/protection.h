/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd/protection.h: one protected service of a file run: its control words, its group, its line to the ECMG.
 */
#ifndef CMD_PROTECTION_H
#define CMD_PROTECTION_H

#include <stdio.h>

#include "cipher/cipher.h"
#include "cmd/scramble_file.h"
#include "headend/ecmg_client.h"

struct cmd_protection {
    struct keys_slots *slots;
    struct keys_cw_list list;
    struct keys_cw_generator generator;
    struct headend_group *group;
    struct headend_ecmg_client *client; /* NULL without a CAS */
    FILE *cw_out;                       /* borrowed; NULL for none */
    bool cw_out_failed;
    bool was_degraded;
};

/* Service `index` of the run. `ecm_pid` is where its ECMs go. Messages are written; returns an exit status.
 * Clear it in every case. */
int cmd_protection_init(struct cmd_protection *protection, const struct cmd_command *command,
                        const struct scramble_options *options, unsigned index, uint16_t ecm_pid,
                        const struct cipher *cipher, struct base_ring *orders, struct net_loop *loop,
                        FILE *cw_out);
void cmd_protection_clear(struct cmd_protection *protection);

#endif
