/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The ECM streams of a CAS: on which link each is. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "headend/ecmgs_room.h"

void headend__stream_set_error(struct headend_ecm_stream *stream, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(stream->error, sizeof(stream->error), format, arguments);
    va_end(arguments);
}

/* Where streams of this state wait; NULL: nowhere. */
static struct headend__stream_queue *queue_of(struct headend_ecmgs *ecmgs, enum headend__stream_state state)
{
    switch (state) {
    case HEADEND__STREAM_WAITING:
        return &ecmgs->waiting;
    case HEADEND__STREAM_REFUSED:
        return &ecmgs->refused;
    default:
        return NULL;
    }
}

void headend__stream_set_state(struct headend_ecm_stream *stream, enum headend__stream_state state)
{
    struct headend_ecmgs *ecmgs = stream->ecmgs;
    struct headend__stream_queue *from = queue_of(ecmgs, stream->state), *to = queue_of(ecmgs, state);

    ecmgs->up_count -= stream->state == HEADEND__STREAM_UP;
    ecmgs->refused_count -= stream->state == HEADEND__STREAM_REFUSED;
    ecmgs->up_count += state == HEADEND__STREAM_UP;
    ecmgs->refused_count += state == HEADEND__STREAM_REFUSED;
    stream->state = state;
    if (from)
        TAILQ_REMOVE(from, stream, entry);
    if (to)
        TAILQ_INSERT_TAIL(to, stream, entry);
}

static void forget_asked(struct headend_ecm_stream *stream)
{
    stream->ecmgs->outstanding -= stream->asked_count;
    stream->asked_count = 0;
}

void headend__stream_leave_link(struct headend_ecm_stream *stream)
{
    struct headend__link *link = stream->link;

    forget_asked(stream);
    link->streams--;
    link->asked -= stream->state == HEADEND__STREAM_ASKED;
    stream->link = NULL;
    headend__link_sort(link);
}

void headend__stream_refuse(struct headend_ecm_stream *stream)
{
    stream->retry_ms = headend__ecmgs_now(stream->ecmgs) + headend__back_off(&stream->backoff_ms);
    headend__stream_set_state(stream, HEADEND__STREAM_REFUSED);
}

void headend__streams_take_off(struct headend_ecmgs *ecmgs, const struct headend__link *link, const char *why)
{
    for (unsigned i = 0; i < ecmgs->stream_room; i++) {
        struct headend_ecm_stream *stream = ecmgs->streams[i];
        if (!stream || (link && stream->link != link))
            continue;
        stream->fell = stream->state == HEADEND__STREAM_UP;
        if (stream->state != HEADEND__STREAM_REFUSED)
            headend__stream_set_error(stream, "%s", why);
        if (stream->link)
            headend__stream_leave_link(stream);
        headend__stream_set_state(stream, HEADEND__STREAM_WAITING);
    }
}

void headend__streams_tell_down(struct headend_ecmgs *ecmgs)
{
    for (unsigned i = 0; i < ecmgs->stream_room; i++) {
        struct headend_ecm_stream *stream = ecmgs->streams[i];
        if (!stream || !stream->fell)
            continue;
        stream->fell = false;
        stream->ops.down(stream->context, stream->error);
    }
}

/* Of a link that did not come up: none of them was. */
void headend__streams_refuse(struct headend_ecmgs *ecmgs, const struct headend__link *link, const char *why)
{
    for (unsigned i = 0; i < ecmgs->stream_room; i++) {
        struct headend_ecm_stream *stream = ecmgs->streams[i];
        if (!stream || stream->link != link)
            continue;
        headend__stream_set_error(stream, "%s", why);
        headend__stream_leave_link(stream);
        headend__stream_refuse(stream);
    }
}

static void put_on_link(struct headend_ecm_stream *stream, struct headend__link *link)
{
    struct simulcrypt_scs_stream_config config = {.stream_id = stream->id,
                                                  .ecm_id = stream->ecm_id,
                                                  .nominal_cp_duration = stream->nominal_cp_duration};

    if (simulcrypt_scs_session_add_stream(link->session, &config) < 0) {
        headend__stream_set_error(stream, "out of memory");
        headend__stream_refuse(stream);
        return;
    }
    headend__stream_set_state(stream, HEADEND__STREAM_ASKED);
    stream->link = link;
    link->streams++;
    link->asked++;
    headend__link_sort(link);
    headend__link_attend(link);
}

void headend__streams_place(struct headend_ecmgs *ecmgs)
{
    struct headend_ecm_stream *stream;
    struct headend__link *link;

    while (ecmgs->active && (stream = TAILQ_FIRST(&ecmgs->waiting)) &&
           (link = headend__peer_place(ecmgs->active)))
        put_on_link(stream, link);
}

