/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ts/timeline.h: the source time of each packet of a recorded stream, from the PCRs of one reference PID.
 *
 * Time starts at 0 with the first packet and never goes back. Between two PCRs of the reference PID it is
 * interpolated by packet position (constant rate between them, ISO/IEC 13818-1, 2.4.2.3); before the first
 * and after the last the nearest rate holds on. PCR wrap-around is followed. A discontinuity (indicator set,
 * or a step that is negative or over 10 s) continues at the last rate. A PCR that repeats the one before
 * tells no rate and is passed over, as are those of packets with a transport error. Without any PCR the given
 * bit rate counts. Exact integer arithmetic: the same packets give the same times, however they were cut into
 * calls. One thread.
 *
 * Where `window` ran out before a PCR came, the next PCR decides again: times catch up with it, or stand
 * still until it is reached. Memory does not grow with the stream, only with the PCRs among packets that are
 * known and not asked for. */
#ifndef TS_TIMELINE_H
#define TS_TIMELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ts/packet.h"

struct ts_timeline;

/* -ENOMEM; -EINVAL for a rate or window of 0. reference_pid TS_PIDS: the first PID that carries a PCR.
 * fallback_rate: bit/s of 188-byte packets, used where no rate is known. window: most packets that wait for a
 * PCR before the last known rate is taken on; a caller that can hold `window` packets always comes to one
 * whose time is known. */
int ts_timeline_create(struct ts_timeline **timeline, uint16_t reference_pid, uint64_t fallback_rate,
                       size_t window);
void ts_timeline_destroy(struct ts_timeline *timeline); /* NULL is allowed */

/* The next packet of the stream, in order. Returns how many times ts_timeline_next() can give now. */
size_t ts_timeline_feed(struct ts_timeline *timeline, const uint8_t *packet);

/* No more packets come: every time can be asked for. Returns how many are left. */
size_t ts_timeline_finish(struct ts_timeline *timeline);

/* The source time (27 MHz ticks) of the oldest packet not asked for yet; false where it is not known yet. */
bool ts_timeline_next(struct ts_timeline *timeline, uint64_t *source_time);

/* Whether any PCR of the reference was seen, and the last known rate in bit/s (fallback_rate where none is).
 */
bool ts_timeline_has_pcr(const struct ts_timeline *timeline);
uint64_t ts_timeline_rate(const struct ts_timeline *timeline);

#endif
