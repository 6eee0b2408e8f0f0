/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/text.h"
#include "tests/ts/judge.h"
#include "tests/ts/support.h"
#include "ts/psi.h"

static uint8_t section[4200];
static uint8_t out[4200];

/* Hexadecimal digits, none allowed, to bytes. */
static size_t decode(const char *digits, uint8_t *bytes, size_t room)
{
    ptrdiff_t size = *digits ? base_hex_decode(digits, bytes, room) : 0;

    cr_assert_geq(size, 0, "test data: %s", digits);
    return (size_t)size;
}

/* A section whose body is given in hexadecimal digits. */
static size_t make(uint8_t table_id, uint16_t extension, const char *body)
{
    uint8_t bytes[1100];
    size_t size = decode(body, bytes, sizeof(bytes));

    return support_section(section, table_id, extension, 1, bytes, size);
}

Test(pat, programmes_without_the_network)
{
    struct ts_pat_section pat;
    size_t size = make(TS_TABLE_PAT, 0x0204,
                       "0000e010"
                       "0d49e102"
                       "ffffffff");

    section[6] = 1;
    section[7] = 2;
    support_seal(section, size - 4);
    cr_assert_eq(ts_pat_read(section, size, &pat), 0);
    cr_assert_eq(pat.transport_stream_id, 0x0204);
    cr_assert_eq(pat.version, 1);
    cr_assert(pat.current);
    cr_assert_eq(pat.number, 1);
    cr_assert_eq(pat.last_number, 2);
    cr_assert_eq(pat.count, 2);
    cr_assert_eq(pat.programs[0].program_number, 3401);
    cr_assert_eq(pat.programs[0].pmt_pid, 258);
    cr_assert_eq(pat.programs[1].program_number, 0xFFFF);
    cr_assert_eq(pat.programs[1].pmt_pid, 0x1FFF);
}

Test(pat, empty_full_and_too_large)
{
    static uint8_t body[4 * 254];
    struct ts_pat_section pat;

    memset(body, 0xE1, sizeof(body));
    cr_assert_eq(ts_pat_read(section, support_section(section, 0, 1, 0, body, 0), &pat), 0);
    cr_assert_eq(pat.count, 0);
    cr_assert_eq(ts_pat_read(section, support_section(section, 0, 1, 0, body, 4 * 253), &pat), 0);
    cr_assert_eq(pat.count, TS_PAT_PROGRAMS_MAX);
    cr_assert_eq(ts_pat_read(section, support_section(section, 0, 1, 0, body, 4 * 254), &pat),
                 BASE_E_MALFORMED);
}

Test(pat, tells_a_next_version)
{
    struct ts_pat_section pat;
    size_t size = make(TS_TABLE_PAT, 1, "0001e100");

    section[5] &= 0xFE;
    support_seal(section, size - 4);
    cr_assert_eq(ts_pat_read(section, size, &pat), 0);
    cr_assert(!pat.current);
}

Test(pat, bad_input)
{
    struct ts_pat_section pat;
    size_t size = make(TS_TABLE_PAT, 1, "0001e100");

    for (size_t n = 0; n < size; n++)
        cr_assert_eq(ts_pat_read(section, n, &pat), BASE_E_TRUNCATED);
    section[9] ^= 1;
    cr_assert_eq(ts_pat_read(section, size, &pat), BASE_E_CHECKSUM);
    cr_assert_eq(ts_pat_read(section, make(TS_TABLE_CAT, 1, "0001e100"), &pat), BASE_E_MALFORMED);
    cr_assert_eq(ts_pat_read(section, make(TS_TABLE_PAT, 1, "0001e10000"), &pat), BASE_E_MALFORMED);
    size = make(TS_TABLE_PAT, 1, "0001e100");
    section[6] = 1; /* beyond last_section_number */
    support_seal(section, size - 4);
    cr_assert_eq(ts_pat_read(section, size, &pat), BASE_E_MALFORMED);
    memcpy(section, "\x00\x30\x00", 3); /* short syntax */
    cr_assert_eq(ts_pat_read(section, 3, &pat), BASE_E_MALFORMED);
}

#define PROGRAM_CA "09042600fff0"         /* CA_system_ID 0x2600, CA_PID 0x1FF0 */
#define OTHER_CA   "09064adce123beef"     /* 0x4ADC, 0x0123, two private bytes */
#define MODE_CISSA "650110"               /* scrambling_descriptor */
#define LANGUAGE   "0a0469746100"         /* ISO_639_language_descriptor */
#define SUBTITLING "59086974611000010001" /* subtitling_descriptor */

/* A loop of descriptors with its length field; returns the bytes written. */
static size_t put_loop(uint8_t *at, const char *descriptors)
{
    size_t n = decode(descriptors, at + 2, 1200);

    at[0] = (uint8_t)(0xF0 | n >> 8);
    at[1] = (uint8_t)n;
    return n + 2;
}

/* A PMT of programme 0x0D49, version 1, PCR_PID 0x200: the programme loop, then pairs of stream_type with
 * elementary_PID and of loops, all in hexadecimal digits, and NULL. */
