/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "cmd/plan.h"
#include "cmd/process.h"
#include "cmd/scramble_run.h"
#include "ts/order.h"

/* ECMs go where the PMTs say, which moves where the stream begins to use their PID. */
static void follow_ecm_pids(struct scramble_run *run)
{
    for (unsigned i = 0; i < run->service_count; i++)
        headend_scg_place_ecms(run->services[i].scg, run->follower);
}

static struct headend_group *group_of(const struct scramble_run *run, unsigned index)
{
    return headend_scg_group(run->services[index].scg);
}

static void adopt_map(struct scramble_run *run)
{
    struct scrambler_group groups[HEADEND_SERVICES_MAX];

    follow_ecm_pids(run);
    for (unsigned i = 0; i < run->service_count; i++)
        groups[i] =
            (struct scrambler_group){.slots = run->services[i].slots, .algorithm = run->options->algorithm};
    cmd_plan_from_map(run->plan, headend_follower_map(run->follower), groups, run->service_count);
}

static int start_time(struct scramble_run *run)
{
    const struct scramble_options *options = run->options;
    uint64_t rate = options->bitrate ? options->bitrate : SCRAMBLE_ASSUMED_BITRATE;
    int status =
        cmd_window_start_time(&run->window, headend_follower_map(run->follower)->reference_pid, rate);

    return status < 0 ? cmd_failed(status, "cannot keep source time") : CMD_EXIT_OK;
}

static bool groups_ready(const struct scramble_run *run, uint64_t time)
{
    for (unsigned i = 0; i < run->service_count; i++) {
        if (!headend_group_ready(group_of(run, i), time))
            return false;
    }
    return true;
}

static void move_time(struct scramble_run *run, uint64_t now)
{
    for (unsigned i = 0; i < run->service_count; i++)
        headend_group_advance(group_of(run, i), now);
    cmd_cw_out_reach(&run->cw_out, now);
}

static void advance_groups(struct scramble_run *run, uint64_t now)
{
    if (run->options->cas.count)
        net_loop_run_once(run->loop, 0);
    move_time(run, now);
}

/* Once an ECMG has let a whole time-out pass, ECMs are waited for only while one is there that has been
 * asked: a dead one costs a file run one time-out, not one per crypto-period. */
static bool is_worth_waiting(const struct scramble_run *run, uint64_t time)
{
    for (unsigned i = 0; run->gave_up && i < run->service_count; i++) {
        if (!headend_group_ready(group_of(run, i), time) && headend_scg_is_awaiting(run->services[i].scg))
            return true;
    }
    return !run->gave_up;
}

/* Files wait for ECMs: runs the loop until every group covers `time`, or the time-out is over. */
static bool wait_for_ecms(struct scramble_run *run, uint64_t now, uint64_t time)
{
    uint64_t deadline = base_clock_monotonic_ms() + run->options->ecm_timeout_us / 1000;

    while (!groups_ready(run, time)) {
        if (cmd_process_interrupted() || base_clock_monotonic_ms() >= deadline ||
            !is_worth_waiting(run, time))
            return false;
        net_loop_run_once(run->loop, 50);
        advance_groups(run, now);
    }
    run->gave_up = false;
    return true;
}

/* The CAS of that name, or the first. */
static const struct cmd_cas_config *find_cas(const struct scramble_run *run, const char *name)
{
    const struct cmd_cas_list *list = &run->options->cas;

    for (unsigned i = 0; i < list->count; i++) {
        if (!strcmp(list->cas[i].terms.name, name))
            return &list->cas[i];
    }
    return &list->cas[0];
}

static int explain_no_ecmg(const struct scramble_run *run, const struct cmd_service *late, const char *cas)
{
    const char *why = headend_scg_last_error(late->scg);
    const struct headend_ecmg_address *ecmg = find_cas(run, cas)->ecmgs;

    if (cmd_process_interrupted())
        return CMD_EXIT_FAILED;
    base_log(
        BASE_LOG_ERROR,
        "no ECM from the ECMG at %s:%u within %.1f s%s%s; is it running? (scramline ecmg --listen %s:%u)",
        ecmg->host, ecmg->port, (double)run->options->ecm_timeout_us / 1e6, *why ? ": " : "", why, ecmg->host,
        ecmg->port);
    return CMD_EXIT_FAILED;
}

/* Where an ECM does not come, optional CASs are left behind, and for a required one the policy takes over. */
static void give_up_waiting(struct scramble_run *run, uint64_t now, uint64_t time)
{
    for (unsigned i = 0; i < run->service_count; i++) {
        const char *why = headend_scg_last_error(run->services[i].scg);

        if (!headend_group_ready(group_of(run, i), time))
            headend_group_give_up(group_of(run, i), now, *why ? why : "no ECM came in time");
    }
    run->gave_up = true;
}

