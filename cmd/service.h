/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd/service.h: one protected service, of a file or live: its control words, its group, its line to the
 * ECMG. One thread: the loop's. */
#ifndef CMD_SERVICE_H
#define CMD_SERVICE_H

#include "cipher/cipher.h"
#include "headend/ecmg_client.h"
#include "headend/follower.h"

struct cmd_service_config {
    const char *stream; /* borrowed; messages name it. NULL: the only one */
    const struct cipher *cipher;
    enum cipher_algorithm algorithm;
    const struct keys_grace *grace; /* NULL: who reads the slots has no thread of its own */
    const struct base_secret *cw;   /* one for ever, */
    const char *cw_file;            /* or a list of them; both NULL: they are made */
    bool raw_cw;
    struct headend_group_config group; /* where words come from and has_cas are filled in, the seed is not */
    struct headend_ecmg_client_config ecmg; /* host NULL: no CAS; stream and duration are filled in */
    struct net_loop *loop;
    /* A crypto-period will begin at `start`, 27 MHz ticks: called when that is settled. NULL is allowed. */
    void (*period)(void *context, uint64_t start, const struct base_secret *cw);
    void *context;
};

struct cmd_service {
    const char *stream;
    struct keys_slots *slots;
    struct keys_cw_list list;
    struct headend_group *group;
    struct headend_ecmg_client *client; /* NULL without a CAS */
    void (*period)(void *context, uint64_t start, const struct base_secret *cw);
    void *context;
    bool was_degraded;
};

/* Negative errno after one clear message. `service` keeps its place; clear it in every case. */
int cmd_service_init(struct cmd_service *service, const struct cmd_service_config *config);
void cmd_service_clear(struct cmd_service *service);

/* Of the ECMG: a sentence, "" for none. */
const char *cmd_service_last_error(const struct cmd_service *service);

/* Sums over services. */
struct cmd_service_totals {
    unsigned services, on_air, degraded;
    bool was_degraded;
    uint64_t crypto_periods, ecms, stretched;
};
void cmd_service_add(struct cmd_service_totals *totals, const struct cmd_service *service);

/* "1 (One), 2 (Two)" or "none", of those that the PAT lists: for messages. */
void cmd_service_list(const struct headend_follower *follower, char *text, size_t room);

#endif
