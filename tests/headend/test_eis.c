/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The listener for EISs against the EIS's end of sessions, and against bytes by hand, over loopback TCP. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "headend/eis.h"
#include "simulcrypt/eis_session.h"

/* One EIS, with a session on it or (`session` NULL) without. */
struct peer {
    struct net_tcp *tcp;
    struct simulcrypt_eis_session *session;
    bool connected, up, ended, failed;
    unsigned statuses, lists, answers;
    uint16_t max_scg;
    struct simulcrypt_scg_status status;
    uint16_t error;   /* of an SCG */
    uint16_t refusal; /* of the channel */
    size_t list_count;
    uint8_t last[64]; /* what came last */
    size_t last_size, received;
};

static struct net_loop *loop;
static struct headend_eis *eis;
static struct headend_eis_config config;
static struct peer peers[3];

/* What the owner answers, and was told. */
static uint16_t check_error;
static unsigned checks, accepted, removals;
static uint16_t accepted_channel, accepted_scg;
static int64_t accepted_ms;

static uint16_t on_check(void *context, uint16_t channel_id, const struct simulcrypt_scg *scg, int64_t at_ms)
{
    (void)context;
    (void)channel_id;
    (void)at_ms;
    cr_assert(!simulcrypt_scg_is_removal(scg));
    checks++;
    return check_error;
}

static void on_accepted(void *context, uint16_t channel_id, const struct simulcrypt_scg *scg, int64_t at_ms)
{
    (void)context;
    accepted++;
    removals += simulcrypt_scg_is_removal(scg);
    accepted_channel = channel_id;
    accepted_scg = scg->scg_id;
    accepted_ms = at_ms;
}

static uint16_t on_nominal_cp_duration(void *context, uint16_t channel_id, uint16_t scg_id)
{
    (void)context;
    (void)channel_id;
    return scg_id == 7 ? 100 : 0;
}

static const struct headend_eis_ops ops = {on_check, on_accepted, on_nominal_cp_duration};

/* The EIS's end */

static void session_send(void *context, const uint8_t *bytes, size_t size)
{
    struct peer *peer = context;

    net_tcp_write(peer->tcp, bytes, size);
}

static void session_fail(void *context, const char *why)
{
    struct peer *peer = context;

    (void)why;
    peer->failed = true;
}

static void session_channel_up(void *context, const struct simulcrypt_scs_abilities *abilities)
{
    struct peer *peer = context;

    peer->max_scg = abilities->max_scg;
    peer->up = true;
}

static void session_status(void *context, const struct simulcrypt_scg_status *status)
{
    struct peer *peer = context;

    peer->status = *status;
    peer->statuses++;
    peer->answers++;
}

static void session_scg_error(void *context, uint16_t scg_id, uint16_t error, const char *text)
{
    struct peer *peer = context;

    (void)scg_id;
    (void)text;
    peer->error = error;
    peer->answers++;
}

static void session_unanswered(void *context, uint16_t scg_id)
{
    (void)context;
    cr_assert_fail("no answer about SCG %u", scg_id);
}

static void session_list(void *context, const uint16_t *scg_ids, size_t count)
{
    struct peer *peer = context;

    (void)scg_ids;
    peer->list_count = count;
    peer->lists++;
}

static void session_channel_error(void *context, uint16_t error, const char *text)
{
    struct peer *peer = context;

    (void)text;
    peer->refusal = error;
}

static const struct simulcrypt_eis_ops session_ops = {
    session_send,      session_fail,       session_channel_up, session_status,
    session_scg_error, session_unanswered, session_list,       session_channel_error};

static void tcp_connected(void *context)
{
    struct peer *peer = context;

    peer->connected = true;
    if (peer->session)
        simulcrypt_eis_session_connected(peer->session, net_loop_now_ms(loop));
}

static void tcp_input(void *context, const uint8_t *bytes, size_t size)
{
    struct peer *peer = context;

    peer->received += size;
    peer->last_size = size < sizeof(peer->last) ? size : sizeof(peer->last);
    memcpy(peer->last, bytes, peer->last_size);
    if (peer->session)
        simulcrypt_eis_session_input(peer->session, bytes, size, net_loop_now_ms(loop));
}

