/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "base/clock.h"
#include "cmd/control_words.h"
#include "cmd/scramble_run.h"

#define TICKS_PER_US (BASE_TICKS_PER_SECOND / 1000000)

static void note_cw(void *context, uint64_t start, const struct base_secret *cw)
{
    struct scramble_run *run = (struct scramble_run *)context;

    cmd_cw_out_add(&run->cw_out, start, cw);
}

static int read_seed(const struct scramble_run *run, struct base_secret *seed)
{
    const char *text = run->options->seed;

    if (text && base_secret_from_hex(seed, text) < 0)
        return cmd_usage_error(run->command, "--seed: takes up to %d bytes, as hexadecimal digits",
                               BASE_SECRET_MAX);
    return CMD_EXIT_OK;
}

/* --cw is one for all services, or one each. */
static int read_cw(const struct scramble_run *run, unsigned index, struct base_secret *cw)
{
    const struct scramble_options *options = run->options;

    return cmd_cw_parse(run->command, options->cws.values[options->cws.count > 1 ? index : 0],
                        options->algorithm, options->raw_cw, cw);
}

static struct cmd_service_config describe(struct scramble_run *run, unsigned index)
{
    const struct scramble_options *options = run->options;

    return (struct cmd_service_config){
        .cipher = run->cipher,
        .algorithm = options->algorithm,
        .cw_file = options->cw_file,
        .raw_cw = options->raw_cw,
        .group = {.orders = run->orders,
                  .generator = {.group = index},
                  .crypto_period = options->crypto_period_us * TICKS_PER_US,
                  .policy = options->policy,
                  .waits_for_ecms = true},
        .cas = &run->cas,
        .use_count = options->cas.count,
        .uses = run->uses,
        .counted_on = index,
        .first_flow = scramble_run_flow(run, index),
        .period = run->cw_out.file ? note_cw : NULL,
        .context = run,
    };
}

static void name(const struct scramble_run *run, unsigned index, char text[static 32])
{
    struct headend_service_status found = {0};

    headend_follower_status(run->follower, index, &found);
    snprintf(text, 32, run->options->pids.count ? "the PIDs" : "service %u", found.service_id);
}

static int protect(struct scramble_run *run, unsigned index)
{
    struct cmd_service_config config = describe(run, index);
    struct base_secret cw = {0};
    char text[32];
    int status = read_seed(run, &config.group.generator.seed);

    if (status == CMD_EXIT_OK && run->options->cws.count) {
        status = read_cw(run, index, &cw);
        config.cw = &cw;
    }
    name(run, index, text);
    config.name = text;
    if (status == CMD_EXIT_OK && cmd_service_init(&run->services[index], &config) < 0)
        status = CMD_EXIT_FAILED;
    base_secret_clear(&cw);
    keys_cw_generator_clear(&config.group.generator);
    return status;
}

int scramble_run_protect(struct scramble_run *run)
{
    const struct scramble_options *options = run->options;
    int status = cmd_cw_out_open(&run->cw_out, run->command, options->cw_out, options->in, options->out);

    if (status == CMD_EXIT_OK && cmd_cas_set_open(&run->cas, &options->cas, run->loop) < 0)
        status = CMD_EXIT_FAILED;
    for (unsigned i = 0; status == CMD_EXIT_OK && i < run->service_count; i++)
        status = protect(run, i);
    return status;
}
