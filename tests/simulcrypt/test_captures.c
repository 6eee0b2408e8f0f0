/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Recorded conversations between programs that are not ours: read, written again, and played against each
 * end. */
#include <criterion/criterion.h>
#include <string.h>

#include "capture.h"
#include "simulcrypt/ecmg_scs_table.h"
#include "simulcrypt/ecmg_session.h"
#include "simulcrypt/scs_session.h"

static const char *const names[] = {"ecmg-scs-v2-section.pcap", "ecmg-scs-v2-packet.pcap",
                                    "ecmg-scs-v3-section.pcap", "ecmg-scs-v3-packet.pcap"};
static const uint8_t versions[] = {2, 2, 3, 3};
static struct capture capture;
static struct capture ours; /* what our end sent */
static uint8_t version;

enum { TO_SCS, TO_ECMG };

/* The messages of one direction, cut by hand: independent of the framer. */
#define MESSAGES_MAX 64
struct messages {
    const uint8_t *bytes[MESSAGES_MAX];
    size_t size[MESSAGES_MAX];
    size_t count;
};

static struct messages cut(const struct capture *from, int direction)
{
    struct messages messages = {.count = 0};
    struct base_reader r = base_reader_of(from->bytes[direction], from->size[direction]);
    while (base_reader_left(&r)) {
        cr_assert_lt(messages.count, MESSAGES_MAX);
        cr_assert_geq(base_reader_left(&r), 5);
        size_t size = 5 + (size_t)base_load_u16(r.at + 3);
        messages.size[messages.count] = size;
        messages.bytes[messages.count++] = base_read_bytes(&r, size);
        cr_assert(!r.failed);
    }
    return messages;
}

static struct simulcrypt_message decode(int direction, const struct messages *messages, size_t i)
{
    struct simulcrypt_message message;
    struct simulcrypt_verdict verdict;
    cr_assert_eq(
        simulcrypt_message_decode(&simulcrypt_ecmg_scs,
                                  direction == TO_ECMG ? SIMULCRYPT_FROM_CLIENT : SIMULCRYPT_FROM_SERVER,
                                  messages->bytes[i], messages->size[i], &message, &verdict),
        0);
    cr_assert_eq(message.version, version);
    return message;
}

/* Every parameter in the order it was sent, all of them known to the message's table. */
static void expect_same_bytes_again(const struct simulcrypt_message *message, const uint8_t *bytes,
                                    size_t size)
{
    uint8_t again[1024];
    struct simulcrypt_encoder encoder;
    struct base_reader r = message->body;
    simulcrypt_encode_begin(&encoder, &simulcrypt_ecmg_scs, message->version, message->type, again,
                            sizeof(again));
    while (base_reader_left(&r)) {
        uint16_t tag = base_read_u16(&r);
        uint16_t length = base_read_u16(&r);
        simulcrypt_encode_bytes(&encoder, tag, base_read_bytes(&r, length), length);
    }
    cr_assert_eq(simulcrypt_encode_end(&encoder), (ptrdiff_t)size);
    cr_assert_arr_eq(again, bytes, size);
}

static void expect_all_decode(int direction, size_t count)
{
    struct messages messages = cut(&capture, direction);
    cr_assert_eq(messages.count, count);
    for (size_t i = 0; i < messages.count; i++) {
        struct simulcrypt_message message = decode(direction, &messages, i);
        expect_same_bytes_again(&message, messages.bytes[i], messages.size[i]);
    }
}

