/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Captures through a whole pipeline, with one and several workers. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "tests/pipeline/rig.h"
#include "ts/order.h"

#define DATAGRAMS 1000

static struct rig rig;

static void leave(void)
{
    rig_close(&rig);
}

TestSuite(pipeline, .fini = leave, .timeout = 60);

static struct frame_options kind_of(unsigned i)
{
    return (struct frame_options){.tags = i % 3, .rtp = false, .option_words = i % 5 == 0};
}

Test(pipeline, every_payload_leaves_in_order_and_opens_to_what_it_was)
{
    rig_open(&rig, 1);
    for (unsigned i = 0; i < DATAGRAMS; i++)
        rig_datagram(&rig, 0, 1 + i % 7, kind_of(i));
    rig_prepare(&rig, 1);
    rig_run(&rig);
    cr_assert_eq(rig_compare(&rig, 0), 0);
    cr_assert_eq(rig.counters.rx_frames, DATAGRAMS);
    cr_assert_eq(rig.counters.tx_frames, DATAGRAMS);
    cr_assert_eq(rig.strange_frames_out, 0);
}

static void several_streams(unsigned workers)
{
    rig_open(&rig, RIG_STREAMS);
    for (unsigned i = 0; i < 3 * DATAGRAMS; i++)
        rig_datagram(&rig, (i * 7 + i / 11) % RIG_STREAMS, 1 + i % 7, kind_of(i));
    rig_prepare(&rig, workers);
    rig_run(&rig);
    for (unsigned n = 0; n < RIG_STREAMS; n++)
        rig_compare(&rig, n);
    cr_assert_eq(rig.counters.tx_frames, 3 * DATAGRAMS);
}

Test(pipeline, several_streams_share_one_worker)
{
    several_streams(1);
}

Test(pipeline, streams_are_spread_over_two_workers_and_keep_their_order)
{
    several_streams(2);
}

Test(pipeline, four_workers_on_few_cores_are_slow_but_right)
{
    several_streams(4);
}

/* Plays a one-packet section on RIG_ECM all the time. */
static void order_ecms(unsigned stream, uint64_t period)
{
    static struct ts_order order;

    order = (struct ts_order){.kind = TS_ORDER_PLAY,
                              .form = TS_ORDER_SECTION,
                              .pid = RIG_ECM,
                              .table_id = 0x80,
                              .period = period,
                              .size = 40};
    memcpy(order.bytes, (const uint8_t[]){0x80, 0x70, 37}, 3);
    cr_assert_eq(ts_order_push(pipeline_orders(rig.pipeline, stream), &order), 0);
}

static void check_sequences(unsigned n, uint16_t first)
{
    const struct rig_stream *stream = &rig.streams[n];

    for (unsigned i = 0; i < stream->datagrams_out; i++)
        cr_assert_eq(stream->sequences[i], (uint16_t)(first + i), "datagram %u", i);
}

static void inserted_packets(unsigned workers)
{
    rig_open(&rig, 2);
    for (unsigned i = 0; i < 5 * DATAGRAMS; i++)
        rig_datagram(&rig, i % 2, i % 10 ? 7 : 1,
                     (struct frame_options){.rtp = true, .sequence = (uint16_t)(65000 + i / 2)});
    rig_prepare(&rig, workers);
    order_ecms(0, BASE_TICKS_PER_MS / 20);
    order_ecms(1, BASE_TICKS_PER_MS / 20);
    rig_run(&rig);
    for (unsigned n = 0; n < 2; n++) {
        unsigned ecms = rig_compare(&rig, n);

        cr_assert_gt(ecms, 1);
        cr_assert_leq(rig.streams[n].datagrams_out, rig.streams[n].in_count + ecms);
        check_sequences(n, 65000);
    }
    cr_assert_gt(rig.counters.inserted_frames, 1);
    cr_assert_eq(rig.counters.drop_no_memory, 0);
}

Test(pipeline, inserted_packets_get_datagrams_and_rtp_sequences_of_their_own)
{
    inserted_packets(1);
}

Test(pipeline, inserted_packets_keep_their_place_with_two_workers)
{
    inserted_packets(2);
}

Test(pipeline, without_a_control_word_protected_packets_are_black)
{
    static struct scrambler_plan plan;
    struct scrambler_counters counters;

    rig_open(&rig, 1);
    for (unsigned i = 0; i < DATAGRAMS; i++)
        rig_datagram(&rig, 0, 7, (struct frame_options){0});
    rig_prepare(&rig, 1);
    scrambler_plan_init(&plan);
    cr_assert_eq(pipeline_set_plan(rig.pipeline, 0, &plan), 0);
    rig_run(&rig);
    for (unsigned i = 0; i < rig.streams[0].out_count; i++)
        cr_assert_eq((rig.streams[0].out[i][1] & 0x1F) << 8 | rig.streams[0].out[i][2], 0x1FFF);
    cr_assert_eq(rig.streams[0].out_count, 7 * DATAGRAMS);
    pipeline_stream_counters(rig.pipeline, 0, &counters);
    cr_assert_eq(counters.black, 7 * DATAGRAMS);
}

