/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd/summary.h: what the summaries of commands share. Thread-safe: no state. */
#ifndef CMD_SUMMARY_H
#define CMD_SUMMARY_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

/* An object of all counters of a room, from its X(name, help) map and a pointer to its structure, which holds
 * a uint64_t each in the map's order. A new reference. */
#define CMD_SUMMARY_COUNTERS(MAP, counters)                                                                  \
    cmd_summary_counters((const char *const[]){MAP(CMD_SUMMARY__NAME)},                                      \
                         (const uint64_t *)(const void *)(counters), sizeof(*(counters)) / sizeof(uint64_t))
#define CMD_SUMMARY__NAME(name, help) #name,

json_t *cmd_summary_counters(const char *const names[], const uint64_t *values, size_t count);

/* Prints the object and takes the reference. */
void cmd_summary_print(FILE *to, json_t *summary);

/* bit/s of so many TS packets. */
double cmd_summary_bit_rate(uint64_t packets, double seconds);

#endif
