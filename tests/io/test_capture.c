/* SPDX-License-Identifier: GPL-3.0-or-later */
/* TS out of captures that the tests write themselves, tshark being the judge of one. */
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "base/error.h"
#include "tests/io/inputs.h"
#include "tests/wire/captures.h"

static struct capture_file file;
static struct outcome out;
static uint8_t expected[INPUT_PACKETS_MAX * 188];

/* Where a datagram of a test comes from, goes to, and when. */
struct shot {
    const char *source, *destination;
    uint16_t port;
    bool rtp;
    uint16_t sequence;
    unsigned packets; /* 0: 7 */
    unsigned number;  /* of the first packet */
    uint32_t seconds, microseconds;
};

static void add(const struct shot *shot)
{
    static uint8_t ts[7 * 188];
    static struct frame frame;
    unsigned packets = shot->packets ? shot->packets : 7;

    make_ts(ts, packets, shot->number);
    frame_make(&frame, &(struct frame_options){.source = shot->source,
                                               .destination = shot->destination,
                                               .port = shot->port,
                                               .rtp = shot->rtp,
                                               .sequence = shot->sequence,
                                               .payload = ts,
                                               .payload_size = packets * 188u});
    capture_pcap_record(&file, shot->seconds, shot->microseconds, frame.bytes, frame.size, frame.size);
}

static void add_many(struct shot shot, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        add(&shot);
        shot.number += 7;
    }
}

static int open_file(struct io_source **source, const char *flow)
{
    struct io_source_options options = {.flow = flow};
    char path[64];
    int descriptor = input_file(file.bytes, file.size, path);
    int status = io_source_open(source, path, &options);

    close(descriptor);
    return status;
}

static int open_pipe(struct io_source **source, const char *flow)
{
    struct io_source_options options = {.flow = flow};
    char path[64];
    int descriptor = input_pipe(file.bytes, file.size, 70000, 0, path);
    int status = io_source_open(source, path, &options);

    close(descriptor);
    wait(NULL);
    return status;
}

static void read_flow(const char *flow, size_t room)
{
    struct io_source *source;

    cr_assert_eq(open_file(&source, flow), 0);
    cr_assert_eq(io_source_format(source), IO_FORMAT_CAPTURE);
    cr_assert_eq(io_source_size(source), file.size);
    input_drain(source, room, &out);
    cr_assert_eq(io_source_position(source), file.size);
    io_source_close(source);
    cr_assert_eq(out.status, 0);
}

static void assert_packets(unsigned first, size_t count)
{
    make_ts(expected, count, first);
    cr_assert_eq(out.count, count, "%zu instead of %zu", out.count, count);
    cr_assert_arr_eq(out.packets, expected, count * 188);
}

Test(capture, the_only_flow_is_read_with_any_room)
{
    static const size_t rooms[] = {1, 3, 7, 8, 1394, INPUT_PACKETS_MAX};

    capture_pcap(&file, true, false, 1);
    add_many((struct shot){.number = 0}, 3000);
    for (size_t i = 0; i < sizeof(rooms) / sizeof(*rooms); i++) {
        read_flow(NULL, rooms[i]);
        assert_packets(0, 21000);
        cr_assert_eq(out.report.datagrams_ignored, 0);
        cr_assert_eq(out.report.bytes_truncated, 0);
    }
}

