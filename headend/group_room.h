/* SPDX-License-Identifier: GPL-3.0-or-later */
/* headend/group_room.h: the inside of a group: group.c keeps the schedule, group_time.c says what is due
 * when, group_policy.c what happens where that cannot be kept, group_members.c publishes slots, group_cas.c
 * speaks with ECMGs, group_order.c puts their ECMs on air, group_change.c changes what the group is. Private
 * to headend/.
 *
 * Each CAS has its own place in the row of crypto-periods: the one that it is to be asked about next. That of
 * a required CAS is the next to publish; an optional one may lag behind, down to the running one. */
#ifndef HEADEND_GROUP_ROOM_H
#define HEADEND_GROUP_ROOM_H

#include <stdio.h>

#include "base/clock.h"
#include "headend/group.h"
#include "headend/words.h"
#include "ts/order.h"

/* Crypto-periods published beyond the running one. With the one in its grace period they fill the ring of
 * KEYS_SLOTS. Two, because an ECM with a delay_start of nearly -CP must be in hand a whole period early. */
#define HEADEND__AHEAD 2
_Static_assert(HEADEND__AHEAD + 2 <= KEYS_SLOTS, "the running period, those ahead and one in grace");
_Static_assert(HEADEND__WORDS >= 2 * SIMULCRYPT_CWS_MAX + HEADEND__AHEAD + 2,
               "a CAS is asked about the running period while another is about the one after those ahead");

#define HEADEND__ORDERED                                                                                     \
    (HEADEND__AHEAD + 2) /* ECMs that may still play: with delay_start up to a period                        \
                          */
#define HEADEND__STARTS (2 * KEYS_SLOTS)
#define HEADEND__UNSENT 4 /* orders of one CAS that one step makes at the most */
#define HEADEND__NEVER  UINT64_MAX

/* For the way to an ECMG and back, where nothing is on air yet that an optional CAS could be measured by. */
#define HEADEND__FIRST_PATIENCE (500 * BASE_TICKS_PER_MS)

struct headend__ecm {
    uint64_t crypto_period;
    struct simulcrypt_channel_status status; /* of the ECMG that made it: its delays hold, whoever follows */
    uint64_t start;                          /* once ordered */
    uint64_t stop;                           /* of what was ordered to end it; HEADEND__NEVER: nothing yet */
    uint16_t size;                           /* 0: no ECM in this crypto-period */
    uint8_t bytes[];
};

/* An order for which there was no room yet. */
struct headend__unsent {
    const struct headend__ecm *ecm; /* NULL: stop */
    uint64_t start;
};

struct headend__group_cas {
    uint32_t id;
    uint16_t ecm_pid;
    uint64_t nominal; /* length of crypto-periods when it joined, in ticks */

    /* Its ECMG. One CW_provision is outstanding at most (TS 103 197, 5.4). */
    struct simulcrypt_channel_status status;
    bool known; /* `status` was set */
    bool up;
    bool abandoned; /* a file run has waited long enough */
    bool waiting;   /* for the answer about `asked` */
    bool stale;     /* which is of no use: other access criteria hold by now */
    uint64_t asked; /* crypto-period */
    uint64_t asked_at;
    bool has_target; /* `priming` was found out for `target` */
    uint64_t target;
    unsigned priming; /* CW_provisions to send before the one for `target` */
    bool has_told;    /* the ECMG knows all CWs up to what the provision for `told` carries */
    uint64_t told;

    /* Its ECMs. */
    uint64_t next;    /* crypto-period that it is to be asked about */
    uint64_t since;   /* the first that it has, as far as is known */
    uint64_t changed; /* the first one under other access criteria, where `has_changed` */
    bool has_changed;
    struct headend__ecm *in_hand;                   /* owned; of `next` */
    struct headend__ecm *ordered[HEADEND__ORDERED]; /* owned; by crypto-period */
    struct headend__ecm *newest;                    /* of those */
    struct headend__unsent unsent[HEADEND__UNSENT];
    unsigned unsent_count;

    bool missing;
    uint64_t ecms, without;
    char why[160];
};

