/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ECMGs that do not keep to the rules: whoever waits for one of them is bounded, and the backup is there. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "ecmgs_rig.h"

TestSuite(ecmgs_hostile, .init = rig_begin, .fini = rig_end, .timeout = 60);

static void create(enum rig_manner manner)
{
    rig.ecmg[0].manner = manner;
    rig.config.reply_timeout_ms = 500;
    rig.config.network_delay_ms = 300;
    rig_create();
    rig_add_streams(3);
}

static void bring_up(enum rig_manner manner)
{
    create(manner);
    cr_assert(rig_turn(rig_first_is_active, 10000));
}

static bool first_has_ecm(void)
{
    return rig.stream[0].ecms;
}

static bool first_has_failed(void)
{
    return rig.stream[0].failures;
}

/* The primary never gets as far as streams. */
static void expect_backup(enum rig_manner manner, const char *error)
{
    create(manner);
    cr_assert(rig_turn(rig_second_is_active, 10000));
    cr_assert_not_null(strstr(rig_status(0).last_error, error), "%s", rig_status(0).last_error);
    cr_assert_eq(rig.stream[0].ups, 1);
    rig_ask(0, 3);
    cr_assert(rig_turn(first_has_ecm, 5000));
}

Test(ecmgs_hostile, one_that_never_says_a_word)
{
    expect_backup(RIG_MUTE, "no channel_status within 500 ms");
}

Test(ecmgs_hostile, one_that_says_half_a_message)
{
    expect_backup(RIG_HALF_A_MESSAGE, "no channel_status within 500 ms");
}

Test(ecmgs_hostile, one_that_speaks_byte_by_byte)
{
    expect_backup(RIG_DRIPS, "no channel_status within 500 ms");
}

Test(ecmgs_hostile, one_that_answers_for_others)
{
    expect_backup(RIG_WRONG_IDS, "no channel_status within 500 ms");
}

Test(ecmgs_hostile, one_that_hangs_up_at_once)
{
    expect_backup(RIG_HANGS_UP, "ended: ");
}

/* The worst for a failback: its channel is up for a moment each time. */
Test(ecmgs_hostile, one_that_accepts_and_hangs_up_does_not_disturb_the_backup)
{
    rig.config.failback_ms = 400;
    create(RIG_HANGS_UP_WHEN_UP);
    cr_assert(rig_turn(rig_second_is_active, 10000));
    rig_wait(1500);
    cr_assert(rig_second_is_active());
    for (unsigned i = 0; i < 3; i++) {
        cr_assert_eq(rig.stream[i].ups, 1);
        cr_assert_eq(rig.stream[i].downs, 0);
    }
    cr_assert_leq(rig_status(0).attempts, 4, "after 0, 250, 750 and 1750 ms at the earliest");
}

Test(ecmgs_hostile, one_that_dies_without_a_word_is_left_after_its_time)
{
    uint64_t begin_ms;

    bring_up(RIG_WORKS);
    rig.ecmg[0].deaf = true;
    begin_ms = base_clock_monotonic_ms();
    cr_assert_eq(rig_ask(0, 1), 0);
    cr_assert(rig_turn(rig_second_is_active, 10000));
    cr_assert_geq(base_clock_monotonic_ms() - begin_ms, 100 + 300 + 500);
    cr_assert_eq(rig.stream[0].failures, 1);
    cr_assert_eq(rig_status(0).timeouts, 1);
    cr_assert_not_null(strstr(rig_status(0).last_error, "no channel_status within 500 ms"));
    cr_assert_eq(rig_ask(0, 1), 0);
}

static bool second_is_active_while_asking(void)
{
    rig_ask(0, 1);
    return rig_second_is_active();
}

