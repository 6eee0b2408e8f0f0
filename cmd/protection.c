/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/protection.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "cmd/input.h"

#define TICKS_PER_US (BASE_TICKS_PER_SECOND / 1000000)

static int provision(void *context, const struct simulcrypt_cw_provision *provision)
{
    struct cmd_protection *protection = context;

    return headend_ecmg_client_provision(protection->client, provision);
}

static void period(void *context, uint64_t crypto_period, uint64_t start, const struct base_secret *cw)
{
    struct cmd_protection *protection = context;
    char text[2 * KEYS_CW_MAX + 1];

    (void)crypto_period;
    (void)start;
    if (!protection->cw_out || base_secret_hex(cw, text, sizeof(text)) < 0)
        return;
    if (fprintf(protection->cw_out, "%s\n", text) < 0)
        protection->cw_out_failed = true;
    base_secure_zero(text, sizeof(text));
}

static void degraded(void *context, bool failing, const char *why)
{
    struct cmd_protection *protection = context;

    protection->was_degraded |= failing;
    base_log(failing ? BASE_LOG_WARNING : BASE_LOG_NOTICE, "%s", why);
}

static const struct headend_group_ops group_ops = {
    .provision = provision, .period = period, .degraded = degraded};

static int load_fixed(struct cmd_protection *protection, const struct cmd_command *command,
                      const struct scramble_options *options, unsigned index)
{
    size_t size = cipher_cw_size(options->algorithm);
    const char *text = options->cws.values[options->cws.count > 1 ? index : 0];

    protection->list.words = calloc(1, sizeof(*protection->list.words));
    if (!protection->list.words)
        return CMD_EXIT_FAILED;
    protection->list.count = 1;
    if (keys_cw_from_hex(protection->list.words, text, size, options->raw_cw) < 0)
        return cmd_usage_error(command, "--cw: %s takes %zu bytes, as %zu hexadecimal digits",
                               cipher_algorithm_name(options->algorithm), size, 2 * size);
    return CMD_EXIT_OK;
}

static int load_seed(struct cmd_protection *protection, const struct cmd_command *command,
                     const struct scramble_options *options)
{
    if (options->seed && base_secret_from_hex(&protection->generator.seed, options->seed) < 0)
        return cmd_usage_error(command, "--seed: takes up to %d bytes, as hexadecimal digits",
                               BASE_SECRET_MAX);
    return CMD_EXIT_OK;
}

static int load_words(struct cmd_protection *protection, const struct cmd_command *command,
                      const struct scramble_options *options, unsigned index)
{
    protection->generator.group = index;
    protection->generator.cw_size = (uint8_t)cipher_cw_size(options->algorithm);
    if (options->cws.count)
        return load_fixed(protection, command, options, index);
    if (options->cw_file)
        return cmd_cw_list_load(&protection->list, options->cw_file, options->algorithm, options->raw_cw);
    return load_seed(protection, command, options);
}

static int create_group(struct cmd_protection *protection, const struct scramble_options *options,
                        uint16_t ecm_pid, struct base_ring *orders)
{
    const struct headend_group_config config = {
        .slots = protection->slots,
        .orders = orders,
        .generator = protection->generator,
        .list = protection->list.count ? &protection->list : NULL,
        .fixed = options->cws.count > 0,
        .has_cas = options->ecmg.port != 0,
        .crypto_period = options->crypto_period_us * TICKS_PER_US,
        .ecm_pid = ecm_pid,
        .policy = options->policy,
        .waits_for_ecms = true,
    };

    return headend_group_create(&protection->group, &config, &group_ops, protection);
}

/* Each service has a channel of its own: one connection, one channel, one stream. */
static int create_client(struct cmd_protection *protection, const struct scramble_options *options,
                         unsigned index, struct net_loop *loop)
{
    const struct headend_ecmg_client_config config = {
        .host = options->ecmg.host,
        .port = options->ecmg.port,
        .scs = {.version = (uint8_t)options->ecmg_version,
                .channel_id = (uint16_t)(index + 1),
                .super_cas_id = (uint32_t)options->super_cas_id,
                .reply_timeout_ms = (uint32_t)(options->ecm_timeout_us / 1000),
                .network_delay_ms = (uint32_t)(options->ecm_timeout_us / 1000)},
        .stream = {.stream_id = 1,
                   .ecm_id = (uint16_t)(index + 1),
                   .nominal_cp_duration = (uint16_t)((options->crypto_period_us + 99999) / 100000),
                   .access_criteria = options->access_criteria_size ? options->access_criteria : NULL,
                   .access_criteria_size = (uint16_t)options->access_criteria_size},
    };
    int status = headend_ecmg_client_create(&protection->client, loop, &config);

    if (status == 0)
        headend_ecmg_client_attach(protection->client, protection->group);
    return status;
}

int cmd_protection_init(struct cmd_protection *protection, const struct cmd_command *command,
                        const struct scramble_options *options, unsigned index, uint16_t ecm_pid,
                        const struct cipher *cipher, struct base_ring *orders, struct net_loop *loop,
                        FILE *cw_out)
{
    int status;

    *protection = (struct cmd_protection){.cw_out = cw_out};
    status = load_words(protection, command, options, index);
    if (status != CMD_EXIT_OK)
        return status;
    status = keys_slots_create(&protection->slots, cipher, NULL);
    if (status == 0)
        status = create_group(protection, options, ecm_pid, orders);
    if (status == 0 && options->ecmg.port)
        status = create_client(protection, options, index, loop);
    if (status == 0)
        return CMD_EXIT_OK;
    base_log(BASE_LOG_ERROR, "cannot prepare the service's control words: %s", base_error_text(status));
    return CMD_EXIT_FAILED;
}

void cmd_protection_clear(struct cmd_protection *protection)
{
    headend_ecmg_client_destroy(protection->client);
    headend_group_destroy(protection->group);
    keys_slots_destroy(protection->slots);
    keys_cw_list_clear(&protection->list);
    keys_cw_generator_clear(&protection->generator);
    *protection = (struct cmd_protection){0};
}
