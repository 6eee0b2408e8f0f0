/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "descrambler/group.h"

#include <errno.h>
#include <string.h>

#define LAG_PACKETS 2000 /* of the stream: how long a PID may keep the last parity after others moved on */

static unsigned index_of(uint8_t parity)
{
    return parity == TS_ODD;
}

bool descrambler__group_has(const struct descrambler_engine *engine, uint16_t ecm_pid, unsigned *group)
{
    for (unsigned i = 0; i < DESCRAMBLER__GROUPS; i++) {
        if (!engine->groups[i].used || engine->groups[i].ecm_pid != ecm_pid)
            continue;
        *group = i;
        return true;
    }
    return false;
}

static bool is_referenced(const struct descrambler_engine *engine, unsigned group)
{
    if (engine->groups[group].queued)
        return true;
    for (unsigned pid = 0; pid < TS_PIDS; pid++)
        for (unsigned i = 0; i < engine->pids[pid].candidate_count; i++)
            if (engine->pids[pid].candidates[i] == group)
                return true;
    return false;
}

/* Keys stay: lanes that were not turned yet may still point to them. */
static void empty_group(struct descrambler_group *group)
{
    for (unsigned parity = 0; parity < 2; parity++) {
        struct descrambler_word *word = &group->words[parity];

        base_secret_clear(&word->cw);
        base_secret_clear(&word->pending);
        for (unsigned i = 0; i < CIPHER_ALGORITHMS; i++)
            word->prepared[i].serial = 0;
    }
    group->used = false;
    group->parity = TS_CLEAR;
    group->period = 0;
    group->last_size = 0;
}

/* Only when all groups are taken: frees those of ECM PIDs that no PMT names any more. */
static void reclaim_groups(struct descrambler_engine *engine)
{
    for (unsigned i = 0; i < DESCRAMBLER__GROUPS; i++) {
        if (!engine->groups[i].used || is_referenced(engine, i))
            continue;
        ts_demux_remove(engine->demux, engine->groups[i].ecm_pid);
        empty_group(&engine->groups[i]);
    }
}

static int find_free(const struct descrambler_engine *engine)
{
    for (int i = 0; i < DESCRAMBLER__GROUPS; i++)
        if (!engine->groups[i].used)
            return i;
    return -ENOSPC;
}

int descrambler__group_get(struct descrambler_engine *engine, uint16_t ecm_pid)
{
    unsigned known;
    int group;

    if (descrambler__group_has(engine, ecm_pid, &known))
        return (int)known;
    group = find_free(engine);
    if (group < 0) {
        reclaim_groups(engine);
        group = find_free(engine);
    }
    if (group < 0)
        return group;
    engine->groups[group].used = true;
    engine->groups[group].ecm_pid = ecm_pid;
    return group;
}

void descrambler__group_set_word(struct descrambler_engine *engine, struct descrambler_group *group,
                                 unsigned parity, const struct base_secret *cw)
{
    group->words[parity].cw = *cw;
    group->words[parity].serial = ++engine->serials;
}

static bool queue_is_full(const struct descrambler_engine *engine)
{
    return engine->ecm_tail - engine->ecm_head == DESCRAMBLER__ECMS;
}

static struct descrambler_ecm *queued(struct descrambler_engine *engine, uint64_t number)
{
    return &engine->ecms[number % DESCRAMBLER__ECMS];
}

static void queue_ecm(struct descrambler_engine *engine, unsigned group, const struct descrambler_cws *cws)
{
    struct descrambler_ecm *ecm = queued(engine, engine->ecm_tail++);

    ecm->position = engine->scouted;
    ecm->group = (uint8_t)group;
    ecm->parity = TS_CLEAR;
    ecm->cws = *cws;
    engine->groups[group].queued++;
    engine->groups[group].unlabelled++;
    engine->unlabelled++;
}

void descrambler__group_scout_ecm(struct descrambler_engine *engine, unsigned index, const uint8_t *section,
                                  size_t size)
{
    struct descrambler_group *group = &engine->groups[index];
    struct descrambler_cws cws = {0};

    if (size == group->last_size && memcmp(section, group->last, size) == 0)
        return;
    if (queue_is_full(engine)) { /* not taken as seen: its repetition gets another chance */
        engine->counters.crowded++;
        return;
    }
    memcpy(group->last, section, size);
    group->last_size = (uint16_t)size;
    if (engine->ecm_open(engine->ecm_context, section, size, &cws) == 0) {
        engine->counters.ecm_opened++;
        queue_ecm(engine, index, &cws);
    } else {
        engine->counters.ecm_refused++;
    }
    base_secure_zero(&cws, sizeof(cws));
}

void descrambler__group_scout_parity(struct descrambler_engine *engine, unsigned index, uint8_t parity)
{
    struct descrambler_group *group = &engine->groups[index];

    for (uint64_t number = engine->ecm_tail; group->unlabelled && number-- > engine->ecm_head;) {
        if (queued(engine, number)->group != index)
            continue;
        queued(engine, number)->parity = parity;
        group->unlabelled--;
        engine->unlabelled--;
    }
}

/* An ECM for the next crypto-period that comes early repeats the next word and brings the one after it, whose
 * parity is on air still. Then that one has to wait. */
static bool must_wait(const struct descrambler_group *group, const struct descrambler_cws *cws,
                      unsigned parity)
{
    const struct base_secret *next = parity ? &cws->even : &cws->odd;
    const struct descrambler_word *known = &group->words[!parity];

    return group->parity != TS_CLEAR && index_of(group->parity) == parity && group->words[parity].cw.size &&
           next->size && base_secret_equal(next, known->pending.size ? &known->pending : &known->cw);
}

