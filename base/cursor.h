/* SPDX-License-Identifier: GPL-3.0-or-later */
/* base/cursor.h: the only way in which this project reads and writes wire formats. Big-endian,
 * bounds-checked.
 *
 * A cursor remembers its first failure: read a whole header, then ask `failed` once. After a failure every
 * read gives zeros and every write does nothing, so no value from beyond the end is ever seen. A cursor
 * belongs to one thread and owns no memory: it points into the caller's buffer, which must outlive it. */
#ifndef BASE_CURSOR_H
#define BASE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t base_load_u16(const uint8_t *p)
{
    return (uint16_t)((p[0] << 8) | p[1]);
}

static inline uint32_t base_load_u24(const uint8_t *p)
{
    return ((uint32_t)p[0] << 16) | ((uint32_t)p[1] << 8) | p[2];
}

static inline uint32_t base_load_u32(const uint8_t *p)
{
    return ((uint32_t)base_load_u16(p) << 16) | base_load_u16(p + 2);
}

static inline uint64_t base_load_u64(const uint8_t *p)
{
    return ((uint64_t)base_load_u32(p) << 32) | base_load_u32(p + 4);
}

static inline void base_store_u16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static inline void base_store_u32(uint8_t *p, uint32_t v)
{
    base_store_u16(p, (uint16_t)(v >> 16));
    base_store_u16(p + 2, (uint16_t)v);
}

static inline void base_store_u64(uint8_t *p, uint64_t v)
{
    base_store_u32(p, (uint32_t)(v >> 32));
    base_store_u32(p + 4, (uint32_t)v);
}

struct base_reader {
    const uint8_t *at;
    const uint8_t *end;
    bool failed; /* something was asked for beyond the end */
};

static inline struct base_reader base_reader_of(const void *bytes, size_t size)
{
    const uint8_t *p = (const uint8_t *)bytes;
    return (struct base_reader){.at = p, .end = p ? p + size : p};
}

static inline size_t base_reader_left(const struct base_reader *r)
{
    return (size_t)(r->end - r->at);
}

/* The next `size` bytes in place, or NULL (and `failed`) where fewer are left. size 0 never fails. */
static inline const uint8_t *base_read_bytes(struct base_reader *r, size_t size)
{
    const uint8_t *p = r->at;
    if (r->failed || base_reader_left(r) < size) {
        r->failed = true;
        return NULL;
    }
    r->at += size;
    return p;
}

static inline uint8_t base_read_u8(struct base_reader *r)
{
    const uint8_t *p = base_read_bytes(r, 1);
    return p ? p[0] : 0;
}

static inline uint16_t base_read_u16(struct base_reader *r)
{
    const uint8_t *p = base_read_bytes(r, 2);
    return p ? base_load_u16(p) : 0;
}

static inline uint32_t base_read_u32(struct base_reader *r)
{
    const uint8_t *p = base_read_bytes(r, 4);
    return p ? base_load_u32(p) : 0;
}

static inline uint64_t base_read_u64(struct base_reader *r)
{
    const uint8_t *p = base_read_bytes(r, 8);
    return p ? base_load_u64(p) : 0;
}

/* A reader over the next `size` bytes alone; both fail where fewer are left. */
static inline struct base_reader base_read_part(struct base_reader *r, size_t size)
{
    const uint8_t *p = base_read_bytes(r, size);
    struct base_reader part = base_reader_of(p, p ? size : 0);
    part.failed = !p;
    return part;
}

struct base_writer {
    uint8_t *start;
    uint8_t *at;
    uint8_t *end;
    bool failed; /* something did not fit */
};

static inline struct base_writer base_writer_of(void *bytes, size_t size)
{
    uint8_t *p = (uint8_t *)bytes;
    return (struct base_writer){.start = p, .at = p, .end = p + size};
}

static inline size_t base_writer_size(const struct base_writer *w)
{
    return (size_t)(w->at - w->start);
}

/* Room for `size` bytes, or NULL (and `failed`) where they do not fit. */
uint8_t *base_write_room(struct base_writer *w, size_t size);

static inline void base_write_bytes(struct base_writer *w, const void *bytes, size_t size)
{
    uint8_t *p = base_write_room(w, size);
    if (p && size)
        memcpy(p, bytes, size);
}

static inline void base_write_u8(struct base_writer *w, uint8_t v)
{
    base_write_bytes(w, &v, 1);
}

static inline void base_write_u16(struct base_writer *w, uint16_t v)
{
    uint8_t *p = base_write_room(w, 2);
    if (p)
        base_store_u16(p, v);
}

static inline void base_write_u32(struct base_writer *w, uint32_t v)
{
    uint8_t *p = base_write_room(w, 4);
    if (p)
        base_store_u32(p, v);
}

static inline void base_write_u64(struct base_writer *w, uint64_t v)
{
    uint8_t *p = base_write_room(w, 8);
    if (p)
        base_store_u64(p, v);
}

#endif