Test(ecmgs_hostile, one_that_answers_tests_but_gives_no_ecms_is_left)
{
    bring_up(RIG_WORKS);
    rig.ecmg[0].keeps_ecms = true;
    cr_assert(rig_turn(second_is_active_while_asking, 20000));
    cr_assert_eq(rig.stream[0].failures, 3);
    cr_assert_eq(rig.ecmg[0].tests, 2);
    cr_assert_not_null(strstr(rig_status(0).last_error, "3 CW_provisions in a row"));
}

static unsigned wanted;

static bool has_failed_as_wanted(void)
{
    return rig.stream[0].failures == wanted;
}

static bool is_asked_again(void)
{
    rig_ask(0, (uint16_t)wanted);
    return rig.ecmg[0].provisions == 2 * wanted;
}

static bool has_ecms_as_wanted(void)
{
    return rig.stream[0].ecms == wanted;
}

/* Each ECM comes, but not before its CW_provision has timed out and been sent again. */
static void answer_late(unsigned periods)
{
    rig.ecmg[0].keeps_ecms = true;
    for (wanted = 1; wanted <= periods; wanted++) {
        rig_ask(0, (uint16_t)wanted);
        cr_assert(rig_turn(has_failed_as_wanted, 5000));
        cr_assert(rig_turn(is_asked_again, 5000));
        rig_answer(0);
        cr_assert(rig_turn(has_ecms_as_wanted, 5000));
    }
}

Test(ecmgs_hostile, one_that_is_always_late_is_left_for_the_backup)
{
    bring_up(RIG_WORKS);
    answer_late(2);
    rig_ask(0, 3);
    cr_assert(rig_turn(rig_second_is_active, 5000));
    cr_assert_eq(rig.stream[0].ecms, 2);
    cr_assert_not_null(strstr(rig_status(0).last_error, "3 CW_provisions in a row"));
}

Test(ecmgs_hostile, one_that_is_always_late_is_kept_where_there_is_no_backup)
{
    rig.config.count = 1;
    bring_up(RIG_WORKS);
    answer_late(4);
    cr_assert_eq(rig.stream[0].ecms, 4);
    cr_assert_eq(rig.stream[0].downs, 0);
}

static bool first_failed_four_times(void)
{
    rig_ask(0, 1);
    if (rig.stream[1].ecms < 1000)
        rig_ask(1, 1);
    return rig.stream[0].failures == 4;
}

/* Its answers to stream 1 say that it works, if not for stream 0. */
Test(ecmgs_hostile, one_that_is_silent_for_one_stream_alone_is_not_left)
{
    bring_up(RIG_WORKS);
    rig.ecmg[0].silent_stream_id = 1;
    rig.stream[1].keep_asking = true;
    cr_assert(rig_turn(first_failed_four_times, 20000));
    cr_assert(rig_first_is_active());
    cr_assert_gt(rig.stream[1].ecms, 10);
}

Test(ecmgs_hostile, one_that_resets_in_mid_message)
{
    bring_up(RIG_RESETS_IN_RESPONSE);
    rig_ask(0, 1);
    cr_assert(rig_turn(rig_second_is_active, 10000));
    cr_assert_eq(rig.stream[0].ecms, 0);
    cr_assert_eq(rig.stream[0].downs, 1);
    cr_assert_eq(rig_ask(0, 1), 0);
    cr_assert(rig_turn(first_has_ecm, 5000));
}

static bool uses_version_1(void)
{
    return rig_first_is_active() && rig_status(0).version == 1;
}

Test(ecmgs_hostile, versions_are_tried_downwards)
{
    rig.config.version = 5;
    rig.config.version_lowest = 1;
    rig.ecmg[0].version_max = 1;
    create(RIG_REFUSES_VERSIONS);
    cr_assert(rig_turn(uses_version_1, 10000));
    cr_assert_eq(rig.ecmg[0].connected, 4, "5, 3, 2, 1");
    cr_assert_eq(rig_status(0).failures, 0);
    rig_hang_up(0);
    cr_assert(rig_turn(rig_second_is_active, 10000));
    cr_assert_eq(rig_status(1).version, 5);
    cr_assert_eq(rig_status(0).version, 1, "it is remembered");
}

