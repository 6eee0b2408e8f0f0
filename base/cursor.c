/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/cursor.h"

/* Not inline: gcc 12 loses track of the bound when a whole message is written in one function, and warns. */
uint8_t *base_write_room(struct base_writer *w, size_t size)
{
    uint8_t *p = w->at;
    if (w->failed || (size_t)(w->end - w->at) < size) {
        w->failed = true;
        return NULL;
    }
    w->at += size;
    return p;
}
