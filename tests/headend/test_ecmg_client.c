/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The client against the ECMG's end of a session over loopback TCP. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/cursor.h"
#include "headend/ecmg_client.h"
#include "simulcrypt/ecmg_session.h"

enum manner { WORKS, REFUSES_VERSION_3, STREAM_ERRORS, SILENT };

static struct {
    struct net_listener *listener;
    struct net_tcp *tcp;
    struct simulcrypt_ecmg_session *session;
    struct simulcrypt_channel_status status;
    enum manner manner;
    uint8_t version; /* of the last message */
    unsigned connections, provisions, closed_channels;
    uint16_t first_cp, last_cp;
    char access_criteria[8];
} ecmg;

static struct net_loop *loop;
static struct headend_ecmg_client *client;
static struct headend_ecmg_client_config config;
static unsigned changes;

static void send_bytes(void *context, const uint8_t *bytes, size_t size)
{
    (void)context;
    net_tcp_write(ecmg.tcp, bytes, size);
}

static void hang_up(void)
{
    net_tcp_close(ecmg.tcp);
    ecmg.tcp = NULL;
}

static void session_close(void *context, const char *why)
{
    (void)context;
    (void)why;
}

static uint16_t channel_setup(void *context, uint16_t channel_id, uint32_t super_cas_id,
                              struct simulcrypt_channel_status *status)
{
    (void)context;
    cr_assert_eq(channel_id, 5);
    cr_assert_eq(super_cas_id, 0x4A800001);
    *status = ecmg.status;
    return SIMULCRYPT_ECMG_OK;
}

static void channel_closed(void *context, uint16_t channel_id)
{
    (void)context;
    (void)channel_id;
    ecmg.closed_channels++;
}

static uint16_t stream_setup(void *context, uint16_t channel_id, uint16_t stream_id, uint16_t ecm_id,
                             uint16_t nominal_cp_duration, bool *transfer_mode)
{
    (void)context;
    (void)channel_id;
    cr_assert_eq(stream_id, 6);
    cr_assert_eq(ecm_id, 7);
    cr_assert_eq(nominal_cp_duration, 10);
    *transfer_mode = true;
    return SIMULCRYPT_ECMG_OK;
}

static void stream_closed(void *context, uint16_t stream_id)
{
    (void)context;
    (void)stream_id;
}

static uint16_t cw_provision(void *context, uint16_t stream_id,
                             const struct simulcrypt_cw_provision *provision)
{
    uint8_t ecm[5] = {0x80, 0x70, 0x02, 0, 0};

    (void)context;
    if (!ecmg.provisions++)
        ecmg.first_cp = provision->cp_number;
    ecmg.last_cp = provision->cp_number;
    if (provision->has_access_criteria)
        memcpy(ecmg.access_criteria, provision->access_criteria, 4);
    if (ecmg.manner == STREAM_ERRORS)
        return SIMULCRYPT_ECMG_OUT_OF_RESOURCES;
    if (ecmg.manner == SILENT)
        return SIMULCRYPT_ECMG_OK;
    base_store_u16(ecm + 3, provision->cp_number);
    simulcrypt_ecmg_session_ecm_response(ecmg.session, stream_id, provision->cp_number, ecm, sizeof(ecm));
    return SIMULCRYPT_ECMG_OK;
}

/* channel_error, error_status 0x0002 (TS 103 197, 5.4.1 and Table 6). */
static void refuse_version(void)
{
    static const uint8_t refusal[] = {2, 0, 5, 0, 12, 0x00, 0x0E, 0, 2, 0, 5, 0x70, 0x00, 0, 2, 0, 2};

    net_tcp_write(ecmg.tcp, refusal, sizeof(refusal));
}

static void tcp_input(void *context, const uint8_t *bytes, size_t size)
{
    (void)context;
    ecmg.version = bytes[0];
    if (ecmg.manner == REFUSES_VERSION_3 && bytes[0] == 3)
        refuse_version();
    else
        simulcrypt_ecmg_session_input(ecmg.session, bytes, size, net_loop_now_ms(loop));
}

static void tcp_ended(void *context, int error)
{
    (void)context;
    (void)error;
    hang_up();
}

static void accepted(void *context, struct net_tcp *tcp)
{
    static const struct net_tcp_ops ops = {.input = tcp_input, .ended = tcp_ended};
    static const struct simulcrypt_ecmg_ops session_ops = {
        send_bytes, session_close, channel_setup, channel_closed, stream_setup, stream_closed, cw_provision};

    (void)context;
    hang_up();
    simulcrypt_ecmg_session_destroy(ecmg.session);
    cr_assert_eq(simulcrypt_ecmg_session_create(&ecmg.session, &session_ops, NULL), 0);
    ecmg.tcp = tcp;
    ecmg.connections++;
    net_tcp_set_ops(tcp, &ops, NULL);
}

static void changed(void *context)
{
    (void)context;
    changes++;
}

