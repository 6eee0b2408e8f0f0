/* SPDX-License-Identifier: GPL-3.0-or-later */
/* io/descriptor.h: private to io/: file descriptors without their small print.
 *
 * A descriptor that somebody else made non-blocking (a terminal, an inherited pipe) is waited for. A signal
 * ends the wait of a read, so that an idle pipe does not keep a program that is asked to stop; what is being
 * written is written to its end. */
#ifndef IO_DESCRIPTOR_H
#define IO_DESCRIPTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* One read: bytes, 0 at the end, negative errno; -EINTR where a signal came before any byte. */
ssize_t io__read(int descriptor, void *bytes, size_t size);
int io__write_all(int descriptor, const void *bytes, size_t size);

static inline bool io__is_standard(const char *path)
{
    return path[0] == '-' && path[1] == '\0';
}

#endif
