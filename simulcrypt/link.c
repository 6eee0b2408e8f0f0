/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "simulcrypt/link.h"

#include <stdio.h>

struct simulcrypt__address simulcrypt__address_of(const struct simulcrypt_interface *interface,
                                                  const struct simulcrypt_message *message)
{
    return (struct simulcrypt__address){
        .client_id = simulcrypt_message_number(message, interface->client_tag),
        .channel_id = simulcrypt_message_u16(message, interface->channel_tag),
        .has_stream = simulcrypt_message_count(message, interface->stream_tag) > 0,
        .stream_id = simulcrypt_message_u16(message, interface->stream_tag),
        .has_echo = simulcrypt_message_count(message, interface->echo_tag) > 0,
        .echo = simulcrypt_message_number(message, interface->echo_tag),
    };
}

static struct simulcrypt_encoder begin(struct simulcrypt__link *link, uint16_t type,
                                       const struct simulcrypt__address *about)
{
    const struct simulcrypt_interface *interface = link->receiver.interface;
    struct simulcrypt_encoder encoder;
    simulcrypt_encode_begin(&encoder, interface, link->version, type, link->out, link->out_size);
    if (interface->client_tag)
        simulcrypt_encode_number(&encoder, interface->client_tag, about->client_id);
    simulcrypt_encode_number(&encoder, interface->channel_tag, about->channel_id);
    if (about->has_stream)
        simulcrypt_encode_number(&encoder, interface->stream_tag, about->stream_id);
    return encoder;
}

struct simulcrypt_encoder simulcrypt__link_begin(struct simulcrypt__link *link, uint16_t type)
{
    struct simulcrypt__address own = {.client_id = link->client_id, .channel_id = link->channel_id};
    return begin(link, type, &own);
}

struct simulcrypt_encoder simulcrypt__link_begin_stream(struct simulcrypt__link *link, uint16_t type,
                                                        uint16_t stream_id)
{
    struct simulcrypt__address own = {.client_id = link->client_id,
                                      .channel_id = link->channel_id,
                                      .has_stream = true,
                                      .stream_id = stream_id};
    return begin(link, type, &own);
}

int simulcrypt__link_send(struct simulcrypt__link *link, struct simulcrypt_encoder *encoder)
{
    ptrdiff_t size = simulcrypt_encode_end(encoder);
    if (size < 0)
        return (int)size;
    link->send(link->context, link->out, (size_t)size);
    return 0;
}

void simulcrypt__link_send_plain(struct simulcrypt__link *link, uint16_t type)
{
    struct simulcrypt_encoder encoder = simulcrypt__link_begin(link, type);
    simulcrypt__link_send(link, &encoder);
}

void simulcrypt__link_send_stream_plain(struct simulcrypt__link *link, uint16_t type, uint16_t stream_id)
{
    struct simulcrypt_encoder encoder = simulcrypt__link_begin_stream(link, type, stream_id);
    simulcrypt__link_send(link, &encoder);
}

void simulcrypt__link_send_error(struct simulcrypt__link *link, const struct simulcrypt__address *about,
                                 uint16_t error, int information)
{
    enum simulcrypt_role role = about->has_stream ? SIMULCRYPT_STREAM_ERROR : SIMULCRYPT_CHANNEL_ERROR;
    struct simulcrypt_encoder encoder = begin(link, simulcrypt__type_of(link, role), about);
    uint8_t bytes[2];
    if (about->has_stream && about->has_echo)
        simulcrypt_encode_number(&encoder, link->receiver.interface->echo_tag, about->echo);
    simulcrypt_encode_number(&encoder, SIMULCRYPT_P_ERROR_STATUS, error);
    if (information != SIMULCRYPT_NO_INFORMATION) {
        base_store_u16(bytes, (uint16_t)information);
        simulcrypt_encode_bytes(&encoder, SIMULCRYPT_P_ERROR_INFORMATION, bytes, sizeof(bytes));
    }
    simulcrypt__link_send(link, &encoder);
}

/* With these error_information is an offset, if anything. */
static bool is_about_a_message(const struct simulcrypt_interface *interface, uint16_t error)
{
    for (int fault = SIMULCRYPT_FAULT_INVALID_MESSAGE; fault <= SIMULCRYPT_FAULT_TOO_LONG; fault++)
        if (interface->errors[fault] == error)
            return true;
    return false;
}

/* Some peers put text there: two bytes, and no others, are a parameter's tag. */
static const struct simulcrypt_parameter_type *
parameter_at_fault(const struct simulcrypt_interface *interface, const struct simulcrypt_message *message)
{
    struct simulcrypt_field information = simulcrypt_message_first(message, SIMULCRYPT_P_ERROR_INFORMATION);
    if (!information.value || information.size != 2)
        return NULL;
    return simulcrypt_find_parameter(interface, base_load_u16(information.value));
}

struct simulcrypt__sentence simulcrypt__error_text(const struct simulcrypt_interface *interface,
                                                   const struct simulcrypt_message *message)
{
    struct simulcrypt__sentence made;
    uint16_t error = simulcrypt_message_u16(message, SIMULCRYPT_P_ERROR_STATUS);
    const struct simulcrypt_parameter_type *parameter = parameter_at_fault(interface, message);
    const char *text = simulcrypt_error_text(interface, error);
    bool named = parameter && !is_about_a_message(interface, error) && !strstr(text, parameter->name);
    snprintf(made.text, sizeof(made.text), "%s%s%s", text, named ? ": " : "", named ? parameter->name : "");
    return made;
}

bool simulcrypt__has_error(const struct simulcrypt_message *message, uint16_t error)
{
    struct simulcrypt_field field = simulcrypt_message_first(message, SIMULCRYPT_P_ERROR_STATUS);
    while (field.value && simulcrypt_field_number(field) != error)
        field = simulcrypt_message_next(message, SIMULCRYPT_P_ERROR_STATUS, field);
    return field.value != NULL;
}
