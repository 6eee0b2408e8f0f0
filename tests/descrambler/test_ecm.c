/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ECMs: found through PAT and PMT, opened in time, and never too early. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "descrambler/engine.h"
#include "rig.h"
#include "tests/common/memory.h"

#define PMT_PID   0x30
#define PMT_PID2  0x31
#define ECM_PID   0x40
#define ECM_PID2  0x41
#define VIDEO     0x100
#define AUDIO     0x101
#define SUBTITLES 0x102
#define PERIOD    1000u /* packets of a crypto-period; one packet is 1 ms */
#define SERVICE   7
#define MASK      0xA5 /* an ECM does not hold its words as they are */

static struct rig rig;
static struct stream stream;
static struct descrambler_engine *engine;
static struct cipher_batch *batch;
static uint8_t (*original)[TS_PACKET_SIZE];
static unsigned asked;
static struct descrambler_config config;

static void mask(uint8_t *to, const uint8_t *from, size_t size)
{
    for (size_t i = 0; i < size; i++)
        to[i] = from[i] ^ MASK;
}

/* The laboratory's ECM: table_id, length, CAS, then size and masked CW of each parity. */
static size_t make_ecm(uint8_t *section, uint8_t table_id, uint8_t cas, const struct base_secret *even,
                       const struct base_secret *odd)
{
    size_t size = 4;

    section[3] = cas;
    section[size++] = even->size;
    mask(section + size, even->bytes, even->size);
    size += even->size;
    section[size++] = odd->size;
    mask(section + size, odd->bytes, odd->size);
    size += odd->size;
    section[0] = table_id;
    base_store_u16(section + 1, (uint16_t)(0x7000 | (size - 3)));
    return size;
}

static void read_word(struct base_reader *r, struct base_secret *cw)
{
    uint8_t size = base_read_u8(r);
    const uint8_t *bytes = base_read_bytes(r, size);

    cr_assert_not_null(bytes);
    cr_assert_leq(size, BASE_SECRET_MAX);
    mask(cw->bytes, bytes, size);
    cw->size = size;
}

static int open_ecm(void *context, const uint8_t *section, size_t size, struct descrambler_cws *cws)
{
    struct base_reader r = base_reader_of(section + 3, size - 3);

    (void)context;
    asked++;
    if (base_read_u8(&r) != 1)
        return BASE_E_AUTHENTICATION;
    read_word(&r, &cws->even);
    read_word(&r, &cws->odd);
    return 0;
}

static void open_all(void)
{
    rig_open(&rig, false);
    rig.plan->pids[TS_PID_PAT].observe = 0; /* nobody answers its observations */
    stream_open(&stream);
    batch = calloc(1, sizeof(*batch));
    cipher_batch_init(batch, CIPHER_DESCRAMBLE);
    memcpy(batch->ciphers, rig.ciphers, sizeof(batch->ciphers));
    config = (struct descrambler_config){.ecm_open = open_ecm};
    engine = NULL;
    original = NULL;
    asked = 0;
    for (unsigned period = 0; period < 20; period++)
        memory_look_for(rig_word((uint8_t)(period + 1), 8).bytes, 8);
}

/* Destroys the engine and looks at what it frees. */
static void end_engine(void)
{
    memory_watch();
    descrambler_engine_destroy(engine);
    engine = NULL;
    memory_stop();
    cr_assert_eq(memory_found(), 0, "%u blocks were freed with a CW in them", memory_found());
    memory_assert_it_looks();
}

static void close_all(void)
{
    descrambler_engine_destroy(engine);
    rig_close(&rig);
    stream_close(&stream);
    free(batch);
    free(original);
}

TestSuite(ecm, .init = open_all, .fini = close_all);

static void add_pat(void)
{
    uint8_t section[16] = {TS_TABLE_PAT, 0, 0, 0, 1, 0xC1, 0, 0, 0, SERVICE, 0xE0 | PMT_PID >> 8, PMT_PID};

    section_seal(section, sizeof(section));
    stream_add_section(&stream, 0, section, sizeof(section));
}

