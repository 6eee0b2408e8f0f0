/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ETSI TS 103 197, clause 6: EMMG/PDG ⇔ MUX, the MUX's end. */
#include "simulcrypt/mux_session.h"

#include <errno.h>
#include <stdlib.h>

#include "base/bucket.h"
#include "base/error.h"
#include "simulcrypt/emmg_mux_table.h"
#include "simulcrypt/server.h"

#define MESSAGE_MAX (SIMULCRYPT_HEADER_SIZE + UINT16_MAX) /* data_provision fills what there is */
#define SENT_MAX    64
#define BURST_MS    1000 /* of a stream's bandwidth may come at once */

struct stream {
    struct simulcrypt__stream head;
    struct simulcrypt_data_stream about;
    struct base_bucket bandwidth; /* a message may overdraw it: the largest passes however low it is */
    bool exceeding;               /* and the EMMG has been told */
};

struct simulcrypt_mux_session {
    struct simulcrypt__server server;
    struct simulcrypt_mux_ops ops;
    void *context;
    enum simulcrypt_format format;
    uint64_t now_ms;
    uint8_t out[SENT_MAX];
};

static struct simulcrypt_mux_session *session_of(struct simulcrypt__server *server)
{
    return (struct simulcrypt_mux_session *)server;
}

static struct stream *find_stream(const struct simulcrypt_mux_session *session, uint16_t stream_id)
{
    return (struct stream *)simulcrypt__streams_find(&session->server.streams, stream_id);
}

static struct stream *find_data(const struct simulcrypt_mux_session *session, uint16_t data_id)
{
    for (size_t i = 0; i < session->server.streams.count; i++) {
        struct stream *stream = (struct stream *)session->server.streams.items[i];
        if (stream->about.data_id == data_id)
            return stream;
    }
    return NULL;
}

static uint16_t open_channel(struct simulcrypt__server *server, const struct simulcrypt_message *message,
                             const struct simulcrypt__address *about, int *information)
{
    struct simulcrypt_mux_session *session = session_of(server);
    (void)information;
    session->format =
        (enum simulcrypt_format)simulcrypt_message_number(message, SIMULCRYPT_EMMG_P_SECTION_TSPKT_FLAG);
    return session->ops.channel_setup(session->context, about->client_id, about->channel_id, session->format);
}

static void write_channel_status(struct simulcrypt__server *server, struct simulcrypt_encoder *encoder)
{
    simulcrypt_encode_number(encoder, SIMULCRYPT_EMMG_P_SECTION_TSPKT_FLAG, session_of(server)->format);
}

static void channel_closed(struct simulcrypt__server *server)
{
    struct simulcrypt_mux_session *session = session_of(server);
    session->ops.channel_closed(session->context, server->link.channel_id);
}

static void set_bandwidth(struct simulcrypt_mux_session *session, struct stream *stream, uint16_t bandwidth)
{
    if (stream->bandwidth.rate != bandwidth)
        base_bucket_init(&stream->bandwidth, bandwidth, BURST_MS, session->now_ms);
}

static uint16_t open_stream(struct simulcrypt__server *server, const struct simulcrypt_message *message,
                            struct simulcrypt__stream *head, int *information)
{
    struct simulcrypt_mux_session *session = session_of(server);
    struct stream *stream = (struct stream *)head;
    uint16_t bandwidth = 0;
    stream->about = (struct simulcrypt_data_stream){
        .stream_id = head->id,
        .data_id = simulcrypt_message_u16(message, SIMULCRYPT_EMMG_P_DATA_ID),
        .data_type = (uint8_t)simulcrypt_message_u16(message, SIMULCRYPT_EMMG_P_DATA_TYPE),
    };
    *information = SIMULCRYPT_EMMG_P_DATA_ID;
    if (message->version >= 2 && find_data(session, stream->about.data_id))
        return SIMULCRYPT_EMMG_DATA_ID_IN_USE;
    *information = SIMULCRYPT_NO_INFORMATION;
    uint16_t error = session->ops.stream_setup(session->context, &stream->about, &bandwidth);
    set_bandwidth(session, stream, bandwidth);
    return error;
}

static void write_stream_status(struct simulcrypt__server *server, const struct simulcrypt__stream *head,
                                struct simulcrypt_encoder *encoder)
{
    (void)server;
    simulcrypt__write_data_stream(encoder, &((const struct stream *)head)->about);
}

