/* SPDX-License-Identifier: GPL-3.0-or-later */
/* simulcrypt/cpsig_session.h: the C(P)SIG's end of one C(P)SIG ⇔ (P)SIG connection (ETSI TS 103 197, clause
 * 8). Sans-I/O.
 *
 * UNCERTAIN (simulcrypt/cpsig_psig.h): what each message carries. So the session keeps channel, streams,
 * tests and errors; triggers, changes and answers are handed to the owner as messages, and the owner builds
 * its requests with the encoder. One thread; nothing at this end is timed. */
#ifndef SIMULCRYPT_CPSIG_SESSION_H
#define SIMULCRYPT_CPSIG_SESSION_H

#include "simulcrypt/cpsig_psig.h"

struct simulcrypt_cpsig_session;

/* All are needed. Those that describe add parameters to a message that is being made, and call nothing else
 * of the session. Those that decide return SIMULCRYPT_CPSIG_OK or the error_status to answer with. None may
 * destroy the session or feed it input. Messages are valid during the callback. */
struct simulcrypt_cpsig_ops {
    void (*send)(void *context, const uint8_t *bytes, size_t size);
    void (*close)(void *context, const char *why); /* the connection, after what was sent has left */
    uint16_t (*channel_setup)(void *context, const struct simulcrypt_message *setup);
    /* Adds to channel_status what the owner wants in it. */
    void (*describe_channel)(void *context, struct simulcrypt_encoder *encoder);
    void (*channel_closed)(void *context);
    uint16_t (*stream_setup)(void *context, uint16_t stream_id, const struct simulcrypt_message *setup);
    void (*describe_stream)(void *context, uint16_t stream_id, struct simulcrypt_encoder *encoder);
    void (*stream_closed)(void *context, uint16_t stream_id);
    /* trigger, stream_service_change, or the answer to a request (by its transaction_id) of a stream. */
    void (*message)(void *context, uint16_t stream_id, const struct simulcrypt_message *message);
};

int simulcrypt_cpsig_session_create(struct simulcrypt_cpsig_session **session,
                                    const struct simulcrypt_cpsig_ops *ops, void *context); /* -ENOMEM */
void simulcrypt_cpsig_session_destroy(struct simulcrypt_cpsig_session *session); /* closes what is open */

void simulcrypt_cpsig_session_input(struct simulcrypt_cpsig_session *session, const uint8_t *bytes,
                                    size_t size);

/* stream_trigger_enable_request, table_request, descriptor_insert_request, PID_provision_request: begin
 * (-ENOENT, -EINVAL for a type that a stream of this end does not send), add parameters, send (-EINVAL where
 * the tables do not allow them, -ENOSPC). No other call may come in between. */
int simulcrypt_cpsig_session_begin(struct simulcrypt_cpsig_session *session, uint16_t type,
                                   uint16_t stream_id, struct simulcrypt_encoder *encoder);
int simulcrypt_cpsig_session_send(struct simulcrypt_cpsig_session *session,
                                  struct simulcrypt_encoder *encoder);

/* Asks the (P)SIG to close a stream; stream_closed follows with its answer. -ENOENT. */
int simulcrypt_cpsig_session_close_stream(struct simulcrypt_cpsig_session *session, uint16_t stream_id);
int simulcrypt_cpsig_session_test_channel(struct simulcrypt_cpsig_session *session); /* -ENOTCONN */
int simulcrypt_cpsig_session_test_stream(struct simulcrypt_cpsig_session *session, uint16_t stream_id);

#endif
