/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/capture.h"

#include <errno.h>
#include <string.h>

#include "base/cursor.h"
#include "base/error.h"
#include "wire/network.h"

/* pcap (libpcap's savefile format), as read in big-endian order */
#define PCAP_MICROSECONDS         0xA1B2C3D4
#define PCAP_NANOSECONDS          0xA1B23C4D
#define PCAP_MICROSECONDS_SWAPPED 0xD4C3B2A1
#define PCAP_NANOSECONDS_SWAPPED  0x4D3CB2A1
#define PCAP_HEADER_SIZE          24
#define PCAP_RECORD_HEADER_SIZE   16

/* pcapng block types and options */
#define BLOCK_SECTION          0x0A0D0D0A /* a palindrome: the same in both byte orders */
#define BLOCK_INTERFACE        1
#define BLOCK_PACKET           2 /* obsolete, still read */
#define BLOCK_SIMPLE_PACKET    3
#define BLOCK_ENHANCED_PACKET  6
#define BLOCK_OVERHEAD         12 /* type and length before, length behind */
#define BYTE_ORDER_MAGIC       0x1A2B3C4D
#define OPTION_END             0
#define OPTION_TIME_RESOLUTION 9
#define OPTION_TIME_OFFSET     14
#define DEFAULT_TICKS          1000000
#define NANOSECONDS            UINT64_C(1000000000)

enum link_type {
    LINK_NULL = 0,
    LINK_ETHERNET = 1,
    LINK_RAW_BSD = 12,
    LINK_RAW = 101,
    LINK_LOOP = 108,
    LINK_SLL = 113,
    LINK_IPV4 = 228,
    LINK_IPV6 = 229,
    LINK_SLL2 = 276,
};

static uint16_t read_u16(const struct wire_capture *capture, struct base_reader *r)
{
    uint16_t value = base_read_u16(r);

    return capture->swapped ? __builtin_bswap16(value) : value;
}

static uint32_t read_u32(const struct wire_capture *capture, struct base_reader *r)
{
    uint32_t value = base_read_u32(r);

    return capture->swapped ? __builtin_bswap32(value) : value;
}

static uint64_t read_u64(const struct wire_capture *capture, struct base_reader *r)
{
    uint64_t value = base_read_u64(r);

    return capture->swapped ? __builtin_bswap64(value) : value;
}

bool wire_capture_recognise(const uint8_t magic[static WIRE_CAPTURE_MAGIC_SIZE])
{
    switch (base_load_u32(magic)) {
    case PCAP_MICROSECONDS:
    case PCAP_MICROSECONDS_SWAPPED:
    case PCAP_NANOSECONDS:
    case PCAP_NANOSECONDS_SWAPPED:
    case BLOCK_SECTION:
        return true;
    default:
        return false;
    }
}

void wire_capture_init(struct wire_capture *capture)
{
    memset(capture, 0, sizeof(*capture));
}

static void set_time(const struct wire_capture *capture, unsigned interface, uint64_t ticks,
                     struct wire_capture_record *record)
{
    uint64_t per_second = capture->interfaces[interface].ticks_per_second;
    uint64_t seconds = ticks / per_second + (uint64_t)capture->interfaces[interface].offset_s;
    unsigned __int128 fraction = (unsigned __int128)(ticks % per_second) * NANOSECONDS;

    record->time_ns = seconds * NANOSECONDS + (uint64_t)(fraction / per_second);
}

static ptrdiff_t start_pcap(struct wire_capture *capture, const uint8_t *bytes, size_t size)
{
    struct base_reader r = base_reader_of(bytes, size);
    uint32_t magic = base_read_u32(&r);

    if (size < PCAP_HEADER_SIZE)
        return 0;
    capture->swapped = magic == PCAP_MICROSECONDS_SWAPPED || magic == PCAP_NANOSECONDS_SWAPPED;
    if (read_u16(capture, &r) != 2) /* major version */
        return BASE_E_UNSUPPORTED;
    base_read_bytes(&r, 2 + 4 + 4); /* minor version, zone, accuracy: zero in practice */
    capture->interfaces[0].snap_length = read_u32(capture, &r);
    capture->interfaces[0].link_type = (uint16_t)read_u32(capture, &r); /* above: length of the FCS */
    capture->interfaces[0].ticks_per_second =
        magic == PCAP_NANOSECONDS || magic == PCAP_NANOSECONDS_SWAPPED ? NANOSECONDS : DEFAULT_TICKS;
    capture->interface_count = 1;
    capture->started = true;
    return PCAP_HEADER_SIZE;
}

static ptrdiff_t next_pcap(const struct wire_capture *capture, const uint8_t *bytes, size_t size,
                           struct wire_capture_record *record)
{
    struct base_reader r = base_reader_of(bytes, size);
    uint64_t seconds = read_u32(capture, &r);
    uint64_t fraction = read_u32(capture, &r);
    uint32_t captured = read_u32(capture, &r);
    uint32_t original = read_u32(capture, &r);

