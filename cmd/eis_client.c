/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/eis_client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/error.h"
#include "net/dialer.h"
#include "simulcrypt/eis_session.h"

#define VERSION_LOWEST 2
#define UNANSWERED_MAX 16   /* requests under way: the SCS need not take in a thousand at once */
#define RATE_MAX       2000 /* statuses and errors per second: no SCS floods a terminal */

struct cmd_eis_client {
    struct net_loop *loop;
    const struct cmd_eis_config *config;
    struct cmd_eis_client_ops ops;
    void *context;
    struct net_tls *tls;
    struct net_dialer *dialer;
    struct net_timer *tick;
    struct simulcrypt_eis_session *session; /* one per connection: the version may have changed */
    uint8_t version;
    bool lowered; /* the version was, as this connection ended */
    int64_t start_ms;
    struct cmd_eis_queue queue;
    bool *accepted; /* per entry of the configuration's scgs: its definition has reached the SCS before */
    struct simulcrypt_scg scg;
};

/* UTC, ms since 1970. */
static int64_t wall_clock_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

static void tick(void *context)
{
    struct cmd_eis_client *client = context;
    uint64_t now = net_loop_now_ms(client->loop);
    uint64_t next;

    if (!client->session || !net_dialer_is_connected(client->dialer))
        return;
    next = simulcrypt_eis_session_tick(client->session, now);
    if (next != UINT64_MAX)
        net_timer_start(client->tick, next > now ? next - now : 1);
}

/* Requests */

static const struct cmd_eis_scg *find_entry(const struct cmd_eis_client *client, uint16_t scg_id)
{
    for (unsigned i = 0; i < client->config->scg_count; i++) {
        if (client->config->scgs[i].scg.scg_id == scg_id)
            return &client->config->scgs[i];
    }
    return NULL;
}

/* A definition that the SCS has had before is no change of access criteria, and its time may be over. */
static void describe_again(struct simulcrypt_scg *scg)
{
    for (unsigned i = 0; i < scg->ecm_group_count; i++)
        scg->ecm_groups[i].ac_changed = false;
    if (scg->has_activation_time && simulcrypt_time_to_unix_ms(&scg->activation_time) <= wall_clock_ms())
        scg->has_activation_time = false;
}

static int provide(struct cmd_eis_client *client, uint16_t scg_id)
{
    const struct cmd_eis_scg *entry = find_entry(client, scg_id);

    cmd_eis_describe(entry, client->start_ms, &client->scg);
    if (client->accepted[entry - client->config->scgs])
        describe_again(&client->scg);
    return simulcrypt_eis_session_provision(client->session, &client->scg, net_loop_now_ms(client->loop));
}

static int remove_scg(struct cmd_eis_client *client, uint16_t scg_id)
{
    const struct cmd_eis_scg *entry = find_entry(client, scg_id);
    const struct cmd_eis_config *config = client->config;

    client->scg = (struct simulcrypt_scg){
        .scg_id = scg_id,
        .reference_id = entry ? entry->scg.reference_id : 0,
        .transport_stream_id = entry ? entry->scg.transport_stream_id : config->transport_stream_id,
        .original_network_id = entry ? entry->scg.original_network_id : config->original_network_id,
    };
    return simulcrypt_eis_session_provision(client->session, &client->scg, net_loop_now_ms(client->loop));
}

static int send_request(struct cmd_eis_client *client, const struct cmd_eis_entry *request)
{
    uint64_t now = net_loop_now_ms(client->loop);

    switch (request->kind) {
    case CMD_EIS_PROVIDE:
        return provide(client, request->scg_id);
    case CMD_EIS_REMOVE:
        return remove_scg(client, request->scg_id);
    case CMD_EIS_TEST:
        return simulcrypt_eis_session_test(client->session, request->scg_id, now);
    case CMD_EIS_RESET:
        return simulcrypt_eis_session_reset(client->session);
    case CMD_EIS_LIST:
        return simulcrypt_eis_session_list(client->session, now);
    }
    return -EINVAL;
}

/* It cannot be sent at all. */
static void refuse_request(struct cmd_eis_client *client, size_t index, int status)
{
    uint16_t scg_id = client->queue.entries[index].scg_id;

    client->queue.entries[index].sent = client->queue.entries[index].answered = true;
    client->ops.answer(client->context, &(const struct cmd_eis_answer){.scg_id = scg_id,
                                                                       .result = CMD_EIS_REFUSED,
                                                                       .text = base_error_text(status)});
}

