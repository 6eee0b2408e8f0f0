/* SPDX-License-Identifier: GPL-3.0-or-later */
/* keys/control_word.h: makes control words and their checksum bytes.
 *
 * A generator belongs to one thread. Without a seed every CW comes from crypto/random.h; with a seed
 * (laboratory only) CW n of scrambling control group g is a pure function of (seed, g, n): crypto_kdf() with
 * the seed as key, KEYS_CW_SEED_LABEL, and g (32 bits) then n (64 bits), big-endian, as context. */
#ifndef KEYS_CONTROL_WORD_H
#define KEYS_CONTROL_WORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"

#define KEYS_CW_MAX        16 /* bytes: 8 for DVB-CSA2, 16 for DVB-CISSA and ATIS-IDSA */
#define KEYS_CW_SEED_LABEL "scramline CW"
#define KEYS_CW_LIST_MAX   ((size_t)1 << 20) /* CWs of one list */

/* Sets bytes 3 and 7 of an 8-byte CW to the sums of the three before them, modulo 256 (the entropy-reduced,
 * interoperable form of DVB-CSA); leaves other sizes alone. */
void keys_cw_set_checksum(uint8_t *cw, size_t cw_size);

/* Whether an 8-byte CW has them; true for other sizes. */
bool keys_cw_has_checksum(const uint8_t *cw, size_t cw_size);

struct keys_cw_generator {
    struct base_secret seed; /* size 0: random */
    uint32_t group;          /* number of the scrambling control group, mixed into seeded CWs */
    uint8_t cw_size;         /* 8 or 16 bytes */
};

/* The CW of a crypto-period, checksum bytes set where cw_size is 8. Random generators answer each call anew:
 * the caller keeps what it got. 0, BASE_E_CRYPTO, or -EINVAL for another cw_size. */
int keys_cw_generate(const struct keys_cw_generator *generator, uint64_t crypto_period,
                     struct base_secret *cw);
void keys_cw_generator_clear(struct keys_cw_generator *generator);

/* A CW from hexadecimal text: exactly cw_size bytes, checksum bytes set unless `raw`. BASE_E_MALFORMED: `cw`
 * is empty then. */
int keys_cw_from_hex(struct base_secret *cw, const char *text, size_t cw_size, bool raw);

/* A list of CWs, one per line (text as keys_cw_from_hex() takes it; empty lines and lines that begin with '#'
 * are passed over). */
struct keys_cw_list {
    struct base_secret *words; /* owned */
    size_t count;
};

/* -ENOENT, -EACCES …, BASE_E_MALFORMED (with *line set, counted from 1), -ENODATA for a file without a CW,
 * -EFBIG over KEYS_CW_LIST_MAX. On failure the list is empty. */
int keys_cw_list_load(struct keys_cw_list *list, const char *path, size_t cw_size, bool raw, size_t *line);
void keys_cw_list_clear(struct keys_cw_list *list); /* wipes */

#endif
