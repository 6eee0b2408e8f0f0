/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "keys/control_word.h"

#define LINE_ROOM  256 /* bytes: far more than a CW takes; comments may be longer */
#define FIRST_ROOM 64  /* words */

/* All that holds key text while a list is read, in one place, so that it is wiped at once. */
struct list_reader {
    FILE *file;
    size_t line; /* counted from 1 */
    char text[LINE_ROOM];
    char file_buffer[BUFSIZ]; /* stdio would free one of its own without wiping it */
};

/* The next line, without its end, into reader->text (of a long comment the beginning). 1, or 0 at the end of
 * the file, BASE_E_MALFORMED for a line too long or with a NUL in it, -errno. */
static int read_line(struct list_reader *reader)
{
    size_t size = 0;
    int c;

    reader->line++;
    while ((c = getc_unlocked(reader->file)) != EOF && c != '\n') {
        if (size + 1 < sizeof(reader->text))
            reader->text[size++] = (char)c;
        else if (reader->text[0] != '#')
            return BASE_E_MALFORMED;
    }
    if (ferror(reader->file))
        return errno ? -errno : -EIO;
    reader->text[size] = '\0';
    if (c == EOF && size == 0)
        return 0;
    return reader->text[0] == '#' || strlen(reader->text) == size ? 1 : BASE_E_MALFORMED;
}

static bool is_passed_over(const char *text)
{
    if (*text == '#')
        return true;
    while (isspace((unsigned char)*text))
        text++;
    return *text == '\0';
}

/* realloc() would leave the words behind where it moves them. */
static int make_room(struct keys_cw_list *list, size_t *room)
{
    size_t wanted = *room ? 2 * *room : FIRST_ROOM;
    struct base_secret *words;

    if (list->count < *room)
        return 0;
    if (list->count >= KEYS_CW_LIST_MAX)
        return -EFBIG;
    words = calloc(wanted, sizeof(*words));
    if (!words)
        return -ENOMEM;
    if (list->count) {
        memcpy(words, list->words, list->count * sizeof(*words));
        base_secure_zero(list->words, list->count * sizeof(*words));
    }
    free(list->words);
    list->words = words;
    *room = wanted;
    return 0;
}

static int read_words(struct list_reader *reader, struct keys_cw_list *list, size_t cw_size, bool raw)
{
    size_t room = 0;
    int status;

    while ((status = read_line(reader)) > 0) {
        if (is_passed_over(reader->text))
            continue;
        status = make_room(list, &room);
        if (status == 0)
            status = keys_cw_from_hex(&list->words[list->count], reader->text, cw_size, raw);
        if (status < 0)
            return status;
        list->count++;
    }
    return status < 0 || list->count ? status : -ENODATA;
}

int keys_cw_list_load(struct keys_cw_list *list, const char *path, size_t cw_size, bool raw, size_t *line)
{
    struct list_reader reader = {.file = fopen(path, "re")};
    int status;

    *list = (struct keys_cw_list){0};
    if (!reader.file)
        return -errno;
    setvbuf(reader.file, reader.file_buffer, _IOFBF, sizeof(reader.file_buffer));
    status = read_words(&reader, list, cw_size, raw);
    fclose(reader.file);
    if (status == BASE_E_MALFORMED)
        *line = reader.line;
    if (status < 0)
        keys_cw_list_clear(list);
    base_secure_zero(&reader, sizeof(reader));
    return status;
}

void keys_cw_list_clear(struct keys_cw_list *list)
{
    if (list->words)
        base_secure_zero(list->words, list->count * sizeof(*list->words));
    free(list->words);
    *list = (struct keys_cw_list){0};
}
