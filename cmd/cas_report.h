/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd/cas_report.h: CASs, their ECMGs and ECM streams as JSON, of a file run and live. One thread. */
#ifndef CMD_CAS_REPORT_H
#define CMD_CAS_REPORT_H

#include <jansson.h>

#include "cmd/cas.h"
#include "headend/scg.h"

/* [{name, super_cas_id, ecmgs: [{address, state, …}]}] */
json_t *cmd_cas_set_json(const struct cmd_cas_set *set);

/* [{name, ecm_id, ecm_pid, required, up, …}] of one SCG */
json_t *cmd_scg_cas_json(const struct headend_scg *scg, const struct headend_follower *follower);

/* PID of its first ECM stream, 0 for none. */
uint16_t cmd_scg_ecm_pid(const struct headend_scg *scg, const struct headend_follower *follower);

/* "alpha from 127.0.0.1:2222, beta from nowhere": who gives ECMs. "" without a CAS. */
void cmd_cas_set_text(const struct cmd_cas_set *set, char *text, size_t room);

#endif
