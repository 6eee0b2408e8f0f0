/* SPDX-License-Identifier: GPL-3.0-or-later */
/* emmg/carousel.h: the sections of a folder, one after the other, again and again. One thread.
 *
 * The folder's files *.bin and *.sec, in the order of their names, hold one or more whole sections each.
 * Where the folder changes they are read anew, all or none: a file that cannot be used leaves what was read
 * before.
 */
#ifndef EMMG_CAROUSEL_H
#define EMMG_CAROUSEL_H

#include <stddef.h>
#include <stdint.h>

#define EMMG_CAROUSEL_FILES_MAX 4096
#define EMMG_CAROUSEL_BYTES_MAX ((size_t)64 << 20) /* of all files */

struct emmg_carousel;

struct emmg_section {
    const uint8_t *bytes; /* the carousel's, until it is refreshed */
    size_t size;
};

/* Negative errno or BASE_E_MALFORMED, with one line about it in `why`: no such folder, no section in it, a
 * file that does not consist of whole sections (or with a wrong CRC_32 where their syntax has one). */
int emmg_carousel_open(struct emmg_carousel **carousel, const char *folder, char why[static 256]);
void emmg_carousel_close(struct emmg_carousel *carousel); /* NULL is allowed */

/* Looks at the folder: 1 where it was read anew, 0 where nothing changed since it was last looked at, else as
 * emmg_carousel_open(). It goes on in the file that it was in, or the one behind that. */
int emmg_carousel_refresh(struct emmg_carousel *carousel, char why[static 256]);

size_t emmg_carousel_count(const struct emmg_carousel *carousel); /* sections, at least one */
size_t emmg_carousel_left(const struct emmg_carousel *carousel);  /* of this time through, at least one */
struct emmg_section emmg_carousel_peek(const struct emmg_carousel *carousel, size_t ahead); /* below left */
void emmg_carousel_advance(struct emmg_carousel *carousel, size_t count);                   /* at most left */
uint64_t emmg_carousel_cycles(const struct emmg_carousel *carousel);                        /* whole ones */

#endif