uint64_t headend__streams_retry(struct headend_ecmgs *ecmgs, uint64_t now)
{
    struct headend_ecm_stream *next;
    uint64_t earliest = HEADEND__NEVER;

    for (struct headend_ecm_stream *stream = TAILQ_FIRST(&ecmgs->refused); stream; stream = next) {
        next = TAILQ_NEXT(stream, entry);
        if (stream->retry_ms <= now)
            headend__stream_set_state(stream, HEADEND__STREAM_WAITING);
        else if (stream->retry_ms < earliest)
            earliest = stream->retry_ms;
    }
    return earliest;
}

/* For its owner */

static int make_room(struct headend_ecmgs *ecmgs)
{
    unsigned room = ecmgs->stream_room ? 2 * ecmgs->stream_room : 16;
    struct headend_ecm_stream **streams;

    if (room > UINT16_MAX)
        room = UINT16_MAX;
    if (room == ecmgs->stream_room)
        return -ENOSPC;
    streams = realloc(ecmgs->streams, room * sizeof(struct headend_ecm_stream *));
    if (!streams)
        return -ENOMEM;
    memset(streams + ecmgs->stream_room, 0,
           (room - ecmgs->stream_room) * sizeof(struct headend_ecm_stream *));
    ecmgs->streams = streams;
    ecmgs->stream_room = room;
    return 0;
}

static int take_number(struct headend_ecmgs *ecmgs, uint16_t *id)
{
    int r = 0;

    while (ecmgs->first_free < ecmgs->stream_room && ecmgs->streams[ecmgs->first_free])
        ecmgs->first_free++;
    if (ecmgs->first_free == ecmgs->stream_room)
        r = make_room(ecmgs);
    if (r >= 0)
        *id = (uint16_t)(ecmgs->first_free + 1);
    return r;
}

int headend_ecm_stream_create(struct headend_ecm_stream **stream, struct headend_ecmgs *ecmgs,
                              const struct headend_ecm_stream_config *config,
                              const struct headend_ecm_stream_ops *ops, void *context)
{
    struct headend_ecm_stream *made = calloc(1, sizeof(*made));
    int r = made ? take_number(ecmgs, &made->id) : -ENOMEM;

    if (r < 0) {
        free(made);
        return r;
    }
    made->ecmgs = ecmgs;
    made->ecm_id = config->ecm_id;
    made->nominal_cp_duration = config->nominal_cp_duration;
    made->ops = *ops;
    made->context = context;
    made->backoff_ms = HEADEND__BACKOFF_FIRST_MS;
    made->pause_ms = HEADEND__PAUSE_FIRST_MS;
    TAILQ_INSERT_TAIL(&ecmgs->waiting, made, entry);
    ecmgs->streams[made->id - 1] = made;
    ecmgs->stream_count++;
    headend__ecmgs_decide_soon(ecmgs);
    *stream = made;
    return 0;
}

static void drop_number(struct headend_ecmgs *ecmgs, uint16_t id)
{
    ecmgs->streams[id - 1] = NULL;
    ecmgs->stream_count--;
    if (id - 1U < ecmgs->first_free)
        ecmgs->first_free = id - 1U;
}

void headend_ecm_stream_destroy(struct headend_ecm_stream *stream)
{
    if (!stream)
        return;
    if (stream->link) {
        simulcrypt_scs_session_remove_stream(stream->link->session, stream->id);
        headend__stream_leave_link(stream);
    }
    headend__stream_set_state(stream, HEADEND__STREAM_WAITING);
    TAILQ_REMOVE(&stream->ecmgs->waiting, stream, entry);
    drop_number(stream->ecmgs, stream->id);
    headend__ecmgs_decide_soon(stream->ecmgs);
    free(stream);
}

void headend__streams_free(struct headend_ecmgs *ecmgs)
{
    for (unsigned i = 0; i < ecmgs->stream_room; i++)
        free(ecmgs->streams[i]);
    free(ecmgs->streams);
}

int headend_ecm_stream_provision(struct headend_ecm_stream *stream,
                                 const struct simulcrypt_cw_provision *provision)
{
    uint64_t now = headend__ecmgs_now(stream->ecmgs);
    int r;

    if (!headend_ecm_stream_is_up(stream))
        return -ENOTCONN;
    if (now < stream->paused_until_ms)
        return -EBUSY;
    r = simulcrypt_scs_session_provision(stream->link->session, stream->id, provision, now);
    if (r < 0)
        return r;
    stream->asked[stream->asked_count++] =
        (struct headend__asked){.cp_number = provision->cp_number, .sent_ms = now};
    stream->ecmgs->outstanding++;
    stream->link->peer->provisions++;
    headend__link_attend(stream->link);
    return 0;
}

bool headend_ecm_stream_is_up(const struct headend_ecm_stream *stream)
{
    return stream->state == HEADEND__STREAM_UP && stream->link->state == HEADEND__LINK_OPEN;
}

const char *headend_ecm_stream_last_error(const struct headend_ecm_stream *stream)
{
    bool own = stream->error[0] || stream->state == HEADEND__STREAM_UP;

    return own ? stream->error : stream->ecmgs->error;
}
