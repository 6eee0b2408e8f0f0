/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The ECM streams of a CAS: on which link each is, and what comes of what was asked. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "headend/ecmgs_room.h"

/* An ECMG that refuses a CW_provision is not asked again at once. */
#define PROVISION_PAUSE_FIRST_MS 100
#define PROVISION_PAUSE_MAX_MS   5000
/* So many ECM_responses in a row that do not come, with no other in between: the ECMG does not work. */
#define LATE_MAX 3

__attribute__((format(printf, 2, 3))) static void set_error(struct headend_ecm_stream *stream,
                                                            const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(stream->error, sizeof(stream->error), format, arguments);
    va_end(arguments);
}

static struct headend__stream_queue *queue_of(const struct headend_ecm_stream *stream)
{
    switch (stream->state) {
    case HEADEND__STREAM_WAITING:
        return &stream->ecmgs->waiting;
    case HEADEND__STREAM_REFUSED:
        return &stream->ecmgs->refused;
    default:
        return NULL;
    }
}

/* Keeps the queues and counts in line. */
static void set_state(struct headend_ecm_stream *stream, enum headend__stream_state state)
{
    struct headend_ecmgs *ecmgs = stream->ecmgs;

    if (queue_of(stream))
        TAILQ_REMOVE(queue_of(stream), stream, entry);
    ecmgs->up_count -= stream->state == HEADEND__STREAM_UP;
    ecmgs->refused_count -= stream->state == HEADEND__STREAM_REFUSED;
    stream->state = state;
    ecmgs->up_count += state == HEADEND__STREAM_UP;
    ecmgs->refused_count += state == HEADEND__STREAM_REFUSED;
    if (queue_of(stream))
        TAILQ_INSERT_TAIL(queue_of(stream), stream, entry);
}

/* Nothing that was asked is awaited any more. */
static void forget_asked(struct headend_ecm_stream *stream)
{
    stream->ecmgs->outstanding -= stream->asked_count;
    stream->asked_count = 0;
}

static void leave_link(struct headend_ecm_stream *stream)
{
    struct headend__link *link = stream->link;

    forget_asked(stream);
    link->streams--;
    link->asked -= stream->state == HEADEND__STREAM_ASKED;
    stream->link = NULL;
    headend__link_sort(link);
}

static void refuse(struct headend_ecm_stream *stream)
{
    stream->retry_ms = headend__ecmgs_now(stream->ecmgs) + headend__back_off(&stream->backoff_ms);
    set_state(stream, HEADEND__STREAM_REFUSED);
}

void headend__streams_take_off(struct headend_ecmgs *ecmgs, const char *why)
{
    for (unsigned i = 0; i < ecmgs->stream_room; i++) {
        struct headend_ecm_stream *stream = ecmgs->streams[i];
        if (!stream)
            continue;
        stream->fell = stream->state == HEADEND__STREAM_UP;
        if (stream->state != HEADEND__STREAM_REFUSED)
            set_error(stream, "%s", why);
        if (stream->link)
            leave_link(stream);
        set_state(stream, HEADEND__STREAM_WAITING);
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
        set_error(stream, "%s", why);
        leave_link(stream);
        refuse(stream);
    }
}

static void put_on_link(struct headend_ecm_stream *stream, struct headend__link *link)
{
    struct simulcrypt_scs_stream_config config = {.stream_id = stream->id,
                                                  .ecm_id = stream->ecm_id,
                                                  .nominal_cp_duration = stream->nominal_cp_duration};

    if (simulcrypt_scs_session_add_stream(link->session, &config) < 0) {
        set_error(stream, "out of memory");
        refuse(stream);
        return;
    }
    set_state(stream, HEADEND__STREAM_ASKED);
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
            set_state(stream, HEADEND__STREAM_WAITING);
        else if (stream->retry_ms < earliest)
            earliest = stream->retry_ms;
    }
    return earliest;
}

/* Callbacks of the session */

