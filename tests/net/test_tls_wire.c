/* SPDX-License-Identifier: GPL-3.0-or-later */
/* TLS connections: what the wire may do to them. */
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "tests/net/secured.h"

TestSuite(tls_wire, .init = secured_setup, .fini = secured_teardown, .timeout = 60);

/* Between client and server: hands on `at_once` bytes at a time, and nothing beyond `limit` from the client.
 */
struct relay {
    struct net_tcp *front, *back;
    size_t at_once, limit, passed;
    bool back_open;
    uint8_t waiting[65536];
    size_t waiting_size;
};

static struct relay relay;

static void pass(struct net_tcp *to, const uint8_t *bytes, size_t size)
{
    for (size_t at = 0; at < size; at += relay.at_once)
        cr_assert_eq(net_tcp_write(to, bytes + at, size - at < relay.at_once ? size - at : relay.at_once), 0);
}

static void pass_forward(const uint8_t *bytes, size_t size)
{
    size = size < relay.limit - relay.passed ? size : relay.limit - relay.passed;
    pass(relay.back, bytes, size);
    relay.passed += size;
}

static void on_front(void *context, const uint8_t *bytes, size_t size)
{
    (void)context;
    if (relay.back_open) {
        pass_forward(bytes, size);
        return;
    }
    cr_assert_leq(relay.waiting_size + size, sizeof(relay.waiting));
    memcpy(relay.waiting + relay.waiting_size, bytes, size);
    relay.waiting_size += size;
}

static void on_back(void *context, const uint8_t *bytes, size_t size)
{
    (void)context;
    pass(relay.front, bytes, size);
}

static void on_back_connected(void *context)
{
    (void)context;
    relay.back_open = true;
    pass_forward(relay.waiting, relay.waiting_size);
}

static const struct net_tcp_ops front_ops = {.input = on_front};
static const struct net_tcp_ops back_ops = {.input = on_back, .connected = on_back_connected};

static void on_relayed(void *context, struct net_tcp *tcp)
{
    relay.front = tcp;
    net_tcp_set_ops(tcp, &front_ops, context);
}

static void connect_through_relay(size_t at_once, size_t limit)
{
    struct net_listener *front;
    uint16_t port = secured_listen("server", "ca");

    relay = (struct relay){.at_once = at_once, .limit = limit};
    cr_assert_eq(net_listen(&front, rig_loop,
                            &(struct net_listen_config){.host = "127.0.0.1", .accepted = on_relayed}),
                 0);
    secured_connect("client", "ca", net_listener_port(front));
    cr_assert_eq(net_tcp_connect(&relay.back, rig_loop, "127.0.0.1", port, NULL, &back_ops, NULL), 0);
}

Test(tls_wire, a_byte_at_a_time_will_do)
{
    static uint8_t bytes[2000];

    secured_fill(bytes, sizeof(bytes), 3);
    connect_through_relay(1, SIZE_MAX);
    RIG_UNTIL(rig_client.connected && rig_accepted);
    cr_assert_eq(net_tcp_write(rig_client.tcp, bytes, sizeof(bytes)), 0);
    cr_assert_eq(net_tcp_write(rig_server.tcp, bytes, sizeof(bytes)), 0);
    RIG_UNTIL(rig_server.size == sizeof(bytes) && rig_client.size == sizeof(bytes));
    cr_assert_arr_eq(rig_server.bytes, bytes, sizeof(bytes));
    cr_assert_arr_eq(rig_client.bytes, bytes, sizeof(bytes));
}

Test(tls_wire, of_a_record_that_is_cut_off_nothing_is_handed_over)
{
    static uint8_t bytes[1000];

    connect_through_relay(65536, SIZE_MAX);
    RIG_UNTIL(rig_client.connected && rig_accepted);
    relay.limit = relay.passed + sizeof(bytes) - 10;
    cr_assert_eq(net_tcp_write(rig_client.tcp, bytes, sizeof(bytes)), 0);
    RIG_UNTIL(relay.passed == relay.limit);
    net_tcp_close(relay.back);
    RIG_UNTIL(rig_server.ended);
    cr_assert_eq(rig_server.error, BASE_E_TRUNCATED);
    cr_assert_eq(rig_server.size, 0);
    net_tcp_close(rig_server.tcp);
}

