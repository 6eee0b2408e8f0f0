/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd/live_scg.h: an SCG that an EIS has defined, at work on a live stream. Private to cmd/live*.c.
 *
 * What it holds are units: services, or components, of which each has a group of the plan and key slots of
 * its own; one SCG at a time publishes to a unit. Definitions follow one another: the one in force, the one
 * to come, the one that waits for that to be in force, and the old one while its last ECMs play. ECM streams
 * and their numbers are shared by the definitions that have them, and given back with the last one. */
#ifndef CMD_LIVE_SCG_H
#define CMD_LIVE_SCG_H

#include "cmd/live.h"

#define CMD_LIVE_UNITS_MAX      SCRAMBLER_GROUPS_MAX
#define CMD_LIVE_COMPONENTS_MAX (CMD_LIVE_UNITS_MAX - HEADEND_SERVICES_MAX)

struct cmd_live_scg;

/* Of index i below HEADEND_SERVICES_MAX: the service of that index. Above: components, as they are needed. */
struct cmd_live_unit {
    struct keys_slots *slots;
    struct cmd_live_scg *owner; /* who publishes to it; NULL: nobody */
    unsigned group;             /* of the plan */
    unsigned service;
    bool is_component;
    bool named;         /* a component that definitions hold: */
    uint16_t component; /* as the EIS names it */
    unsigned holders;   /* definitions */
    bool mapped;        /* the follower gives it its group: its control words run */
};

/* An ECM stream: (Super_CAS_id, ECM_id). */
struct cmd_live_ecm {
    const struct cmd_cas_use *use;
    uint16_t ecm_id, flow;
    unsigned holders; /* definitions */
};

/* An ECM stream of a definition, and on what terms. */
struct cmd_live_term {
    struct cmd_live_ecm *ecm;
    bool changed; /* the access criteria are others than before */
    bool has_access_criteria;
    uint16_t access_criteria_size;
    uint8_t *access_criteria; /* owned */
};

struct cmd_live_definition {
    bool removal;
    unsigned unit_count, term_count;
    struct cmd_live_unit *units[HEADEND_GROUP_MEMBERS_MAX];
    struct cmd_live_term terms[HEADEND_GROUP_CAS_MAX];
    uint64_t crypto_period;
    int64_t activation_ms; /* UTC, HEADEND_EIS_AT_ONCE: as soon as possible */
};

struct cmd_live_scg {
    struct cmd_live_scg *next; /* of the stream's */
    struct cmd_live_stream *stream;
    uint16_t channel_id, scg_id;
    uint32_t number; /* counted over the headend: its control words are its own */
    char name[128];
    struct headend_scg *scg; /* NULL: has not begun */
    struct cmd_live_definition *current, *coming, *old;
    struct cmd_live_definition *waiting; /* came when `coming` could no longer be replaced */
    bool applied;                        /* `coming` is the group's to carry out */
    uint64_t boundary;                   /* source time at which `current` begins to hold */
    bool passed;                         /* it does */
    bool ending;                         /* the EIS has removed it */
};

/* Of a stream that an EIS rules. */
struct cmd_live_units {
    struct cmd_live_unit units[CMD_LIVE_UNITS_MAX];
    uint8_t flows[HEADEND_FLOWS_MAX / 8]; /* a bit each, 1: taken */
    struct cmd_live_scg *scgs;
};

static inline const struct cmd_live_scg *cmd_live_scgs(const struct cmd_live_stream *stream)
{
    return stream->units ? stream->units->scgs : NULL;
}

/* The unit of a service that the follower is to know under this index. */
int cmd_live_unit_init(struct cmd_live_stream *stream, unsigned service);

/* An SCG that is not on its way out; NULL. */
struct cmd_live_scg *cmd_live_scg_find(const struct cmd_live_stream *stream, uint16_t channel_id,
                                       uint16_t scg_id);

/* `coming` from now on; taken over. Negative errno: there is no memory, nothing changes. */
int cmd_live_scg_define(struct cmd_live_stream *stream, uint16_t channel_id, uint16_t scg_id,
                        struct cmd_live_definition *definition);

/* What it is to be in the end: `waiting`, or else `coming`, or else `current`. */
const struct cmd_live_definition *cmd_live_scg_latest(const struct cmd_live_scg *scg);

/* Moves all SCGs of the stream on. */
void cmd_live_scgs_advance(struct cmd_live_stream *stream, uint64_t now);
void cmd_live_scgs_place_ecms(struct cmd_live_stream *stream);
void cmd_live_scgs_clear(struct cmd_live_stream *stream);

/* Definitions: NULL without memory. */
struct cmd_live_definition *cmd_live_definition_create(struct cmd_live_stream *stream,
                                                       const struct cmd_live_scg *before,
                                                       const struct simulcrypt_scg *scg,
                                                       int64_t activation_ms);
bool cmd_live_definition_holds(const struct cmd_live_definition *definition, /* NULL: nothing */
                               const struct cmd_live_unit *unit);
void cmd_live_definition_destroy(struct cmd_live_stream *stream, struct cmd_live_definition *definition);

/* The unit of a service or component, as an EIS names it; NULL: the stream has none (or no room). With
 * `take` a component's unit is made where there is none yet. */
struct cmd_live_unit *cmd_live_unit_of_service(struct cmd_live_stream *stream, uint16_t service_id);
struct cmd_live_unit *cmd_live_unit_of_component(struct cmd_live_stream *stream,
                                                 const struct simulcrypt_scg *scg, uint16_t component,
                                                 bool take);
/* In which service, of those that the SCG names if it names any; -ENOENT. */
int cmd_live_find_component(const struct cmd_live_stream *stream, const struct simulcrypt_scg *scg,
                            uint16_t component, unsigned *service);
/* Components that could still get a unit. */
unsigned cmd_live_units_free(const struct cmd_live_stream *stream);

/* The terms with a CAS that the stream may use, NULL: none of this Super_CAS_id. */
const struct cmd_cas_use *cmd_live_find_use(const struct cmd_live_stream *stream, uint32_t super_cas_id);
/* The ECM stream of this number that the SCG has or is to have, NULL: not there. */
struct cmd_live_ecm *cmd_live_scg_find_ecm(const struct cmd_live_scg *scg, const struct cmd_cas_use *use,
                                           uint16_t ecm_id);

/* What the tables say of the services that the definition touches, all SCGs taken together. */
void cmd_live_announce_scgs(struct cmd_live_stream *stream, const struct cmd_live_definition *touched);
/* Of one service of them. */
void cmd_live_announce_service(struct cmd_live_stream *stream, unsigned service);
/* Components' groups, and the plan. */
void cmd_live_map_components(struct cmd_live_stream *stream, unsigned service);

#endif