static void stream_closed(struct simulcrypt__server *server, uint16_t stream_id)
{
    session_of(server)->ops.stream_closed(session_of(server)->context, stream_id);
}

static void close_session(struct simulcrypt__server *server, const char *why)
{
    session_of(server)->ops.close(session_of(server)->context, why);
}

static void send_allocation(struct simulcrypt_mux_session *session, const struct stream *stream)
{
    struct simulcrypt__link *link = &session->server.link;
    struct simulcrypt_encoder encoder =
        simulcrypt__link_begin_stream(link, SIMULCRYPT_EMMG_M_STREAM_BW_ALLOCATION, stream->head.id);
    if (stream->bandwidth.rate)
        simulcrypt_encode_number(&encoder, SIMULCRYPT_EMMG_P_BANDWIDTH, stream->bandwidth.rate);
    simulcrypt__link_send(link, &encoder);
}

static void take_bandwidth_request(struct simulcrypt__server *server,
                                   const struct simulcrypt_message *message)
{
    struct simulcrypt_mux_session *session = session_of(server);
    struct stream *stream =
        find_stream(session, simulcrypt_message_u16(message, SIMULCRYPT_EMMG_P_DATA_STREAM_ID));
    bool asks = simulcrypt_message_count(message, SIMULCRYPT_EMMG_P_BANDWIDTH) > 0;
    uint16_t asked = simulcrypt_message_u16(message, SIMULCRYPT_EMMG_P_BANDWIDTH);
    uint16_t bandwidth = (uint16_t)stream->bandwidth.rate;
    uint16_t error =
        session->ops.bandwidth(session->context, stream->head.id, asks ? &asked : NULL, &bandwidth);
    if (error) {
        simulcrypt__server_refuse_stream(server, stream->head.id, error, SIMULCRYPT_NO_INFORMATION);
        return;
    }
    set_bandwidth(session, stream, bandwidth);
    send_allocation(session, stream);
}

/* All of a message's datagrams, or none. */
static uint16_t deliver(struct simulcrypt_mux_session *session, struct stream *stream,
                        const struct simulcrypt_message *message)
{
    int64_t bits = simulcrypt_data_provision_bits(message, session->format);
    uint16_t stream_id = stream->head.id;
    if (bits < 0)
        return SIMULCRYPT_EMMG_INVALID_VALUE;
    if (!base_bucket_take(&stream->bandwidth, bits, session->now_ms))
        return SIMULCRYPT_EMMG_EXCEEDED_BANDWIDTH;
    stream->exceeding = false;
    struct simulcrypt_field datagram = simulcrypt_data_provision_next(message, (struct simulcrypt_field){0});
    for (; datagram.value; datagram = simulcrypt_data_provision_next(message, datagram))
        session->ops.data(session->context, stream_id, datagram.value, datagram.size);
    return SIMULCRYPT_EMMG_OK;
}

/* The stream of a data_provision over TCP: by data_stream_id, or by data_id where an EMMG leaves that out. */
static struct stream *stream_of(const struct simulcrypt_mux_session *session,
                                const struct simulcrypt_message *message)
{
    uint16_t data_id = simulcrypt_message_u16(message, SIMULCRYPT_EMMG_P_DATA_ID);
    if (!simulcrypt_message_count(message, SIMULCRYPT_EMMG_P_DATA_STREAM_ID))
        return find_data(session, data_id);
    struct stream *stream =
        find_stream(session, simulcrypt_message_u16(message, SIMULCRYPT_EMMG_P_DATA_STREAM_ID));
    bool same =
        !simulcrypt_message_count(message, SIMULCRYPT_EMMG_P_DATA_ID) || stream->about.data_id == data_id;
    return same ? stream : NULL;
}