static void expect_same_parameter(const struct simulcrypt_message *a, const struct simulcrypt_message *b,
                                  uint16_t tag)
{
    struct simulcrypt_field x = simulcrypt_message_first(a, tag);
    struct simulcrypt_field y = simulcrypt_message_first(b, tag);
    cr_assert_eq(simulcrypt_message_count(a, tag), simulcrypt_message_count(b, tag), "%s: count of %s",
                 a->definition->name, simulcrypt_parameter_name(&simulcrypt_ecmg_scs, tag));
    while (x.value) {
        cr_assert_eq(x.size, y.size);
        cr_assert(!memcmp(x.value, y.value, x.size), "%s: %s", a->definition->name,
                  simulcrypt_parameter_name(&simulcrypt_ecmg_scs, tag));
        x = simulcrypt_message_next(a, tag, x);
        y = simulcrypt_message_next(b, tag, y);
    }
}

/* What our end sent is, message by message and parameter by parameter, what the recorded end sent. */
static void expect_same_messages(int direction)
{
    struct messages recorded = cut(&capture, direction);
    struct messages made = cut(&ours, direction);
    cr_assert_eq(made.count, recorded.count);
    for (size_t i = 0; i < made.count; i++) {
        struct simulcrypt_message a = decode(direction, &recorded, i);
        struct simulcrypt_message b = decode(direction, &made, i);
        cr_assert_str_eq(a.definition->name, b.definition->name);
        for (size_t rule = 0; rule < a.definition->rule_count; rule++)
            expect_same_parameter(&a, &b, a.definition->rules[rule].tag);
    }
}

static void keep(int direction, const uint8_t *bytes, size_t size)
{
    cr_assert_leq(ours.size[direction] + size, CAPTURE_MAX);
    memcpy(ours.bytes[direction] + ours.size[direction], bytes, size);
    ours.size[direction] += size;
}

/* The ECMG's owner: says what the recorded ECMG said. */
static struct simulcrypt_ecmg_session *ecmg;

static void ecmg_send(void *context, const uint8_t *bytes, size_t size)
{
    (void)context;
    keep(TO_SCS, bytes, size);
}

static void ecmg_close(void *context, const char *why)
{
    (void)context;
    cr_assert_str_eq(why, "channel_close");
}

static uint16_t ecmg_channel_setup(void *context, uint16_t channel_id, uint32_t super_cas_id,
                                   struct simulcrypt_channel_status *status)
{
    (void)context;
    struct messages recorded = cut(&capture, TO_SCS);
    struct simulcrypt_message message = decode(TO_SCS, &recorded, 0);
    cr_assert_eq(channel_id, simulcrypt_message_u16(&message, SIMULCRYPT_ECMG_P_ECM_CHANNEL_ID));
    cr_assert_neq(super_cas_id, 0);
    simulcrypt__read_channel_status(&message, status);
    return SIMULCRYPT_ECMG_OK;
}

static void ecmg_channel_closed(void *context, uint16_t channel_id)
{
    (void)context;
    (void)channel_id;
}

static uint16_t ecmg_stream_setup(void *context, uint16_t channel_id, uint16_t stream_id, uint16_t ecm_id,
                                  uint16_t nominal_cp_duration, bool *transfer_mode)
{
    (void)context;
    (void)channel_id;
    (void)stream_id;
    (void)ecm_id;
    cr_assert_geq(nominal_cp_duration, 10);
    *transfer_mode = false;
    return SIMULCRYPT_ECMG_OK;
}

static void ecmg_stream_closed(void *context, uint16_t stream_id)
{
    (void)context;
    (void)stream_id;
}

