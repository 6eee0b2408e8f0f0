/* SPDX-License-Identifier: GPL-3.0-or-later */
/* io/source.h: TS packets out of a file, a pipe or a capture file. One thread.
 *
 * Formats are recognised by themselves: TS of 188 bytes; 204 (16 trailing bytes); 192 (M2TS: 4 leading bytes
 * of time stamp); pcap and pcapng with TS over UDP or RTP. Lost sync is searched for again and counted. */
#ifndef IO_SOURCE_H
#define IO_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ts/packet.h"
#include "wire/datagram.h"

#define IO_FLOWS_MAX 64

enum io_format { IO_FORMAT_TS188, IO_FORMAT_TS204, IO_FORMAT_M2TS192, IO_FORMAT_CAPTURE };

/* What goes with a packet besides its 188 bytes. */
struct io_packet_info {
    uint8_t prefix[4];   /* M2TS: copy permission and arrival time stamp */
    uint64_t arrival_ns; /* capture: time of the datagram, from the first one on; else 0 */
};

struct io_flow_entry {
    struct wire_flow flow;
    uint64_t datagrams;
    uint64_t ts_packets;
    bool rtp;
};

struct io_source_options {
    const char *flow; /* "ADDRESS:PORT" of the destination, for captures; NULL: the only one there is */
};

struct io_source_report {
    uint64_t packets; /* delivered */
    uint64_t sync_losses;
    uint64_t bytes_skipped;     /* while out of sync */
    uint64_t bytes_truncated;   /* of a last, incomplete packet or record */
    uint64_t datagrams_ignored; /* captures: other flows, not TS, cut or malformed */
};

struct io_source;

/* `path` "-" is standard input. Negative errno from open; BASE_E_MALFORMED where no format is recognised in
 * the first 1 MiB; -ENOTUNIQ for a capture of several flows without options->flow (`io_source_flows()` lists
 * them: the source then exists, but reads nothing); -ENOENT where the flow asked for is not there; -ENODATA
 * for an empty file. A capture from a pipe is taken to hold the flow of its first TS datagram unless told;
 * others are counted. */
int io_source_open(struct io_source **source, const char *path, const struct io_source_options *options);
void io_source_close(struct io_source *source); /* NULL is allowed */

enum io_format io_source_format(const struct io_source *source);
const char *io_source_format_name(const struct io_source *source); /* "188-byte TS", … */
uint64_t io_source_size(const struct io_source *source);     /* bytes of the file, 0 where unknown (pipe) */
uint64_t io_source_position(const struct io_source *source); /* bytes consumed, for progress */
size_t io_source_flows(const struct io_source *source, const struct io_flow_entry **flows);
const struct io_source_report *io_source_report(const struct io_source *source);

/* Up to `max` packets, 188 bytes each, packed in `packets`; `infos` may be NULL. Returns how many (a pipe:
 * what is there, at least one), 0 at the end, or a negative errno. */
ptrdiff_t io_source_read(struct io_source *source, uint8_t *packets, struct io_packet_info *infos,
                         size_t max);

#endif
