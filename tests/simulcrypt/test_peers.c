/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Peers that misbehave, on every interface and towards either end: whatever they send, no answer is given to
 * an error, and every conversation comes to an end. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "eis_pair.h"
#include "emmg_pair.h"
#include "pair.h"
#include "psig_pair.h"
#include "tables.h"

/* Ids as tables_make() makes them, so that its messages find channel and stream. */
#define CHANNEL_ID 0x0102
#define CLIENT_ID  0x01020304

static void start_ecmg(void)
{
    struct simulcrypt_scs_config config = {.version = 3, .channel_id = CHANNEL_ID, .test_period_ms = 500};
    pair_start(&config);
    pair.status.min_cp_duration = 0;
    pair_add_stream(CHANNEL_ID);
    pair_connect();
}

static void start_emmg(void)
{
    struct simulcrypt_emmg_config config = {.version = 3,
                                            .client_id = CLIENT_ID,
                                            .channel_id = CHANNEL_ID,
                                            .format = SIMULCRYPT_PACKETS,
                                            .test_period_ms = 500};
    emmg_pair_start(&config);
    emmg_pair_add_stream(CHANNEL_ID);
    emmg_pair_connect();
}

static void start_eis(void)
{
    struct simulcrypt_eis_config config = {.version = 3, .channel_id = CHANNEL_ID, .test_period_ms = 500};
    eis_pair_start(&config);
    simulcrypt_eis_session_connected(eis_pair.eis, wire.now_ms);
}

static void start_psig(void)
{
    struct simulcrypt_psig_config config = {.version = 3, .channel_id = CHANNEL_ID, .test_period_ms = 500};
    psig_pair_start(&config);
    cr_assert_eq(simulcrypt_psig_session_add_stream(psig_pair.psig, CHANNEL_ID), 0);
    simulcrypt_psig_session_connected(psig_pair.psig, wire.now_ms);
}

static void connect_emmg(void)
{
    emmg_pair_connect();
}

static void connect_eis(void)
{
    simulcrypt_eis_session_connected(eis_pair.eis, wire.now_ms);
}

static void connect_psig(void)
{
    simulcrypt_psig_session_connected(psig_pair.psig, wire.now_ms);
}

/* In the order of tables_all. */
static const struct {
    void (*start)(void);
    void (*connect)(void);
    void (*restart_server)(void);
    uint64_t (*tick)(uint64_t later_ms);
    void (*stop)(void);
} rigs[TABLES_COUNT] = {
    {start_ecmg, pair_connect, pair_ecmg_restart, pair_tick, pair_stop},
    {start_emmg, connect_emmg, emmg_pair_mux_restart, emmg_pair_tick, emmg_pair_stop},
    {start_eis, connect_eis, eis_pair_scs_restart, eis_pair_tick, eis_pair_stop},
    {start_psig, connect_psig, psig_pair_cpsig_restart, psig_pair_tick, psig_pair_stop},
};

TestSuite(peers, .timeout = 120);

static uint8_t bytes[4096];

/* Bytes of any message of the interface; never channel_close, after which nothing is read. */
static size_t any_message(const struct simulcrypt_interface *interface, uint8_t version)
{
    const struct simulcrypt_message_type *type;
    do
        type = &interface->messages[(size_t)rand() % interface->message_count];
    while (type->type == interface->roles[SIMULCRYPT_CHANNEL_CLOSE]);
    return tables_make(interface, type, version, (unsigned)rand() % 3, bytes, sizeof(bytes));
}

static bool is_up(void)
{
    return strstr(wire.diary, "channel_up") && !strstr(wire.diary, "fail");
}

/* Every channel comes up with these ids: else the storms below would blow over an empty place. */
Test(peers, rigs_work)
{
    for (size_t i = 0; i < TABLES_COUNT; i++) {
        rigs[i].start();
        wire_pump();
        cr_assert(is_up(), "%s: %s", tables_all[i]->name, wire.diary);
        rigs[i].stop();
    }
}

static void storm(size_t rig, bool at_server)
{
    for (unsigned round = 0; round < 300; round++) {
        rigs[rig].start();
        if (round % 4)
            wire_pump();
        wire_lose();
        for (unsigned n = 0; n < 40; n++) {
            uint8_t version = (uint8_t)(rand() % 8 ? 3 : rand() % 6);
            size_t size = any_message(tables_all[rig], version);
            if (rand() % 50 == 0)
                size = (size_t)rand() % size;
            (at_server ? wire.server_input : wire.client_input)(bytes, size);
            rigs[rig].tick((uint64_t)(rand() % 40));
            wire.diary[0] = 0;
        }
        wire_pump();
        rigs[rig].stop();
    }
}

