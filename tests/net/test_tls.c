/* SPDX-License-Identifier: GPL-3.0-or-later */
/* TLS connections: who may speak to whom, and that bytes come whole whatever the wire does. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "tests/net/certificates.h"
#include "tests/net/rig.h"

static void setup(void)
{
    certificates_setup();
    rig_setup();
}

static void teardown(void)
{
    rig_teardown();
    certificates_teardown();
}

TestSuite(tls, .init = setup, .fini = teardown, .timeout = 60);

/* The context may go at once: what uses it holds it. */
static uint16_t listen_as(const char *name, const char *authority)
{
    struct net_tls *tls = certificates_tls(name, authority, true);
    uint16_t port = rig_listen(&(struct net_listen_config){.tls = tls});

    net_tls_destroy(tls);
    return port;
}

static void connect_as(const char *name, const char *authority, uint16_t port)
{
    struct net_tls *tls = certificates_tls(name, authority, false);

    rig_connect(port, tls);
    net_tls_destroy(tls);
}

static void secure_both(void)
{
    connect_as("client", "ca", listen_as("server", "ca"));
    RIG_UNTIL(rig_client.connected && rig_accepted);
}

static void fill(uint8_t *bytes, size_t size, unsigned step)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(i * step + i / 251);
}

Test(tls, bytes_arrive_whole_and_in_order_both_ways)
{
    static uint8_t there[RIG_BIG], back[RIG_BIG];

    fill(there, RIG_BIG, 7);
    fill(back, RIG_BIG, 13);
    secure_both();
    cr_assert_eq(net_tcp_write(rig_client.tcp, there, RIG_BIG), 0);
    cr_assert_eq(net_tcp_write(rig_server.tcp, back, 1), 0);
    cr_assert_eq(net_tcp_write(rig_server.tcp, back + 1, RIG_BIG - 1), 0);
    RIG_UNTIL(rig_server.size == RIG_BIG && rig_client.size == RIG_BIG);
    cr_assert_arr_eq(rig_server.bytes, there, RIG_BIG);
    cr_assert_arr_eq(rig_client.bytes, back, RIG_BIG);
    cr_assert_eq(rig_client.ended + rig_server.ended, 0);
    cr_assert_eq(rig_counters().accepted, 1);
    cr_assert_eq(rig_counters().not_secured, 0);
}

Test(tls, input_is_wiped_after_the_call)
{
    static const uint8_t zeros[8];

    secure_both();
    cr_assert_eq(net_tcp_write(rig_client.tcp, (const uint8_t *)"\1\2\3\4\5\6\7\10", 8), 0);
    RIG_UNTIL(rig_server.size == 8);
    cr_assert_arr_eq(rig_server.last_input, zeros, 8);
}

Test(tls, nothing_is_written_before_the_handshake_is_done)
{
    connect_as("client", "ca", listen_as("server", "ca"));
    cr_assert_eq(net_tcp_write(rig_client.tcp, (const uint8_t *)"x", 1), -ENOTCONN);
    RIG_UNTIL(rig_client.connected);
    cr_assert_eq(net_tcp_write(rig_client.tcp, (const uint8_t *)"x", 1), 0);
    RIG_UNTIL(rig_server.size == 1);
}

Test(tls, an_orderly_end_is_no_error_and_last_words_arrive)
{
    static uint8_t words[100000];

    secure_both();
    cr_assert_eq(net_tcp_write(rig_client.tcp, words, sizeof(words)), 0);
    net_tcp_close(rig_client.tcp);
    RIG_UNTIL(rig_server.ended);
    cr_assert_eq(rig_server.error, 0);
    cr_assert_eq(rig_server.size, sizeof(words));
    net_tcp_close(rig_server.tcp);
}

Test(tls, closing_inside_each_callback_is_the_last_one)
{
    uint16_t port = listen_as("server", "ca");

    rig_client.close_on_connected = true;
    rig_server.close_on_ended = true;
    connect_as("client", "ca", port);
    RIG_UNTIL(rig_server.ended);
    cr_assert_eq(rig_server.error, 0);
    cr_assert_eq(rig_client.ended, 0);
    rig_client.close_on_connected = false;
    rig_server.close_on_input = true;
    connect_as("client", "ca", port);
    RIG_UNTIL(rig_accepted == 2 && rig_client.connected == 2);
    net_tcp_write(rig_client.tcp, (const uint8_t *)"a", 1);
    net_tcp_write(rig_client.tcp, (const uint8_t *)"b", 1);
    RIG_UNTIL(rig_client.ended);
    cr_assert_eq(rig_server.size, 1);
    cr_assert_eq(rig_server.ended, 1);
    net_tcp_close(rig_client.tcp);
}

