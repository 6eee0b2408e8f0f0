/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd/watch_seek.h: finds where a message begins in bytes that may begin anywhere. Thread-safe: no state. */
#ifndef CMD_WATCH_SEEK_H
#define CMD_WATCH_SEEK_H

#include "simulcrypt/message.h"

/* Whether a message of a known type can begin here: its size where it does (its parameters fill it exactly),
 * -EAGAIN where more bytes are needed to tell (*needed in all), BASE_E_MALFORMED where it does not.
 * `interface` NULL: any. */
ptrdiff_t cmd_watch_seek(const struct simulcrypt_interface *interface, const uint8_t *bytes, size_t size,
                         size_t *needed);

#endif
