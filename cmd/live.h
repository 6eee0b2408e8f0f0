/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd/live.h: the control side of `scramline run`: what the streams of a pipeline carry, and what is to be
 * done about it.
 *
 * Each tick takes the tables that workers observed, follows the services, moves their crypto-periods on and
 * publishes plans. One thread: the loop's. */
#ifndef CMD_LIVE_H
#define CMD_LIVE_H

#include "cmd/headend_config.h"
#include "cmd/service.h"
#include "net/loop.h"

struct cmd_live_stream;
struct cmd_live_units;
struct cmd_live_psigs;

struct cmd_live_service {
    struct cmd_live_stream *stream;
    struct cmd_service common;
    unsigned use_count;
    const struct cmd_cas_use *uses; /* of the configuration */
    unsigned counted_on;            /* index that is added to PIDs and ECM_ids */
    uint16_t first_flow;
    uint16_t service_id; /* of `services: [all]` */
    bool missing;        /* the PAT does not list it, which was told */
};

struct cmd_live_stream {
    const struct cmd_headend_stream *config;
    const char *name;
    struct cmd_live *live;
    unsigned index;
    struct cipher *cipher; /* names the tier of the keys */
    struct headend_follower *follower;
    bool overfull;    /* `services: [all]`: there are too many */
    bool orders_wait; /* of the follower, for room in the ring */
    uint64_t planned; /* observations that the published plan knows of */
    unsigned service_count;
    struct cmd_live_service *services;
    struct cmd_live_units *units; /* where an EIS rules; else NULL */
    struct scrambler_group groups[SCRAMBLER_GROUPS_MAX];
    uint16_t flows;   /* of the follower, given out so far */
    bool has_changed; /* tables or PIDs, since C(P)SIGs were told */
};

struct cmd_live {
    const struct cmd_headend_config *config;
    struct pipeline *pipeline;
    struct net_loop *loop;
    struct cmd_cas_set cas;
    struct headend_eis *eis;      /* NULL without one */
    struct headend_mux *mux;      /* NULL without EMMGs */
    struct cmd_live_psigs *psigs; /* NULL without C(P)SIGs */
    char eis_told[256];           /* its last error that the log knows of */
    uint32_t scgs;                /* of EISs, ever */
    unsigned stream_count;
    struct cmd_live_stream *streams;
};

/* `config` is borrowed until cmd_live_clear(). Messages are written; negative errno. Clear it in every case.
 */
int cmd_live_init(struct cmd_live *live, const struct cmd_headend_config *config, struct pipeline *pipeline,
                  struct net_loop *loop);
void cmd_live_tick(struct cmd_live *live);

/* Tells of ECMGs that went or came back; call about once a second. */
void cmd_live_report(struct cmd_live *live);

/* A new plan after a change of groups or of the map. */
void cmd_live_publish(struct cmd_live_stream *stream);

/* ECMs to where the follower puts them now. */
void cmd_live_place_ecms(struct cmd_live_stream *stream);

/* Only once the pipeline has stopped: workers read the slots that go here. */
void cmd_live_clear(struct cmd_live *live);

#endif
