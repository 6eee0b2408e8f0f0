/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ETSI TS 103 197, clause 10: EIS ⇔ SCS, the EIS's end. */
#include "simulcrypt/eis_session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "simulcrypt/client.h"
#include "simulcrypt/eis_scs_table.h"

/* SCG_provision or SCG_test that awaits its SCG_status. */
struct request {
    struct simulcrypt__stream head; /* SCG_id */
    uint64_t deadline;
};

struct simulcrypt_eis_session {
    struct simulcrypt__client client;
    struct simulcrypt_eis_ops ops;
    void *context;
    struct simulcrypt_scs_abilities abilities; /* in force */
    struct simulcrypt__streams requests;
    uint64_t list_deadline;
    uint16_t ids[SIMULCRYPT_EIS_MESSAGE_MAX / 6]; /* of the SCG_list_response being read */
    uint8_t out[SIMULCRYPT_EIS_MESSAGE_MAX];
};

static struct simulcrypt_eis_session *session_of(struct simulcrypt__client *client)
{
    return (struct simulcrypt_eis_session *)client;
}

static void forget_requests(struct simulcrypt_eis_session *session)
{
    simulcrypt__streams_clear(&session->requests);
    session->list_deadline = SIMULCRYPT_NEVER;
}

static void fail(struct simulcrypt__client *client, const char *why)
{
    session_of(client)->ops.fail(session_of(client)->context, why);
}

static void write_channel_setup(struct simulcrypt__client *client, struct simulcrypt_encoder *encoder)
{
    (void)client;
    (void)encoder;
}

static bool take_channel_status(struct simulcrypt__client *client, const struct simulcrypt_message *message)
{
    simulcrypt__read_abilities(message, &session_of(client)->abilities);
    return true;
}

static void channel_up(struct simulcrypt__client *client, const struct simulcrypt_message *message)
{
    (void)message;
    session_of(client)->ops.channel_up(session_of(client)->context, &session_of(client)->abilities);
}

static void write_channel_status(struct simulcrypt__client *client, struct simulcrypt_encoder *encoder)
{
    simulcrypt__write_abilities(encoder, &session_of(client)->abilities);
}

/* A channel_error names no message: every request that is outstanding is taken as refused. */
static void refused(struct simulcrypt__client *client, struct simulcrypt__client_stream *stream,
                    uint16_t error, const char *text)
{
    struct simulcrypt_eis_session *session = session_of(client);
    unsigned connection = client->connection;
    (void)stream;
    for (size_t left = session->requests.count; left && session->requests.count; left--) {
        uint16_t scg_id = session->requests.items[0]->id;
        simulcrypt__streams_remove(&session->requests, scg_id);
        session->ops.scg_error(session->context, scg_id, error, text);
        if (client->connection != connection)
            return;
    }
    session->list_deadline = SIMULCRYPT_NEVER;
    session->ops.channel_error(session->context, error, text);
}

static void take_scg_status(struct simulcrypt__client *client, const struct simulcrypt_message *message)
{
    struct simulcrypt_eis_session *session = session_of(client);
    struct simulcrypt_scg_status status;
    simulcrypt__read_scg_status(message, &status);
    simulcrypt__streams_remove(&session->requests, status.scg_id);
    session->ops.scg_status(session->context, &status);
}

/* The first error that is no mere warning, or the warning. */
static uint16_t gravest(const struct simulcrypt_message *message)
{
    struct simulcrypt_field field = simulcrypt_message_first(message, SIMULCRYPT_EIS_P_ERROR_STATUS);
    for (; field.value; field = simulcrypt_message_next(message, SIMULCRYPT_EIS_P_ERROR_STATUS, field))
        if (simulcrypt_field_number(field) != SIMULCRYPT_EIS_ACTIVATION_TOO_SOON)
            return (uint16_t)simulcrypt_field_number(field);
    return SIMULCRYPT_EIS_ACTIVATION_TOO_SOON;
}

/* What the SCS says about it in its own words, as far as a terminal can be trusted with them. */
static void append_description(char *text, size_t room, const struct simulcrypt_message *message)
{
    struct simulcrypt_field words = simulcrypt_message_first(message, SIMULCRYPT_EIS_P_ERROR_DESCRIPTION);
    size_t used = strlen(text);
    if (!words.size || used + sizeof(" ()") >= room)
        return;
    text[used++] = ' ';
    text[used++] = '(';
    for (size_t i = 0; i < words.size && used + 2 < room; i++)
        text[used++] = words.value[i] >= ' ' && words.value[i] <= '~' ? (char)words.value[i] : '?';
    text[used++] = ')';
    text[used] = '\0';
}

