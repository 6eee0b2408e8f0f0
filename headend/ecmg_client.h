/* SPDX-License-Identifier: GPL-3.0-or-later */
/* headend/ecmg_client.h: one connection to an ECMG: simulcrypt/scs_session.h on net/tcp.h, with reconnection.
 *
 * One thread: the loop's. Reconnects after 250 ms, doubling to 10 s. A peer that refuses the version (0x0002)
 * is tried with the next lower one down to 2. The time between attempts begins anew with the first ECM, so
 * that an ECMG which accepts and hangs up is not pestered. */
#ifndef HEADEND_ECMG_CLIENT_H
#define HEADEND_ECMG_CLIENT_H

#include "headend/group.h"
#include "net/tcp.h"
#include "simulcrypt/scs_session.h"

struct headend_ecmg_client;

struct headend_ecmg_client_config {
    const char *host;
    uint16_t port;
    struct simulcrypt_scs_config scs;
    struct simulcrypt_scs_stream_config stream;
    /* Something came that headend_group_advance() should act on soon. Not called inside destroy(). Do not
     * destroy the client inside it. May be NULL. */
    void (*changed)(void *context);
    void *context;
};

/* `config` is copied. Connects at once and keeps `group` (borrowed, set later with
 * headend_ecmg_client_attach()) informed. */
int headend_ecmg_client_create(struct headend_ecmg_client **client, struct net_loop *loop,
                               const struct headend_ecmg_client_config *config);
void headend_ecmg_client_destroy(struct headend_ecmg_client *client); /* orderly close; NULL is allowed */
void headend_ecmg_client_attach(struct headend_ecmg_client *client, struct headend_group *group);

/* For headend_group_ops.provision. -ENOTCONN while the stream is not up; -EBUSY while one is outstanding, and
 * for a while (100 ms, doubling to 5 s) after one that failed. */
int headend_ecmg_client_provision(struct headend_ecmg_client *client,
                                  const struct simulcrypt_cw_provision *provision);

bool headend_ecmg_client_is_up(const struct headend_ecmg_client *client);
uint64_t headend_ecmg_client_attempts(const struct headend_ecmg_client *client); /* connections tried */
const char *
headend_ecmg_client_last_error(const struct headend_ecmg_client *client); /* a sentence, "" for none */

#endif
