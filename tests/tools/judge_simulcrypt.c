/* SPDX-License-Identifier: GPL-3.0-or-later */
/* judge_simulcrypt: whether a scrambled transport stream keeps what SimulCrypt promises, from the stream
 * alone.
 *
 * It listens as receivers of each CAS would: an ECM counts once it has been on air whole; a scrambled packet
 * must then open with a CW of its parity. What a packet must open to is known from the original where there
 * is one, bit by bit; else from the start codes of PES packets. All that is not allowed by an option is a
 * fault; the report names the faults, and any of them is exit status 1. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "cmd/common_options.h"
#include "ecmg/ecm.h"
#include "judge.h"
#include "keys/key_file.h"

static struct {
    struct cmd_texts keys, always;
    struct cmd_numbers services;
    const char *clear;
    const char *flow, *clear_flow;
    unsigned kinds;
    uint64_t clear_most, late_ms, gap_ms, lead_in, tail, period_ms;
    bool black, black_at_start, early;
} options = {.kinds = 1u << TS_COMPONENT_VIDEO | 1u << TS_COMPONENT_AUDIO, .period_ms = 500};

static const char *const kind_names[] = {"video", "audio", "subtitles", "data", NULL}; /* ts_component_kind */

static const struct cmd_option option_table[] = {
    {"--key", "CAS=FILE", "service key of a Super_CAS_ID; again for more", &options.keys, .kind = CMD_TEXTS},
    {"--clear", "FILE", "what the stream was made from", &options.clear, .kind = CMD_TEXT},
    {"--service", "ID…", "judge these services; default: all of these CASs", &options.services,
     .kind = CMD_NUMBERS, .maximum = UINT16_MAX},
    {"--components", "LIST", "protected: all, or some of video,audio,subtitles,data;\ndefault: video,audio",
     &options.kinds, .kind = CMD_WORDS, .words = kind_names},
    {"--expect-cas-always", "CAS",
     "this Super_CAS_ID opens every packet; again for more;\ndefault: all do. Some CAS does in any case",
     &options.always, .kind = CMD_TEXTS},
    {"--max-late-ecm", "MS", "packets may stay closed for so long; default: 0", &options.late_ms,
     .kind = CMD_NUMBER, .maximum = 3600000},
    {"--max-clear", "N", "clear packets allowed; default: 0", &options.clear_most, .kind = CMD_NUMBER,
     .maximum = UINT32_MAX},
    {"--max-ecm-gap", "MS", "longest time between two ECMs of a PID; default: any", &options.gap_ms,
     .kind = CMD_NUMBER, .maximum = 3600000},
    {"--min-period", "MS", "shortest crypto-period; default: 500", &options.period_ms, .kind = CMD_NUMBER,
     .maximum = 3600000},
    {"--max-lead-in", "N", "packets that may be missing at the start; default: 0", &options.lead_in,
     .kind = CMD_NUMBER, .maximum = UINT32_MAX},
    {"--max-tail", "N", "packets that may be missing at the end; default: 0", &options.tail,
     .kind = CMD_NUMBER, .maximum = UINT32_MAX},
    {"--allow-black", NULL, "null packets may stand where protected ones were", &options.black,
     .kind = CMD_FLAG},
    {"--allow-black-at-start", NULL, "they may before anything is scrambled", &options.black_at_start,
     .kind = CMD_FLAG},
    {"--allow-early", NULL, "an ECM may replace a CW that is in use still", &options.early, .kind = CMD_FLAG},
    CMD_OPTION_FLOW(&options.flow),
    {"--clear-flow", "ADDR:PORT", "the same for --clear", &options.clear_flow, .kind = CMD_TEXT},
    {.name = NULL},
};

static const struct cmd_command command = {
    .name = "judge_simulcrypt",
    .operands = "FILE",
    .operands_min = 1,
    .operands_max = 1,
    .options = option_table,
    .summary =
        "Judges a scrambled TS file or capture: when which ECM played, and whether it opened the packets.",
    .details = "Example:\n  judge_simulcrypt --key 0x5CA10001=service.key --clear in.ts out.ts",
};

static int cas_of(const char *text, uint32_t *super_cas_id)
{
    uint64_t number;

    if (base_parse_u64(text, 1, UINT32_MAX, &number) < 0)
        return cmd_usage_error(&command, "'%s' is not a Super_CAS_ID", text);
    *super_cas_id = (uint32_t)number;
    return CMD_EXIT_OK;
}