#define FOREIGN 0x8000 /* with an ECM PID: of another CAS */

struct component {
    uint16_t pid;
    uint16_t ecm_pids[2]; /* 0: none */
};

static void put_ca(uint8_t *section, size_t *at, uint16_t pid)
{
    const uint8_t ca[] = {
        9, 4, pid & FOREIGN ? 0x06 : 0x4A, 0xFF, (uint8_t)(0xE0 | (pid >> 8 & 0x1F)), (uint8_t)pid};

    if (!pid)
        return;
    memcpy(section + *at, ca, sizeof(ca));
    *at += sizeof(ca);
}

static void end_loop(uint8_t *section, size_t length_at, size_t at)
{
    base_store_u16(section + length_at, (uint16_t)(0xF000 | (at - length_at - 2)));
}

static void add_pmt_of(uint8_t service, uint16_t pid, uint8_t version, uint8_t mode,
                       const uint16_t ecm_pids[2], const struct component *components, unsigned count)
{
    uint8_t section[512] = {TS_TABLE_PMT, 0, 0, 0, service, (uint8_t)(0xC1 | version << 1), 0, 0, 0xE1, 0};
    size_t at = 12;

    put_ca(section, &at, ecm_pids[0]);
    put_ca(section, &at, ecm_pids[1]);
    if (mode) {
        section[at++] = 0x65;
        section[at++] = 1;
        section[at++] = mode;
    }
    end_loop(section, 10, at);
    for (unsigned i = 0; i < count; i++) {
        size_t length_at = at + 3;

        section[at] = 0x1B;
        base_store_u16(section + at + 1, 0xE000 | components[i].pid);
        at += 5;
        put_ca(section, &at, components[i].ecm_pids[0]);
        put_ca(section, &at, components[i].ecm_pids[1]);
        end_loop(section, length_at, at);
    }
    section_seal(section, at + 4);
    stream_add_section(&stream, pid, section, at + 4);
}

static void add_pmt(uint8_t version, uint8_t mode, const uint16_t ecm_pids[2],
                    const struct component *components, unsigned count)
{
    add_pmt_of(SERVICE, PMT_PID, version, mode, ecm_pids, components, count);
}

static const uint16_t programme_ecm[2] = {ECM_PID, 0};
static const struct component both[2] = {{VIDEO, {0, 0}}, {AUDIO, {0, 0}}};

static void add_tables(void)
{
    add_pat();
    add_pmt(1, 0, programme_ecm, both, 2);
}

static void add_programme(unsigned count, struct random *random)
{
    for (unsigned i = 0; i < count; i++)
        random_fill(random, stream_add(&stream, random_below(random, 3) ? VIDEO : AUDIO) + 4, 184);
}

static void protect_all(unsigned group)
{
    rig_protect(&rig, VIDEO, group);
    rig_protect(&rig, AUDIO, group);
}

/* Plays the ECM of a crypto-period from `start` on; it holds this word and the next (lead_CW 1). */
static void order_ecm(uint16_t pid, unsigned period, uint64_t start, size_t cw_size)
{
    struct ts_order order = {.kind = TS_ORDER_PLAY, .start = start, .period = 100 * RIG_TICK, .pid = pid};
    struct base_secret now = rig_word((uint8_t)(period + 1), cw_size);
    struct base_secret next = rig_word((uint8_t)(period + 2), cw_size);

    order.size = (uint16_t)make_ecm(order.bytes, 0x80 | (period & 1), 1, period & 1 ? &next : &now,
                                    period & 1 ? &now : &next);
    cr_assert_eq(ts_order_push(rig.orders, &order), 0);
}

