/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The first byte chooses size and form of the CWs; the rest is the file. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"
#include "keys/control_word.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_list(const struct keys_cw_list *list, size_t cw_size, bool raw)
{
    if (!list->count)
        abort();
    for (size_t i = 0; i < list->count; i++) {
        if (list->words[i].size != cw_size || (!raw && !keys_cw_has_checksum(list->words[i].bytes, cw_size)))
            abort();
    }
}

static void load(const char *path, size_t cw_size, bool raw)
{
    struct keys_cw_list list;
    size_t line = 0;
    int status = keys_cw_list_load(&list, path, cw_size, raw, &line);

    if (status == 0)
        check_list(&list, cw_size, raw);
    else if (list.words || (status == BASE_E_MALFORMED) != (line > 0))
        abort();
    keys_cw_list_clear(&list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[32];
    int fd;

    if (!size)
        return 0;
    fd = memfd_create("cw-list", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data + 1, size - 1) != (ssize_t)size - 1)
        abort();
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    load(path, data[0] & 1 ? 16 : 8, data[0] & 2);
    close(fd);
    return 0;
}
