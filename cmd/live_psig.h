/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd/live_psig.h: the (P)SIG of a live headend: the C(P)SIGs of its CASs put private data into the
 * CA_descriptors that its tables have, and hear of PIDs and of changed services. Private to cmd/live*.c. One
 * thread: the loop's. */
#ifndef CMD_LIVE_PSIG_H
#define CMD_LIVE_PSIG_H

#include "cmd/live.h"
#include "headend/psig.h"

/* What a C(P)SIG had inserted; an owned list. */
struct cmd_live_insertion {
    struct cmd_live_insertion *next;
    unsigned stream;
    bool in_cat;
    uint16_t service_id; /* else */
    bool holds;          /* false: it was taken back */
    uint8_t private_size;
    uint8_t private_data[HEADEND_CA_PRIVATE_MAX];
};

/* A transport stream at one C(P)SIG. */
struct cmd_live_psig_stream {
    bool wanted;  /* the CAS can be used in it */
    bool added;   /* the C(P)SIG has it, by this name: */
    unsigned age; /* seconds that its PAT has been known for */
    struct headend_psig_location location;
};

struct cmd_live_psig {
    struct cmd_live *live;
    const struct cmd_headend_cpsig *config;
    uint32_t super_cas_id;
    struct net_tls *tls;
    struct headend_psig *psig;
    struct cmd_live_insertion *insertions;
    struct cmd_live_psig_stream streams[HEADEND_PSIG_STREAMS_MAX]; /* by the index of live's */
    bool up_told;                                                  /* what the log knows of */
    char error_told[400];
};

/* An ECM stream, and where it plays. */
struct cmd_live_flow {
    uint32_t super_cas_id;
    uint16_t ecm_id, flow, pid;
};

/* What C(P)SIGs were told of a stream last. */
struct cmd_live_psig_seen {
    struct cmd_live_flow flows[HEADEND_FLOWS_MAX];
    struct {
        uint16_t service_id; /* 0: not there */
        uint16_t pmt_pid;
        uint32_t pmt_crc;
    } services[HEADEND_SERVICES_MAX];
};

struct cmd_live_psigs {
    unsigned count;
    struct cmd_live_psig *list;
    struct cmd_live_psig_seen *seen; /* by stream */
};

/* Begins to connect, where the configuration wants it. Negative errno after one clear message. */
int cmd_live_psig_open(struct cmd_live *live);
void cmd_live_psig_tick(struct cmd_live *live);
void cmd_live_psig_report(struct cmd_live *live); /* once a second */
void cmd_live_psig_close(struct cmd_live *live);

/* Private data that the CAS's C(P)SIG had inserted in place of what is configured. */
void cmd_live_psig_amend(const struct cmd_live_stream *stream, unsigned service, unsigned cas,
                         struct headend_signal *signal);
void cmd_live_psig_amend_cat(const struct cmd_live_stream *stream, struct headend_cat_entry *entry);

/* custom_stream_id counts streams from 1. */
static inline uint16_t cmd_live_psig_stream_id(unsigned index)
{
    return (uint16_t)(index + 1);
}

/* Among the parts: live_psig_insert.c; headend_psig_ops.ca_private_data. */
int cmd_live_psig_insert(void *context, uint16_t stream_id, const struct headend_psig_insertion *insertion);
void cmd_live_psig_forget(struct cmd_live_psig *psig);
/* Whether the C(P)SIG's CAS is among these. */
bool cmd_live_psig_may_use(const struct cmd_live_psig *psig, const struct cmd_cas_use *uses, unsigned count);
/* An entry of the stream's CAT is that CAS's, or will be as soon as its EMMG comes. */
bool cmd_live_psig_has_emms(const struct cmd_live_psig *psig, unsigned stream);

/* live_psig_look.c: headend_psig_ops.flow_pid; tells C(P)SIGs what has changed in a stream. */
uint16_t cmd_live_psig_flow_pid(void *context, uint16_t stream_id, const struct headend_psig_flow *flow);
void cmd_live_psig_look(struct cmd_live_stream *stream);
/* The CA_descriptors of a service anew. */
void cmd_live_psig_announce(struct cmd_live_stream *stream, unsigned service);

#endif
