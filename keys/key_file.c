/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keys/key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"

#define TEXT_ROOM (2 * BASE_SECRET_MAX + 64) /* bytes: the digits, and white space around them */

static int default_directory(char *path, size_t room, const char *variable, const char *rest)
{
    const char *value = getenv(variable);
    int length;

    if (!value || !*value)
        return -ENOENT;
    length = snprintf(path, room, "%s%s", value, rest);
    return length < 0 || (size_t)length >= room ? -ENAMETOOLONG : 0;
}

int keys_default_directory(char *path, size_t room)
{
    int status = default_directory(path, room, "SCRAMLINE_KEY_DIR", "");

    if (status == -ENOENT)
        status = default_directory(path, room, "XDG_CONFIG_HOME", "/scramline");
    if (status == -ENOENT)
        status = default_directory(path, room, "HOME", "/.config/scramline");
    return status;
}

/* The folder of `path` and those above it, where they are missing. */
static int make_folders(const char *path)
{
    char folder[PATH_MAX];
    size_t length = strlen(path);

    if (length >= sizeof(folder))
        return -ENAMETOOLONG;
    memcpy(folder, path, length + 1);
    for (char *slash = strchr(folder + 1, '/'); length && slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(folder, S_IRWXU) < 0 && errno != EEXIST)
            return -errno;
        *slash = '/';
    }
    return 0;
}

static int write_all(int fd, const char *text, size_t size)
{
    while (size > 0) {
        ssize_t written = write(fd, text, size);
        if (written < 0 && errno != EINTR)
            return -errno;
        if (written > 0) {
            text += written;
            size -= (size_t)written;
        }
    }
    return 0;
}

static int write_line(int fd, const struct base_secret *secret)
{
    char text[TEXT_ROOM];
    size_t digits = 2 * (size_t)secret->size;
    int status = base_secret_hex(secret, text, sizeof(text));

    text[digits] = '\n';
    if (status == 0)
        status = write_all(fd, text, digits + 1);
    base_secure_zero(text, sizeof(text));
    return status;
}

/* Makes the entry itself last through a power cut. */
static int sync_folder(const char *path)
{
    char copy[PATH_MAX];
    int fd, status;

    snprintf(copy, sizeof(copy), "%s", path); /* make_folders() has checked the length */
    fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    status = fsync(fd) < 0 ? -errno : 0;
    close(fd);
    return status;
}

int keys_file_write(const char *path, const struct base_secret *secret)
{
    int status = make_folders(path);
    int fd;

    if (status < 0)
        return status;
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (fd < 0)
        return -errno;
    status = write_line(fd, secret);
    if (status == 0 && fsync(fd) < 0)
        status = -errno;
    if (close(fd) < 0 && status == 0)
        status = -errno;
    if (status == 0)
        status = sync_folder(path);
    if (status < 0)
        unlink(path);
    return status;
}

/* The whole file as text; BASE_E_MALFORMED where it is longer than any key file. */
static int read_text(int fd, char *text, size_t room)
{
    size_t size = 0;
    ssize_t got;

    while ((got = read(fd, text + size, room - size)) != 0) {
        if (got < 0 && errno != EINTR)
            return -errno;
        size += got > 0 ? (size_t)got : 0;
        if (size == room)
            return BASE_E_MALFORMED;
    }
    text[size] = '\0';
    return strlen(text) == size ? 0 : BASE_E_MALFORMED;
}

static int read_secret(int fd, struct base_secret *secret, size_t size)
{
    char text[TEXT_ROOM];
    int status = read_text(fd, text, sizeof(text));

    if (status == 0 && (base_secret_from_hex(secret, text) < 0 || secret->size != size))
        status = BASE_E_MALFORMED;
    base_secure_zero(text, sizeof(text));
    return status;
}

int keys_file_read(const char *path, struct base_secret *secret, size_t size)
{
    int fd = base_file_open(path, true);
    int status;

    base_secret_clear(secret);
    if (fd < 0)
        return fd;
    status = read_secret(fd, secret, size);
    if (status < 0)
        base_secret_clear(secret);
    close(fd);
    return status;
}
