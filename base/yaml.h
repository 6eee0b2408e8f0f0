/* SPDX-License-Identifier: GPL-3.0-or-later */
/* base/yaml.h: a YAML text into a structure of checked values, by tables of keys. Thread-safe: no state.
 *
 * Straight on libyaml's events. libcyaml 1.3 was tried and rejected: it takes "12abc" as 12 and "010" as 8,
 * knows no bounds, and tells the line before the mistake, or none. Here values are as strict as the command
 * line's, and every refusal names its line, those of the caller's own checks too.
 *
 * The text may be hostile. Each event is looked at once, against the table, and the first that does not fit
 * ends it: so nesting goes as deep as the tables do, and memory is what the caller gave. Refused as well:
 * anchors and aliases, a key that no table names or that comes twice, a second document, control characters,
 * NUL, and all that is not UTF-8. */
#ifndef BASE_YAML_H
#define BASE_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BASE_YAML_FILE_MAX ((size_t)1 << 20) /* bytes */

enum base_yaml_kind {
    BASE_YAML_NUMBER,  /* an integer of `size` bytes, signed where minimum is below 0 */
    BASE_YAML_SECONDS, /* uint64_t: microseconds, bounds too */
    BASE_YAML_TEXT,    /* char[size], not empty; messages never quote it */
    BASE_YAML_WORD,    /* an integer of `size` bytes: the index in `words`, letters of either case */
    BASE_YAML_BOOLEAN, /* bool: `words` are in pairs of false and true */
    BASE_YAML_PARSED,  /* whatever parse() makes of a text without control characters */
    BASE_YAML_MAPPING, /* `keys` of its own, their offsets (of line, given, count too) from `offset` */
    BASE_YAML_LIST,    /* minimum … maximum entries of `size` bytes, their number at `count` */
};

struct base_yaml_key {
    const char *name; /* NULL ends a table */
    size_t offset;
    size_t size;
    int64_t minimum, maximum;
    size_t line;              /* an unsigned that gets the line, for checks to come; 0: none */
    size_t given;             /* a bool that is set where the key is there; 0: none */
    size_t count;             /* of a list: an unsigned */
    const char *const *words; /* NULL ends them */
    int (*parse)(const char *text, void *into); /* negative: refused, with `expected` */
    const char *expected;                       /* "is not ADDRESS:PORT" */
    const struct base_yaml_key *keys; /* of a mapping: at most 32; of a list: the one that describes an entry,
                                         offsets from the entry's start */
    void (*init)(void *entry);        /* of a list: what an entry begins as; NULL: as it is */
    enum base_yaml_kind kind;
    bool required;
};

extern const char *const base_yaml_booleans[]; /* false, true, no, yes, off, on */

/* What a message about the text begins with, and where it goes. */
struct base_yaml_report {
    const char *name; /* of the file */
    char *why;
    size_t room;
};

/* "NAME:LINE: …" in one line without control characters; BASE_E_CONFIGURATION. */
int base_yaml_refuse(const struct base_yaml_report *report, size_t line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Leaves alone what the text does not name. 0, or BASE_E_CONFIGURATION with the report filled. */
int base_yaml_load(const struct base_yaml_key *keys, void *into, const char *text, size_t size,
                   const struct base_yaml_report *report);

/* A whole file, for base_yaml_discard(). Negative errno: -EFBIG over BASE_YAML_FILE_MAX; *text is NULL then.
 */
int base_yaml_read(const char *path, char **text, size_t *size);
void base_yaml_discard(char *text, size_t size); /* wipes; NULL is allowed */

#endif
