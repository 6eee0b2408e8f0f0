/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/gnuplot.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "cmd/options.h"

#define PROGRAM "gnuplot"

extern char **environ;

static int complain(const char *why)
{
    base_log(BASE_LOG_ERROR, PROGRAM " %s (on Debian it is in the package gnuplot-nox)", why);
    return CMD_EXIT_FAILED;
}

/* Runs in `folder` with `input` as standard input; what it says goes nowhere but to standard error. */
static int spawn(int input, const char *folder, const char *argument, pid_t *child)
{
    char *arguments[] = {(char *)(uintptr_t)PROGRAM, (char *)(uintptr_t)argument, NULL};
    posix_spawn_file_actions_t actions;
    int status = posix_spawn_file_actions_init(&actions);

    if (status != 0)
        return -status;
    status = posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    if (status == 0)
        status = posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    if (status == 0)
        status = posix_spawn_file_actions_addchdir_np(&actions, folder);
    if (status == 0)
        status = posix_spawnp(child, PROGRAM, &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    return -status;
}

static bool ended_well(pid_t child)
{
    int status;

    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR)
            return false;
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int cmd_gnuplot_check(void)
{
    int input = open("/dev/null", O_RDONLY | O_CLOEXEC);
    pid_t child = 0;
    bool there = input >= 0 && spawn(input, ".", "--version", &child) == 0 && ended_well(child);

    if (input >= 0)
        close(input);
    return there ? CMD_EXIT_OK : complain("is not there to draw the plots");
}

int cmd_gnuplot_start(struct cmd_gnuplot *gnuplot, const char *folder)
{
    int ends[2];
    int status = pipe2(ends, O_CLOEXEC) == 0 ? 0 : -errno;

    if (status < 0)
        return cmd_failed(status, "a pipe to " PROGRAM);
    gnuplot->script = fdopen(ends[1], "w");
    status = gnuplot->script ? spawn(ends[0], folder, "-", &gnuplot->child) : -ENOMEM;
    close(ends[0]);
    if (status == 0)
        return CMD_EXIT_OK;
    if (gnuplot->script)
        fclose(gnuplot->script);
    else
        close(ends[1]);
    return cmd_failed(status, folder);
}

int cmd_gnuplot_finish(struct cmd_gnuplot *gnuplot)
{
    bool written = fclose(gnuplot->script) == 0;

    return ended_well(gnuplot->child) && written ? CMD_EXIT_OK : complain("did not draw this to its end");
}
