/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "judge.h"

#define NUMBERS_REPEAT 600000000 /* microseconds: sooner than 65536 crypto-periods */

static json_t *milliseconds(uint64_t time)
{
    return time == JUDGE_NONE ? json_null() : json_real((double)time / 1000);
}

static json_t *count(uint64_t value)
{
    return json_integer((json_int_t)value);
}

static json_t *cas_name(uint32_t super_cas_id)
{
    return json_sprintf("0x%08" PRIX32, super_cas_id);
}

static json_t *blinds_json(const struct judge_blinds *blinds)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < blinds->count && i < JUDGE_BLINDS; i++) {
        const struct judge_blind *blind = &blinds->list[i];

        json_array_append_new(list, json_pack("{s:o, s:o, s:o, s:o, s:s}", "packet", count(blind->packet),
                                              "from_ms", milliseconds(blind->from), "to_ms",
                                              milliseconds(blind->to), "packets", count(blind->packets),
                                              "why", blind->why));
    }
    return json_pack("{s:o, s:i, s:o, s:o}", "packets", count(blinds->packets), "times", (int)blinds->count,
                     "longest_ms", milliseconds(blinds->longest), "first", list);
}

static json_t *ecms_json(const struct judge_stream *stream)
{
    json_t *list = json_array();

    for (size_t i = 0; i < stream->ecm_count; i++) {
        const struct judge_ecm *ecm = &stream->ecms[i];

        json_array_append_new(list, json_pack("{s:o, s:o, s:o, s:o}", "cp",
                                              ecm->opened ? count(ecm->cp_number) : json_null(), "from_ms",
                                              milliseconds(ecm->from), "to_ms", milliseconds(ecm->to),
                                              "copies", count(ecm->copies)));
    }
    return list;
}

static json_t *gaps_json(const struct judge_stream *stream)
{
    uint64_t gaps = stream->sections > 1 ? stream->sections - 1 : 0;

    return json_pack("{s:o, s:o}", "longest_ms", milliseconds(stream->gap_longest), "mean_ms",
                     milliseconds(gaps ? stream->gap_sum / gaps : JUDGE_NONE));
}

static json_t *stream_json(const struct judge *judge, const struct judge_stream *stream)
{
    const struct judge_service *service = &judge->services[stream->service];

    return json_pack(
        "{s:o, s:i, s:i, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "super_cas_id",
        stream->key < 0 ? json_null() : cas_name(judge->keys[stream->key].super_cas_id), "ecm_pid",
        (int)stream->ecm_pid, "component", (int)stream->component, "ca_system_id", (int)stream->ca_system_id,
        "first_ecm_ms", milliseconds(stream->ecm_count ? stream->ecms[0].from : JUDGE_NONE),
        "first_scrambled_ms", milliseconds(service->first_scrambled), "opened", count(stream->opened),
        "superseded", blinds_json(&stream->superseded), "blind", blinds_json(&stream->blinds),
        "lead_least_ms", milliseconds(stream->lead_least), "sections", count(stream->sections), "refused",
        count(stream->refused), "same_table_id", count(stream->same_table_id), "cp_jumps",
        count(stream->cp_jumps), "gaps", gaps_json(stream), "ecms", ecms_json(stream));
}

/* The CAS's own ECM of a crypto-period, on whichever side of its start; NULL: it never played. */
static const struct judge_ecm *ecm_of(const struct judge_stream *stream, const struct judge_period *period,
                                      uint16_t cp_number)
{
    for (size_t i = 0; i < stream->ecm_count; i++) {
        const struct judge_ecm *ecm = &stream->ecms[i];
        uint64_t away = ecm->from > period->from ? ecm->from - period->from : period->from - ecm->from;

        if (ecm->opened && ecm->cp_number == cp_number && away < NUMBERS_REPEAT)
            return ecm;
    }
    return NULL;
}

/* When it began, seen from the crypto-period's start: the delay_start of its CAS. */
static json_t *delay_json(const struct judge *judge, unsigned service, unsigned key,
                          const struct judge_period *period)
{
    for (unsigned i = 0; i < judge->stream_count; i++) {
        const struct judge_stream *stream = judge->streams[i];
        const struct judge_ecm *ecm;

        if (stream->service != service || stream->key != (int)key)
            continue;
        ecm = ecm_of(stream, period, period->cps[key]);
        if (ecm)
            return json_real(((double)ecm->from - (double)period->from) / 1000);
    }
    return json_null();
}

