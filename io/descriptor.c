/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/descriptor.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <unistd.h>

/* After a call that failed with `errno`: waits where it would have blocked. False where it failed for another
 * reason, or a signal ended the wait; errno says which. */
static bool waited(int descriptor, short events)
{
    struct pollfd ready = {.fd = descriptor, .events = events};

    return (errno == EAGAIN || errno == EWOULDBLOCK) && poll(&ready, 1, -1) >= 0;
}

ssize_t io__read(int descriptor, void *bytes, size_t size)
{
    ssize_t count;

    do
        count = read(descriptor, bytes, size);
    while (count < 0 && waited(descriptor, POLLIN));
    return count < 0 ? -errno : count;
}

int io__write_all(int descriptor, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;

    while (size > 0) {
        ssize_t count = write(descriptor, at, size);

        if (count < 0 && !waited(descriptor, POLLOUT) && errno != EINTR)
            return -errno;
        if (count == 0)
            return -EIO; /* a device that takes nothing would keep us here for ever */
        if (count > 0) {
            at += count;
            size -= (size_t)count;
        }
    }
    return 0;
}
