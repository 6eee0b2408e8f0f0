/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tests/headend/cpsig.h: a laboratory C(P)SIG on loopback TCP: takes channels and streams, asks what the test
 * has it ask, keeps what came. One at a time. */
#ifndef TESTS_HEADEND_CPSIG_H
#define TESTS_HEADEND_CPSIG_H

#include "net/tcp.h"
#include "simulcrypt/cpsig_session.h"

enum cpsig_manner {
    CPSIG_WORKS,
    CPSIG_REFUSES_VERSION_3,
    CPSIG_REFUSES_STREAMS,
    CPSIG_SILENT,
    CPSIG_HANGS_UP, /* at the first byte */
    CPSIG_GARBAGE,
};

struct cpsig {
    struct net_listener *listener;
    struct net_tcp *tcp;
    struct simulcrypt_cpsig_session *session;
    enum cpsig_manner manner;
    uint8_t version;
    uint32_t custom_cas_id, trigger_list; /* of channel_setup; to put into stream_status, 0: not */
    unsigned connections, streams, closed_streams, closed_channels;
    uint16_t transport_stream_id; /* of the last stream_setup */
    /* What came last from a stream, and how often. */
    unsigned messages;
    uint16_t type, transaction_id, stream_id;
    uint8_t sections[16][64];
    unsigned section_count, last_sections;
    unsigned insert_status;
    uint16_t flow_pid, service_id;
    bool has_flow_pid;
    uint8_t pid_change[9];
    uint32_t trigger_list_answered, trigger_type;
};

extern struct cpsig cpsig;

void cpsig_start(struct net_loop *loop); /* forgets all of an earlier one */
void cpsig_stop(void);
uint16_t cpsig_port(void);
void cpsig_hang_up(void);

/* A request about stream 7, transaction_id 99 already in it. */
void cpsig_begin(uint16_t type, struct simulcrypt_encoder *encoder);
void cpsig_send(struct simulcrypt_encoder *encoder);

#endif
