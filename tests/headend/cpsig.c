/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cpsig.h"

#include <criterion/criterion.h>
#include <string.h>

#define TAG(name) SIMULCRYPT_CPSIG_P_##name

struct cpsig cpsig;
static struct net_loop *loop;

static void session_send(void *context, const uint8_t *bytes, size_t size)
{
    (void)context;
    if (cpsig.tcp)
        net_tcp_write(cpsig.tcp, bytes, size);
}

static void session_close(void *context, const char *why)
{
    (void)context;
    (void)why;
}

static uint16_t channel_setup(void *context, const struct simulcrypt_message *setup)
{
    (void)context;
    cpsig.custom_cas_id = simulcrypt_message_number(setup, TAG(CUSTOM_CAS_ID));
    return SIMULCRYPT_CPSIG_OK;
}

static void describe_channel(void *context, struct simulcrypt_encoder *encoder)
{
    (void)context;
    simulcrypt_encode_number(encoder, TAG(MAX_STREAMS), 9);
}

static void channel_closed(void *context)
{
    (void)context;
    cpsig.closed_channels++;
}

static uint16_t stream_setup(void *context, uint16_t stream_id, const struct simulcrypt_message *setup)
{
    (void)context;
    (void)stream_id;
    if (cpsig.manner == CPSIG_REFUSES_STREAMS)
        return SIMULCRYPT_CPSIG_UNKNOWN_ERROR;
    cpsig.streams++;
    cpsig.transport_stream_id = simulcrypt_message_u16(setup, TAG(TRANSPORT_STREAM_ID));
    return SIMULCRYPT_CPSIG_OK;
}

static void describe_stream(void *context, uint16_t stream_id, struct simulcrypt_encoder *encoder)
{
    (void)context;
    (void)stream_id;
    if (cpsig.trigger_list)
        simulcrypt_encode_number(encoder, TAG(TRIGGER_LIST), cpsig.trigger_list);
}

static void stream_closed(void *context, uint16_t stream_id)
{
    (void)context;
    (void)stream_id;
    cpsig.closed_streams++;
}

static void keep_section(const struct simulcrypt_message *message)
{
    struct simulcrypt_field section = simulcrypt_message_first(message, TAG(MPEG_SECTION));

    cpsig.last_sections += simulcrypt_message_u16(message, TAG(LAST_SECTION_INDICATOR));
    if (!section.value)
        return;
    cr_assert_lt(cpsig.section_count, 16);
    cr_assert_leq(section.size, sizeof(cpsig.sections[0]));
    memcpy(cpsig.sections[cpsig.section_count++], section.value, section.size);
}

static void message(void *context, uint16_t stream_id, const struct simulcrypt_message *message)
{
    struct simulcrypt_field change = simulcrypt_message_first(message, TAG(FLOW_PID_CHANGE_RELATED_DATA));

    (void)context;
    cpsig.messages++;
    cpsig.type = message->type;
    cpsig.stream_id = stream_id;
    cpsig.transaction_id = simulcrypt_message_u16(message, TAG(TRANSACTION_ID));
    cpsig.insert_status = simulcrypt_message_u16(message, TAG(DESCRIPTOR_INSERT_STATUS));
    cpsig.has_flow_pid = simulcrypt_message_count(message, TAG(FLOW_PID));
    cpsig.flow_pid = simulcrypt_message_u16(message, TAG(FLOW_PID));
    cpsig.service_id = simulcrypt_message_u16(message, TAG(SERVICE_ID));
    cpsig.trigger_list_answered = simulcrypt_message_number(message, TAG(TRIGGER_LIST));
    cpsig.trigger_type = simulcrypt_message_number(message, TAG(TRIGGER_TYPE));
    if (change.value)
        memcpy(cpsig.pid_change, change.value, sizeof(cpsig.pid_change));
    if (message->type == SIMULCRYPT_CPSIG_M_TABLE_RESPONSE)
        keep_section(message);
}

/* channel_error, error_status 0x0002 */
static void refuse_version(void)
{
    static const uint8_t refusal[] = {3, 0x03, 0x05, 0, 12, 1, 3, 0, 2, 0, 5, 0x70, 0, 0, 2, 0, 2};

    net_tcp_write(cpsig.tcp, refusal, sizeof(refusal));
}

static void send_garbage(void)
{
    uint8_t garbage[512];

    for (size_t i = 0; i < sizeof(garbage); i++)
        garbage[i] = (uint8_t)(i * 7919 >> 3);
    net_tcp_write(cpsig.tcp, garbage, sizeof(garbage));
}

static void tcp_input(void *context, const uint8_t *bytes, size_t size)
{
    (void)context;
    cpsig.version = bytes[0];
    if (cpsig.manner == CPSIG_HANGS_UP)
        cpsig_hang_up();
    else if (cpsig.manner == CPSIG_GARBAGE)
        send_garbage();
    else if (cpsig.manner == CPSIG_REFUSES_VERSION_3 && bytes[0] == 3)
        refuse_version();
    else if (cpsig.manner != CPSIG_SILENT)
        simulcrypt_cpsig_session_input(cpsig.session, bytes, size);
}

static void tcp_ended(void *context, int error)
{
    (void)context;
    (void)error;
    cpsig_hang_up();
}

static void accepted(void *context, struct net_tcp *tcp)
{
    static const struct net_tcp_ops tcp_ops = {.input = tcp_input, .ended = tcp_ended};
    static const struct simulcrypt_cpsig_ops ops = {session_send,     session_close,  channel_setup,
                                                    describe_channel, channel_closed, stream_setup,
                                                    describe_stream,  stream_closed,  message};

    (void)context;
    cpsig_hang_up();
    simulcrypt_cpsig_session_destroy(cpsig.session);
    cr_assert_eq(simulcrypt_cpsig_session_create(&cpsig.session, &ops, NULL), 0);
    cpsig.tcp = tcp;
    cpsig.connections++;
    net_tcp_set_ops(tcp, &tcp_ops, NULL);
}

void cpsig_start(struct net_loop *on)
{
    memset(&cpsig, 0, sizeof(cpsig));
    loop = on;
    cr_assert_eq(net_listen(&cpsig.listener, loop,
                            &(const struct net_listen_config){.host = "127.0.0.1", .accepted = accepted}),
                 0);
}

void cpsig_stop(void)
{
    cpsig_hang_up();
    simulcrypt_cpsig_session_destroy(cpsig.session);
    net_listener_close(cpsig.listener);
}

uint16_t cpsig_port(void)
{
    return net_listener_port(cpsig.listener);
}

void cpsig_hang_up(void)
{
    net_tcp_close(cpsig.tcp);
    cpsig.tcp = NULL;
}

void cpsig_begin(uint16_t type, struct simulcrypt_encoder *encoder)
{
    cr_assert_eq(simulcrypt_cpsig_session_begin(cpsig.session, type, 7, encoder), 0);
    simulcrypt_encode_number(encoder, TAG(TRANSACTION_ID), 99);
}

void cpsig_send(struct simulcrypt_encoder *encoder)
{
    cr_assert_eq(simulcrypt_cpsig_session_send(cpsig.session, encoder), 0);
}
