/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "capture.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"

#define ETHERNET_SIZE 14
#define IPV4_SIZE     20
#define TCP_SIZE      20

static uint32_t little_endian(struct base_reader *r)
{
    return __builtin_bswap32(base_read_u32(r));
}

static void append(struct capture *capture, enum capture_direction direction, const uint8_t *bytes,
                   size_t size)
{
    cr_assert_leq(capture->size[direction] + size, CAPTURE_MAX);
    memcpy(capture->bytes[direction] + capture->size[direction], bytes, size);
    capture->size[direction] += size;
}

/* Segments of a loopback recording come in order; one that was sent twice is taken once. */
static void take_tcp(struct capture *capture, struct base_reader tcp, uint32_t next[2])
{
    base_read_u16(&tcp);
    bool to_server = base_read_u16(&tcp) == CAPTURE_PORT;
    uint32_t sequence = base_read_u32(&tcp);
    base_read_u32(&tcp);
    uint8_t offset = (uint8_t)((base_read_u8(&tcp) >> 4) * 4);
    base_read_bytes(&tcp, (size_t)(offset - 13));
    size_t size = base_reader_left(&tcp);
    cr_assert(!tcp.failed);
    if (!size || (next[to_server] && sequence != next[to_server]))
        return;
    next[to_server] = sequence + (uint32_t)size;
    append(capture, to_server ? CAPTURE_TO_SERVER : CAPTURE_TO_CLIENT, tcp.at, size);
}

static void take_udp(struct capture *capture, struct base_reader udp)
{
    base_read_u16(&udp);
    cr_assert_eq(base_read_u16(&udp), CAPTURE_UDP_PORT);
    base_read_u32(&udp);
    append(capture, CAPTURE_UDP, udp.at, base_reader_left(&udp));
}

static void take_segment(struct capture *capture, struct base_reader frame, uint32_t next[2])
{
    struct base_reader ip = frame;
    base_read_bytes(&ip, ETHERNET_SIZE);
    const uint8_t *start = ip.at;
    uint8_t header = (uint8_t)((base_read_u8(&ip) & 0x0F) * 4);
    base_read_u8(&ip);
    uint16_t total = base_read_u16(&ip);
    base_read_bytes(&ip, 5);
    uint8_t protocol = base_read_u8(&ip);
    cr_assert(!ip.failed && (protocol == 6 || protocol == 17));
    struct base_reader rest = base_reader_of(start + header, (size_t)(total - header));
    if (protocol == 6)
        take_tcp(capture, rest, next);
    else
        take_udp(capture, rest);
}

static void take_file(struct capture *capture, const uint8_t *bytes, size_t size)
{
    struct base_reader r = base_reader_of(bytes, size);
    uint32_t next[2] = {0, 0};
    cr_assert_eq(little_endian(&r), 0xA1B2C3D4);
    base_read_bytes(&r, 16);
    cr_assert_eq(little_endian(&r), 1, "not Ethernet");
    while (base_reader_left(&r)) {
        base_read_bytes(&r, 8);
        uint32_t captured = little_endian(&r);
        base_read_u32(&r);
        take_segment(capture, base_read_part(&r, captured), next);
        cr_assert(!r.failed);
    }
}

bool capture_load(struct capture *capture, const char *name)
{
    static uint8_t bytes[1 << 18];
    const char *folder = getenv("SCRAMLINE_CAPTURES");
    char path[4096];
    if (!folder)
        return false;
    snprintf(path, sizeof(path), "%s/simulcrypt/%s", folder, name);
    FILE *file = fopen(path, "rb");
    cr_assert(file, "cannot open %s", path);
    size_t size = fread(bytes, 1, sizeof(bytes), file);
    fclose(file);
    cr_assert(size > 0 && size < sizeof(bytes));
    memset(capture, 0, sizeof(*capture));
    take_file(capture, bytes, size);
    return true;
}

void capture_begin(struct capture_writer *writer, FILE *file)
{
    static const uint8_t header[24] = {0xA1, 0xB2, 0xC3, 0xD4, 0, 2, 0, 4, [18] = 4, [23] = 1};
    *writer = (struct capture_writer){.file = file, .sequence = {1, 1}};
    fwrite(header, 1, sizeof(header), file);
}

static void write_headers(struct base_writer *w, bool to_server, const uint32_t sequence[2], size_t size)
{
    static const uint8_t ethernet[ETHERNET_SIZE] = {[5] = 1, [11] = 2, [12] = 8};
    static const uint8_t rest_of_ip[] = {0, 0, 0x40, 0, 64, 6, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1};
    base_write_bytes(w, ethernet, sizeof(ethernet));
    base_write_u16(w, 0x4500);
    base_write_u16(w, (uint16_t)(IPV4_SIZE + TCP_SIZE + size));
    base_write_bytes(w, rest_of_ip, sizeof(rest_of_ip));
    base_write_u16(w, to_server ? 40000 : CAPTURE_PORT);
    base_write_u16(w, to_server ? CAPTURE_PORT : 40000);
    base_write_u32(w, sequence[to_server]);
    base_write_u32(w, sequence[!to_server]);
    base_write_u16(w, 0x5018); /* 20 bytes of header, PSH ACK */
    base_write_u16(w, 65535);
    base_write_u32(w, 0);
}

