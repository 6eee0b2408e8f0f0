/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tests/common/memory.h: refuses memory, counts blocks, and looks for secrets in those that are freed.
 *
 * The linker puts it between what is linked statically (rooms and tests) and the C library, and for
 * memory_cipher_dep also the ciphers' libraries (--wrap, see meson.build here). What libraries allocate among
 * themselves stays out of sight. One thread. */
#ifndef TESTS_COMMON_MEMORY_H
#define TESTS_COMMON_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* Begins to count blocks, from 0. Only what happens between this and memory_stop() is seen at all. */
void memory_watch(void);
void memory_stop(void);
int memory_live(void); /* blocks given out and not taken back while watching */

/* Refuses request `n` from now on, counted from 0; or that one and all that follow. */
void memory_refuse(unsigned n);
void memory_refuse_from(unsigned n);
void memory_refuse_none(void);
unsigned memory_requests(void); /* since one of these three, or memory_watch() */

/* Looks for these bytes (up to 16) too, in all blocks freed while watching. */
void memory_look_for(const void *pattern, size_t size);
unsigned memory_found(void); /* blocks freed with a pattern in them */

/* Fails the test unless a pattern in a freed block is noticed: else no finding would mean nothing. */
void memory_assert_it_looks(void);

/* Runs `use` with the first, the second … request refused, until all that it asks for is granted: it must
 * return -ENOMEM each time but the last, and never lose a block or free one with a pattern in it. At least
 * `least` requests must have been refused. */
void memory_refuse_each(int (*use)(void *context), void *context, unsigned least);

/* The same for a use that may get over it, and then returns 0. */
void memory_survive_each(int (*use)(void *context), void *context, unsigned least);

#endif
