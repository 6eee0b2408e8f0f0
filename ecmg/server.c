/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The listener, and the books of what is open: channels and streams over all connections. */
#include "ecmg/server.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/log.h"
#include "ecmg/room.h"

#define SPARE 64 /* connections over channels_max: they get an error_status, not a silence */

static void on_accepted(void *context, struct net_tcp *tcp)
{
    ecmg__connection_accept(context, tcp);
}

static void set_defaults(struct ecmg_server_config *config)
{
    if (!config->channels_max)
        config->channels_max = ECMG_CHANNELS_DEFAULT;
    if (!config->streams_max)
        config->streams_max = ECMG_STREAMS_DEFAULT;
    if (!config->reply_timeout_us)
        config->reply_timeout_us = ECMG_REPLY_TIMEOUT_DEFAULT;
    if (!config->listener.connections_max)
        config->listener.connections_max = config->channels_max + SPARE;
}

static int set_up_services(struct ecmg_server *server)
{
    int status = 0;

    for (unsigned i = 0; status == 0 && i < server->config.service_count; i++) {
        const struct ecmg_service_config *config = &server->config.services[i];

        server->services[i].config = config;
        server->services[i].channel = config->has_channel ? &config->channel : &server->config.channel;
        status = ecmg_ecm_key_create(&server->services[i].key, &config->key);
        if (status < 0)
            base_log(BASE_LOG_ERROR, "the service key of Super_CAS_id 0x%08" PRIx32 ": %s",
                     config->super_cas_id, base_error_text(status));
    }
    return status;
}

static int listen_as_told(struct ecmg_server *server)
{
    char why[256];
    int status = net_settings_listen(&server->listener, server->loop, &server->config.listener, on_accepted,
                                     server, why);

    if (status < 0)
        base_log(BASE_LOG_ERROR, "%s", why);
    return status;
}

int ecmg_server_create(struct ecmg_server **server, struct net_loop *loop,
                       const struct ecmg_server_config *config)
{
    struct ecmg_server *made = calloc(1, sizeof(*made));
    int status;

    if (!made)
        return -ENOMEM;
    made->loop = loop;
    made->config = *config;
    set_defaults(&made->config);
    status = set_up_services(made);
    if (status == 0)
        status = listen_as_told(made);
    if (status < 0) {
        ecmg_server_destroy(made);
        return status;
    }
    *server = made;
    return 0;
}

void ecmg_server_destroy(struct ecmg_server *server)
{
    if (!server)
        return;
    net_listener_close(server->listener);
    while (!LIST_EMPTY(&server->connections))
        ecmg__connection_destroy(LIST_FIRST(&server->connections));
    for (unsigned i = 0; i < server->config.service_count; i++)
        ecmg_ecm_key_destroy(server->services[i].key);
    base_secure_zero(server, sizeof(*server));
    free(server);
}

uint16_t ecmg_server_port(const struct ecmg_server *server)
{
    return net_listener_port(server->listener);
}

void ecmg_server_counters(const struct ecmg_server *server, struct ecmg_server_counters *counters)
{
    *counters = server->counters;
}

static const struct ecmg__service *find_service(const struct ecmg_server *server, uint32_t super_cas_id)
{
    const struct ecmg__service *any = NULL;

    for (unsigned i = 0; i < server->config.service_count; i++) {
        const struct ecmg__service *service = &server->services[i];

        if (service->config->any)
            any = service;
        else if (service->config->super_cas_id == super_cas_id)
            return service;
    }
    return any;
}

static bool channel_in_use(const struct ecmg_server *server, uint16_t channel_id)
{
    return server->channels_in_use[channel_id / 8] & (1 << channel_id % 8);
}

uint16_t ecmg__channel_open(struct ecmg__connection *connection, uint16_t channel_id, uint32_t super_cas_id)
{
    struct ecmg_server *server = connection->server;
    const struct ecmg__service *service = find_service(server, super_cas_id);

    if (!service)
        return SIMULCRYPT_ECMG_UNKNOWN_SUPER_CAS_ID;
    if (channel_in_use(server, channel_id))
        return SIMULCRYPT_ECMG_CHANNEL_IN_USE;
    if (server->counters.channels >= server->config.channels_max)
        return SIMULCRYPT_ECMG_TOO_MANY_CHANNELS;
    server->channels_in_use[channel_id / 8] |= (uint8_t)(1 << channel_id % 8);
    server->counters.channels++;
    connection->service = service;
    connection->channel_id = channel_id;
    connection->super_cas_id = super_cas_id;
    return SIMULCRYPT_ECMG_OK;
}

