/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ecmg/yaml_table.h: a YAML text into a structure, by tables of keys. Private to the room. Thread-safe: no
 * state.
 *
 * Straight on libyaml: it knows the line of every node, which libcyaml 1.3 loses, and values are as strict as
 * the command line's ("12abc", "010" and a bound overstepped are errors, as is a key that no table names). */
#ifndef ECMG_YAML_TABLE_H
#define ECMG_YAML_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ecmg__yaml_kind {
    ECMG__YAML_NUMBER,  /* an integer of `size` bytes, signed where minimum is below 0 */
    ECMG__YAML_TEXT,    /* char[size], not empty */
    ECMG__YAML_CHOICE,  /* bool: false for words[0], true for words[1] */
    ECMG__YAML_MAPPING, /* keys of its own, offsets from the same start */
    ECMG__YAML_LIST,    /* at most `maximum` mappings of `keys`, `size` bytes each; their number at `count` */
};

struct ecmg__yaml_key {
    const char *name; /* NULL ends a table */
    size_t offset;
    size_t size;
    int64_t minimum, maximum;
    size_t given; /* a bool that is set where the key is there; 0: none */
    size_t line;  /* an unsigned that gets the key's line; 0: none */
    size_t count; /* of a list: an unsigned */
    const char *words[2];
    const struct ecmg__yaml_key *keys;
    enum ecmg__yaml_kind kind;
    bool required;
};

/* What a message about the text begins with, and where it goes. */
struct ecmg__yaml_report {
    const char *name; /* of the file */
    char *why;
    size_t room;
};

/* "NAME:LINE: …" in one line without control characters; BASE_E_CONFIGURATION. */
int ecmg__yaml_refuse(const struct ecmg__yaml_report *report, size_t line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Leaves alone what the text does not name. 0, or BASE_E_CONFIGURATION with the report filled. */
int ecmg__yaml_load(const struct ecmg__yaml_key *keys, void *into, const char *text, size_t size,
                    const struct ecmg__yaml_report *report);

#endif
