/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "base/error.h"
#include "emmg/carousel.h"
#include "folder.h"
#include "ts/section.h"

static struct emmg_carousel *carousel;
static char why[256];

static void close_all(void)
{
    emmg_carousel_close(carousel);
    folder_remove();
}

TestSuite(carousel, .init = folder_make, .fini = close_all, .timeout = 30);

static void open_it(void)
{
    cr_assert_eq(emmg_carousel_open(&carousel, folder, why), 0, "%s", why);
}

static uint32_t take(void)
{
    uint32_t number = base_load_u32(emmg_carousel_peek(carousel, 0).bytes + 3);

    emmg_carousel_advance(carousel, 1);
    return number;
}

static void expect(uint32_t first, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        cr_assert_eq(take(), first + i);
}

Test(carousel, sections_come_in_the_order_of_names_again_and_again)
{
    folder_add("b.sec", 10, 3, 100);
    folder_add("a.bin", 5, 1, 4096);
    folder_add("c.bin", 20, 2, 7);
    folder_write("readme.txt", "nothing", 7);
    folder_write(".hidden.bin", "nothing", 7);
    open_it();
    cr_assert_eq(emmg_carousel_count(carousel), 6);
    for (unsigned cycle = 0; cycle < 3; cycle++) {
        cr_assert_eq(emmg_carousel_cycles(carousel), cycle);
        cr_assert_eq(emmg_carousel_left(carousel), 6);
        expect(5, 1);
        cr_assert_eq(emmg_carousel_peek(carousel, 1).size, 100);
        expect(10, 3);
        expect(20, 2);
    }
    cr_assert_eq(emmg_carousel_refresh(carousel, why), 0);
}

static void expect_refused(int status, const char *text)
{
    cr_assert_eq(emmg_carousel_open(&carousel, folder, why), status, "%s", why);
    cr_assert(strstr(why, text), "%s", why);
    cr_assert_null(strchr(why, '\n'));
}

Test(carousel, what_cannot_be_used_is_told)
{
    uint8_t section[16] = {0x82, 0xF0, 13};

    expect_refused(-ENOENT, "no section in it");
    folder_write("empty.bin", "", 0);
    expect_refused(-ENOENT, "no section in it");
    folder_write("x.bin", "\x82\x70\x02", 3);
    expect_refused(BASE_E_TRUNCATED, "x.bin: no section at byte 0");
    folder_write("x.bin", "\x82\x70\x01\xFF\x82\x70", 6);
    expect_refused(BASE_E_TRUNCATED, "x.bin: no section at byte 4");
    folder_write("x.bin", section, sizeof(section));
    expect_refused(BASE_E_CHECKSUM, "x.bin: no section at byte 0");
    base_store_u32(section + 12, ts_crc32(section, 12));
    folder_write("x.bin", section, sizeof(section));
    open_it();
    emmg_carousel_close(carousel);
    carousel = NULL;
    folder_remove();
    expect_refused(-ENOENT, folder);
}

Test(carousel, a_changed_folder_goes_on_where_it_was)
{
    folder_add("a.bin", 0, 3, 50);
    folder_add("c.bin", 20, 3, 50);
    open_it();
    expect(0, 3);
    expect(20, 1);
    folder_add("b.bin", 10, 3, 50); /* which has its turn when a.bin has been again */
    cr_assert_eq(emmg_carousel_refresh(carousel, why), 1);
    expect(21, 2);
    expect(0, 3);
    expect(10, 1);
    folder_delete("b.bin");
    cr_assert_eq(emmg_carousel_refresh(carousel, why), 1);
    expect(20, 2);
    folder_delete("c.bin");
    cr_assert_eq(emmg_carousel_refresh(carousel, why), 1);
    expect(0, 3);
    cr_assert_eq(emmg_carousel_refresh(carousel, why), 0);
}

Test(carousel, a_bad_change_is_told_once_and_leaves_what_was)
{
    folder_add("a.bin", 0, 3, 50);
    open_it();
    expect(0, 1);
    folder_write("b.bin", "\x82\x70", 2);
    cr_assert_eq(emmg_carousel_refresh(carousel, why), BASE_E_TRUNCATED);
    cr_assert(strstr(why, "b.bin"));
    cr_assert_eq(emmg_carousel_refresh(carousel, why), 0);
    expect(1, 2);
    folder_add("b.bin", 3, 1, 50);
    cr_assert_eq(emmg_carousel_refresh(carousel, why), 1);
    expect(0, 4);
    folder_delete("a.bin");
    folder_delete("b.bin");
    cr_assert_eq(emmg_carousel_refresh(carousel, why), -ENOENT);
    expect(0, 4);
}

Test(carousel, anything_may_stand_in_a_file)
{
    uint8_t bytes[600];

    srand(11);
    for (unsigned round = 0; round < 1000; round++) {
        size_t size = (size_t)rand() % sizeof(bytes);

        for (size_t i = 0; i < size; i++)
            bytes[i] = rand() % 3 ? 0 : (uint8_t)rand();
        folder_write("x.bin", bytes, size);
        if (emmg_carousel_open(&carousel, folder, why) == 0) {
            for (size_t sum = 0; sum < size; emmg_carousel_advance(carousel, 1))
                sum += emmg_carousel_peek(carousel, 0).size;
            cr_assert_eq(emmg_carousel_cycles(carousel), 1);
            emmg_carousel_close(carousel);
        }
        carousel = NULL;
    }
}
