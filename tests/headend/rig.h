/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tests/headend/rig.h: a group between a simulated ECMG and a simulated worker, with time driven by hand.
 *
 * The ECMG is strict: it refuses to make an ECM whose CW it was not told. Its ECM says which crypto-periods
 * it opens, so that the worker can check at every step that no CW is on air whose ECM never was. */
#ifndef TESTS_HEADEND_RIG_H
#define TESTS_HEADEND_RIG_H

#include "base/clock.h"
#include "headend/group.h"
#include "ts/order.h"

#define MS           BASE_TICKS_PER_MS
#define SECOND       BASE_TICKS_PER_SECOND
#define RIG_LOG      256
#define RIG_STEP     (10 * MS)
#define RIG_ECM_PID  0x1234
#define RIG_NO_START UINT64_MAX

enum rig_answer { RIG_ECM, RIG_SILENCE, RIG_ERROR, RIG_GARBAGE, RIG_EMPTY };

struct rig {
    struct cipher *cipher;
    struct keys_slots *slots;
    struct base_ring *orders;
    struct headend_group *group;
    struct headend_group_config config;
    struct simulcrypt_channel_status cas;
    uint64_t now;

    /* the ECMG */
    enum rig_answer answer;
    uint64_t latency; /* from CW_provision to answer */
    bool inside;      /* answers inside the call */
    bool pending;
    uint16_t pending_cp;
    uint64_t answer_at;
    int refuse; /* returned for CW_provisions while not 0 */
    struct {
        bool known;
        uint16_t cp_number;
        uint8_t cw[16];
    } told[64];
    unsigned provisions;
    unsigned errors; /* given: one per priming provision, whose own CW it cannot know */
    struct simulcrypt_cw_provision last_provision; /* without CWs */

    /* the worker */
    bool idle; /* has no packet for the group */
    bool deaf; /* takes no orders */
    struct ts_order waiting[8];
    unsigned waiting_count;
    uint64_t last_start;
    struct ts_order playing; /* size 0: nothing */
    bool seen[65536];        /* CP_numbers that an ECM on air opened */
    const struct keys_slot *slot;
    uint64_t fed; /* time of the last packet */
    bool fed_any;
    unsigned late_orders; /* that came after the packet at which they were to begin */

    /* what was told */
    struct {
        uint64_t crypto_period, start;
        uint8_t cw[16];
    } periods[RIG_LOG];
    unsigned period_count;
    uint64_t ecm_starts[RIG_LOG]; /* of PLAY and STOP orders, in order */
    unsigned order_count;
    unsigned degraded, recovered;
    char why[192];
};

/* Fills config and cas: 8-byte CWs from a seed, crypto-periods of 1 s, section ECMs, lead_CW 1, CW_per_msg 2.
 */
void rig_init(struct rig *rig);
void rig_create(struct rig *rig);
void rig_destroy(struct rig *rig);
void rig_up(struct rig *rig); /* cas_up() with rig->cas, expecting success */

/* Live: time goes on in steps until `until`, everything checked at each. */
void rig_run(struct rig *rig, uint64_t until);

/* A file run: packets every `step` are fed as ready() allows, the ECMG answering after `waits` idle turns;
 * after `patience` idle turns headend_group_give_up(). */
void rig_run_file(struct rig *rig, uint64_t until, uint64_t step, unsigned waits, unsigned patience);

#endif
