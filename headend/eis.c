/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The listener and the books: channels, with the SCGs that outlive their connections. */
#include "headend/eis.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "headend/eis_room.h"

#define DEFAULT_CONNECTIONS 16
#define DEFAULT_CHANNELS    16
#define DEFAULT_SCGS        1000 /* of up to 17 KiB each, with a definition to come as much again */
#define DEFAULT_RATE        1000
#define DEFAULT_TEST_MS     30000

void headend__eis_say(struct headend_eis *eis, struct headend__eis_channel *channel, const char *format, ...)
{
    char *text = eis->counters.last_error;
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(eis->counters.last_error), format, arguments);
    va_end(arguments);
    if (channel)
        memcpy(channel->status.last_error, text, sizeof(channel->status.last_error));
}

/* What the SCGs of a channel ask their owner */

static int64_t activation_ms(const struct simulcrypt_scg *scg)
{
    return scg->has_activation_time ? simulcrypt_time_to_unix_ms(&scg->activation_time) : HEADEND_EIS_AT_ONCE;
}

static uint16_t on_check(void *context, const struct simulcrypt_scg *scg)
{
    const struct headend__eis_channel *channel = context;
    const struct headend_eis *eis = channel->eis;

    return eis->ops.check(eis->context, channel->status.channel_id, scg, activation_ms(scg));
}

static void on_accepted(void *context, const struct simulcrypt_scg *scg)
{
    struct headend__eis_channel *channel = context;
    struct headend_eis *eis = channel->eis;

    headend__eis_connection_charge(channel->connection);
    channel->status.accepted++;
    eis->counters.accepted++;
    eis->ops.accepted(eis->context, channel->status.channel_id, scg, activation_ms(scg));
}

static uint16_t on_nominal_cp_duration(void *context, uint16_t scg_id)
{
    const struct headend__eis_channel *channel = context;
    const struct headend_eis *eis = channel->eis;

    return eis->ops.nominal_cp_duration(eis->context, channel->status.channel_id, scg_id);
}

static const struct simulcrypt_scgs_ops scgs_ops = {
    .check = on_check,
    .accepted = on_accepted,
    .nominal_cp_duration = on_nominal_cp_duration,
};

/* Channels */

struct headend__eis_channel *headend__eis_channel_find(const struct headend_eis *eis, uint16_t channel_id)
{
    struct headend__eis_channel *channel;

    LIST_FOREACH(channel, &eis->channels, link)
    {
        if (channel->status.channel_id == channel_id)
            return channel;
    }
    return NULL;
}

static void destroy_channel(struct headend__eis_channel *channel)
{
    LIST_REMOVE(channel, link);
    channel->eis->channel_count--;
    simulcrypt_scgs_destroy(channel->scgs);
    free(channel);
}

static void forget_unused(struct headend__eis_channel *channel)
{
    if (!channel->connection && !simulcrypt_scgs_count(channel->scgs))
        destroy_channel(channel);
}

static struct headend__eis_channel *create_channel(struct headend_eis *eis, uint16_t channel_id)
{
    struct headend__eis_channel *channel = calloc(1, sizeof(*channel));

    if (!channel)
        return NULL;
    channel->eis = eis;
    channel->status.channel_id = channel_id;
    if (simulcrypt_scgs_create(&channel->scgs, &eis->config.abilities, &scgs_ops, channel) < 0) {
        free(channel);
        return NULL;
    }
    LIST_INSERT_HEAD(&eis->channels, channel, link);
    eis->channel_count++;
    return channel;
}

/* No error_status says that there are too many channels. */
static uint16_t find_or_create(struct headend_eis *eis, uint16_t channel_id,
                               struct headend__eis_channel **channel)
{
    *channel = headend__eis_channel_find(eis, channel_id);
    if (!*channel && eis->channel_count < eis->config.channels_max)
        *channel = create_channel(eis, channel_id);
    return *channel ? SIMULCRYPT_EIS_OK : SIMULCRYPT_EIS_UNKNOWN_ERROR;
}

uint16_t headend__eis_channel_open(struct headend__eis_connection *connection, uint16_t channel_id)
{
    struct headend__eis_channel *channel;
    uint16_t error = find_or_create(connection->eis, channel_id, &channel);

    if (error) {
        connection->explained = true;
        headend__eis_say(connection->eis, NULL, "%s: no room for channel %u: %u are open or have SCGs",
                         net_tcp_peer(connection->tcp), channel_id, connection->eis->channel_count);
        return error;
    }
    if (channel->connection) {
        headend__eis_connection_test(channel->connection);
        return SIMULCRYPT_EIS_CHANNEL_IN_USE;
    }
    channel->connection = connection;
    channel->status.connections++;
    snprintf(channel->status.peer, sizeof(channel->status.peer), "%s", net_tcp_peer(connection->tcp));
    connection->channel = channel;
    return SIMULCRYPT_EIS_OK;
}

