/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a follower has written into PMT, SDT and CAT, read back with the project's own readers (which
 * biTStream judges in tests/ts). */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "headend/follower.h"
#include "stream.h"
#include "ts/order.h"

static const struct stream_program programs[] = {{1, 0x100}, {2, 0x200}};
static const struct stream_component one[] = {{0x101, 0x1B}, {0x102, 0x0F}, {0x103, 0x05}};
static const struct stream_component two[] = {{0x201, 0x1B}, {0x202, 0x03}};
static const struct stream_service names[] = {{1, "One"}, {2, "Two"}};

static struct headend_follower *follower;
static struct base_ring *orders;
static uint8_t section[STREAM_SECTION_MAX];
static struct ts_order got[256];
static unsigned got_count;

static void begin(void)
{
    const struct headend_service_config configs[] = {
        {.choice = HEADEND_SERVICE_ID,
         .service_id = 1,
         .components = HEADEND_VIDEO | HEADEND_AUDIO,
         .scrambling_mode = 0x10},
        {.choice = HEADEND_SERVICE_ID,
         .service_id = 2,
         .components = HEADEND_VIDEO | HEADEND_AUDIO,
         .group = 1,
         .scrambling_mode = 0x10},
    };

    cr_assert_eq(base_ring_create(&orders, 1 << 20), 0);
    cr_assert_eq(headend_follower_create(&follower, configs, 2, orders), 0);
}

static void end(void)
{
    headend_follower_destroy(follower);
    base_ring_destroy(orders);
}

TestSuite(signalling, .init = begin, .fini = end, .timeout = 30);

static void give(uint16_t pid, size_t size)
{
    cr_assert_geq(headend_follower_section(follower, pid, section, size, 0, 0), 0);
}

static void give_stream(void)
{
    give(0, stream_pat(section, 0, 0, 0, programs, 2));
    give(0x11, stream_sdt(section, 4, 0, 0, names, 2));
    give(0x100, stream_pmt(section, 1, 6, 0x101, 0, 0, 0, one, 3));
    give(0x200, stream_pmt(section, 2, 0, 0x201, 0, 0, 0, two, 2));
}

static void take(void)
{
    got_count = 0;
    while (got_count < 256 && ts_order_pop(orders, &got[got_count]) == 1)
        got_count++;
}

/* The newest order for this PID; NULL where there is none. */
static const struct ts_order *newest(uint16_t pid, enum ts_order_kind kind)
{
    for (unsigned i = got_count; i > 0; i--)
        if (got[i - 1].pid == pid && got[i - 1].kind == kind)
            return &got[i - 1];
    return NULL;
}

static struct ts_pmt pmt_of(uint16_t pid)
{
    const struct ts_order *order = newest(pid, TS_ORDER_REPLACE);
    struct ts_pmt pmt;

    cr_assert_not_null(order, "no PMT was sent");
    cr_assert_eq(ts_pmt_read(order->bytes, order->size, &pmt), 0);
    return pmt;
}

static void say(unsigned index, const struct headend_signal *signals, unsigned count)
{
    cr_assert_eq(headend_follower_set_signals(follower, index, signals, count), 0);
    take();
}

static uint16_t pid_of(uint16_t flow)
{
    return headend_follower_flow_pid(follower, flow);
}

Test(signalling, several_cas_stand_in_one_pmt_with_their_private_data)
{
    const struct headend_signal signals[] = {
        {.flow = 3, .ca_system_id = 0x4A80, .wanted_pid = 0x1500},
        {.flow = 7, .ca_system_id = 0x0B00, .private_size = 3, .private_data = {1, 2, 3}},
        {.flow = 8, .ca_system_id = 0x4A80},
    };
    struct ts_pmt pmt;

    give_stream();
    say(0, signals, 3);
    pmt = pmt_of(0x100);
    cr_expect_eq(pmt.ca_count, 3);
    for (unsigned i = 0; i < 3; i++) {
        cr_expect_eq(pmt.ca[i].ca_system_id, signals[i].ca_system_id);
        cr_expect_eq(pmt.ca[i].ca_pid, pid_of(signals[i].flow));
    }
    cr_expect_eq(pid_of(3), 0x1500);
    cr_expect_neq(pid_of(7), pid_of(8));
    cr_assert_eq(pmt.ca[1].private_size, 3);
    cr_expect_arr_eq(pmt.ca[1].private_data, signals[1].private_data, 3);
    cr_expect_null(newest(0x200, TS_ORDER_REPLACE), "Two is not signalled");
}