static size_t make_pmt(uint8_t *to, const char *program_loop, ...)
{
    static uint8_t body[4096];
    size_t n = 2;
    const char *stream;
    va_list streams;

    memcpy(body, "\xE2\x00", 2);
    n += put_loop(body + n, program_loop);
    va_start(streams, program_loop);
    while ((stream = va_arg(streams, const char *))) {
        n += decode(stream, body + n, 3);
        n += put_loop(body + n, va_arg(streams, const char *));
    }
    va_end(streams);
    return support_section(to, TS_TABLE_PMT, 0x0D49, 1, body, n);
}

Test(pmt, fields_descriptors_and_components)
{
    struct ts_pmt pmt;
    size_t size = make_pmt(section, PROGRAM_CA OTHER_CA MODE_CISSA LANGUAGE, "02e200", "", "04e28a",
                           LANGUAGE PROGRAM_CA, "06e240", SUBTITLING, "0bebb9", "", NULL);

    cr_assert_eq(ts_pmt_read(section, size, &pmt), 0);
    cr_assert_eq(pmt.program_number, 0x0D49);
    cr_assert_eq(pmt.pcr_pid, 0x200);
    cr_assert_eq(pmt.version, 1);
    cr_assert(pmt.current);
    cr_assert_eq(pmt.scrambling_mode, 0x10);
    cr_assert_eq(pmt.ca_count, 2);
    cr_assert_eq(pmt.ca[0].ca_system_id, 0x2600);
    cr_assert_eq(pmt.ca[0].ca_pid, 0x1FF0);
    cr_assert_eq(pmt.ca[1].ca_system_id, 0x4ADC);
    cr_assert_eq(pmt.ca[1].ca_pid, 0x0123);
    cr_assert_eq(pmt.component_count, 4);
    cr_assert_eq(pmt.components[0].pid, 0x200);
    cr_assert_eq(pmt.components[0].stream_type, 2);
    cr_assert_eq(pmt.components[0].kind, TS_COMPONENT_VIDEO);
    cr_assert_eq(pmt.components[0].ca_count, 0);
    cr_assert_eq(pmt.components[1].kind, TS_COMPONENT_AUDIO);
    cr_assert_eq(pmt.components[1].ca_count, 1);
    cr_assert_eq(pmt.components[1].ca[0].ca_system_id, 0x2600);
    cr_assert_eq(pmt.components[2].kind, TS_COMPONENT_SUBTITLES);
    cr_assert_eq(pmt.components[3].pid, 0x0BB9);
    cr_assert_eq(pmt.components[3].kind, TS_COMPONENT_DATA);
}

Test(pmt, kinds)
{
    static const struct {
        const char *stream, *descriptors;
        enum ts_component_kind kind;
    } cases[] = {
        {"01e100", "", TS_COMPONENT_VIDEO},
        {"10e100", "", TS_COMPONENT_VIDEO},
        {"1be100", "", TS_COMPONENT_VIDEO},
        {"1ee100", "", TS_COMPONENT_VIDEO},
        {"20e100", "", TS_COMPONENT_VIDEO},
        {"21e100", "", TS_COMPONENT_VIDEO},
        {"24e100", "", TS_COMPONENT_VIDEO},
        {"25e100", "", TS_COMPONENT_VIDEO},
        {"33e100", "", TS_COMPONENT_VIDEO},
        {"42e100", "", TS_COMPONENT_VIDEO},
        {"d1e100", "", TS_COMPONENT_VIDEO},
        {"eae100", "", TS_COMPONENT_VIDEO},
        {"27e100", "", TS_COMPONENT_DATA}, /* timeline and external media information */
        {"03e100", "", TS_COMPONENT_AUDIO},
        {"0fe100", "", TS_COMPONENT_AUDIO},
        {"11e100", "", TS_COMPONENT_AUDIO},
        {"1ce100", "", TS_COMPONENT_AUDIO},
        {"81e100", "", TS_COMPONENT_AUDIO},
        {"82e100", "", TS_COMPONENT_AUDIO},
        {"84e100", "", TS_COMPONENT_AUDIO},
        {"85e100", "", TS_COMPONENT_AUDIO},
        {"87e100", "", TS_COMPONENT_AUDIO},
        {"05e100", "6a0100", TS_COMPONENT_DATA}, /* private sections, whatever they describe */
        {"0be100", "", TS_COMPONENT_DATA},
        {"86e100", "050443554549", TS_COMPONENT_DATA}, /* SCTE 35 */
        {"06e100", "", TS_COMPONENT_DATA},
        {"06e100", "6a0100", TS_COMPONENT_AUDIO},     /* AC-3 */
        {"06e100", "7a0100", TS_COMPONENT_AUDIO},     /* enhanced AC-3 */
        {"06e100", "7b0100", TS_COMPONENT_AUDIO},     /* DTS */
        {"06e100", "7c0100", TS_COMPONENT_AUDIO},     /* AAC */
        {"06e100", "7f0115", TS_COMPONENT_AUDIO},     /* AC-4 */
        {"06e100", "7f0120", TS_COMPONENT_SUBTITLES}, /* TTML */
        {"06e100", "7f0104", TS_COMPONENT_DATA},      /* T2_delivery_system */
        {"06e100", "7f00", TS_COMPONENT_DATA},
        {"06e100", "050441432d33", TS_COMPONENT_AUDIO},          /* "AC-3" */
        {"06e100", "050445414333", TS_COMPONENT_AUDIO},          /* "EAC3" */
        {"06e100", "050444545331", TS_COMPONENT_AUDIO},          /* "DTS1" */
        {"06e100", LANGUAGE "05044f707573", TS_COMPONENT_AUDIO}, /* "Opus" */
        {"06e100", "050448455643", TS_COMPONENT_VIDEO},          /* "HEVC" */
        {"06e100", "05044b4c5641", TS_COMPONENT_DATA},           /* "KLVA" */
        {"06e100", "0503415631", TS_COMPONENT_DATA},             /* too short */
        {"c6e100", "050441432d33", TS_COMPONENT_AUDIO},
        {"06e100", "56056974610900", TS_COMPONENT_SUBTITLES}, /* teletext */
        {"06e100", "4500", TS_COMPONENT_SUBTITLES},           /* VBI data */
        {"06e100", "4600", TS_COMPONENT_SUBTITLES},           /* VBI teletext */
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct ts_pmt pmt;
        size_t size = make_pmt(section, "", cases[i].stream, cases[i].descriptors, NULL);

        cr_assert_eq(ts_pmt_read(section, size, &pmt), 0, "case %zu", i);
        cr_assert_eq(pmt.components[0].kind, cases[i].kind, "case %zu: %s %s", i, cases[i].stream,
                     cases[i].descriptors);
    }
}

