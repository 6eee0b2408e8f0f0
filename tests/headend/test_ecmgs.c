/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Streams and channels, with ECMGs that keep to the rules. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "ecmgs_rig.h"

TestSuite(ecmgs, .init = rig_begin, .fini = rig_end, .timeout = 60);

static bool first_has_ecm(void)
{
    return rig.stream[0].ecms;
}

static bool first_has_failed(void)
{
    return rig.stream[0].failures;
}

static bool first_ecmg_was_asked(void)
{
    return rig.ecmg[0].provisions;
}

Test(ecmgs, a_stream_is_set_up_with_the_primary_and_gives_ecms)
{
    rig_create_with_streams(1);
    cr_assert_eq(rig_ask(0, 9), -ENOTCONN);
    cr_assert_not(headend_ecm_stream_is_up(rig.stream[0].stream));
    cr_assert(rig_turn(rig_first_is_active, 5000));
    cr_assert_eq(rig.stream[0].ups, 1);
    cr_assert_eq(rig.stream[0].status.delay_start, -100);
    cr_assert_eq(rig_ask(0, 9), 0);
    cr_assert_eq(rig_ask(0, 10), -EBUSY, "one at a time");
    cr_assert(rig_turn(first_has_ecm, 5000));
    cr_assert_eq(rig.stream[0].last_cp, 9);
    cr_assert_eq(rig_ask(0, 10), 0);
    cr_assert_str_empty(headend_ecm_stream_last_error(rig.stream[0].stream));
    cr_assert_str_eq(headend_ecmgs_name(rig.ecmgs), "cas");
    cr_assert_eq(headend_ecmgs_count(rig.ecmgs), 2);
    cr_assert_geq(rig.changes, 2);
}

Test(ecmgs, what_an_ecmg_did_is_told)
{
    struct headend_ecmg_status status;

    rig_bring_up(3);
    rig_ask(0, 9);
    cr_assert(rig_turn(first_has_ecm, 5000));
    status = rig_status(0);
    cr_assert_eq(status.state, HEADEND_ECMG_ACTIVE);
    cr_assert_eq(status.version, 3);
    cr_assert_eq(status.channels, 1);
    cr_assert_eq(status.streams, 3);
    cr_assert_eq(status.attempts, 1);
    cr_assert_eq(status.failures, 0);
    cr_assert_eq(status.provisions, 1);
    cr_assert_eq(status.ecms, 1);
    cr_assert_leq(status.response_ms, status.response_ms_max);
    cr_assert_str_empty(status.last_error);
    cr_assert_not_null(strstr(status.address, "127.0.0.1:"));
    cr_assert_eq(rig_status(1).state, HEADEND_ECMG_IDLE);
    cr_assert_eq(rig_status(1).attempts, 0, "the backup is not needed");
    cr_assert_eq(headend_ecmgs_status(rig.ecmgs, 2, &status), -ERANGE);
}

Test(ecmgs, configurations_that_cannot_be_are_refused)
{
    struct headend_ecmgs *none;

    rig.config.version = 4;
    cr_assert_eq(headend_ecmgs_create(&none, rig.loop, &rig.config), -EINVAL);
    rig.config.version = 2;
    rig.config.version_lowest = 3;
    cr_assert_eq(headend_ecmgs_create(&none, rig.loop, &rig.config), -EINVAL);
    rig.config.version_lowest = 4;
    rig.config.version = 5;
    cr_assert_eq(headend_ecmgs_create(&none, rig.loop, &rig.config), -EINVAL);
    rig.config.version_lowest = 0;
    rig.config.outstanding_max = SIMULCRYPT_OUTSTANDING_MAX + 1;
    cr_assert_eq(headend_ecmgs_create(&none, rig.loop, &rig.config), -EINVAL);
    rig.config.outstanding_max = 0;
    rig.config.count = 0;
    cr_assert_eq(headend_ecmgs_create(&none, rig.loop, &rig.config), -EINVAL);
    rig.config.count = HEADEND_ECMGS_MAX + 1;
    cr_assert_eq(headend_ecmgs_create(&none, rig.loop, &rig.config), -EINVAL);
    headend_ecmgs_destroy(NULL);
    headend_ecm_stream_destroy(NULL);
}