Test(tls_wire, a_record_that_was_changed_ends_the_connection)
{
    static const uint8_t record[] = {23, 3,  3,  0,  20, 1,  2,  3,  4,  5,  6,  7, 8,
                                     9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20};

    connect_through_relay(65536, SIZE_MAX);
    RIG_UNTIL(rig_client.connected && rig_accepted);
    cr_assert_eq(net_tcp_write(relay.back, record, sizeof(record)), 0);
    RIG_UNTIL(rig_server.ended && rig_client.ended);
    cr_assert_eq(rig_server.error, -EPROTO);
    cr_assert_eq(rig_server.size, 0);
    cr_assert_eq(net_tcp_write(rig_server.tcp, record, 1), -ENOTCONN);
    cr_assert(strstr(net_tcp_trouble(rig_client.tcp), "bad record mac"), "%s",
              net_tcp_trouble(rig_client.tcp));
    net_tcp_close(rig_server.tcp);
}

Test(tls_wire, a_reset_in_the_middle_is_reported_once)
{
    SSL *ssl = secured_foreign(secured_listen("server", "ca"), TLS1_3_VERSION, "client");

    RIG_UNTIL(SSL_do_handshake(ssl) == 1);
    RIG_UNTIL(rig_accepted);
    rig_foreign_reset(SSL_get_fd(ssl));
    RIG_UNTIL(rig_server.ended);
    cr_assert_eq(rig_server.error, -ECONNRESET);
    net_tcp_close(rig_server.tcp);
    for (unsigned round = 0; round < 5; round++)
        net_loop_run_once(rig_loop, 5);
    cr_assert_eq(rig_server.ended, 1);
    SSL_free(ssl);
}

Test(tls_wire, a_peer_that_does_not_read_meets_the_limit)
{
    static uint8_t piece[65536];
    SSL *ssl = secured_foreign(secured_listen("server", "ca"), TLS1_3_VERSION, "client");
    int status = 0;
    unsigned pieces = 0;

    RIG_UNTIL(SSL_do_handshake(ssl) == 1);
    RIG_UNTIL(rig_accepted);
    while (status == 0 && pieces++ < 1000)
        status = net_tcp_write(rig_server.tcp, piece, sizeof(piece));
    cr_assert_eq(status, -ENOBUFS);
    for (size_t got = 0; got < sizeof(piece); got += (size_t)secured_foreign_read(ssl, piece, sizeof(piece)))
        ; /* what was written before is sound all the same */
    cr_assert_eq(rig_server.ended, 0);
    secured_foreign_free(ssl);
}

/* Tells the owner's rules apart from the records': one call must not bring more than asked for. */
static void on_one_then_pause(void *context, const uint8_t *bytes, size_t size)
{
    rig_ops.input(context, bytes, size);
    net_tcp_pause(rig_server.tcp);
}

Test(tls_wire, what_was_read_waits_while_paused)
{
    static uint8_t bytes[40000];
    static const struct net_tcp_ops pausing = {.input = on_one_then_pause};
    unsigned inputs = 0;

    secured_fill(bytes, sizeof(bytes), 5);
    secured_both();
    net_tcp_set_ops(rig_server.tcp, &pausing, &rig_server);
    cr_assert_eq(net_tcp_write(rig_client.tcp, bytes, sizeof(bytes)), 0);
    while (rig_server.size < sizeof(bytes)) {
        RIG_UNTIL(rig_server.inputs == inputs + 1);
        for (unsigned round = 0; round < 5; round++)
            net_loop_run_once(rig_loop, 2);
        cr_assert_eq(rig_server.inputs, ++inputs);
        net_tcp_resume(rig_server.tcp);
        cr_assert_eq(rig_server.inputs, inputs, "not inside the call");
    }
    cr_assert_geq(inputs, 3);
    cr_assert_arr_eq(rig_server.bytes, bytes, sizeof(bytes));
}
