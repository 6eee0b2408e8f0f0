/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "headend/follower.h"
#include "stream.h"
#include "ts/order.h"

/* One (1): video 0x101, audio 0x102. Two (2): video 0x201, audio 0x202, AIT 0x203, and audio 0x102 of One. */
static const struct stream_program programs[] = {{1, 0x100}, {2, 0x200}};
static const struct stream_component one[] = {{0x101, 0x1B}, {0x102, 0x0F}};
static const struct stream_component two[] = {{0x201, 0x1B}, {0x202, 0x03}, {0x203, 0x05}, {0x102, 0x0F}};
static const struct stream_service names[] = {{1, "One"}, {2, "Two"}};

static struct headend_follower *follower;
static struct base_ring *orders;
static uint8_t section[STREAM_SECTION_MAX];
static struct ts_order got[64];

static void begin(void)
{
    cr_assert_eq(base_ring_create(&orders, 1 << 18), 0);
}

static void end(void)
{
    headend_follower_destroy(follower);
    base_ring_destroy(orders);
}

TestSuite(follower, .init = begin, .fini = end, .timeout = 30);

static struct headend_service_config by_id(uint16_t id)
{
    return (struct headend_service_config){
        .choice = HEADEND_SERVICE_ID, .service_id = id, .components = HEADEND_VIDEO | HEADEND_AUDIO};
}

static struct headend_service_config by_name(const char *name)
{
    struct headend_service_config config = by_id(0);

    config.choice = HEADEND_SERVICE_NAME;
    snprintf(config.name, sizeof(config.name), "%s", name);
    return config;
}

static void create(const struct headend_service_config *configs, unsigned count)
{
    cr_assert_eq(headend_follower_create(&follower, configs, count, orders), 0);
}

static struct headend_signal signal_of(uint16_t flow, uint16_t wanted_pid)
{
    return (struct headend_signal){.flow = flow, .ca_system_id = 0x4A80, .wanted_pid = wanted_pid};
}

static void say(unsigned index, uint16_t flow, uint16_t wanted_pid)
{
    struct headend_signal signal = signal_of(flow, wanted_pid);

    cr_assert_eq(headend_follower_set_signals(follower, index, &signal, 1), 0);
}

/* Service `id` alone, with one CA_descriptor. */
static void create_signalled(uint16_t id, uint16_t wanted_pid)
{
    struct headend_service_config config = by_id(id);

    config.scrambling_mode = 0x10;
    create(&config, 1);
    say(0, 0, wanted_pid);
}

static uint16_t ecm_pid(uint16_t flow)
{
    return headend_follower_flow_pid(follower, flow);
}

static int give(uint16_t pid, size_t size)
{
    return headend_follower_section(follower, pid, section, size, 0, 0);
}

static int pat(uint8_t version, unsigned count)
{
    return give(0, stream_pat(section, version, 0, 0, programs, count));
}

static int pmt_one(uint8_t version)
{
    return give(0x100, stream_pmt(section, 1, version, 0x101, 0, 0, 0, one, 2));
}

static int pmt_two(uint8_t version)
{
    return give(0x200, stream_pmt(section, 2, version, 0x201, 0x0B00, 0x2F0, 0, two, 4));
}

static int sdt(uint8_t version)
{
    return give(0x11, stream_sdt(section, version, 0, 0, names, 2));
}

static const struct headend_map *map(void)
{
    return headend_follower_map(follower);
}

static unsigned verdict(uint16_t pid)
{
    return map()->pids[pid].verdict;
}

static struct headend_service_status status(unsigned index)
{
    struct headend_service_status s;

    cr_assert_eq(headend_follower_status(follower, index, &s), 0);
    return s;
}

/* Orders that came since the last call, into got[]. */
static unsigned take(void)
{
    unsigned n = 0;

    while (n < 64 && ts_order_pop(orders, &got[n]) == 1)
        n++;
    return n;
}

static const struct ts_order *find_order(unsigned count, enum ts_order_kind kind, uint16_t pid)
{
    for (unsigned i = 0; i < count; i++)
        if (got[i].kind == kind && got[i].pid == pid)
            return &got[i];
    return NULL;
}

static uint8_t version_of(const struct ts_order *order)
{
    return (order->bytes[5] >> 1) & 0x1F;
}

