/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

static int check(int fd, bool secret)
{
    struct stat about;

    if (fstat(fd, &about) < 0)
        return -errno;
    if (!S_ISREG(about.st_mode))
        return BASE_E_MALFORMED;
    return secret && about.st_mode & (S_IRWXG | S_IRWXO) ? -EPERM : 0;
}

int base_file_open(const char *path, bool secret)
{
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    int status;

    if (fd < 0)
        return -errno;
    status = check(fd, secret);
    if (status == 0)
        return fd;
    close(fd);
    return status;
}

const char *base_file_trouble(int status)
{
    switch (status) {
    case -ENOENT:
        return "there is no such file";
    case -EPERM:
        return "others than its owner can read it (chmod 600)";
    case BASE_E_MALFORMED:
        return "it is not a regular file";
    default:
        return base_error_text(status);
    }
}

static int fits(int length, size_t room)
{
    return length < 0 || (size_t)length >= room ? -ENAMETOOLONG : 0;
}

int base_file_folder(const char *path, char *folder, size_t room)
{
    const char *slash = strrchr(path, '/');
    bool at_root = slash == path;

    return fits(
        snprintf(folder, room, "%.*s", slash && !at_root ? (int)(slash - path) : 1, slash ? path : "."),
        room);
}

int base_file_locate(const char *folder, const char *name, char *path, size_t room)
{
    if (name[0] == '/')
        return fits(snprintf(path, room, "%s", name), room);
    return fits(snprintf(path, room, "%s/%s", folder, name), room);
}
