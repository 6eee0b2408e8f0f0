/* SPDX-License-Identifier: GPL-3.0-or-later */
/* headend/ecmgs_room.h: inside the room: the parts of headend/ecmgs.h. One thread: the loop's.
 *
 *   ecmgs.c       which ECMG of the list has the streams, and when
 *   ecmg_peer.c   one ECMG of the list: its connections, its version, when it is tried again
 *   ecmg_link.c   one connection, which is one channel
 *   ecm_stream.c  the streams: on which link each is
 *   ecm_answer.c  what comes of what was asked
 *
 * Connections come up and end inside their session's callbacks, and owners may ask for ECMs inside theirs. So
 * nothing is taken apart on the spot: a link that cannot go on says so from its own timer, and who gets the
 * streams is decided in one place, from the timer of `struct headend_ecmgs`. */
#ifndef HEADEND_ECMGS_ROOM_H
#define HEADEND_ECMGS_ROOM_H

#include <stdarg.h>
#include <sys/queue.h>

#include "headend/ecmgs.h"

#define HEADEND__NEVER            UINT64_MAX
#define HEADEND__BACKOFF_FIRST_MS 250
#define HEADEND__BACKOFF_MAX_MS   10000
#define HEADEND__PAUSE_FIRST_MS   100 /* an ECMG that refuses a CW_provision is not asked again at once */
#define HEADEND__ERROR_MAX        256 /* bytes of a sentence, with NUL */

struct headend__peer;

enum headend__link_state { HEADEND__LINK_CONNECTING, HEADEND__LINK_OPEN, HEADEND__LINK_OVER };

struct headend__link {
    struct headend__peer *peer;
    TAILQ_ENTRY(headend__link) entry;
    struct simulcrypt_scs_session *session;
    struct net_tcp *tcp; /* NULL: it ended */
    struct net_timer *timer;
    uint64_t due;        /* when the timer fires, or HEADEND__NEVER */
    uint64_t connect_by; /* or it is over */
    enum headend__link_state state;
    bool up;       /* the channel is, or was before it was over */
    bool unusable; /* over because of values that a group cannot use */
    bool hung_up;  /* over because the connection ended */
    uint16_t channel_id;
    struct simulcrypt_channel_status status; /* with the operator's values */
    unsigned streams;                        /* placed here */
    unsigned asked;                          /* of them, those whose set-up is not answered yet */
    unsigned streams_max;                    /* 0: no limit known */
    unsigned late;                           /* ECM_responses that did not come, since the last that did */
    uint64_t answered_ms;                    /* when a CW_provision was last answered */
    char why[HEADEND__ERROR_MAX];
};

/* Connects. Negative errno: *link is NULL. */
int headend__link_open(struct headend__link **link, struct headend__peer *peer);
void headend__link_close(
    struct headend__link *link); /* orderly where it is open; never in a callback of it */
/* It cannot go on: headend__peer_link_ended() will be called, not now. The first reason counts. */
__attribute__((format(printf, 2, 3))) void headend__link_fail(struct headend__link *link, const char *format,
                                                              ...);
/* Something was asked of the session: its time-outs are looked at soon. */
void headend__link_attend(struct headend__link *link);
bool headend__link_is_full(const struct headend__link *link);
void headend__link_sort(struct headend__link *link); /* to the front of its peer's links where it has room */

/* One ECMG of the list. */
struct headend__peer {
    struct headend_ecmgs *ecmgs;
    unsigned index;
    char host[sizeof(((struct headend_ecmg_address *)NULL)->host)];
    uint16_t port;
    char address[300]; /* "HOST:PORT" */
    uint8_t version;
    uint64_t reached_ms;               /* when it last took a connection */
    TAILQ_HEAD(, headend__link) links; /* those with room for a stream first */
    unsigned link_count, links_up;
    uint64_t up_ms;                          /* since when it works */
    uint64_t backoff_ms, retry_ms;           /* 0: it did not fail since it was last needed */
    uint64_t link_backoff_ms, link_retry_ms; /* for further links while one works */
    unsigned max_streams;                    /* what its last channel_status said */
    uint64_t attempts, failures, provisions, ecms, timeouts, errors;
    uint32_t response_ms, response_ms_max;
    char error[HEADEND__ERROR_MAX];
};

static inline bool headend__peer_is_up(const struct headend__peer *peer)
{
    return peer->links_up > 0;
}

void headend__peer_init(struct headend__peer *peer, struct headend_ecmgs *ecmgs, unsigned index,
                        const struct headend_ecmg_address *address);
