/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ecmg/yaml_table.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "base/error.h"
#include "base/text.h"

#define NAME_SHOWN_MAX 120 /* the end of a long path */

struct loading {
    yaml_document_t *document;
    const struct ecmg__yaml_report *report;
};

int ecmg__yaml_refuse(const struct ecmg__yaml_report *report, size_t line, const char *format, ...)
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
        if ((unsigned char)*c < 0x20 || *c == 0x7F)
            *c = '?';
    }
    return BASE_E_CONFIGURATION;
}

static size_t line_of(const yaml_node_t *node)
{
    return node->start_mark.line + 1;
}

/* The text of a scalar; NULL for anything else, and where a NUL byte hides in it. */
static const char *scalar_text(const yaml_node_t *node)
{
    const char *text = node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : NULL;

    return text && strlen(text) == node->data.scalar.length ? text : NULL;
}

static int parse_number(const char *text, const struct ecmg__yaml_key *key, int64_t *number)
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

    memcpy(at, size == 1 ? (void *)&u8 : size == 2 ? (void *)&u16 : (void *)&u32, size);
}

static int take_number(const struct loading *loading, const struct ecmg__yaml_key *key,
                       const yaml_node_t *node, char *into)
{
    const char *text = scalar_text(node);
    int64_t number;

    if (!text || parse_number(text, key, &number) < 0)
        return ecmg__yaml_refuse(loading->report, line_of(node),
                                 "%s: '%.40s' is not a whole number from %" PRId64 " to %" PRId64, key->name,
                                 text ? text : "", key->minimum, key->maximum);
    store_number(into + key->offset, key->size, number);
    return 0;
}

static int take_text(const struct loading *loading, const struct ecmg__yaml_key *key, const yaml_node_t *node,
                     char *into)
{
    const char *text = scalar_text(node);

    if (!text || !*text || strlen(text) >= key->size)
        return ecmg__yaml_refuse(loading->report, line_of(node), "%s: a text of 1 to %zu characters expected",
                                 key->name, key->size - 1);
    memcpy(into + key->offset, text, strlen(text) + 1);
    return 0;
}

static int take_choice(const struct loading *loading, const struct ecmg__yaml_key *key,
                       const yaml_node_t *node, char *into)
{
    const char *text = scalar_text(node);

    for (unsigned word = 0; text && word < 2; word++) {
        if (!strcmp(text, key->words[word])) {
            *(bool *)(into + key->offset) = word;
            return 0;
        }
    }
    return ecmg__yaml_refuse(loading->report, line_of(node), "%s: '%.40s' is neither '%s' nor '%s'",
                             key->name, text ? text : "", key->words[0], key->words[1]);
}

static int take_mapping(const struct loading *loading, const struct ecmg__yaml_key *keys, const char *what,
                        const yaml_node_t *node, char *into);

static int take_list(const struct loading *loading, const struct ecmg__yaml_key *key, const yaml_node_t *node,
                     char *into)
{
    unsigned *count = (unsigned *)(void *)(into + key->count);
    int status = 0;

    if (node->type != YAML_SEQUENCE_NODE)
        return ecmg__yaml_refuse(loading->report, line_of(node), "%s: a list ('- …') expected", key->name);
    for (const yaml_node_item_t *item = node->data.sequence.items.start;
         status == 0 && item < node->data.sequence.items.top; item++) {
        const yaml_node_t *entry = yaml_document_get_node(loading->document, *item);

        if (*count == (unsigned)key->maximum)
            return ecmg__yaml_refuse(loading->report, line_of(entry), "%s: more than %" PRId64 " entries",
                                     key->name, key->maximum);
        status = take_mapping(loading, key->keys, key->name, entry, into + key->offset + *count * key->size);
        ++*count;
    }
    return status;
}

