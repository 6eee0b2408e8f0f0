/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The (P)SIG against a laboratory C(P)SIG over loopback TCP. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "cpsig.h"
#include "headend/psig.h"

#define TAG(name) SIMULCRYPT_CPSIG_P_##name

static struct net_loop *loop;
static struct headend_psig *psig;
static struct headend_psig_config config;

/* What the owner answers, and was asked. */
static int answer;
static unsigned insertions;
static struct headend_psig_insertion insertion;
static uint8_t private_data[256];
static struct headend_psig_flow flow;
static uint8_t asked_table;
static struct headend_psig_location asked_location;
static unsigned sections;

static int on_private_data(void *context, uint16_t stream_id, const struct headend_psig_insertion *wanted)
{
    (void)context;
    cr_assert_eq(stream_id, 7);
    cr_assert_leq(wanted->private_size, sizeof(private_data));
    insertions++;
    insertion = *wanted;
    memcpy(private_data, wanted->private_data, wanted->private_size);
    return answer;
}

static int on_table(void *context, uint16_t stream_id, uint8_t table_id,
                    const struct headend_psig_location *location,
                    void (*section)(void *to, const uint8_t *bytes, size_t size), void *to)
{
    (void)context;
    (void)stream_id;
    asked_table = table_id;
    asked_location = *location;
    for (unsigned i = 0; i < sections; i++)
        section(to, (const uint8_t[]){table_id, (uint8_t)i}, 2);
    return answer;
}

static uint16_t on_flow_pid(void *context, uint16_t stream_id, const struct headend_psig_flow *wanted)
{
    (void)context;
    (void)stream_id;
    flow = *wanted;
    return answer < 0 ? 0 : 0x1F00;
}

static const struct headend_psig_ops ops = {on_private_data, on_table, on_flow_pid};
static const struct headend_psig_location stream_location = {.has_transport_stream_id = true,
                                                             .has_original_network_id = true,
                                                             .transport_stream_id = 3,
                                                             .original_network_id = 4};

static struct headend_psig_status status(void)
{
    struct headend_psig_status found;

    headend_psig_status(psig, &found);
    return found;
}

/* Turns the loop until `done` or a while has passed. */
static bool turn(bool (*done)(void))
{
    uint64_t end_ms = base_clock_monotonic_ms() + 10000;

    while (!done() && base_clock_monotonic_ms() < end_ms)
        net_loop_run_once(loop, 10);
    return done();
}

static bool is_up(void)
{
    return status().streams_up == 1;
}

static bool has_message(void)
{
    return cpsig.messages;
}

static void create(void)
{
    cr_assert_eq(headend_psig_create(&psig, loop, &config, &ops, NULL), 0);
    cr_assert_eq(headend_psig_add_stream(psig, 7, &stream_location), 0);
}

static void begin(void)
{
    cr_assert_eq(net_loop_create(&loop), 0);
    cpsig_start(loop);
    config = (struct headend_psig_config){
        .host = "127.0.0.1", .port = cpsig_port(), .channel_id = 5, .custom_cas_id = 0x4ADC0001};
}

static void begin_and_create(void)
{
    begin();
    create();
}

static void end(void)
{
    headend_psig_destroy(psig);
    headend_psig_destroy(NULL);
    cpsig_stop();
    net_loop_destroy(loop);
}

TestSuite(psig, .init = begin_and_create, .fini = end, .timeout = 60);
TestSuite(psig_peers, .init = begin, .fini = end, .timeout = 60);

static void ask(struct simulcrypt_encoder *encoder)
{
    cpsig.messages = 0;
    cpsig_send(encoder);
    cr_assert(turn(has_message));
    cr_assert_eq(cpsig.stream_id, 7);
    cr_assert_eq(cpsig.transaction_id, 99);
}

Test(psig, channel_and_streams_are_set_up)
{
    cr_assert(turn(is_up));
    cr_assert_eq(cpsig.custom_cas_id, 0x4ADC0001);
    cr_assert_eq(cpsig.transport_stream_id, 3);
    cr_assert_eq(status().version, 3);
    cr_assert_str_empty(status().last_error);
    cr_assert_eq(headend_psig_add_stream(psig, 7, &stream_location), -EEXIST);
    cr_assert_eq(headend_psig_remove_stream(psig, 8), -ENOENT);
}

