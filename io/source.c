/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "io/capture.h"
#include "io/descriptor.h"
#include "io/sync.h"
#include "io/window.h"

#define RECOGNITION_MAX IO__WINDOW_SIZE    /* bytes in which a format must show */
#define DIRECT_MIN      ((size_t)64 << 10) /* bytes of room for which a read past the window pays */

struct io_source {
    int descriptor;
    bool standard; /* standard input: not ours to close */
    bool regular;
    off_t start; /* where a regular file was when it was handed to us */
    uint64_t size;
    bool lost;      /* out of sync, and counted */
    int unreadable; /* the code io_source_open() gave for a source that only lists its flows */
    enum io_format format;
    struct io__window window;
    struct io__capture capture;
    struct io_source_report report;
};

static int open_descriptor(struct io_source *source, const char *path)
{
    struct stat status;

    source->standard = io__is_standard(path);
    source->descriptor = source->standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (source->descriptor < 0 || fstat(source->descriptor, &status) < 0)
        return -errno;
    if (S_ISDIR(status.st_mode))
        return -EISDIR;
    source->regular = S_ISREG(status.st_mode);
    if (!source->regular)
        return 0;
    source->start = lseek(source->descriptor, 0, SEEK_CUR);
    if (source->start < 0)
        return -errno;
    if (status.st_size > source->start)
        source->size = (uint64_t)(status.st_size - source->start);
    posix_fadvise(source->descriptor, 0, 0, POSIX_FADV_SEQUENTIAL); /* advice: may fail */
    return 0;
}

/* Makes the window hold at least `size` bytes, or all there are. */
static int hold(struct io_source *source, size_t size)
{
    while (io__window_size(&source->window) < size && !source->window.ended) {
        ptrdiff_t added = io__window_fill(&source->window);

        if (added < 0)
            return (int)added;
    }
    return 0;
}

static int recognise_transport(struct io_source *source)
{
    struct io__window *window = &source->window;
    size_t offset;
    int status;

    while (!io__sync_recognise(io__window_head(window), io__window_size(window), window->ended,
                               &source->format, &offset)) {
        if (window->ended || io__window_size(window) >= RECOGNITION_MAX)
            return BASE_E_MALFORMED;
        status = hold(source, io__window_size(window) + 1);
        if (status < 0)
            return status;
    }
    source->report.bytes_skipped = offset;
    io__window_drop(window, offset);
    return 0;
}

/* Lists and chooses flows, where the file can be read twice; else waits for the first datagram. */
static int scan_capture(struct io_source *source)
{
    int status;

    if (!source->regular)
        return io__capture_begin(&source->capture, &source->window, &source->report);
    status = io__capture_scan(&source->capture, &source->window);
    if (status < 0)
        return status;
    if (lseek(source->descriptor, source->start, SEEK_SET) < 0)
        return -errno;
    io__window_reset(&source->window);
    return 0;
}

static int recognise(struct io_source *source)
{
    int status = hold(source, WIRE_CAPTURE_MAGIC_SIZE);

    if (status < 0)
        return status;
    if (io__window_size(&source->window) == 0)
        return -ENODATA;
    if (io__window_size(&source->window) < WIRE_CAPTURE_MAGIC_SIZE ||
        !wire_capture_recognise(io__window_head(&source->window)))
        return recognise_transport(source);
    source->format = IO_FORMAT_CAPTURE;
    return scan_capture(source);
}

int io_source_open(struct io_source **source, const char *path, const struct io_source_options *options)
{
    struct io_source *it = calloc(1, sizeof(*it));
    int status;

    *source = NULL;
    if (!it)
        return -ENOMEM;
    it->descriptor = -1;
    status = io__capture_init(&it->capture, options ? options->flow : NULL);
    if (status == 0)
        status = open_descriptor(it, path);
    if (status == 0)
        status = io__window_create(&it->window, it->descriptor);
    if (status == 0)
        status = recognise(it);
    if (status < 0 && !(it->capture.scanned && (status == -ENOTUNIQ || status == -ENOENT))) {
        io_source_close(it);
        return status;
    }
    it->unreadable = status;
    *source = it;
    return status;
}

void io_source_close(struct io_source *source)
{
    if (!source)
        return;
    io__window_destroy(&source->window);
    if (source->descriptor >= 0 && !source->standard)
        close(source->descriptor);
    free(source);
}

enum io_format io_source_format(const struct io_source *source)
{
    return source->format;
}

const char *io_source_format_name(const struct io_source *source)
{
    switch (source->format) {
    case IO_FORMAT_TS188:
        return "188-byte TS";
    case IO_FORMAT_TS204:
        return "204-byte TS";
    case IO_FORMAT_M2TS192:
        return "192-byte M2TS";
    case IO_FORMAT_CAPTURE:
        return "packet capture";
    }
    return "unknown";
}

uint64_t io_source_size(const struct io_source *source)
{
    return source->size;
}

uint64_t io_source_position(const struct io_source *source)
{
    return source->window.read - io__window_size(&source->window);
}

