/* SPDX-License-Identifier: GPL-3.0-or-later */
/* simulcrypt/eis_session.h: the EIS's end of one EIS ⇔ SCS connection (ETSI TS 103 197, clause 10). Sans-I/O.
 *
 * Drive it with connected(), input(), tick() and disconnected(); it sends through ops->send and reports
 * through the other ops. The channel is set up anew at each connected(); the owner provisions its SCGs again
 * then, or asks what the SCS still has. One thread.
 *
 * An error is never answered; channel_test is answered with the values in force. */
#ifndef SIMULCRYPT_EIS_SESSION_H
#define SIMULCRYPT_EIS_SESSION_H

#include "simulcrypt/eis_scs.h"

struct simulcrypt_eis_session;

struct simulcrypt_eis_config {
    uint8_t version; /* 2, 3 or 4; fixed for the connection. 2 has no original_network_id */
    uint16_t channel_id;
    uint32_t reply_timeout_ms; /* for every request; 0: 5000 */
    uint32_t test_period_ms;   /* channel_test when nothing was heard for so long; 0: never */
};

/* All are needed. Callbacks get the context given at creation. They may call every function of the session
 * but simulcrypt_eis_session_destroy(), simulcrypt_eis_session_input() and simulcrypt_eis_session_tick(). */
struct simulcrypt_eis_ops {
    void (*send)(void *context, const uint8_t *bytes, size_t size);
    /* The session cannot go on: close the connection. `why` is a sentence for people. */
    void (*fail)(void *context, const char *why);
    void (*channel_up)(void *context, const struct simulcrypt_scs_abilities *abilities);
    /* The answer to a provision or test, or unasked. */
    void (*scg_status)(void *context, const struct simulcrypt_scg_status *status);
    /* SCG_error, or a channel_error while this SCG's answer was awaited. ACTIVATION_TOO_SOON alone is a
     * warning: the answer is yet to come. `text`: what the number means, and in brackets the SCS's own
     * words, printable ones alone. */
    void (*scg_error)(void *context, uint16_t scg_id, uint16_t error, const char *text);
    /* No answer in time: it is not known what the SCS made of the request. */
    void (*unanswered)(void *context, uint16_t scg_id);
    void (*scg_list)(void *context, const uint16_t *scg_ids, size_t count);
    void (*channel_error)(void *context, uint16_t error, const char *text);
};

/* -EINVAL for a version that there is none of, -ENOMEM. */
int simulcrypt_eis_session_create(struct simulcrypt_eis_session **session,
                                  const struct simulcrypt_eis_config *config,
                                  const struct simulcrypt_eis_ops *ops, void *context);
void simulcrypt_eis_session_destroy(struct simulcrypt_eis_session *session); /* NULL is allowed */

void simulcrypt_eis_session_connected(struct simulcrypt_eis_session *session, uint64_t now_ms);
void simulcrypt_eis_session_input(struct simulcrypt_eis_session *session, const uint8_t *bytes, size_t size,
                                  uint64_t now_ms);
void simulcrypt_eis_session_disconnected(struct simulcrypt_eis_session *session); /* without a callback */

/* Time passes; returns when to call again at the latest (ms, monotonic), UINT64_MAX for no need. Any other
 * call may bring that time forward: ask again after it. */
uint64_t simulcrypt_eis_session_tick(struct simulcrypt_eis_session *session, uint64_t now_ms);

/* All need the channel: -ENOTCONN before channel_up. */

/* One SCG_provision, a removal where it has neither content nor ECM groups. -EBUSY while an answer about this
 * SCG is awaited, -EINVAL for counts over their maxima, -ENOSPC over 65 540 bytes, -ENOMEM. */
int simulcrypt_eis_session_provision(struct simulcrypt_eis_session *session, const struct simulcrypt_scg *scg,
                                     uint64_t now_ms);
/* SCG_test; -EBUSY, -ENOMEM. */
int simulcrypt_eis_session_test(struct simulcrypt_eis_session *session, uint16_t scg_id, uint64_t now_ms);
/* SCG_list_request; without an answer in time the session fails. */
int simulcrypt_eis_session_list(struct simulcrypt_eis_session *session, uint64_t now_ms);
/* channel_reset: the SCS drops all SCGs of this channel; not answered. */
int simulcrypt_eis_session_reset(struct simulcrypt_eis_session *session);

/* Whether the SCS refused the version (error_status 0x0002) since the last connected(): a lower one may do.
 */
bool simulcrypt_eis_session_version_refused(const struct simulcrypt_eis_session *session);

/* Orderly end: channel_close. Nothing is awaited: close the connection once it is sent. */
void simulcrypt_eis_session_close(struct simulcrypt_eis_session *session);

#endif