/* Takes a stream that was not entered anywhere, too. */
static void destroy_stream(struct ecmg__stream *stream)
{
    if (stream->cws)
        base_secure_zero(stream->cws, sizeof(*stream->cws));
    free(stream->cws);
    base_secure_zero(stream, sizeof(*stream));
    free(stream);
}

static void forget_stream(struct ecmg__stream *stream)
{
    LIST_REMOVE(stream, in_channel);
    LIST_REMOVE(stream, in_server);
    stream->connection->server->counters.streams--;
    ecmg__delay_forget(stream->connection, stream->stream_id);
    destroy_stream(stream);
}

void ecmg__channel_close(struct ecmg__connection *connection)
{
    struct ecmg_server *server = connection->server;
    struct ecmg__stream *stream, *next;

    if (!connection->service)
        return;
    for (unsigned i = 0; i < ECMG__STREAM_BUCKETS; i++) {
        for (stream = LIST_FIRST(&connection->streams[i]); stream; stream = next) {
            next = LIST_NEXT(stream, in_channel);
            forget_stream(stream);
        }
    }
    server->channels_in_use[connection->channel_id / 8] &= (uint8_t) ~(1 << connection->channel_id % 8);
    server->counters.channels--;
    connection->service = NULL;
}

struct ecmg__stream *ecmg__stream_find(struct ecmg__connection *connection, uint16_t stream_id)
{
    struct ecmg__stream *stream;

    LIST_FOREACH(stream, &connection->streams[stream_id % ECMG__STREAM_BUCKETS], in_channel)
    {
        if (stream->stream_id == stream_id)
            return stream;
    }
    return NULL;
}

static bool is_nearer(const struct ecmg__stream *stream, const struct ecmg__stream *than, uint16_t stream_id)
{
    return !than ||
           (uint16_t)(stream->stream_id - stream_id - 1) < (uint16_t)(than->stream_id - stream_id - 1);
}

struct ecmg__stream *ecmg__stream_after(struct ecmg__connection *connection, uint16_t stream_id)
{
    struct ecmg__stream *stream, *next = NULL;

    for (unsigned i = 0; i < ECMG__STREAM_BUCKETS; i++) {
        LIST_FOREACH(stream, &connection->streams[i], in_channel)
        {
            if (is_nearer(stream, next, stream_id))
                next = stream;
        }
    }
    return next;
}

/* (Super_CAS_id, ECM_id) names an ECM stream system-wide; 0 is what a version 1 SCS has, for all its streams.
 */
static bool ecm_id_in_use(struct ecmg_server *server, uint32_t super_cas_id, uint16_t ecm_id)
{
    struct ecmg__stream *stream;

    LIST_FOREACH(stream, &server->streams[ecm_id % ECMG__ECM_BUCKETS], in_server)
    {
        if (ecm_id && stream->ecm_id == ecm_id && stream->connection->super_cas_id == super_cas_id)
            return true;
    }
    return false;
}

static struct ecmg__stream *create_stream(struct ecmg__connection *connection)
{
    const struct simulcrypt_channel_status *status = &connection->service->channel->status;
    struct ecmg__stream *stream = calloc(1, sizeof(*stream));

    if (!stream)
        return NULL;
    stream->connection = connection;
    if (status->cw_per_msg > status->lead_cw)
        return stream;
    stream->cws = calloc(1, sizeof(*stream->cws));
    if (stream->cws)
        return stream;
    destroy_stream(stream);
    return NULL;
}

uint16_t ecmg__stream_open(struct ecmg__connection *connection, uint16_t stream_id, uint16_t ecm_id)
{
    struct ecmg_server *server = connection->server;
    struct ecmg__stream *stream;

    if (ecm_id_in_use(server, connection->super_cas_id, ecm_id))
        return SIMULCRYPT_ECMG_ECM_ID_IN_USE;
    if (server->counters.streams >= server->config.streams_max)
        return SIMULCRYPT_ECMG_TOO_MANY_STREAMS;
    stream = create_stream(connection);
    if (!stream)
        return SIMULCRYPT_ECMG_OUT_OF_STORAGE;
    stream->stream_id = stream_id;
    stream->ecm_id = ecm_id;
    LIST_INSERT_HEAD(&connection->streams[stream_id % ECMG__STREAM_BUCKETS], stream, in_channel);
    LIST_INSERT_HEAD(&server->streams[ecm_id % ECMG__ECM_BUCKETS], stream, in_server);
    server->counters.streams++;
    return SIMULCRYPT_ECMG_OK;
}

void ecmg__stream_close(struct ecmg__connection *connection, uint16_t stream_id)
{
    struct ecmg__stream *stream = ecmg__stream_find(connection, stream_id);

    if (stream)
        forget_stream(stream);
}