Test(follower, nothing_passes_but_tables_until_the_service_is_known)
{
    struct headend_service_config config = by_id(1);

    create(&config, 1);
    cr_assert_not(map()->complete);
    cr_assert(map()->pids[0].observe && map()->pids[0].guard && map()->pids[0x11].observe);
    cr_assert_eq(map()->reference_pid, TS_PIDS);
    cr_assert_eq(pat(0, 2), 1);
    cr_assert_not(map()->complete);
    cr_assert(map()->pids[0x100].observe && map()->pids[0x100].guard && !map()->pids[0x100].rewrite);
    cr_assert(map()->pids[0x200].observe && !map()->pids[0x200].guard);
    cr_assert_eq(pmt_two(0), 0, "the shared audio might be One's: nothing passes yet");
    cr_assert_eq(verdict(0x201), HEADEND_UNREFERENCED);
    cr_assert_eq(verdict(0x102), HEADEND_UNREFERENCED);
    cr_assert_eq(pmt_one(0), 1);
    cr_assert(map()->complete);
    cr_assert_eq(verdict(0x101), HEADEND_PROTECT);
    cr_assert_eq(verdict(0x102), HEADEND_PROTECT, "shared with Two");
    for (uint16_t pid = 0x200; pid <= 0x203; pid++)
        cr_assert_eq(verdict(pid), HEADEND_PASS);
    cr_assert_eq(verdict(0x2F0), HEADEND_PASS, "another CA's ECMs");
    cr_assert_eq(verdict(0x300), HEADEND_UNREFERENCED);
    cr_assert_eq(map()->reference_pid, 0x101);
    cr_assert_eq(status(0).protected_components, 2);
    cr_assert(status(0).found && status(0).pmt_known);
    cr_assert_eq(take(), 0, "no signalling was asked for");
}

Test(follower, the_same_tables_again_change_nothing)
{
    struct headend_service_config config = by_id(1);

    create(&config, 1);
    pat(0, 2);
    pmt_one(0);
    cr_assert_eq(pat(0, 2), 0);
    cr_assert_eq(pmt_one(0), 0);
    cr_assert_eq(pmt_one(1), 0, "a new version that lists the same");
}

Test(follower, observations_of_guarded_tables_are_always_answered)
{
    struct headend_service_config config = by_id(1);
    size_t size;

    create(&config, 1);
    pat(0, 2);
    pmt_one(0);
    size = stream_pmt(section, 1, 1, 0x101, 0, 0, 0, one, 2);
    cr_assert_eq(headend_follower_section(follower, 0x100, section, size, 7, 0), 1);
    cr_assert_eq(map()->observations, 7);
    size = stream_sdt(section, 0, 0, 0, names, 2);
    cr_assert_eq(headend_follower_section(follower, 0x11, section, size, 8, 0), 0);
    cr_assert_eq(map()->observations, 8);
    size = stream_pmt(section, 1, 2, 0x101, 0, 0, 0, one, 2);
    section[20] ^= 1;
    cr_assert_eq(headend_follower_section(follower, 0x100, section, size, 9, 0), 1);
    cr_assert_eq(headend_follower_bad_sections(follower), 1);
}

Test(follower, components_are_chosen_by_kind)
{
    static const unsigned kinds[] = {HEADEND_VIDEO, HEADEND_AUDIO, HEADEND_DATA, HEADEND_ALL};
    static const unsigned expected[] = {1, 2, 1, 4};
    struct headend_service_config config = by_id(2);

    for (unsigned i = 0; i < 4; i++) {
        config.components = kinds[i];
        headend_follower_destroy(follower);
        create(&config, 1);
        pat(0, 2);
        pmt_two(0);
        cr_assert_eq(status(0).protected_components, expected[i]);
        cr_assert_eq(verdict(0x203), kinds[i] & HEADEND_DATA ? HEADEND_PROTECT : HEADEND_PASS);
    }
}

Test(follower, tables_and_null_packets_are_never_protected_whatever_a_pmt_says)
{
    static const struct stream_component evil[] = {{0x00, 0x1B},  {0x11, 0x1B},  {0x1F, 0x1B}, {0x1FFF, 0x1B},
                                                   {0x100, 0x1B}, {0x200, 0x1B}, {0x20, 0x1B}};
    struct headend_service_config config = by_id(1);

    create(&config, 1);
    pat(0, 2);
    give(0x100, stream_pmt(section, 1, 0, 0x1FFF, 0, 0, 0, evil, 7));
    for (unsigned i = 0; i < 6; i++)
        cr_assert_eq(verdict(evil[i].pid), HEADEND_PASS);
    cr_assert_eq(verdict(0x20), HEADEND_PROTECT);
    cr_assert_eq(status(0).protected_components, 1);
    cr_assert_eq(map()->reference_pid, TS_PIDS);
}

