/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tests/emmg/folder.h: a folder of sections, for one test at a time. */
#ifndef TESTS_EMMG_FOLDER_H
#define TESTS_EMMG_FOLDER_H

#include <stddef.h>
#include <stdint.h>

extern char folder[];

void folder_make(void);
void folder_remove(void); /* with all that is in it */
void folder_write(const char *name, const void *bytes, size_t size);
void folder_delete(const char *name);

/* A file of `count` sections of `size` bytes, numbered from `first` on (bytes 3 to 6). */
void folder_add(const char *name, uint32_t first, unsigned count, size_t size);

#endif
