/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/net/secured.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <unistd.h>

void secured_setup(void)
{
    certificates_setup();
    rig_setup();
}

void secured_teardown(void)
{
    rig_teardown();
    certificates_teardown();
}

/* The context may go at once: what uses it holds it. */
uint16_t secured_listen(const char *name, const char *authority)
{
    struct net_tls *tls = certificates_tls(name, authority, true);
    uint16_t port = rig_listen(&(struct net_listen_config){.tls = tls});

    net_tls_destroy(tls);
    return port;
}

void secured_connect(const char *name, const char *authority, uint16_t port)
{
    struct net_tls *tls = certificates_tls(name, authority, false);

    rig_connect(port, tls);
    net_tls_destroy(tls);
}

void secured_both(void)
{
    secured_connect("client", "ca", secured_listen("server", "ca"));
    RIG_UNTIL(rig_client.connected && rig_accepted);
}

void secured_fill(uint8_t *bytes, size_t size, unsigned step)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(i * step + i / 251);
}

SSL *secured_foreign(uint16_t port, int version, const char *name)
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

int secured_foreign_read(SSL *ssl, void *bytes, int room)
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

void secured_foreign_free(SSL *ssl)
{
    close(SSL_get_fd(ssl));
    SSL_free(ssl);
}
