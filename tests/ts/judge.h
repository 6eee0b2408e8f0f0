/* SPDX-License-Identifier: GPL-3.0-or-later */
/* biTStream's opinion of sections that ts/ wrote. Its names collide with ours, hence a file of its own. Each
 * function returns NULL, or what is wrong. The sections are sound in size. */
#ifndef TESTS_TS_JUDGE_H
#define TESTS_TS_JUDGE_H

#include <stdbool.h>
#include <stdint.h>

extern const bool judge_available;

/* The programme loop has the CA_descriptor at place `index`. */
const char *judge_pmt(uint8_t *section, uint8_t version, uint8_t index, uint16_t ca_system_id,
                      uint16_t ca_pid);
const char *judge_cat(uint8_t *section, uint8_t version, uint16_t ca_system_id, uint16_t ca_pid);
const char *judge_sdt(uint8_t *section, uint8_t version, bool free_ca_mode);

#endif
