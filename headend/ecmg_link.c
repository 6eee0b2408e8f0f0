/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One connection to an ECMG: simulcrypt/scs_session.h on net/tcp.h. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "headend/ecmgs_room.h"

static uint64_t now_ms(const struct headend__link *link)
{
    return headend__ecmgs_now(link->peer->ecmgs);
}

static void arm(struct headend__link *link, uint64_t when)
{
    uint64_t now = now_ms(link);

    if (when >= link->due)
        return;
    link->due = when;
    net_timer_start(link->timer, when > now ? when - now : 0);
}

void headend__link_attend(struct headend__link *link)
{
    arm(link, now_ms(link));
}

void headend__link_fail(struct headend__link *link, const char *format, ...)
{
    va_list arguments;

    if (link->state == HEADEND__LINK_OVER)
        return;
    va_start(arguments, format);
    vsnprintf(link->why, sizeof(link->why), format, arguments);
    va_end(arguments);
    link->state = HEADEND__LINK_OVER;
    simulcrypt_scs_session_disconnected(link->session);
    headend__link_attend(link);
}

/* Within a sentence: "connection refused". Acronyms keep their case. */
static const char *lower(const char *sentence, char *text, size_t room)
{
    snprintf(text, room, "%s", sentence);
    if (!isupper((unsigned char)text[1]))
        text[0] = (char)tolower((unsigned char)text[0]);
    return text;
}

/* The only way out of a link that is over, and so never inside its session. */
static void drive(struct headend__link *link)
{
    if (link->state == HEADEND__LINK_OPEN)
        arm(link, simulcrypt_scs_session_tick(link->session, now_ms(link)));
    if (link->state == HEADEND__LINK_OVER)
        headend__peer_link_ended(link);
}

static void on_timer(void *context)
{
    struct headend__link *link = context;

    link->due = HEADEND__NEVER;
    if (link->state == HEADEND__LINK_CONNECTING && now_ms(link) < link->connect_by)
        arm(link, link->connect_by);
    else if (link->state == HEADEND__LINK_CONNECTING)
        headend__link_fail(link, "cannot connect to %s: no answer came in time", link->peer->address);
    drive(link);
}

/* Session */

static void session_send(void *context, const uint8_t *bytes, size_t size)
{
    struct headend__link *link = context;
    int r = link->state == HEADEND__LINK_OPEN ? net_tcp_write(link->tcp, bytes, size) : 0;
    char text[128];

    if (r < 0)
        headend__link_fail(link, "cannot send to the ECMG %s: %s", link->peer->address,
                           lower(base_error_text(r), text, sizeof(text)));
}

static void session_fail(void *context, const char *why)
{
    struct headend__link *link = context;

    headend__link_fail(link, "ECMG %s: %s", link->peer->address, why);
}

