/* SPDX-License-Identifier: GPL-3.0-or-later */
/* headend/words.h: which control word belongs to which crypto-period. Private to headend/. One thread.
 *
 * A CW is made when it is first asked for and stays the same for its crypto-period, however often the ECMG is
 * told of it (an ECM and the air must agree). */
#ifndef HEADEND_WORDS_H
#define HEADEND_WORDS_H

#include "keys/control_word.h"
#include "simulcrypt/ecmg_scs.h"

/* The CW_provision for n carries at most CPs n + 1 - CWS_MAX to n + CWS_MAX, and some CASs are a few n behind
 * others: at least so many are remembered. */
#define HEADEND__WORDS 32

struct headend__words {
    struct keys_cw_generator generator; /* owned */
    const struct keys_cw_list *list;    /* NULL: generate */
    uint64_t first;                     /* crypto-period of the list's first */
    bool fixed;                         /* one CW for every crypto-period */
    struct {
        uint64_t crypto_period;
        struct base_secret cw; /* size 0: none yet */
    } entries[HEADEND__WORDS];
};

/* Points *cw at the CW of the crypto-period, valid until the next call. BASE_E_CRYPTO; BASE_E_MALFORMED for a
 * listed CW of another size than the generator's. */
int headend__words_get(struct headend__words *words, uint64_t crypto_period, const struct base_secret **cw);
void headend__words_clear(struct headend__words *words); /* wipes */

#endif
