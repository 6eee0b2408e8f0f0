/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory that cannot be had, and memory that is given back. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "eis_pair.h"
#include "emmg_pair.h"
#include "pair.h"
#include "psig_pair.h"
#include "tests/common/memory.h"

/* The CW of crypto-period 0x55 is eight bytes of 0x55 (pair_provision()). */
static void look_for_cw(void)
{
    memory_look_for("\x55\x55\x55\x55\x55\x55\x55\x55", 8);
}

TestSuite(memory, .init = look_for_cw, .timeout = 60);

/* A life in pieces, so that messages are gathered. Any step may fail for want of memory, none may crash. */
struct life {
    void (*start)(void);
    void (*work)(void);
    void (*stop)(void);
    const char *done; /* in the diary of one that went well */
};

static void note_want(int status)
{
    cr_assert(status == 0 || status == -ENOMEM || status == -ENOTCONN || status == -ENOENT, "%d", status);
    if (status == -ENOMEM)
        wire_note("no memory ");
}

static void start_ecmg(void)
{
    pair_start(NULL);
}

static void work_ecmg(void)
{
    struct simulcrypt_scs_stream_config config = {.stream_id = 7, .ecm_id = 107, .nominal_cp_duration = 100};
    note_want(simulcrypt_scs_session_add_stream(pair.scs, &config));
    pair_connect();
    wire_pump();
    pair_provision(7, 0x55);
    wire_pump();
}

static void start_emmg(void)
{
    emmg_pair_start(NULL);
}

static void work_emmg(void)
{
    struct simulcrypt_data_stream stream = {.stream_id = 7, .data_id = 107};
    struct simulcrypt_datagram section = emmg_pair_section(100, 1);
    note_want(simulcrypt_emmg_session_add_stream(emmg_pair.emmg, &stream));
    emmg_pair_connect();
    wire_pump();
    simulcrypt_emmg_session_provide(emmg_pair.emmg, 7, &section, 1);
    wire_pump();
}

static void start_eis(void)
{
    eis_pair_start(NULL);
}

static void work_eis(void)
{
    struct simulcrypt_scg scg = eis_pair_scg(3, 1);
    simulcrypt_eis_session_connected(eis_pair.eis, wire.now_ms);
    wire_pump();
    note_want(simulcrypt_eis_session_provision(eis_pair.eis, &scg, wire.now_ms));
    wire_pump();
    note_want(simulcrypt_eis_session_test(eis_pair.eis, 4, wire.now_ms));
    wire_pump();
}

static void start_psig(void)
{
    psig_pair_start(NULL);
}

static void work_psig(void)
{
    struct simulcrypt_encoder encoder;
    note_want(simulcrypt_psig_session_add_stream(psig_pair.psig, 7));
    simulcrypt_psig_session_connected(psig_pair.psig, wire.now_ms);
    wire_pump();
    if (!simulcrypt_psig_session_begin(psig_pair.psig, SIMULCRYPT_CPSIG_M_TRIGGER, 7, &encoder))
        simulcrypt_psig_session_send(psig_pair.psig, &encoder);
    wire_pump();
}

static const struct life lives[] = {
    {start_ecmg, work_ecmg, pair_stop, "ecm 7/85"},
    {start_emmg, work_emmg, emmg_pair_stop, "data 7:100"},
    {start_eis, work_eis, eis_pair_stop, "status 3: 0, then 1 scg_error 4: 0009"},
    {start_psig, work_psig, psig_pair_stop, "trigger 7"},
};

static bool live(const struct life *life, bool refusing, unsigned refused, unsigned *requests)
{
    memory_watch();
    life->start();
    wire.cut = 11;
    memory_refuse_none();
    if (refusing)
        memory_refuse(refused);
    life->work();
    *requests = memory_requests();
    memory_refuse_none();
    bool done = strstr(wire.diary, life->done) != NULL;
    cr_assert(done || strstr(wire.diary, "no memory ") || strstr(wire.diary, "close(out of memory)") ||
                  strstr(wire.diary, "fail ") || strstr(wire.diary, "scg_error 3: 7000"),
              "lost in silence: %s", wire.diary);
    life->stop();
    memory_stop();
    cr_assert_eq(memory_live(), 0);
    return done;
}

Test(memory, every_allocation_may_fail)
{
    unsigned total, ignored;

    for (size_t i = 0; i < sizeof(lives) / sizeof(*lives); i++) {
        cr_assert(live(&lives[i], false, 0, &total), "%s", wire.diary);
        cr_assert_gt(total, 8);
        for (unsigned refused = 0; refused < total; refused++)
            live(&lives[i], true, refused, &ignored);
        cr_assert(live(&lives[i], false, 0, &total));
    }
}

