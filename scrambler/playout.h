/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scrambler/playout.h: carousels: what TS_ORDER_PLAY and _STOP ask for. Private to scrambler/; one thread.
 *
 * A carousel plays one content and knows up to four that follow it. A play under way is finished before the
 * next content begins, so that no section is cut; so is the only play of a content that is to be played once.
 */
#ifndef SCRAMBLER_PLAYOUT_H
#define SCRAMBLER_PLAYOUT_H

#include "scrambler/content.h"

#define SCRAMBLER__CAROUSELS 72 /* 64 services' ECMs, the CAT, EMMs */
#define SCRAMBLER__CONTENTS  5  /* the running one and four that wait */
#define SCRAMBLER__NEVER     UINT64_MAX

/* How long a packet that is due may wait for a null packet. */
#define SCRAMBLER__PATIENCE (UINT64_C(20) * 27000) /* 20 ms in 27 MHz ticks */

struct scrambler_carousel {
    bool used;
    uint16_t pid;
    uint16_t stream;
    uint8_t running;    /* index into contents; the ones that wait follow it, in a circle */
    uint8_t waiting;    /* how many wait */
    uint8_t index;      /* next packet of the play under way */
    uint8_t left;       /* packets of it that are still to come; 0: no play under way */
    uint64_t next_play; /* source time */
    uint64_t deadline;  /* of the play under way: without a null packet until then it is inserted */
    struct scrambler_content *contents; /* SCRAMBLER__CONTENTS of them, the engine's */
};

/* False where there is no place for the order. */
bool scrambler__playout_order(struct scrambler_carousel *carousels, const struct ts_order *order);

/* Begins what is due at `now`. Where a new content waits for the end of a play under way, that play's
 * deadline becomes `now`. */
void scrambler__carousel_activate(struct scrambler_carousel *carousel, uint64_t now);

/* The source time at which scrambler__carousel_activate() has something to do. */
uint64_t scrambler__carousel_activation(const struct scrambler_carousel *carousel);

/* Takes the next packet of the play under way (PID and continuity counter still to be set). */
void scrambler__carousel_emit(struct scrambler_carousel *carousel, uint8_t *packet);

#endif
