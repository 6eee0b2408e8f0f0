/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/tls_session.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "net/tls_context.h"

struct net__tls_session {
    SSL *ssl;
    BIO *input, *output; /* owned by `ssl` */
    bool failed;
    char why[160];
};

/* An address has to be in the certificate as such; a name is also told to the server, which may have several.
 */
static bool name_peer(SSL *ssl, const char *name)
{
    X509_VERIFY_PARAM *wanted = SSL_get0_param(ssl);

    X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                                                X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    if (X509_VERIFY_PARAM_set1_ip_asc(wanted, name) == 1)
        return true;
    return SSL_set1_host(ssl, name) == 1 && SSL_set_tlsext_host_name(ssl, name) == 1;
}

static bool take_side(SSL *ssl, const struct net_tls *tls, const char *host)
{
    if (tls->server) {
        SSL_set_accept_state(ssl);
        return true;
    }
    SSL_set_connect_state(ssl);
    return name_peer(ssl, tls->peer_name[0] ? tls->peer_name : host);
}

static bool set_up(struct net__tls_session *session, const struct net_tls *tls, const char *host)
{
    session->ssl = SSL_new(tls->context);
    session->input = BIO_new(BIO_s_mem());
    session->output = BIO_new(BIO_s_mem());
    if (!session->ssl || !session->input || !session->output) {
        BIO_free(session->input);
        BIO_free(session->output);
        return false;
    }
    BIO_set_mem_eof_return(session->input, -1); /* empty is not the end */
    SSL_set_bio(session->ssl, session->input, session->output);
    return take_side(session->ssl, tls, host);
}

int net__tls_session_create(struct net__tls_session **session, struct net_tls *tls, const char *host)
{
    struct net__tls_session *made = calloc(1, sizeof(*made));

    if (!made)
        return -ENOMEM;
    if (!set_up(made, tls, host)) {
        net__tls_session_destroy(made);
        ERR_clear_error();
        return -ENOMEM;
    }
    ERR_clear_error();
    *session = made;
    return 0;
}

void net__tls_session_destroy(struct net__tls_session *session)
{
    if (!session)
        return;
    SSL_free(session->ssl);
    free(session);
}

/* Alerts of RFC 8446, 6.2: 42 bad_certificate … 48 unknown_ca, 49 access_denied, 116 certificate_required. */
static bool is_about_certificate(int reason)
{
    int alert = reason - SSL_AD_REASON_OFFSET;

    return (alert >= SSL_AD_BAD_CERTIFICATE && alert <= SSL_AD_ACCESS_DENIED && alert != 47) ||
           alert == SSL_AD_CERTIFICATE_REQUIRED;
}

static int tell(struct net__tls_session *session, int status, const char *what, const char *details)
{
    snprintf(session->why, sizeof(session->why), "TLS: %s%s%s", what, details ? ": " : "",
             details ? details : "");
    return status;
}

static int explain(struct net__tls_session *session, unsigned long error)
{
    const char *text = ERR_reason_error_string(error);
    int reason = ERR_GET_REASON(error);

    if (reason == ERR_R_MALLOC_FAILURE)
        return -ENOMEM;
    if (ERR_GET_LIB(error) != ERR_LIB_SSL)
        return tell(session, -EPROTO, text ? text : "the connection broke", NULL);
    if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED)
        return tell(session, BASE_E_AUTHENTICATION, "the peer's certificate is not accepted",
                    X509_verify_cert_error_string(SSL_get_verify_result(session->ssl)));
    if (reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE)
        return tell(session, BASE_E_AUTHENTICATION, "the peer shows no certificate", NULL);
    if (is_about_certificate(reason))
        return tell(session, BASE_E_AUTHENTICATION, "the peer does not accept our certificate", text);
    return tell(session, -EPROTO, text ? text : "the connection broke", NULL);
}

/* What a call means that did not do what it was for: 0 where it only needs more from the peer. */
static int judge(struct net__tls_session *session, int result)
{
    int status;

    switch (SSL_get_error(session->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        status = 0;
        break;
    case SSL_ERROR_ZERO_RETURN:
        status = BASE_E_CLOSED;
        break;
    default:
        session->failed = true;
        status = explain(session, ERR_peek_error());
    }
    ERR_clear_error();
    return status;
}

int net__tls_session_feed(struct net__tls_session *session, const uint8_t *bytes, size_t size)
{
    return BIO_write(session->input, bytes, (int)size) == (int)size ? 0 : -ENOMEM;
}

int net__tls_session_shake(struct net__tls_session *session)
{
    int result = SSL_do_handshake(session->ssl);

    return result == 1 ? 1 : judge(session, result);
}

ssize_t net__tls_session_read(struct net__tls_session *session, uint8_t *bytes, size_t room)
{
    int got = SSL_read(session->ssl, bytes, (int)room);

    return got > 0 ? got : judge(session, got);
}

int net__tls_session_write(struct net__tls_session *session, const uint8_t *bytes, size_t size)
{
    int put = SSL_write(session->ssl, bytes, (int)size);
    int status = put > 0 ? 0 : judge(session, put);

    return put > 0 || status < 0 ? status : -EPROTO;
}

void net__tls_session_close(struct net__tls_session *session)
{
    if (!session->failed)
        SSL_shutdown(session->ssl);
    ERR_clear_error();
}

size_t net__tls_session_output(struct net__tls_session *session, const uint8_t **bytes)
{
    char *at = NULL;
    long size = BIO_get_mem_data(session->output, &at);

    *bytes = (const uint8_t *)at;
    return size > 0 ? (size_t)size : 0;
}

void net__tls_session_sent(struct net__tls_session *session)
{
    (void)BIO_reset(session->output);
}

const char *net__tls_session_why(const struct net__tls_session *session)
{
    return session->why;
}
