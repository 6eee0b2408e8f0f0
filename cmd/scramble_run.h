/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd/scramble_run.h: one run of `scramline scramble`, from opening its input to its summary. Private to
 * cmd/scramble_*.c. */
#ifndef CMD_SCRAMBLE_RUN_H
#define CMD_SCRAMBLE_RUN_H

#include "cmd/cw_out.h"
#include "cmd/progress.h"
#include "cmd/scramble_file.h"
#include "cmd/service.h"
#include "cmd/window.h"
#include "io/sink.h"
#include "net/loop.h"
#include "scrambler/engine.h"
#include "ts/section.h"

#define SCRAMBLE_BATCH 4096
#define SCRAMBLE_ASSUMED_BITRATE                                                                             \
    UINT64_C(8000000) /* bit/s, where the stream carries no PCR and --bitrate is not given */

struct scramble_run {
    const struct cmd_command *command;
    const struct scramble_options *options;
    struct io_source *source;
    struct io_sink *sink;
    struct cmd_window window;
    struct cmd_progress progress;
    struct base_ring *orders;
    struct base_ring *observations;
    struct headend_follower *follower;
    struct ts_section_demux *scout;
    struct scrambler_engine *engine;
    struct scrambler_plan *plan;
    struct cipher *cipher;
    struct cipher_batch *batch;
    struct net_loop *loop;
    struct cmd_cas_set cas;
    struct cmd_cas_use uses[HEADEND_SIGNALS_MAX]; /* of every service: each CAS on its own terms */
    struct cmd_cw_out cw_out;
    bool gave_up; /* on an ECMG that let a time-out pass */
    unsigned service_count;
    struct cmd_service services[HEADEND_SERVICES_MAX];
    struct ts_observation observation;
    struct scrambler_input inputs[SCRAMBLE_BATCH];
    struct scrambler_output outputs[SCRAMBLE_BATCH + SCRAMBLER_INSERT_MAX];
    const uint8_t *out_packets[SCRAMBLE_BATCH + SCRAMBLER_INSERT_MAX];
    struct io_packet_info out_infos[SCRAMBLE_BATCH + SCRAMBLER_INSERT_MAX];
};

/* The first of a service's flows at the follower: its CASs have one each. */
static inline uint16_t scramble_run_flow(const struct scramble_run *run, unsigned service)
{
    return (uint16_t)(service * run->options->cas.count);
}

/* All of these return an exit status; every failure has had its message. */

/* Opens the input, makes the parts, and reads ahead until every service is known. */
int scramble_run_prepare(struct scramble_run *run);

/* ECMGs, and control words and SCG of every service. */
int scramble_run_protect(struct scramble_run *run);

/* Adopts the first plan and waits for the first ECM of every service. */
int scramble_run_start(struct scramble_run *run);

/* All packets, from the window to the sink. */
int scramble_run_pump(struct scramble_run *run);

/* Warnings and the summary. */
void scramble_run_report(struct scramble_run *run);

#endif
