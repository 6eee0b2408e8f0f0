/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/access.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"

#define TEXT_MAX      INET6_ADDRSTRLEN
#define MAPPED_PREFIX 96 /* bits of ::ffff:0:0 (RFC 4291, 2.5.5.2) */

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

static void map_ipv4(const struct in_addr *from, uint8_t address[static 16])
{
    memcpy(address, mapped, sizeof(mapped));
    memcpy(address + sizeof(mapped), from, sizeof(*from));
}

/* Gives the bits of the address as it was written: 32 or 128. */
static int parse_address(const char *text, uint8_t address[static 16], unsigned *bits)
{
    struct in_addr four;

    *bits = 128;
    if (inet_pton(AF_INET6, text, address) == 1)
        return 0;
    if (inet_pton(AF_INET, text, &four) != 1)
        return BASE_E_MALFORMED;
    map_ipv4(&four, address);
    *bits = 32;
    return 0;
}

static bool agrees(const uint8_t a[static 16], const uint8_t b[static 16], unsigned prefix)
{
    unsigned whole = prefix / 8, rest = prefix % 8;

    return memcmp(a, b, whole) == 0 && (rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0);
}

static bool has_bits_beyond(const uint8_t address[static 16], unsigned prefix)
{
    unsigned found = prefix % 8 ? address[prefix / 8] & (0xff >> prefix % 8) : 0;

    for (unsigned at = (prefix + 7) / 8; at < 16; at++)
        found |= address[at];
    return found;
}

int net_range_parse(struct net_range *range, const char *text)
{
    const char *slash = strchrnul(text, '/');
    size_t length = (size_t)(slash - text);
    struct net_range parsed;
    char address[TEXT_MAX];
    uint64_t prefix;
    unsigned bits;

    if (length >= sizeof(address))
        return BASE_E_MALFORMED;
    memcpy(address, text, length);
    address[length] = '\0';
    if (parse_address(address, parsed.address, &bits) < 0)
        return BASE_E_MALFORMED;
    prefix = bits;
    if (*slash && base_parse_u64(slash + 1, 0, bits, &prefix) < 0)
        return BASE_E_MALFORMED;
    parsed.prefix = (uint8_t)(prefix + (bits == 32 ? MAPPED_PREFIX : 0));
    if (has_bits_beyond(parsed.address, parsed.prefix))
        return BASE_E_MALFORMED;
    *range = parsed;
    return 0;
}

static bool address_of(const struct sockaddr *peer, uint8_t address[static 16])
{
    if (peer->sa_family == AF_INET)
        map_ipv4(&((const struct sockaddr_in *)peer)->sin_addr, address);
    else if (peer->sa_family == AF_INET6)
        memcpy(address, &((const struct sockaddr_in6 *)peer)->sin6_addr, 16);
    else
        return false;
    return true;
}

bool net_access_allows(const struct net_access *access, const struct sockaddr *peer)
{
    uint8_t address[16];

    if (access->count == 0)
        return true;
    if (!address_of(peer, address))
        return false;
    for (unsigned i = 0; i < access->count; i++) {
        if (agrees(access->ranges[i].address, address, access->ranges[i].prefix))
            return true;
    }
    return false;
}
