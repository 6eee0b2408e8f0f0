/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Captures to lines, with and without a port; TCP and UDP. */
#include "cmd/watch_capture.h"
#include "wire/segment.h"

#include "base/error.h"
#include "watched.h"

TestSuite(watch_capture, .timeout = 30);

static uint8_t file[1 << 16];
static size_t file_size;
static uint32_t sequence[2];

static void begin_file(void)
{
    static const uint8_t header[24] = {0xA1, 0xB2, 0xC3,        0xD4,        0,         2,
                                       0,    4,    [18] = 0xFF, [19] = 0xFF, [23] = 101};

    memcpy(file, header, sizeof(header));
    file_size = sizeof(header);
}

/* An IPv4 packet of `protocol` with these ports and its header's bytes behind them. */
static void put_record(uint8_t protocol, bool client, const uint8_t *header, size_t header_size,
                       const uint8_t *payload, size_t size)
{
    uint8_t *record = file + file_size;
    uint8_t *ip = record + 16;
    size_t total = 20 + header_size + size;

    memset(record, 0, 16 + 20);
    base_store_u32(record, 1700000000);
    base_store_u32(record + 8, (uint32_t)total);
    base_store_u32(record + 12, (uint32_t)total);
    ip[0] = 0x45;
    base_store_u16(ip + 2, (uint16_t)total);
    ip[9] = protocol;
    ip[12 + 3] = client ? 1 : 2;
    ip[16 + 3] = client ? 2 : 1;
    memcpy(ip + 20, header, header_size);
    if (size)
        memcpy(ip + 20 + header_size, payload, size);
    file_size += 16 + total;
}

static void put_tcp(bool client, uint16_t server_port, unsigned flags, const uint8_t *payload, size_t size)
{
    uint8_t header[20] = {[12] = 0x50, [13] = (uint8_t)flags};

    base_store_u16(header, client ? 40000 : server_port);
    base_store_u16(header + 2, client ? server_port : 40000);
    base_store_u32(header + 4, sequence[client]);
    put_record(6, client, header, sizeof(header), payload, size);
    sequence[client] += (uint32_t)size + ((flags & WIRE_TCP_SYN) != 0);
}

static void put_udp(uint16_t port, struct watched_message message)
{
    uint8_t header[8] = {0};

    base_store_u16(header, 40000);
    base_store_u16(header + 2, port);
    base_store_u16(header + 4, (uint16_t)(8 + message.size));
    put_record(17, true, header, sizeof(header), message.bytes, message.size);
}

static void put_message(bool client, uint16_t server_port, struct watched_message message)
{
    put_tcp(client, server_port, WIRE_TCP_ACK, message.bytes, message.size);
}

static ptrdiff_t read_file(uint16_t port, const char *interface, size_t step)
{
    struct cmd_watch_capture_config config = {
        .port = port, .interface = interface ? cmd_watch_interface_named(interface) : NULL};
    struct cmd_watch_capture *capture;
    ptrdiff_t status = 0;
    size_t at = 0;

    cr_assert_eq(cmd_watch_capture_create(&capture, watch, &config), 0);
    for (size_t end = 0; end < file_size && status >= 0;) {
        end = end + step < file_size ? end + step : file_size;
        status = cmd_watch_capture_take(capture, file + at, end - at);
        at += status > 0 ? (size_t)status : 0;
    }
    cmd_watch_capture_finish(capture);
    cmd_watch_capture_destroy(capture);
    return status;
}

static void put_conversation(uint16_t port)
{
    put_tcp(true, port, WIRE_TCP_SYN, NULL, 0);
    put_tcp(false, port, WIRE_TCP_SYN | WIRE_TCP_ACK, NULL, 0);
    put_message(true, port, watched_provision(1));
    put_message(false, port, watched_response(1));
}

Test(watch_capture, any_reading_gives_the_same_lines)
{
    begin_file();
    put_conversation(2222);
    for (size_t step = 1; step < 200; step += 7) {
        watched_start((struct cmd_watch_config){.json = false});
        cr_assert_geq(read_file(0, NULL, step), 0);
        cr_assert_eq(watch->counters.messages, 2, "%zu bytes at a time", step);
        watched_expect("#1 0.0.0.1:40000 → 0.0.0.2:2222\n");
        watched_expect("SCS → ECMG v3 CW_provision");
        watched_expect("ECMG → SCS v3 ECM_response");
        watched_stop();
    }
}

Test(watch_capture, a_port_chooses_connections_and_names_the_server)
{
    struct watched_message message = watched_test();

    begin_file();
    put_conversation(2222);
    put_message(true, 50000, message); /* mid-way, to a port above the client's */
    put_message(false, 50000, message);
    watched_start((struct cmd_watch_config){.json = false});
    cr_assert_geq(read_file(50000, "ecmg", file_size), 0);
    watched_expect("#1 0.0.0.1:40000 → 0.0.0.2:50000\n");
    cr_assert_eq(watch->counters.messages, 2);
    watched_expect("SCS → ECMG v3 channel_test");
    watched_stop();
}

Test(watch_capture, other_traffic_is_passed_over)
{
    struct watched_message noise = watched_begin(0x4745);

    watched_put(&noise, 0x5420, "/ HTTP/1.1", 10);
    begin_file();
    put_message(true, 80, noise);
    put_udp(53, noise);
    watched_start((struct cmd_watch_config){.json = false});
    cr_assert_geq(read_file(0, NULL, file_size), 0);
    fflush(watched_file);
    cr_assert_eq(watched_size, 0, "%s", watched_text);
    cr_assert_eq(watch->counters.connections_passed_over, 1);
    watched_stop();
}

Test(watch_capture, flows_of_datagrams_are_connections)
{
    struct watched_message data = watched_begin(0x0211);

    watched_put(&data, 0x0001, "\0\0\0\5", 4);
    watched_put_u16(&data, 0x0008, 9);
    watched_put(&data, 0x0005, "\x82\x70\0", 3);
    begin_file();
    for (unsigned i = 0; i < CMD_WATCH_FLOWS + 10; i++)
        put_udp((uint16_t)(1000 + i), data);
    watched_start((struct cmd_watch_config){.json = false});
    cr_assert_geq(read_file(0, NULL, file_size), 0);
    watched_expect("#1 0.0.0.1:40000 → 0.0.0.2:1000\n");
    watched_expect("#256 EMMG → MUX v3 data_provision");
    cr_assert_eq(watch->counters.messages, CMD_WATCH_FLOWS);
    watched_stop();
}

Test(watch_capture, what_is_no_capture_is_refused)
{
    watched_start((struct cmd_watch_config){.json = false});
    memset(file, 0x47, 1000);
    file_size = 1000;
    cr_assert_eq(read_file(0, NULL, file_size), BASE_E_MALFORMED);
    watched_stop();
}
