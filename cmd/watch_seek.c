/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/watch_seek.h"

#include <errno.h>

#include "base/error.h"
#include "simulcrypt/trace.h"

#define PARAMETER_HEADER 4
#define VERSION_MAX      5

/* The interface that has this message_type. */
static const struct simulcrypt_interface *interface_of(const struct simulcrypt_interface *interface,
                                                       uint16_t type)
{
    if (!interface)
        return simulcrypt_trace_interface(type);
    return simulcrypt_find_message(interface, type) ? interface : NULL;
}

static bool parameters_fill(const uint8_t *bytes, size_t size)
{
    struct base_reader body = base_reader_of(bytes, size);

    while (base_reader_left(&body) && !body.failed) {
        base_read_u16(&body);
        base_read_bytes(&body, base_read_u16(&body));
    }
    return !body.failed;
}

static bool begins_well(const struct simulcrypt_interface *interface, const uint8_t *parameter, size_t room)
{
    return simulcrypt_find_parameter(interface, base_load_u16(parameter)) &&
           PARAMETER_HEADER + (size_t)base_load_u16(parameter + 2) <= room;
}

ptrdiff_t cmd_watch_seek(const struct simulcrypt_interface *interface, const uint8_t *bytes, size_t size,
                         size_t *needed)
{
    const struct simulcrypt_interface *found;
    size_t length;

    *needed = SIMULCRYPT_HEADER_SIZE + PARAMETER_HEADER;
    if (size && (bytes[0] == 0 || bytes[0] > VERSION_MAX))
        return BASE_E_MALFORMED;
    if (size < *needed)
        return -EAGAIN;
    found = interface_of(interface, base_load_u16(bytes + 1));
    length = base_load_u16(bytes + SIMULCRYPT_LENGTH_OFFSET);
    if (!found || length < PARAMETER_HEADER || !begins_well(found, bytes + SIMULCRYPT_HEADER_SIZE, length))
        return BASE_E_MALFORMED;
    *needed = SIMULCRYPT_HEADER_SIZE + length;
    if (size < *needed)
        return -EAGAIN;
    return parameters_fill(bytes + SIMULCRYPT_HEADER_SIZE, length) ? (ptrdiff_t)*needed : BASE_E_MALFORMED;
}
