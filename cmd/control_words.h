/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd/control_words.h: control words that people give to a command: --cw and --cw-file. Thread-safe: no
 * state.
 */
#ifndef CMD_CONTROL_WORDS_H
#define CMD_CONTROL_WORDS_H

#include "cipher/cipher.h"
#include "cmd/options.h"
#include "keys/control_word.h"

/* --cw. CMD_EXIT_OK, or CMD_EXIT_USAGE after one clear message, which never quotes it. */
int cmd_cw_parse(const struct cmd_command *command, const char *text, enum cipher_algorithm algorithm,
                 bool raw, struct base_secret *cw);

/* A file of them. 0, or what keys_cw_list_load() says after one clear message. */
int cmd_cw_list_load(struct keys_cw_list *list, const char *path, enum cipher_algorithm algorithm, bool raw);

#endif
