/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <arpa/inet.h> /* inet_pton(), inet_ntop(): text alone, no socket */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "wire/datagram.h"
#include "wire/network.h"

bool wire_is_multicast(const struct wire_address *address)
{
    return address->version == 4 ? address->bytes[0] >> 4 == 0xE : address->bytes[0] == 0xFF;
}

void wire_multicast_mac(const struct wire_address *group, uint8_t mac[static 6])
{
    if (group->version == 4) {
        const uint8_t low[WIRE__MAC_SIZE] = {
            0x01, 0x00, 0x5E, group->bytes[1] & 0x7F, group->bytes[2], group->bytes[3]};
        memcpy(mac, low, sizeof(low));
    } else {
        mac[0] = mac[1] = 0x33;
        memcpy(mac + 2, group->bytes + 12, 4);
    }
}

int wire_address_parse(const char *text, struct wire_address *address)
{
    memset(address, 0, sizeof(*address));
    if (inet_pton(AF_INET, text, address->bytes) == 1)
        address->version = 4;
    else if (inet_pton(AF_INET6, text, address->bytes) == 1)
        address->version = 6;
    return address->version ? 0 : BASE_E_MALFORMED;
}

int wire_endpoint_parse(const char *text, struct wire_address *address, uint16_t *port)
{
    char host[INET6_ADDRSTRLEN];

    if (base_parse_host_port(text, host, sizeof(host), port) < 0)
        return BASE_E_MALFORMED;
    return wire_address_parse(host, address);
}

void wire_address_format(const struct wire_address *address, char text[static 64])
{
    text[0] = '\0';
    inet_ntop(address->version == 4 ? AF_INET : AF_INET6, address->bytes, text, 64);
}

void wire_endpoint_format(const struct wire_address *address, uint16_t port, char text[static 64])
{
    char host[64];

    wire_address_format(address, host);
    snprintf(text, 64, address->version == 4 ? "%.45s:%u" : "[%.45s]:%u", host, (unsigned)port);
}

bool wire_address_equal(const struct wire_address *a, const struct wire_address *b)
{
    return a->version == b->version && memcmp(a->bytes, b->bytes, a->version == 4 ? 4 : 16) == 0;
}
