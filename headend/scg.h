/* SPDX-License-Identifier: GPL-3.0-or-later */
/* headend/scg.h: a scrambling control group at work: its crypto-periods (headend/group.h), and one ECM stream
 * at the ECMGs of each of its CASs (headend/ecmgs.h). One thread: the loop's.
 *
 * Tells the log what befalls it. What the tables say about it (CA_descriptors, ECM PIDs) is its owner's,
 * since a follower (headend/follower.h) serves all SCGs of a transport stream: a CAS is named by its flow
 * there. */
#ifndef HEADEND_SCG_H
#define HEADEND_SCG_H

#include "headend/ecmgs.h"
#include "headend/follower.h"
#include "headend/group.h"

/* One CAS of the SCG. */
struct headend_scg_cas {
    uint16_t flow;               /* of the follower; unique in its transport stream */
    struct headend_ecmgs *ecmgs; /* borrowed until destroy(), or until a change that leaves it out is over */
    uint16_t ecm_id;             /* unique over the headend, among those of its Super_CAS_id */
    bool required;
    bool allow_late_ecm;
    bool access_criteria_changed;   /* of a change */
    const uint8_t *access_criteria; /* copied; NULL: none */
    uint16_t access_criteria_size;
};

struct headend_scg_config {
    const char *name;                  /* borrowed; begins messages: "stream one: service 7" */
    struct headend_group_config group; /* but for its CASs */
    unsigned cas_count;                /* at most HEADEND_GROUP_CAS_MAX */
    const struct headend_scg_cas *cas; /* copied */
};

struct headend_scg_ops {
    /* headend_group_ops.period and .changed. NULL are allowed. */
    void (*period)(void *context, uint64_t start, const struct base_secret *cw);
    void (*changed)(void *context, uint64_t start);
};

struct headend_scg;

/* Errors of headend_group_create() and headend_ecm_stream_create(). */
int headend_scg_create(struct headend_scg **scg, const struct headend_scg_config *config,
                       const struct headend_scg_ops *ops, void *context);
void headend_scg_destroy(struct headend_scg *scg); /* ECM streams are closed; NULL is allowed */

/* What it is to be from a boundary on that is not before `not_before`: headend_group_change(). Replaces a
 * change that is still to come. On failure nothing changes, but for an ECM stream that cannot be had: its CAS
 * is one that does not answer then. */
struct headend_scg_change {
    uint64_t not_before; /* source time; 0: as soon as possible */
    unsigned member_count;
    const struct headend_group_member *members;
    unsigned cas_count;
    const struct headend_scg_cas *cas;
    uint64_t crypto_period;
};
int headend_scg_change(struct headend_scg *scg, const struct headend_scg_change *change);

/* How long after a change's start the ECMs of CASs that it leaves out still play: their flows stay until
 * then. */
uint64_t headend_scg_echo(const struct headend_scg *scg);

/* Where the follower puts its ECMs now. Call after each change of the follower's map. */
void headend_scg_place_ecms(struct headend_scg *scg, const struct headend_follower *follower);

/* headend_group_advance(), where there is something to do; source time does not go back. Cheap else. */
void headend_scg_advance(struct headend_scg *scg, uint64_t now);

struct headend_group *headend_scg_group(struct headend_scg *scg);
uint64_t headend_scg_crypto_period(const struct headend_scg *scg); /* raised to what its CASs ask for */
bool headend_scg_was_degraded(const struct headend_scg *scg);      /* ever */

/* Whether an answer of an ECMG that is there is awaited. */
bool headend_scg_is_awaiting(const struct headend_scg *scg);
/* A required CAS that has never had an ECM; NULL for none. */
const char *headend_scg_absent(const struct headend_scg *scg);
/* Of the first CAS that has something to tell: a sentence, "" for none. */
const char *headend_scg_last_error(const struct headend_scg *scg);

/* One CAS of it, now. */
struct headend_scg_cas_status {
    const char *name; /* of the CAS */
    uint16_t flow, ecm_id;
    bool required;
    struct headend_group_cas_status group;
};
/* -ERANGE from their number on. */
int headend_scg_cas_status(const struct headend_scg *scg, unsigned index,
                           struct headend_scg_cas_status *status);

#endif
