/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "cmd/status_file.h"

static char folder[] = "/tmp/status-XXXXXX", path[64], partial[80];
static struct cmd_status_file file;

static void begin(void)
{
    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/status.json", folder);
    snprintf(partial, sizeof(partial), "%s.partial", path);
    file.path = path;
}

static void end(void)
{
    cmd_status_file_clear(&file);
    unlink(path);
    rmdir(folder);
}

TestSuite(status_file, .init = begin, .fini = end, .timeout = 30);

static void wait_until_ready(void)
{
    while (!cmd_status_file_is_ready(&file))
        usleep(1000);
}

static int number_in_file(void)
{
    json_t *json = json_load_file(path, 0, NULL);
    int number = (int)json_integer_value(json_object_get(json, "number"));

    json_decref(json);
    return number;
}

Test(status_file, each_replaces_the_one_before)
{
    for (int number = 1; number <= 20; number++) {
        cr_assert(cmd_status_file_is_ready(&file));
        cmd_status_file_replace(&file, json_pack("{s:i}", "number", number));
        wait_until_ready();
        cr_assert_eq(number_in_file(), number);
        cr_assert_eq(file.status, 0);
        cr_assert_neq(access(partial, F_OK), 0);
    }
}

Test(status_file, the_last_one_is_whole_when_it_is_cleared)
{
    json_t *json = json_pack("{s:i, s:[]}", "number", 7, "many");

    for (int i = 0; i < 100000; i++)
        json_array_append_new(json_object_get(json, "many"), json_integer(i));
    cmd_status_file_replace(&file, json);
    cmd_status_file_clear(&file);
    cr_assert_eq(number_in_file(), 7);
}

Test(status_file, what_cannot_be_written_is_known_and_ends_nothing)
{
    file.path = "/nowhere/status.json";
    cmd_status_file_replace(&file, json_object());
    wait_until_ready();
    cr_assert_eq(file.told, -ENOENT);
    cmd_status_file_replace(&file, NULL);
    wait_until_ready();
    cr_assert_eq(file.told, -ENOMEM);
    file.path = path;
    cmd_status_file_replace(&file, json_pack("{s:i}", "number", 3));
    wait_until_ready();
    cr_assert_eq(file.told, 0);
    cr_assert_eq(number_in_file(), 3);
}
