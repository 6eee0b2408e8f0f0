/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/descriptor.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <unistd.h>

/* Whether to try again after `errno`; waits where there is something to wait for. */
static bool may_retry(int descriptor, short events)
{
    struct pollfd ready = {.fd = descriptor, .events = events};

    if (errno == EAGAIN || errno == EWOULDBLOCK)
        return poll(&ready, 1, -1) >= 0 || errno == EINTR;
    return errno == EINTR;
}

ssize_t io__read(int descriptor, void *bytes, size_t size)
{
    ssize_t count;

    do
        count = read(descriptor, bytes, size);
    while (count < 0 && may_retry(descriptor, POLLIN));
    return count < 0 ? -errno : count;
}

int io__write_all(int descriptor, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;

    while (size > 0) {
        ssize_t count = write(descriptor, at, size);

        if (count < 0 && !may_retry(descriptor, POLLOUT))
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
