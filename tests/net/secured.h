/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tests/net/secured.h: the rig with TLS, and a peer that OpenSSL alone makes. */
#ifndef TESTS_NET_SECURED_H
#define TESTS_NET_SECURED_H

#include <openssl/ssl.h>

#include "tests/net/certificates.h"
#include "tests/net/rig.h"

void secured_setup(void);
void secured_teardown(void);

/* With certificate NAME, trusting AUTHORITY. */
uint16_t secured_listen(const char *name, const char *authority);
void secured_connect(const char *name, const char *authority, uint16_t port);
void secured_both(void); /* server and client, both connected */
void secured_fill(uint8_t *bytes, size_t size, unsigned step);

/* A client on a socket that does not block; no certificate where `name` is NULL. */
SSL *secured_foreign(uint16_t port, int version, const char *name);

/* Drives the handshake and what follows until the client has something to read, or failed. */
int secured_foreign_read(SSL *ssl, void *bytes, int room);
void secured_foreign_free(SSL *ssl);

#endif