Test(capture, pcapng_of_two_link_types)
{
    static const uint8_t sll[16] = {[14] = 0x08};
    static uint8_t ts[188];
    static struct frame frame;
    struct io_source *source;

    capture_section(&file, false);
    capture_interface(&file, 1, 0, 9, 0);
    capture_interface(&file, 113, 0, 6, 0);
    make_ts(ts, 1, 0);
    frame_make(&frame, &(struct frame_options){.tags = 2, .payload = ts, .payload_size = 188});
    capture_enhanced(&file, 0, 1000000, frame.bytes, frame.size, frame.size);
    make_ts(ts, 1, 1);
    frame_make(&frame, &(struct frame_options){.no_ethernet = true, .payload = ts, .payload_size = 188});
    memmove(frame.bytes + sizeof(sll), frame.bytes, frame.size);
    memcpy(frame.bytes, sll, sizeof(sll));
    capture_enhanced(&file, 1, 3000, frame.bytes, frame.size + sizeof(sll), frame.size + sizeof(sll));
    cr_assert_eq(open_file(&source, NULL), 0);
    cr_assert_str_eq(io_source_format_name(source), "packet capture");
    input_drain(source, 10, &out);
    assert_packets(0, 2);
    cr_assert_eq(out.infos[1].arrival_ns, 2000000);
    io_source_close(source);
}

static void mix_three_flows(void)
{
    capture_pcap(&file, false, false, 1);
    for (unsigned i = 0; i < 100; i++) {
        add(&(struct shot){.destination = "239.1.1.1", .port = 1000, .number = 7 * i});
        add(&(struct shot){.destination = "239.1.1.2", .port = 1000, .rtp = true, .number = 5000 + 7 * i});
        if (i % 2)
            add(&(struct shot){.destination = "239.1.1.1", .port = 1001, .packets = 1, .number = 3000 + i});
    }
}

Test(capture, several_flows_are_listed_and_not_read)
{
    static const struct {
        const char *destination;
        uint64_t datagrams, packets;
        bool rtp;
    } wanted[] = {{"239.1.1.1:1000", 100, 700, false},
                  {"239.1.1.2:1000", 100, 700, true},
                  {"239.1.1.1:1001", 50, 50, false}};
    const struct io_flow_entry *flows;
    struct io_source *source;
    char text[64];

    mix_three_flows();
    cr_assert_eq(open_file(&source, NULL), -ENOTUNIQ);
    cr_assert_not_null(source);
    cr_assert_eq(io_source_flows(source, &flows), 3);
    for (size_t i = 0; i < 3; i++) {
        wire_endpoint_format(&flows[i].flow.destination, flows[i].flow.destination_port, text);
        cr_assert_str_eq(text, wanted[i].destination);
        wire_endpoint_format(&flows[i].flow.source, flows[i].flow.source_port, text);
        cr_assert_str_eq(text, "192.0.2.1:5000");
        cr_assert_eq(flows[i].datagrams, wanted[i].datagrams);
        cr_assert_eq(flows[i].ts_packets, wanted[i].packets);
        cr_assert_eq(flows[i].rtp, wanted[i].rtp);
    }
    cr_assert_eq(io_source_read(source, out.packets, NULL, 10), -ENOTUNIQ);
    io_source_close(source);
}

Test(capture, the_flow_asked_for_is_read_and_the_others_counted)
{
    mix_three_flows();
    read_flow("239.1.1.2:1000", 50);
    assert_packets(5000, 700);
    cr_assert_eq(out.report.datagrams_ignored, 150);
    read_flow("239.1.1.1:1001", 50);
    cr_assert_eq(out.count, 50);
    cr_assert_eq(out.report.datagrams_ignored, 200);
    read_flow("192.0.2.1@239.1.1.1:1000", 5000);
    assert_packets(0, 700);
}

Test(capture, a_flow_that_is_not_there_leaves_the_list)
{
    const struct io_flow_entry *flows;
    struct io_source *source;

    mix_three_flows();
    cr_assert_eq(open_file(&source, "239.1.1.3:1000"), -ENOENT);
    cr_assert_not_null(source);
    cr_assert_eq(io_source_flows(source, &flows), 3);
    cr_assert_lt(io_source_read(source, out.packets, NULL, 10), 0);
    io_source_close(source);
    cr_assert_eq(open_file(&source, "192.0.2.2@239.1.1.1:1000"), -ENOENT);
    io_source_close(source);
}

