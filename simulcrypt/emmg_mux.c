/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ETSI TS 103 197, clause 6: the tables of EMMG/PDG ⇔ MUX, and data_provision. */
#include "simulcrypt/emmg_mux.h"

#include "base/error.h"
#include "simulcrypt/emmg_mux_table.h"
#include "simulcrypt/table.h"

#define RULE_TAG(name)    SIMULCRYPT_EMMG_P_##name
#define ROLE_TYPE(name)   SIMULCRYPT_EMMG_M_##name
#define FAULT_ERROR(name) SIMULCRYPT_EMMG_##name

#define CHANNEL P(CLIENT_ID), P(DATA_CHANNEL_ID)
#define STREAM  P(CLIENT_ID), P(DATA_CHANNEL_ID), P(DATA_STREAM_ID)

RULES(channel_setup, CHANNEL, P(SECTION_TSPKT_FLAG));
RULES(channel_test, CHANNEL);
RULES(channel_status, CHANNEL, P(SECTION_TSPKT_FLAG));
RULES(channel_close, CHANNEL);
RULES(channel_error, CHANNEL, P_ERRORS);
RULES(stream_setup, STREAM, P_SINCE(DATA_ID, 2), P(DATA_TYPE));
RULES(stream_test, STREAM);
RULES(stream_status, STREAM, P_SINCE(DATA_ID, 2), P(DATA_TYPE));
RULES(stream_close_request, STREAM);
RULES(stream_close_response, STREAM);
RULES(stream_error, STREAM, P_ERRORS);
RULES(stream_BW_request, STREAM, P_OPTIONAL(BANDWIDTH));
RULES(stream_BW_allocation, STREAM, P_OPTIONAL(BANDWIDTH));
/* Channel and stream: over TCP, and not over UDP. */
RULES(data_provision, P(CLIENT_ID), P_OPTIONAL(DATA_CHANNEL_ID), P_OPTIONAL(DATA_STREAM_ID),
      P_SINCE(DATA_ID, 2), P_ONE_OR_MORE(DATAGRAM));

static const struct simulcrypt_message_type messages[] = {SIMULCRYPT_EMMG_MESSAGE_MAP(MESSAGE_TYPE)};
static const struct simulcrypt_parameter_type parameters[] = {SIMULCRYPT_EMMG_PARAMETER_MAP(PARAMETER_TYPE)};
static const struct simulcrypt_error_type error_types[] = {SIMULCRYPT_EMMG_ERROR_MAP(ERROR_TYPE)};

const struct simulcrypt_interface simulcrypt_emmg_mux = {
    .name = "EMMG-MUX",
    .versions = 1u << 1 | 1u << 2 | 1u << 3 | 1u << 5,
    INTERFACE_TABLES,
    .errors = {INTERFACE_FAULTS,
               INTERFACE_STREAM_FAULTS, [SIMULCRYPT_FAULT_UNKNOWN_CLIENT] = SIMULCRYPT_EMMG_UNKNOWN_CLIENT,
               [SIMULCRYPT_FAULT_STORAGE] = SIMULCRYPT_EMMG_UNKNOWN_ERROR},
    .roles = {INTERFACE_CHANNEL_ROLES,
              INTERFACE_STREAM_ROLES, [SIMULCRYPT_STREAM_CLOSE] = ROLE_TYPE(STREAM_CLOSE_REQUEST),
              [SIMULCRYPT_STREAM_CLOSED] = ROLE_TYPE(STREAM_CLOSE_RESPONSE)},
    .client_tag = SIMULCRYPT_EMMG_P_CLIENT_ID,
    .channel_tag = SIMULCRYPT_EMMG_P_DATA_CHANNEL_ID,
    .stream_tag = SIMULCRYPT_EMMG_P_DATA_STREAM_ID,
};

const char *simulcrypt_emmg_error_text(uint16_t error_status)
{
    return simulcrypt_error_text(&simulcrypt_emmg_mux, error_status);
}

#define TS_PACKET_SIZE 188
#define TS_SYNC_BYTE   0x47

static bool is_one_section(const uint8_t *bytes, size_t size)
{
    return size >= 3 && size <= SIMULCRYPT_SECTION_MAX && size == 3 + (base_load_u16(bytes + 1) & 0x0FFFu);
}

static bool is_whole_packets(const uint8_t *bytes, size_t size)
{
    for (size_t at = 0; at + TS_PACKET_SIZE <= size; at += TS_PACKET_SIZE)
        if (bytes[at] != TS_SYNC_BYTE)
            return false;
    return size && size % TS_PACKET_SIZE == 0;
}

