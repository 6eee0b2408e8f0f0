/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"

Test(file, a_secret_is_opened_for_its_owner_alone)
{
    char path[] = "/tmp/scramline-file-XXXXXX";
    int made = mkstemp(path);
    int fd;

    cr_assert_geq(made, 0);
    fd = base_file_open(path, true);
    cr_expect_geq(fd, 0);
    close(fd);
    fchmod(made, 0640);
    cr_expect_eq(base_file_open(path, true), -EPERM);
    cr_expect_str_eq(base_file_trouble(-EPERM), "others than its owner can read it (chmod 600)");
    fd = base_file_open(path, false);
    cr_expect_geq(fd, 0);
    close(fd);
    close(made);
    unlink(path);
}

Test(file, only_regular_files_are_opened_and_nothing_waits, .timeout = 5)
{
    char path[] = "/tmp/scramline-fifo-XXXXXX";

    cr_assert_not_null(mkdtemp(path));
    cr_expect_eq(base_file_open(path, false), BASE_E_MALFORMED);
    rmdir(path);
    cr_expect_eq(mkfifo(path, 0600), 0);
    cr_expect_eq(base_file_open(path, true), BASE_E_MALFORMED);
    unlink(path);
    cr_expect_eq(base_file_open(path, true), -ENOENT);
    cr_expect_str_eq(base_file_trouble(-ENOENT), "there is no such file");
    cr_expect_eq(base_file_open("/dev/zero", false), BASE_E_MALFORMED);
    cr_expect_str_eq(base_file_trouble(BASE_E_MALFORMED), "it is not a regular file");
    cr_expect_str_eq(base_file_trouble(-EACCES), "Permission denied");
}

static void folder_is(const char *path, const char *expected)
{
    char folder[16];

    cr_expect_eq(base_file_folder(path, folder, sizeof(folder)), 0);
    cr_expect_str_eq(folder, expected);
}

Test(file, a_folder_is_what_stands_before_the_last_slash)
{
    char folder[4];

    folder_is("a.yaml", ".");
    folder_is("./a.yaml", ".");
    folder_is("/a.yaml", "/");
    folder_is("/etc/x/a.yaml", "/etc/x");
    folder_is("x/a.yaml", "x");
    cr_expect_eq(base_file_folder("abcd/x", folder, sizeof(folder)), -ENAMETOOLONG);
}

Test(file, names_are_seen_from_the_folder_unless_they_begin_at_the_root)
{
    char path[16];

    cr_expect_eq(base_file_locate("/etc", "a.key", path, sizeof(path)), 0);
    cr_expect_str_eq(path, "/etc/a.key");
    cr_expect_eq(base_file_locate("/etc", "/a.key", path, sizeof(path)), 0);
    cr_expect_str_eq(path, "/a.key");
    cr_expect_eq(base_file_locate("/etc/folder", "long", path, sizeof(path)), -ENAMETOOLONG);
    cr_expect_eq(base_file_locate("/etc", "/fifteen/letters", path, sizeof(path)), -ENAMETOOLONG);
}