static void ask_for_descriptor(const uint8_t *descriptor, size_t size)
{
    struct simulcrypt_encoder encoder;

    cpsig_begin(SIMULCRYPT_CPSIG_M_DESCRIPTOR_INSERT_REQUEST, &encoder);
    simulcrypt_encode_number(&encoder, TAG(LOCATION_ID), 2);
    simulcrypt_encode_number(&encoder, TAG(SERVICE_ID), 70);
    simulcrypt_encode_bytes(&encoder, TAG(DESCRIPTOR), descriptor, size);
    simulcrypt_encode_number(&encoder, TAG(INSERTION_DELAY), (uint16_t)-250);
    ask(&encoder);
    cr_assert_eq(cpsig.type, SIMULCRYPT_CPSIG_M_DESCRIPTOR_INSERT_RESPONSE);
}

static const uint8_t ca_descriptor[] = {0x09, 7, 0x4A, 0xDC, 0xFF, 0xFF, 'a', 'b', 'c'};

Test(psig, a_ca_descriptor_gives_its_private_data)
{
    cr_assert(turn(is_up));
    ask_for_descriptor(ca_descriptor, sizeof(ca_descriptor));
    cr_assert_eq(cpsig.insert_status, 0);
    cr_assert_eq(insertion.ca_system_id, 0x4ADC);
    cr_assert_eq(insertion.custom_cas_id, 0x4ADC0001);
    cr_assert_eq(insertion.private_size, 3);
    cr_assert_arr_eq(private_data, "abc", 3);
    cr_assert_eq(insertion.location_id, 2);
    cr_assert(insertion.location.has_service_id && !insertion.location.has_es_id);
    cr_assert_eq(insertion.location.service_id, 70);
    cr_assert_eq(insertion.delay_ms, -250);
    cr_assert_eq(status().insertions, 1);
    ask_for_descriptor((const uint8_t[]){0x09, 4, 0x4A, 0xDC, 0xFF, 0xFF}, 6);
    cr_assert_eq(insertion.private_size, 0);
}

Test(psig, private_data_alone_belongs_to_the_cas_itself)
{
    struct simulcrypt_encoder encoder;

    cr_assert(turn(is_up));
    cpsig_begin(SIMULCRYPT_CPSIG_M_DESCRIPTOR_INSERT_REQUEST, &encoder);
    simulcrypt_encode_bytes(&encoder, TAG(PRIVATE_DATA), "xyz", 3);
    ask(&encoder);
    cr_assert_eq(cpsig.insert_status, 0);
    cr_assert_eq(insertion.ca_system_id, 0x4ADC);
    cr_assert_arr_eq(private_data, "xyz", 3);
    cr_assert(!insertion.location.has_service_id && !insertion.location.has_es_id, "of the CAT");
    cr_assert_eq(insertion.location_id, -1);
}

Test(psig, what_cannot_be_inserted_is_answered_so)
{
    static const uint8_t short_one[] = {0x09, 2, 0x4A, 0xDC};
    static const uint8_t wrong_length[] = {0x09, 9, 0x4A, 0xDC, 0xFF, 0xFF, 'a'};
    static const uint8_t other[] = {0x65, 4, 1, 2, 3, 4};
    struct simulcrypt_encoder encoder;

    cr_assert(turn(is_up));
    ask_for_descriptor(short_one, sizeof(short_one));
    cr_assert_eq(cpsig.insert_status, 1);
    ask_for_descriptor(wrong_length, sizeof(wrong_length));
    cr_assert_eq(cpsig.insert_status, 1);
    ask_for_descriptor(other, sizeof(other));
    cr_assert_eq(cpsig.insert_status, 1);
    cpsig_begin(SIMULCRYPT_CPSIG_M_DESCRIPTOR_INSERT_REQUEST, &encoder);
    ask(&encoder);
    cr_assert_eq(cpsig.insert_status, 1);
    cr_assert_eq(insertions, 0);
    answer = -ENOSPC;
    ask_for_descriptor(ca_descriptor, sizeof(ca_descriptor));
    cr_assert_eq(cpsig.insert_status, 1);
    cr_assert_eq(status().refused, 5);
    cr_assert_not_null(strstr(status().last_error, "stream 7: no private data is inserted"));
}

