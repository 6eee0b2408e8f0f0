/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "folder.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cursor.h"

#define TEMPLATE "/tmp/scramline-emmg-XXXXXX"

char folder[] = TEMPLATE;

static const char *path_of(const char *name)
{
    static char path[512];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

void folder_make(void)
{
    memcpy(folder, TEMPLATE, sizeof(TEMPLATE));
    cr_assert_not_null(mkdtemp(folder));
}

void folder_remove(void)
{
    DIR *all = opendir(folder);
    const struct dirent *entry;

    while (all && (entry = readdir(all)))
        if (entry->d_name[0] != '.')
            unlink(path_of(entry->d_name));
    if (all)
        closedir(all);
    rmdir(folder);
}

void folder_write(const char *name, const void *bytes, size_t size)
{
    char temporary[512];
    FILE *file;

    snprintf(temporary, sizeof(temporary), "%s/new", folder);
    file = fopen(temporary, "wb");
    cr_assert_not_null(file);
    cr_assert_eq(fwrite(bytes, 1, size, file), size);
    fclose(file);
    cr_assert_eq(rename(temporary, path_of(name)), 0);
}

void folder_delete(const char *name)
{
    cr_assert_eq(unlink(path_of(name)), 0);
}

void folder_add(const char *name, uint32_t first, unsigned count, size_t size)
{
    static uint8_t bytes[1 << 20];

    for (unsigned i = 0; i < count; i++) {
        uint8_t *section = bytes + i * size;

        memset(section, (int)((first + i) * 7), size);
        section[0] = 0x82;
        base_store_u16(section + 1, (uint16_t)(0x7000 | (size - 3)));
        base_store_u32(section + 3, first + i);
    }
    folder_write(name, bytes, count * size);
}
