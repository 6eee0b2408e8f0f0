/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The follower fed arbitrary sections. Records of the input: a byte of flags and PID, a byte of size, bytes;
 * most sections are given a sound length and CRC, so that what lies behind is reached. */
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "headend/follower.h"
#include "ts/order.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                                                   \
    do {                                                                                                     \
        if (!(condition))                                                                                    \
            abort();                                                                                         \
    } while (0)

static const uint16_t pids[] = {0x00, 0x01, 0x11, 0x100, 0x200, 0x1F00, 0x20, 0x1FFE};

static void drain(struct base_ring *ring)
{
    static struct ts_order order;

    while (ts_order_pop(ring, &order) == 1) {
        REQUIRE(order.pid < TS_PID_NULL);
        if (order.kind == TS_ORDER_REPLACE)
            REQUIRE(order.size >= 12 && order.size <= 1024 && ts_crc32(order.bytes, order.size) == 0);
    }
}

static void check(const struct headend_follower *follower)
{
    const struct headend_map *map = headend_follower_map(follower);
    struct headend_service_entry entries[8];
    struct headend_service_status status;
    bool known = true;

    for (unsigned pid = 0; pid < TS_PIDS; pid++) {
        if (pid < TS_PID_FIRST || pid == TS_PID_NULL)
            REQUIRE(map->pids[pid].verdict != HEADEND_PROTECT);
        REQUIRE(!map->pids[pid].observe || map->pids[pid].verdict == HEADEND_PASS);
    }
    for (unsigned i = 0; headend_follower_status(follower, i, &status) == 0; i++) {
        REQUIRE(!map->complete || !status.found || status.pmt_known);
        known &= status.found && status.pmt_known;
    }
    for (uint16_t flow = 0; flow < HEADEND_FLOWS_MAX; flow++) {
        uint16_t pid = headend_follower_flow_pid(follower, flow);

        REQUIRE(!pid || (pid >= TS_PID_FIRST && pid < TS_PID_NULL));
        REQUIRE(!pid || !known || map->pids[pid].verdict != HEADEND_PROTECT);
    }
    headend_follower_services(follower, entries, 8);
}

/* What is wanted changes in mid-stream, too. */
static void want(struct headend_follower *follower, unsigned flags)
{
    const struct headend_signal signals[] = {
        {.flow = (uint16_t)(flags & 3), .ca_system_id = 0x4A80, .private_size = 2},
        {.flow = 9, .ca_system_id = 0x0B00, .of_components = true, .group = 5}};
    const struct headend_component_group group = {.component = 0x101, .group = 5, .by_tag = flags & 1};
    const struct headend_cat_entry entry = {.ca_system_id = 0x4A80, .emm_pid = 0x1E00};

    (void)headend_follower_set_signals(follower, flags & 1, signals, flags % 3);
    (void)headend_follower_set_components(follower, 0, &group, flags >> 1 & 1);
    (void)headend_follower_set_cat(follower, &entry, flags >> 2 & 1);
}

static size_t make_section(uint8_t *section, struct base_reader *r, bool sound)
{
    size_t size = base_read_u8(r) * 4u, left = base_reader_left(r);

    if (size > left)
        size = left;
    memcpy(section, base_read_bytes(r, size), size);
    if (!sound || size < 12)
        return size;
    section[1] = (uint8_t)(0xB0 | (size - 3) >> 8);
    section[2] = (uint8_t)(size - 3);
    base_store_u32(section + size - 4, ts_crc32(section, size - 4));
    return size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct headend_service_config configs[3] = {
        {.choice = HEADEND_SERVICE_FIRST, .components = HEADEND_ALL},
        {.choice = HEADEND_SERVICE_ID, .service_id = 1, .components = HEADEND_VIDEO, .group = 1},
        {.choice = HEADEND_SERVICE_NAME, .name = "A", .components = HEADEND_AUDIO, .group = 2},
    };
    struct base_reader r = base_reader_of(data, size);
    unsigned which = base_read_u8(&r);
    struct headend_follower *follower;
    struct base_ring *ring;
    uint8_t section[1024];

    REQUIRE(base_ring_create(&ring, which & 0x80 ? 4096 : 1 << 18) == 0);
    REQUIRE(headend_follower_create(&follower, configs + which % 3, 3 - which % 3, ring) == 0);
    for (uint64_t sequence = 0; base_reader_left(&r) > 2; sequence++) {
        unsigned flags = base_read_u8(&r);
        size_t section_size = make_section(section, &r, flags & 0xC0);

        if (flags & 0x10)
            want(follower, flags);
        headend_follower_section(follower, pids[flags % 8], section, section_size, sequence, sequence);
        if (!(flags & 0x20))
            drain(ring);
        check(follower);
    }
    headend_follower_destroy(follower);
    base_ring_destroy(ring);
    return 0;
}
