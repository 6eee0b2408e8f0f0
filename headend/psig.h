/* SPDX-License-Identifier: GPL-3.0-or-later */
/* headend/psig.h: the (P)SIG of C(P)SIG ⇔ (P)SIG (ETSI TS 103 197, clause 8): connects to the C(P)SIG of one
 * CAS (simulcrypt/psig_session.h on net/dialer.h), takes the private data that it wants in CA_descriptors,
 * and tells it of tables and of the PIDs of ECMs and EMMs. One thread: the loop's.
 *
 * UNCERTAIN, as the messages' contents are not known beyond names and sizes (docs/simulcrypt.md): a stream is
 * one transport stream. A location is told by the ids that stand in a request: an ES_id is a component
 * (component_tag), a service_id its programme, neither is the CAT. A descriptor is a CA_descriptor whose
 * CA_PID is ours to set; private_data stands for what follows it. 0 in descriptor_insert_status is success.
 * Flows are named by Super_CAS_id, flow_type and flow_id. Triggers are sent where the C(P)SIG enables them.
 *
 * A stream that the C(P)SIG refuses ends the connection, which is tried again more and more slowly. A peer
 * that refuses version 3 (0x0002) is tried with 2. What the C(P)SIG had inserted stays when it goes
 * away. A request that cannot be served is answered, and counted. */
#ifndef HEADEND_PSIG_H
#define HEADEND_PSIG_H

#include "net/tcp.h"
#include "net/tls.h"
#include "simulcrypt/cpsig_psig.h"

#define HEADEND_PSIG_STREAMS_MAX 256 /* of one C(P)SIG */

struct headend_psig;

struct headend_psig_config {
    const char *host; /* copied */
    uint16_t port;
    struct net_tls *tls;                       /* borrowed until destroy(); NULL: plain TCP */
    uint8_t version;                           /* the highest to try, 2 or 3; 0: 3 */
    uint16_t channel_id;                       /* custom_channel_id */
    uint32_t custom_cas_id;                    /* custom_CAS_id: the Super_CAS_id of the CAS (assumed) */
    uint32_t reply_timeout_ms, test_period_ms; /* 0: 5000; 0: never */
    uint32_t flow_pid_trigger; /* the bit of trigger_list that enables PID changes; 0: 0x00000004 (assumed) */
    unsigned rate_max;         /* requests and sections answered per second; 0: 200 */
};

/* Where something is, as far as a message says. */
struct headend_psig_location {
    bool has_transport_stream_id, has_original_network_id, has_service_id, has_es_id;
    uint16_t transport_stream_id, original_network_id, service_id, es_id;
};

/* Private data for the CA_descriptors of a CAS at a location. */
struct headend_psig_insertion {
    uint32_t custom_cas_id;
    uint16_t ca_system_id; /* of the descriptor, or the high half of custom_cas_id */
    struct headend_psig_location location;
    int location_id;             /* -1: not given. The numbers' meaning is not known */
    int32_t delay_ms;            /* insertion_delay (assumed to be in ms); 0 where it is not given */
    const uint8_t *private_data; /* replaces what was there; size 0: none any more */
    uint16_t private_size;
};

struct headend_psig_flow {
    uint8_t type;          /* flow_type, as it came */
    uint32_t super_cas_id; /* flow_super_CAS_id; custom_cas_id where it is not given */
    uint16_t id;           /* flow_id: the ECM_id or EMM data_id (assumed) */
};

/* All are needed; called while a request is served, and call nothing of the psig but what reads. `stream_id`
 * is the owner's. */
struct headend_psig_ops {
    /* 0, or negative: it is answered as a failure (-EINVAL: no such place, -ENOSPC: too long). */
    int (*ca_private_data)(void *context, uint16_t stream_id, const struct headend_psig_insertion *insertion);
    /* Gives each section of the table with section(). Negative where there is no such table. */
    int (*table)(void *context, uint16_t stream_id, uint8_t table_id,
                 const struct headend_psig_location *location,
                 void (*section)(void *to, const uint8_t *bytes, size_t size), void *to);
    uint16_t (*flow_pid)(void *context, uint16_t stream_id,
                         const struct headend_psig_flow *flow); /* 0: none */
};

/* Begins to connect. -EINVAL for a version, -ENOMEM. */
int headend_psig_create(struct headend_psig **psig, struct net_loop *loop,
                        const struct headend_psig_config *config, const struct headend_psig_ops *ops,
                        void *context);
void headend_psig_destroy(struct headend_psig *psig); /* stream_close, channel_close; NULL is allowed */

/* A transport stream, set up as soon as the channel is. `location` is what its stream_setup says. -EEXIST,
 * -ENOSPC, -ENOMEM. */
int headend_psig_add_stream(struct headend_psig *psig, uint16_t stream_id,
                            const struct headend_psig_location *location);
int headend_psig_remove_stream(struct headend_psig *psig, uint16_t stream_id); /* -ENOENT */

/* A flow has another PID: a trigger, where the C(P)SIG enabled it; else nothing. -ENOENT: no such stream. */
int headend_psig_flow_changed(struct headend_psig *psig, uint16_t stream_id,
                              const struct headend_psig_flow *flow, uint16_t pid);
/* A service has come, gone or changed its components: stream_service_change, where the stream is up. -ENOENT.
 */
int headend_psig_service_changed(struct headend_psig *psig, uint16_t stream_id, uint16_t service_id);

struct headend_psig_status {
    bool connected, channel_up;
    unsigned streams, streams_up;
    uint8_t version; /* in use, or to be tried next */
    uint64_t attempts, requests, insertions, refused, triggers;
    char last_error[400]; /* a sentence, "" for none */
};
void headend_psig_status(const struct headend_psig *psig, struct headend_psig_status *status);

#endif
