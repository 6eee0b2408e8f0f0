/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "judge.h"

enum answer { NO, YES, UNKNOWN };

/* A component's own CA_descriptor of a CAS takes the place of the programme's. */
static bool has_own_stream(const struct judge *judge, const struct judge_stream *general, uint16_t pid)
{
    for (unsigned i = 0; i < judge->stream_count; i++) {
        const struct judge_stream *stream = judge->streams[i];

        if (stream->service == general->service && stream->component == pid &&
            stream->ca_system_id == general->ca_system_id)
            return true;
    }
    return false;
}

static bool serves(const struct judge *judge, const struct judge_stream *stream, uint16_t pid)
{
    if (stream->service != judge->pids[pid].service)
        return false;
    return stream->component == pid || (stream->component == 0 && !has_own_stream(judge, stream, pid));
}

/* A CW of an earlier crypto-period does not come back. */
static bool is_stale(const struct judge_word *word, uint64_t period)
{
    return word->period != JUDGE_NONE && word->period != period;
}

static void open_packet(struct judge *judge, const struct judge_service *service, const uint8_t *packet,
                        struct judge_variant *variant)
{
    unsigned offset = ts_payload_offset(packet);
    struct cipher_lane lane = {variant->packet + offset, variant->word->key,
                               (uint16_t)(TS_PACKET_SIZE - offset)};

    memcpy(variant->packet, packet, TS_PACKET_SIZE);
    ts_set_scrambling_control(variant->packet, TS_CLEAR);
    if (offset < TS_PACKET_SIZE)
        cipher_run(judge->ciphers[service->algorithm], CIPHER_DESCRAMBLE, &lane, 1);
}

static bool reuse(struct judge_variant *variants, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (base_secret_equal(&variants[i].word->cw, &variants[count].word->cw)) {
            memcpy(variants[count].packet, variants[i].packet, TS_PACKET_SIZE);
            return true;
        }
    return false;
}

/* The packet under every CW that some CAS could open it with. */
static unsigned make_variants(struct judge *judge, const struct judge_service *service, const uint8_t *packet,
                              struct judge_variant *variants)
{
    unsigned parity = ts_scrambling_control(packet) == TS_ODD;
    unsigned count = 0;

    for (unsigned i = 0; i < judge->stream_count; i++) {
        struct judge_stream *stream = judge->streams[i];

        if (!serves(judge, stream, ts_pid(packet)))
            continue;
        for (unsigned w = 0; w < JUDGE_WORDS && count < JUDGE_VARIANTS; w++) {
            struct judge_word *word = &stream->words[parity][w];

            if (!word->key || is_stale(word, service->period_count - 1))
                continue;
            variants[count].word = word;
            variants[count].stream = stream;
            if (!reuse(variants, count))
                open_packet(judge, service, packet, &variants[count]);
            count++;
        }
    }
    return count;
}

/* What tells whether a CW is the right one: the original; without it, the start of a PES packet. */
static enum answer is_open(const struct judge *judge, const struct judge_service *service,
                           const uint8_t *truth, const uint8_t *packet)
{
    static const uint8_t start_code[3] = {0, 0, 1};
    unsigned offset = ts_payload_offset(packet);

    if (TS_PACKET_SIZE - offset < cipher_shortest_payload(service->algorithm))
        return UNKNOWN;
    if (truth)
        return judge_align_equal(truth, packet) ? YES : NO;
    if (judge->original.count || !judge->pids[ts_pid(packet)].is_pes || !ts_unit_start(packet) ||
        offset > TS_PACKET_SIZE - sizeof(start_code))
        return UNKNOWN;
    return memcmp(packet + offset, start_code, sizeof(start_code)) ? NO : YES;
}

static void see(struct judge_blinds *blinds, uint64_t now)
{
    struct judge_blind *blind = &blinds->now;

    if (blind->packets == 0)
        return;
    blind->to = now;
    if (now - blind->from > blinds->longest)
        blinds->longest = now - blind->from;
    if (blinds->count < JUDGE_BLINDS)
        blinds->list[blinds->count] = *blind;
    blinds->count++;
    blind->packets = 0;
}

static void miss(struct judge_blinds *blinds, const struct judge *judge, const char *why)
{
    if (blinds->now.packets++ == 0) {
        blinds->now.packet = judge->at;
        blinds->now.from = judge->now;
        blinds->now.why = why;
    }
    blinds->packets++;
}

