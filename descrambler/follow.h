/* SPDX-License-Identifier: GPL-3.0-or-later */
/* descrambler/follow.h: PAT, PMT and SDT: which PIDs belong to what service, and where their ECMs are.
 * Private to descrambler/. */
#ifndef DESCRAMBLER_FOLLOW_H
#define DESCRAMBLER_FOLLOW_H

#include "descrambler/state.h"

/* The PIDs to begin with. -ENOMEM. */
int descrambler__follow_begin(struct descrambler_engine *engine);

/* Scouting end: a ts_demux_taker for the engine's demultiplexer. */
void descrambler__follow_section(void *context, uint16_t pid, const uint8_t *section, size_t size);

/* Opening end: PMTs up to this position come into force. */
void descrambler__follow_apply(struct descrambler_engine *engine, uint64_t position);

#endif
