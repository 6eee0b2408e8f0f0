/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ETSI TS 103 197, clause 4.4: the generic message structure. */
#include "simulcrypt/message.h"

#include <errno.h>

#include "base/error.h"

static const struct simulcrypt_message_type unknown_message = {.from = SIMULCRYPT_FROM_BOTH,
                                                               .name = "unknown message_type"};

bool simulcrypt_version_is_known(const struct simulcrypt_interface *interface, uint8_t version)
{
    return version < 32 && (interface->versions >> version & 1);
}

const struct simulcrypt_message_type *simulcrypt_find_message(const struct simulcrypt_interface *interface,
                                                              uint16_t type)
{
    for (size_t i = 0; i < interface->message_count; i++)
        if (interface->messages[i].type == type)
            return &interface->messages[i];
    return NULL;
}

const struct simulcrypt_parameter_type *
simulcrypt_find_parameter(const struct simulcrypt_interface *interface, uint16_t tag)
{
    for (size_t i = 0; i < interface->parameter_count; i++)
        if (interface->parameters[i].tag == tag)
            return &interface->parameters[i];
    return NULL;
}

const char *simulcrypt_message_name(const struct simulcrypt_interface *interface, uint16_t type)
{
    const struct simulcrypt_message_type *found = simulcrypt_find_message(interface, type);
    return found ? found->name : unknown_message.name;
}

const char *simulcrypt_parameter_name(const struct simulcrypt_interface *interface, uint16_t tag)
{
    const struct simulcrypt_parameter_type *found = simulcrypt_find_parameter(interface, tag);
    return found ? found->name : "unknown parameter_type";
}

const char *simulcrypt_error_text(const struct simulcrypt_interface *interface, uint16_t error_status)
{
    for (size_t i = 0; i < interface->error_count; i++)
        if (interface->error_types[i].number == error_status)
            return interface->error_types[i].text;
    return error_status >= SIMULCRYPT_USER_DEFINED ? "user defined error" : "reserved error number";
}

/* Position of the rule for `tag`, or rule_count. */
static size_t find_rule(const struct simulcrypt_message_type *definition, uint16_t tag)
{
    size_t i = 0;
    while (i < definition->rule_count && definition->rules[i].tag != tag)
        i++;
    return i;
}

struct simulcrypt_verdict simulcrypt_verdict_of(const struct simulcrypt_interface *interface,
                                                enum simulcrypt_fault fault, size_t information)
{
    return (struct simulcrypt_verdict){
        .fault = fault,
        .error_status = interface->errors[fault],
        .error_information = (uint16_t)(information < UINT16_MAX ? information : UINT16_MAX),
    };
}

struct decoding {
    const struct simulcrypt_interface *interface;
    struct simulcrypt_message *message;
    struct simulcrypt_verdict *verdict;
    const uint8_t *start;
    bool has_compounds;
    int status;
};

/* The first fault is the one reported; reading goes on so that the answer can name channel and stream. */
static void note_fault(struct decoding *d, enum simulcrypt_fault fault, size_t information)
{
    if (d->status)
        return;
    d->status = BASE_E_MALFORMED;
    *d->verdict = simulcrypt_verdict_of(d->interface, fault, information);
}

static bool value_is_allowed(const struct decoding *d, const struct simulcrypt_parameter_type *type,
                             struct simulcrypt_field field)
{
    if (type->kind == SIMULCRYPT_BOOLEAN)
        return field.value[0] <= 1;
    if (type->kind == SIMULCRYPT_FORMAT)
        return field.value[0] <= SIMULCRYPT_PACKETS ||
               (d->message->version >= 5 && field.value[0] == SIMULCRYPT_ANNEX_N);
    return true;
}

static void take_parameter(struct decoding *d, uint16_t tag, struct simulcrypt_field field)
{
    size_t rule = find_rule(d->message->definition, tag);
    if (rule == d->message->definition->rule_count)
        return;
    const struct simulcrypt_parameter_type *type = simulcrypt_find_parameter(d->interface, tag);
    if (!type || field.size < type->size_min || field.size > type->size_max) {
        note_fault(d, SIMULCRYPT_FAULT_LENGTH, tag);
        return;
    }
    if (!value_is_allowed(d, type, field))
        note_fault(d, SIMULCRYPT_FAULT_VALUE, tag);
    d->has_compounds |= type->kind == SIMULCRYPT_COMPOUND;
    if (d->message->count[rule]++ == 0)
        d->message->first[rule] = field;
}

static void take_parameters(struct decoding *d)
{
    struct base_reader r = d->message->body;
    while (base_reader_left(&r)) {
        size_t offset = (size_t)(r.at - d->start);
        uint16_t tag = base_read_u16(&r);
        uint16_t size = base_read_u16(&r);
        const uint8_t *value = base_read_bytes(&r, size);
        if (!value) {
            /* What follows the fault is out of reach of simulcrypt_message_next(). */
            d->message->body.end = d->start + offset;
            note_fault(d, SIMULCRYPT_FAULT_INVALID_MESSAGE, offset);
            return;
        }
        take_parameter(d, tag, (struct simulcrypt_field){value, size});
    }
}