Test(capture, flows_that_are_none)
{
    static const char long_text[] =
        "a-name-that-is-much-longer-than-any-address-in-the-world-could-possibly-be"
        "@239.1.1.1:1000";
    static const char *const texts[] = {"",         "239.1.1.1", "@239.1.1.1:1000", "x@239.1.1.1:1000",
                                        "1.2.3.4@", long_text};
    struct io_source *source;

    mix_three_flows();
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        cr_assert_eq(open_file(&source, texts[i]), -EINVAL, "%s", texts[i]);
        cr_assert_null(source);
    }
}

Test(capture, two_sources_of_one_group_are_two_flows)
{
    struct io_source *source;

    capture_pcap(&file, true, true, 1);
    for (unsigned i = 0; i < 20; i++) {
        add(&(struct shot){.source = "10.0.0.1", .number = 7 * i});
        add(&(struct shot){.source = "10.0.0.2", .number = 1000 + 7 * i});
    }
    cr_assert_eq(open_file(&source, NULL), -ENOTUNIQ);
    io_source_close(source);
    cr_assert_eq(open_file(&source, "239.1.1.1:1234"), -ENOTUNIQ);
    io_source_close(source);
    read_flow("10.0.0.2@239.1.1.1:1234", 100);
    assert_packets(1000, 140);
}

Test(capture, more_flows_than_the_list_holds)
{
    const struct io_flow_entry *flows;
    struct io_source *source;

    capture_pcap(&file, true, false, 1);
    for (unsigned i = 0; i < IO_FLOWS_MAX + 20; i++)
        add(&(struct shot){.port = (uint16_t)(1000 + i), .number = i * 7});
    cr_assert_eq(open_file(&source, NULL), -ENOTUNIQ);
    cr_assert_eq(io_source_flows(source, &flows), IO_FLOWS_MAX);
    io_source_close(source);
    read_flow("239.1.1.1:1083", 100);
    assert_packets(83 * 7, 7);
}

Test(capture, arrival_times_count_from_the_first_datagram_of_the_flow)
{
    capture_pcap(&file, true, false, 1);
    add(&(struct shot){.destination = "239.9.9.9", .seconds = 1});
    add(&(struct shot){.number = 0, .seconds = 1700000000, .microseconds = 999000});
    add(&(struct shot){.number = 7, .seconds = 1700000001, .microseconds = 1000});
    add(&(struct shot){.number = 14, .seconds = 1600000000}); /* a clock that was set back */
    add(&(struct shot){.number = 21, .seconds = 1700000005, .microseconds = 999001});
    read_flow("239.1.1.1:1234", 5);
    assert_packets(0, 28);
    for (size_t i = 0; i < 28; i++) {
        static const uint64_t times[] = {0, 2000000, 0, 5000001000};
        cr_assert_eq(out.infos[i].arrival_ns, times[i / 7], "packet %zu", i);
        cr_assert_eq(out.infos[i].prefix[0], 0);
    }
}

Test(capture, rtp_is_not_put_in_order)
{
    static const uint16_t sequences[] = {10, 12, 11, 11, 9};

    capture_pcap(&file, true, false, 1);
    for (unsigned i = 0; i < 5; i++)
        add(&(struct shot){.rtp = true, .sequence = sequences[i], .number = 7 * i});
    read_flow(NULL, 100);
    assert_packets(0, 35);
}

