/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scramline-keys: makes the secrets that the other commands read. It never shows one. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "cmd/options.h"
#include "cmd/process.h"
#include "crypto/random.h"
#include "keys/key_file.h"

static const struct secret_kind {
    const char *name;
    const char *file;
    size_t size; /* bytes */
} kinds[] = {
    {"service", "service.key", 16},
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static const char *out_path;

static const struct cmd_option options[] = {
    {.name = "--out",
     .letter = 'o',
     .argument = "FILE",
     .kind = CMD_TEXT,
     .value = &out_path,
     .help = "the file to make (default: in the key folder, see below)"},
    {.name = NULL},
};

static const struct cmd_command command = {
    .name = "keys",
    .operands = "[service]",
    .summary = "Makes secrets: all that the examples need and that are missing, or the one named.",
    .details =
        "A secret is a file with mode 0600 and one line of hexadecimal digits, in the key folder:\n"
        "$SCRAMLINE_KEY_DIR, else $XDG_CONFIG_HOME/scramline, else ~/.config/scramline. A file that is\n"
        "there is never overwritten.\n\n"
        "  service   service.key: seals and opens ECMs (scramline ecmg, scramline descramble)\n\n"
        "Examples:\n  scramline keys\n  scramline keys service --out sport.key",
    .options = options,
    .operands_max = 1,
};

static int make_secret(const struct secret_kind *kind, const char *path)
{
    struct base_secret secret = {.size = (uint8_t)kind->size};
    int status = crypto_random(secret.bytes, kind->size);

    if (status == 0)
        status = keys_file_write(path, &secret);
    base_secret_clear(&secret);
    return status;
}

static int report_failure(const char *path, int status)
{
    base_log(BASE_LOG_ERROR, status == -EEXIST ? "%s is there already and is kept: %s" : "cannot make %s: %s",
             path,
             status == -EEXIST ? "remove it first, or name another with --out" : base_error_text(status));
    return CMD_EXIT_FAILED;
}

/* The file of `kind` in the key folder. */
static int default_path(const struct secret_kind *kind, char path[static PATH_MAX])
{
    char folder[PATH_MAX - 32];
    int status = keys_default_directory(folder, sizeof(folder));

    if (status < 0) {
        base_log(BASE_LOG_ERROR, "no folder for keys: set HOME or SCRAMLINE_KEY_DIR");
        return CMD_EXIT_FAILED;
    }
    snprintf(path, PATH_MAX, "%s/%s", folder, kind->file);
    return CMD_EXIT_OK;
}

static int make_missing(void)
{
    char path[PATH_MAX];
    int status = CMD_EXIT_OK;

    for (size_t i = 0; i < KINDS && status == CMD_EXIT_OK; i++) {
        int made;

        status = default_path(&kinds[i], path);
        if (status != CMD_EXIT_OK)
            break;
        made = make_secret(&kinds[i], path);
        if (made == 0 || made == -EEXIST)
            printf("%s %s\n", made == 0 ? "made" : "kept", path);
        else
            status = report_failure(path, made);
    }
    return status;
}

static int make_one(const struct secret_kind *kind)
{
    char path[PATH_MAX];
    int status;

    if (!out_path) {
        status = default_path(kind, path);
        if (status != CMD_EXIT_OK)
            return status;
    }
    status = make_secret(kind, out_path ? out_path : path);
    if (status < 0)
        return report_failure(out_path ? out_path : path, status);
    printf("made %s\n", out_path ? out_path : path);
    return CMD_EXIT_OK;
}

static const struct secret_kind *find_kind(const char *name)
{
    for (size_t i = 0; i < KINDS; i++) {
        if (!strcmp(kinds[i].name, name))
            return &kinds[i];
    }
    return NULL;
}

int main(int argc, char **argv)
{
    const char *operands[1];
    const struct secret_kind *kind;
    unsigned count;
    int status;

    cmd_process_protect();
    if (!cmd_parse(&command, argc, argv, operands, &count, &status))
        return status;
    if (count == 0)
        return out_path ? cmd_usage_error(&command, "--out needs the secret's name before it")
                        : make_missing();
    kind = find_kind(operands[0]);
    if (!kind)
        return cmd_usage_error(&command, "unknown secret '%s' (scramline keys --help lists them)",
                               operands[0]);
    return make_one(kind);
}