Test(pmt, bad_input)
{
    struct ts_pmt pmt;
    size_t size = make_pmt(section, PROGRAM_CA, "02e200", LANGUAGE, NULL);

    for (size_t n = 0; n < size; n++)
        cr_assert_eq(ts_pmt_read(section, n, &pmt), BASE_E_TRUNCATED);
    section[20] ^= 1;
    cr_assert_eq(ts_pmt_read(section, size, &pmt), BASE_E_CHECKSUM);
}

static void refuse_pmt(const char *why, const char *body)
{
    const struct ts_pmt_protection nothing = {0};
    struct ts_pmt pmt;
    size_t size = make(TS_TABLE_PMT, 1, body);

    cr_assert_eq(ts_pmt_read(section, size, &pmt), BASE_E_MALFORMED, "%s: read", why);
    cr_assert_eq(ts_pmt_protect(section, size, &nothing, 0, out, sizeof(out)), BASE_E_MALFORMED,
                 "%s: protect", why);
}

Test(pmt, malformed_loops)
{
    refuse_pmt("no PCR_PID", "e1");
    refuse_pmt("no program_info_length", "e100f0");
    refuse_pmt("programme loop beyond the end", "e100f001");
    refuse_pmt("descriptor beyond the programme loop", "e100f0020901"
                                                       "02e200f000");
    refuse_pmt("half a descriptor header", "e100f00109"
                                           "02e200f000");
    refuse_pmt("CA_descriptor too short", "e100f0050903260001"
                                          "02e200f000");
    refuse_pmt("component cut", "e100f000"
                                "02e200f0");
    refuse_pmt("component loop beyond the end", "e100f000"
                                                "02e200f001");
    refuse_pmt("descriptor beyond the component loop", "e100f000"
                                                       "02e200f0020a01");
    refuse_pmt("component's CA_descriptor too short", "e100f000"
                                                      "02e200f0020900");
}

Test(pmt, as_many_components_as_fit)
{
    static uint8_t body[4 + 201 * 5 + 3];
    struct ts_pmt pmt;

    memcpy(body, "\xE1\x00\xF0\x00", 4);
    for (int i = 0; i < 201; i++)
        memcpy(body + 4 + 5 * i, "\x02\xE2\x00\xF0\x00", 5);
    cr_assert_eq(ts_pmt_read(section, support_section(section, 2, 1, 0, body, sizeof(body) - 3), &pmt), 0);
    cr_assert_eq(pmt.component_count, TS_PMT_COMPONENTS_MAX);
    cr_assert_eq(ts_pmt_read(section, support_section(section, 2, 1, 0, body, sizeof(body)), &pmt),
                 BASE_E_MALFORMED);
}

Test(pmt, more_ca_descriptors_than_are_kept)
{
    static uint8_t body[4 + 40 * 6 + 5 + 6 * 6];
    struct ts_pmt pmt;

    memcpy(body, "\xE1\x00\xF0\xF0", 4);
    for (int i = 0; i < 40; i++)
        memcpy(body + 4 + 6 * i, (const uint8_t[]){9, 4, 0x26, (uint8_t)i, 0xE1, 0}, 6);
    memcpy(body + 244, "\x02\xE2\x00\xF0\x24", 5);
    for (int i = 0; i < 6; i++)
        memcpy(body + 249 + 6 * i, (const uint8_t[]){9, 4, 0x26, (uint8_t)i, 0xE1, 0}, 6);
    cr_assert_eq(ts_pmt_read(section, support_section(section, 2, 1, 0, body, sizeof(body)), &pmt), 0);
    cr_assert_eq(pmt.ca_count, TS_CA_DESCRIPTORS_MAX);
    cr_assert_eq(pmt.ca[31].ca_system_id, 0x261F);
    cr_assert_eq(pmt.components[0].ca_count, 4);
}

