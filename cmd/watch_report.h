/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd/watch_report.h: what `scramline simulcrypt watch` writes: a line per message and event, and the
 * summary. One thread.
 *
 * Lines are text or JSON objects. CWs are hidden unless asked for. Bytes that are no message are counted and
 * never shown: nobody knows what they are. */
#ifndef CMD_WATCH_REPORT_H
#define CMD_WATCH_REPORT_H

#include <stdio.h>

#include "cmd/latency.h"
#include "simulcrypt/trace.h"

#define CMD_WATCH_INTERFACES 4
#define CMD_WATCH_MESSAGES   64 /* of one interface, at most */
#define CMD_WATCH_END_MAX    64 /* bytes of an end's address, with NUL */

/* The ends' names: the client is the one that opens the connection. */
struct cmd_watch_interface {
    const struct simulcrypt_interface *interface;
    const char *word; /* on the command line */
    const char *client, *server;
};

extern const struct cmd_watch_interface cmd_watch_interfaces[CMD_WATCH_INTERFACES];

/* NULL where there is none. */
const struct cmd_watch_interface *cmd_watch_interface_of(const struct simulcrypt_interface *interface);
const struct cmd_watch_interface *cmd_watch_interface_named(const char *word);

struct cmd_watch_config {
    FILE *out;
    bool json, show_secrets, full;
    /* Never wait for whoever reads the lines: those that find no room are dropped, and counted. (One of over
     * 4 KiB may wait where there is room for less.) */
    bool impatient;
    uint64_t count_max; /* messages, 0: any number */
};

struct cmd_watch_counters {
    uint64_t messages;
    uint64_t errors;  /* messages that are errors */
    uint64_t invalid; /* messages that are not as they should be */
    uint64_t unknown; /* messages of no interface's table */
    uint64_t bytes_passed_over;
    uint64_t gaps, bytes_missing;
    uint64_t connections;
    uint64_t connections_passed_over; /* that are not SimulCrypt */
    uint64_t unanswered;              /* CW_provisions */
    uint64_t lines_dropped;
    uint64_t by_type[CMD_WATCH_INTERFACES][CMD_WATCH_MESSAGES];
};

struct cmd_watch {
    struct cmd_watch_config config;
    struct cmd_watch_counters counters;
    struct cmd_latency round_trips; /* CW_provision to ECM_response */
    uint64_t now_ns;                /* since 1970: when what is written next happened */
    int error;                      /* of writing: negative errno; nothing is written after it */
    char *line;
};

/* Where something happened. */
struct cmd_watch_place {
    unsigned connection; /* its number, from 1 */
    const char *from, *to;
};

int cmd_watch_create(struct cmd_watch **watch, const struct cmd_watch_config *config);
void cmd_watch_destroy(struct cmd_watch *watch); /* NULL is allowed */

/* As many messages as were asked for have been written, or nothing more can be. */
bool cmd_watch_is_done(const struct cmd_watch *watch);

/* One whole message; `interface` NULL where no table has its type. */
void cmd_watch_message(struct cmd_watch *watch, const struct cmd_watch_place *place,
                       const struct simulcrypt_interface *interface, const uint8_t *bytes, size_t size);

/* "EVENT TEXT"; in JSON the text is a member of its own. */
void cmd_watch_event(struct cmd_watch *watch, unsigned connection, const char *event, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

void cmd_watch_summary(struct cmd_watch *watch);

#endif
