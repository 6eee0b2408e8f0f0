/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/secret.h"
#include "base/yaml.h"

/* One byte more than is allowed, so that /dev/zero ends too. */
static int read_whole(FILE *file, char *text, size_t *size)
{
    errno = 0;
    *size = fread(text, 1, BASE_YAML_FILE_MAX + 1, file);
    if (ferror(file))
        return errno ? -errno : -EIO;
    return *size > BASE_YAML_FILE_MAX ? -EFBIG : 0;
}

int base_yaml_read(const char *path, char **text, size_t *size)
{
    FILE *file = fopen(path, "re");
    int status = file ? 0 : -errno;

    *text = NULL;
    *size = 0;
    if (status < 0)
        return status;
    *text = malloc(BASE_YAML_FILE_MAX + 1);
    status = *text ? read_whole(file, *text, size) : -ENOMEM;
    if (status < 0) {
        base_yaml_discard(*text, *size);
        *text = NULL;
    }
    fclose(file);
    return status;
}

void base_yaml_discard(char *text, size_t size)
{
    if (text)
        base_secure_zero(text, size);
    free(text);
}
