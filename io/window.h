/* SPDX-License-Identifier: GPL-3.0-or-later */
/* io/window.h: private to io/: the stretch of an input that has been read and not yet been consumed. */
#ifndef IO_WINDOW_H
#define IO_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IO__WINDOW_SIZE ((size_t)1 << 20)
#define IO__CHUNK_SIZE                                                                                       \
    ((size_t)256 << 10) /* of one read: large against a system call, small against a cache */

struct io__window {
    uint8_t *bytes;
    size_t begin, end;
    int descriptor;
    bool ended;    /* read() has told so */
    uint64_t read; /* bytes taken from the descriptor in all */
};

int io__window_create(struct io__window *window, int descriptor);
void io__window_destroy(struct io__window *window);

/* Reads once. Bytes added, 0 at the end, negative errno; -ENOBUFS where the window is full. Moves what is in
 * it: pointers into the window are no longer good. */
ptrdiff_t io__window_fill(struct io__window *window);

/* Back to an empty window, for an input that has been repositioned. */
void io__window_reset(struct io__window *window);

static inline const uint8_t *io__window_head(const struct io__window *window)
{
    return window->bytes + window->begin;
}

static inline size_t io__window_size(const struct io__window *window)
{
    return window->end - window->begin;
}

static inline void io__window_drop(struct io__window *window, size_t size)
{
    window->begin += size;
}

#endif