/* The first ECMs did not all come: that is fatal where a required CAS's are missing. */
static int begin_without(struct scramble_run *run)
{
    for (unsigned i = 0; i < run->service_count; i++) {
        const char *absent = headend_scg_absent(run->services[i].scg);

        if (absent)
            return explain_no_ecmg(run, &run->services[i], absent);
    }
    if (cmd_process_interrupted())
        return CMD_EXIT_FAILED;
    give_up_waiting(run, 0, 0);
    advance_groups(run, 0);
    return groups_ready(run, 0) ? CMD_EXIT_OK : explain_no_ecmg(run, &run->services[0], "");
}

/* Nothing is written before the first ECM is there: an ECMG that is absent costs no partial file. */
int scramble_run_start(struct scramble_run *run)
{
    int status;

    adopt_map(run);
    status = start_time(run);
    if (status != CMD_EXIT_OK)
        return status;
    advance_groups(run, 0);
    return wait_for_ecms(run, 0, 0) ? CMD_EXIT_OK : begin_without(run);
}

/* Crypto-periods that began within the last batch count too. */
static void finish_time(struct scramble_run *run)
{
    if (run->window.done)
        move_time(run, cmd_window_time(&run->window, run->window.done - 1));
}

/* How many of the next packets every group covers; at least one, waiting where need be. */
static size_t covered(struct scramble_run *run, size_t count)
{
    uint64_t first = cmd_window_time(&run->window, run->window.done);

    advance_groups(run, first);
    while (count > 1 && !groups_ready(run, cmd_window_time(&run->window, run->window.done + count - 1)))
        count /= 2;
    if (!groups_ready(run, first) && !wait_for_ecms(run, first, first))
        give_up_waiting(run, first, first);
    return count;
}

static int write_outputs(struct scramble_run *run, unsigned output_count, unsigned consumed)
{
    uint64_t base = run->window.done;
    int status;

    for (unsigned i = 0; i < output_count; i++) {
        /* An inserted packet behind the last one has no packet that it stands before: it goes with the last.
         */
        uint32_t input = run->outputs[i].input < consumed || !consumed ? run->outputs[i].input : consumed - 1;

        run->out_packets[i] = run->outputs[i].packet;
        run->out_infos[i] = *cmd_window_info(&run->window, base + input);
    }
    status = io_sink_write(run->sink, run->out_packets, run->out_infos, output_count);
    return status < 0 ? cmd_failed(status, run->options->out) : CMD_EXIT_OK;
}

/* What the engine saw of changed tables goes to the follower, whose new map becomes the plan. */
static void take_observations(struct scramble_run *run)
{
    bool any = false;

    while (ts_observation_pop(run->observations, &run->observation) > 0) {
        const struct ts_observation *seen = &run->observation;

        headend_follower_section(run->follower, seen->pid, seen->section, seen->size, seen->sequence,
                                 seen->source_time);
        any = true;
    }
    if (any)
        adopt_map(run);
}

static int process_batch(struct scramble_run *run, size_t count)
{
    unsigned output_count;
    unsigned consumed;
    int status;

    for (size_t i = 0; i < count; i++)
        run->inputs[i] =
            (struct scrambler_input){.packet = cmd_window_packet(&run->window, run->window.done + i),
                                     .source_time = cmd_window_time(&run->window, run->window.done + i)};
    consumed = scrambler_engine_process(run->engine, run->plan, run->inputs, (unsigned)count, run->batch,
                                        run->outputs, &output_count);
    cipher_batch_flush(run->batch);
    status = output_count ? write_outputs(run, output_count, consumed) : CMD_EXIT_OK;
    cmd_window_release(&run->window, consumed);
    take_observations(run);
    return status;
}

static int pump(struct scramble_run *run)
{
    struct cmd_window *window = &run->window;
    int status = CMD_EXIT_OK;

    while (status == CMD_EXIT_OK && !(window->ended && window->done == window->read)) {
        ptrdiff_t filled = cmd_window_fill(window);

        if (filled < 0)
            return cmd_failed((int)filled, run->options->in);
        while (status == CMD_EXIT_OK && window->done < window->timed) {
            uint64_t waiting = window->timed - window->done;

            if (cmd_process_interrupted())
                return CMD_EXIT_FAILED;
            status =
                process_batch(run, covered(run, waiting < SCRAMBLE_BATCH ? (size_t)waiting : SCRAMBLE_BATCH));
        }
        cmd_progress_update(&run->progress, io_source_position(run->source));
    }
    return status;
}

int scramble_run_pump(struct scramble_run *run)
{
    int status = pump(run);

    finish_time(run);
    return status;
}
