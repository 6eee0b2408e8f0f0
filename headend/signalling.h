/* SPDX-License-Identifier: GPL-3.0-or-later */
/* headend/signalling.h: the orders that make PMT, SDT and CAT say what is scrambled. Private to headend/. One
 * thread. */
#ifndef HEADEND_SIGNALLING_H
#define HEADEND_SIGNALLING_H

#include "headend/follower.h"
#include "headend/tables.h"
#include "ts/order.h"

/* What one configured service wants said now. */
struct headend__signal {
    const struct headend__program *program; /* with its PMT; NULL: nothing */
    struct ts_ca_descriptor ca;
    uint8_t scrambling_mode;
};

/* What was said about it last. */
struct headend__said {
    bool said;
    bool unsignalled; /* the PMT has no room for the descriptors: it passes as it is */
    bool version_known;
    uint8_t version; /* of the PMT as sent */
    uint16_t number;
    uint16_t pmt_pid;
    uint16_t ca_pid;
    uint32_t crc; /* of the PMT as it came */
};

struct headend__signalling {
    struct base_ring *orders; /* borrowed */
    struct headend__said services[HEADEND_SERVICES_MAX];
    struct {
        bool said;
        bool version_known;
        uint8_t version;  /* of the SDT as sent */
        unsigned changes; /* of the SDT as it came */
        unsigned count;
        uint16_t services[HEADEND_SERVICES_MAX];
        bool sent[256]; /* by section number */
    } sdt;
    bool cat_playing;
    struct ts_order order; /* scratch */
};

/* Sends what differs from what was said. 0, or an error of ts_order_push(): the rest is sent at the next
 * call.
 */
int headend__signalling_send(struct headend__signalling *signalling, const struct headend__tables *tables,
                             const struct headend__signal *signals, unsigned count, bool stream_has_cat,
                             uint64_t source_time);

#endif
