/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Recorded conversations of a foreign EMMG played against the MUX over real sockets: it gets the recorded
 * MUX's answers, and its EMMs go on air. */
#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mux_rig.h"
#include "simulcrypt/emmg_mux_table.h"
#include "tests/simulcrypt/capture.h"

#define PACE_MS 40 /* between its messages */

static struct capture capture, answers;
static struct peer emmg;

TestSuite(mux_captures, .init = mux_rig_init, .fini = mux_rig_stop, .timeout = 60);

/* The entry is for whom the recording has. */
static void start(const char *name)
{
    struct capture_messages messages;
    struct simulcrypt_message setup;

    if (!capture_load(&capture, name))
        cr_skip_test("SCRAMLINE_CAPTURES is not set");
    messages = capture_cut(&capture, CAPTURE_TO_SERVER);
    setup = capture_decode(&simulcrypt_emmg_mux, CAPTURE_TO_SERVER, &messages, 0);
    rig.config.entries[0].client_id = simulcrypt_message_number(&setup, SIMULCRYPT_EMMG_P_CLIENT_ID);
    rig.config.entries[0].any_data_id = true;
    rig.config.has_udp = true;
    mux_rig_start();
    peer_connect(&emmg);
}

static void expect_recorded_answers(void)
{
    MUX_RIG_UNTIL(emmg.size >= capture.size[CAPTURE_TO_CLIENT]);
    memcpy(answers.bytes[CAPTURE_TO_CLIENT], emmg.heard, emmg.size);
    answers.size[CAPTURE_TO_CLIENT] = emmg.size;
    capture_expect_same_messages(&simulcrypt_emmg_mux, &capture, &answers, CAPTURE_TO_CLIENT);
}

Test(mux_captures, sections_over_tcp)
{
    struct mux_rig_air *air = mux_rig_air(0, 0x500);
    struct capture_messages messages;

    start("emmg-mux-tcp.pcap");
    messages = capture_cut(&capture, CAPTURE_TO_SERVER);
    for (size_t i = 0; i < messages.count; i++) {
        peer_send(&emmg, messages.bytes[i], messages.size[i]);
        mux_rig_run(PACE_MS);
    }
    expect_recorded_answers();
    MUX_RIG_UNTIL(air->sections >= 19 * 8 + 4 * 7);
    cr_assert_eq(air->sections, 19 * 8 + 4 * 7);
    cr_assert_eq(air->assembler.lost, 0);
    peer_close(&emmg);
}

Test(mux_captures, packets_over_udp)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct mux_rig_air *air = mux_rig_air(0, 0x500);
    int sender = socket(AF_INET, SOCK_DGRAM, 0);
    struct capture_messages messages;

    start("emmg-mux-udp.pcap");
    to.sin_port = htons(headend_mux_udp_port(rig.mux));
    peer_send(&emmg, capture.bytes[CAPTURE_TO_SERVER], capture.size[CAPTURE_TO_SERVER]);
    expect_recorded_answers();
    messages = capture_cut(&capture, CAPTURE_UDP);
    for (size_t i = 0; i < messages.count; i++) {
        sendto(sender, messages.bytes[i], messages.size[i], 0, (struct sockaddr *)&to, sizeof(to));
        mux_rig_run(PACE_MS);
    }
    MUX_RIG_UNTIL(mux_rig_counters().datagrams >= messages.count);
    MUX_RIG_UNTIL(mux_rig_status(0).queued == 0);
    mux_rig_run(10);
    cr_assert_gt(air->sections, 20);
    cr_assert_eq(air->assembler.lost, 0);
    cr_assert_eq(mux_rig_status(0).bytes, TS_PACKET_SIZE * air->packets);
    close(sender);
    peer_close(&emmg);
}