size_t io_source_flows(const struct io_source *source, const struct io_flow_entry **flows)
{
    *flows = source->capture.flows;
    return source->capture.flow_count;
}

const struct io_source_report *io_source_report(const struct io_source *source)
{
    return &source->report;
}

static void skip(struct io_source *source, size_t size)
{
    source->report.bytes_skipped += size;
    io__window_drop(&source->window, size);
}

/* From a lost packet at the head of the window to the next one in sync: 1, 0 where the input ended before,
 * negative errno. */
static int resync(struct io_source *source)
{
    struct io__window *window = &source->window;

    source->report.sync_losses += !source->lost;
    source->lost = true;
    for (;;) {
        size_t offset;
        bool found = io__sync_search(source->format, io__window_head(window), io__window_size(window),
                                     window->ended, &offset);
        ptrdiff_t added;

        skip(source, offset);
        source->lost = !found;
        if (found || window->ended)
            return found;
        added = io__window_fill(window);
        if (added < 0)
            return (int)added;
    }
}

/* Packets from the head of the window to the caller's places. */
static void take(struct io_source *source, uint8_t *packets, struct io_packet_info *infos, size_t count)
{
    const struct io__framing *framing = io__framing_of(source->format);
    const uint8_t *from = io__window_head(&source->window);

    if (framing->stride == TS_PACKET_SIZE) {
        memcpy(packets, from, count * TS_PACKET_SIZE);
    } else {
        for (size_t i = 0; i < count; i++)
            memcpy(packets + i * TS_PACKET_SIZE, from + i * framing->stride + framing->lead, TS_PACKET_SIZE);
    }
    for (size_t i = 0; infos && framing->lead && i < count; i++)
        memcpy(infos[i].prefix, from + i * framing->stride, framing->lead);
    io__window_drop(&source->window, count * framing->stride);
}

/* The end of the input: what is left in the window is no whole packet. */
static void count_truncated(struct io_source *source)
{
    size_t size = io__window_size(&source->window);

    source->report.bytes_truncated += size;
    io__window_drop(&source->window, size);
}

/* 188-byte packets past the window, straight to the caller: the window holds less than one packet, and gets
 * what is behind the last packet in sync. Packets; 0 where another look is needed; negative errno. */
static ptrdiff_t read_direct(struct io_source *source, uint8_t *packets, size_t max)
{
    struct io__window *window = &source->window;
    size_t carried = io__window_size(window);
    size_t room = max * TS_PACKET_SIZE < IO__WINDOW_SIZE ? max * TS_PACKET_SIZE : IO__WINDOW_SIZE;
    size_t count, used;
    ssize_t added;

    memcpy(packets, io__window_head(window), carried);
    added = io__read(source->descriptor, packets + carried, room - carried);
    if (added < 0)
        return added;
    window->ended = added == 0;
    window->read += (uint64_t)added;
    count = io__sync_run(io__framing_of(IO_FORMAT_TS188), packets, carried + (size_t)added, max);
    used = count * TS_PACKET_SIZE;
    window->begin = 0;
    window->end = carried + (size_t)added - used;
    memcpy(window->bytes, packets + used, window->end);
    return (ptrdiff_t)count;
}

/* Reads more, with less than a packet in the window. As read_direct(). */
static ptrdiff_t read_more(struct io_source *source, uint8_t *packets, size_t max)
{
    ptrdiff_t added;

    if (source->format == IO_FORMAT_TS188 && max * TS_PACKET_SIZE >= DIRECT_MIN)
        return read_direct(source, packets, max);
    added = io__window_fill(&source->window);
    return added < 0 ? added : 0;
}

static ptrdiff_t read_transport(struct io_source *source, uint8_t *packets, struct io_packet_info *infos,
                                size_t max)
{
    const struct io__framing *framing = io__framing_of(source->format);
    struct io__window *window = &source->window;

    for (;;) {
        const uint8_t *head = io__window_head(window);
        size_t size = io__window_size(window);
        ptrdiff_t count = (ptrdiff_t)io__sync_run(framing, head, size, max);

        if (count > 0) {
            take(source, packets, infos, (size_t)count);
            return count;
        }
        if (source->lost || (size > framing->lead && head[framing->lead] != TS_SYNC_BYTE)) {
            count = resync(source);
            if (count <= 0)
                return count;
        } else if (window->ended) {
            count_truncated(source);
            return 0;
        } else {
            count = read_more(source, packets, max);
            if (count != 0)
                return count;
        }
    }
}

ptrdiff_t io_source_read(struct io_source *source, uint8_t *packets, struct io_packet_info *infos, size_t max)
{
    ptrdiff_t count;

    if (source->unreadable < 0 || max == 0)
        return source->unreadable;
    if (infos)
        memset(infos, 0, max * sizeof(*infos));
    if (source->format == IO_FORMAT_CAPTURE)
        count = io__capture_read(&source->capture, &source->window, &source->report, packets, infos, max);
    else
        count = read_transport(source, packets, infos, max);
    if (count > 0)
        source->report.packets += (uint64_t)count;
    return count;
}
