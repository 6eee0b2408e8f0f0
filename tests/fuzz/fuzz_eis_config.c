/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/eis_config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* All zero again: only what was used is cleared, as the whole is large. */
static struct cmd_eis_config config;

static void clear(void)
{
    memset(&config, 0, offsetof(struct cmd_eis_config, scgs) + config.scg_count * sizeof(config.scgs[0]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct simulcrypt_scg scg;
    char why[CMD_EIS_WHY_SIZE];
    int status = cmd_eis_config_parse(&config, "f.yaml", ".", (const char *)data, size, why);

    /* A failure says where and why, in one line. */
    if (status < 0 && (strncmp(why, "f.yaml:", 7) || why[7] < '1' || why[7] > '9' || strchr(why, '\n')))
        abort();
    for (unsigned i = 0; status == 0 && i < config.scg_count; i++)
        cmd_eis_describe(&config.scgs[i], 0, &scg);
    clear();
    return 0;
}