void headend__eis_channel_close(struct headend__eis_connection *connection)
{
    struct headend__eis_channel *channel = connection->channel;

    if (!channel)
        return;
    connection->channel = NULL;
    channel->connection = NULL;
    forget_unused(channel);
}

int headend_eis_activated(struct headend_eis *eis, uint16_t channel_id, uint16_t scg_id)
{
    struct headend__eis_channel *channel = headend__eis_channel_find(eis, channel_id);
    int status = channel ? simulcrypt_scgs_activated(channel->scgs, scg_id) : -ENOENT;

    if (status < 0)
        return status;
    if (eis->config.tells_activations && channel->connection &&
        simulcrypt_scgs_current(channel->scgs, scg_id))
        simulcrypt_scg_session_send_status(channel->connection->session, scg_id);
    forget_unused(channel);
    return 0;
}

const struct simulcrypt_scgs *headend_eis_scgs(const struct headend_eis *eis, uint16_t channel_id)
{
    const struct headend__eis_channel *channel = headend__eis_channel_find(eis, channel_id);

    return channel ? channel->scgs : NULL;
}

/* State */

uint16_t headend_eis_port(const struct headend_eis *eis)
{
    return net_listener_port(eis->listener);
}

void headend_eis_counters(const struct headend_eis *eis, struct headend_eis_counters *counters)
{
    const struct headend__eis_channel *channel;
    const struct headend__eis_connection *connection;

    *counters = eis->counters;
    net_listener_counters(eis->listener, &counters->listener);
    counters->channels = eis->channel_count;
    LIST_FOREACH(channel, &eis->channels, link)
    counters->scgs += (unsigned)simulcrypt_scgs_count(channel->scgs);
    LIST_FOREACH(connection, &eis->connections, link)
    counters->connections++;
}

int headend_eis_channel_status(const struct headend_eis *eis, unsigned index,
                               struct headend_eis_channel_status *status)
{
    const struct headend__eis_channel *channel = LIST_FIRST(&eis->channels);

    while (channel && index--)
        channel = LIST_NEXT(channel, link);
    if (!channel)
        return -ERANGE;
    *status = channel->status;
    status->connected = channel->connection != NULL;
    status->scgs = simulcrypt_scgs_count(channel->scgs);
    return 0;
}

/* Life */

static void on_connection(void *context, struct net_tcp *tcp)
{
    headend__eis_connection_accept(context, tcp);
}

static void set_default(unsigned *value, unsigned otherwise)
{
    if (!*value)
        *value = otherwise;
}

static void take_config(struct headend_eis *eis, const struct headend_eis_config *config)
{
    eis->config = *config;
    set_default(&eis->config.listen.connections_max, DEFAULT_CONNECTIONS);
    set_default(&eis->config.channels_max, DEFAULT_CHANNELS);
    if (!eis->config.abilities.max_scg)
        eis->config.abilities.max_scg = DEFAULT_SCGS;
    set_default(&eis->config.rate_max, DEFAULT_RATE);
    set_default(&eis->config.test_period_ms, DEFAULT_TEST_MS);
}

int headend_eis_create(struct headend_eis **eis, struct net_loop *loop,
                       const struct headend_eis_config *config, const struct headend_eis_ops *ops,
                       void *context, char why[static 256])
{
    struct headend_eis *made = calloc(1, sizeof(*made));
    int status;

    *eis = NULL;
    snprintf(why, 256, "out of memory");
    if (!made)
        return -ENOMEM;
    made->loop = loop;
    made->ops = *ops;
    made->context = context;
    take_config(made, config);
    status = net_settings_listen(&made->listener, loop, &made->config.listen, on_connection, made, why);
    if (status < 0) {
        free(made);
        return status;
    }
    *eis = made;
    return 0;
}

void headend_eis_destroy(struct headend_eis *eis)
{
    struct headend__eis_channel *channel, *next;

    if (!eis)
        return;
    net_listener_close(eis->listener);
    while (!LIST_EMPTY(&eis->connections))
        headend__eis_connection_destroy(LIST_FIRST(&eis->connections));
    for (channel = LIST_FIRST(&eis->channels); channel; channel = next) {
        next = LIST_NEXT(channel, link);
        destroy_channel(channel);
    }
    free(eis);
}
