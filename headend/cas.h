/* SPDX-License-Identifier: GPL-3.0-or-later */
/* headend/cas.h: what a CAS's channel_status means for the schedule (ETSI TS 103 197, clause 5). Private to
 * headend/. Thread-safe but for the words: no state. */
#ifndef HEADEND_CAS_H
#define HEADEND_CAS_H

#include "headend/words.h"
#include "simulcrypt/ecmg_scs.h"

/* The crypto-period's length in ticks: `nominal`, raised to min_CP_duration. */
uint64_t headend__cas_period(const struct simulcrypt_channel_status *status, uint64_t nominal);

/* 0, or BASE_E_CONFIGURATION with *why set: see headend_group_cas_up(). */
int headend__cas_check(const struct simulcrypt_channel_status *status, uint64_t period, bool allow_late_ecm,
                       const char **why);

/* How many CW_provisions must go before the one for CP n, so that the ECMG knows CW n: with lead_CW x and
 * CW_per_msg y they carry n + 1 + x - y … n + x, which leaves CW n out where y is not above x. */
unsigned headend__cas_priming(const struct simulcrypt_channel_status *status);

/* At which crypto-period a delay is wanted: transition_delay_* and AC_delay_* take the place of delay_* where
 * the ECMG has named them. */
enum headend__moment { HEADEND__ORDINARY, HEADEND__TRANSITION, HEADEND__CRITERIA };

/* In ticks, relative to the crypto-period's start, or its end. */
int64_t headend__cas_delay_start(const struct simulcrypt_channel_status *status, enum headend__moment moment);
int64_t headend__cas_delay_stop(const struct simulcrypt_channel_status *status, enum headend__moment moment);

/* How often an ECM is repeated, in ticks. */
uint64_t headend__cas_repetition(const struct simulcrypt_channel_status *status);

/* Fills the CW_provision for `crypto_period`. Its CWs point into `cws` (at least SIMULCRYPT_CWS_MAX), which
 * the caller wipes. Errors of headend__words_get(). */
int headend__cas_provision(const struct simulcrypt_channel_status *status, struct headend__words *words,
                           uint64_t crypto_period, struct base_secret *cws,
                           struct simulcrypt_cw_provision *provision);

/* Why an ECM_datagram cannot be played, NULL where it can (also where it is empty). */
const char *headend__cas_datagram_fault(const struct simulcrypt_channel_status *status,
                                        const uint8_t *datagram, size_t size);

#endif