/* Scrambles the stream in crypto-periods of PERIOD packets, ECMs `lead` packets before each. */
static void scramble(unsigned group, uint16_t ecm_pid, unsigned lead, size_t cw_size)
{
    uint64_t first = ts_pid(stream.packets[0]) == TS_PID_PAT ? 2 * RIG_TICK : 0; /* behind PAT and PMT */

    original = malloc((size_t)stream.count * TS_PACKET_SIZE);
    memcpy(original, stream.packets, (size_t)stream.count * TS_PACKET_SIZE);
    order_ecm(ecm_pid, 0, first, cw_size);
    rig_publish(&rig, group, KEYS_SLOT_KEY, first, 0, 1);
    for (unsigned n = 0; n * PERIOD < stream.count; n++) {
        struct stream part = {
            .count = PERIOD, .packets = stream.packets + n * PERIOD, .times = stream.times + n * PERIOD};
        uint64_t next = (uint64_t)(n + 1) * PERIOD * RIG_TICK;

        if (part.count > stream.count - n * PERIOD)
            part.count = stream.count - n * PERIOD;
        order_ecm(ecm_pid, n + 1, next - lead * RIG_TICK, cw_size);
        rig_publish(&rig, group, KEYS_SLOT_KEY, next, (n + 1) & 1, (uint8_t)(n + 2));
        rig_run(&rig, &part, 37, NULL);
    }
}

/* Opens what the rig has put out; scouts `ahead` packets before each is opened, not at all for -1. */
static void open_outputs(int ahead)
{
    const struct descrambler_counters *c;
    unsigned scouted = 0;

    cr_assert_eq(descrambler_engine_create(&engine, &config), 0);
    for (unsigned i = 0; i < rig.count; i++) {
        uint8_t *packet = rig.out[i];

        for (; ahead >= 0 && scouted < rig.count && scouted <= i + (unsigned)ahead; scouted++)
            descrambler_engine_scout(engine, rig.out[scouted]);
        descrambler_engine_process(engine, &packet, 1, batch);
    }
    cipher_batch_flush(batch);
    c = descrambler_engine_counters(engine);
    cr_assert_eq(c->in, c->passed + c->descrambled + c->locked + c->reserved);
}

/* Differences of the programme's packets from the original, in the places [from, to) of the input. */
static unsigned count_differences(unsigned from, unsigned to)
{
    unsigned differences = 0;

    for (unsigned i = 0, n = 0; i < rig.count; i++) {
        if (rig.inserted[i])
            continue;
        if (n >= from && n < to)
            differences += memcmp(rig.out[i], original[n], TS_PACKET_SIZE) != 0;
        n++;
    }
    return differences;
}

Test(ecm, opens_all_from_the_first_packet_over_many_periods)
{
    struct random random = {1};

    add_tables();
    add_programme(8 * PERIOD, &random);
    protect_all(rig_add_group(&rig, CIPHER_DVB_CSA2));
    scramble(0, ECM_PID, 0, 8);
    open_outputs(-1);
    cr_assert_eq(count_differences(0, stream.count), 0);
    cr_assert_eq(descrambler_engine_counters(engine)->crypto_periods, 8);
    cr_assert_eq(descrambler_engine_counters(engine)->ecm_opened, 9);
    cr_assert_eq(asked, 9, "an ECM is opened again only when it has changed");
    end_engine();
}

Test(ecm, early_ecms_do_not_replace_the_word_on_air)
{
    struct random random = {2};

    add_tables();
    add_programme(8 * PERIOD, &random);
    protect_all(rig_add_group(&rig, CIPHER_DVB_CISSA));
    scramble(0, ECM_PID, 300, 16);
    config.has_algorithm = true;
    config.algorithm = CIPHER_DVB_CISSA;
    open_outputs(-1);
    cr_assert_eq(count_differences(0, stream.count), 0);
}

