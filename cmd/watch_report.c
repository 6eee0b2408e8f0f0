/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/watch_report.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/secret.h"
#include "simulcrypt/cpsig_psig.h"
#include "simulcrypt/ecmg_scs_table.h"
#include "simulcrypt/eis_scs_table.h"
#include "simulcrypt/emmg_mux_table.h"

#define MESSAGE_MAX ((size_t)SIMULCRYPT_HEADER_SIZE + UINT16_MAX)
#define BYTES_SHOWN 16
#define TIME_MAX    40 /* characters of a time */
#define NANOSECONDS UINT64_C(1000000000)

const struct cmd_watch_interface cmd_watch_interfaces[CMD_WATCH_INTERFACES] = {
    {&simulcrypt_ecmg_scs, "ecmg", "SCS", "ECMG"},
    {&simulcrypt_emmg_mux, "emmg", "EMMG", "MUX"},
    {&simulcrypt_eis_scs, "eis", "EIS", "SCS"},
    {&simulcrypt_cpsig_psig, "cpsig", "PSIG", "CPSIG"},
};

const struct cmd_watch_interface *cmd_watch_interface_of(const struct simulcrypt_interface *interface)
{
    for (unsigned i = 0; i < CMD_WATCH_INTERFACES; i++)
        if (cmd_watch_interfaces[i].interface == interface)
            return &cmd_watch_interfaces[i];
    return NULL;
}

const struct cmd_watch_interface *cmd_watch_interface_named(const char *word)
{
    for (unsigned i = 0; i < CMD_WATCH_INTERFACES; i++)
        if (!strcmp(cmd_watch_interfaces[i].word, word))
            return &cmd_watch_interfaces[i];
    return NULL;
}

int cmd_watch_create(struct cmd_watch **watch, const struct cmd_watch_config *config)
{
    struct cmd_watch *made = calloc(1, sizeof(*made));

    if (!made)
        return -ENOMEM;
    made->config = *config;
    made->line = malloc(SIMULCRYPT_TRACE_ROOM(MESSAGE_MAX));
    if (!made->line) {
        free(made);
        return -ENOMEM;
    }
    *watch = made;
    return 0;
}

void cmd_watch_destroy(struct cmd_watch *watch)
{
    if (!watch)
        return;
    free(watch->line);
    free(watch);
}

bool cmd_watch_is_done(const struct cmd_watch *watch)
{
    return watch->error < 0 ||
           (watch->config.count_max && watch->counters.messages >= watch->config.count_max);
}