/* The client does not accept the server: both hear of it, nobody is handed over. */
static void client_refuses(const char *server, const char *authority, const char *expected)
{
    connect_as("client", authority, listen_as(server, "ca"));
    RIG_UNTIL(rig_client.ended && rig_counters().not_secured);
    cr_expect_eq(rig_client.error, BASE_E_AUTHENTICATION);
    cr_expect(strstr(net_tcp_trouble(rig_client.tcp), expected), "%s", net_tcp_trouble(rig_client.tcp));
    cr_expect_eq(rig_client.connected + rig_accepted, 0);
    net_tcp_close(rig_client.tcp);
}

Test(tls, a_server_of_another_authority_is_refused)
{
    client_refuses("server", "other-ca", "TLS: the peer's certificate is not accepted: ");
}

Test(tls, an_expired_server_is_refused)
{
    client_refuses("expired", "ca", "certificate has expired");
}

Test(tls, a_server_before_its_time_is_refused)
{
    client_refuses("early", "ca", "certificate is not yet valid");
}

Test(tls, a_server_of_another_name_is_refused)
{
    client_refuses("named", "ca", "IP address mismatch"); /* connected to 127.0.0.1 */
}

Test(tls, a_name_in_the_subject_alone_does_not_count)
{
    struct net_tls_config config = certificates_config("client", "ca");
    struct net_tls *tls;
    char why[256];

    strcpy(config.peer_name, "common.example");
    cr_assert_eq(net_tls_create(&tls, &config, false, why), 0);
    rig_connect(listen_as("common.example", "ca"), tls);
    net_tls_destroy(tls);
    RIG_UNTIL(rig_client.ended);
    cr_assert_eq(rig_client.error, BASE_E_AUTHENTICATION);
    cr_assert(strstr(net_tcp_trouble(rig_client.tcp), "hostname mismatch"), "%s",
              net_tcp_trouble(rig_client.tcp));
    net_tcp_close(rig_client.tcp);
}

static void connects_by_name(const char *server, const char *host, const char *peer_name)
{
    struct net_tls_config config = certificates_config("client", "ca");
    uint16_t port = listen_as(server, "ca");
    struct net_tls *tls;
    char why[256];

    strcpy(config.peer_name, peer_name);
    cr_assert_eq(net_tls_create(&tls, &config, false, why), 0);
    cr_assert_eq(net_tcp_connect(&rig_client.tcp, rig_loop, host, port, tls, &rig_ops, &rig_client), 0);
    net_tls_destroy(tls);
    RIG_UNTIL((rig_client.connected && rig_accepted) || rig_client.ended);
    cr_assert_eq(rig_client.ended, 0, "%s", net_tcp_trouble(rig_client.tcp));
}

Test(tls, a_configured_name_takes_the_place_of_the_host)
{
    connects_by_name("named", "127.0.0.1", "ecmg.example");
}

Test(tls, a_host_that_was_resolved_is_compared_by_its_name)
{
    connects_by_name("server", "localhost", "");
}

Test(tls, certificates_between_are_sent_along)
{
    connects_by_name("chained", "127.0.0.1", "");
}

/* The server does not accept the client, which has seen its own handshake done by then (RFC 8446, 4.4.4). */
static void server_refuses(const char *client)
{
    connect_as(client, "ca", listen_as("server", "ca"));
    RIG_UNTIL(rig_client.ended && rig_counters().not_secured);
    cr_expect_eq(rig_client.error, BASE_E_AUTHENTICATION);
    cr_expect(strstr(net_tcp_trouble(rig_client.tcp), "TLS: the peer does not accept our certificate: "),
              "%s", net_tcp_trouble(rig_client.tcp));
    cr_expect_eq(rig_accepted, 0);
    cr_expect_eq(rig_counters().accepted, 0);
    net_tcp_close(rig_client.tcp);
}

Test(tls, a_client_of_another_authority_is_refused)
{
    server_refuses("stranger");
}

Test(tls, an_expired_client_is_refused)
{
    server_refuses("expired");
}

