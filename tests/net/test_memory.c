/* SPDX-License-Identifier: GPL-3.0-or-later */
/* No memory for the room's own objects. (libuv ends the process where it cannot grow its tables.) */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "net/dialer.h"
#include "net/tcp.h"
#include "net/udp.h"
#include "tests/common/memory.h"
#include "tests/net/certificates.h"

struct peer {
    struct net_tcp *tcp;
    bool connected, ended;
    size_t received;
};

static struct peer client, server;
static struct net_tls *server_tls, *client_tls; /* NULL: plain TCP */

static void on_connected(void *context)
{
    ((struct peer *)context)->connected = true;
}

static void on_input(void *context, const uint8_t *bytes, size_t size)
{
    (void)bytes;
    ((struct peer *)context)->received += size;
}

static void on_ended(void *context, int error)
{
    struct peer *peer = context;

    (void)error;
    net_tcp_close(peer->tcp);
    peer->tcp = NULL;
    peer->ended = true;
}

static const struct net_tcp_ops ops = {.connected = on_connected, .input = on_input, .ended = on_ended};

static void on_accepted(void *context, struct net_tcp *tcp)
{
    (void)context;
    server.tcp = tcp;
    net_tcp_set_ops(tcp, &ops, &server);
}

static void fire(void *context)
{
    (void)context;
}

/* A loop with one of each. */
static int use_parts(void *context)
{
    struct net_loop *loop = NULL;
    struct net_timer *timer = NULL;
    struct net_listener *listener = NULL;
    struct net_tcp *tcp = NULL;
    int status = net_loop_create(&loop);

    (void)context;
    if (status == 0)
        status = net_timer_create(&timer, loop, fire, NULL);
    if (status == 0)
        status = net_listen(&listener, loop,
                            &(const struct net_listen_config){
                                .host = "127.0.0.1", .port = 0, .accepted = on_accepted, .context = NULL});
    if (status == 0)
        status = net_tcp_connect(&tcp, loop, "127.0.0.1", net_listener_port(listener), NULL, &ops, &client);
    net_tcp_close(tcp);
    net_listener_close(listener);
    net_timer_destroy(timer);
    net_loop_destroy(loop);
    return status;
}

Test(memory, loop_timer_listener_connection, .timeout = 60)
{
    memory_refuse_each(use_parts, NULL, 4);
}

/* A connection from its beginning to its end; the listener that cannot take it over passes it by. */
static int use_connection(void *context)
{
    static const uint8_t bytes[100];
    struct net_loop *loop = context;
    struct net_listener *listener = NULL;
    int status = net_listen(
        &listener, loop,
        &(const struct net_listen_config){.host = "127.0.0.1", .tls = server_tls, .accepted = on_accepted});
    uint64_t limit = net_loop_now_ms(loop) + 200;

    client = server = (struct peer){0};
    if (status == 0)
        status = net_tcp_connect(&client.tcp, loop, "127.0.0.1", net_listener_port(listener), client_tls,
                                 &ops, &client);
    while (status == 0 && !(client.connected && server.tcp) && !client.ended && net_loop_now_ms(loop) < limit)
        net_loop_run_once(loop, 10);
    if (status == 0 && !(client.connected && server.tcp))
        status = -ENOMEM;
    if (status == 0)
        status = net_tcp_write(client.tcp, bytes, sizeof(bytes));
    while (status == 0 && server.received < sizeof(bytes) && !server.ended && !client.ended)
        net_loop_run_once(loop, 10);
    if (status == 0 && server.received < sizeof(bytes))
        status = -ENOMEM;
    net_tcp_close(client.tcp);
    net_tcp_close(server.tcp);
    net_listener_close(listener);
    while (net_loop_run_once(loop, 20))
        ;
    return status;
}

static int use_connection_in_a_loop(void *context)
{
    struct net_loop *loop = NULL;
    int status = net_loop_create(&loop);

    (void)context;
    if (status == 0)
        status = use_connection(loop);
    net_loop_destroy(loop);
    return status;
}

Test(memory, connection, .timeout = 60)
{
    memory_refuse_each(use_connection_in_a_loop, NULL, 4);
}