static void hang_up(struct peer *peer)
{
    net_tcp_close(peer->tcp);
    peer->tcp = NULL;
    peer->up = peer->connected = false;
}

static void tcp_ended(void *context, int error)
{
    struct peer *peer = context;

    (void)error;
    peer->ended = true;
    hang_up(peer);
}

static void dial(struct peer *peer)
{
    static const struct net_tcp_ops tcp_ops = {tcp_connected, tcp_input, tcp_ended};

    peer->ended = peer->failed = false;
    cr_assert_eq(net_tcp_connect(&peer->tcp, loop, "127.0.0.1", headend_eis_port(eis), NULL, &tcp_ops, peer),
                 0);
}

static void open_session(struct peer *peer, uint16_t channel_id)
{
    const struct simulcrypt_eis_config session_config = {.version = 4, .channel_id = channel_id};

    simulcrypt_eis_session_destroy(peer->session);
    cr_assert_eq(simulcrypt_eis_session_create(&peer->session, &session_config, &session_ops, peer), 0);
    dial(peer);
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
    return peers[0].up;
}

static bool is_second_up(void)
{
    return peers[1].up;
}

static bool is_answered(void)
{
    return peers[0].answers;
}

static bool is_listed(void)
{
    return peers[0].lists;
}

static bool is_ended(void)
{
    return peers[0].ended;
}

static void bring_up(void)
{
    open_session(&peers[0], 1);
    cr_assert(turn(is_up));
}

static void begin(void)
{
    base_log_set_level(BASE_LOG_ERROR);
    cr_assert_eq(net_loop_create(&loop), 0);
    config = (struct headend_eis_config){.listen.host = "127.0.0.1",
                                         .abilities = {.services = true, .components = true, .max_scg = 20}};
}

static void listen_with_config(void)
{
    char why[256];

    cr_assert_eq(headend_eis_create(&eis, loop, &config, &ops, NULL, why), 0, "%s", why);
}

static void begin_and_listen(void)
{
    begin();
    listen_with_config();
}

static void end(void)
{
    for (size_t i = 0; i < sizeof(peers) / sizeof(*peers); i++) {
        hang_up(&peers[i]);
        simulcrypt_eis_session_destroy(peers[i].session);
    }
    headend_eis_destroy(eis);
    headend_eis_destroy(NULL);
    net_loop_destroy(loop);
}

TestSuite(eis, .init = begin_and_listen, .fini = end, .timeout = 60);
TestSuite(eis_limits, .init = begin, .fini = end, .timeout = 60);

static struct simulcrypt_scg scg(uint16_t scg_id, uint32_t reference_id)
{
    struct simulcrypt_scg made = {.scg_id = scg_id,
                                  .reference_id = reference_id,
                                  .transport_stream_id = 1,
                                  .service_count = 1,
                                  .ecm_group_count = 1,
                                  .services = {(uint16_t)(10 * scg_id)}};

    made.ecm_groups[0] = (struct simulcrypt_ecm_group){.super_cas_id = 0x4ADC0001, .ecm_id = scg_id};
    return made;
}

static void provision(struct peer *peer, const struct simulcrypt_scg *wanted)
{
    peer->answers = 0;
    cr_assert_eq(simulcrypt_eis_session_provision(peer->session, wanted, net_loop_now_ms(loop)), 0);
    cr_assert(turn(is_answered));
}

static void provision_new(uint16_t scg_id)
{
    const struct simulcrypt_scg wanted = scg(scg_id, 1);

    provision(&peers[0], &wanted);
}

static struct headend_eis_channel_status channel_status(void)
{
    struct headend_eis_channel_status status;

    cr_assert_eq(headend_eis_channel_status(eis, 0, &status), 0);
    return status;
}

static struct headend_eis_counters counters(void)
{
    struct headend_eis_counters found;

    headend_eis_counters(eis, &found);
    return found;
}