/* A client that OpenSSL alone makes, on a socket that does not block. */
static SSL *foreign_client(uint16_t port, int version, const char *name)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    struct net_tls_config config = certificates_config(name ? name : "client", "ca");
    int peer = rig_foreign_connect(port);
    SSL *ssl;

    SSL_CTX_set_max_proto_version(context, version);
    if (name) {
        cr_assert_eq(SSL_CTX_use_certificate_chain_file(context, config.certificate), 1);
        cr_assert_eq(SSL_CTX_use_PrivateKey_file(context, config.key, SSL_FILETYPE_PEM), 1);
    }
    fcntl(peer, F_SETFL, O_NONBLOCK);
    ssl = SSL_new(context);
    SSL_set_fd(ssl, peer);
    SSL_set_connect_state(ssl);
    SSL_CTX_free(context);
    return ssl;
}

/* Drives the handshake and what follows until the client has something to read, or failed. */
static int foreign_read(SSL *ssl, void *bytes, int room)
{
    uint64_t limit = net_loop_now_ms(rig_loop) + 10000;
    int got = -1;

    while (net_loop_now_ms(rig_loop) < limit) {
        ERR_clear_error();
        got = SSL_read(ssl, bytes, room);
        if (got > 0 || SSL_get_error(ssl, got) != SSL_ERROR_WANT_READ)
            break;
        net_loop_run_once(rig_loop, 5);
    }
    return got;
}

static void foreign_free(SSL *ssl)
{
    close(SSL_get_fd(ssl));
    SSL_free(ssl);
}

static void refuses_foreign(int version, const char *name)
{
    SSL *ssl = foreign_client(listen_as("server", "ca"), version, name);
    char byte;

    cr_expect_lt(foreign_read(ssl, &byte, 1), 1);
    RIG_UNTIL(rig_counters().not_secured == 1);
    cr_expect_eq(rig_accepted, 0);
    foreign_free(ssl);
}

Test(tls, a_client_without_a_certificate_is_refused)
{
    refuses_foreign(TLS1_3_VERSION, NULL);
}

Test(tls, tls_1_2_is_refused)
{
    refuses_foreign(TLS1_2_VERSION, "client");
}

Test(tls, a_foreign_client_is_served_and_gets_no_ticket)
{
    SSL *ssl = foreign_client(listen_as("server", "ca"), TLS1_3_VERSION, "client");
    char bytes[8];

    SSL_do_handshake(ssl);
    RIG_UNTIL(SSL_do_handshake(ssl) == 1);
    RIG_UNTIL(rig_accepted);
    cr_assert_eq(net_tcp_write(rig_server.tcp, (const uint8_t *)"hello", 5), 0);
    cr_assert_eq(foreign_read(ssl, bytes, sizeof(bytes)), 5);
    cr_assert_not(SSL_SESSION_is_resumable(SSL_get0_session(ssl)));
    cr_assert_eq(SSL_write(ssl, "hi", 2), 2);
    RIG_UNTIL(rig_server.size == 2);
    net_tcp_close(rig_server.tcp);
    cr_assert_eq(foreign_read(ssl, bytes, sizeof(bytes)), 0);
    cr_assert_eq(SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN, SSL_RECEIVED_SHUTDOWN);
    foreign_free(ssl);
}

Test(tls, an_end_without_a_goodbye_is_an_error)
{
    SSL *ssl = foreign_client(listen_as("server", "ca"), TLS1_3_VERSION, "client");

    RIG_UNTIL(SSL_do_handshake(ssl) == 1);
    RIG_UNTIL(rig_accepted);
    cr_assert_eq(SSL_write(ssl, "some", 4), 4);
    foreign_free(ssl);
    RIG_UNTIL(rig_server.ended);
    cr_assert_eq(rig_server.size, 4);
    cr_assert_eq(rig_server.error, BASE_E_TRUNCATED);
    net_tcp_close(rig_server.tcp);
}

Test(tls, a_plain_client_is_hung_up_on)
{
    int peer = rig_foreign_connect(listen_as("server", "ca"));

    cr_assert_eq(send(peer, "\3\0\1\0\12\0\1\0\4\0\0\0\1", 13, 0), 13); /* a SimulCrypt channel_setup */
    RIG_UNTIL(rig_foreign_ended(peer));
    cr_assert_eq(rig_counters().not_secured, 1);
    cr_assert_eq(rig_accepted, 0);
    close(peer);
}

Test(tls, a_client_of_a_plain_server_fails)
{
    rig_server.close_on_input = true;
    connect_as("client", "ca", rig_listen(NULL));
    RIG_UNTIL(rig_client.ended);
    cr_assert_eq(rig_client.connected, 0);
    cr_assert_eq(rig_client.error, BASE_E_CLOSED);
    net_tcp_close(rig_client.tcp);
}

