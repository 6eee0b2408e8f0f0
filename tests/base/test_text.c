/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>

#include "base/error.h"
#include "base/text.h"

Test(text, hex_takes_both_cases_and_outer_space)
{
    uint8_t bytes[4];

    cr_assert_eq(base_hex_decode(" 0aFF10 \n", bytes, sizeof(bytes)), 3);
    cr_assert_arr_eq(bytes, ((uint8_t[]){0x0a, 0xff, 0x10}), 3);
}

Test(text, hex_refuses_odd_foreign_and_too_many_digits)
{
    uint8_t bytes[2];

    cr_assert_eq(base_hex_decode("abc", bytes, 2), BASE_E_MALFORMED);
    cr_assert_eq(base_hex_decode("zz", bytes, 2), BASE_E_MALFORMED);
    cr_assert_eq(base_hex_decode("", bytes, 2), BASE_E_MALFORMED);
    cr_assert_eq(base_hex_decode("00 11", bytes, 2), BASE_E_MALFORMED);
    cr_assert_eq(base_hex_decode("001122", bytes, 2), -EMSGSIZE);
}

Test(text, hex_encode_checks_room)
{
    char text[5];

    cr_assert_eq(base_hex_encode((const uint8_t[]){0x12, 0xef}, 2, text, sizeof(text)), 0);
    cr_assert_str_eq(text, "12ef");
    cr_assert_eq(base_hex_encode((const uint8_t[]){0x12, 0xef}, 2, text, 4), -ENOSPC);
}

Test(text, numbers)
{
    uint64_t value = 7;

    cr_assert_eq(base_parse_u64("0x1FFF", 0, 8191, &value), 0);
    cr_assert_eq(value, 8191);
    cr_assert_eq(base_parse_u64("8192", 0, 8191, &value), -ERANGE);
    cr_assert_eq(base_parse_u64("18446744073709551616", 0, UINT64_MAX, &value), -ERANGE);
    cr_assert_eq(base_parse_u64("12a", 0, 99, &value), BASE_E_MALFORMED);
    cr_assert_eq(base_parse_u64("-1", 0, 99, &value), BASE_E_MALFORMED);
    cr_assert_eq(base_parse_u64("0x", 0, 99, &value), BASE_E_MALFORMED);
    cr_assert_eq(value, 8191, "a refused text leaves the value alone");
}

Test(text, seconds)
{
    uint64_t us;

    cr_assert_eq(base_parse_seconds("10", 0, UINT64_MAX, &us), 0);
    cr_assert_eq(us, 10000000);
    cr_assert_eq(base_parse_seconds("0.5", 0, UINT64_MAX, &us), 0);
    cr_assert_eq(us, 500000);
    cr_assert_eq(base_parse_seconds("1.", 0, UINT64_MAX, &us), BASE_E_MALFORMED);
    cr_assert_eq(base_parse_seconds("0.0000001", 0, UINT64_MAX, &us), BASE_E_MALFORMED);
    cr_assert_eq(base_parse_seconds("99", 0, 1000000, &us), -ERANGE);
}

Test(text, host_port)
{
    char host[16];
    uint16_t port;

    cr_assert_eq(base_parse_host_port("127.0.0.1:2222", host, sizeof(host), &port), 0);
    cr_assert_str_eq(host, "127.0.0.1");
    cr_assert_eq(port, 2222);
    cr_assert_eq(base_parse_host_port("[::1]:80", host, sizeof(host), &port), 0);
    cr_assert_str_eq(host, "::1");
    cr_assert_eq(base_parse_host_port(":80", host, sizeof(host), &port), 0);
    cr_assert_str_eq(host, "");
    cr_assert_eq(base_parse_host_port("::1:80", host, sizeof(host), &port), BASE_E_MALFORMED);
    cr_assert_eq(base_parse_host_port("host", host, sizeof(host), &port), BASE_E_MALFORMED);
    cr_assert_eq(base_parse_host_port("host:0", host, sizeof(host), &port), BASE_E_MALFORMED);
    cr_assert_eq(base_parse_host_port("a-very-long-host-name:1", host, sizeof(host), &port), -EMSGSIZE);
}

Test(text, lists_and_ranges)
{
    static const unsigned expected[] = {9, 1, 5, 8, 9, 10};
    unsigned values[6] = {9};
    unsigned count = 1;

    cr_assert_eq(base_parse_list("1,5,8-10", 0, 20, values, 6, &count), 0);
    cr_assert_eq(count, 6);
    cr_assert_arr_eq(values, expected, sizeof(expected));
    cr_assert_eq(base_parse_list("1", 0, 20, values, 6, &count), -E2BIG);
    count = 0;
    cr_assert_eq(base_parse_list("3-2", 0, 20, values, 6, &count), -ERANGE);
    cr_assert_eq(base_parse_list("1,,2", 0, 20, values, 6, &count), BASE_E_MALFORMED);
    cr_assert_eq(base_parse_list("", 0, 20, values, 6, &count), BASE_E_MALFORMED);
    cr_assert_eq(base_parse_list("21", 0, 20, values, 6, &count), -ERANGE);
    cr_assert_eq(base_parse_list("0-18446744073709551615", 0, UINT64_MAX, values, 6, &count), -E2BIG);
}

Test(text, places_to_listen_on)
{
    char host[16];
    uint16_t port;

    cr_assert_eq(base_parse_listen("*:0", host, sizeof(host), &port), 0);
    cr_assert_str_eq(host, "");
    cr_assert_eq(port, 0);
    cr_assert_eq(base_parse_listen(":65535", host, sizeof(host), &port), 0);
    cr_assert_str_eq(host, "");
    cr_assert_eq(port, 65535);
    cr_assert_eq(base_parse_listen("[::]:1", host, sizeof(host), &port), 0);
    cr_assert_str_eq(host, "::");
    cr_assert_eq(base_parse_listen("1", host, sizeof(host), &port), BASE_E_MALFORMED);
    cr_assert_eq(base_parse_listen("a:65536", host, sizeof(host), &port), BASE_E_MALFORMED);
}
