/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/common/memory.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/common/memory_wrap.h"

#define NEVER        (~0u)
#define PATTERNS     64
#define PATTERN_MAX  16
#define REQUESTS_MAX 10000 /* of one use: more is an endless loop */

/* volatile: the C library tells the compiler that its functions never come back into this file. */
static volatile bool watching;
static volatile unsigned requests;
static volatile unsigned first_refused = NEVER, last_refused;
static volatile int live;
static volatile unsigned found;

static struct {
    size_t size;
    unsigned char bytes[PATTERN_MAX];
} patterns[PATTERNS];
static unsigned pattern_count;

static void refuse_range(unsigned first, unsigned last)
{
    requests = 0;
    first_refused = first;
    last_refused = last;
}

void memory_refuse(unsigned n)
{
    refuse_range(n, n);
}

void memory_refuse_from(unsigned n)
{
    refuse_range(n, NEVER - 1);
}

void memory_refuse_none(void)
{
    refuse_range(NEVER, 0);
}

void memory_watch(void)
{
    memory_refuse_none();
    live = 0;
    watching = true;
}

void memory_stop(void)
{
    watching = false;
}

int memory_live(void)
{
    return live;
}

unsigned memory_requests(void)
{
    return requests;
}

void memory_look_for(const void *pattern, size_t size)
{
    cr_assert(pattern_count < PATTERNS && size && size <= PATTERN_MAX);
    memcpy(patterns[pattern_count].bytes, pattern, size);
    patterns[pattern_count++].size = size;
}

unsigned memory_found(void)
{
    return found;
}

bool memory__refused(void)
{
    unsigned n = requests;

    if (!watching)
        return false;
    requests = n + 1;
    if (n < first_refused || n > last_refused)
        return false;
    errno = ENOMEM;
    return true;
}

void *memory__given(void *block)
{
    live += watching && block;
    return block;
}

static bool holds_pattern(const void *block, size_t size)
{
    for (unsigned i = 0; i < pattern_count; i++) {
        if (memmem(block, size, patterns[i].bytes, patterns[i].size))
            return true;
    }
    return false;
}

void memory__taken(void *block)
{
    if (!watching || !block)
        return;
    live--;
    found += holds_pattern(block, malloc_usable_size(block));
}

MEMORY__WRAP_REQUEST(void, malloc, (size_t size), (size))
MEMORY__WRAP_REQUEST(void, calloc, (size_t count, size_t size), (count, size))
MEMORY__WRAP_REQUEST(void, aligned_alloc, (size_t alignment, size_t size), (alignment, size))
MEMORY__WRAP_REQUEST(char, strdup, (const char *text), (text))
MEMORY__WRAP_REQUEST(char, realpath, (const char *path, char *resolved), (path, resolved))
MEMORY__WRAP_RELEASE(void, free)

void *__real_realloc(void *block, size_t size);
void *__wrap_realloc(void *block, size_t size);
void *__wrap_realloc(void *block, size_t size)
{
    void *moved;

    if (memory__refused())
        return NULL;
    memory__taken(block); /* it may move, and then leaves its content behind */
    moved = __real_realloc(block, size);
    return memory__given(moved);
}

int __real_posix_memalign(void **block, size_t alignment, size_t size);
int __wrap_posix_memalign(void **block, size_t alignment, size_t size);
int __wrap_posix_memalign(void **block, size_t alignment, size_t size)
{
    int status = memory__refused() ? ENOMEM : __real_posix_memalign(block, alignment, size);

    if (status == 0)
        memory__given(*block);
    return status;
}

int __wrap_asprintf(char **text, const char *format, ...) __attribute__((format(printf, 2, 3)));
int __wrap_asprintf(char **text, const char *format, ...)
{
    va_list arguments;
    int size;

    if (memory__refused())
        return -1;
    va_start(arguments, format);
    size = vasprintf(text, format, arguments);
    va_end(arguments);
    if (size >= 0)
        memory__given(*text);
    return size;
}

void memory_assert_it_looks(void)
{
    unsigned before = found;
    unsigned char *volatile block;

    cr_assert_gt(pattern_count, 0);
    memory_watch();
    block = malloc(64);
    cr_assert_not_null(block);
    memcpy(block + 20, patterns[0].bytes, patterns[0].size);
    free(block);
    memory_stop();
    cr_assert_eq(found, before + 1, "what is freed is not looked at");
    found = before;
}

/* Whether request `n` was one at all. */
static bool refuse_one(int (*use)(void *context), void *context, unsigned n, bool may_survive)
{
    int status;

    memory_watch();
    memory_refuse(n);
    status = use(context);
    memory_stop();
    if (requests <= n || may_survive)
        cr_assert(status == 0 || (requests > n && status == -ENOMEM), "request %u refused: %d", n, status);
    else
        cr_assert_eq(status, -ENOMEM, "request %u refused: %d", n, status);
    cr_assert_eq(live, 0, "request %u refused: %d blocks lost", n, live);
    cr_assert_eq(found, 0, "request %u refused: a secret was found in %u freed blocks", n, found);
    return requests > n;
}

static void refuse_all_in_turn(int (*use)(void *context), void *context, unsigned least, bool may_survive)
{
    unsigned n = 0;

    while (n < REQUESTS_MAX && refuse_one(use, context, n, may_survive))
        n++;
    cr_assert(n >= least && n < REQUESTS_MAX, "%u requests were refused", n);
}

void memory_refuse_each(int (*use)(void *context), void *context, unsigned least)
{
    refuse_all_in_turn(use, context, least, false);
}

void memory_survive_each(int (*use)(void *context), void *context, unsigned least)
{
    refuse_all_in_turn(use, context, least, true);
}
