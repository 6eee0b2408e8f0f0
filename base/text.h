/* SPDX-License-Identifier: GPL-3.0-or-later */
/* base/text.h: text from people (arguments, configuration) to checked values. Thread-safe: no state. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* Hexadecimal digits to bytes; white space around (not inside) is allowed, an odd count of digits is not.
 * Returns the bytes written, BASE_E_MALFORMED, or -EMSGSIZE where more than `room` would be. */
ptrdiff_t base_hex_decode(const char *text, uint8_t *bytes, size_t room);

/* Lower-case digits and a NUL; -ENOSPC where `room` is under 2 × size + 1. */
int base_hex_encode(const uint8_t *bytes, size_t size, char *text, size_t room);

/* A whole number, decimal or 0x…, from `minimum` to `maximum`; nothing may follow it.
 * BASE_E_MALFORMED for no number, -ERANGE outside the bounds (*value is untouched then). */
int base_parse_u64(const char *text, uint64_t minimum, uint64_t maximum, uint64_t *value);

/* Seconds with at most six decimals ("10", "0.5") to microseconds, same errors; bounds in microseconds. */
int base_parse_seconds(const char *text, uint64_t minimum_us, uint64_t maximum_us, uint64_t *value_us);

/* "1,5,8-10" into `values` (appended at *count, at most `room`), each from `minimum` to `maximum`; a range
 * goes up. -E2BIG where there are more, and the errors of base_parse_u64(). */
int base_parse_list(const char *text, uint64_t minimum, uint64_t maximum, unsigned *values, unsigned room,
                    unsigned *count);

/* "HOST:PORT", "[IPv6]:PORT" or ":PORT" (host empty); host without brackets into `host`. Port 0 is refused.
 */
int base_parse_host_port(const char *text, char *host, size_t host_room, uint16_t *port);

/* The same of a place to listen on: "*" is every address too (host empty), and port 0 a free one. */
int base_parse_listen(const char *text, char *host, size_t host_room, uint16_t *port);

#endif
