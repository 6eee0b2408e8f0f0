/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd/services.h: the services of a stream, in messages. */
#ifndef CMD_SERVICES_H
#define CMD_SERVICES_H

#include <stddef.h>

#include "headend/follower.h"

/* "1 (One), 2 (Two)" or "none", of those that the PAT lists. */
void cmd_services_list(const struct headend_follower *follower, char *text, size_t room);

#endif
