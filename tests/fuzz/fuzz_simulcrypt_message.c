/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The decoder, on every interface: whatever comes is decoded or refused; what is accepted can be walked, and
 * encoded again to the same bytes where it holds nothing unknown. */
#include <stdlib.h>
#include <string.h>

#include "simulcrypt/cpsig_psig.h"
#include "simulcrypt/ecmg_scs_table.h"
#include "simulcrypt/eis_scs_table.h"
#include "simulcrypt/emmg_mux_table.h"
#include "simulcrypt/trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void walk_inside(const struct simulcrypt_message *message, uint16_t tag, struct simulcrypt_field field)
{
    struct simulcrypt_message inner = simulcrypt_message_inner(message, tag, field);
    for (size_t i = 0; i < inner.definition->rule_count; i++)
        require(simulcrypt_message_first(&inner, inner.definition->rules[i].tag).value != NULL ||
                inner.definition->rules[i].count_min == 0);
}

static size_t walk(const struct simulcrypt_interface *interface, const struct simulcrypt_message *message,
                   bool valid)
{
    size_t bytes = 0;
    for (size_t i = 0; i < message->definition->rule_count; i++) {
        uint16_t tag = message->definition->rules[i].tag;
        struct simulcrypt_field field = simulcrypt_message_first(message, tag);
        bool compound = valid && simulcrypt_find_parameter(interface, tag)->inner;
        unsigned n = 0;
        for (; field.value; n++) {
            bytes += (size_t)4 + field.size;
            if (compound)
                walk_inside(message, tag, field);
            field = simulcrypt_message_next(message, tag, field);
        }
        require(n >= simulcrypt_message_count(message, tag));
    }
    return bytes;
}

/* A version may receive what it may not send. */
static bool is_of_its_version(const struct simulcrypt_message *message)
{
    for (size_t i = 0; i < message->definition->rule_count; i++)
        if (message->count[i] && message->definition->rules[i].since > message->version)
            return false;
    return true;
}

static void encode_again(const struct simulcrypt_interface *interface,
                         const struct simulcrypt_message *message, const uint8_t *data, size_t size)
{
    static uint8_t again[SIMULCRYPT_HEADER_SIZE + UINT16_MAX];
    struct simulcrypt_encoder encoder;
    struct base_reader r = message->body;
    simulcrypt_encode_begin(&encoder, interface, message->version, message->type, again, size);
    while (base_reader_left(&r)) {
        uint16_t tag = base_read_u16(&r);
        uint16_t length = base_read_u16(&r);
        simulcrypt_encode_bytes(&encoder, tag, base_read_bytes(&r, length), length);
    }
    ptrdiff_t made = simulcrypt_encode_end(&encoder);
    require(!is_of_its_version(message) || made == (ptrdiff_t)size);
    require(made < 0 || !memcmp(again, data, size));
}

/* A line without a control character, whatever the peer sent. */
static void trace(const struct simulcrypt_interface *interface, const uint8_t *data, size_t size)
{
    struct simulcrypt_trace_options options = {.form =
                                                   size & 2 ? SIMULCRYPT_TRACE_JSON : SIMULCRYPT_TRACE_TEXT};
    char *line = malloc(SIMULCRYPT_TRACE_ROOM(size));
    ptrdiff_t length = simulcrypt_trace(interface, data, size, &options, line, SIMULCRYPT_TRACE_ROOM(size));
    require(length > 0);
    for (ptrdiff_t i = 0; i < length; i++)
        require(line[i] >= ' ' && line[i] <= '~');
    free(line);
}

static void try_interface(const struct simulcrypt_interface *interface, const uint8_t *data, size_t size)
{
    struct simulcrypt_message message;
    struct simulcrypt_verdict verdict = {.error_status = 0};
    enum simulcrypt_sender from = size & 1 ? SIMULCRYPT_FROM_CLIENT : SIMULCRYPT_FROM_SERVER;
    int status = simulcrypt_message_decode(interface, from, data, size, &message, &verdict);
    size_t bytes = walk(interface, &message, !status);
    if (status)
        require(verdict.error_status != 0);
    else if (SIMULCRYPT_HEADER_SIZE + bytes == size)
        encode_again(interface, &message, data, size);
    trace(interface, data, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    try_interface(&simulcrypt_ecmg_scs, data, size);
    try_interface(&simulcrypt_emmg_mux, data, size);
    try_interface(&simulcrypt_eis_scs, data, size);
    try_interface(&simulcrypt_cpsig_psig, data, size);
    return 0;
}