static uint16_t ecmg_cw_provision(void *context, uint16_t stream_id,
                                  const struct simulcrypt_cw_provision *provision)
{
    (void)context;
    struct messages recorded = cut(&capture, TO_SCS);
    cr_assert_eq(provision->cw_count, 2);
    cr_assert_eq(provision->cws[1].cp_number, provision->cp_number + 1);
    cr_assert_eq(provision->access_criteria_size, 5);
    cr_assert_arr_eq(provision->access_criteria, "\x01\x23\x45\x67\x89", 5);
    for (size_t i = 0; i < recorded.count; i++) {
        struct simulcrypt_message message = decode(TO_SCS, &recorded, i);
        if (message.type != SIMULCRYPT_ECMG_M_ECM_RESPONSE ||
            simulcrypt_message_u16(&message, SIMULCRYPT_ECMG_P_CP_NUMBER) != provision->cp_number)
            continue;
        struct simulcrypt_field ecm = simulcrypt_message_first(&message, SIMULCRYPT_ECMG_P_ECM_DATAGRAM);
        cr_assert_eq(
            simulcrypt_ecmg_session_ecm_response(ecmg, stream_id, provision->cp_number, ecm.value, ecm.size),
            0);
        return SIMULCRYPT_ECMG_OK;
    }
    return SIMULCRYPT_ECMG_UNKNOWN_ERROR;
}

static void play_against_our_ecmg(size_t step)
{
    static const struct simulcrypt_ecmg_ops ops = {ecmg_send,           ecmg_close,        ecmg_channel_setup,
                                                   ecmg_channel_closed, ecmg_stream_setup, ecmg_stream_closed,
                                                   ecmg_cw_provision};
    memset(&ours, 0, sizeof(ours));
    cr_assert_eq(simulcrypt_ecmg_session_create(&ecmg, &ops, NULL), 0);
    for (size_t at = 0; at < capture.size[TO_ECMG]; at += step) {
        size_t left = capture.size[TO_ECMG] - at;
        simulcrypt_ecmg_session_input(ecmg, capture.bytes[TO_ECMG] + at, step < left ? step : left, at);
    }
    simulcrypt_ecmg_session_destroy(ecmg);
    expect_same_messages(TO_SCS);
}

/* The SCS's owner: provides the recorded CWs, one after the other. */
static struct simulcrypt_scs_session *scs;
static size_t next_provision;

static void scs_send(void *context, const uint8_t *bytes, size_t size)
{
    (void)context;
    keep(TO_ECMG, bytes, size);
}

static void scs_fail(void *context, const char *why)
{
    (void)context;
    cr_assert(false, "%s", why);
}

static void scs_channel_up(void *context, const struct simulcrypt_channel_status *status)
{
    (void)context;
    cr_assert_eq(status->max_streams, 0);
    cr_assert_eq(status->lead_cw, 1);
}

static struct simulcrypt_cw_provision provision_of(const struct simulcrypt_message *message)
{
    struct simulcrypt_field criteria = simulcrypt_message_first(message, SIMULCRYPT_ECMG_P_ACCESS_CRITERIA);
    struct simulcrypt_field cw = simulcrypt_message_first(message, SIMULCRYPT_ECMG_P_CP_CW_COMBINATION);
    struct simulcrypt_cw_provision provision = {
        .cp_number = simulcrypt_message_u16(message, SIMULCRYPT_ECMG_P_CP_NUMBER),
        .cp_duration = simulcrypt_message_u16(message, SIMULCRYPT_ECMG_P_CP_DURATION),
        .has_access_criteria = criteria.value != NULL,
        .access_criteria = criteria.value,
        .access_criteria_size = criteria.size,
    };
    for (; cw.value; cw = simulcrypt_message_next(message, SIMULCRYPT_ECMG_P_CP_CW_COMBINATION, cw))
        provision.cws[provision.cw_count++] =
            (struct simulcrypt_cp_cw){base_load_u16(cw.value), (uint8_t)(cw.size - 2), cw.value + 2};
    return provision;
}

static void provide_next(uint16_t stream_id)
{
    struct messages recorded = cut(&capture, TO_ECMG);
    struct simulcrypt_message message = decode(TO_ECMG, &recorded, next_provision++);
    if (message.type != SIMULCRYPT_ECMG_M_CW_PROVISION) {
        simulcrypt_scs_session_close(scs);
        return;
    }
    struct simulcrypt_cw_provision provision = provision_of(&message);
    cr_assert_eq(simulcrypt_scs_session_provision(scs, stream_id, &provision, 0), 0);
}

