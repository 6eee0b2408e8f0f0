/* SPDX-License-Identifier: GPL-3.0-or-later */
/* net_range_parse() and base_parse_listen(): what is taken as a range holds its own address, and one bit
 * within the prefix turned over lies outside of it. */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "net/access.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static bool holds(const struct net_access *access, const uint8_t address[16])
{
    struct sockaddr_in6 peer = {.sin6_family = AF_INET6};

    memcpy(&peer.sin6_addr, address, 16);
    return net_access_allows(access, (struct sockaddr *)&peer);
}

static void check_range(const char *text)
{
    struct net_access access = {.count = 1};
    uint8_t address[16];

    if (net_range_parse(&access.ranges[0], text) < 0)
        return;
    memcpy(address, access.ranges[0].address, sizeof(address));
    if (access.ranges[0].prefix > 128 || !holds(&access, address))
        abort();
    for (unsigned bit = 0; bit < 128; bit++) {
        address[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
        if (holds(&access, address) != (bit >= access.ranges[0].prefix))
            abort();
        address[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char text[300], host[16];
    uint16_t port;

    if (size >= sizeof(text))
        return 0;
    memcpy(text, bytes, size);
    text[size] = '\0';
    check_range(text);
    if (base_parse_listen(text, host, sizeof(host), &port) == 0 && strlen(host) >= sizeof(host))
        abort();
    return 0;
}
