/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd/headend_uses.h: which CASs a stream and its services use. Private to cmd/headend_config.c.
 *
 * What is taken over from an entry is the configuration's to free. All return 0 or BASE_E_CONFIGURATION with
 * the report. */
#ifndef CMD_HEADEND_USES_H
#define CMD_HEADEND_USES_H

#include "cmd/headend_keys.h"

/* The configuration's CASs, with room for each stream's short form. Files count from `folder`. */
int cmd_headend_take_cas_list(struct cmd_headend_config *config, struct cmd_headend_entries *entries,
                              const char *folder, const struct base_yaml_report *report);
/* Of a stream, in their order: */
int cmd_headend_take_uses(struct cmd_headend_config *config, const struct cmd_headend_stream_entry *entry,
                          struct cmd_headend_stream *stream, const struct base_yaml_report *report);
int cmd_headend_take_services(const struct cmd_headend_config *config, struct cmd_headend_stream_entry *entry,
                              struct cmd_headend_stream *stream, const struct base_yaml_report *report);

/* Once all streams are taken: how many ECM streams their engines must play, with room for tables and EMMs. */
void cmd_headend_count_carousels(struct cmd_headend_config *config);

#endif