Test(capture, what_holds_no_ts_is_counted)
{
    static uint8_t ts[7 * 188];
    static struct frame frame;
    struct frame_options options = {.payload = ts, .payload_size = sizeof(ts)};

    make_ts(ts, 7, 0);
    capture_pcap(&file, true, false, 1);
    frame_make(&frame, &options);
    capture_pcap_record(&file, 0, 0, frame.bytes, 200, frame.size); /* cut */
    frame.bytes[13] = 6;                                            /* ARP, as far as it tells */
    capture_pcap_record(&file, 0, 0, frame.bytes, frame.size, frame.size);
    options.payload_size--; /* no whole packets */
    frame_make(&frame, &options);
    capture_pcap_record(&file, 0, 0, frame.bytes, frame.size, frame.size);
    options.payload_size = 188;
    frame_make(&frame, &options);
    frame.bytes[frame.ip + 6] = 0x20; /* a fragment */
    frame_fix(&frame, false);
    capture_pcap_record(&file, 0, 0, frame.bytes, frame.size, frame.size);
    add(&(struct shot){.number = 50});
    read_flow(NULL, 100);
    assert_packets(50, 7);
    cr_assert_eq(out.report.datagrams_ignored, 4);
}

Test(capture, captures_without_ts)
{
    struct io_source *source;

    capture_pcap(&file, true, false, 1);
    cr_assert_eq(open_file(&source, NULL), -ENOMSG);
    cr_assert_null(source);
    cr_assert_eq(open_file(&source, "239.1.1.1:1234"), -ENOMSG);
    cr_assert_null(source);
    cr_assert_eq(open_pipe(&source, NULL), -ENOMSG);
    cr_assert_null(source);
    file.bytes[4] = 9; /* version */
    cr_assert_eq(open_file(&source, NULL), BASE_E_UNSUPPORTED);
    cr_assert_null(source);
}

Test(capture, a_truncated_end_is_counted)
{
    size_t whole;

    capture_pcap(&file, true, false, 1);
    add_many((struct shot){.number = 0}, 10);
    whole = file.size;
    add(&(struct shot){.number = 70});
    for (size_t size = whole + 1; size < file.size; size += 13) {
        struct io_source *source;
        size_t kept = file.size;

        file.size = size;
        cr_assert_eq(open_file(&source, NULL), 0);
        file.size = kept;
        input_drain(source, 20, &out);
        io_source_close(source);
        assert_packets(0, 70);
        cr_assert_eq(out.report.bytes_truncated, size - whole);
    }
}

Test(capture, what_stands_before_a_broken_record_is_delivered)
{
    struct io_source *source;

    capture_pcap(&file, true, false, 1);
    add_many((struct shot){.number = 0}, 10);
    memset(file.bytes + file.size, 0xFF, 100);
    file.size += 100;
    cr_assert_eq(open_file(&source, NULL), 0);
    input_drain(source, 20, &out);
    cr_assert_eq(out.status, BASE_E_MALFORMED);
    assert_packets(0, 70);
    io_source_close(source);
}

static void read_pipe(const char *flow, size_t piece)
{
    struct io_source_options options = {.flow = flow};
    struct io_source *source;
    char path[64];
    int descriptor = input_pipe(file.bytes, file.size, piece, 0, path);

    cr_assert_eq(io_source_open(&source, path, &options), 0);
    cr_assert_eq(io_source_size(source), 0);
    input_drain(source, 10, &out);
    cr_assert_eq(out.status, 0);
    cr_assert_eq(io_source_position(source), file.size);
    io_source_close(source);
    close(descriptor);
    wait(NULL);
}

Test(capture, a_pipe_holds_the_flow_of_its_first_ts_datagram_unless_told)
{
    mix_three_flows();
    read_pipe(NULL, 1000);
    assert_packets(0, 700);
    cr_assert_eq(out.report.datagrams_ignored, 150);
    read_pipe("239.1.1.2:1000", 70000);
    assert_packets(5000, 700);
}

Test(capture, a_pipe_without_the_flow_asked_for_leaves_the_list)
{
    const struct io_flow_entry *flows;
    struct io_source *source;

    mix_three_flows();
    cr_assert_eq(open_pipe(&source, "239.1.1.9:1000"), -ENOENT);
    cr_assert_eq(io_source_flows(source, &flows), 3);
    cr_assert_eq(io_source_read(source, out.packets, NULL, 10), -ENOENT);
    io_source_close(source);
}

