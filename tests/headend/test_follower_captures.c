/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The follower on real streams: what it protects is what each service's PMT lists, and what it sends is
 * sound. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "headend/follower.h"
#include "ts/order.h"

struct scout {
    struct headend_follower *follower;
    struct ts_section_demux *demux;
    struct base_ring *orders;
    unsigned replacements, cats;
};

static void observe(struct scout *scout)
{
    for (uint16_t pid = 0; pid < TS_PIDS; pid++)
        if (headend_follower_map(scout->follower)->pids[pid].observe)
            cr_assert_eq(ts_demux_add(scout->demux, pid), 0);
}

static void take_orders(struct scout *scout)
{
    struct ts_order order;
    struct ts_pmt pmt;

    while (ts_order_pop(scout->orders, &order) == 1) {
        scout->cats += order.kind == TS_ORDER_PLAY && order.pid == TS_PID_CAT;
        if (order.kind != TS_ORDER_REPLACE)
            continue;
        scout->replacements++;
        cr_assert_eq(ts_crc32(order.bytes, order.size), 0);
        if (order.table_id != TS_TABLE_PMT)
            continue;
        cr_assert_eq(ts_pmt_read(order.bytes, order.size, &pmt), 0);
        cr_assert_eq(pmt.ca[0].ca_system_id, 0x4A80);
        cr_assert_eq(pmt.ca[0].ca_pid, 0x1F00);
    }
}

static void section(void *context, uint16_t pid, const uint8_t *bytes, size_t size)
{
    struct scout *scout = context;
    int r = headend_follower_section(scout->follower, pid, bytes, size, 0, 0);

    cr_assert_geq(r, 0);
    take_orders(scout);
}

static const struct headend_signal said = {.ca_system_id = 0x4A80};

/* Follows the whole file; NULL config: only to see what it holds. */
static void follow(struct scout *scout, const char *name, const struct headend_service_config *config)
{
    const char *captures = getenv("SCRAMLINE_CAPTURES");
    uint8_t packet[TS_PACKET_SIZE];
    char path[4096];
    FILE *file;

    if (!captures)
        cr_skip_test("SCRAMLINE_CAPTURES is not set");
    snprintf(path, sizeof(path), "%s/%s", captures, name);
    file = fopen(path, "rb");
    if (!file)
        cr_skip_test("%s is not there", path);
    cr_assert_eq(base_ring_create(&scout->orders, 1 << 18), 0);
    cr_assert_eq(headend_follower_create(&scout->follower, config, 1, scout->orders), 0);
    cr_assert_eq(headend_follower_set_signals(scout->follower, 0, &said, 1), 0);
    cr_assert_eq(ts_demux_create(&scout->demux, section, scout), 0);
    while (fread(packet, sizeof(packet), 1, file) == 1) {
        observe(scout);
        ts_demux_feed(scout->demux, packet);
    }
    fclose(file);
}

static void end(struct scout *scout)
{
    ts_demux_destroy(scout->demux);
    headend_follower_destroy(scout->follower);
    base_ring_destroy(scout->orders);
}

static const struct headend_service_config first = {
    .choice = HEADEND_SERVICE_FIRST, .components = HEADEND_VIDEO | HEADEND_AUDIO, .scrambling_mode = 2};

static unsigned protected_pids(const struct scout *scout)
{
    unsigned count = 0;

    for (unsigned pid = 0; pid < TS_PIDS; pid++)
        count += headend_follower_map(scout->follower)->pids[pid].verdict == HEADEND_PROTECT;
    return count;
}

static void expect(const struct scout *scout, unsigned components)
{
    struct headend_service_status status;

    cr_assert_eq(headend_follower_status(scout->follower, 0, &status), 0);
    cr_assert(headend_follower_map(scout->follower)->complete);
    cr_assert(status.found && status.pmt_known);
    cr_assert_eq(status.protected_components, components);
    cr_assert_eq(protected_pids(scout), components);
    cr_assert_eq(headend_follower_bad_sections(scout->follower), 0);
}

Test(follower_captures, one_service_of_ffmpeg)
{
    struct scout scout = {0};

    follow(&scout, "h264-mp2-one-service.ts", &first);
    expect(&scout, 2);
    cr_assert_eq(scout.replacements, 2, "PMT and SDT, each once");
    cr_assert_eq(scout.cats, 1);
    end(&scout);
}

Test(follower_captures, a_stream_without_sdt_and_pcr)
{
    struct scout scout = {0};

    follow(&scout, "h264-aac-no-sdt.ts", &first);
    expect(&scout, 2);
    cr_assert_eq(headend_follower_map(scout.follower)->reference_pid, TS_PIDS);
    cr_assert_eq(scout.replacements, 1);
    end(&scout);
}

/* From: ffprobe -show_programs: 3401 "Rai 1" has video 0x200 and audio 0x28A, 0x2B6 and 0x2BB; teletext and
 * data are no part of what is protected here. */
Test(follower_captures, a_service_of_a_satellite_multiplex_by_name)
{
    static const uint16_t pids[] = {0x200, 0x28A, 0x2B6, 0x2BB};
    struct headend_service_config config = first;
    struct headend_service_status status;
    struct scout scout = {0};

    config.choice = HEADEND_SERVICE_NAME;
    snprintf(config.name, sizeof(config.name), "rai 1");
    follow(&scout, "dvb-s-rai1-mpeg2-teletext.ts", &config);
    cr_assert_eq(headend_follower_status(scout.follower, 0, &status), 0);
    cr_assert_eq(status.service_id, 3401);
    expect(&scout, 4);
    for (unsigned i = 0; i < 4; i++)
        cr_assert_eq(headend_follower_map(scout.follower)->pids[pids[i]].verdict, HEADEND_PROTECT);
    end(&scout);
}
