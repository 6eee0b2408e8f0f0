/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One ECMG of the list. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/error.h"
#include "headend/ecmgs_room.h"

/* An ECMG that was out of reach for so long may have been renewed: the highest version is tried again. */
#define VERSION_FORGOTTEN_MS 60000
/* Further connections are not all opened at once: an ECMG with small channels may need hundreds. */
#define LINKS_CONNECTING_MAX 16
/* Set-ups under way on one channel: the last of thousands must not be late for having waited for the others.
 */
#define STREAMS_ASKED_MAX 128

uint64_t headend__back_off(uint64_t *ms)
{
    uint64_t now = *ms;
    uint16_t chance = 0;

    *ms = now * 2 < HEADEND__BACKOFF_MAX_MS ? now * 2 : HEADEND__BACKOFF_MAX_MS;
    /* Without a random number there is no chance added, which is all it is for. */
    if (getrandom(&chance, sizeof(chance), GRND_NONBLOCK) < 0)
        chance = 0;
    return now + now * chance / (4 * UINT16_MAX);
}

void headend__peer_init(struct headend__peer *peer, struct headend_ecmgs *ecmgs, unsigned index,
                        const struct headend_ecmg_address *address)
{
    bool bracketed = strchr(address->host, ':') != NULL; /* IPv6 */

    peer->ecmgs = ecmgs;
    peer->index = index;
    peer->port = address->port;
    peer->version = ecmgs->config.version;
    peer->backoff_ms = peer->link_backoff_ms = HEADEND__BACKOFF_FIRST_MS;
    TAILQ_INIT(&peer->links);
    snprintf(peer->host, sizeof(peer->host), "%s", address->host);
    snprintf(peer->address, sizeof(peer->address), "%s%s%s:%u", bracketed ? "[" : "", peer->host,
             bracketed ? "]" : "", peer->port);
}

__attribute__((format(printf, 2, 3))) static void set_error(struct headend__peer *peer, const char *format,
                                                            ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(peer->error, sizeof(peer->error), format, arguments);
    va_end(arguments);
    memcpy(peer->ecmgs->error, peer->error, sizeof(peer->error));
}

static void close_links(struct headend__peer *peer)
{
    struct headend__link *link;

    while ((link = TAILQ_FIRST(&peer->links)))
        headend__link_close(link);
    peer->max_streams = 0;
}

void headend__peer_stop(struct headend__peer *peer)
{
    close_links(peer);
}

/* Its error says why. */
static void fail(struct headend__peer *peer, bool unusable)
{
    struct headend_ecmgs *ecmgs = peer->ecmgs;
    uint64_t now = headend__ecmgs_now(ecmgs);

    peer->failures++;
    if (headend__peer_is_up(peer) && now - peer->up_ms >= HEADEND__BACKOFF_MAX_MS)
        peer->backoff_ms = HEADEND__BACKOFF_FIRST_MS;
    if (unusable)
        peer->backoff_ms = HEADEND__BACKOFF_MAX_MS;
    peer->retry_ms = now + headend__back_off(&peer->backoff_ms);
    if (ecmgs->active == peer)
        headend__streams_take_off(ecmgs, NULL, peer->error);
    close_links(peer);
    if (ecmgs->active == peer)
        headend__ecmgs_lost(ecmgs);
    headend__ecmgs_decide_soon(ecmgs);
    headend__ecmgs_changed(ecmgs);
}

static int open_link(struct headend__peer *peer, struct headend__link **link)
{
    int r = headend__link_open(link, peer);

    peer->attempts++;
    if (r < 0)
        set_error(peer, "cannot connect to %s: %s", peer->address,
                  r == -ENOSPC ? "no ECM_channel_id is free" : base_error_text(r));
    return r;
}

void headend__peer_start(struct headend__peer *peer)
{
    struct headend__link *link;

    if (headend__ecmgs_now(peer->ecmgs) - peer->reached_ms >= VERSION_FORGOTTEN_MS)
        peer->version = peer->ecmgs->config.version;
    if (open_link(peer, &link) < 0)
        fail(peer, false);
}

/* Versions are 5, 3, 2 and 1: there is no 4. */
static bool lower_version(struct headend__peer *peer)
{
    const struct headend_ecmgs_config *config = &peer->ecmgs->config;
    uint8_t lower = peer->version == 5 ? 3 : (uint8_t)(peer->version - 1);
    bool lowered = lower >= config->version_lowest;

    peer->version = lowered ? lower : config->version;
    return lowered;
}

