/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bytes of a connection to lines: ends, framing, searching, round trips, secrets. */
#include "watched.h"

TestSuite(watch_link, .timeout = 30);

static struct cmd_watch_link *link_with(bool any, bool midway, bool ends_sure)
{
    struct cmd_watch_link_config config = {
        .any = any, .midway = midway, .ends_sure = ends_sure, .client = "client:1", .server = "server:2"};
    struct cmd_watch_link *link;

    cr_assert_eq(cmd_watch_link_create(&link, watch, &config), 0);
    return link;
}

static void give(struct cmd_watch_link *link, enum cmd_watch_end from, struct watched_message message)
{
    cmd_watch_link_input(link, from, message.bytes, message.size);
}

Test(watch_link, names_ends_and_messages)
{
    watched_start((struct cmd_watch_config){.json = false});
    struct cmd_watch_link *link = link_with(false, false, true);
    watch->now_ns = UINT64_C(1700000000123456789);
    give(link, CMD_WATCH_CLIENT, watched_test());
    give(link, CMD_WATCH_SERVER, watched_test());
    cmd_watch_link_end(link, "closed");
    watched_expect("2023-11-14T22:13:20.123456Z #1 client:1 → server:2\n");
    watched_expect("2023-11-14T22:13:20.123456Z #1 SCS → ECMG v3 channel_test ECM_channel_id=1\n");
    watched_expect("#1 ECMG → SCS v3 channel_test ECM_channel_id=1\n");
    watched_expect("#1 closed\n");
    cmd_watch_link_destroy(link);
    watched_stop();
}

Test(watch_link, cuts_do_not_matter)
{
    struct watched_message message = watched_provision(5);

    for (size_t cut = 1; cut < message.size; cut++) {
        for (unsigned any = 0; any < 2; any++) {
            watched_start((struct cmd_watch_config){.json = false});
            struct cmd_watch_link *link = link_with(any, false, true);
            cmd_watch_link_input(link, CMD_WATCH_CLIENT, message.bytes, cut);
            cmd_watch_link_input(link, CMD_WATCH_CLIENT, message.bytes + cut, message.size - cut);
            give(link, CMD_WATCH_CLIENT, watched_provision(6));
            cr_assert_eq(watch->counters.messages, 2, "cut at %zu", cut);
            cr_assert_eq(watch->counters.bytes_passed_over, 0);
            cmd_watch_link_destroy(link);
            watched_stop();
        }
    }
}

Test(watch_link, finds_the_next_message_behind_bytes_that_are_none)
{
    struct watched_message message = watched_provision(5);

    for (size_t from = 1; from < message.size; from++) {
        watched_start((struct cmd_watch_config){.json = false});
        struct cmd_watch_link *link = link_with(false, true, true);
        cmd_watch_link_input(link, CMD_WATCH_CLIENT, message.bytes + from, message.size - from);
        for (size_t i = 0; i < message.size; i++) /* and that one comes byte by byte */
            cmd_watch_link_input(link, CMD_WATCH_CLIENT, message.bytes + i, 1);
        cr_assert_eq(watch->counters.messages, 1, "from byte %zu", from);
        cr_assert_eq(watch->counters.bytes_passed_over, message.size - from);
        cmd_watch_link_destroy(link);
        watched_stop();
    }
}

Test(watch_link, a_gap_is_named_and_got_over)
{
    watched_start((struct cmd_watch_config){.json = false});
    struct cmd_watch_link *link = link_with(false, false, true);
    struct watched_message message = watched_provision(1);
    give(link, CMD_WATCH_CLIENT, watched_test());
    cmd_watch_link_input(link, CMD_WATCH_CLIENT, message.bytes, 20);
    cmd_watch_link_gap(link, CMD_WATCH_CLIENT, 1234);
    cmd_watch_link_input(link, CMD_WATCH_CLIENT, message.bytes + 25, message.size - 25);
    give(link, CMD_WATCH_CLIENT, watched_provision(2));
    watched_expect("#1 1234 bytes from client:1 are missing in the capture\n");
    watched_expect("CP_number=2");
    cr_assert_eq(watch->counters.gaps, 1);
    cr_assert_eq(watch->counters.bytes_missing, 1234);
    cr_assert_eq(watch->counters.messages, 2);
    cmd_watch_link_destroy(link);
    watched_stop();
}

Test(watch_link, messages_tell_who_is_the_client)
{
    watched_start((struct cmd_watch_config){.json = false});
    struct cmd_watch_link *link = link_with(false, true, false);
    give(link, CMD_WATCH_SERVER, watched_provision(1)); /* only an SCS sends these */
    watched_expect("#1 server:2 → client:1\n");
    watched_expect("#1 SCS → ECMG v3 CW_provision");
    give(link, CMD_WATCH_CLIENT, watched_response(1));
    watched_expect("#1 ECMG → SCS v3 ECM_response");
    cmd_watch_link_destroy(link);
    watched_stop();
}

Test(watch_link, what_is_not_simulcrypt_is_passed_over_in_bounds)
{
    static uint8_t noise[1000];

    watched_start((struct cmd_watch_config){.json = false});
    struct cmd_watch_link *link = link_with(false, false, true);
    for (unsigned i = 0; i < 200; i++) {
        memset(noise, (int)i, sizeof(noise));
        cmd_watch_link_input(link, CMD_WATCH_CLIENT, noise, sizeof(noise));
    }
    give(link, CMD_WATCH_CLIENT, watched_test());
    cmd_watch_link_end(link, "closed");
    fflush(watched_file);
    cr_assert_eq(watched_size, 0, "%s", watched_text);
    cr_assert_eq(watch->counters.connections, 0);
    cr_assert_eq(watch->counters.connections_passed_over, 1);
    cmd_watch_link_destroy(link);
    watched_stop();
}