static int take_key(struct judge *judge, const char *text)
{
    struct judge_key *key = &judge->keys[judge->key_count];
    const char *path = strchr(text, '=');
    char number[32];
    int status;

    if (!path || path - text >= (ptrdiff_t)sizeof(number) || judge->key_count == JUDGE_KEYS)
        return cmd_usage_error(&command, "--key: CAS=FILE, at most %d", JUDGE_KEYS);
    memcpy(number, text, (size_t)(path - text));
    number[path - text] = '\0';
    if (cas_of(number, &key->super_cas_id) != CMD_EXIT_OK)
        return CMD_EXIT_USAGE;
    status = keys_file_read(path + 1, &key->secret, ECMG_SERVICE_KEY_SIZE);
    if (status < 0)
        return cmd_failed(status, path + 1);
    key->always = options.always.count == 0;
    judge->key_count++;
    return CMD_EXIT_OK;
}

static int take_always(struct judge *judge, const char *text)
{
    uint32_t super_cas_id = 0;

    if (cas_of(text, &super_cas_id) != CMD_EXIT_OK)
        return CMD_EXIT_USAGE;
    for (unsigned i = 0; i < judge->key_count; i++)
        if (judge->keys[i].super_cas_id == super_cas_id) {
            judge->keys[i].always = true;
            return CMD_EXIT_OK;
        }
    return cmd_usage_error(&command, "--expect-cas-always: there is no --key of %s", text);
}

static int take_options(struct judge *judge)
{
    int status = options.keys.count ? CMD_EXIT_OK : cmd_usage_error(&command, "--key is needed");

    for (unsigned i = 0; i < options.keys.count && status == CMD_EXIT_OK; i++)
        status = take_key(judge, options.keys.values[i]);
    for (unsigned i = 0; i < options.always.count && status == CMD_EXIT_OK; i++)
        status = take_always(judge, options.always.values[i]);
    if (options.services.count > JUDGE_SERVICES)
        return cmd_usage_error(&command, "--service: at most %d", JUDGE_SERVICES);
    for (unsigned i = 0; i < options.services.count; i++)
        judge->wanted[judge->wanted_count++] = options.services.values[i];
    judge->kinds = options.kinds;
    judge->period_least = options.period_ms * 1000;
    return status;
}

static int load(struct judge *judge, const char *path)
{
    int status = judge_input_load(&judge->output, path, options.flow);

    if (status < 0)
        return cmd_failed(status, path);
    if (options.clear && (status = judge_input_load(&judge->original, options.clear, options.clear_flow)) < 0)
        return cmd_failed(status, options.clear);
    return CMD_EXIT_OK;
}

static int tell(const struct judge *judge)
{
    struct judge_limits limits = {.clear_most = options.clear_most,
                                  .late_most = options.late_ms * 1000,
                                  .gap_most = options.gap_ms * 1000,
                                  .lead_in_most = options.lead_in,
                                  .tail_most = options.tail,
                                  .black = options.black,
                                  .black_at_start = options.black_at_start,
                                  .early = options.early};
    json_t *report = judge_report(judge);
    json_t *faults = judge_faults(judge, &limits);
    int status = json_array_size(faults) ? CMD_EXIT_FAILED : CMD_EXIT_OK;

    json_object_set_new(report, "faults", faults);
    json_dumpf(report, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    putchar('\n');
    json_decref(report);
    return status;
}

static int run(struct judge *judge, const char *path)
{
    int status = take_options(judge);

    if (status == CMD_EXIT_OK)
        status = load(judge, path);
    if (status != CMD_EXIT_OK)
        return status;
    if ((status = judge_tables_read(judge)) < 0 || (status = judge_packets(judge)) < 0)
        return cmd_failed(status, path);
    return tell(judge);
}

static void clear(struct judge *judge)
{
    judge_ecm_clear(judge);
    for (unsigned i = 0; i < judge->service_count; i++)
        free(judge->services[i].periods);
    judge_input_clear(&judge->output);
    judge_input_clear(&judge->original);
    base_secure_zero(judge->keys, sizeof(judge->keys));
}

int main(int argc, char **argv)
{
    static struct judge judge;
    const char *path;
    unsigned count;
    int status;

    if (!cmd_parse(&command, argc, argv, &path, &count, &status))
        return status;
    status = run(&judge, path);
    clear(&judge);
    return status;
}
