/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/yaml.h"

struct entry {
    char name[8];
    unsigned line;
    int16_t weight;
};

/* What several configurations have, at places of their own. */
struct part {
    int16_t weight;
    unsigned weight_line;
    bool has_tags;
    unsigned tag_count;
    uint8_t tags[2];
};

struct content {
    uint8_t u8;
    int16_t i16;
    uint32_t u32;
    uint64_t u64;
    uint64_t microseconds;
    char text[8];
    unsigned text_line;
    bool text_given;
    uint16_t colour;
    bool on, packed;
    char upper;
    unsigned entry_count, word_count;
    struct entry entries[3];
    uint8_t words[4];
    struct part first, second;
    unsigned second_line;
    bool second_given;
};

#define AT(member) .offset = offsetof(struct content, member), .size = sizeof(((struct content *)0)->member)

static int parse_upper(const char *text, void *into)
{
    if (text[0] < 'A' || text[0] > 'Z' || text[1])
        return BASE_E_MALFORMED;
    *(char *)into = text[0];
    return 0;
}

static void begin_entry(void *entry)
{
    ((struct entry *)entry)->weight = 7;
}

static const char *const colours[] = {"red", "green", "blue", NULL};
static const char *const packings[] = {"loose", "packed", NULL};

static const struct base_yaml_key entry_keys[] = {
    {"name", offsetof(struct entry, name), 8, .kind = BASE_YAML_TEXT, .required = true},
    {"weight", offsetof(struct entry, weight), 2, -9, 9, .kind = BASE_YAML_NUMBER},
    {.name = NULL},
};
static const struct base_yaml_key entry_key = {
    .name = "entries", .kind = BASE_YAML_MAPPING, .line = offsetof(struct entry, line), .keys = entry_keys};
static const struct base_yaml_key word_key = {
    .name = "words", .kind = BASE_YAML_WORD, .size = 1, .words = colours};

static const struct base_yaml_key part_keys[] = {
    {"weight", offsetof(struct part, weight), 2, -9, 9, .kind = BASE_YAML_NUMBER,
     .line = offsetof(struct part, weight_line)},
    {"tags", offsetof(struct part, tags), 1, 0, 2, .kind = BASE_YAML_LIST, .keys = &word_key,
     .count = offsetof(struct part, tag_count), .given = offsetof(struct part, has_tags)},
    {.name = NULL},
};

static const struct base_yaml_key inner_keys[] = {
    {"u64", AT(u64), 0, INT64_MAX, .kind = BASE_YAML_NUMBER},
    {"seconds", AT(microseconds), 500000, 2000000, .kind = BASE_YAML_SECONDS},
    {.name = NULL},
};

static const struct base_yaml_key keys[] = {
    {"u8", AT(u8), 1, 255, .kind = BASE_YAML_NUMBER},
    {"i16", AT(i16), INT16_MIN, INT16_MAX, .kind = BASE_YAML_NUMBER},
    {"u32", AT(u32), 0, UINT32_MAX, .kind = BASE_YAML_NUMBER},
    {"text", AT(text), .kind = BASE_YAML_TEXT, .line = offsetof(struct content, text_line),
     .given = offsetof(struct content, text_given)},
    {"colour", AT(colour), .kind = BASE_YAML_WORD, .words = colours},
    {"on", AT(on), .kind = BASE_YAML_BOOLEAN, .words = base_yaml_booleans},
    {"packing", AT(packed), .kind = BASE_YAML_BOOLEAN, .words = packings},
    {"upper", AT(upper), .kind = BASE_YAML_PARSED, .parse = parse_upper, .expected = "is not one of A to Z"},
    {"inner", .kind = BASE_YAML_MAPPING, .keys = inner_keys},
    {"entries", AT(entries[0]), 1, 3, .count = offsetof(struct content, entry_count), .kind = BASE_YAML_LIST,
     .keys = &entry_key, .init = begin_entry},
    {"first", .offset = offsetof(struct content, first), .kind = BASE_YAML_MAPPING, .keys = part_keys},
    {"second", .offset = offsetof(struct content, second), .kind = BASE_YAML_MAPPING, .keys = part_keys,
     .line = offsetof(struct content, second_line), .given = offsetof(struct content, second_given)},
    {"words", AT(words[0]), 0, 4, .count = offsetof(struct content, word_count), .kind = BASE_YAML_LIST,
     .keys = &word_key},
    {.name = NULL},
};

static struct content content;
static char why[256];

