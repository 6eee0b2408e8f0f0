/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tests/cipher/judge.h: what lanes should become, by libdvbcsa's scalar code and OpenSSL's block cipher.
 *
 * The modes around the block cipher are written out here; nothing of cipher/ is used. One thread. */
#ifndef TESTS_CIPHER_JUDGE_H
#define TESTS_CIPHER_JUDGE_H

#include "tests/tiers/pool.h"

struct pool_judge judge_by_libraries(void);

#endif