static bool thousand_ecms(void)
{
    unsigned ecms = 0;

    for (unsigned i = 0; i < RIG_STREAMS; i++)
        ecms += rig.stream[i].ecms;
    return ecms >= RIG_STREAMS;
}

/* Well under a second where nothing else runs. */
Test(ecmgs, a_thousand_streams_share_one_channel)
{
    uint64_t begin_ms = base_clock_monotonic_ms();

    rig_bring_up(RIG_STREAMS);
    cr_log_info("set up in %u ms", (unsigned)(base_clock_monotonic_ms() - begin_ms));
    cr_assert_lt(base_clock_monotonic_ms() - begin_ms, 4000);
    cr_assert_eq(rig_status(0).channels, 1);
    for (unsigned i = 0; i < RIG_STREAMS; i++)
        cr_assert_eq(rig_ask(i, 1), 0);
    cr_assert(rig_turn(thousand_ecms, 10000));
    cr_assert_eq(rig_status(0).ecms, RIG_STREAMS);
}

Test(ecmgs, streams_are_spread_over_channels_of_max_streams)
{
    rig.ecmg[0].status.max_streams = 8;
    rig_bring_up(60);
    cr_assert_eq(rig_status(0).channels, 8);
    cr_assert_eq(rig_status(0).streams, 60);
    cr_assert_eq(rig.ecmg[0].setups, 60, "none was refused");
    rig_add_streams(4);
    cr_assert(rig_turn(rig_all_up, 5000));
    cr_assert_eq(rig_status(0).channels, 8, "there was room for them");
    rig_add_streams(1);
    cr_assert(rig_turn(rig_all_up, 5000));
    cr_assert_eq(rig_status(0).channels, 9);
}

static bool one_channel_is_closed(void)
{
    return rig.ecmg[0].closed_channels == 1;
}

Test(ecmgs, a_channel_without_streams_is_closed)
{
    rig.ecmg[0].status.max_streams = 2;
    rig_bring_up(4);
    for (unsigned i = 2; i < 4; i++) {
        headend_ecm_stream_destroy(rig.stream[i].stream);
        rig.stream[i].stream = NULL;
    }
    cr_assert(rig_turn(one_channel_is_closed, 5000));
    cr_assert_eq(rig.ecmg[0].closed_streams, 2);
    cr_assert_eq(rig_up_count(), 2);
    cr_assert_eq(rig_status(0).channels, 1);
    cr_assert_eq(rig.channels, 1);
}

Test(ecmgs, an_ecmg_may_know_better_than_its_max_streams)
{
    rig.ecmg[0].streams_max = 10;
    rig_bring_up(35);
    cr_assert_eq(rig_status(0).channels, 4);
    for (unsigned i = 0; i < 35; i++)
        cr_assert_eq(rig.stream[i].ups, 1);
}

Test(ecmgs, a_second_channel_that_is_refused_leaves_the_first_alone)
{
    rig.ecmg[0].status.max_streams = 10;
    rig.ecmg[0].manner = RIG_REFUSES_CHANNELS;
    rig_create_with_streams(25);
    rig_wait(1000);
    cr_assert_eq(rig_up_count(), 10);
    cr_assert_eq(rig_status(0).state, HEADEND_ECMG_ACTIVE);
    cr_assert_eq(rig_status(0).failures, 0);
    cr_assert_leq(rig_status(0).attempts, 1 + 2 * 4, "with growing pauses");
    cr_assert_not_null(strstr(headend_ecm_stream_last_error(rig.stream[24].stream), "too many channels"));
    for (unsigned i = 0; i < 10; i++)
        cr_assert_eq(rig.stream[i].downs, 0);
    rig.ecmg[0].manner = RIG_WORKS;
    cr_assert(rig_turn(rig_all_up, 15000));
}

Test(ecmgs, channel_ids_may_run_out)
{
    rig.channels_max = 1;
    rig.ecmg[0].status.max_streams = 1;
    rig_create_with_streams(2);
    rig_wait(300);
    cr_assert_eq(rig_up_count(), 1);
    cr_assert_not_null(strstr(headend_ecm_stream_last_error(rig.stream[1].stream), "ECM_channel_id"));
    rig.channels_max = 2;
    cr_assert(rig_turn(rig_all_up, 10000));
}

