/* SPDX-License-Identifier: GPL-3.0-or-later */
/* headend/psig_room.h: what psig.c and psig_request.c share. */
#ifndef HEADEND_PSIG_ROOM_H
#define HEADEND_PSIG_ROOM_H

#include "headend/psig.h"
#include "net/dialer.h"
#include "simulcrypt/psig_session.h"

struct headend__psig_stream {
    uint16_t id;
    struct headend_psig_location location;
    bool up;
    uint32_t triggers; /* trigger_list: what the C(P)SIG enabled */
    uint16_t trigger_id;
};

struct headend_psig {
    struct net_loop *loop;
    struct headend_psig_config config; /* host is not used: the dialer has a copy */
    struct headend_psig_ops ops;
    void *context;
    struct net_dialer *dialer;
    struct net_timer *tick;
    struct simulcrypt_psig_session *session; /* one per connection: the version may have changed */
    bool channel_up;
    uint64_t requests, insertions, refused, triggers;
    char error[400];
    unsigned stream_count;
    struct headend__psig_stream streams[HEADEND_PSIG_STREAMS_MAX];
};

struct headend__psig_stream *headend__psig_find_stream(struct headend_psig *psig, uint16_t stream_id);

/* A request about a stream that is up: serves it, and answers. */
void headend__psig_serve(struct headend_psig *psig, struct headend__psig_stream *stream,
                         const struct simulcrypt_message *request);

#endif