static const struct ts_ca_descriptor own_ca = {.ca_system_id = 0x2600, .ca_pid = 0x0444};

static void expect_protected(size_t size, const struct ts_pmt_protection *protection, uint8_t version,
                             size_t expected_size)
{
    static uint8_t expected[1024];

    memcpy(expected, out, sizeof(expected)); /* what the caller built there */
    memset(out, 0xEE, sizeof(out));
    cr_assert_eq(ts_pmt_protect(section, size, protection, version, out, 1024), (ptrdiff_t)expected_size);
    cr_assert_arr_eq(out, expected, expected_size);
    cr_assert_eq(out[expected_size], 0xEE);
}

static size_t with_version(uint8_t *bytes, size_t size, uint8_t version)
{
    bytes[5] = (uint8_t)(0xC1 | version << 1);
    return support_seal(bytes, size - 4);
}

Test(protect, adds_to_the_programme_loop)
{
    const struct ts_pmt_protection protection = {.ca = &own_ca, .ca_count = 1, .scrambling_mode = 2};
    size_t size = make_pmt(section, LANGUAGE, "02e200", "", "04e28a", LANGUAGE, NULL);
    size_t expected = make_pmt(out,
                               LANGUAGE "09042600e444"
                                        "650102",
                               "02e200", "", "04e28a", LANGUAGE, NULL);

    expect_protected(size, &protection, 31, with_version(out, expected, 31));
}

Test(protect, replaces_its_own_at_both_levels_and_keeps_the_others)
{
    const struct ts_pmt_protection protection = {.ca = &own_ca, .ca_count = 1, .scrambling_mode = 0x10};
    size_t size = make_pmt(section, MODE_CISSA PROGRAM_CA OTHER_CA PROGRAM_CA LANGUAGE, "02e200",
                           PROGRAM_CA OTHER_CA "650102", "04e28a", LANGUAGE PROGRAM_CA, NULL);
    size_t expected = make_pmt(out, OTHER_CA LANGUAGE "09042600e444" MODE_CISSA, "02e200", OTHER_CA, "04e28a",
                               LANGUAGE, NULL);

    expect_protected(size, &protection, 0, with_version(out, expected, 0));
}

Test(protect, mode_0_leaves_no_scrambling_descriptor)
{
    const struct ts_pmt_protection protection = {.ca = &own_ca, .ca_count = 1};
    size_t size = make_pmt(section, MODE_CISSA, "02e200", "", NULL);
    size_t expected = make_pmt(out, "09042600e444", "02e200", "", NULL);

    expect_protected(size, &protection, 2, with_version(out, expected, 2));
}

Test(protect, several_systems_without_components)
{
    const struct ts_ca_descriptor ca[] = {{.ca_system_id = 0x2600, .ca_pid = 0x100},
                                          {.ca_system_id = 0x2600, .ca_pid = 0x101},
                                          {.ca_system_id = 0x4ADC, .ca_pid = 0x1FFF}};
    const struct ts_pmt_protection protection = {.ca = ca, .ca_count = 3};
    size_t size = make_pmt(section, OTHER_CA, NULL);
    size_t expected = make_pmt(out,
                               "09042600e100"
                               "09042600e101"
                               "09044adcffff",
                               NULL);

    expect_protected(size, &protection, 1, with_version(out, expected, 1));
}

Test(protect, keeps_reserved_bits_and_current_next)
{
    const struct ts_pmt_protection nothing = {0};
    size_t size = make_pmt(section, LANGUAGE, "02e200", LANGUAGE, NULL);

    section[1] &= 0xCF;  /* reserved bits of every field at 0 */
    section[5] = 0x02;   /* version 1, next */
    section[10] &= 0x0F; /* program_info_length */
    section[19] &= 0x1F; /* elementary_PID */
    section[21] &= 0x0F; /* ES_info_length */
    support_seal(section, size - 4);
    memcpy(out, section, size);
    expect_protected(size, &nothing, 1, size);
}

/* Descriptors of exactly `size` bytes (2 or more) in hexadecimal digits. */
static const char *filler(size_t size)
{
    static char text[2 * 1024 + 1];
    char *at = text;

    while (size) {
        size_t content = size > 257 + 1 ? 255 : size - 2;

        if (content > 255)
            content = 100;
        at += sprintf(at, "c0%02zx", content);
        memset(at, '0', 2 * content);
        at += 2 * content;
        size -= content + 2;
    }
    *at = '\0';
    return text;
}