Test(ecm, read_ahead_changes_nothing_that_is_open)
{
    static const int aheads[] = {0, 1, 50, 1500, 100000};
    struct random random = {3};
    uint8_t(*scrambled)[TS_PACKET_SIZE];

    add_tables();
    add_programme(8 * PERIOD, &random);
    protect_all(rig_add_group(&rig, CIPHER_DVB_CSA2));
    scramble(0, ECM_PID, 200, 8);
    scrambled = malloc((size_t)rig.count * TS_PACKET_SIZE);
    memcpy(scrambled, rig.out, (size_t)rig.count * TS_PACKET_SIZE);
    for (unsigned i = 0; i < 5; i++) {
        descrambler_engine_destroy(engine);
        memcpy(rig.out, scrambled, (size_t)rig.count * TS_PACKET_SIZE);
        open_outputs(aheads[i]);
        cr_assert_eq(count_differences(0, stream.count), 0, "ahead %d", aheads[i]);
    }
    free(scrambled);
}

Test(ecm, read_ahead_opens_what_comes_before_the_tables)
{
    struct random random = {4};
    uint8_t(*scrambled)[TS_PACKET_SIZE];

    add_programme(400, &random);
    add_tables();
    add_programme(3 * PERIOD, &random);
    protect_all(rig_add_group(&rig, CIPHER_DVB_CSA2));
    scramble(0, ECM_PID, 0, 8);
    scrambled = malloc((size_t)rig.count * TS_PACKET_SIZE);
    memcpy(scrambled, rig.out, (size_t)rig.count * TS_PACKET_SIZE);
    open_outputs(-1);
    cr_assert_gt(count_differences(0, 400), 300);
    cr_assert_eq(count_differences(600, stream.count), 0);
    cr_assert_gt(descrambler_engine_counters(engine)->locked, 300);
    descrambler_engine_destroy(engine);
    memcpy(rig.out, scrambled, (size_t)rig.count * TS_PACKET_SIZE);
    open_outputs(2000);
    cr_assert_eq(count_differences(0, stream.count), 0);
    cr_assert_eq(descrambler_engine_counters(engine)->locked, 0);
    free(scrambled);
}

/* The file begins in crypto-period 0, and its first ECM is that of period 1: words for the wrong even
 * packets. */
Test(ecm, an_ecm_ahead_of_a_change_is_not_taken_for_the_period_before)
{
    struct random random = {5};
    uint8_t section[64];
    struct base_secret odd = rig_word(2, 8);
    struct base_secret even = rig_word(3, 8);

    add_tables();
    add_programme(100, &random);
    stream_add_section(&stream, ECM_PID, section, make_ecm(section, 0x81, 1, &even, &odd));
    add_programme(100, &random);
    original = malloc((size_t)stream.count * TS_PACKET_SIZE);
    memcpy(original, stream.packets, (size_t)stream.count * TS_PACKET_SIZE);
    protect_all(rig_add_group(&rig, CIPHER_DVB_CSA2));
    rig_publish(&rig, 0, KEYS_SLOT_KEY, 0, 0, 1);
    rig_publish(&rig, 0, KEYS_SLOT_KEY, 102 * RIG_TICK, 1, 2);
    rig_run(&rig, &stream, 10, NULL);
    open_outputs(10000);
    cr_assert_eq(descrambler_engine_counters(engine)->locked, 100);
    cr_assert_eq(count_differences(102, stream.count), 0);
}

Test(ecm, words_that_nothing_was_opened_with_are_wiped_too)
{
    struct random random = {9};
    uint8_t section[64];
    struct base_secret even = rig_word(3, 8);

    add_tables();
    stream_add_section(&stream, ECM_PID, section, make_ecm(section, 0x80, 1, &even, &even));
    add_programme(10, &random);
    cr_assert_eq(descrambler_engine_create(&engine, &config), 0);
    for (unsigned i = 0; i < stream.count; i++)
        descrambler_engine_scout(engine, stream.packets[i]);
    cr_assert_eq(descrambler_engine_counters(engine)->ecm_opened, 1);
    end_engine();
}

