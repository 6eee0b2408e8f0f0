/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any file: the first byte chooses how much is read at a time. Every byte is delivered, skipped or truncated.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "io/source.h"

#define ROOM 400u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth)
{
    if (!truth)
        abort();
}

static ptrdiff_t drain(struct io_source *source, size_t room)
{
    static uint8_t packets[ROOM * TS_PACKET_SIZE];
    static struct io_packet_info infos[ROOM];
    ptrdiff_t count;

    while ((count = io_source_read(source, packets, infos, room)) > 0) {
        require((size_t)count <= room);
        for (ptrdiff_t i = 0; i < count; i++)
            require(packets[i * TS_PACKET_SIZE] == TS_SYNC_BYTE);
    }
    require(io_source_read(source, packets, infos, room) == count);
    return count;
}

static void check_sum(const struct io_source *source, size_t size)
{
    static const size_t strides[] = {
        [IO_FORMAT_TS188] = 188, [IO_FORMAT_TS204] = 204, [IO_FORMAT_M2TS192] = 192};
    const struct io_source_report *report = io_source_report(source);

    require(io_source_position(source) == size && io_source_size(source) == size);
    if (io_source_format(source) == IO_FORMAT_CAPTURE)
        return;
    require(report->packets > 0);
    require(report->packets * strides[io_source_format(source)] + report->bytes_skipped +
                report->bytes_truncated ==
            size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct io_source *source;
    char path[64];
    size_t room = size ? 1 + data[0] * ROOM / 256 : 1;
    int descriptor = memfd_create("input", 0);

    if (size) {
        data++;
        size--;
    }
    require(write(descriptor, data, size) == (ssize_t)size);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", descriptor);
    if (io_source_open(&source, path, NULL) == 0 && drain(source, room) == 0)
        check_sum(source, size);
    io_source_close(source);
    close(descriptor);
    return 0;
}
