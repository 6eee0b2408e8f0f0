/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/watch_proxy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "net/udp.h"

#define RETRY_MS 5 /* until an end that did not read is tried again */

struct side {
    struct pair *pair;
    struct net_tcp *tcp;
    uint8_t *kept; /* what came from here and the other end does not take yet */
    size_t kept_size;
};

struct pair {
    struct cmd_watch_proxy *proxy;
    struct cmd_watch_link *link;
    struct side sides[2]; /* by enum cmd_watch_end */
    struct net_timer *retry;
    LIST_ENTRY(pair) link_in_proxy;
};

struct cmd_watch_proxy {
    struct net_loop *loop;
    struct cmd_watch *watch;
    struct cmd_watch_proxy_config config;
    struct net_listener *listener;
    struct net_udp *udp_in, *udp_out;
    struct cmd_watch_link *datagrams; /* NULL until the first one comes */
    LIST_HEAD(, pair) pairs;
};

static enum cmd_watch_end end_of(const struct side *side)
{
    return side == &side->pair->sides[CMD_WATCH_CLIENT] ? CMD_WATCH_CLIENT : CMD_WATCH_SERVER;
}

static struct side *other_side(struct side *side)
{
    return &side->pair->sides[end_of(side) == CMD_WATCH_CLIENT ? CMD_WATCH_SERVER : CMD_WATCH_CLIENT];
}

static void drop_kept(struct side *side)
{
    if (side->kept)
        base_secure_zero(side->kept, side->kept_size);
    free(side->kept);
    side->kept = NULL;
}

static void tell_end(struct cmd_watch *watch, struct cmd_watch_link *link, const char *why)
{
    watch->now_ns = base_clock_utc_ns();
    cmd_watch_link_end(link, why);
}

static void close_pair(struct pair *pair, const char *why)
{
    LIST_REMOVE(pair, link_in_proxy);
    tell_end(pair->proxy->watch, pair->link, why);
    for (unsigned end = 0; end < 2; end++) {
        net_tcp_close(pair->sides[end].tcp);
        drop_kept(&pair->sides[end]);
    }
    net_timer_destroy(pair->retry);
    cmd_watch_link_destroy(pair->link);
    free(pair);
}

/* The other end does not read: neither do we, and try again. */
static void keep(struct side *side, const uint8_t *bytes, size_t size)
{
    side->kept = malloc(size);
    if (!side->kept) {
        close_pair(side->pair, "no memory for what an end does not read");
        return;
    }
    memcpy(side->kept, bytes, size);
    side->kept_size = size;
    net_tcp_pause(side->tcp);
    net_timer_start(side->pair->retry, RETRY_MS);
}

static void retry(void *context)
{
    struct pair *pair = context;

    for (unsigned end = 0; end < 2; end++) {
        struct side *side = &pair->sides[end];

        if (!side->kept)
            continue;
        if (net_tcp_write(other_side(side)->tcp, side->kept, side->kept_size) == -ENOBUFS) {
            net_timer_start(pair->retry, RETRY_MS);
            continue;
        }
        drop_kept(side);
        net_tcp_resume(side->tcp);
    }
}

static void stop_when_done(struct cmd_watch_proxy *proxy)
{
    if (cmd_watch_is_done(proxy->watch))
        net_loop_stop(proxy->loop);
}

/* Passed on first, looked at afterwards. */
static void on_input(void *context, const uint8_t *bytes, size_t size)
{
    struct side *side = context;
    struct cmd_watch_proxy *proxy = side->pair->proxy;
    int status = net_tcp_write(other_side(side)->tcp, bytes, size);

    proxy->watch->now_ns = base_clock_utc_ns();
    cmd_watch_link_input(side->pair->link, end_of(side), bytes, size);
    if (status == -ENOBUFS)
        keep(side, bytes, size);
    stop_when_done(proxy);
}

static void on_ended(void *context, int error)
{
    struct side *side = context;
    const char *who = end_of(side) == CMD_WATCH_CLIENT ? "client" : "server";
    char why[256];

    if (error)
        snprintf(why, sizeof(why), "%s: %s", who, net_tcp_trouble(side->tcp));
    else
        snprintf(why, sizeof(why), "closed by the %s", who);
    close_pair(side->pair, why);
}

static void on_connected(void *context)
{
    struct side *server = context;

    net_tcp_resume(other_side(server)->tcp);
}

static const struct net_tcp_ops side_ops = {.connected = on_connected, .input = on_input, .ended = on_ended};

static int create_link(struct cmd_watch_proxy *proxy, const char *client, struct cmd_watch_link **link)
{
    struct cmd_watch_link_config config = {
        .interface = proxy->config.interface, .any = true, .ends_sure = true};

    snprintf(config.client, sizeof(config.client), "%s", client);
    snprintf(config.server, sizeof(config.server),
             strchr(proxy->config.host, ':') ? "[%.50s]:%u" : "%.52s:%u", proxy->config.host,
             proxy->config.port);
    proxy->watch->now_ns = base_clock_utc_ns();
    return cmd_watch_link_create(link, proxy->watch, &config);
}

