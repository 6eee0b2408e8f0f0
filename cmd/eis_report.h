/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd/eis_report.h: what `scramline eis` prints on standard output: a table for people, or JSON lines. One
 * thread. */
#ifndef CMD_EIS_REPORT_H
#define CMD_EIS_REPORT_H

#include "cmd/eis_client.h"

struct cmd_eis_report {
    bool json;
    bool headed; /* the table's first line has been printed */
};

void cmd_eis_report_channel(const struct cmd_eis_report *report, const struct cmd_eis_config *config,
                            const struct simulcrypt_scs_abilities *abilities, uint8_t version);
void cmd_eis_report_answer(struct cmd_eis_report *report, const struct cmd_eis_answer *answer);
void cmd_eis_report_list(const struct cmd_eis_report *report, const uint16_t *scg_ids, size_t count);
void cmd_eis_report_summary(const struct cmd_eis_report *report, unsigned answers, unsigned refused);

#endif
