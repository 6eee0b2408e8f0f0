/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "descrambler/engine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "descrambler/follow.h"
#include "descrambler/group.h"
#include "descrambler/state.h"

#define ONLY_GROUP 0 /* of fixed and listed words */

/* setup: copy_list */

static void select_pids(struct descrambler_engine *engine, const struct descrambler_config *config)
{
    for (unsigned pid = 0; pid < TS_PID_NULL; pid++)
        engine->pids[pid].selected = config->selection == DESCRAMBLER_ALL;
    for (unsigned i = 0; config->selection == DESCRAMBLER_PIDS && i < config->pid_count; i++)
        if (config->pids[i] < TS_PID_NULL)
            engine->pids[config->pids[i]].selected = true;
}

static void load_fixed(struct descrambler_engine *engine, const struct descrambler_config *config)
{
    struct descrambler_group *group = &engine->groups[ONLY_GROUP];

    group->used = true;
    group->ecm_pid = TS_PID_NULL;
    if (config->list_count)
        return;
    descrambler__group_set_word(engine, group, 0, &config->fixed_even);
    descrambler__group_set_word(engine, group, 1,
                                config->fixed_odd.size ? &config->fixed_odd : &config->fixed_even);
}

static int copy_list(struct descrambler_engine *engine, const struct descrambler_config *config)
{
    if (!config->list_count)
        return 0;
    engine->list = calloc(config->list_count, sizeof(*engine->list));
    if (!engine->list)
        return -ENOMEM;
    memcpy(engine->list, config->list, config->list_count * sizeof(*engine->list));
    engine->list_count = config->list_count;
    return 0;
}

static void set_up(struct descrambler_engine *engine, const struct descrambler_config *config)
{
    engine->selection = config->selection;
    engine->has_service = !config->service_name;
    engine->service_id = config->service_id;
    if (config->service_name)
        strncpy(engine->service_name, config->service_name, sizeof(engine->service_name) - 1);
    engine->has_algorithm = config->has_algorithm;
    engine->algorithm = config->algorithm;
    engine->ecm_open = config->ecm_open;
    engine->ecm_context = config->ecm_context;
    select_pids(engine, config);
    if (!config->ecm_open)
        load_fixed(engine, config);
}

int descrambler_engine_create(struct descrambler_engine **out, const struct descrambler_config *config)
{
    struct descrambler_engine *engine = calloc(1, sizeof(*engine));
    int status;

    if (!engine)
        return -ENOMEM;
    set_up(engine, config);
    status = config->ecm_open ? 0 : copy_list(engine, config);
    if (status == 0)
        status = ts_demux_create(&engine->demux, descrambler__follow_section, engine);
    if (status == 0)
        status = descrambler__follow_begin(engine);
    if (status < 0) {
        descrambler_engine_destroy(engine);
        return status;
    }
    *out = engine;
    return 0;
}

void descrambler_engine_destroy(struct descrambler_engine *engine)
{
    if (!engine)
        return;
    for (unsigned i = 0; i < DESCRAMBLER__GROUPS; i++)
        descrambler__group_wipe(&engine->groups[i]);
    if (engine->list)
        base_secure_zero(engine->list, engine->list_count * sizeof(*engine->list));
    free(engine->list);
    ts_demux_destroy(engine->demux);
    base_secure_zero(engine, sizeof(*engine));
    free(engine);
}

const struct descrambler_counters *descrambler_engine_counters(const struct descrambler_engine *engine)
{
    return &engine->counters;
}

static void scout_parity(struct descrambler_engine *engine, const uint8_t *packet)
{
    const struct descrambler_pid *pid = &engine->pids[ts_pid(packet)];
    uint8_t parity = (uint8_t)ts_scrambling_control(packet);

    if (parity != TS_EVEN && parity != TS_ODD)
        return;
    for (unsigned i = 0; i < pid->scouted_count; i++)
        descrambler__group_scout_parity(engine, pid->scouted[i], parity);
}

bool descrambler_engine_found_service(const struct descrambler_engine *engine)
{
    return engine->selection != DESCRAMBLER_SERVICE || engine->service_found;
}

/* Of ECM PIDs that a PMT names. */
static unsigned count_silent(const struct descrambler_engine *engine)
{
    unsigned silent = 0;

    for (unsigned i = 0; i < DESCRAMBLER__GROUPS; i++)
        silent += engine->groups[i].used && !engine->groups[i].last_size;
    return silent;
}

enum descrambler_waiting descrambler_engine_waiting(const struct descrambler_engine *engine)
{
    if (!engine->ecm_open || !engine->scrambled_ahead)
        return DESCRAMBLER_WAITS_FOR_NOTHING;
    if (engine->counters.ecm_opened == 0)
        return DESCRAMBLER_WAITS_FOR_WORDS;
    return engine->unlabelled || count_silent(engine) ? DESCRAMBLER_WAITS_FOR_MORE
                                                      : DESCRAMBLER_WAITS_FOR_NOTHING;
}

static bool may_be_opened(const struct descrambler_engine *engine, const uint8_t *packet)
{
    enum ts_scrambling scrambling = ts_scrambling_control(packet);

    return (scrambling == TS_EVEN || scrambling == TS_ODD) &&
           (engine->selection == DESCRAMBLER_SERVICE || engine->pids[ts_pid(packet)].selected);
}

