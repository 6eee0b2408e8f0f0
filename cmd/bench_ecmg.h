/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd/bench_ecmg.h: what the parts of `scramline bench ecmg` share: what is asked for, and what was found.
 * One thread. */
#ifndef CMD_BENCH_ECMG_H
#define CMD_BENCH_ECMG_H

#include "bench/latency.h"
#include "cmd/options.h"
#include "simulcrypt/scs_session.h"

struct cmd_bench_ecmg_plan {
    struct cmd_host_port connect;
    uint64_t super_cas_id, channels;
    uint64_t streams; /* of each channel */
    uint64_t outstanding;
    uint64_t rate; /* CW_provisions per second; 0: the next as soon as one is answered */
    uint64_t duration_us, timeout_us;
    uint64_t cw_size, version; /* bytes */
    uint8_t access_criteria[SIMULCRYPT_ACCESS_CRITERIA_MAX];
    uint16_t access_criteria_size;
    bool has_access_criteria;
    bool json;
};

struct cmd_bench_ecmg_result {
    struct simulcrypt_channel_status status; /* of the first channel */
    double set_up_seconds;                   /* until each stream had its first ECM */
    double seconds;                          /* in which CW_provisions were due */
    uint64_t asked;                          /* CW_provisions sent in that time */
    uint64_t unsent;              /* that were due, but their streams never had one outstanding less */
    uint64_t answered;            /* with an ECM, or an empty datagram */
    uint64_t answered_in_time;    /* of these, those before the time was over */
    uint64_t empty, malformed;    /* of these: no ECM to broadcast; not an ECM of the format agreed on */
    uint64_t errors, timeouts;    /* the others that were sent */
    uint64_t lost;                /* channels */
    char why[256];                /* the first failure; "" for none */
    struct bench_latency latency; /* from when a CW_provision was due */
};

/* Connects, sets all up, asks and waits. False where it did not come to asking, or was interrupted: `why`. */
bool cmd_bench_ecmg_load(const struct cmd_bench_ecmg_plan *plan, struct cmd_bench_ecmg_result *result);

void cmd_bench_ecmg_print(const struct cmd_bench_ecmg_plan *plan, const struct cmd_bench_ecmg_result *result);

/* `scramline bench ecmg`: argv[0] is "ecmg". */
int cmd_bench_ecmg(int argc, char **argv);

#endif