/* -EBUSY: an answer about the same SCG is awaited; the order is kept. Callbacks may add requests. */
static void send_waiting(struct cmd_eis_client *client)
{
    int status = 0;

    if (!client->session)
        return;
    for (size_t i = 0; i < client->queue.count && client->queue.under_way < UNANSWERED_MAX; i++) {
        if (client->queue.entries[i].sent)
            continue;
        status = send_request(client, &client->queue.entries[i]);
        if (status == -EBUSY || status == -ENOTCONN)
            break;
        if (status < 0)
            refuse_request(client, i, status);
        else
            cmd_eis_queue_note_sent(&client->queue, i);
    }
    tick(client);
}

static void go_on(struct cmd_eis_client *client)
{
    send_waiting(client);
    cmd_eis_queue_forget_answered(&client->queue);
    if (!client->queue.count)
        client->ops.idle(client->context);
}

/* Whether it was asked for or not. */
static void note_answered(struct cmd_eis_client *client, bool about_scg, uint16_t scg_id)
{
    struct cmd_eis_entry *request = cmd_eis_queue_find(&client->queue, about_scg, scg_id);

    if (!request)
        return;
    cmd_eis_queue_note_answered(&client->queue, request);
    cmd_eis_queue_forget_answered(&client->queue);
    go_on(client);
}

/* Session */

static void session_send(void *context, const uint8_t *bytes, size_t size)
{
    struct cmd_eis_client *client = context;

    net_dialer_write(client->dialer, bytes, size);
}

static void session_fail(void *context, const char *why)
{
    struct cmd_eis_client *client = context;

    client->lowered =
        client->version > VERSION_LOWEST && simulcrypt_eis_session_version_refused(client->session);
    client->version -= client->lowered;
    net_dialer_drop(client->dialer, why);
}

static void session_channel_up(void *context, const struct simulcrypt_scs_abilities *abilities)
{
    struct cmd_eis_client *client = context;

    client->ops.up(client->context, abilities, client->version);
    go_on(client);
}

static void note_accepted(struct cmd_eis_client *client, const struct cmd_eis_entry *request)
{
    if (request && request->kind == CMD_EIS_PROVIDE)
        client->accepted[find_entry(client, request->scg_id) - client->config->scgs] = true;
}

static void session_scg_status(void *context, const struct simulcrypt_scg_status *status)
{
    struct cmd_eis_client *client = context;

    net_dialer_charge(client->dialer, 1);
    net_dialer_settle(client->dialer);
    note_accepted(client, cmd_eis_queue_find(&client->queue, true, status->scg_id));
    client->ops.answer(client->context,
                       &(const struct cmd_eis_answer){
                           .scg_id = status->scg_id, .result = CMD_EIS_STATUS, .status = status, .text = ""});
    note_answered(client, true, status->scg_id);
}

static void session_scg_error(void *context, uint16_t scg_id, uint16_t error, const char *text)
{
    struct cmd_eis_client *client = context;
    bool warned = error == SIMULCRYPT_EIS_ACTIVATION_TOO_SOON;

    net_dialer_charge(client->dialer, 1);
    client->ops.answer(client->context,
                       &(const struct cmd_eis_answer){.scg_id = scg_id,
                                                      .result = warned ? CMD_EIS_WARNED : CMD_EIS_REFUSED,
                                                      .error = error,
                                                      .text = text});
    if (!warned)
        note_answered(client, true, scg_id);
}

static void session_unanswered(void *context, uint16_t scg_id)
{
    struct cmd_eis_client *client = context;

    client->ops.answer(client->context, &(const struct cmd_eis_answer){.scg_id = scg_id,
                                                                       .result = CMD_EIS_UNANSWERED,
                                                                       .text = "no answer in time"});
    note_answered(client, true, scg_id);
}

static void session_scg_list(void *context, const uint16_t *scg_ids, size_t count)
{
    struct cmd_eis_client *client = context;

    net_dialer_settle(client->dialer);
    client->ops.list(client->context, scg_ids, count);
    note_answered(client, false, 0);
}

static void session_channel_error(void *context, uint16_t error, const char *text)
{
    struct cmd_eis_client *client = context;

    (void)error;
    client->ops.channel_error(client->context, text);
    note_answered(client, false, 0);
}

static const struct simulcrypt_eis_ops session_ops = {
    .send = session_send,
    .fail = session_fail,
    .channel_up = session_channel_up,
    .scg_status = session_scg_status,
    .scg_error = session_scg_error,
    .unanswered = session_unanswered,
    .scg_list = session_scg_list,
    .channel_error = session_channel_error,
};

