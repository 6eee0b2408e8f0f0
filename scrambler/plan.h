/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scrambler/plan.h: what to do with each PID of one transport stream: an immutable snapshot.
 *
 * Control builds a new plan for every change and hands it over whole (in the pipeline under RCU); an engine
 * never writes to it. */
#ifndef SCRAMBLER_PLAN_H
#define SCRAMBLER_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "cipher/cipher.h"
#include "keys/slots.h"
#include "ts/packet.h"

#define SCRAMBLER_GROUPS_MAX 256 /* scrambling control groups of one transport stream */

enum scrambler_action {
    SCRAMBLER_PASS,    /* bit-identical */
    SCRAMBLER_BLACK,   /* every packet becomes a null packet (counted) */
    SCRAMBLER_PROTECT, /* scramble with the group's slot; black or clear where that says so */
    SCRAMBLER_DEFAULT, /* not named by any table: plan->unreferenced decides */
};

struct scrambler_pid {
    uint8_t action;      /* enum scrambler_action */
    uint8_t group;       /* index into plan->groups, for SCRAMBLER_PROTECT */
    uint8_t observe : 1; /* carries tables: sections that change are told to control */
    uint8_t rewrite : 1; /* its sections may be replaced by orders (ts/order.h): packets are repacked */
    uint8_t guard : 1; /* a change here (PAT, PMT of a protected service) makes unreferenced PIDs black until
                          a plan that knows of the change arrives */
};

struct scrambler_group {
    struct keys_slots *slots;
    enum cipher_algorithm algorithm;
};

struct scrambler_plan {
    uint64_t observations; /* sequence of the newest observation that this plan takes into account */
    uint8_t unreferenced;  /* SCRAMBLER_PASS or SCRAMBLER_BLACK */
    uint16_t group_count;
    struct scrambler_group groups[SCRAMBLER_GROUPS_MAX];
    struct scrambler_pid pids[TS_PIDS];
};

/* Everything black but the tables' PIDs (below 0x20, which pass; PAT observed and guarded) and null packets.
 */
void scrambler_plan_init(struct scrambler_plan *plan);

#endif
