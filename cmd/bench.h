/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd/bench.h: what the parts of `scramline bench` share: cases, where their packets lie, who takes part, and
 * what was found. One thread. */
#ifndef CMD_BENCH_H
#define CMD_BENCH_H

#include "bench/contender.h"
#include "bench/memory.h"
#include "cmd/options.h"
#include "cmd/progress.h"

/* X(name, text, to people) */
#define CMD_BENCH_SET_MAP(X)                                                                                 \
    X(L2, "l2", "in the level-2 cache")                                                                      \
    X(MEMORY, "memory", "larger than the last-level cache")

enum cmd_bench_set {
#define X(name, text, people) CMD_BENCH_##name,
    CMD_BENCH_SET_MAP(X)
#undef X
        CMD_BENCH_SETS
};

/* The libraries that ratios are made against. X(name, text) */
#define CMD_BENCH_PEER_MAP(X)                                                                                \
    X(LIBDVBCSA, "libdvbcsa")                                                                                \
    X(OPENSSL, "openssl")                                                                                    \
    X(IPSEC_MB, "ipsec-mb")

enum cmd_bench_peer {
#define X(name, text) CMD_BENCH_##name,
    CMD_BENCH_PEER_MAP(X)
#undef X
        CMD_BENCH_PEERS
};

extern const char *const cmd_bench_set_names[];  /* NULL-terminated */
extern const char *const cmd_bench_peer_names[]; /* NULL-terminated */
extern const char *const cmd_bench_direction_names[];

struct cmd_bench_case {
    enum cipher_algorithm algorithm;
    enum cipher_direction direction;
    unsigned keys, batch;
    enum cmd_bench_set set;
    const struct bench_mix *mix;
};

/* Where the packets of all cases lie. */
struct cmd_bench_place {
    struct bench_caches caches;
    uint8_t *memory;
    size_t size;                      /* bytes */
    size_t set_sizes[CMD_BENCH_SETS]; /* bytes of it that a case walks through */
    uint64_t seed;
};

#define CMD_BENCH_TEAM_MAX 16

/* Who takes part for one algorithm. */
struct cmd_bench_team {
    struct bench_contender *members[CMD_BENCH_TEAM_MAX];
    double key_ns[CMD_BENCH_TEAM_MAX];       /* to prepare one key; 0: not measured */
    double self_test_ns[CMD_BENCH_TEAM_MAX]; /* 0: has none */
    unsigned count;
};

struct cmd_bench_record {
    struct cmd_bench_case of;
    char tier[BENCH_NAME_SIZE];
    bool peer, is_default;
    double best_ns, median_ns; /* per packet */
    double cycles_per_ns;
    double mean_length;             /* bytes of payload */
    double ratios[CMD_BENCH_PEERS]; /* packets per second by the peer's; 0: not measured */
    double one_key_ratio;           /* by libdvbcsa's with one key per batch; 0: not measured */
    double key_ns, self_test_ns;
    size_t set_size; /* bytes */
    unsigned turns;
};

struct cmd_bench_records {
    struct cmd_bench_record *entries;
    unsigned count, room;
};

/* What the command line asks for. */
struct cmd_bench_plan {
    const struct cmd_command *command;
    unsigned algorithms, directions, sets; /* bits */
    struct cmd_numbers keys, batches;
    struct bench_mix *mixes;
    unsigned mix_count;
    const struct bench_mix *capture; /* stands in for the mix of its name; NULL: none given */
    struct cmd_texts tiers;          /* none: all */
    uint64_t budget_ns;
    bool json, curves;
};

/* Sets up the place; says which sizes it takes. CMD_EXIT_… after a message. */
int cmd_bench_place_open(struct cmd_bench_place *place, unsigned sets, uint64_t memory_size, uint64_t seed);
void cmd_bench_place_close(struct cmd_bench_place *place);

/* Lanes of a case. `keys` stands in for the case's own. */
int cmd_bench_lanes_open(const struct cmd_bench_place *place, const struct cmd_bench_case *of, unsigned keys,
                         struct bench_lanes **lanes);

/* The algorithm's contenders among `tiers`, and what their keys and self-tests cost; says who is left out.
 * CMD_EXIT_… after a message. */
int cmd_bench_team_open(struct cmd_bench_team *team, enum cipher_algorithm algorithm,
                        const struct cmd_texts *tiers, uint64_t seed);
void cmd_bench_team_close(struct cmd_bench_team *team);

/* All cases of the plan, printed as they are done, or as JSON in the end. */
int cmd_bench_run_matrix(const struct cmd_bench_plan *plan, const struct cmd_bench_place *place,
                         struct cmd_bench_records *records);

/* The project's table of bounds. CMD_EXIT_FAILED where one is missed. */
int cmd_bench_run_bounds(const struct cmd_bench_plan *plan, const struct cmd_bench_place *place);

/* bench_report.c */
void cmd_bench_print_machine(const struct cmd_bench_plan *plan, const struct cmd_bench_place *place);
void cmd_bench_print_legend(void); /* of the cases' lines */
void cmd_bench_print_costs(const struct cmd_bench_team *team);
void cmd_bench_print_case(const struct cmd_bench_record *records, unsigned count);
void cmd_bench_print_json(const struct cmd_bench_records *records);
double cmd_bench_gbit_s(double ns); /* of a 188-byte packet every `ns` */

/* Into `folder`, which is made where it is missing. CMD_EXIT_… after one message. */
int cmd_bench_plot(const struct cmd_bench_plan *plan, const struct cmd_bench_records *records,
                   const char *folder);

/* The keys and batches of the plots' curves, and what stands still beside them. */
extern const uint16_t cmd_bench_curve_keys[];    /* 0 ends them */
extern const uint16_t cmd_bench_curve_batches[]; /* 0 ends them */
#define CMD_BENCH_CURVE_KEYS  300
#define CMD_BENCH_CURVE_BATCH 512

#endif