static void take_scg_error(struct simulcrypt__client *client, const struct simulcrypt_message *message)
{
    struct simulcrypt_eis_session *session = session_of(client);
    uint16_t scg_id = simulcrypt_message_u16(message, SIMULCRYPT_EIS_P_SCG_ID);
    uint16_t error = gravest(message);
    if (error != SIMULCRYPT_EIS_ACTIVATION_TOO_SOON)
        simulcrypt__streams_remove(&session->requests, scg_id);
    struct simulcrypt__sentence made = simulcrypt__error_text(&simulcrypt_eis_scs, message);
    bool first = error == simulcrypt_message_u16(message, SIMULCRYPT_EIS_P_ERROR_STATUS);
    char text[256];
    snprintf(text, sizeof(text), "%s", first ? made.text : simulcrypt_eis_error_text(error));
    append_description(text, sizeof(text), message);
    session->ops.scg_error(session->context, scg_id, error, text);
}

static void take_list(struct simulcrypt__client *client, const struct simulcrypt_message *message)
{
    struct simulcrypt_eis_session *session = session_of(client);
    struct simulcrypt_field id = simulcrypt_message_first(message, SIMULCRYPT_EIS_P_SCG_ID);
    size_t count = 0;
    for (; id.value; id = simulcrypt_message_next(message, SIMULCRYPT_EIS_P_SCG_ID, id))
        session->ids[count++] = (uint16_t)simulcrypt_field_number(id);
    session->list_deadline = SIMULCRYPT_NEVER;
    session->ops.scg_list(session->context, session->ids, count);
}

static const struct simulcrypt__client_handler handlers[] = {
    {SIMULCRYPT_EIS_M_SCG_STATUS, take_scg_status},
    {SIMULCRYPT_EIS_M_SCG_ERROR, take_scg_error},
    {SIMULCRYPT_EIS_M_SCG_LIST_RESPONSE, take_list},
};

static const struct simulcrypt__client_type type = {
    .interface = &simulcrypt_eis_scs,
    .message_max = SIMULCRYPT_EIS_MESSAGE_MAX,
    .peer = "SCS",
    .handlers = handlers,
    .handler_count = sizeof(handlers) / sizeof(*handlers),
    .fail = fail,
    .write_channel_setup = write_channel_setup,
    .take_channel_status = take_channel_status,
    .channel_up = channel_up,
    .write_channel_status = write_channel_status,
    .refused = refused,
};

void simulcrypt_eis_session_connected(struct simulcrypt_eis_session *session, uint64_t now_ms)
{
    forget_requests(session);
    simulcrypt__client_connected(&session->client, now_ms);
}

void simulcrypt_eis_session_input(struct simulcrypt_eis_session *session, const uint8_t *bytes, size_t size,
                                  uint64_t now_ms)
{
    simulcrypt__client_input(&session->client, bytes, size, now_ms);
}

void simulcrypt_eis_session_disconnected(struct simulcrypt_eis_session *session)
{
    forget_requests(session);
    simulcrypt__client_disconnected(&session->client);
}

static struct request *next_request(const struct simulcrypt_eis_session *session)
{
    struct request *next = NULL;
    for (size_t i = 0; i < session->requests.count; i++) {
        struct request *request = (struct request *)session->requests.items[i];
        if (!next || request->deadline < next->deadline)
            next = request;
    }
    return next;
}

static void expire_requests(struct simulcrypt_eis_session *session)
{
    struct request *request = next_request(session);
    while (request && session->client.now_ms >= request->deadline) {
        uint16_t scg_id = request->head.id;
        simulcrypt__streams_remove(&session->requests, scg_id);
        session->ops.unanswered(session->context, scg_id);
        request = next_request(session);
    }
    if (session->client.now_ms >= session->list_deadline)
        simulcrypt__client_fail(&session->client, "no SCG_list_response within %u ms",
                                session->client.reply_timeout_ms);
}

uint64_t simulcrypt_eis_session_tick(struct simulcrypt_eis_session *session, uint64_t now_ms)
{
    session->client.now_ms = now_ms;
    expire_requests(session);
    uint64_t next = simulcrypt__client_tick(&session->client, now_ms);
    const struct request *request = next_request(session);
    if (!simulcrypt__client_is_running(&session->client))
        return SIMULCRYPT_NEVER;
    next = session->list_deadline < next ? session->list_deadline : next;
    return request && request->deadline < next ? request->deadline : next;
}

