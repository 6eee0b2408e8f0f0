/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tests/ecmg/scs.h: SCSs over loopback TCP for the tests of the server: the client session on net/tcp.h. */
#ifndef TESTS_ECMG_SCS_H
#define TESTS_ECMG_SCS_H

#include "net/tcp.h"
#include "simulcrypt/scs_session.h"

#define SCS_STREAMS 4

struct scs {
    struct net_loop *loop;
    struct net_tcp *tcp;
    struct simulcrypt_scs_session *session;
    struct simulcrypt_channel_status status;
    unsigned up, streams_up, ecms, failed_provisions;
    bool ended;
    char why[256]; /* of the last failure */
    uint16_t ecm_stream_id, ecm_cp_number;
    uint8_t datagram[SIMULCRYPT_ECM_DATAGRAM_MAX];
    size_t datagram_size;
};

/* Connects to 127.0.0.1:port; streams 1 … `streams` with ECM_id first_ecm_id … */
void scs_start(struct scs *scs, struct net_loop *loop, uint16_t port, uint16_t channel_id,
               uint32_t super_cas_id, unsigned streams, uint16_t first_ecm_id);
void scs_stop(struct scs *scs); /* vanishes without a channel_close; twice is allowed */

/* Asks for the ECM of `cp_number` with CWs of `cw_size` bytes as the channel_status wants them (scs_cw()),
 * and waits for the answer. Criteria may be NULL. True for an ECM, false for a failure. */
bool scs_provide(struct scs *scs, uint16_t stream_id, uint16_t cp_number, uint8_t cw_size,
                 const char *criteria, uint16_t criteria_size);

/* The CW of a crypto-period in all tests: 16 bytes, of which 8 may be used. */
void scs_cw(uint16_t cp_number, uint8_t cw[static 16]);

/* Runs the loop until `condition` holds, at most for about ten seconds. */
#define RUN_UNTIL(loop, condition)                                                                           \
    do {                                                                                                     \
        uint64_t limit_ = net_loop_now_ms(loop) + 10000;                                                     \
        while (!(condition) && net_loop_now_ms(loop) < limit_)                                               \
            net_loop_run_once(loop, 20);                                                                     \
        cr_assert(condition);                                                                                \
    } while (0)

#endif
