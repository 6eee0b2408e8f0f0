/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ETSI TS 103 197, clause 10: EIS ⇔ SCS, the SCS's end. */
#include "simulcrypt/scg_session.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "simulcrypt/eis_scs_table.h"
#include "simulcrypt/server.h"

static_assert(SIMULCRYPT_SCGS_MAX * 6 + 6 <= UINT16_MAX, "all SCG_ids fit into one SCG_list_response");

struct simulcrypt_scg_session {
    struct simulcrypt__server server;
    struct simulcrypt_scg_session_ops ops;
    void *context;
    struct simulcrypt_scgs *scgs; /* of the open channel */
    struct simulcrypt_scg scg;    /* the one being read */
    uint8_t out[SIMULCRYPT_EIS_MESSAGE_MAX];
};

static struct simulcrypt_scg_session *session_of(struct simulcrypt__server *server)
{
    return (struct simulcrypt_scg_session *)server;
}

static uint16_t open_channel(struct simulcrypt__server *server, const struct simulcrypt_message *message,
                             const struct simulcrypt__address *about, int *information)
{
    struct simulcrypt_scg_session *session = session_of(server);
    (void)message;
    (void)information;
    return session->ops.channel_setup(session->context, about->channel_id, &session->scgs);
}

static void write_channel_status(struct simulcrypt__server *server, struct simulcrypt_encoder *encoder)
{
    simulcrypt__write_abilities(encoder, simulcrypt__scgs_abilities(session_of(server)->scgs));
}

static void channel_closed(struct simulcrypt__server *server)
{
    session_of(server)->ops.channel_closed(session_of(server)->context, server->link.channel_id);
}

static void close_session(struct simulcrypt__server *server, const char *why)
{
    session_of(server)->ops.close(session_of(server)->context, why);
}

static bool send_status(struct simulcrypt_scg_session *session, uint16_t scg_id)
{
    struct simulcrypt__link *link = &session->server.link;
    struct simulcrypt_scg_status status;
    if (!simulcrypt__scgs_status(session->scgs, scg_id, &status))
        return false;
    struct simulcrypt_encoder encoder =
        simulcrypt__link_begin_stream(link, SIMULCRYPT_EIS_M_SCG_STATUS, scg_id);
    simulcrypt__write_scg_status(&encoder, &status);
    simulcrypt__link_send(link, &encoder);
    return true;
}

static void take_provision(struct simulcrypt__server *server, const struct simulcrypt_message *message)
{
    struct simulcrypt_scg_session *session = session_of(server);
    struct simulcrypt__address about = simulcrypt__address_of(&simulcrypt_eis_scs, message);
    int information;
    uint16_t error = simulcrypt__read_scg(message, &session->scg, &information);
    if (!error)
        error = simulcrypt__scgs_provide(session->scgs, &session->scg, &information);
    if (error)
        simulcrypt__server_refuse(server, &about, error, information);
    if (!error || error == SIMULCRYPT_EIS_ACTIVATION_TOO_SOON)
        send_status(session, about.stream_id);
}

static void take_test(struct simulcrypt__server *server, const struct simulcrypt_message *message)
{
    uint16_t scg_id = simulcrypt_message_u16(message, SIMULCRYPT_EIS_P_SCG_ID);
    if (!send_status(session_of(server), scg_id))
        simulcrypt__server_refuse_stream(server, scg_id, SIMULCRYPT_EIS_UNKNOWN_SCG, SIMULCRYPT_EIS_P_SCG_ID);
}

static void take_list_request(struct simulcrypt__server *server, const struct simulcrypt_message *message)
{
    const struct simulcrypt_scgs *scgs = session_of(server)->scgs;
    struct simulcrypt_encoder encoder =
        simulcrypt__link_begin(&server->link, SIMULCRYPT_EIS_M_SCG_LIST_RESPONSE);
    (void)message;
    for (size_t i = 0; i < simulcrypt_scgs_count(scgs); i++)
        simulcrypt_encode_number(&encoder, SIMULCRYPT_EIS_P_SCG_ID, simulcrypt_scgs_id_at(scgs, i));
    simulcrypt__link_send(&server->link, &encoder);
}

/* Not answered: no answer to it is known. */
static void take_reset(struct simulcrypt__server *server, const struct simulcrypt_message *message)
{
    (void)message;
    simulcrypt__scgs_reset(session_of(server)->scgs);
}

static const struct simulcrypt__server_handler handlers[] = {
    {SIMULCRYPT_EIS_M_CHANNEL_RESET, take_reset},
    {SIMULCRYPT_EIS_M_SCG_PROVISION, take_provision},
    {SIMULCRYPT_EIS_M_SCG_TEST, take_test},
    {SIMULCRYPT_EIS_M_SCG_LIST_REQUEST, take_list_request},
};

static const struct simulcrypt__server_type type = {
    .interface = &simulcrypt_eis_scs,
    .message_max = SIMULCRYPT_EIS_MESSAGE_MAX,
    .peer = "EIS",
    .open_channel = open_channel,
    .write_channel_status = write_channel_status,
    .channel_closed = channel_closed,
    .close = close_session,
    .handlers = handlers,
    .handler_count = sizeof(handlers) / sizeof(*handlers),
};

void simulcrypt_scg_session_input(struct simulcrypt_scg_session *session, const uint8_t *bytes, size_t size)
{
    simulcrypt__server_input(&session->server, bytes, size);
}

int simulcrypt_scg_session_send_status(struct simulcrypt_scg_session *session, uint16_t scg_id)
{
    if (!session->server.channel_open)
        return -ENOTCONN;
    return send_status(session, scg_id) ? 0 : -ENOENT;
}

int simulcrypt_scg_session_test_channel(struct simulcrypt_scg_session *session)
{
    return simulcrypt__server_test_channel(&session->server);
}

int simulcrypt_scg_session_create(struct simulcrypt_scg_session **session,
                                  const struct simulcrypt_scg_session_ops *ops, void *context)
{
    struct simulcrypt_scg_session *made = calloc(1, sizeof(*made));
    *session = made;
    if (!made)
        return -ENOMEM;
    made->ops = *ops;
    made->context = context;
    simulcrypt__server_init(&made->server, &type, ops->send, context, made->out, sizeof(made->out));
    return 0;
}

void simulcrypt_scg_session_destroy(struct simulcrypt_scg_session *session)
{
    if (!session)
        return;
    simulcrypt__server_clear(&session->server);
    free(session);
}
