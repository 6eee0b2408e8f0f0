/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who may send how much: an entry, its PID and its transport stream each have only so much to give. */
#include "headend/mux_room.h"

/* What others asked for and got. */
struct reserved {
    uint32_t entry, pid, stream;
};

static struct reserved reserved_by_others(const struct headend_mux *mux,
                                          const struct headend__mux_stream *stream)
{
    const struct headend__mux_target *target = stream->target;
    struct reserved reserved = {0};
    const struct headend__mux_stream *other;

    LIST_FOREACH(other, &mux->streams, link)
    {
        uint32_t kbits = other->asked && other != stream ? other->allocated : 0;

        reserved.entry += other->target == target ? kbits : 0;
        reserved.pid += other->target->feed == target->feed ? kbits : 0;
        reserved.stream += other->target->feed->stream == target->feed->stream ? kbits : 0;
    }
    return reserved;
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t rest(uint32_t limit, uint32_t reserved)
{
    if (!limit)
        return UINT16_MAX;
    return limit > reserved ? limit - reserved : 0;
}

uint16_t headend__mux_bandwidth_left(const struct headend_mux *mux, const struct headend__mux_stream *stream)
{
    struct reserved reserved = reserved_by_others(mux, stream);
    uint32_t left = rest(HEADEND_MUX_BANDWIDTH_MAX, reserved.pid);

    left = smaller(left, rest(stream->target->config->bandwidth, reserved.entry));
    left = smaller(left, rest(mux->config.bandwidth, reserved.stream));
    return left ? (uint16_t)left : 1;
}

uint16_t headend__mux_bandwidth_allocate(const struct headend_mux *mux, struct headend__mux_stream *stream,
                                         const uint16_t *asked)
{
    if (asked && *asked) {
        stream->asked = *asked;
        stream->allocated = (uint16_t)smaller(*asked, headend__mux_bandwidth_left(mux, stream));
    }
    return stream->allocated;
}

static void raise(struct headend_mux *mux, struct headend__mux_stream *stream)
{
    uint16_t bandwidth = (uint16_t)smaller(stream->asked, headend__mux_bandwidth_left(mux, stream));

    if (bandwidth <= stream->allocated)
        return;
    stream->allocated = bandwidth;
    simulcrypt_mux_session_allocate(stream->connection->session, stream->stream_id, bandwidth);
}

void headend__mux_bandwidth_share_out(struct headend_mux *mux)
{
    struct headend__mux_stream *stream;

    LIST_FOREACH(stream, &mux->streams, link)
    {
        if (stream->asked)
            raise(mux, stream);
    }
}