Test(protect, size_limits)
{
    const struct ts_pmt_protection protection = {.ca = &own_ca, .ca_count = 1, .scrambling_mode = 2};
    const size_t bare = 12 + 5 + 4, added = 6 + 3;

    for (size_t total = 1000; total <= 1024 + added; total++) {
        size_t size = make_pmt(section, filler(total - bare - added), "02e200", "", NULL);
        ptrdiff_t got = ts_pmt_protect(section, size, &protection, 1, out, sizeof(out));

        cr_assert_eq(size, total - added);
        cr_assert_eq(got, total <= 1024 ? (ptrdiff_t)total : -EMSGSIZE, "%zu bytes", total);
    }
}

Test(protect, room_limits)
{
    const struct ts_pmt_protection protection = {.ca = &own_ca, .ca_count = 1, .scrambling_mode = 2};
    size_t size = make_pmt(section, LANGUAGE, "02e200", LANGUAGE, NULL);

    for (size_t room = 0; room < size + 9; room++) {
        memset(out, 0xEE, sizeof(out));
        cr_assert_eq(ts_pmt_protect(section, size, &protection, 1, out, room), -EMSGSIZE, "room %zu", room);
        cr_assert_eq(out[room], 0xEE);
    }
    cr_assert_eq(ts_pmt_protect(section, size, &protection, 1, out, size + 9), (ptrdiff_t)size + 9);
}

Test(protect, passes_on_a_readers_error)
{
    const struct ts_pmt_protection nothing = {0};
    size_t size = make_pmt(section, LANGUAGE, "02e200", LANGUAGE, NULL);

    cr_assert_eq(ts_pmt_protect(section, size - 1, &nothing, 1, out, 1024), BASE_E_TRUNCATED);
    section[size - 1] ^= 1;
    cr_assert_eq(ts_pmt_protect(section, size, &nothing, 1, out, 1024), BASE_E_CHECKSUM);
}

Test(pmt, components_get_descriptors_of_their_own)
{
    /* Video 0x101 with component_tag 7 and a stale CA_descriptor, audio 0x102 */
    static const uint8_t body[] = {0xE1, 0x01, 0xF0, 0x00, 0x1B, 0xE1, 0x01, 0xF0, 0x09, 0x52, 0x01, 0x07,
                                   0x09, 0x04, 0x26, 0x00, 0xE3, 0x00, 0x0F, 0xE1, 0x02, 0xF0, 0x00};
    const struct ts_ca_descriptor private_ca = {
        .ca_system_id = 0x2600, .ca_pid = 0x0444, .private_size = 2, .private_data = body};
    const struct ts_pmt_component_protection component = {.pid = 0x101, .ca = &private_ca, .ca_count = 1};
    const struct ts_pmt_protection protection = {
        .scrambling_mode = 2, .components = &component, .component_count = 1};
    uint8_t table[64] = {0x02, 0xB0, 0, 0, 1, 0xC1, 0, 0};
    size_t size = 12 + sizeof(body);
    struct ts_pmt pmt;
    ptrdiff_t made;

    memcpy(table + 8, body, sizeof(body));
    table[2] = (uint8_t)(size - 3);
    base_store_u32(table + size - 4, support_crc(table, size - 4));
    cr_assert_eq(ts_pmt_read(table, size, &pmt), 0);
    cr_expect(pmt.components[0].has_tag && pmt.components[0].tag == 7 && !pmt.components[1].has_tag);
    made = ts_pmt_protect(table, size, &protection, 1, out, sizeof(out));
    cr_assert_gt(made, 0);
    cr_assert_eq(ts_pmt_read(out, (size_t)made, &pmt), 0);
    cr_expect_eq(pmt.ca_count, 0);
    cr_expect_eq(pmt.scrambling_mode, 2);
    cr_assert_eq(pmt.components[0].ca_count, 1);
    cr_expect_eq(pmt.components[0].ca[0].ca_pid, 0x444);
    cr_assert_eq(pmt.components[0].ca[0].private_size, 2);
    cr_expect_arr_eq(pmt.components[0].ca[0].private_data, body, 2);
    cr_expect(pmt.components[0].has_tag);
    cr_expect_eq(pmt.components[1].ca_count, 0);
}

Test(pmt, without_anything_to_add_all_of_it_stays)
{
    static const uint8_t body[] = {0xE1, 0x01, 0xF0, 0x09, 0x65, 0x01, 0x02,
                                   0x09, 0x04, 0x26, 0x00, 0xE3, 0x00};
    const struct ts_pmt_protection protection = {.scrambling_mode = 0x10};
    uint8_t table[64] = {0x02, 0xB0, 0, 0, 1, 0xC1, 0, 0};
    size_t size = 12 + sizeof(body);

    memcpy(table + 8, body, sizeof(body));
    table[2] = (uint8_t)(size - 3);
    base_store_u32(table + size - 4, support_crc(table, size - 4));
    cr_assert_eq(ts_pmt_protect(table, size, &protection, 5, out, sizeof(out)), (ptrdiff_t)size);
    cr_expect_arr_eq(out + 8, body, sizeof(body));
    cr_expect_eq(out[5] >> 1 & 31, 5);
}

