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

/* Datagrams of one source address to one destination. */
struct io_flow_entry {
    struct wire_flow flow; /* source port: of the first datagram */
    uint64_t datagrams;
    uint64_t ts_packets;
    bool rtp;
};

struct io_source_options {
    /* For captures: "ADDRESS:PORT" of the destination, or "SOURCE@ADDRESS:PORT" where several sources send to
     * it. NULL: the only flow there is. */
    const char *flow;
};

struct io_source_report {
    uint64_t packets; /* delivered */
    uint64_t sync_losses;
    uint64_t bytes_skipped;     /* while out of sync, and before the first packet */
    uint64_t bytes_truncated;   /* of a last, incomplete packet or record */
    uint64_t datagrams_ignored; /* captures: frames of other flows, not UDP, not TS, cut or malformed */
};

struct io_source;

/* `path` "-" is standard input. Negative errno from open (-EISDIR for a directory); BASE_E_MALFORMED where no
 * format is recognised in the first 1 MiB; -ENODATA for an empty file, -ENOMSG for a capture without whole
 * datagrams of TS; -EINVAL where options->flow is not understood, -EINTR where a signal came while a pipe was
 * waited for (what was read of it is gone).
 *
 * A capture in a regular file is read twice, its flows are counted first: -ENOTUNIQ for several flows without
 * options->flow (or several sources of that flow), -ENOENT where the flow asked for is not there. In these
 * two cases *source is set, lists its flows (the first IO_FLOWS_MAX), reads nothing, and is to be closed; it
 * is NULL for every other error, -ENOENT for a missing file included. A capture from a pipe is taken to hold
 * the flow of its first TS datagram unless told, and is waited for until that comes; others are counted. RTP
 * packets stay in the capture's order.
 */
int io_source_open(struct io_source **source, const char *path, const struct io_source_options *options);
void io_source_close(struct io_source *source); /* NULL is allowed */

enum io_format io_source_format(const struct io_source *source);
const char *io_source_format_name(const struct io_source *source); /* "188-byte TS", … */
uint64_t io_source_size(const struct io_source *source);     /* bytes of the file, 0 where unknown (pipe) */
uint64_t io_source_position(const struct io_source *source); /* bytes consumed, for progress */
size_t io_source_flows(const struct io_source *source, const struct io_flow_entry **flows);
const struct io_source_report *io_source_report(const struct io_source *source);

/* Up to `max` packets, 188 bytes each, packed in `packets`; `infos` may be NULL. Returns how many (a pipe:
 * what is there, at least one), 0 at the end, or a negative errno (BASE_E_MALFORMED, BASE_E_UNSUPPORTED where
 * a capture breaks off; what stood before it has been delivered; -EINTR where a signal came before any
 * packet: nothing is lost).
 *
 * From 349 packets (64 KiB) on, 188-byte input is read into `packets` without a copy; 1394 packets make reads
 * of 256 KiB. */
ptrdiff_t io_source_read(struct io_source *source, uint8_t *packets, struct io_packet_info *infos,
                         size_t max);

#endif