Test(ecm, components_have_their_own_ecms_before_the_programmes)
{
    static const struct component components[2] = {{VIDEO, {ECM_PID2, 0}}, {AUDIO, {0, 0}}};
    struct random random = {6};
    unsigned first = rig_add_group(&rig, CIPHER_DVB_CSA2);
    unsigned second = rig_add_group(&rig, CIPHER_DVB_CSA2);
    uint8_t section[64];
    struct base_secret none = {0};

    add_pat();
    add_pmt(1, 0, programme_ecm, components, 2);
    for (unsigned i = 0; i < 2; i++) {
        struct base_secret cw = rig_word((uint8_t)(i + 6), 8);

        stream_add_section(&stream, i ? ECM_PID2 : ECM_PID, section, make_ecm(section, 0x80, 1, &cw, &none));
    }
    add_programme(500, &random);
    original = malloc((size_t)stream.count * TS_PACKET_SIZE);
    memcpy(original, stream.packets, (size_t)stream.count * TS_PACKET_SIZE);
    rig_protect(&rig, AUDIO, first);
    rig_protect(&rig, VIDEO, second);
    rig_publish(&rig, first, KEYS_SLOT_KEY, 0, 0, 6);
    rig_publish(&rig, second, KEYS_SLOT_KEY, 0, 0, 7);
    rig_run(&rig, &stream, 10, NULL);
    open_outputs(-1);
    cr_assert_eq(count_differences(0, stream.count), 0);
}

Test(ecm, of_several_cas_the_first_that_opens_wins)
{
    static const uint16_t two[2] = {ECM_PID2, ECM_PID};
    struct random random = {7};
    uint8_t section[64];
    struct base_secret wrong = rig_word(78, 8);

    add_pat();
    add_pmt(1, 0, two, both, 2);
    for (unsigned i = 0; i < 5; i++) {
        stream_add_section(&stream, ECM_PID2, section, make_ecm(section, 0x80, 9, &wrong, &wrong));
        add_programme(100, &random);
    }
    protect_all(rig_add_group(&rig, CIPHER_DVB_CSA2));
    scramble(0, ECM_PID, 0, 8);
    open_outputs(10);
    cr_assert_eq(count_differences(0, stream.count), 0);
    cr_assert_eq(descrambler_engine_counters(engine)->ecm_refused, 1);
}

Test(ecm, scrambling_descriptor_names_the_algorithm_and_configuration_wins)
{
    struct random random = {8};
    uint8_t(*scrambled)[TS_PACKET_SIZE];

    add_pat();
    add_pmt(1, cipher_scrambling_mode(CIPHER_ATIS_IDSA), programme_ecm, both, 2);
    add_programme(500, &random);
    protect_all(rig_add_group(&rig, CIPHER_ATIS_IDSA));
    scramble(0, ECM_PID, 0, 16);
    scrambled = malloc((size_t)rig.count * TS_PACKET_SIZE);
    memcpy(scrambled, rig.out, (size_t)rig.count * TS_PACKET_SIZE);
    open_outputs(-1);
    cr_assert_eq(count_differences(0, stream.count), 0);
    descrambler_engine_destroy(engine);
    memcpy(rig.out, scrambled, (size_t)rig.count * TS_PACKET_SIZE);
    config.has_algorithm = true;
    config.algorithm = CIPHER_DVB_CISSA;
    open_outputs(-1);
    cr_assert_gt(count_differences(0, stream.count), 400);
    free(scrambled);
}

