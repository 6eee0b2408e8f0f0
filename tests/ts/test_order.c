/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>

#include "base/error.h"
#include "ts/order.h"

static struct base_ring *ring;

static void create_ring(void)
{
    cr_assert_eq(base_ring_create(&ring, 65536), 0);
}

static void destroy_ring(void)
{
    base_ring_destroy(ring);
}

TestSuite(order, .init = create_ring, .fini = destroy_ring);

Test(order, comes_out_as_it_went_in)
{
    static struct ts_order in = {.start = UINT64_C(0x123456789A),
                                 .period = 2700000,
                                 .source_crc = 0xDEADBEEF,
                                 .pid = 0x1FF0,
                                 .stream = 3,
                                 .extension = 0x0D49,
                                 .table_id = 0x02,
                                 .number = 1,
                                 .kind = TS_ORDER_REPLACE,
                                 .form = TS_ORDER_PACKETS};
    static struct ts_order got;

    memset(in.bytes, 0x5A, sizeof(in.bytes));
    for (unsigned size = 0; size <= TS_ORDER_BYTES_MAX; size += size < 4 ? 1 : 188) {
        in.size = (uint16_t)size;
        memset(&got, 0, sizeof(got));
        cr_assert_eq(ts_order_push(ring, &in), 0);
        cr_assert_eq(ts_order_pop(ring, &got), 1);
        cr_assert_arr_eq(&got, &in, offsetof(struct ts_order, bytes) + size);
        cr_assert(size == TS_ORDER_BYTES_MAX || got.bytes[size] == 0, "more than the used bytes came");
        cr_assert_eq(ts_order_pop(ring, &got), 0);
    }
}

Test(order, takes_no_more_room_than_it_needs)
{
    struct base_ring *small; /* its records are 1024 bytes at most */
    static struct ts_order order;

    cr_assert_eq(base_ring_create(&small, 4096), 0);
    order.size = 900;
    cr_assert_eq(ts_order_push(small, &order), 0);
    order.size = 1020;
    cr_assert_eq(ts_order_push(small, &order), -EMSGSIZE);
    order.size = 900;
    cr_assert_eq(ts_order_push(small, &order), 0);
    cr_assert_eq(ts_order_push(small, &order), 0);
    cr_assert_eq(ts_order_push(small, &order), 0);
    cr_assert_eq(ts_order_push(small, &order), -ENOBUFS);
    base_ring_destroy(small);
}

Test(order, refuses_more_than_the_maximum)
{
    static struct ts_order order = {.size = TS_ORDER_BYTES_MAX + 1};
    static struct ts_observation observation = {.size = TS_SECTION_MAX + 1};

    cr_assert_eq(ts_order_push(ring, &order), -EMSGSIZE);
    cr_assert_eq(ts_observation_push(ring, &observation), -EMSGSIZE);
    cr_assert_eq(ts_order_pop(ring, &order), 0);
}

Test(order, foreign_records_are_taken_out)
{
    static struct ts_order order = {.size = 10};
    static struct ts_observation observation = {.size = 10};
    static const uint8_t large[sizeof(order) + 64];
    const size_t sizes[] = {0,
                            1,
                            offsetof(struct ts_order, bytes) - 1,
                            offsetof(struct ts_order, bytes) + 9,
                            offsetof(struct ts_order, bytes) + 11,
                            sizeof(large)};

    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        struct ts_order foreign = {.size = 10};
        static uint8_t record[sizeof(large)];

        memcpy(record, &foreign, offsetof(struct ts_order, bytes));
        cr_assert_eq(base_ring_push(ring, record, sizes[i]), 0);
        cr_assert_eq(ts_order_pop(ring, &order), BASE_E_MALFORMED, "record of %zu bytes", sizes[i]);
        cr_assert_eq(base_ring_push(ring, large, sizes[i]), 0);
        cr_assert_eq(ts_observation_pop(ring, &observation), BASE_E_MALFORMED, "record of %zu bytes",
                     sizes[i]);
        cr_assert_eq(ts_order_pop(ring, &order), 0);
    }
}

Test(order, observation_comes_out_as_it_went_in)
{
    static struct ts_observation in = {.source_time = 27000000, .sequence = 1, .pid = 0x11}, got;

    memset(in.section, 0xA5, sizeof(in.section));
    for (unsigned size = 3; size <= TS_SECTION_MAX; size += 4093) {
        in.size = (uint16_t)size;
        memset(&got, 0, sizeof(got));
        cr_assert_eq(ts_observation_push(ring, &in), 0);
        cr_assert_eq(ts_observation_pop(ring, &got), 1);
        cr_assert_arr_eq(&got, &in, offsetof(struct ts_observation, section) + size);
        cr_assert(size == TS_SECTION_MAX || got.section[size] == 0);
        cr_assert_eq(ts_observation_pop(ring, &got), 0);
    }
}
