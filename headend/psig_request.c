/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ETSI TS 103 197, clause 8: what a C(P)SIG asks for, as far as it is known (headend/psig.h says what is
 * assumed). */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "headend/psig_room.h"

#define TAG(name)   SIMULCRYPT_CPSIG_P_##name
#define SECTION_MAX 4096

/* descriptor_insert_status (assumed) */
#define INSERTED     0
#define NOT_INSERTED 1

/* ISO/IEC 13818-1, 2.6.16 */
#define CA_DESCRIPTOR_TAG    0x09
#define CA_DESCRIPTOR_HEADER 6 /* tag, length, CA_system_id, CA_PID */

/* A request that is being served. */
struct serving {
    struct headend_psig *psig;
    struct headend__psig_stream *stream;
    const struct simulcrypt_message *request;
    struct headend_psig_location location;
};

static bool has(const struct serving *serving, uint16_t tag)
{
    return simulcrypt_message_count(serving->request, tag);
}

static uint16_t number(const struct serving *serving, uint16_t tag)
{
    return simulcrypt_message_u16(serving->request, tag);
}

static bool begin_answer(const struct serving *serving, uint16_t type, struct simulcrypt_encoder *encoder)
{
    if (simulcrypt_psig_session_begin(serving->psig->session, type, serving->stream->id, encoder) < 0)
        return false;
    if (has(serving, TAG(TRANSACTION_ID)))
        simulcrypt_encode_number(encoder, TAG(TRANSACTION_ID), number(serving, TAG(TRANSACTION_ID)));
    return true;
}

static void send_answer(const struct serving *serving, struct simulcrypt_encoder *encoder)
{
    simulcrypt_psig_session_send(serving->psig->session, encoder);
    net_dialer_charge(serving->psig->dialer, 1);
}

__attribute__((format(printf, 2, 3))) static void note_refusal(const struct serving *serving,
                                                               const char *format, ...)
{
    struct headend_psig *psig = serving->psig;
    va_list arguments;
    int used;

    psig->refused++;
    used = snprintf(psig->error, sizeof(psig->error), "stream %u: ", serving->stream->id);
    va_start(arguments, format);
    vsnprintf(psig->error + used, sizeof(psig->error) - (size_t)used, format, arguments);
    va_end(arguments);
}

static struct headend_psig_location read_location(const struct serving *serving)
{
    return (struct headend_psig_location){
        .has_transport_stream_id = has(serving, TAG(TRANSPORT_STREAM_ID)),
        .has_original_network_id = has(serving, TAG(ORIGINAL_NETWORK_ID)),
        .has_service_id = has(serving, TAG(SERVICE_ID)),
        .has_es_id = has(serving, TAG(ES_ID)),
        .transport_stream_id = number(serving, TAG(TRANSPORT_STREAM_ID)),
        .original_network_id = number(serving, TAG(ORIGINAL_NETWORK_ID)),
        .service_id = number(serving, TAG(SERVICE_ID)),
        .es_id = number(serving, TAG(ES_ID)),
    };
}

/* stream_trigger_enable_request: what is asked for is enabled, and no more than that is ever sent. */
static void enable_triggers(struct serving *serving)
{
    struct simulcrypt_encoder encoder;

    serving->stream->triggers = simulcrypt_message_number(serving->request, TAG(TRIGGER_LIST));
    if (!begin_answer(serving, SIMULCRYPT_CPSIG_M_STREAM_TRIGGER_ENABLE_RESPONSE, &encoder))
        return;
    simulcrypt_encode_number(&encoder, TAG(TRIGGER_LIST), serving->stream->triggers);
    send_answer(serving, &encoder);
}

/* table_request: one table_response per section. The last one says so, so each waits for the next. */
struct table_answer {
    struct serving *serving;
    unsigned sections;
    size_t size; /* of the section that waits; 0: none does */
    uint8_t section[SECTION_MAX];
};

static void send_section(struct table_answer *answer, bool last)
{
    struct simulcrypt_encoder encoder;

    if (!begin_answer(answer->serving, SIMULCRYPT_CPSIG_M_TABLE_RESPONSE, &encoder))
        return;
    if (answer->size)
        simulcrypt_encode_bytes(&encoder, TAG(MPEG_SECTION), answer->section, answer->size);
    simulcrypt_encode_number(&encoder, TAG(LAST_SECTION_INDICATOR), last);
    send_answer(answer->serving, &encoder);
    answer->size = 0;
}

static void take_section(void *to, const uint8_t *bytes, size_t size)
{
    struct table_answer *answer = to;

    if (!size || size > SECTION_MAX)
        return;
    if (answer->size)
        send_section(answer, false);
    memcpy(answer->section, bytes, size);
    answer->size = size;
    answer->sections++;
}

static void answer_table(struct serving *serving)
{
    struct headend_psig *psig = serving->psig;
    uint8_t table_id = (uint8_t)number(serving, TAG(TABLE_ID));
    struct table_answer answer = {.serving = serving};
    int status = has(serving, TAG(TABLE_ID)) ? psig->ops.table(psig->context, serving->stream->id, table_id,
                                                               &serving->location, take_section, &answer)
                                             : -EINVAL;

    if (status < 0 || !answer.sections)
        note_refusal(serving, "no table 0x%02x to give: %s", table_id,
                     base_error_text(status < 0 ? status : -ENOENT));
    send_section(&answer, true);
}

/* descriptor_insert_request */

