/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/time.h>

#include "base/error.h"
#include "tests/io/inputs.h"

static const enum io_format formats[] = {IO_FORMAT_TS188, IO_FORMAT_TS204, IO_FORMAT_M2TS192};
static const size_t strides[] = {188, 204, 192};
static const size_t rooms[] = {1, 7, 348, 349, 1394, INPUT_PACKETS_MAX};

static uint8_t bytes[(INPUT_PACKETS_MAX + 8) * 204];
static uint8_t expected[INPUT_PACKETS_MAX * 188];
static struct outcome out;

/* The packets numbered `first` … came out `from` … */
static void assert_packets(size_t from, unsigned first, size_t count)
{
    make_ts(expected, count, first);
    cr_assert_leq(from + count, out.count);
    cr_assert_arr_eq(out.packets + from * 188, expected, count * 188);
}

static void assert_clean(size_t count)
{
    cr_assert_eq(out.status, 0);
    cr_assert_eq(out.count, count, "%zu instead of %zu", out.count, count);
    cr_assert_eq(out.report.sync_losses, 0);
    cr_assert_eq(out.report.bytes_skipped, 0);
    cr_assert_eq(out.report.bytes_truncated, 0);
}

Test(source, every_format_at_every_length_from_one_packet_on)
{
    for (size_t f = 0; f < 3; f++) {
        for (size_t count = 1; count <= 20; count++) {
            size_t size = make_stream(bytes, formats[f], count, 7);

            cr_assert_eq(size, count * strides[f]);
            cr_assert_eq(input_read(bytes, size, 7, &out), 0, "%zu × %zu", count, strides[f]);
            cr_assert_eq(out.format, formats[f]);
            assert_clean(count);
            assert_packets(0, 7, count);
        }
    }
}

Test(source, large_files_with_any_room)
{
    for (size_t f = 0; f < 3; f++) {
        size_t size = make_stream(bytes, formats[f], 30000, 0);

        for (size_t r = 0; r < sizeof(rooms) / sizeof(*rooms); r++) {
            cr_assert_eq(input_read(bytes, size, rooms[r], &out), 0);
            cr_assert_eq(out.format, formats[f]);
            assert_clean(30000);
            assert_packets(0, 0, 30000);
        }
    }
}

Test(source, m2ts_prefixes_come_with_their_packets)
{
    size_t size = make_stream(bytes, IO_FORMAT_M2TS192, 5000, 1000000);

    cr_assert_eq(input_read(bytes, size, 99, &out), 0);
    for (size_t i = 0; i < out.count; i++) {
        cr_assert_arr_eq(out.infos[i].prefix, bytes + 192 * i, 4);
        cr_assert_eq(out.infos[i].arrival_ns, 0);
    }
    size = make_stream(bytes, IO_FORMAT_TS188, 5000, 0);
    memset(out.infos, 0xAA, sizeof(out.infos));
    cr_assert_eq(input_read(bytes, size, 5000, &out), 0);
    for (size_t i = 0; i < out.count; i++)
        cr_assert_eq(memcmp(&out.infos[i], &(struct io_packet_info){0}, sizeof(*out.infos)), 0);
}

Test(source, infos_may_be_left_out)
{
    struct io_source *source;
    char path[64];
    int descriptor = input_file(bytes, make_stream(bytes, IO_FORMAT_M2TS192, 10, 0), path);

    cr_assert_eq(io_source_open(&source, path, NULL), 0);
    cr_assert_eq(io_source_read(source, out.packets, NULL, 0), 0);
    cr_assert_eq(io_source_read(source, out.packets, NULL, 100), 10);
    cr_assert_eq(io_source_read(source, out.packets, NULL, 100), 0);
    cr_assert_eq(io_source_read(source, out.packets, NULL, 100), 0);
    io_source_close(source);
    close(descriptor);
}

Test(source, format_names)
{
    static const char *const names[] = {"188-byte TS", "204-byte TS", "192-byte M2TS"};

    for (size_t f = 0; f < 3; f++) {
        struct io_source *source;
        char path[64];
        int descriptor = input_file(bytes, make_stream(bytes, formats[f], 10, 0), path);

        cr_assert_eq(io_source_open(&source, path, NULL), 0);
        cr_assert_str_eq(io_source_format_name(source), names[f]);
        io_source_close(source);
        close(descriptor);
    }
}