    if (r.failed)
        return 0;
    if (captured > WIRE_CAPTURE_RECORD_MAX - PCAP_RECORD_HEADER_SIZE)
        return BASE_E_MALFORMED;
    record->bytes = base_read_bytes(&r, captured);
    if (r.failed)
        return 0;
    record->size = captured;
    record->cut = captured < original;
    record->link_type = capture->interfaces[0].link_type;
    set_time(capture, 0, seconds * capture->interfaces[0].ticks_per_second + fraction, record);
    return r.at - bytes;
}

/* if_tsresol: a negative power of ten, or of two where the top bit is set. 0: more than 64 bits hold. */
static uint64_t ticks_of_resolution(uint8_t resolution)
{
    uint64_t ticks = 1;

    if (resolution & 0x80)
        return (resolution & 0x7F) < 64 ? UINT64_C(1) << (resolution & 0x7F) : 0;
    for (unsigned i = 0; i < resolution; i++) {
        if (__builtin_mul_overflow(ticks, (uint64_t)10, &ticks))
            return 0;
    }
    return ticks;
}

static int read_interface_options(struct wire_capture *capture, unsigned interface, struct base_reader *r)
{
    while (base_reader_left(r) >= 4) {
        uint16_t code = read_u16(capture, r);
        uint16_t length = read_u16(capture, r);
        struct base_reader value = base_read_part(r, length);

        base_read_bytes(r, -(size_t)length & 3);
        if (r->failed)
            return BASE_E_MALFORMED;
        if (code == OPTION_END)
            return 0;
        if (code == OPTION_TIME_RESOLUTION && length == 1)
            capture->interfaces[interface].ticks_per_second = ticks_of_resolution(base_read_u8(&value));
        else if (code == OPTION_TIME_OFFSET && length == 8)
            capture->interfaces[interface].offset_s = (int64_t)read_u64(capture, &value);
    }
    return 0;
}

static int read_interface(struct wire_capture *capture, struct base_reader *r)
{
    unsigned interface = capture->interface_count;
    int status;

    if (interface == WIRE_CAPTURE_INTERFACES_MAX)
        return BASE_E_UNSUPPORTED;
    memset(&capture->interfaces[interface], 0, sizeof(capture->interfaces[interface]));
    capture->interfaces[interface].link_type = read_u16(capture, r);
    base_read_u16(r); /* reserved */
    capture->interfaces[interface].snap_length = read_u32(capture, r);
    capture->interfaces[interface].ticks_per_second = DEFAULT_TICKS;
    if (r->failed)
        return BASE_E_MALFORMED;
    status = read_interface_options(capture, interface, r);
    if (status < 0)
        return status;
    if (capture->interfaces[interface].ticks_per_second == 0)
        return BASE_E_UNSUPPORTED;
    capture->interface_count++;
    return 0;
}

/* Enhanced and old packet blocks differ in the interface field alone. */
static int read_packet(const struct wire_capture *capture, bool enhanced, struct base_reader *r,
                       struct wire_capture_record *record)
{
    uint32_t interface = enhanced ? read_u32(capture, r) : read_u16(capture, r);
    uint64_t ticks;
    uint32_t captured, original;

    if (!enhanced)
        base_read_u16(r); /* drops */
    ticks = (uint64_t)read_u32(capture, r) << 32;
    ticks |= read_u32(capture, r);
    captured = read_u32(capture, r);
    original = read_u32(capture, r);
    record->bytes = base_read_bytes(r, captured);
    if (r->failed || interface >= capture->interface_count)
        return BASE_E_MALFORMED;
    record->size = captured;
    record->cut = captured < original;
    record->link_type = capture->interfaces[interface].link_type;
    set_time(capture, interface, ticks, record);
    return 0;
}

/* A simple packet block tells neither its captured length nor a time. */
static int read_simple_packet(const struct wire_capture *capture, struct base_reader *r,
                              struct wire_capture_record *record)
{
    uint32_t original = read_u32(capture, r);
    uint32_t captured = original;

    if (r->failed || capture->interface_count == 0)
        return BASE_E_MALFORMED;
    if (capture->interfaces[0].snap_length && captured > capture->interfaces[0].snap_length)
        captured = capture->interfaces[0].snap_length;
    record->bytes = base_read_bytes(r, captured);
    if (r->failed)
        return BASE_E_MALFORMED;
    record->size = captured;
    record->cut = captured < original;
    record->link_type = capture->interfaces[0].link_type;
    return 0;
}

/* A section has its own byte order, told before its first number must be understood. */
static int read_section_order(struct wire_capture *capture, const uint8_t *magic)
{
    uint32_t order = base_load_u32(magic);

    if (order != BYTE_ORDER_MAGIC && __builtin_bswap32(order) != BYTE_ORDER_MAGIC)
        return BASE_E_MALFORMED;
    capture->swapped = order != BYTE_ORDER_MAGIC;
    return 0;
}