Test(ecm, an_algorithm_that_is_not_known_here_stays_scrambled_and_is_named)
{
    struct random random = {8};
    uint16_t service_id = 0;

    add_pat();
    add_pmt(1, 0x03, programme_ecm, both, 2);
    add_programme(500, &random);
    protect_all(rig_add_group(&rig, CIPHER_DVB_CSA2));
    scramble(0, ECM_PID, 0, 8);
    open_outputs(-1);
    cr_assert_eq(descrambler_engine_unknown_mode(engine, &service_id), 0x03);
    cr_assert_eq(service_id, SERVICE);
    cr_assert_eq(descrambler_engine_counters(engine)->descrambled, 0);
    cr_assert_gt(descrambler_engine_counters(engine)->locked, 400);
}

Test(ecm, an_algorithm_that_is_known_is_not_named)
{
    struct random random = {8};
    uint16_t service_id = 0;

    add_pat();
    add_pmt(1, cipher_scrambling_mode(CIPHER_AES_CTR), programme_ecm, both, 2);
    add_programme(500, &random);
    protect_all(rig_add_group(&rig, CIPHER_AES_CTR));
    scramble(0, ECM_PID, 0, 16);
    open_outputs(-1);
    cr_assert_eq(count_differences(0, stream.count), 0);
    cr_assert_eq(descrambler_engine_unknown_mode(engine, &service_id), 0);
}

Test(ecm, a_pmt_that_changes_holds_from_its_place_on)
{
    static const struct component video_only[1] = {{VIDEO, {0, 0}}};
    struct random random = {9};

    add_tables();
    add_programme(500, &random);
    add_pmt(2, 0, programme_ecm, video_only, 1);
    add_programme(300, &random);
    protect_all(rig_add_group(&rig, CIPHER_DVB_CSA2));
    scramble(0, ECM_PID, 0, 8);
    config.selection = DESCRAMBLER_SERVICE;
    config.service_id = SERVICE;
    open_outputs(100000);
    cr_assert_eq(count_differences(0, 503), 0);
    for (unsigned i = 0, n = 0; i < rig.count; i++) {
        if (rig.inserted[i])
            continue;
        if (n++ >= 503)
            cr_assert_eq(ts_scrambling_control(rig.out[i]) != TS_CLEAR, ts_pid(rig.out[i]) == AUDIO);
    }
}

Test(ecm, only_what_is_selected_is_opened)
{
    static const uint16_t pids[] = {AUDIO};
    struct random random = {10};

    add_tables();
    add_programme(500, &random);
    protect_all(rig_add_group(&rig, CIPHER_DVB_CSA2));
    scramble(0, ECM_PID, 0, 8);
    config.selection = DESCRAMBLER_PIDS;
    config.pids = pids;
    config.pid_count = 1;
    open_outputs(-1);
    for (unsigned i = 0; i < rig.count; i++)
        cr_assert_eq(ts_scrambling_control(rig.out[i]) != TS_CLEAR, ts_pid(rig.out[i]) == VIDEO);
    cr_assert_eq(descrambler_engine_counters(engine)->locked, 0);
}

Test(ecm, another_service_stays_closed)
{
    struct random random = {11};

    add_tables();
    add_programme(500, &random);
    protect_all(rig_add_group(&rig, CIPHER_DVB_CSA2));
    scramble(0, ECM_PID, 0, 8);
    config.selection = DESCRAMBLER_SERVICE;
    config.service_id = SERVICE + 1;
    open_outputs(-1);
    cr_assert_not(descrambler_engine_found_service(engine));
    cr_assert_eq(descrambler_engine_counters(engine)->passed, rig.count);
    cr_assert_eq(asked, 0);
}

static void add_pat_of_two(void)
{
    uint8_t section[20] = {TS_TABLE_PAT,
                           0,
                           0,
                           0,
                           1,
                           0xC1,
                           0,
                           0,
                           0,
                           SERVICE,
                           0xE0 | PMT_PID >> 8,
                           PMT_PID,
                           0,
                           SERVICE + 1,
                           0xE0 | PMT_PID2 >> 8,
                           PMT_PID2};

    section_seal(section, sizeof(section));
    stream_add_section(&stream, 0, section, sizeof(section));
}