static int load_bytes(const char *text, size_t size)
{
    const struct base_yaml_report report = {.name = "f.yaml", .why = why, .room = sizeof(why)};

    memset(&content, 0, sizeof(content));
    why[0] = '\0';
    return base_yaml_load(keys, &content, text, size, &report);
}

static int load(const char *text)
{
    return load_bytes(text, strlen(text));
}

static void refuses(const char *text, const char *expected)
{
    cr_expect_eq(load(text), BASE_E_CONFIGURATION, "accepted: %s", text);
    cr_expect_str_eq(why, expected);
}

/* One line that begins with the place. */
static void refuses_bytes(const char *text, size_t size, unsigned line)
{
    char place[32];

    snprintf(place, sizeof(place), "f.yaml:%u: ", line);
    cr_expect_eq(load_bytes(text, size), BASE_E_CONFIGURATION);
    cr_expect(!strncmp(why, place, strlen(place)), "%s", why);
    cr_expect_null(strchr(why, '\n'));
}

Test(yaml, every_kind_arrives)
{
    cr_assert_eq(load("u8: 255\ni16: -32768\nu32: 0xFFFFFFFF\ntext: 'a b'\ncolour: Blue\non: YES\n"
                      "packing: packed\nupper: Q\ninner: {u64: 9223372036854775807, seconds: 1.5}\n"
                      "entries:\n  - name: one\n  - {name: two, weight: -9}\nwords: [green, red]\n"),
                 0, "%s", why);
    cr_assert_eq(content.u8, 255);
    cr_assert_eq(content.i16, -32768);
    cr_assert_eq(content.u32, UINT32_MAX);
    cr_assert_eq(content.u64, INT64_MAX);
    cr_assert_eq(content.microseconds, 1500000);
    cr_assert_str_eq(content.text, "a b");
    cr_assert(content.text_given);
    cr_assert_eq(content.text_line, 4);
    cr_assert_eq(content.colour, 2);
    cr_assert(content.on && content.packed);
    cr_assert_eq(content.upper, 'Q');
    cr_assert_eq(content.entry_count, 2);
    cr_assert_eq(content.entries[0].line, 11);
    cr_assert_eq(content.entries[0].weight, 7);
    cr_assert_str_eq(content.entries[1].name, "two");
    cr_assert_eq(content.entries[1].line, 12);
    cr_assert_eq(content.entries[1].weight, -9);
    cr_assert_eq(content.word_count, 2);
    cr_assert_eq(content.words[0], 1);
    cr_assert_eq(content.words[1], 0);
}

Test(yaml, a_table_is_nested_wherever_its_part_stands)
{
    cr_assert_eq(load("first: {weight: 1, tags: [red]}\nsecond:\n  weight: 2\n  tags: [green, blue]\n"), 0,
                 "%s", why);
    cr_assert_eq(content.first.weight, 1);
    cr_assert_eq(content.first.weight_line, 1);
    cr_assert_eq(content.first.tag_count, 1);
    cr_assert_eq(content.second.weight, 2);
    cr_assert_eq(content.second.weight_line, 3);
    cr_assert(content.first.has_tags && content.second.has_tags);
    cr_assert_eq(content.second.tag_count, 2);
    cr_assert_eq(content.second.tags[1], 2);
    cr_assert_eq(content.second_line, 2);
    cr_assert(content.second_given);
    refuses("second:\n  tags: [red, red, red]\n", "f.yaml:2: tags: more than 2 entries");
}

Test(yaml, what_is_not_named_is_left_alone)
{
    static const struct content nothing;

    cr_assert_eq(load(""), 0, "%s", why);
    cr_assert_eq(load("# a comment\n"), 0, "%s", why);
    cr_assert_eq(load("{}"), 0, "%s", why);
    cr_assert_eq(load("\xEF\xBB\xBFu8: 1\n"), 0, "%s", why);
    cr_assert_eq(load("words: []\n"), 0, "%s", why);
    cr_assert_eq(memcmp(&content, &nothing, sizeof(content)), 0);
}

