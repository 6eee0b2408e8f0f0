/* SPDX-License-Identifier: GPL-3.0-or-later */
/* headend/signalling.h: the orders that make PMT, SDT and CAT say what is scrambled. Private to headend/. One
 * thread. */
#ifndef HEADEND_SIGNALLING_H
#define HEADEND_SIGNALLING_H

#include "headend/follower.h"
#include "headend/tables.h"
#include "ts/order.h"

/* One CA_descriptor that is said, its PID known. */
struct headend__signal_ca {
    struct ts_ca_descriptor ca; /* private data: the service's */
    bool of_components;
    uint8_t group;
};

/* What one configured service wants said now. */
struct headend__signal {
    const struct headend__program *program; /* with its PMT; NULL: nothing, it is not to be touched */
    unsigned ca_count;                      /* 0: as it came, under a version of its own */
    struct headend__signal_ca ca[HEADEND_SIGNALS_MAX];
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
    uint32_t protection; /* a sum over what was added */
    uint32_t crc;        /* of the PMT as it came */
};

/* What was said in the CAT last. */
struct headend__said_cat {
    bool version_known;
    uint8_t version;  /* as sent */
    uint32_t entries; /* a sum over what was added */
    unsigned changes; /* of the CAT as it came */
    unsigned playing; /* sections of a CAT of our own */
    bool replacing;
    bool full;      /* not all entries found room */
    bool sent[256]; /* by section number */
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
    struct headend__said_cat cat;
    /* scratch */
    struct ts_order order;
    struct ts_pmt pmt;
    struct ts_ca_descriptor ca[HEADEND_SIGNALS_MAX];
    struct ts_pmt_component_protection components[TS_PMT_COMPONENTS_MAX];
};

/* What is to be said of all services, and in the CAT. */
struct headend__wanted {
    const struct headend__signal *signals;
    unsigned count;
    const struct headend_map *map; /* the groups of components */
    const struct headend_cat_entry *cat;
    unsigned cat_count;
};

/* Sends what differs from what was said. 0, or an error of ts_order_push(): the rest is sent at the next
 * call. */
int headend__signalling_send(struct headend__signalling *signalling, const struct headend__tables *tables,
                             const struct headend__wanted *wanted, uint64_t source_time);

/* The CAT's part (signal_cat.c). `any`: something is scrambled. */
int headend__signal_cat(struct headend__signalling *signalling, const struct headend__table *cat,
                        const struct headend__wanted *wanted, bool any, uint64_t source_time);

/* An order of signalling->order that replaces `source`; its bytes are still to be written. */
struct ts_order *headend__begin_replace(struct headend__signalling *signalling, uint16_t pid,
                                        const struct headend__section *source);
/* A sum over CA_descriptors: another one where they differ. */
uint32_t headend__sum_of_ca(const struct ts_ca_descriptor *ca, unsigned count);
int headend__push_keep(struct headend__signalling *signalling, uint16_t pid);

static inline uint8_t headend__version_after(uint8_t version)
{
    return (version + 1) & 0x1F;
}

#endif
