/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What control does while workers run, and what it is refused. */
#include <criterion/criterion.h>
#include <errno.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "tests/pipeline/rig.h"

static struct rig rig;

static void leave(void)
{
    rig_close(&rig);
}

TestSuite(control, .fini = leave, .timeout = 60);

/* An input that never ends, read as fast as it goes, and an output that takes everything. */
static void open_endless(unsigned streams, unsigned workers)
{
    rig_open(&rig, streams);
    for (unsigned i = 0; i < 64; i++)
        rig_datagram(&rig, i % streams, 7, (struct frame_options){.rtp = i % 2});
    rig.config.stop_at_end = false;
    rig.config.port_count = 2;
    snprintf(rig.config.ports[0].device, sizeof(rig.config.ports[0].device),
             "net_pcap0,rx_pcap=%s,infinite_rx=1", rig.in_path);
    snprintf(rig.config.ports[1].name, sizeof(rig.config.ports[1].name), "sink");
    snprintf(rig.config.ports[1].device, sizeof(rig.config.ports[1].device), "net_null0");
    for (unsigned i = 0; i < streams; i++)
        rig.streams[i].config.output_port = 1;
    rig_prepare(&rig, workers);
}

static void replace_plans(unsigned times)
{
    static struct scrambler_plan plan;

    scrambler_plan_init(&plan);
    plan.group_count = 1;
    plan.groups[0] = (struct scrambler_group){.slots = rig.streams[0].slots, .algorithm = CIPHER_DVB_CSA2};
    for (unsigned i = 0; i < times; i++) {
        plan.pids[RIG_PROTECTED].action = i % 2 ? SCRAMBLER_PROTECT : SCRAMBLER_BLACK;
        cr_assert_eq(pipeline_set_plan(rig.pipeline, 0, &plan), 0);
        usleep(i % 10 ? 0 : 1000);
    }
}

/* Each CW is published while the one before is on air; slots are reused after their grace period. */
static void publish_periods(unsigned count)
{
    struct base_secret secret = {.size = 8};
    unsigned published = 1;

    for (unsigned i = 0; i < 20000 && published <= count; i++) {
        memset(secret.bytes, (int)(published & 0x3F), 8);
        secret.bytes[3] = secret.bytes[7] = (uint8_t)(3 * (published & 0x3F));
        published +=
            !keys_slots_publish(rig.streams[0].slots, KEYS_SLOT_KEY, published,
                                pipeline_now(rig.pipeline) + BASE_TICKS_PER_MS / 2, published & 1, &secret);
        usleep(200);
    }
    cr_assert_gt(published, count);
}

static void under_load(unsigned workers)
{
    struct scrambler_counters counters;

    open_endless(2, workers);
    rig_start(&rig);
    replace_plans(2000);
    publish_periods(100);
    rig_stop(&rig);
    pipeline_stream_counters(rig.pipeline, 0, &counters);
    cr_assert_gt(counters.scrambled, 0);
    cr_assert_gt(counters.black, 0);
    cr_assert_eq(counters.in, counters.out);
    cr_assert(!pipeline_finished(rig.pipeline));
}

Test(control, plans_and_control_words_change_under_load)
{
    under_load(1);
}

Test(control, plans_and_control_words_change_under_load_of_two_workers)
{
    under_load(2);
}

Test(control, time_runs_at_27_mhz_from_the_start)
{
    uint64_t before, wall;

    open_endless(1, 1);
    cr_assert_eq(pipeline_now(rig.pipeline), 0);
    rig_start(&rig);
    before = pipeline_now(rig.pipeline);
    wall = base_clock_monotonic_ns();
    usleep(500000);
    before = pipeline_now(rig.pipeline) - before;
    wall = (base_clock_monotonic_ns() - wall) * 27 / 1000;
    cr_assert_lt(before > wall ? before - wall : wall - before, wall / 200, "%lu for %lu", before, wall);
    cr_assert_gt(strlen(pipeline_memory_mode(rig.pipeline)), 0);
    rig_stop(&rig);
}

/* A figure for the log, not a gate: this machine is shared. */
Test(control, rate)
{
    uint64_t start;
    double seconds;

    open_endless(1, 1);
    start = base_clock_monotonic_ns();
    rig_start(&rig);
    usleep(2000000);
    rig_stop(&rig);
    seconds = (double)(base_clock_monotonic_ns() - start) / 1e9;
    base_log(BASE_LOG_NOTICE, "one worker, net_pcap to net_null: %.0f datagrams/s of 7 packets, %.2f Gbit/s",
             (double)rig.counters.tx_frames / seconds,
             (double)rig.counters.tx_frames * 7 * 188 * 8 / seconds / 1e9);
    cr_assert_gt(rig.counters.tx_frames, 0);
}

static void refused(int expected, const char *word)
{
    char why[256] = "";
    struct pipeline *pipeline;
    int rc = pipeline_create(&pipeline, &rig.config, why);

    cr_assert_eq(rc, expected, "%d: %s", rc, why);
    cr_assert_null(pipeline);
    cr_assert_not_null(strstr(why, word), "%s", why);
}

static struct pipeline_stream_config streams[2];

static void open_config(void)
{
    rig_open(&rig, 0);
    for (unsigned i = 0; i < 2; i++) {
        snprintf(streams[i].name, sizeof(streams[i].name), "s%u", i);
        wire_endpoint_parse("239.1.1.1:5000", &streams[i].input_address, &streams[i].input_port_number);
    }
    snprintf(rig.config.ports[0].device, sizeof(rig.config.ports[0].device), "net_null0");
    rig.config.stream_count = 2;
    rig.config.streams = streams;
    rig.config.workers = 1;
}

Test(control, a_port_that_does_not_exist_is_refused)
{
    open_config();
    streams[1].output_port = 1;
    refused(BASE_E_CONFIGURATION, "stream s1");
}

Test(control, another_ip_version_at_the_output_is_refused)
{
    open_config();
    streams[0].readdress = true;
    wire_address_parse("ff15::1", &streams[0].output_address);
    refused(BASE_E_CONFIGURATION, "stream s0");
}

Test(control, two_streams_with_one_input_are_refused)
{
    open_config();
    refused(-EEXIST, "stream s1");
}

Test(control, a_device_that_does_not_exist_is_named)
{
    struct pipeline *pipeline;
    char why[256];

    open_config();
    rig.config.stream_count = 1;
    snprintf(rig.config.ports[0].device, sizeof(rig.config.ports[0].device), "net_af_packet0,iface=nowhere0");
    cr_assert_eq(pipeline_create(&pipeline, &rig.config, why), -ENODEV);
    cr_assert_not_null(strstr(why, "nowhere0"), "%s", why);
}

Test(control, a_list_of_cores_that_is_none_is_refused)
{
    open_config();
    rig.config.stream_count = 1;
    snprintf(rig.config.cores, sizeof(rig.config.cores), "0-");
    refused(BASE_E_CONFIGURATION, "cores");
}