/* Scrambles all behind the tables in one crypto-period; the ECMs of each group come `late` packets after the
 * beginning only. */
static void scramble_before_ecms(unsigned late, unsigned groups)
{
    static const uint16_t ecm_pids[] = {ECM_PID, ECM_PID2};

    original = malloc((size_t)stream.count * TS_PACKET_SIZE);
    memcpy(original, stream.packets, (size_t)stream.count * TS_PACKET_SIZE);
    for (unsigned i = 0; i < groups; i++) {
        order_ecm(ecm_pids[i], 0, late * RIG_TICK, 8);
        rig_publish(&rig, i, KEYS_SLOT_KEY, 0, 0, 1);
    }
    rig_run(&rig, &stream, 37, NULL);
}

/* The changed PMT waits for its place; what it says of the ECMs is needed at the scouting end before. */
Test(ecm, read_ahead_labels_ecms_of_a_pmt_that_follows_a_clear_one)
{
    static const uint16_t none[2] = {0, 0};
    struct random random = {20};

    add_pat();
    add_pmt(1, 0, none, both, 2);
    add_pmt(2, 0, programme_ecm, both, 2);
    add_programme(PERIOD / 2, &random);
    protect_all(rig_add_group(&rig, CIPHER_DVB_CSA2));
    scramble_before_ecms(300, 1);
    open_outputs(2000);
    cr_assert_eq(descrambler_engine_counters(engine)->locked, 0);
    cr_assert_eq(count_differences(0, stream.count), 0);
}

/* The component's CA_descriptor is another CAS's: ours at the programme holds for it all the same. */
Test(ecm, another_cas_at_the_component_does_not_hide_the_programmes)
{
    static const struct component foreign[2] = {{VIDEO, {FOREIGN | 0x50, 0}}, {AUDIO, {FOREIGN | 0x51, 0}}};
    struct random random = {23};

    add_pat();
    add_pmt(1, 0, programme_ecm, foreign, 2);
    add_programme(PERIOD / 2, &random);
    protect_all(rig_add_group(&rig, CIPHER_DVB_CSA2));
    scramble_before_ecms(0, 1);
    open_outputs(200);
    cr_assert_eq(descrambler_engine_counters(engine)->locked, 0);
    cr_assert_eq(count_differences(0, stream.count), 0);
}

Test(ecm, read_ahead_labels_ecms_of_a_service_that_shares_a_component)
{
    static const struct component second[2] = {{AUDIO, {0, 0}}, {SUBTITLES, {0, 0}}};
    static const uint16_t second_ecm[2] = {ECM_PID2, 0};
    struct random random = {21};

    add_pat_of_two();
    add_pmt(1, 0, programme_ecm, both, 2);
    add_pmt_of(SERVICE + 1, PMT_PID2, 1, 0, second_ecm, second, 2);
    for (unsigned i = 0; i < PERIOD / 2; i++) {
        add_programme(1, &random);
        random_fill(&random, stream_add(&stream, SUBTITLES) + 4, 184);
    }
    protect_all(rig_add_group(&rig, CIPHER_DVB_CSA2));
    rig_protect(&rig, SUBTITLES, rig_add_group(&rig, CIPHER_DVB_CSA2));
    scramble_before_ecms(300, 2);
    open_outputs(2000);
    cr_assert_eq(descrambler_engine_counters(engine)->locked, 0);
    cr_assert_eq(count_differences(0, stream.count), 0);
}

