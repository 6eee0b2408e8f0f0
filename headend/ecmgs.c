/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which ECMG of the list has the streams, and when. */
#include "headend/ecmgs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "headend/ecmgs_room.h"
#include "simulcrypt/ecmg_scs_table.h"

#define DEFAULT_TIMEOUT_MS 5000
#define DEFAULT_LOWEST     2
/* Moving to a better ECMG waits so long for a moment in which no answer is awaited. */
#define QUIET_MAX_MS 10000

uint64_t headend__ecmgs_now(const struct headend_ecmgs *ecmgs)
{
    return net_loop_now_ms(ecmgs->loop);
}

void headend__ecmgs_changed(struct headend_ecmgs *ecmgs)
{
    if (ecmgs->config.changed && !ecmgs->ending)
        ecmgs->config.changed(ecmgs->config.context);
}

void headend__ecmgs_decide_soon(struct headend_ecmgs *ecmgs)
{
    if (ecmgs->soon || ecmgs->ending)
        return;
    ecmgs->soon = true;
    net_timer_start(ecmgs->timer, 0);
}

/* Streams on a backup go to a better ECMG, unless they are to stay. */
static bool is_wanted(const struct headend_ecmgs *ecmgs, const struct headend__peer *peer)
{
    if (!ecmgs->active)
        return true;
    return peer->index < ecmgs->active->index && ecmgs->config.failback_ms != HEADEND_NO_FAILBACK;
}

static void stop_unwanted(struct headend_ecmgs *ecmgs)
{
    for (unsigned i = 0; i < ecmgs->config.count; i++)
        if (&ecmgs->peers[i] != ecmgs->active && !is_wanted(ecmgs, &ecmgs->peers[i]))
            headend__peer_stop(&ecmgs->peers[i]);
}

/* What failed while nobody needed it, and was to be tried again by now, is tried in its turn. */
static void forgive(struct headend_ecmgs *ecmgs)
{
    for (unsigned i = 0; i < ecmgs->config.count; i++)
        if (ecmgs->peers[i].retry_ms <= headend__ecmgs_now(ecmgs))
            ecmgs->peers[i].retry_ms = 0;
}

void headend__ecmgs_lost(struct headend_ecmgs *ecmgs)
{
    ecmgs->active = NULL;
    forgive(ecmgs);
    headend__streams_tell_down(ecmgs);
}

static void move_to(struct headend_ecmgs *ecmgs, struct headend__peer *peer)
{
    char why[sizeof(peer->address) + 40];

    snprintf(why, sizeof(why), "ECMG %s works again and takes over", peer->address);
    headend__streams_take_off(ecmgs, NULL, why);
    ecmgs->active = peer;
    stop_unwanted(ecmgs);
    headend__streams_tell_down(ecmgs);
    headend__ecmgs_changed(ecmgs);
}

static struct headend__peer *first_up(struct headend_ecmgs *ecmgs)
{
    for (unsigned i = 0; i < ecmgs->config.count; i++)
        if (headend__peer_is_up(&ecmgs->peers[i]))
            return &ecmgs->peers[i];
    return NULL;
}

/* When streams may move to this one if no answer is awaited; HEADEND__NEVER: it does not work. */
static uint64_t failback_time(const struct headend_ecmgs *ecmgs, const struct headend__peer *peer)
{
    return headend__peer_is_up(peer) ? peer->up_ms + ecmgs->config.failback_ms : HEADEND__NEVER;
}

static uint64_t patience(const struct headend_ecmgs *ecmgs)
{
    return ecmgs->outstanding ? QUIET_MAX_MS : 0;
}

static struct headend__peer *first_to_fail_back_to(struct headend_ecmgs *ecmgs, uint64_t now)
{
    for (unsigned i = 0; i < ecmgs->active->index; i++)
        if (failback_time(ecmgs, &ecmgs->peers[i]) + patience(ecmgs) <= now &&
            headend__peer_is_up(&ecmgs->peers[i]))
            return &ecmgs->peers[i];
    return NULL;
}

static void choose(struct headend_ecmgs *ecmgs, uint64_t now)
{
    struct headend__peer *better;

    if (!ecmgs->active) {
        ecmgs->active = first_up(ecmgs);
        if (ecmgs->active)
            stop_unwanted(ecmgs);
    } else if ((better = first_to_fail_back_to(ecmgs, now))) {
        move_to(ecmgs, better);
    }
}

static bool is_any_connecting(const struct headend_ecmgs *ecmgs)
{
    for (unsigned i = 0; i < ecmgs->config.count; i++)
        if (ecmgs->peers[i].link_count && !headend__peer_is_up(&ecmgs->peers[i]))
            return true;
    return false;
}

/* Those that failed are tried when their time has come; the others in turn, each when the one before it does
 * not work. */
static bool is_due(const struct headend_ecmgs *ecmgs, const struct headend__peer *peer, uint64_t now)
{
    if (peer->link_count || !is_wanted(ecmgs, peer))
        return false;
    if (peer->retry_ms == 0 && !ecmgs->active)
        return !is_any_connecting(ecmgs);
    return peer->retry_ms <= now;
}