/* A CAS's part in a group as it is in some crypto-periods. */
struct headend__role {
    struct headend__group_cas *cas;
    bool required, allow_late_ecm, criteria_changed;
    uint16_t criteria_size;
    uint8_t *criteria; /* owned; NULL: none */
};

/* What a group is from some crypto-period on. Without members it ends there. */
struct headend__definition {
    uint64_t crypto_period; /* ticks */
    unsigned member_count, role_count;
    struct headend_group_member *members; /* owned */
    struct headend__role roles[HEADEND_GROUP_CAS_MAX];
};

#define HEADEND__MACHINES (3 * HEADEND_GROUP_CAS_MAX)

struct headend_group {
    struct headend_group_config config; /* generator and list: in `words`; members and CASs: in `current` */
    struct headend_group_ops ops;
    void *context;
    struct headend__words words;

    unsigned cas_count;
    struct headend__group_cas *cas[HEADEND__MACHINES]; /* owned; of all definitions */
    struct headend__definition *current;               /* of the newest published crypto-period */
    struct headend__definition
        *coming; /* of the next, where that is another and its provisions may be sent */
    struct headend__definition *change; /* asked for, still without a crypto-period */
    uint64_t not_before, earliest;      /* of `change`: source time, crypto-period */
    bool put_off;                       /* it could not have the crypto-period that it was to have */

    /* The schedule. The next crypto-period is first_crypto_period + published. */
    bool started;
    uint64_t now;
    uint64_t published;               /* crypto-periods */
    uint64_t begun;                   /* of those, by now */
    uint64_t starts[HEADEND__STARTS]; /* of the published ones, and of the end */
    uint64_t due;                     /* planned start of the next */
    bool asking;                      /* a CW_provision was sent for the next one */
    bool ended;                       /* the next one will never be */

