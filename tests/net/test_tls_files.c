/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Contexts out of files, and what is said about files that will not do. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "net/settings.h"
#include "tests/net/certificates.h"

TestSuite(tls_files, .init = certificates_setup, .fini = certificates_teardown, .timeout = 30);

static void refuses(const struct net_tls_config *config, int status, const char *part, const char *expected)
{
    char why[256] = "";
    struct net_tls *tls = NULL;

    cr_expect_eq(net_tls_create(&tls, config, true, why), status, "%s", why);
    cr_expect(!strncmp(why, "tls: ", 5) && strstr(why, part) && strstr(why, expected), "%s", why);
    cr_expect_null(strchr(why, '\n'));
    net_tls_destroy(tls);
}

static void write_text(const char *file, const char *text)
{
    char path[NET_TLS_PATH_MAX];
    FILE *opened;

    certificates_path(path, file);
    opened = fopen(path, "w");
    cr_assert_not_null(opened);
    fputs(text, opened);
    fchmod(fileno(opened), 0600);
    fclose(opened);
}

Test(tls_files, good_ones_make_a_context_for_either_end)
{
    net_tls_destroy(certificates_tls("server", "ca", true));
    net_tls_destroy(certificates_tls("chained", "ca", true));
    net_tls_destroy(certificates_tls("client", "ca", false));
    net_tls_destroy(NULL);
}

Test(tls_files, all_three_are_needed)
{
    struct net_tls_config config = certificates_config("server", "ca");

    config.key[0] = '\0';
    refuses(&config, BASE_E_CONFIGURATION, "key", "is missing: certificate, key and authorities go together");
    config = certificates_config("server", "ca");
    config.authorities[0] = '\0';
    refuses(&config, BASE_E_CONFIGURATION, "authorities", "is missing");
}

Test(tls_files, what_is_not_there_or_not_a_file_is_said)
{
    struct net_tls_config config = certificates_config("nobody", "ca");

    refuses(&config, -ENOENT, "certificate", "nobody.pem: there is no such file");
    config = certificates_config("server", "ca");
    snprintf(config.authorities, sizeof(config.authorities), "/dev/zero");
    refuses(&config, BASE_E_CONFIGURATION, "authorities /dev/zero", "it is not a regular file");
}

Test(tls_files, a_key_that_others_can_read_is_refused)
{
    struct net_tls_config config = certificates_config("server", "ca");

    chmod(config.key, 0640);
    refuses(&config, -EPERM, "server.key", "others than its owner can read it (chmod 600)");
}

Test(tls_files, a_key_of_another_certificate_is_refused)
{
    struct net_tls_config config = certificates_config("server", "ca");

    certificates_path(config.key, "client.key");
    refuses(&config, BASE_E_CONFIGURATION, "client.key", "it does not belong to the certificate");
}

Test(tls_files, what_is_not_pem_is_refused_and_no_passphrase_is_asked_for)
{
    struct net_tls_config config = certificates_config("server", "ca");

    write_text("empty.pem", "");
    certificates_path(config.certificate, "empty.pem");
    refuses(&config, BASE_E_CONFIGURATION, "certificate", "it does not hold PEM certificates alone");
    certificates_path(config.certificate, "server.key");
    refuses(&config, BASE_E_CONFIGURATION, "certificate", "it does not hold PEM certificates alone");
    config = certificates_config("server", "empty");
    refuses(&config, BASE_E_CONFIGURATION, "authorities", "it does not hold PEM certificates alone");
    config = certificates_config("server", "ca");
    certificates_path(config.key, "server.pem");
    refuses(&config, BASE_E_CONFIGURATION, "key", "it does not hold a private key in PEM");
    write_text("broken.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    config = certificates_config("server", "broken");
    refuses(&config, BASE_E_CONFIGURATION, "authorities", "it does not hold PEM certificates alone");
    write_text("secret.key",
               "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
               "MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAh1\n-----END ENCRYPTED PRIVATE KEY-----\n");
    config = certificates_config("server", "ca");
    certificates_path(config.key, "secret.key");
    refuses(&config, BASE_E_CONFIGURATION, "key", "without a passphrase");
}

Test(tls_files, a_configuration_finds_and_tries_them)
{
    char why[256] = "";
    const struct base_yaml_report report = {.name = "f.yaml", .why = why, .room = sizeof(why)};
    struct net_tls_config config = {
        .certificate = "server.pem", .key = "server.key", .authorities = "ca.pem"};
    struct net_tls_config again = config;
    char path[NET_TLS_PATH_MAX];

    cr_assert_eq(net_tls_settle(&config, true, certificates_folder, 3, &report), 0, "%s", why);
    certificates_path(path, "ca.pem");
    cr_assert_str_eq(config.authorities, path);
    snprintf(again.key, sizeof(again.key), "client.key");
    cr_assert_eq(net_tls_settle(&again, true, certificates_folder, 3, &report), BASE_E_CONFIGURATION);
    cr_assert(!strncmp(why, "f.yaml:3: tls: key /tmp/", 24), "%s", why);
}