/* Garbage with sync bytes, alone and two at a packet's distance, but without sound packet headers. */
static void fill_with_garbage(size_t size, size_t stride, size_t lead)
{
    uint32_t state = 1;

    for (size_t i = 0; i < size; i++) {
        state = state * 1664525 + 1013904223;
        bytes[i] = i % 1000 % 188 < 2 && i % 1000 < 200 ? 0x47 : (uint8_t)(state >> 24) & 0xCF;
        if ((size + lead - i) % stride == 0)
            bytes[i] = 0; /* here a sync byte would make it a packet of the stream */
    }
}

Test(source, garbage_before_the_first_packet_is_skipped_and_counted)
{
    static const size_t garbage[] = {1,   2,   3,   4,    5,    100,    187,    188,
                                     189, 203, 204, 1000, 5000, 300000, 1000000};

    for (size_t f = 0; f < 3; f++) {
        for (size_t g = 0; g < sizeof(garbage) / sizeof(*garbage); g++) {
            size_t size = garbage[g];

            fill_with_garbage(size, strides[f], f == 2 ? 4 : 0);
            size += make_stream(bytes + size, formats[f], 50, 3);
            cr_assert_eq(input_read(bytes, size, 20, &out), 0, "%zu", garbage[g]);
            cr_assert_eq(out.format, formats[f], "%zu", garbage[g]);
            cr_assert_eq(out.report.bytes_skipped, garbage[g], "%zu: skipped %zu", garbage[g],
                         (size_t)out.report.bytes_skipped);
            cr_assert_eq(out.report.sync_losses, 0);
            cr_assert_eq(out.count, 50);
            assert_packets(0, 3, 50);
        }
    }
}

/* A recording that begins in the middle of a packet, of a stream with one sync byte too many in each. */
Test(source, a_sync_byte_inside_every_packet_does_not_fool)
{
    for (size_t f = 0; f < 3; f++) {
        size_t lead = f == 2 ? 4 : 0;

        for (size_t inside = 1; inside < 188; inside += 3) {
            size_t size = make_stream(bytes, formats[f], 40, 0x40);

            for (size_t i = 0; i < 40; i++)
                bytes[i * strides[f] + lead + inside] = 0x47;
            for (size_t i = 0; i < 40; i++) /* a PID or counter of 0x47 must leave a header that may be */
                bytes[i * strides[f] + lead + 3] |= 0x10;
            cr_assert_eq(input_read(bytes, size, 99, &out), 0);
            cr_assert_eq(out.format, formats[f]);
            assert_clean(40);
            cr_assert_eq(input_read(bytes + inside, size - inside, 99, &out), 0, "%zu in %zu", inside,
                         strides[f]);
            cr_assert_eq(out.format, formats[f]);
            cr_assert_eq(out.report.bytes_skipped, strides[f] - inside, "%zu in %zu: %zu", inside, strides[f],
                         (size_t)out.report.bytes_skipped);
            cr_assert_eq(out.count, 39);
        }
    }
}

Test(source, payloads_and_trailers_of_sync_bytes_do_not_fool)
{
    for (size_t f = 0; f < 3; f++) {
        for (size_t count = 1; count < 40; count += 13) {
            memset(bytes, 0x47, count * strides[f]);
            for (size_t i = 0; i < count; i++)
                memcpy(bytes + i * strides[f] + (f == 2 ? 4 : 0), (uint8_t[]){0x47, 0x01, 0x00, 0x10}, 4);
            cr_assert_eq(input_read(bytes, count * strides[f], 99, &out), 0);
            cr_assert_eq(out.format, formats[f], "%zu × %zu", count, strides[f]);
            assert_clean(count);
        }
    }
}

