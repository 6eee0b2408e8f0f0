/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/scramble_file.h"

#include <errno.h>
#include <stdlib.h>

#include "cmd/output.h"
#include "cmd/process.h"
#include "cmd/scramble_run.h"

static int commit(struct scramble_run *run)
{
    int status = cmd_cw_out_commit(&run->cw_out); /* first: without it the output is lost */

    if (status == CMD_EXIT_OK && (status = io_sink_commit(run->sink)) < 0)
        return cmd_failed(status, run->options->out);
    return status;
}

static int run_all(struct scramble_run *run)
{
    const struct scramble_options *options = run->options;
    int status;

    if ((status = scramble_run_prepare(run)) != CMD_EXIT_OK ||
        (status = scramble_run_protect(run)) != CMD_EXIT_OK ||
        (status = scramble_run_start(run)) != CMD_EXIT_OK ||
        (status = cmd_output_open(run->command, options->out, options->in, run->source, &run->sink)) !=
            CMD_EXIT_OK)
        return status;
    cmd_progress_start(&run->progress, io_source_size(run->source));
    if ((status = scramble_run_pump(run)) != CMD_EXIT_OK || (status = commit(run)) != CMD_EXIT_OK)
        return status;
    scramble_run_report(run);
    return CMD_EXIT_OK;
}

static void clear(struct scramble_run *run)
{
    for (unsigned i = 0; i < HEADEND_SERVICES_MAX; i++)
        cmd_service_clear(&run->services[i]);
    cmd_cas_set_close(&run->cas);
    net_loop_destroy(run->loop);
    scrambler_engine_destroy(run->engine);
    ts_demux_destroy(run->scout);
    headend_follower_destroy(run->follower);
    base_ring_destroy(run->observations);
    base_ring_destroy(run->orders);
    cmd_window_clear(&run->window);
    io_sink_close(run->sink);
    io_source_close(run->source);
    cipher_destroy(run->cipher);
    free(run->batch);
    free(run->plan);
}

int scramble_file(const struct cmd_command *command, const struct scramble_options *options)
{
    struct scramble_run *run = calloc(1, sizeof(*run));
    int status;

    if (!run)
        return cmd_failed(-ENOMEM, "cannot start");
    run->command = command;
    run->options = options;
    cmd_process_catch_signals();
    status = run_all(run);
    cmd_progress_finish(&run->progress);
    if (status != CMD_EXIT_OK)
        cmd_output_name_partial(run->sink);
    cmd_cw_out_close(&run->cw_out, run->sink && io_sink_partial_name(run->sink));
    clear(run);
    free(run);
    return status;
}