static json_t *period_json(const struct judge *judge, const struct judge_service *service, size_t at)
{
    const struct judge_period *period = &service->periods[at];
    uint64_t end = at + 1 < service->period_count ? service->periods[at + 1].from : judge->now;
    json_t *cas = json_object();

    for (unsigned key = 0; key < judge->key_count; key++) {
        char name[16];

        snprintf(name, sizeof(name), "0x%08" PRIX32, judge->keys[key].super_cas_id);
        if (period->leads[key] == JUDGE_NONE)
            json_object_set_new(cas, name, json_null());
        else
            json_object_set_new(
                cas, name,
                json_pack("{s:i, s:o, s:o}", "cp", (int)period->cps[key], "lead_ms",
                          milliseconds(period->leads[key]), "ecm_delay_ms",
                          delay_json(judge, (unsigned)(service - judge->services), key, period)));
    }
    return json_pack("{s:o, s:o, s:o, s:o, s:s, s:o, s:o}", "from_ms", milliseconds(period->from), "to_ms",
                     milliseconds(period->to), "length_ms", milliseconds(end - period->from), "packet",
                     count(period->packet), "parity", period->parity ? "odd" : "even", "packets",
                     count(period->packets), "cas", cas);
}

static json_t *service_json(const struct judge *judge, const struct judge_service *service)
{
    json_t *periods = json_array();
    json_t *streams = json_array();

    for (size_t i = 0; i < service->period_count; i++)
        json_array_append_new(periods, period_json(judge, service, i));
    for (unsigned i = 0; i < judge->stream_count; i++)
        if (&judge->services[judge->streams[i]->service] == service)
            json_array_append_new(streams, stream_json(judge, judge->streams[i]));
    return json_pack("{s:i, s:s, s:o, s:o, s:o, s:o, s:o}", "service", (int)service->id, "algorithm",
                     cipher_algorithm_name(service->algorithm), "short_periods",
                     count(service->short_periods), "opened_by_nobody", blinds_json(&service->nobody),
                     "clear", blinds_json(&service->clear), "streams", streams, "periods", periods);
}

json_t *judge_report(const struct judge *judge)
{
    const struct judge_counts *counts = &judge->counts;
    json_t *services = json_array();

    for (unsigned i = 0; i < judge->service_count; i++)
        if (judge->services[i].judged)
            json_array_append_new(services, service_json(judge, &judge->services[i]));
    return json_pack("{s:s, s:{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}, s:o}",
                     "file", judge->output.path, "packets", "all", count(counts->packets), "nulls",
                     count(counts->nulls), "scrambled", count(counts->scrambled), "clear",
                     count(counts->clear), "reserved", count(counts->reserved), "foreign",
                     count(counts->foreign), "continuity_errors", count(counts->continuity), "compared",
                     count(counts->compared), "black", count(counts->black), "black_at_start",
                     count(counts->black_at_start), "lost", count(counts->lost), "changed",
                     count(counts->changed + counts->alien), "lead_in", count(counts->lead_in), "tail",
                     count(counts->tail), "services", services);
}

