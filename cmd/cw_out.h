/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd/cw_out.h: the file of --cw-out, one of the two places that write control words: mode 0600 from the
 * first byte on.
 *
 * Written as FILE.partial; FILE, be it an old one, is replaced when the run has succeeded. It lists the CWs
 * of the crypto-periods that have begun: how far ahead an ECMG answered before the end changes nothing. One
 * thread. */
#ifndef CMD_CW_OUT_H
#define CMD_CW_OUT_H

#include <stdio.h>

#include "base/secret.h"
#include "cmd/options.h"
#include "keys/slots.h"

struct cmd_cw_out {
    FILE *file; /* NULL: not asked for */
    const char *path;
    char *partial; /* NULL: has got its name */
    unsigned waiting_count;
    struct {
        uint64_t start; /* 27 MHz ticks */
        struct base_secret cw;
    } waiting[KEYS_SLOTS]; /* published, not begun; oldest first */
};

/* Nothing for a NULL path. Refused: what is no file (a link included), and the run's own input and output. An
 * exit status, after a message where it is not CMD_EXIT_OK; close in every case, which wipes. */
int cmd_cw_out_open(struct cmd_cw_out *cw_out, const struct cmd_command *command, const char *path,
                    const char *in, const char *out);

/* A crypto-period with this CW begins at `start`. */
void cmd_cw_out_add(struct cmd_cw_out *cw_out, uint64_t start, const struct base_secret *cw);
/* Source time is `now`: lists those that have begun, a line each. A failed write shows at commit. */
void cmd_cw_out_reach(struct cmd_cw_out *cw_out, uint64_t now);

int cmd_cw_out_commit(struct cmd_cw_out *cw_out);

/* Where it was not committed, the partial file goes, unless `keep`: it opens an output that is kept. */
void cmd_cw_out_close(struct cmd_cw_out *cw_out, bool keep);

#endif