Test(ecmgs_hostile, version_1_is_tried_only_where_it_is_allowed)
{
    rig.ecmg[0].version_max = 1;
    create(RIG_REFUSES_VERSIONS);
    cr_assert(rig_turn(rig_second_is_active, 10000));
    cr_assert_eq(rig.ecmg[0].connected, 2, "3, 2");
    cr_assert_not_null(strstr(rig_status(0).last_error, "refused protocol version 2"));
    cr_assert_eq(rig_status(0).version, 3, "and begins anew");
}

/* Errors are counted, and never answered: else they would go on by themselves. */
Test(ecmgs_hostile, storms_of_errors)
{
    rig.config.count = 1;
    create(RIG_STORMS);
    rig_wait(400);
    cr_assert_geq(rig_status(0).errors, 300);
    cr_assert_lt(rig.ecmg[0].bytes, 2000, "%u bytes", (unsigned)rig.ecmg[0].bytes);
    cr_assert_eq(rig_status(0).attempts, 1);
    rig.ecmg[0].manner = RIG_WORKS;
    cr_assert(rig_turn(rig_all_up, 15000));
}

Test(ecmgs_hostile, storms_of_unreadable_errors_are_not_answered)
{
    static const uint8_t broken[] = {3, 0, 5, 0, 6, 0x00, 0x0E, 0, 2, 0, 1};
    size_t bytes;

    bring_up(RIG_WORKS);
    bytes = rig.ecmg[0].bytes;
    for (int i = 0; i < 10; i++)
        rig_say(0, broken, sizeof(broken));
    cr_assert(rig_turn(rig_second_is_active, 10000), "three in a row end the connection");
    cr_assert_lt(rig.ecmg[0].bytes - bytes, 100);
}

static bool two_are_up(void)
{
    return rig_up_count() == 2;
}

Test(ecmgs_hostile, a_stream_that_is_refused_is_tried_again_and_the_others_go_on)
{
    rig.ecmg[0].setup_error = SIMULCRYPT_ECMG_UNKNOWN_ECM_ID;
    rig.ecmg[0].bad_ecm_id = 101;
    create(RIG_WORKS);
    cr_assert(rig_turn(two_are_up, 5000));
    rig_ask(0, 1);
    cr_assert(rig_turn(first_has_ecm, 5000));
    rig_wait(1000);
    cr_assert_eq(rig_up_count(), 2);
    cr_assert_geq(rig.ecmg[0].setups, 4);
    cr_assert_leq(rig.ecmg[0].setups, 3 + 2, "after 250 to 313 and 750 to 938 ms");
    cr_assert_eq(rig_status(0).failures, 0);
    cr_assert_not_null(strstr(headend_ecm_stream_last_error(rig.stream[1].stream),
                              "refused the ECM stream with ECM_id 101: unknown ECM_id (0x0012)"));
    rig.ecmg[0].setup_error = 0;
    cr_assert(rig_turn(rig_all_up, 5000));
    cr_assert_eq(rig.stream[1].ups, 1);
}

Test(ecmgs_hostile, one_that_refuses_every_stream_is_left)
{
    rig.ecmg[0].setup_error = SIMULCRYPT_ECMG_TOO_MANY_STREAMS;
    create(RIG_WORKS);
    cr_assert(rig_turn(rig_second_is_active, 10000));
    cr_assert_not_null(strstr(rig_status(0).last_error, "refuses every ECM stream"));
}

static bool refused_by_both(void)
{
    return strstr(headend_ecm_stream_last_error(rig.stream[2].stream), "so did all the others");
}