Test(follower, the_first_service_stays_the_same_while_it_is_listed)
{
    static const struct stream_program turned[] = {{2, 0x200}, {1, 0x100}};
    struct headend_service_config config = by_id(0);

    config.choice = HEADEND_SERVICE_FIRST;
    create(&config, 1);
    pat(0, 2);
    cr_assert_eq(status(0).service_id, 1);
    give(0, stream_pat(section, 1, 0, 0, turned, 2));
    cr_assert_eq(status(0).service_id, 1);
    give(0, stream_pat(section, 2, 0, 0, turned, 1));
    cr_assert_eq(status(0).service_id, 2);
}

Test(follower, a_service_is_found_by_name_without_case)
{
    struct headend_service_config config = by_name("tWO");

    create(&config, 1);
    pat(0, 2);
    pmt_one(0);
    pmt_two(0);
    cr_assert_not(map()->complete, "either may be the one that is meant");
    cr_assert_eq(verdict(0x201), HEADEND_UNREFERENCED);
    cr_assert_eq(sdt(0), 1);
    cr_assert(map()->complete);
    cr_assert_eq(verdict(0x201), HEADEND_PROTECT);
    cr_assert_eq(verdict(0x101), HEADEND_PASS);
    cr_assert_str_eq(status(0).name, "Two");
    cr_assert_not(status(0).ambiguous_name);
}

Test(follower, a_name_that_two_services_have_means_the_first_and_is_told)
{
    static const struct stream_service twins[] = {{2, "Same"}, {1, "same"}};
    struct headend_service_config config = by_name("SAME");

    create(&config, 1);
    pat(0, 2);
    give(0x11, stream_sdt(section, 0, 0, 0, twins, 2));
    cr_assert_eq(status(0).service_id, 1, "the PAT's order counts");
    cr_assert(status(0).ambiguous_name);
}

Test(follower, a_renamed_service_stays_protected)
{
    static const struct stream_service renamed[] = {{1, "One"}, {2, "Zwei"}};
    struct headend_service_config config = by_name("Two");

    create(&config, 1);
    pat(0, 2);
    pmt_two(0);
    sdt(0);
    give(0x11, stream_sdt(section, 1, 0, 0, renamed, 2));
    cr_assert_eq(verdict(0x201), HEADEND_PROTECT);
}

Test(follower, names_outlive_a_version_that_comes_in_pieces)
{
    struct headend_service_config config = by_name("Two");

    create(&config, 1);
    pat(0, 2);
    pmt_two(0);
    sdt(0);
    give(0x11, stream_sdt(section, 1, 0, 1, names, 1));
    cr_assert_eq(verdict(0x201), HEADEND_PROTECT);
    cr_assert_str_eq(status(0).name, "Two");
    give(0x11, stream_sdt(section, 1, 1, 1, names + 1, 1));
    cr_assert_eq(verdict(0x201), HEADEND_PROTECT);
}

Test(follower, a_name_that_no_service_has_leaves_nothing_to_protect)
{
    struct headend_service_config config = by_name("Three");

    create(&config, 1);
    pat(0, 2);
    pmt_one(0);
    sdt(0);
    cr_assert(map()->complete);
    cr_assert_not(status(0).found);
    cr_assert_eq(verdict(0x101), HEADEND_PASS);
}

Test(follower, a_pat_of_several_sections_counts_when_it_is_whole)
{
    struct headend_service_config config = by_id(2);

    create(&config, 1);
    give(0, stream_pat(section, 0, 0, 1, programs, 1));
    cr_assert_not(map()->complete);
    cr_assert_not(map()->pids[0x100].observe);
    give(0, stream_pat(section, 0, 1, 1, programs + 1, 1));
    cr_assert(status(0).found);
    pmt_two(0);
    cr_assert(map()->complete);
    give(0, stream_pat(section, 1, 0, 1, programs, 1));
    cr_assert_not(map()->complete, "half of a new version");
    cr_assert_eq(verdict(0x201), HEADEND_PROTECT);
    give(0, stream_pat(section, 1, 1, 1, programs + 1, 1));
    cr_assert(map()->complete);
}

