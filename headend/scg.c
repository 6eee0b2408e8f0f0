/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "headend/scg.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"

#define CP_DURATION_UNIT (100 * BASE_TICKS_PER_MS)   /* of nominal_CP_duration */
#define LOOK_AT_LEAST    (100 * BASE_TICKS_PER_MS)   /* how often, in case an ECMG was busy */
#define STREAMS_MAX      (2 * HEADEND_GROUP_CAS_MAX) /* those that come, beside those that go */

struct stream {
    struct headend_scg *scg;
    struct headend_scg_cas cas; /* without its access criteria, which the group has */
    struct headend_ecm_stream *ecms;
    uint16_t ecm_pid;     /* as the group knows it */
    bool current, coming; /* belongs to what is in force, and to what will be after the change */
    bool awaited;         /* an answer is */
    uint64_t echo;        /* ticks that its ECMs may play after its last crypto-period */
};

struct headend_scg {
    const char *name;
    struct headend_scg_ops ops;
    void *context;
    struct headend_group *group;
    unsigned count;
    struct stream *streams[STREAMS_MAX];
    uint64_t crypto_period; /* as asked for */
    uint64_t minimum;       /* min_CP_duration of its CASs */
    uint64_t next, look;    /* source times: what the group said, and when to look in any case */
    uint64_t echo;
    bool woken;
    bool has_left; /* streams are to be closed that no longer belong to it */
    bool was_degraded;
};

static struct stream *find(const struct headend_scg *scg, uint32_t flow)
{
    for (unsigned i = 0; i < scg->count; i++) {
        if (scg->streams[i]->cas.flow == flow)
            return scg->streams[i];
    }
    return NULL;
}

/* What the group asks for. */

static int provision(void *context, uint32_t flow, const struct simulcrypt_cw_provision *provision)
{
    struct stream *stream = find((struct headend_scg *)context, flow);
    int status = stream && stream->ecms ? headend_ecm_stream_provision(stream->ecms, provision) : -ENOTCONN;

    if (status == 0)
        stream->awaited = true;
    return status;
}

static void period(void *context, uint64_t crypto_period, uint64_t start, const struct base_secret *cw)
{
    struct headend_scg *scg = (struct headend_scg *)context;

    (void)crypto_period;
    if (scg->ops.period)
        scg->ops.period(scg->context, start, cw);
}

static void degraded(void *context, bool failing, const char *why)
{
    struct headend_scg *scg = (struct headend_scg *)context;

    scg->was_degraded |= failing;
    base_log(failing ? BASE_LOG_WARNING : BASE_LOG_NOTICE, "%s: %s", scg->name, why);
}

static void cas_missing(void *context, uint32_t flow, bool missing, const char *why)
{
    struct headend_scg *scg = (struct headend_scg *)context;
    const struct stream *stream = find(scg, flow);
    const char *name = stream ? headend_ecmgs_name(stream->cas.ecmgs) : "a CAS";

    if (missing)
        base_log(BASE_LOG_WARNING, "%s: goes on without ECMs of %s: %s", scg->name, name, why);
    else
        base_log(BASE_LOG_NOTICE, "%s: has ECMs of %s again", scg->name, name);
}

static void changed(void *context, uint64_t crypto_period, uint64_t start)
{
    struct headend_scg *scg = (struct headend_scg *)context;

    (void)crypto_period;
    scg->echo = 0;
    for (unsigned i = 0; i < scg->count; i++) {
        struct stream *stream = scg->streams[i];

        if (stream->current && !stream->coming && stream->echo > scg->echo)
            scg->echo = stream->echo;
        stream->current = stream->coming;
    }
    scg->has_left = true;
    if (scg->ops.changed)
        scg->ops.changed(scg->context, start);
}

static const struct headend_group_ops group_ops = {.provision = provision,
                                                   .period = period,
                                                   .degraded = degraded,
                                                   .cas_missing = cas_missing,
                                                   .changed = changed};

/* What the ECMGs answer. */

static void raise_echo(struct stream *stream, const struct simulcrypt_channel_status *status)
{
    int delay = status->delay_stop;

    if (status->has_transition_delay_stop && status->transition_delay_stop > delay)
        delay = status->transition_delay_stop;
    if (status->has_ac_delay_stop && status->ac_delay_stop > delay)
        delay = status->ac_delay_stop;
    stream->echo = delay > 0 ? (uint64_t)delay * BASE_TICKS_PER_MS : 0;
}

static bool up(void *context, const struct simulcrypt_channel_status *status, const char **why)
{
    struct stream *stream = (struct stream *)context;
    struct headend_scg *scg = stream->scg;
    uint64_t minimum = status->min_cp_duration * CP_DURATION_UNIT;

    stream->awaited = false;
    if (headend_group_cas_up(scg->group, stream->cas.flow, status, why) == BASE_E_CONFIGURATION)
        return false;
    raise_echo(stream, status);
    if (minimum > scg->minimum)
        scg->minimum = minimum;
    scg->woken = true;
    return true;
}