static struct headend_ecm_stream *find(const struct headend__link *link, uint16_t stream_id)
{
    struct headend_ecmgs *ecmgs = link->peer->ecmgs;
    struct headend_ecm_stream *stream =
        stream_id && stream_id <= ecmgs->stream_room ? ecmgs->streams[stream_id - 1] : NULL;

    return stream && stream->link == link ? stream : NULL;
}

static void on_stream_up(void *context, uint16_t stream_id)
{
    struct headend__link *link = context;
    struct headend_ecm_stream *stream = find(link, stream_id);
    const char *why = "its values cannot be used";

    if (!stream || stream->state != HEADEND__STREAM_ASKED)
        return;
    link->asked--;
    set_state(stream, HEADEND__STREAM_UP);
    stream->refused_by = 0;
    stream->paused_until_ms = 0;
    if (stream->ops.up(stream->context, &link->status, &why)) {
        if (!TAILQ_EMPTY(&stream->ecmgs->waiting))
            headend__ecmgs_decide_soon(stream->ecmgs);
        headend__ecmgs_changed(stream->ecmgs);
        return;
    }
    set_state(stream, HEADEND__STREAM_ASKED);
    link->asked++;
    link->unusable = true;
    headend__link_fail(link, "ECMG %s: %s", link->peer->address, why);
}

/* The ECMG knows how many streams a channel may have, whatever max_streams said. */
static bool finds_channel_full(struct headend__link *link, uint16_t error)
{
    if (error != SIMULCRYPT_ECMG_TOO_MANY_STREAMS_CHANNEL || link->streams == 0)
        return false;
    link->streams_max = link->streams;
    headend__link_sort(link);
    return true;
}

static unsigned count_bits(uint8_t bits)
{
    return (unsigned)__builtin_popcount(bits);
}

static void say_refused(struct headend_ecm_stream *stream, const struct headend__peer *peer, uint16_t error,
                        const char *why)
{
    unsigned count = stream->ecmgs->config.count;
    bool by_all;

    stream->refused_by |= (uint8_t)(1U << peer->index);
    by_all = count > 1 && count_bits(stream->refused_by) == count;
    set_error(stream, "ECMG %s %s the ECM stream with ECM_id %u: %s (0x%04X)%s", peer->address,
              stream->state == HEADEND__STREAM_UP ? "gave up" : "refused", stream->ecm_id, why, error,
              by_all ? "; so did all the others" : "");
}

/* Where a backup might take them. */
static void leave_peer_that_refuses_all(struct headend__link *link)
{
    struct headend_ecmgs *ecmgs = link->peer->ecmgs;

    if (ecmgs->config.count > 1 && ecmgs->up_count == 0 && ecmgs->refused_count == ecmgs->stream_count)
        headend__link_fail(link, "ECMG %s refuses every ECM stream", link->peer->address);
}

static void on_stream_down(void *context, uint16_t stream_id, uint16_t error, const char *why)
{
    struct headend__link *link = context;
    struct headend_ecm_stream *stream = find(link, stream_id);
    bool was_up;

    if (!stream)
        return;
    was_up = stream->state == HEADEND__STREAM_UP;
    simulcrypt_scs_session_remove_stream(link->session, stream_id);
    leave_link(stream);
    if (!was_up && finds_channel_full(link, error)) {
        set_state(stream, HEADEND__STREAM_WAITING);
    } else {
        say_refused(stream, link->peer, error, why);
        refuse(stream);
        leave_peer_that_refuses_all(link);
    }
    if (was_up)
        stream->ops.down(stream->context, stream->error);
    headend__ecmgs_decide_soon(stream->ecmgs);
    headend__ecmgs_changed(stream->ecmgs);
}

/* Ends a wait; returns when it began. */
static uint64_t take_asked(struct headend_ecm_stream *stream, uint16_t cp_number)
{
    struct headend_ecmgs *ecmgs = stream->ecmgs;
    uint64_t sent_ms = 0;
    unsigned kept = 0;

    for (unsigned i = 0; i < stream->asked_count; i++)
        if (stream->asked[i].cp_number == cp_number)
            sent_ms = stream->asked[i].sent_ms;
        else
            stream->asked[kept++] = stream->asked[i];
    ecmgs->outstanding -= stream->asked_count - kept;
    stream->asked_count = kept;
    if (ecmgs->outstanding == 0 && ecmgs->quiet_awaited)
        headend__ecmgs_decide_soon(ecmgs);
    return sent_ms;
}