Test(follower, a_moved_pmt_keeps_its_service_protected_until_it_is_seen)
{
    static const struct stream_program moved[] = {{1, 0x110}, {2, 0x200}};
    static const struct stream_component other[] = {{0x111, 0x1B}};
    struct headend_service_config config = by_id(1);

    create(&config, 1);
    pat(0, 2);
    pmt_one(0);
    pmt_two(0);
    give(0, stream_pat(section, 1, 0, 0, moved, 2));
    cr_assert_not(map()->complete);
    cr_assert_eq(verdict(0x101), HEADEND_PROTECT);
    cr_assert_eq(verdict(0x201), HEADEND_PASS, "others go on");
    cr_assert_not(map()->pids[0x100].observe);
    give(0x110, stream_pmt(section, 1, 1, 0x111, 0, 0, 0, other, 1));
    cr_assert(map()->complete);
    cr_assert_eq(verdict(0x111), HEADEND_PROTECT);
    cr_assert_eq(verdict(0x101), HEADEND_PROTECT, "packets of the old component may still come");
    cr_assert_eq(verdict(0x102), HEADEND_PASS, "Two's alone now");
}

Test(follower, whatever_pid_a_pmt_no_longer_lists_stays_protected)
{
    static const struct stream_component edges[] = {{0x20, 0x1B}, {0x3F, 0x1B},   {0x40, 0x1B},
                                                    {0x47, 3},    {0x1FC0, 0x1B}, {0x1FFE, 3}};
    static const struct stream_component other[] = {{0x111, 0x1B}};
    struct headend_service_config config = by_id(1);

    create(&config, 1);
    pat(0, 1);
    give(0x100, stream_pmt(section, 1, 0, 0x111, 0, 0, 0, edges, 6));
    give(0x100, stream_pmt(section, 1, 1, 0x111, 0, 0, 0, other, 1));
    for (unsigned i = 0; i < 6; i++)
        cr_assert_eq(verdict(edges[i].pid), HEADEND_PROTECT, "PID 0x%X", edges[i].pid);
    cr_assert_eq(verdict(0x21), HEADEND_UNREFERENCED);
    cr_assert_eq(verdict(0x1FC1), HEADEND_UNREFERENCED);
}

Test(follower, a_service_that_leaves_the_pat_is_protected_no_more)
{
    struct headend_service_config config = by_id(2);

    create(&config, 1);
    pat(0, 2);
    pmt_two(0);
    cr_assert_eq(pat(1, 1), 1);
    cr_assert(map()->complete);
    cr_assert_not(status(0).found);
    cr_assert_eq(verdict(0x201), HEADEND_UNREFERENCED);
    cr_assert_not(map()->pids[0x200].observe);
    pat(2, 2);
    cr_assert_not(map()->complete, "it is back, but its PMT is not");
}

Test(follower, a_pmt_that_cannot_be_read_makes_the_map_incomplete)
{
    struct headend_service_config config = by_id(1);
    size_t size;

    create(&config, 1);
    pat(0, 2);
    pmt_one(0);
    size = stream_pmt(section, 1, 1, 0x101, 0, 0, 0, one, 2);
    base_store_u16(section + 10, 0xF3FF);
    base_store_u32(section + size - 4, ts_crc32(section, size - 4));
    cr_assert_eq(give(0x100, size), 1);
    cr_assert_not(map()->complete);
    cr_assert_eq(verdict(0x101), HEADEND_PROTECT);
    cr_assert_eq(headend_follower_bad_sections(follower), 1);
    pmt_one(2);
    cr_assert(map()->complete);
}

Test(follower, sections_for_later_and_for_others_are_passed_over)
{
    struct headend_service_config config = by_id(1);
    size_t size;

    create(&config, 1);
    pat(0, 2);
    size = stream_pmt(section, 1, 0, 0x101, 0, 0, 0, one, 2);
    section[5] &= 0xFE; /* current_next_indicator */
    base_store_u32(section + size - 4, ts_crc32(section, size - 4));
    give(0x100, size);
    cr_assert_not(status(0).pmt_known);
    give(0x200, stream_pmt(section, 1, 0, 0x101, 0, 0, 0, one, 2));
    cr_assert_not(status(0).pmt_known, "a PMT on another PID");
    for (size_t cut = 0; cut < size; cut++)
        cr_assert_leq(give(0x100, cut), 0);
    cr_assert_not(status(0).pmt_known);
}