static void check_counts(struct decoding *d)
{
    const struct simulcrypt_message *message = d->message;
    for (size_t i = 0; i < message->definition->rule_count; i++) {
        const struct simulcrypt_rule *rule = &message->definition->rules[i];
        if (message->count[i] < rule->count_min && message->version >= rule->since)
            note_fault(d, SIMULCRYPT_FAULT_MISSING_PARAMETER, rule->tag);
        if (message->count[i] > rule->count_max)
            note_fault(d, SIMULCRYPT_FAULT_INVALID_MESSAGE, rule->tag);
    }
}

static void decode_inner(struct decoding *d, const struct simulcrypt_message *outer,
                         const struct simulcrypt_parameter_type *type, struct simulcrypt_field field,
                         struct simulcrypt_message *inner)
{
    *inner = (struct simulcrypt_message){
        .version = outer->version,
        .type = outer->type,
        .definition = type->inner,
        .interface = outer->interface,
        .body = base_reader_of(field.value, field.size),
    };
    d->message = inner;
    take_parameters(d);
    check_counts(d);
}

/* Offsets of faults count from the message's start in compounds, too. */
static void check_compounds(struct decoding *d)
{
    struct simulcrypt_message *outer = d->message;
    struct simulcrypt_message inner;
    for (size_t i = 0; i < outer->definition->rule_count; i++) {
        uint16_t tag = outer->definition->rules[i].tag;
        const struct simulcrypt_parameter_type *type = simulcrypt_find_parameter(d->interface, tag);
        if (!type || !type->inner || !outer->count[i])
            continue;
        struct simulcrypt_field field = outer->first[i];
        for (; field.value; field = simulcrypt_message_next(outer, tag, field))
            decode_inner(d, outer, type, field, &inner);
    }
    d->message = outer;
}

struct simulcrypt_message simulcrypt_message_inner(const struct simulcrypt_message *message, uint16_t tag,
                                                   struct simulcrypt_field field)
{
    struct simulcrypt_verdict ignored;
    struct simulcrypt_message inner;
    struct decoding d = {.interface = message->interface, .verdict = &ignored, .start = field.value};
    decode_inner(&d, message, simulcrypt_find_parameter(message->interface, tag), field, &inner);
    return inner;
}

static void decode_header(struct decoding *d, size_t size)
{
    struct simulcrypt_message *message = d->message;
    struct base_reader r = base_reader_of(d->start, size);
    message->version = base_read_u8(&r);
    message->type = base_read_u16(&r);
    uint16_t length = base_read_u16(&r);
    message->body = r;
    const struct simulcrypt_message_type *found = simulcrypt_find_message(d->interface, message->type);
    message->definition = found ? found : &unknown_message;
    if (!message->definition->is_error && !simulcrypt_version_is_known(d->interface, message->version))
        note_fault(d, SIMULCRYPT_FAULT_VERSION, 0);
    if (!found)
        note_fault(d, SIMULCRYPT_FAULT_UNKNOWN_MESSAGE, 1);
    if (r.failed || base_reader_left(&r) != length)
        note_fault(d, SIMULCRYPT_FAULT_INVALID_MESSAGE, SIMULCRYPT_LENGTH_OFFSET);
}

int simulcrypt_message_decode(const struct simulcrypt_interface *interface, enum simulcrypt_sender from,
                              const void *bytes, size_t size, struct simulcrypt_message *message,
                              struct simulcrypt_verdict *verdict)
{
    struct decoding d = {.interface = interface, .message = message, .verdict = verdict, .start = bytes};
    *message = (struct simulcrypt_message){.interface = interface};
    decode_header(&d, size);
    if (!(message->definition->from & from))
        note_fault(&d, SIMULCRYPT_FAULT_INVALID_MESSAGE, 1);
    take_parameters(&d);
    check_counts(&d);
    if (d.has_compounds)
        check_compounds(&d);
    return d.status;
}

uint16_t simulcrypt_message_count(const struct simulcrypt_message *message, uint16_t tag)
{
    size_t rule = find_rule(message->definition, tag);
    return rule < message->definition->rule_count ? message->count[rule] : 0;
}

struct simulcrypt_field simulcrypt_message_first(const struct simulcrypt_message *message, uint16_t tag)
{
    size_t rule = find_rule(message->definition, tag);
    return rule < message->definition->rule_count ? message->first[rule] : (struct simulcrypt_field){0};
}

struct simulcrypt_field simulcrypt_message_next(const struct simulcrypt_message *message, uint16_t tag,
                                                struct simulcrypt_field field)
{
    struct base_reader r = message->body;
    r.at = field.value + field.size;
    while (base_reader_left(&r)) {
        uint16_t found = base_read_u16(&r);
        field.size = base_read_u16(&r);
        field.value = base_read_bytes(&r, field.size);
        if (found == tag || !field.value)
            return field;
    }
    return (struct simulcrypt_field){0};
}

