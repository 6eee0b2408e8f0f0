/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cipher/csa2_ahead.h: fetches the payloads of the lanes to come while the block cipher, which needs little
 * memory, works on others. */
#ifndef CIPHER_CSA2_AHEAD_H
#define CIPHER_CSA2_AHEAD_H

#include "cipher/cipher.h"

#define CSA2_AHEAD_LANES 16 /* at a time: a slice in as many block cipher calls as a slice has at least */
#define CSA2_CACHE_LINE  64

struct csa2_ahead {
    const struct cipher_lane *lanes;
    const uint16_t *order; /* of the lanes */
    unsigned next, end;    /* in that order */
};

/* Never reads: a prefetch beyond a payload is harmless. */
static inline void csa2_fetch_lane(const struct cipher_lane *lane)
{
    for (unsigned i = 0; i < CIPHER_PAYLOAD_MAX; i += CSA2_CACHE_LINE)
        __builtin_prefetch(lane->payload + i, 1);
    __builtin_prefetch(lane->payload + CIPHER_PAYLOAD_MAX - 1, 1);
}

static inline void csa2_fetch_ahead(struct csa2_ahead *ahead)
{
    for (unsigned i = 0; i < CSA2_AHEAD_LANES && ahead->next < ahead->end; i++)
        csa2_fetch_lane(&ahead->lanes[ahead->order[ahead->next++]]);
}

/* At once, for lanes that are needed now: those before `end` that were not fetched ahead. */
static inline void csa2_fetch_until(struct csa2_ahead *ahead, unsigned end)
{
    while (ahead->next < end && ahead->next < ahead->end)
        csa2_fetch_lane(&ahead->lanes[ahead->order[ahead->next++]]);
}

#endif
