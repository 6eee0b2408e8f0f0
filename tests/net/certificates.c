/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/net/certificates.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define DAY (24 * 3600L)

char certificates_folder[] = "/tmp/scramline-tls-XXXXXX";

struct authority {
    X509 *certificate;
    EVP_PKEY *key;
};

void certificates_path(char path[static NET_TLS_PATH_MAX], const char *file)
{
    snprintf(path, NET_TLS_PATH_MAX, "%s/%s", certificates_folder, file);
}

static FILE *open_file(const char *name, const char *suffix, const char *mode)
{
    char path[NET_TLS_PATH_MAX], file[64];
    FILE *opened;

    snprintf(file, sizeof(file), "%s.%s", name, suffix);
    certificates_path(path, file);
    opened = fopen(path, mode);
    cr_assert_not_null(opened, "%s", path);
    fchmod(fileno(opened), 0600);
    return opened;
}

static void write_certificate(const char *name, X509 *certificate, const char *mode)
{
    FILE *file = open_file(name, "pem", mode);

    cr_assert_eq(PEM_write_X509(file, certificate), 1);
    fclose(file);
}

static void write_key(const char *name, EVP_PKEY *key)
{
    FILE *file = open_file(name, "key", "w");

    cr_assert_eq(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
    fclose(file);
}

static void extend(X509 *certificate, int kind, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, kind, value);

    cr_assert_not_null(extension, "%s", value);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

/* Signed by `issuer`, or by itself where that has no certificate yet. */
static X509 *sign(EVP_PKEY *key, const char *name, const struct authority *issuer, long from, long until)
{
    static long serial = 1;
    X509 *made = X509_new();
    X509_NAME *subject = X509_get_subject_name(made);

    X509_set_version(made, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made), serial++);
    X509_gmtime_adj(X509_getm_notBefore(made), from);
    X509_gmtime_adj(X509_getm_notAfter(made), until);
    X509_set_pubkey(made, key);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(made, issuer->certificate ? X509_get_subject_name(issuer->certificate) : subject);
    return made;
}

static struct authority make_authority(const char *name, const struct authority *issuer)
{
    struct authority made = {.key = EVP_EC_gen("P-256")};

    made.certificate = sign(made.key, name, issuer, -DAY, DAY);
    extend(made.certificate, NID_basic_constraints, "critical,CA:TRUE");
    extend(made.certificate, NID_key_usage, "critical,keyCertSign");
    cr_assert_neq(X509_sign(made.certificate, issuer->key ? issuer->key : made.key, EVP_sha256()), 0);
    write_certificate(name, made.certificate, "w");
    return made;
}

static void make(const char *name, const char *names, const struct authority *issuer, long from, long until)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *made = sign(key, name, issuer, from, until);

    if (names)
        extend(made, NID_subject_alt_name, names);
    cr_assert_neq(X509_sign(made, issuer->key, EVP_sha256()), 0);
    write_certificate(name, made, "w");
    write_key(name, key);
    X509_free(made);
    EVP_PKEY_free(key);
}

static void free_authority(struct authority *authority)
{
    X509_free(authority->certificate);
    EVP_PKEY_free(authority->key);
}

void certificates_setup(void)
{
    static const char *const names = "DNS:localhost,DNS:ecmg.example,IP:127.0.0.1";
    struct authority ca, other, between;

    cr_assert_not_null(mkdtemp(certificates_folder));
    ca = make_authority("ca", &(struct authority){.key = NULL});
    other = make_authority("other-ca", &(struct authority){.key = NULL});
    between = make_authority("between", &ca);
    make("server", names, &ca, -DAY, DAY);
    make("named", "DNS:ecmg.example", &ca, -DAY, DAY);
    make("common.example", NULL, &ca, -DAY, DAY);
    make("client", NULL, &ca, -DAY, DAY);
    make("expired", names, &ca, -2 * DAY, -DAY);
    make("early", names, &ca, DAY, 2 * DAY);
    make("stranger", names, &other, -DAY, DAY);
    make("chained", names, &between, -DAY, DAY);
    write_certificate("chained", between.certificate, "a");
    free_authority(&ca);
    free_authority(&other);
    free_authority(&between);
}

void certificates_teardown(void)
{
    DIR *folder = opendir(certificates_folder);
    struct dirent *entry;

    while (folder && (entry = readdir(folder))) {
        if (entry->d_name[0] != '.')
            unlinkat(dirfd(folder), entry->d_name, 0);
    }
    if (folder)
        closedir(folder);
    rmdir(certificates_folder);
}

struct net_tls_config certificates_config(const char *name, const char *authority)
{
    struct net_tls_config config = {.peer_name = ""};

    snprintf(config.certificate, sizeof(config.certificate), "%s/%s.pem", certificates_folder, name);
    snprintf(config.key, sizeof(config.key), "%s/%s.key", certificates_folder, name);
    snprintf(config.authorities, sizeof(config.authorities), "%s/%s.pem", certificates_folder, authority);
    return config;
}

struct net_tls *certificates_tls(const char *name, const char *authority, bool server)
{
    struct net_tls_config config = certificates_config(name, authority);
    struct net_tls *tls = NULL;
    char why[256] = "";

    cr_assert_eq(net_tls_create(&tls, &config, server, why), 0, "%s", why);
    return tls;
}
