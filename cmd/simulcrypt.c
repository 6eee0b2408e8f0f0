/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scramline-simulcrypt: tools for SimulCrypt interfaces, one subcommand each. */
#include <stdio.h>
#include <string.h>

#include "cmd/options.h"
#include "cmd/process.h"
#include "cmd/watch.h"

static const struct {
    const char *name;
    const char *summary;
    int (*main)(int argc, char **argv);
} subcommands[] = {
    {"watch", "decoded trace of an interface, out of a capture or as a proxy", cmd_watch_main},
};

#define SUBCOMMANDS (sizeof(subcommands) / sizeof(subcommands[0]))

static void print_help(FILE *out)
{
    fprintf(out, "Usage: scramline simulcrypt SUBCOMMAND [ARGUMENT]…\n\n"
                 "Looks at DVB SimulCrypt interfaces (ETSI TS 103 197).\n\nSubcommands:\n");
    for (size_t i = 0; i < SUBCOMMANDS; i++)
        fprintf(out, "  %-12s %s\n", subcommands[i].name, subcommands[i].summary);
    fprintf(out, "\nscramline simulcrypt SUBCOMMAND --help explains each.\n\nExample:\n"
                 "  scramline simulcrypt watch conversation.pcap\n");
}

int main(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "";

    cmd_process_protect();
    if (!strcmp(word, "--help") || !strcmp(word, "-h")) {
        print_help(stdout);
        return CMD_EXIT_OK;
    }
    for (size_t i = 0; i < SUBCOMMANDS; i++)
        if (!strcmp(word, subcommands[i].name))
            return subcommands[i].main(argc - 1, argv + 1);
    if (*word)
        fprintf(stderr, "scramline simulcrypt: unknown %s '%s' (scramline simulcrypt --help lists them)\n",
                *word == '-' ? "option" : "subcommand", word);
    else
        print_help(stderr);
    return CMD_EXIT_USAGE;
}
