/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/status_file.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>

#include "base/error.h"
#include "base/log.h"

static int write_file(const char *path, const json_t *json)
{
    char partial[PATH_MAX];

    if (!json)
        return -ENOMEM;
    if (snprintf(partial, sizeof(partial), "%s.partial", path) >= (int)sizeof(partial))
        return -ENAMETOOLONG;
    return json_dump_file(json, partial, JSON_INDENT(2)) == 0 && rename(partial, path) == 0 ? 0 : -errno;
}

static void *write_and_end(void *argument)
{
    struct cmd_status_file *file = (struct cmd_status_file *)argument;

    file->status = write_file(file->path, file->json);
    json_decref(file->json);
    file->json = NULL;
    atomic_store_explicit(&file->done, true, memory_order_release);
    return NULL;
}

static void tell(struct cmd_status_file *file)
{
    if (file->status != file->told && file->status < 0)
        base_log(BASE_LOG_WARNING, "--status: %s cannot be written: %s", file->path,
                 base_error_text(file->status));
    file->told = file->status;
}

static void join(struct cmd_status_file *file)
{
    if (file->begun)
        pthread_join(file->writer, NULL);
    file->begun = false;
    tell(file);
}

bool cmd_status_file_is_ready(struct cmd_status_file *file)
{
    if (file->begun && !atomic_load_explicit(&file->done, memory_order_acquire))
        return false;
    join(file);
    return true;
}

void cmd_status_file_replace(struct cmd_status_file *file, json_t *json)
{
    file->json = json;
    atomic_store(&file->done, false);
    file->begun = pthread_create(&file->writer, NULL, write_and_end, file) == 0;
    if (!file->begun) /* better late than never */
        write_and_end(file);
}

void cmd_status_file_clear(struct cmd_status_file *file)
{
    join(file);
}
