/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/options.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "base/text.h"

int cmd_usage_error(const struct cmd_command *command, const char *format, ...)
{
    char text[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    fprintf(stderr, "scramline %s: %s\n", command->name, text);
    return CMD_EXIT_USAGE;
}

int cmd_failed(int error, const char *what)
{
    if (error == -EINTR)
        return CMD_EXIT_FAILED;
    base_log(BASE_LOG_ERROR, "%s: %s", what, base_error_text(error));
    return CMD_EXIT_FAILED;
}

/* "  -c, --config FILE" in a column of its own; help text beside it, its further lines indented alike. */
static void print_option(const char *name, char letter, const char *argument, const char *help)
{
    enum { COLUMN = 30 };
    char left[64];
    int width;

    width = snprintf(left, sizeof(left), "  %c%c%s%s%s%s", letter ? '-' : ' ', letter ? letter : ' ',
                     letter ? ", " : "  ", name, argument ? " " : "", argument ? argument : "");
    for (const char *c = left; *c; c++)
        width -= (*c & 0xC0) == 0x80; /* UTF-8 continuation bytes take no column */
    printf("%s%*s", left, width < COLUMN ? COLUMN - width : 1, "");
    for (const char *c = help; *c; c++) {
        putchar(*c);
        if (*c == '\n')
            printf("%*s", COLUMN, "");
    }
    putchar('\n');
}

static void print_help(const struct cmd_command *command)
{
    printf("Usage: scramline %s [OPTION]…%s%s\n\n%s\n\nOptions:\n", command->name,
           *command->operands ? " " : "", command->operands, command->summary);
    for (const struct cmd_option *option = command->options; option->name; option++)
        print_option(option->name, option->letter, option->argument, option->help);
    print_option("--help", 'h', NULL, "show this text");
    if (command->details)
        printf("\n%s\n", command->details);
}

static const struct cmd_option *find_option(const struct cmd_command *command, const char *word,
                                            size_t length)
{
    for (const struct cmd_option *option = command->options; option->name; option++) {
        bool letter = length == 2 && word[0] == '-' && option->letter && word[1] == option->letter;

        if (letter || (strlen(option->name) == length && !strncmp(option->name, word, length)))
            return option;
    }
    return NULL;
}

static int parse_numbers(const char *text, const struct cmd_option *option)
{
    struct cmd_numbers *numbers = option->value;
    unsigned values[CMD_NUMBERS_MAX];
    unsigned count = 0;
    int status = base_parse_list(text, option->minimum, option->maximum, values,
                                 CMD_NUMBERS_MAX - numbers->count, &count);

    for (unsigned i = 0; status == 0 && i < count; i++)
        numbers->values[numbers->count++] = (uint16_t)values[i];
    return status;
}

static int parse_words(const char *text, const struct cmd_option *option)
{
    unsigned bits = 0;

    while (*text) {
        size_t length = strcspn(text, ",");
        unsigned bit = 0;

        while (option->words[bit] &&
               (strlen(option->words[bit]) != length || strncmp(option->words[bit], text, length)))
            bit++;
        if (length == 3 && !strncmp(text, "all", 3))
            bits = ~0u;
        else if (option->words[bit])
            bits |= 1u << bit;
        else
            return BASE_E_MALFORMED;
        text += length + (text[length] == ',');
    }
    *(unsigned *)option->value = bits;
    return bits ? 0 : BASE_E_MALFORMED;
}

static int add_text(struct cmd_texts *texts, const char *text)
{
    if (texts->count == CMD_TEXTS_MAX)
        return -E2BIG;
    texts->values[texts->count++] = text;
    return *text ? 0 : BASE_E_MALFORMED;
}

static int parse_value(const struct cmd_option *option, const char *text)
{
    struct cmd_host_port *endpoint = option->value;

    switch (option->kind) {
    case CMD_FLAG:
        *(bool *)option->value = true;
        return 0;
    case CMD_TEXT:
        *(const char **)option->value = text;
        return *text ? 0 : BASE_E_MALFORMED;
    case CMD_TEXTS:
        return add_text(option->value, text);
    case CMD_NUMBER:
        return base_parse_u64(text, option->minimum, option->maximum, option->value);
    case CMD_SECONDS:
        return base_parse_seconds(text, option->minimum, option->maximum, option->value);
    case CMD_HOST_PORT:
        return base_parse_host_port(text, endpoint->host, sizeof(endpoint->host), &endpoint->port);
    case CMD_NUMBERS:
        return parse_numbers(text, option);
    case CMD_WORDS:
        return parse_words(text, option);
    }
    return -EINVAL;
}

/* What the option expects, for the message about a value that is not it. */
static void describe(const struct cmd_option *option, char *text, size_t room)
{
    int used = 0;

    switch (option->kind) {
    case CMD_NUMBERS:
        snprintf(text, room, "numbers or ranges from %" PRIu64 " to %" PRIu64, option->minimum,
                 option->maximum);
        break;
    case CMD_NUMBER:
        snprintf(text, room, "a whole number from %" PRIu64 " to %" PRIu64, option->minimum, option->maximum);
        break;
    case CMD_SECONDS:
        snprintf(text, room, "seconds from %g to %g", (double)option->minimum / 1e6,
                 (double)option->maximum / 1e6);
        break;
    case CMD_HOST_PORT:
        snprintf(text, room, "HOST:PORT");
        break;
    case CMD_WORDS:
        for (unsigned i = 0; option->words[i] && used >= 0 && (size_t)used < room; i++)
            used += snprintf(text + used, room - (size_t)used, "%s%s", i ? ", " : "all, ", option->words[i]);
        break;
    default:
        snprintf(text, room, "%s", option->argument ? option->argument : "nothing");
    }
}

static int refuse_value(const struct cmd_command *command, const struct cmd_option *option, const char *text,
                        int status)
{
    char expected[256];

    if (status == -E2BIG)
        return cmd_usage_error(command, "%s: more than %d are too many", option->name,
                               option->kind == CMD_TEXTS ? CMD_TEXTS_MAX : CMD_NUMBERS_MAX);
    describe(option, expected, sizeof(expected));
    return cmd_usage_error(command, "%s: '%s' is not what it takes (%s)", option->name, text, expected);
}

/* One option with its value, which may be the next word; *at moves on to the last word used. Given again, an
 * option that takes one value takes the last. */
static int take_option(const struct cmd_command *command, int argc, char **argv, int *at)
{
    char *word = argv[*at];
    size_t length = strncmp(word, "--", 2) ? 2 : strcspn(word, "=");
    const struct cmd_option *option = find_option(command, word, length);
    const char *value = word[length] == '=' ? word + length + 1 : word[length] ? word + length : NULL;
    uint64_t number;
    int status;

    if (!option)
        return cmd_usage_error(command, "unknown option '%s' (scramline %s --help lists the options)", word,
                               command->name);
    if (option->kind == CMD_FLAG && value)
        return cmd_usage_error(command, "%s takes no value", option->name);
    if (option->kind != CMD_FLAG && !value && ++*at == argc)
        return cmd_usage_error(command, "%s needs a value: %s", option->name, option->argument);
    value = value ? value : argv[*at];
    status = parse_value(option, value);
    if (status < 0)
        return refuse_value(command, option, value, status);
    while (option->kind == CMD_NUMBERS && *at + 1 < argc &&
           base_parse_u64(argv[*at + 1], 0, UINT64_MAX, &number) == 0) {
        status = parse_value(option, argv[++*at]);
        if (status < 0)
            return refuse_value(command, option, argv[*at], status);
    }
    if (option->given)
        *option->given = true;
    return CMD_EXIT_OK;
}

static bool is_help(const char *word)
{
    return !strcmp(word, "--help") || !strcmp(word, "-h");
}

/* Options anywhere among the operands; the operands in order. */
static int take_words(const struct cmd_command *command, int argc, char **argv, const char **operands,
                      unsigned *count)
{
    bool options_ended = false;

    for (int at = 1; at < argc; at++) {
        const char *word = argv[at];

        if (!options_ended && !strcmp(word, "--")) {
            options_ended = true;
        } else if (!options_ended && word[0] == '-' && word[1]) {
            int status = take_option(command, argc, argv, &at);
            if (status != CMD_EXIT_OK)
                return status;
        } else if (*count == command->operands_max) {
            return cmd_usage_error(command, "'%s' is one word too many (usage: scramline %s%s%s)", word,
                                   command->name, *command->operands ? " " : "", command->operands);
        } else if (!*word) {
            return cmd_usage_error(command, "an empty word is no name of a file");
        } else {
            operands[(*count)++] = word;
        }
    }
    if (*count < command->operands_min)
        return cmd_usage_error(command, "%s expected (scramline %s --help explains)", command->operands,
                               command->name);
    return CMD_EXIT_OK;
}

bool cmd_parse(const struct cmd_command *command, int argc, char **argv, const char **operands,
               unsigned *count, int *exit_status)
{
    static char program[64];

    snprintf(program, sizeof(program), "scramline %s", command->name);
    base_log_set_program(program);
    base_log_from_environment();
    *count = 0;
    for (int at = 1; at < argc && strcmp(argv[at], "--"); at++) {
        if (is_help(argv[at])) {
            print_help(command);
            *exit_status = CMD_EXIT_OK;
            return false;
        }
    }
    *exit_status = take_words(command, argc, argv, operands, count);
    return *exit_status == CMD_EXIT_OK;
}
