/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What comes of what was asked of an ECMG: streams set up, refused, lost; ECMs, errors, silence. */
#include "headend/ecmgs_room.h"

#define PAUSE_MAX_MS 5000 /* of a stream whose CW_provision failed */
/* So many ECM_responses in a row that do not come, with no other in between: the ECMG does not work. */
#define LATE_MAX 3

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
    headend__stream_set_state(stream, HEADEND__STREAM_UP);
    stream->refused_by = 0;
    stream->was_late = false;
    stream->paused_until_ms = 0;
    if (stream->ops.up(stream->context, &link->status, &why)) {
        if (!TAILQ_EMPTY(&stream->ecmgs->waiting))
            headend__ecmgs_decide_soon(stream->ecmgs);
        headend__ecmgs_changed(stream->ecmgs);
        return;
    }
    headend__stream_set_state(stream, HEADEND__STREAM_ASKED);
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

    if (stream->state == HEADEND__STREAM_ASKED)
        stream->refused_by |= (uint8_t)(1U << peer->index);
    by_all = count > 1 && count_bits(stream->refused_by) == count;
    headend__stream_set_error(stream, "ECMG %s %s the ECM stream with ECM_id %u: %s (0x%04X)%s",
                              peer->address, stream->state == HEADEND__STREAM_UP ? "gave up" : "refused",
                              stream->ecm_id, why, error, by_all ? "; so did all the others" : "");
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
    headend__stream_leave_link(stream);
    if (!was_up && finds_channel_full(link, error)) {
        headend__stream_set_state(stream, HEADEND__STREAM_WAITING);
    } else {
        say_refused(stream, link->peer, error, why);
        headend__stream_refuse(stream);
    }
    if (was_up)
        stream->ops.down(stream->context, stream->error);
    else
        leave_peer_that_refuses_all(link);
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

/* Where there are backups, what comes after its time-out does not speak for an ECMG, though it is used.
 * Whether it answers the first CW_provision about that crypto-period or the one that followed the time-out
 * cannot be told. */
static bool is_too_late(const struct headend_ecm_stream *stream, uint16_t cp_number)
{
    return stream->ecmgs->config.count > 1 && stream->was_late && stream->late_cp == cp_number;
}

static void note_ecm(struct headend__link *link, uint64_t sent_ms, bool too_late)
{
    struct headend__peer *peer = link->peer;

    peer->ecms++;
    peer->response_ms = (uint32_t)(headend__ecmgs_now(peer->ecmgs) - sent_ms);
    if (peer->response_ms > peer->response_ms_max)
        peer->response_ms_max = peer->response_ms;
    if (too_late)
        return;
    note_answer(link);
    peer->backoff_ms = peer->link_backoff_ms = HEADEND__BACKOFF_FIRST_MS;
}

static void on_ecm(void *context, uint16_t stream_id, uint16_t cp_number, const uint8_t *datagram,
                   size_t size)
{
    struct headend__link *link = context;
    struct headend_ecm_stream *stream = find(link, stream_id);

    if (!stream || stream->state != HEADEND__STREAM_UP)
        return;
    note_ecm(link, take_asked(stream, cp_number), is_too_late(stream, cp_number));
    stream->pause_ms = HEADEND__PAUSE_FIRST_MS;
    stream->backoff_ms = HEADEND__BACKOFF_FIRST_MS;
    stream->error[0] = '\0';
    stream->ops.ecm(stream->context, cp_number, datagram, size);
    headend__ecmgs_changed(stream->ecmgs);
}

static void fail_provision(struct headend_ecm_stream *stream, uint16_t cp_number, const char *why)
{
    headend__stream_set_error(stream, "ECMG %s: no ECM for crypto-period %u: %s", stream->link->peer->address,
                              cp_number, why);
    stream->paused_until_ms = headend__ecmgs_now(stream->ecmgs) + stream->pause_ms;
    stream->pause_ms = stream->pause_ms * 2 < PAUSE_MAX_MS ? stream->pause_ms * 2 : PAUSE_MAX_MS;
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
    stream->was_late = true;
    stream->late_cp = cp_number;
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