/* The same with TLS, from the contexts on. */
static int use_secured(void *context)
{
    struct net_tls_config configs[2] = {certificates_config("server", "ca"),
                                        certificates_config("client", "ca")};
    char why[256];
    int status = net_tls_create(&server_tls, &configs[0], true, why);

    if (status == 0)
        status = net_tls_create(&client_tls, &configs[1], false, why);
    if (status == 0)
        status = use_connection_in_a_loop(context);
    net_tls_destroy(server_tls);
    net_tls_destroy(client_tls);
    server_tls = client_tls = NULL;
    return status;
}

Test(memory, secured_connection, .init = certificates_setup, .fini = certificates_teardown, .timeout = 60)
{
    memory_refuse_each(use_secured, NULL, 8);
}

static void on_datagram(void *context, const uint8_t *bytes, size_t size, const char *peer)
{
    (void)context, (void)bytes, (void)size, (void)peer;
}

static int use_datagrams(void *context)
{
    struct net_loop *loop = NULL;
    struct net_udp *receiver = NULL, *sender = NULL;
    int status = net_loop_create(&loop);

    (void)context;
    if (status == 0)
        status = net_udp_receive(&receiver, loop, "127.0.0.1", 0, "", NULL, on_datagram, NULL);
    if (status == 0)
        status = net_udp_send_to(&sender, loop, "127.0.0.1", net_udp_port(receiver));
    if (status == 0)
        status = net_udp_write(sender, (const uint8_t *)"x", 1);
    net_udp_close(receiver);
    net_loop_destroy(loop);
    return status;
}

Test(memory, datagrams, .timeout = 60)
{
    memory_refuse_each(use_datagrams, NULL, 3);
}

static void ignore(void *context)
{
    (void)context;
}

static void ignore_bytes(void *context, const uint8_t *bytes, size_t size)
{
    (void)context;
    (void)bytes;
    (void)size;
}

static void ignore_reason(void *context, const char *why)
{
    (void)context;
    (void)why;
}

static int use_dialer_in(struct net_loop *loop)
{
    static const struct net_dialer_ops dialer_ops = {ignore, ignore_bytes, ignore_reason};
    const struct net_dialer_config config = {.host = "127.0.0.1", .port = 9, .peer = "peer"};
    struct net_dialer *dialer;
    int status = net_dialer_create(&dialer, loop, &config, &dialer_ops, NULL);

    for (int i = 0; status == 0 && i < 3; i++)
        net_loop_run_once(loop, 1);
    net_dialer_destroy(dialer);
    return status;
}

static int use_dialer(void *context)
{
    struct net_loop *loop = NULL;
    int status = net_loop_create(&loop);

    (void)context;
    if (status == 0)
        status = use_dialer_in(loop);
    net_loop_destroy(loop);
    return status;
}

/* Where there is no memory to connect it tries again later. */
Test(memory, dialer, .timeout = 60)
{
    memory_survive_each(use_dialer, NULL, 5);
}

/* What is read goes through the loop's own memory; what is written and does not go at once, through a copy.
 */
Test(memory, nothing_is_left_of_what_was_sent, .timeout = 60)
{
    static uint8_t bytes[1 << 18];
    static const uint8_t pattern[16] = "a word of my own";
    struct net_loop *loop = NULL;
    struct net_listener *listener = NULL;
    size_t sent = 0;

    for (size_t at = 0; at < sizeof(bytes); at += sizeof(pattern))
        memcpy(bytes + at, pattern, sizeof(pattern));
    memory_look_for(pattern, sizeof(pattern));
    memory_watch();
    cr_assert_eq(net_loop_create(&loop), 0);
    cr_assert_eq(net_listen(&listener, loop,
                            &(const struct net_listen_config){
                                .host = "127.0.0.1", .port = 0, .accepted = on_accepted, .context = NULL}),
                 0);
    cr_assert_eq(
        net_tcp_connect(&client.tcp, loop, "127.0.0.1", net_listener_port(listener), NULL, &ops, &client), 0);
    while (!client.connected || !server.tcp)
        net_loop_run_once(loop, 10);
    memory_refuse_none();
    while (net_tcp_write(client.tcp, bytes, sizeof(bytes)) == 0)
        sent += sizeof(bytes);
    cr_assert_gt(memory_requests(), 0, "nothing had to wait");
    while (server.received < sent)
        net_loop_run_once(loop, 10);
    net_loop_destroy(loop);
    memory_stop();
    cr_assert_eq(memory_found(), 0, "%u blocks were freed with it", memory_found());
    memory_assert_it_looks();
}