static const struct ts_order *signalled_pmt(unsigned count, uint16_t ecm_pid)
{
    const struct ts_order *order = find_order(count, TS_ORDER_REPLACE, 0x100);
    struct ts_pmt pmt;

    cr_assert_not_null(order);
    cr_assert_eq(ts_pmt_read(order->bytes, order->size, &pmt), 0);
    cr_assert_eq(order->table_id, TS_TABLE_PMT);
    cr_assert_eq(order->extension, 1);
    cr_assert_eq(order->number, 0);
    cr_assert_eq(pmt.ca_count, 1);
    cr_assert_eq(pmt.ca[0].ca_system_id, 0x4A80);
    cr_assert_eq(pmt.ca[0].ca_pid, ecm_pid);
    cr_assert_eq(pmt.scrambling_mode, 0x10);
    return order;
}

Test(follower, a_signalled_service_says_so_in_pmt_sdt_and_cat)
{
    struct ts_sdt_service services[2];
    const struct ts_order *order;
    uint32_t crc;
    unsigned n;

    create_signalled(1, 0x1500);
    sdt(4);
    pat(0, 2);
    cr_assert_eq(take(), 0);
    pmt_one(6);
    crc = base_load_u32(section + stream_pmt(section, 1, 6, 0x101, 0, 0, 0, one, 2) - 4);
    n = take();
    cr_assert_eq(n, 3);
    order = signalled_pmt(n, 0x1500);
    cr_assert_eq(version_of(order), 7);
    cr_assert_eq(order->source_crc, crc);
    cr_assert_eq(ecm_pid(0), 0x1500);
    cr_assert(map()->pids[0x100].rewrite && map()->pids[0x100].guard && map()->pids[0x11].rewrite);
    cr_assert(map()->pids[1].observe);

    order = find_order(n, TS_ORDER_REPLACE, 0x11);
    cr_assert_not_null(order);
    cr_assert_eq(ts_sdt_read(order->bytes, order->size, services, 2), 2);
    cr_assert(services[0].free_ca_mode && !services[1].free_ca_mode);
    cr_assert_eq(version_of(order), 5);

    order = find_order(n, TS_ORDER_PLAY, 1);
    cr_assert_not_null(order);
    cr_assert_eq(order->bytes[0], TS_TABLE_CAT);
    cr_assert_eq(order->period, 500 * BASE_TICKS_PER_MS);
    pat(0, 2);
    pmt_one(6);
    sdt(4);
    cr_assert_eq(take(), 0, "said once");
}

Test(follower, each_change_has_a_version_of_its_own)
{
    unsigned before = 31;

    create_signalled(1, 0);
    pat(0, 2);
    for (unsigned i = 0; i < 40; i++) {
        unsigned n, version;

        /* versions of the source that stand still, go back and wrap */
        pmt_one((uint8_t)(30 + i / 2 * 3) & 31);
        if (!i)
            before = 30;
        n = take();
        if (i % 2) {
            cr_assert_eq(n, 0);
            continue;
        }
        version = version_of(signalled_pmt(n, 0x1F00));
        cr_assert_eq(version, (before + 1) % 32);
        before = version;
    }
}

Test(follower, the_streams_own_cat_is_left_alone)
{
    unsigned n;

    create_signalled(1, 0);
    pat(0, 2);
    pmt_one(0);
    n = take();
    cr_assert_not_null(find_order(n, TS_ORDER_PLAY, 1));
    headend_follower_section(follower, 1, section, stream_cat(section), 3, 77);
    n = take();
    cr_assert_eq(n, 1);
    cr_assert_eq(got[0].kind, TS_ORDER_STOP);
    cr_assert_eq(got[0].start, 77);
    headend_follower_destroy(follower);
    create_signalled(1, 0);
    give(1, stream_cat(section));
    pat(0, 2);
    pmt_one(0);
    n = take();
    cr_assert_null(find_order(n, TS_ORDER_PLAY, 1));
}

Test(follower, an_sdt_of_several_sections_has_one_version)
{
    unsigned n;

    create_signalled(2, 0);
    pat(0, 2);
    pmt_two(0);
    give(0x11, stream_sdt(section, 31, 0, 1, names, 1));
    take();
    give(0x11, stream_sdt(section, 31, 1, 1, names + 1, 1));
    n = take();
    cr_assert_eq(n, 2, "now that Two's entry is there");
    for (unsigned i = 0; i < n; i++) {
        cr_assert_eq(version_of(&got[i]), 0);
        cr_assert_eq(got[i].number, i);
        cr_assert_eq(ts_crc32(got[i].bytes, got[i].size), 0);
    }
    give(0x11, stream_sdt(section, 0, 0, 1, names, 1));
    give(0x11, stream_sdt(section, 0, 1, 1, names + 1, 1));
    n = take();
    cr_assert_eq(n, 2);
    cr_assert_eq(version_of(&got[0]), 1);
    cr_assert_eq(version_of(&got[1]), 1);
}

