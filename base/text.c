/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/error.h"

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static const char *skip_space(const char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    return text;
}

ptrdiff_t base_hex_decode(const char *text, uint8_t *bytes, size_t room)
{
    size_t count = 0;

    text = skip_space(text);
    for (; digit_value(text[0]) >= 0 && digit_value(text[1]) >= 0; text += 2) {
        if (count == room)
            return -EMSGSIZE;
        bytes[count++] = (uint8_t)(digit_value(text[0]) << 4 | digit_value(text[1]));
    }
    return *skip_space(text) || count == 0 ? BASE_E_MALFORMED : (ptrdiff_t)count;
}

int base_hex_encode(const uint8_t *bytes, size_t size, char *text, size_t room)
{
    static const char digits[] = "0123456789abcdef";

    if (room < 2 * size + 1)
        return -ENOSPC;
    for (size_t i = 0; i < size; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    text[2 * size] = '\0';
    return 0;
}

/* Digits of `base` from *text on; -ERANGE where they exceed 64 bits, BASE_E_MALFORMED where there are none.
 */
static int parse_digits(const char **text, unsigned base, uint64_t *value)
{
    const char *start = *text;
    uint64_t sum = 0;

    for (; digit_value(**text) >= 0 && digit_value(**text) < (int)base; (*text)++) {
        if (__builtin_mul_overflow(sum, base, &sum) || __builtin_add_overflow(sum, digit_value(**text), &sum))
            return -ERANGE;
    }
    *value = sum;
    return *text == start ? BASE_E_MALFORMED : 0;
}

static int bounded(uint64_t number, uint64_t minimum, uint64_t maximum, uint64_t *value)
{
    if (number < minimum || number > maximum)
        return -ERANGE;
    *value = number;
    return 0;
}

int base_parse_u64(const char *text, uint64_t minimum, uint64_t maximum, uint64_t *value)
{
    unsigned base = text[0] == '0' && (text[1] == 'x' || text[1] == 'X') ? 16 : 10;
    uint64_t number;
    int status;

    text += base == 16 ? 2 : 0;
    status = parse_digits(&text, base, &number);
    if (status < 0)
        return status;
    return *text ? BASE_E_MALFORMED : bounded(number, minimum, maximum, value);
}

int base_parse_seconds(const char *text, uint64_t minimum_us, uint64_t maximum_us, uint64_t *value_us)
{
    uint64_t whole;
    uint64_t fraction = 0;
    int status = parse_digits(&text, 10, &whole);

    if (status < 0)
        return status;
    if (*text == '.') {
        const char *start = ++text;
        status = parse_digits(&text, 10, &fraction);
        if (status < 0 || text - start > 6)
            return BASE_E_MALFORMED;
        for (ptrdiff_t digits = text - start; digits < 6; digits++)
            fraction *= 10;
    }
    if (*text)
        return BASE_E_MALFORMED;
    if (whole > UINT64_MAX / 1000000 - 1)
        return -ERANGE;
    return bounded(whole * 1000000 + fraction, minimum_us, maximum_us, value_us);
}

static int append_range(uint64_t first, uint64_t last, unsigned *values, unsigned room, unsigned *count)
{
    for (uint64_t number = first; number <= last; number++) {
        if (*count == room)
            return -E2BIG;
        values[(*count)++] = (unsigned)number;
    }
    return 0;
}

static int parse_range(char *part, uint64_t minimum, uint64_t maximum, unsigned *values, unsigned room,
                       unsigned *count)
{
    char *dash = strchr(part, '-');
    uint64_t first = 0;
    uint64_t last;
    int status;

    if (dash)
        *dash++ = '\0';
    status = base_parse_u64(part, minimum, maximum, &first);
    last = first;
    if (status == 0 && dash)
        status = base_parse_u64(dash, first, maximum, &last);
    return status < 0 ? status : append_range(first, last, values, room, count);
}

int base_parse_list(const char *text, uint64_t minimum, uint64_t maximum, unsigned *values, unsigned room,
                    unsigned *count)
{
    char copy[1024];
    char *rest = copy;
    char *part;
    int status = 0;

    if (strlen(text) >= sizeof(copy))
        return -E2BIG;
    memcpy(copy, text, strlen(text) + 1);
    while (status == 0 && (part = strsep(&rest, ",")))
        status = parse_range(part, minimum, maximum, values, room, count);
    return status;
}

static int parse_endpoint(const char *text, uint64_t least_port, char *host, size_t host_room, uint16_t *port)
{
    const char *colon = strrchr(text, ':');
    size_t length;
    uint64_t number;

    if (!colon || base_parse_u64(colon + 1, least_port, 65535, &number) < 0)
        return BASE_E_MALFORMED;
    length = (size_t)(colon - text);
    if (length >= 2 && text[0] == '[' && colon[-1] == ']') {
        text++;
        length -= 2;
    } else if (memchr(text, ':', length)) {
        return BASE_E_MALFORMED; /* an IPv6 address without brackets: which colon begins the port? */
    }
    if (length >= host_room)
        return -EMSGSIZE;
    memcpy(host, text, length);
    host[length] = '\0';
    *port = (uint16_t)number;
    return 0;
}

int base_parse_host_port(const char *text, char *host, size_t host_room, uint16_t *port)
{
    return parse_endpoint(text, 1, host, host_room, port);
}

int base_parse_listen(const char *text, char *host, size_t host_room, uint16_t *port)
{
    int status = parse_endpoint(text, 0, host, host_room, port);

    if (status == 0 && !strcmp(host, "*"))
        host[0] = '\0';
    return status;
}