Test(source, what_is_no_transport_stream)
{
    struct io_source *source;
    char path[64];
    int descriptor;

    for (size_t i = 0; i < 3000000; i++)
        bytes[i] = (uint8_t)(i * 2654435761u >> 11);
    cr_assert_eq(input_read(bytes, 3000000, 99, &out), BASE_E_MALFORMED);
    cr_assert_eq(input_read(bytes, 1000, 99, &out), BASE_E_MALFORMED);
    memset(bytes, 0, 3000000);
    cr_assert_eq(input_read(bytes, 3000000, 99, &out), BASE_E_MALFORMED);
    cr_assert_eq(input_read((const uint8_t *)"Greetings", 9, 99, &out), BASE_E_MALFORMED);
    cr_assert_eq(input_read((const uint8_t *)"\x47", 1, 99, &out), BASE_E_MALFORMED);
    make_ts(bytes, 1, 0);
    cr_assert_eq(input_read(bytes, 187, 99, &out), BASE_E_MALFORMED);
    cr_assert_eq(input_read(bytes, 0, 99, &out), -ENODATA);

    /* behind the first MiB it is too late */
    memset(bytes, 0, 3 << 20);
    make_stream(bytes + (1 << 20), IO_FORMAT_TS188, 5000, 0);
    descriptor = input_file(bytes, 3 << 20, path);
    cr_assert_eq(io_source_open(&source, path, NULL), BASE_E_MALFORMED);
    cr_assert_null(source);
    close(descriptor);
}

Test(source, names_that_cannot_be_read)
{
    struct io_source *source = (struct io_source *)1;

    cr_assert_eq(io_source_open(&source, "/nonexistent/file", NULL), -ENOENT);
    cr_assert_null(source);
    cr_assert_eq(io_source_open(&source, "/", NULL), -EISDIR);
    cr_assert_null(source);
    cr_assert_eq(io_source_open(&source, "/dev/null", NULL), -ENODATA);
    io_source_close(NULL);
}

/* Byte `at` of a packet hit, or bytes taken away or put in, in packets 100, 5000 and 20000 of 30000. */
static void damage_and_read(size_t f, ptrdiff_t grown, size_t room)
{
    static const size_t places[] = {100, 5000, 20000};
    static uint8_t damaged[sizeof(bytes)];
    size_t size = make_stream(bytes, formats[f], 30000, 0);
    size_t from = 0, to = 0;

    for (size_t i = 0; i < 3; i++) {
        size_t at = places[i] * strides[f] + (f == 2 ? 4 : 0);

        memcpy(damaged + to, bytes + from, at - from);
        to += at - from;
        from = at;
        if (grown == 0)
            bytes[at] = 0x46;
        else if (grown < 0)
            from += (size_t)-grown;
        for (ptrdiff_t k = 0; k < grown; k++)
            damaged[to++] = (uint8_t)(0x48 + k % 100);
    }
    memcpy(damaged + to, bytes + from, size - from);
    to += size - from;
    cr_assert_eq(input_read(damaged, to, room, &out), 0);
    cr_assert_eq(out.status, 0);
    cr_assert_eq(out.report.sync_losses, 3, "%zu by %zd: %zu", strides[f], grown,
                 (size_t)out.report.sync_losses);
    cr_assert_eq(out.count * strides[f] + out.report.bytes_skipped + out.report.bytes_truncated, to);
}

Test(source, one_wrong_sync_byte_costs_one_packet)
{
    for (size_t f = 0; f < 3; f++) {
        for (size_t r = 0; r < sizeof(rooms) / sizeof(*rooms); r++) {
            damage_and_read(f, 0, rooms[r]);
            cr_assert_eq(out.report.bytes_skipped, 3 * strides[f]);
            cr_assert_eq(out.count, 29997);
            assert_packets(0, 0, 100);
            assert_packets(100, 101, 4899);
            assert_packets(4999, 5001, 14999);
            assert_packets(19998, 20001, 9999);
        }
    }
}

Test(source, bytes_put_in_are_skipped)
{
    static const ptrdiff_t sizes[] = {1, 16, 100, 187, 188, 189, 1000, 300000, 1500000};

    for (size_t f = 0; f < 2; f++) {
        for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
            damage_and_read(f, sizes[i], 7 + 200 * i);
            cr_assert_eq(out.report.bytes_skipped, 3 * (size_t)sizes[i]);
            cr_assert_eq(out.count, 30000);
            assert_packets(0, 0, 30000);
        }
    }
}

