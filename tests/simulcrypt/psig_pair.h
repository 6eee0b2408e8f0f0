/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tests/simulcrypt/psig_pair.h: both ends of C(P)SIG ⇔ (P)SIG on one wire (wire.h). One test at a time. */
#ifndef TESTS_SIMULCRYPT_PSIG_PAIR_H
#define TESTS_SIMULCRYPT_PSIG_PAIR_H

#include "simulcrypt/cpsig_session.h"
#include "simulcrypt/psig_session.h"
#include "wire.h"

struct psig_pair {
    struct simulcrypt_psig_session *psig;
    struct simulcrypt_cpsig_session *cpsig;
    uint16_t channel_error, stream_error; /* what the C(P)SIG's owner answers */
    char why[256];
};

extern struct psig_pair psig_pair;

void psig_pair_start(const struct simulcrypt_psig_config *config); /* NULL: version 3, channel 1 */
void psig_pair_bring_up(void); /* starts, adds stream 7, connects, pumps */
void psig_pair_cpsig_restart(void);
uint64_t psig_pair_tick(uint64_t later_ms);
void psig_pair_stop(void);

#endif
