/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which ECMG of a list has the streams. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/clock.h"
#include "ecmgs_rig.h"

TestSuite(ecmgs_failover, .init = rig_begin, .fini = rig_end, .timeout = 60);

static bool all_have_asked_on(void)
{
    for (unsigned i = 0; i < rig.stream_count; i++)
        if (rig.stream[i].last_cp < 20)
            return false;
    return true;
}

Test(ecmgs_failover, the_backup_takes_over_and_ecms_go_on)
{
    uint64_t attempts;

    rig.ecmg[0].status.max_streams = 3;
    rig_create_with_streams(10);
    for (unsigned i = 0; i < 10; i++)
        rig.stream[i].keep_asking = true;
    cr_assert(rig_turn(rig_first_is_active, 5000));
    cr_assert(rig_turn(all_have_asked_on, 5000));
    rig_kill(0);
    cr_assert(rig_turn(rig_second_is_active, 5000));
    for (unsigned i = 0; i < 10; i++) {
        cr_assert_eq(rig.stream[i].ups, 2);
        cr_assert_eq(rig.stream[i].downs, 1);
        rig.stream[i].last_cp = 0;
    }
    cr_assert_not_null(strstr(rig.stream[0].why, "ended: "));
    cr_assert(rig_turn(all_have_asked_on, 5000));
    cr_assert_eq(rig_status(1).channels, 1);
    cr_assert_geq(rig_status(0).failures, 1);
    attempts = rig_status(0).attempts;
    rig_revive(0);
    rig_wait(800);
    cr_assert_eq(rig_status(0).attempts, attempts, "it stays with the backup");
    cr_assert_eq(rig.channels, 1);
}

Test(ecmgs_failover, a_primary_that_is_not_there_costs_no_time)
{
    uint64_t begin_ms = base_clock_monotonic_ms();

    rig_kill(0);
    rig_create_with_streams(1);
    cr_assert(rig_turn(rig_second_is_active, 5000));
    cr_assert_lt(base_clock_monotonic_ms() - begin_ms, 2000);
    cr_assert_eq(rig_status(0).attempts, 1);
    cr_assert_not_null(strstr(rig_status(0).last_error, "cannot connect to 127.0.0.1:"));
}

Test(ecmgs_failover, all_are_dead_then_one_returns)
{
    uint64_t attempts;

    rig_kill(0);
    rig_kill(1);
    rig_create_with_streams(2);
    rig_wait(1300); /* after 0, 250 to 313, 750 to 938 ms; then at 1750 to 2188 */
    for (unsigned i = 0; i < 2; i++) {
        attempts = rig_status(i).attempts;
        cr_assert(attempts >= 2 && attempts <= 4, "%u attempts", (unsigned)attempts);
        cr_assert_eq(rig_status(i).failures, attempts);
        cr_assert_eq(rig_status(i).state, HEADEND_ECMG_IDLE);
    }
    cr_assert_not_null(strstr(headend_ecm_stream_last_error(rig.stream[1].stream), "refused"));
    rig_revive(1);
    cr_assert(rig_turn(rig_second_is_active, 15000));
}

static bool first_is_standby(void)
{
    return rig_status(0).state == HEADEND_ECMG_STANDBY;
}

static bool second_is_closed(void)
{
    return rig.ecmg[1].closed_channels == 1;
}

Test(ecmgs_failover, streams_go_back_after_the_failback_time_and_not_before)
{
    uint64_t back_ms;

    rig.config.failback_ms = 1000;
    rig_bring_up(5);
    rig_kill(0);
    cr_assert(rig_turn(rig_second_is_active, 5000));
    back_ms = base_clock_monotonic_ms();
    rig_revive(0);
    cr_assert(rig_turn(first_is_standby, 15000));
    cr_assert(rig_second_is_active(), "the streams are still with the backup");
    cr_assert(rig_turn(rig_first_is_active, 10000));
    cr_assert_geq(base_clock_monotonic_ms() - back_ms, 1000);
    cr_assert_eq(rig_status(1).state, HEADEND_ECMG_IDLE);
    cr_assert_not_null(strstr(rig.stream[0].why, "takes over"));
    cr_assert(rig_turn(second_is_closed, 5000));
    cr_assert_eq(rig.ecmg[1].closed_streams, 5);
    cr_assert_eq(rig.channels, 1);
}

Test(ecmgs_failover, streams_do_not_go_back_while_an_answer_is_awaited)
{
    rig.config.failback_ms = 200;
    rig_bring_up(1);
    rig_kill(0);
    cr_assert(rig_turn(rig_second_is_active, 5000));
    rig.ecmg[1].keeps_ecms = true;
    rig_ask(0, 7);
    rig_revive(0);
    cr_assert(rig_turn(first_is_standby, 15000));
    rig_wait(800);
    cr_assert(rig_second_is_active(), "one answer is awaited");
    rig_answer(1);
    cr_assert(rig_turn(rig_first_is_active, 2000));
    cr_assert_eq(rig.stream[0].ecms, 1, "nothing was lost");
}

Test(ecmgs_failover, of_three_the_best_that_works_has_the_streams)
{
    rig.config.count = 3;
    rig.config.failback_ms = 100;
    rig_kill(0);
    rig_kill(1);
    rig_create_with_streams(2);
    cr_assert(rig_turn(rig_all_up, 5000));
    cr_assert_eq(rig_status(2).state, HEADEND_ECMG_ACTIVE);
    rig_revive(1);
    cr_assert(rig_turn(rig_second_is_active, 15000));
    cr_assert_eq(rig_status(2).state, HEADEND_ECMG_IDLE);
    rig_revive(0);
    cr_assert(rig_turn(rig_first_is_active, 15000));
    cr_assert_eq(rig_status(1).state, HEADEND_ECMG_IDLE);
}

static bool tested(void)
{
    return rig.ecmg[0].tests >= 3;
}

Test(ecmgs_failover, a_standby_connection_is_kept_alive)
{
    rig.config.failback_ms = 60000;
    rig.config.test_period_ms = 50;
    rig_bring_up(1);
    rig_kill(0);
    cr_assert(rig_turn(rig_second_is_active, 5000));
    rig_revive(0);
    cr_assert(rig_turn(first_is_standby, 15000));
    rig.ecmg[0].tests = 0;
    cr_assert(rig_turn(tested, 5000));
    cr_assert(first_is_standby());
    rig_hang_up(1);
    cr_assert(rig_turn(rig_first_is_active, 5000), "at once, for nothing better is there");
}

static bool one_has_gone(void)
{
    unsigned downs = 0;

    for (unsigned i = 0; i < rig.stream_count; i++)
        downs += rig.stream[i].downs;
    return downs == 2;
}

Test(ecmgs_failover, one_of_many_connections_takes_its_own_streams_down_alone)
{
    rig.ecmg[0].status.max_streams = 2;
    rig_bring_up(8);
    rig_hang_up_one(0);
    cr_assert(rig_turn(one_has_gone, 5000));
    cr_assert(rig_turn(rig_first_is_active, 5000));
    cr_assert_eq(rig_status(0).failures, 0);
    cr_assert_eq(rig_status(0).channels, 4);
    cr_assert_not_null(strstr(rig_status(0).last_error, "ended"));
    cr_assert_eq(rig_status(1).attempts, 0);
}
