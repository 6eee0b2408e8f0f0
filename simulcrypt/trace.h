/* SPDX-License-Identifier: GPL-3.0-or-later */
/* simulcrypt/trace.h: a message as a line for people, or for machines. Thread-safe: no state, no allocation.
 *
 * Every parameter in the order that it came, unknown ones too; what is wrong with the message is said at the
 * end. CWs are hidden unless asked for; the line is then a secret for its reader to keep. Text from the peer
 * is shown as hexadecimal, so that a line is a line. */
#ifndef SIMULCRYPT_TRACE_H
#define SIMULCRYPT_TRACE_H

#include "simulcrypt/message.h"

enum simulcrypt_trace_form {
    SIMULCRYPT_TRACE_TEXT, /* "v2 channel_setup ECM_channel_id=1 Super_CAS_id=0x12345678" */
    SIMULCRYPT_TRACE_JSON  /* one object: interface, version, type, message, parameters, fault */
};

struct simulcrypt_trace_options {
    enum simulcrypt_trace_form form;
    bool show_secrets;
    /* Bytes of a value that a line of text shows, the rest is counted; 0: all. JSON always has all. */
    size_t bytes_shown;
};

#define SIMULCRYPT_TRACE_ROOM(size) (32 * (size_t)(size) + 512)

/* The interface whose message_type this is; NULL for none. Types of different interfaces differ. */
const struct simulcrypt_interface *simulcrypt_trace_interface(uint16_t message_type);

/* One whole message from either end; NUL-terminated, no line feed. Its length; -ENOSPC where `room` is too
 * small: SIMULCRYPT_TRACE_ROOM(size) is always enough. */
ptrdiff_t simulcrypt_trace(const struct simulcrypt_interface *interface, const void *bytes, size_t size,
                           const struct simulcrypt_trace_options *options, char *text, size_t room);

#endif
