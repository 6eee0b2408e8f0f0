/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd/cipher_options.h: which cipher people ask for: --algorithm, --iv, --ctr-counter-bits, --cpu-mask. One
 * thread.
 *
 * Each cmd_…_parse() and cmd_cpu_mask_take() returns CMD_EXIT_OK, or CMD_EXIT_USAGE after one clear message.
 */
#ifndef CMD_CIPHER_OPTIONS_H
#define CMD_CIPHER_OPTIONS_H

#include "cipher/cipher.h"
#include "cmd/options.h"

#define CMD_ALGORITHM_NAMES "dvb-csa2, dvb-cissa, atis-idsa, aes-128-cbc, aes-128-ctr" /* of the map */

int cmd_algorithm_parse(const struct cmd_command *command, const char *text,
                        enum cipher_algorithm *algorithm);

/* As given; NULL and 0 where not. */
struct cmd_mode_options {
    const char *iv; /* hexadecimal */
    uint64_t counter_bits;
};

/* What was not given is of CIPHER_MODE_DEFAULT. CIPHER_ALGORITHMS as the algorithm: the stream will name it.
 */
int cmd_mode_parse(const struct cmd_command *command, const struct cmd_mode_options *options,
                   enum cipher_algorithm algorithm, struct cipher_mode *mode);

/* As cipher_create(); the mode goes to an algorithm that takes one. */
int cmd_cipher_create(struct cipher **cipher, enum cipher_algorithm algorithm, const char *tier,
                      const struct cipher_mode *mode);

/* --cpu-mask or, where `text` is NULL, the environment's. Before the first cipher. */
int cmd_cpu_mask_take(const struct cmd_command *command, const char *text);

#endif
