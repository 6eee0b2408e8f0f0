/* SPDX-License-Identifier: GPL-3.0-or-later */
/* simulcrypt/scs_state.h: inside the room: what the two files of the SCS's end share: scs_session.c is driven
 * by the owner and by time, scs_messages.c by what the ECMG sends. One thread. */
#ifndef SIMULCRYPT_SCS_STATE_H
#define SIMULCRYPT_SCS_STATE_H

#include "simulcrypt/ecmg_link.h"
#include "simulcrypt/scs_session.h"
#include "simulcrypt/streams.h"

#define SIMULCRYPT_NEVER UINT64_MAX

enum simulcrypt__stream_state { STREAM_IDLE, STREAM_ASKED, STREAM_UP };

struct simulcrypt__scs_stream {
    struct simulcrypt__stream head;
    uint16_t ecm_id;
    uint16_t nominal_cp_duration;
    bool has_criteria;
    uint16_t criteria_size;
    uint8_t criteria[SIMULCRYPT_ACCESS_CRITERIA_MAX];

    enum simulcrypt__stream_state state;
    bool transfer_mode;
    bool criteria_known; /* the ECMG has answered a CW_provision that carried them */
    bool criteria_sent;  /* the outstanding CW_provision carries them */
    bool outstanding;
    uint16_t cp_number; /* of the outstanding CW_provision */
    uint64_t deadline;  /* of stream_status or ECM_response, or SIMULCRYPT_NEVER */
};

enum simulcrypt__channel_state { CHANNEL_DOWN, CHANNEL_ASKED, CHANNEL_UP, CHANNEL_FAILED };

struct simulcrypt_scs_session {
    struct simulcrypt_scs_config config;
    struct simulcrypt_scs_ops ops;
    void *context;
    struct simulcrypt__link link;
    unsigned connection; /* counts them: a callback may have ended the one that is being read */
    bool reading;        /* inside simulcrypt_scs_session_input() */
    uint64_t now_ms;     /* the last time given */
    uint64_t heard_ms;   /* when a message last came from the ECMG */
    uint64_t deadline;   /* of the answer to channel_setup or channel_test, or SIMULCRYPT_NEVER */
    enum simulcrypt__channel_state state;
    bool version_refused;
    struct simulcrypt__streams streams;
    char why[200];
};

static inline struct simulcrypt__scs_stream *
simulcrypt__scs_find(const struct simulcrypt_scs_session *session, uint16_t stream_id)
{
    return (struct simulcrypt__scs_stream *)simulcrypt__streams_find(&session->streams, stream_id);
}

static inline struct simulcrypt__scs_stream *
simulcrypt__scs_stream_at(const struct simulcrypt_scs_session *session, size_t position)
{
    return (struct simulcrypt__scs_stream *)session->streams.items[position];
}

static inline bool simulcrypt__scs_is_running(const struct simulcrypt_scs_session *session)
{
    return session->state == CHANNEL_ASKED || session->state == CHANNEL_UP;
}

/* Once per connection; the owner closes it. */
__attribute__((format(printf, 2, 3))) void simulcrypt__scs_fail(struct simulcrypt_scs_session *session,
                                                                const char *format, ...);
void simulcrypt__scs_fail_provision(struct simulcrypt_scs_session *session,
                                    struct simulcrypt__scs_stream *stream, const char *why);
void simulcrypt__scs_ask_for_stream(struct simulcrypt_scs_session *session,
                                    struct simulcrypt__scs_stream *stream);

void simulcrypt__scs_take_valid(struct simulcrypt_scs_session *session,
                                const struct simulcrypt_message *message);
void simulcrypt__scs_take_invalid(struct simulcrypt_scs_session *session,
                                  const struct simulcrypt_message *message,
                                  const struct simulcrypt_verdict *verdict);

#endif
