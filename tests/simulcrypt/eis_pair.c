/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "eis_pair.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "simulcrypt/eis_scs_table.h"

struct eis_pair eis_pair;

static void scs_close(void *context, const char *why)
{
    (void)context;
    wire_note("close(%s) ", why);
}

static uint16_t scs_channel_setup(void *context, uint16_t channel_id, struct simulcrypt_scgs **scgs)
{
    (void)context;
    wire_note("channel %u ", channel_id);
    *scgs = eis_pair.scgs;
    return eis_pair.channel_error;
}

static void scs_channel_closed(void *context, uint16_t channel_id)
{
    (void)context;
    wire_note("channel_closed %u ", channel_id);
}

static uint16_t scgs_check(void *context, const struct simulcrypt_scg *scg)
{
    (void)context;
    (void)scg;
    return eis_pair.check_error;
}

static void scgs_accepted(void *context, const struct simulcrypt_scg *scg)
{
    (void)context;
    wire_note("%s %u/%u ", simulcrypt_scg_is_removal(scg) ? "remove" : "accept", scg->scg_id,
              scg->reference_id);
    eis_pair.accepted = *scg;
}

static uint16_t scgs_nominal_cp_duration(void *context, uint16_t scg_id)
{
    (void)context;
    (void)scg_id;
    return eis_pair.nominal_cp_duration;
}

static void eis_fail(void *context, const char *why)
{
    (void)context;
    wire_note("fail ");
    snprintf(eis_pair.why, sizeof(eis_pair.why), "%s", why);
}

static void eis_channel_up(void *context, const struct simulcrypt_scs_abilities *abilities)
{
    (void)context;
    wire_note("channel_up ");
    eis_pair.abilities = *abilities;
}

static void eis_scg_status(void *context, const struct simulcrypt_scg_status *status)
{
    (void)context;
    wire_note("status %u: %u", status->scg_id, status->current_reference_id);
    if (status->pending)
        wire_note(", then %u", status->pending_reference_id);
    if (status->nominal_cp_duration)
        wire_note(", CP %u", status->nominal_cp_duration);
    wire_note(" ");
    if (eis_pair.on_status)
        eis_pair.on_status(status->scg_id);
}

static void eis_scg_error(void *context, uint16_t scg_id, uint16_t error, const char *text)
{
    (void)context;
    wire_note("scg_error %u: %04X ", scg_id, error);
    snprintf(eis_pair.why, sizeof(eis_pair.why), "%s", text);
}

static void eis_unanswered(void *context, uint16_t scg_id)
{
    (void)context;
    wire_note("unanswered %u ", scg_id);
}

static void eis_scg_list(void *context, const uint16_t *scg_ids, size_t count)
{
    (void)context;
    wire_note("list");
    for (size_t i = 0; i < count; i++)
        wire_note(" %u", scg_ids[i]);
    wire_note("; ");
}

static void eis_channel_error(void *context, uint16_t error, const char *text)
{
    (void)context;
    wire_note("channel_error %04X ", error);
    snprintf(eis_pair.why, sizeof(eis_pair.why), "%s", text);
}

static const struct simulcrypt_scg_session_ops scs_ops = {wire_send_to_client, scs_close, scs_channel_setup,
                                                          scs_channel_closed};

static void scs_input(const uint8_t *bytes, size_t size)
{
    simulcrypt_scg_session_input(eis_pair.scs, bytes, size);
}

static void eis_input(const uint8_t *bytes, size_t size)
{
    simulcrypt_eis_session_input(eis_pair.eis, bytes, size, wire.now_ms);
}

void eis_pair_scs_restart(void)
{
    simulcrypt_scg_session_destroy(eis_pair.scs);
    wire_lose();
    cr_assert_eq(simulcrypt_scg_session_create(&eis_pair.scs, &scs_ops, NULL), 0);
}

void eis_pair_set_abilities(const struct simulcrypt_scs_abilities *abilities)
{
    static const struct simulcrypt_scgs_ops ops = {scgs_check, scgs_accepted, scgs_nominal_cp_duration};
    simulcrypt_scgs_destroy(eis_pair.scgs);
    cr_assert_eq(simulcrypt_scgs_create(&eis_pair.scgs, abilities, &ops, NULL), 0);
}

void eis_pair_start(const struct simulcrypt_eis_config *config)
{
    static const struct simulcrypt_eis_config usual = {
        .version = 4, .channel_id = 1, .reply_timeout_ms = 1000};
    static const struct simulcrypt_eis_ops ops = {wire_send_to_server, eis_fail,         eis_channel_up,
                                                  eis_scg_status,      eis_scg_error,    eis_unanswered,
                                                  eis_scg_list,        eis_channel_error};
    memset(&eis_pair, 0, sizeof(eis_pair));
    wire_start(&simulcrypt_eis_scs, scs_input, eis_input);
    eis_pair_set_abilities(
        &(struct simulcrypt_scs_abilities){.services = true, .components = true, .max_scg = 100});
    cr_assert_eq(simulcrypt_scg_session_create(&eis_pair.scs, &scs_ops, NULL), 0);
    cr_assert_eq(simulcrypt_eis_session_create(&eis_pair.eis, config ? config : &usual, &ops, NULL), 0);
}

void eis_pair_bring_up(void)
{
    eis_pair_start(NULL);
    simulcrypt_eis_session_connected(eis_pair.eis, wire.now_ms);
    wire_pump();
    wire_expect("channel 1 channel_up ");
}

uint64_t eis_pair_tick(uint64_t later_ms)
{
    wire.now_ms += later_ms;
    return simulcrypt_eis_session_tick(eis_pair.eis, wire.now_ms);
}

void eis_pair_stop(void)
{
    simulcrypt_eis_session_destroy(eis_pair.eis);
    simulcrypt_scg_session_destroy(eis_pair.scs);
    simulcrypt_scgs_destroy(eis_pair.scgs);
}

struct simulcrypt_scg eis_pair_scg(uint16_t scg_id, uint32_t reference_id)
{
    static const uint8_t criteria[] = {1, 2, 3};
    return (struct simulcrypt_scg){
        .scg_id = scg_id,
        .reference_id = reference_id,
        .transport_stream_id = 1,
        .original_network_id = 2,
        .service_count = 1,
        .services = {(uint16_t)(10 * scg_id)},
        .ecm_group_count = 1,
        .ecm_groups = {{.super_cas_id = 0x4ADC0001,
                        .ecm_id = scg_id,
                        .has_access_criteria = true,
                        .access_criteria_size = sizeof(criteria),
                        .access_criteria = criteria}},
    };
}
