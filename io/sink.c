/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/descriptor.h"
#include "io/sync.h"

#define BUFFER_SIZE    ((size_t)256 << 10)
#define DIRECT_MIN     ((size_t)64 << 10) /* a run of bytes that is worth a write of its own */
#define PARTIAL_SUFFIX ".partial"

struct io_sink {
    int descriptor;
    bool standard; /* standard output: not ours to close */
    bool prompt;   /* a pipe or device: nothing waits in the buffer */
    int failed;    /* the first error, given back from then on */
    enum io_format format;
    uint64_t bytes;
    char *path; /* what the partial file becomes; NULL where the output is written under its own name */
    char *partial;
    uint8_t *buffer;
    size_t used;
};

/* Whether both are one and the same regular file, whatever their names. */
static bool same_file(const struct stat *a, const struct stat *b)
{
    return S_ISREG(a->st_mode) && a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static bool is_input(const struct stat *output, const char *input_path)
{
    struct stat input;

    if (!input_path)
        return false;
    if ((io__is_standard(input_path) ? fstat(STDIN_FILENO, &input) : stat(input_path, &input)) < 0)
        return false;
    return same_file(&input, output);
}

static int open_standard(struct io_sink *sink, const char *input_path)
{
    struct stat status;

    sink->standard = true;
    sink->descriptor = STDOUT_FILENO;
    if (fstat(STDOUT_FILENO, &status) < 0)
        return -errno;
    sink->prompt = !S_ISREG(status.st_mode);
    return is_input(&status, input_path) ? -EINVAL : 0;
}

/* The output's names; a symbolic link keeps its place, the file it leads to is the one replaced. */
static int name_output(struct io_sink *sink, const char *path)
{
    sink->path = realpath(path, NULL);
    if (!sink->path && errno == ENOENT)
        sink->path = strdup(path);
    if (sink->path && asprintf(&sink->partial, "%s%s", sink->path, PARTIAL_SUFFIX) >= 0)
        return 0;
    sink->partial = NULL;
    return -errno;
}

/* A left-over of an earlier run makes way; made anew, the file cannot be a link to another one. */
static int open_partial(struct io_sink *sink, const char *input_path)
{
    struct stat status;

    if (lstat(sink->partial, &status) == 0) {
        if (is_input(&status, input_path))
            return -EINVAL;
        if (unlink(sink->partial) < 0)
            return -errno;
    }
    sink->descriptor = open(sink->partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    return sink->descriptor < 0 ? -errno : 0;
}

static int open_path(struct io_sink *sink, const char *path, const char *input_path)
{
    struct stat status;
    int result;

    if (stat(path, &status) == 0) {
        if (S_ISDIR(status.st_mode))
            return -EISDIR;
        if (is_input(&status, input_path))
            return -EINVAL;
        if (!S_ISREG(status.st_mode)) {
            sink->prompt = true;
            sink->descriptor = open(path, O_WRONLY | O_CLOEXEC);
            return sink->descriptor < 0 ? -errno : 0;
        }
    }
    result = name_output(sink, path);
    if (sink->partial)
        result = open_partial(sink, input_path);
    if (result < 0) {
        free(sink->partial);
        sink->partial = NULL;
    }
    return result;
}

int io_sink_open(struct io_sink **sink, const char *path, enum io_format format, const char *input_path)
{
    struct io_sink *it = calloc(1, sizeof(*it));
    int status = -ENOMEM;

    *sink = NULL;
    if (!it)
        return status;
    it->descriptor = -1;
    it->format = format == IO_FORMAT_CAPTURE ? IO_FORMAT_TS188 : format;
    it->buffer = malloc(BUFFER_SIZE);
    if (it->buffer)
        status = io__is_standard(path) ? open_standard(it, input_path) : open_path(it, path, input_path);
    if (status < 0) {
        io_sink_close(it);
        return status;
    }
    *sink = it;
    return 0;
}

static int fail(struct io_sink *sink, int status)
{
    if (status < 0)
        sink->failed = status;
    return status;
}

static int flush(struct io_sink *sink)
{
    size_t size = sink->used;

    sink->used = 0;
    return fail(sink, io__write_all(sink->descriptor, sink->buffer, size));
}

/* 188-byte packets: straight from the caller where there are many. */
static int write_plain(struct io_sink *sink, const uint8_t *packets, size_t size)
{
    int status = 0;

    if (sink->used + size > BUFFER_SIZE || size >= DIRECT_MIN)
        status = flush(sink);
    if (status < 0)
        return status;
    if (size >= DIRECT_MIN)
        return fail(sink, io__write_all(sink->descriptor, packets, size));
    memcpy(sink->buffer + sink->used, packets, size);
    sink->used += size;
    return 0;
}

/* Packets with zero bytes behind them, or their prefix before them. */
static int write_framed(struct io_sink *sink, const struct io__framing *framing, const uint8_t *packets,
                        const struct io_packet_info *infos, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint8_t *to = sink->buffer + sink->used;

        if (BUFFER_SIZE - sink->used < framing->stride) {
            int status = flush(sink);

            if (status < 0)
                return status;
            to = sink->buffer;
        }
        memset(to, 0, framing->lead);
        if (infos)
            memcpy(to, infos[i].prefix, framing->lead);
        memcpy(to + framing->lead, packets + i * TS_PACKET_SIZE, TS_PACKET_SIZE);
        memset(to + framing->lead + TS_PACKET_SIZE, 0, framing->stride - framing->lead - TS_PACKET_SIZE);
        sink->used += framing->stride;
    }
    return 0;
}

static int write_packets(struct io_sink *sink, const uint8_t *packets, const struct io_packet_info *infos,
                         size_t count)
{
    const struct io__framing *framing = io__framing_of(sink->format);
    int status = framing->stride == TS_PACKET_SIZE ? write_plain(sink, packets, count * TS_PACKET_SIZE)
                                                   : write_framed(sink, framing, packets, infos, count);

    if (status == 0)
        sink->bytes += count * framing->stride;
    return status;
}

static int send_promptly(struct io_sink *sink, int status)
{
    return status == 0 && sink->prompt ? flush(sink) : status;
}

int io_sink_write_run(struct io_sink *sink, const uint8_t *packets, const struct io_packet_info *infos,
                      size_t count)
{
    if (sink->failed < 0)
        return sink->failed;
    return send_promptly(sink, write_packets(sink, packets, infos, count));
}

int io_sink_write(struct io_sink *sink, const uint8_t *const *packets, const struct io_packet_info *infos,
                  size_t count)
{
    size_t run;
    int status = sink->failed;

    for (size_t i = 0; i < count && status == 0; i += run) {
        for (run = 1; i + run < count && packets[i + run] == packets[i] + run * TS_PACKET_SIZE;)
            run++;
        status = write_packets(sink, packets[i], infos ? infos + i : NULL, run);
    }
    return send_promptly(sink, status);
}

static int close_descriptor(struct io_sink *sink)
{
    int descriptor = sink->descriptor;

    sink->descriptor = -1;
    if (descriptor < 0 || sink->standard || close(descriptor) == 0 || errno == EINTR)
        return 0; /* Linux has closed it before EINTR */
    return -errno;
}

int io_sink_commit(struct io_sink *sink)
{
    int status = sink->failed < 0 ? sink->failed : flush(sink);

    if (status == 0)
        status = fail(sink, close_descriptor(sink));
    if (status == 0 && sink->partial && rename(sink->partial, sink->path) < 0)
        status = fail(sink, -errno);
    if (status < 0)
        return status;
    free(sink->partial);
    sink->partial = NULL;
    sink->failed = -EBADF;
    return 0;
}

const char *io_sink_partial_name(const struct io_sink *sink)
{
    return sink->partial;
}

uint64_t io_sink_bytes(const struct io_sink *sink)
{
    return sink->bytes;
}

void io_sink_close(struct io_sink *sink)
{
    if (!sink)
        return;
    if (sink->descriptor >= 0 && sink->failed == 0)
        flush(sink); /* a partial file holds all that was written to it; nobody is left to hear an error */
    close_descriptor(sink);
    free(sink->path);
    free(sink->partial);
    free(sink->buffer);
    free(sink);
}
