/* SPDX-License-Identifier: GPL-3.0-or-later */
/* headend/group.h: one scrambling control group (SCG): decides when each crypto-period begins. Sans-I/O, one
 * thread.
 *
 * The SCS of ETSI TS 103 197, clause 5: makes control words as far ahead as the CASs ask (lead_CW), gives all
 * of them the same ones for the same crypto-period, and publishes a crypto-period to its members
 * (keys/slots.h) only when every required CAS's ECM is in hand, and at least one CAS's; orders each CAS's ECM
 * on air (ts/order.h) from T(n) + its delay_start to T(n + 1) + its delay_stop. Where an ECM is late the
 * running crypto-period is stretched, or what the policy says. Without a CAS it publishes fixed, listed or
 * generated control words by time alone.
 *
 * Crypto-periods are counted in 64 bits; CP_number is the low 16. Parity is the lowest bit. At most two
 * crypto-periods are published beyond the running one, and the ECMs of the one after are asked for as soon as
 * it may be published.
 *
 * Nothing is published before the first ECMs, so members are black until then, whatever the policy.
 *
 * What the group is (its members, its CASs with their access criteria, the length of its crypto-periods) may
 * change while it runs, as a whole, on a crypto-period boundary: headend_group_change().
 *
 * Times are source time, 27 MHz ticks, unless a name says ms. They are taken to stay below 2^62. */
#ifndef HEADEND_GROUP_H
#define HEADEND_GROUP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ring.h"
#include "keys/control_word.h"
#include "keys/slots.h"
#include "simulcrypt/ecmg_scs.h"

/* What happens on air while a required CAS fails (docs/architecture.md, decision 5). */
enum headend_policy { HEADEND_HOLD, HEADEND_BLACK, HEADEND_CLEAR };

#define HEADEND_CRYPTO_PERIOD_MIN                                                                            \
    (UINT64_C(27000) * 10)            /* ticks: 10 ms, for tests; real ones take seconds                     \
                                       */
#define HEADEND_GROUP_CAS_MAX     16  /* CASs (ECM streams) of one group */
#define HEADEND_GROUP_MEMBERS_MAX 256 /* services or components that share its control words */

/* A service or component: what a plan's group reads (scrambler/plan.h). */
struct headend_group_member {
    struct keys_slots *slots; /* borrowed until a change that leaves it out has taken effect, or the end */
    /* It was clear by the operator's will and stays so until its first control word begins: CLEAR is
     * published when it joins. False: black until then. */
    bool clear_before;
    /* What is published to it from the boundary on at which it leaves. KEYS_SLOT_BLACK or KEYS_SLOT_CLEAR:
     * the operator's choice alone, never a peer's. */
    enum keys_slot_kind after;
};

/* One CAS of the group: one ECM stream. */
struct headend_group_cas {
    uint32_t id; /* the owner's; the same before and after a change: the same ECM stream goes on */
    /* Without its ECM no crypto-period begins. Otherwise optional: where its ECM is late the others go on
     * without it, its old ECM ends as delay_stop says, and its next ECM plays as soon as it comes. */
    bool required;
    /* 0: not known yet; nothing is published until each required CAS's is. No two of a group have one. Of a
     * change: not looked at where the CAS is there already. */
    uint16_t ecm_pid;
    /* Copied; NULL: none. Sent in every CW_provision to be on the safe side where the owner does not do
     * otherwise. */
    const uint8_t *access_criteria;
    uint16_t access_criteria_size;
    /* Of a change: its access criteria are others than before, AC_delay_start and AC_delay_stop apply. */
    bool access_criteria_changed;
    bool allow_late_ecm; /* lead_CW 0 with delay_start of 0 or more: refused unless set */
};