Test(yaml, numbers_are_whole_decimal_or_0x_and_in_bounds)
{
    refuses("u8: 12abc\n", "f.yaml:1: u8: '12abc' is not a whole number from 1 to 255");
    refuses("u8: 010\n", "f.yaml:1: u8: '010' is not a whole number from 1 to 255");
    refuses("u8: 0\n", "f.yaml:1: u8: '0' is not a whole number from 1 to 255");
    refuses("u8: 256\n", "f.yaml:1: u8: '256' is not a whole number from 1 to 255");
    refuses("u8: 0x100\n", "f.yaml:1: u8: '0x100' is not a whole number from 1 to 255");
    refuses("u8: 1.0\n", "f.yaml:1: u8: '1.0' is not a whole number from 1 to 255");
    refuses("u8: \"\"\n", "f.yaml:1: u8: '' is not a whole number from 1 to 255");
    refuses("i16: -32769\n", "f.yaml:1: i16: '-32769' is not a whole number from -32768 to 32767");
    refuses("i16: --1\n", "f.yaml:1: i16: '--1' is not a whole number from -32768 to 32767");
    refuses("i16: -010\n", "f.yaml:1: i16: '-010' is not a whole number from -32768 to 32767");
    refuses("inner: {u64: 9223372036854775808}\n",
            "f.yaml:1: u64: '9223372036854775808' is not a whole number from 0 to 9223372036854775807");
}

Test(yaml, other_values_are_as_strict)
{
    refuses("inner:\n  seconds: 0.4\n", "f.yaml:2: seconds: '0.4' is not a time in seconds from 0.5 to 2");
    refuses("inner:\n  seconds: [1]\n", "f.yaml:2: seconds: '' is not a time in seconds from 0.5 to 2");
    cr_expect_eq(load("text: 1234567\n"), 0);
    refuses("text: 12345678\n", "f.yaml:1: text: a text of 1 to 7 characters expected");
    refuses("text:\n", "f.yaml:1: text: a text of 1 to 7 characters expected");
    refuses("text: {a: b}\n", "f.yaml:1: text: a text of 1 to 7 characters expected");
    refuses("colour: pink\n", "f.yaml:1: colour: 'pink' is none of red, green, blue");
    refuses("packing: 1\n", "f.yaml:1: packing: '1' is neither 'loose' nor 'packed'");
    refuses("on: 1\n", "f.yaml:1: on: '1' is none of false, true, no, yes, off, on");
    refuses("upper: q\n", "f.yaml:1: upper: 'q' is not one of A to Z");
    refuses("words: [red, pink]\n", "f.yaml:1: words: 'pink' is none of red, green, blue");
}

Test(yaml, shape_is_checked_with_its_line)
{
    refuses("\n- a\n", "f.yaml:2: the file: 'KEY: VALUE' expected");
    refuses("u8: 1\ncolor: red\n", "f.yaml:2: unknown key 'color'");
    refuses("[u8]: 1\n", "f.yaml:1: unknown key ''");
    refuses("u8: 1\nu8: 1\n", "f.yaml:2: u8 is given twice");
    refuses("<<: {u8: 1}\n", "f.yaml:1: unknown key '<<'");
    refuses("entries: 5\n", "f.yaml:1: entries: a list ('- …') expected");
    refuses("entries:\n  - name: a\n  - 5\n", "f.yaml:3: entries: 'KEY: VALUE' expected");
    refuses("entries:\n  - name: a\n  - weight: 1\n", "f.yaml:3: entries: name is missing");
    refuses("u8: 1\nentries: []\n", "f.yaml:2: entries: at least 1 expected");
    refuses("entries:\n  - name: a\n  - name: b\n  - name: c\n  - name: d\n",
            "f.yaml:5: entries: more than 3 entries");
    refuses("words: [red, red, red, red, red]\n", "f.yaml:1: words: more than 4 entries");
    refuses("inner: 1\n", "f.yaml:1: inner: 'KEY: VALUE' expected");
    refuses("u8: 1\n---\nu8: 2\n", "f.yaml:3: a second document ('---') begins here");
    refuses("u8: 1\n\nx: @\n",
            "f.yaml:3: found character that cannot start any token while scanning for the next token");
}

Test(yaml, required_keys_are_missed_in_an_empty_text_too)
{
    const struct base_yaml_report report = {.name = "f.yaml", .why = why, .room = sizeof(why)};
    struct entry entry = {0};

    cr_assert_eq(base_yaml_load(entry_keys, &entry, "", 0, &report), BASE_E_CONFIGURATION);
    cr_assert_str_eq(why, "f.yaml:1: the file: name is missing");
}

Test(yaml, anchors_and_aliases_are_refused)
{
    static const char said[] = "f.yaml:1: anchors (&) and aliases (*) are not taken";

    refuses("u8: &a 1\n", said);
    refuses("&a u8: 1\n", said);
    refuses("inner: &a {u64: 1}\n", said);
    refuses("entries: &a [*a]\n", said);
    refuses("&a {u8: 1}\n", said);
    refuses("u8: *a\n", said);
    refuses("*a : 1\n", said);
}