static int create_pair(struct cmd_watch_proxy *proxy, struct net_tcp *tcp, struct pair **pair)
{
    struct pair *made = calloc(1, sizeof(*made));
    int status;

    if (!made)
        return -ENOMEM;
    made->proxy = proxy;
    made->sides[CMD_WATCH_CLIENT] = (struct side){.pair = made, .tcp = tcp};
    made->sides[CMD_WATCH_SERVER] = (struct side){.pair = made};
    status = net_timer_create(&made->retry, proxy->loop, retry, made);
    if (status == 0)
        status = create_link(proxy, net_tcp_peer(tcp), &made->link);
    if (status < 0) {
        net_timer_destroy(made->retry);
        free(made);
        return status;
    }
    LIST_INSERT_HEAD(&proxy->pairs, made, link_in_proxy);
    *pair = made;
    return 0;
}

static void on_accepted(void *context, struct net_tcp *tcp)
{
    struct cmd_watch_proxy *proxy = context;
    const struct cmd_watch_proxy_config *config = &proxy->config;
    struct pair *pair;
    int status;

    if (create_pair(proxy, tcp, &pair) < 0) {
        net_tcp_close(tcp);
        return;
    }
    net_tcp_pause(tcp); /* until there is somebody to pass it on to */
    net_tcp_set_ops(tcp, &side_ops, &pair->sides[CMD_WATCH_CLIENT]);
    status = net_tcp_connect(&pair->sides[CMD_WATCH_SERVER].tcp, proxy->loop, config->host, config->port,
                             config->tls, &side_ops, &pair->sides[CMD_WATCH_SERVER]);
    if (status < 0)
        close_pair(pair, base_error_text(status));
}

static void on_datagram(void *context, const uint8_t *bytes, size_t size, const char *peer)
{
    struct cmd_watch_proxy *proxy = context;

    net_udp_write(proxy->udp_out, bytes, size); /* what does not go is lost, as datagrams are */
    if (!proxy->datagrams && create_link(proxy, peer, &proxy->datagrams) < 0)
        return;
    proxy->watch->now_ns = base_clock_utc_ns();
    cmd_watch_link_datagram(proxy->datagrams, CMD_WATCH_CLIENT, bytes, size);
    stop_when_done(proxy);
}

static int open_udp(struct cmd_watch_proxy *proxy, char why[static 256])
{
    const struct cmd_watch_proxy_config *config = &proxy->config;
    int status;

    if (!config->udp_listen_host)
        return 0;
    status = net_udp_send_to(&proxy->udp_out, proxy->loop, config->udp_host, config->udp_port);
    if (status < 0) {
        snprintf(why, 256, "cannot send datagrams to %s: %s", config->udp_host, base_error_text(status));
        return status;
    }
    status = net_udp_receive(&proxy->udp_in, proxy->loop, config->udp_listen_host, config->udp_listen_port,
                             "", config->listen.access, on_datagram, proxy);
    if (status < 0)
        snprintf(why, 256, "cannot receive datagrams on port %u: %s", config->udp_listen_port,
                 base_error_text(status));
    return status;
}

static int open_tcp(struct cmd_watch_proxy *proxy, char why[static 256])
{
    struct net_listen_config listen = proxy->config.listen;
    int status;

    listen.accepted = on_accepted;
    listen.context = proxy;
    status = net_listen(&proxy->listener, proxy->loop, &listen);
    if (status < 0)
        snprintf(why, 256, "cannot listen on %.200s:%u: %s", *listen.host ? listen.host : "*", listen.port,
                 base_error_text(status));
    return status;
}

int cmd_watch_proxy_create(struct cmd_watch_proxy **proxy, struct net_loop *loop, struct cmd_watch *watch,
                           const struct cmd_watch_proxy_config *config, char why[static 256])
{
    struct cmd_watch_proxy *made = calloc(1, sizeof(*made));
    int status;

    snprintf(why, 256, "cannot start: %s", base_error_text(-ENOMEM));
    if (!made)
        return -ENOMEM;
    made->loop = loop;
    made->watch = watch;
    made->config = *config;
    status = open_tcp(made, why);
    if (status == 0)
        status = open_udp(made, why);
    if (status < 0) {
        cmd_watch_proxy_destroy(made);
        return status;
    }
    *proxy = made;
    return 0;
}

void cmd_watch_proxy_destroy(struct cmd_watch_proxy *proxy)
{
    struct pair *next;

    if (!proxy)
        return;
    for (struct pair *pair = LIST_FIRST(&proxy->pairs); pair; pair = next) {
        next = LIST_NEXT(pair, link_in_proxy);
        close_pair(pair, "the watch ends");
    }
    if (proxy->datagrams)
        tell_end(proxy->watch, proxy->datagrams, "the watch ends");
    cmd_watch_link_destroy(proxy->datagrams);
    net_udp_close(proxy->udp_in);
    net_udp_close(proxy->udp_out);
    net_listener_close(proxy->listener);
    free(proxy);
}

uint16_t cmd_watch_proxy_port(const struct cmd_watch_proxy *proxy)
{
    return net_listener_port(proxy->listener);
}

uint16_t cmd_watch_proxy_udp_port(const struct cmd_watch_proxy *proxy)
{
    return proxy->udp_in ? net_udp_port(proxy->udp_in) : 0;
}
