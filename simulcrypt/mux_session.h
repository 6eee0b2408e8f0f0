/* SPDX-License-Identifier: GPL-3.0-or-later */
/* simulcrypt/mux_session.h: the MUX's end of one EMMG/PDG ⇔ MUX connection (ETSI TS 103 197, clause 6).
 * Sans-I/O.
 *
 * Bytes from the EMMG and the time go in; bytes to send come out through `ops->send`, decisions are asked for
 * through the other ops. One connection carries one channel and any number of streams. One thread.
 *
 * Versions 1, 2, 3 and 5 are understood, answers bear the version of the request. Unknown messages and
 * parameters are passed over. A message that cannot be taken is answered with channel_error or stream_error
 * and, in error_information, two bytes: the parameter at fault or the fault's offset. An error is never
 * answered.
 *
 * Uncertain (docs/simulcrypt.md): whether bandwidth counts sections or the packets that carry them; here the
 * bytes of the datagrams count. */
#ifndef SIMULCRYPT_MUX_SESSION_H
#define SIMULCRYPT_MUX_SESSION_H

#include "simulcrypt/emmg_mux.h"

struct simulcrypt_mux_session;

/* All are needed. Every callback gets the context given at creation. Those that decide return
 * SIMULCRYPT_EMMG_OK or the error_status to answer with. None may destroy the session or feed it. */
struct simulcrypt_mux_ops {
    void (*send)(void *context, const uint8_t *bytes, size_t size);
    /* The connection is to be closed after what was sent has left (three unreadable messages in a row, an
     * unrecoverable error, channel_close). */
    void (*close)(void *context, const char *why);
    uint16_t (*channel_setup)(void *context, uint32_t client_id, uint16_t channel_id,
                              enum simulcrypt_format format);
    void (*channel_closed)(void *context, uint16_t channel_id); /* after its streams' stream_closed */
    /* `bandwidth` (kbit/s) is 0 on entry: no limit until there is an allocation. */
    uint16_t (*stream_setup)(void *context, const struct simulcrypt_data_stream *stream, uint16_t *bandwidth);
    void (*stream_closed)(void *context, uint16_t stream_id);
    /* stream_BW_request: `asked` is NULL for a mere question. `bandwidth` is what is in force, and becomes
     * what the answer says; 0 is answered without a value: no limit. Some EMMGs give up without one. */
    uint16_t (*bandwidth)(void *context, uint16_t stream_id, const uint16_t *asked, uint16_t *bandwidth);
    /* One datagram: one section, or TS packets whose PID and continuity_counter mean nothing. */
    void (*data)(void *context, uint16_t stream_id, const uint8_t *datagram, size_t size);
};

/* max_streams of the channel, 0 for no limit. -ENOMEM. */
int simulcrypt_mux_session_create(struct simulcrypt_mux_session **session, uint16_t max_streams,
                                  const struct simulcrypt_mux_ops *ops, void *context);
void simulcrypt_mux_session_destroy(struct simulcrypt_mux_session *session); /* closes what is open */

/* `size` bytes came at `now_ms` (monotonic). What exceeds a stream's bandwidth over more than a second is
 * dropped, message by message, and answered with EXCEEDED_BANDWIDTH once until it keeps to it again. */
void simulcrypt_mux_session_input(struct simulcrypt_mux_session *session, const uint8_t *bytes, size_t size,
                                  uint64_t now_ms);

/* A data_provision that came over UDP (simulcrypt_data_provision_read()); same checks, and no answer. -ENOENT
 * where (client_id, data_id) is no stream of this session, BASE_E_MALFORMED for an unsound datagram, -EDQUOT
 * over the bandwidth; it is dropped as a whole then. */
int simulcrypt_mux_session_udp(struct simulcrypt_mux_session *session,
                               const struct simulcrypt_message *message, uint64_t now_ms);

/* An allocation that was not asked for (kbit/s, 0: no limit). -ENOENT. */
int simulcrypt_mux_session_allocate(struct simulcrypt_mux_session *session, uint16_t stream_id,
                                    uint16_t bandwidth);
/* stream_error for one stream, -ENOENT where it is closed by now. SIMULCRYPT_EMMG_UNRECOVERABLE closes it. */
int simulcrypt_mux_session_stream_error(struct simulcrypt_mux_session *session, uint16_t stream_id,
                                        uint16_t error);

/* channel_test and stream_test: whatever input follows shows that the EMMG lives. -ENOTCONN, -ENOENT. */
int simulcrypt_mux_session_test_channel(struct simulcrypt_mux_session *session);
int simulcrypt_mux_session_test_stream(struct simulcrypt_mux_session *session, uint16_t stream_id);

#endif
