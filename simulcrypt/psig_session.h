/* SPDX-License-Identifier: GPL-3.0-or-later */
/* simulcrypt/psig_session.h: the (P)SIG's end of one C(P)SIG ⇔ (P)SIG connection (ETSI TS 103 197, clause 8).
 * Sans-I/O.
 *
 * UNCERTAIN (simulcrypt/cpsig_psig.h): what each message carries. So the session keeps channel, streams,
 * tests and errors; requests of the C(P)SIG are handed to the owner as messages, and the owner builds its
 * messages with the encoder, parameter by parameter, as its C(P)SIG wants them.
 *
 * Drive it with connected(), input(), tick() and disconnected(). Channel and streams are set up anew at each
 * connected(). One thread. */
#ifndef SIMULCRYPT_PSIG_SESSION_H
#define SIMULCRYPT_PSIG_SESSION_H

#include "simulcrypt/cpsig_psig.h"

struct simulcrypt_psig_session;

struct simulcrypt_psig_config {
    uint8_t version; /* 2 or 3 */
    uint16_t channel_id;
    uint32_t custom_cas_id;
    uint32_t reply_timeout_ms; /* 0: 5000 */
    uint32_t test_period_ms;   /* channel_test when nothing was heard for so long; 0: never */
};

/* All are needed. Those that describe add parameters to a message that is being made, and call nothing else
 * of the session. Callbacks may call every function of the session but destroy, input and tick. Messages are
 * valid during the callback. */
struct simulcrypt_psig_ops {
    void (*send)(void *context, const uint8_t *bytes, size_t size);
    void (*fail)(void *context, const char *why); /* close the connection */
    void (*channel_up)(void *context, const struct simulcrypt_message *status);
    /* Adds what the stream is about to its stream_setup, or to the stream_status that answers a test. */
    void (*describe_stream)(void *context, uint16_t stream_id, struct simulcrypt_encoder *encoder);
    void (*stream_up)(void *context, uint16_t stream_id, const struct simulcrypt_message *status);
    /* stream_close_request: the stream is closed, and the request answered. */
    void (*stream_closed)(void *context, uint16_t stream_id);
    /* stream_trigger_enable_request, table_request, descriptor_insert_request or PID_provision_request about
     * a stream that is up. Answer now or later, repeating the transaction_id. */
    void (*request)(void *context, uint16_t stream_id, const struct simulcrypt_message *request);
    /* `stream_id` NULL: about the channel. Either goes on. */
    void (*error)(void *context, const uint16_t *stream_id, uint16_t error, const char *text);
};

int simulcrypt_psig_session_create(struct simulcrypt_psig_session **session,
                                   const struct simulcrypt_psig_config *config,
                                   const struct simulcrypt_psig_ops *ops,
                                   void *context);                             /* -EINVAL, -ENOMEM */
void simulcrypt_psig_session_destroy(struct simulcrypt_psig_session *session); /* NULL is allowed */

/* Set up as soon as the channel is up. -EEXIST, -ENOMEM. */
int simulcrypt_psig_session_add_stream(struct simulcrypt_psig_session *session, uint16_t stream_id);

/* stream_close where it is set up, without waiting for an answer. -ENOENT. */
int simulcrypt_psig_session_remove_stream(struct simulcrypt_psig_session *session, uint16_t stream_id);

void simulcrypt_psig_session_connected(struct simulcrypt_psig_session *session, uint64_t now_ms);
void simulcrypt_psig_session_input(struct simulcrypt_psig_session *session, const uint8_t *bytes, size_t size,
                                   uint64_t now_ms);
void simulcrypt_psig_session_disconnected(struct simulcrypt_psig_session *session);
/* Returns when to call again at the latest, UINT64_MAX for no need. */
uint64_t simulcrypt_psig_session_tick(struct simulcrypt_psig_session *session, uint64_t now_ms);

/* trigger, stream_service_change, or an answer: begin (-ENOTCONN, -ENOENT, -EINVAL for a type that a stream
 * of this end does not send), add parameters, send (-EINVAL where the tables do not allow them, -ENOSPC). No
 * other call may come in between. */
int simulcrypt_psig_session_begin(struct simulcrypt_psig_session *session, uint16_t type, uint16_t stream_id,
                                  struct simulcrypt_encoder *encoder);
int simulcrypt_psig_session_send(struct simulcrypt_psig_session *session, struct simulcrypt_encoder *encoder);

/* Whether the C(P)SIG refused the version (error_status 0x0002) since the last connected(): a lower one may
 * do. */
bool simulcrypt_psig_session_version_refused(const struct simulcrypt_psig_session *session);

/* Orderly end: stream_close, channel_close. */
void simulcrypt_psig_session_close(struct simulcrypt_psig_session *session);

#endif