static const char *reason(const struct judge_stream *stream, unsigned parity, bool tried)
{
    if (tried)
        return "wrong CW";
    return stream->words[parity][0].key ? "ECM late" : "no ECM yet";
}

static void note_lead(struct judge *judge, struct judge_service *service, struct judge_stream *stream,
                      const struct judge_word *word)
{
    struct judge_period *period = &service->periods[service->period_count - 1];
    uint64_t lead = judge->now - word->since;

    if (stream->key < 0 || period->leads[stream->key] != JUDGE_NONE || period->packet != judge->at)
        return;
    period->leads[stream->key] = lead;
    period->cps[stream->key] = word->cp_number;
    if (service->period_count > 1 && lead < stream->lead_least)
        stream->lead_least = lead;
}

/* The CW of this stream that opens the packet: one that was seen to, else the one in use, else the newest. */
static struct judge_variant *choose(const struct judge *judge, const struct judge_service *service,
                                    const struct judge_stream *stream, const uint8_t *truth,
                                    struct judge_variant *variants, unsigned count, bool *sure)
{
    struct judge_variant *chosen = NULL;

    *sure = false;
    for (unsigned i = 0; i < count; i++) {
        enum answer answer;

        if (variants[i].stream != stream)
            continue;
        answer = is_open(judge, service, truth, variants[i].packet);
        *sure = answer == YES;
        if (answer == YES)
            return &variants[i];
        if (answer == UNKNOWN && (!chosen || variants[i].word->period == service->period_count - 1))
            chosen = &variants[i];
    }
    return chosen;
}

static bool has_variant(const struct judge_stream *stream, const struct judge_variant *variants,
                        unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (variants[i].stream == stream)
            return true;
    return false;
}

/* Whether the stream's CAS opens the packet. */
static bool judge_stream(struct judge *judge, struct judge_service *service, struct judge_stream *stream,
                         const uint8_t *packet, const uint8_t *truth, struct judge_variant *variants,
                         unsigned count)
{
    unsigned parity = ts_scrambling_control(packet) == TS_ODD;
    bool sure;
    struct judge_variant *chosen = choose(judge, service, stream, truth, variants, count, &sure);

    if (!chosen) {
        miss(&stream->blinds, judge, reason(stream, parity, has_variant(stream, variants, count)));
        return false;
    }
    if (sure)
        chosen->word->period = service->period_count - 1;
    if (chosen->word == &stream->words[parity][0])
        see(&stream->superseded, judge->now);
    else
        miss(&stream->superseded, judge, "a later ECM had replaced its CW");
    stream->opened++;
    note_lead(judge, service, stream, chosen->word);
    see(&stream->blinds, judge->now);
    return true;
}

/* CWs that nothing has shown to be in use: the newest of the parity was, if it was there. A service that an
 * SCG left and holds again comes back long after. */
static void end_period(struct judge *judge, struct judge_service *service, unsigned parity)
{
    unsigned number = (unsigned)(service - judge->services);
    uint64_t period = service->period_count - 1;

    for (unsigned i = 0; i < judge->stream_count; i++) {
        struct judge_word *words = judge->streams[i]->words[parity];
        bool known = judge->streams[i]->service != number;

        for (unsigned w = 0; w < JUDGE_WORDS; w++)
            known |= words[w].period == period;
        if (!known && words[0].period == JUDGE_NONE && words[0].since <= service->periods[period].to)
            words[0].period = period;
    }
}

static int begin_period(struct judge *judge, struct judge_service *service, unsigned parity)
{
    struct judge_period *period;

    if (service->period_count == JUDGE_PERIODS)
        return -E2BIG;
    if (service->period_count) {
        period = &service->periods[service->period_count - 1];
        service->short_periods +=
            service->period_count > 1 && judge->now - period->from < judge->period_least;
        end_period(judge, service, period->parity);
    }
    if (!service->periods)
        service->periods = calloc(JUDGE_PERIODS, sizeof(*service->periods));
    if (!service->periods)
        return -ENOMEM;
    period = &service->periods[service->period_count++];
    *period = (struct judge_period){.from = judge->now, .packet = judge->at, .parity = (uint8_t)parity};
    for (unsigned i = 0; i < JUDGE_KEYS; i++)
        period->leads[i] = JUDGE_NONE;
    return 0;
}

