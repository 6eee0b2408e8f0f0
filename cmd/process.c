/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/process.h"

#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>

static volatile sig_atomic_t interrupted;

void cmd_process_protect(void)
{
    const struct rlimit none = {0, 0};

    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    signal(SIGPIPE, SIG_IGN);
}

static void note_signal(int number)
{
    (void)number;
    interrupted = 1;
}

void cmd_process_catch_signals(void)
{
    struct sigaction action = {.sa_handler = note_signal, .sa_flags = (int)SA_RESETHAND};

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

bool cmd_process_interrupted(void)
{
    return interrupted;
}
