/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every message of every interface in every version, made from the tables and read back; what the tables
 * forbid is refused with the right error and the parameter at fault. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/error.h"
#include "tables.h"

TestSuite(tables, .timeout = 60);

static struct simulcrypt_message message;
static struct simulcrypt_verdict verdict;
static uint8_t bytes[SIMULCRYPT_HEADER_SIZE + UINT16_MAX];

typedef void check(const struct simulcrypt_interface *interface, const struct simulcrypt_message_type *type,
                   uint8_t version);

static void for_every_message(check *run)
{
    for (size_t i = 0; i < TABLES_COUNT; i++)
        for (uint8_t version = 0; version < 32; version++)
            for (size_t m = 0; m < tables_all[i]->message_count; m++)
                if (simulcrypt_version_is_known(tables_all[i], version))
                    run(tables_all[i], &tables_all[i]->messages[m], version);
}

static int decode(const struct simulcrypt_interface *interface, const struct simulcrypt_message_type *type,
                  size_t size)
{
    return simulcrypt_message_decode(interface, type->from, bytes, size, &message, &verdict);
}

static void expect_fault(int status, const struct simulcrypt_interface *interface,
                         enum simulcrypt_fault fault, uint16_t information)
{
    const char *name = message.definition->name;
    cr_assert_eq(status, BASE_E_MALFORMED, "%s %s", interface->name, name);
    cr_assert_eq(verdict.fault, fault, "%s %s: fault %d instead of %d", interface->name, name, verdict.fault,
                 fault);
    cr_assert_eq(verdict.error_status, interface->errors[fault]);
    cr_assert_eq(verdict.error_information, information, "%s %s: %04X", interface->name, name,
                 verdict.error_information);
}

/* Parameter by parameter in the order that came. */
static size_t encode_again(const struct simulcrypt_interface *interface, uint8_t *again, size_t room)
{
    struct simulcrypt_encoder encoder;
    struct base_reader r = message.body;
    simulcrypt_encode_begin(&encoder, interface, message.version, message.type, again, room);
    while (base_reader_left(&r)) {
        uint16_t tag = base_read_u16(&r);
        uint16_t size = base_read_u16(&r);
        simulcrypt_encode_bytes(&encoder, tag, base_read_bytes(&r, size), size);
    }
    return (size_t)simulcrypt_encode_end(&encoder);
}

static void check_round_trip(const struct simulcrypt_interface *interface,
                             const struct simulcrypt_message_type *type, uint8_t version)
{
    static uint8_t again[sizeof(bytes)];
    for (unsigned instances = 0; instances <= 3; instances++) {
        size_t size = tables_make(interface, type, version, instances, bytes, sizeof(bytes));
        cr_assert_eq(decode(interface, type, size), 0, "%s %s v%u: %04X", interface->name, type->name,
                     version, verdict.error_information);
        cr_assert_eq(encode_again(interface, again, sizeof(again)), size, "%s %s v%u", interface->name,
                     type->name, version);
        cr_assert(!memcmp(bytes, again, size));
    }
}

Test(tables, every_message_decodes_and_encodes_to_the_same_bytes)
{
    for_every_message(check_round_trip);
}

static void check_missing(const struct simulcrypt_interface *interface,
                          const struct simulcrypt_message_type *type, uint8_t version)
{
    for (size_t i = 0; i < type->rule_count; i++) {
        const struct simulcrypt_rule *rule = &type->rules[i];
        struct tables_change change = {.rule = i, .instances = 0};
        size_t size = tables_make_changed(interface, type, version, &change, bytes, sizeof(bytes));
        int status = decode(interface, type, size);
        if (rule->count_min && version >= rule->since)
            expect_fault(status, interface, SIMULCRYPT_FAULT_MISSING_PARAMETER, rule->tag);
        else
            cr_assert_eq(status, 0, "%s %s without %04X", interface->name, type->name, rule->tag);
    }
}

Test(tables, what_is_mandatory_is_missed)
{
    for_every_message(check_missing);
}

static void check_twice(const struct simulcrypt_interface *interface,
                        const struct simulcrypt_message_type *type, uint8_t version)
{
    for (size_t i = 0; i < type->rule_count; i++) {
        struct tables_change change = {.rule = i, .instances = 2};
        size_t size = tables_make_changed(interface, type, version, &change, bytes, sizeof(bytes));
        int status = decode(interface, type, size);
        if (type->rules[i].count_max < 2)
            expect_fault(status, interface, SIMULCRYPT_FAULT_INVALID_MESSAGE, type->rules[i].tag);
        else
            cr_assert_eq(status, 0);
    }
}

Test(tables, what_may_come_once_may_not_come_twice)
{
    for_every_message(check_twice);
}

