/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/udp.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/secret.h"
#include "net/room.h"

#define DATAGRAM_MAX 65507 /* bytes of an IPv4 datagram's payload */

struct net_udp {
    uv_udp_t socket;
    struct net_loop *loop;
    struct sockaddr_storage destination; /* of one that sends */
    struct net_access access;
    uint64_t refused;
    void (*input)(void *context, const uint8_t *bytes, size_t size, const char *peer);
    void *context;
    LIST_ENTRY(net_udp) link;
};

static struct net_udp *udp_create(struct net_loop *loop)
{
    struct net_udp *udp = calloc(1, sizeof(*udp));

    if (!udp)
        return NULL;
    udp->loop = loop;
    uv_udp_init(&loop->uv, &udp->socket);
    udp->socket.data = udp;
    LIST_INSERT_HEAD(&loop->datagrams, udp, link);
    return udp;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void net__udp_release(struct net_udp *udp)
{
    LIST_REMOVE(udp, link);
    uv_close((uv_handle_t *)&udp->socket, on_closed);
}

void net_udp_close(struct net_udp *udp)
{
    if (udp)
        net__udp_release(udp);
}

static void on_room_wanted(uv_handle_t *handle, size_t suggested, uv_buf_t *room)
{
    struct net_udp *udp = handle->data;

    (void)suggested;
    *room = uv_buf_init((char *)udp->loop->input, NET__INPUT_MAX);
}

static void take(struct net_udp *udp, const uint8_t *bytes, size_t size, const struct sockaddr *from)
{
    char peer[NET__PEER_MAX];

    if (!net_access_allows(&udp->access, from)) {
        udp->refused++;
        return;
    }
    net__address_format(from, peer);
    udp->input(udp->context, bytes, size, peer);
}

/* No sender: there was nothing to read. An error is one of the network's (RFC 1122, 4.1.3.3), and passes. */
static void on_datagram(uv_udp_t *socket, ssize_t size, const uv_buf_t *room, const struct sockaddr *from,
                        unsigned flags)
{
    struct net_udp *udp = socket->data;

    (void)flags;
    if (size < 0 || !from)
        return;
    udp->loop->events++;
    take(udp, (const uint8_t *)room->base, (size_t)size, from);
    base_secure_zero(room->base, (size_t)size);
}

static bool is_multicast(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET6)
        return IN6_IS_ADDR_MULTICAST(&((const struct sockaddr_in6 *)address)->sin6_addr);
    return IN_MULTICAST(ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr));
}

/* Groups that others on this machine joined, on other interfaces, are none of ours. */
static void keep_to_own_groups(struct net_udp *udp, int family)
{
    int no = 0;
    uv_os_fd_t fd;

    if (uv_fileno((uv_handle_t *)&udp->socket, &fd) < 0)
        return;
    if (family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_ALL, &no, sizeof(no));
    else
        setsockopt(fd, IPPROTO_IP, IP_MULTICAST_ALL, &no, sizeof(no));
}

/* libuv takes an IPv6 interface as the zone of an address. */
static int join(struct net_udp *udp, const struct sockaddr *group, const char *interface)
{
    bool six = group->sa_family == AF_INET6;
    char text[INET6_ADDRSTRLEN], zone[80];

    if (six)
        uv_ip6_name((const struct sockaddr_in6 *)group, text, sizeof(text));
    else
        uv_ip4_name((const struct sockaddr_in *)group, text, sizeof(text));
    snprintf(zone, sizeof(zone), six ? "::%%%.64s" : "%.64s", interface);
    keep_to_own_groups(udp, group->sa_family);
    return uv_udp_set_membership(&udp->socket, text, interface[0] ? zone : NULL, UV_JOIN_GROUP);
}

/* Bound to the group: what is sent to the port otherwise does not come. */
static int receive_on(struct net_udp *udp, const struct sockaddr *address, const char *interface)
{
    bool group = is_multicast(address);
    int status = uv_udp_bind(&udp->socket, address, group ? UV_UDP_REUSEADDR : 0);

    if (status == 0 && group)
        status = join(udp, address, interface);
    if (status == 0)
        status = uv_udp_recv_start(&udp->socket, on_room_wanted, on_datagram);
    return status;
}

int net_udp_receive(struct net_udp **udp, struct net_loop *loop, const char *host, uint16_t port,
                    const char *interface, const struct net_access *access,
                    void (*input)(void *context, const uint8_t *bytes, size_t size, const char *peer),
                    void *context)
{
    struct sockaddr_storage address;
    struct net_udp *made;
    int status = net__address_find(loop, host, port, SOCK_DGRAM, &address);

    if (status < 0)
        return status;
    made = udp_create(loop);
    if (!made)
        return -ENOMEM;
    if (access)
        made->access = *access;
    made->input = input;
    made->context = context;
    status = receive_on(made, (struct sockaddr *)&address, interface);
    if (status < 0)
        net__udp_release(made);
    else
        *udp = made;
    return status;
}

int net_udp_send_to(struct net_udp **udp, struct net_loop *loop, const char *host, uint16_t port)
{
    struct sockaddr_storage address;
    struct net_udp *made;
    int status = net__address_find(loop, host, port, SOCK_DGRAM, &address);

    if (status < 0)
        return status;
    made = udp_create(loop);
    if (!made)
        return -ENOMEM;
    made->destination = address;
    *udp = made;
    return 0;
}

int net_udp_write(struct net_udp *udp, const uint8_t *bytes, size_t size)
{
    uv_buf_t piece = {.base = (void *)bytes, .len = size}; /* libuv only reads it */
    int sent;

    if (size > DATAGRAM_MAX)
        return -EMSGSIZE;
    sent = uv_udp_try_send(&udp->socket, &piece, 1, (struct sockaddr *)&udp->destination);
    return sent < 0 ? sent : 0;
}

uint16_t net_udp_port(const struct net_udp *udp)
{
    struct sockaddr_storage address;
    int size = sizeof(address);

    if (uv_udp_getsockname(&udp->socket, (struct sockaddr *)&address, &size) < 0)
        return 0;
    return net__address_port((struct sockaddr *)&address);
}

uint64_t net_udp_refused(const struct net_udp *udp)
{
    return udp->refused;
}
