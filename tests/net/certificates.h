/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tests/net/certificates.h: two authorities and what they signed, made anew for each test.
 *
 * server.pem: DNS names localhost and ecmg.example, address 127.0.0.1; named.pem: ecmg.example alone;
 * common.example.pem: its name is in the subject alone; client.pem; expired.pem, early.pem: not valid any
 * more, not yet; chained.pem: with an intermediate authority's; stranger.pem: from other-ca.pem. Each has a
 * .key. */
#ifndef TESTS_NET_CERTIFICATES_H
#define TESTS_NET_CERTIFICATES_H

#include "net/tls.h"

extern char certificates_folder[];

void certificates_setup(void);
void certificates_teardown(void);

void certificates_path(char path[static NET_TLS_PATH_MAX], const char *file);

/* NAME.pem and NAME.key, trusting AUTHORITY.pem. */
struct net_tls_config certificates_config(const char *name, const char *authority);
struct net_tls *certificates_tls(const char *name, const char *authority, bool server);

#endif
