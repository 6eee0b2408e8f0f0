/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Text of EN 300 468, Annex A: a first byte below 0x20 selects a character table; the C library's iconv knows
 * the tables. */
#include <errno.h>
#include <iconv.h>
#include <stdio.h>

#include "ts/table.h"

#define UTF8_PER_BYTE 3 /* bytes of UTF-8 at most that a byte of any of the tables gives */

/* Table A.4. ISO/IEC 8859-N, N below 16 and not 12, behind 0x10. */
static bool select_8859(unsigned part, char *charset, size_t room)
{
    if (part < 1 || part > 15 || part == 12)
        return false;
    snprintf(charset, room, "ISO-8859-%u", part);
    return true;
}

/* Table A.3; takes the selecting bytes from `text`. False for tables that are reserved or private. */
static bool select_table(struct base_reader *text, char *charset, size_t room)
{
    static const char *const multibyte[] = {"UCS-2BE", "EUC-KR", "GB2312", "UCS-2BE", "UTF-8"};
    uint8_t first;

    if (!base_reader_left(text) || *text->at >= 0x20) {
        snprintf(charset, room, "ISO6937");
        return true;
    }
    first = base_read_u8(text);
    if (first >= 0x01 && first <= 0x0B)
        return select_8859(first + 4u, charset, room);
    if (first == 0x10)
        return select_8859(base_read_u16(text), charset, room) && !text->failed;
    if (first < 0x11 || first > 0x15)
        return false;
    snprintf(charset, room, "%s", multibyte[first - 0x11]);
    return true;
}

/* What stands for a byte that iconv refuses: 0xA4 is the euro sign in DVB's ISO/IEC 6937 (figure A.1), which
 * the base standard does not have. */
static const char *substitute(const char *charset, uint8_t refused)
{
    return refused == 0xA4 && strcmp(charset, "ISO6937") == 0 ? "\xE2\x82\xAC" : "\xEF\xBF\xBD";
}

/* Returns the bytes of UTF-8 written; `room` is UTF8_PER_BYTE × size at least. */
static size_t convert(const char *charset, const uint8_t *text, size_t size, char *out, size_t room)
{
    size_t unit = strcmp(charset, "UCS-2BE") == 0 ? 2 : 1;
    char *in = (char *)text; /* iconv() only reads it */
    char *at = out;
    iconv_t table = iconv_open("UTF-8", charset);

    if (table == (iconv_t)-1)
        return 0;
    while (size && iconv(table, &in, &size, &at, &room) == (size_t)-1 && errno == EILSEQ && size >= unit) {
        memcpy(at, substitute(charset, *(const uint8_t *)in), 3);
        at += 3;
        room -= 3;
        in += unit;
        size -= unit;
    }
    iconv_close(table);
    return (size_t)(at - out);
}

static size_t character_size(uint8_t first)
{
    if (first < 0xC0)
        return 1;
    if (first < 0xE0)
        return 2;
    return first < 0xF0 ? 3 : 4;
}

/* C0 and C1 codes, and U+E080 to U+E09F, where two-byte tables have the latter (A.1). */
static bool is_control(const char *character)
{
    const uint8_t *c = (const uint8_t *)character;

    return c[0] < 0x20 || c[0] == 0x7F || (c[0] == 0xC2 && c[1] < 0xA0) ||
           (c[0] == 0xEE && c[1] == 0x82 && c[2] < 0xA0);
}

void ts__text_decode(const uint8_t *text, size_t size, char *out, size_t room)
{
    char utf8[UTF8_PER_BYTE * UINT8_MAX];
    char charset[16];
    struct base_reader r = base_reader_of(text, size < UINT8_MAX ? size : UINT8_MAX);
    size_t filled = 0;
    size_t n = 0;

    if (select_table(&r, charset, sizeof(charset)))
        filled = convert(charset, r.at, base_reader_left(&r), utf8, sizeof(utf8));
    for (size_t i = 0, length; i < filled; i += length) {
        length = character_size((uint8_t)utf8[i]);
        if (is_control(&utf8[i]))
            continue;
        if (n + length >= room)
            break;
        memcpy(out + n, &utf8[i], length);
        n += length;
    }
    out[n] = '\0';
}
