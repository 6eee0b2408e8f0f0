/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sources and sinks for which there is no memory: clean errors, no block and no descriptor lost. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "io/sink.h"
#include "tests/common/memory.h"
#include "tests/io/inputs.h"
#include "tests/wire/captures.h"

static char directory[] = "/tmp/io-memory-XXXXXX";
static char path[64], link_path[64], partial[80];

static void enter(void)
{
    cr_assert_not_null(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/out.ts", directory);
    snprintf(link_path, sizeof(link_path), "%s/link.ts", directory);
    snprintf(partial, sizeof(partial), "%s.partial", path);
}

static void leave(void)
{
    unlink(path);
    unlink(link_path);
    unlink(partial);
    if (rmdir(directory) < 0)
        abort(); /* something was left behind; an assertion in a teardown fails nothing */
}

TestSuite(memory, .init = enter, .fini = leave);

static int lowest_free_descriptor(void)
{
    int descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC);

    close(descriptor);
    return descriptor;
}

static int use_source(void *context)
{
    struct io_source *source = NULL;
    int status = io_source_open(&source, context, NULL);

    cr_assert(status == 0 || !source);
    io_source_close(source);
    return status;
}

static int use_sink(void *context)
{
    static const uint8_t packet[TS_PACKET_SIZE];
    struct io_sink *sink = NULL;
    int status = io_sink_open(&sink, context, IO_FORMAT_TS188, NULL);

    cr_assert(status == 0 || !sink);
    if (status == 0)
        status = io_sink_write_run(sink, packet, NULL, 1);
    if (status == 0)
        status = io_sink_commit(sink);
    io_sink_close(sink);
    return status;
}

static void check(int (*use)(void *), char *name, unsigned least)
{
    int before = lowest_free_descriptor();

    memory_refuse_each(use, name, least);
    cr_assert_eq(lowest_free_descriptor(), before, "a descriptor was lost");
}

Test(memory, source_of_packets)
{
    static uint8_t bytes[20 * TS_PACKET_SIZE];
    char name[64];
    int descriptor;

    make_ts(bytes, 20, 0);
    descriptor = input_file(bytes, sizeof(bytes), name);
    check(use_source, name, 2);
    close(descriptor);
}

Test(memory, source_of_a_capture)
{
    static struct capture_file file;
    static struct frame frame;
    static uint8_t ts[7 * TS_PACKET_SIZE];
    char name[64];
    int descriptor;

    make_ts(ts, 7, 0);
    frame_make(&frame, &(struct frame_options){.source = "192.0.2.1",
                                               .destination = "239.1.1.1",
                                               .port = 5000,
                                               .payload = ts,
                                               .payload_size = sizeof(ts)});
    capture_pcap(&file, true, false, 1);
    capture_pcap_record(&file, 1, 0, frame.bytes, frame.size, frame.size);
    descriptor = input_file(file.bytes, file.size, name);
    check(use_source, name, 2);
    close(descriptor);
}

Test(memory, sink_to_a_new_file)
{
    check(use_sink, path, 4);
}

/* The link stays one, however little memory there is: else its target would keep the old content. */
Test(memory, sink_through_a_link)
{
    struct stat status;

    cr_assert_eq(use_sink(path), 0);
    cr_assert_eq(symlink(path, link_path), 0);
    check(use_sink, link_path, 4);
    cr_assert_eq(lstat(link_path, &status), 0);
    cr_assert(S_ISLNK(status.st_mode));
}