static void note_alarm(int number)
{
    (void)number;
}

Test(capture, a_signal_ends_the_wait_for_an_idle_pipe, .timeout = 20)
{
    struct io_source *source;
    char path[64];
    int ends[2];

    sigaction(SIGALRM, &(struct sigaction){.sa_handler = note_alarm}, NULL);
    cr_assert_eq(pipe(ends), 0);
    input_path(ends[0], path);
    ualarm(50000, 0);
    cr_assert_eq(io_source_open(&source, path, NULL), -EINTR);
    capture_pcap(&file, true, false, 1);
    add_many((struct shot){.number = 0}, 2);
    cr_assert_eq(write(ends[1], file.bytes, file.size), (ssize_t)file.size);
    cr_assert_eq(io_source_open(&source, path, NULL), 0);
    cr_assert_eq(io_source_read(source, out.packets, NULL, 100), 14);
    ualarm(50000, 0);
    cr_assert_eq(io_source_read(source, out.packets, NULL, 100), -EINTR);
    cr_assert_eq(write(ends[1], file.bytes + 24, file.size - 24), (ssize_t)file.size - 24);
    cr_assert_eq(io_source_read(source, out.packets, NULL, 100), 14);
    io_source_close(source);
    close(ends[0]);
    close(ends[1]);
}

Test(capture, a_slow_pipe_gives_each_datagram_as_it_comes, .timeout = 20)
{
    struct io_source *source;
    int data[2], told[2];
    size_t count = 0;
    char path[64];

    capture_pcap(&file, true, false, 1);
    add_many((struct shot){.number = 0}, 20);
    cr_assert_eq(pipe(data), 0);
    cr_assert_eq(pipe(told), 0);
    if (fork() == 0) {
        size_t record = (file.size - 24) / 20;
        char token;

        for (size_t at = 0, size = 24 + record; at < file.size; at += size, size = record) {
            if (write(data[1], file.bytes + at, size) < 0 || read(told[0], &token, 1) != 1)
                _exit(1);
        }
        _exit(0);
    }
    close(data[1]);
    input_path(data[0], path);
    cr_assert_eq(io_source_open(&source, path, NULL), 0);
    while (count < 140) {
        cr_assert_eq(io_source_read(source, out.packets + count * 188, NULL, 1000), 7);
        count += 7;
        cr_assert_eq(write(told[1], "x", 1), 1);
    }
    cr_assert_eq(io_source_read(source, out.packets, NULL, 1000), 0);
    io_source_close(source);
    wait(NULL);
}

/* tshark's own extraction of the same flow's payloads. */
Test(capture, tshark_extracts_the_same_payloads)
{
    static char line[4096];
    char path[] = "/tmp/io-capture-XXXXXX";
    char command[256];
    size_t at = 0;
    FILE *theirs;
    int descriptor;

    if (system("tshark --version >/dev/null 2>&1") != 0)
        cr_skip_test("tshark is not installed");
    mix_three_flows();
    descriptor = mkstemp(path);
    cr_assert_eq(write(descriptor, file.bytes, file.size), (ssize_t)file.size);
    close(descriptor);
    read_flow("239.1.1.1:1000", 99);
    snprintf(command, sizeof(command),
             "tshark -n -r %s -Y 'ip.dst == 239.1.1.1 && udp.dstport == 1000' -T fields -e udp.payload "
             "2>/dev/null",
             path);
    theirs = popen(command, "r");
    while (fgets(line, sizeof(line), theirs)) {
        for (size_t i = 0; line[i] && line[i] != '\n'; i += 2, at++) {
            unsigned byte;

            cr_assert_eq(sscanf(line + i, "%2x", &byte), 1);
            cr_assert_lt(at, out.count * 188);
            cr_assert_eq(out.packets[at], byte, "byte %zu", at);
        }
    }
    pclose(theirs);
    unlink(path);
    cr_assert_eq(at, 700 * 188);
}
