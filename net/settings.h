/* SPDX-License-Identifier: GPL-3.0-or-later */
/* net/settings.h: what every configuration says in the same words about its listeners and about TLS.
 * Thread-safe: no state.
 *
 *   listen: 192.0.2.1:2222     # or '*:2222'; 127.0.0.1 unless told
 *   allow: [192.0.2.0/24, ::1] # whoever else comes is hung up on
 *   connections_max: 100
 *   tls:
 *     certificate: server.pem  # paths count from the configuration's folder
 *     key: server.key
 *     authorities: peers.pem
 *
 * The tables below are nested where a mapping of its own has these keys (BASE_YAML_MAPPING, `offset` that of
 * the struct); a mapping that has others besides names them one by one with the macros. After loading,
 * net_tls_settle() finds the files and tries them. */
#ifndef NET_SETTINGS_H
#define NET_SETTINGS_H

#include <stddef.h>

#include "base/yaml.h"
#include "net/tcp.h"

struct net_listener_settings {
    char host[256]; /* empty: every address */
    uint16_t port;  /* 0: a free one */
    unsigned connections_max;
    struct net_access access;
    struct net_tls_config tls;
    unsigned tls_line; /* on which `tls` stands; 0: it does not */
};

extern const struct base_yaml_key net_listener_keys[];   /* struct net_listener_settings */
extern const struct base_yaml_key net_tls_server_keys[]; /* struct net_tls_config */
extern const struct base_yaml_key net_tls_client_keys[]; /* the same with peer_name */
extern const struct base_yaml_key net_access_key;        /* of an entry of `allow`: struct net_range */

/* Single keys of a struct net_listener_settings that stands at offset `start`. */
#define NET_SETTINGS_AT(start, member) ((start) + offsetof(struct net_listener_settings, member))
#define NET_SETTINGS_ALLOW(start)                                                                            \
    {                                                                                                        \
        .name = "allow", .kind = BASE_YAML_LIST, .offset = NET_SETTINGS_AT(start, access.ranges),            \
        .size = sizeof(struct net_range), .count = NET_SETTINGS_AT(start, access.count), .minimum = 1,       \
        .maximum = NET_ACCESS_MAX, .keys = &net_access_key                                                   \
    }
#define NET_SETTINGS_TLS(start)                                                                              \
    {                                                                                                        \
        .name = "tls", .kind = BASE_YAML_MAPPING, .offset = NET_SETTINGS_AT(start, tls),                     \
        .line = NET_SETTINGS_AT(start, tls_line), .keys = net_tls_server_keys                                \
    }
#define NET_SETTINGS_CONNECTIONS_MAX(start)                                                                  \
    {                                                                                                        \
        .name = "connections_max", .kind = BASE_YAML_NUMBER,                                                 \
        .offset = NET_SETTINGS_AT(start, connections_max), .size = sizeof(unsigned), .minimum = 1,           \
        .maximum = 65536                                                                                     \
    }

/* 127.0.0.1:port, everybody on it, plain TCP, 1000 connections. */
void net_listener_settings_init(struct net_listener_settings *settings, uint16_t port);

/* After loading: paths of files count from `folder`. BASE_E_CONFIGURATION with the report filled, about
 * `line`. Nothing to do where TLS is not wanted. */
int net_tls_settle(struct net_tls_config *config, bool server, const char *folder, size_t line,
                   const struct base_yaml_report *report);

/* net_listen() as the settings say; the listener keeps its TLS context. On failure `why` holds one line with
 * the place and the reason. */
int net_settings_listen(struct net_listener **listener, struct net_loop *loop,
                        const struct net_listener_settings *settings,
                        void (*accepted)(void *context, struct net_tcp *tcp), void *context,
                        char why[static 256]);

#endif
