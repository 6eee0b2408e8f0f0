/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/output.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "cmd/process.h"

int cmd_output_open(const struct cmd_command *command, const char *path, const char *input_path,
                    const struct io_source *source, struct io_sink **sink)
{
    int status = io_sink_open(sink, path, io_source_format(source), input_path);

    if (status == 0)
        return CMD_EXIT_OK;
    if (status == -EINVAL)
        return cmd_usage_error(command, "OUT is the same file as IN: %s", path);
    if (status != -EINTR)
        base_log(BASE_LOG_ERROR, "cannot write %s: %s", path, base_error_text(status));
    return CMD_EXIT_FAILED;
}

void cmd_output_name_partial(const struct io_sink *sink)
{
    const char *partial = sink ? io_sink_partial_name(sink) : NULL;

    if (cmd_process_interrupted())
        base_log(BASE_LOG_ERROR, "interrupted");
    if (partial)
        base_log(BASE_LOG_ERROR, "what was written so far is kept as %s", partial);
}

json_t *cmd_json_text(const char *text)
{
    char copy[4 * PATH_MAX] = "";
    size_t used = 0;

    while (*text && used + 4 < sizeof(copy)) {
        size_t size = 1;
        json_t *character = NULL;

        while (size <= 4 && !(character = json_stringn(text, size)) && text[size])
            size++;
        if (character)
            memcpy(copy + used, text, size);
        else
            size = (size_t)snprintf(copy + used, 4, "\xEF\xBF\xBD");
        used += size;
        text += character ? size : 1;
        json_decref(character);
    }
    copy[used] = '\0';
    return json_string(copy);
}

FILE *cmd_output_summary(const char *path)
{
    return strcmp(path, "-") ? stdout : stderr;
}
