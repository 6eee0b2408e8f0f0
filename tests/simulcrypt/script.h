/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tests/simulcrypt/script.h: messages as text, for tests: "v2 channel_test ECM_channel_id=0001".
 *
 * Messages are separated by ";". Names come from the tables, 0xNNNN stands for a number that has none, values
 * are hexadecimal. What is written is not checked, so that invalid messages can be made. */
#ifndef TESTS_SIMULCRYPT_SCRIPT_H
#define TESTS_SIMULCRYPT_SCRIPT_H

#include <stddef.h>
#include <stdint.h>

#include "simulcrypt/message.h"

/* Whose names are used; ECMG ⇔ SCS until it is set. */
extern const struct simulcrypt_interface *script_interface;

/* Bytes of the messages; "v2" where a message names no version. Fails the test where the text is no script.
 */
size_t script_encode(const char *text, uint8_t *bytes, size_t room);

/* The text of whole messages, "; " in between; the version of each first. */
const char *script_describe(const uint8_t *bytes, size_t size);

/* Hexadecimal with white space anywhere to bytes. */
size_t script_hex(const char *text, uint8_t *bytes, size_t room);

#endif
