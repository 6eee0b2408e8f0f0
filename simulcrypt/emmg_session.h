/* SPDX-License-Identifier: GPL-3.0-or-later */
/* simulcrypt/emmg_session.h: the EMMG's or PDG's end of one EMMG/PDG ⇔ MUX connection (ETSI TS 103 197,
 * clause 6). Sans-I/O.
 *
 * Drive it with connected(), input(), tick() and disconnected(); it sends through ops->send and reports
 * through the other ops. One channel with its streams per connection; all state is lost with the connection
 * and set up anew by the session itself at the next connected(). One thread.
 *
 * An allocation that comes unasked is reported like one that was asked for; an error is never answered.
 * channel_test and stream_test are answered with the values in force. */
#ifndef SIMULCRYPT_EMMG_SESSION_H
#define SIMULCRYPT_EMMG_SESSION_H

#include "simulcrypt/emmg_mux.h"

struct simulcrypt_emmg_session;

struct simulcrypt_emmg_config {
    uint8_t version; /* 1, 2, 3 or 5; fixed for the connection. 1 has no data_id */
    uint32_t client_id;
    uint16_t channel_id;
    enum simulcrypt_format format;
    uint32_t reply_timeout_ms; /* for set-up messages, bandwidth and tests; 0: 5000 */
    uint32_t test_period_ms;   /* channel_test when nothing was heard for so long; 0: never */
};

/* All are needed. Callbacks get the context given at creation. They may call every function of the session
 * but simulcrypt_emmg_session_destroy(), simulcrypt_emmg_session_input() and simulcrypt_emmg_session_tick().
 */
struct simulcrypt_emmg_ops {
    void (*send)(void *context, const uint8_t *bytes, size_t size);
    /* The session cannot go on (time-out, refused set-up, unreadable peer): close the connection. `why` is a
     * sentence for people, with the error_status's text where the peer gave one. */
    void (*fail)(void *context, const char *why);
    void (*channel_up)(void *context);
    void (*stream_up)(void *context, uint16_t stream_id);
    /* kbit/s; 0 where the MUX names none, or does not answer. */
    void (*bandwidth)(void *context, uint16_t stream_id, uint16_t bandwidth);
    /* An error about a stream that is up (EXCEEDED_BANDWIDTH, say), which goes on. */
    void (*stream_error)(void *context, uint16_t stream_id, uint16_t error, const char *text);
    /* An error about the channel, which goes on. */
    void (*channel_error)(void *context, uint16_t error, const char *text);
};

/* -EINVAL for a version that there is none of or a format that it has not, -ENOMEM. */
int simulcrypt_emmg_session_create(struct simulcrypt_emmg_session **session,
                                   const struct simulcrypt_emmg_config *config,
                                   const struct simulcrypt_emmg_ops *ops, void *context);
void simulcrypt_emmg_session_destroy(struct simulcrypt_emmg_session *session); /* NULL is allowed */

/* Set up as soon as the channel is up. -EEXIST, -ENOMEM. */
int simulcrypt_emmg_session_add_stream(struct simulcrypt_emmg_session *session,
                                       const struct simulcrypt_data_stream *stream);

/* stream_close_request where it is set up, without waiting for an answer. -ENOENT. */
int simulcrypt_emmg_session_remove_stream(struct simulcrypt_emmg_session *session, uint16_t stream_id);

void simulcrypt_emmg_session_connected(struct simulcrypt_emmg_session *session, uint64_t now_ms);
void simulcrypt_emmg_session_input(struct simulcrypt_emmg_session *session, const uint8_t *bytes, size_t size,
                                   uint64_t now_ms);
void simulcrypt_emmg_session_disconnected(struct simulcrypt_emmg_session *session); /* without a callback */

/* Time passes; returns when to call again at the latest (ms, monotonic), UINT64_MAX for no need. Any other
 * call may bring that time forward: ask again after it. */
uint64_t simulcrypt_emmg_session_tick(struct simulcrypt_emmg_session *session, uint64_t now_ms);

/* All need a stream that is up: -ENOTCONN before, -ENOENT for one that there is none of. */

/* Asks for kbit/s, or with 0 for what is allocated; -EBUSY while an answer is awaited. */
int simulcrypt_emmg_session_request_bandwidth(struct simulcrypt_emmg_session *session, uint16_t stream_id,
                                              uint16_t bandwidth, uint64_t now_ms);
/* One data_provision, at the caller's pace. -EINVAL for none or an unsound datagram, -ENOSPC where they are
 * too much for one message (65 540 bytes with its header and 4 more for each datagram). */
int simulcrypt_emmg_session_provide(struct simulcrypt_emmg_session *session, uint16_t stream_id,
                                    const struct simulcrypt_datagram *datagrams, size_t count);
int simulcrypt_emmg_session_test_stream(struct simulcrypt_emmg_session *session, uint16_t stream_id);

/* Whether the MUX refused the version (error_status 0x0002) since the last connected(): a lower one may do.
 */
bool simulcrypt_emmg_session_version_refused(const struct simulcrypt_emmg_session *session);

/* Orderly end: stream_close_request, channel_close. Nothing is awaited: close the connection once it is sent.
 * UDP data under way may come after it: wait a little (100 ms) where that matters. */
void simulcrypt_emmg_session_close(struct simulcrypt_emmg_session *session);

#endif
