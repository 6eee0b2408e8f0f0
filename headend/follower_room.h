/* SPDX-License-Identifier: GPL-3.0-or-later */
/* headend/follower_room.h: the inside of a follower: map.c finds the services and builds the map, flows.c
 * chooses ECM PIDs, follower.c does the rest. Private to headend/. */
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
    unsigned signal_count;
    struct headend_signal signals[HEADEND_SIGNALS_MAX];
    bool signalled; /* it had signals once: its PMT stays rewritten, so that each version is of its own */
    unsigned component_count;
    struct headend_component_group components[HEADEND_COMPONENT_GROUPS_MAX];
};

/* An ECM stream. */
struct headend__flow {
    uint16_t pid; /* 0: none yet */
    bool used;    /* some service names it */
};

struct headend_follower {
    struct headend__service *services;
    unsigned count;
    bool pids_alone; /* headend_follower_set_pids() */
    struct headend__tables tables;
    struct headend__signalling signalling;
    struct headend__flow flows[HEADEND_FLOWS_MAX];
    uint16_t flow_of_pid[TS_PIDS]; /* counted from 1; 0: none */
    unsigned cat_count;
    struct headend_cat_entry cat[HEADEND_CAT_ENTRIES_MAX];
    bool completed; /* the map was complete once */
    bool name_pending;
    uint64_t observed;
    uint64_t flush_time; /* the newest source time that is known */
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

static inline bool headend__is_component(const struct ts_pmt_component *component, bool by_tag,
                                         uint16_t number)
{
    return by_tag ? component->has_tag && component->tag == number : component->pid == number;
}

/* A service is signalled as soon as its PMT is known; not before all are, so that no ECM PID has to move. */
bool headend__is_signalled(const struct headend_follower *follower, unsigned index);

/* Gives every ECM stream of signalled services a PID, and takes it from those that no service names. After
 * headend__map_build(). */
void headend__flows_place(struct headend_follower *follower);

/* Into follower->pmt. False where the PMT is not there or cannot be read. */
bool headend__read_pmt(struct headend_follower *follower, const struct headend__program *program);

/* Finds the configured services in the tables and builds follower->next and follower->referenced. */
void headend__map_build(struct headend_follower *follower);

#endif