Test(cat, known_sections)
{
    /* From: ISO/IEC 13818-1, table 2-32, by hand; CRC_32 from the definition */
    static const uint8_t empty[] = {0x01, 0xB0, 0x09, 0xFF, 0xFF, 0xC7, 0x00, 0x00};
    static const uint8_t two[] = {0x01, 0xB0, 0x15, 0xFF, 0xFF, 0xC1, 0x00, 0x00, 0x09, 0x04,
                                  0x26, 0x00, 0xE4, 0x44, 0x09, 0x04, 0x4A, 0xDC, 0xFF, 0xFF};
    const struct ts_ca_descriptor ca[] = {own_ca, {.ca_system_id = 0x4ADC, .ca_pid = 0x1FFF}};

    cr_assert_eq(ts_cat_write(NULL, 0, 3, out, sizeof(out)), 12);
    cr_assert_arr_eq(out, empty, sizeof(empty));
    cr_assert_eq(support_crc(out, 12), 0);
    cr_assert_eq(ts_cat_write(ca, 2, 0, out, sizeof(out)), 24);
    cr_assert_arr_eq(out, two, sizeof(two));
    cr_assert_eq(support_crc(out, 24), 0);
    cr_assert_eq(ts_cat_write(ca, 2, 0, out, 23), -EMSGSIZE);
    cr_assert_eq(ts_cat_write(ca, 2, 0, out, 3), -EMSGSIZE);
}

Test(cat, as_many_descriptors_as_fit)
{
    static struct ts_ca_descriptor ca[170];

    cr_assert_eq(ts_cat_write(ca, 168, 0, out, sizeof(out)), 12 + 168 * 6);
    cr_assert_eq(ts_cat_write(ca, 169, 0, out, sizeof(out)), -EMSGSIZE);
}

Test(cat, entries_are_read_and_added)
{
    /* From: ISO/IEC 13818-1, 2.6.16: CA_descriptors with private_data_bytes, and one of another tag */
    static const uint8_t body[] = {0x09, 0x06, 0x0B, 0x00, 0xE3, 0x00, 0xAA, 0xBB, 0x52,
                                   0x01, 0x07, 0x09, 0x04, 0x26, 0x00, 0xE4, 0x44};
    const struct ts_ca_descriptor added[] = {
        {.ca_system_id = 0x2600, .ca_pid = 0x444, .private_size = 1, .private_data = body},
        {.ca_system_id = 0x4ADC, .ca_pid = 0x1FFE}};
    struct ts_ca_descriptor ca[4];
    uint8_t table[64];
    ptrdiff_t size = ts_cat_write(NULL, 0, 3, table, sizeof(table)) - 4;

    memcpy(table + size, body, sizeof(body));
    size += sizeof(body) + 4;
    table[2] = (uint8_t)(size - 3);
    base_store_u32(table + size - 4, support_crc(table, (size_t)size - 4));
    cr_assert_eq(ts_cat_read(table, (size_t)size, ca, 1), 2, "only the first finds room");
    cr_expect(ca[0].ca_system_id == 0x0B00 && ca[0].ca_pid == 0x300 && ca[0].private_size == 2);
    cr_expect_arr_eq(ca[0].private_data, body + 6, 2);

    size = ts_cat_add(table, (size_t)size, added, 2, 9, out, sizeof(out));
    cr_assert_gt(size, 0);
    cr_expect_eq(support_crc(out, (size_t)size), 0);
    cr_expect_eq(out[5] >> 1 & 31, 9);
    cr_expect_arr_eq(out + 8, body, 11, "the stream's own, and what is no CA_descriptor");
    cr_assert_eq(ts_cat_read(out, (size_t)size, ca, 4), 3);
    cr_expect(ca[1].ca_system_id == 0x2600 && ca[1].private_size == 1 && ca[1].private_data[0] == 0x09);
    cr_expect(ca[2].ca_system_id == 0x4ADC && ca[2].ca_pid == 0x1FFE);
    if (judge_available)
        cr_expect_null(judge_cat(out, 9, 0x0B00, 0x300));
    table[9] = 0xFF;
    base_store_u32(table + 8 + sizeof(body), support_crc(table, 8 + sizeof(body)));
    cr_expect_eq(ts_cat_read(table, 12 + sizeof(body), ca, 4), BASE_E_MALFORMED);
    cr_expect_eq(ts_cat_add(table, 12 + sizeof(body), added, 2, 9, out, sizeof(out)), BASE_E_MALFORMED);
}

Test(cat, private_data_that_no_descriptor_holds_is_refused)
{
    static const uint8_t bytes[252];
    struct ts_ca_descriptor ca = {.private_size = 251, .private_data = bytes};

    cr_expect_gt(ts_cat_write(&ca, 1, 0, out, sizeof(out)), 0);
    ca.private_size = 252;
    cr_expect_eq(ts_cat_write(&ca, 1, 0, out, sizeof(out)), -EMSGSIZE);
}

/* An SDT of one service per (name, in hexadecimal digits) up to NULL; ids from 1, free_CA_mode of even ones.
 */
