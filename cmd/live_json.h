/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd/live_json.h: a live headend's streams, SCGs, CASs and peers as JSON. One thread: the loop's. */
#ifndef CMD_LIVE_JSON_H
#define CMD_LIVE_JSON_H

#include <jansson.h>

#include "cmd/live.h"

/* Adds "streams", "cas", and "eis", "emmg" and "cpsig" where there are. */
void cmd_live_add_json(json_t *root, const struct cmd_live *live);

#endif