Test(ecmgs, the_operator_knows_values_better)
{
    rig.config.override = (struct headend_status_override){.has_delay_start = true,
                                                           .delay_start = -700,
                                                           .has_ac_delay_stop = true,
                                                           .ac_delay_stop = 300,
                                                           .has_min_cp_duration = true,
                                                           .min_cp_duration = 120,
                                                           .has_max_comp_time = true,
                                                           .max_comp_time = 1};
    rig.config.network_delay_ms = 50;
    rig.ecmg[0].status.max_comp_time = 30000;
    rig.ecmg[0].keeps_ecms = true;
    rig_bring_up(1);
    cr_assert_eq(rig.stream[0].status.delay_start, -700);
    cr_assert(rig.stream[0].status.has_ac_delay_stop);
    cr_assert_eq(rig.stream[0].status.ac_delay_stop, 300);
    cr_assert_not(rig.stream[0].status.has_ac_delay_start);
    cr_assert_eq(rig.ecmg[0].nominal, 120);
    rig_ask(0, 1);
    cr_assert(rig_turn(first_has_failed, 10000), "max_comp_time counts in time-outs");
}

Test(ecmgs, several_provisions_may_be_outstanding)
{
    rig.config.outstanding_max = 2;
    rig_bring_up(1);
    cr_assert_eq(rig_ask(0, 65535), 0);
    cr_assert_eq(rig_ask(0, 0), 0);
    cr_assert_eq(rig_ask(0, 1), -EBUSY);
    cr_assert(rig_turn(first_has_ecm, 5000));
}

static bool one_stream_is_closed(void)
{
    return rig.ecmg[0].closed_streams == 1;
}

Test(ecmgs, streams_come_and_go)
{
    rig_bring_up(3);
    rig.ecmg[0].keeps_ecms = true;
    rig_ask(1, 5);
    cr_assert(rig_turn(first_ecmg_was_asked, 5000));
    headend_ecm_stream_destroy(rig.stream[1].stream);
    rig.stream[1] = rig.stream[2];
    rig.stream_count = 2;
    cr_assert(rig_turn(one_stream_is_closed, 5000));
    cr_assert_eq(rig_up_count(), 2);
    rig.ecmg[0].keeps_ecms = false;
    rig_ask(0, 6);
    cr_assert(rig_turn(first_has_ecm, 5000));
}

static bool two_channels_are_closed(void)
{
    return rig.ecmg[0].closed_channels == 2;
}

Test(ecmgs, closes_in_order)
{
    rig.ecmg[0].status.max_streams = 2;
    rig_bring_up(4);
    headend_ecmgs_destroy(rig.ecmgs);
    rig.ecmgs = NULL;
    cr_assert(rig_turn(two_channels_are_closed, 5000));
    cr_assert_eq(rig.ecmg[0].closed_streams, 4);
    cr_assert_eq(rig.channels, 0);
}

/* At every turn of the loop of a CAS with failing ECMGs, and before the first. */
Test(ecmgs, may_be_destroyed_at_any_moment)
{
    rig.config.failback_ms = 0;
    rig.ecmg[0].status.max_streams = 2;
    for (unsigned turns = 0; turns < 40; turns++) {
        rig.stream_count = 0;
        rig.ecmg[0].manner = turns % 2 ? RIG_HANGS_UP_WHEN_UP : RIG_WORKS;
        rig_create_with_streams(5);
        for (unsigned i = 0; i < turns; i++)
            net_loop_run_once(rig.loop, 1);
        for (unsigned i = 0; i < rig.stream_count; i++)
            rig_ask(i, 1);
        if (turns % 3 == 0)
            headend_ecm_stream_destroy(rig.stream[turns % 5].stream);
        headend_ecmgs_destroy(rig.ecmgs);
        rig.ecmgs = NULL;
        cr_assert_eq(rig.channels, 0);
        memset(rig.stream, 0, sizeof(rig.stream));
    }
}
