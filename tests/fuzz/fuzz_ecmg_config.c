/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ecmg_server_config_parse(): whatever the text, a refusal is one line with a place. */
#include <stdlib.h>
#include <string.h>

#include "ecmg/server.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct ecmg_server_config config;
    char why[256] = "";

    if (ecmg_server_config_parse(&config, (const char *)bytes, size, "f.yaml", "/nowhere", why) == 0) {
        const struct simulcrypt_channel_status *status = &config.channel.status;

        if (status->cw_per_msg < 1 || status->cw_per_msg > SIMULCRYPT_CWS_MAX || config.channels_max == 0)
            abort();
    } else if (strncmp(why, "f.yaml:", 7) || why[7] < '1' || why[7] > '9' || strchr(why, '\n')) {
        abort();
    }
    return 0;
}
