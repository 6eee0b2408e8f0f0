/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any capture: what is read stays in bounds, what is counted is no more than there was, secrets stay hidden.
 * The first byte chooses the options. */
#include <stdio.h>

#include "chance.h"
#include "cmd/watch_capture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The capture in pieces, as a pipe gives it. */
static void read_capture(struct cmd_watch_capture *capture, const uint8_t *data, size_t size)
{
    size_t at = 0;
    size_t end = 0;

    while (end < size) {
        ptrdiff_t taken;
        uint8_t *exact;

        end += draw(2) ? size - end : 1 + draw((uint32_t)(size - end));
        exact = malloc(end - at);
        memcpy(exact, data + at, end - at);
        taken = cmd_watch_capture_take(capture, exact, end - at);
        free(exact);
        if (taken < 0)
            return;
        require((size_t)taken <= end - at);
        at += (size_t)taken;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static FILE *nowhere;
    struct cmd_watch_config config = {.json = size && data[0] & 1, .full = size && data[0] & 2};
    struct cmd_watch_capture_config choice = {.port = size && data[0] & 4 ? 22330 : 0};
    struct cmd_watch_capture *capture;
    struct cmd_watch *watch;

    if (!nowhere)
        nowhere = fopen("/dev/null", "w");
    if (size == 0 || !nowhere)
        return 0;
    chance_state = data[0];
    choice.interface = data[0] & 8 ? &cmd_watch_interfaces[data[0] >> 4 & 3] : NULL;
    config.out = nowhere;
    if (cmd_watch_create(&watch, &config) < 0)
        return 0;
    if (cmd_watch_capture_create(&capture, watch, &choice) == 0) {
        read_capture(capture, data + 1, size - 1);
        cmd_watch_capture_finish(capture);
        cmd_watch_capture_destroy(capture);
    }
    cmd_watch_summary(watch);
    require(watch->counters.invalid + watch->counters.unknown <= watch->counters.messages);
    require(watch->counters.messages * SIMULCRYPT_HEADER_SIZE <= size);
    cmd_watch_destroy(watch);
    return 0;
}