static int use_ecmg_session(void *context)
{
    struct simulcrypt_ecmg_ops ops = {0};
    struct simulcrypt_ecmg_session *session;
    int status = simulcrypt_ecmg_session_create(&session, &ops, context);

    cr_assert(status == 0 || !session);
    simulcrypt_ecmg_session_destroy(session);
    return status;
}

static int use_scs_session(void *context)
{
    struct simulcrypt_scs_ops ops = {0};
    struct simulcrypt_scs_config config = {.version = 2};
    struct simulcrypt_scs_session *session;
    int status = simulcrypt_scs_session_create(&session, &config, &ops, context);

    cr_assert(status == 0 || !session);
    simulcrypt_scs_session_destroy(session);
    return status;
}

static int use_mux_session(void *context)
{
    struct simulcrypt_mux_ops ops = {0};
    struct simulcrypt_mux_session *session;
    int status = simulcrypt_mux_session_create(&session, 0, &ops, context);

    cr_assert(status == 0 || !session);
    simulcrypt_mux_session_destroy(session);
    return status;
}

static int use_emmg_session(void *context)
{
    struct simulcrypt_emmg_ops ops = {0};
    struct simulcrypt_emmg_config config = {.version = 2};
    struct simulcrypt_emmg_session *session;
    int status = simulcrypt_emmg_session_create(&session, &config, &ops, context);

    cr_assert(status == 0 || !session);
    simulcrypt_emmg_session_destroy(session);
    return status;
}

static int use_scg_session(void *context)
{
    struct simulcrypt_scg_session_ops ops = {0};
    struct simulcrypt_scg_session *session;
    int status = simulcrypt_scg_session_create(&session, &ops, context);

    cr_assert(status == 0 || !session);
    simulcrypt_scg_session_destroy(session);
    return status;
}

static int use_eis_session(void *context)
{
    struct simulcrypt_eis_ops ops = {0};
    struct simulcrypt_eis_config config = {.version = 2};
    struct simulcrypt_eis_session *session;
    int status = simulcrypt_eis_session_create(&session, &config, &ops, context);

    cr_assert(status == 0 || !session);
    simulcrypt_eis_session_destroy(session);
    return status;
}

static int use_cpsig_session(void *context)
{
    struct simulcrypt_cpsig_ops ops = {0};
    struct simulcrypt_cpsig_session *session;
    int status = simulcrypt_cpsig_session_create(&session, &ops, context);

    cr_assert(status == 0 || !session);
    simulcrypt_cpsig_session_destroy(session);
    return status;
}

static int use_psig_session(void *context)
{
    struct simulcrypt_psig_ops ops = {0};
    struct simulcrypt_psig_config config = {.version = 3};
    struct simulcrypt_psig_session *session;
    int status = simulcrypt_psig_session_create(&session, &config, &ops, context);

    cr_assert(status == 0 || !session);
    simulcrypt_psig_session_destroy(session);
    return status;
}

static int use_scgs(void *context)
{
    struct simulcrypt_scgs_ops ops = {0};
    struct simulcrypt_scs_abilities abilities = {.max_scg = 1};
    struct simulcrypt_scgs *scgs;
    int status = simulcrypt_scgs_create(&scgs, &abilities, &ops, context);

    cr_assert(status == 0 || !scgs);
    simulcrypt_scgs_destroy(scgs);
    return status;
}

Test(memory, creating_reports_want_of_memory)
{
    int (*const uses[])(void *context) = {use_ecmg_session,  use_scs_session,  use_mux_session,
                                          use_emmg_session,  use_scg_session,  use_eis_session,
                                          use_cpsig_session, use_psig_session, use_scgs};
    for (size_t i = 0; i < sizeof(uses) / sizeof(*uses); i++)
        memory_refuse_each(uses[i], NULL, 1);
}

Test(memory, no_cw_is_given_back_with_the_memory)
{
    unsigned ignored;

    cr_assert(live(&lives[0], false, 0, &ignored));
    cr_assert_eq(memory_found(), 0);
    /* Half a CW_provision, then the end of the connection. */
    memory_watch();
    pair_bring_up();
    pair.silent = true;
    cr_assert_eq(pair_provision(7, 0x55), 0);
    simulcrypt_ecmg_session_input(pair.ecmg, wire.to_server.bytes, wire.to_server.size - 1, 0);
    pair_stop();
    memory_stop();
    cr_assert_eq(memory_found(), 0);
    memory_assert_it_looks();
}
