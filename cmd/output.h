/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd/output.h: what the file commands share about their output. */
#ifndef CMD_OUTPUT_H
#define CMD_OUTPUT_H

#include <jansson.h>
#include <stdio.h>

#include "cmd/options.h"
#include "io/sink.h"

/* CMD_EXIT_OK with *sink set, or an exit status after one clear message. */
int cmd_output_open(const struct cmd_command *command, const char *path, const char *input_path,
                    const struct io_source *source, struct io_sink **sink);

/* Where a run failed or was interrupted: says so, and under which name the unfinished output is kept. NULL is
 * allowed. */
void cmd_output_name_partial(const struct io_sink *sink);

/* Where a summary for machines goes: standard output, or standard error where that carries packets. */
FILE *cmd_output_summary(const char *path);

/* A file's name as JSON, which is UTF-8 while names may be any bytes: those that are not become U+FFFD. A new
 * reference. */
json_t *cmd_json_text(const char *text);

#endif