/* Between a prefix and its packet: the packet comes, with the bytes that stand before it as its prefix. */
Test(source, bytes_put_into_m2ts)
{
    damage_and_read(2, 50, 99);
    cr_assert_eq(out.report.bytes_skipped, 3 * 50);
    cr_assert_eq(out.count, 30000);
    assert_packets(0, 0, 30000);
}

Test(source, bytes_taken_away)
{
    for (size_t f = 0; f < 3; f++) {
        damage_and_read(f, -50, 500);
        cr_assert_geq(out.count, 29994);
        assert_packets(0, 0, 100);
        assert_packets(out.count - 9999, 20001, 9999);
    }
}

Test(source, sync_lost_near_the_end)
{
    for (size_t f = 0; f < 3; f++) {
        for (size_t whole = 1; whole < 8; whole++) {
            size_t size = make_stream(bytes, formats[f], 50, 0);

            bytes[(49 - whole) * strides[f] + (f == 2 ? 4 : 0)] = 0;
            cr_assert_eq(input_read(bytes, size, 30, &out), 0);
            cr_assert_eq(out.count, 49, "%zu before the end", whole);
            cr_assert_eq(out.report.sync_losses, 1);
            cr_assert_eq(out.report.bytes_skipped, strides[f]);
        }
    }
}

Test(source, garbage_at_the_end_is_one_loss)
{
    size_t size = make_stream(bytes, IO_FORMAT_TS188, 50, 0);

    memset(bytes + size, 0, 5000);
    cr_assert_eq(input_read(bytes, size + 5000, 30, &out), 0);
    cr_assert_eq(out.count, 50);
    cr_assert_eq(out.report.sync_losses, 1);
    cr_assert_eq(out.report.bytes_skipped, 5000);
    cr_assert_eq(out.report.bytes_truncated, 0);
}

Test(source, truncated_end_is_counted)
{
    for (size_t f = 0; f < 3; f++) {
        for (size_t cut = 1; cut < strides[f]; cut++) {
            size_t count = cut % 2 ? 5 : 600;
            size_t size = make_stream(bytes, formats[f], count + 1, 0) - cut;

            cr_assert_eq(input_read(bytes, size, 400, &out), 0);
            cr_assert_eq(out.format, formats[f]);
            cr_assert_eq(out.count, count, "%zu", cut);
            cr_assert_eq(out.report.bytes_truncated, strides[f] - cut, "%zu", cut);
            cr_assert_eq(out.report.bytes_skipped, 0);
            cr_assert_eq(out.report.sync_losses, 0);
        }
    }
}

static void read_pipe(size_t size, size_t piece, unsigned pause_us, size_t room)
{
    struct io_source *source;
    char path[64];
    int descriptor = input_pipe(bytes, size, piece, pause_us, path);

    cr_assert_eq(io_source_open(&source, path, NULL), 0);
    cr_assert_eq(io_source_size(source), 0);
    input_drain(source, room, &out);
    cr_assert_eq(io_source_position(source), size);
    io_source_close(source);
    close(descriptor);
    wait(NULL);
}

Test(source, pipes_in_pieces_of_any_size)
{
    static const size_t pieces[] = {100, 187, 188, 1316, 4096, 65536};

    for (size_t f = 0; f < 3; f++) {
        for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++) {
            size_t size = make_stream(bytes, formats[f], 2000, 0);

            read_pipe(size, pieces[i], 0, i % 2 ? 1000 : 5);
            assert_clean(2000);
            assert_packets(0, 0, 2000);
        }
    }
}

/* The reader must not wait for more than has come: the writer sends 20 packets, and the next ones only when
 * it is told that these have arrived. */
