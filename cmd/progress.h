/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd/progress.h: a progress line on a terminal: share done, rate and time left. One per process, one thread.
 *
 * Silent where standard error is no terminal. Messages of base_log() wipe the line first; it comes back by
 * itself. */
#ifndef CMD_PROGRESS_H
#define CMD_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct cmd_progress {
    uint64_t total; /* bytes, or steps with a text; 0: unknown, then no share and no time left */
    uint64_t started_ns;
    uint64_t shown_ns;
    bool terminal;
};

void cmd_progress_start(struct cmd_progress *progress, uint64_t total);

/* Cheap to call often: draws five times a second. */
void cmd_progress_update(struct cmd_progress *progress, uint64_t done);
void cmd_progress_update_text(struct cmd_progress *progress, uint64_t done, const char *text); /* for steps */
void cmd_progress_clear(const struct cmd_progress *progress); /* before other output; it comes back */
void cmd_progress_finish(struct cmd_progress *progress);      /* the second time does nothing */

/* Seconds since the start, never 0. */
double cmd_progress_seconds(const struct cmd_progress *progress);

#endif
