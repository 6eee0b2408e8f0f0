/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/cipher_options.h"

#include <errno.h>
#include <stdlib.h>

#include "base/text.h"
#include "cipher/cpu.h"

int cmd_algorithm_parse(const struct cmd_command *command, const char *text, enum cipher_algorithm *algorithm)
{
    int status = cipher_algorithm_from_name(text, algorithm);

    if (status == -ENOTSUP)
        return cmd_usage_error(command, "--algorithm: " CIPHER_CSA3_ABSENT);
    if (status < 0)
        return cmd_usage_error(command, "--algorithm: '%s' is not one of " CMD_ALGORITHM_NAMES, text);
    return CMD_EXIT_OK;
}

/* An option that nothing would come of, or NULL. */
static const char *pointless(const struct cmd_mode_options *options, enum cipher_algorithm algorithm)
{
    if (algorithm == CIPHER_ALGORITHMS)
        return NULL;
    if (options->iv && !cipher_has_iv(algorithm))
        return "--iv goes with aes-128-cbc and aes-128-ctr";
    if (options->counter_bits && algorithm != CIPHER_AES_CTR)
        return "--ctr-counter-bits goes with aes-128-ctr";
    return NULL;
}

int cmd_mode_parse(const struct cmd_command *command, const struct cmd_mode_options *options,
                   enum cipher_algorithm algorithm, struct cipher_mode *mode)
{
    const char *what = pointless(options, algorithm);

    *mode = CIPHER_MODE_DEFAULT;
    if (what)
        return cmd_usage_error(command, "%s, not with %s", what, cipher_algorithm_name(algorithm));
    if (options->iv && base_hex_decode(options->iv, mode->iv, sizeof(mode->iv)) != sizeof(mode->iv))
        return cmd_usage_error(command, "--iv: '%s' is not 16 bytes, as 32 hexadecimal digits", options->iv);
    if (options->counter_bits)
        mode->counter_bits = (uint8_t)options->counter_bits;
    return CMD_EXIT_OK;
}

int cmd_cipher_create(struct cipher **cipher, enum cipher_algorithm algorithm, const char *tier,
                      const struct cipher_mode *mode)
{
    int status = cipher_create(cipher, algorithm, tier);

    return status < 0 || !cipher_has_iv(algorithm) ? status : cipher_set_mode(*cipher, mode);
}

int cmd_cpu_mask_take(const struct cmd_command *command, const char *text)
{
    const char *source = text ? "--cpu-mask" : CIPHER_CPU_MASK_VARIABLE;

    if (!text)
        text = getenv(CIPHER_CPU_MASK_VARIABLE);
    if (text && cipher_cpu_mask(text) < 0)
        return cmd_usage_error(command, "%s: '%s' is not " CIPHER_CPU_MASK_VALUES, source, text);
    return CMD_EXIT_OK;
}