struct headend_group_ops {
    /* Send this CW_provision to that CAS. 0; -EBUSY or -ENOTCONN: it is asked for again at a later advance().
     * The answer may come inside the call. */
    int (*provision)(void *context, uint32_t cas, const struct simulcrypt_cw_provision *provision);
    /* A crypto-period is published, which begins at `start` with this CW: for --cw-out. May be NULL. */
    void (*period)(void *context, uint64_t crypto_period, uint64_t start, const struct base_secret *cw);
    /* The policy takes hold (true) or all required CASs are back (false); `why` is a sentence. May be NULL.
     */
    void (*degraded)(void *context, bool degraded, const char *why);
    /* An optional CAS has no ECM for the crypto-period that is published (true), or has one again. May be
     * NULL. */
    void (*cas_missing)(void *context, uint32_t cas, bool missing, const char *why);
    /* The change is published: it holds from `start` on. What it leaves out (members, CASs) is no longer used
     * once source time has passed `start` (members) or the CAS's delay_stop after it. May be NULL. */
    void (*changed)(void *context, uint64_t crypto_period, uint64_t start);
};

struct headend_group_config {
    struct base_ring *orders;           /* borrowed; where ECMs are ordered; NULL without CASs */
    struct keys_cw_generator generator; /* copied */
    const struct keys_cw_list *list; /* fixed CWs in turn, the last one held on; borrowed; NULL: generate */
    bool fixed;                      /* one CW for ever: the list's first, parity stays even */
    uint16_t order_stream;           /* ts_order.stream of its ECMs */
    unsigned member_count;
    const struct headend_group_member *members; /* copied */
    unsigned cas_count;                         /* 0: control words by time alone */
    const struct headend_group_cas *cas;        /* copied */
    uint64_t crypto_period;       /* nominal length; raised to the largest min_CP_duration of its CASs */
    uint64_t first_crypto_period; /* its number; 0 but in tests of the wrap at 65535 */
    uint64_t guard; /* a slot is published at least this long before it begins: the worker's burst */
    enum headend_policy policy;
    uint64_t policy_delay; /* the stretch that HEADEND_BLACK and _CLEAR wait for */
    /* A clear or black lead-in is wanted: the first ECMs play at once and T(0) is the longest
     * transition_delay_start later (of those that are negative). False: scrambling starts at once, the first
     * ECMs in front of it. */
    bool lead_in;
    /* A file run: source time waits for ECMs. What comes when does then not depend on how long an ECMG took:
     * no crypto-period is stretched, no policy applied and no optional CAS left behind but by
     * headend_group_give_up(), and advance() never believes in a time that headend_group_ready() does not
     * allow. False: live. */
    bool waits_for_ecms;
};

struct headend_group;

/* -EINVAL for a configuration without members, without orders where there is a CAS, with a CW size other than
 * 8 and 16, an ECM PID that cannot carry ECMs, two CASs of one id, an empty list, a crypto-period under
 * HEADEND_CRYPTO_PERIOD_MIN or a guard longer than it. */
int headend_group_create(struct headend_group **group, const struct headend_group_config *config,
                         const struct headend_group_ops *ops, void *context);
void headend_group_destroy(struct headend_group *group); /* wipes; NULL is allowed */

/* Where a CAS's ECMs play, as soon as it is known and whenever it changes. The ECMs move at once. -EINVAL for
 * a PID that cannot carry ECMs, -ENOENT for no such CAS; errors of ts_order_push(), and -EBUSY where another
 * CAS of the group is there still (call again then). */
int headend_group_set_ecm_pid(struct headend_group *group, uint32_t cas, uint16_t ecm_pid);

/* What the group is to be from the first boundary on that is not before `not_before` and whose CW_provisions
 * have not been sent yet. */
struct headend_group_change {
    uint64_t not_before;   /* source time; 0: as soon as possible */
    unsigned member_count; /* 0 with cas_count 0: the group ends at that boundary: members get what is said in
                              `after`, ECMs end with transition_delay_stop, nothing more is published */
    const struct headend_group_member *members; /* copied; known by `slots` */
    unsigned cas_count;
    const struct headend_group_cas *cas; /* copied; known by `id` */
    uint64_t crypto_period;
};

