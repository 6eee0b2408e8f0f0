/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd/live_eis.h: the EIS of a live headend: what it may define, and what becomes of it. Private to
 * cmd/live*.c. One thread: the loop's. */
#ifndef CMD_LIVE_EIS_H
#define CMD_LIVE_EIS_H

#include "cmd/live.h"

/* Listens, where the configuration wants it. Negative errno after one clear message. */
int cmd_live_eis_open(struct cmd_live *live);

/* What was pending is published. */
void cmd_live_eis_activated(struct cmd_live *live, uint16_t channel_id, uint16_t scg_id);
void cmd_live_eis_report(struct cmd_live *live); /* tells of refusals; about once a second */
void cmd_live_eis_close(struct cmd_live *live);

#endif