static void put_wrong_frames(void)
{
    static uint8_t payload[3000];
    static struct frame frame;
    struct frame_options options = {.port = 5000, .payload = payload, .payload_size = 376};

    make_ts(payload, 15, 0);
    options.destination = "239.9.9.9";
    frame_make(&frame, &options);
    rig_frame(&rig, frame.bytes, frame.size); /* no stream */
    options.destination = "239.1.1.1";
    options.port = 5001;
    frame_make(&frame, &options);
    rig_frame(&rig, frame.bytes, frame.size); /* no stream: its address, another port */
    options.port = 5000;
    options.payload_size = 200;
    frame_make(&frame, &options);
    rig_frame(&rig, frame.bytes, frame.size); /* not whole packets */
    options.payload_size = 376;
    frame_make(&frame, &options);
    frame.bytes[frame.ip + 6] = 0x20;
    frame_fix(&frame, false);
    rig_frame(&rig, frame.bytes, frame.size); /* first fragment */
    frame_make(&frame, &options);
    rig_frame(&rig, frame.bytes, frame.size - 100); /* cut */
    rig_frame(&rig, frame.bytes, frame.ip + 3);     /* cut in the IP header */
    frame.bytes[frame.ip + 9] = 6;
    frame_fix(&frame, false);
    rig_frame(&rig, frame.bytes, frame.size); /* TCP */
    frame.bytes[12] = 0x08;
    frame.bytes[13] = 0x06;
    rig_frame(&rig, frame.bytes, frame.size); /* ARP */
    options.payload_size = sizeof(payload) / 188 * 188;
    frame_make(&frame, &options);
    rig_frame(&rig, frame.bytes, frame.size); /* longer than a buffer */
}

Test(pipeline, wrong_frames_are_dropped_under_a_name)
{
    rig_open(&rig, 1);
    for (unsigned i = 0; i < 100; i++) {
        rig_datagram(&rig, 0, 7, (struct frame_options){0});
        if (i % 10 == 0)
            put_wrong_frames();
    }
    rig_prepare(&rig, 1);
    rig_run(&rig);
    rig_compare(&rig, 0);
    cr_assert_eq(rig.counters.tx_frames, 100);
    cr_assert_eq(rig.counters.drop_no_stream, 20);
    cr_assert_eq(rig.counters.drop_not_ts, 10);
    cr_assert_eq(rig.counters.drop_fragment, 10);
    cr_assert_eq(rig.counters.drop_malformed, 20);
    cr_assert_eq(rig.counters.drop_not_udp, 20);
    cr_assert_eq(rig.counters.drop_not_linear, 10);
}

/* Prints one line per datagram; a wrong checksum shows as its own status. */
static unsigned ask_tshark(const char *filter)
{
    char command[512], line[256];
    unsigned lines = 0;
    FILE *pipe;

    if (system("tshark --version >/dev/null 2>&1"))
        cr_skip_test("tshark is not installed");
    snprintf(command, sizeof(command),
             "tshark -o udp.check_checksum:TRUE -o ip.check_checksum:TRUE -r %s -Y '%s' 2>/dev/null",
             rig.out_path, filter);
    pipe = popen(command, "r");
    cr_assert_not_null(pipe);
    while (fgets(line, sizeof(line), pipe))
        lines++;
    pclose(pipe);
    return lines;
}

static void readdress(struct pipeline_stream_config *config)
{
    config->readdress = true;
    config->output_address = (struct wire_address){.version = 4, .bytes = {239, 2, 3, 4}};
    config->output_port_number = 6000;
    config->has_output_source = true;
    config->output_source = (struct wire_address){.version = 4, .bytes = {10, 1, 2, 3}};
    config->ttl = 9;
}

Test(pipeline, datagrams_leave_with_new_addresses_and_right_checksums)
{
    rig_open(&rig, 3);
    readdress(&rig.streams[0].config);
    rig.streams[1].config.readdress = true;
    rig.streams[1].config.output_address = (struct wire_address){.version = 4, .bytes = {10, 9, 8, 7}};
    rig.streams[1].config.output_port_number = 6001;
    rig.streams[1].config.has_output_mac = true;
    memcpy(rig.streams[1].config.output_mac, (const uint8_t[]){2, 0, 0, 0, 0xAA, 0xBB}, 6);
    wire_address_parse("ff15::77", &rig.streams[2].config.input_address);
    for (unsigned i = 0; i < 300; i++)
        rig_datagram(&rig, i % 3, 1 + i % 7,
                     (struct frame_options){.six = i % 3 == 2,
                                            .destination = i % 3 == 2 ? "ff15::77" : NULL,
                                            .tags = i / 3 % 3,
                                            .rtp = i % 2,
                                            .sequence = (uint16_t)i});
    rig_prepare(&rig, 1);
    for (unsigned n = 0; n < 3; n++)
        order_ecms(n, BASE_TICKS_PER_MS / 20);
    rig_run(&rig);
    for (unsigned n = 0; n < 3; n++)
        rig_compare(&rig, n);
    cr_assert_eq(ask_tshark("udp.checksum.status == 1 && !(ip.checksum.status == 0)"), rig.frames_out);
    cr_assert_eq(ask_tshark("ip.dst == 239.2.3.4 && ip.src == 10.1.2.3 && udp.dstport == 6000 && ip.ttl == 9 "
                            "&& eth.dst == 01:00:5e:02:03:04"),
                 rig.streams[0].datagrams_out);
    cr_assert_eq(ask_tshark("ip.dst == 10.9.8.7 && udp.dstport == 6001 && ip.ttl == 64 && "
                            "eth.dst == 02:00:00:00:aa:bb"),
                 rig.streams[1].datagrams_out);
    cr_assert_eq(ask_tshark("ipv6.dst == ff15::77 && eth.dst == 33:33:00:00:00:77"),
                 rig.streams[2].datagrams_out);
}

Test(pipeline, an_input_without_a_frame_ends_too)
{
    rig_open(&rig, 1);
    rig_prepare(&rig, 1);
    rig_run(&rig);
    cr_assert_eq(rig.counters.rx_frames, 0);
}