    /* What is done where it cannot start then. */
    bool late;
    uint64_t missed;  /* `due` when it became late */
    bool given_up;    /* headend_group_give_up() was called for the next crypto-period */
    bool fallen_back; /* black or clear is published */
    bool failing;     /* the policy has taken hold */
    bool degraded;    /* as told: failing or put_off */
    uint64_t stretched, ecms, without;
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

/* What the group is in the next crypto-period. */
static inline const struct headend__definition *headend__group_plan(const struct headend_group *group)
{
    return group->coming ? group->coming : group->current;
}

static inline bool headend__ends(const struct headend__definition *definition)
{
    return !definition->member_count;
}

static inline bool headend__has_in_hand(const struct headend__group_cas *cas, uint64_t crypto_period)
{
    return cas->in_hand && cas->in_hand->crypto_period == crypto_period && cas->ecm_pid;
}

static inline void headend__group_set_why(struct headend_group *group, const char *why)
{
    snprintf(group->why, sizeof(group->why), "%s", why);
}

/* group.c */

bool headend__cas_usable(const struct headend_group_cas *cas, unsigned count);

/* group_time.c */

/* When the next crypto-period can begin. */
uint64_t headend__group_start_of_next(const struct headend_group *group);
/* From when on what it needs must be in hand, and how long before its start that is. */
uint64_t headend__group_deadline(const struct headend_group *group);
uint64_t headend__group_lead(const struct headend_group *group);
/* Ticks, as long as the largest min_CP_duration at least. */
uint64_t headend__group_period(const struct headend__definition *definition);
/* How long before the last moment what must be sure is done: an optional CAS is left behind, so that waiting
 * for it makes no crypto-period late; an ECM comes that nothing covers. At most a tenth of a crypto-period.
 */
uint64_t headend__group_leeway(const struct headend_group *group);
/* When a published crypto-period begins, or the group ends; not of those long over. */
uint64_t headend__group_start_of(const struct headend_group *group, uint64_t crypto_period);
/* How far a file run may go. */
uint64_t headend__group_limit(const struct headend_group *group);
bool headend__group_finished(const struct headend_group *group); /* the newest slot holds for ever */
/* No crypto-period can be published now: the last one is, or as many as may be. */
bool headend__group_is_full(const struct headend_group *group);

/* group_policy.c */

void headend__group_mark_late(struct headend_group *group);
void headend__group_recover(struct headend_group *group);
/* Lets the policy take hold where the next crypto-period should have begun and cannot. */
void headend__group_fall_back(struct headend_group *group);
void headend__group_put_off(struct headend_group *group, bool put_off);

/* group_members.c: all members get a slot, or none does. */

bool headend__members_publish(struct headend_group *group, uint64_t start, const struct base_secret *cw);
bool headend__members_fall_back(struct headend_group *group, enum keys_slot_kind kind, uint64_t start);
/* A member that is clear before its first control word, not black as a ring without a slot is. */
void headend__members_show_clear(struct headend_group *group, const struct headend_group_member *member);
void headend__members_join(struct headend_group *group, const struct headend__definition *definition);
/* All packets before source time are through: the worker of this thread may have had none for some members.
 */
void headend__members_pass(struct headend_group *group);
bool headend__members_usable(const struct headend_group_member *members, unsigned count);

/* group_cas.c */

struct headend__group_cas *headend__group_find(const struct headend_group *group, uint32_t id);
const struct headend__role *headend__role_of(const struct headend__definition *definition,
                                             const struct headend__group_cas *cas); /* NULL: none */
/* Asks it about a crypto-period, until an answer is awaited or it is in hand. */
void headend__group_ask(struct headend_group *group, struct headend__group_cas *cas, uint64_t crypto_period,
                        const struct headend__role *role);
/* What it was asked about a crypto-period, or is being asked, is of no use any more. */
void headend__cas_forget(struct headend__group_cas *cas, uint64_t crypto_period);
/* Required CASs, and at least one, have the next crypto-period's ECM in hand. */
bool headend__group_is_complete(const struct headend_group *group);
/* Whether the next crypto-period waits for an optional CAS; *until when, where that is known. */
bool headend__group_is_patient(const struct headend_group *group, uint64_t *until);

/* group_order.c */

/* How long before its crypto-period a CAS's ECM for `crypto_period` begins; 0 where it begins later. */
uint64_t headend__cas_lead(const struct headend_group *group, const struct headend__group_cas *cas,
                           uint64_t crypto_period);
/* How long before the end of its crypto-period the newest ECM of a CAS may end; 0 where it ends later. */
uint64_t headend__cas_stop_lead(const struct headend_group *group, const struct headend__group_cas *cas);
/* The crypto-period is over for a CAS: its next ECM has taken over, or is to. */
bool headend__cas_is_past(const struct headend_group *group, const struct headend__group_cas *cas,
                          uint64_t crypto_period);
/* The crypto-period that was published last begins at `start`: orders what is in hand of it, and ends what
 * came before. */
void headend__group_order(struct headend_group *group, uint64_t start);
/* Orders what a CAS has in hand of a crypto-period that was published without it. */
void headend__cas_order_late(struct headend_group *group, struct headend__group_cas *cas);
bool headend__cas_send(struct headend_group *group, struct headend__group_cas *cas); /* false: no room now */
void headend__cas_destroy(struct headend__group_cas *cas);

/* group_change.c */

int headend__definition_create(struct headend__definition **definition, struct headend_group *group,
                               unsigned member_count, const struct headend_group_member *members,
                               unsigned cas_count, const struct headend_group_cas *cas,
                               uint64_t crypto_period);
void headend__definition_destroy(struct headend__definition *definition); /* NULL is allowed */
/* Gives the change that is still to come the next crypto-period, where that is possible. False where that
 * waits for this CAS (in a file run). */
bool headend__group_adopt(struct headend_group *group);
/* A file run waits for its first ECM no longer; false where it does not wait for any. */
bool headend__group_abandon_newcomers(struct headend_group *group);
/* Asks CASs that only the change to come has. */
void headend__group_ask_newcomers(struct headend_group *group);
/* It is one of those, and its first crypto-period is near. */
bool headend__cas_is_to_be_asked(const struct headend_group *group, const struct headend__group_cas *cas);
/* The next crypto-period, which begins at `start`, has been published. */
void headend__group_settle(struct headend_group *group, uint64_t crypto_period, uint64_t start);
/* Frees CASs that no definition has any more. */
void headend__group_sweep(struct headend_group *group);

#endif