static void check_size(const struct simulcrypt_interface *interface,
                       const struct simulcrypt_message_type *type, uint8_t version)
{
    for (size_t i = 0; i < type->rule_count; i++) {
        const struct simulcrypt_parameter_type *parameter =
            simulcrypt_find_parameter(interface, type->rules[i].tag);
        struct tables_change change = {.rule = i, .instances = 1, .resize = true};
        const uint32_t sizes[] = {(uint32_t)parameter->size_min - 1, (uint32_t)parameter->size_max + 1};
        for (size_t k = 0; k < 2; k++) {
            if (sizes[k] > 10000) /* no value is too short, or too long, for it */
                continue;
            change.size = sizes[k];
            size_t size = tables_make_changed(interface, type, version, &change, bytes, sizeof(bytes));
            expect_fault(decode(interface, type, size), interface, SIMULCRYPT_FAULT_LENGTH, parameter->tag);
        }
    }
}

Test(tables, values_of_a_wrong_size_are_refused)
{
    for_every_message(check_size);
}

static void check_values(const struct simulcrypt_interface *interface,
                         const struct simulcrypt_message_type *type, uint8_t version)
{
    for (size_t i = 0; i < type->rule_count; i++) {
        const struct simulcrypt_parameter_type *parameter =
            simulcrypt_find_parameter(interface, type->rules[i].tag);
        bool format = parameter->kind == SIMULCRYPT_FORMAT;
        struct tables_change change = {.rule = i, .instances = 1, .set = true};
        if (!format && parameter->kind != SIMULCRYPT_BOOLEAN)
            continue;
        for (unsigned value = 0; value < 256; value++) {
            change.value = (uint8_t)value;
            size_t size = tables_make_changed(interface, type, version, &change, bytes, sizeof(bytes));
            int status = decode(interface, type, size);
            if (value <= 1 || (format && version == 5 && value == SIMULCRYPT_ANNEX_N))
                cr_assert_eq(status, 0);
            else
                expect_fault(status, interface, SIMULCRYPT_FAULT_VALUE, parameter->tag);
        }
    }
}

Test(tables, booleans_are_0_or_1_and_annex_n_is_for_version_5)
{
    for_every_message(check_values);
}

static void check_sender(const struct simulcrypt_interface *interface,
                         const struct simulcrypt_message_type *type, uint8_t version)
{
    enum simulcrypt_sender other =
        type->from == SIMULCRYPT_FROM_CLIENT ? SIMULCRYPT_FROM_SERVER : SIMULCRYPT_FROM_CLIENT;
    size_t size = tables_make(interface, type, version, 1, bytes, sizeof(bytes));
    int status = simulcrypt_message_decode(interface, other, bytes, size, &message, &verdict);
    if (type->from == SIMULCRYPT_FROM_BOTH)
        cr_assert_eq(status, 0);
    else
        expect_fault(status, interface, SIMULCRYPT_FAULT_INVALID_MESSAGE, 1);
}

Test(tables, a_message_from_the_wrong_end_is_invalid)
{
    for_every_message(check_sender);
}

static void check_order(const struct simulcrypt_interface *interface,
                        const struct simulcrypt_message_type *type, uint8_t version)
{
    struct tables_change change = {.rule = SIZE_MAX, .backwards = true, .unknown = true};
    size_t size = tables_make_changed(interface, type, version, &change, bytes, sizeof(bytes));
    cr_assert_eq(decode(interface, type, size), 0, "%s %s", interface->name, type->name);
    for (size_t i = 0; i < type->rule_count; i++)
        cr_assert_eq(simulcrypt_message_count(&message, type->rules[i].tag), 1);
}

Test(tables, parameters_come_in_any_order_and_unknown_ones_are_skipped)
{
    for_every_message(check_order);
}

static void check_cuts(const struct simulcrypt_interface *interface,
                       const struct simulcrypt_message_type *type, uint8_t version)
{
    size_t size = tables_make(interface, type, version, 2, bytes, sizeof(bytes));
    for (size_t cut = 0; cut < size; cut++) {
        if (cut > SIMULCRYPT_HEADER_SIZE)
            base_store_u16(bytes + 3, (uint16_t)(size - SIMULCRYPT_HEADER_SIZE));
        cr_assert_eq(decode(interface, type, cut), BASE_E_MALFORMED);
    }
}

Test(tables, truncated_messages_are_invalid)
{
    for_every_message(check_cuts);
}

static void check_version(const struct simulcrypt_interface *interface,
                          const struct simulcrypt_message_type *type, uint8_t version)
{
    size_t size = tables_make(interface, type, version, 1, bytes, sizeof(bytes));
    for (unsigned other = 0; other < 256; other++) {
        bytes[0] = (uint8_t)other;
        int status = decode(interface, type, size);
        if (type->is_error || simulcrypt_version_is_known(interface, (uint8_t)other))
            cr_assert_neq(verdict.error_status, interface->errors[SIMULCRYPT_FAULT_VERSION]);
        else
            expect_fault(status, interface, SIMULCRYPT_FAULT_VERSION, 0);
        verdict.error_status = 0;
    }
}

Test(tables, unknown_versions_are_told_and_errors_read_whatever_their_version)
{
    for_every_message(check_version);
}

