/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "keys/key_file.h"

static char folder[] = "/tmp/scramline-keys-XXXXXX";
static char path[PATH_MAX];
static const struct base_secret secret = {.bytes = {0x00, 0x12, 0xab, 0xff}, .size = 4};

static void make_folder(void)
{
    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/key", folder);
    umask(022);
}

static int remove_one(const char *name, const struct stat *about, int type, struct FTW *walk)
{
    (void)about, (void)type, (void)walk;
    return remove(name);
}

static void remove_folder(void)
{
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

TestSuite(key_file, .init = make_folder, .fini = remove_folder);

static mode_t mode_of(const char *name)
{
    struct stat about;

    cr_assert_eq(stat(name, &about), 0, "%s", name);
    return about.st_mode & 07777;
}

static void put_text(const char *text, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    cr_assert_eq(fchmod(fd, mode), 0);
    close(fd);
}

static size_t get_text(char *text, size_t room)
{
    FILE *file = fopen(path, "r");
    size_t size = fread(text, 1, room, file);

    fclose(file);
    return size;
}

Test(key_file, what_was_written_is_read_back)
{
    struct base_secret found;
    char text[64];

    cr_assert_eq(keys_file_write(path, &secret), 0);
    cr_assert_eq(mode_of(path), 0600);
    cr_assert_eq(get_text(text, sizeof(text)), 9);
    cr_assert_arr_eq(text, "0012abff\n", 9);
    cr_assert_eq(keys_file_read(path, &found, 4), 0);
    cr_assert(base_secret_equal(&found, &secret));
}

Test(key_file, the_largest_secret_fits)
{
    struct base_secret large = {.size = BASE_SECRET_MAX}, found;

    memset(large.bytes, 0xa5, sizeof(large.bytes));
    cr_assert_eq(keys_file_write(path, &large), 0);
    cr_assert_eq(keys_file_read(path, &found, BASE_SECRET_MAX), 0);
    cr_assert(base_secret_equal(&found, &large));
}

Test(key_file, mode_is_0600_whatever_the_umask_allows)
{
    umask(0);
    cr_assert_eq(keys_file_write(path, &secret), 0);
    cr_assert_eq(mode_of(path), 0600);
}

Test(key_file, folders_on_the_way_are_made_for_the_owner_alone)
{
    static const char *const made[] = {"a", "a/b", "a/b/c"};
    char inner[PATH_MAX];

    umask(0);
    snprintf(path, sizeof(path), "%s/a//b/c/key", folder);
    cr_assert_eq(keys_file_write(path, &secret), 0);
    for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++) {
        snprintf(inner, sizeof(inner), "%s/%s", folder, made[i]);
        cr_assert_eq(mode_of(inner), 0700, "%s", inner);
    }
    snprintf(path, sizeof(path), "%s/a/second", folder);
    cr_assert_eq(keys_file_write(path, &secret), 0, "folders may be there already");
}

Test(key_file, a_name_without_a_folder_is_in_the_current_one)
{
    struct base_secret found;

    cr_assert_eq(chdir(folder), 0);
    cr_assert_eq(keys_file_write("key", &secret), 0);
    cr_assert_eq(keys_file_read(path, &found, 4), 0);
}

Test(key_file, never_overwrites)
{
    struct base_secret other = {.size = 4}, found;

    cr_assert_eq(keys_file_write(path, &secret), 0);
    cr_assert_eq(keys_file_write(path, &other), -EEXIST);
    cr_assert_eq(keys_file_read(path, &found, 4), 0);
    cr_assert(base_secret_equal(&found, &secret));
}

Test(key_file, never_follows_a_link_to_create)
{
    char target[PATH_MAX];

    snprintf(target, sizeof(target), "%s/elsewhere", folder);
    cr_assert_eq(symlink(target, path), 0);
    cr_assert_eq(keys_file_write(path, &secret), -EEXIST);
    cr_assert_eq(access(target, F_OK), -1);
}

