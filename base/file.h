/* SPDX-License-Identifier: GPL-3.0-or-later */
/* base/file.h: files that a configuration names. Thread-safe: no state. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>

/* Opens a regular file for reading and nothing else: a pipe or a device in its place holds nobody up. The
 * descriptor, or a negative errno; BASE_E_MALFORMED where it is no regular file, and -EPERM where `secret` is
 * asked for and its mode lets others than the owner in. */
int base_file_open(const char *path, bool secret);

/* What went wrong with a file, for people; of base_file_open() and of reading. Never NULL. */
const char *base_file_trouble(int status);

/* The folder of `path` ("." where it names none). -ENAMETOOLONG. */
int base_file_folder(const char *path, char *folder, size_t room);

/* `name` as seen from `folder`: unchanged where it begins with '/'. -ENAMETOOLONG. */
int base_file_locate(const char *folder, const char *name, char *path, size_t room);

#endif