static bool occurs(const struct simulcrypt_interface *interface, const struct simulcrypt_parameter_type *type)
{
    for (size_t m = 0; m < interface->message_count; m++)
        for (size_t i = 0; i < interface->messages[m].rule_count; i++)
            if (interface->messages[m].rules[i].tag == type->tag)
                return true;
    for (size_t p = 0; p < interface->parameter_count; p++)
        for (size_t i = 0; interface->parameters[p].inner && i < interface->parameters[p].inner->rule_count;
             i++)
            if (interface->parameters[p].inner->rules[i].tag == type->tag)
                return true;
    return false;
}

Test(tables, are_whole)
{
    for (size_t i = 0; i < TABLES_COUNT; i++) {
        const struct simulcrypt_interface *interface = tables_all[i];
        for (size_t m = 0; m < interface->message_count; m++) {
            const struct simulcrypt_message_type *type = &interface->messages[m];
            cr_assert_eq(simulcrypt_find_message(interface, type->type), type, "a number twice");
            cr_assert_leq(type->rule_count, SIMULCRYPT_RULES_MAX);
            for (size_t r = 0; r < type->rule_count; r++)
                cr_assert(simulcrypt_find_parameter(interface, type->rules[r].tag));
        }
        for (size_t p = 0; p < interface->parameter_count; p++) {
            const struct simulcrypt_parameter_type *type = &interface->parameters[p];
            cr_assert_eq(simulcrypt_find_parameter(interface, type->tag), type, "a number twice");
            cr_assert(occurs(interface, type), "%s occurs nowhere", type->name);
            cr_assert_eq(type->inner != NULL, type->kind == SIMULCRYPT_COMPOUND);
        }
        for (size_t role = 0; role < SIMULCRYPT_ROLES; role++)
            cr_assert(!interface->roles[role] || simulcrypt_find_message(interface, interface->roles[role]));
        for (size_t fault = 0; fault <= SIMULCRYPT_FAULT_UNKNOWN_CHANNEL; fault++)
            cr_assert_neq(interface->errors[fault], 0);
        cr_assert(simulcrypt_find_parameter(interface, interface->channel_tag));
    }
}

Test(tables, every_error_has_a_text_of_its_own)
{
    for (size_t i = 0; i < TABLES_COUNT; i++) {
        const struct simulcrypt_interface *interface = tables_all[i];
        for (size_t a = 0; a < interface->error_count; a++)
            for (size_t b = 0; b < a; b++) {
                cr_assert_neq(interface->error_types[a].number, interface->error_types[b].number);
                cr_assert_str_neq(interface->error_types[a].text, interface->error_types[b].text);
            }
        cr_assert_str_eq(simulcrypt_error_text(interface, 0x7000), "unknown error");
        cr_assert_str_eq(simulcrypt_error_text(interface, 0x7001), "unrecoverable error");
        cr_assert_str_eq(simulcrypt_error_text(interface, 0x6FFF), "reserved error number");
        cr_assert_str_eq(simulcrypt_error_text(interface, 0x8000), "user defined error");
    }
}

/* A fault inside an ECM_Group is told as one of the message: its tag, or its offset in the message. */
Test(tables, faults_inside_a_compound_are_told)
{
    const struct simulcrypt_interface *eis = tables_eis;
    struct base_writer w = base_writer_of(bytes, sizeof(bytes));
    static const uint8_t provision[] = {4, 0x04, 0x08, 0, 0, 0, 1, 0,  2, 0, 1, 0, 6, 0, 2, 0, 1,
                                        0, 15,   0,    2, 0, 1, 0, 22, 0, 2, 0, 1, 0, 7, 0, 4, 0,
                                        0, 0,    1,    0, 5, 0, 8, 0,  9, 0, 2, 0, 1, 0, 8, 0, 4};
    base_write_bytes(&w, provision, sizeof(provision));
    base_store_u16(bytes + 3, sizeof(provision) - SIMULCRYPT_HEADER_SIZE);
    const struct simulcrypt_message_type *type = simulcrypt_find_message(eis, 0x0408);
    bytes[40] = 6; /* ECM_id alone */
    expect_fault(decode(eis, type, sizeof(provision) - 4), eis, SIMULCRYPT_FAULT_INVALID_MESSAGE,
                 SIMULCRYPT_LENGTH_OFFSET);
    base_store_u16(bytes + 3, sizeof(provision) - 4 - SIMULCRYPT_HEADER_SIZE);
    expect_fault(decode(eis, type, sizeof(provision) - 4), eis, SIMULCRYPT_FAULT_MISSING_PARAMETER, 0x0008);
    bytes[40] = 10; /* ECM_id, and a Super_CAS_id without its value */
    base_store_u16(bytes + 3, sizeof(provision) - SIMULCRYPT_HEADER_SIZE);
    expect_fault(decode(eis, type, sizeof(provision)), eis, SIMULCRYPT_FAULT_INVALID_MESSAGE, 47);
}
