/* SPDX-License-Identifier: GPL-3.0-or-later */
/* base/clock.h: time. Thread-safe. Protocol code never calls this: it is handed its time (sans-I/O). */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#define BASE_TICKS_PER_SECOND UINT64_C(27000000) /* source time: 27 MHz ticks (ISO/IEC 13818-1, 2.4.2.1) */
#define BASE_TICKS_PER_MS     UINT64_C(27000)

uint64_t base_clock_monotonic_ns(void);

/* Since 1970-01-01, for people and for peers: it may be set, and go back. */
uint64_t base_clock_utc_ns(void);

static inline uint64_t base_clock_monotonic_ms(void)
{
    return base_clock_monotonic_ns() / 1000000;
}

#endif