Test(yaml, nesting_is_not_followed)
{
    size_t size = BASE_YAML_FILE_MAX;
    char *text = malloc(size);

    cr_assert_not_null(text);
    memset(text, '[', size);
    refuses_bytes(text, size, 1);
    memset(text, '{', size);
    refuses_bytes(text, size, 1);
    for (size_t i = 0; i + 2 <= size; i += 2)
        memcpy(text + i, "- ", 2);
    refuses_bytes(text, size, 1);
    memcpy(text, "words: ", 7);
    memset(text + 7, '[', size - 7);
    refuses_bytes(text, size, 1);
    free(text);
}

Test(yaml, what_is_not_text_is_refused_where_it_stands)
{
    static const char utf16[] = "\xFF\xFEu\0008\0:\0 \0001\0";

    refuses_bytes("u8: 1\0", 6, 1);
    refuses_bytes("u8: 1\n\0", 7, 2);
    refuses_bytes("u8: 1\n\n\ntext: \xFF\n", 16, 4);
    refuses_bytes("u8: 1\ntext: \xC0\xAF\n", 15, 2);
    refuses_bytes("text: a\n\ntext: \x1B[2J\n", 20, 3);
    refuses_bytes("text: \"a\\0b\"\n", 13, 1);
    refuses_bytes(utf16, sizeof(utf16) - 1, 1);
    refuses_bytes("u8: 1\ntext: \xE2\x82", 14, 2);
}

Test(yaml, messages_carry_no_control_characters)
{
    refuses("text: \"a\\nb\"\n", "f.yaml:1: text: holds control characters");
    refuses("text: \"a\\x7Fb\"\n", "f.yaml:1: text: holds control characters");
    refuses("text: \"a\\x9Bb\"\n", "f.yaml:1: text: holds control characters");
    refuses("upper: \"\\e\"\n", "f.yaml:1: upper: '?' is not one of A to Z");
    refuses("\"a\\nb\\x01\": 1\n", "f.yaml:1: unknown key 'a?b?'");
    refuses("\"a\\x9B2J\": 1\n", "f.yaml:1: unknown key 'a??2J'");
}

Test(yaml, texts_are_never_quoted)
{
    static const char *const wrong[] = {"text: 0123456789abcdef\n", "text: [0123456789abcdef]\n",
                                        "text: {0123456789abcdef: 1}\n", "text: a\ntext: 0123456789abcdef\n"};

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        cr_expect_eq(load(wrong[i]), BASE_E_CONFIGURATION);
        cr_expect_null(strstr(why, "0123456789"), "%s", why);
    }
}

Test(yaml, a_message_fits_its_room)
{
    static char name[5000];
    char small[16] = "";
    struct base_yaml_report report = {.name = name, .why = why, .room = sizeof(why)};

    memset(name, 'n', sizeof(name) - 1);
    cr_assert_eq(base_yaml_refuse(&report, 3, "%s", "wrong"), BASE_E_CONFIGURATION);
    cr_assert(strstr(why, ":3: wrong"));
    report = (struct base_yaml_report){.name = "f.yaml", .why = small, .room = sizeof(small)};
    cr_assert_eq(base_yaml_refuse(&report, 12, "%s", "much too long"), BASE_E_CONFIGURATION);
    cr_assert_str_eq(small, "f.yaml:12: much");
}

Test(yaml, files_are_read_up_to_the_limit)
{
    char path[] = "/tmp/scramline-yaml-XXXXXX";
    int descriptor = mkstemp(path);
    size_t size;
    char *text;

    cr_assert_geq(descriptor, 0);
    cr_assert_eq(base_yaml_read(path, &text, &size), 0);
    cr_assert_eq(size, 0);
    base_yaml_discard(text, size);
    cr_assert_eq(ftruncate(descriptor, (off_t)BASE_YAML_FILE_MAX), 0);
    cr_assert_eq(base_yaml_read(path, &text, &size), 0);
    cr_assert_eq(size, BASE_YAML_FILE_MAX);
    base_yaml_discard(text, size);
    cr_assert_eq(ftruncate(descriptor, (off_t)BASE_YAML_FILE_MAX + 1), 0);
    cr_assert_eq(base_yaml_read(path, &text, &size), -EFBIG);
    cr_assert_null(text);
    close(descriptor);
    unlink(path);
    cr_assert_eq(base_yaml_read(path, &text, &size), -ENOENT);
    cr_assert_eq(base_yaml_read("/tmp", &text, &size), -EISDIR);
    cr_assert_eq(base_yaml_read("/dev/zero", &text, &size), -EFBIG);
    base_yaml_discard(NULL, 0);
}
