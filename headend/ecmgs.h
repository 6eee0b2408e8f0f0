/* SPDX-License-Identifier: GPL-3.0-or-later */
/* headend/ecmgs.h: the ECMGs of one CAS: a primary and its backups, for any number of ECM streams. One
 * thread: the loop's.
 *
 * One connection is one channel (ETSI TS 103 197); where an ECMG takes only so many streams per channel
 * (max_streams), further connections are made. The streams are with one ECMG at a time: the first of the list
 * that works. It no longer works when its (last) connection ends, cannot be made, or does not answer (a
 * CW_provision, a channel_test or a set-up is not answered in time): then the next of the list is tried at
 * once, and all streams move there. Where a better one of the list comes back and stays for the failback
 * time, they move back, at a moment when none of them waits for an answer. ECMGs that do not work are tried
 * again after 250 ms, doubling to 10 s, with up to a quarter of chance added, so that many headends do not
 * come back as one.
 *
 * A peer that refuses the version (0x0002) is tried with the next lower one. ECM_channel_ids are unique over
 * all connections of the headend, so the owner gives out their numbers. */
#ifndef HEADEND_ECMGS_H
#define HEADEND_ECMGS_H

#include "net/tcp.h"
#include "simulcrypt/scs_session.h"

#define HEADEND_ECMGS_MAX   8          /* of one CAS */
#define HEADEND_NO_FAILBACK UINT32_MAX /* milliseconds */

struct headend_ecmg_address {
    char host[256];
    uint16_t port;
};

/* Values of channel_status that the operator knows better than the ECMG. X(name, field) */
#define HEADEND_STATUS_OVERRIDE_MAP(X)                                                                       \
    X(delay_start)                                                                                           \
    X(delay_stop)                                                                                            \
    X(transition_delay_start)                                                                                \
    X(transition_delay_stop)                                                                                 \
    X(ac_delay_start)                                                                                        \
    X(ac_delay_stop)                                                                                         \
    X(ecm_rep_period)                                                                                        \
    X(min_cp_duration)                                                                                       \
    X(max_comp_time)

struct headend_status_override {
#define X(name)                                                                                              \
    bool has_##name;                                                                                         \
    int32_t name; /* unit and range of struct simulcrypt_channel_status */
    HEADEND_STATUS_OVERRIDE_MAP(X)
#undef X
};

struct headend_ecmgs_config {
    const char *name; /* of the CAS, for messages; borrowed until create() returns, like all below */
    uint32_t super_cas_id;
    uint8_t version;        /* the highest to try; 1, 2, 3 or 5 */
    uint8_t version_lowest; /* 0: 2 */
    unsigned count;
    const struct headend_ecmg_address *ecmgs; /* the primary first */
    struct net_tls *tls;                      /* borrowed until destroy(); NULL: plain TCP */
    uint32_t reply_timeout_ms;                /* of set-up messages and tests; 0: 5000 */
    uint32_t network_delay_ms;                /* ECM_response is late after max_comp_time + this; 0: 5000 */
    uint32_t test_period_ms;                  /* channel_test after so long a silence; 0: never */
    uint32_t failback_ms;                     /* HEADEND_NO_FAILBACK: stay until the backup fails */
    uint8_t outstanding_max;                  /* CW_provisions per stream; 0: 1 */
    struct headend_status_override override;
    /* A new ECM_channel_id; -ENOSPC where there is none left. And one is free again. */
    int (*channel_take)(void *context, uint16_t *channel_id);
    void (*channel_give)(void *context, uint16_t channel_id);
    /* Something came that groups should act on soon: call headend_group_advance(). Not called inside
     * destroy(). Do not destroy inside it. May be NULL. */
    void (*changed)(void *context);
    void *context;
};

struct headend_ecmgs;

/* Connects at once. -EINVAL for no ECMG or an unknown version, -ENOMEM. */
int headend_ecmgs_create(struct headend_ecmgs **ecmgs, struct net_loop *loop,
                         const struct headend_ecmgs_config *config);
void headend_ecmgs_destroy(struct headend_ecmgs *ecmgs); /* orderly close; streams go too; NULL is allowed */

struct headend_ecm_stream;

struct headend_ecm_stream_config {
    uint16_t ecm_id;
    uint16_t nominal_cp_duration; /* × 100 ms; raised to the channel's min_CP_duration where that is more */
};

/* All are needed. Callbacks may call headend_ecm_stream_provision(), none of the others. */
struct headend_ecm_stream_ops {
    /* The stream is set up: may be asked. Again where another ECMG took over, after down(). `status` has the
     * operator's values already. False: these values cannot be used (`why` was set): this ECMG counts as one
     * that does not work. */
    bool (*up)(void *context, const struct simulcrypt_channel_status *status, const char **why);
    void (*down)(void *context, const char *why); /* what was asked will not be answered */
    void (*ecm)(void *context, uint16_t cp_number, const uint8_t *datagram, size_t size);
    void (*provision_failed)(void *context, uint16_t cp_number, const char *why);
};

/* -ENOMEM, -ENOSPC without a free stream number. */
int headend_ecm_stream_create(struct headend_ecm_stream **stream, struct headend_ecmgs *ecmgs,
                              const struct headend_ecm_stream_config *config,
                              const struct headend_ecm_stream_ops *ops, void *context);
void headend_ecm_stream_destroy(
    struct headend_ecm_stream *stream); /* stream_close_request; NULL is allowed */

/* For headend_group_ops.provision. -ENOTCONN while the stream is not up; -EBUSY while as many are outstanding
 * as may be, and for a while (100 ms, doubling to 5 s) after one that failed. */
int headend_ecm_stream_provision(struct headend_ecm_stream *stream,
                                 const struct simulcrypt_cw_provision *provision);
bool headend_ecm_stream_is_up(const struct headend_ecm_stream *stream);
const char *headend_ecm_stream_last_error(const struct headend_ecm_stream *stream); /* "" for none */

enum headend_ecmg_state {
    HEADEND_ECMG_IDLE,       /* a backup that is not needed, or waiting for the next attempt */
    HEADEND_ECMG_CONNECTING, /* TCP, TLS, channel_setup */
    HEADEND_ECMG_STANDBY,    /* its channel is up, streams are elsewhere: for the failback time */
    HEADEND_ECMG_ACTIVE,     /* has the streams */
};

/* One ECMG of the list. */
struct headend_ecmg_status {
    char address[300]; /* "HOST:PORT" */
    enum headend_ecmg_state state;
    uint8_t version; /* in use, or to be tried next */
    unsigned channels, streams;
    uint64_t attempts;    /* connections tried */
    uint64_t failures;    /* times that it stopped working, or did not begin to */
    uint64_t provisions;  /* sent */
    uint64_t ecms;        /* received */
    uint64_t timeouts;    /* ECM_responses that did not come in time */
    uint64_t errors;      /* error messages received */
    uint32_t response_ms; /* of the last ECM_response */
    uint32_t response_ms_max;
    char last_error[256]; /* a sentence, "" for none */
};
unsigned headend_ecmgs_count(const struct headend_ecmgs *ecmgs);
/* -ERANGE */
int headend_ecmgs_status(const struct headend_ecmgs *ecmgs, unsigned index,
                         struct headend_ecmg_status *status);
const char *headend_ecmgs_name(const struct headend_ecmgs *ecmgs);

#endif
