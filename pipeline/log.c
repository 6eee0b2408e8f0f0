/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What EAL and drivers say becomes lines of ours. While ports are made the first line is kept as the reason,
 * because drivers explain a failure there and return nothing but -1; later lines are warnings. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_log.h>

#include "base/log.h"
#include "pipeline/internal.h"

/* One per process, as EAL is. The stream's own lock guards it. */
static struct {
    FILE *stream;
    bool running;
    char reason[200];
    char line[256];
    size_t used;
} state;

static void take_line(void)
{
    state.line[state.used] = '\0';
    state.used = 0;
    if (!state.line[0])
        return;
    if (!state.reason[0])
        snprintf(state.reason, sizeof(state.reason), "%.199s", state.line);
    base_log(state.running ? BASE_LOG_WARNING : BASE_LOG_DEBUG, "DPDK: %s", state.line);
}

static ssize_t take_bytes(void *cookie, const char *bytes, size_t size)
{
    (void)cookie;
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] == '\n')
            take_line();
        else if (state.used < sizeof(state.line) - 1)
            state.line[state.used++] = bytes[i];
    }
    return (ssize_t)size;
}

int pipeline__log_start(void)
{
    const cookie_io_functions_t functions = {.write = take_bytes};

    state.stream = fopencookie(NULL, "w", functions);
    if (!state.stream)
        return -ENOMEM;
    setvbuf(state.stream, NULL, _IOLBF, 0);
    return rte_openlog_stream(state.stream) ? -EIO : 0;
}

const char *pipeline__log_reason(void)
{
    fflush(state.stream);
    return state.reason;
}

void pipeline__log_run(void)
{
    if (pipeline__log_reason()[0])
        base_log(BASE_LOG_WARNING, "DPDK: %s", state.reason);
    state.running = true;
}

void pipeline__log_stop(void)
{
    if (!state.stream)
        return;
    rte_openlog_stream(NULL);
    fclose(state.stream);
    memset(&state, 0, sizeof(state));
}