Test(signalling, what_is_said_may_change_and_end_each_time_under_a_version_of_its_own)
{
    struct headend_signal signals[] = {{.flow = 0, .ca_system_id = 0x4A80},
                                       {.flow = 1, .ca_system_id = 0x0B00}};
    struct ts_sdt_service services[2];
    struct ts_pmt pmt;

    give_stream();
    say(0, signals, 1);
    cr_expect_eq(pmt_of(0x100).version, 7);
    say(0, signals, 1);
    cr_expect_eq(got_count, 0, "nothing new");
    say(0, signals, 2);
    cr_expect_eq(pmt_of(0x100).version, 8);
    cr_expect_eq(pmt_of(0x100).ca_count, 2);
    signals[1].private_size = 1;
    say(0, signals, 2);
    cr_expect_eq(pmt_of(0x100).version, 9);
    say(0, NULL, 0);
    pmt = pmt_of(0x100);
    cr_expect_eq(pmt.version, 10, "what came, but receivers must see that it changed");
    cr_expect(!pmt.ca_count && !pmt.scrambling_mode);
    cr_expect_not_null(newest(1, TS_ORDER_STOP));
    cr_assert_not_null(newest(0x11, TS_ORDER_REPLACE));
    cr_assert_eq(
        ts_sdt_read(newest(0x11, TS_ORDER_REPLACE)->bytes, newest(0x11, TS_ORDER_REPLACE)->size, services, 2),
        2);
    cr_expect_not(services[0].free_ca_mode);
    cr_expect_eq(pid_of(0), 0, "its PID is free again");
}

Test(signalling, ecm_pids_stay_while_their_flow_is_named)
{
    const struct headend_signal first = {.flow = 0, .ca_system_id = 0x4A80};
    const struct headend_signal second = {.flow = 1, .ca_system_id = 0x4A80, .wanted_pid = 0x1F00};
    uint16_t pid;

    give_stream();
    say(0, &first, 1);
    pid = pid_of(0);
    say(1, &second, 1);
    cr_expect_eq(pid_of(0), pid);
    cr_expect_neq(pid_of(1), pid, "though it wants it");
    say(0, &second, 1);
    cr_expect_eq(pid_of(0), 0);
    cr_expect_eq(pmt_of(0x100).ca[0].ca_pid, pid_of(1), "one ECM stream for both");
}

Test(signalling, components_may_have_ca_descriptors_and_groups_of_their_own)
{
    const struct headend_component_group groups[] = {{.component = 0x101, .group = 5},
                                                     {.component = 0x103, .group = 6}};
    const struct headend_signal signals[] = {
        {.flow = 0, .ca_system_id = 0x4A80, .of_components = true, .group = 5},
        {.flow = 1, .ca_system_id = 0x4A80, .of_components = true, .group = 6},
        {.flow = 2, .ca_system_id = 0x0B00, .of_components = true, .group = 5},
    };
    const struct headend_map *map;
    struct ts_pmt pmt;

    give_stream();
    cr_assert_eq(headend_follower_set_components(follower, 0, groups, 2), 0);
    map = headend_follower_map(follower);
    cr_expect_eq(map->pids[0x101].group, 5);
    cr_expect_eq(map->pids[0x102].group, 0);
    cr_expect_eq(map->pids[0x103].group, 6);
    cr_expect_eq(map->pids[0x103].verdict, HEADEND_PROTECT, "though data is not asked for");
    say(0, signals, 3);
    pmt = pmt_of(0x100);
    cr_expect_eq(pmt.ca_count, 0);
    cr_assert_eq(pmt.component_count, 3);
    cr_expect_eq(pmt.components[0].ca_count, 2);
    cr_expect_eq(pmt.components[0].ca[0].ca_pid, pid_of(0));
    cr_expect_eq(pmt.components[0].ca[1].ca_pid, pid_of(2));
    cr_expect_eq(pmt.components[1].ca_count, 0);
    cr_expect_eq(pmt.components[2].ca_count, 1);
    cr_expect_eq(pmt.components[2].ca[0].ca_pid, pid_of(1));
    cr_expect_eq(pmt.scrambling_mode, 0x10);
}

