/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/bench_ecmg_channel.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/cursor.h"
#include "base/error.h"
#include "ts/packet.h"

#define NOMINAL_CP_DURATION 100 /* × 100 ms */
#define NS_PER_SECOND       1000000000
#define NS_PER_MS           1000000
#define CW_MAX              16 /* bytes */

static void note(struct cmd_bench_load *load, const char *why)
{
    if (!load->result->why[0])
        snprintf(load->result->why, sizeof(load->result->why), "%s", why);
}

/* What was outstanding is lost with the channel, and was told already. */
static void die(struct cmd_bench_channel *channel, const char *why)
{
    char text[200];

    if (channel->dead)
        return;
    channel->dead = true;
    channel->load->result->lost++;
    snprintf(text, sizeof(text), "channel %" PRIu64 ": %.160s", channel->index + 1, why);
    note(channel->load, text);
    for (uint64_t i = 0; i < channel->load->plan->streams; i++) {
        channel->load->outstanding -= channel->streams[i].outstanding;
        channel->streams[i].outstanding = 0;
    }
}

static uint64_t mix(uint64_t number) /* splitmix64 */
{
    number += UINT64_C(0x9E3779B97F4A7C15);
    number = (number ^ number >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    number = (number ^ number >> 27) * UINT64_C(0x94D049BB133111EB);
    return number ^ number >> 31;
}

/* Not secret; the same for a crypto-period in each message that carries it. ECMGs may check the sums that
 * DVB-CSA2 has in a CW. */
static void make_cw(uint64_t stream, uint16_t cp_number, uint8_t cw[static CW_MAX])
{
    uint64_t seed = stream << 17 | (uint64_t)cp_number << 1;

    base_store_u64(cw, mix(seed));
    base_store_u64(cw + 8, mix(seed + 1));
    cw[3] = (uint8_t)(cw[0] + cw[1] + cw[2]);
    cw[7] = (uint8_t)(cw[4] + cw[5] + cw[6]);
}

/* Over all channels, counted from 0. */
static uint64_t number_of(const struct cmd_bench_channel *channel, const struct cmd_bench_stream *stream)
{
    return channel->index * channel->load->plan->streams + (uint64_t)(stream - channel->streams);
}

static int provide(struct cmd_bench_channel *channel, struct cmd_bench_stream *stream, uint16_t cp_number)
{
    const struct simulcrypt_channel_status *status = &channel->status;
    uint8_t cws[SIMULCRYPT_CWS_MAX][CW_MAX];
    struct simulcrypt_cw_provision provision = {.cp_number = cp_number, .cw_count = status->cw_per_msg};

    for (unsigned i = 0; i < provision.cw_count; i++) {
        uint16_t cp = (uint16_t)(cp_number + 1 + status->lead_cw - status->cw_per_msg + i);

        make_cw(number_of(channel, stream), cp, cws[i]);
        provision.cws[i] = (struct simulcrypt_cp_cw){
            .cp_number = cp, .cw_size = (uint8_t)channel->load->plan->cw_size, .cw = cws[i]};
    }
    return simulcrypt_scs_session_provision(channel->session, (uint16_t)(stream - channel->streams + 1),
                                            &provision, base_clock_monotonic_ms());
}

static void ask_one(struct cmd_bench_channel *channel, struct cmd_bench_stream *stream, uint64_t due_ns)
{
    struct cmd_bench_asked *asked = &stream->asked[stream->outstanding++];
    int status;

    *asked = (struct cmd_bench_asked){.cp_number = stream->next_cp++, .sent_ns = base_clock_monotonic_ns()};
    asked->due_ns = due_ns ? due_ns : asked->sent_ns;
    channel->load->outstanding++;
    status = provide(channel, stream, asked->cp_number);
    if (status < 0)
        die(channel, base_error_text(status));
}

/* The streams take turns over all channels: number i, then i + streams … */
static uint64_t due_ns(const struct cmd_bench_channel *channel, const struct cmd_bench_stream *stream)
{
    const struct cmd_bench_load *load = channel->load;
    uint64_t turn = (uint64_t)(stream - channel->streams) * load->plan->channels + channel->index;
    uint64_t at = stream->sent * load->plan->streams * load->plan->channels + turn;

    return load->start_ns + at / load->plan->rate * NS_PER_SECOND +
           at % load->plan->rate * NS_PER_SECOND / load->plan->rate;
}

static bool is_due(const struct cmd_bench_load *load, const struct cmd_bench_stream *stream)
{
    if (load->phase != CMD_BENCH_ASKING)
        return false;
    return load->plan->rate ? stream->sent < stream->due : base_clock_monotonic_ns() < load->end_ns;
}

void cmd_bench_channel_ask(struct cmd_bench_channel *channel, struct cmd_bench_stream *stream)
{
    const struct cmd_bench_load *load = channel->load;

    while (!channel->dead && stream->outstanding < load->plan->outstanding && is_due(load, stream)) {
        uint64_t due = load->plan->rate ? due_ns(channel, stream) : 0;

        stream->sent++;
        load->result->asked++;
        ask_one(channel, stream, due);
    }
}

static struct cmd_bench_asked take_asked(struct cmd_bench_channel *channel, struct cmd_bench_stream *stream,
                                         uint16_t cp_number)
{
    struct cmd_bench_asked taken;
    unsigned at = 0;

    while (at + 1 < stream->outstanding && stream->asked[at].cp_number != cp_number)
        at++;
    taken = stream->asked[at];
    stream->outstanding--;
    channel->load->outstanding--;
    memmove(stream->asked + at, stream->asked + at + 1, (stream->outstanding - at) * sizeof(taken));
    return taken;
}

static void set_up_next(struct cmd_bench_channel *channel, struct cmd_bench_stream *stream, bool has_ecm)
{
    if (stream->missing) {
        stream->missing--;
        ask_one(channel, stream, 0);
        return;
    }
    if (!has_ecm) {
        die(channel, channel->load->result->why);
        return;
    }
    stream->ready = true;
    channel->load->ready++;
    if (++channel->ready == channel->load->plan->streams)
        channel->load->channels_ready++;
}

/* Section (ISO/IEC 13818-1, 2.4.4.10; table_ids of an ECM: ETR 289), or whole packets. */
static bool is_ecm(const struct simulcrypt_channel_status *status, const uint8_t *datagram, size_t size)
{
    if (!status->packets)
        return size >= 3 && (datagram[0] & 0xFE) == 0x80 &&
               size == 3u + (base_load_u16(datagram + 1) & 0x0FFF);
    for (size_t at = 0; at < size; at += TS_PACKET_SIZE) {
        if (datagram[at] != 0x47)
            return false;
    }
    return size % TS_PACKET_SIZE == 0;
}

static void count_answer(struct cmd_bench_channel *channel, const struct cmd_bench_asked *asked,
                         const uint8_t *datagram, size_t size)
{
    struct cmd_bench_ecmg_result *result = channel->load->result;
    uint64_t now_ns = base_clock_monotonic_ns();

    result->answered++;
    result->answered_in_time += now_ns < channel->load->end_ns;
    bench_latency_add(&result->latency, now_ns - asked->due_ns);
    if (size == 0)
        result->empty++;
    else if (!is_ecm(&channel->status, datagram, size))
        result->malformed++;
}

static void on_ecm(void *context, uint16_t stream_id, uint16_t cp_number, const uint8_t *datagram,
                   size_t size)
{
    struct cmd_bench_channel *channel = context;
    struct cmd_bench_stream *stream = &channel->streams[stream_id - 1];
    struct cmd_bench_asked asked = take_asked(channel, stream, cp_number);

    if (!stream->ready) {
        set_up_next(channel, stream, true);
        return;
    }
    count_answer(channel, &asked, datagram, size);
    cmd_bench_channel_ask(channel, stream);
}

static bool was_late(const struct cmd_bench_channel *channel, const struct cmd_bench_asked *asked)
{
    uint64_t allowed_ns =
        channel->status.max_comp_time * (uint64_t)NS_PER_MS + channel->load->plan->timeout_us * 1000;

    return base_clock_monotonic_ns() - asked->sent_ns + NS_PER_MS >= allowed_ns;
}

static void on_provision_failed(void *context, uint16_t stream_id, uint16_t cp_number, const char *why)
{
    struct cmd_bench_channel *channel = context;
    struct cmd_bench_stream *stream = &channel->streams[stream_id - 1];
    struct cmd_bench_asked asked = take_asked(channel, stream, cp_number);

    if (stream->ready || stream->missing == 0)
        note(channel->load, why);
    if (!stream->ready) {
        set_up_next(channel, stream, false);
        return;
    }
    if (was_late(channel, &asked))
        channel->load->result->timeouts++;
    else
        channel->load->result->errors++;
    cmd_bench_channel_ask(channel, stream);
}

static void on_stream_up(void *context, uint16_t stream_id)
{
    struct cmd_bench_channel *channel = context;
    struct cmd_bench_stream *stream = &channel->streams[stream_id - 1];
    int missing = channel->status.lead_cw - channel->status.cw_per_msg + 1;

    stream->missing = missing > 0 ? (uint8_t)missing : 0;
    stream->next_cp = (uint16_t)mix(number_of(channel, stream));
    ask_one(channel, stream, 0);
}

static void on_channel_up(void *context, const struct simulcrypt_channel_status *status)
{
    struct cmd_bench_channel *channel = context;

    channel->status = *status;
    if (channel->index == 0)
        channel->load->result->status = *status;
}

static void on_send(void *context, const uint8_t *bytes, size_t size)
{
    struct cmd_bench_channel *channel = context;
    int status = channel->dead ? 0 : net_tcp_write(channel->tcp, bytes, size);

    if (status < 0)
        die(channel, base_error_text(status));
}

static void on_fail(void *context, const char *why)
{
    die(context, why);
}

static const struct simulcrypt_scs_ops session_ops = {
    .send = on_send,
    .fail = on_fail,
    .channel_up = on_channel_up,
    .stream_up = on_stream_up,
    .ecm = on_ecm,
    .provision_failed = on_provision_failed,
};

static void on_connected(void *context)
{
    struct cmd_bench_channel *channel = context;

    simulcrypt_scs_session_connected(channel->session, base_clock_monotonic_ms());
}

static void on_input(void *context, const uint8_t *bytes, size_t size)
{
    struct cmd_bench_channel *channel = context;

    if (!channel->dead)
        simulcrypt_scs_session_input(channel->session, bytes, size, base_clock_monotonic_ms());
}

static void on_ended(void *context, int error)
{
    die(context, error ? base_error_text(error) : "the ECMG closed the connection");
}

static const struct net_tcp_ops tcp_ops = {.connected = on_connected, .input = on_input, .ended = on_ended};

static int add_streams(struct cmd_bench_channel *channel)
{
    const struct cmd_bench_ecmg_plan *plan = channel->load->plan;
    int status = 0;

    for (uint64_t i = 0; status == 0 && i < plan->streams; i++) {
        const struct simulcrypt_scs_stream_config config = {
            .stream_id = (uint16_t)(i + 1),
            .ecm_id = (uint16_t)(number_of(channel, &channel->streams[i]) + 1),
            .nominal_cp_duration = NOMINAL_CP_DURATION,
            .access_criteria = plan->has_access_criteria ? plan->access_criteria : NULL,
            .access_criteria_size = plan->access_criteria_size,
        };
        status = simulcrypt_scs_session_add_stream(channel->session, &config);
    }
    return status;
}

static int set_up(struct cmd_bench_channel *channel)
{
    const struct cmd_bench_ecmg_plan *plan = channel->load->plan;
    uint32_t timeout_ms = (uint32_t)(plan->timeout_us / 1000);
    const struct simulcrypt_scs_config config = {
        .version = (uint8_t)plan->version,
        .channel_id = (uint16_t)(channel->index + 1),
        .super_cas_id = (uint32_t)plan->super_cas_id,
        .reply_timeout_ms = timeout_ms,
        .network_delay_ms = timeout_ms,
        .outstanding_max = (uint8_t)plan->outstanding,
    };
    int status = simulcrypt_scs_session_create(&channel->session, &config, &session_ops, channel);

    if (status == 0)
        status = add_streams(channel);
    if (status == 0)
        status = net_tcp_connect(&channel->tcp, channel->load->loop, plan->connect.host, plan->connect.port,
                                 NULL, &tcp_ops, channel);
    return status;
}

bool cmd_bench_channel_open(struct cmd_bench_channel *channel)
{
    int status;

    channel->streams = calloc(channel->load->plan->streams, sizeof(*channel->streams));
    status = channel->streams ? set_up(channel) : -ENOMEM;
    if (status < 0)
        note(channel->load, base_error_text(status));
    return status == 0;
}

void cmd_bench_channel_close(struct cmd_bench_channel *channel)
{
    if (channel->session && !channel->dead)
        simulcrypt_scs_session_close(channel->session);
    simulcrypt_scs_session_destroy(channel->session);
    net_tcp_close(channel->tcp);
    free(channel->streams);
}

void cmd_bench_channel_tick(struct cmd_bench_channel *channel)
{
    if (channel->session && !channel->dead)
        simulcrypt_scs_session_tick(channel->session, base_clock_monotonic_ms());
}
