/* SPDX-License-Identifier: GPL-3.0-or-later */
/* descrambler/group.h: control words of a group: from ECMs, lists or fixed; which one holds. Private. */
#ifndef DESCRAMBLER_GROUP_H
#define DESCRAMBLER_GROUP_H

#include "descrambler/state.h"

/* The group of an ECM PID, new where need be; -ENOSPC. */
int descrambler__group_get(struct descrambler_engine *engine, uint16_t ecm_pid);
bool descrambler__group_has(const struct descrambler_engine *engine, uint16_t ecm_pid, unsigned *group);

void descrambler__group_set_word(struct descrambler_engine *engine, struct descrambler_group *group,
                                 unsigned parity, const struct base_secret *cw);

/* Scouting end: an ECM section of the group. */
void descrambler__group_scout_ecm(struct descrambler_engine *engine, unsigned group, const uint8_t *section,
                                  size_t size);

/* Scouting end: a scrambled packet of the group tells which parity its last ECMs come before. */
void descrambler__group_scout_parity(struct descrambler_engine *engine, unsigned group, uint8_t parity);

/* Opening end: ECMs up to this position come into force. */
void descrambler__group_apply_ecms(struct descrambler_engine *engine, uint64_t position);

/* Opening end: follows the parity of a packet, and moves the group on where it is the first of a new
 * crypto-period. */
void descrambler__group_follow(struct descrambler_engine *engine, struct descrambler_group *group,
                               struct descrambler_pid *pid, uint8_t parity, uint64_t position);

/* The CW for a parity now: in force, or found ahead where there is none. NULL: none. */
const struct base_secret *descrambler__group_word(struct descrambler_engine *engine, unsigned group,
                                                  uint8_t parity);

/* The prepared key of that word; flushes the batch before a key that its lanes may use is changed. NULL where
 * the word does not fit the algorithm. */
const struct cipher_key *descrambler__group_key(struct descrambler_group *group, uint8_t parity,
                                                enum cipher_algorithm algorithm, struct cipher_batch *batch);

void descrambler__group_wipe(struct descrambler_group *group);

#endif
