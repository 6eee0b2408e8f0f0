/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/yaml.h"

#include <inttypes.h>
#include <string.h>
#include <yaml.h>

#include "base/error.h"
#include "base/secret.h"
#include "base/yaml_scalar.h"

struct loading {
    yaml_parser_t parser;
    const struct base_yaml_report *report;
    const char *text;
    size_t size;
};

static size_t line_of(const yaml_event_t *event)
{
    return event->start_mark.line + 1;
}

/* The parser reads ahead: what it cannot decode lies further on than its mark. */
static size_t line_of_problem(const struct loading *loading)
{
    const yaml_parser_t *parser = &loading->parser;
    size_t line = 1;

    if (parser->error != YAML_READER_ERROR)
        return (parser->problem_mark.line ? parser->problem_mark.line : parser->mark.line) + 1;
    for (size_t i = 0; i < parser->problem_offset && i < loading->size; i++)
        line += loading->text[i] == '\n';
    return line;
}

static int refuse_syntax(const struct loading *loading)
{
    const yaml_parser_t *parser = &loading->parser;

    return base_yaml_refuse(loading->report, line_of_problem(loading), "%s%s%s",
                            parser->problem ? parser->problem : "out of memory", parser->context ? " " : "",
                            parser->context ? parser->context : "");
}

/* Wipes what may have been a secret. */
static void release(yaml_event_t *event)
{
    if (event->type == YAML_SCALAR_EVENT)
        base_secure_zero(event->data.scalar.value, event->data.scalar.length);
    yaml_event_delete(event);
}

static bool is_anchored(const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_ALIAS_EVENT:
        return true;
    case YAML_SCALAR_EVENT:
        return event->data.scalar.anchor;
    case YAML_SEQUENCE_START_EVENT:
        return event->data.sequence_start.anchor;
    case YAML_MAPPING_START_EVENT:
        return event->data.mapping_start.anchor;
    default:
        return false;
    }
}

/* 0: an event, for release(). */
static int next(struct loading *loading, yaml_event_t *event)
{
    int status;

    if (!yaml_parser_parse(&loading->parser, event))
        return refuse_syntax(loading);
    if (!is_anchored(event))
        return 0;
    status = base_yaml_refuse(loading->report, line_of(event), "anchors (&) and aliases (*) are not taken");
    release(event);
    return status;
}

/* The text of a scalar; NULL for anything else, and where a NUL byte hides in it. */
static const char *scalar_text(const yaml_event_t *event)
{
    const char *text = event->type == YAML_SCALAR_EVENT ? (const char *)event->data.scalar.value : NULL;

    return text && strlen(text) == event->data.scalar.length ? text : NULL;
}

static void note(const struct base_yaml_key *key, const yaml_event_t *event, char *into)
{
    if (key->given)
        *(bool *)(into + key->given) = true;
    if (key->line)
        *(unsigned *)(void *)(into + key->line) = (unsigned)line_of(event);
}

static int take_value(struct loading *loading, const struct base_yaml_key *key, const yaml_event_t *event,
                      char *into);

static int take_entry(struct loading *loading, const struct base_yaml_key *list, const yaml_event_t *event,
                      char *into, unsigned *count)
{
    char *entry = into + list->offset + *count * list->size;

    if (*count == (unsigned)list->maximum)
        return base_yaml_refuse(loading->report, line_of(event), "%s: more than %" PRId64 " entries",
                                list->name, list->maximum);
    ++*count;
    if (list->init)
        list->init(entry);
    note(list->keys, event, entry);
    return take_value(loading, list->keys, event, entry);
}

static int take_list(struct loading *loading, const struct base_yaml_key *key, const yaml_event_t *start,
                     char *into)
{
    unsigned *count = (unsigned *)(void *)(into + key->count);
    bool ended = false;
    int status = 0;

    if (start->type != YAML_SEQUENCE_START_EVENT)
        return base_yaml_refuse(loading->report, line_of(start), "%s: a list ('- …') expected", key->name);
    while (status == 0 && !ended) {
        yaml_event_t event;

        if ((status = next(loading, &event)) < 0)
            break;
        ended = event.type == YAML_SEQUENCE_END_EVENT;
        if (!ended)
            status = take_entry(loading, key, &event, into, count);
        release(&event);
    }
    if (status == 0 && *count < (unsigned)key->minimum)
        status = base_yaml_refuse(loading->report, line_of(start), "%s: at least %" PRId64 " expected",
                                  key->name, key->minimum);
    return status;
}

static int take_pair(struct loading *loading, const struct base_yaml_key *keys, uint32_t *seen,
                     const yaml_event_t *name, const yaml_event_t *value, char *into)
{
    const char *text = scalar_text(name);
    unsigned at = 0;

    while (keys[at].name && (!text || strcmp(keys[at].name, text) != 0))
        at++;
    if (!keys[at].name)
        return base_yaml_refuse(loading->report, line_of(name), "unknown key '%.40s'", text ? text : "");
    if (*seen & (1u << at))
        return base_yaml_refuse(loading->report, line_of(name), "%s is given twice", text);
    *seen |= 1u << at;
    note(&keys[at], name, into);
    return take_value(loading, &keys[at], value, into);
}

