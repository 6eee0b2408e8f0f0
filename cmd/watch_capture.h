/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd/watch_capture.h: the SimulCrypt connections of a capture (pcap, pcapng): TCP put together again, and
 * data_provision over UDP. Sans-I/O: the caller reads the file. One thread.
 *
 * Memory is bounded whatever the capture holds (wire/reassembly.h, cmd/watch_link.h); of UDP flows the first
 * CMD_WATCH_FLOWS are looked at. */
#ifndef CMD_WATCH_CAPTURE_H
#define CMD_WATCH_CAPTURE_H

#include "cmd/watch_link.h"

#define CMD_WATCH_FLOWS 256

struct cmd_watch_capture_config {
    const struct cmd_watch_interface *interface; /* NULL: each connection's messages tell */
    uint16_t port;                               /* of the server; 0: any connection */
};

struct cmd_watch_capture_counters {
    uint64_t records;
    uint64_t fragments; /* of IP: not put together */
    uint64_t cut;       /* records of which the capture has a part, or that contradict themselves */
};

struct cmd_watch_capture;

int cmd_watch_capture_create(struct cmd_watch_capture **capture, struct cmd_watch *watch,
                             const struct cmd_watch_capture_config *config);
void cmd_watch_capture_destroy(struct cmd_watch_capture *capture); /* NULL is allowed */

/* Takes whole elements of the file from `bytes`; returns how many bytes they were, so that the caller offers
 * the rest again with more behind it. BASE_E_MALFORMED, BASE_E_UNSUPPORTED, -ENOMEM. */
ptrdiff_t cmd_watch_capture_take(struct cmd_watch_capture *capture, const uint8_t *bytes, size_t size);

/* The file has ended: connections that are still open end with it. */
void cmd_watch_capture_finish(struct cmd_watch_capture *capture);

const struct cmd_watch_capture_counters *cmd_watch_capture_counters(const struct cmd_watch_capture *capture);

#endif
