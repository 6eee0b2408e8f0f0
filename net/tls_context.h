/* SPDX-License-Identifier: GPL-3.0-or-later */
/* net/tls_context.h: what a context is made of. Private to the room's TLS. */
#ifndef NET_TLS_CONTEXT_H
#define NET_TLS_CONTEXT_H

#include <openssl/ssl.h>

#include "net/tls.h"

struct net_tls {
    SSL_CTX *context;
    unsigned users;
    bool server;
    char peer_name[256];
};

#endif