static void note_answer(struct headend__link *link)
{
    link->late = 0;
    link->answered_ms = headend__ecmgs_now(link->peer->ecmgs);
}

static void note_ecm(struct headend__link *link, uint64_t sent_ms)
{
    struct headend__peer *peer = link->peer;

    note_answer(link);
    peer->ecms++;
    peer->backoff_ms = HEADEND__BACKOFF_FIRST_MS;
    peer->response_ms = (uint32_t)(link->answered_ms - sent_ms);
    if (peer->response_ms > peer->response_ms_max)
        peer->response_ms_max = peer->response_ms;
}

static void on_ecm(void *context, uint16_t stream_id, uint16_t cp_number, const uint8_t *datagram,
                   size_t size)
{
    struct headend__link *link = context;
    struct headend_ecm_stream *stream = find(link, stream_id);

    if (!stream || stream->state != HEADEND__STREAM_UP)
        return;
    note_ecm(link, take_asked(stream, cp_number));
    stream->pause_ms = PROVISION_PAUSE_FIRST_MS;
    stream->backoff_ms = HEADEND__BACKOFF_FIRST_MS;
    stream->error[0] = '\0';
    stream->ops.ecm(stream->context, cp_number, datagram, size);
    headend__ecmgs_changed(stream->ecmgs);
}

static void fail_provision(struct headend_ecm_stream *stream, uint16_t cp_number, const char *why)
{
    set_error(stream, "ECMG %s: no ECM for crypto-period %u: %s", stream->link->peer->address, cp_number,
              why);
    stream->paused_until_ms = headend__ecmgs_now(stream->ecmgs) + stream->pause_ms;
    stream->pause_ms =
        stream->pause_ms * 2 < PROVISION_PAUSE_MAX_MS ? stream->pause_ms * 2 : PROVISION_PAUSE_MAX_MS;
    stream->ops.provision_failed(stream->context, cp_number, stream->error);
    headend__ecmgs_changed(stream->ecmgs);
}

static void on_provision_failed(void *context, uint16_t stream_id, uint16_t cp_number, const char *why)
{
    struct headend__link *link = context;
    struct headend_ecm_stream *stream = find(link, stream_id);

    if (!stream || stream->state != HEADEND__STREAM_UP)
        return;
    take_asked(stream, cp_number);
    note_answer(link);
    fail_provision(stream, cp_number, why);
}

/* An ECMG that answers others is slow, not dead. */
static void doubt(struct headend__link *link, uint64_t sent_ms)
{
    if (sent_ms < link->answered_ms)
        return;
    if (++link->late >= LATE_MAX)
        headend__link_fail(link, "ECMG %s: %d CW_provisions in a row were not answered in time",
                           link->peer->address, LATE_MAX);
    else
        simulcrypt_scs_session_test(link->session, headend__ecmgs_now(link->peer->ecmgs));
}

static void on_provision_late(void *context, uint16_t stream_id, uint16_t cp_number)
{
    struct headend__link *link = context;
    struct headend_ecm_stream *stream = find(link, stream_id);

    if (!stream || stream->state != HEADEND__STREAM_UP)
        return;
    link->peer->timeouts++;
    doubt(link, take_asked(stream, cp_number));
    fail_provision(stream, cp_number, "no ECM_response in time");
}

const struct simulcrypt_scs_ops headend__stream_ops = {
    .stream_up = on_stream_up,
    .stream_down = on_stream_down,
    .ecm = on_ecm,
    .provision_failed = on_provision_failed,
    .provision_late = on_provision_late,
};

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
    made->pause_ms = PROVISION_PAUSE_FIRST_MS;
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
        leave_link(stream);
    }
    set_state(stream, HEADEND__STREAM_WAITING);
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