Test(eis, a_definition_awaits_its_activation_and_takes_effect)
{
    struct simulcrypt_scg wanted = scg(7, 99);

    bring_up();
    wanted.has_activation_time = true;
    wanted.activation_time = simulcrypt_time_from_unix_ms(1795204800250);
    provision(&peers[0], &wanted);
    cr_assert_eq(accepted, 1);
    cr_assert_eq(accepted_channel, 1);
    cr_assert_eq(accepted_scg, 7);
    cr_assert_eq(accepted_ms, 1795204800250);
    cr_assert(peers[0].status.pending);
    cr_assert_eq(peers[0].status.nominal_cp_duration, 100);
    cr_assert_eq(headend_eis_activated(eis, 1, 7), 0);
    cr_assert_eq(headend_eis_activated(eis, 1, 7), -ENOENT);
    cr_assert_eq(headend_eis_activated(eis, 2, 7), -ENOENT);
    peers[0].answers = 0;
    cr_assert_eq(simulcrypt_eis_session_test(peers[0].session, 7, net_loop_now_ms(loop)), 0);
    cr_assert(turn(is_answered));
    cr_assert(!peers[0].status.pending);
    cr_assert_eq(peers[0].status.current_reference_id, 99);
}

Test(eis, a_definition_without_a_time_is_for_now)
{
    bring_up();
    provision_new(3);
    cr_assert_eq(accepted_ms, HEADEND_EIS_AT_ONCE);
}

Test(eis, a_refusal_reaches_the_eis_and_management)
{
    char expected[400];

    bring_up();
    check_error = SIMULCRYPT_EIS_NO_RESOURCE;
    provision_new(3);
    cr_assert_eq(peers[0].error, SIMULCRYPT_EIS_NO_RESOURCE);
    cr_assert_eq(accepted, 0);
    snprintf(expected, sizeof(expected),
             "%s: SCG 3 is refused: a resource of the SCG does not exist (0x000f)", channel_status().peer);
    cr_assert_str_eq(channel_status().last_error, expected);
    cr_assert_str_eq(counters().last_error, expected);
    cr_assert_eq(counters().refused, 1);
    cr_assert_eq(channel_status().refused, 1);
}

Test(eis, a_warning_is_no_refusal)
{
    bring_up();
    check_error = SIMULCRYPT_EIS_ACTIVATION_TOO_SOON;
    provision_new(3);
    cr_assert_eq(accepted, 1);
    cr_assert_eq(counters().refused, 0);
    cr_assert_eq(counters().accepted, 1);
}

static bool is_alone(void)
{
    return !counters().connections;
}

Test(eis, scgs_outlive_their_connection)
{
    bring_up();
    provision_new(3);
    provision_new(4);
    cr_assert_eq(headend_eis_activated(eis, 1, 3), 0);
    hang_up(&peers[0]);
    cr_assert(turn(is_alone));
    cr_assert(!channel_status().connected);
    cr_assert_eq(counters().scgs, 2);
    cr_assert_eq(headend_eis_activated(eis, 1, 4), 0);
    bring_up();
    cr_assert_eq(channel_status().connections, 2);
    simulcrypt_eis_session_list(peers[0].session, net_loop_now_ms(loop));
    cr_assert(turn(is_listed));
    cr_assert_eq(peers[0].list_count, 2);
    cr_assert_eq(simulcrypt_scgs_count(headend_eis_scgs(eis, 1)), 2);
    cr_assert_null(headend_eis_scgs(eis, 2));
}

static bool are_removed(void)
{
    return removals == 2;
}

Test(eis, a_reset_removes_all_and_the_channel_is_forgotten)
{
    struct headend_eis_channel_status status;

    bring_up();
    provision_new(3);
    provision_new(4);
    simulcrypt_eis_session_reset(peers[0].session);
    cr_assert(turn(are_removed));
    cr_assert_eq(headend_eis_activated(eis, 1, 3), 0);
    hang_up(&peers[0]);
    cr_assert(turn(is_alone));
    cr_assert_eq(counters().channels, 1);
    cr_assert_eq(headend_eis_activated(eis, 1, 4), 0);
    cr_assert_eq(counters().channels, 0);
    cr_assert_eq(headend_eis_channel_status(eis, 0, &status), -ERANGE);
}

Test(eis, channels_have_scgs_of_their_own)
{
    bring_up();
    provision_new(3);
    open_session(&peers[1], 2);
    cr_assert(turn(is_second_up));
    cr_assert_eq(simulcrypt_scgs_count(headend_eis_scgs(eis, 2)), 0);
    cr_assert_eq(counters().channels, 2);
    cr_assert_eq(counters().connections, 2);
}

