/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd/options.h: the command line of one command, from a table: parsing, checking and --help. One thread.
 *
 * Options are "--name VALUE", "--name=VALUE" or a one-letter alias; "--" ends them and "-" alone is an
 * operand. A wrong command line costs one line on standard error and exit status 2; --help goes to standard
 * output. */
#ifndef CMD_OPTIONS_H
#define CMD_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CMD_EXIT_OK     0
#define CMD_EXIT_FAILED 1 /* the work could not be done */
#define CMD_EXIT_USAGE  2 /* the command line or the choice of input does not say what to do */

enum cmd_option_kind {
    CMD_FLAG,      /* bool * */
    CMD_TEXT,      /* const char **: points into argv */
    CMD_TEXTS,     /* struct cmd_texts *: one more each time the option is given */
    CMD_NUMBER,    /* uint64_t *: within minimum … maximum */
    CMD_SECONDS,   /* uint64_t *: microseconds, within minimum … maximum (microseconds) */
    CMD_HOST_PORT, /* struct cmd_host_port * */
    CMD_NUMBERS,   /* struct cmd_numbers *: "256,0x101,300-310", several words, and the option again */
    CMD_WORDS, /* unsigned *: bits of the comma-separated words that `words` names, in its order; "all" for
                  all */
};

struct cmd_host_port {
    char host[256]; /* may be empty where the option allows ":PORT" */
    uint16_t port;  /* 0: not given */
};

#define CMD_TEXTS_MAX 64
struct cmd_texts {
    unsigned count;
    const char *values[CMD_TEXTS_MAX]; /* point into argv */
};

#define CMD_NUMBERS_MAX 256
struct cmd_numbers {
    unsigned count;
    uint16_t values[CMD_NUMBERS_MAX];
};

struct cmd_option {
    const char *name;         /* "--crypto-period" */
    const char *argument;     /* "SECONDS"; NULL for a flag */
    const char *help;         /* may hold line breaks */
    void *value;              /* as the kind says; left alone where the option is not given */
    bool *given;              /* set where the option is given; NULL allowed */
    const char *const *words; /* CMD_WORDS: NULL-terminated */
    uint64_t minimum, maximum;
    enum cmd_option_kind kind;
    char letter; /* one-letter alias, 0 for none */
};

struct cmd_command {
    const char *name;                 /* "scramble": called "scramline scramble" in messages */
    const char *operands;             /* "IN OUT" for the usage line; "" for none */
    const char *summary;              /* one sentence */
    const char *details;              /* paragraphs for --help, with the example; may be NULL */
    const struct cmd_option *options; /* ends with a NULL name */
    unsigned operands_min, operands_max;
};

/* Parses argv[1 …]. Returns true to go on, with the operands in `operands` (room for operands_max) and their
 * count; false to leave with *exit_status. Also takes the program's name for base_log(). */
bool cmd_parse(const struct cmd_command *command, int argc, char **argv, const char **operands,
               unsigned *count, int *exit_status);

/* "scramline NAME: …" on standard error, and CMD_EXIT_USAGE, for checks between options. */
int cmd_usage_error(const struct cmd_command *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* "WHAT: why" as an error, and CMD_EXIT_FAILED; nothing is said of -EINTR, which is told once at the end. */
int cmd_failed(int error, const char *what);

#endif
