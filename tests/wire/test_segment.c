/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "wire/capture.h"

TestSuite(segment, .timeout = 20);

static const uint8_t ipv4[] = {0x45, 0, 0, 46, 0, 1, 0x40, 0, 64, 6, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2};
static const uint8_t ipv6[] = {0x60, 0, 0, 0, 0, 26, 6, 64, 0x20, 1, 0x0D, 0xB8, 0,    0,
                               0,    0, 0, 0, 0, 0,  0, 0,  0,    1, 0x20, 1,    0x0D, 0xB8,
                               0,    0, 0, 0, 0, 0,  0, 0,  0,    0, 0,    2};
/* Ports 5000 to 2222, 4 bytes of options, payload "ab". */
static const uint8_t tcp[] = {0x13, 0x88, 0x08, 0xAE, 1, 2, 3, 4, 5, 6, 7, 8,   0x60,
                              0x18, 1,    0,    0,    0, 0, 0, 1, 1, 1, 1, 'a', 'b'};

static uint8_t frame[256];

static size_t join(const void *head, size_t head_size, const void *ip, size_t ip_size)
{
    memcpy(frame, head, head_size);
    memcpy(frame + head_size, ip, ip_size);
    memcpy(frame + head_size + ip_size, tcp, sizeof(tcp));
    return head_size + ip_size + sizeof(tcp);
}

static int parse(uint16_t link_type, size_t size, struct wire_segment *segment)
{
    uint8_t *exact = malloc(size);
    struct wire_capture_record record = {.bytes = exact, .size = size, .link_type = link_type};
    int status;

    memcpy(exact, frame, size);
    status = wire_capture_segment(&record, segment);
    free(exact);
    return status;
}

static void expect(uint16_t link_type, size_t size)
{
    struct wire_segment segment;

    cr_assert_eq(parse(link_type, size, &segment), 0);
    cr_assert_eq(segment.flow.source_port, 5000);
    cr_assert_eq(segment.flow.destination_port, 2222);
    cr_assert_eq(segment.sequence, 0x01020304);
    cr_assert_eq(segment.acknowledgement, 0x05060708);
    cr_assert_eq(segment.flags, 0x18);
    cr_assert_eq(segment.payload_size, 2);
    cr_assert_eq(memcmp(frame + segment.payload_offset, "ab", 2), 0);
}

Test(segment, is_found_behind_every_link_header)
{
    static const uint8_t ethernet[14] = {[12] = 0x08, [13] = 0x00};
    static const uint8_t vlan[18] = {[12] = 0x81, [13] = 0x00, [15] = 5, [16] = 0x86, [17] = 0xDD};
    static const uint8_t sll[16] = {[14] = 0x08, [15] = 0x00};
    static const uint8_t sll2[20] = {0x86, 0xDD};
    static const uint8_t loop[4] = {2};

    expect(1, join(ethernet, sizeof(ethernet), ipv4, sizeof(ipv4)));
    expect(1, join(vlan, sizeof(vlan), ipv6, sizeof(ipv6)));
    expect(113, join(sll, sizeof(sll), ipv4, sizeof(ipv4)));
    expect(276, join(sll2, sizeof(sll2), ipv6, sizeof(ipv6)));
    expect(0, join(loop, sizeof(loop), ipv4, sizeof(ipv4)));
    expect(101, join("", 0, ipv6, sizeof(ipv6)));
}

Test(segment, padding_of_the_frame_is_no_payload)
{
    expect(101, join("", 0, ipv4, sizeof(ipv4)) + 30);
}

Test(segment, what_is_cut_or_contradicts_itself_is_refused)
{
    struct wire_segment segment;
    size_t size = join("", 0, ipv4, sizeof(ipv4));

    for (size_t cut = 1; cut < size; cut++)
        cr_assert_lt(parse(101, cut, &segment), 0, "%zu", cut);
    frame[sizeof(ipv4) + 12] = 0x40; /* header shorter than a header */
    cr_assert_eq(parse(101, size, &segment), BASE_E_MALFORMED);
    frame[sizeof(ipv4) + 12] = 0xF0; /* longer than the packet */
    cr_assert_eq(parse(101, size, &segment), BASE_E_MALFORMED);
    join("", 0, ipv4, sizeof(ipv4));
    frame[3] = 30; /* the IP packet ends in the TCP header */
    cr_assert_eq(parse(101, size, &segment), BASE_E_MALFORMED);
}

Test(segment, other_protocols_and_fragments_are_told_apart)
{
    struct wire_segment segment;
    struct wire_datagram datagram;
    size_t size = join("", 0, ipv4, sizeof(ipv4));

    cr_assert_eq(wire_datagram_parse_ip(frame, size, &datagram), -EPROTONOSUPPORT);
    frame[9] = 17;
    cr_assert_eq(parse(101, size, &segment), -EPROTONOSUPPORT);
    frame[9] = 6;
    frame[6] = 0x20; /* more fragments */
    cr_assert_eq(parse(101, size, &segment), -ENOTSUP);
}
