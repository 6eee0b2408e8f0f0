/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Recorded conversations between programs that are not ours: read, written again, and played against each
 * end. */
#include <criterion/criterion.h>
#include <string.h>

#include "capture.h"
#include "emmg_pair.h"
#include "simulcrypt/ecmg_scs_table.h"
#include "simulcrypt/ecmg_session.h"
#include "simulcrypt/emmg_mux_table.h"
#include "simulcrypt/scs_session.h"

static const char *const names[] = {"ecmg-scs-v2-section.pcap", "ecmg-scs-v2-packet.pcap",
                                    "ecmg-scs-v3-section.pcap", "ecmg-scs-v3-packet.pcap"};
static const uint8_t versions[] = {2, 2, 3, 3};
static struct capture capture;
static struct capture ours; /* what our end sent */
static uint8_t version;

static void keep(enum capture_direction direction, const uint8_t *bytes, size_t size)
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
    keep(CAPTURE_TO_CLIENT, bytes, size);
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
    struct capture_messages recorded = capture_cut(&capture, CAPTURE_TO_CLIENT);
    struct simulcrypt_message message = capture_decode(&simulcrypt_ecmg_scs, CAPTURE_TO_CLIENT, &recorded, 0);
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
    struct capture_messages recorded = capture_cut(&capture, CAPTURE_TO_CLIENT);
    cr_assert_eq(provision->cw_count, 2);
    cr_assert_eq(provision->cws[1].cp_number, provision->cp_number + 1);
    cr_assert_eq(provision->access_criteria_size, 5);
    cr_assert_arr_eq(provision->access_criteria, "\x01\x23\x45\x67\x89", 5);
    for (size_t i = 0; i < recorded.count; i++) {
        struct simulcrypt_message message =
            capture_decode(&simulcrypt_ecmg_scs, CAPTURE_TO_CLIENT, &recorded, i);
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
    for (size_t at = 0; at < capture.size[CAPTURE_TO_SERVER]; at += step) {
        size_t left = capture.size[CAPTURE_TO_SERVER] - at;
        simulcrypt_ecmg_session_input(ecmg, capture.bytes[CAPTURE_TO_SERVER] + at, step < left ? step : left,
                                      at);
    }
    simulcrypt_ecmg_session_destroy(ecmg);
    capture_expect_same_messages(&simulcrypt_ecmg_scs, &capture, &ours, CAPTURE_TO_CLIENT);
}

/* The SCS's owner: provides the recorded CWs, one after the other. */
static struct simulcrypt_scs_session *scs;
static size_t next_provision;