static struct simulcrypt_channel_status override(const struct headend_status_override *known,
                                                 const struct simulcrypt_channel_status *told)
{
    struct simulcrypt_channel_status status = *told;

#define X(name)                                                                                              \
    if (known->has_##name)                                                                                   \
        status.name = (typeof(status.name))known->name;
    HEADEND_STATUS_OVERRIDE_MAP(X)
#undef X
    status.has_transition_delay_start |= known->has_transition_delay_start;
    status.has_transition_delay_stop |= known->has_transition_delay_stop;
    status.has_ac_delay_start |= known->has_ac_delay_start;
    status.has_ac_delay_stop |= known->has_ac_delay_stop;
    return status;
}

static void session_channel_up(void *context, const struct simulcrypt_channel_status *status)
{
    struct headend__link *link = context;

    link->status = override(&link->peer->ecmgs->config.override, status);
    simulcrypt_scs_session_set_times(link->session, link->status.max_comp_time, link->status.min_cp_duration);
    link->up = true;
    link->streams_max = status->max_streams;
    headend__peer_link_up(link);
}

/* Connection */

static void tcp_connected(void *context)
{
    struct headend__link *link = context;

    if (link->state != HEADEND__LINK_CONNECTING)
        return;
    link->state = HEADEND__LINK_OPEN;
    link->peer->reached_ms = now_ms(link);
    simulcrypt_scs_session_connected(link->session, now_ms(link));
    drive(link);
}

static void tcp_input(void *context, const uint8_t *bytes, size_t size)
{
    struct headend__link *link = context;

    if (link->state == HEADEND__LINK_OPEN)
        simulcrypt_scs_session_input(link->session, bytes, size, now_ms(link));
    drive(link);
}

static void tcp_ended(void *context, int error)
{
    struct headend__link *link = context;
    char text[160];

    lower(error ? net_tcp_trouble(link->tcp) : base_error_text(BASE_E_CLOSED), text, sizeof(text));
    link->hung_up = link->state == HEADEND__LINK_OPEN;
    if (link->hung_up)
        headend__link_fail(link, "the connection to the ECMG %s ended: %s", link->peer->address, text);
    else
        headend__link_fail(link, "cannot connect to %s: %s", link->peer->address, text);
    drive(link);
}

static const struct net_tcp_ops tcp_ops = {
    .connected = tcp_connected, .input = tcp_input, .ended = tcp_ended};

static int begin_session(struct headend__link *link)
{
    const struct headend_ecmgs_config *config = &link->peer->ecmgs->config;
    struct simulcrypt_scs_config scs = {
        .version = link->peer->version,
        .channel_id = link->channel_id,
        .super_cas_id = config->super_cas_id,
        .reply_timeout_ms = config->reply_timeout_ms,
        .network_delay_ms = config->network_delay_ms,
        .test_period_ms = config->test_period_ms,
        .outstanding_max = config->outstanding_max,
    };
    struct simulcrypt_scs_ops ops = headend__stream_ops;

    ops.send = session_send;
    ops.fail = session_fail;
    ops.channel_up = session_channel_up;
    return simulcrypt_scs_session_create(&link->session, &scs, &ops, link);
}

static int connect_link(struct headend__link *link)
{
    struct headend__peer *peer = link->peer;
    int r = net_timer_create(&link->timer, peer->ecmgs->loop, on_timer, link);

    if (r >= 0)
        r = begin_session(link);
    if (r >= 0)
        r = net_tcp_connect(&link->tcp, peer->ecmgs->loop, peer->host, peer->port, peer->ecmgs->config.tls,
                            &tcp_ops, link);
    return r;
}

int headend__link_open(struct headend__link **link, struct headend__peer *peer)
{
    const struct headend_ecmgs_config *config = &peer->ecmgs->config;
    struct headend__link *made = calloc(1, sizeof(*made));
    int r;

    *link = NULL;
    if (!made)
        return -ENOMEM;
    made->peer = peer;
    made->due = HEADEND__NEVER;
    made->streams_max = peer->max_streams;
    r = config->channel_take(config->context, &made->channel_id);
    if (r < 0) {
        free(made);
        return r;
    }
    TAILQ_INSERT_HEAD(&peer->links, made, entry);
    peer->link_count++;
    r = connect_link(made);
    if (r < 0) {
        headend__link_close(made);
        return r;
    }
    made->connect_by = now_ms(made) + config->reply_timeout_ms;
    arm(made, made->connect_by);
    *link = made;
    return 0;
}

void headend__link_close(struct headend__link *link)
{
    struct headend__peer *peer = link->peer;

    TAILQ_REMOVE(&peer->links, link, entry);
    peer->link_count--;
    peer->links_up -= link->up;
    if (link->up)
        peer->reached_ms = now_ms(link);
    if (link->state == HEADEND__LINK_OPEN)
        simulcrypt_scs_session_close(link->session);
    if (link->session)
        peer->errors += simulcrypt_scs_session_errors(link->session);
    net_tcp_close(link->tcp);
    net_timer_destroy(link->timer);
    simulcrypt_scs_session_destroy(link->session);
    peer->ecmgs->config.channel_give(peer->ecmgs->config.context, link->channel_id);
    free(link);
}

bool headend__link_is_full(const struct headend__link *link)
{
    return link->streams_max && link->streams >= link->streams_max;
}

void headend__link_sort(struct headend__link *link)
{
    struct headend__peer *peer = link->peer;

    TAILQ_REMOVE(&peer->links, link, entry);
    if (headend__link_is_full(link))
        TAILQ_INSERT_TAIL(&peer->links, link, entry);
    else
        TAILQ_INSERT_HEAD(&peer->links, link, entry);
}