static bool is_second_refused(void)
{
    return peers[1].failed || peers[1].refusal;
}

Test(eis, a_channel_is_for_one_connection)
{
    bring_up();
    open_session(&peers[1], 1);
    cr_assert(turn(is_second_refused));
    cr_assert_not_null(strstr(counters().last_error, "already in use"));
    cr_assert(peers[0].up && !peers[1].up);
    cr_assert(!peers[0].ended, "it answered the test");
}

Test(eis_limits, an_eis_that_is_gone_without_a_word_makes_room_for_its_successor)
{
    uint64_t end_ms = base_clock_monotonic_ms() + 10000;

    config.test_period_ms = 300;
    listen_with_config();
    bring_up();
    simulcrypt_eis_session_destroy(peers[0].session);
    peers[0].session = NULL; /* so nothing is answered */
    while (!is_second_up() && base_clock_monotonic_ms() < end_ms) {
        hang_up(&peers[1]);
        peers[1].refusal = 0;
        open_session(&peers[1], 1);
        while (!is_second_up() && !is_second_refused() && base_clock_monotonic_ms() < end_ms)
            net_loop_run_once(loop, 10);
    }
    cr_assert(peers[1].up);
    cr_assert(peers[0].ended);
}

Test(eis_limits, silence_is_tested_and_an_answer_is_life)
{
    config.test_period_ms = 400;
    listen_with_config();
    bring_up();
    for (uint64_t end_ms = base_clock_monotonic_ms() + 1000; base_clock_monotonic_ms() < end_ms;)
        net_loop_run_once(loop, 10);
    cr_assert(peers[0].up && !peers[0].ended);
    simulcrypt_eis_session_destroy(peers[0].session);
    peers[0].session = NULL;
    cr_assert(turn(is_ended));
    cr_assert_not_null(strstr(counters().last_error, "did not answer channel_test"));
}

static bool is_told(void)
{
    return peers[0].statuses == 2;
}

Test(eis_limits, activations_are_told_where_that_is_wanted)
{
    config.tells_activations = true;
    listen_with_config();
    bring_up();
    provision_new(7);
    cr_assert_eq(headend_eis_activated(eis, 1, 7), 0);
    cr_assert(turn(is_told));
    cr_assert_eq(peers[0].status.current_reference_id, 1);
    cr_assert(!peers[0].status.pending);
}

Test(eis_limits, channels_are_limited)
{
    config.channels_max = 1;
    listen_with_config();
    bring_up();
    open_session(&peers[1], 2);
    cr_assert(turn(is_second_refused));
    cr_assert_not_null(strstr(counters().last_error, "no room for channel 2"), "%s", counters().last_error);
}

Test(eis_limits, scgs_are_limited_by_default)
{
    config.abilities.max_scg = 0;
    listen_with_config();
    bring_up();
    cr_assert_eq(peers[0].max_scg, 1000);
}

Test(eis_limits, strangers_are_hung_up_on)
{
    config.listen.access.count = 1;
    cr_assert_eq(net_range_parse(&config.listen.access.ranges[0], "192.0.2.0/24"), 0);
    listen_with_config();
    open_session(&peers[0], 1);
    cr_assert(turn(is_ended));
    cr_assert_eq(counters().listener.not_allowed, 1);
    cr_assert_eq(counters().connections, 0);
}

/* Misbehaviour */

static bool is_connected(void)
{
    return peers[0].connected;
}

static void connect_raw(void)
{
    dial(&peers[0]);
    cr_assert(turn(is_connected));
}

static void write_raw(const void *bytes, size_t size)
{
    if (peers[0].tcp)
        net_tcp_write(peers[0].tcp, bytes, size);
}

static bool has_answer(void)
{
    return peers[0].last_size;
}

/* v4 channel_setup EIS_channel_id=1 */
static const uint8_t setup[] = {4, 0x04, 0x01, 0, 6, 0, 1, 0, 2, 0, 1};

Test(eis, a_message_may_come_byte_by_byte)
{
    connect_raw();
    for (size_t i = 0; i < sizeof(setup); i++) {
        write_raw(setup + i, 1);
        net_loop_run_once(loop, 1);
    }
    cr_assert(turn(has_answer));
    cr_assert_eq(peers[0].last[2], 0x03, "channel_status");
}