static void scs_send(void *context, const uint8_t *bytes, size_t size)
{
    (void)context;
    keep(CAPTURE_TO_SERVER, bytes, size);
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
    struct capture_messages recorded = capture_cut(&capture, CAPTURE_TO_SERVER);
    struct simulcrypt_message message =
        capture_decode(&simulcrypt_ecmg_scs, CAPTURE_TO_SERVER, &recorded, next_provision++);
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
    static const struct simulcrypt_scs_ops ops = {.send = scs_send,
                                                  .fail = scs_fail,
                                                  .channel_up = scs_channel_up,
                                                  .stream_up = scs_stream_up,
                                                  .ecm = scs_ecm,
                                                  .provision_failed = scs_provision_failed};
    struct capture_messages recorded = capture_cut(&capture, CAPTURE_TO_SERVER);
    struct simulcrypt_message channel = capture_decode(&simulcrypt_ecmg_scs, CAPTURE_TO_SERVER, &recorded, 0);
    struct simulcrypt_message stream = capture_decode(&simulcrypt_ecmg_scs, CAPTURE_TO_SERVER, &recorded, 1);
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
    for (size_t at = 0; at < capture.size[CAPTURE_TO_CLIENT]; at += step) {
        size_t left = capture.size[CAPTURE_TO_CLIENT] - at;
        simulcrypt_scs_session_input(scs, capture.bytes[CAPTURE_TO_CLIENT] + at, step < left ? step : left,
                                     0);
    }
    simulcrypt_scs_session_destroy(scs);
    capture_expect_same_messages(&simulcrypt_ecmg_scs, &capture, &ours, CAPTURE_TO_SERVER);
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
        capture_expect_all_decode(&simulcrypt_ecmg_scs, &capture, CAPTURE_TO_SERVER, version, 18);
        capture_expect_all_decode(&simulcrypt_ecmg_scs, &capture, CAPTURE_TO_CLIENT, version, 17);
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

/* EMMG ⇔ MUX: data over TCP in sections, and over UDP in packets. */

static void load_emmg(const char *name)
{
    if (!capture_load(&capture, name))
        cr_skip_test("SCRAMLINE_CAPTURES is not set");
    emmg_pair_start(NULL);
}

static struct capture sent(enum capture_direction direction, const struct wire_queue *queue)
{
    static struct capture made;
    memset(&made, 0, sizeof(made));
    memcpy(made.bytes[direction], queue->bytes, queue->size);
    made.size[direction] = queue->size;
    return made;
}

static void expect_recorded_answers(void)
{
    struct capture made = sent(CAPTURE_TO_CLIENT, &wire.to_client);
    capture_expect_same_messages(&simulcrypt_emmg_mux, &capture, &made, CAPTURE_TO_CLIENT);
}

Test(captures, every_emmg_message_decodes_and_encodes_to_the_same_bytes)
{
    load_emmg("emmg-mux-tcp.pcap");
    capture_expect_all_decode(&simulcrypt_emmg_mux, &capture, CAPTURE_TO_SERVER, 3, 26);
    capture_expect_all_decode(&simulcrypt_emmg_mux, &capture, CAPTURE_TO_CLIENT, 3, 3);
    emmg_pair_stop();
    load_emmg("emmg-mux-udp.pcap");
    capture_expect_all_decode(&simulcrypt_emmg_mux, &capture, CAPTURE_TO_SERVER, 3, 3);
    capture_expect_all_decode(&simulcrypt_emmg_mux, &capture, CAPTURE_TO_CLIENT, 3, 3);
    capture_expect_all_decode(&simulcrypt_emmg_mux, &capture, CAPTURE_UDP, 3, 24);
    emmg_pair_stop();
}

static unsigned data_noted(void)
{
    unsigned count = 0;
    for (const char *at = wire.diary; (at = strstr(at, "data 1:")); at++)
        count++;
    return count;
}

Test(captures, our_mux_answers_a_recorded_emmg_as_the_recorded_mux_did)
{
    static const size_t steps[] = {1, 7, 66, CAPTURE_MAX};
    for (size_t s = 0; s < 4; s++) {
        load_emmg("emmg-mux-tcp.pcap");
        for (size_t at = 0; at < capture.size[CAPTURE_TO_SERVER]; at += steps[s]) {
            size_t left = capture.size[CAPTURE_TO_SERVER] - at;
            wire.server_input(capture.bytes[CAPTURE_TO_SERVER] + at, steps[s] < left ? steps[s] : left);
            wire.now_ms += 40 * steps[s] / 600; /* as fast as it was recorded */
        }
        expect_recorded_answers();
        cr_assert_eq(data_noted(), 19 * 8 + 4 * 7);
        emmg_pair_stop();
    }
}

Test(captures, our_mux_takes_recorded_udp_data)
{
    load_emmg("emmg-mux-udp.pcap");
    wire.server_input(capture.bytes[CAPTURE_TO_SERVER], capture.size[CAPTURE_TO_SERVER]);
    expect_recorded_answers();
    struct capture_messages data = capture_cut(&capture, CAPTURE_UDP);
    for (size_t i = 0; i < data.count; i++) {
        struct simulcrypt_message message;
        struct simulcrypt_data_provision provision;
        wire.now_ms += 40;
        cr_assert_eq(simulcrypt_data_provision_read(data.bytes[i], data.size[i], &message, &provision), 0);
        cr_assert(provision.has_ids, "this EMMG sends them over UDP, too");
        cr_assert_eq(simulcrypt_mux_session_udp(emmg_pair.mux, &message, wire.now_ms), 0);
    }
    cr_assert_eq(data_noted(), 24);
    emmg_pair_stop();
}

static void ask_for_bandwidth(uint16_t stream_id)
{
    cr_assert_eq(simulcrypt_emmg_session_request_bandwidth(emmg_pair.emmg, stream_id, 100, wire.now_ms), 0);
}

Test(captures, our_emmg_asks_a_recorded_mux_as_the_recorded_emmg_did)
{
    load_emmg("emmg-mux-udp.pcap");
    struct capture_messages recorded = capture_cut(&capture, CAPTURE_TO_SERVER);
    struct simulcrypt_message setup = capture_decode(&simulcrypt_emmg_mux, CAPTURE_TO_SERVER, &recorded, 0);
    struct simulcrypt_message stream = capture_decode(&simulcrypt_emmg_mux, CAPTURE_TO_SERVER, &recorded, 1);
    struct simulcrypt_emmg_config config = {
        .version = 3,
        .client_id = simulcrypt_message_number(&setup, SIMULCRYPT_EMMG_P_CLIENT_ID),
        .channel_id = simulcrypt_message_u16(&setup, SIMULCRYPT_EMMG_P_DATA_CHANNEL_ID),
        .format = SIMULCRYPT_PACKETS,
    };
    struct simulcrypt_data_stream about = {
        .stream_id = simulcrypt_message_u16(&stream, SIMULCRYPT_EMMG_P_DATA_STREAM_ID),
        .data_id = simulcrypt_message_u16(&stream, SIMULCRYPT_EMMG_P_DATA_ID),
        .data_type = (uint8_t)simulcrypt_message_u16(&stream, SIMULCRYPT_EMMG_P_DATA_TYPE),
    };
    emmg_pair_stop();
    emmg_pair_start(&config);
    emmg_pair.on_stream_up = ask_for_bandwidth;
    cr_assert_eq(simulcrypt_emmg_session_add_stream(emmg_pair.emmg, &about), 0);
    emmg_pair_connect();
    wire.client_input(capture.bytes[CAPTURE_TO_CLIENT], capture.size[CAPTURE_TO_CLIENT]);
    wire_expect("channel_up stream_up 1 bandwidth 1: 100 ");
    struct capture made = sent(CAPTURE_TO_SERVER, &wire.to_server);
    capture_expect_same_messages(&simulcrypt_emmg_mux, &capture, &made, CAPTURE_TO_SERVER);
    emmg_pair_stop();
}