Test(tls, half_a_handshake_then_silence_is_ended_in_time)
{
    struct net_tls *tls = certificates_tls("server", "ca", true);
    uint16_t port =
        rig_listen(&(struct net_listen_config){.tls = tls, .handshake_ms = 300, .connections_max = 1});
    uint64_t start = net_loop_now_ms(rig_loop);
    int peer = rig_foreign_connect(port);
    int second;

    net_tls_destroy(tls);
    cr_assert_eq(send(peer, "\26\3\1\2\0\1\0", 7, 0), 7); /* the beginning of a ClientHello */
    for (unsigned round = 0; round < 5; round++)
        net_loop_run_once(rig_loop, 5);
    second = rig_foreign_connect(port); /* who has not shown a certificate counts as well */
    RIG_UNTIL(rig_foreign_ended(second) && rig_counters().too_many == 1);
    RIG_UNTIL(rig_foreign_ended(peer));
    cr_assert_geq(net_loop_now_ms(rig_loop) - start, 280);
    cr_assert_eq(rig_counters().not_secured, 1);
    close(peer);
    close(second);
}

Test(tls, a_handshake_that_outlives_its_listener_ends)
{
    SSL *ssl = foreign_client(listen_as("server", "ca"), TLS1_3_VERSION, "client");
    char byte;

    RIG_UNTIL(SSL_do_handshake(ssl) == 1); /* its last message is not read yet */
    cr_assert_eq(rig_accepted, 0);
    net_listener_close(rig_listener);
    cr_assert_lt(foreign_read(ssl, &byte, 1), 1);
    cr_assert_eq(rig_accepted, 0);
    foreign_free(ssl);
}

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
    uint16_t port = listen_as("server", "ca");

    relay = (struct relay){.at_once = at_once, .limit = limit};
    cr_assert_eq(net_listen(&front, rig_loop,
                            &(struct net_listen_config){.host = "127.0.0.1", .accepted = on_relayed}),
                 0);
    connect_as("client", "ca", net_listener_port(front));
    cr_assert_eq(net_tcp_connect(&relay.back, rig_loop, "127.0.0.1", port, NULL, &back_ops, NULL), 0);
}

Test(tls, a_byte_at_a_time_will_do)
{
    static uint8_t bytes[2000];

    fill(bytes, sizeof(bytes), 3);
    connect_through_relay(1, SIZE_MAX);
    RIG_UNTIL(rig_client.connected && rig_accepted);
    cr_assert_eq(net_tcp_write(rig_client.tcp, bytes, sizeof(bytes)), 0);
    cr_assert_eq(net_tcp_write(rig_server.tcp, bytes, sizeof(bytes)), 0);
    RIG_UNTIL(rig_server.size == sizeof(bytes) && rig_client.size == sizeof(bytes));
    cr_assert_arr_eq(rig_server.bytes, bytes, sizeof(bytes));
    cr_assert_arr_eq(rig_client.bytes, bytes, sizeof(bytes));
}

Test(tls, of_a_record_that_is_cut_off_nothing_is_handed_over)
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

Test(tls, a_record_that_was_changed_ends_the_connection)
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

Test(tls, a_reset_in_the_middle_is_reported_once)
{
    SSL *ssl = foreign_client(listen_as("server", "ca"), TLS1_3_VERSION, "client");

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

Test(tls, a_peer_that_does_not_read_meets_the_limit)
{
    static uint8_t piece[65536];
    SSL *ssl = foreign_client(listen_as("server", "ca"), TLS1_3_VERSION, "client");
    int status = 0;
    unsigned pieces = 0;

    RIG_UNTIL(SSL_do_handshake(ssl) == 1);
    RIG_UNTIL(rig_accepted);
    while (status == 0 && pieces++ < 1000)
        status = net_tcp_write(rig_server.tcp, piece, sizeof(piece));
    cr_assert_eq(status, -ENOBUFS);
    for (size_t got = 0; got < sizeof(piece); got += (size_t)foreign_read(ssl, piece, sizeof(piece)))
        ; /* what was written before is sound all the same */
    cr_assert_eq(rig_server.ended, 0);
    foreign_free(ssl);
}

/* Tells the owner's rules apart from the records': one call must not bring more than asked for. */
static void on_one_then_pause(void *context, const uint8_t *bytes, size_t size)
{
    rig_ops.input(context, bytes, size);
    net_tcp_pause(rig_server.tcp);
}

Test(tls, what_was_read_waits_while_paused)
{
    static uint8_t bytes[40000];
    static const struct net_tcp_ops pausing = {.input = on_one_then_pause};
    unsigned inputs = 0;

    fill(bytes, sizeof(bytes), 5);
    secure_both();
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
