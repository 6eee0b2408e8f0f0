/* SPDX-License-Identifier: GPL-3.0-or-later */
/* net/access.h: which peers may speak to a listener: ranges of addresses. Thread-safe: no state. */
#ifndef NET_ACCESS_H
#define NET_ACCESS_H

#include <stdbool.h>
#include <stdint.h>

#define NET_ACCESS_MAX 32 /* ranges of one list */

/* IPv4 addresses are kept as IPv6 maps them (::ffff:a.b.c.d): they come so through a listener on "::". */
struct net_range {
    uint8_t address[16];
    uint8_t prefix; /* bits that must agree, 0 … 128 */
};

/* Empty: whoever reaches the listener. */
struct net_access {
    unsigned count;
    struct net_range ranges[NET_ACCESS_MAX];
};

struct sockaddr;

/* "192.0.2.7", "192.0.2.0/24", "2001:db8::/32"; no names. BASE_E_MALFORMED, also for bits set beyond the
 * prefix. */
int net_range_parse(struct net_range *range, const char *text);
bool net_access_allows(const struct net_access *access, const struct sockaddr *peer);

#endif
