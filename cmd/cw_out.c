/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/cw_out.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "keys/control_word.h"

static int fail(int error, const char *path)
{
    base_log(BASE_LOG_ERROR, "--cw-out %s: %s", path, base_error_text(error));
    return CMD_EXIT_FAILED;
}

/* Whether both names lead to one file, be it there or not yet. */
static bool is_same(const char *path, const char *other)
{
    struct stat a, b;

    if (!strcmp(path, other))
        return true;
    return stat(path, &a) == 0 && stat(other, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static int check(const struct cmd_command *command, const char *path, const char *in, const char *out)
{
    struct stat status;

    if (!strcmp(path, "-"))
        return cmd_usage_error(command, "--cw-out takes a file: control words go to no pipe");
    if (is_same(path, in) || is_same(path, out))
        return cmd_usage_error(command, "--cw-out %s is IN or OUT: it needs a file of its own", path);
    if (lstat(path, &status) == 0 && !S_ISREG(status.st_mode))
        return cmd_usage_error(command, "--cw-out %s is there and is no file: name another", path);
    return CMD_EXIT_OK;
}

/* A left-over of an earlier run makes way; made anew, nobody else can have opened it before. */
static int create_partial(struct cmd_cw_out *cw_out)
{
    int descriptor;

    if (asprintf(&cw_out->partial, "%s.partial", cw_out->path) < 0) {
        cw_out->partial = NULL;
        return -ENOMEM;
    }
    if (unlink(cw_out->partial) < 0 && errno != ENOENT)
        return -errno;
    descriptor = open(cw_out->partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (descriptor < 0)
        return -errno;
    cw_out->file = fdopen(descriptor, "w");
    if (cw_out->file)
        return 0;
    close(descriptor);
    return -ENOMEM;
}

int cmd_cw_out_open(struct cmd_cw_out *cw_out, const struct cmd_command *command, const char *path,
                    const char *in, const char *out)
{
    int status;

    *cw_out = (struct cmd_cw_out){.path = path};
    if (!path)
        return CMD_EXIT_OK;
    status = check(command, path, in, out);
    if (status != CMD_EXIT_OK)
        return status;
    status = create_partial(cw_out);
    if (status == 0)
        return CMD_EXIT_OK;
    free(cw_out->partial); /* it is not ours */
    cw_out->partial = NULL;
    return fail(status, path);
}

static void list_oldest(struct cmd_cw_out *cw_out)
{
    char text[2 * KEYS_CW_MAX + 1];
    unsigned last = --cw_out->waiting_count;

    if (base_secret_hex(&cw_out->waiting[0].cw, text, sizeof(text)) == 0)
        fprintf(cw_out->file, "%s\n", text);
    base_secure_zero(text, sizeof(text));
    memmove(&cw_out->waiting[0], &cw_out->waiting[1], last * sizeof(cw_out->waiting[0]));
    base_secret_clear(&cw_out->waiting[last].cw);
}

void cmd_cw_out_add(struct cmd_cw_out *cw_out, uint64_t start, const struct base_secret *cw)
{
    if (cw_out->waiting_count == KEYS_SLOTS) /* a group is never so far ahead: the oldest has begun */
        list_oldest(cw_out);
    cw_out->waiting[cw_out->waiting_count].start = start;
    cw_out->waiting[cw_out->waiting_count++].cw = *cw;
}

void cmd_cw_out_reach(struct cmd_cw_out *cw_out, uint64_t now)
{
    while (cw_out->waiting_count && cw_out->waiting[0].start <= now)
        list_oldest(cw_out);
}

int cmd_cw_out_commit(struct cmd_cw_out *cw_out)
{
    if (!cw_out->file)
        return CMD_EXIT_OK;
    if (fflush(cw_out->file) != 0 || ferror(cw_out->file))
        return fail(-EIO, cw_out->path);
    if (rename(cw_out->partial, cw_out->path) < 0)
        return fail(-errno, cw_out->path);
    free(cw_out->partial);
    cw_out->partial = NULL;
    return CMD_EXIT_OK;
}

void cmd_cw_out_close(struct cmd_cw_out *cw_out, bool keep)
{
    if (cw_out->file)
        fclose(cw_out->file);
    if (cw_out->partial && keep)
        base_log(BASE_LOG_NOTICE, "its control words are kept as %s", cw_out->partial);
    else if (cw_out->partial)
        unlink(cw_out->partial);
    free(cw_out->partial);
    base_secure_zero(cw_out, sizeof(*cw_out));
}
