/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd/gnuplot.h: gnuplot as a child process that draws what a script tells it. One thread. */
#ifndef CMD_GNUPLOT_H
#define CMD_GNUPLOT_H

#include <stdio.h>
#include <sys/types.h>

struct cmd_gnuplot {
    FILE *script; /* what is written here is its script, data included */
    pid_t child;
};

/* Each returns CMD_EXIT_OK, or CMD_EXIT_FAILED after one line that says what to do. */

int cmd_gnuplot_check(void); /* whether it is installed */

/* Its files go to `folder`, which is there. No name of a folder stands in the script, so that none can be
 * read as a part of it. */
int cmd_gnuplot_start(struct cmd_gnuplot *gnuplot, const char *folder);
int cmd_gnuplot_finish(struct cmd_gnuplot *gnuplot); /* after a start that succeeded, once */

#endif