Test(watch_link, round_trips_are_timed_by_stream_and_cp)
{
    watched_start((struct cmd_watch_config){.json = false});
    struct cmd_watch_link *link = link_with(true, false, true);
    watch->now_ns = 1000000000;
    give(link, CMD_WATCH_CLIENT, watched_provision(1));
    watch->now_ns += 1000000;
    give(link, CMD_WATCH_CLIENT, watched_provision(2));
    watch->now_ns += 2000000;
    give(link, CMD_WATCH_SERVER, watched_response(2));
    watch->now_ns += 5000000;
    give(link, CMD_WATCH_SERVER, watched_response(1));
    give(link, CMD_WATCH_SERVER, watched_response(1)); /* nobody asked again */
    give(link, CMD_WATCH_CLIENT, watched_provision(3));
    cmd_watch_link_end(link, "closed");
    cr_assert_eq(watch->round_trips.count, 2);
    cr_assert_eq(watch->round_trips.longest, 8000000);
    cr_assert_eq(watch->counters.unanswered, 1);
    cmd_watch_summary(watch);
    watched_expect("longest 8.000 ms, 2 times\n");
    watched_expect("1 CW_provisions had no ECM_response\n");
    watched_expect("         3 ECMG-SCS CW_provision\n");
    cmd_watch_link_destroy(link);
    watched_stop();
}

static void give_secrets(struct cmd_watch_config config, const struct cmd_watch_interface *interface)
{
    struct cmd_watch_link_config choice = {.interface = interface, .any = true, .ends_sure = true};
    struct watched_message unknown = watched_provision(1);
    struct cmd_watch_link *link;

    unknown.bytes[1] = 0x42; /* a message_type that no table has, with a CW in it */
    watched_start(config);
    cr_assert_eq(cmd_watch_link_create(&link, watch, &choice), 0);
    give(link, CMD_WATCH_CLIENT, watched_provision(1));
    give(link, CMD_WATCH_CLIENT, unknown);
    cmd_watch_link_input(link, CMD_WATCH_CLIENT, watched_cw, sizeof(watched_cw));
    cmd_watch_link_end(link, "closed");
    cmd_watch_summary(watch);
    cmd_watch_link_destroy(link);
    fflush(watched_file);
}

Test(watch_link, control_words_are_hidden_whatever_the_interface_is_said_to_be)
{
    for (unsigned i = 0; i <= CMD_WATCH_INTERFACES; i++)
        for (unsigned json = 0; json < 2; json++) {
            give_secrets((struct cmd_watch_config){.json = json, .full = true},
                         i < CMD_WATCH_INTERFACES ? &cmd_watch_interfaces[i] : NULL);
            cr_assert(!watched_has(WATCHED_CW_TEXT) && !watched_has("C1C2"), "%s", watched_text);
            cr_assert_eq(watch->counters.unknown, 1);
            watched_stop();
        }
    give_secrets((struct cmd_watch_config){.show_secrets = true}, NULL);
    watched_expect("CP_CW_combination=1:" WATCHED_CW_TEXT);
    watched_stop();
}

Test(watch_link, what_is_wrong_is_told)
{
    struct watched_message message = watched_begin(0x0101); /* stream_setup without most of it */

    watched_start((struct cmd_watch_config){.json = false});
    struct cmd_watch_link *link = link_with(true, false, true);
    watched_put_u16(&message, 0x000E, 1);
    give(link, CMD_WATCH_CLIENT, message);
    watched_expect("v3 stream_setup ECM_channel_id=1 INVALID(missing mandatory parameter");
    cr_assert_eq(watch->counters.invalid, 1);
    cmd_watch_link_destroy(link);
    watched_stop();
}

Test(watch_link, datagrams_hold_whole_messages)
{
    struct watched_message message = watched_begin(0x0211);

    watched_put(&message, 0x0001, "\0\0\0\5", 4);
    watched_put_u16(&message, 0x0008, 9);
    watched_put(&message, 0x0005, "\x82\x70\0", 3);
    watched_start((struct cmd_watch_config){.json = false});
    struct cmd_watch_link *link = link_with(false, false, true);
    cmd_watch_link_datagram(link, CMD_WATCH_CLIENT, message.bytes, message.size);
    watched_expect("EMMG → MUX v3 data_provision client_id=0x00000005 data_id=9 datagram=827000\n");
    cmd_watch_link_datagram(link, CMD_WATCH_CLIENT, message.bytes, message.size - 1);
    watched_expect("#1 25 bytes are no message\n");
    cr_assert_eq(watch->counters.messages, 1);
    cmd_watch_link_destroy(link);
    watched_stop();
}

Test(watch_link, stops_after_the_count)
{
    watched_start((struct cmd_watch_config){.count_max = 2});
    struct cmd_watch_link *link = link_with(true, false, true);
    for (unsigned i = 0; i < 5; i++)
        give(link, CMD_WATCH_CLIENT, watched_test());
    cr_assert(cmd_watch_is_done(watch));
    cr_assert_eq(watch->counters.messages, 2);
    cmd_watch_link_destroy(link);
    watched_stop();
}
