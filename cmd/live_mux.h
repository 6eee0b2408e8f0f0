/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd/live_mux.h: the MUX of a live headend: EMMs and private data go into its streams, and EMM PIDs into
 * their CATs. Private to cmd/live*.c. One thread: the loop's. */
#ifndef CMD_LIVE_MUX_H
#define CMD_LIVE_MUX_H

#include "cmd/live.h"

/* Listens, where the configuration wants it. Negative errno after one clear message. */
int cmd_live_mux_open(struct cmd_live *live);
void cmd_live_mux_tick(struct cmd_live *live, uint64_t now);

/* What the CAT of a stream is to say of EMMs has changed. */
void cmd_live_mux_cat_changed(struct cmd_live *live, unsigned stream);
void cmd_live_mux_close(struct cmd_live *live);

#endif