uint32_t simulcrypt_field_number(struct simulcrypt_field field)
{
    uint32_t number = 0;
    for (size_t i = 0; i < field.size; i++)
        number = number << 8 | field.value[i];
    return number;
}

uint32_t simulcrypt_message_number(const struct simulcrypt_message *message, uint16_t tag)
{
    return simulcrypt_field_number(simulcrypt_message_first(message, tag));
}

void simulcrypt_encode_begin(struct simulcrypt_encoder *encoder, const struct simulcrypt_interface *interface,
                             uint8_t version, uint16_t type, void *buffer, size_t room)
{
    *encoder = (struct simulcrypt_encoder){
        .writer = base_writer_of(buffer, room),
        .interface = interface,
        .definition = simulcrypt_find_message(interface, type),
        .version = version,
    };
    encoder->wrong = !encoder->definition;
    base_write_u8(&encoder->writer, version);
    base_write_u16(&encoder->writer, type);
    base_write_u16(&encoder->writer, 0); /* message_length, known at the end */
}

uint8_t *simulcrypt_encode_room(struct simulcrypt_encoder *encoder, uint16_t tag, size_t size)
{
    if (encoder->wrong)
        return NULL;
    const struct simulcrypt_parameter_type *type = simulcrypt_find_parameter(encoder->interface, tag);
    size_t rule = find_rule(encoder->definition, tag);
    if (!type || size < type->size_min || size > type->size_max || rule == encoder->definition->rule_count) {
        encoder->wrong = true;
        return NULL;
    }
    encoder->count[rule]++;
    base_write_u16(&encoder->writer, tag);
    base_write_u16(&encoder->writer, (uint16_t)size);
    return base_write_room(&encoder->writer, size);
}

void simulcrypt_encode_number(struct simulcrypt_encoder *encoder, uint16_t tag, uint32_t value)
{
    const struct simulcrypt_parameter_type *type = simulcrypt_find_parameter(encoder->interface, tag);
    size_t size = type ? type->size_min : 0;
    uint8_t *room = simulcrypt_encode_room(encoder, tag, size);
    if (!room)
        return;
    for (size_t i = size; i > 0; i--) {
        room[i - 1] = (uint8_t)value;
        value >>= 8;
    }
}

void simulcrypt_encode_bytes(struct simulcrypt_encoder *encoder, uint16_t tag, const void *bytes, size_t size)
{
    uint8_t *room = simulcrypt_encode_room(encoder, tag, size);
    if (room && size)
        memcpy(room, bytes, size);
}

static bool counts_are_exact(const struct simulcrypt_encoder *encoder)
{
    for (size_t i = 0; i < encoder->definition->rule_count; i++) {
        const struct simulcrypt_rule *rule = &encoder->definition->rules[i];
        bool in_version = encoder->version >= rule->since;
        if (encoder->count[i] < (in_version ? rule->count_min : 0) ||
            encoder->count[i] > (in_version ? rule->count_max : 0))
            return false;
    }
    return true;
}

struct simulcrypt_encoder simulcrypt_encode_compound_begin(struct simulcrypt_encoder *encoder, uint16_t tag)
{
    const struct simulcrypt_parameter_type *type = simulcrypt_find_parameter(encoder->interface, tag);
    simulcrypt_encode_room(encoder, tag, 0); /* its length is known at the end */
    struct simulcrypt_encoder compound = *encoder;
    compound.wrong |= !type || !type->inner;
    compound.definition = type ? type->inner : NULL;
    compound.writer.start = encoder->writer.at;
    memset(compound.count, 0, sizeof(compound.count));
    return compound;
}

void simulcrypt_encode_compound_end(struct simulcrypt_encoder *encoder,
                                    const struct simulcrypt_encoder *compound)
{
    size_t size = base_writer_size(&compound->writer);
    encoder->writer.failed |= compound->writer.failed || size > UINT16_MAX;
    encoder->wrong |= compound->wrong || !counts_are_exact(compound);
    if (encoder->wrong || encoder->writer.failed)
        return;
    encoder->writer.at = compound->writer.at;
    base_store_u16(compound->writer.start - 2, (uint16_t)size);
}

ptrdiff_t simulcrypt_encode_end(struct simulcrypt_encoder *encoder)
{
    size_t size = base_writer_size(&encoder->writer);
    if (encoder->wrong || !counts_are_exact(encoder))
        return -EINVAL;
    if (encoder->writer.failed || size > SIMULCRYPT_HEADER_SIZE + UINT16_MAX)
        return -ENOSPC;
    base_store_u16(encoder->writer.start + SIMULCRYPT_LENGTH_OFFSET,
                   (uint16_t)(size - SIMULCRYPT_HEADER_SIZE));
    return (ptrdiff_t)size;
}
