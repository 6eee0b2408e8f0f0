/* SPDX-License-Identifier: GPL-3.0-or-later */
/* simulcrypt/scg_session.h: the SCS's end of one EIS ⇔ SCS connection (ETSI TS 103 197, clause 10). Sans-I/O.
 *
 * Bytes from the EIS go in, bytes to send come out through `ops->send`; what the EIS defines goes into the
 * simulcrypt_scgs (simulcrypt/scgs.h) of its channel, which outlive the connection. One connection carries
 * one channel. One thread.
 *
 * Versions 2, 3 and 4 are understood, answers bear the version of the request. Unknown messages and
 * parameters are passed over. An accepted SCG_provision is answered with SCG_status; one whose
 * activation_time may be too soon with SCG_error 0x000D and then SCG_status. What cannot be taken is answered
 * with SCG_error or channel_error and, in error_information, two bytes: the parameter at fault or the fault's
 * offset. An error is never answered. */
#ifndef SIMULCRYPT_SCG_SESSION_H
#define SIMULCRYPT_SCG_SESSION_H

#include "simulcrypt/scgs.h"

struct simulcrypt_scg_session;

/* All are needed. Every callback gets the context given at creation. None may destroy the session or feed it
 * input. */
struct simulcrypt_scg_session_ops {
    void (*send)(void *context, const uint8_t *bytes, size_t size);
    /* The connection is to be closed after what was sent has left. */
    void (*close)(void *context, const char *why);
    /* Gives the SCGs of this channel, which stay valid until channel_closed. SIMULCRYPT_EIS_OK or the
     * error_status to answer with. */
    uint16_t (*channel_setup)(void *context, uint16_t channel_id, struct simulcrypt_scgs **scgs);
    void (*channel_closed)(void *context, uint16_t channel_id);
};

int simulcrypt_scg_session_create(struct simulcrypt_scg_session **session,
                                  const struct simulcrypt_scg_session_ops *ops, void *context);
void simulcrypt_scg_session_destroy(struct simulcrypt_scg_session *session); /* closes what is open */

void simulcrypt_scg_session_input(struct simulcrypt_scg_session *session, const uint8_t *bytes, size_t size);

/* SCG_status that was not asked for, after an activation, say. Whether every EIS expects it is uncertain:
 * nothing here sends it by itself. -ENOTCONN without a channel, -ENOENT for an SCG that there is none of. */
int simulcrypt_scg_session_send_status(struct simulcrypt_scg_session *session, uint16_t scg_id);
/* channel_test: whatever input follows shows that the EIS lives. -ENOTCONN. */
int simulcrypt_scg_session_test_channel(struct simulcrypt_scg_session *session);

#endif
