/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd/live_service.h: one protected service of a live stream: what of cmd/service.h the live headend
 * decides. Private to cmd/live.c. */
#ifndef CMD_LIVE_SERVICE_H
#define CMD_LIVE_SERVICE_H

#include "cmd/live.h"

/* Service `index` of `stream`. Negative errno with a message. Clear it in every case. */
int cmd_live_service_init(struct cmd_live_service *service, struct cmd_live_stream *stream, unsigned index);

/* The follower's choice of a PID for its ECMs. */
void cmd_live_service_set_ecm_pid(struct cmd_live_service *service, uint16_t ecm_pid);
void cmd_live_service_report(struct cmd_live_service *service);
void cmd_live_service_clear(struct cmd_live_service *service);

#endif