static void start_due(struct headend_ecmgs *ecmgs, uint64_t now)
{
    for (unsigned i = 0; i < ecmgs->config.count; i++)
        if (is_due(ecmgs, &ecmgs->peers[i], now))
            headend__peer_start(&ecmgs->peers[i]);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* When there is something to decide about this one: to try it again, to move to it, to connect further. */
static uint64_t peer_time(const struct headend_ecmgs *ecmgs, const struct headend__peer *peer, uint64_t now)
{
    if (peer == ecmgs->active) {
        bool wait = !TAILQ_EMPTY(&ecmgs->waiting) && peer->link_retry_ms > now;
        return wait ? peer->link_retry_ms : HEADEND__NEVER;
    }
    if (!is_wanted(ecmgs, peer))
        return HEADEND__NEVER;
    if (headend__peer_is_up(peer))
        return failback_time(ecmgs, peer) > now ? failback_time(ecmgs, peer)
                                                : failback_time(ecmgs, peer) + patience(ecmgs);
    return peer->link_count || peer->retry_ms == 0 ? HEADEND__NEVER : peer->retry_ms;
}

/* A better one is to take over, but for the answers that are awaited. */
static bool is_quiet_awaited(const struct headend_ecmgs *ecmgs, uint64_t now)
{
    for (unsigned i = 0; ecmgs->active && i < ecmgs->active->index; i++)
        if (failback_time(ecmgs, &ecmgs->peers[i]) <= now)
            return true;
    return false;
}

static void set_timer(struct headend_ecmgs *ecmgs, uint64_t next, uint64_t now)
{
    for (unsigned i = 0; i < ecmgs->config.count; i++)
        next = earlier(next, peer_time(ecmgs, &ecmgs->peers[i], now));
    ecmgs->quiet_awaited = ecmgs->outstanding && is_quiet_awaited(ecmgs, now);
    if (next != HEADEND__NEVER && !ecmgs->soon)
        net_timer_start(ecmgs->timer, next > now ? next - now : 1);
}

/* The one place where streams and connections begin and move; no callback of a session is under way. */
static void decide(void *context)
{
    struct headend_ecmgs *ecmgs = context;
    uint64_t now = headend__ecmgs_now(ecmgs);
    uint64_t next;

    ecmgs->soon = false;
    choose(ecmgs, now);
    start_due(ecmgs, now);
    next = headend__streams_retry(ecmgs, now);
    headend__streams_place(ecmgs);
    if (ecmgs->active)
        headend__peer_tidy(ecmgs->active);
    set_timer(ecmgs, next, now);
}

static bool is_valid(const struct headend_ecmgs_config *config)
{
    uint8_t lowest = config->version_lowest;

    return config->count >= 1 && config->count <= HEADEND_ECMGS_MAX &&
           simulcrypt_version_is_known(&simulcrypt_ecmg_scs, config->version) &&
           (!lowest || simulcrypt_version_is_known(&simulcrypt_ecmg_scs, lowest)) &&
           lowest <= config->version && config->outstanding_max <= SIMULCRYPT_OUTSTANDING_MAX;
}

static void fill_in_defaults(struct headend_ecmgs_config *config)
{
    if (!config->version_lowest)
        config->version_lowest = config->version < DEFAULT_LOWEST ? config->version : DEFAULT_LOWEST;
    if (!config->reply_timeout_ms)
        config->reply_timeout_ms = DEFAULT_TIMEOUT_MS;
    if (!config->network_delay_ms)
        config->network_delay_ms = DEFAULT_TIMEOUT_MS;
}

static void init(struct headend_ecmgs *ecmgs, struct net_loop *loop,
                 const struct headend_ecmgs_config *config)
{
    ecmgs->loop = loop;
    ecmgs->config = *config;
    fill_in_defaults(&ecmgs->config);
    TAILQ_INIT(&ecmgs->waiting);
    TAILQ_INIT(&ecmgs->refused);
    for (unsigned i = 0; i < config->count; i++)
        headend__peer_init(&ecmgs->peers[i], ecmgs, i, &config->ecmgs[i]);
}

int headend_ecmgs_create(struct headend_ecmgs **ecmgs, struct net_loop *loop,
                         const struct headend_ecmgs_config *config)
{
    struct headend_ecmgs *made;
    int r = -ENOMEM;

    if (!is_valid(config))
        return -EINVAL;
    made = calloc(1, sizeof(*made));
    if (!made)
        return -ENOMEM;
    init(made, loop, config);
    made->name = strdup(config->name);
    if (made->name)
        r = net_timer_create(&made->timer, loop, decide, made);
    if (r < 0) {
        headend_ecmgs_destroy(made);
        return r;
    }
    headend__ecmgs_decide_soon(made);
    *ecmgs = made;
    return 0;
}

void headend_ecmgs_destroy(struct headend_ecmgs *ecmgs)
{
    if (!ecmgs)
        return;
    ecmgs->ending = true;
    for (unsigned i = 0; i < ecmgs->config.count; i++)
        headend__peer_stop(&ecmgs->peers[i]);
    headend__streams_free(ecmgs);
    net_timer_destroy(ecmgs->timer);
    free(ecmgs->name);
    free(ecmgs);
}

unsigned headend_ecmgs_count(const struct headend_ecmgs *ecmgs)
{
    return ecmgs->config.count;
}

int headend_ecmgs_status(const struct headend_ecmgs *ecmgs, unsigned index,
                         struct headend_ecmg_status *status)
{
    if (index >= ecmgs->config.count)
        return -ERANGE;
    headend__peer_status(&ecmgs->peers[index], status);
    return 0;
}

const char *headend_ecmgs_name(const struct headend_ecmgs *ecmgs)
{
    return ecmgs->name;
}