static int follow_period(struct judge *judge, struct judge_service *service, unsigned parity)
{
    struct judge_period *period;
    int status = 0;

    if (service->first_scrambled == JUDGE_NONE)
        service->first_scrambled = judge->now;
    see(&service->clear, judge->now);
    if (service->period_count == 0 || service->periods[service->period_count - 1].parity != parity)
        status = begin_period(judge, service, parity);
    if (status < 0)
        return status;
    period = &service->periods[service->period_count - 1];
    period->packets++;
    period->to = judge->now;
    return 0;
}

static int judge_scrambled(struct judge *judge, const uint8_t *packet)
{
    static struct judge_variant variants[JUDGE_VARIANTS];
    struct judge_service *service = &judge->services[judge->pids[ts_pid(packet)].service];
    int status = follow_period(judge, service, ts_scrambling_control(packet) == TS_ODD);
    const uint8_t *truth;
    unsigned count;
    bool anybody = false;

    if (status < 0)
        return status;
    judge->counts.scrambled++;
    count = make_variants(judge, service, packet, variants);
    truth = judge->original.count ? judge_align(judge, packet, variants, count) : NULL;
    for (unsigned i = 0; i < judge->stream_count; i++)
        if (serves(judge, judge->streams[i], ts_pid(packet)))
            anybody |= judge_stream(judge, service, judge->streams[i], packet, truth, variants, count);
    if (anybody)
        see(&service->nobody, judge->now);
    else
        miss(&service->nobody, judge, "no CAS opens it");
    return 0;
}

/* What should be as it was. */
static void judge_plain(struct judge *judge, const uint8_t *packet)
{
    const uint8_t *truth;

    if (!judge->original.count)
        return;
    truth = judge_align(judge, packet, NULL, 0);
    judge->counts.changed += truth && (!judge_align_equal(truth, packet) || truth[3] != packet[3]);
}

static void check_counter(struct judge *judge, const uint8_t *packet)
{
    struct judge_pid *pid = &judge->pids[ts_pid(packet)];
    uint8_t counter = ts_continuity_counter(packet);

    if (pid->counted && ts_payload_flag(packet) && !ts_discontinuity(packet) && counter != pid->counter)
        judge->counts.continuity += counter != ((pid->counter + 1) & 0x0F);
    pid->counted = true;
    pid->counter = counter;
}

static void judge_clear(struct judge *judge, const uint8_t *packet)
{
    if (ts_payload_offset(packet) == TS_PACKET_SIZE)
        return;
    judge->counts.clear++;
    miss(&judge->services[judge->pids[ts_pid(packet)].service].clear, judge, "it is not scrambled");
}

static int judge_protected(struct judge *judge, const uint8_t *packet)
{
    enum ts_scrambling control = ts_scrambling_control(packet);

    check_counter(judge, packet);
    if (control == TS_EVEN || control == TS_ODD)
        return judge_scrambled(judge, packet);
    judge->counts.reserved += control == TS_RESERVED;
    if (control == TS_CLEAR)
        judge_clear(judge, packet);
    judge_plain(judge, packet);
    return 0;
}

static int judge_packet(struct judge *judge, const uint8_t *packet)
{
    const struct judge_pid *pid = &judge->pids[ts_pid(packet)];

    judge->counts.packets++;
    judge->counts.nulls += ts_pid(packet) == TS_PID_NULL;
    judge_ecm_feed(judge, packet);
    if (pid->is_table || (judge->original.count && !pid->in_original)) {
        judge_align_slot(judge);
    } else if (pid->is_protected) {
        return judge_protected(judge, packet);
    } else {
        judge->counts.foreign += !judge->original.count && ts_scrambling_control(packet) != TS_CLEAR;
        judge_plain(judge, packet);
    }
    return judge->error;
}

int judge_packets(struct judge *judge)
{
    int status = judge_ecm_start(judge);

    for (judge->at = 0; judge->at < judge->output.count && status == 0; judge->at++) {
        judge->now = judge->output.times[judge->at];
        status = judge_packet(judge, judge_input_packet(&judge->output, judge->at));
    }
    if (judge->original.count)
        judge_align_finish(judge);
    for (unsigned i = 0; i < judge->stream_count; i++) {
        see(&judge->streams[i]->blinds, judge->now);
        see(&judge->streams[i]->superseded, judge->now);
    }
    for (unsigned i = 0; i < judge->service_count; i++) {
        see(&judge->services[i].nobody, judge->now);
        see(&judge->services[i].clear, judge->now);
    }
    return status;
}
