/* SPDX-License-Identifier: GPL-3.0-or-later */
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

static struct headend_ecmg_client_config describe_ecmg(const struct scramble_options *options, unsigned index)
{
    return (struct headend_ecmg_client_config){
        .host = options->ecmg.port ? options->ecmg.host : NULL,
        .port = options->ecmg.port,
        .scs = {.version = (uint8_t)options->ecmg_version,
                .channel_id = (uint16_t)(index + 1),
                .super_cas_id = (uint32_t)options->super_cas_id,
                .reply_timeout_ms = (uint32_t)(options->ecm_timeout_us / 1000),
                .network_delay_ms = (uint32_t)(options->ecm_timeout_us / 1000)},
        .stream = {.ecm_id = (uint16_t)(index + 1),
                   .access_criteria = options->access_criteria_size ? options->access_criteria : NULL,
                   .access_criteria_size = (uint16_t)options->access_criteria_size},
    };
}

static struct cmd_service_config describe(struct scramble_run *run, unsigned index)
{
    const struct scramble_options *options = run->options;
    struct headend_service_status found = {0};

    headend_follower_status(run->follower, index, &found);
    return (struct cmd_service_config){
        .cipher = run->cipher,
        .algorithm = options->algorithm,
        .cw_file = options->cw_file,
        .raw_cw = options->raw_cw,
        .group = {.orders = run->orders,
                  .generator = {.group = index},
                  .crypto_period = options->crypto_period_us * TICKS_PER_US,
                  .ecm_pid = found.ecm_pid,
                  .policy = options->policy,
                  .waits_for_ecms = true},
        .ecmg = describe_ecmg(options, index),
        .loop = run->loop,
        .period = run->cw_out.file ? note_cw : NULL,
        .context = run,
    };
}

static int protect(struct scramble_run *run, unsigned index)
{
    struct cmd_service_config config = describe(run, index);
    struct base_secret cw = {0};
    int status = read_seed(run, &config.group.generator.seed);

    if (status == CMD_EXIT_OK && run->options->cws.count) {
        status = read_cw(run, index, &cw);
        config.cw = &cw;
    }
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

    for (unsigned i = 0; status == CMD_EXIT_OK && i < run->service_count; i++)
        status = protect(run, i);
    return status;
}
