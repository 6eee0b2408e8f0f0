/* SPDX-License-Identifier: GPL-3.0-or-later */
/* simulcrypt/scs_session.h: the SCS's end of one ECMG ⇔ SCS connection (ETSI TS 103 197, clause 5). Sans-I/O.
 *
 * Drive it with connected(), input(), tick() and disconnected(); it sends through ops->send and reports
 * through the other ops. One channel with its streams per connection; all state is lost with the connection
 * and set up anew by the session itself at the next connected(). One thread.
 *
 * What the ECMG sends unasked, late or twice is tolerated: an ECM_response that no CW_provision awaits is
 * dropped, an error is never answered. channel_test and stream_test are answered with the values in force. */
#ifndef SIMULCRYPT_SCS_SESSION_H
#define SIMULCRYPT_SCS_SESSION_H

#include "simulcrypt/ecmg_scs.h"

struct simulcrypt_scs_session;

#define SIMULCRYPT_OUTSTANDING_MAX 4 /* CW_provisions of a stream that await their ECM_response */

struct simulcrypt_scs_config {
    uint8_t version; /* 1, 2, 3 or 5; fixed for the connection. 1 has no ECM_id */
    uint16_t channel_id;
    uint32_t super_cas_id;
    uint32_t reply_timeout_ms; /* for set-up messages and tests; 0: 5000 */
    uint32_t network_delay_ms; /* ECM_response is late after max_comp_time + this; 0: 5000 */
    uint32_t test_period_ms;   /* channel_test when nothing was heard for so long; 0: never */
    /* CW_provisions outstanding per stream; 0: 1, as clause 5 asks for. With more, errors are less exact: see
     * provision_failed. */
    uint8_t outstanding_max;
};

struct simulcrypt_scs_stream_config {
    uint16_t stream_id;
    uint16_t ecm_id;
    uint16_t nominal_cp_duration; /* × 100 ms; raised to the channel's min_CP_duration where that is more */
    const uint8_t *access_criteria; /* copied; NULL for none; sent as access_criteria_transfer_mode asks */
    uint16_t access_criteria_size;
};

/* All are needed but the last two. Callbacks get the context given at creation. They may call every function
 * of the session but simulcrypt_scs_session_destroy(), simulcrypt_scs_session_input() and
 * simulcrypt_scs_session_tick(). */
struct simulcrypt_scs_ops {
    void (*send)(void *context, const uint8_t *bytes, size_t size);
    /* The session cannot go on (time-out, refused set-up, unreadable peer): close the connection. `why` is a
     * sentence for people, with the error_status's text where the peer gave one. */
    void (*fail)(void *context, const char *why);
    void (*channel_up)(void *context, const struct simulcrypt_channel_status *status);
    void (*stream_up)(void *context, uint16_t stream_id);
    void (*ecm)(void *context, uint16_t stream_id, uint16_t cp_number, const uint8_t *datagram, size_t size);
    /* stream_error, or no ECM_response in time: the provision of `cp_number` is not answered. An error names
     * no CP: that of a stream is taken as the answer to its oldest, that of the channel to all. */
    void (*provision_failed)(void *context, uint16_t stream_id, uint16_t cp_number, const char *why);
    /* In place of provision_failed where no ECM_response came in time. NULL: that is called. */
    void (*provision_late)(void *context, uint16_t stream_id, uint16_t cp_number);
    /* The ECMG refused the stream's set-up (a channel_error answers the first one under way), or has lost or
     * closed it: what was outstanding is not answered any more. It is not set up again on this connection but
     * by remove_stream(), allowed here, and add_stream(). `error` is the error_status. NULL: the session
     * fails. */
    void (*stream_down)(void *context, uint16_t stream_id, uint16_t error, const char *why);
};

/* -EINVAL for a version that there is none of or too large an outstanding_max, -ENOMEM. */
int simulcrypt_scs_session_create(struct simulcrypt_scs_session **session,
                                  const struct simulcrypt_scs_config *config,
                                  const struct simulcrypt_scs_ops *ops, void *context);
void simulcrypt_scs_session_destroy(struct simulcrypt_scs_session *session); /* NULL is allowed */

/* Streams are set up as soon as the channel is up. -EEXIST, -ENOMEM, -EINVAL for access criteria over the
 * maximum. */
int simulcrypt_scs_session_add_stream(struct simulcrypt_scs_session *session,
                                      const struct simulcrypt_scs_stream_config *config);

/* stream_close_request where it is set up, without waiting for the answer; what is outstanding is not
 * answered any more. The stream_id may be used again at once. -ENOENT. */
int simulcrypt_scs_session_remove_stream(struct simulcrypt_scs_session *session, uint16_t stream_id);

void simulcrypt_scs_session_connected(struct simulcrypt_scs_session *session, uint64_t now_ms);
void simulcrypt_scs_session_input(struct simulcrypt_scs_session *session, const uint8_t *bytes, size_t size,
                                  uint64_t now_ms);
/* Forgets channel and streams, without a callback: what was outstanding is not answered any more. */
void simulcrypt_scs_session_disconnected(struct simulcrypt_scs_session *session);

/* Time passes; returns when to call again at the latest (ms, monotonic), UINT64_MAX for no need. Any other
 * call may bring that time forward: ask again after it. */
uint64_t simulcrypt_scs_session_tick(struct simulcrypt_scs_session *session, uint64_t now_ms);

/* One CW_provision; -EBUSY where as many are outstanding as may be, or one of the same CP, -ENOTCONN before
 * stream_up, -ENOENT for an unknown stream. It must hold exactly the CWs that lead_CW x and CW_per_msg y ask
 * for, those of the crypto-periods n + 1 + x - y to n + x in this order (-EINVAL). The CWs are copied to the
 * outgoing message alone, which is wiped after ops->send. Access criteria given here replace the stream's
 * from now on. */
int simulcrypt_scs_session_provision(struct simulcrypt_scs_session *session, uint16_t stream_id,
                                     const struct simulcrypt_cw_provision *provision, uint64_t now_ms);

/* stream_test; any answer counts as heard, an error may end the session. -ENOTCONN, -ENOENT. */
int simulcrypt_scs_session_test_stream(struct simulcrypt_scs_session *session, uint16_t stream_id);

/* channel_test now, unless the answer to one is awaited: without any message in time the session fails.
 * -ENOTCONN before channel_up. */
int simulcrypt_scs_session_test(struct simulcrypt_scs_session *session, uint64_t now_ms);

/* In channel_up alone: what its owner knows better than the ECMG, for ECM_response's time-out and
 * stream_setup; in the units of channel_status. Tests are still answered with the ECMG's own values. */
void simulcrypt_scs_session_set_times(struct simulcrypt_scs_session *session, uint16_t max_comp_time,
                                      uint16_t min_cp_duration);

uint64_t simulcrypt_scs_session_errors(const struct simulcrypt_scs_session *session); /* messages received */

/* Whether the ECMG refused the version (error_status 0x0002) since the last connected(): a lower one may do.
 */
bool simulcrypt_scs_session_version_refused(const struct simulcrypt_scs_session *session);

/* Orderly end: stream_close_request, channel_close. Nothing is awaited: close the connection once it is sent.
 */
void simulcrypt_scs_session_close(struct simulcrypt_scs_session *session);

#endif
