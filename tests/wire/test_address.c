/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <string.h>

#include "base/error.h"
#include "wire/datagram.h"

static struct wire_address address_of(const char *text)
{
    struct wire_address address;

    cr_assert_eq(wire_address_parse(text, &address), 0, "%s", text);
    return address;
}

Test(address, reads_both_versions)
{
    struct wire_address four = address_of("239.1.2.3");
    struct wire_address six = address_of("ff15::1:203");

    cr_assert_eq(four.version, 4);
    cr_assert_arr_eq(four.bytes, ((uint8_t[16]){239, 1, 2, 3}), 16);
    cr_assert_eq(six.version, 6);
    cr_assert_arr_eq(six.bytes, ((uint8_t[16]){0xFF, 0x15, [13] = 1, 2, 3}), 16);
}

Test(address, refuses_what_is_none)
{
    static const char *const texts[] = {"",          "239.1.2",     "239.1.2.256", "239.1.2.3 ", "host",
                                        "[ff15::1]", "ff15::1%eth", "1.2.3.4.5",   ":::",        "0x7f.1"};
    struct wire_address address;

    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        cr_assert_eq(wire_address_parse(texts[i], &address), BASE_E_MALFORMED, "%s", texts[i]);
}

Test(address, endpoint_text_goes_there_and_back)
{
    static const char *const texts[] = {"239.1.1.1:1234", "[ff15::1]:65535", "127.0.0.1:1",
                                        "[fd00:1111:2222:3333:4444:5555:6666:7777]:10000"};
    struct wire_address address;
    char text[64];
    uint16_t port;

    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        cr_assert_eq(wire_endpoint_parse(texts[i], &address, &port), 0, "%s", texts[i]);
        wire_endpoint_format(&address, port, text);
        cr_assert_str_eq(text, texts[i]);
    }
}

Test(address, refuses_broken_endpoints)
{
    static const char *const texts[] = {"",
                                        "239.1.1.1",
                                        "239.1.1.1:",
                                        "239.1.1.1:0",
                                        ":1234",
                                        "ff15::1:1234",
                                        "239.1.1.1:65536",
                                        "[ff15::1]",
                                        "host:1234",
                                        "239.1.1.1:12x",
                                        "[]:1",
                                        "[fd00:1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa]:10"};
    struct wire_address address;
    uint16_t port;

    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        cr_assert_eq(wire_endpoint_parse(texts[i], &address, &port), BASE_E_MALFORMED, "%s", texts[i]);
}

Test(address, equality_looks_at_version_and_used_bytes)
{
    struct wire_address a = address_of("1.2.3.4");
    struct wire_address b = a;
    struct wire_address six = address_of("102:304::");

    b.bytes[15] = 1;
    cr_assert(wire_address_equal(&a, &b));
    b.bytes[3] = 5;
    cr_assert_not(wire_address_equal(&a, &b));
    cr_assert_not(wire_address_equal(&a, &six));
    b = six;
    b.bytes[15] = 1;
    cr_assert_not(wire_address_equal(&six, &b));
}

Test(address, multicast_ranges)
{
    static const struct {
        const char *text;
        bool multicast;
    } cases[] = {{"224.0.0.0", true},  {"239.255.255.255", true}, {"223.255.255.255", false},
                 {"240.0.0.0", false}, {"ff02::1", true},         {"fe80::1", false}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct wire_address address = address_of(cases[i].text);
        cr_assert_eq(wire_is_multicast(&address), cases[i].multicast, "%s", cases[i].text);
    }
}

/* From: RFC 1112, section 6.4 (low 23 bits behind 01-00-5E) and RFC 2464, section 7 (low 32 bits behind
 * 33-33). */
Test(address, multicast_mac)
{
    struct wire_address four = address_of("239.129.2.3");
    struct wire_address six = address_of("ff15::8102:3ff");
    uint8_t mac[6];

    wire_multicast_mac(&four, mac);
    cr_assert_arr_eq(mac, ((uint8_t[]){0x01, 0x00, 0x5E, 0x01, 2, 3}), 6);
    wire_multicast_mac(&six, mac);
    cr_assert_arr_eq(mac, ((uint8_t[]){0x33, 0x33, 0x81, 0x02, 0x03, 0xFF}), 6);
}