static void begin(void)
{
    memset(&ecmg, 0, sizeof(ecmg));
    ecmg.status = (struct simulcrypt_channel_status){
        .delay_start = -100, .ecm_rep_period = 100, .min_cp_duration = 10, .lead_cw = 1, .cw_per_msg = 2};
    cr_assert_eq(net_loop_create(&loop), 0);
    cr_assert_eq(net_listen(&ecmg.listener, loop,
                            &(const struct net_listen_config){
                                .host = "127.0.0.1", .port = 0, .accepted = accepted, .context = NULL}),
                 0);
    config = (struct headend_ecmg_client_config){
        .host = "127.0.0.1",
        .port = net_listener_port(ecmg.listener),
        .scs = {.version = 3, .channel_id = 5, .super_cas_id = 0x4A800001},
        .stream = {.stream_id = 6,
                   .ecm_id = 7,
                   .nominal_cp_duration = 10,
                   .access_criteria = (const uint8_t *)"AC01",
                   .access_criteria_size = 4},
        .changed = changed,
    };
}

static void end(void)
{
    headend_ecmg_client_destroy(client);
    hang_up();
    simulcrypt_ecmg_session_destroy(ecmg.session);
    net_listener_close(ecmg.listener);
    net_loop_destroy(loop);
}

TestSuite(ecmg_client, .init = begin, .fini = end, .timeout = 60);

static void create(void)
{
    cr_assert_eq(headend_ecmg_client_create(&client, loop, &config), 0);
}

/* Turns the loop until `done` or `ms` have passed. */
static bool turn(bool (*done)(void), uint64_t ms)
{
    uint64_t end_ms = base_clock_monotonic_ms() + ms;

    while (!(done && done())) {
        if (base_clock_monotonic_ms() >= end_ms)
            return false;
        net_loop_run_once(loop, 10);
    }
    return true;
}

static bool is_up(void)
{
    return headend_ecmg_client_is_up(client);
}

static bool is_down(void)
{
    return !is_up();
}

static bool has_provision(void)
{
    return ecmg.provisions;
}

static bool has_error(void)
{
    return *headend_ecmg_client_last_error(client);
}

/* A group on top of the client, its source time by hand. */

static struct cipher *cipher;
static struct keys_slots *slots;
static struct base_ring *orders;
static struct headend_group *group;

static int provision(void *context, const struct simulcrypt_cw_provision *cw_provision_)
{
    (void)context;
    return headend_ecmg_client_provision(client, cw_provision_);
}

static void make_group(void)
{
    static const struct headend_group_ops ops = {.provision = provision};
    struct headend_group_config group_config = {.generator = {.cw_size = 8},
                                                .has_cas = true,
                                                .crypto_period = BASE_TICKS_PER_SECOND,
                                                .ecm_pid = 0x100,
                                                .waits_for_ecms = true};

    cr_assert_eq(cipher_create(&cipher, CIPHER_DVB_CSA2, NULL), 0);
    cr_assert_eq(keys_slots_create(&slots, cipher, NULL), 0);
    cr_assert_eq(base_ring_create(&orders, 65536), 0);
    group_config.slots = slots;
    group_config.orders = orders;
    cr_assert_eq(headend_group_create(&group, &group_config, &ops, NULL), 0);
}

static void drop_group(void)
{
    headend_ecmg_client_attach(client, NULL);
    headend_group_destroy(group);
    base_ring_destroy(orders);
    keys_slots_destroy(slots);
    cipher_destroy(cipher);
}

/* Waits for ECMs up to `time`. */
static bool reach(uint64_t time)
{
    uint64_t end_ms = base_clock_monotonic_ms() + 15000;
    struct ts_order *order;
    size_t size;

    for (;;) {
        headend_group_advance(group, time);
        while ((order = (struct ts_order *)(uintptr_t)base_ring_peek(orders, &size)))
            base_ring_pop(orders);
        if (headend_group_ready(group, time))
            return true;
        if (base_clock_monotonic_ms() >= end_ms)
            return false;
        net_loop_run_once(loop, 10);
    }
}

Test(ecmg_client, sets_the_stream_up_and_feeds_the_group)
{
    struct headend_group_status status;

    create();
    make_group();
    headend_ecmg_client_attach(client, group);
    cr_assert(reach(0));
    cr_assert(reach(20 * BASE_TICKS_PER_SECOND));
    headend_group_status(group, &status);
    cr_assert_geq(status.crypto_periods, 20);
    cr_assert_str_eq(ecmg.access_criteria, "AC01");
    cr_assert_eq(ecmg.first_cp, 0);
    cr_assert_eq(ecmg.version, 3);
    cr_assert_eq(headend_ecmg_client_attempts(client), 1);
    cr_assert_str_empty(headend_ecmg_client_last_error(client));
    cr_assert_gt(changes, 20);
    drop_group();
}