Test(key_file, says_why_it_cannot_create)
{
    char long_path[2 * PATH_MAX];

    put_text("x", 0600);
    snprintf(long_path, sizeof(long_path), "%s/under-a-file", path);
    cr_assert_eq(keys_file_write(long_path, &secret), -ENOTDIR);
    cr_assert_eq(keys_file_write(folder, &secret), -EEXIST);
    cr_assert_eq(keys_file_write("", &secret), -ENOENT);
    memset(long_path, 'a', sizeof(long_path) - 1);
    long_path[sizeof(long_path) - 1] = '\0';
    cr_assert_eq(keys_file_write(long_path, &secret), -ENAMETOOLONG);
}

/* RLIMIT_FSIZE stands for a full disk. */
Test(key_file, a_file_that_cannot_be_written_whole_is_taken_away)
{
    static const struct rlimit limit = {4, 4};

    signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    cr_assert_eq(keys_file_write(path, &secret), -EFBIG);
    cr_assert_eq(access(path, F_OK), -1);
}

Test(key_file, refuses_files_that_others_may_read)
{
    static const mode_t modes[] = {0640, 0604, 0620, 0601, 0644, 0660};

    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        struct base_secret found = {.size = 4, .bytes = {1}};

        put_text("0012abff\n", modes[i]);
        cr_assert_eq(keys_file_read(path, &found, 4), -EPERM, "%o", modes[i]);
        cr_assert_eq(found.size, 0);
        cr_assert_eq(found.bytes[0], 0);
    }
    put_text("0012abff\n", 0400);
    cr_assert_eq(keys_file_read(path, &(struct base_secret){0}, 4), 0);
}

Test(key_file, refuses_text_that_is_not_the_key)
{
    static const char *const wrong[] = {"",           "\n",       "0012ab",    "0012abf",
                                        "0012abff00", "0012abfg", "00 12abff", "0012abff\n0012abff\n"};
    char text[400];

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct base_secret found;

        put_text(wrong[i], 0600);
        cr_assert_eq(keys_file_read(path, &found, 4), BASE_E_MALFORMED, "'%s'", wrong[i]);
        cr_assert_eq(found.size, 0);
    }
    memset(text, '0', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    put_text(text, 0600);
    cr_assert_eq(keys_file_read(path, &(struct base_secret){0}, 4), BASE_E_MALFORMED);
    put_text(" 0012ABFF \r\n\n", 0600);
    cr_assert_eq(keys_file_read(path, &(struct base_secret){0}, 4), 0, "white space around it is allowed");
}

Test(key_file, refuses_what_is_no_regular_file)
{
    struct base_secret found;

    cr_assert_eq(keys_file_read(path, &found, 4), -ENOENT);
    cr_assert_eq(keys_file_read(folder, &found, 4), BASE_E_MALFORMED);
    cr_assert_eq(mkfifo(path, 0600), 0);
    cr_assert_eq(keys_file_read(path, &found, 4), BASE_E_MALFORMED, "without waiting for a writer");
}

Test(key_file, default_directory_follows_the_environment)
{
    char found[PATH_MAX];

    unsetenv("SCRAMLINE_KEY_DIR");
    unsetenv("XDG_CONFIG_HOME");
    unsetenv("HOME");
    cr_assert_eq(keys_default_directory(found, sizeof(found)), -ENOENT);
    setenv("HOME", "/home/a", 1);
    cr_assert_eq(keys_default_directory(found, sizeof(found)), 0);
    cr_assert_str_eq(found, "/home/a/.config/scramline");
    setenv("XDG_CONFIG_HOME", "/configs", 1);
    cr_assert_eq(keys_default_directory(found, sizeof(found)), 0);
    cr_assert_str_eq(found, "/configs/scramline");
    setenv("SCRAMLINE_KEY_DIR", "/keys", 1);
    cr_assert_eq(keys_default_directory(found, sizeof(found)), 0);
    cr_assert_str_eq(found, "/keys");
    cr_assert_eq(keys_default_directory(found, 6), 0);
    cr_assert_eq(keys_default_directory(found, 5), -ENAMETOOLONG);
    setenv("SCRAMLINE_KEY_DIR", "", 1);
    cr_assert_eq(keys_default_directory(found, sizeof(found)), 0);
    cr_assert_str_eq(found, "/configs/scramline", "an empty variable is as good as none");
}