void headend__peer_start(struct headend__peer *peer); /* connects */
void headend__peer_stop(struct headend__peer *peer);  /* not needed now */
/* From link to peer: not inside callbacks of the link's session, but for the first. */
void headend__peer_link_up(struct headend__link *link);
void headend__peer_link_ended(struct headend__link *link);
/* A link that a stream may be placed on, opened where there is none with room; NULL: not now. */
struct headend__link *headend__peer_place(struct headend__peer *peer);
void headend__peer_tidy(struct headend__peer *peer); /* closes links without streams, but for one */
void headend__peer_status(const struct headend__peer *peer, struct headend_ecmg_status *status);
/* `ms`, up to a quarter more by chance, and twice as much the next time. */
uint64_t headend__back_off(uint64_t *ms);

enum headend__stream_state {
    HEADEND__STREAM_WAITING, /* for a link */
    HEADEND__STREAM_REFUSED, /* waits until retry_ms */
    HEADEND__STREAM_ASKED,   /* on a link */
    HEADEND__STREAM_UP,      /* likewise */
};

TAILQ_HEAD(headend__stream_queue, headend_ecm_stream);

struct headend_ecmgs {
    struct net_loop *loop;
    struct net_timer *timer;
    bool soon; /* the timer is about to fire */
    bool ending;
    char *name;
    struct headend_ecmgs_config config; /* its borrowed texts and lists are not used any more */
    struct headend__peer peers[HEADEND_ECMGS_MAX];
    struct headend__peer *active;                   /* NULL: none works */
    struct headend_ecm_stream **streams;            /* by stream number - 1; NULL where it is free */
    unsigned stream_room, stream_count, first_free; /* first_free: none below it is */
    struct headend__stream_queue waiting, refused;
    unsigned up_count, refused_count, outstanding; /* streams; streams; CW_provisions */
    bool quiet_awaited;             /* a better ECMG is to take over once none is outstanding */
    char error[HEADEND__ERROR_MAX]; /* the latest of any of them */
};

uint64_t headend__ecmgs_now(const struct headend_ecmgs *ecmgs);
void headend__ecmgs_decide_soon(struct headend_ecmgs *ecmgs);
void headend__ecmgs_changed(struct headend_ecmgs *ecmgs);
void headend__ecmgs_lost(
    struct headend_ecmgs *ecmgs); /* `active` does not work any more, its links are gone */

/* A CW_provision under way. */
struct headend__asked {
    uint16_t cp_number;
    uint64_t sent_ms;
};

struct headend_ecm_stream {
    struct headend_ecmgs *ecmgs;
    uint16_t id, ecm_id, nominal_cp_duration;
    struct headend_ecm_stream_ops ops;
    void *context;
    enum headend__stream_state state;
    bool fell; /* was up, its owner is still to be told that it is not */
    struct headend__link *link;
    TAILQ_ENTRY(headend_ecm_stream) entry; /* of `waiting` or `refused` */
    uint8_t refused_by;                    /* a bit for each ECMG, since it was last up */
    uint64_t backoff_ms, retry_ms;
    uint64_t pause_ms, paused_until_ms;
    bool was_late; /* here, the CW_provision about late_cp, and no other since */
    uint16_t late_cp;
    unsigned asked_count;
    struct headend__asked asked[SIMULCRYPT_OUTSTANDING_MAX];
    char error[HEADEND__ERROR_MAX];
};

extern const struct simulcrypt_scs_ops headend__stream_ops; /* those of streams; the context is their link */

__attribute__((format(printf, 2, 3))) void headend__stream_set_error(struct headend_ecm_stream *stream,
                                                                     const char *format, ...);
/* Keeps queues and counts in line. */
void headend__stream_set_state(struct headend_ecm_stream *stream, enum headend__stream_state state);
/* Nothing that was asked is awaited any more. The state stays. */
void headend__stream_leave_link(struct headend_ecm_stream *stream);
void headend__stream_refuse(struct headend_ecm_stream *stream); /* for a while */

/* The streams of `link` (NULL: all) wait for a link again; the owners of those that were up are told by the
 * second, when what they were on is gone. */
void headend__streams_take_off(struct headend_ecmgs *ecmgs, const struct headend__link *link,
                               const char *why);
void headend__streams_tell_down(struct headend_ecmgs *ecmgs);
/* Those of a link that did not come up are tried again later. */
void headend__streams_refuse(struct headend_ecmgs *ecmgs, const struct headend__link *link, const char *why);
void headend__streams_place(struct headend_ecmgs *ecmgs);
/* Those whose time has come wait for a link again; when the next one's comes. */
uint64_t headend__streams_retry(struct headend_ecmgs *ecmgs, uint64_t now);
void headend__streams_free(struct headend_ecmgs *ecmgs);

#endif
