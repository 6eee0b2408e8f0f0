/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scramline: starts the program of a command, git-style. Each command is a program of its own
 * (scramline-COMMAND), so that only `run` carries DPDK. They are looked for beside this program, then where
 * installation puts them. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const char *name;
    const char *summary;
} commands[] = {
    {"scramble", "scramble a programme of a TS file, pipe or capture"},
    {"descramble", "open a scrambled TS file, pipe or capture"},
    {"ecmg", "serve ECMs over DVB SimulCrypt"},
    {"eis", "give a scrambler its SCGs over DVB SimulCrypt"},
    {"emmg", "deliver EMMs to a MUX over DVB SimulCrypt"},
    {"simulcrypt", "watch SimulCrypt interfaces: captures, or as a proxy"},
    {"run", "live headend: DPDK ports in, DPDK ports out"},
    {"keys", "make the secrets that the other commands need"},
    {"bench", "measure the ciphers of this machine, or an ECMG"},
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void print_help(FILE *out)
{
    fprintf(
        out,
        "Usage: scramline COMMAND [ARGUMENT]…\n\n"
        "Scrambles and descrambles MPEG transport streams, with control words shared over DVB SimulCrypt.\n\n"
        "Commands:\n");
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(out, "  %-12s %s\n", commands[i].name, commands[i].summary);
    fprintf(out, "\nscramline COMMAND --help explains each.\n\nExample:\n"
                 "  scramline scramble --cw 0123456789abcdef in.ts out.ts\n");
}

/* Replaces this process; returns only where `folder` has no such program. */
static void try_folder(const char *folder, const char *command, char **arguments)
{
    char path[PATH_MAX];

    if (snprintf(path, sizeof(path), "%s/scramline-%s", folder, command) < (int)sizeof(path))
        execv(path, arguments);
}

static int own_folder(char folder[static PATH_MAX])
{
    ssize_t length = readlink("/proc/self/exe", folder, PATH_MAX - 1);
    char *slash;

    if (length < 0)
        return -errno;
    folder[length] = '\0';
    slash = strrchr(folder, '/');
    if (slash)
        *slash = '\0';
    return 0;
}

static int start(const char *command, char **arguments)
{
    char folder[PATH_MAX];

    if (own_folder(folder) == 0)
        try_folder(folder, command, arguments);
    try_folder(SCRAMLINE_LIBEXEC, command, arguments);
    fprintf(stderr, "scramline: '%s' is not in this installation (scramline-%s: %s)\n", command, command,
            strerror(errno));
    return 1;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return 2;
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
        print_help(stdout);
        return 0;
    }
    if (!strcmp(argv[1], "--version")) {
        printf("scramline %s\n", SCRAMLINE_VERSION);
        return 0;
    }
    for (size_t i = 0; i < COMMANDS; i++) {
        if (!strcmp(argv[1], commands[i].name))
            return start(argv[1], argv + 1);
    }
    fprintf(stderr, "scramline: unknown %s '%s' (scramline --help lists the commands)\n",
            argv[1][0] == '-' ? "option" : "command", argv[1]);
    return 2;
}
