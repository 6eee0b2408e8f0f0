/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/headend_config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cmd_headend_config config;
    char why[CMD_HEADEND_WHY_SIZE];

    /* A failure says where and why, in one line. */
    if (cmd_headend_config_parse(&config, "f.yaml", data, size, why) &&
        (strncmp(why, "f.yaml:", 7) || why[7] < '1' || why[7] > '9' || strchr(why, '\n')))
        abort();
    cmd_headend_config_clear(&config);
    return 0;
}
