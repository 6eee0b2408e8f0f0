/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tests/cmd/watched.h: messages and an output to look at, for tests of what `simulcrypt watch` shows. */
#ifndef TESTS_CMD_WATCHED_H
#define TESTS_CMD_WATCHED_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/watch_link.h"

/* CWs of the messages: nowhere else in them. */
static const uint8_t watched_cw[8] = {0xC1, 0xC2, 0xC3, 0x46, 0xC5, 0xC6, 0xC7, 0x52};
#define WATCHED_CW_TEXT "C1C2C346C5C6C752"

static struct cmd_watch *watch;
static char *watched_text;
static size_t watched_size;
static FILE *watched_file;

static inline void watched_start(struct cmd_watch_config config)
{
    watched_file = open_memstream(&watched_text, &watched_size);
    config.out = watched_file;
    cr_assert_eq(cmd_watch_create(&watch, &config), 0);
}

static inline void watched_stop(void)
{
    cmd_watch_destroy(watch);
    fclose(watched_file);
    free(watched_text);
}

static inline bool watched_has(const char *text)
{
    fflush(watched_file);
    return strstr(watched_text, text);
}

#define watched_expect(text) cr_assert(watched_has(text), "expected: %s\n%s", text, watched_text)

struct watched_message {
    uint8_t bytes[256];
    size_t size;
};

static inline void watched_put(struct watched_message *message, uint16_t tag, const void *value,
                               uint16_t size)
{
    base_store_u16(message->bytes + message->size, tag);
    base_store_u16(message->bytes + message->size + 2, size);
    memcpy(message->bytes + message->size + 4, value, size);
    message->size += 4u + size;
    base_store_u16(message->bytes + 3, (uint16_t)(message->size - 5));
}

static inline void watched_put_u16(struct watched_message *message, uint16_t tag, uint16_t value)
{
    uint8_t bytes[2];

    base_store_u16(bytes, value);
    watched_put(message, tag, bytes, 2);
}

/* Channel 1, stream 7. */
static inline struct watched_message watched_begin(uint16_t type)
{
    struct watched_message message = {.bytes = {3}, .size = 5};

    base_store_u16(message.bytes + 1, type);
    return message;
}

static inline struct watched_message watched_test(void)
{
    struct watched_message message = watched_begin(0x0002);

    watched_put_u16(&message, 0x000E, 1);
    return message;
}

static inline struct watched_message watched_provision(uint16_t cp)
{
    struct watched_message message = watched_begin(0x0201);
    uint8_t cp_cw[10];

    base_store_u16(cp_cw, cp);
    memcpy(cp_cw + 2, watched_cw, 8);
    watched_put_u16(&message, 0x000E, 1);
    watched_put_u16(&message, 0x000F, 7);
    watched_put_u16(&message, 0x0012, cp);
    watched_put(&message, 0x0014, cp_cw, 10);
    return message;
}

static inline struct watched_message watched_response(uint16_t cp)
{
    struct watched_message message = watched_begin(0x0202);

    watched_put_u16(&message, 0x000E, 1);
    watched_put_u16(&message, 0x000F, 7);
    watched_put_u16(&message, 0x0012, cp);
    watched_put(&message, 0x0015, "\x80\x70\x02\x55\x55", 5);
    return message;
}

#endif
