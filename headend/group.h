/* SPDX-License-Identifier: GPL-3.0-or-later */
/* headend/group.h: one scrambling control group: decides when each crypto-period begins. Sans-I/O, one
 * thread.
 *
 * The SCS of ETSI TS 103 197, clause 5, for one ECM stream: makes control words lead_CW periods ahead, asks
 * the ECMG for ECMs, and publishes a crypto-period's slot (keys/slots.h) only when its ECM is in hand; orders
 * each ECM on air from T(n) + delay_start on (ts/order.h). Where an ECM is late the running crypto-period is
 * stretched, or what the policy says. Without a CAS it publishes fixed, listed or generated control words by
 * time alone.
 *
 * Crypto-periods are counted in 64 bits; CP_number is the low 16. Parity is the lowest bit: the first
 * crypto-period is 0, even. At most two crypto-periods are published beyond the running one, and the ECM of
 * the one after is asked for as soon as it may be published. ECM(n) plays until ECM(n+1) takes its place.
 *
 * Nothing is published before the first ECM, so the service is black until then, whatever the policy.
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
    (UINT64_C(27000) * 10) /* ticks: 10 ms, for tests; real ones take seconds                                \
                            */

struct headend_group_ops {
    /* Send this CW_provision. 0; -EBUSY or -ENOTCONN: it is asked for again at the next advance(). */
    int (*provision)(void *context, const struct simulcrypt_cw_provision *provision);
    /* A crypto-period is published, which begins at `start` with this CW: for --cw-out. May be NULL. */
    void (*period)(void *context, uint64_t crypto_period, uint64_t start, const struct base_secret *cw);
    /* The policy takes hold (true) or the CAS is back (false); `why` is a sentence. May be NULL. */
    void (*degraded)(void *context, bool degraded, const char *why);
};

struct headend_group_config {
    struct keys_slots *slots;           /* borrowed */
    struct base_ring *orders;           /* borrowed; where ECMs are ordered */
    struct keys_cw_generator generator; /* copied */
    const struct keys_cw_list *list; /* fixed CWs in turn, the last one held on; borrowed; NULL: generate */
    bool fixed;                      /* one CW for ever: the list's first, parity stays even */
    bool has_cas;                    /* an ECMG must answer for every crypto-period */
    uint64_t crypto_period;          /* nominal length; raised to the ECMG's min_CP_duration */
    uint64_t first_crypto_period;    /* its number; 0 but in tests of the wrap at 65535 */
    uint16_t ecm_pid;                /* 0: not known yet; nothing is published with a CAS until it is */
    uint64_t guard; /* a slot is published at least this long before it begins: the worker's burst */
    enum headend_policy policy;
    uint64_t policy_delay; /* the stretch that HEADEND_BLACK and _CLEAR wait for */
    bool allow_late_ecm;   /* lead_CW 0 with delay_start of 0 or more: refused unless set */
    /* A clear or black lead-in is wanted: the first ECM plays at once and T(0) is transition_delay_start
     * later (where that is negative). False: scrambling starts at once, the first ECM in front of it. */
    bool lead_in;
    /* A file run: source time waits for ECMs. What comes when does then not depend on how long an ECMG took:
     * no crypto-period is stretched and no policy applied but by headend_group_give_up(), and advance() never
     * believes in a time that headend_group_ready() does not allow. False: live. */
    bool waits_for_ecms;
};

struct headend_group;

/* -EINVAL for a configuration without slots, without orders where there is a CAS, with a CW size other than 8
 * and 16, an ECM PID that cannot carry ECMs, an empty list, a crypto-period under HEADEND_CRYPTO_PERIOD_MIN
 * or a guard longer than it. */
int headend_group_create(struct headend_group **group, const struct headend_group_config *config,
                         const struct headend_group_ops *ops, void *context);
void headend_group_destroy(struct headend_group *group); /* wipes; NULL is allowed */

/* Where ECMs play, as soon as it is known and whenever it changes. The ECMs move at once. -EINVAL for a PID
 * that cannot carry ECMs, errors of ts_order_push() (call again then). */
int headend_group_set_ecm_pid(struct headend_group *group, uint16_t ecm_pid);

/* The ECMG's values; at each (re)connection. BASE_E_CONFIGURATION (with *why set) for a combination that
 * would put a CW on air before its ECM, that asks for more than SIMULCRYPT_CWS_MAX CWs or as many periods
 * ahead, or whose delay_start is longer than a crypto-period.
 *
 * After this and each of the next three call headend_group_advance(). */
int headend_group_cas_up(struct headend_group *group, const struct simulcrypt_channel_status *status,
                         const char **why);
void headend_group_cas_down(struct headend_group *group, const char *why);
/* An ECM_datagram that is neither a section nor whole packets (as the channel_status announced) counts as a
 * provision that failed; an empty one means that this crypto-period has no ECM. Answers that were not asked
 * for are passed over. */
void headend_group_ecm(struct headend_group *group, uint16_t cp_number, const uint8_t *datagram, size_t size);
void headend_group_provision_failed(struct headend_group *group, uint16_t cp_number, const char *why);

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

/* A file run has waited long enough for an ECM: apply the policy from `now` on. The next crypto-period is put
 * off by a whole one, so ready() becomes true for as long; then the wait starts anew. */
void headend_group_give_up(struct headend_group *group, uint64_t now, const char *why);

struct headend_group_status {
    uint64_t crypto_periods; /* begun so far */
    uint64_t ecms;           /* received */
    uint64_t stretched;      /* crypto-periods that lasted longer than planned */
    bool on_air;             /* the first crypto-period has been published */
    bool degraded;
};
void headend_group_status(const struct headend_group *group, struct headend_group_status *status);

#endif