Test(follower, two_signalled_services_share_one_sdt)
{
    struct headend_service_config configs[] = {by_id(1), by_id(2)};
    struct ts_sdt_service services[2];
    const struct ts_order *order;
    unsigned n;

    configs[1].group = 1;
    create(configs, 2);
    say(0, 0, 0x1500);
    say(1, 1, 0x1500);
    pat(0, 2);
    sdt(0);
    pmt_one(0);
    cr_assert_eq(take(), 0, "not before all PIDs are known");
    pmt_two(0);
    n = take();
    order = find_order(n, TS_ORDER_REPLACE, 0x11);
    cr_assert_not_null(order);
    cr_assert_eq(ts_sdt_read(order->bytes, order->size, services, 2), 2);
    cr_assert(services[0].free_ca_mode && services[1].free_ca_mode);
    cr_assert_eq(ecm_pid(0), 0x1500);
    cr_assert_eq(ecm_pid(1), 0x1F00, "an ECM PID of its own");
    cr_assert(status(1).ecm_pid_in_use);
    cr_assert_not(status(0).ecm_pid_in_use);
    cr_assert_eq(map()->pids[0x101].group, 0);
    cr_assert_eq(map()->pids[0x201].group, 1);
    cr_assert_eq(map()->pids[0x102].group, 0, "of a shared PID the first service's group counts");
}

Test(follower, services_of_one_flow_share_their_ecm_pid)
{
    struct headend_service_config configs[] = {by_id(1), by_id(2)};

    configs[0].scrambling_mode = configs[1].scrambling_mode = 0x10;
    create(configs, 2);
    say(0, 5, 0);
    say(1, 5, 0);
    pat(0, 2);
    pmt_one(0);
    pmt_two(0);
    cr_assert_eq(ecm_pid(5), 0x1F00);
    cr_assert_eq(ecm_pid(0), 0);
    cr_assert_eq(signalled_pmt(take(), 0x1F00)->extension, 1);
}

Test(follower, the_ecm_pid_leaves_a_pid_that_the_stream_uses)
{
    static const struct stream_component taken[] = {{0x101, 0x1B}, {0x1F00, 0x0F}};
    unsigned n;

    create_signalled(1, 0x2F0);
    pat(0, 2);
    pmt_two(0);
    pmt_one(0);
    cr_assert_eq(ecm_pid(0), 0x1F00, "0x2F0 is another CA's");
    cr_assert(status(0).ecm_pid_in_use);
    take();
    give(0x100, stream_pmt(section, 1, 1, 0x101, 0, 0, 0, taken, 2));
    n = take();
    cr_assert_eq(ecm_pid(0), 0x1EFF);
    signalled_pmt(n, 0x1EFF);
}

Test(follower, no_ecm_pid_is_put_on_one_that_the_stream_uses_unnamed)
{

    create_signalled(1, 0x2E0);
    headend_follower_occupy(follower, 0x2E0);
    headend_follower_occupy(follower, 0x1F00);
    headend_follower_occupy(follower, TS_PIDS);
    pat(0, 2);
    pmt_two(0);
    pmt_one(0);
    cr_assert_eq(ecm_pid(0), 0x1EFF);
    cr_assert(status(0).ecm_pid_in_use);
    take();
}

Test(follower, a_pmt_without_room_is_told)
{

    create_signalled(1, 0);
    pat(0, 2);
    give(0x100, stream_pmt(section, 1, 0, 0x101, 0, 0, 990, one, 2));
    cr_assert(status(0).unsignalled);
    cr_assert_eq(verdict(0x101), HEADEND_PROTECT, "but scrambled");
    cr_assert_null(find_order(take(), TS_ORDER_REPLACE, 0x100));
    pmt_one(1);
    cr_assert_not(status(0).unsignalled);
    cr_assert_not_null(find_order(take(), TS_ORDER_REPLACE, 0x100));
}

