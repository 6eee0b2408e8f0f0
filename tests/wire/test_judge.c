/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tshark and editcap as independent judges: of the checksums that are written, and of the capture files that
 * are read. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/wire/captures.h"
#include "tests/wire/frames.h"
#include "wire/capture.h"

static struct capture_file file;
static char directory[] = "/tmp/wire-judge-XXXXXX";
static char path[64], other[64];

static void enter(void)
{
    cr_assert_not_null(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/a.pcap", directory);
    snprintf(other, sizeof(other), "%s/b.pcap", directory);
}

static void leave(void)
{
    unlink(path);
    unlink(other);
    rmdir(directory);
}

static void need(const char *tool)
{
    char command[128];

    snprintf(command, sizeof(command), "%s --version >/dev/null 2>&1", tool);
    if (system(command) != 0) {
        leave(); /* a skipped test has no end of its own */
        cr_skip_test("%s is not installed", tool);
    }
}

TestSuite(judge, .init = enter, .fini = leave);

static void save(void)
{
    FILE *out = fopen(path, "wb");

    cr_assert_not_null(out);
    cr_assert_eq(fwrite(file.bytes, 1, file.size, out), file.size);
    cr_assert_eq(fclose(out), 0);
}

static void load(const char *name)
{
    FILE *in = fopen(name, "rb");

    cr_assert_not_null(in);
    file.size = fread(file.bytes, 1, sizeof(file.bytes), in);
    fclose(in);
}

/* Headers of many kinds, by number of the test case. */
static struct frame_options options_of(unsigned i, const uint8_t *ts)
{
    return (struct frame_options){.tags = i % 3,
                                  .six = i / 3 % 2,
                                  .option_words = i / 3 % 2 ? 0 : i % 4,
                                  .rtp = i / 6 % 2,
                                  .csrcs = i % 3,
                                  .extension_words = i % 2,
                                  .padding = i % 5,
                                  .sequence = (uint16_t)i,
                                  .payload = ts,
                                  .payload_size = (1 + i % 7) * 188u};
}

static void rewrite(struct frame *frame, unsigned i)
{
    struct wire_datagram datagram;
    struct wire_readdress readdress = {.ttl = 7, .source_mac = {2}, .destination_mac = {4}};
    bool six;

    cr_assert_eq(wire_datagram_parse(frame->bytes, frame->size, &datagram), 0);
    six = datagram.flow.source.version == 6;
    wire_endpoint_parse(six ? "[2001:db8::5]:77" : "10.1.2.3:77", &readdress.flow.source,
                        &readdress.flow.source_port);
    wire_endpoint_parse(six ? "[ff3e::5]:1234" : "232.1.2.3:1234", &readdress.flow.destination,
                        &readdress.flow.destination_port);
    readdress.flow.source.bytes[3] = (uint8_t)i;
    cr_assert_eq(wire_datagram_readdress(frame->bytes, frame->size, &datagram, &readdress), 0);
}

static unsigned count_lines(const char *command, const char *wanted)
{
    char line[64];
    unsigned lines = 0;
    FILE *out = popen(command, "r");

    cr_assert_not_null(out);
    while (fgets(line, sizeof(line), out)) {
        cr_assert_str_eq(line, wanted);
        lines++;
    }
    cr_assert_eq(pclose(out), 0);
    return lines;
}

/* tshark's status 1 is "Good". */
Test(judge, tshark_finds_all_rewritten_checksums_good)
{
    static uint8_t ts[7 * 188];
    static struct frame frame;
    char command[512];
    unsigned four = 0;

    need("tshark");
    capture_pcap(&file, true, false, 1);
    for (unsigned i = 0; i < 420; i++) {
        struct frame_options options;

        make_ts(ts, 7, i * 7);
        options = options_of(i, ts);
        frame_make(&frame, &options);
        rewrite(&frame, i);
        capture_pcap_record(&file, i, 0, frame.bytes, frame.size, frame.size);
        four += !options.six;
    }
    save();
    snprintf(command, sizeof(command),
             "tshark -n -r %s -o ip.check_checksum:TRUE -o udp.check_checksum:TRUE -T fields "
             "-e udp.checksum.status 2>/dev/null",
             path);
    cr_assert_eq(count_lines(command, "1\n"), 420);
    snprintf(command, sizeof(command),
             "tshark -n -r %s -o ip.check_checksum:TRUE -Y ip -T fields -e ip.checksum.status 2>/dev/null",
             path);
    cr_assert_eq(count_lines(command, "1\n"), four);
}

static void make_capture(void)
{
    static uint8_t ts[7 * 188];
    static struct frame frame;

    capture_pcap(&file, true, true, 1);
    for (unsigned i = 0; i < 200; i++) {
        struct frame_options options;

        make_ts(ts, 7, i * 7);
        options = options_of(i, ts);
        options.rtp = false; /* udp.payload shows all that is behind UDP */
        options.padding = 0;
        frame_make(&frame, &options);
        capture_pcap_record(&file, 1700000000 + i, 5 * i, frame.bytes, frame.size, frame.size);
    }
    save();
}

/* "TIME<tab>DESTINATION PORT<tab>PAYLOAD" of one record, as tshark prints it. */
static void format_record(const struct wire_capture_record *record, char *line)
{
    struct wire_datagram datagram;
    int used;

    cr_assert_eq(wire_capture_datagram(record, &datagram), 0);
    used = sprintf(line, "%llu.%09llu\t%u\t", (unsigned long long)(record->time_ns / 1000000000),
                   (unsigned long long)(record->time_ns % 1000000000), datagram.flow.destination_port);
    for (unsigned i = 0; i < datagram.payload_size; i++)
        used += sprintf(line + used, "%02x", record->bytes[datagram.payload_offset + i]);
    strcpy(line + used, "\n");
}

static unsigned compare_with_tshark(const char *name)
{
    static char theirs[8192], ours[8192];
    struct wire_capture_record record;
    struct wire_capture capture;
    char command[512];
    unsigned records = 0;
    FILE *out;

    snprintf(command, sizeof(command),
             "tshark -n -r %s -T fields -e frame.time_epoch -e udp.dstport -e udp.payload 2>/dev/null", name);
    load(name);
    wire_capture_init(&capture);
    out = popen(command, "r");
    cr_assert_not_null(out);
    for (size_t at = 0; at < file.size;) {
        ptrdiff_t step = wire_capture_next(&capture, file.bytes + at, file.size - at, &record);

        cr_assert_gt(step, 0);
        at += (size_t)step;
        if (!record.bytes)
            continue;
        format_record(&record, ours);
        cr_assert_not_null(fgets(theirs, sizeof(theirs), out));
        cr_assert_str_eq(ours, theirs, "%s, record %u", name, records);
        records++;
    }
    cr_assert_null(fgets(theirs, sizeof(theirs), out));
    pclose(out);
    return records;
}

Test(judge, tshark_reads_the_same_payloads_and_times)
{
    need("tshark");
    make_capture();
    cr_assert_eq(compare_with_tshark(path), 200);
}

Test(judge, files_converted_by_editcap_read_as_tshark_reads_them)
{
    static const char *const formats[] = {"pcap", "nsecpcap", "pcapng"};
    char command[256];

    need("tshark");
    need("editcap");
    for (size_t i = 0; i < 3; i++) {
        make_capture();
        snprintf(command, sizeof(command), "editcap -F %s %s %s", formats[i], path, other);
        cr_assert_eq(system(command), 0);
        cr_assert_eq(compare_with_tshark(other), 200, "%s", formats[i]);
    }
}

Test(judge, two_interfaces_merged_into_one_pcapng)
{
    char command[256];

    need("tshark");
    need("mergecap");
    make_capture();
    snprintf(command, sizeof(command), "mergecap -F pcapng -I none -a -w %s %s %s", other, path, path);
    cr_assert_eq(system(command), 0);
    cr_assert_eq(compare_with_tshark(other), 400);
}