static void down(void *context, const char *why)
{
    struct stream *stream = (struct stream *)context;

    stream->awaited = false;
    headend_group_cas_down(stream->scg->group, stream->cas.flow, why);
    stream->scg->woken = true;
}

static void ecm(void *context, uint16_t cp_number, const uint8_t *datagram, size_t size)
{
    struct stream *stream = (struct stream *)context;

    stream->awaited = false;
    headend_group_ecm(stream->scg->group, stream->cas.flow, cp_number, datagram, size);
    stream->scg->woken = true;
}

static void provision_failed(void *context, uint16_t cp_number, const char *why)
{
    struct stream *stream = (struct stream *)context;

    stream->awaited = false;
    headend_group_provision_failed(stream->scg->group, stream->cas.flow, cp_number, why);
    stream->scg->woken = true;
}

static const struct headend_ecm_stream_ops stream_ops = {
    .up = up, .down = down, .ecm = ecm, .provision_failed = provision_failed};

/* Streams that come and go. */

static void remove_stream(struct headend_scg *scg, unsigned index)
{
    struct stream *stream = scg->streams[index];

    headend_ecm_stream_destroy(stream->ecms);
    free(stream);
    scg->streams[index] = scg->streams[--scg->count];
}

static void remove_unused(struct headend_scg *scg)
{
    for (unsigned i = scg->count; i-- > 0;) {
        if (!scg->streams[i]->current && !scg->streams[i]->coming)
            remove_stream(scg, i);
    }
}

static int open_stream(struct headend_scg *scg, struct stream *stream)
{
    const struct headend_ecm_stream_config config = {
        .ecm_id = stream->cas.ecm_id,
        .nominal_cp_duration =
            (uint16_t)((headend_scg_crypto_period(scg) + CP_DURATION_UNIT - 1) / CP_DURATION_UNIT),
    };

    return headend_ecm_stream_create(&stream->ecms, stream->cas.ecmgs, &config, &stream_ops, stream);
}

/* A place for each CAS that is new; those known are marked. The ECMG is told when the group knows of it. */
static int mark_coming(struct headend_scg *scg, const struct headend_scg_cas *cas, unsigned count)
{
    for (unsigned i = 0; i < scg->count; i++)
        scg->streams[i]->coming = false;
    for (unsigned i = 0; i < count; i++) {
        struct stream *stream = find(scg, cas[i].flow);

        if (!stream && scg->count == STREAMS_MAX)
            return -ENOSPC;
        if (!stream && !(stream = calloc(1, sizeof(*stream))))
            return -ENOMEM;
        if (!stream->scg)
            scg->streams[scg->count++] = stream;
        stream->scg = scg;
        stream->cas = cas[i];
        stream->cas.access_criteria = NULL;
        stream->coming = true;
    }
    return 0;
}

static int open_coming(struct headend_scg *scg)
{
    int status = 0;

    for (unsigned i = 0; i < scg->count && status == 0; i++) {
        if (scg->streams[i]->coming && !scg->streams[i]->ecms)
            status = open_stream(scg, scg->streams[i]);
    }
    return status;
}

static void describe(const struct headend_scg *scg, const struct headend_scg_cas *cas, unsigned count,
                     struct headend_group_cas *described)
{
    for (unsigned i = 0; i < count; i++) {
        const struct stream *stream = find(scg, cas[i].flow);

        described[i] = (struct headend_group_cas){.id = cas[i].flow,
                                                  .required = cas[i].required,
                                                  .ecm_pid = stream ? stream->ecm_pid : 0,
                                                  .access_criteria = cas[i].access_criteria,
                                                  .access_criteria_size = cas[i].access_criteria_size,
                                                  .access_criteria_changed = cas[i].access_criteria_changed,
                                                  .allow_late_ecm = cas[i].allow_late_ecm};
    }
}

static int begin(struct headend_scg *scg, const struct headend_scg_config *config)
{
    struct headend_group_cas cas[HEADEND_GROUP_CAS_MAX];
    struct headend_group_config group = config->group;
    int status = mark_coming(scg, config->cas, config->cas_count);

    if (status < 0)
        return status;
    describe(scg, config->cas, config->cas_count, cas);
    group.cas = cas;
    group.cas_count = config->cas_count;
    status = headend_group_create(&scg->group, &group, &group_ops, scg);
    keys_cw_generator_clear(&group.generator);
    for (unsigned i = 0; i < scg->count; i++)
        scg->streams[i]->current = true;
    return status < 0 ? status : open_coming(scg);
}

