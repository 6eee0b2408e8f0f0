/* SPDX-License-Identifier: GPL-3.0-or-later */
/* docs/simulcrypt.md says what the tables say, row by row, and the tests that it names exist. */
#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tables.h"

static char document[1 << 18];
static char source[1 << 18];

static void load(char *into, size_t room, const char *path)
{
    FILE *file = fopen(path, "rb");
    cr_assert(file, "cannot open %s", path);
    size_t size = fread(into, 1, room - 1, file);
    fclose(file);
    cr_assert_lt(size, room - 1);
    into[size] = 0;
}

static void open_document(void)
{
    load(document, sizeof(document), DOCUMENT);
}

TestSuite(docs, .init = open_document);

struct row {
    char text[4096];
    size_t used;
};

__attribute__((format(printf, 2, 3))) static void add(struct row *row, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    row->used += (size_t)vsnprintf(row->text + row->used, sizeof(row->text) - row->used, format, arguments);
    va_end(arguments);
    cr_assert_lt(row->used, sizeof(row->text));
}

/* "1", "0-1", "1-n", … */
static void add_rules(struct row *row, const struct simulcrypt_interface *interface,
                      const struct simulcrypt_message_type *type)
{
    for (size_t i = 0; i < type->rule_count; i++) {
        const struct simulcrypt_rule *rule = &type->rules[i];
        add(row, "%s%s ", i ? ", " : "", simulcrypt_parameter_name(interface, rule->tag));
        if (rule->count_min == rule->count_max)
            add(row, "%u", rule->count_min);
        else if (rule->count_max == SIMULCRYPT_MANY)
            add(row, "%u-n", rule->count_min);
        else
            add(row, "%u-%u", rule->count_min, rule->count_max);
        if (rule->since)
            add(row, " (from version %u)", rule->since);
    }
}

static struct row message_row(const struct simulcrypt_interface *interface,
                              const struct simulcrypt_message_type *type)
{
    static const char *const senders[] = {"", "client", "server", "both"};
    struct row row = {.used = 0};
    add(&row, "| 0x%04X | %s | %s | ", type->type, type->name, senders[type->from]);
    add_rules(&row, interface, type);
    add(&row, " | ");
    return row;
}

static struct row parameter_row(const struct simulcrypt_interface *interface,
                                const struct simulcrypt_parameter_type *type)
{
    static const char *const kinds[] = {"number", "signed",        "boolean", "format",
                                        "bytes",  "CP number, CW", "compound"};
    struct row row = {.used = 0};
    add(&row, "| 0x%04X | %s | ", type->tag, type->name);
    if (type->size_min == type->size_max)
        add(&row, "%u", type->size_min);
    else if (type->size_max == UINT16_MAX)
        add(&row, "%u-", type->size_min);
    else
        add(&row, "%u-%u", type->size_min, type->size_max);
    add(&row, " | %s", kinds[type->kind]);
    if (type->inner) {
        add(&row, ": ");
        add_rules(&row, interface, type->inner);
    }
    add(&row, " |\n");
    return row;
}

static struct row error_row(const struct simulcrypt_error_type *type)
{
    struct row row = {.used = 0};
    add(&row, "| 0x%04X | %s |\n", type->number, type->text);
    return row;
}

/* The interface's chapter, "## NAME", ends before the next one. */
static char *chapter_of(const struct simulcrypt_interface *interface, char **end)
{
    char heading[100];
    snprintf(heading, sizeof(heading), "\n## %s\n", interface->name);
    char *chapter = strstr(document, heading);
    cr_assert(chapter, "no chapter%s", heading);
    *end = strstr(chapter + strlen(heading), "\n## ");
    if (!*end)
        *end = chapter + strlen(chapter);
    return chapter;
}

static const char *expect_row(char *chapter, char *end, const struct row *row)
{
    char line[sizeof(row->text) + 1];
    snprintf(line, sizeof(line), "\n%s", row->text);
    const char *found = strstr(chapter, line);
    cr_assert(found && found < end, "docs/simulcrypt.md should have this row:%s", line);
    return found + strlen(line);
}

static size_t count_rows(const char *chapter, const char *end)
{
    size_t count = 0;
    for (const char *at = chapter; (at = strstr(at, "\n| 0x")) && at < end; at++)
        count++;
    return count;
}

static size_t table_rows(const struct simulcrypt_interface *interface)
{
    return interface->message_count + interface->parameter_count + interface->error_count;
}

/* "`suite/test`": a Test(suite, test) of test_SUITE.c. */
static void expect_test(const char *name, size_t size)
{
    char suite[64];
    char path[512];
    char line[256];
    const char *slash = memchr(name, '/', size);
    cr_assert(slash, "no suite/test: %.*s", (int)size, name);
    snprintf(suite, sizeof(suite), "%.*s", (int)(slash - name), name);
    snprintf(path, sizeof(path), "%s/test_%s.c", TESTS, suite);
    load(source, sizeof(source), path);
    snprintf(line, sizeof(line), "\nTest(%s, %.*s", suite, (int)(name + size - slash - 1), slash + 1);
    const char *found = strstr(source, line);
    cr_assert(found && strchr("),", found[strlen(line)]), "there is no%s)", line);
}

static void expect_tests(const char *cell)
{
    const char *end = strchr(cell, '\n');
    unsigned named = 0;
    for (const char *open = strchr(cell, '`'); open && open < end; named++) {
        const char *close = strchr(open + 1, '`');
        cr_assert(close && close < end);
        expect_test(open + 1, (size_t)(close - open - 1));
        open = strchr(close + 1, '`');
    }
    cr_assert(named, "no test is named: %.60s", cell);
}

Test(docs, every_message_is_described_and_its_tests_exist)
{
    for (size_t i = 0; i < TABLES_COUNT; i++) {
        char *end;
        char *chapter = chapter_of(tables_all[i], &end);
        for (size_t m = 0; m < tables_all[i]->message_count; m++) {
            struct row row = message_row(tables_all[i], &tables_all[i]->messages[m]);
            expect_tests(expect_row(chapter, end, &row));
        }
    }
}

Test(docs, every_parameter_and_every_error_is_described)
{
    for (size_t i = 0; i < TABLES_COUNT; i++) {
        char *end;
        char *chapter = chapter_of(tables_all[i], &end);
        for (size_t p = 0; p < tables_all[i]->parameter_count; p++) {
            struct row row = parameter_row(tables_all[i], &tables_all[i]->parameters[p]);
            expect_row(chapter, end, &row);
        }
        for (size_t e = 0; e < tables_all[i]->error_count; e++) {
            struct row row = error_row(&tables_all[i]->error_types[e]);
            expect_row(chapter, end, &row);
        }
    }
}

Test(docs, nothing_is_described_that_the_tables_do_not_have)
{
    for (size_t i = 0; i < TABLES_COUNT; i++) {
        char *end;
        const char *chapter = chapter_of(tables_all[i], &end);
        cr_assert_eq(count_rows(chapter, end), table_rows(tables_all[i]), "%s", tables_all[i]->name);
    }
}
