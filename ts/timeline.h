/* ts/timeline.h: the source time of each packet of a recorded stream, from the PCRs of one reference PID.
 *
 * Time starts at 0 with the first packet and never goes back. Between two PCRs of the reference PID it is
 * interpolated by packet position (constant rate between them, ISO/IEC 13818-1, 2.4.2.3); before the first
 * and after the last the nearest rate holds on. PCR wrap-around is followed. A discontinuity (indicator set,
 * or a step that is negative or over 10 s) continues at the last rate. Without any PCR the given bit rate
 * counts. Exact integer arithmetic: the same packets give the same times, however they were cut into calls.
 * One thread. */
#ifndef TS_TIMELINE_H
#define TS_TIMELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ts/packet.h"

struct ts_timeline;

/* reference_pid TS_PIDS: the first PID that carries a PCR. fallback_rate: bit/s of 188-byte packets, used
 * where no PCR is known. window: most packets that wait for a PCR before the last known rate is taken on. */
int ts_timeline_create(struct ts_timeline **timeline, uint16_t reference_pid, uint64_t fallback_rate,
                       size_t window);
void ts_timeline_destroy(struct ts_timeline *timeline); /* NULL is allowed */

/* The next packet of the stream, in order. Returns how many packets (counted from the oldest that has no time
 * yet) can be asked for now. */
size_t ts_timeline_feed(struct ts_timeline *timeline, const uint8_t *packet);

/* No more packets come: every time can be asked for. */
size_t ts_timeline_finish(struct ts_timeline *timeline);

/* The source time (27 MHz ticks) of the next packet; false where it is not known yet. */
bool ts_timeline_next(struct ts_timeline *timeline, uint64_t *source_time);

/* Whether any PCR of the reference was seen, and the last known rate in bit/s. */
bool ts_timeline_has_pcr(const struct ts_timeline *timeline);
uint64_t ts_timeline_rate(const struct ts_timeline *timeline);

#endif
