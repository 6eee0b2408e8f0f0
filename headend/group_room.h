/* SPDX-License-Identifier: GPL-3.0-or-later */
/* headend/group_room.h: the inside of a group: group.c keeps the schedule, group_ecmg.c speaks with the ECMG
 * and orders ECMs. Private to headend/. */
#ifndef HEADEND_GROUP_ROOM_H
#define HEADEND_GROUP_ROOM_H

#include <stdio.h>

#include "headend/group.h"
#include "headend/words.h"
#include "ts/order.h"

/* Crypto-periods published beyond the running one. With the one in its grace period they fill the ring of
 * KEYS_SLOTS. Two, because an ECM with a delay_start of nearly -CP must be in hand a whole period early. */
#define HEADEND__AHEAD 2
_Static_assert(HEADEND__AHEAD + 2 <= KEYS_SLOTS, "the running period, those ahead and one in grace");

struct headend_group {
    struct headend_group_config config; /* generator and list: in `words` */
    struct headend_group_ops ops;
    void *context;
    struct headend__words words;

    /* The ECMG. One CW_provision is outstanding at most (TS 103 197, 5.4). */
    struct simulcrypt_channel_status cas;
    bool up;
    bool waiting;     /* for the answer about `asked` */
    uint64_t asked;   /* crypto-period */
    unsigned priming; /* CW_provisions to send before the one for the next crypto-period */
    bool in_hand;     /* `ecm` is the next crypto-period's */
    bool unordered;   /* `ecm` is the newest published one's, for which there was no room among the orders */
    struct ts_order ecm;
    struct ts_order played[HEADEND__AHEAD + 1]; /* by crypto-period: what set_ecm_pid() moves */
    uint64_t ecms;
    uint64_t last_order; /* start of the newest order */

    /* The schedule. The next crypto-period is first_crypto_period + published. */
    bool started;
    uint64_t now;
    uint64_t period;             /* ticks */
    uint64_t published;          /* crypto-periods */
    uint64_t begun;              /* of those, by now */
    uint64_t starts[KEYS_SLOTS]; /* of the published ones */
    uint64_t due;                /* planned start of the next */

    /* What is done where it cannot start then. */
    bool late;
    uint64_t missed;  /* `due` when it became late */
    bool given_up;    /* headend_group_give_up() was called for the next crypto-period */
    bool fallen_back; /* black or clear is published */
    bool degraded;
    uint64_t stretched;
    char why[192];
};

static inline uint64_t headend__latest(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static inline uint64_t headend__group_next(const struct headend_group *group)
{
    return group->config.first_crypto_period + group->published;
}

static inline bool headend__group_on_air(const struct headend_group *group)
{
    return group->published;
}

static inline void headend__group_set_why(struct headend_group *group, const char *why)
{
    snprintf(group->why, sizeof(group->why), "%s", why);
}

/* How long before its crypto-period the next ECM begins; 0 where it begins later. */
uint64_t headend__group_ecm_lead(const struct headend_group *group);

/* Asks for the next ECM, or sends what must come before. */
void headend__group_ask(struct headend_group *group);

/* When the ECM in hand begins, its crypto-period beginning at `start`. */
uint64_t headend__group_ecm_start(const struct headend_group *group, uint64_t start);

/* Orders the newest published crypto-period's ECM. False where there is no room for it now. */
bool headend__group_push_ecm(struct headend_group *group);

#endif
