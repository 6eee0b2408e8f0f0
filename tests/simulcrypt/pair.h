/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tests/simulcrypt/pair.h: both ends of ECMG ⇔ SCS on one wire (wire.h).
 *
 * One test at a time: the pair is a global. */
#ifndef TESTS_SIMULCRYPT_PAIR_H
#define TESTS_SIMULCRYPT_PAIR_H

#include "simulcrypt/ecmg_scs_table.h"
#include "simulcrypt/ecmg_session.h"
#include "simulcrypt/scs_session.h"
#include "wire.h"

struct pair {
    struct simulcrypt_scs_session *scs;
    struct simulcrypt_ecmg_session *ecmg;

    /* What the ECMG's owner answers. */
    struct simulcrypt_channel_status status;
    uint16_t channel_error, stream_error, provision_error;
    bool transfer_mode;
    bool silent;                                   /* provisions are not answered */
    struct simulcrypt_cw_provision last_provision; /* pointers are stale, but for NULL */
    uint8_t last_cws[SIMULCRYPT_CWS_MAX][16];
    uint8_t last_criteria[SIMULCRYPT_ACCESS_CRITERIA_MAX];

    /* What the SCS's owner saw. */
    struct simulcrypt_channel_status seen_status;
    uint8_t ecm[SIMULCRYPT_ECM_DATAGRAM_MAX];
    size_t ecm_size;
    char why[256];
    void (*on_channel_up)(void);
    void (*on_stream_up)(uint16_t stream_id);
    void (*on_ecm)(uint16_t stream_id, uint16_t cp_number);
    void (*on_provision_failed)(uint16_t stream_id, uint16_t cp_number);
    void (*on_stream_down)(uint16_t stream_id);
};

extern struct pair pair;

void pair_start(const struct simulcrypt_scs_config *config); /* NULL: version 2, channel 1, CAS 0x12345678 */
void pair_tell_all(void); /* after pair_start(): an SCS with all ops, those that may be NULL too */
void pair_add_stream(uint16_t stream_id);
void pair_connect(void);
void pair_bring_up(void);     /* starts, adds stream 7, connects, pumps */
void pair_ecmg_restart(void); /* the ECMG's end of a new connection; what was under way is lost */
uint64_t pair_tick(uint64_t later_ms);
void pair_stop(void);

/* A provision for CP n as the pair's status asks for; the CW of CP k is 8 bytes of k. */
int pair_provision(uint16_t stream_id, uint16_t cp_number);

#endif