bool simulcrypt_datagram_is_sound(enum simulcrypt_format format, const uint8_t *bytes, size_t size)
{
    if (format == SIMULCRYPT_SECTIONS)
        return is_one_section(bytes, size);
    return format == SIMULCRYPT_PACKETS ? is_whole_packets(bytes, size) : size > 0;
}

int simulcrypt_data_provision_read(const void *bytes, size_t size, struct simulcrypt_message *message,
                                   struct simulcrypt_data_provision *provision)
{
    struct simulcrypt_verdict ignored;
    int status = simulcrypt_message_decode(&simulcrypt_emmg_mux, SIMULCRYPT_FROM_CLIENT, bytes, size, message,
                                           &ignored);
    if (status || message->type != SIMULCRYPT_EMMG_M_DATA_PROVISION)
        return BASE_E_MALFORMED;
    *provision = (struct simulcrypt_data_provision){
        .client_id = simulcrypt_message_number(message, SIMULCRYPT_EMMG_P_CLIENT_ID),
        .data_id = simulcrypt_message_u16(message, SIMULCRYPT_EMMG_P_DATA_ID),
        .has_ids = simulcrypt_message_count(message, SIMULCRYPT_EMMG_P_DATA_CHANNEL_ID) &&
                   simulcrypt_message_count(message, SIMULCRYPT_EMMG_P_DATA_STREAM_ID),
        .channel_id = simulcrypt_message_u16(message, SIMULCRYPT_EMMG_P_DATA_CHANNEL_ID),
        .stream_id = simulcrypt_message_u16(message, SIMULCRYPT_EMMG_P_DATA_STREAM_ID),
    };
    return 0;
}

struct simulcrypt_field simulcrypt_data_provision_next(const struct simulcrypt_message *message,
                                                       struct simulcrypt_field after)
{
    if (!after.value)
        return simulcrypt_message_first(message, SIMULCRYPT_EMMG_P_DATAGRAM);
    return simulcrypt_message_next(message, SIMULCRYPT_EMMG_P_DATAGRAM, after);
}

int64_t simulcrypt_data_provision_bits(const struct simulcrypt_message *message,
                                       enum simulcrypt_format format)
{
    int64_t bits = 0;
    struct simulcrypt_field datagram = {0};

    while ((datagram = simulcrypt_data_provision_next(message, datagram)).value) {
        if (!simulcrypt_datagram_is_sound(format, datagram.value, datagram.size))
            return BASE_E_MALFORMED;
        bits += 8 * (int64_t)datagram.size;
    }
    return bits;
}

ptrdiff_t simulcrypt_data_provision_write(uint8_t version, const struct simulcrypt_data_provision *provision,
                                          const struct simulcrypt_datagram *datagrams, size_t count,
                                          void *bytes, size_t size)
{
    struct simulcrypt_encoder encoder;
    simulcrypt_encode_begin(&encoder, &simulcrypt_emmg_mux, version, SIMULCRYPT_EMMG_M_DATA_PROVISION, bytes,
                            size);
    simulcrypt_encode_number(&encoder, SIMULCRYPT_EMMG_P_CLIENT_ID, provision->client_id);
    if (provision->has_ids) {
        simulcrypt_encode_number(&encoder, SIMULCRYPT_EMMG_P_DATA_CHANNEL_ID, provision->channel_id);
        simulcrypt_encode_number(&encoder, SIMULCRYPT_EMMG_P_DATA_STREAM_ID, provision->stream_id);
    }
    if (version >= 2)
        simulcrypt_encode_number(&encoder, SIMULCRYPT_EMMG_P_DATA_ID, provision->data_id);
    for (size_t i = 0; i < count; i++)
        simulcrypt_encode_bytes(&encoder, SIMULCRYPT_EMMG_P_DATAGRAM, datagrams[i].bytes, datagrams[i].size);
    return simulcrypt_encode_end(&encoder);
}

void simulcrypt__write_data_stream(struct simulcrypt_encoder *encoder,
                                   const struct simulcrypt_data_stream *stream)
{
    if (encoder->version >= 2)
        simulcrypt_encode_number(encoder, SIMULCRYPT_EMMG_P_DATA_ID, stream->data_id);
    simulcrypt_encode_number(encoder, SIMULCRYPT_EMMG_P_DATA_TYPE, stream->data_type);
}
