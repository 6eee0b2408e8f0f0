/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd/input.h: what the file commands share about their input: opening it, and saying what was wrong with it.
 */
#ifndef CMD_INPUT_H
#define CMD_INPUT_H

#include <jansson.h>

#include "cmd/options.h"
#include "io/source.h"

/* CMD_EXIT_OK with *source set, or an exit status after one clear message. A capture of several flows without
 * a choice: they are listed on standard error as --flow takes them, CMD_EXIT_USAGE. */
int cmd_input_open(const struct cmd_command *command, const char *path, const char *flow,
                   struct io_source **source);

/* As messages call it. */
const char *cmd_input_name(const char *path);

/* Warnings about lost sync, a truncated end and ignored datagrams, where there were any. */
void cmd_input_warn(const struct io_source *source, const char *path);

/* The same figures for --json; a new reference. */
json_t *cmd_input_json(const struct io_source *source);

#endif
