/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd/live_service.h: one protected service of a live stream's configuration: what of cmd/service.h the live
 * headend decides. Private to cmd/live*.c. */
#ifndef CMD_LIVE_SERVICE_H
#define CMD_LIVE_SERVICE_H

#include "cmd/live.h"

/* How long before its start a slot must be there: ticks of control and bursts of workers, with ease. */
uint64_t cmd_live_guard(uint64_t crypto_period);

/* "service 7", "service \"News\"" or "first service", as it was asked for. `text` is returned. */
const char *cmd_live_service_wanted(const struct cmd_live_stream *stream, unsigned index, char *text,
                                    size_t room);

/* What groups of the stream have in common; `number` makes their control words their own. Members are not
 * filled in. */
struct headend_group_config cmd_live_describe_group(const struct cmd_live_stream *stream, unsigned number);

/* Service `index` of `stream`; of one that an EIS rules slots alone. Negative errno with a message. Clear it
 * in every case. */
int cmd_live_service_init(struct cmd_live_service *service, struct cmd_live_stream *stream, unsigned index);

/* Its CA_descriptors, once the follower knows of it. */
void cmd_live_service_announce(const struct cmd_live_service *service);
void cmd_live_service_clear(struct cmd_live_service *service);

#endif
