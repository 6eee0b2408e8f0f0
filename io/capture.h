/* SPDX-License-Identifier: GPL-3.0-or-later */
/* io/capture.h: private to io/: TS packets out of a capture file, and the flows that are in it. */
#ifndef IO_CAPTURE_H
#define IO_CAPTURE_H

#include "io/source.h"
#include "io/window.h"
#include "wire/capture.h"

struct io__capture {
    struct wire_capture reader;

    /* What is asked for: any flow, or those to a destination, or of one source to it. */
    bool any;
    bool any_source;
    struct wire_flow wanted;

    bool chosen; /* `flow` is set: the first that was wanted */
    bool ambiguous;
    struct wire_flow flow;

    struct io_flow_entry flows[IO_FLOWS_MAX];
    size_t flow_count;
    bool scanned; /* the list is complete */

    bool timed;
    uint64_t first_ns;      /* time of the first datagram delivered */
    uint64_t arrival_ns;    /* of `packets`, since then */
    const uint8_t *packets; /* in the window: of the last datagram, not yet delivered */
    size_t packets_left;
};

/* `flow` as in struct io_source_options. -EINVAL where it is not understood. */
int io__capture_init(struct io__capture *capture, const char *flow);

/* Reads the file to its end, lists its flows and chooses one: 0, -ENOTUNIQ, -ENOENT, -ENOMSG, or the error
 * that kept it from finding any. The input has to be repositioned afterwards. */
int io__capture_scan(struct io__capture *capture, struct io__window *window);

/* The same for a pipe, which is read once: takes its first datagram of the flow. 0, -ENOENT or -ENOMSG where
 * it ends without one. */
int io__capture_begin(struct io__capture *capture, struct io__window *window,
                      struct io_source_report *report);

ptrdiff_t io__capture_read(struct io__capture *capture, struct io__window *window,
                           struct io_source_report *report, uint8_t *packets, struct io_packet_info *infos,
                           size_t max);

#endif
