/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "simulcrypt/trace.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "simulcrypt/cpsig_psig.h"
#include "simulcrypt/ecmg_scs_table.h"
#include "simulcrypt/eis_scs_table.h"
#include "simulcrypt/emmg_mux_table.h"

struct trace {
    const struct simulcrypt_interface *interface;
    bool json, show_secrets;
    size_t bytes_shown;
    char *at, *end;
    bool failed; /* something did not fit */
};

const struct simulcrypt_interface *simulcrypt_trace_interface(uint16_t message_type)
{
    static const struct simulcrypt_interface *const all[] = {&simulcrypt_ecmg_scs, &simulcrypt_emmg_mux,
                                                             &simulcrypt_eis_scs, &simulcrypt_cpsig_psig};
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        if (simulcrypt_find_message(all[i], message_type))
            return all[i];
    return NULL;
}

__attribute__((format(printf, 2, 3))) static void put(struct trace *trace, const char *format, ...)
{
    va_list arguments;
    size_t room = (size_t)(trace->end - trace->at);
    if (trace->failed)
        return;
    va_start(arguments, format);
    int length = vsnprintf(trace->at, room, format, arguments);
    va_end(arguments);
    trace->failed = length < 0 || (size_t)length >= room;
    if (!trace->failed)
        trace->at += length;
}

static void put_hex(struct trace *trace, const uint8_t *bytes, size_t size)
{
    put(trace, trace->json ? "\"" : "");
    for (size_t i = 0; i < size; i++)
        put(trace, "%02X", bytes[i]);
    put(trace, trace->json ? "\"" : "");
}

static void put_bytes(struct trace *trace, const uint8_t *bytes, size_t size)
{
    bool cut = !trace->json && trace->bytes_shown && size > trace->bytes_shown;

    put_hex(trace, bytes, cut ? trace->bytes_shown : size);
    if (cut)
        put(trace, "…(%zu bytes)", size);
}

/* Long ones are names of things, and read best in hexadecimal; JSON knows no other than decimal. */
static void put_number(struct trace *trace, struct simulcrypt_field field)
{
    if (field.size > 2 && !trace->json)
        put(trace, "0x%0*X", 2 * field.size, simulcrypt_field_number(field));
    else
        put(trace, "%u", simulcrypt_field_number(field));
}

static void put_cp_cw(struct trace *trace, struct simulcrypt_field field)
{
    put(trace, trace->json ? "{\"CP\":%u,\"CW\":" : "%u:", base_load_u16(field.value));
    if (trace->show_secrets)
        put_hex(trace, field.value + 2, field.size - 2u);
    else
        put(trace, trace->json ? "null" : "hidden");
    put(trace, trace->json ? "}" : "");
}

static void put_error_status(struct trace *trace, struct simulcrypt_field field)
{
    uint16_t error = (uint16_t)simulcrypt_field_number(field);
    const char *text = simulcrypt_error_text(trace->interface, error);
    put(trace, trace->json ? "{\"number\":%u,\"text\":\"%s\"}" : "%u(%s)", error, text);
}

static void put_parameters(struct trace *trace, struct base_reader body, bool inner);

static void put_compound(struct trace *trace, struct simulcrypt_field field)
{
    put(trace, trace->json ? "" : "{");
    put_parameters(trace, base_reader_of(field.value, field.size), true);
    put(trace, trace->json ? "" : "}");
}

static void put_value(struct trace *trace, const struct simulcrypt_parameter_type *type,
                      struct simulcrypt_field field)
{
    if (!type || field.size < type->size_min || field.size > type->size_max || type->kind == SIMULCRYPT_BYTES)
        put_bytes(trace, field.value, field.size);
    else if (type->tag == SIMULCRYPT_P_ERROR_STATUS)
        put_error_status(trace, field);
    else if (type->kind == SIMULCRYPT_SIGNED)
        put(trace, "%d", (int16_t)simulcrypt_field_number(field));
    else if (type->kind == SIMULCRYPT_CP_CW)
        put_cp_cw(trace, field);
    else if (type->kind == SIMULCRYPT_COMPOUND)
        put_compound(trace, field);
    else
        put_number(trace, field);
}

static void put_parameter(struct trace *trace, uint16_t tag, struct simulcrypt_field field)
{
    const struct simulcrypt_parameter_type *type = simulcrypt_find_parameter(trace->interface, tag);
    if (trace->json)
        put(trace, "{\"tag\":%u,", tag);
    if (type)
        put(trace, trace->json ? "\"name\":\"%s\",\"value\":" : "%s=", type->name);
    else
        put(trace, trace->json ? "\"value\":" : "0x%04X=", tag);
    /* What a CW of a wrong size holds is a secret all the same. */
    if (type && type->kind == SIMULCRYPT_CP_CW && field.size > type->size_max && !trace->show_secrets)
        put(trace, trace->json ? "null" : "hidden");
    else
        put_value(trace, type, field);
    put(trace, trace->json ? "}" : "");
}

/* Up to the first that is cut off. */
static void put_parameters(struct trace *trace, struct base_reader body, bool inner)
{
    const char *separator = inner || trace->json ? "" : " ";
    put(trace, trace->json ? "[" : "");
    while (base_reader_left(&body)) {
        struct simulcrypt_field field;
        uint16_t tag = base_read_u16(&body);
        field.size = base_read_u16(&body);
        field.value = base_read_bytes(&body, field.size);
        if (!field.value)
            break;
        put(trace, "%s", separator);
        put_parameter(trace, tag, field);
        separator = trace->json ? "," : " ";
    }
    put(trace, trace->json ? "]" : "");
}

static void put_fault(struct trace *trace, const struct simulcrypt_verdict *verdict)
{
    const char *text = simulcrypt_error_text(trace->interface, verdict->error_status);
    put(trace, trace->json ? ",\"fault\":{\"text\":\"%s\",\"information\":%u}" : " INVALID(%s, 0x%04X)", text,
        verdict->error_information);
}

ptrdiff_t simulcrypt_trace(const struct simulcrypt_interface *interface, const void *bytes, size_t size,
                           const struct simulcrypt_trace_options *options, char *text, size_t room)
{
    struct simulcrypt_message message;
    struct simulcrypt_verdict verdict;
    struct trace trace = {.interface = interface,
                          .json = options->form == SIMULCRYPT_TRACE_JSON,
                          .show_secrets = options->show_secrets,
                          .bytes_shown = options->bytes_shown,
                          .at = text,
                          .end = text + room};
    int status = simulcrypt_message_decode(interface, SIMULCRYPT_FROM_BOTH, bytes, size, &message, &verdict);
    if (trace.json)
        put(&trace, "{\"interface\":\"%s\",\"version\":%u,\"type\":%u,\"message\":\"%s\",\"parameters\":",
            interface->name, message.version, message.type, message.definition->name);
    else if (simulcrypt_find_message(interface, message.type))
        put(&trace, "v%u %s", message.version, message.definition->name);
    else
        put(&trace, "v%u 0x%04X", message.version, message.type);
    put_parameters(&trace, message.body, false);
    if (status)
        put_fault(&trace, &verdict);
    put(&trace, trace.json ? "}" : "");
    return trace.failed ? -ENOSPC : trace.at - text;
}