Test(ecmgs_hostile, streams_that_all_refuse_say_so)
{
    rig.ecmg[0].setup_error = rig.ecmg[1].setup_error = SIMULCRYPT_ECMG_TOO_MANY_STREAMS;
    create(RIG_WORKS);
    cr_assert(rig_turn(refused_by_both, 10000));
    rig_wait(1000);
    cr_assert_leq(rig.ecmg[0].setups, 3 * 5, "%u", rig.ecmg[0].setups);
    rig.ecmg[1].setup_error = 0;
    cr_assert(rig_turn(rig_second_is_active, 15000));
}

static bool first_is_down(void)
{
    return rig.stream[0].downs == 1;
}

Test(ecmgs_hostile, a_stream_that_is_closed_is_set_up_again_and_the_others_go_on)
{
    bring_up(RIG_WORKS);
    rig.ecmg[0].provision_error = SIMULCRYPT_ECMG_UNRECOVERABLE;
    rig_ask(0, 1);
    cr_assert(rig_turn(first_is_down, 5000));
    cr_assert_not_null(strstr(rig.stream[0].why, "gave up"));
    cr_assert_eq(rig_up_count(), 2);
    cr_assert(rig_turn(rig_all_up, 5000));
    cr_assert_eq(rig.stream[1].downs + rig.stream[2].downs, 0);
    cr_assert_eq(rig_status(0).failures, 0);
}

Test(ecmgs_hostile, one_that_refuses_to_compute_is_asked_again_after_a_pause)
{
    uint64_t end_ms;

    rig.ecmg[0].provision_error = SIMULCRYPT_ECMG_OUT_OF_RESOURCES;
    bring_up(RIG_WORKS);
    for (end_ms = base_clock_monotonic_ms() + 1000; base_clock_monotonic_ms() < end_ms;) {
        rig_ask(0, 4);
        net_loop_run_once(rig.loop, 5);
    }
    cr_assert_geq(rig.ecmg[0].provisions, 3);
    cr_assert_leq(rig.ecmg[0].provisions, 4, "after 100, 300, 700 ms");
    cr_assert_eq(rig.stream[0].failures, rig.ecmg[0].provisions);
    cr_assert_not_null(strstr(rig.stream[0].why, "no ECM for crypto-period 4: ECMG out of computational"));
    cr_assert(rig_first_is_active(), "errors are answers");
    rig_wait(900);
    rig.ecmg[0].provision_error = 0;
    rig_ask(0, 4);
    cr_assert(rig_turn(first_has_ecm, 5000));
    cr_assert_str_empty(headend_ecm_stream_last_error(rig.stream[0].stream));
}

Test(ecmgs_hostile, values_that_a_group_cannot_use_leave_the_ecmg_alone_for_long)
{
    rig.stream[1].unusable = "lead_CW 0 cannot be used";
    rig.config.count = 1;
    create(RIG_WORKS);
    rig_wait(1000);
    cr_assert(rig_none_up());
    cr_assert_eq(rig.ecmg[0].connected, 1);
    cr_assert_not_null(strstr(rig_status(0).last_error, "lead_CW 0 cannot be used"));
    cr_assert_eq(rig.stream[0].ups, rig.stream[0].downs);
    cr_assert_eq(rig_status(0).state, HEADEND_ECMG_IDLE);
}

Test(ecmgs_hostile, an_address_without_a_name_is_an_error_and_no_crash)
{
    rig.addresses[0].host[0] = '\0';
    create(RIG_WORKS);
    cr_assert(rig_turn(rig_second_is_active, 10000));
    cr_assert_eq(rig_status(0).failures, 1);
}

/* No datagram of a late answer may reach the stream that asked another ECMG meanwhile. */
Test(ecmgs_hostile, answers_of_the_ecmg_that_was_left_are_not_taken)
{
    bring_up(RIG_WORKS);
    rig.ecmg[0].keeps_ecms = true;
    rig.stream[0].keep_asking = false;
    rig_ask(0, 1);
    cr_assert(rig_turn(first_has_failed, 5000));
    rig_answer(0);
    rig_wait(100);
    cr_assert_eq(rig.stream[0].ecms, 0);
    cr_assert(rig_first_is_active());
}