/* The value is fetched before its name is judged: what is not YAML at all is said first. */
static int read_pair(struct loading *loading, const struct base_yaml_key *keys, uint32_t *seen,
                     const yaml_event_t *name, char *into)
{
    yaml_event_t value;
    int status;

    if (name->type != YAML_SCALAR_EVENT)
        return base_yaml_refuse(loading->report, line_of(name), "unknown key ''");
    status = next(loading, &value);
    if (status < 0)
        return status;
    status = take_pair(loading, keys, seen, name, &value, into);
    release(&value);
    return status;
}

static int check_required(const struct loading *loading, const struct base_yaml_key *key, size_t line,
                          uint32_t seen)
{
    for (unsigned at = 0; key->keys[at].name; at++) {
        if (key->keys[at].required && !(seen & (1u << at)))
            return base_yaml_refuse(loading->report, line, "%s: %s is missing", key->name,
                                    key->keys[at].name);
    }
    return 0;
}

static int take_mapping(struct loading *loading, const struct base_yaml_key *key, const yaml_event_t *start,
                        char *into)
{
    uint32_t seen = 0;
    bool ended = false;
    int status = 0;

    if (start->type != YAML_MAPPING_START_EVENT)
        return base_yaml_refuse(loading->report, line_of(start), "%s: 'KEY: VALUE' expected", key->name);
    while (status == 0 && !ended) {
        yaml_event_t name;

        if ((status = next(loading, &name)) < 0)
            break;
        ended = name.type == YAML_MAPPING_END_EVENT;
        if (!ended)
            status = read_pair(loading, key->keys, &seen, &name, into);
        release(&name);
    }
    return status < 0 ? status : check_required(loading, key, line_of(start), seen);
}

static int take_value(struct loading *loading, const struct base_yaml_key *key, const yaml_event_t *event,
                      char *into)
{
    if (key->kind == BASE_YAML_MAPPING)
        return take_mapping(loading, key, event, into + key->offset);
    if (key->kind == BASE_YAML_LIST)
        return take_list(loading, key, event, into);
    return base__yaml_take_scalar(loading->report, key, scalar_text(event), line_of(event), into);
}

static int begin_stream(struct loading *loading)
{
    yaml_event_t event;
    int status = next(loading, &event);

    if (status < 0)
        return status;
    if (event.data.stream_start.encoding != YAML_UTF8_ENCODING)
        status = base_yaml_refuse(loading->report, 1, "is not UTF-8");
    release(&event);
    return status;
}

/* The next event's type and line alone. */
static int skip(struct loading *loading, yaml_event_type_t *type, size_t *line)
{
    yaml_event_t event;
    int status = next(loading, &event);

    if (status < 0)
        return status;
    *type = event.type;
    *line = line_of(&event);
    release(&event);
    return 0;
}

/* Behind the document's end. A second document is refused on the line where its content begins. */
static int check_end(struct loading *loading)
{
    yaml_event_type_t type;
    size_t line;
    int status = skip(loading, &type, &line);

    if (status < 0 || type == YAML_STREAM_END_EVENT)
        return status;
    status = skip(loading, &type, &line);
    if (status < 0)
        return status;
    return base_yaml_refuse(loading->report, line, "a second document ('---') begins here");
}

static int take_document(struct loading *loading, const struct base_yaml_key *root, void *into)
{
    yaml_event_type_t type;
    yaml_event_t event;
    size_t line;
    int status = next(loading, &event);

    if (status < 0)
        return status;
    status = take_mapping(loading, root, &event, into);
    release(&event);
    return status < 0 ? status : skip(loading, &type, &line);
}

static int take_stream(struct loading *loading, const struct base_yaml_key *root, void *into)
{
    yaml_event_type_t type;
    size_t line;
    int status;

    if ((status = begin_stream(loading)) < 0 || (status = skip(loading, &type, &line)) < 0)
        return status;
    if (type == YAML_STREAM_END_EVENT) /* an empty text: everything stays as it is */
        return check_required(loading, root, 1, 0);
    status = take_document(loading, root, into);
    return status < 0 ? status : check_end(loading);
}

/* libyaml keeps the text, and the text decoded. */
static void delete_parser(yaml_parser_t *parser)
{
    base_secure_zero(parser->raw_buffer.start, (size_t)(parser->raw_buffer.end - parser->raw_buffer.start));
    base_secure_zero(parser->buffer.start, (size_t)(parser->buffer.end - parser->buffer.start));
    yaml_parser_delete(parser);
}

int base_yaml_load(const struct base_yaml_key *keys, void *into, const char *text, size_t size,
                   const struct base_yaml_report *report)
{
    const struct base_yaml_key root = {.name = "the file", .kind = BASE_YAML_MAPPING, .keys = keys};
    struct loading loading = {.report = report, .text = text, .size = size};
    int status;

    if (!yaml_parser_initialize(&loading.parser))
        return base_yaml_refuse(report, 1, "out of memory");
    yaml_parser_set_input_string(&loading.parser, (const unsigned char *)text, size);
    status = take_stream(&loading, &root, into);
    delete_parser(&loading.parser);
    return status;
}
