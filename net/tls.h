/* SPDX-License-Identifier: GPL-3.0-or-later */
/* net/tls.h: TLS 1.3 for TCP connections, both ends with a certificate (OpenSSL). One thread: the loop's.
 *
 * A context is made once and used by any number of listeners and connections; it may be destroyed before they
 * end.
 * Only TLS 1.3 is spoken. Each end shows a certificate and asks for the other's, which must lead to one of
 * `authorities`; a client also compares the server's name. */
#ifndef NET_TLS_H
#define NET_TLS_H

#include <stdbool.h>

#define NET_TLS_PATH_MAX 512 /* bytes of a path, with NUL */

struct net_tls;

struct net_tls_config {
    char certificate[NET_TLS_PATH_MAX]; /* PEM: this end's, then those between it and its authority */
    char key[NET_TLS_PATH_MAX];         /* PEM, without a passphrase; readable by its owner alone */
    char authorities[NET_TLS_PATH_MAX]; /* PEM: whom the peer's certificate may come from */
    char peer_name[256]; /* client: the name or address its server's certificate must bear; "": the host that
                            was connected to. Server: not used */
};

static inline bool net_tls_is_wanted(const struct net_tls_config *config)
{
    return config->certificate[0] || config->key[0] || config->authorities[0];
}

/* Reads the three files. BASE_E_CONFIGURATION, or a negative errno of reading, with one line in `why`. */
int net_tls_create(struct net_tls **tls, const struct net_tls_config *config, bool server,
                   char why[static 256]);
void net_tls_destroy(struct net_tls *tls); /* NULL is allowed */

#endif
