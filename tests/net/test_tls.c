/* SPDX-License-Identifier: GPL-3.0-or-later */
/* TLS connections: who may speak to whom, how they begin and end. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "tests/net/secured.h"

TestSuite(tls, .init = secured_setup, .fini = secured_teardown, .timeout = 60);

Test(tls, bytes_arrive_whole_and_in_order_both_ways)
{
    static uint8_t there[RIG_BIG], back[RIG_BIG];

    secured_fill(there, RIG_BIG, 7);
    secured_fill(back, RIG_BIG, 13);
    secured_both();
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

    secured_both();
    cr_assert_eq(net_tcp_write(rig_client.tcp, (const uint8_t *)"\1\2\3\4\5\6\7\10", 8), 0);
    RIG_UNTIL(rig_server.size == 8);
    cr_assert_arr_eq(rig_server.last_input, zeros, 8);
}

Test(tls, nothing_is_written_before_the_handshake_is_done)
{
    secured_connect("client", "ca", secured_listen("server", "ca"));
    cr_assert_eq(net_tcp_write(rig_client.tcp, (const uint8_t *)"x", 1), -ENOTCONN);
    RIG_UNTIL(rig_client.connected);
    cr_assert_eq(net_tcp_write(rig_client.tcp, (const uint8_t *)"x", 1), 0);
    RIG_UNTIL(rig_server.size == 1);
}

Test(tls, an_orderly_end_is_no_error_and_last_words_arrive)
{
    static uint8_t words[100000];

    secured_both();
    cr_assert_eq(net_tcp_write(rig_client.tcp, words, sizeof(words)), 0);
    net_tcp_close(rig_client.tcp);
    RIG_UNTIL(rig_server.ended);
    cr_assert_eq(rig_server.error, 0);
    cr_assert_eq(rig_server.size, sizeof(words));
    net_tcp_close(rig_server.tcp);
}

Test(tls, closing_inside_each_callback_is_the_last_one)
{
    uint16_t port = secured_listen("server", "ca");

    rig_client.close_on_connected = true;
    rig_server.close_on_ended = true;
    secured_connect("client", "ca", port);
    RIG_UNTIL(rig_server.ended);
    cr_assert_eq(rig_server.error, 0);
    cr_assert_eq(rig_client.ended, 0);
    rig_client.close_on_connected = false;
    rig_server.close_on_input = true;
    secured_connect("client", "ca", port);
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
    secured_connect("client", authority, secured_listen(server, "ca"));
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
    rig_connect(secured_listen("common.example", "ca"), tls);
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
    uint16_t port = secured_listen(server, "ca");
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
    secured_connect(client, "ca", secured_listen("server", "ca"));
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

static void refuses_foreign(int version, const char *name)
{
    SSL *ssl = secured_foreign(secured_listen("server", "ca"), version, name);
    char byte;

    cr_expect_lt(secured_foreign_read(ssl, &byte, 1), 1);
    RIG_UNTIL(rig_counters().not_secured == 1);
    cr_expect_eq(rig_accepted, 0);
    secured_foreign_free(ssl);
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
    SSL *ssl = secured_foreign(secured_listen("server", "ca"), TLS1_3_VERSION, "client");
    char bytes[8];

    SSL_do_handshake(ssl);
    RIG_UNTIL(SSL_do_handshake(ssl) == 1);
    RIG_UNTIL(rig_accepted);
    cr_assert_eq(net_tcp_write(rig_server.tcp, (const uint8_t *)"hello", 5), 0);
    cr_assert_eq(secured_foreign_read(ssl, bytes, sizeof(bytes)), 5);
    cr_assert_not(SSL_SESSION_is_resumable(SSL_get0_session(ssl)));
    cr_assert_eq(SSL_write(ssl, "hi", 2), 2);
    RIG_UNTIL(rig_server.size == 2);
    net_tcp_close(rig_server.tcp);
    cr_assert_eq(secured_foreign_read(ssl, bytes, sizeof(bytes)), 0);
    cr_assert_eq(SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN, SSL_RECEIVED_SHUTDOWN);
    secured_foreign_free(ssl);
}

Test(tls, an_end_without_a_goodbye_is_an_error)
{
    SSL *ssl = secured_foreign(secured_listen("server", "ca"), TLS1_3_VERSION, "client");

    RIG_UNTIL(SSL_do_handshake(ssl) == 1);
    RIG_UNTIL(rig_accepted);
    cr_assert_eq(SSL_write(ssl, "some", 4), 4);
    secured_foreign_free(ssl);
    RIG_UNTIL(rig_server.ended);
    cr_assert_eq(rig_server.size, 4);
    cr_assert_eq(rig_server.error, BASE_E_TRUNCATED);
    net_tcp_close(rig_server.tcp);
}

Test(tls, a_plain_client_is_hung_up_on)
{
    int peer = rig_foreign_connect(secured_listen("server", "ca"));

    cr_assert_eq(send(peer, "\3\0\1\0\12\0\1\0\4\0\0\0\1", 13, 0), 13); /* a SimulCrypt channel_setup */
    RIG_UNTIL(rig_foreign_ended(peer));
    cr_assert_eq(rig_counters().not_secured, 1);
    cr_assert_eq(rig_accepted, 0);
    close(peer);
}

Test(tls, a_client_of_a_plain_server_fails)
{
    rig_server.close_on_input = true;
    secured_connect("client", "ca", rig_listen(NULL));
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
    SSL *ssl = secured_foreign(secured_listen("server", "ca"), TLS1_3_VERSION, "client");
    char byte;

    RIG_UNTIL(SSL_do_handshake(ssl) == 1); /* its last message is not read yet */
    cr_assert_eq(rig_accepted, 0);
    net_listener_close(rig_listener);
    cr_assert_lt(secured_foreign_read(ssl, &byte, 1), 1);
    cr_assert_eq(rig_accepted, 0);
    secured_foreign_free(ssl);
}
