/* SPDX-License-Identifier: GPL-3.0-or-later */
/* wire/reassembly.h: TCP connections out of captured segments (RFC 9293, 3.4). Sans-I/O, one thread.
 *
 * The bytes of each direction are handed out in order, each once: retransmissions and overlaps are passed
 * over, what came too early is held back until what is missing comes. It is given up, as a gap, once the
 * receiver has acknowledged what comes after it (the capture alone has lost it), too much waits, or the
 * connection ends. A connection whose beginning was not captured starts with the first segment seen.
 *
 * Memory is bounded whatever the capture holds: WIRE_CONNECTIONS_MAX connections (the one idle for longest
 * gives way to a new one), WIRE_HELD_MAX bytes held for each direction. */
#ifndef WIRE_REASSEMBLY_H
#define WIRE_REASSEMBLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/segment.h"

#define WIRE_CONNECTIONS_MAX   1024
#define WIRE_HELD_MAX          ((size_t)256 * 1024)
#define WIRE_HELD_SEGMENTS_MAX 256

/* Who sent: the end that opened the connection, or the one that was connected to. Where neither SYN was seen,
 * the server is taken to be the end with the lower port. */
enum wire_end { WIRE_CLIENT, WIRE_SERVER };

struct wire_connection {
    struct wire_flow flow; /* from the client to the server */
    bool begun;            /* seen from its first byte on: the ends are known for sure */
    void *owner;           /* the user's, NULL at first */
};

/* `connection` is good until closed() of it returns. */
struct wire_reassembly_ops {
    void (*opened)(void *context, struct wire_connection *connection);
    void (*data)(void *context, struct wire_connection *connection, enum wire_end from, const uint8_t *bytes,
                 size_t size);
    void (*gap)(void *context, struct wire_connection *connection, enum wire_end from, uint32_t size);
    void (*closed)(void *context, struct wire_connection *connection, bool reset);
};

struct wire_reassembly;

int wire_reassembly_create(struct wire_reassembly **reassembly, const struct wire_reassembly_ops *ops,
                           void *context);
void wire_reassembly_destroy(struct wire_reassembly *reassembly); /* without callbacks; NULL is allowed */

/* The next segment of the capture; `payload` are its bytes. -ENOMEM: it is lost. */
int wire_reassembly_take(struct wire_reassembly *reassembly, const struct wire_segment *segment,
                         const uint8_t *payload);

/* The capture has ended: what is held back is handed out behind its gaps, all connections are closed. */
void wire_reassembly_finish(struct wire_reassembly *reassembly);

#endif
