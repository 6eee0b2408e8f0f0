/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd/run_report.h: what `scramline run` tells: a status line on a terminal, one line or JSON at the end. */
#ifndef CMD_RUN_REPORT_H
#define CMD_RUN_REPORT_H

#include "cmd/live.h"
#include "cmd/status_file.h"

struct cmd_run_report {
    const struct cmd_live *live;
    uint64_t started_ns;
    uint64_t last_ns, last_frames, last_packets; /* of the last status line */
    bool terminal;
    uint64_t on_air_ns; /* when all services were on air for the first time; 0: not yet */
};

void cmd_run_report_init(struct cmd_run_report *report, const struct cmd_live *live);
void cmd_run_report_status(struct cmd_run_report *report); /* call once a second */

/* Whether all services are on air by now; call some times a second. */
void cmd_run_report_look(struct cmd_run_report *report);

/* All that the summary says, as of now, as JSON; passed over while the last one is still being written. */
void cmd_run_report_write(const struct cmd_run_report *report, struct cmd_status_file *file);

/* On standard output. Returns the frames that no counter explains: 0, or there is a bug. Call after
 * pipeline_stop(). */
int64_t cmd_run_report_end(const struct cmd_run_report *report, bool json);

#endif
