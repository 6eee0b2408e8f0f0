/* SPDX-License-Identifier: GPL-3.0-or-later */
/* descrambler/state.h: what an engine holds. Private to descrambler/; one thread.
 *
 * Two ends look at the stream. The scouting end reads tables and ECMs, maybe far ahead of the packets that
 * are opened; what it finds waits in queues, tagged with its position, until the opening end comes there. */
#ifndef DESCRAMBLER_STATE_H
#define DESCRAMBLER_STATE_H

#include "descrambler/engine.h"

#define DESCRAMBLER__GROUPS     128 /* ECM PIDs */
#define DESCRAMBLER__CANDIDATES 8   /* ECM PIDs of one component */
#define DESCRAMBLER__SERVICES   256
#define DESCRAMBLER__ECMS       1024 /* changes of ECMs that wait for their position */
#define DESCRAMBLER__TABLES     32   /* changes of PMTs that wait for their position */
#define DESCRAMBLER__TABLE_MAX  1024 /* bytes of a PMT section */

/* A control word of one parity, and prepared keys that follow it. */
struct descrambler_word {
    struct base_secret cw;      /* size 0: none */
    struct base_secret pending; /* for when this parity comes on again */
    uint64_t serial;            /* of cw */
    struct {
        struct cipher_key *key; /* NULL: not needed yet */
        uint64_t serial;        /* of the word that it was made from */
    } prepared[CIPHER_ALGORITHMS];
};

/* Components that share control words: those with one ECM PID; with fixed words, all. */
struct descrambler_group {
    bool used;
    uint16_t ecm_pid;
    uint8_t parity;    /* TS_EVEN or TS_ODD: on air; TS_CLEAR: none seen yet */
    uint64_t period;   /* crypto-periods seen, the running one included */
    uint64_t moved_at; /* position of the first packet of it */
    struct descrambler_word words[2];
    unsigned queued;     /* of its ECMs, in the queue */
    unsigned unlabelled; /* of these, the newest ones: no scrambled packet was seen behind them yet */
    uint16_t last_size;
    uint8_t last[TS_SECTION_MAX]; /* the ECM as it was seen last */
};

struct descrambler_pid {
    bool selected;     /* by configuration */
    bool mapped;       /* a component of `service` */
    uint8_t algorithm; /* CIPHER_ALGORITHMS: one that is not known here */
    bool has_algorithm;
    uint8_t scrambling_mode; /* that named it; 0: none did */
    uint8_t candidate_count;
    bool chosen;                                 /* candidates[0] has opened: it stays */
    uint8_t candidates[DESCRAMBLER__CANDIDATES]; /* groups, best first */
    uint8_t scouted_count;                       /* the same at the scouting end */
    uint8_t scouted[DESCRAMBLER__CANDIDATES];
    uint16_t service; /* index */
    uint64_t period;  /* of the group when this PID was last in step with it */
};

struct descrambler_service {
    bool used;
    bool known;   /* a PMT was read ... */
    bool applied; /* ... and one is in force */
    uint16_t program_number;
    uint16_t pmt_pid;
    uint32_t pmt_crc;
};

struct descrambler_ecm {
    uint64_t position;
    uint8_t group;
    uint8_t parity; /* of the next packet of the group, TS_CLEAR where not known yet */
    struct descrambler_cws cws;
};

struct descrambler_table {
    uint64_t position;
    uint16_t service;
    uint16_t size; /* 0: the service is gone */
    uint8_t section[DESCRAMBLER__TABLE_MAX];
};

struct descrambler_engine {
    struct descrambler_counters counters;
    uint64_t scouted;   /* packets */
    uint64_t processed; /* packets */
    uint64_t serials;
    struct descrambler_pid pids[TS_PIDS];

    enum descrambler_selection selection;
    bool has_service;   /* DESCRAMBLER_SERVICE: its number is known ... */
    bool service_found; /* ... and a PMT of it was read */
    uint16_t service_id;
    char service_name[TS_SERVICE_NAME_MAX];
    bool has_algorithm;
    enum cipher_algorithm algorithm;
    struct base_secret *list; /* owned */
    size_t list_count;
    descrambler_ecm_open *ecm_open;
    void *ecm_context;
    uint8_t unknown_mode; /* of a service that stayed locked for it; 0: none */
    uint16_t unknown_service;
    bool scrambled_ahead; /* a scrambled packet was scouted */

    struct ts_section_demux *demux;
    bool pat_known[256];
    uint32_t pat_crc[256]; /* by section_number */
    struct descrambler_service services[DESCRAMBLER__SERVICES];
    struct descrambler_group groups[DESCRAMBLER__GROUPS]; /* 0: of fixed words, or the first ECM PID */
    unsigned unlabelled;                                  /* sum over the groups */

    /* Queues: numbers count since the beginning, the place is number mod size. */
    uint64_t ecm_head, ecm_tail; /* [head, tail) wait */
    uint64_t table_head, table_tail;
    struct descrambler_ecm ecms[DESCRAMBLER__ECMS];
    struct descrambler_table tables[DESCRAMBLER__TABLES];
};

#endif
