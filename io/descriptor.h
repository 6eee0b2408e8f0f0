/* SPDX-License-Identifier: GPL-3.0-or-later */
/* io/descriptor.h: private to io/: file descriptors without their small print.
 *
 * EINTR is tried again; a descriptor that somebody else made non-blocking (a terminal, an inherited pipe) is
 * waited for. */
#ifndef IO_DESCRIPTOR_H
#define IO_DESCRIPTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* One read: bytes, 0 at the end, negative errno. */
ssize_t io__read(int descriptor, void *bytes, size_t size);
int io__write_all(int descriptor, const void *bytes, size_t size);

static inline bool io__is_standard(const char *path)
{
    return path[0] == '-' && path[1] == '\0';
}

#endif