static int take_value(const struct loading *loading, const struct ecmg__yaml_key *key,
                      const yaml_node_t *node, char *into)
{
    switch (key->kind) {
    case ECMG__YAML_NUMBER:
        return take_number(loading, key, node, into);
    case ECMG__YAML_TEXT:
        return take_text(loading, key, node, into);
    case ECMG__YAML_CHOICE:
        return take_choice(loading, key, node, into);
    case ECMG__YAML_MAPPING:
        return take_mapping(loading, key->keys, key->name, node, into);
    case ECMG__YAML_LIST:
        return take_list(loading, key, node, into);
    }
    return BASE_E_CONFIGURATION;
}

static int take_pair(const struct loading *loading, const struct ecmg__yaml_key *keys, uint32_t *seen,
                     const yaml_node_t *name, const yaml_node_t *value, char *into)
{
    const char *text = scalar_text(name);
    unsigned at = 0;

    while (keys[at].name && (!text || strcmp(keys[at].name, text) != 0))
        at++;
    if (!keys[at].name)
        return ecmg__yaml_refuse(loading->report, line_of(name), "unknown key '%.40s'", text ? text : "");
    if (*seen & (1u << at))
        return ecmg__yaml_refuse(loading->report, line_of(name), "%s is given twice", text);
    *seen |= 1u << at;
    if (keys[at].given)
        *(bool *)(into + keys[at].given) = true;
    if (keys[at].line)
        *(unsigned *)(void *)(into + keys[at].line) = (unsigned)line_of(name);
    return take_value(loading, &keys[at], value, into);
}

/* Every kind of node here has a fixed depth, so an alias to an enclosing node cannot lead in a circle. */
static int take_mapping(const struct loading *loading, const struct ecmg__yaml_key *keys, const char *what,
                        const yaml_node_t *node, char *into)
{
    uint32_t seen = 0;
    int status = 0;

    if (node->type != YAML_MAPPING_NODE)
        return ecmg__yaml_refuse(loading->report, line_of(node), "%s: 'KEY: VALUE' expected", what);
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         status == 0 && pair < node->data.mapping.pairs.top; pair++)
        status = take_pair(loading, keys, &seen, yaml_document_get_node(loading->document, pair->key),
                           yaml_document_get_node(loading->document, pair->value), into);
    for (unsigned at = 0; status == 0 && keys[at].name; at++) {
        if (keys[at].required && !(seen & (1u << at)))
            status =
                ecmg__yaml_refuse(loading->report, line_of(node), "%s: %s is missing", what, keys[at].name);
    }
    return status;
}

static int refuse_syntax(const yaml_parser_t *parser, const struct ecmg__yaml_report *report)
{
    size_t line = parser->problem_mark.line ? parser->problem_mark.line : parser->mark.line;

    return ecmg__yaml_refuse(report, line + 1, "%s%s%s", parser->problem ? parser->problem : "out of memory",
                             parser->context ? " " : "", parser->context ? parser->context : "");
}

static int refuse_second_document(yaml_parser_t *parser, const struct ecmg__yaml_report *report)
{
    yaml_document_t second;
    const yaml_node_t *root;
    int status = 0;

    if (!yaml_parser_load(parser, &second))
        return refuse_syntax(parser, report);
    root = yaml_document_get_root_node(&second);
    if (root)
        status = ecmg__yaml_refuse(report, line_of(root), "a second document ('---') begins here");
    yaml_document_delete(&second);
    return status;
}

int ecmg__yaml_load(const struct ecmg__yaml_key *keys, void *into, const char *text, size_t size,
                    const struct ecmg__yaml_report *report)
{
    yaml_parser_t parser;
    yaml_document_t document;
    const struct loading loading = {.document = &document, .report = report};
    const yaml_node_t *root;
    int status = 0;

    if (!yaml_parser_initialize(&parser))
        return ecmg__yaml_refuse(report, 1, "out of memory");
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
    if (!yaml_parser_load(&parser, &document)) {
        status = refuse_syntax(&parser, report);
        goto delete_parser;
    }
    root = yaml_document_get_root_node(&document);
    if (root) { /* an empty text has none: everything stays as it is */
        status = take_mapping(&loading, keys, "the file", root, into);
        if (status == 0)
            status = refuse_second_document(&parser, report);
    }
    yaml_document_delete(&document);
delete_parser:
    yaml_parser_delete(&parser);
    return status;
}