static bool is_table_complete(void)
{
    return cpsig.last_sections;
}

static void ask_for_table(void)
{
    struct simulcrypt_encoder encoder;

    cpsig.section_count = cpsig.last_sections = 0;
    cpsig_begin(SIMULCRYPT_CPSIG_M_TABLE_REQUEST, &encoder);
    simulcrypt_encode_number(&encoder, TAG(TABLE_ID), 2);
    simulcrypt_encode_number(&encoder, TAG(SERVICE_ID), 70);
    ask(&encoder);
    cr_assert(turn(is_table_complete));
    cr_assert_eq(cpsig.last_sections, 1);
}

Test(psig, a_table_comes_section_by_section)
{
    cr_assert(turn(is_up));
    sections = 3;
    ask_for_table();
    cr_assert_eq(asked_table, 2);
    cr_assert_eq(asked_location.service_id, 70);
    cr_assert_eq(cpsig.section_count, 3);
    for (unsigned i = 0; i < 3; i++)
        cr_assert_eq(cpsig.sections[i][1], i);
    cr_assert_eq(status().refused, 0);
    sections = 0;
    ask_for_table();
    cr_assert_eq(cpsig.section_count, 0);
    cr_assert_eq(status().refused, 1);
}

static void ask_for_pid(void)
{
    struct simulcrypt_encoder encoder;

    cpsig_begin(SIMULCRYPT_CPSIG_M_PID_PROVISION_REQUEST, &encoder);
    simulcrypt_encode_number(&encoder, TAG(FLOW_TYPE), 1);
    simulcrypt_encode_number(&encoder, TAG(FLOW_ID), 11);
    ask(&encoder);
}

Test(psig, the_pid_of_a_flow_is_told)
{
    cr_assert(turn(is_up));
    ask_for_pid();
    cr_assert_eq(cpsig.flow_pid, 0x1F00);
    cr_assert_eq(flow.type, 1);
    cr_assert_eq(flow.id, 11);
    cr_assert_eq(flow.super_cas_id, 0x4ADC0001, "that of the CAS where none is named");
    answer = -1;
    ask_for_pid();
    cr_assert(!cpsig.has_flow_pid);
    cr_assert_not_null(strstr(status().last_error, "no PID known for flow 11 of Super_CAS_id 0x4adc0001"));
}

static void enable_triggers(uint32_t list)
{
    struct simulcrypt_encoder encoder;

    cpsig_begin(SIMULCRYPT_CPSIG_M_STREAM_TRIGGER_ENABLE_REQUEST, &encoder);
    simulcrypt_encode_number(&encoder, TAG(TRIGGER_LIST), list);
    ask(&encoder);
    cr_assert_eq(cpsig.trigger_list_answered, list);
    cpsig.messages = 0;
}

static const struct headend_psig_flow changed_flow = {.type = 1, .super_cas_id = 0x4ADC0001, .id = 11};

Test(psig, pid_changes_are_told_where_that_is_enabled)
{
    static const uint8_t expected[9] = {1, 0x4A, 0xDC, 0, 1, 0, 11, 0x1E, 0xFF};

    cr_assert(turn(is_up));
    cr_assert_eq(headend_psig_flow_changed(psig, 7, &changed_flow, 0x1EFF), 0);
    enable_triggers(0x80000000);
    cr_assert_eq(headend_psig_flow_changed(psig, 7, &changed_flow, 0x1EFF), 0);
    cr_assert_eq(status().triggers, 0);
    enable_triggers(0x00000004);
    cr_assert_eq(headend_psig_flow_changed(psig, 7, &changed_flow, 0x1EFF), 0);
    cr_assert_eq(headend_psig_flow_changed(psig, 8, &changed_flow, 0x1EFF), -ENOENT);
    cr_assert(turn(has_message));
    cr_assert_eq(cpsig.type, SIMULCRYPT_CPSIG_M_TRIGGER);
    cr_assert_eq(cpsig.trigger_type, 0x00000004);
    cr_assert_arr_eq(cpsig.pid_change, expected, 9);
    cr_assert_eq(status().triggers, 1);
}

