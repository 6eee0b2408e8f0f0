/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd/watch_link.h: one connection, or one flow of datagrams, of those that are watched: bytes of both ends
 * to messages. One thread.
 *
 * A direction that does not begin with its first byte, or has a gap, is searched for the next message: one of
 * a known type whose parameters fill it exactly. Where the interface is not given, the first message tells;
 * a connection without one is passed over. Memory is bounded: one message per direction, and a table of
 * CW_provisions that wait for their answer. */
#ifndef CMD_WATCH_LINK_H
#define CMD_WATCH_LINK_H

#include "cmd/watch_report.h"
#include "simulcrypt/framer.h"

enum cmd_watch_end { CMD_WATCH_CLIENT, CMD_WATCH_SERVER };

struct cmd_watch_link;

struct cmd_watch_link_config {
    const struct cmd_watch_interface *interface; /* NULL: to be found out */
    bool any;       /* what is no message is told, never passed over: somebody chose this connection */
    bool midway;    /* its first bytes were not seen */
    bool ends_sure; /* who is the client; else messages may tell otherwise */
    bool swapped;   /* the end that is called the client here is the server */
    char client[CMD_WATCH_END_MAX], server[CMD_WATCH_END_MAX]; /* addresses */
};

/* -ENOMEM. The link takes the next number. */
int cmd_watch_link_create(struct cmd_watch_link **link, struct cmd_watch *watch,
                          const struct cmd_watch_link_config *config);
void cmd_watch_link_destroy(struct cmd_watch_link *link); /* NULL is allowed; what it held is wiped */

void cmd_watch_link_input(struct cmd_watch_link *link, enum cmd_watch_end from, const uint8_t *bytes,
                          size_t size);
/* A datagram: whole messages, nothing carried over to the next. */
void cmd_watch_link_datagram(struct cmd_watch_link *link, enum cmd_watch_end from, const uint8_t *bytes,
                             size_t size);
void cmd_watch_link_gap(struct cmd_watch_link *link, enum cmd_watch_end from, uint64_t size);
/* It ended; `why` as people read it. Counts what was not answered. */
void cmd_watch_link_end(struct cmd_watch_link *link, const char *why);

#endif