Test(follower, what_was_rewritten_is_given_back)
{
    static const struct stream_program moved[] = {{1, 0x110}, {2, 0x200}};
    unsigned n;

    create_signalled(1, 0);
    pat(0, 2);
    pmt_one(0);
    sdt(0);
    take();
    give(0, stream_pat(section, 1, 0, 0, moved, 2));
    give(0x110, stream_pmt(section, 1, 0, 0x101, 0, 0, 0, one, 2));
    n = take();
    cr_assert_not_null(find_order(n, TS_ORDER_KEEP, 0x100));
    cr_assert_not_null(find_order(n, TS_ORDER_REPLACE, 0x110));
    give(0, stream_pat(section, 2, 0, 0, programs + 1, 1));
    n = take();
    cr_assert_not_null(find_order(n, TS_ORDER_KEEP, 0x110));
    cr_assert_not_null(find_order(n, TS_ORDER_KEEP, 0x11));
    cr_assert_not_null(find_order(n, TS_ORDER_STOP, 1));
}

Test(follower, orders_without_room_are_sent_later)
{
    static const uint8_t filler[1024];

    create_signalled(1, 0);
    sdt(0);
    pat(0, 2);
    while (base_ring_push(orders, filler, sizeof(filler)) == 0)
        ;
    cr_assert_eq(pmt_one(0), -ENOBUFS);
    cr_assert_eq(verdict(0x101), HEADEND_PROTECT, "the map is up to date all the same");
    cr_assert_eq(headend_follower_flush(follower, 5), -ENOBUFS);
    for (size_t size; base_ring_peek(orders, &size);)
        base_ring_pop(orders);
    cr_assert_eq(headend_follower_flush(follower, 5), 0);
    cr_assert_eq(take(), 3);
}

Test(follower, pids_alone_need_no_tables)
{
    static const uint16_t pids[] = {0x20, 0x1FFE}, bad[] = {0x1F}, null[] = {0x1FFF};

    create(NULL, 0);
    cr_assert_eq(headend_follower_set_pids(follower, bad, 1, 0), -EINVAL);
    cr_assert_eq(headend_follower_set_pids(follower, null, 1, 0), -EINVAL);
    cr_assert_eq(headend_follower_set_pids(follower, pids, 2, 3), 0);
    cr_assert(map()->complete);
    cr_assert_eq(verdict(0x20), HEADEND_PROTECT);
    cr_assert_eq(map()->pids[0x1FFE].group, 3);
    cr_assert_eq(verdict(0x101), HEADEND_UNREFERENCED);
    cr_assert_eq(pat(0, 2), 0);
}

Test(follower, a_service_may_be_added_when_the_pat_lists_it)
{
    struct headend_service_config first = by_id(1), second = by_id(2);

    second.group = 1;
    create(NULL, 0);
    cr_expect_gt(pat(0, 1), 0);
    cr_expect_not(map()->complete, "without a service nothing is known to be absent");
    cr_assert_eq(headend_follower_add(follower, &first), 0);
    say(0, 0, 0);
    cr_expect_eq(headend_follower_flush(follower, 0), 0);
    cr_expect_gt(pmt_one(0), 0);
    cr_expect(map()->complete);
    cr_expect_eq(verdict(0x101), HEADEND_PROTECT);

    cr_expect_gt(pat(1, 2), 0);
    cr_assert_eq(headend_follower_add(follower, &second), 0);
    say(1, 1, 0);
    cr_expect_not(map()->complete);
    cr_expect_eq(verdict(0x101), HEADEND_PROTECT, "the first one goes on");
    cr_expect_gt(pmt_two(0), 0);
    cr_expect(map()->complete);
    cr_expect_eq(verdict(0x201), HEADEND_PROTECT);
    cr_expect_eq(map()->pids[0x201].group, 1);
    cr_expect_eq(map()->pids[0x102].group, 0, "a PID that both have stays the first one's");
    cr_expect_neq(ecm_pid(0), ecm_pid(1));
}

Test(follower, no_more_services_are_added_than_there_is_room_for)
{
    struct headend_service_config config = by_id(1);

    create(NULL, 0);
    for (unsigned i = 0; i < HEADEND_SERVICES_MAX; i++)
        cr_assert_eq(headend_follower_add(follower, &config), 0);
    cr_expect_eq(headend_follower_add(follower, &config), -EINVAL);
}

Test(follower, what_the_stream_holds_is_told)
{
    struct headend_service_entry entries[1];
    struct headend_service_status s;
    struct headend_service_config config = by_id(7);

    create(&config, 1);
    pat(0, 2);
    sdt(0);
    cr_assert(map()->complete, "service 7 is not there: nothing to protect");
    cr_assert_eq(headend_follower_services(follower, entries, 1), 2);
    cr_assert_eq(entries[0].service_id, 1);
    cr_assert_str_eq(entries[0].name, "One");
    cr_assert_not(status(0).found);
    cr_assert_eq(status(0).service_id, 7);
    cr_assert_eq(headend_follower_status(follower, 1, &s), -ERANGE);
}

