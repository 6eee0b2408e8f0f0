/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tests/simulcrypt/eis_pair.h: both ends of EIS ⇔ SCS on one wire (wire.h). One test at a time. */
#ifndef TESTS_SIMULCRYPT_EIS_PAIR_H
#define TESTS_SIMULCRYPT_EIS_PAIR_H

#include "simulcrypt/eis_session.h"
#include "simulcrypt/scg_session.h"
#include "wire.h"

struct eis_pair {
    struct simulcrypt_eis_session *eis;
    struct simulcrypt_scg_session *scs;
    struct simulcrypt_scgs *scgs;

    /* What the SCS's owner answers. */
    uint16_t channel_error, check_error;
    uint16_t nominal_cp_duration;
    /* What it got last. */
    struct simulcrypt_scg accepted; /* criteria may be gone by now */

    /* What the EIS's owner was told, and does from inside a callback. */
    struct simulcrypt_scs_abilities abilities;
    char why[256];
    void (*on_status)(uint16_t scg_id);
};

extern struct eis_pair eis_pair;

/* NULL: version 4, channel 1. */
void eis_pair_start(const struct simulcrypt_eis_config *config);
void eis_pair_set_abilities(const struct simulcrypt_scs_abilities *abilities); /* SCGs are forgotten */
void eis_pair_bring_up(void);                                                  /* starts, connects, pumps */
void eis_pair_scs_restart(void);
uint64_t eis_pair_tick(uint64_t later_ms);
void eis_pair_stop(void);

/* One service (10 × scg_id) and one ECM_Group with criteria. */
struct simulcrypt_scg eis_pair_scg(uint16_t scg_id, uint32_t reference_id);

#endif
