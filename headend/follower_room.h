/* SPDX-License-Identifier: GPL-3.0-or-later */
/* headend/follower_room.h: the inside of a follower: map.c finds the services and builds the map, follower.c
 * chooses ECM PIDs and does the rest. Private to headend/. */
#ifndef HEADEND_FOLLOWER_ROOM_H
#define HEADEND_FOLLOWER_ROOM_H

#include "headend/follower.h"
#include "headend/signalling.h"
#include "headend/tables.h"

struct headend__service {
    struct headend_service_config config;
    bool chosen; /* `id` was found once: a first or named service stays the same while it is listed */
    bool ambiguous;
    uint16_t id;
    const struct headend__program *program; /* NULL: not in the PAT */
    uint16_t protected_components;
    uint8_t former[TS_PIDS / 8]; /* PIDs that were protected for it */
};

struct headend_follower {
    struct headend__service *services;
    unsigned count;
    bool pids_alone; /* headend_follower_set_pids() */
    struct headend__tables tables;
    struct headend__signalling signalling;
    uint16_t ecm_pids[256]; /* by group; 0: none yet */
    bool has_cat;
    bool completed; /* the map was complete once */
    bool name_pending;
    uint64_t observed;
    struct headend_map map, next;
    uint8_t referenced[TS_PIDS / 8]; /* by any table */
    uint8_t occupied[TS_PIDS / 8];   /* headend_follower_occupy() */
    struct ts_pmt pmt;               /* scratch */
};

static inline bool headend__has_pid(const uint8_t *bits, uint16_t pid)
{
    return bits[pid / 8] & 1u << pid % 8;
}

static inline bool headend__is_scramblable(uint16_t pid)
{
    return pid >= TS_PID_FIRST && pid < TS_PID_NULL;
}

/* Finds the configured services in the tables and builds follower->next and follower->referenced. */
void headend__map_build(struct headend_follower *follower);

#endif
