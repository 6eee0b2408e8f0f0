/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <string.h>

#include "base/error.h"
#include "net/settings.h"

/* A configuration with a listener of its own and one among other keys. */
struct content {
    uint16_t other;
    struct net_listener_settings nested, flat;
    struct net_tls_config client;
};

static const struct base_yaml_key keys[] = {
    {"nested", offsetof(struct content, nested), .kind = BASE_YAML_MAPPING, .keys = net_listener_keys},
    {"other", offsetof(struct content, other), 2, 0, 9, .kind = BASE_YAML_NUMBER},
    {"client", offsetof(struct content, client), .kind = BASE_YAML_MAPPING, .keys = net_tls_client_keys},
    NET_SETTINGS_ALLOW(offsetof(struct content, flat)),
    NET_SETTINGS_TLS(offsetof(struct content, flat)),
    NET_SETTINGS_CONNECTIONS_MAX(offsetof(struct content, flat)),
    {.name = NULL},
};

static struct content content;
static char why[256];
static const struct base_yaml_report report = {.name = "f.yaml", .why = why, .room = sizeof(why)};

static int load(const char *text)
{
    content = (struct content){.other = 0};
    net_listener_settings_init(&content.nested, 2222);
    net_listener_settings_init(&content.flat, 3333);
    why[0] = '\0';
    return base_yaml_load(keys, &content, text, strlen(text), &report);
}

static void refuses(const char *text, const char *expected)
{
    cr_expect_eq(load(text), BASE_E_CONFIGURATION, "accepted: %s", text);
    cr_expect_str_eq(why, expected);
}

Test(settings, a_listener_is_on_loopback_plain_and_bounded_unless_told)
{
    cr_assert_eq(load(""), 0, "%s", why);
    cr_assert_str_eq(content.nested.host, "127.0.0.1");
    cr_assert_eq(content.nested.port, 2222);
    cr_assert_eq(content.nested.access.count, 0);
    cr_assert_eq(content.nested.connections_max, 1000);
    cr_assert_not(net_tls_is_wanted(&content.nested.tls));
}

Test(settings, every_key_arrives_nested_and_among_others)
{
    cr_assert_eq(
        load("nested:\n  listen: '[2001:db8::1]:0'\n  allow: [192.0.2.0/24, '::1']\n  connections_max: 5\n"
             "  tls: {certificate: a, key: b, authorities: c}\n"
             "allow:\n  - 10.0.0.0/8\nconnections_max: 6\n"
             "tls:\n  certificate: d\n  key: e\n  authorities: f\n"
             "client: {certificate: g, key: h, authorities: i, peer_name: ecmg.example}\n"),
        0, "%s", why);
    cr_assert_str_eq(content.nested.host, "2001:db8::1");
    cr_assert_eq(content.nested.port, 0);
    cr_assert_eq(content.nested.access.count, 2);
    cr_assert_eq(content.nested.access.ranges[0].prefix, 96 + 24);
    cr_assert_eq(content.nested.access.ranges[1].prefix, 128);
    cr_assert_eq(content.nested.connections_max, 5);
    cr_assert_str_eq(content.nested.tls.authorities, "c");
    cr_assert_eq(content.nested.tls_line, 5);
    cr_assert_eq(content.flat.port, 3333);
    cr_assert_eq(content.flat.access.count, 1);
    cr_assert_eq(content.flat.access.ranges[0].address[12], 10);
    cr_assert_eq(content.flat.connections_max, 6);
    cr_assert_str_eq(content.flat.tls.certificate, "d");
    cr_assert_str_eq(content.flat.tls.key, "e");
    cr_assert_eq(content.flat.tls_line, 9);
    cr_assert_str_eq(content.client.key, "h");
    cr_assert_str_eq(content.client.peer_name, "ecmg.example");
}

Test(settings, every_address_is_asked_for_in_three_ways)
{
    static const char *const texts[] = {"nested: {listen: '*:1'}", "nested: {listen: ':1'}"};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        cr_assert_eq(load(texts[i]), 0, "%s", why);
        cr_expect_str_eq(content.nested.host, "");
        cr_expect_eq(content.nested.port, 1);
    }
    cr_assert_eq(load("nested: {listen: '[::]:1'}"), 0, "%s", why);
    cr_expect_str_eq(content.nested.host, "::");
}

Test(settings, mistakes_are_told_with_their_line)
{
    refuses("nested:\n  listen: 2222\n",
            "f.yaml:2: listen: '2222' is not ADDRESS:PORT ('*' for every address)");
    refuses("nested:\n  listen: '::1:5'\n",
            "f.yaml:2: listen: '::1:5' is not ADDRESS:PORT ('*' for every address)");
    refuses(
        "allow:\n  - 192.0.2.0/24\n  - 192.0.2.1/24\n",
        "f.yaml:3: allow: '192.0.2.1/24' is no address and no range of them (192.0.2.0/24, no bits beyond "
        "the prefix)");
    refuses("allow: []\n", "f.yaml:1: allow: at least 1 expected");
    refuses("connections_max: 0\n", "f.yaml:1: connections_max: '0' is not a whole number from 1 to 65536");
    refuses("other: 1\ntls:\n  certificate: a\n  authorities: c\n", "f.yaml:3: tls: key is missing");
    refuses("tls: {certificate: a, key: b, authorities: c, peer_name: d}\n",
            "f.yaml:1: unknown key 'peer_name'");
    refuses("client: {key: b, authorities: c}\n", "f.yaml:1: client: certificate is missing");
}

Test(settings, paths_that_do_not_fit_are_refused)
{
    struct net_tls_config config = {.key = "b", .authorities = "c"};
    char folder[NET_TLS_PATH_MAX];

    memset(folder, 'f', sizeof(folder));
    folder[sizeof(folder) - 2] = '\0';
    config.certificate[0] = 'a';
    cr_assert_eq(net_tls_settle(&config, true, folder, 7, &report), BASE_E_CONFIGURATION);
    cr_assert_str_eq(why, "f.yaml:7: tls: a path is over 511 bytes long");
}

Test(settings, without_tls_there_is_nothing_to_settle)
{
    struct net_tls_config config = {.peer_name = "x"};

    cr_assert_eq(net_tls_settle(&config, false, "/nowhere", 7, &report), 0);
}