static size_t make_sdt(const char *name, ...)
{
    static uint8_t body[1024] = {0x01, 0x3E, 0xFF};
    size_t n = 3;
    va_list names;

    va_start(names, name);
    for (uint8_t id = 1; name; id++, name = va_arg(names, const char *)) {
        size_t size = decode(name, body + n + 13, 1000 - n);
        const uint8_t head[13] = {0,
                                  id,
                                  0xFC,
                                  (uint8_t)(id % 2 ? 0x80 : 0x90),
                                  (uint8_t)(size + 8),
                                  0x48,
                                  (uint8_t)(size + 6),
                                  0x01,
                                  3,
                                  'R',
                                  'a',
                                  'i',
                                  (uint8_t)size};

        memcpy(body + n, head, sizeof(head));
        n += sizeof(head) + size;
    }
    va_end(names);
    return support_section(section, TS_TABLE_SDT, 0x1234, 1, body, n);
}

static void expect_name(const char *bytes, const char *utf8)
{
    struct ts_sdt_service service;

    cr_assert_eq(ts_sdt_read(section, make_sdt(bytes, NULL), &service, 1), 1);
    cr_assert_str_eq(service.name, utf8, "%s gave \"%s\"", bytes, service.name);
}

Test(sdt, services)
{
    struct ts_sdt_service services[3];
    size_t size = make_sdt("5261692031", "", "41", NULL);

    memset(services, 0xEE, sizeof(services));
    cr_assert_eq(ts_sdt_read(section, size, services, 3), 3);
    cr_assert_eq(services[0].service_id, 1);
    cr_assert(!services[0].free_ca_mode);
    cr_assert_str_eq(services[0].name, "Rai 1");
    cr_assert_eq(services[1].service_id, 2);
    cr_assert(services[1].free_ca_mode);
    cr_assert_str_eq(services[1].name, "");
    cr_assert_str_eq(services[2].name, "A");
    memset(services, 0xEE, sizeof(services));
    cr_assert_eq(ts_sdt_read(section, size, services, 1), 3);
    cr_assert_eq(services[1].service_id, 0xEEEE);
    cr_assert_eq(ts_sdt_read(section, size, NULL, 0), 3);
}

Test(sdt, service_without_a_descriptor)
{
    struct ts_sdt_service service;

    cr_assert_eq(ts_sdt_read(section,
                             make(TS_TABLE_SDT, 1,
                                  "013eff"
                                  "0007fc8000"),
                             &service, 1),
                 1);
    cr_assert_eq(service.service_id, 7);
    cr_assert_str_eq(service.name, "");
    cr_assert_eq(ts_sdt_read(section, make(TS_TABLE_SDT, 1, "013eff"), &service, 1), 0);
}

static void refuse_sdt(const char *why, const char *body)
{
    struct ts_sdt_service service;

    cr_assert_eq(ts_sdt_read(section, make(TS_TABLE_SDT, 1, body), &service, 1), BASE_E_MALFORMED, "%s", why);
}

Test(sdt, bad_input)
{
    struct ts_sdt_service service;
    size_t size;

    refuse_sdt("no original_network_id", "0001");
    refuse_sdt("service cut", "0001ff"
                              "0001fc80");
    refuse_sdt("loop beyond the end", "0001ff"
                                      "0001fc8001");
    refuse_sdt("descriptor beyond the loop", "0001ff"
                                             "0001fc80024801");
    refuse_sdt("provider beyond the descriptor", "0001ff"
                                                 "0001fc80044802"
                                                 "0105");
    refuse_sdt("name beyond the descriptor", "0001ff"
                                             "0001fc80064804"
                                             "01000241");
    size = make_sdt("41", NULL);
    for (size_t n = 0; n < size; n++)
        cr_assert_eq(ts_sdt_read(section, n, &service, 1), BASE_E_TRUNCATED);
    section[size - 1] ^= 1;
    cr_assert_eq(ts_sdt_read(section, size, &service, 1), BASE_E_CHECKSUM);
    cr_assert_eq(ts_sdt_read(section, make(0x46, 1, "013eff"), &service, 1), BASE_E_MALFORMED);
}

/* From: EN 300 468, Annex A, tables A.3 and A.4 and figures A.1 on; UTF-8 by hand */
Test(sdt, names_in_many_character_tables)
{
    expect_name("c24575726f20a435", "\xC3\x89uro \xE2\x82\xAC"
                                    "5");                /* default table, euro sign */
    expect_name("cf63", "\xC4\x8D");                     /* háček and c */
    expect_name("01bfe0d2", "\xD0\x9F\xD1\x80\xD0\xB2"); /* 8859-5 */
    expect_name("05dd", "\xC4\xB0");                     /* 8859-9 */
    expect_name("0ba4", "\xE2\x82\xAC");                 /* 8859-15 */
    expect_name("100002b3", "\xC5\x82");                 /* 8859-2 */
    expect_name("1100410416d83d0042", "A\xD0\x96\xEF\xBF\xBD"
                                      "B");              /* UCS-2; no surrogates */
    expect_name("12b0a1", "\xEA\xB0\x80");               /* KS X 1001 */
    expect_name("13b0a1", "\xE5\x95\x8A");               /* GB 2312 */
    expect_name("15c3a9e282ac", "\xC3\xA9\xE2\x82\xAC"); /* UTF-8 */
    expect_name("15ff41", "\xEF\xBF\xBD"
                          "A"); /* not UTF-8 */
}

