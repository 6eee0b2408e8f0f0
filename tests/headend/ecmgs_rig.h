/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tests/headend/ecmgs_rig.h: ECMGs on loopback that behave as they are told, and a CAS that uses them.
 *
 * One test at a time: the rig is a global. */
#ifndef TESTS_HEADEND_ECMGS_RIG_H
#define TESTS_HEADEND_ECMGS_RIG_H

#include <sys/queue.h>

#include "headend/ecmgs.h"
#include "simulcrypt/ecmg_session.h"

#define RIG_ECMGS   3
#define RIG_STREAMS 1000

/* What an ECMG does with those that connect. */
enum rig_manner {
    RIG_WORKS,
    RIG_HANGS_UP,           /* at once */
    RIG_MUTE,               /* reads, and never says a word */
    RIG_HALF_A_MESSAGE,     /* answers channel_setup with half a channel_status */
    RIG_DRIPS,              /* answers byte by byte, ten in a second */
    RIG_HANGS_UP_WHEN_UP,   /* after channel_status */
    RIG_REFUSES_VERSIONS,   /* over version_max */
    RIG_REFUSES_CHANNELS,   /* but for the first connection */
    RIG_WRONG_IDS,          /* answers for channels and streams of others */
    RIG_STORMS,             /* answers each message with a hundred errors */
    RIG_RESETS_IN_RESPONSE, /* half an ECM_response, then the end */
};

struct rig_connection {
    LIST_ENTRY(rig_connection) entry;
    struct rig_ecmg *ecmg;
    struct net_tcp *tcp;
    struct simulcrypt_ecmg_session *session;
    struct net_timer *drip;
    uint8_t waiting[256]; /* to drip */
    size_t waiting_count;
    unsigned streams;
};

struct rig_ecmg {
    struct net_listener *listener;
    uint16_t port;
    LIST_HEAD(, rig_connection) connections;
    enum rig_manner manner;
    uint8_t version_max;
    struct simulcrypt_channel_status status;
    unsigned streams_max; /* per channel, whatever max_streams says; 0: no limit */
    uint16_t setup_error; /* for the stream of bad_ecm_id, 0: for all */
    uint16_t bad_ecm_id;
    uint16_t provision_error;
    uint16_t silent_stream_id; /* its CW_provisions are not answered; 0: none */
    bool keeps_ecms;           /* all CW_provisions are not answered */
    bool deaf;                 /* nothing is read any more */
    unsigned connected, setups, provisions, closed_streams, closed_channels, tests;
    size_t bytes;                           /* received */
    struct rig_connection *last_connection; /* of the last CW_provision, like the next two */
    uint16_t last_stream_id, last_cp;
    uint8_t version;  /* of the last message */
    uint16_t nominal; /* of the last stream_setup */
};

/* The owner of an ECM stream. */
struct rig_stream {
    struct headend_ecm_stream *stream;
    unsigned ups, downs, ecms, failures;
    uint16_t last_cp;
    bool keep_asking;     /* the next one inside the callback */
    const char *unusable; /* what up() answers */
    struct simulcrypt_channel_status status;
    char why[256];
};

extern struct rig {
    struct net_loop *loop;
    struct rig_ecmg ecmg[RIG_ECMGS];
    struct headend_ecmg_address addresses[RIG_ECMGS];
    struct headend_ecmgs_config config;
    struct headend_ecmgs *ecmgs;
    struct rig_stream stream[RIG_STREAMS];
    unsigned stream_count;
    unsigned channels_max, channels, channels_most; /* ECM_channel_ids taken */
    unsigned changes;
} rig;

void rig_begin(void); /* two ECMGs that work; rig.config may be changed until rig_create() */
void rig_end(void);
void rig_create(void);
void rig_add_streams(unsigned count); /* after rig_create() */

void rig_kill(unsigned ecmg);   /* hangs up on all and listens no more */
void rig_revive(unsigned ecmg); /* listens on its port again */
void rig_hang_up(unsigned ecmg);
void rig_hang_up_one(unsigned ecmg); /* a connection that has streams */
void rig_answer(unsigned ecmg);      /* the last CW_provision; its connection must be there still */
void rig_say(unsigned ecmg, const void *bytes, size_t size); /* to all who are connected */

void rig_create_with_streams(unsigned count);
void rig_bring_up(unsigned streams); /* with the first ECMG */

/* Turns the loop until `done`; false after `ms`. */
bool rig_turn(bool (*done)(void), uint64_t ms);
void rig_wait(uint64_t ms);
int rig_ask(unsigned stream, uint16_t cp_number);

unsigned rig_up_count(void); /* streams */
struct headend_ecmg_status rig_status(unsigned ecmg);
bool rig_all_up(void);
bool rig_none_up(void);
bool rig_first_is_active(void);
bool rig_second_is_active(void); /* with all streams */

#endif
