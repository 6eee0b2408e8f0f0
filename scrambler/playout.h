/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scrambler/playout.h: carousels: what TS_ORDER_PLAY and _STOP ask for. Private to scrambler/; one thread.
 *
 * A carousel plays one content and knows up to four that follow it, and as many stops. A play under way is
 * finished before the next content begins, so that no section is cut; so is the only play of a content that
 * is to be played once.
 */
#ifndef SCRAMBLER_PLAYOUT_H
#define SCRAMBLER_PLAYOUT_H

#include "scrambler/content.h"
#include "scrambler/heap.h"

#define SCRAMBLER__PLAYS    5  /* the running one and four that wait */
#define SCRAMBLER__CONTENTS 10 /* plays, and a stop after each */

/* How long a packet that is due may wait for a null packet. */
#define SCRAMBLER__PATIENCE (UINT64_C(20) * 27000) /* 20 ms in 27 MHz ticks */

struct scrambler_carousel {
    bool used;
    uint16_t pid;
    uint16_t stream;
    uint16_t next; /* carousel, plus 1, of those with one hash, or of those that are free; 0: the last one */
    uint8_t running;    /* index into contents; the ones that wait follow it, in a circle */
    uint8_t waiting;    /* how many wait */
    uint8_t index;      /* next packet of the play under way */
    uint8_t left;       /* packets of it that are still to come; 0: no play under way */
    uint64_t next_play; /* source time */
    uint64_t deadline;  /* of the play under way: without a null packet until then it is inserted */
    struct scrambler_content contents[SCRAMBLER__CONTENTS];
    uint8_t (*bytes)[TS_ORDER_BYTES_MAX]; /* SCRAMBLER__PLAYS of them */
};

/* All carousels of an engine, found by (pid, stream). */
struct scrambler_playout {
    struct scrambler_carousel *carousels;
    uint8_t (*bytes)[TS_ORDER_BYTES_MAX];
    unsigned count;
    uint16_t *buckets; /* carousel, plus 1 */
    unsigned bucket_mask;
    uint16_t free; /* the same */
};

int scrambler__playout_create(struct scrambler_playout *playout, unsigned count); /* -ENOMEM */
void scrambler__playout_destroy(struct scrambler_playout *playout); /* accepts one that is all zero */

/* Returns the carousel that has the order now; -ENOENT where there is nothing to do; -ENOBUFS where there is
 * no place for it. */
int scrambler__playout_order(struct scrambler_playout *playout, const struct ts_order *order);

/* After any of the functions below: frees the carousel where nothing is left for it to do. */
void scrambler__playout_release(struct scrambler_playout *playout, struct scrambler_carousel *carousel);

/* Begins what is due at `now`. Where a new content waits for the end of a play under way, that play's
 * deadline becomes `now`. */
void scrambler__carousel_activate(struct scrambler_carousel *carousel, uint64_t now);

/* The source time at which scrambler__carousel_activate() has something to do. */
uint64_t scrambler__carousel_activation(const struct scrambler_carousel *carousel);

/* Takes the next packet of the play under way (PID and continuity counter still to be set). */
void scrambler__carousel_emit(struct scrambler_carousel *carousel, uint8_t *packet);

#endif