Test(source, a_slow_pipe_gives_what_is_there, .timeout = 20)
{
    struct io_source *source;
    int data[2], told[2];
    size_t size = make_stream(bytes, IO_FORMAT_TS188, 200, 0);
    size_t count = 0;
    char path[64];

    cr_assert_eq(pipe(data), 0);
    cr_assert_eq(pipe(told), 0);
    if (fork() == 0) {
        char token;

        for (size_t at = 0; at < size; at += size / 10) {
            if (write(data[1], bytes + at, size / 10) < 0 || read(told[0], &token, 1) != 1)
                _exit(1);
        }
        _exit(0);
    }
    close(data[1]);
    input_path(data[0], path);
    cr_assert_eq(io_source_open(&source, path, NULL), 0);
    while (count < 200) {
        ptrdiff_t got = io_source_read(source, out.packets + count * 188, NULL, count < 100 ? 2000 : 10);

        cr_assert_gt(got, 0);
        count += (size_t)got;
        if (count % 20 == 0)
            cr_assert_eq(write(told[1], "x", 1), 1);
    }
    out.count = count;
    assert_packets(0, 0, 200);
    io_source_close(source);
    wait(NULL);
}

static void nothing(int signal)
{
    (void)signal;
}

Test(source, interrupted_reads_lose_nothing, .timeout = 20)
{
    struct sigaction action = {.sa_handler = nothing}; /* without SA_RESTART */
    struct itimerval often = {{0, 500}, {0, 500}};
    size_t size = make_stream(bytes, IO_FORMAT_TS188, 500, 0);
    unsigned interrupted = 0;
    struct io_source *source;
    char path[64];
    int descriptor = input_pipe(bytes, size, 5000, 3000, path);

    cr_assert_eq(io_source_open(&source, path, NULL), 0);
    close(descriptor);
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    out.count = 0;
    for (ptrdiff_t got = 1; got > 0 || got == -EINTR; interrupted += got == -EINTR) {
        got = io_source_read(source, out.packets + out.count * 188, NULL, 1000);
        out.count += got > 0 ? (size_t)got : 0;
        out.status = got;
    }
    setitimer(ITIMER_REAL, &(struct itimerval){{0, 0}, {0, 0}}, NULL);
    cr_assert_gt(interrupted, 0);
    cr_assert_eq(out.status, 0);
    assert_packets(0, 0, 500);
    io_source_close(source);
    wait(NULL);
}

Test(source, a_non_blocking_pipe_is_waited_for, .timeout = 20)
{
    size_t size = make_stream(bytes, IO_FORMAT_TS188, 500, 0);
    char path[64];
    int descriptor = input_pipe(bytes, size, 5000, 2000, path);
    struct io_source *source;

    fcntl(descriptor, F_SETFL, O_NONBLOCK);
    cr_assert_eq(dup2(descriptor, STDIN_FILENO), STDIN_FILENO);
    cr_assert_eq(io_source_open(&source, "-", NULL), 0);
    input_drain(source, 100, &out);
    assert_clean(500);
    assert_packets(0, 0, 500);
    io_source_close(source);
    cr_assert_geq(fcntl(STDIN_FILENO, F_GETFD), 0, "standard input is not ours to close");
    close(descriptor);
    wait(NULL);
}

Test(source, standard_input_from_a_file_that_stands_in_its_middle)
{
    struct io_source *source;
    size_t size = make_stream(bytes, IO_FORMAT_TS188, 500, 0);
    char path[64];
    int descriptor = input_file(bytes, size, path);

    cr_assert_eq(lseek(descriptor, 100 * 188, SEEK_SET), 100 * 188);
    cr_assert_eq(dup2(descriptor, STDIN_FILENO), STDIN_FILENO);
    cr_assert_eq(io_source_open(&source, "-", NULL), 0);
    cr_assert_eq(io_source_size(source), 400 * 188);
    input_drain(source, 1000, &out);
    cr_assert_eq(io_source_position(source), 400 * 188);
    assert_clean(400);
    assert_packets(0, 100, 400);
    io_source_close(source);
    close(descriptor);
}

Test(source, the_position_is_what_was_consumed)
{
    struct io_source *source;
    char path[64];
    int descriptor = input_file(bytes, make_stream(bytes, IO_FORMAT_TS204, 500, 0), path);

    cr_assert_eq(io_source_open(&source, path, NULL), 0);
    cr_assert_eq(io_source_position(source), 0);
    cr_assert_eq(io_source_read(source, out.packets, NULL, 123), 123);
    cr_assert_eq(io_source_position(source), 123 * 204);
    io_source_close(source);
    close(descriptor);
}