/* The answer about this SCG is awaited from now on. */
static int expect_answer(struct simulcrypt_eis_session *session, uint16_t scg_id, uint64_t now_ms)
{
    if (session->client.state != CHANNEL_UP)
        return -ENOTCONN;
    if (simulcrypt__streams_find(&session->requests, scg_id))
        return -EBUSY;
    struct request *request = calloc(1, sizeof(*request));
    if (!request)
        return -ENOMEM;
    request->head.id = scg_id;
    request->deadline = now_ms + session->client.reply_timeout_ms;
    if (!simulcrypt__streams_insert(&session->requests, &request->head))
        return 0;
    free(request);
    return -ENOMEM;
}

static int send_request(struct simulcrypt_eis_session *session, uint16_t message_type, uint16_t scg_id,
                        const struct simulcrypt_scg *scg, uint64_t now_ms)
{
    int status = expect_answer(session, scg_id, now_ms);
    if (status)
        return status;
    session->client.now_ms = now_ms;
    struct simulcrypt_encoder encoder =
        simulcrypt__link_begin_stream(&session->client.link, message_type, scg_id);
    if (scg)
        simulcrypt__write_scg(&encoder, scg);
    status = simulcrypt__link_send(&session->client.link, &encoder);
    if (status)
        simulcrypt__streams_remove(&session->requests, scg_id);
    return status;
}

int simulcrypt_eis_session_provision(struct simulcrypt_eis_session *session, const struct simulcrypt_scg *scg,
                                     uint64_t now_ms)
{
    if (scg->service_count > SIMULCRYPT_SCG_CONTENT_MAX ||
        scg->component_count > SIMULCRYPT_SCG_CONTENT_MAX ||
        scg->ecm_group_count > SIMULCRYPT_SCG_ECM_GROUPS_MAX)
        return -EINVAL;
    return send_request(session, SIMULCRYPT_EIS_M_SCG_PROVISION, scg->scg_id, scg, now_ms);
}

int simulcrypt_eis_session_test(struct simulcrypt_eis_session *session, uint16_t scg_id, uint64_t now_ms)
{
    return send_request(session, SIMULCRYPT_EIS_M_SCG_TEST, scg_id, NULL, now_ms);
}

int simulcrypt_eis_session_list(struct simulcrypt_eis_session *session, uint64_t now_ms)
{
    if (session->client.state != CHANNEL_UP)
        return -ENOTCONN;
    session->client.now_ms = now_ms;
    session->list_deadline = now_ms + session->client.reply_timeout_ms;
    simulcrypt__link_send_plain(&session->client.link, SIMULCRYPT_EIS_M_SCG_LIST_REQUEST);
    return 0;
}

int simulcrypt_eis_session_reset(struct simulcrypt_eis_session *session)
{
    if (session->client.state != CHANNEL_UP)
        return -ENOTCONN;
    simulcrypt__link_send_plain(&session->client.link, SIMULCRYPT_EIS_M_CHANNEL_RESET);
    return 0;
}

bool simulcrypt_eis_session_version_refused(const struct simulcrypt_eis_session *session)
{
    return session->client.version_refused;
}

void simulcrypt_eis_session_close(struct simulcrypt_eis_session *session)
{
    simulcrypt__client_close(&session->client);
    forget_requests(session);
}

int simulcrypt_eis_session_create(struct simulcrypt_eis_session **session,
                                  const struct simulcrypt_eis_config *config,
                                  const struct simulcrypt_eis_ops *ops, void *context)
{
    *session = NULL;
    if (!simulcrypt_version_is_known(&simulcrypt_eis_scs, config->version))
        return -EINVAL;
    struct simulcrypt_eis_session *made = calloc(1, sizeof(*made));
    if (!made)
        return -ENOMEM;
    made->ops = *ops;
    made->context = context;
    made->client.reply_timeout_ms = config->reply_timeout_ms;
    made->client.test_period_ms = config->test_period_ms;
    made->client.link.version = config->version;
    made->client.link.channel_id = config->channel_id;
    made->list_deadline = SIMULCRYPT_NEVER;
    simulcrypt__client_init(&made->client, &type, ops->send, context, made->out, sizeof(made->out));
    *session = made;
    return 0;
}

void simulcrypt_eis_session_destroy(struct simulcrypt_eis_session *session)
{
    if (!session)
        return;
    simulcrypt__streams_clear(&session->requests);
    simulcrypt__client_clear(&session->client);
    free(session);
}