/* Connection */

static void on_connected(void *context)
{
    struct cmd_eis_client *client = context;
    const struct simulcrypt_eis_config config = {
        .version = client->version,
        .channel_id = client->config->channel_id,
        .reply_timeout_ms = (uint32_t)(client->config->reply_timeout_us / 1000),
        .test_period_ms = (uint32_t)(client->config->test_period_us / 1000)};

    simulcrypt_eis_session_destroy(client->session);
    if (simulcrypt_eis_session_create(&client->session, &config, &session_ops, client) < 0) {
        net_dialer_drop(client->dialer, "out of memory");
        return;
    }
    cmd_eis_queue_begin_again(&client->queue);
    simulcrypt_eis_session_connected(client->session, net_loop_now_ms(client->loop));
    tick(client);
}

static void on_input(void *context, const uint8_t *bytes, size_t size)
{
    struct cmd_eis_client *client = context;

    simulcrypt_eis_session_input(client->session, bytes, size, net_loop_now_ms(client->loop));
    tick(client);
}

static void on_down(void *context, const char *why)
{
    struct cmd_eis_client *client = context;
    bool lowered = client->lowered;

    if (client->session)
        simulcrypt_eis_session_disconnected(client->session);
    client->lowered = false;
    net_timer_stop(client->tick);
    client->ops.down(client->context, why, lowered);
}

static const struct net_dialer_ops dialer_ops = {
    .connected = on_connected, .input = on_input, .down = on_down};

static int create_tls(struct cmd_eis_client *client, char why[static CMD_EIS_WHY_SIZE])
{
    if (!net_tls_is_wanted(&client->config->tls))
        return 0;
    return net_tls_create(&client->tls, &client->config->tls, false, why);
}

static int create_parts(struct cmd_eis_client *client, char why[static CMD_EIS_WHY_SIZE])
{
    struct net_dialer_config config = {.host = client->config->scs.host,
                                       .port = client->config->scs.port,
                                       .peer = "SCS",
                                       .rate_max = RATE_MAX};
    int status = create_tls(client, why);

    if (status < 0)
        return status;
    snprintf(why, CMD_EIS_WHY_SIZE, "out of memory");
    config.tls = client->tls;
    client->accepted = calloc(client->config->scg_count + 1, sizeof(*client->accepted));
    if (!client->accepted)
        return -ENOMEM;
    status = net_timer_create(&client->tick, client->loop, tick, client);
    return status < 0 ? status
                      : net_dialer_create(&client->dialer, client->loop, &config, &dialer_ops, client);
}

int cmd_eis_client_create(struct cmd_eis_client **client, struct net_loop *loop,
                          const struct cmd_eis_config *config, const struct cmd_eis_client_ops *ops,
                          void *context, char why[static CMD_EIS_WHY_SIZE])
{
    struct cmd_eis_client *made = calloc(1, sizeof(*made));
    int status;

    *client = NULL;
    snprintf(why, CMD_EIS_WHY_SIZE, "out of memory");
    if (!made)
        return -ENOMEM;
    made->loop = loop;
    made->config = config;
    made->ops = *ops;
    made->context = context;
    made->version = config->version;
    made->start_ms = wall_clock_ms();
    status = create_parts(made, why);
    if (status < 0) {
        cmd_eis_client_destroy(made);
        return status;
    }
    *client = made;
    return 0;
}

void cmd_eis_client_destroy(struct cmd_eis_client *client)
{
    if (!client)
        return;
    if (client->session && net_dialer_is_connected(client->dialer))
        simulcrypt_eis_session_close(client->session);
    net_dialer_destroy(client->dialer);
    net_timer_destroy(client->tick);
    simulcrypt_eis_session_destroy(client->session);
    net_tls_destroy(client->tls);
    cmd_eis_queue_clear(&client->queue);
    free(client->accepted);
    free(client);
}

int cmd_eis_client_ask(struct cmd_eis_client *client, enum cmd_eis_request request, uint16_t scg_id)
{
    if (request == CMD_EIS_PROVIDE && !find_entry(client, scg_id))
        return -ENOENT;
    if (cmd_eis_queue_add(&client->queue, request, scg_id) < 0)
        return -ENOMEM;
    send_waiting(client);
    return 0;
}

bool cmd_eis_client_is_idle(const struct cmd_eis_client *client)
{
    return !client->queue.count;
}
