/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cipher/cpu.h"

#include <errno.h>

unsigned cipher_cpu_features(void)
{
    return CIPHER_CPU_LIBRARIES;
}

int cipher_cpu_mask(const char *text)
{
    (void)text;
    return -EINVAL;
}
