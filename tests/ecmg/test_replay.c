/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What another program's SCS once said to another program's ECMG, said to ours over a socket: the answers
 * must be what the standard asks for. */
#include <criterion/criterion.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cursor.h"
#include "ours.h"
#include "simulcrypt/ecmg_scs_table.h"
#include "tests/simulcrypt/capture.h"

/* The answer to each message of an SCS; 0: none, but the end. */
static const struct {
    uint16_t request, answer;
} expected[] = {
    {SIMULCRYPT_ECMG_M_CHANNEL_SETUP, SIMULCRYPT_ECMG_M_CHANNEL_STATUS},
    {SIMULCRYPT_ECMG_M_CHANNEL_TEST, SIMULCRYPT_ECMG_M_CHANNEL_STATUS},
    {SIMULCRYPT_ECMG_M_STREAM_SETUP, SIMULCRYPT_ECMG_M_STREAM_STATUS},
    {SIMULCRYPT_ECMG_M_STREAM_TEST, SIMULCRYPT_ECMG_M_STREAM_STATUS},
    {SIMULCRYPT_ECMG_M_CW_PROVISION, SIMULCRYPT_ECMG_M_ECM_RESPONSE},
    {SIMULCRYPT_ECMG_M_STREAM_CLOSE_REQUEST, SIMULCRYPT_ECMG_M_STREAM_CLOSE_RESPONSE},
    {SIMULCRYPT_ECMG_M_CHANNEL_CLOSE, 0},
};
static struct capture capture;
static unsigned provisions;

TestSuite(replay, .init = ours_set_up, .fini = ours_tear_down, .timeout = 60);

static uint16_t answer_to(const struct simulcrypt_message *request)
{
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        if (expected[i].request == request->type)
            return expected[i].answer;
    }
    cr_assert_fail("%s from an SCS", request->definition->name);
    return 0;
}

static void assert_echoed(const struct simulcrypt_message *request, const struct simulcrypt_message *answer,
                          uint16_t tag)
{
    if (simulcrypt_message_count(answer, tag) && simulcrypt_message_count(request, tag))
        cr_assert_eq(simulcrypt_message_number(answer, tag), simulcrypt_message_number(request, tag), "%s",
                     simulcrypt_parameter_name(&simulcrypt_ecmg_scs, tag));
}

static struct simulcrypt_field section_of(struct simulcrypt_field datagram, bool packets)
{
    if (!packets)
        return datagram;
    cr_assert_eq(datagram.size, 188);
    cr_assert_eq(datagram.value[0], 0x47);
    cr_assert_eq(datagram.value[4], 0, "pointer_field");
    return (struct simulcrypt_field){datagram.value + 5,
                                     (uint16_t)(3 + (base_load_u16(datagram.value + 6) & 0xFFF))};
}

/* The ECM opens to the CWs and the access criteria of the request. */
static void assert_ecm(const struct simulcrypt_message *request, const struct simulcrypt_message *answer)
{
    struct simulcrypt_field cw = simulcrypt_message_first(request, SIMULCRYPT_ECMG_P_CP_CW_COMBINATION);
    struct simulcrypt_field criteria = simulcrypt_message_first(request, SIMULCRYPT_ECMG_P_ACCESS_CRITERIA);
    struct simulcrypt_field ecm = section_of(simulcrypt_message_first(answer, SIMULCRYPT_ECMG_P_ECM_DATAGRAM),
                                             ours.config.channel.status.packets);
    struct ecmg_ecm *opened = &ours.opened;

    cr_assert_eq(ecmg_ecm_open(&ours.config.services[0].key, ecm.value, ecm.size, opened), 0);
    for (; cw.value; cw = simulcrypt_message_next(request, SIMULCRYPT_ECMG_P_CP_CW_COMBINATION, cw)) {
        const struct base_secret *word = base_load_u16(cw.value) & 1 ? &opened->odd : &opened->even;
        cr_assert_eq(word->size, cw.size - 2);
        cr_assert_arr_eq(word->bytes, cw.value + 2, word->size);
    }
    cr_assert_eq(opened->access_criteria_size, criteria.size);
    cr_assert_arr_eq(opened->access_criteria, criteria.value, criteria.size);
    provisions++;
}

