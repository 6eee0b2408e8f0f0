/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bench/contender.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/peer.h"

#define ALIGNMENT 64 /* bytes: what key schedules and jobs want at most */

struct tier {
    struct bench_contender contender;
    struct cipher *cipher;
    struct cipher_key *keys[BENCH_KEYS_MAX];
    struct cipher_lane lanes[BENCH_LOAD_MAX];
    unsigned count, batch;
    enum cipher_direction direction;
};

void *bench__contender_create(size_t size, const struct bench_contender_operations *operations,
                              enum cipher_algorithm algorithm, const char *name)
{
    struct bench_contender *contender;

    if (posix_memalign((void **)&contender, ALIGNMENT, size) != 0)
        return NULL;
    memset(contender, 0, size);
    contender->operations = operations;
    contender->algorithm = algorithm;
    contender->peer = true;
    snprintf(contender->name, sizeof(contender->name), "%s", name);
    return contender;
}

static int add_key(struct bench_contender *contender)
{
    struct tier *tier = (struct tier *)contender;

    return cipher_key_create(&tier->keys[contender->keys], tier->cipher);
}

static int set_key(struct bench_contender *contender, unsigned key, const uint8_t *cw)
{
    struct tier *tier = (struct tier *)contender;

    return cipher_key_set(tier->keys[key], cw, cipher_cw_size(contender->algorithm));
}

static void load(struct bench_contender *contender, enum cipher_direction direction,
                 const struct bench_lane *lanes, unsigned count, unsigned batch)
{
    struct tier *tier = (struct tier *)contender;

    tier->direction = direction;
    tier->count = count;
    tier->batch = batch;
    for (unsigned i = 0; i < count; i++)
        tier->lanes[i] = (struct cipher_lane){lanes[i].payload, tier->keys[lanes[i].key], lanes[i].length};
}

static void run(struct bench_contender *contender)
{
    const struct tier *tier = (struct tier *)contender;

    for (unsigned at = 0; at < tier->count; at += tier->batch)
        cipher_run(tier->cipher, tier->direction, tier->lanes + at, tier->batch);
}

static void close_tier(struct bench_contender *contender)
{
    struct tier *tier = (struct tier *)contender;

    for (unsigned key = 0; key < contender->keys; key++)
        cipher_key_destroy(tier->keys[key]);
    cipher_destroy(tier->cipher);
    free(tier);
}

static const struct bench_contender_operations tier_operations = {
    .add_key = add_key,
    .set_key = set_key,
    .load = load,
    .run = run,
    .close = close_tier,
};

#define BIT(algorithm) (1u << CIPHER_##algorithm)
#define AES_ALGORITHMS (BIT(DVB_CISSA) | BIT(ATIS_IDSA) | BIT(AES_CBC) | BIT(AES_CTR))

static const struct peer {
    const char *name;
    unsigned algorithms;
    int (*open)(struct bench_contender **contender, enum cipher_algorithm algorithm); /* NULL: not built in */
} peers[] = {
    {"libdvbcsa", BIT(DVB_CSA2), bench__libdvbcsa_open},
    {"openssl", AES_ALGORITHMS, bench__openssl_open},
#if BENCH_HAS_IPSEC_MB
    {"ipsec-mb", AES_ALGORITHMS, bench__ipsec_mb_open},
#else
    {"ipsec-mb", AES_ALGORITHMS, NULL},
#endif
};

#define PEERS (sizeof(peers) / sizeof(peers[0]))

static const struct peer *find_peer(const char *name)
{
    for (size_t i = 0; i < PEERS; i++) {
        if (!strcmp(peers[i].name, name))
            return &peers[i];
    }
    return NULL;
}

static void write_tier_name(const char *tier, char name[static BENCH_NAME_SIZE])
{
    snprintf(name, BENCH_NAME_SIZE, "%s%s", find_peer(tier) ? BENCH_WRAPPER_PREFIX : "", tier);
}

bool bench_contender_name(enum cipher_algorithm algorithm, unsigned n, char name[static BENCH_NAME_SIZE])
{
    unsigned at = 0;

    for (const char *tier; (tier = cipher_tier_at(algorithm, at)); at++) {
        if (at == n) {
            write_tier_name(tier, name);
            return true;
        }
    }
    for (size_t i = 0; i < PEERS; i++) {
        if ((peers[i].algorithms & 1u << algorithm) && at++ == n) {
            snprintf(name, BENCH_NAME_SIZE, "%s", peers[i].name);
            return true;
        }
    }
    return false;
}

bool bench_contender_default(enum cipher_algorithm algorithm, char name[static BENCH_NAME_SIZE])
{
    struct cipher *cipher;

    if (cipher_create(&cipher, algorithm, NULL) < 0)
        return false;
    write_tier_name(cipher_tier_name(cipher), name);
    cipher_destroy(cipher);
    return true;
}

static int open_tier(struct bench_contender **out, enum cipher_algorithm algorithm, const char *name)
{
    size_t prefix = sizeof(BENCH_WRAPPER_PREFIX) - 1;
    const char *tier_name = strncmp(name, BENCH_WRAPPER_PREFIX, prefix) ? name : name + prefix;
    char default_name[BENCH_NAME_SIZE];
    struct cipher *cipher;
    struct tier *tier;
    int status = cipher_create(&cipher, algorithm, tier_name);

    if (status < 0)
        return status;
    tier = bench__contender_create(sizeof(*tier), &tier_operations, algorithm, name);
    if (!tier) {
        cipher_destroy(cipher);
        return -ENOMEM;
    }
    tier->cipher = cipher;
    tier->contender.peer = false;
    tier->contender.default_tier =
        bench_contender_default(algorithm, default_name) && !strcmp(default_name, name);
    *out = &tier->contender;
    return 0;
}

int bench_contender_open(struct bench_contender **contender, enum cipher_algorithm algorithm,
                         const char *name)
{
    const struct peer *peer = find_peer(name);

    if (!peer)
        return open_tier(contender, algorithm, name);
    if (!(peer->algorithms & 1u << algorithm))
        return -ENOENT;
    return peer->open ? peer->open(contender, algorithm) : -ENOTSUP;
}

int bench_contender_set_keys(struct bench_contender *contender, const uint8_t (*cws)[BENCH_CW_SIZE],
                             unsigned count)
{
    int status;

    while (contender->keys < count) {
        status = contender->operations->add_key(contender);
        if (status < 0)
            return status;
        contender->keys++;
    }
    for (unsigned key = 0; key < count; key++) {
        status = contender->operations->set_key(contender, key, cws[key]);
        if (status < 0)
            return status;
    }
    return 0;
}

void bench_contender_close(struct bench_contender *contender)
{
    if (contender)
        contender->operations->close(contender);
}
