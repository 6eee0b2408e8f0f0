/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Contexts: which protocol, which certificates, whom to trust. */
#include "net/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "net/room.h"
#include "net/tls_context.h"

#define CHAIN_MAX 8 /* certificates between a peer's and its authority */

/* 0 where `bio` is at its end, else what the last read from it failed of. */
static int pem_end(void)
{
    unsigned long error = ERR_peek_last_error();

    ERR_clear_error();
    return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE
               ? 0
               : BASE_E_MALFORMED;
}

/* Hands every certificate of `bio` to `take`, which keeps it and tells so by 1. */
static int each_certificate(BIO *bio, SSL_CTX *context, int (*take)(SSL_CTX *context, X509 *certificate))
{
    X509 *certificate;
    unsigned count = 0;
    int taken;

    while ((certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
        taken = take(context, certificate);
        X509_free(certificate);
        if (taken != 1)
            return BASE_E_MALFORMED;
        count++;
    }
    return pem_end() < 0 || count == 0 ? BASE_E_MALFORMED : 0;
}

/* The first is our own. */
static int take_own(SSL_CTX *context, X509 *certificate)
{
    if (!SSL_CTX_get0_certificate(context))
        return SSL_CTX_use_certificate(context, certificate);
    return (int)SSL_CTX_add1_chain_cert(context, certificate);
}

static int load_certificate(SSL_CTX *context, BIO *bio)
{
    return each_certificate(bio, context, take_own);
}

/* A server names its authorities to clients, who may have to choose a certificate. */
static int take_authority(SSL_CTX *context, X509 *certificate)
{
    return X509_STORE_add_cert(SSL_CTX_get_cert_store(context), certificate) &&
           SSL_CTX_add_client_CA(context, certificate);
}

static int load_authorities(SSL_CTX *context, BIO *bio)
{
    return each_certificate(bio, context, take_authority);
}

/* Without it OpenSSL would ask on the terminal. */
static int no_passphrase(char *text, int room, int writing, void *context)
{
    (void)text, (void)room, (void)writing, (void)context;
    return -1;
}

static int load_key(SSL_CTX *context, BIO *bio)
{
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
    int status = key ? 0 : BASE_E_MALFORMED;

    if (key && SSL_CTX_use_PrivateKey(context, key) != 1)
        status = BASE_E_AUTHENTICATION;
    EVP_PKEY_free(key);
    return status;
}

struct part {
    const char *name;
    size_t path; /* offset */
    bool secret;
    int (*load)(SSL_CTX *context, BIO *bio);
    const char *malformed;
};

/* The key comes behind the certificate that it is compared with. */
static const struct part parts[] = {
    {"certificate", offsetof(struct net_tls_config, certificate), false, load_certificate,
     "it does not hold PEM certificates alone, of a size that is secure"},
    {"key", offsetof(struct net_tls_config, key), true, load_key,
     "it does not hold a private key in PEM without a passphrase"},
    {"authorities", offsetof(struct net_tls_config, authorities), false, load_authorities,
     "it does not hold PEM certificates alone"},
};

static int load_file(SSL_CTX *context, const struct part *part, const char *path)
{
    int fd = base_file_open(path, part->secret);
    BIO *bio;
    int status;

    if (fd < 0)
        return fd == BASE_E_MALFORMED ? -EINVAL : fd;
    bio = BIO_new_fd(fd, BIO_CLOSE);
    if (!bio) {
        close(fd);
        return -ENOMEM;
    }
    status = part->load(context, bio);
    BIO_free(bio);
    ERR_clear_error();
    return status;
}

static const char *trouble(const struct part *part, int status)
{
    switch (status) {
    case BASE_E_MALFORMED:
        return part->malformed;
    case BASE_E_AUTHENTICATION:
        return "it does not belong to the certificate";
    case -EINVAL:
        return base_file_trouble(BASE_E_MALFORMED);
    default:
        return base_file_trouble(status);
    }
}

static int load_part(SSL_CTX *context, const struct part *part, const struct net_tls_config *config,
                     char why[static 256])
{
    const char *path = (const char *)config + part->path;
    int status;

    if (!path[0]) {
        snprintf(why, 256, "tls: %s is missing: certificate, key and authorities go together", part->name);
        return BASE_E_CONFIGURATION;
    }
    status = load_file(context, part, path);
    if (status < 0)
        snprintf(why, 256, "tls: %s %.120s: %s", part->name, path, trouble(part, status));
    return status == BASE_E_MALFORMED || status == BASE_E_AUTHENTICATION || status == -EINVAL
               ? BASE_E_CONFIGURATION
               : status;
}

/* No tickets and no cache: every connection shows its certificate. What was read is wiped in OpenSSL's own
 * memory, too. */
static int set_up(SSL_CTX *context)
{
    SSL_CTX_set_options(context, SSL_OP_CLEANSE_PLAINTEXT | SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_verify_depth(context, CHAIN_MAX);
    return SSL_CTX_set_num_tickets(context, 0) == 1 &&
                   SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1 &&
                   SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1
               ? 0
               : BASE_E_CRYPTO;
}

static int create_context(struct net_tls *tls, const struct net_tls_config *config, char why[static 256])
{
    int status;

    tls->context = SSL_CTX_new(tls->server ? TLS_server_method() : TLS_client_method());
    status = tls->context ? set_up(tls->context) : -ENOMEM;
    if (status < 0)
        snprintf(why, 256, "tls: %s", base_error_text(status));
    for (size_t i = 0; status == 0 && i < sizeof(parts) / sizeof(parts[0]); i++)
        status = load_part(tls->context, &parts[i], config, why);
    ERR_clear_error();
    return status;
}

int net_tls_create(struct net_tls **tls, const struct net_tls_config *config, bool server,
                   char why[static 256])
{
    struct net_tls *made = calloc(1, sizeof(*made));
    int status;

    if (!made) {
        snprintf(why, 256, "tls: %s", base_error_text(-ENOMEM));
        return -ENOMEM;
    }
    made->users = 1;
    made->server = server;
    snprintf(made->peer_name, sizeof(made->peer_name), "%s", config->peer_name);
    status = create_context(made, config, why);
    if (status == 0)
        *tls = made;
    else
        net_tls_destroy(made);
    return status;
}

struct net_tls *net__tls_hold(struct net_tls *tls)
{
    if (tls)
        tls->users++;
    return tls;
}

void net_tls_destroy(struct net_tls *tls)
{
    if (!tls || --tls->users)
        return;
    SSL_CTX_free(tls->context);
    free(tls);
}
