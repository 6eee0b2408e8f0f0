/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory that cannot be had, and memory that is given back. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "pair.h"
#include "tests/common/memory.h"

/* The CW of crypto-period 0x55 is eight bytes of 0x55 (pair_provision()). */
static void look_for_cw(void)
{
    memory_look_for("\x55\x55\x55\x55\x55\x55\x55\x55", 8);
}

TestSuite(memory, .init = look_for_cw, .timeout = 60);

static int try_to_add_stream(void)
{
    struct simulcrypt_scs_stream_config config = {.stream_id = 7, .ecm_id = 107, .nominal_cp_duration = 100};
    return simulcrypt_scs_session_add_stream(pair.scs, &config);
}

/* A life in pieces, so that messages are gathered. Any step may fail for want of memory, none may crash. */
static bool live(bool refusing, unsigned refused, unsigned *requests)
{
    memory_watch();
    pair_start(NULL);
    wire.cut = 11;
    memory_refuse_none();
    if (refusing)
        memory_refuse(refused);
    int status = try_to_add_stream();
    cr_assert(status == 0 || (refusing && status == -ENOMEM));
    pair_connect();
    wire_pump();
    bool provided = pair_provision(7, 0x55) == 0;
    wire_pump();
    *requests = memory_requests();
    memory_refuse_none();
    bool answered = strstr(wire.diary, "ecm 7/85") != NULL;
    cr_assert(answered || status || strstr(wire.diary, "close(out of memory)") || strstr(wire.diary, "fail "),
              "lost in silence: %s", wire.diary);
    pair_stop();
    memory_stop();
    cr_assert_eq(memory_live(), 0);
    return provided && answered;
}

Test(memory, every_allocation_may_fail)
{
    unsigned total, ignored;

    cr_assert(live(false, 0, &total));
    cr_assert_gt(total, 8);
    for (unsigned refused = 0; refused < total; refused++)
        live(true, refused, &ignored);
    cr_assert(live(false, 0, &total));
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

Test(memory, creating_reports_want_of_memory)
{
    memory_refuse_each(use_ecmg_session, NULL, 1);
    memory_refuse_each(use_scs_session, NULL, 1);
}

Test(memory, no_cw_is_given_back_with_the_memory)
{
    unsigned ignored;

    cr_assert(live(false, 0, &ignored));
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
