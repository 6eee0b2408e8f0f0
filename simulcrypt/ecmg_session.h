/* SPDX-License-Identifier: GPL-3.0-or-later */
/* simulcrypt/ecmg_session.h: the ECMG's end of one ECMG ⇔ SCS connection (ETSI TS 103 197, clause 5).
 * Sans-I/O.
 *
 * Bytes from the SCS and the time go in; bytes to send come out through `ops->send`, decisions are asked for
 * through the other ops. One connection carries one channel and any number of streams. One thread.
 *
 * Versions 1, 2, 3 and 5 are understood, answers bear the version of the request. Unknown messages and
 * parameters are passed over. A message that cannot be taken is answered with channel_error or stream_error
 * and, in error_information, two bytes: the parameter at fault or the fault's offset. An error is never
 * answered. */
#ifndef SIMULCRYPT_ECMG_SESSION_H
#define SIMULCRYPT_ECMG_SESSION_H

#include "simulcrypt/ecmg_scs.h"

struct simulcrypt_ecmg_session;

/* All are needed. Every callback gets the context given at creation. Those that decide return
 * SIMULCRYPT_ECMG_OK or the error_status to answer with. None may destroy the session or feed it input. */
struct simulcrypt_ecmg_ops {
    void (*send)(void *context, const uint8_t *bytes, size_t size);
    /* The connection is to be closed after what was sent has left (three unreadable messages in a row, an
     * unrecoverable error, channel_close). */
    void (*close)(void *context, const char *why);
    uint16_t (*channel_setup)(void *context, uint16_t channel_id, uint32_t super_cas_id,
                              struct simulcrypt_channel_status *status);
    void (*channel_closed)(void *context, uint16_t channel_id); /* after its streams' stream_closed */
    /* access_criteria_transfer_mode into *transfer_mode (false on entry). ecm_id is 0 where a version 1 peer
     * gives none. nominal_cp_duration (× 100 ms) is at least the channel's min_CP_duration. */
    uint16_t (*stream_setup)(void *context, uint16_t channel_id, uint16_t stream_id, uint16_t ecm_id,
                             uint16_t nominal_cp_duration, bool *transfer_mode);
    void (*stream_closed)(void *context, uint16_t stream_id);
    /* Answer now or later with simulcrypt_ecmg_session_ecm_response(); any number may be outstanding. `cws`
     * are those that lead_CW and CW_per_msg ask for, in the order of their crypto-periods, whatever else
     * came. */
    uint16_t (*cw_provision)(void *context, uint16_t stream_id,
                             const struct simulcrypt_cw_provision *provision);
};

int simulcrypt_ecmg_session_create(struct simulcrypt_ecmg_session **session,
                                   const struct simulcrypt_ecmg_ops *ops, void *context);
void simulcrypt_ecmg_session_destroy(struct simulcrypt_ecmg_session *session); /* closes what is open */

/* `size` bytes came at `now_ms` (monotonic). Wipes its copies of CW_provisions. */
void simulcrypt_ecmg_session_input(struct simulcrypt_ecmg_session *session, const uint8_t *bytes, size_t size,
                                   uint64_t now_ms);

/* -ENOENT for a stream that is closed by now (the answer is dropped), -EMSGSIZE. */
int simulcrypt_ecmg_session_ecm_response(struct simulcrypt_ecmg_session *session, uint16_t stream_id,
                                         uint16_t cp_number, const uint8_t *datagram, size_t size);
/* stream_error for one stream, -ENOENT where it is closed by now. SIMULCRYPT_ECMG_UNRECOVERABLE closes it. */
int simulcrypt_ecmg_session_stream_error(struct simulcrypt_ecmg_session *session, uint16_t stream_id,
                                         uint16_t error);

/* Messages read so far, of whatever kind, good or bad: for those who limit them. */
uint64_t simulcrypt_ecmg_session_messages(const struct simulcrypt_ecmg_session *session);

/* channel_test and stream_test: whatever input follows shows that the SCS lives; its status is taken in
 * silence. -ENOTCONN without a channel, -ENOENT for a stream that there is none of. */
int simulcrypt_ecmg_session_test_channel(struct simulcrypt_ecmg_session *session);
int simulcrypt_ecmg_session_test_stream(struct simulcrypt_ecmg_session *session, uint16_t stream_id);

#endif
