/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd/cas.h: the CASs of a headend at work: their ECMGs, and the numbers that must be unique over the headend
 * or a CAS. One thread: the loop's. */
#ifndef CMD_CAS_H
#define CMD_CAS_H

#include "cmd/cas_config.h"

struct cmd_cas_set;

struct cmd_cas {
    const struct cmd_cas_config *config;
    struct cmd_cas_set *set;
    struct headend_ecmgs *ecmgs;
    struct net_tls *tls;
    uint8_t *ecm_ids; /* a bit each, 1: taken; CASs of one Super_CAS_id share them */
    struct {
        bool any;
        enum headend_ecmg_state state;
    } told[HEADEND_ECMGS_MAX]; /* what the log knows of */
};

struct cmd_cas_set {
    unsigned count;
    struct cmd_cas *cas;
    uint8_t channel_ids[UINT16_MAX / 8 + 1];      /* in use */
    uint8_t kept_channel_ids[UINT16_MAX / 8 + 1]; /* for the CAS that is configured with it */
};

/* Begins to connect. `list` is borrowed until cmd_cas_set_close(). Negative errno after one clear message.
 * Close it in every case. */
int cmd_cas_set_open(struct cmd_cas_set *set, const struct cmd_cas_list *list, struct net_loop *loop);
void cmd_cas_set_close(struct cmd_cas_set *set); /* after all that uses its ECMGs */

/* Tells the log of ECMGs that went or came back; call about once a second. */
void cmd_cas_set_report(struct cmd_cas_set *set);

/* A free ECM_id of the CAS: `wanted`, or the next free one with a warning; 0: any. 0 where all are taken. */
uint16_t cmd_cas_take_ecm_id(struct cmd_cas *cas, uint16_t wanted);
bool cmd_cas_ecm_id_is_free(const struct cmd_cas *cas, uint16_t ecm_id);
void cmd_cas_give_ecm_id(struct cmd_cas *cas, uint16_t ecm_id);

/* The CA_descriptors of a service with these terms, whose ECM streams are the flows from `first_flow` on;
 * `index` is counted on to the PIDs that are wanted. */
void cmd_cas_signals(const struct cmd_cas_list *list, const struct cmd_cas_use *uses, unsigned count,
                     uint16_t first_flow, unsigned index, struct headend_signal *signals);

#endif