static int read_section(struct wire_capture *capture, struct base_reader *r)
{
    base_read_u32(r); /* byte-order magic */
    if (read_u16(capture, r) != 1)
        return r->failed ? BASE_E_MALFORMED : BASE_E_UNSUPPORTED;
    capture->interface_count = 0;
    capture->started = true;
    return 0;
}

static int read_block(struct wire_capture *capture, uint32_t type, struct base_reader *r,
                      struct wire_capture_record *record)
{
    switch (type) {
    case BLOCK_SECTION:
        return read_section(capture, r);
    case BLOCK_INTERFACE:
        return read_interface(capture, r);
    case BLOCK_PACKET:
    case BLOCK_ENHANCED_PACKET:
        return read_packet(capture, type == BLOCK_ENHANCED_PACKET, r, record);
    case BLOCK_SIMPLE_PACKET:
        return read_simple_packet(capture, r, record);
    default:
        return 0;
    }
}

static ptrdiff_t next_block(struct wire_capture *capture, const uint8_t *bytes, size_t size,
                            struct wire_capture_record *record)
{
    struct base_reader r = base_reader_of(bytes, size);
    struct base_reader body;
    uint32_t type, length;
    int status;

    if (size < BLOCK_OVERHEAD)
        return 0;
    if (base_load_u32(bytes) == BLOCK_SECTION) {
        status = read_section_order(capture, bytes + 8);
        if (status < 0)
            return status;
    }
    type = read_u32(capture, &r);
    length = read_u32(capture, &r);
    if (length < BLOCK_OVERHEAD || length % 4 || length > WIRE_CAPTURE_RECORD_MAX)
        return BASE_E_MALFORMED;
    if (length > size)
        return 0;
    body = base_read_part(&r, length - BLOCK_OVERHEAD);
    if (read_u32(capture, &r) != length)
        return BASE_E_MALFORMED;
    status = read_block(capture, type, &body, record);
    return status < 0 ? status : (ptrdiff_t)length;
}

ptrdiff_t wire_capture_next(struct wire_capture *capture, const uint8_t *bytes, size_t size,
                            struct wire_capture_record *record)
{
    memset(record, 0, sizeof(*record));
    if (capture->started)
        return capture->next_generation ? next_block(capture, bytes, size, record)
                                        : next_pcap(capture, bytes, size, record);
    if (size < WIRE_CAPTURE_MAGIC_SIZE)
        return 0;
    if (!wire_capture_recognise(bytes))
        return BASE_E_MALFORMED;
    capture->next_generation = base_load_u32(bytes) == BLOCK_SECTION;
    return capture->next_generation ? next_block(capture, bytes, size, record)
                                    : start_pcap(capture, bytes, size);
}

/* "Cooked" headers: the ethertype stands at `type_offset` of a header of `header_size` bytes. */
static int parse_cooked(const struct wire_capture_record *record, size_t header_size, size_t type_offset,
                        uint8_t protocol, struct wire__packet *packet)
{
    if (record->size < header_size)
        return BASE_E_TRUNCATED;
    return wire__parse_network(record->bytes, record->size, header_size,
                               base_load_u16(record->bytes + type_offset), protocol, packet);
}

static int find_packet(const struct wire_capture_record *record, uint8_t protocol,
                       struct wire__packet *packet)
{
    switch (record->link_type) {
    case LINK_ETHERNET:
        return wire__parse_ethernet(record->bytes, record->size, protocol, packet);
    case LINK_RAW_BSD:
    case LINK_RAW:
    case LINK_IPV4:
    case LINK_IPV6:
        return wire__parse_ip(record->bytes, record->size, 0, protocol, packet);
    case LINK_NULL: /* its address family is in the byte order, and the numbering, of an unknown machine */
    case LINK_LOOP:
        return wire__parse_ip(record->bytes, record->size, 4, protocol, packet);
    case LINK_SLL:
        return parse_cooked(record, 16, 14, protocol, packet);
    case LINK_SLL2:
        return parse_cooked(record, 20, 0, protocol, packet);
    default:
        return -EPROTONOSUPPORT;
    }
}

int wire_capture_datagram(const struct wire_capture_record *record, struct wire_datagram *datagram)
{
    struct wire__packet packet;
    int status = find_packet(record, WIRE__PROTOCOL_UDP, &packet);

    return status < 0 ? status : wire__parse_udp(record->bytes, &packet, datagram);
}

int wire_capture_segment(const struct wire_capture_record *record, struct wire_segment *segment)
{
    struct wire__packet packet;
    int status = find_packet(record, WIRE__PROTOCOL_TCP, &packet);

    return status < 0 ? status : wire__parse_tcp(record->bytes, &packet, segment);
}
