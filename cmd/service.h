/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd/service.h: one protected service, of a file or live: its control words, and the SCG that it is all by
 * itself. One thread: the loop's. */
#ifndef CMD_SERVICE_H
#define CMD_SERVICE_H

#include "cipher/cipher.h"
#include "cmd/cas.h"
#include "headend/follower.h"
#include "headend/scg.h"

struct cmd_service_config {
    const char *name; /* begins messages; copied */
    const struct cipher *cipher;
    enum cipher_algorithm algorithm;
    const struct keys_grace *grace; /* NULL: who reads the slots has no thread of its own */
    const struct base_secret *cw;   /* one for ever, */
    const char *cw_file;            /* or a list of them; both NULL: they are made */
    bool raw_cw;
    bool slots_alone; /* no SCG: who publishes to the slots is another's affair */
    struct headend_group_config
        group;                      /* where words come from, member and CASs are filled in, the seed not */
    struct cmd_cas_set *cas;        /* borrowed */
    unsigned use_count;             /* 0: no CAS */
    const struct cmd_cas_use *uses; /* borrowed until init() returns */
    unsigned counted_on;            /* what is added to the ECM_ids that the uses ask for */
    uint16_t first_flow;            /* of the follower: one flow per use */
    /* A crypto-period will begin at `start`, 27 MHz ticks: called when that is settled. NULL is allowed. */
    void (*period)(void *context, uint64_t start, const struct base_secret *cw);
    void *context;
};

struct cmd_service {
    char name[160];
    struct keys_slots *slots;
    struct keys_cw_list list;
    struct headend_scg *scg; /* NULL of slots_alone */
    void (*period)(void *context, uint64_t start, const struct base_secret *cw);
    void *context;
};

/* Negative errno after one clear message. `service` keeps its place; clear it in every case. */
int cmd_service_init(struct cmd_service *service, const struct cmd_service_config *config);
void cmd_service_clear(struct cmd_service *service);

/* Sums over services. */
struct cmd_service_totals {
    unsigned services, on_air, degraded;
    bool was_degraded;
    uint64_t crypto_periods, ecms, stretched, without;
};
void cmd_service_add(struct cmd_service_totals *totals, struct headend_scg *scg); /* NULL is allowed */

/* "1 (One), 2 (Two)" or "none", of those that the PAT lists: for messages. */
void cmd_service_list(const struct headend_follower *follower, char *text, size_t room);

#endif