Test(eis, garbage_ends_the_connection_and_nothing_else)
{
    static uint8_t garbage[300000];

    bring_up();
    provision_new(3);
    hang_up(&peers[0]);
    cr_assert(turn(is_alone));
    simulcrypt_eis_session_destroy(peers[0].session);
    peers[0].session = NULL;
    for (size_t i = 0; i < sizeof(garbage); i++)
        garbage[i] = (uint8_t)(i * 7919 >> 3);
    connect_raw();
    write_raw(garbage, sizeof(garbage));
    turn(is_ended);
    hang_up(&peers[0]);
    cr_assert(turn(is_alone));
    cr_assert_eq(counters().scgs, 1);
    bring_up();
}

Test(eis, errors_are_never_answered)
{
    /* v4 channel_error EIS_channel_id=1 error_status=0001 */
    static const uint8_t error[] = {4, 0x04, 0x05, 0, 12, 0, 1, 0, 2, 0, 1, 0x70, 0, 0, 2, 0, 1};

    connect_raw();
    write_raw(setup, sizeof(setup));
    cr_assert(turn(has_answer));
    peers[0].last_size = 0;
    for (int i = 0; i < 1000; i++)
        write_raw(error, sizeof(error));
    write_raw(setup, sizeof(setup)); /* refused: the one answer that there is */
    cr_assert(turn(has_answer));
    cr_assert_eq(counters().refused, 1);
}

Test(eis, half_a_message_then_the_end)
{
    connect_raw();
    write_raw(setup, sizeof(setup));
    write_raw(setup, sizeof(setup) - 3);
    cr_assert(turn(has_answer));
    hang_up(&peers[0]);
    cr_assert(turn(is_alone));
    cr_assert_eq(counters().channels, 0);
}

/* v4 SCG_list_request EIS_channel_id=1 */
static const uint8_t list_request[] = {4, 0x04, 0x0C, 0, 6, 0, 1, 0, 2, 0, 1};

static bool are_all_answered(void)
{
    return peers[0].received >= 150 * sizeof(list_request); /* a response without SCGs is as long */
}

static bool is_refused(void)
{
    return counters().refused;
}

/* 100 at once, then 100 a second: after 150 it waits for half a second. */
Test(eis_limits, what_an_eis_asks_for_in_a_second_is_limited)
{
    uint64_t begun_ms = base_clock_monotonic_ms();

    config.rate_max = 100;
    listen_with_config();
    connect_raw();
    write_raw(setup, sizeof(setup));
    for (int i = 0; i < 150; i++)
        write_raw(list_request, sizeof(list_request));
    cr_assert(turn(are_all_answered));
    write_raw(setup, sizeof(setup));
    cr_assert(turn(is_refused));
    cr_assert_geq(base_clock_monotonic_ms() - begun_ms, 400);
}

/* Answers pile up with a peer that reads none of them. */
Test(eis_limits, a_peer_that_takes_no_answers_is_dropped)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    uint64_t end_ms = base_clock_monotonic_ms() + 20000;
    int peer = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

    config.rate_max = 10000000;
    config.abilities.max_scg = 2000;
    listen_with_config();
    bring_up();
    for (uint16_t i = 1; i <= 300; i++)
        provision_new(i);
    hang_up(&peers[0]);
    cr_assert(turn(is_alone));
    address.sin_port = htons(headend_eis_port(eis));
    (void)connect(peer, (struct sockaddr *)&address, sizeof(address));
    net_loop_run_once(loop, 100);
    cr_assert_eq(write(peer, setup, sizeof(setup)), sizeof(setup));
    do { /* each asks for 1.8 kB */
        for (int i = 0; i < 1000; i++)
            if (write(peer, list_request, sizeof(list_request)) < 0)
                break;
        net_loop_run_once(loop, 10);
    } while (!is_alone() && base_clock_monotonic_ms() < end_ms);
    cr_assert(is_alone());
    cr_assert_not_null(strstr(counters().last_error, "does not take its answers"));
    cr_assert_eq(counters().scgs, 300);
    close(peer);
}
