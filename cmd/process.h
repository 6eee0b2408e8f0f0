/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd/process.h: what commands ask of their own process. */
#ifndef CMD_PROCESS_H
#define CMD_PROCESS_H

#include <stdbool.h>

/* No core dumps, no ptrace by others (design decision 6), SIGPIPE becomes -EPIPE, and standard descriptors
 * that were closed lead to /dev/null. Call first in main(). */
void cmd_process_protect(void);

/* As many open files as the system lets this process have: for commands with a connection per peer. */
void cmd_process_raise_files(void);

/* Seconds that this process had a core, so far. */
double cmd_process_cpu_seconds(void);

/* SIGINT, SIGTERM and SIGHUP set a flag that a file run looks at between batches; the second one ends the
 * process. */
void cmd_process_catch_signals(void);
bool cmd_process_interrupted(void);

#endif
