/* SPDX-License-Identifier: GPL-3.0-or-later */
/* net/tls_session.h: one end of a TLS connection without a socket: bytes go in, bytes come out. Private to
 * the room. After a failure only what is left to send (the alert that tells the peer) may be taken. */
#ifndef NET_TLS_SESSION_H
#define NET_TLS_SESSION_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "net/tls.h"

#define NET__RECORD_MAX      16384 /* bytes of plaintext (RFC 8446, 5.1) */
#define NET__RECORD_OVERHEAD 22    /* bytes: header, content type, tag (RFC 8446, 5.2) */

struct net__tls_session;

/* Of a server or a client as the context is; `host` is what a client connects to. */
int net__tls_session_create(struct net__tls_session **session, struct net_tls *tls, const char *host);
void net__tls_session_destroy(struct net__tls_session *session); /* NULL is allowed */

int net__tls_session_feed(struct net__tls_session *session, const uint8_t *bytes, size_t size);

/* 1: the handshake is done, 0: more has to come. */
int net__tls_session_shake(struct net__tls_session *session);

/* Plaintext, at most a record's; 0: more has to come; BASE_E_CLOSED: the peer's orderly end. */
ssize_t net__tls_session_read(struct net__tls_session *session, uint8_t *bytes, size_t room);

/* At most NET__RECORD_MAX bytes. */
int net__tls_session_write(struct net__tls_session *session, const uint8_t *bytes, size_t size);
void net__tls_session_close(struct net__tls_session *session); /* our orderly end */

/* What is to be sent; it is valid until the next call. */
size_t net__tls_session_output(struct net__tls_session *session, const uint8_t **bytes);
void net__tls_session_sent(struct net__tls_session *session); /* all of it */

/* Why it failed, for people; "" where it did not. */
const char *net__tls_session_why(const struct net__tls_session *session);

#endif