Test(sdt, names_without_control_codes)
{
    expect_name("864d5456878a32", "MTV2"); /* emphasis, new line */
    expect_name("058641"
                "87",
                "A");
    expect_name("11e086004de087e08a0054", "MT"); /* two-byte control codes */
    expect_name("15ee828641c2874209", "AB");
    expect_name("41007f42", "AB");
}

Test(sdt, names_in_unknown_tables_are_empty)
{
    expect_name("0841", ""); /* reserved for 8859-12 */
    expect_name("1641", "");
    expect_name("1f0141", "");
    expect_name("10000c41", "");
    expect_name("1000", "");
    expect_name("10", "");
    expect_name("01", "");
    expect_name("11", "");
    expect_name("1141", ""); /* half a character */
}

Test(sdt, long_names_end_at_a_character)
{
    struct ts_sdt_service service;
    char name[2 * 101 + 1] = "15";

    for (int i = 0; i < 33; i++)
        strcat(name, "e282ac"); /* 3 bytes each: 21 of them fit 63 */
    cr_assert_eq(ts_sdt_read(section, make_sdt(name, NULL), &service, 1), 1);
    cr_assert_eq(strlen(service.name), 63);
    memcpy(name, "1541", 4);
    name[4] = '\0';
    for (int i = 0; i < 32; i++)
        strcat(name, "e282ac"); /* behind one byte 20 of them */
    cr_assert_eq(ts_sdt_read(section, make_sdt(name, NULL), &service, 1), 1);
    cr_assert_eq(strlen(service.name), 61);
    cr_assert_str_eq(service.name + 58, "\xE2\x82\xAC");
}

Test(sdt, longest_texts_of_every_table)
{
    char name[2 * 240 + 1];
    struct ts_sdt_service service;

    for (unsigned table = 0; table < 0x21; table++)
        for (unsigned fill = 0x20; fill < 0x100; fill++) {
            for (unsigned i = 0; i < 240; i++)
                sprintf(name + 2 * i, "%02x", i ? fill : table);
            cr_assert_eq(ts_sdt_read(section, make_sdt(name, NULL), &service, 1), 1);
            cr_assert_lt(strnlen(service.name, TS_SERVICE_NAME_MAX), TS_SERVICE_NAME_MAX);
        }
}

Test(free_ca_mode, changes_one_bit_and_the_version)
{
    size_t size = make_sdt("41", "42", "43", NULL);
    uint8_t expected[1024];

    memcpy(expected, section, size);
    expected[8 + 3 + 3] |= 0x10;
    with_version(expected, size, 9);
    cr_assert_eq(ts_sdt_set_free_ca_mode(section, size, 1, true, 9, out, size), (ptrdiff_t)size);
    cr_assert_arr_eq(out, expected, size);
    cr_assert_eq(ts_sdt_set_free_ca_mode(out, size, 1, false, 1, out + 1024, 1024), (ptrdiff_t)size);
    cr_assert_arr_eq(out + 1024, section, size);
}

Test(free_ca_mode, errors)
{
    size_t size = make_sdt("41", NULL);

    cr_assert_eq(ts_sdt_set_free_ca_mode(section, size, 2, true, 9, out, sizeof(out)), -ENOENT);
    cr_assert_eq(ts_sdt_set_free_ca_mode(section, size, 1, true, 9, out, size - 1), -EMSGSIZE);
    cr_assert_eq(ts_sdt_set_free_ca_mode(section, size - 1, 1, true, 9, out, size), BASE_E_TRUNCATED);
    size = make(TS_TABLE_SDT, 1,
                "0001ff"
                "0001fc8001");
    cr_assert_eq(ts_sdt_set_free_ca_mode(section, size, 1, true, 9, out, sizeof(out)), BASE_E_MALFORMED);
}

/* biTStream, another reader of the same standards, accepts what is written here. */
Test(judge, bitstream_accepts_our_sections)
{
    const struct ts_pmt_protection protection = {.ca = &own_ca, .ca_count = 1, .scrambling_mode = 0x10};
    size_t size = make_pmt(section, LANGUAGE, "02e200", PROGRAM_CA, "06e240", SUBTITLING, NULL);

    if (!judge_available)
        cr_skip_test("biTStream's headers are not installed");
    cr_assert_gt(ts_pmt_protect(section, size, &protection, 4, out, 1024), 0);
    cr_assert_null(judge_pmt(out, 4, 1, 0x2600, 0x0444), "%s", judge_pmt(out, 4, 1, 0x2600, 0x0444));
    cr_assert_gt(ts_cat_write(&own_ca, 1, 7, out, 1024), 0);
    cr_assert_null(judge_cat(out, 7, 0x2600, 0x0444), "%s", judge_cat(out, 7, 0x2600, 0x0444));
    size = make_sdt("41", NULL);
    cr_assert_gt(ts_sdt_set_free_ca_mode(section, size, 1, true, 3, out, 1024), 0);
    cr_assert_null(judge_sdt(out, 3, true), "%s", judge_sdt(out, 3, true));
}
