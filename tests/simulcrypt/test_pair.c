/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "pair.h"

TestSuite(pair, .fini = pair_stop);

Test(pair, life_of_a_channel)
{
    pair_bring_up();
    cr_assert(!memcmp(&pair.seen_status, &pair.status, sizeof(pair.status)));
    cr_assert_eq(pair_provision(7, 0), 0);
    pair_pump();
    pair_expect("provision 7/0+ac ecm 7/0 ");
    cr_assert_arr_eq(pair.ecm, ((uint8_t[]){0x80, 0x70, 0x02, 0, 0}), 5);
    cr_assert_eq(pair_provision(7, 1), 0);
    pair_pump();
    pair_expect("provision 7/1 ecm 7/1 ");
    simulcrypt_scs_session_close(pair.scs);
    pair_pump();
    pair_expect("stream_closed 7 channel_closed 1 close(channel_close) ");
}

Test(pair, works_in_pieces_of_any_size)
{
    for (size_t cut = 1; cut < 40; cut++) {
        pair_start(NULL);
        pair.cut = cut;
        pair_add_stream(7);
        pair_add_stream(9);
        pair_connect();
        pair_pump();
        cr_assert_eq(pair_provision(7, 65535), 0);
        cr_assert_eq(pair_provision(9, 65535), 0);
        pair_pump();
        cr_assert(strstr(pair.diary, "ecm 7/65535"));
        cr_assert(strstr(pair.diary, "ecm 9/65535"));
        if (cut + 1 < 40)
            pair_stop();
    }
}
