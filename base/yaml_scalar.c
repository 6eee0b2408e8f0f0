/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/yaml_scalar.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/text.h"

#define NAME_SHOWN_MAX 120 /* the end of a long path */
#define QUOTED         "'%.60s'"

const char *const base_yaml_booleans[] = {"false", "true", "no", "yes", "off", "on", NULL};

/* C0, DEL, and C1 as UTF-8 has it: terminals act on all of them. */
static bool is_control(const char *text)
{
    const unsigned char *c = (const unsigned char *)text;

    return *c < 0x20 || *c == 0x7F || (c[0] == 0xC2 && c[1] >= 0x80 && c[1] < 0xA0);
}

static bool has_control(const char *text)
{
    while (*text && !is_control(text))
        text++;
    return *text;
}

int base_yaml_refuse(const struct base_yaml_report *report, size_t line, const char *format, ...)
{
    size_t length = strlen(report->name);
    const char *name = length > NAME_SHOWN_MAX ? report->name + length - NAME_SHOWN_MAX : report->name;
    int used = snprintf(report->why, report->room, "%s:%zu: ", name, line);
    va_list arguments;

    va_start(arguments, format);
    if (used >= 0 && (size_t)used < report->room)
        vsnprintf(report->why + used, report->room - (size_t)used, format, arguments);
    va_end(arguments);
    for (char *c = report->why; *c; c++) {
        if (!is_control(c))
            continue;
        if (*c == '\xC2')
            c[1] = '?';
        *c = '?';
    }
    return BASE_E_CONFIGURATION;
}

static const char *quotable(const char *text)
{
    return text ? text : "";
}

static int parse_number(const char *text, const struct base_yaml_key *key, int64_t *number)
{
    bool negative = *text == '-';
    uint64_t magnitude;
    int status = base_parse_u64(text + negative, 0, INT64_MAX, &magnitude);

    /* YAML 1.1 reads a leading zero as octal, YAML 1.2 does not: nobody shall have to know. */
    if (status < 0 || (text[negative] == '0' && text[negative + 1] >= '0' && text[negative + 1] <= '9'))
        return BASE_E_MALFORMED;
    *number = negative ? -(int64_t)magnitude : (int64_t)magnitude;
    return *number < key->minimum || *number > key->maximum ? -ERANGE : 0;
}

static void store_number(void *at, size_t size, int64_t number)
{
    uint8_t u8 = (uint8_t)number;
    uint16_t u16 = (uint16_t)number; /* two's complement serves int16_t as well */
    uint32_t u32 = (uint32_t)number;

    memcpy(at, size == 1 ? (void *)&u8 : size == 2 ? (void *)&u16 : size == 4 ? (void *)&u32 : &number, size);
}

static int take_number(const struct base_yaml_report *report, const struct base_yaml_key *key,
                       const char *text, size_t line, char *into)
{
    int64_t number;

    if (!text || parse_number(text, key, &number) < 0)
        return base_yaml_refuse(report, line,
                                "%s: " QUOTED " is not a whole number from %" PRId64 " to %" PRId64,
                                key->name, quotable(text), key->minimum, key->maximum);
    store_number(into + key->offset, key->size, number);
    return 0;
}

static int take_seconds(const struct base_yaml_report *report, const struct base_yaml_key *key,
                        const char *text, size_t line, char *into)
{
    uint64_t microseconds;

    if (!text || base_parse_seconds(text, (uint64_t)key->minimum, (uint64_t)key->maximum, &microseconds) < 0)
        return base_yaml_refuse(report, line, "%s: " QUOTED " is not a time in seconds from %g to %g",
                                key->name, quotable(text), (double)key->minimum / 1e6,
                                (double)key->maximum / 1e6);
    memcpy(into + key->offset, &microseconds, sizeof(microseconds));
    return 0;
}

static int take_text(const struct base_yaml_report *report, const struct base_yaml_key *key, const char *text,
                     size_t line, char *into)
{
    if (!text || !*text || strlen(text) >= key->size)
        return base_yaml_refuse(report, line, "%s: a text of 1 to %zu characters expected", key->name,
                                key->size - 1);
    if (has_control(text))
        return base_yaml_refuse(report, line, "%s: holds control characters", key->name);
    memcpy(into + key->offset, text, strlen(text) + 1);
    return 0;
}

static int refuse_word(const struct base_yaml_report *report, const struct base_yaml_key *key,
                       const char *text, size_t line)
{
    const char *const *words = key->words;
    char all[160] = "";
    size_t used = 0;

    if (words[1] && !words[2])
        return base_yaml_refuse(report, line, "%s: " QUOTED " is neither '%s' nor '%s'", key->name,
                                quotable(text), words[0], words[1]);
    for (unsigned i = 0; words[i] && used < sizeof(all); i++)
        used += (size_t)snprintf(all + used, sizeof(all) - used, "%s%s", i ? ", " : "", words[i]);
    return base_yaml_refuse(report, line, "%s: " QUOTED " is none of %s", key->name, quotable(text), all);
}

static int take_word(const struct base_yaml_report *report, const struct base_yaml_key *key, const char *text,
                     size_t line, char *into)
{
    unsigned index = 0;

    while (key->words[index] && (!text || strcasecmp(key->words[index], text) != 0))
        index++;
    if (!key->words[index])
        return refuse_word(report, key, text, line);
    if (key->kind == BASE_YAML_BOOLEAN)
        *(bool *)(into + key->offset) = index & 1;
    else
        store_number(into + key->offset, key->size, index);
    return 0;
}

static int take_parsed(const struct base_yaml_report *report, const struct base_yaml_key *key,
                       const char *text, size_t line, char *into)
{
    if (!text || has_control(text) || key->parse(text, into + key->offset) < 0)
        return base_yaml_refuse(report, line, "%s: " QUOTED " %s", key->name, quotable(text), key->expected);
    return 0;
}

int base__yaml_take_scalar(const struct base_yaml_report *report, const struct base_yaml_key *key,
                           const char *text, size_t line, char *into)
{
    switch (key->kind) {
    case BASE_YAML_NUMBER:
        return take_number(report, key, text, line, into);
    case BASE_YAML_SECONDS:
        return take_seconds(report, key, text, line, into);
    case BASE_YAML_TEXT:
        return take_text(report, key, text, line, into);
    case BASE_YAML_WORD:
    case BASE_YAML_BOOLEAN:
        return take_word(report, key, text, line, into);
    case BASE_YAML_PARSED:
        return take_parsed(report, key, text, line, into);
    default:
        return BASE_E_CONFIGURATION; /* not a scalar: base/yaml.c takes it */
    }
}