/* "2026-07-01T12:34:56.789012Z" */
static void format_time(uint64_t time_ns, char text[static TIME_MAX])
{
    time_t seconds = (time_t)(time_ns / NANOSECONDS);
    struct tm parts;
    size_t length = 0;

    if (gmtime_r(&seconds, &parts))
        length = strftime(text, TIME_MAX, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(text + length, TIME_MAX - length, ".%06uZ", (unsigned)(time_ns % NANOSECONDS / 1000));
}

static void end_line(struct cmd_watch *watch)
{
    if (putc('\n', watch->config.out) == EOF || fflush(watch->config.out) == EOF)
        watch->error = -errno;
}

static bool has_room(struct cmd_watch *watch)
{
    struct pollfd out = {.fd = fileno(watch->config.out), .events = POLLOUT};

    if (!watch->config.impatient || poll(&out, 1, 0) != 0)
        return true;
    watch->counters.lines_dropped++;
    return false;
}

static void begin_line(const struct cmd_watch *watch, unsigned connection, const char *event)
{
    char time[TIME_MAX];

    format_time(watch->now_ns, time);
    if (watch->config.json)
        fprintf(watch->config.out, "{\"time\":\"%s\",\"connection\":%u,\"event\":\"%s\"", time, connection,
                event);
    else
        fprintf(watch->config.out, "%s #%u ", time, connection);
}

static void write_message(struct cmd_watch *watch, const struct cmd_watch_place *place, const char *decoded)
{
    if (!has_room(watch))
        return;
    begin_line(watch, place->connection, "message");
    if (watch->config.json) /* the object's members go on behind ours */
        fprintf(watch->config.out, ",\"from\":\"%s\",\"to\":\"%s\",%s", place->from, place->to, decoded + 1);
    else
        fprintf(watch->config.out, "%s → %s %s", place->from, place->to, decoded);
    end_line(watch);
}

static void count_type(struct cmd_watch *watch, const struct simulcrypt_interface *interface, uint16_t type)
{
    const struct simulcrypt_message_type *found = simulcrypt_find_message(interface, type);
    ptrdiff_t number = found ? found - interface->messages : CMD_WATCH_MESSAGES;

    watch->counters.errors += found && found->is_error;
    if (number < CMD_WATCH_MESSAGES)
        watch->counters.by_type[cmd_watch_interface_of(interface) - cmd_watch_interfaces][number]++;
}

static void trace(struct cmd_watch *watch, const struct simulcrypt_interface *interface, const uint8_t *bytes,
                  size_t size)
{
    struct simulcrypt_trace_options options = {
        .form = watch->config.json ? SIMULCRYPT_TRACE_JSON : SIMULCRYPT_TRACE_TEXT,
        .show_secrets = watch->config.show_secrets,
        .bytes_shown = watch->config.full ? 0 : BYTES_SHOWN,
    };
    struct simulcrypt_message message;
    struct simulcrypt_verdict verdict;

    if (simulcrypt_message_decode(interface, SIMULCRYPT_FROM_BOTH, bytes, size, &message, &verdict) < 0)
        watch->counters.invalid++;
    count_type(watch, interface, message.type);
    simulcrypt_trace(interface, bytes, size, &options, watch->line,
                     SIMULCRYPT_TRACE_ROOM(MESSAGE_MAX)); /* is always enough */
}

/* Of a type that no table has: what its parameters are, secrets perhaps, is not known. */
static void trace_unknown(struct cmd_watch *watch, const uint8_t *bytes, size_t size)
{
    unsigned type = base_load_u16(bytes + 1);

    watch->counters.unknown++;
    if (watch->config.json)
        snprintf(watch->line, SIMULCRYPT_TRACE_ROOM(0), "{\"version\":%u,\"type\":%u,\"size\":%zu}", bytes[0],
                 type, size);
    else
        snprintf(watch->line, SIMULCRYPT_TRACE_ROOM(0), "v%u 0x%04X (%zu bytes) unknown message_type",
                 bytes[0], type, size);
}

void cmd_watch_message(struct cmd_watch *watch, const struct cmd_watch_place *place,
                       const struct simulcrypt_interface *interface, const uint8_t *bytes, size_t size)
{
    if (cmd_watch_is_done(watch))
        return;
    watch->counters.messages++;
    if (interface)
        trace(watch, interface, bytes, size);
    else
        trace_unknown(watch, bytes, size);
    write_message(watch, place, watch->line);
    if (watch->config.show_secrets)
        base_secure_zero(watch->line, strlen(watch->line));
}

void cmd_watch_event(struct cmd_watch *watch, unsigned connection, const char *event, const char *format, ...)
{
    char text[512];
    va_list arguments;

    if (cmd_watch_is_done(watch) || !has_room(watch))
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    begin_line(watch, connection, event);
    fprintf(watch->config.out, watch->config.json ? ",\"text\":\"%s\"}" : "%s", text);
    end_line(watch);
}

static json_t *count_json(uint64_t count)
{
    return json_integer((json_int_t)count);
}

static double milliseconds(uint64_t nanoseconds)
{
    return (double)nanoseconds / 1e6;
}

static json_t *messages_json(const struct cmd_watch_counters *counters)
{
    json_t *all = json_object();

    for (unsigned i = 0; i < CMD_WATCH_INTERFACES; i++) {
        const struct simulcrypt_interface *interface = cmd_watch_interfaces[i].interface;
        json_t *types = json_object();

        for (size_t m = 0; m < interface->message_count && m < CMD_WATCH_MESSAGES; m++)
            if (counters->by_type[i][m])
                json_object_set_new(types, interface->messages[m].name, count_json(counters->by_type[i][m]));
        if (json_object_size(types))
            json_object_set(all, interface->name, types);
        json_decref(types);
    }
    return all;
}

static void write_json_summary(const struct cmd_watch *watch)
{
    const struct cmd_watch_counters *counters = &watch->counters;
    json_t *summary =
        json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:{s:o, s:f, s:f, s:f, s:o}}",
                  "event", "summary", "lines_dropped", count_json(counters->lines_dropped), "connections",
                  count_json(counters->connections), "connections_passed_over",
                  count_json(counters->connections_passed_over), "messages", count_json(counters->messages),
                  "errors", count_json(counters->errors), "invalid", count_json(counters->invalid), "unknown",
                  count_json(counters->unknown), "gaps", count_json(counters->gaps), "bytes_missing",
                  count_json(counters->bytes_missing), "bytes_passed_over",
                  count_json(counters->bytes_passed_over), "messages_by_type", messages_json(counters),
                  "round_trips", "count", count_json(watch->round_trips.count), "p50_ms",
                  milliseconds(cmd_latency_quantile(&watch->round_trips, 0.5)), "p99_ms",
                  milliseconds(cmd_latency_quantile(&watch->round_trips, 0.99)), "longest_ms",
                  milliseconds(watch->round_trips.longest), "unanswered", count_json(counters->unanswered));

    json_dumpf(summary, watch->config.out, JSON_COMPACT | JSON_REAL_PRECISION(6));
    json_decref(summary);
}