int headend_scg_create(struct headend_scg **scg, const struct headend_scg_config *config,
                       const struct headend_scg_ops *ops, void *context)
{
    struct headend_scg *created;
    int status;

    *scg = NULL;
    if (config->cas_count > HEADEND_GROUP_CAS_MAX)
        return -EINVAL;
    created = calloc(1, sizeof(*created));
    if (!created)
        return -ENOMEM;
    created->name = config->name;
    created->ops = *ops;
    created->context = context;
    created->crypto_period = config->group.crypto_period;
    status = begin(created, config);
    if (status < 0)
        headend_scg_destroy(created);
    else
        *scg = created;
    return status;
}

void headend_scg_destroy(struct headend_scg *scg)
{
    if (!scg)
        return;
    while (scg->count)
        remove_stream(scg, scg->count - 1);
    headend_group_destroy(scg->group);
    free(scg);
}

/* Forgets a change that could not be made: what had been to come before stays so. */
static void restore(struct headend_scg *scg, const bool *coming)
{
    for (unsigned i = 0; i < scg->count; i++)
        scg->streams[i]->coming = coming[i];
    remove_unused(scg);
}

int headend_scg_change(struct headend_scg *scg, const struct headend_scg_change *change)
{
    struct headend_group_cas cas[HEADEND_GROUP_CAS_MAX];
    const struct headend_group_change group = {.not_before = change->not_before,
                                               .member_count = change->member_count,
                                               .members = change->members,
                                               .cas_count = change->cas_count,
                                               .cas = cas,
                                               .crypto_period = change->crypto_period};
    bool coming[STREAMS_MAX] = {false};
    int status;

    if (change->cas_count > HEADEND_GROUP_CAS_MAX)
        return -EINVAL;
    for (unsigned i = 0; i < scg->count; i++)
        coming[i] = scg->streams[i]->coming;
    status = mark_coming(scg, change->cas, change->cas_count);
    describe(scg, change->cas, change->cas_count, cas);
    if (status == 0)
        status = headend_group_change(scg->group, &group);
    if (status < 0) {
        restore(scg, coming);
        return status;
    }
    scg->crypto_period = change->crypto_period;
    scg->woken = true;
    remove_unused(scg);
    return open_coming(scg);
}

uint64_t headend_scg_echo(const struct headend_scg *scg)
{
    return scg->echo;
}

void headend_scg_place_ecms(struct headend_scg *scg, const struct headend_follower *follower)
{
    for (unsigned i = 0; i < scg->count; i++) {
        struct stream *stream = scg->streams[i];
        uint16_t pid = headend_follower_flow_pid(follower, stream->cas.flow);

        if (!pid || pid == stream->ecm_pid ||
            headend_group_set_ecm_pid(scg->group, stream->cas.flow, pid) < 0)
            continue;
        stream->ecm_pid = pid;
        scg->woken = true;
    }
}

void headend_scg_advance(struct headend_scg *scg, uint64_t now)
{
    if (!scg->woken && now < scg->next && now < scg->look)
        return;
    scg->woken = false;
    scg->look = now + LOOK_AT_LEAST;
    scg->next = headend_group_advance(scg->group, now);
    if (scg->has_left)
        remove_unused(scg);
    scg->has_left = false;
}

struct headend_group *headend_scg_group(struct headend_scg *scg)
{
    return scg->group;
}

uint64_t headend_scg_crypto_period(const struct headend_scg *scg)
{
    return scg->minimum > scg->crypto_period ? scg->minimum : scg->crypto_period;
}

bool headend_scg_was_degraded(const struct headend_scg *scg)
{
    return scg->was_degraded;
}

bool headend_scg_is_awaiting(const struct headend_scg *scg)
{
    for (unsigned i = 0; i < scg->count; i++) {
        if (scg->streams[i]->awaited)
            return true;
    }
    return false;
}

const char *headend_scg_absent(const struct headend_scg *scg)
{
    for (unsigned i = 0; i < scg->count; i++) {
        const struct stream *stream = scg->streams[i];
        struct headend_group_cas_status status;

        if (stream->cas.required &&
            (headend_group_cas_status(scg->group, stream->cas.flow, &status) < 0 || !status.ecms))
            return headend_ecmgs_name(stream->cas.ecmgs);
    }
    return NULL;
}

const char *headend_scg_last_error(const struct headend_scg *scg)
{
    for (unsigned i = 0; i < scg->count; i++) {
        const struct stream *stream = scg->streams[i];
        const char *error = stream->ecms ? headend_ecm_stream_last_error(stream->ecms) : "";

        if (*error)
            return error;
    }
    return "";
}

int headend_scg_cas_status(const struct headend_scg *scg, unsigned index,
                           struct headend_scg_cas_status *status)
{
    const struct stream *stream;

    if (index >= scg->count)
        return -ERANGE;
    stream = scg->streams[index];
    *status = (struct headend_scg_cas_status){.name = headend_ecmgs_name(stream->cas.ecmgs),
                                              .flow = stream->cas.flow,
                                              .ecm_id = stream->cas.ecm_id,
                                              .required = stream->cas.required};
    (void)headend_group_cas_status(scg->group, stream->cas.flow, &status->group);
    return 0;
}