Test(psig, changes_of_services_are_told)
{
    cr_assert_eq(headend_psig_service_changed(psig, 7, 70), 0);
    cr_assert(turn(is_up));
    cr_assert_eq(cpsig.messages, 0);
    cr_assert_eq(headend_psig_service_changed(psig, 7, 70), 0);
    cr_assert_eq(headend_psig_service_changed(psig, 8, 70), -ENOENT);
    cr_assert(turn(has_message));
    cr_assert_eq(cpsig.type, SIMULCRYPT_CPSIG_M_STREAM_SERVICE_CHANGE);
    cr_assert_eq(cpsig.service_id, 70);
}

static bool is_second(void)
{
    return cpsig.connections == 2 && is_up();
}

Test(psig, comes_back_after_the_cpsig_was_gone)
{
    cr_assert(turn(is_up));
    enable_triggers(0x00000004);
    cpsig_hang_up();
    cr_assert(turn(is_second));
    cr_assert_eq(cpsig.streams, 2);
    cr_assert_eq(headend_psig_flow_changed(psig, 7, &changed_flow, 0x1EFF), 0);
    cr_assert_eq(status().triggers, 0, "it is to be enabled anew");
    cr_assert_not_null(strstr(status().last_error, "C(P)SIG"));
}

static bool is_closed(void)
{
    return cpsig.closed_channels && cpsig.closed_streams;
}

Test(psig, closes_in_order)
{
    cr_assert(turn(is_up));
    headend_psig_destroy(psig);
    psig = NULL;
    cr_assert(turn(is_closed));
}

static bool has_second_stream(void)
{
    return status().streams_up == 2;
}

static bool is_stream_closed(void)
{
    return cpsig.closed_streams;
}

Test(psig, streams_come_and_go)
{
    cr_assert(turn(is_up));
    cr_assert_eq(headend_psig_add_stream(psig, 8, &stream_location), 0);
    cr_assert(turn(has_second_stream));
    cr_assert_eq(headend_psig_remove_stream(psig, 7), 0);
    cr_assert(turn(is_stream_closed));
    cr_assert_eq(status().streams, 1);
    cr_assert_eq(status().streams_up, 1);
}

Test(psig_peers, triggers_may_be_enabled_from_the_start)
{
    cpsig.trigger_list = 0x00000004;
    create();
    cr_assert(turn(is_up));
    cr_assert_eq(headend_psig_flow_changed(psig, 7, &changed_flow, 0x1EFF), 0);
    cr_assert(turn(has_message));
}

Test(psig_peers, a_lower_version_is_tried)
{
    cpsig.manner = CPSIG_REFUSES_VERSION_3;
    create();
    cr_assert(turn(is_up));
    cr_assert_eq(cpsig.version, 2);
    cr_assert_eq(status().version, 2);
    cr_assert_eq(cpsig.connections, 2);
}

static bool has_error(void)
{
    return *status().last_error;
}

Test(psig_peers, what_is_wrong_with_a_cpsig_is_told_and_it_is_tried_again)
{
    static const enum cpsig_manner manners[] = {CPSIG_SILENT, CPSIG_HANGS_UP, CPSIG_GARBAGE};

    config.reply_timeout_ms = 200;
    for (size_t i = 0; i < sizeof(manners) / sizeof(*manners); i++) {
        cpsig.manner = manners[i];
        create();
        cr_assert(turn(has_error));
        cr_assert_eq(status().streams_up, 0);
        cpsig.manner = CPSIG_WORKS;
        cr_assert(turn(is_up));
        headend_psig_destroy(psig);
        psig = NULL;
    }
}