static void fault(json_t *faults, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void fault(json_t *faults, const char *format, ...)
{
    char text[256];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    json_array_append_new(faults, json_string(text));
}

static void more_than(json_t *faults, uint64_t value, uint64_t most, const char *what)
{
    if (value > most)
        fault(faults, "%" PRIu64 " %s", value, what);
}

static void judge_blindness(json_t *faults, const struct judge_blinds *blinds, uint64_t late_most,
                            const char *who)
{
    const struct judge_blind *first = &blinds->list[0];

    if (blinds->packets && (late_most == 0 || blinds->longest > late_most))
        fault(faults,
              "%s: %" PRIu64 " packets are not opened, from packet %" PRIu64
              " (%.0f ms) on: %s; %.0f ms at most",
              who, blinds->packets, first->packet, (double)first->from / 1000, first->why,
              (double)blinds->longest / 1000);
}

/* Of those that have ended, how many had no ECM of their own. */
static uint64_t periods_without_ecm(const struct judge *judge, const struct judge_stream *stream)
{
    const struct judge_service *service = &judge->services[stream->service];
    uint64_t without = 0;

    for (size_t i = 0; i + 1 < service->period_count; i++) {
        const struct judge_period *period = &service->periods[i];

        without +=
            period->leads[stream->key] != JUDGE_NONE && !ecm_of(stream, period, period->cps[stream->key]);
    }
    return without;
}

static void judge_cas(json_t *faults, const struct judge *judge, const struct judge_stream *stream,
                      const struct judge_limits *limits)
{
    uint64_t without;
    char who[64];

    snprintf(who, sizeof(who), "service %u, CAS 0x%08" PRIX32 ", ECM PID %u",
             judge->services[stream->service].id, judge->keys[stream->key].super_cas_id, stream->ecm_pid);
    judge_blindness(faults, &stream->blinds, limits->late_most, who);
    if (stream->superseded.packets && !limits->early)
        fault(faults,
              "%s: %" PRIu64 " packets need a CW that a later ECM had replaced, from packet %" PRIu64
              " (%.0f ms) on",
              who, stream->superseded.packets, stream->superseded.list[0].packet,
              (double)stream->superseded.list[0].from / 1000);
    without = periods_without_ecm(judge, stream);
    if (without)
        fault(faults, "%s: the ECMs of %" PRIu64 " crypto-periods never played", who, without);
    if (limits->gap_most && stream->gap_longest > limits->gap_most)
        fault(faults, "%s: no ECM for %.0f ms", who, (double)stream->gap_longest / 1000);
}

static void judge_service_cas(json_t *faults, const struct judge *judge, unsigned service, unsigned key,
                              const struct judge_limits *limits)
{
    bool found = false;

    for (unsigned i = 0; i < judge->stream_count; i++)
        if (judge->streams[i]->service == service && judge->streams[i]->key == (int)key) {
            found = true;
            judge_cas(faults, judge, judge->streams[i], limits);
        }
    if (!found)
        fault(faults, "service %u: CAS 0x%08" PRIX32 " has no ECM", judge->services[service].id,
              judge->keys[key].super_cas_id);
}

static void judge_one_service(json_t *faults, const struct judge *judge, unsigned service,
                              const struct judge_limits *limits)
{
    const struct judge_service *judged = &judge->services[service];
    char who[32];

    snprintf(who, sizeof(who), "service %u, any CAS", judged->id);
    if (judged->first_scrambled == JUDGE_NONE)
        fault(faults, "service %u: no packet is scrambled", judged->id);
    more_than(faults, judged->short_periods, 0, "crypto-periods are too short (parity flickers)");
    judge_blindness(faults, &judged->nobody, limits->late_most, who);
    for (unsigned key = 0; key < judge->key_count; key++)
        if (judge->keys[key].always)
            judge_service_cas(faults, judge, service, key, limits);
}

static void judge_counts(json_t *faults, const struct judge *judge, const struct judge_limits *limits)
{
    const struct judge_counts *counts = &judge->counts;

    more_than(faults, counts->clear, limits->clear_most, "packets of protected PIDs are clear");
    more_than(faults, counts->reserved, 0, "packets have the reserved scrambling control");
    more_than(faults, counts->foreign, 0, "scrambled packets belong to no protected component");
    more_than(faults, counts->lost, 0, "packets are lost");
    more_than(faults, counts->changed + counts->alien, 0, "packets are not what they were");
    more_than(faults, counts->lead_in, limits->lead_in_most, "packets are missing at the start");
    more_than(faults, counts->tail, limits->tail_most, "packets are missing at the end");
    if (limits->black)
        return;
    more_than(faults, counts->black, limits->black_at_start ? counts->black_at_start : 0,
              "packets are black");
    if (!judge->original.count)
        more_than(faults, counts->continuity, 0, "gaps in continuity_counter");
}

json_t *judge_faults(const struct judge *judge, const struct judge_limits *limits)
{
    json_t *faults = json_array();
    unsigned judged = 0;

    judge_counts(faults, judge, limits);
    for (unsigned i = 0; i < judge->service_count; i++)
        if (judge->services[i].judged) {
            judge_one_service(faults, judge, i, limits);
            judged++;
        }
    if (judged == 0)
        fault(faults, "no service has a CA_descriptor of these CASs");
    return faults;
}