/* Replaces a change that is still to come. While a required CAS that comes new has no ECM in hand the group
 * stays what it is, boundary by boundary (and degraded() says why); running CASs then get their ECMs for the
 * old definition. CASs that come new are asked for ECMs as soon as headend_group_cas_up() names them. -EINVAL
 * as for create(), for no CAS where there were some with members left, or for a group without CASs; -ENOMEM:
 * nothing changes. */
int headend_group_change(struct headend_group *group, const struct headend_group_change *change);
bool headend_group_is_changing(const struct headend_group *group); /* one is still to come */
/* CW_provisions under a change have been sent: a further change would follow it, and not replace it. */
bool headend_group_is_committed(const struct headend_group *group);
bool headend_group_has_ended(const struct headend_group *group); /* and its last boundary has passed */

/* A CAS's ECMG can be asked (again); its values, at each (re)connection and when another ECMG takes over.
 * BASE_E_CONFIGURATION (with *why set) for a combination that would put a CW on air before its ECM, that asks
 * for more than SIMULCRYPT_CWS_MAX CWs or as many periods ahead, or whose delay_start is longer than a
 * crypto-period. -ENOENT: no such CAS, now or in the change to come.
 *
 * After this and each of the next three call headend_group_advance(). */
int headend_group_cas_up(struct headend_group *group, uint32_t cas,
                         const struct simulcrypt_channel_status *status, const char **why);
void headend_group_cas_down(struct headend_group *group, uint32_t cas, const char *why);
/* An ECM_datagram that is neither a section nor whole packets (as the channel_status announced) counts as a
 * provision that failed; an empty one means that this crypto-period has no ECM of this CAS. Answers that were
 * not asked for are passed over. */
void headend_group_ecm(struct headend_group *group, uint32_t cas, uint16_t cp_number, const uint8_t *datagram,
                       size_t size);
void headend_group_provision_failed(struct headend_group *group, uint32_t cas, uint16_t cp_number,
                                    const char *why);

/* Source time has reached `now`: generates, provisions, publishes what is due. Returns the source time of the
 * next change that it knows of, UINT64_MAX for none. In a file run, where worker and control are one thread,
 * all packets before `now` must have been processed and their batch flushed. */
uint64_t headend_group_advance(struct headend_group *group, uint64_t now);

/* Whether all that holds up to `time` is published: a file run may feed packets up to and with it. False: an
 * ECM is awaited, or advance() has not come so far. True is given up to where the next ECM would have to
 * begin, so that no order is ever late. */
bool headend_group_ready(const struct headend_group *group, uint64_t time);

/* The same as a time: ready() for everything below it. UINT64_MAX where nothing will change any more. */
uint64_t headend_group_horizon(const struct headend_group *group);

/* A file run has waited long enough for ECMs: optional CASs are left behind, and where a required one is
 * awaited the policy applies from `now` on. The next crypto-period is then put off by a whole one, so ready()
 * becomes true for as long; then the wait starts anew. */
void headend_group_give_up(struct headend_group *group, uint64_t now, const char *why);

struct headend_group_status {
    uint64_t crypto_periods; /* begun so far */
    uint64_t ecms;           /* received, of all CASs */
    uint64_t stretched;      /* crypto-periods that lasted longer than planned */
    uint64_t without;        /* ECMs that an optional CAS did not have in time */
    bool on_air;             /* the first crypto-period has been published */
    bool degraded;
};
void headend_group_status(const struct headend_group *group, struct headend_group_status *status);

struct headend_group_cas_status {
    bool up;
    bool missing;  /* optional, and without an ECM for the newest published crypto-period */
    uint64_t ecms; /* received */
    uint64_t without;
    char why[160]; /* of what failed last; "" for nothing */
};
/* -ENOENT */
int headend_group_cas_status(const struct headend_group *group, uint32_t cas,
                             struct headend_group_cas_status *status);

#endif