/* Any message at any time, valid or not, from the right end or the wrong one. */
Test(peers, any_message_may_come_at_any_time)
{
    srand(1);
    for (size_t i = 0; i < TABLES_COUNT; i++) {
        storm(i, true);
        storm(i, false);
    }
}

static void expect_no_answer_to_errors(size_t rig, bool at_server)
{
    const struct simulcrypt_interface *interface = tables_all[rig];
    struct wire_queue *answers = at_server ? &wire.to_client : &wire.to_server;
    for (size_t m = 0; m < interface->message_count; m++) {
        if (!interface->messages[m].is_error)
            continue;
        for (unsigned n = 0; n < 500; n++) {
            size_t size = tables_make(interface, &interface->messages[m], (uint8_t)(n % 7), n % 4, bytes,
                                      sizeof(bytes));
            if (n % 5 == 0)
                bytes[5 + (unsigned)rand() % (size - 5)] = (uint8_t)rand();
            (at_server ? wire.server_input : wire.client_input)(bytes, size);
            cr_assert_eq(answers->size, 0, "%s: an error was answered", interface->name);
        }
    }
}

Test(peers, storms_of_errors_are_never_answered)
{
    srand(1);
    for (size_t i = 0; i < TABLES_COUNT; i++)
        for (unsigned at_server = 0; at_server < 2; at_server++) {
            rigs[i].start();
            wire_pump();
            wire.diary[0] = 0;
            expect_no_answer_to_errors(i, at_server);
            rigs[i].stop();
        }
}

/* A connection reset in the middle of a message: the next one begins with a message of its own. */
Test(peers, half_a_message_is_forgotten_with_its_connection)
{
    for (size_t i = 0; i < TABLES_COUNT; i++) {
        const struct simulcrypt_interface *interface = tables_all[i];
        size_t size = tables_make(interface, &interface->messages[0], 3, 1, bytes, sizeof(bytes));
        for (size_t half = 1; half < size; half++) {
            rigs[i].start();
            wire_pump();
            wire.client_input(bytes, half);
            wire.server_input(bytes, half);
            rigs[i].restart_server();
            wire.diary[0] = 0;
            rigs[i].connect();
            wire_pump();
            cr_assert(is_up(), "%s cut at %zu: %s", interface->name, half, wire.diary);
            rigs[i].stop();
        }
    }
}

/* 1 byte per second is slow, not wrong: an end waits for its own time-outs alone. */
Test(peers, one_byte_at_a_time_is_enough)
{
    for (size_t i = 0; i < TABLES_COUNT; i++) {
        rigs[i].start();
        wire.cut = 1;
        wire_pump();
        cr_assert(is_up(), "%s: %s", tables_all[i]->name, wire.diary);
        rigs[i].stop();
    }
}

/* Half an answer, then silence: the client gives up in time. */
Test(peers, half_an_answer_then_silence_times_out)
{
    for (size_t i = 0; i < TABLES_COUNT; i++) {
        const struct simulcrypt_interface *interface = tables_all[i];
        const struct simulcrypt_message_type *status =
            simulcrypt_find_message(interface, interface->roles[SIMULCRYPT_CHANNEL_STATUS]);
        size_t size = tables_make(interface, status, 3, 1, bytes, sizeof(bytes));
        rigs[i].start();
        wire.client_input(bytes, size - 1);
        cr_assert_eq(rigs[i].tick(0), wire.now_ms + 5000);
        rigs[i].tick(5000);
        cr_assert(strstr(wire.diary, "fail"), "%s", interface->name);
        rigs[i].stop();
    }
}

/* Answers that come twice, or for what was never asked, change nothing. */
Test(peers, doubled_answers_are_tolerated)
{
    for (size_t i = 0; i < TABLES_COUNT; i++) {
        static uint8_t answers[WIRE_QUEUE];
        rigs[i].start();
        wire.server_input(wire.to_server.bytes, wire.to_server.size);
        size_t size = wire.to_client.size;
        memcpy(answers, wire.to_client.bytes, size);
        wire_lose();
        for (unsigned n = 0; n < 5; n++)
            wire.client_input(answers, size);
        cr_assert(is_up(), "%s: %s", tables_all[i]->name, wire.diary);
        rigs[i].stop();
    }
}
