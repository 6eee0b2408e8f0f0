/* SPDX-License-Identifier: GPL-3.0-or-later */
/* headend/eis.h: the SCS's end of EIS ⇔ SCS (ETSI TS 103 197, clause 10) on sockets: a listener, a session
 * (simulcrypt/scg_session.h) per connection, and the SCGs (simulcrypt/scgs.h) of each EIS_channel_id, which
 * outlive connections. One thread: the loop's.
 *
 * What an SCG does is its owner's: whether it can be had (ops->check), and when it takes effect. SCG_ids are
 * unique within their EIS_channel_id, so an SCG is named by both. Resources that two channels want are the
 * owner's to check; within a channel they are checked already (error_status 0x0010).
 *
 * An EIS_channel_id is remembered while it has a connection or an SCG. A connection that says nothing for the
 * test period gets a channel_test, and is hung up on where it does not answer within 5 s (or the test period,
 * where that is less); so is one that sets up no channel in 30 s. Where an EIS comes back while its old
 * connection seems to live (it lost its power, say), it is refused with 0x0013 and the old one tested at
 * once, so that it gets its channel at a later attempt. */
#ifndef HEADEND_EIS_H
#define HEADEND_EIS_H

#include "net/settings.h"
#include "simulcrypt/scgs.h"

#define HEADEND_EIS_AT_ONCE INT64_MIN /* for activation_ms: the definition names no time */

struct headend_eis;

struct headend_eis_config {
    struct net_listener_settings listen;       /* connections_max 0: 16 */
    struct simulcrypt_scs_abilities abilities; /* of every channel; max_scg 0: 1000 */
    unsigned channels_max;                     /* EIS_channel_ids at a time; 0: 16 */
    /* Answers and changes per second over one connection, as many at once; its further input waits. 0: 1000
     */
    unsigned rate_max;
    uint32_t test_period_ms; /* 0: 30000 */
    /* SCG_status without being asked, after an activation. Whether an EIS expects it is uncertain. */
    bool tells_activations;
};

/* All are needed. Called for one EIS message each, but for channel_reset: accepted() for every SCG. They may
 * call the functions below that read, and none that change. Definitions are as long valid as
 * simulcrypt/scgs.h says. `activation_ms`: UTC, ms since 1970, or HEADEND_EIS_AT_ONCE. */
struct headend_eis_ops {
    /* What nobody else can know: the transport stream, its services and components, the CAS, the time.
     * SIMULCRYPT_EIS_OK or an error_status; ACTIVATION_TOO_SOON is a warning, and the definition accepted.
     * Not asked for removals. */
    uint16_t (*check)(void *context, uint16_t channel_id, const struct simulcrypt_scg *scg,
                      int64_t activation_ms);
    /* `scg` is to take effect from the first crypto-period boundary on that is not before activation_ms, in
     * place of what may have awaited that before; a removal (simulcrypt_scg_is_removal()), too. */
    void (*accepted)(void *context, uint16_t channel_id, const struct simulcrypt_scg *scg,
                     int64_t activation_ms);
    /* × 100 ms, for SCG_status; 0 to leave it out. */
    uint16_t (*nominal_cp_duration)(void *context, uint16_t channel_id, uint16_t scg_id);
};

/* `config` and `ops` are copied. -ENOMEM, errors of listening; `why` holds one line then. */
int headend_eis_create(struct headend_eis **eis, struct net_loop *loop,
                       const struct headend_eis_config *config, const struct headend_eis_ops *ops,
                       void *context, char why[static 256]);
void headend_eis_destroy(struct headend_eis *eis); /* without a callback; NULL is allowed */
uint16_t headend_eis_port(const struct headend_eis *eis);

/* What was pending can no longer be replaced (its crypto-period is published): it is what is in force, and a
 * removal takes the SCG away. Call it at that moment, lest a later definition be taken for it; not inside the
 * ops. -ENOENT where nothing is pending. */
int headend_eis_activated(struct headend_eis *eis, uint16_t channel_id, uint16_t scg_id);

/* NULL: no such channel. Valid until the next turn of the loop. */
const struct simulcrypt_scgs *headend_eis_scgs(const struct headend_eis *eis, uint16_t channel_id);

struct headend_eis_counters {
    struct net_listener_counters listener;
    unsigned connections, channels, scgs; /* now */
    uint64_t accepted;                    /* definitions, removals among them */
    uint64_t refused;                     /* SCG_errors and channel_errors sent, but warnings */
    char last_error[256];                 /* a sentence: refusals and ends of connections; "" for none */
};
void headend_eis_counters(const struct headend_eis *eis, struct headend_eis_counters *counters);

struct headend_eis_channel_status {
    uint16_t channel_id;
    bool connected;
    char peer[300]; /* "ADDRESS:PORT", also of the connection that was */
    size_t scgs;
    uint64_t connections; /* channel_setups */
    uint64_t accepted;
    uint64_t refused;
    char last_error[256];
};
/* The channels, in no order that holds longer than a turn of the loop. -ERANGE from their number on. */
int headend_eis_channel_status(const struct headend_eis *eis, unsigned index,
                               struct headend_eis_channel_status *status);

#endif
