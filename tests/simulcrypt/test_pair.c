/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pair.h"

TestSuite(pair, .fini = pair_stop);

Test(pair, life_of_a_channel)
{
    pair_bring_up();
    cr_assert(!memcmp(&pair.seen_status, &pair.status, sizeof(pair.status)));
    cr_assert_eq(pair_provision(7, 0), 0);
    wire_pump();
    wire_expect("provision 7/0+ac ecm 7/0 ");
    cr_assert_arr_eq(pair.ecm, ((uint8_t[]){0x80, 0x70, 0x02, 0, 0}), 5);
    cr_assert_eq(pair_provision(7, 1), 0);
    wire_pump();
    wire_expect("provision 7/1 ecm 7/1 ");
    simulcrypt_scs_session_close(pair.scs);
    wire_pump();
    wire_expect("stream_closed 7 channel_closed 1 close(channel_close) ");
}

Test(pair, works_in_pieces_of_any_size)
{
    for (size_t cut = 1; cut < 40; cut++) {
        pair_start(NULL);
        wire.cut = cut;
        pair_add_stream(7);
        pair_add_stream(9);
        pair_connect();
        wire_pump();
        cr_assert_eq(pair_provision(7, 65535), 0);
        cr_assert_eq(pair_provision(9, 65535), 0);
        wire_pump();
        cr_assert(strstr(wire.diary, "ecm 7/65535"));
        cr_assert(strstr(wire.diary, "ecm 9/65535"));
        if (cut + 1 < 40)
            pair_stop();
    }
}

Test(pair, a_reconnection_sets_everything_up_anew)
{
    pair_bring_up();
    cr_assert_eq(pair_provision(7, 0), 0);
    simulcrypt_scs_session_disconnected(pair.scs);
    pair_ecmg_restart();
    wire_expect("stream_closed 7 channel_closed 1 ");
    pair_connect();
    wire_pump();
    wire_expect("channel 1 of 12345678 channel_up stream 1/7 ecm_id 107 nominal 100 stream_up 7 ");
    cr_assert_eq(pair_provision(7, 0), 0);
    wire_pump();
    wire_expect("provision 7/0+ac ecm 7/0 ");
}

Test(pair, many_streams_answer_each_for_itself)
{
    pair_start(NULL);
    for (unsigned i = 0; i < 60; i++)
        pair_add_stream((uint16_t)(i * 1009));
    pair_connect();
    wire_pump();
    wire.diary[0] = 0;
    for (unsigned i = 0; i < 60; i++)
        cr_assert_eq(pair_provision((uint16_t)(i * 1009), (uint16_t)i), 0);
    wire_pump();
    for (unsigned i = 0; i < 60; i++) {
        char expected[40];
        snprintf(expected, sizeof(expected), "ecm %u/%u ", i * 1009, i);
        cr_assert(strstr(wire.diary, expected), "%s", expected);
    }
}

/* No answer to a damaged message may call for another for ever: the queues run empty, whatever was damaged.
 */
Test(pair, damaged_conversations_come_to_an_end, .timeout = 60)
{
    unsigned working = 0;
    srand(1);
    for (unsigned run = 0; run < 10000; run++) {
        pair_start(NULL);
        wire.cut = (size_t)(rand() % 40);
        wire.damage = run ? 1 + rand() % 200 : 0;
        pair_add_stream(7);
        pair_connect();
        wire_pump();
        pair_provision(7, (uint16_t)run);
        wire_pump();
        simulcrypt_scs_session_close(pair.scs);
        wire_pump();
        working += strstr(wire.diary, "ecm 7/") != NULL;
        pair_stop();
    }
    cr_assert(working > 1000 && working < 10000, "%u of 10000 got their ECM", working);
    pair_start(NULL);
}
