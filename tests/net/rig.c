/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/net/rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct net_loop *rig_loop;
struct net_listener *rig_listener;
struct rig_end rig_client, rig_server;
unsigned rig_accepted;

static void on_connected(void *context)
{
    struct rig_end *end = context;

    end->connected++;
    if (end->close_on_connected)
        net_tcp_close(end->tcp);
}

static void on_input(void *context, const uint8_t *bytes, size_t size)
{
    struct rig_end *end = context;

    cr_assert_leq(end->size + size, RIG_BIG);
    memcpy(end->bytes + end->size, bytes, size);
    end->size += size;
    end->inputs++;
    end->last_input = bytes;
    if (end->close_on_input)
        net_tcp_close(end->tcp);
}

static void on_ended(void *context, int error)
{
    struct rig_end *end = context;

    end->ended++;
    end->error = error;
    if (end->close_on_ended)
        net_tcp_close(end->tcp);
}

const struct net_tcp_ops rig_ops = {.connected = on_connected, .input = on_input, .ended = on_ended};

void rig_accept(void *context, struct net_tcp *tcp)
{
    struct rig_end *end = context;

    rig_accepted++;
    end->tcp = tcp;
    net_tcp_set_ops(tcp, &rig_ops, end);
}

void rig_setup(void)
{
    cr_assert_eq(net_loop_create(&rig_loop), 0);
    rig_client.bytes = malloc(RIG_BIG);
    rig_server.bytes = malloc(RIG_BIG);
}

void rig_teardown(void)
{
    net_loop_destroy(rig_loop);
    free(rig_client.bytes);
    free(rig_server.bytes);
}

uint16_t rig_listen(const struct net_listen_config *config)
{
    struct net_listen_config used = config ? *config : (struct net_listen_config){.host = NULL};

    used.host = used.host ? used.host : "127.0.0.1";
    used.accepted = rig_accept;
    used.context = &rig_server;
    cr_assert_eq(net_listen(&rig_listener, rig_loop, &used), 0);
    cr_assert_neq(net_listener_port(rig_listener), 0);
    return net_listener_port(rig_listener);
}

void rig_connect(uint16_t port, struct net_tls *tls)
{
    cr_assert_eq(net_tcp_connect(&rig_client.tcp, rig_loop, "127.0.0.1", port, tls, &rig_ops, &rig_client),
                 0);
}

void rig_connect_both(void)
{
    rig_connect(rig_listen(NULL), NULL);
    RIG_UNTIL(rig_client.connected && rig_accepted);
}

int rig_foreign_connect(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    int peer = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    cr_assert_eq(connect(peer, (struct sockaddr *)&address, sizeof(address)), 0);
    return peer;
}

void rig_foreign_reset(int peer)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};

    setsockopt(peer, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    close(peer);
}

bool rig_foreign_ended(int peer)
{
    uint8_t bytes[4096];
    ssize_t got;

    while ((got = recv(peer, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
        ;
    return got == 0 || errno != EAGAIN;
}

struct net_listener_counters rig_counters(void)
{
    struct net_listener_counters counters;

    net_listener_counters(rig_listener, &counters);
    return counters;
}
