/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/control_words.h"

#include <errno.h>

#include "base/error.h"
#include "base/log.h"

int cmd_cw_parse(const struct cmd_command *command, const char *text, enum cipher_algorithm algorithm,
                 bool raw, struct base_secret *cw)
{
    size_t size = cipher_cw_size(algorithm);

    if (keys_cw_from_hex(cw, text, size, raw) < 0)
        return cmd_usage_error(command, "--cw: %s takes %zu bytes, as %zu hexadecimal digits",
                               cipher_algorithm_name(algorithm), size, 2 * size);
    return CMD_EXIT_OK;
}

int cmd_cw_list_load(struct keys_cw_list *list, const char *path, enum cipher_algorithm algorithm, bool raw)
{
    size_t line = 0;
    int status = keys_cw_list_load(list, path, cipher_cw_size(algorithm), raw, &line);

    if (status == BASE_E_MALFORMED)
        base_log(BASE_LOG_ERROR, "%s:%zu: not a control word of %s (%zu hexadecimal digits)", path, line,
                 cipher_algorithm_name(algorithm), 2 * cipher_cw_size(algorithm));
    else if (status == -ENODATA)
        base_log(BASE_LOG_ERROR, "%s: holds no control word", path);
    else if (status < 0)
        base_log(BASE_LOG_ERROR, "cannot read %s: %s", path, base_error_text(status));
    return status;
}
