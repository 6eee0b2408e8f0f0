/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/window.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "io/descriptor.h"

int io__window_create(struct io__window *window, int descriptor)
{
    *window = (struct io__window){.descriptor = descriptor, .bytes = malloc(IO__WINDOW_SIZE)};
    return window->bytes ? 0 : -ENOMEM;
}

void io__window_destroy(struct io__window *window)
{
    free(window->bytes);
    window->bytes = NULL;
}

void io__window_reset(struct io__window *window)
{
    window->begin = window->end = 0;
    window->ended = false;
    window->read = 0;
}

ptrdiff_t io__window_fill(struct io__window *window)
{
    size_t size = io__window_size(window);
    size_t room;
    ssize_t count;

    if (size == 0 || IO__WINDOW_SIZE - window->end < IO__CHUNK_SIZE) {
        memmove(window->bytes, io__window_head(window), size);
        window->begin = 0;
        window->end = size;
    }
    room = IO__WINDOW_SIZE - window->end;
    if (room == 0)
        return -ENOBUFS;
    count = io__read(window->descriptor, window->bytes + window->end,
                     room < IO__CHUNK_SIZE ? room : IO__CHUNK_SIZE);
    if (count > 0) {
        window->end += (size_t)count;
        window->read += (uint64_t)count;
    }
    window->ended = count == 0;
    return count;
}