Test(follower, configurations_that_cannot_work_are_refused)
{
    static struct headend_service_config many[HEADEND_SERVICES_MAX + 1];
    struct headend_service_config config = by_id(1);
    struct headend_signal signals[HEADEND_SIGNALS_MAX + 1] = {0};
    static const struct headend_cat_entry entries[HEADEND_CAT_ENTRIES_MAX + 1];
    static const uint16_t pid = 0x100;

    cr_assert_eq(headend_follower_create(&follower, many, HEADEND_SERVICES_MAX + 1, orders), -EINVAL);
    cr_assert_eq(headend_follower_create(&follower, &config, 1, NULL), 0);
    cr_assert_eq(headend_follower_set_signals(follower, 0, signals, 1), -EINVAL, "no way to say it");
    cr_assert_eq(headend_follower_set_cat(follower, entries, 1), -EINVAL);
    headend_follower_destroy(follower);
    create(&config, 1);
    cr_assert_eq(headend_follower_set_pids(follower, &pid, 1, 0), -EINVAL);
    cr_assert_eq(headend_follower_set_signals(follower, 1, signals, 1), -ERANGE);
    cr_assert_eq(headend_follower_set_signals(follower, 0, signals, HEADEND_SIGNALS_MAX + 1), -EINVAL);
    cr_assert_eq(headend_follower_set_cat(follower, entries, HEADEND_CAT_ENTRIES_MAX + 1), -EINVAL);
    signals[0].flow = HEADEND_FLOWS_MAX;
    cr_assert_eq(headend_follower_set_signals(follower, 0, signals, 1), -EINVAL);
    signals[0] = (struct headend_signal){.private_size = HEADEND_CA_PRIVATE_MAX + 1};
    cr_assert_eq(headend_follower_set_signals(follower, 0, signals, 1), -EINVAL);
    cr_assert_eq(headend_follower_set_components(follower, 1, NULL, 0), -ERANGE);
    headend_follower_destroy(NULL);
}

struct given {
    unsigned count;
    size_t size;
    uint8_t table_id;
};

static void take_section(void *to, const uint8_t *bytes, size_t size)
{
    struct given *given = to;

    given->count++;
    given->size = size;
    given->table_id = bytes[0];
}

static int give_table(uint8_t table_id, uint16_t service_id, struct given *given)
{
    *given = (struct given){0};
    return headend_follower_table(follower, table_id, service_id, take_section, given);
}

Test(follower, tables_are_given_as_they_came)
{
    const struct headend_service_config config = by_id(1);
    struct headend_service_status status;
    struct given given;
    size_t size;

    create(&config, 1);
    cr_assert_eq(give_table(TS_TABLE_PAT, 0, &given), -ENOENT);
    cr_assert_eq(give_table(TS_TABLE_PMT, 1, &given), -ENOENT);
    size = stream_pat(section, 0, 0, 0, programs, 2);
    headend_follower_section(follower, TS_PID_PAT, section, size, 1, 0);
    cr_assert_eq(give_table(TS_TABLE_PAT, 0, &given), 1);
    cr_assert(given.count == 1 && given.size == size && given.table_id == TS_TABLE_PAT);
    cr_assert_eq(give_table(TS_TABLE_PMT, 1, &given), -ENOENT);
    cr_assert(!headend_follower_status(follower, 0, &status) && !status.pmt_crc);
    size = stream_pmt(section, 1, 0, 0x101, 0, 0, 0, one, 2);
    headend_follower_section(follower, 0x100, section, size, 2, 0);
    cr_assert_eq(give_table(TS_TABLE_PMT, 1, &given), 1);
    cr_assert(given.size == size && given.table_id == TS_TABLE_PMT);
    cr_assert(!headend_follower_status(follower, 0, &status));
    cr_assert_eq(status.pmt_crc, base_load_u32(section + size - 4));
    cr_assert_eq(give_table(TS_TABLE_PMT, 9, &given), -ENOENT);
    cr_assert_eq(give_table(TS_TABLE_CAT, 0, &given), -ENOENT);
    cr_assert_eq(give_table(TS_TABLE_SDT, 0, &given), -ENOENT);
    cr_assert_eq(give_table(0x70, 0, &given), -ENOENT);
}
