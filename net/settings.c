/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/settings.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"

#define CONNECTIONS_MAX 1000 /* unless told */

static int parse_range(const char *text, void *into)
{
    return net_range_parse(into, text);
}

static int parse_listen(const char *text, void *into)
{
    struct net_listener_settings *settings = into;

    return base_parse_listen(text, settings->host, sizeof(settings->host), &settings->port);
}

const struct base_yaml_key net_access_key = {
    .name = "allow",
    .kind = BASE_YAML_PARSED,
    .parse = parse_range,
    .expected = "is no address and no range of them (192.0.2.0/24, no bits beyond the prefix)"};

#define TLS_TEXT(key, member)                                                                                \
    .name = (key), .kind = BASE_YAML_TEXT, .offset = offsetof(struct net_tls_config, member),                \
    .size = sizeof(((struct net_tls_config *)0)->member)
#define TLS_FILE(member)                                                                                     \
    {                                                                                                        \
        TLS_TEXT(#member, member), .required = true                                                          \
    }
#define TLS_FILES TLS_FILE(certificate), TLS_FILE(key), TLS_FILE(authorities)

const struct base_yaml_key net_tls_server_keys[] = {TLS_FILES, {.name = NULL}};
const struct base_yaml_key net_tls_client_keys[] = {
    TLS_FILES, {TLS_TEXT("peer_name", peer_name)}, {.name = NULL}};

const struct base_yaml_key net_listener_keys[] = {
    {.name = "listen",
     .kind = BASE_YAML_PARSED,
     .parse = parse_listen,
     .expected = "is not ADDRESS:PORT ('*' for every address)"},
    NET_SETTINGS_ALLOW(0),
    NET_SETTINGS_TLS(0),
    NET_SETTINGS_CONNECTIONS_MAX(0),
    {.name = NULL},
};

void net_listener_settings_init(struct net_listener_settings *settings, uint16_t port)
{
    *settings =
        (struct net_listener_settings){.host = "127.0.0.1", .port = port, .connections_max = CONNECTIONS_MAX};
}

static int locate(char path[static NET_TLS_PATH_MAX], const char *folder)
{
    char name[NET_TLS_PATH_MAX];

    memcpy(name, path, sizeof(name));
    return base_file_locate(folder, name, path, NET_TLS_PATH_MAX);
}

int net_tls_settle(struct net_tls_config *config, bool server, const char *folder, size_t line,
                   const struct base_yaml_report *report)
{
    char why[256];
    struct net_tls *tls;

    if (!net_tls_is_wanted(config))
        return 0;
    if (locate(config->certificate, folder) < 0 || locate(config->key, folder) < 0 ||
        locate(config->authorities, folder) < 0)
        return base_yaml_refuse(report, line, "tls: a path is over %d bytes long", NET_TLS_PATH_MAX - 1);
    if (net_tls_create(&tls, config, server, why) < 0)
        return base_yaml_refuse(report, line, "%s", why);
    net_tls_destroy(tls);
    return 0;
}

static void explain(const struct net_listener_settings *settings, int status, char why[static 256])
{
    const char *host = settings->host[0] ? settings->host : "*";

    snprintf(why, 256,
             strchr(host, ':') ? "cannot listen on [%.180s]:%u: %s" : "cannot listen on %.180s:%u: %s", host,
             settings->port, base_error_text(status));
}

int net_settings_listen(struct net_listener **listener, struct net_loop *loop,
                        const struct net_listener_settings *settings,
                        void (*accepted)(void *context, struct net_tcp *tcp), void *context,
                        char why[static 256])
{
    struct net_listen_config config = {.host = settings->host,
                                       .port = settings->port,
                                       .access = &settings->access,
                                       .connections_max = settings->connections_max,
                                       .accepted = accepted,
                                       .context = context};
    int status = 0;

    if (net_tls_is_wanted(&settings->tls))
        status = net_tls_create(&config.tls, &settings->tls, true, why);
    if (status < 0)
        return status;
    status = net_listen(listener, loop, &config);
    net_tls_destroy(config.tls);
    if (status < 0)
        explain(settings, status, why);
    return status;
}