static void write_types(const struct cmd_watch *watch)
{
    for (unsigned i = 0; i < CMD_WATCH_INTERFACES; i++) {
        const struct simulcrypt_interface *interface = cmd_watch_interfaces[i].interface;

        for (size_t m = 0; m < interface->message_count && m < CMD_WATCH_MESSAGES; m++)
            if (watch->counters.by_type[i][m])
                fprintf(watch->config.out, "%10" PRIu64 " %s %s\n", watch->counters.by_type[i][m],
                        interface->name, interface->messages[m].name);
    }
}

static void write_text_summary(const struct cmd_watch *watch)
{
    const struct cmd_watch_counters *counters = &watch->counters;
    FILE *out = watch->config.out;

    fprintf(out,
            "%" PRIu64 " messages on %" PRIu64 " connections: %" PRIu64 " errors, %" PRIu64
            " invalid, %" PRIu64 " unknown\n",
            counters->messages, counters->connections, counters->errors, counters->invalid,
            counters->unknown);
    write_types(watch);
    if (counters->gaps)
        fprintf(out, "%" PRIu64 " bytes are missing in %" PRIu64 " gaps\n", counters->bytes_missing,
                counters->gaps);
    if (counters->bytes_passed_over)
        fprintf(out, "%" PRIu64 " bytes were no message\n", counters->bytes_passed_over);
    if (counters->connections_passed_over)
        fprintf(out, "%" PRIu64 " connections were not SimulCrypt\n", counters->connections_passed_over);
    if (watch->round_trips.count)
        fprintf(out,
                "CW_provision to ECM_response: p50 %.3f ms, p99 %.3f ms, longest %.3f ms, %" PRIu64
                " times\n",
                milliseconds(cmd_latency_quantile(&watch->round_trips, 0.5)),
                milliseconds(cmd_latency_quantile(&watch->round_trips, 0.99)),
                milliseconds(watch->round_trips.longest), watch->round_trips.count);
    if (counters->lines_dropped)
        fprintf(out, "%" PRIu64 " lines were dropped: nobody read them in time\n", counters->lines_dropped);
    if (counters->unanswered)
        fprintf(out, "%" PRIu64 " CW_provisions had no ECM_response\n", counters->unanswered);
}

void cmd_watch_summary(struct cmd_watch *watch)
{
    if (watch->error < 0)
        return;
    if (watch->config.json) {
        write_json_summary(watch);
        end_line(watch);
    } else {
        write_text_summary(watch);
        fflush(watch->config.out);
    }
}