Test(signalling, a_component_that_loses_its_group_goes_back_to_its_services)
{
    const struct headend_component_group group = {.component = 0x101, .group = 5};

    give_stream();
    cr_assert_eq(headend_follower_set_components(follower, 0, &group, 1), 0);
    cr_assert_eq(headend_follower_set_components(follower, 0, NULL, 0), 0);
    cr_expect_eq(headend_follower_map(follower)->pids[0x101].group, 0);
    cr_expect_eq(headend_follower_map(follower)->pids[0x101].verdict, HEADEND_PROTECT);
}

Test(signalling, components_are_found_by_pid)
{
    give_stream();
    cr_expect(headend_follower_has_component(follower, 1, false, 0x202));
    cr_expect_not(headend_follower_has_component(follower, 0, false, 0x202));
    cr_expect_not(headend_follower_has_component(follower, 1, false, 0x303));
    cr_expect_not(headend_follower_has_component(follower, 1, true, 0x202));
    cr_expect_not(headend_follower_has_component(follower, 99, false, 0x202));
}

Test(signalling, the_transport_stream_is_named_by_its_tables)
{
    uint16_t tsid, onid;
    bool known;

    cr_expect_not(headend_follower_transport_stream(follower, &tsid, &onid, &known));
    give(0, stream_pat(section, 0, 0, 0, programs, 2));
    cr_expect(headend_follower_transport_stream(follower, &tsid, &onid, &known));
    cr_expect_eq(tsid, STREAM_TSID);
    cr_expect_not(known);
    give_stream();
    cr_expect(headend_follower_transport_stream(follower, &tsid, &onid, &known));
    cr_expect(known);
}

/* The CAT */

static unsigned cat_entries(const struct ts_order *order, struct ts_ca_descriptor *ca)
{
    ptrdiff_t count = ts_cat_read(order->bytes, order->size, ca, TS_CA_DESCRIPTORS_MAX);

    cr_assert_geq(count, 0);
    return (unsigned)count;
}

static size_t foreign_cat(uint8_t version)
{
    const struct ts_ca_descriptor ca[] = {{.ca_system_id = 0x0B00, .ca_pid = 0x300},
                                          {.ca_system_id = 0x4A80, .ca_pid = 0x1E00}};

    return (size_t)ts_cat_write(ca, 2, version, section, sizeof(section));
}

Test(signalling, emm_pids_stand_in_a_cat_of_our_own)
{
    const struct headend_cat_entry entries[] = {
        {.ca_system_id = 0x4A80, .emm_pid = 0x1E00, .private_size = 2, .private_data = {9, 8}},
        {.ca_system_id = 0x0B00, .emm_pid = 0x1E01}};
    struct ts_ca_descriptor ca[TS_CA_DESCRIPTORS_MAX];
    uint8_t version;

    give_stream();
    cr_assert_eq(headend_follower_set_cat(follower, entries, 2), 0);
    take();
    cr_assert_not_null(newest(1, TS_ORDER_PLAY));
    cr_assert_eq(cat_entries(newest(1, TS_ORDER_PLAY), ca), 2);
    cr_expect(ca[0].ca_system_id == 0x4A80 && ca[0].ca_pid == 0x1E00 && ca[0].private_size == 2);
    cr_expect(ca[1].ca_system_id == 0x0B00 && ca[1].ca_pid == 0x1E01);
    version = newest(1, TS_ORDER_PLAY)->bytes[5];
    cr_assert_eq(headend_follower_set_cat(follower, entries, 1), 0);
    take();
    cr_assert_eq(cat_entries(newest(1, TS_ORDER_PLAY), ca), 1);
    cr_expect_neq(newest(1, TS_ORDER_PLAY)->bytes[5], version);
    cr_assert_eq(headend_follower_set_cat(follower, NULL, 0), 0);
    take();
    cr_expect_not_null(newest(1, TS_ORDER_STOP));
}

