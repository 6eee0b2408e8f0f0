/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Inputs for tests: files and pipes made of bytes, read to their end. */
#ifndef TESTS_IO_INPUTS_H
#define TESTS_IO_INPUTS_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/source.h"
#include "tests/wire/frames.h"

#define INPUT_PACKETS_MAX 60000u

/* What came out of a source. */
struct outcome {
    ptrdiff_t status; /* of the last read, 0 at the end */
    size_t count;
    struct io_source_report report;
    enum io_format format;
    struct io_packet_info infos[INPUT_PACKETS_MAX];
    uint8_t packets[INPUT_PACKETS_MAX * 188];
};

static inline void input_path(int descriptor, char path[static 64])
{
    snprintf(path, 64, "/proc/self/fd/%d", descriptor);
}

static inline int input_file(const uint8_t *bytes, size_t size, char path[static 64])
{
    int descriptor = memfd_create("input", 0);

    cr_assert_geq(descriptor, 0);
    cr_assert_eq(write(descriptor, bytes, size), (ssize_t)size);
    input_path(descriptor, path);
    return descriptor;
}

/* A child writes the bytes in pieces of `piece`, with a pause between them. */
static inline int input_pipe(const uint8_t *bytes, size_t size, size_t piece, unsigned pause_us,
                             char path[static 64])
{
    int ends[2];
    pid_t child;

    cr_assert_eq(pipe(ends), 0);
    child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        close(ends[0]);
        for (size_t at = 0; at < size; at += piece) {
            size_t left = size - at;

            if (write(ends[1], bytes + at, left < piece ? left : piece) < 0)
                _exit(1);
            usleep(pause_us);
        }
        _exit(0);
    }
    close(ends[1]);
    input_path(ends[0], path);
    return ends[0];
}

/* Reads with room for `room` packets at a time. */
static inline void input_drain(struct io_source *source, size_t room, struct outcome *outcome)
{
    outcome->count = 0;
    outcome->format = io_source_format(source);
    do {
        size_t left = INPUT_PACKETS_MAX - outcome->count;

        cr_assert_gt(left, 0);
        outcome->status = io_source_read(source, outcome->packets + outcome->count * 188,
                                         outcome->infos + outcome->count, left < room ? left : room);
        if (outcome->status > 0)
            outcome->count += (size_t)outcome->status;
    } while (outcome->status > 0);
    outcome->report = *io_source_report(source);
    cr_assert_eq(outcome->report.packets, outcome->count);
}

static inline int input_read(const uint8_t *bytes, size_t size, size_t room, struct outcome *outcome)
{
    struct io_source *source;
    char path[64];
    int descriptor = input_file(bytes, size, path);
    int status = io_source_open(&source, path, NULL);

    memset(&outcome->report, 0, sizeof(outcome->report));
    outcome->count = 0;
    if (status == 0) {
        input_drain(source, room, outcome);
        if (outcome->status == 0)
            cr_assert_eq(io_source_position(source), size);
        cr_assert_eq(io_source_size(source), size);
        io_source_close(source);
    } else {
        cr_assert_null(source);
    }
    close(descriptor);
    return status;
}

/* `count` packets in the given format, numbered from `number` on. Returns the bytes written. */
static inline size_t make_stream(uint8_t *bytes, enum io_format format, size_t count, unsigned number)
{
    uint8_t *at = bytes;

    for (size_t i = 0; i < count; i++, number++) {
        if (format == IO_FORMAT_M2TS192) {
            const uint8_t prefix[4] = {(uint8_t)(0x40 | number >> 24), (uint8_t)(number >> 16),
                                       (uint8_t)(number >> 8), (uint8_t)number};
            memcpy(at, prefix, 4);
            at += 4;
        }
        make_ts(at, 1, number);
        at += 188;
        if (format == IO_FORMAT_TS204) {
            memset(at, (int)(number * 13), 16);
            at += 16;
        }
    }
    return (size_t)(at - bytes);
}

#endif
