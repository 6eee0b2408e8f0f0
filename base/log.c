/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const level_names[] = {"error", "warning", "notice", "debug"};
static enum base_log_level highest = BASE_LOG_NOTICE;
static const char *program_name = "scramline";
static void (*wipe_line)(void);

void base_log_set_level(enum base_log_level level)
{
    highest = level;
}

void base_log_from_environment(void)
{
    const char *wanted = getenv("SCRAMLINE_LOG");

    for (unsigned i = 0; wanted && i < sizeof(level_names) / sizeof(level_names[0]); i++) {
        if (!strcmp(wanted, level_names[i]))
            highest = (enum base_log_level)i;
    }
}

void base_log_set_program(const char *program)
{
    program_name = program;
}

void base_log_set_wipe(void (*wipe)(void))
{
    wipe_line = wipe;
}

void base_log(enum base_log_level level, const char *format, ...)
{
    char line[1024];
    va_list arguments;

    if (level > highest)
        return;
    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    if (wipe_line)
        wipe_line();
    fprintf(stderr, "%s: %s: %s\n", program_name, level_names[level], line);
}