void descrambler_engine_scout(struct descrambler_engine *engine, const uint8_t *packet)
{
    if (!engine->scrambled_ahead)
        engine->scrambled_ahead = may_be_opened(engine, packet);
    if (engine->unlabelled)
        scout_parity(engine, packet);
    ts_demux_feed(engine->demux, packet);
    engine->scouted++;
}

static bool has_opened(const struct descrambler_group *group)
{
    return group->words[0].cw.size || group->words[1].cw.size || group->queued;
}

/* The group whose words open the PID; NULL where no ECM has opened yet. Of several ECM PIDs the first that
 * opens wins, and stays. */
static struct descrambler_group *group_of(struct descrambler_engine *engine, struct descrambler_pid *pid)
{
    if (!engine->ecm_open)
        return &engine->groups[ONLY_GROUP];
    for (unsigned i = 0; !pid->chosen && i < pid->candidate_count; i++) {
        uint8_t candidate = pid->candidates[i];

        if (!has_opened(&engine->groups[candidate]))
            continue;
        pid->candidates[i] = pid->candidates[0];
        pid->candidates[0] = candidate;
        pid->chosen = true;
        pid->period = 0;
    }
    return pid->chosen ? &engine->groups[pid->candidates[0]] : NULL;
}

/* The algorithm for a word, CIPHER_ALGORITHMS where the stream names one that is not known here. */
static enum cipher_algorithm algorithm_of(const struct descrambler_engine *engine,
                                          const struct descrambler_pid *pid, const struct base_secret *cw)
{
    if (engine->has_algorithm)
        return engine->algorithm;
    if (pid->has_algorithm)
        return (enum cipher_algorithm)pid->algorithm;
    return cw->size == cipher_cw_size(CIPHER_DVB_CSA2) ? CIPHER_DVB_CSA2 : CIPHER_DVB_CISSA;
}

static const struct cipher_key *find_key(struct descrambler_engine *engine, struct descrambler_pid *pid,
                                         uint8_t parity, struct cipher_batch *batch,
                                         enum cipher_algorithm *algorithm)
{
    struct descrambler_group *group = group_of(engine, pid);
    const struct base_secret *cw;

    if (!group)
        return NULL;
    descrambler__group_follow(engine, group, pid, parity, engine->processed);
    cw = descrambler__group_word(engine, (unsigned)(group - engine->groups), parity);
    if (!cw)
        return NULL;
    *algorithm = algorithm_of(engine, pid, cw);
    if (*algorithm >= CIPHER_ALGORITHMS)
        return NULL;
    return descrambler__group_key(group, parity, *algorithm, batch);
}

static void note_locked(struct descrambler_engine *engine, const struct descrambler_pid *pid)
{
    engine->counters.locked++;
    if (engine->has_algorithm || !pid->has_algorithm || pid->algorithm < CIPHER_ALGORITHMS ||
        engine->unknown_mode)
        return;
    engine->unknown_mode = pid->scrambling_mode;
    engine->unknown_service = engine->services[pid->service].program_number;
}

static void open_packet(struct descrambler_engine *engine, struct descrambler_pid *pid, uint8_t *packet,
                        struct cipher_batch *batch)
{
    unsigned offset = ts_payload_offset(packet);
    enum cipher_algorithm algorithm;
    const struct cipher_key *key =
        find_key(engine, pid, (uint8_t)ts_scrambling_control(packet), batch, &algorithm);

    if (!key) {
        note_locked(engine, pid);
        return;
    }
    ts_set_scrambling_control(packet, TS_CLEAR);
    if (offset < TS_PACKET_SIZE)
        cipher_batch_add(batch, algorithm, packet + offset, (uint16_t)(TS_PACKET_SIZE - offset), key);
    engine->counters.descrambled++;
}

uint8_t descrambler_engine_unknown_mode(const struct descrambler_engine *engine, uint16_t *service_id)
{
    *service_id = engine->unknown_service;
    return engine->unknown_mode;
}

static bool is_selected(const struct descrambler_engine *engine, const struct descrambler_pid *pid)
{
    return engine->selection == DESCRAMBLER_SERVICE ? pid->mapped : pid->selected;
}

static void process_packet(struct descrambler_engine *engine, uint8_t *packet, struct cipher_batch *batch)
{
    struct descrambler_pid *pid = &engine->pids[ts_pid(packet)];
    enum ts_scrambling scrambling = ts_scrambling_control(packet);

    if (scrambling == TS_CLEAR || !is_selected(engine, pid)) {
        engine->counters.passed++;
    } else if (scrambling == TS_RESERVED) {
        engine->counters.reserved++;
    } else if (!ts_adaptation_sound(packet)) {
        engine->counters.bad_adaptation++;
        engine->counters.passed++;
    } else if (!ts_payload_flag(packet)) {
        engine->counters.passed++; /* nothing in it is scrambled, whatever its bits say */
    } else {
        open_packet(engine, pid, packet, batch);
    }
}

void descrambler_engine_process(struct descrambler_engine *engine, uint8_t *const *packets, unsigned count,
                                struct cipher_batch *batch)
{
    for (unsigned i = 0; i < count; i++) {
        if (engine->scouted == engine->processed)
            descrambler_engine_scout(engine, packets[i]);
        if (engine->table_head < engine->table_tail)
            descrambler__follow_apply(engine, engine->processed);
        if (engine->ecm_head < engine->ecm_tail)
            descrambler__group_apply_ecms(engine, engine->processed);
        process_packet(engine, packets[i], batch);
        engine->processed++;
    }
    engine->counters.in += count;
}
