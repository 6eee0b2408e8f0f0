/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ECMGs of a CAS without memory: tried again later, and nothing is lost of what there was. The ECMG is
 * another process, which has memory. */
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "ecmgs_rig.h"
#include "tests/common/memory.h"

#define STREAMS 3

struct how {
    unsigned ms; /* at most, until all is done */
    bool worked;
};

static pid_t server;
static uint16_t port;

static void serve(int report)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    rig_begin();
    rig.ecmg[0].status.max_streams = 2;
    if (write(report, &rig.ecmg[0].port, sizeof(port)) != sizeof(port))
        _exit(1);
    net_loop_run(rig.loop);
}

static void begin(void)
{
    int ends[2];

    cr_assert_eq(pipe(ends), 0);
    server = fork();
    if (server == 0)
        serve(ends[1]);
    cr_assert_eq(read(ends[0], &port, sizeof(port)), sizeof(port));
}

static void end(void)
{
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
}

TestSuite(ecmgs_memory, .init = begin, .fini = end, .timeout = 120);

static unsigned channels, ups, downs, ecms;

static int channel_take(void *context, uint16_t *channel_id)
{
    (void)context;
    *channel_id = (uint16_t)++channels;
    return 0;
}

static void channel_give(void *context, uint16_t channel_id)
{
    (void)context;
    (void)channel_id;
    channels--;
}

static bool up(void *context, const struct simulcrypt_channel_status *status, const char **why)
{
    static const uint8_t cw[8] = {0xC0, 0xDE, 0xC0, 0xDE, 0xC0, 0xDE, 0xC0, 0xDE};
    struct simulcrypt_cw_provision provision = {.cw_count = 2, .cws = {{0, 8, cw}, {1, 8, cw}}};
    struct headend_ecm_stream **stream = context;

    (void)status;
    (void)why;
    ups++;
    headend_ecm_stream_provision(*stream, &provision);
    return true;
}

static void down(void *context, const char *why)
{
    (void)context;
    (void)why;
    downs++;
}

static void ecm(void *context, uint16_t cp_number, const uint8_t *datagram, size_t size)
{
    (void)context;
    (void)cp_number;
    (void)datagram;
    (void)size;
    ecms++;
}

static void provision_failed(void *context, uint16_t cp_number, const char *why)
{
    (void)context;
    (void)cp_number;
    (void)why;
}

static int add_streams(struct headend_ecmgs *ecmgs, struct headend_ecm_stream **streams)
{
    static const struct headend_ecm_stream_ops ops = {up, down, ecm, provision_failed};
    int r = 0;

    for (unsigned i = 0; i < STREAMS && r == 0; i++) {
        struct headend_ecm_stream_config config = {.ecm_id = (uint16_t)i, .nominal_cp_duration = 100};
        r = headend_ecm_stream_create(&streams[i], ecmgs, &config, &ops, &streams[i]);
    }
    return r;
}

static void turn(struct net_loop *loop, unsigned ms)
{
    uint64_t end_ms = base_clock_monotonic_ms() + ms;

    while (ecms < STREAMS && base_clock_monotonic_ms() < end_ms)
        net_loop_run_once(loop, 1);
}

/* Two channels to an ECMG behind one that is not there. */
static int use(void *context)
{
    struct how *how = context;
    struct headend_ecmg_address addresses[2] = {{.host = "127.0.0.1", .port = 9},
                                                {.host = "127.0.0.1", .port = port}};
    struct headend_ecmgs_config config = {.name = "cas",
                                          .super_cas_id = 0x4A800001,
                                          .version = 3,
                                          .count = 2,
                                          .ecmgs = addresses,
                                          .channel_take = channel_take,
                                          .channel_give = channel_give};
    struct headend_ecm_stream *streams[STREAMS] = {NULL};
    struct headend_ecmgs *ecmgs = NULL;
    struct net_loop *loop = NULL;
    int status = net_loop_create(&loop);

    ups = downs = ecms = 0;
    if (status == 0)
        status = headend_ecmgs_create(&ecmgs, loop, &config);
    if (status == 0)
        status = add_streams(ecmgs, streams);
    if (status == 0)
        turn(loop, how->ms);
    how->worked = ecms == STREAMS;
    headend_ecm_stream_destroy(streams[0]);
    headend_ecmgs_destroy(ecmgs);
    net_loop_destroy(loop);
    cr_assert_eq(channels, 0);
    cr_assert_leq(downs, ups);
    return status;
}

Test(ecmgs_memory, whatever_is_refused)
{
    struct how how = {.ms = 30}; /* in which much is done where little is refused */

    memory_survive_each(use, &how, 20);
}

/* CWs pass through on their way to the ECMG. */
Test(ecmgs_memory, no_cw_is_left_behind)
{
    struct how how = {.ms = 10000};

    memory_watch();
    memory_look_for("\xC0\xDE\xC0\xDE\xC0\xDE\xC0\xDE", 8);
    cr_assert_eq(use(&how), 0);
    memory_stop();
    cr_assert(how.worked);
    cr_assert_eq(memory_live(), 0);
    cr_assert_eq(memory_found(), 0);
    memory_assert_it_looks();
}
