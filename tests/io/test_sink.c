/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "io/sink.h"
#include "tests/io/inputs.h"

static const enum io_format formats[] = {IO_FORMAT_TS188, IO_FORMAT_TS204, IO_FORMAT_M2TS192};
static const size_t strides[] = {188, 204, 192};

static char directory[] = "/tmp/io-sink-XXXXXX";
static char path[64], partial[80], other[64];
static uint8_t bytes[INPUT_PACKETS_MAX * 204], file[INPUT_PACKETS_MAX * 204];
static struct outcome out;

static void enter(void)
{
    cr_assert_not_null(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/out.ts", directory);
    snprintf(partial, sizeof(partial), "%s.partial", path);
    snprintf(other, sizeof(other), "%s/other.ts", directory);
}

static void leave(void)
{
    unlink(path);
    unlink(partial);
    unlink(other);
    if (rmdir(directory) < 0)
        abort(); /* something was left behind; an assertion in a teardown fails nothing */
}

TestSuite(sink, .init = enter, .fini = leave);

static void save(const char *name, const void *content, size_t size)
{
    FILE *stream = fopen(name, "wb");

    cr_assert_not_null(stream);
    cr_assert_eq(fwrite(content, 1, size, stream), size);
    fclose(stream);
}

static size_t load(const char *name)
{
    FILE *stream = fopen(name, "rb");
    size_t size;

    cr_assert_not_null(stream, "%s", name);
    size = fread(file, 1, sizeof(file), stream);
    fclose(stream);
    return size;
}

static struct io_sink *opened(enum io_format format)
{
    struct io_sink *sink;

    cr_assert_eq(io_sink_open(&sink, path, format, NULL), 0);
    return sink;
}

static void commit(struct io_sink *sink)
{
    cr_assert_eq(io_sink_commit(sink), 0);
    io_sink_close(sink);
}

/* 204-byte trailers are zero in the output. */
static void zero_trailers(size_t count)
{
    for (size_t i = 0; i < count; i++)
        memset(bytes + i * 204 + 188, 0, 16);
}

Test(sink, every_format_is_written_as_it_was_read)
{
    static const size_t rooms[] = {1, 7, 348, 349, 1394, INPUT_PACKETS_MAX};

    for (size_t f = 0; f < 3; f++) {
        size_t size = make_stream(bytes, formats[f], 10000, 0);

        if (f == 1)
            zero_trailers(10000);
        for (size_t r = 0; r < sizeof(rooms) / sizeof(*rooms); r++) {
            struct io_sink *sink = opened(formats[f]);

            cr_assert_eq(input_read(bytes, size, 1394, &out), 0);
            for (size_t at = 0; at < out.count; at += rooms[r]) {
                size_t count = out.count - at < rooms[r] ? out.count - at : rooms[r];

                cr_assert_eq(io_sink_write_run(sink, out.packets + at * 188, out.infos + at, count), 0);
                cr_assert_eq(io_sink_bytes(sink), (at + count) * strides[f]);
            }
            commit(sink);
            cr_assert_eq(load(path), size);
            cr_assert_arr_eq(file, bytes, size, "%zu bytes, %zu at a time", strides[f], rooms[r]);
        }
    }
}

/* Runs of one packet and of many, in any order of memory. */
Test(sink, scattered_packets_keep_their_order)
{
    static const uint8_t *pointers[10000];
    static struct io_packet_info infos[10000];

    for (size_t f = 0; f < 3; f++) {
        struct io_sink *sink = opened(formats[f]);
        size_t size = make_stream(bytes, formats[f], 10000, 0);

        zero_trailers(f == 1 ? 10000 : 0);
        cr_assert_eq(input_read(bytes, size, 1394, &out), 0);
        for (size_t i = 0; i < 10000; i++) { /* each hundred turned round where it is an odd one */
            size_t from = i / 100 % 2 && i < 9000 ? i / 100 * 100 + 99 - i % 100 : i;

            pointers[i] = out.packets + from * 188;
            infos[i] = out.infos[from];
            memcpy(file + i * strides[f], bytes + from * strides[f], strides[f]);
        }
        memcpy(bytes, file, size);
        for (size_t at = 0; at < 10000; at += 2500)
            cr_assert_eq(io_sink_write(sink, pointers + at, infos + at, 2500), 0);
        cr_assert_eq(io_sink_bytes(sink), size);
        commit(sink);
        cr_assert_eq(load(path), size);
        cr_assert_arr_eq(file, bytes, size, "%zu", strides[f]);
    }
}

Test(sink, without_infos_prefixes_are_zero)
{
    struct io_sink *sink = opened(IO_FORMAT_M2TS192);
    const uint8_t *pointers[2] = {bytes, bytes + 188};

    make_ts(bytes, 2, 0);
    memset(file, 0xAA, sizeof(file));
    cr_assert_eq(io_sink_write(sink, pointers, NULL, 2), 0);
    commit(sink);
    cr_assert_eq(load(path), 2 * 192);
    for (size_t i = 0; i < 2; i++) {
        cr_assert_arr_eq(file + 192 * i, ((uint8_t[4]){0}), 4);
        cr_assert_arr_eq(file + 192 * i + 4, bytes + 188 * i, 188);
    }
}

Test(sink, a_captures_packets_are_written_as_188_bytes)
{
    struct io_sink *sink = opened(IO_FORMAT_CAPTURE);

    make_ts(bytes, 3, 0);
    cr_assert_eq(io_sink_write_run(sink, bytes, NULL, 3), 0);
    commit(sink);
    cr_assert_eq(load(path), 3 * 188);
    cr_assert_arr_eq(file, bytes, 3 * 188);
}

Test(sink, the_name_comes_with_commit_alone)
{
    struct io_sink *sink;

    save(path, "old", 3);
    save(partial, "of an earlier run", 17);
    sink = opened(IO_FORMAT_TS188);
    make_ts(bytes, 2, 0);
    cr_assert_eq(io_sink_write_run(sink, bytes, NULL, 2), 0);
    cr_assert_str_eq(io_sink_partial_name(sink), partial);
    cr_assert_eq(load(path), 3, "the old file stays until then");
    cr_assert_eq(io_sink_commit(sink), 0);
    cr_assert_null(io_sink_partial_name(sink));
    cr_assert_eq(load(path), 2 * 188);
    cr_assert_neq(access(partial, F_OK), 0);
    cr_assert_eq(io_sink_write_run(sink, bytes, NULL, 1), -EBADF);
    cr_assert_eq(io_sink_commit(sink), -EBADF);
    io_sink_close(sink);
    cr_assert_eq(load(path), 2 * 188);
}

Test(sink, without_commit_a_partial_file_with_all_packets_is_kept)
{
    struct io_sink *sink = opened(IO_FORMAT_TS188);

    make_ts(bytes, 5, 0);
    cr_assert_eq(io_sink_write_run(sink, bytes, NULL, 5), 0);
    io_sink_close(sink);
    io_sink_close(NULL);
    cr_assert_neq(access(path, F_OK), 0);
    cr_assert_eq(load(partial), 5 * 188);
    cr_assert_arr_eq(file, bytes, 5 * 188);
}

Test(sink, an_empty_stream_is_an_empty_file)
{
    commit(opened(IO_FORMAT_TS204));
    cr_assert_eq(load(path), 0);
}

Test(sink, permissions_follow_the_umask)
{
    static const mode_t masks[] = {0, 022, 027, 077};

    for (size_t i = 0; i < 4; i++) {
        struct stat status;

        umask(masks[i]);
        commit(opened(IO_FORMAT_TS188));
        cr_assert_eq(stat(path, &status), 0);
        cr_assert_eq(status.st_mode & 0777, 0666 & ~masks[i]);
    }
}

static void assert_refused(const char *output, const char *input, const char *content)
{
    struct io_sink *sink = (struct io_sink *)1;

    cr_assert_eq(io_sink_open(&sink, output, IO_FORMAT_TS188, input), -EINVAL, "%s over %s", output, input);
    cr_assert_null(sink);
    file[load(content)] = 0;
    cr_assert_str_eq((char *)file, "input");
}

Test(sink, never_writes_over_its_input)
{
    char dotted[96];

    save(path, "input", 5);
    snprintf(dotted, sizeof(dotted), "%s/./out.ts", directory);
    assert_refused(path, path, path);
    assert_refused(dotted, path, path);
    cr_assert_eq(symlink("out.ts", other), 0);
    assert_refused(other, path, path);
    assert_refused(path, other, path);
    unlink(other);
    cr_assert_eq(link(path, other), 0);
    assert_refused(other, path, path);
    cr_assert_neq(access(partial, F_OK), 0);
}

Test(sink, never_writes_over_an_input_named_like_its_partial_file)
{
    save(partial, "input", 5);
    assert_refused(path, partial, partial);
}

Test(sink, standard_streams_are_compared_with_files_too)
{
    struct io_sink *sink;
    int descriptor;

    save(path, "input", 5);
    descriptor = open(path, O_RDWR | O_APPEND);
    cr_assert_eq(dup2(descriptor, STDIN_FILENO), STDIN_FILENO);
    assert_refused(path, "-", path);
    cr_assert_eq(dup2(descriptor, STDOUT_FILENO), STDOUT_FILENO);
    assert_refused("-", path, path);
    assert_refused("-", "-", path);
    cr_assert_eq(io_sink_open(&sink, other, IO_FORMAT_TS188, path), 0);
    commit(sink);
    close(descriptor);
}

Test(sink, a_symbolic_link_stays_one)
{
    struct io_sink *sink;
    struct stat status;

    save(other, "old", 3);
    cr_assert_eq(symlink("other.ts", path), 0);
    sink = opened(IO_FORMAT_TS188);
    make_ts(bytes, 1, 0);
    cr_assert_eq(io_sink_write_run(sink, bytes, NULL, 1), 0);
    commit(sink);
    cr_assert_eq(lstat(path, &status), 0);
    cr_assert(S_ISLNK(status.st_mode));
    cr_assert_eq(load(other), 188);
}

Test(sink, a_link_in_place_of_the_partial_file_is_not_followed)
{
    save(other, "precious", 8);
    cr_assert_eq(symlink("other.ts", partial), 0);
    commit(opened(IO_FORMAT_TS188));
    cr_assert_eq(load(other), 8);
}

Test(sink, places_that_cannot_be_written)
{
    struct io_sink *sink;
    char name[96];

    cr_assert_eq(io_sink_open(&sink, directory, IO_FORMAT_TS188, NULL), -EISDIR);
    snprintf(name, sizeof(name), "%s/none/out.ts", directory);
    cr_assert_eq(io_sink_open(&sink, name, IO_FORMAT_TS188, NULL), -ENOENT);
    cr_assert_null(sink);
}

Test(sink, devices_are_written_directly)
{
    struct io_sink *sink;

    cr_assert_eq(io_sink_open(&sink, "/dev/null", IO_FORMAT_TS188, NULL), 0);
    cr_assert_null(io_sink_partial_name(sink));
    cr_assert_eq(io_sink_write_run(sink, bytes, NULL, 1000), 0);
    commit(sink);
    cr_assert_neq(access("/dev/null.partial", F_OK), 0);
    cr_assert_eq(io_sink_open(&sink, "/dev/full", IO_FORMAT_TS188, NULL), 0);
    cr_assert_eq(io_sink_write_run(sink, bytes, NULL, 1), -ENOSPC);
    cr_assert_eq(io_sink_commit(sink), -ENOSPC);
    io_sink_close(sink);
}

Test(sink, a_fifo_gets_packets_at_once, .timeout = 10)
{
    struct io_sink *sink;
    struct stat status;
    int descriptor;

    cr_assert_eq(mkfifo(path, 0600), 0);
    descriptor = open(path, O_RDONLY | O_NONBLOCK);
    sink = opened(IO_FORMAT_M2TS192);
    for (size_t i = 1; i < 8; i++) {
        cr_assert_eq(io_sink_write_run(sink, bytes, NULL, i), 0);
        cr_assert_eq(read(descriptor, file, sizeof(file)), (ssize_t)(i * 192));
    }
    cr_assert_eq(io_sink_commit(sink), 0);
    cr_assert_eq(stat(path, &status), 0);
    cr_assert(S_ISFIFO(status.st_mode));
    io_sink_close(sink);
    close(descriptor);
}

Test(sink, a_reader_that_left_is_an_error)
{
    struct io_sink *sink;
    int descriptor;

    signal(SIGPIPE, SIG_IGN);
    cr_assert_eq(mkfifo(path, 0600), 0);
    descriptor = open(path, O_RDONLY | O_NONBLOCK);
    sink = opened(IO_FORMAT_TS188);
    close(descriptor);
    cr_assert_eq(io_sink_write_run(sink, bytes, NULL, 10), -EPIPE);
    cr_assert_eq(io_sink_write_run(sink, bytes, NULL, 10), -EPIPE);
    cr_assert_eq(io_sink_commit(sink), -EPIPE);
    io_sink_close(sink);
}

Test(sink, standard_output)
{
    struct io_sink *sink;
    int ends[2];

    make_ts(bytes, 4, 0);
    cr_assert_eq(pipe(ends), 0);
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    cr_assert_eq(dup2(ends[1], STDOUT_FILENO), STDOUT_FILENO);
    cr_assert_eq(io_sink_open(&sink, "-", IO_FORMAT_TS188, NULL), 0);
    cr_assert_null(io_sink_partial_name(sink));
    cr_assert_eq(io_sink_write_run(sink, bytes, NULL, 4), 0);
    cr_assert_eq(read(ends[0], file, sizeof(file)), 4 * 188);
    cr_assert_arr_eq(file, bytes, 4 * 188);
    commit(sink);
    cr_assert_geq(fcntl(STDOUT_FILENO, F_GETFD), 0, "standard output is not ours to close");
}

/* A file-size limit stands for a full disk. */
Test(sink, a_full_disk_keeps_the_partial_file)
{
    struct rlimit limit = {300000, 300000};
    struct io_sink *sink = opened(IO_FORMAT_TS188);
    int status = 0;

    signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    for (unsigned i = 0; i < 1000 && status == 0; i++)
        status = io_sink_write_run(sink, bytes, NULL, 100);
    cr_assert_eq(status, -EFBIG);
    cr_assert_eq(io_sink_commit(sink), -EFBIG);
    cr_assert_str_eq(io_sink_partial_name(sink), partial);
    io_sink_close(sink);
    cr_assert_neq(access(path, F_OK), 0);
    cr_assert_eq(load(partial), 300000);
}

/* A capture in its own 188 bytes and framed as the other formats: read back, the same packets. */
static void convert_and_compare(const char *name)
{
    size_t size = load(name) / 188 * 188;

    for (size_t f = 0; f < 3; f++) {
        size_t framed = 0;

        for (size_t at = 0; at < size; at += 188, framed += strides[f]) {
            memset(bytes + framed, (int)(at * 31), strides[f]);
            memcpy(bytes + framed + (f == 2 ? 4 : 0), file + at, 188);
        }
        cr_assert_eq(input_read(bytes, framed, 500, &out), 0, "%s", name);
        cr_assert_eq(out.format, formats[f], "%s", name);
        cr_assert_eq(out.report.bytes_skipped, 0);
        cr_assert_eq(out.count, size / 188);
        cr_assert_arr_eq(out.packets, file, size, "%s", name);
    }
}

Test(sink, real_captures_read_alike_in_every_format)
{
    const char *root = getenv("SCRAMLINE_CAPTURES");
    const struct dirent *entry;
    unsigned files = 0;
    DIR *listing;

    if (!root) {
        leave(); /* a skipped test has no end of its own */
        cr_skip_test("SCRAMLINE_CAPTURES is not set");
    }
    listing = opendir(root);
    cr_assert_not_null(listing, "%s", root);
    while ((entry = readdir(listing))) {
        char name[512];
        size_t length = strlen(entry->d_name);

        if (length < 3 || strcmp(entry->d_name + length - 3, ".ts") != 0)
            continue;
        snprintf(name, sizeof(name), "%s/%s", root, entry->d_name);
        convert_and_compare(name);
        files++;
    }
    closedir(listing);
    cr_assert_gt(files, 0, "no capture in %s", root);
}