/* What a reader of a pipe asks before it lets packets go. */
Test(ecm, tells_what_scouted_packets_wait_for)
{
    struct random random = {22};
    unsigned next = 0, ecm, scrambled;

    add_tables();
    add_programme(PERIOD / 2, &random);
    protect_all(rig_add_group(&rig, CIPHER_DVB_CSA2));
    scramble_before_ecms(300, 1);
    for (scrambled = 0; ts_scrambling_control(rig.out[scrambled]) == TS_CLEAR;)
        scrambled++;
    for (ecm = 0; ts_pid(rig.out[ecm]) != ECM_PID;)
        ecm++;
    cr_assert_eq(descrambler_engine_create(&engine, &config), 0);
    for (; next < scrambled; next++)
        descrambler_engine_scout(engine, rig.out[next]);
    cr_assert_eq(descrambler_engine_waiting(engine), DESCRAMBLER_WAITS_FOR_NOTHING);
    for (; next < ecm; next++)
        descrambler_engine_scout(engine, rig.out[next]);
    cr_assert_eq(descrambler_engine_waiting(engine), DESCRAMBLER_WAITS_FOR_WORDS);
    descrambler_engine_scout(engine, rig.out[next++]);
    cr_assert_eq(descrambler_engine_waiting(engine), DESCRAMBLER_WAITS_FOR_MORE, "whose words are they?");
    descrambler_engine_scout(engine, rig.out[next++]);
    cr_assert_eq(descrambler_engine_waiting(engine), DESCRAMBLER_WAITS_FOR_NOTHING);
}

Test(ecm, a_service_is_found_by_its_name)
{
    uint8_t section[] = {TS_TABLE_SDT, 0,    0, 0, 1, 0xC1, 0,   0,   0,   1,   0xFF, 0, SERVICE, 0xFC, 0x80,
                         10,           0x48, 8, 1, 0, 5,    'F', 'i', 'r', 's', 't',  0, 0,       0,    0};
    struct random random = {12};

    add_tables();
    section_seal(section, sizeof(section));
    stream_add_section(&stream, TS_PID_SDT, section, sizeof(section));
    add_pmt(1, 0, programme_ecm, both, 2);
    add_programme(500, &random);
    protect_all(rig_add_group(&rig, CIPHER_DVB_CSA2));
    scramble(0, ECM_PID, 0, 8);
    config.selection = DESCRAMBLER_SERVICE;
    config.service_name = "first";
    open_outputs(200);
    cr_assert(descrambler_engine_found_service(engine));
    cr_assert_eq(count_differences(0, stream.count), 0);
}

Test(ecm, what_cannot_be_opened_stays_as_it_is)
{
    uint8_t section[64] = {0};
    struct base_secret cw = rig_word(1, 8);

    add_tables();
    section_make(section, 0x80, 1, 1, 0, 40);
    section[20] ^= 1;
    stream_add_section(&stream, ECM_PID, section, 40);
    stream_add_section(&stream, ECM_PID, section, make_ecm(section, 0x80, 1, &cw, &(struct base_secret){0}));
    ts_set_scrambling_control(stream_add(&stream, VIDEO), TS_RESERVED);
    ts_set_scrambling_control(stream_add(&stream, VIDEO), TS_ODD);
    ts_set_scrambling_control(stream_add(&stream, 0x300), TS_EVEN);
    ts_set_scrambling_control(stream_add_adaptation(&stream, VIDEO, 3, 184), TS_EVEN);
    ts_set_scrambling_control(stream_add_adaptation(&stream, VIDEO, 2, 183), TS_EVEN);
    original = malloc((size_t)stream.count * TS_PACKET_SIZE);
    memcpy(original, stream.packets, (size_t)stream.count * TS_PACKET_SIZE);
    rig_run(&rig, &stream, 10, NULL);
    open_outputs(-1);
    cr_assert_eq(count_differences(0, stream.count), 0);
    cr_assert_eq(descrambler_engine_counters(engine)->reserved, 1);
    cr_assert_eq(descrambler_engine_counters(engine)->locked, 2);
    cr_assert_eq(descrambler_engine_counters(engine)->bad_adaptation, 1);
    cr_assert_eq(descrambler_engine_counters(engine)->bad_sections, 1);
    cr_assert_eq(descrambler_engine_counters(engine)->passed, 4 + 2);
}
