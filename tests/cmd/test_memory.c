/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Watching without memory: clean errors, no block lost, and no control word in one that is given back. */
#include "cmd/watch_capture.h"
#include "tests/common/memory.h"
#include "watched.h"

TestSuite(memory, .timeout = 60);

static void feed(struct cmd_watch_link *link)
{
    struct watched_message message = watched_provision(1);

    cmd_watch_link_input(link, CMD_WATCH_CLIENT, message.bytes + 3, message.size - 3); /* is sought in */
    cmd_watch_link_input(link, CMD_WATCH_CLIENT, message.bytes, message.size - 2);
    cmd_watch_link_input(link, CMD_WATCH_CLIENT, message.bytes + message.size - 2, 2);
    cmd_watch_link_input(link, CMD_WATCH_CLIENT, message.bytes, message.size - 2); /* is framed */
    cmd_watch_link_gap(link, CMD_WATCH_CLIENT, 2);
    cmd_watch_link_input(link, CMD_WATCH_CLIENT, message.bytes, message.size - 2);
    cmd_watch_link_end(link, "closed");
}

static FILE *nowhere;

/* What is not told for want of memory is not the watch's failure: it goes on. */
static int use(void *context)
{
    struct cmd_watch_config config = {.out = nowhere, .show_secrets = true};
    struct cmd_watch_link_config choice = {.midway = true};
    struct cmd_watch_link *link = NULL;
    struct cmd_watch *made = NULL;
    int status = cmd_watch_create(&made, &config);

    (void)context;
    if (status == 0)
        status = cmd_watch_link_create(&link, made, &choice);
    if (status == 0)
        feed(link);
    cmd_watch_link_destroy(link);
    cmd_watch_destroy(made);
    return 0;
}

Test(memory, a_link_that_is_watched)
{
    nowhere = fopen("/dev/null", "w");
    cr_assert(nowhere);
    memory_look_for(watched_cw, sizeof(watched_cw));
    memory_assert_it_looks();
    memory_survive_each(use, NULL, 5);
    fclose(nowhere);
}

static int create_capture(void *context)
{
    struct cmd_watch_capture_config config = {.port = 1};
    struct cmd_watch_capture *capture = NULL;
    int status = cmd_watch_capture_create(&capture, context, &config);

    cmd_watch_capture_destroy(capture);
    return status;
}

Test(memory, a_capture)
{
    watched_start((struct cmd_watch_config){.json = false});
    memory_refuse_each(create_capture, watch, 2);
    watched_stop();
}
