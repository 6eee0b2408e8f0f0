/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a benchmark found, for people and as JSON. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "cmd/bench.h"

#define TEXT(name, text)             text,
#define SET_TEXT(name, text, people) text,
const char *const cmd_bench_set_names[] = {CMD_BENCH_SET_MAP(SET_TEXT) NULL};
const char *const cmd_bench_peer_names[] = {CMD_BENCH_PEER_MAP(TEXT) NULL};
const char *const cmd_bench_direction_names[] = {
    [CIPHER_SCRAMBLE] = "scramble", [CIPHER_DESCRAMBLE] = "descramble", NULL};

#define SET_PEOPLE(name, text, people) people,
static const char *const set_people[] = {CMD_BENCH_SET_MAP(SET_PEOPLE)};

#define MIB       (1024.0 * 1024.0)
#define CPU_MODEL "model name\t: "

double cmd_bench_gbit_s(double ns)
{
    return BENCH_STRIDE * 8 / ns;
}

/* As the system calls it; "unknown CPU" where it does not. */
static void read_cpu_model(char *model, size_t room)
{
    FILE *file = fopen("/proc/cpuinfo", "re");
    char line[256];

    snprintf(model, room, "unknown CPU");
    while (file && fgets(line, sizeof(line), file)) {
        if (strncmp(line, CPU_MODEL, strlen(CPU_MODEL)) != 0)
            continue;
        line[strcspn(line, "\n")] = '\0';
        snprintf(model, room, "%s", line + strlen(CPU_MODEL));
        break;
    }
    if (file)
        fclose(file);
}

void cmd_bench_print_machine(const struct cmd_bench_plan *plan, const struct cmd_bench_place *place)
{
    char model[256];

    read_cpu_model(model, sizeof(model));
    printf("%s, one core; level-2 cache %.1f MiB, last level %.0f MiB. Seed %llu, %.0f s.\n", model,
           (double)place->caches.level2 / MIB, (double)place->caches.last / MIB,
           (unsigned long long)place->seed, (double)plan->budget_ns / 1e9);
    if (place->set_sizes[CMD_BENCH_MEMORY])
        printf("Working set 'memory': %.0f MiB, %.1f times the last level.\n",
               (double)place->set_sizes[CMD_BENCH_MEMORY] / MIB,
               (double)place->set_sizes[CMD_BENCH_MEMORY] / (double)place->caches.last);
}

void cmd_bench_print_legend(void)
{
    printf("Gbit/s count 188-byte packets, what the best tenth of turns reach, and the median; cycles are "
           "the core's,\n"
           "per packet; × is the rate by that library's in the same case.\n");
}

void cmd_bench_print_costs(const struct cmd_bench_team *team)
{
    for (unsigned i = 0; i < team->count; i++) {
        const struct bench_contender *contender = team->members[i];

        printf("%s%-11s %-15s a key %7.0f ns (1 000 services' pairs %6.2f ms)", i ? "" : "\n",
               cipher_algorithm_name(contender->algorithm), contender->name, team->key_ns[i],
               team->key_ns[i] * 2000 / 1e6);
        if (team->self_test_ns[i] > 0)
            printf("; self-test %.0f µs", team->self_test_ns[i] / 1e3);
        printf("%s\n", contender->default_tier ? "; the default" : "");
    }
}

static void print_ratios(const struct cmd_bench_record *record)
{
    for (unsigned peer = 0; peer < CMD_BENCH_PEERS; peer++) {
        if (record->ratios[peer] > 0 && strcmp(record->tier, cmd_bench_peer_names[peer]) != 0)
            printf("  %6.2f × %s", record->ratios[peer], cmd_bench_peer_names[peer]);
    }
    if (record->one_key_ratio > 0)
        printf("  %6.2f × %s with one key", record->one_key_ratio, cmd_bench_peer_names[CMD_BENCH_LIBDVBCSA]);
}

void cmd_bench_print_case(const struct cmd_bench_record *records, unsigned count)
{
    const struct cmd_bench_case *of = &records[0].of;

    printf("\n%s %s, %u key%s, %s payloads (%.1f bytes), %s (%.2f MiB), batch %u, %.2f GHz\n",
           cipher_algorithm_name(of->algorithm), cmd_bench_direction_names[of->direction], of->keys,
           of->keys == 1 ? "" : "s", of->mix->name, records[0].mean_length, set_people[of->set],
           (double)records[0].set_size / MIB, of->batch, records[0].cycles_per_ns);
    for (unsigned i = 0; i < count; i++) {
        const struct cmd_bench_record *record = &records[i];

        printf("  %-15s %8.3f Gbit/s (median %8.3f) %9.1f cycles (%9.1f)", record->tier,
               cmd_bench_gbit_s(record->best_ns), cmd_bench_gbit_s(record->median_ns),
               record->best_ns * record->cycles_per_ns, record->median_ns * record->cycles_per_ns);
        print_ratios(record);
        putchar('\n');
    }
    fflush(stdout);
}

static json_t *ratios_json(const struct cmd_bench_record *record)
{
    json_t *ratios = json_object();

    for (unsigned peer = 0; peer < CMD_BENCH_PEERS; peer++) {
        if (record->ratios[peer] > 0)
            json_object_set_new(ratios, cmd_bench_peer_names[peer], json_real(record->ratios[peer]));
    }
    if (record->one_key_ratio > 0)
        json_object_set_new(ratios, "libdvbcsa_one_key", json_real(record->one_key_ratio));
    return ratios;
}

static void add_details(json_t *object, const struct cmd_bench_record *record)
{
    unsigned distinct = record->of.keys < record->of.batch ? record->of.keys : record->of.batch;

    json_object_set_new(object, "keys_in_batch", json_integer(distinct));
    json_object_set_new(object, "key_ns", json_real(record->key_ns));
    if (record->self_test_ns > 0)
        json_object_set_new(object, "self_test_us", json_real(record->self_test_ns / 1e3));
}

static json_t *record_json(const struct cmd_bench_record *record)
{
    const struct cmd_bench_case *of = &record->of;
    json_t *object = json_pack(
        "{s:s, s:s, s:s, s:i, s:s, s:s, s:i, s:f, s:f, s:f, s:f, s:f, s:f, s:I, s:i, s:b, s:b, s:o}",
        "algorithm", cipher_algorithm_name(of->algorithm), "direction",
        cmd_bench_direction_names[of->direction], "tier", record->tier, "keys", (int)of->keys, "payload",
        of->mix->name, "working_set", cmd_bench_set_names[of->set], "batch", (int)of->batch, "gbit_s",
        cmd_bench_gbit_s(record->best_ns), "cycles_per_packet", record->best_ns * record->cycles_per_ns,
        "gbit_s_median", cmd_bench_gbit_s(record->median_ns), "cycles_per_packet_median",
        record->median_ns * record->cycles_per_ns, "core_ghz", record->cycles_per_ns, "payload_bytes",
        record->mean_length, "working_set_bytes", (json_int_t)record->set_size, "turns", (int)record->turns,
        "peer", record->peer, "default", record->is_default, "ratios", ratios_json(record));

    add_details(object, record);
    return object;
}

/* A record per line. */
void cmd_bench_print_json(const struct cmd_bench_records *records)
{
    printf("[");
    for (unsigned i = 0; i < records->count; i++) {
        json_t *object = record_json(&records->entries[i]);

        printf("%s\n", i ? "," : "");
        json_dumpf(object, stdout, JSON_REAL_PRECISION(6));
        json_decref(object);
    }
    printf("\n]\n");
}