static void scs_stream_up(void *context, uint16_t stream_id)
{
    (void)context;
    next_provision = 2; /* after channel_setup and stream_setup */
    provide_next(stream_id);
}

static void scs_ecm(void *context, uint16_t stream_id, uint16_t cp_number, const uint8_t *datagram,
                    size_t size)
{
    (void)context;
    (void)datagram;
    cr_assert_eq(cp_number, next_provision - 3);
    cr_assert_gt(size, 0);
    provide_next(stream_id);
}

static void scs_provision_failed(void *context, uint16_t stream_id, uint16_t cp_number, const char *why)
{
    (void)context;
    cr_assert(false, "%u/%u: %s", stream_id, cp_number, why);
}

static void play_against_our_scs(size_t step)
{
    static const struct simulcrypt_scs_ops ops = {scs_send,      scs_fail, scs_channel_up,
                                                  scs_stream_up, scs_ecm,  scs_provision_failed};
    struct messages recorded = cut(&capture, TO_ECMG);
    struct simulcrypt_message channel = decode(TO_ECMG, &recorded, 0);
    struct simulcrypt_message stream = decode(TO_ECMG, &recorded, 1);
    struct simulcrypt_scs_config config = {
        .version = version,
        .channel_id = simulcrypt_message_u16(&channel, SIMULCRYPT_ECMG_P_ECM_CHANNEL_ID),
        .super_cas_id = simulcrypt_message_number(&channel, SIMULCRYPT_ECMG_P_SUPER_CAS_ID),
    };
    struct simulcrypt_scs_stream_config stream_config = {
        .stream_id = simulcrypt_message_u16(&stream, SIMULCRYPT_ECMG_P_ECM_STREAM_ID),
        .ecm_id = simulcrypt_message_u16(&stream, SIMULCRYPT_ECMG_P_ECM_ID),
        .nominal_cp_duration = simulcrypt_message_u16(&stream, SIMULCRYPT_ECMG_P_NOMINAL_CP_DURATION),
    };
    memset(&ours, 0, sizeof(ours));
    cr_assert_eq(simulcrypt_scs_session_create(&scs, &config, &ops, NULL), 0);
    cr_assert_eq(simulcrypt_scs_session_add_stream(scs, &stream_config), 0);
    simulcrypt_scs_session_connected(scs, 0);
    for (size_t at = 0; at < capture.size[TO_SCS]; at += step) {
        size_t left = capture.size[TO_SCS] - at;
        simulcrypt_scs_session_input(scs, capture.bytes[TO_SCS] + at, step < left ? step : left, 0);
    }
    simulcrypt_scs_session_destroy(scs);
    expect_same_messages(TO_ECMG);
}

static void load(size_t i)
{
    if (!capture_load(&capture, names[i]))
        cr_skip_test("SCRAMLINE_CAPTURES is not set");
    version = versions[i];
}

Test(captures, every_message_decodes_and_encodes_to_the_same_bytes)
{
    for (size_t i = 0; i < 4; i++) {
        load(i);
        expect_all_decode(TO_ECMG, 18);
        expect_all_decode(TO_SCS, 17);
    }
}

Test(captures, our_ecmg_answers_a_recorded_scs_as_the_recorded_ecmg_did)
{
    static const size_t steps[] = {1, 7, 66, CAPTURE_MAX};
    for (size_t i = 0; i < 4; i++) {
        load(i);
        for (size_t s = 0; s < 4; s++)
            play_against_our_ecmg(steps[s]);
    }
}

Test(captures, our_scs_asks_a_recorded_ecmg_as_the_recorded_scs_did)
{
    static const size_t steps[] = {1, 7, 66, CAPTURE_MAX};
    for (size_t i = 0; i < 4; i++) {
        load(i);
        for (size_t s = 0; s < 4; s++)
            play_against_our_scs(steps[s]);
    }
}
