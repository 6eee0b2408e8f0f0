/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd/watch.h: `scramline simulcrypt watch`. */
#ifndef CMD_WATCH_H
#define CMD_WATCH_H

/* argv[0] is the subcommand. Returns the exit status. */
int cmd_watch_main(int argc, char **argv);

#endif
