/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench/peer.h: the libraries among the contenders. Private to bench/. */
#ifndef BENCH_PEER_H
#define BENCH_PEER_H

#include "bench/contender.h"

/* For the algorithms that contender.c lists. -ENOTSUP where this CPU lacks the library, -ENOMEM. */
int bench__libdvbcsa_open(struct bench_contender **contender, enum cipher_algorithm algorithm);
int bench__openssl_open(struct bench_contender **contender, enum cipher_algorithm algorithm);
int bench__ipsec_mb_open(struct bench_contender **contender, enum cipher_algorithm algorithm);

/* Memory of `size` bytes for a contender, aligned to cache lines and zeroed; NULL where there is none. */
void *bench__contender_create(size_t size, const struct bench_contender_operations *operations,
                              enum cipher_algorithm algorithm, const char *name);

#endif
