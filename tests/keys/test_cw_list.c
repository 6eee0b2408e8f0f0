/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"
#include "keys/control_word.h"

/* Loads `size` bytes as a file. *line stays 0 where the loader does not set it. */
static int load(struct keys_cw_list *list, const void *text, size_t size, size_t cw_size, bool raw,
                size_t *line)
{
    int fd = memfd_create("cw-list", MFD_CLOEXEC);
    char path[32];
    int status;

    *line = 0;
    cr_assert_eq(write(fd, text, size), (ssize_t)size);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    status = keys_cw_list_load(list, path, cw_size, raw, line);
    close(fd);
    return status;
}

static int load_text(struct keys_cw_list *list, const char *text, size_t *line)
{
    return load(list, text, strlen(text), 8, false, line);
}

Test(cw_list, words_come_in_order_with_checksums)
{
    struct keys_cw_list list;
    size_t line;

    cr_assert_eq(load_text(&list,
                           "# even\n1122330044556600\n\n  \t\r\n"
                           "  0102030004050600 \r\n#0000000000000000\nFfFfFf00fFfFfF00",
                           &line),
                 0);
    cr_assert_eq(list.count, 3);
    cr_assert_arr_eq(list.words[0].bytes, ((uint8_t[]){0x11, 0x22, 0x33, 0x66, 0x44, 0x55, 0x66, 0xff}), 8);
    cr_assert_arr_eq(list.words[1].bytes, ((uint8_t[]){1, 2, 3, 6, 4, 5, 6, 15}), 8);
    cr_assert_eq(list.words[2].bytes[7], 0xfd);
    cr_assert_eq(list.words[2].size, 8);
    keys_cw_list_clear(&list);
    cr_assert_eq(list.count, 0);
    cr_assert_null(list.words);
    keys_cw_list_clear(&list);
}

Test(cw_list, raw_words_stay_as_they_are)
{
    static const char text[] = "1122330044556600\n";
    struct keys_cw_list list;
    size_t line;

    cr_assert_eq(load(&list, text, strlen(text), 8, true, &line), 0);
    cr_assert_eq(list.words[0].bytes[3], 0);
    keys_cw_list_clear(&list);
}

Test(cw_list, sixteen_byte_words)
{
    static const char text[] = "000102030405060708090a0b0c0d0e0f\n";
    struct keys_cw_list list;
    size_t line;

    cr_assert_eq(load(&list, text, strlen(text), 16, false, &line), 0);
    cr_assert_eq(list.words[0].size, 16);
    cr_assert_eq(list.words[0].bytes[15], 15);
    keys_cw_list_clear(&list);
    cr_assert_eq(load(&list, text, strlen(text), 8, false, &line), BASE_E_MALFORMED);
}

Test(cw_list, says_which_line_is_wrong)
{
    static const struct {
        const char *text;
        size_t line;
    } wrong[] = {
        {"11223300445566", 1},
        {"# c\n\n1122330044556600\n112233004455660x\n", 4},
        {"1122330044556600 1122330044556600\n", 1},
        {"1122330044556600\n # not at the beginning of the line\n", 2},
        {"1122330044556600\n1122330044556600,\n", 2},
    };

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct keys_cw_list list;
        size_t line;

        cr_assert_eq(load_text(&list, wrong[i].text, &line), BASE_E_MALFORMED, "%s", wrong[i].text);
        cr_assert_eq(line, wrong[i].line, "%s: %zu", wrong[i].text, line);
        cr_assert_eq(list.count, 0);
        cr_assert_null(list.words);
    }
}

Test(cw_list, bytes_that_are_no_text_are_refused)
{
    static const char with_nul[] = "1122330044556600\0\n";
    struct keys_cw_list list;
    size_t line;

    cr_assert_eq(load(&list, with_nul, sizeof(with_nul) - 1, 8, false, &line), BASE_E_MALFORMED);
    cr_assert_eq(line, 1);
    cr_assert_eq(load(&list, "\0", 1, 8, false, &line), BASE_E_MALFORMED);
    cr_assert_eq(load_text(&list, "\xff\xfe", &line), BASE_E_MALFORMED);
}

Test(cw_list, only_comments_may_be_longer_than_a_line)
{
    char text[2000];
    struct keys_cw_list list;
    size_t line;

    memset(text, '0', sizeof(text));
    cr_assert_eq(load(&list, text, sizeof(text), 8, false, &line), BASE_E_MALFORMED);
    cr_assert_eq(line, 1);
    text[0] = '#';
    memcpy(text + sizeof(text) - 18, "\n1122330044556600\n", 18);
    cr_assert_eq(load(&list, text, sizeof(text), 8, false, &line), 0);
    cr_assert_eq(list.count, 1);
    keys_cw_list_clear(&list);
}

Test(cw_list, a_file_without_a_word_is_told_from_a_broken_one)
{
    struct keys_cw_list list;
    size_t line;

    cr_assert_eq(load_text(&list, "", &line), -ENODATA);
    cr_assert_eq(load_text(&list, "# nothing\n\n", &line), -ENODATA);
    cr_assert_eq(line, 0);
    cr_assert_eq(keys_cw_list_load(&list, "/nonexistent/list", 8, false, &line), -ENOENT);
    cr_assert_eq(keys_cw_list_load(&list, "/", 8, false, &line), -EISDIR);
    cr_assert_null(list.words);
}

Test(cw_list, grows_as_far_as_the_limit)
{
    size_t size = 17 * (KEYS_CW_LIST_MAX + 1), line;
    char *text = malloc(size + 1);
    struct keys_cw_list list;

    cr_assert_not_null(text);
    for (size_t i = 0; i <= KEYS_CW_LIST_MAX; i++)
        snprintf(text + 17 * i, 18, "%014zx00\n", i);
    cr_assert_eq(load(&list, text, size - 17, 8, true, &line), 0);
    cr_assert_eq(list.count, KEYS_CW_LIST_MAX);
    for (size_t i = 0; i < list.count; i += 4099)
        cr_assert_eq(list.words[i].bytes[6], i & 0xff);
    keys_cw_list_clear(&list);
    cr_assert_eq(load(&list, text, size, 8, true, &line), -EFBIG);
    free(text);
}