Test(signalling, emm_pids_are_added_to_the_streams_own_cat)
{
    const struct headend_cat_entry entries[] = {{.ca_system_id = 0x4A80, .emm_pid = 0x1E00},
                                                {.ca_system_id = 0x4A80, .emm_pid = 0x1E02}};
    struct ts_ca_descriptor ca[TS_CA_DESCRIPTORS_MAX];
    const struct ts_order *order;
    uint32_t crc;

    give_stream();
    give(1, foreign_cat(3));
    crc = base_load_u32(section + foreign_cat(3) - 4);
    cr_assert_eq(headend_follower_set_cat(follower, entries, 2), 0);
    cr_expect(headend_follower_map(follower)->pids[1].rewrite);
    take();
    order = newest(1, TS_ORDER_REPLACE);
    cr_assert_not_null(order);
    cr_expect_eq(order->source_crc, crc);
    cr_expect_eq((order->bytes[5] >> 1) & 31, 4);
    cr_assert_eq(cat_entries(order, ca), 3, "what stands there already is not doubled");
    cr_expect_eq(ca[0].ca_system_id, 0x0B00, "other CASs' entries are kept");
    cr_expect_null(newest(1, TS_ORDER_PLAY));
    give(1, foreign_cat(4));
    take();
    cr_assert_not_null(newest(1, TS_ORDER_REPLACE));
    cr_expect_eq((newest(1, TS_ORDER_REPLACE)->bytes[5] >> 1) & 31, 5, "versions go on from our own");
    cr_assert_eq(headend_follower_set_cat(follower, NULL, 0), 0);
    take();
    cr_assert_eq(cat_entries(newest(1, TS_ORDER_REPLACE), ca), 2, "as it came");
}

Test(signalling, a_cat_that_the_stream_begins_to_have_takes_the_place_of_ours)
{
    const struct headend_cat_entry entry = {.ca_system_id = 0x4A80, .emm_pid = 0x1E05};

    give_stream();
    cr_assert_eq(headend_follower_set_cat(follower, &entry, 1), 0);
    take();
    give(1, foreign_cat(9));
    take();
    cr_expect_not_null(newest(1, TS_ORDER_STOP));
    cr_assert_not_null(newest(1, TS_ORDER_REPLACE));
    cr_expect_eq((newest(1, TS_ORDER_REPLACE)->bytes[5] >> 1) & 31, 1, "the version after ours");
}

Test(signalling, many_emm_pids_take_several_sections)
{
    struct headend_cat_entry entries[HEADEND_CAT_ENTRIES_MAX] = {0};
    struct ts_ca_descriptor ca[TS_CA_DESCRIPTORS_MAX];
    unsigned found = 0, sections = 0;

    for (unsigned i = 0; i < HEADEND_CAT_ENTRIES_MAX; i++)
        entries[i] = (struct headend_cat_entry){.ca_system_id = (uint16_t)(0x100 + i),
                                                .emm_pid = (uint16_t)(0x1D00 + i),
                                                .private_size = HEADEND_CA_PRIVATE_MAX};
    give_stream();
    cr_assert_eq(headend_follower_set_cat(follower, entries, HEADEND_CAT_ENTRIES_MAX), 0);
    take();
    for (unsigned i = 0; i < got_count; i++) {
        if (got[i].pid != 1 || got[i].kind != TS_ORDER_PLAY)
            continue;
        cr_expect_eq(got[i].bytes[6], sections);
        cr_expect_eq(got[i].stream, sections++);
        cr_expect_eq(ts_crc32(got[i].bytes, got[i].size), 0);
        found += cat_entries(&got[i], ca);
    }
    cr_expect_eq(found, HEADEND_CAT_ENTRIES_MAX);
    cr_expect_gt(sections, 1);
    cr_expect_eq(got[got_count - 1].bytes[7], sections - 1);
    cr_expect_not(headend_follower_cat_is_full(follower));
    give(1, foreign_cat(0));
    take();
    cr_expect(headend_follower_cat_is_full(follower), "one section of the stream's cannot take them all");
}