static void assert_answered(int peer, const struct simulcrypt_message *request)
{
    static uint8_t bytes[SIMULCRYPT_ECMG_MESSAGE_MAX];
    struct simulcrypt_message answer;
    struct simulcrypt_verdict verdict;
    size_t size;

    cr_assert_eq(peer_receive(peer, bytes, SIMULCRYPT_HEADER_SIZE), SIMULCRYPT_HEADER_SIZE);
    size = base_load_u16(bytes + SIMULCRYPT_LENGTH_OFFSET);
    cr_assert_leq(size, sizeof(bytes) - SIMULCRYPT_HEADER_SIZE);
    cr_assert_eq(peer_receive(peer, bytes + SIMULCRYPT_HEADER_SIZE, size), size);
    cr_assert_eq(simulcrypt_message_decode(&simulcrypt_ecmg_scs, SIMULCRYPT_FROM_SERVER, bytes,
                                           size + SIMULCRYPT_HEADER_SIZE, &answer, &verdict),
                 0);
    cr_assert_eq(answer.type, answer_to(request), "%s", answer.definition->name);
    cr_assert_eq(answer.version, request->version);
    assert_echoed(request, &answer, SIMULCRYPT_ECMG_P_ECM_CHANNEL_ID);
    assert_echoed(request, &answer, SIMULCRYPT_ECMG_P_ECM_STREAM_ID);
    assert_echoed(request, &answer, SIMULCRYPT_ECMG_P_ECM_ID);
    assert_echoed(request, &answer, SIMULCRYPT_ECMG_P_CP_NUMBER);
    if (answer.type == SIMULCRYPT_ECMG_M_ECM_RESPONSE)
        assert_ecm(request, &answer);
}

static void assert_all_answered(int peer, const struct capture_messages *requests, bool one_by_one)
{
    for (size_t i = 0; i < requests->count; i++) {
        struct simulcrypt_message request =
            capture_decode(&simulcrypt_ecmg_scs, CAPTURE_TO_SERVER, requests, i);

        if (one_by_one)
            cr_assert_eq(send(peer, requests->bytes[i], requests->size[i], MSG_NOSIGNAL),
                         (ssize_t)requests->size[i]);
        if (answer_to(&request))
            assert_answered(peer, &request);
        else
            cr_assert(peer_closed(peer));
    }
}

static void replay(const char *name, bool packets)
{
    struct capture_messages requests;

    if (!capture_load(&capture, name))
        cr_skip_test("SCRAMLINE_CAPTURES is not set");
    requests = capture_cut(&capture, CAPTURE_TO_SERVER);
    ours.config.services[0].any = true;
    ours.config.channel.status.packets = packets;
    ours_start();
    for (int one_by_one = 0; one_by_one < 2; one_by_one++) {
        int peer = peer_connect();

        if (!one_by_one) /* nothing in a recording tells what the SCS waited for: a queue takes it all */
            cr_assert_eq(send(peer, capture.bytes[CAPTURE_TO_SERVER], capture.size[CAPTURE_TO_SERVER], 0),
                         (ssize_t)capture.size[CAPTURE_TO_SERVER]);
        assert_all_answered(peer, &requests, one_by_one);
        close(peer);
        RUN_UNTIL(ours.loop, (ours_count(), ours.counters.connections == 0));
    }
    cr_assert_gt(provisions, 4);
    ours_count();
    cr_assert_eq(ours.counters.errors, 0);
    cr_assert_eq(ours.counters.ecms, provisions);
}

Test(replay, version_2_sections)
{
    replay("ecmg-scs-v2-section.pcap", false);
}

Test(replay, version_2_packets)
{
    replay("ecmg-scs-v2-packet.pcap", true);
}

Test(replay, version_3_sections)
{
    replay("ecmg-scs-v3-section.pcap", false);
}

Test(replay, version_3_packets)
{
    replay("ecmg-scs-v3-packet.pcap", true);
}
