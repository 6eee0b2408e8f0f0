/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is configured per Super_CAS_id, and CWs that come before the provision of their crypto-period. */
#include <criterion/criterion.h>
#include <string.h>

#include "ours.h"

static struct scs scs, other;

TestSuite(channels, .init = ours_set_up, .fini = ours_tear_down, .timeout = 60);

Test(channels, a_super_cas_id_has_values_of_its_own)
{
    ours.config.service_count = 2;
    ours.config.services[1] = ours.config.services[0];
    ours.config.services[1].super_cas_id = OTHER_CAS;
    ours.config.services[1].has_channel = true;
    ours.config.services[1].channel = ours.config.channel;
    ours.config.services[1].channel.status.delay_start = -700;
    ours.config.services[1].channel.status.packets = true;
    ours.config.services[1].channel.status.max_streams = 1;
    ours_start();
    ours_start_scs(&scs, 1, 2, 1);
    scs_start(&other, ours.loop, ours.port, 2, OTHER_CAS, 1, 1);
    RUN_UNTIL(ours.loop, other.streams_up == 1);
    cr_assert_eq(scs.status.delay_start, 0);
    cr_assert_eq(other.status.delay_start, -700);
    cr_assert(scs_provide(&scs, 1, 1, 8, NULL, 0));
    cr_assert(scs_provide(&other, 1, 1, 8, NULL, 0));
    cr_assert_eq(scs.datagram[0], 0x81);
    cr_assert_eq(other.datagram[0], 0x47);
    scs_stop(&scs);
    scs_stop(&other);
    scs_start(&other, ours.loop, ours.port, 2, OTHER_CAS, 2, 1);
    ours_assert_refused(&other, "too many ECM streams on this channel");
}

static void start(uint8_t lead_cw, uint8_t cw_per_msg)
{
    ours.config.channel.status.lead_cw = lead_cw;
    ours.config.channel.status.cw_per_msg = cw_per_msg;
    ours_start();
    ours_start_scs(&scs, 1, 1, 1);
}

static void assert_not_enough(uint16_t cp_number, uint8_t cw_size)
{
    cr_assert_not(scs_provide(&scs, 1, cp_number, cw_size, NULL, 0));
    cr_assert_not_null(strstr(scs.why, "not enough control words"), "%s", scs.why);
}

/* The first lead_CW - CW_per_msg + 1 provisions lack the CW of their own crypto-period. */
static void assert_remembers(uint8_t lead_cw, uint8_t cw_per_msg, uint16_t first)
{
    uint16_t cp_number = first;

    start(lead_cw, cw_per_msg);
    for (int i = 0; i < lead_cw - cw_per_msg + 1; i++)
        assert_not_enough(cp_number++, 16);
    for (unsigned i = 0; i < 20; i++, cp_number++) {
        uint16_t next = (uint16_t)(cp_number + 1);
        cr_assert(scs_provide(&scs, 1, cp_number, 16, NULL, 0), "%s", scs.why);
        ours_assert_ecm(&scs, cp_number, 16, cp_number & 1 ? next : cp_number,
                        cp_number & 1 ? cp_number : next);
    }
    scs_stop(&scs);
    ours_stop();
}

Test(channels, remembers_control_words_until_their_crypto_period)
{
    assert_remembers(1, 1, 5);
    assert_remembers(2, 1, 5);
    assert_remembers(2, 2, 5);
    assert_remembers(7, 1, 0);
    assert_remembers(7, 7, 9);
    assert_remembers(3, 1, 65530); /* crypto-period 65535 is followed by 0 */
}

Test(channels, a_crypto_period_may_be_asked_for_again)
{
    start(1, 1);
    assert_not_enough(10, 8);
    cr_assert(scs_provide(&scs, 1, 11, 8, NULL, 0));
    ours_assert_ecm(&scs, 11, 8, 12, 11);
    cr_assert(scs_provide(&scs, 1, 11, 8, NULL, 0));
    ours_assert_ecm(&scs, 11, 8, 12, 11);
    assert_not_enough(10, 8); /* it is over: its CW is gone */
    scs_stop(&scs);
}

Test(channels, control_words_of_another_count_of_crypto_periods_are_not_used)
{
    start(1, 1);
    assert_not_enough(10, 8);
    assert_not_enough(300, 8);
    assert_not_enough(11, 8); /* 11 came with 10, before the count jumped */
    cr_assert(scs_provide(&scs, 1, 12, 8, NULL, 0));
    scs_stop(&scs);
}

Test(channels, a_control_word_of_another_size_is_refused_and_forgotten)
{
    start(1, 1);
    assert_not_enough(10, 8);
    cr_assert_not(scs_provide(&scs, 1, 11, 16, NULL, 0));
    cr_assert_not_null(strstr(scs.why, "invalid parameter value"), "%s", scs.why);
    cr_assert(scs_provide(&scs, 1, 12, 16, NULL, 0));
    ours_assert_ecm(&scs, 12, 16, 12, 13);
    scs_stop(&scs);
}

Test(channels, access_criteria_are_missed_in_every_provision_where_they_are_asked_for)
{
    ours.config.channel.access_criteria_transfer_mode = true;
    ours_start();
    ours_start_scs(&scs, 1, 1, 1);
    cr_assert_not(scs_provide(&scs, 1, 1, 8, NULL, 0));
    cr_assert_not_null(strstr(scs.why, "missing mandatory parameter: access_criteria"), "%s", scs.why);
    for (uint16_t cp = 2; cp < 5; cp++) {
        cr_assert(scs_provide(&scs, 1, cp, 8, "gold", 4)); /* the session repeats them by itself, too */
        ours_assert_ecm(&scs, cp, 8, cp & 1 ? cp + 1 : cp, cp & 1 ? cp : cp + 1);
        cr_assert_eq(ours.opened.access_criteria_size, 4);
    }
    cr_assert(scs_provide(&scs, 1, 5, 8, NULL, 0));
    ours_assert_ecm(&scs, 5, 8, 6, 5);
    cr_assert_arr_eq(ours.opened.access_criteria, "gold", 4);
    scs_stop(&scs);
}