Test(ecmg_client, a_group_may_be_attached_when_the_stream_is_up)
{
    create();
    cr_assert(turn(is_up, 5000));
    make_group();
    headend_ecmg_client_attach(client, group);
    cr_assert(reach(BASE_TICKS_PER_SECOND));
    drop_group();
}

Test(ecmg_client, says_why_it_cannot_connect_and_tries_again_more_and_more_slowly)
{
    char expected[128];

    net_listener_close(ecmg.listener);
    ecmg.listener = NULL;
    create();
    cr_assert(turn(has_error, 5000));
    snprintf(expected, sizeof(expected), "cannot connect to 127.0.0.1:%u: connection refused", config.port);
    cr_assert_str_eq(headend_ecmg_client_last_error(client), expected);
    turn(NULL, 1300); /* attempts after 0, 250 and 750 ms; the next after 1750 */
    cr_assert_eq(headend_ecmg_client_attempts(client), 3);
    cr_assert_not(is_up());
}

Test(ecmg_client, a_host_without_a_name_is_an_error_and_no_crash)
{
    config.host = "";
    create();
    turn(has_error, 1000);
    cr_assert(has_error());
}

Test(ecmg_client, comes_back_after_the_ecmg_was_gone)
{
    struct headend_group_status before, after;
    unsigned asked;

    create();
    make_group();
    headend_ecmg_client_attach(client, group);
    cr_assert(reach(0));
    cr_assert(reach(5 * BASE_TICKS_PER_SECOND));
    hang_up();
    cr_assert(turn(is_down, 5000));
    cr_assert_not_null(strstr(headend_ecmg_client_last_error(client), "ended: "));
    headend_group_status(group, &before);
    asked = ecmg.provisions;
    cr_assert(reach(9 * BASE_TICKS_PER_SECOND));
    headend_group_status(group, &after);
    cr_assert_eq(ecmg.connections, 2);
    cr_assert_gt(ecmg.provisions, asked);
    cr_assert_gt(after.crypto_periods, before.crypto_periods);
    drop_group();
}

Test(ecmg_client, tries_a_lower_version_where_one_is_refused)
{
    ecmg.manner = REFUSES_VERSION_3;
    create();
    cr_assert(turn(is_up, 5000));
    cr_assert_eq(ecmg.version, 2);
    cr_assert_eq(ecmg.connections, 2);
}

Test(ecmg_client, provisions_need_a_stream_and_wait_for_each_other)
{
    static const uint8_t cw[8] = {1, 2, 3, 6};
    struct simulcrypt_cw_provision p = {.cp_number = 9, .cw_count = 2, .cws = {{9, 8, cw}, {10, 8, cw}}};

    ecmg.manner = SILENT;
    create();
    cr_assert_eq(headend_ecmg_client_provision(client, &p), -ENOTCONN);
    cr_assert(turn(is_up, 5000));
    cr_assert_eq(headend_ecmg_client_provision(client, &p), 0);
    cr_assert_eq(headend_ecmg_client_provision(client, &p), -EBUSY);
    cr_assert(turn(has_provision, 5000));
    cr_assert_eq(ecmg.last_cp, 9);
}

Test(ecmg_client, an_ecmg_that_refuses_is_asked_again_after_a_pause)
{
    ecmg.manner = STREAM_ERRORS;
    create();
    make_group();
    headend_ecmg_client_attach(client, group);
    for (uint64_t end_ms = base_clock_monotonic_ms() + 1000; base_clock_monotonic_ms() < end_ms;) {
        headend_group_advance(group, 0);
        net_loop_run_once(loop, 5);
    }
    cr_assert_not_null(strstr(headend_ecmg_client_last_error(client), "crypto-period 0"));
    cr_assert_geq(ecmg.provisions, 3);
    cr_assert_leq(ecmg.provisions, 5, "after 100, 200, 400 ms");
    ecmg.manner = WORKS;
    cr_assert(reach(BASE_TICKS_PER_SECOND));
    drop_group();
}

Test(ecmg_client, values_that_cannot_work_are_told)
{
    ecmg.status.lead_cw = 0;
    ecmg.status.delay_start = 0;
    ecmg.status.cw_per_msg = 1;
    create();
    make_group();
    headend_ecmg_client_attach(client, group);
    cr_assert(turn(has_error, 5000));
    cr_assert_not_null(strstr(headend_ecmg_client_last_error(client), "lead_CW 0"));
    turn(NULL, 500);
    cr_assert_eq(ecmg.connections, 1, "it is left alone for a while");
    drop_group();
}

static bool channel_is_closed(void)
{
    return ecmg.closed_channels;
}

Test(ecmg_client, closes_in_order)
{
    create();
    cr_assert(turn(is_up, 5000));
    headend_ecmg_client_destroy(client);
    client = NULL;
    cr_assert(turn(channel_is_closed, 5000));
    headend_ecmg_client_destroy(NULL);
}