static void take_data_provision(struct simulcrypt__server *server, const struct simulcrypt_message *message)
{
    struct simulcrypt_mux_session *session = session_of(server);
    struct stream *stream = stream_of(session, message);
    if (!stream) {
        struct simulcrypt__address about = simulcrypt__address_of(&simulcrypt_emmg_mux, message);
        about.channel_id = server->link.channel_id; /* which may have been left out */
        simulcrypt__server_refuse(server, &about, SIMULCRYPT_EMMG_UNKNOWN_DATA_ID, SIMULCRYPT_EMMG_P_DATA_ID);
        return;
    }
    uint16_t error = deliver(session, stream, message);
    bool exceeds = error == SIMULCRYPT_EMMG_EXCEEDED_BANDWIDTH;
    bool told = exceeds && stream->exceeding;
    stream->exceeding |= exceeds;
    if (error && !told)
        simulcrypt__server_refuse_stream(server, stream->head.id, error,
                                         exceeds ? SIMULCRYPT_NO_INFORMATION : SIMULCRYPT_EMMG_P_DATAGRAM);
}

static const struct simulcrypt__server_handler handlers[] = {
    {SIMULCRYPT_EMMG_M_STREAM_BW_REQUEST, take_bandwidth_request},
    {SIMULCRYPT_EMMG_M_DATA_PROVISION, take_data_provision},
};

static const struct simulcrypt__server_type type = {
    .interface = &simulcrypt_emmg_mux,
    .message_max = MESSAGE_MAX,
    .peer = "EMMG",
    .stream_size = sizeof(struct stream),
    .open_channel = open_channel,
    .write_channel_status = write_channel_status,
    .channel_closed = channel_closed,
    .open_stream = open_stream,
    .write_stream_status = write_stream_status,
    .stream_closed = stream_closed,
    .close = close_session,
    .handlers = handlers,
    .handler_count = sizeof(handlers) / sizeof(*handlers),
};

void simulcrypt_mux_session_input(struct simulcrypt_mux_session *session, const uint8_t *bytes, size_t size,
                                  uint64_t now_ms)
{
    session->now_ms = now_ms;
    simulcrypt__server_input(&session->server, bytes, size);
}

int simulcrypt_mux_session_udp(struct simulcrypt_mux_session *session,
                               const struct simulcrypt_message *message, uint64_t now_ms)
{
    uint32_t client_id = simulcrypt_message_number(message, SIMULCRYPT_EMMG_P_CLIENT_ID);
    if (!session->server.channel_open || session->server.link.client_id != client_id)
        return -ENOENT;
    struct stream *stream = find_data(session, simulcrypt_message_u16(message, SIMULCRYPT_EMMG_P_DATA_ID));
    if (!stream)
        return -ENOENT;
    session->now_ms = now_ms;
    uint16_t error = deliver(session, stream, message);
    if (error == SIMULCRYPT_EMMG_EXCEEDED_BANDWIDTH)
        return -EDQUOT;
    return error ? BASE_E_MALFORMED : 0;
}

int simulcrypt_mux_session_allocate(struct simulcrypt_mux_session *session, uint16_t stream_id,
                                    uint16_t bandwidth)
{
    struct stream *stream = find_stream(session, stream_id);
    if (!stream)
        return -ENOENT;
    set_bandwidth(session, stream, bandwidth);
    send_allocation(session, stream);
    return 0;
}

int simulcrypt_mux_session_stream_error(struct simulcrypt_mux_session *session, uint16_t stream_id,
                                        uint16_t error)
{
    if (!find_stream(session, stream_id))
        return -ENOENT;
    simulcrypt__server_refuse_stream(&session->server, stream_id, error, SIMULCRYPT_NO_INFORMATION);
    return 0;
}

int simulcrypt_mux_session_test_channel(struct simulcrypt_mux_session *session)
{
    return simulcrypt__server_test_channel(&session->server);
}

int simulcrypt_mux_session_test_stream(struct simulcrypt_mux_session *session, uint16_t stream_id)
{
    return simulcrypt__server_test_stream(&session->server, stream_id);
}

int simulcrypt_mux_session_create(struct simulcrypt_mux_session **session, uint16_t max_streams,
                                  const struct simulcrypt_mux_ops *ops, void *context)
{
    struct simulcrypt_mux_session *made = calloc(1, sizeof(*made));
    *session = made;
    if (!made)
        return -ENOMEM;
    made->ops = *ops;
    made->context = context;
    made->server.max_streams = max_streams;
    simulcrypt__server_init(&made->server, &type, ops->send, context, made->out, sizeof(made->out));
    return 0;
}

void simulcrypt_mux_session_destroy(struct simulcrypt_mux_session *session)
{
    if (!session)
        return;
    simulcrypt__server_clear(&session->server);
    free(session);
}
