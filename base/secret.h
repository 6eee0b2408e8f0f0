/* SPDX-License-Identifier: GPL-3.0-or-later */
/* base/secret.h: the one type in which keys and control words are held. Thread-safe where objects are not
 * shared.
 *
 * A secret has a fixed place (no heap), is zeroed by base_secret_clear(), compared in constant time, and has
 * no formatter: nothing in this project turns one into text but base_secret_hex(), which exists for the files
 * that `scramline keys` and `--cw-out` write with mode 0600. */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BASE_SECRET_MAX 64 /* bytes */

struct base_secret {
    uint8_t bytes[BASE_SECRET_MAX];
    uint8_t size; /* bytes in use, 0 for none */
};

/* Overwrites memory in a way that the compiler keeps. */
void base_secure_zero(void *memory, size_t size);

/* Constant time in the content; false at once only where sizes differ. */
bool base_secure_equal(const void *a, size_t a_size, const void *b, size_t b_size);

/* -EMSGSIZE where `size` is over BASE_SECRET_MAX. The caller still owns (and wipes) `bytes`. */
int base_secret_set(struct base_secret *secret, const void *bytes, size_t size);
void base_secret_clear(struct base_secret *secret);
bool base_secret_equal(const struct base_secret *a, const struct base_secret *b);

/* Reads hexadecimal text (white space around it allowed). BASE_E_MALFORMED for anything else. */
int base_secret_from_hex(struct base_secret *secret, const char *text);

/* `text` takes 2 × size + 1 characters; -ENOSPC where `room` is smaller. The caller wipes `text`. */
int base_secret_hex(const struct base_secret *secret, char *text, size_t room);

#endif