static void take_word(struct descrambler_engine *engine, struct descrambler_group *group, unsigned parity,
                      const struct base_secret *cw, bool wait)
{
    struct descrambler_word *word = &group->words[parity];

    if (!cw->size)
        return;
    base_secret_clear(&word->pending);
    if (base_secret_equal(cw, &word->cw))
        return;
    if (wait)
        word->pending = *cw;
    else
        descrambler__group_set_word(engine, group, parity, cw);
}

static void apply(struct descrambler_engine *engine, const struct descrambler_ecm *ecm)
{
    struct descrambler_group *group = &engine->groups[ecm->group];
    bool even_waits = must_wait(group, &ecm->cws, 0);
    bool odd_waits = must_wait(group, &ecm->cws, 1);

    take_word(engine, group, 0, &ecm->cws.even, even_waits);
    take_word(engine, group, 1, &ecm->cws.odd, odd_waits);
}

void descrambler__group_apply_ecms(struct descrambler_engine *engine, uint64_t position)
{
    while (engine->ecm_head < engine->ecm_tail && queued(engine, engine->ecm_head)->position <= position) {
        struct descrambler_ecm *ecm = queued(engine, engine->ecm_head++);
        struct descrambler_group *group = &engine->groups[ecm->group];

        apply(engine, ecm);
        if (group->unlabelled == group->queued) {
            group->unlabelled--;
            engine->unlabelled--;
        }
        group->queued--;
        base_secure_zero(&ecm->cws, sizeof(ecm->cws));
    }
}

/* Whether the packet is the first of a crypto-period, and not one that lags behind the others. */
static bool moves_on(const struct descrambler_group *group, const struct descrambler_pid *pid, uint8_t parity,
                     uint64_t position)
{
    if (parity == group->parity)
        return false;
    return group->period < 2 || pid->period == group->period || position - group->moved_at > LAG_PACKETS;
}

static void move_on(struct descrambler_engine *engine, struct descrambler_group *group, uint8_t parity,
                    uint64_t position)
{
    struct descrambler_word *word = &group->words[index_of(parity)];

    engine->counters.crypto_periods += group->period > 0;
    group->parity = parity;
    group->moved_at = position;
    group->period++;
    if (engine->list) {
        uint64_t n = group->period - 1 < engine->list_count ? group->period - 1 : engine->list_count - 1;

        descrambler__group_set_word(engine, group, index_of(parity), &engine->list[n]);
    } else if (word->pending.size) {
        descrambler__group_set_word(engine, group, index_of(parity), &word->pending);
        base_secret_clear(&word->pending);
    }
}

void descrambler__group_follow(struct descrambler_engine *engine, struct descrambler_group *group,
                               struct descrambler_pid *pid, uint8_t parity, uint64_t position)
{
    if (moves_on(group, pid, parity, position))
        move_on(engine, group, parity, position);
    if (parity == group->parity)
        pid->period = group->period;
}

/* The first ECM ahead, where packets of this parity follow it. A later one, or one that comes just before a
 * change, may hold another crypto-period's word for this parity. */
static void serve_ahead(struct descrambler_engine *engine, unsigned index, uint8_t parity)
{
    for (uint64_t number = engine->ecm_head; number < engine->ecm_tail; number++) {
        const struct descrambler_ecm *ecm = queued(engine, number);
        const struct base_secret *cw = parity == TS_ODD ? &ecm->cws.odd : &ecm->cws.even;

        if (ecm->group != index)
            continue;
        if (ecm->parity == parity && cw->size)
            descrambler__group_set_word(engine, &engine->groups[index], index_of(parity), cw);
        return;
    }
}

const struct base_secret *descrambler__group_word(struct descrambler_engine *engine, unsigned index,
                                                  uint8_t parity)
{
    struct descrambler_group *group = &engine->groups[index];
    const struct base_secret *cw = &group->words[index_of(parity)].cw;

    if (!cw->size && group->queued)
        serve_ahead(engine, index, parity);
    return cw->size ? cw : NULL;
}

/* setup: descrambler__group_key, which makes a key once per control word. */
const struct cipher_key *descrambler__group_key(struct descrambler_group *group, uint8_t parity,
                                                enum cipher_algorithm algorithm, struct cipher_batch *batch)
{
    struct descrambler_word *word = &group->words[index_of(parity)];
    struct cipher_key **key = &word->prepared[algorithm].key;

    if (word->cw.size != cipher_cw_size(algorithm) || !batch->ciphers[algorithm])
        return NULL;
    if (word->prepared[algorithm].serial == word->serial)
        return *key;
    cipher_batch_flush(batch);
    if (!*key && cipher_key_create(key, batch->ciphers[algorithm]) != 0)
        return NULL;
    if (cipher_key_set(*key, word->cw.bytes, word->cw.size) != 0) {
        word->prepared[algorithm].serial = 0;
        return NULL;
    }
    word->prepared[algorithm].serial = word->serial;
    return *key;
}

void descrambler__group_wipe(struct descrambler_group *group)
{
    for (unsigned parity = 0; parity < 2; parity++)
        for (unsigned i = 0; i < CIPHER_ALGORITHMS; i++)
            cipher_key_destroy(group->words[parity].prepared[i].key);
    base_secure_zero(group, sizeof(*group));
}
