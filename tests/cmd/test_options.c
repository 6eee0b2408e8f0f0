/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <criterion/redirect.h>

#include "cmd/options.h"

static bool flag;
static const char *text;
static uint64_t number;
static uint64_t period;
static struct cmd_host_port ecmg;
static struct cmd_numbers pids;
static unsigned kinds;
static bool period_given;
static const char *const words[] = {"video", "audio", NULL};

static const struct cmd_option options[] = {
    {.name = "--flag", .kind = CMD_FLAG, .value = &flag, .help = "a flag"},
    {.name = "--text", .letter = 't', .argument = "TEXT", .kind = CMD_TEXT, .value = &text, .help = "a text"},
    {.name = "--number",
     .argument = "N",
     .kind = CMD_NUMBER,
     .value = &number,
     .minimum = 1,
     .maximum = 9,
     .help = "n"},
    {.name = "--period",
     .argument = "SECONDS",
     .kind = CMD_SECONDS,
     .value = &period,
     .given = &period_given,
     .minimum = 1000000,
     .maximum = 60000000,
     .help = "s"},
    {.name = "--ecmg", .argument = "HOST:PORT", .kind = CMD_HOST_PORT, .value = &ecmg, .help = "e"},
    {.name = "--pid", .argument = "PID…", .kind = CMD_NUMBERS, .value = &pids, .maximum = 8190, .help = "p"},
    {.name = "--components",
     .argument = "LIST",
     .kind = CMD_WORDS,
     .value = &kinds,
     .words = words,
     .help = "c"},
    {.name = NULL},
};

static const struct cmd_command command = {.name = "test",
                                           .operands = "IN OUT",
                                           .summary = "Tests.",
                                           .options = options,
                                           .operands_min = 2,
                                           .operands_max = 2};

static const char *operands[2];
static unsigned count;
static int status;

#define PARSE(...)                                                                                           \
    ({                                                                                                       \
        const char *argv_[] = {"test", __VA_ARGS__};                                                         \
        cmd_parse(&command, (int)(sizeof(argv_) / sizeof(argv_[0])), (char **)(uintptr_t)argv_, operands,    \
                  &count, &status);                                                                          \
    })

Test(options, options_may_stand_anywhere)
{
    cr_assert(PARSE("in", "--flag", "--text=a=b", "--number", "9", "out"));
    cr_assert(flag);
    cr_assert_str_eq(text, "a=b");
    cr_assert_eq(number, 9);
    cr_assert_str_eq(operands[0], "in");
    cr_assert_str_eq(operands[1], "out");
}

Test(options, dash_alone_is_an_operand_and_two_end_the_options)
{
    cr_assert(PARSE("-", "--", "--flag"));
    cr_assert_str_eq(operands[0], "-");
    cr_assert_str_eq(operands[1], "--flag");
    cr_assert_not(flag);
}

Test(options, typed_values)
{
    cr_assert(
        PARSE("-t", "x", "--period", "1.5", "--ecmg", "[::1]:2222", "--components", "audio", "in", "out"));
    cr_assert_str_eq(text, "x");
    cr_assert(period_given);
    cr_assert_eq(period, 1500000);
    cr_assert_str_eq(ecmg.host, "::1");
    cr_assert_eq(ecmg.port, 2222);
    cr_assert_eq(kinds, 2);
    cr_assert(PARSE("--components=all", "in", "out"));
    cr_assert_eq(kinds & 3, 3);
}

Test(options, given_again_the_last_value_counts)
{
    cr_assert(PARSE("in", "out", "--number=1", "--number=2"));
    cr_assert_eq(number, 2);
}

Test(options, numbers_as_lists_ranges_words_and_again)
{
    static const uint16_t expected[] = {256, 257, 300, 301, 302, 0x1ffe};

    cr_assert(PARSE("--pid", "256", "0x101", "--pid", "300-302", "in", "--pid=0x1ffe", "out"));
    cr_assert_eq(pids.count, 6);
    cr_assert_arr_eq(pids.values, expected, sizeof(expected));
}

static void refused(void)
{
    cr_assert_eq(status, CMD_EXIT_USAGE);
}

Test(options, every_wrong_line_is_refused_with_status_2, .init = cr_redirect_stderr)
{
    cr_assert_not(PARSE("--unknown", "in", "out"));
    refused();
    cr_assert_not(PARSE("in"));
    refused();
    cr_assert_not(PARSE("in", "out", "more"));
    refused();
    cr_assert_not(PARSE("in", "out", "--text"));
    refused();
    cr_assert_not(PARSE("in", "out", "--number=10"));
    refused();
    cr_assert_not(PARSE("in", "out", "--number=0"));
    refused();
    cr_assert_not(PARSE("in", "out", "--flag=yes"));
    refused();
    cr_assert_not(PARSE("in", "out", "--components=audio,radio"));
    refused();
    cr_assert_not(PARSE("in", "out", "--pid=9000"));
    refused();
    cr_assert_not(PARSE("in", "out", "--pid=5-4"));
    refused();
}

Test(options, the_message_is_one_line, .init = cr_redirect_stderr)
{
    cr_assert_not(PARSE("in", "out", "--bogus"));
    fflush(stderr);
    cr_assert_stderr_eq_str(
        "scramline test: unknown option '--bogus' (scramline test --help lists the options)\n");
}

Test(options, help_wins_and_exits_0, .init = cr_redirect_stdout)
{
    cr_assert_not(PARSE("--help", "--unknown"));
    cr_assert_eq(status, CMD_EXIT_OK);
}
