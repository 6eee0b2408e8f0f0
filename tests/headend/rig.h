/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tests/headend/rig.h: a group between simulated ECMGs and a simulated worker, with time driven by hand.
 *
 * The ECMGs are strict: they refuse to make an ECM whose CW they were not told. An ECM says which
 * crypto-periods it opens and under which access criteria, so that the worker can judge at every step, from
 * slots and orders alone, that no CW is on air whose ECM never was, of any required CAS. */
#ifndef TESTS_HEADEND_RIG_H
#define TESTS_HEADEND_RIG_H

#include "base/clock.h"
#include "headend/group.h"
#include "ts/order.h"

#define MS           BASE_TICKS_PER_MS
#define SECOND       BASE_TICKS_PER_SECOND
#define RIG_LOG      256
#define RIG_STEP     (10 * MS)
#define RIG_ECM_PID  0x1234 /* of the first CAS; the others follow */
#define RIG_NO_START UINT64_MAX
#define RIG_CAS      4
#define RIG_MEMBERS  4
#define RIG_AHEAD    16 /* more crypto-periods than may be published ahead */
#define RIG_WAITING  9  /* four plays may wait, and as many stops, and one to begin with */

enum rig_answer { RIG_ECM, RIG_SILENCE, RIG_ERROR, RIG_GARBAGE, RIG_EMPTY };

struct rig;

struct rig_cas {
    struct rig *rig;
    struct headend_group_cas config;
    struct simulcrypt_channel_status status; /* of its ECMG */
    uint8_t criteria;                        /* the one byte of its access criteria */
    uint8_t criteria_now;                    /* of what is published */
    uint8_t criteria_of[RIG_AHEAD];          /* of crypto-periods */

    /* its ECMG */
    enum rig_answer answer;
    uint64_t latency; /* from CW_provision to answer */
    unsigned waits;   /* in file runs: idle turns */
    bool inside;      /* answers inside the call */
    bool up;
    bool empty; /* has answered without an ECM */
    bool pending;
    uint16_t pending_cp;
    uint8_t pending_criteria;
    uint64_t answer_at;
    unsigned turns;
    int refuse; /* returned for CW_provisions while not 0 */
    struct {
        bool known;
        uint16_t cp_number;
        uint8_t cw[16];
    } told[64];
    unsigned provisions;
    unsigned errors; /* given: one per priming provision, whose own CW it cannot know */
    struct simulcrypt_cw_provision last_provision; /* without CWs and criteria */

    /* what is on air of it */
    bool judged; /* no CW of these crypto-periods may be on air before its ECM, nor after */
    uint64_t judged_from, judged_to;
    int64_t earliest, latest; /* delays of all its ECMGs: its ECMs overlap their crypto-periods by that */
    struct ts_order waiting[RIG_WAITING];
    unsigned waiting_count;
    uint64_t last_start;
    struct ts_order playing; /* size 0: nothing */
    bool seen[65536];        /* CP_numbers that an ECM on air opened */
    unsigned late_orders;    /* that came after the packet at which they were to begin */
    struct {
        uint64_t start;
        bool plays;
        uint8_t criteria;
        uint16_t cp_number;
    } orders[RIG_LOG];
    unsigned order_count;

    unsigned missing, back; /* cas_missing() */
};

struct rig_member {
    struct keys_slots *slots;
    struct headend_group_member config;
    bool idle; /* has no packet */
    bool may_be_clear;
    bool stays;     /* clear before its first control word at the most */
    bool protected; /* has had one */
    const struct keys_slot *slot;
};

struct rig {
    struct cipher *cipher;
    struct base_ring *orders;
    struct headend_group *group;
    struct headend_group_config config;
    unsigned cas_count, member_count;
    struct rig_cas cas[RIG_CAS];
    struct rig_member members[RIG_MEMBERS];
    uint64_t now;

    /* the worker */
    bool lazy; /* advance() is called when it said, and after what came, not at every step */
    uint64_t next;
    unsigned calls; /* of advance() in live runs */
    bool deaf;      /* takes no orders */
    uint64_t fed;   /* time of the last packet */
    bool fed_any;
    uint16_t moved_pid; /* orders for this PID are passed over */

    /* what was told */
    struct {
        uint64_t crypto_period, start;
        uint8_t cw[16];
    } periods[RIG_LOG];
    unsigned period_count;
    unsigned degraded, recovered;
    char why[192];
    unsigned wanted_cas;  /* of the last rig_change() */
    bool judges_criteria; /* where no change is asked for while another is to come */
    unsigned changes;
    uint64_t change_period, change_start;
};

/* Fills config, one CAS and one member: 8-byte CWs from a seed, crypto-periods of 1 s, section ECMs, lead_CW
 * 1, CW_per_msg 2, required. Further CASs have these values, too. */
void rig_init(struct rig *rig);
void rig_create(struct rig *rig); /* with as many CASs and members as are said to be */
void rig_destroy(struct rig *rig);
void rig_up(struct rig *rig);                   /* all CASs */
void rig_cas_up(struct rig *rig, unsigned cas); /* expecting success */
void rig_cas_down(struct rig *rig, unsigned cas);

/* headend_group_change() to the first so many members and CASs, as they are configured by now. */
int rig_change(struct rig *rig, uint64_t not_before, unsigned members, unsigned cas);

/* Live: time goes on in steps until `until`, everything checked at each. */
void rig_run(struct rig *rig, uint64_t until);

/* A file run: packets every `step` are fed as ready() allows, ECMGs answering after `waits` idle turns; after
 * `patience` idle turns headend_group_give_up(). */
void rig_run_file(struct rig *rig, uint64_t until, uint64_t step, unsigned patience);

#endif
