/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/error.h"

#include <string.h>

const char *base_error_text(int code)
{
    switch (code) {
#define X(name, number, text)                                                                                \
    case BASE_E_##name:                                                                                      \
        return text;
        BASE_ERROR_MAP(X)
#undef X
    default:
        /* Unlike strerror(), strerrordesc_np() has no shared buffer. */
        if (code < 0 && code > -BASE_ERROR_FIRST && strerrordesc_np(-code))
            return strerrordesc_np(-code);
        return "unknown error";
    }
}
