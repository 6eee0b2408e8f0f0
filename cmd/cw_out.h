/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd/cw_out.h: the file of --cw-out, one of the two places that write control words: mode 0600 from the
 * first byte on.
 *
 * Written as FILE.partial; FILE, be it an old one, is replaced when the run has succeeded. One thread. */
#ifndef CMD_CW_OUT_H
#define CMD_CW_OUT_H

#include <stdio.h>

#include "cmd/options.h"

struct cmd_cw_out {
    FILE *file; /* NULL: not asked for */
    const char *path;
    char *partial; /* NULL: has got its name */
};

/* Nothing for a NULL path. Refused: what is no file (a link included), and the run's own input and output. An
 * exit status, after a message where it is not CMD_EXIT_OK; close in every case. */
int cmd_cw_out_open(struct cmd_cw_out *cw_out, const struct cmd_command *command, const char *path,
                    const char *in, const char *out);
int cmd_cw_out_commit(struct cmd_cw_out *cw_out);

/* Where it was not committed, the partial file goes, unless `keep`: it opens an output that is kept. */
void cmd_cw_out_close(struct cmd_cw_out *cw_out, bool keep);

#endif
