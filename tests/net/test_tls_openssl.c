/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Our client and the server of openssl(1), which sends every line back reversed. (tests/e2e/tls.sh has its
 * client and our server.) */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "tests/net/secured.h"

static pid_t server;
static FILE *output;

static void run_server(int out, const char *version)
{
    struct net_tls_config config = certificates_config("server", "ca");

    dup2(out, STDOUT_FILENO);
    dup2(out, STDERR_FILENO);
    execlp("openssl", "openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", config.certificate, "-key",
           config.key, "-CAfile", config.authorities, "-Verify", "2", "-verify_return_error", "-rev", version,
           NULL);
    _exit(127);
}

/* On a free port, which it tells. */
static uint16_t start_server(const char *version)
{
    char line[256];
    unsigned port = 0;
    int ends[2];

    cr_assert_eq(pipe(ends), 0);
    server = fork();
    if (server == 0)
        run_server(ends[1], version);
    close(ends[1]);
    output = fdopen(ends[0], "r");
    while (port == 0 && fgets(line, sizeof(line), output))
        sscanf(line, "ACCEPT 127.0.0.1:%u", &port);
    cr_assert_neq(port, 0, "openssl s_server does not listen");
    return (uint16_t)port;
}

static void teardown(void)
{
    kill(server, SIGTERM);
    waitpid(server, NULL, 0);
    fclose(output);
    secured_teardown();
}

TestSuite(tls_openssl, .init = secured_setup, .fini = teardown, .timeout = 60);

Test(tls_openssl, a_foreign_server_is_spoken_to)
{
    secured_connect("client", "ca", start_server("-tls1_3"));
    RIG_UNTIL(rig_client.connected || rig_client.ended);
    cr_assert_eq(rig_client.ended, 0, "%s", net_tcp_trouble(rig_client.tcp));
    cr_assert_eq(net_tcp_write(rig_client.tcp, (const uint8_t *)"abc\n", 4), 0);
    RIG_UNTIL(rig_client.size >= 4);
    cr_assert_arr_eq(rig_client.bytes, "cba\n", 4);
}

Test(tls_openssl, a_server_of_tls_1_2_is_not)
{
    secured_connect("client", "ca", start_server("-tls1_2"));
    RIG_UNTIL(rig_client.ended);
    cr_assert_eq(rig_client.connected, 0);
    net_tcp_close(rig_client.tcp);
}

Test(tls_openssl, a_stranger_is_told_that_he_is_not_accepted)
{
    secured_connect("stranger", "ca", start_server("-tls1_3"));
    RIG_UNTIL(rig_client.ended);
    cr_assert_eq(rig_client.error, BASE_E_AUTHENTICATION, "%s", net_tcp_trouble(rig_client.tcp));
    net_tcp_close(rig_client.tcp);
}
