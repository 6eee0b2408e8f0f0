/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A conversation with the server as tcpdump records it and tshark's own SimulCrypt dissector reads it. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "ecmg/server.h"
#include "scs.h"

#define TEST_PERIOD_MS 100 /* of silence, then the server tests the SCS */

static struct net_loop *loop;
static struct ecmg_server *server;
static struct scs scs;
static char file[] = "/tmp/scramline-capture-XXXXXX";

static void wait_ms(uint64_t ms)
{
    uint64_t end = net_loop_now_ms(loop) + ms;

    while (net_loop_now_ms(loop) < end)
        net_loop_run_once(loop, 20);
}

static bool capturing(void)
{
    struct stat about;

    return stat(file, &about) == 0 && about.st_size >= 24;
}

/* Returns tcpdump's process, or -1 where it may not capture here. */
static pid_t start_capture(uint16_t port)
{
    char filter[32];
    pid_t child;

    snprintf(filter, sizeof(filter), "tcp port %u", port);
    child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* it outlives no test that fails */
        freopen("/dev/null", "w", stderr);
        /* Short snapshots: the ring holds but a handful of the default's, and drops the rest. */
        execlp("tcpdump", "tcpdump", "-i", "lo", "--immediate-mode", "-U", "-Z", "root", "-s", "2048", "-w",
               file, filter, (char *)NULL);
        _exit(127);
    }
    for (unsigned tries = 0; tries < 100 && !capturing() && waitpid(child, NULL, WNOHANG) == 0; tries++)
        wait_ms(20);
    return capturing() ? child : -1;
}

static void stop_capture(pid_t child)
{
    wait_ms(300); /* the last packets are on their way through the kernel */
    kill(child, SIGINT);
    waitpid(child, NULL, 0);
}

/* How often `word` stands in what tshark prints of the dissected conversation; -1 where it fails. */
static int tshark_count(uint16_t port, const char *arguments, const char *word)
{
    static char text[65536];
    int count = 0;
    FILE *tshark;

    snprintf(text, sizeof(text), "tshark -r %s -d tcp.port==%u,simulcrypt %s 2>/dev/null", file, port,
             arguments);
    tshark = popen(text, "r");
    cr_assert_not_null(tshark);
    text[fread(text, 1, sizeof(text) - 1, tshark)] = '\0';
    for (const char *at = strstr(text, word); at; at = strstr(at + 1, word))
        count++;
    return pclose(tshark) == 0 ? count : -1;
}

static int message_count(uint16_t port, const char *type)
{
    return tshark_count(port, "-Y simulcrypt -T fields -e simulcrypt.message.type", type);
}

static void converse(uint16_t port)
{
    scs_start(&scs, loop, port, 1, 0x4adc0001, 2, 1);
    RUN_UNTIL(loop, scs.streams_up == 2);
    for (uint16_t cp = 0; cp < 5; cp++)
        cr_assert(scs_provide(&scs, (uint16_t)(1 + cp % 2), cp, cp % 2 ? 8 : 16, "criteria", 8));
    cr_assert_not(scs_provide(&scs, 1, 9, 8, (const char *)scs.datagram, 200)); /* a stream_error */
    wait_ms(5 * TEST_PERIOD_MS);                                                /* the server tests */
    cr_assert_eq(simulcrypt_scs_session_test_stream(scs.session, 2), 0);        /* the SCS tests */
    cr_assert(scs_provide(&scs, 2, 10, 8, NULL, 0)); /* all is answered, and no test under way */
    simulcrypt_scs_session_close(scs.session);
    wait_ms(100);
    scs_stop(&scs);
}

Test(capture, tshark_reads_every_message, .timeout = 60)
{
    struct ecmg_server_config config;
    uint16_t port;
    pid_t child;

    if (system("command -v tshark tcpdump >/dev/null 2>&1") != 0)
        cr_skip_test("tshark and tcpdump are not installed");
    base_log_set_level(BASE_LOG_ERROR);
    ecmg_server_config_init(&config);
    config.listener.port = 0;
    config.test_period_us = UINT64_C(1000) * TEST_PERIOD_MS;
    config.service_count = 1;
    config.services[0].any = true;
    config.services[0].key.size = 16;
    close(mkstemp(file));
    cr_assert_eq(net_loop_create(&loop), 0);
    cr_assert_eq(ecmg_server_create(&server, loop, &config), 0);
    port = ecmg_server_port(server);
    child = start_capture(port);
    if (child < 0) {
        unlink(file);
        cr_skip_test("tcpdump may not capture on the loopback interface");
    }
    converse(port);
    stop_capture(child);
    ecmg_server_destroy(server);
    net_loop_destroy(loop);

    cr_expect_eq(tshark_count(port,
                              "-Y 'tcp.len > 0 && (_ws.malformed || _ws.short || "
                              "_ws.expert.severity >= 6291456)'",
                              "\n"),
                 0);
    cr_expect_gt(message_count(port, "0x0002"), 0, "channel_test");
    cr_expect_eq(message_count(port, "0x0003"), 1 + message_count(port, "0x0002"), "channel_status");
    cr_expect_gt(message_count(port, "0x0102"), 1, "stream_test");
    cr_expect_eq(message_count(port, "0x0103"), 2 + message_count(port, "0x0102"), "stream_status");
    cr_expect_eq(message_count(port, "0x0201"), 7, "CW_provision");
    cr_expect_eq(message_count(port, "0x0202"), 6, "ECM_response");
    cr_expect_eq(message_count(port, "0x0106"), 1, "stream_error");
    cr_expect_eq(message_count(port, "0x0105"), 2, "stream_close_response");
    unlink(file);
}
