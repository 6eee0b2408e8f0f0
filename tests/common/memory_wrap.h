/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tests/common/memory_wrap.h: what a wrapped function does. Private to tests/common/. */
#ifndef TESTS_COMMON_MEMORY_WRAP_H
#define TESTS_COMMON_MEMORY_WRAP_H

#include <stdbool.h>

bool memory__refused(void);       /* counts a request */
void *memory__given(void *block); /* counts the block, gives it back */
void memory__taken(void *block);  /* looks into it; it is still the caller's */

#define MEMORY__WRAP_REQUEST(type, name, parameters, arguments)                                              \
    type *__real_##name parameters;                                                                          \
    type *__wrap_##name parameters;                                                                          \
    type *__wrap_##name parameters                                                                           \
    {                                                                                                        \
        return memory__refused() ? NULL : memory__given(__real_##name arguments);                            \
    }

#define MEMORY__WRAP_RELEASE(type, name)                                                                     \
    void __real_##name(type *block);                                                                         \
    void __wrap_##name(type *block);                                                                         \
    void __wrap_##name(type *block)                                                                          \
    {                                                                                                        \
        memory__taken(block);                                                                                \
        __real_##name(block);                                                                                \
    }

#endif
