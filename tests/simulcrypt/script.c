/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "script.h"

#include <criterion/criterion.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "simulcrypt/ecmg_scs_table.h"

const struct simulcrypt_interface *script_interface = &simulcrypt_ecmg_scs;

size_t script_hex(const char *text, uint8_t *bytes, size_t room)
{
    size_t digits = 0;
    for (; *text; text++) {
        if (isspace((unsigned char)*text))
            continue;
        char digit[2] = {*text, 0};
        cr_assert_lt(digits / 2, room);
        cr_assert(isxdigit((unsigned char)*text), "no hexadecimal digit: %s", text);
        if (digits % 2 == 0)
            bytes[digits / 2] = 0;
        bytes[digits / 2] = (uint8_t)(bytes[digits / 2] << 4 | strtoul(digit, NULL, 16));
        digits++;
    }
    cr_assert_eq(digits % 2, 0);
    return digits / 2;
}

static uint16_t message_number(const char *name)
{
    for (size_t i = 0; i < script_interface->message_count; i++)
        if (!strcmp(script_interface->messages[i].name, name))
            return script_interface->messages[i].type;
    cr_assert(!strncmp(name, "0x", 2), "no message_type: %s", name);
    return (uint16_t)strtoul(name, NULL, 16);
}

static uint16_t parameter_number(const char *name)
{
    for (size_t i = 0; i < script_interface->parameter_count; i++)
        if (!strcmp(script_interface->parameters[i].name, name))
            return script_interface->parameters[i].tag;
    cr_assert(!strncmp(name, "0x", 2), "no parameter_type: %s", name);
    return (uint16_t)strtoul(name, NULL, 16);
}

static void encode_parameter(struct base_writer *w, char *word)
{
    uint8_t value[1 << 16];
    char *equals = strchr(word, '=');
    cr_assert(equals, "no value: %s", word);
    *equals = 0;
    size_t size = script_hex(equals + 1, value, sizeof(value));
    base_write_u16(w, parameter_number(word));
    base_write_u16(w, (uint16_t)size);
    base_write_bytes(w, value, size);
}

static void encode_message(struct base_writer *w, char *text)
{
    uint8_t version = 2;
    uint8_t *start = w->at;
    char *rest;
    char *word = strtok_r(text, " \n", &rest);
    if (word && word[0] == 'v' && isdigit((unsigned char)word[1])) {
        version = (uint8_t)atoi(word + 1);
        word = strtok_r(NULL, " \n", &rest);
    }
    cr_assert(word, "an empty message");
    base_write_u8(w, version);
    base_write_u16(w, message_number(word));
    base_write_u16(w, 0);
    while ((word = strtok_r(NULL, " \n", &rest)))
        encode_parameter(w, word);
    cr_assert(!w->failed);
    base_store_u16(start + 3, (uint16_t)(w->at - start - SIMULCRYPT_HEADER_SIZE));
}

size_t script_encode(const char *text, uint8_t *bytes, size_t room)
{
    struct base_writer w = base_writer_of(bytes, room);
    char *copy = strdup(text);
    char *rest;
    for (char *message = strtok_r(copy, ";", &rest); message; message = strtok_r(NULL, ";", &rest))
        encode_message(&w, message);
    free(copy);
    return base_writer_size(&w);
}

static char described[1 << 16];

__attribute__((format(printf, 1, 2))) static void describe(const char *format, ...)
{
    size_t used = strlen(described);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(described + used, sizeof(described) - used, format, arguments);
    va_end(arguments);
}

static void describe_parameter(struct base_reader *r)
{
    uint16_t tag = base_read_u16(r);
    uint16_t size = base_read_u16(r);
    const uint8_t *value = base_read_bytes(r, size);
    cr_assert(value);
    const struct simulcrypt_parameter_type *type = simulcrypt_find_parameter(script_interface, tag);
    if (type)
        describe(" %s=", type->name);
    else
        describe(" 0x%04X=", tag);
    for (size_t i = 0; i < size; i++)
        describe("%02X", value[i]);
}

const char *script_describe(const uint8_t *bytes, size_t size)
{
    struct base_reader r = base_reader_of(bytes, size);
    described[0] = 0;
    while (base_reader_left(&r)) {
        if (described[0])
            describe("; ");
        describe("v%u", base_read_u8(&r));
        describe(" %s", simulcrypt_message_name(script_interface, base_read_u16(&r)));
        uint16_t length = base_read_u16(&r);
        struct base_reader body = base_read_part(&r, length);
        cr_assert(!body.failed);
        while (base_reader_left(&body))
            describe_parameter(&body);
    }
    return described;
}
