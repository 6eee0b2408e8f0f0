/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ours.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cursor.h"
#include "base/log.h"
#include "base/text.h"

struct ours ours;

void ours_set_up(void)
{
    base_log_set_level(BASE_LOG_ERROR);
    cr_assert_eq(net_loop_create(&ours.loop), 0);
    ecmg_server_config_init(&ours.config);
    ours.config.listener.port = 0;
    ours.config.service_count = 1;
    ours.config.services[0].super_cas_id = OWN_CAS;
    base_secret_set(&ours.config.services[0].key, "0123456789abcdef", 16);
}

void ours_tear_down(void)
{
    ecmg_server_destroy(ours.server);
    net_loop_destroy(ours.loop);
}

void ours_start(void)
{
    cr_assert_eq(ecmg_server_create(&ours.server, ours.loop, &ours.config), 0);
    ours.port = ecmg_server_port(ours.server);
    cr_assert_neq(ours.port, 0);
}

void ours_stop(void)
{
    ecmg_server_destroy(ours.server);
    ours.server = NULL;
}

void ours_count(void)
{
    ecmg_server_counters(ours.server, &ours.counters);
}

void ours_wait_ms(uint64_t ms)
{
    uint64_t end = net_loop_now_ms(ours.loop) + ms;

    while (net_loop_now_ms(ours.loop) < end)
        net_loop_run_once(ours.loop, 5);
}

void ours_start_scs(struct scs *scs, uint16_t channel_id, unsigned streams, uint16_t first_ecm_id)
{
    scs_start(scs, ours.loop, ours.port, channel_id, OWN_CAS, streams, first_ecm_id);
    RUN_UNTIL(ours.loop, scs->streams_up == streams && (scs->up || scs->ended));
    cr_assert_not(scs->ended, "%s", scs->why);
}

void ours_assert_refused(struct scs *scs, const char *text)
{
    RUN_UNTIL(ours.loop, scs->ended);
    cr_assert_not_null(strstr(scs->why, text), "'%s' is not in '%s'", text, scs->why);
    scs_stop(scs);
}

void ours_assert_serves(void)
{
    static struct scs fresh;

    ours_start_scs(&fresh, 900, 1, 900);
    cr_assert(scs_provide(&fresh, 1, 1, 8, NULL, 0));
    scs_stop(&fresh);
}

void ours_assert_ecm(const struct scs *scs, uint16_t cp_number, uint8_t cw_size, int even_cp, int odd_cp)
{
    const struct base_secret *words[2] = {&ours.opened.even, &ours.opened.odd};
    const int cps[2] = {even_cp, odd_cp};
    uint8_t cw[16];

    cr_assert_eq(ecmg_ecm_open(&ours.config.services[0].key, scs->datagram, scs->datagram_size, &ours.opened),
                 0);
    cr_assert_eq(scs->ecm_cp_number, cp_number);
    cr_assert_eq(ours.opened.cp_number, cp_number);
    for (unsigned parity = 0; parity < 2; parity++) {
        cr_assert_eq(words[parity]->size, cps[parity] < 0 ? 0 : cw_size);
        scs_cw((uint16_t)cps[parity], cw);
        if (cps[parity] >= 0)
            cr_assert_arr_eq(words[parity]->bytes, cw, cw_size);
    }
}

int peer_connect(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(ours.port)};
    int peer = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    cr_assert_eq(connect(peer, (struct sockaddr *)&address, sizeof(address)), 0);
    return peer;
}

void peer_send(int peer, const char *hex)
{
    uint8_t bytes[256];
    ptrdiff_t size = base_hex_decode(hex, bytes, sizeof(bytes));

    cr_assert_eq(send(peer, bytes, (size_t)size, MSG_NOSIGNAL), size);
}

size_t peer_receive(int peer, uint8_t *bytes, size_t wanted)
{
    uint64_t limit = net_loop_now_ms(ours.loop) + 10000;
    size_t size = 0;

    while (size < wanted && net_loop_now_ms(ours.loop) < limit) {
        ssize_t got;

        got = recv(peer, bytes + size, wanted - size, MSG_DONTWAIT);
        if (got == 0)
            break;
        size += got > 0 ? (size_t)got : 0;
        if (got < 0)
            net_loop_run_once(ours.loop, 5);
    }
    return size;
}

bool peer_closed(int peer)
{
    uint8_t bytes[4096];
    uint64_t limit = net_loop_now_ms(ours.loop) + 10000;

    while (net_loop_now_ms(ours.loop) < limit) {
        ssize_t got;

        net_loop_run_once(ours.loop, 5);
        got = recv(peer, bytes, sizeof(bytes), MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EAGAIN))
            return true;
    }
    return false;
}

size_t peer_ask(int peer, const char *hex, uint16_t answer_type, uint8_t answer[static 512])
{
    peer_send(peer, hex);
    cr_assert_eq(peer_receive(peer, answer, 5), 5);
    cr_assert_eq(answer[0], 2);
    cr_assert_eq(base_load_u16(answer + 1), answer_type, "0x%04x", base_load_u16(answer + 1));
    cr_assert_leq(base_load_u16(answer + 3), 512);
    return peer_receive(peer, answer, base_load_u16(answer + 3));
}
