/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "net/room.h"

bool net__address_parse(const char *host, uint16_t port, struct sockaddr_storage *address)
{
    return uv_ip4_addr(host, port, (struct sockaddr_in *)address) == 0 ||
           uv_ip6_addr(host, port, (struct sockaddr_in6 *)address) == 0;
}

void net__address_format(const struct sockaddr *address, char text[static NET__PEER_MAX])
{
    char name[64] = "";

    if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)address;
        uv_ip6_name(six, name, sizeof(name));
        snprintf(text, NET__PEER_MAX, "[%s]:%u", name, ntohs(six->sin6_port));
    } else {
        const struct sockaddr_in *four = (const struct sockaddr_in *)address;
        uv_ip4_name(four, name, sizeof(name));
        snprintf(text, NET__PEER_MAX, "%s:%u", name, ntohs(four->sin_port));
    }
}

/* The port stands at the same place for both families. */
uint16_t net__address_port(const struct sockaddr *address)
{
    return ntohs(((const struct sockaddr_in *)address)->sin_port);
}

struct addrinfo *net__address_look_up(struct net_loop *loop, const char *host, uint16_t port, int kind)
{
    struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = kind, .ai_flags = AI_NUMERICSERV | AI_PASSIVE};
    uv_getaddrinfo_t resolve;
    char service[8];

    snprintf(service, sizeof(service), "%u", port);
    if (uv_getaddrinfo(&loop->uv, &resolve, NULL, host, service, &hints) < 0)
        return NULL;
    return resolve.addrinfo;
}

int net__address_find(struct net_loop *loop, const char *host, uint16_t port, int kind,
                      struct sockaddr_storage *address)
{
    struct addrinfo *found;

    *address = (struct sockaddr_storage){.ss_family = AF_UNSPEC};
    if (!host[0])
        host = "0.0.0.0";
    if (net__address_parse(host, port, address))
        return 0;
    found = net__address_look_up(loop, host, port, kind);
    if (!found)
        return -ENXIO;
    memcpy(address, found->ai_addr, found->ai_addrlen);
    uv_freeaddrinfo(found);
    return 0;
}
