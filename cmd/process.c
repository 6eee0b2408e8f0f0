/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/process.h"

#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

static volatile sig_atomic_t interrupted;

/* Started without one of the standard descriptors, the next file that is opened would get its number, and our
 * messages with it. */
static void fill_standard_descriptors(void)
{
    int descriptor;

    do
        descriptor = open("/dev/null", O_RDWR);
    while (descriptor >= 0 && descriptor <= STDERR_FILENO);
    if (descriptor >= 0)
        close(descriptor);
}

void cmd_process_protect(void)
{
    const struct rlimit none = {0, 0};

    fill_standard_descriptors();
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    signal(SIGPIPE, SIG_IGN);
}

void cmd_process_raise_files(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) < 0)
        return;
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
}

static double seconds_of(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

double cmd_process_cpu_seconds(void)
{
    struct rusage usage;

    return getrusage(RUSAGE_SELF, &usage) < 0 ? 0 : seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
}

static void note_signal(int number)
{
    (void)number;
    interrupted = 1;
}

void cmd_process_catch_signals(void)
{
    struct sigaction action = {.sa_handler = note_signal, .sa_flags = (int)SA_RESETHAND};

    struct sigaction inherited;

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    if (sigaction(SIGHUP, NULL, &inherited) == 0 && inherited.sa_handler == SIG_DFL) /* else: nohup */
        sigaction(SIGHUP, &action, NULL);
}

bool cmd_process_interrupted(void)
{
    return interrupted;
}