void capture_add(struct capture_writer *writer, bool to_server, const uint8_t *bytes, size_t size)
{
    uint8_t frame[16 + ETHERNET_SIZE + IPV4_SIZE + TCP_SIZE + 8192];
    struct base_writer w = base_writer_of(frame, sizeof(frame));
    uint32_t length = (uint32_t)(ETHERNET_SIZE + IPV4_SIZE + TCP_SIZE + size);
    base_write_u64(&w, 0); /* no time */
    base_write_u32(&w, length);
    base_write_u32(&w, length);
    write_headers(&w, to_server, writer->sequence, size);
    base_write_bytes(&w, bytes, size);
    cr_assert(!w.failed);
    cr_assert_eq(fwrite(frame, 1, base_writer_size(&w), writer->file), base_writer_size(&w));
    writer->sequence[to_server] += (uint32_t)size;
}

struct capture_messages capture_cut(const struct capture *from, enum capture_direction direction)
{
    struct capture_messages messages = {.count = 0};
    struct base_reader r = base_reader_of(from->bytes[direction], from->size[direction]);
    while (base_reader_left(&r)) {
        cr_assert_lt(messages.count, CAPTURE_MESSAGES_MAX);
        cr_assert_geq(base_reader_left(&r), 5);
        size_t size = 5 + (size_t)base_load_u16(r.at + 3);
        messages.size[messages.count] = size;
        messages.bytes[messages.count++] = base_read_bytes(&r, size);
        cr_assert(!r.failed);
    }
    return messages;
}

struct simulcrypt_message capture_decode(const struct simulcrypt_interface *interface,
                                         enum capture_direction direction,
                                         const struct capture_messages *messages, size_t i)
{
    struct simulcrypt_message message;
    struct simulcrypt_verdict verdict;
    enum simulcrypt_sender from =
        direction == CAPTURE_TO_CLIENT ? SIMULCRYPT_FROM_SERVER : SIMULCRYPT_FROM_CLIENT;
    cr_assert_eq(
        simulcrypt_message_decode(interface, from, messages->bytes[i], messages->size[i], &message, &verdict),
        0);
    return message;
}

static void expect_same_bytes_again(const struct simulcrypt_interface *interface,
                                    const struct simulcrypt_message *message, const uint8_t *bytes,
                                    size_t size)
{
    uint8_t again[1024];
    struct simulcrypt_encoder encoder;
    struct base_reader r = message->body;
    simulcrypt_encode_begin(&encoder, interface, message->version, message->type, again, sizeof(again));
    while (base_reader_left(&r)) {
        uint16_t tag = base_read_u16(&r);
        uint16_t length = base_read_u16(&r);
        simulcrypt_encode_bytes(&encoder, tag, base_read_bytes(&r, length), length);
    }
    cr_assert_eq(simulcrypt_encode_end(&encoder), (ptrdiff_t)size);
    cr_assert_arr_eq(again, bytes, size);
}

void capture_expect_all_decode(const struct simulcrypt_interface *interface, const struct capture *capture,
                               enum capture_direction direction, uint8_t version, size_t count)
{
    struct capture_messages messages = capture_cut(capture, direction);
    cr_assert_eq(messages.count, count, "%zu messages", messages.count);
    for (size_t i = 0; i < messages.count; i++) {
        struct simulcrypt_message message = capture_decode(interface, direction, &messages, i);
        cr_assert_eq(message.version, version);
        expect_same_bytes_again(interface, &message, messages.bytes[i], messages.size[i]);
    }
}

static void expect_same_parameter(const struct simulcrypt_interface *interface,
                                  const struct simulcrypt_message *a, const struct simulcrypt_message *b,
                                  uint16_t tag)
{
    struct simulcrypt_field x = simulcrypt_message_first(a, tag);
    struct simulcrypt_field y = simulcrypt_message_first(b, tag);
    cr_assert_eq(simulcrypt_message_count(a, tag), simulcrypt_message_count(b, tag), "%s: count of %s",
                 a->definition->name, simulcrypt_parameter_name(interface, tag));
    while (x.value) {
        cr_assert_eq(x.size, y.size);
        cr_assert(!memcmp(x.value, y.value, x.size), "%s: %s", a->definition->name,
                  simulcrypt_parameter_name(interface, tag));
        x = simulcrypt_message_next(a, tag, x);
        y = simulcrypt_message_next(b, tag, y);
    }
}

void capture_expect_same_messages(const struct simulcrypt_interface *interface,
                                  const struct capture *recorded, const struct capture *made,
                                  enum capture_direction direction)
{
    struct capture_messages theirs = capture_cut(recorded, direction);
    struct capture_messages ours = capture_cut(made, direction);
    cr_assert_eq(ours.count, theirs.count);
    for (size_t i = 0; i < ours.count; i++) {
        struct simulcrypt_message a = capture_decode(interface, direction, &theirs, i);
        struct simulcrypt_message b = capture_decode(interface, direction, &ours, i);
        cr_assert_str_eq(a.definition->name, b.definition->name);
        cr_assert_eq(a.version, b.version);
        for (size_t rule = 0; rule < a.definition->rule_count; rule++)
            expect_same_parameter(interface, &a, &b, a.definition->rules[rule].tag);
    }
}
