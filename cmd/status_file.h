/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd/status_file.h: a file that is replaced now and then by JSON, as a whole. Written by a thread of its
 * own: a thousand services are a megabyte, and their crypto-periods do not wait. One thread uses it. */
#ifndef CMD_STATUS_FILE_H
#define CMD_STATUS_FILE_H

#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

/* All zero but `path` to begin with. */
struct cmd_status_file {
    const char *path; /* borrowed */
    json_t *json;     /* the writer's */
    pthread_t writer;
    bool begun;       /* there is a writer to join */
    atomic_bool done; /* it has ended */
    int status;       /* negative errno of the last one */
    int told;         /* the one that the log knows of */
};

/* Whether the last one is written; where it could not be, the log is told, once for each reason in a row. */
bool cmd_status_file_is_ready(struct cmd_status_file *file);

/* Takes the reference; NULL is "no memory". Only where it is ready. */
void cmd_status_file_replace(struct cmd_status_file *file, json_t *json);

/* Waits for the writer. */
void cmd_status_file_clear(struct cmd_status_file *file);

#endif