Test(signalling, the_streams_own_emm_pids_are_left_alone)
{
    const struct headend_signal signal = {.flow = 0, .ca_system_id = 0x4A80, .wanted_pid = 0x300};

    give_stream();
    give(1, foreign_cat(0));
    cr_expect_eq(headend_follower_map(follower)->pids[0x300].verdict, HEADEND_PASS);
    say(0, &signal, 1);
    cr_expect_neq(pid_of(0), 0x300);
}

Test(signalling, no_ecm_pid_is_an_emm_pid)
{
    const struct headend_cat_entry entry = {.ca_system_id = 0x4A80, .emm_pid = 0x1F00};
    const struct headend_signal signal = {.flow = 0, .ca_system_id = 0x4A80, .wanted_pid = 0x1F00};

    give_stream();
    cr_assert_eq(headend_follower_set_cat(follower, &entry, 1), 0);
    say(0, &signal, 1);
    cr_expect_neq(pid_of(0), 0x1F00);
    cr_expect_neq(pid_of(0), 0);
}

Test(signalling, sixty_four_services_of_sixteen_cas_are_placed)
{
    struct headend_signal signals[HEADEND_SIGNALS_MAX];
    struct headend_follower *many;
    struct stream_program pat[HEADEND_SERVICES_MAX];
    struct headend_service_config config = {.choice = HEADEND_SERVICE_ID, .components = HEADEND_VIDEO};
    static bool seen[TS_PIDS];

    cr_assert_eq(headend_follower_create(&many, NULL, 0, orders), 0);
    for (unsigned i = 0; i < HEADEND_SERVICES_MAX; i++) {
        pat[i] = (struct stream_program){(uint16_t)(i + 1), (uint16_t)(0x100 + i)};
        config.service_id = (uint16_t)(i + 1);
        config.group = (uint8_t)i;
        cr_assert_eq(headend_follower_add(many, &config), 0);
        for (unsigned n = 0; n < HEADEND_SIGNALS_MAX; n++)
            signals[n] = (struct headend_signal){.flow = (uint16_t)(i * HEADEND_SIGNALS_MAX + n),
                                                 .ca_system_id = (uint16_t)(0x4A00 + n)};
        cr_assert_eq(headend_follower_set_signals(many, i, signals, HEADEND_SIGNALS_MAX), 0);
    }
    headend_follower_section(many, 0, section, stream_pat(section, 0, 0, 0, pat, HEADEND_SERVICES_MAX), 0, 0);
    for (unsigned i = 0; i < HEADEND_SERVICES_MAX; i++) {
        const struct stream_component video = {(uint16_t)(0x400 + i), 0x1B};

        cr_assert_geq(headend_follower_section(
                          many, (uint16_t)(0x100 + i), section,
                          stream_pmt(section, (uint16_t)(i + 1), 0, video.pid, 0, 0, 0, &video, 1), 0, 0),
                      0);
    }
    for (unsigned i = 0; i < HEADEND_FLOWS_MAX; i++) {
        uint16_t pid = headend_follower_flow_pid(many, (uint16_t)i);

        cr_assert(pid && !seen[pid]);
        seen[pid] = true;
    }
    headend_follower_destroy(many);
}