static int insert(struct serving *serving, uint16_t ca_system_id, const uint8_t *data, size_t size)
{
    struct headend_psig *psig = serving->psig;
    const struct headend_psig_insertion insertion = {
        .custom_cas_id = psig->config.custom_cas_id,
        .ca_system_id = ca_system_id,
        .location = serving->location,
        .location_id = has(serving, TAG(LOCATION_ID)) ? number(serving, TAG(LOCATION_ID)) : -1,
        .delay_ms = (int16_t)number(serving, TAG(INSERTION_DELAY)),
        .private_data = data,
        .private_size = (uint16_t)size,
    };

    psig->insertions++;
    return psig->ops.ca_private_data(psig->context, serving->stream->id, &insertion);
}

static int insert_descriptor(struct serving *serving, struct simulcrypt_field descriptor)
{
    const uint8_t *bytes = descriptor.value;

    if (descriptor.size < CA_DESCRIPTOR_HEADER || bytes[1] != descriptor.size - 2)
        return BASE_E_MALFORMED;
    if (bytes[0] != CA_DESCRIPTOR_TAG)
        return BASE_E_UNSUPPORTED;
    return insert(serving, base_load_u16(bytes + 2), bytes + CA_DESCRIPTOR_HEADER,
                  descriptor.size - CA_DESCRIPTOR_HEADER);
}

static int insert_private_data(struct serving *serving, struct simulcrypt_field data)
{
    return insert(serving, (uint16_t)(serving->psig->config.custom_cas_id >> 16), data.value, data.size);
}

/* All instances of a parameter, until one fails. */
static int insert_each(struct serving *serving, uint16_t tag,
                       int (*insert_one)(struct serving *serving, struct simulcrypt_field field))
{
    struct simulcrypt_field field = simulcrypt_message_first(serving->request, tag);
    int status = 0;

    for (; field.value && status >= 0; field = simulcrypt_message_next(serving->request, tag, field))
        status = insert_one(serving, field);
    return status;
}

static int insert_all(struct serving *serving)
{
    int status;

    if (!has(serving, TAG(DESCRIPTOR)) && !has(serving, TAG(PRIVATE_DATA)))
        return -EINVAL;
    status = insert_each(serving, TAG(DESCRIPTOR), insert_descriptor);
    return status < 0 ? status : insert_each(serving, TAG(PRIVATE_DATA), insert_private_data);
}

static void answer_insertion(struct serving *serving)
{
    struct simulcrypt_encoder encoder;
    int status = insert_all(serving);

    if (status < 0)
        note_refusal(serving, "no private data is inserted: %s", base_error_text(status));
    if (!begin_answer(serving, SIMULCRYPT_CPSIG_M_DESCRIPTOR_INSERT_RESPONSE, &encoder))
        return;
    simulcrypt_encode_number(&encoder, TAG(DESCRIPTOR_INSERT_STATUS), status < 0 ? NOT_INSERTED : INSERTED);
    send_answer(serving, &encoder);
}

/* PID_provision_request: the flow's names come back, and its PID where there is one. */

static void echo(const struct serving *serving, struct simulcrypt_encoder *encoder, uint16_t tag)
{
    if (has(serving, tag))
        simulcrypt_encode_number(encoder, tag, simulcrypt_message_number(serving->request, tag));
}

static uint16_t find_pid(struct serving *serving)
{
    struct headend_psig *psig = serving->psig;
    const struct headend_psig_flow flow = {
        .type = (uint8_t)number(serving, TAG(FLOW_TYPE)),
        .super_cas_id = has(serving, TAG(FLOW_SUPER_CAS_ID))
                            ? simulcrypt_message_number(serving->request, TAG(FLOW_SUPER_CAS_ID))
                            : psig->config.custom_cas_id,
        .id = number(serving, TAG(FLOW_ID)),
    };
    uint16_t pid = psig->ops.flow_pid(psig->context, serving->stream->id, &flow);

    if (!pid)
        note_refusal(serving, "no PID known for flow %u of Super_CAS_id 0x%08x", flow.id, flow.super_cas_id);
    return pid;
}

static void answer_pid(struct serving *serving)
{
    struct simulcrypt_encoder encoder;
    uint16_t pid = find_pid(serving);

    if (!begin_answer(serving, SIMULCRYPT_CPSIG_M_PID_PROVISION_RESPONSE, &encoder))
        return;
    echo(serving, &encoder, TAG(FLOW_TYPE));
    echo(serving, &encoder, TAG(FLOW_SUPER_CAS_ID));
    echo(serving, &encoder, TAG(FLOW_ID));
    echo(serving, &encoder, TAG(FLOW_STREAM_TYPE));
    if (pid)
        simulcrypt_encode_number(&encoder, TAG(FLOW_PID), pid);
    send_answer(serving, &encoder);
}

void headend__psig_serve(struct headend_psig *psig, struct headend__psig_stream *stream,
                         const struct simulcrypt_message *request)
{
    struct serving serving = {.psig = psig, .stream = stream, .request = request};

    psig->requests++;
    serving.location = read_location(&serving);
    switch (request->type) {
    case SIMULCRYPT_CPSIG_M_STREAM_TRIGGER_ENABLE_REQUEST:
        enable_triggers(&serving);
        break;
    case SIMULCRYPT_CPSIG_M_TABLE_REQUEST:
        answer_table(&serving);
        break;
    case SIMULCRYPT_CPSIG_M_DESCRIPTOR_INSERT_REQUEST:
        answer_insertion(&serving);
        break;
    case SIMULCRYPT_CPSIG_M_PID_PROVISION_REQUEST:
        answer_pid(&serving);
        break;
    default:
        break;
    }
}