Test(psig_peers, a_cpsig_that_wants_no_stream_is_not_pestered)
{
    uint64_t end_ms = base_clock_monotonic_ms() + 1500;

    cpsig.manner = CPSIG_REFUSES_STREAMS;
    create();
    while (base_clock_monotonic_ms() < end_ms)
        net_loop_run_once(loop, 10);
    cr_assert_geq(cpsig.connections, 2);
    cr_assert_leq(cpsig.connections, 3, "after 0, 250 and 750 ms; the next after 1750 at the least");
    cr_assert_not_null(strstr(status().last_error, "refused stream_setup of stream 7"));
}

Test(psig_peers, versions_that_there_are_none_of_are_refused)
{
    config.version = 4;
    cr_assert_eq(headend_psig_create(&psig, loop, &config, &ops, NULL), -EINVAL);
}

static unsigned asked;

static bool are_answered(void)
{
    return cpsig.messages == asked;
}

static void ask_without_waiting(void)
{
    struct simulcrypt_encoder encoder;

    asked++;
    cpsig_begin(SIMULCRYPT_CPSIG_M_PID_PROVISION_REQUEST, &encoder);
    cpsig_send(&encoder);
}

/* 20 at once, then 20 a second: after 30 it waits for half a second. */
Test(psig_peers, requests_beyond_the_rate_wait)
{
    uint64_t begun_ms = base_clock_monotonic_ms();

    config.rate_max = 20;
    create();
    cr_assert(turn(is_up));
    while (asked < 30)
        ask_without_waiting();
    cr_assert(turn(are_answered));
    ask_without_waiting();
    cr_assert(turn(are_answered));
    cr_assert_geq(base_clock_monotonic_ms() - begun_ms, 400);
}

static uint32_t draw(uint32_t below)
{
    static uint32_t chance = 1;

    chance = chance * 1664525 + 1013904223;
    return (chance >> 8) % below;
}

/* Any parameter that the message's table knows, with any value, up to four times. */
static void encode_anything(struct simulcrypt_encoder *encoder)
{
    const struct simulcrypt_message_type *type = encoder->definition;
    uint8_t bytes[64];

    for (size_t i = 0; i < type->rule_count; i++) {
        const struct simulcrypt_parameter_type *parameter =
            simulcrypt_find_parameter(&simulcrypt_cpsig_psig, type->rules[i].tag);
        uint32_t most = parameter->size_max < sizeof(bytes) ? parameter->size_max : sizeof(bytes);

        for (unsigned left = type->rules[i].count_max > 4 ? draw(5) : 0; left; left--) {
            uint32_t size = parameter->size_min + draw(most - parameter->size_min + 1);
            for (uint32_t k = 0; k < size; k++)
                bytes[k] = (uint8_t)draw(256);
            simulcrypt_encode_bytes(encoder, parameter->tag, bytes, size);
        }
    }
}

static bool is_served(void)
{
    return status().requests == asked;
}

Test(psig_peers, whatever_is_asked_is_answered)
{
    static const uint16_t types[] = {
        SIMULCRYPT_CPSIG_M_STREAM_TRIGGER_ENABLE_REQUEST, SIMULCRYPT_CPSIG_M_TABLE_REQUEST,
        SIMULCRYPT_CPSIG_M_DESCRIPTOR_INSERT_REQUEST, SIMULCRYPT_CPSIG_M_PID_PROVISION_REQUEST};
    struct simulcrypt_encoder encoder;

    config.rate_max = 1000000;
    create();
    cr_assert(turn(is_up));
    for (asked = 0; asked < 2000;) {
        cr_assert_eq(simulcrypt_cpsig_session_begin(cpsig.session, types[asked % 4], 7, &encoder), 0);
        encode_anything(&encoder);
        cpsig_send(&encoder);
        asked++;
        if (asked % 100 == 0)
            cr_assert(turn(is_served));
    }
    cr_assert(turn(are_answered));
    cr_assert(is_up());
    cr_assert_gt(insertions, 10, "some of it was sound");
}
