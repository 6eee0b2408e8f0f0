/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/services.h"

#include <stdio.h>

#define LISTED_MAX 16

void cmd_services_list(const struct headend_follower *follower, char *text, size_t room)
{
    struct headend_service_entry entries[LISTED_MAX];
    unsigned total = headend_follower_services(follower, entries, LISTED_MAX);
    size_t used = 0;

    snprintf(text, room, total ? "" : "none");
    for (unsigned i = 0; i < total && i < LISTED_MAX && used < room; i++) {
        const char *name = entries[i].name;

        used += (size_t)snprintf(text + used, room - used, "%s%u%s%s%s", i ? ", " : "", entries[i].service_id,
                                 *name ? " (" : "", name, *name ? ")" : "");
    }
}