void headend__peer_link_up(struct headend__link *link)
{
    struct headend__peer *peer = link->peer;

    if (peer->links_up++ == 0)
        peer->up_ms = headend__ecmgs_now(peer->ecmgs);
    peer->max_streams = link->streams_max;
    headend__link_sort(link);
    headend__ecmgs_decide_soon(peer->ecmgs);
}

static void pause_opening(struct headend__peer *peer)
{
    peer->link_retry_ms = headend__ecmgs_now(peer->ecmgs) + headend__back_off(&peer->link_backoff_ms);
    headend__ecmgs_decide_soon(peer->ecmgs);
}

/* A further channel that did not come about says nothing of those that work. */
static void lose_further_link(struct headend__link *link)
{
    struct headend__peer *peer = link->peer;

    headend__streams_refuse(peer->ecmgs, link, link->why);
    headend__link_close(link);
    pause_opening(peer);
}

/* Nor does one whose connection alone ended: its streams go to the others, or to a new one. */
static void lose_one_of_many(struct headend__link *link)
{
    struct headend__peer *peer = link->peer;

    headend__streams_take_off(peer->ecmgs, link, link->why);
    headend__link_close(link);
    headend__streams_tell_down(peer->ecmgs);
    pause_opening(peer);
    headend__ecmgs_changed(peer->ecmgs);
}

void headend__peer_link_ended(struct headend__link *link)
{
    struct headend__peer *peer = link->peer;
    bool refused = simulcrypt_scs_session_version_refused(link->session);
    bool lowered = refused && lower_version(peer);

    if (!link->up && !headend__peer_is_up(peer) && lowered) {
        headend__link_close(link);
        headend__peer_start(peer);
        return;
    }
    set_error(peer, "%s", link->why);
    if (!link->up && headend__peer_is_up(peer))
        lose_further_link(link);
    else if (link->hung_up && peer->links_up > 1)
        lose_one_of_many(link);
    else
        fail(peer, link->unusable);
}

static unsigned connecting(const struct headend__peer *peer)
{
    return peer->link_count - peer->links_up;
}

static struct headend__link *open_further_link(struct headend__peer *peer)
{
    uint64_t now = headend__ecmgs_now(peer->ecmgs);
    struct headend__link *link;

    if (now < peer->link_retry_ms || connecting(peer) >= LINKS_CONNECTING_MAX)
        return NULL;
    if (open_link(peer, &link) >= 0)
        return link;
    pause_opening(peer);
    return NULL;
}

struct headend__link *headend__peer_place(struct headend__peer *peer)
{
    struct headend__link *link = TAILQ_FIRST(&peer->links);

    if (!link || link->state == HEADEND__LINK_OVER)
        return NULL;
    if (headend__link_is_full(link))
        return open_further_link(peer);
    return link->asked < STREAMS_ASKED_MAX ? link : NULL;
}

void headend__peer_tidy(struct headend__peer *peer)
{
    struct headend__link *next;

    for (struct headend__link *link = TAILQ_FIRST(&peer->links); link; link = next) {
        next = TAILQ_NEXT(link, entry);
        if (link->streams == 0 && link->state != HEADEND__LINK_OVER && peer->links_up > (link->up ? 1 : 0))
            headend__link_close(link);
    }
}

static enum headend_ecmg_state state_of(const struct headend__peer *peer)
{
    if (headend__peer_is_up(peer))
        return peer->ecmgs->active == peer ? HEADEND_ECMG_ACTIVE : HEADEND_ECMG_STANDBY;
    return peer->link_count ? HEADEND_ECMG_CONNECTING : HEADEND_ECMG_IDLE;
}

void headend__peer_status(const struct headend__peer *peer, struct headend_ecmg_status *status)
{
    const struct headend__link *link;

    *status = (struct headend_ecmg_status){
        .state = state_of(peer),
        .version = peer->version,
        .channels = peer->links_up,
        .streams = peer->ecmgs->active == peer ? peer->ecmgs->up_count : 0,
        .attempts = peer->attempts,
        .failures = peer->failures,
        .provisions = peer->provisions,
        .ecms = peer->ecms,
        .timeouts = peer->timeouts,
        .errors = peer->errors,
        .response_ms = peer->response_ms,
        .response_ms_max = peer->response_ms_max,
    };
    TAILQ_FOREACH(link, &peer->links, entry)
    status->errors += simulcrypt_scs_session_errors(link->session);
    snprintf(status->address, sizeof(status->address), "%s", peer->address);
    snprintf(status->last_error, sizeof(status->last_error), "%s", peer->error);
}
