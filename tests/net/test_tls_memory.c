/* SPDX-License-Identifier: GPL-3.0-or-later */
/* No memory for OpenSSL, while files are read, hands are shaken and bytes are sent. That the room's own
 * blocks come back test_memory.c sees to; OpenSSL 3.0 loses some of its own, so nobody counts them here. */
#include <openssl/crypto.h>
#include <stdlib.h>

#include "tests/net/certificates.h"
#include "tests/net/rig.h"

#define SAMPLE 100

static struct net_tls *server, *client;
static char why[256];

static int make_contexts(void)
{
    struct net_tls_config configs[2] = {certificates_config("server", "ca"),
                                        certificates_config("client", "ca")};
    int status = net_tls_create(&server, &configs[0], true, why);

    return status == 0 ? net_tls_create(&client, &configs[1], false, why) : status;
}

static void drop_contexts(void)
{
    net_tls_destroy(server);
    net_tls_destroy(client);
    server = client = NULL;
}

#define RUN_WHILE(condition)                                                                                 \
    while ((condition) && !rig_client.ended && net_loop_now_ms(rig_loop) < limit)                            \
    net_loop_run_once(rig_loop, 10)

/* A message from client to server, and the end. Whatever becomes of it: it ends, and nobody is told twice. */
static void use_connection(void)
{
    uint64_t limit;
    uint16_t port;

    rig_client = rig_server = (struct rig_end){.close_on_ended = true};
    rig_setup();
    limit = net_loop_now_ms(rig_loop) + 5000;
    port = rig_listen(&(struct net_listen_config){.tls = server});
    if (net_tcp_connect(&rig_client.tcp, rig_loop, "127.0.0.1", port, client, &rig_ops, &rig_client) == 0) {
        RUN_WHILE(!rig_client.connected);
        if (!rig_client.ended)
            net_tcp_write(rig_client.tcp, (const uint8_t *)"some", 4);
        RUN_WHILE(rig_server.size < 4);
        if (!rig_client.ended)
            net_tcp_close(rig_client.tcp);
    }
    cr_expect_lt(net_loop_now_ms(rig_loop), limit);
    cr_expect_leq(rig_client.ended, 1);
    cr_expect_leq(rig_server.ended, 1);
    rig_teardown();
}

/* OpenSSL asks through these. */
static unsigned requests, refused;
static bool between;

static void *openssl_malloc(size_t size, const char *file, int line)
{
    (void)file, (void)line;
    return requests++ == refused ? NULL : malloc(size);
}

static void *openssl_realloc(void *block, size_t size, const char *file, int line)
{
    (void)file, (void)line;
    if (requests++ == refused)
        return NULL;
    return realloc(block, size);
}

static void openssl_free(void *block, const char *file, int line)
{
    (void)file, (void)line;
    free(block);
}

/* Before the test's framework makes OpenSSL ask for the first time. */
__attribute__((constructor)) static void get_between(void)
{
    refused = ~0u;
    between = CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free) == 1;
}

/* Of what `use` asks for, refuses a sample: one request each time. */
static void refuse_sample(void (*use)(void))
{
    unsigned all, step;

    use(); /* what it keeps for ever is there then */
    requests = 0;
    use();
    all = requests;
    cr_assert_gt(all, 500);
    step = all / SAMPLE;
    for (unsigned at = 0; at < all; at += step) {
        requests = 0;
        refused = at + at / step % step;
        use();
    }
    refused = ~0u;
}

TestSuite(tls_memory, .init = certificates_setup, .fini = certificates_teardown, .timeout = 60);

Test(tls_memory, connections_end_or_go_on)
{
    cr_assert(between);
    cr_assert_eq(make_contexts(), 0, "%s", why);
    refuse_sample(use_connection);
    use_connection();
    cr_assert_eq(rig_server.size, 4);
    drop_contexts();
}

static void use_contexts(void)
{
    why[0] = '\0';
    if (make_contexts() < 0)
        cr_expect_neq(why[0], '\0');
    drop_contexts();
}

/* SSL_CTX_new() and the decoders of OpenSSL 3.0 lose blocks of their own where memory ends: once, at start.
 */
Test(tls_memory, contexts_are_made_or_said_why_not)
{
    cr_assert(between);
    refuse_sample(use_contexts);
}
