/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tables.h"

#include <criterion/criterion.h>

#include "simulcrypt/cpsig_psig.h"
#include "simulcrypt/ecmg_scs_table.h"
#include "simulcrypt/eis_scs_table.h"
#include "simulcrypt/emmg_mux_table.h"

const struct simulcrypt_interface *const tables_all[TABLES_COUNT] = {
    &simulcrypt_ecmg_scs, &simulcrypt_emmg_mux, &simulcrypt_eis_scs, &simulcrypt_cpsig_psig};
const struct simulcrypt_interface *const tables_eis = &simulcrypt_eis_scs;

static const struct tables_change nothing = {.rule = SIZE_MAX};

static void write_parameter(const struct simulcrypt_interface *interface, struct base_writer *w, uint16_t tag,
                            const struct tables_change *change);

static void write_inner(const struct simulcrypt_interface *interface, struct base_writer *w,
                        const struct simulcrypt_message_type *inner)
{
    uint8_t *length = base_write_room(w, 2);
    uint8_t *start = w->at;
    for (size_t i = 0; i < inner->rule_count; i++)
        write_parameter(interface, w, inner->rules[i].tag, &nothing);
    base_store_u16(length, (uint16_t)(w->at - start));
}

/* Numbers count up from 1 byte by byte, an error_status is 1 as a whole. */
static void write_parameter(const struct simulcrypt_interface *interface, struct base_writer *w, uint16_t tag,
                            const struct tables_change *change)
{
    const struct simulcrypt_parameter_type *type = simulcrypt_find_parameter(interface, tag);
    uint32_t size = type->size_max <= 9 ? type->size_max : type->size_min + 3u;
    unsigned first = tag != SIMULCRYPT_P_ERROR_STATUS;
    base_write_u16(w, tag);
    if (type->inner && !change->resize) {
        write_inner(interface, w, type->inner);
        return;
    }
    size = change->resize ? change->size : size;
    base_write_u16(w, (uint16_t)size);
    for (uint32_t i = 0; i < size; i++)
        base_write_u8(w, i == 0 && change->set ? change->value : (uint8_t)(i + first));
}

static void begin(struct base_writer *w, const struct simulcrypt_message_type *type, uint8_t version,
                  uint8_t *bytes, size_t room)
{
    *w = base_writer_of(bytes, room);
    base_write_u8(w, version);
    base_write_u16(w, type->type);
    base_write_u16(w, 0);
}

static size_t end(struct base_writer *w)
{
    size_t size = base_writer_size(w);
    cr_assert(!w->failed);
    base_store_u16(w->start + SIMULCRYPT_LENGTH_OFFSET, (uint16_t)(size - SIMULCRYPT_HEADER_SIZE));
    return size;
}

size_t tables_make(const struct simulcrypt_interface *interface, const struct simulcrypt_message_type *type,
                   uint8_t version, unsigned instances, uint8_t *bytes, size_t room)
{
    struct base_writer w;
    begin(&w, type, version, bytes, room);
    for (size_t i = 0; i < type->rule_count; i++) {
        const struct simulcrypt_rule *rule = &type->rules[i];
        unsigned count = instances < rule->count_min ? rule->count_min : instances;
        count = count > rule->count_max ? rule->count_max : count;
        for (unsigned n = 0; n < count && version >= rule->since; n++)
            write_parameter(interface, &w, rule->tag, &nothing);
    }
    return end(&w);
}

size_t tables_make_changed(const struct simulcrypt_interface *interface,
                           const struct simulcrypt_message_type *type, uint8_t version,
                           const struct tables_change *change, uint8_t *bytes, size_t room)
{
    static const uint8_t unknown[] = {0x9A, 0xBC, 0, 3, 0xFF, 0xFF, 0xFF, 0x60, 0x00, 0, 0};
    struct base_writer w;
    begin(&w, type, version, bytes, room);
    for (size_t n = 0; n < type->rule_count; n++) {
        size_t i = change->backwards ? type->rule_count - 1 - n : n;
        unsigned count = i == change->rule ? change->instances : 1;
        for (unsigned k = 0; k < count; k++)
            write_parameter(interface, &w, type->rules[i].tag, i == change->rule ? change : &nothing);
        if (change->unknown)
            base_write_bytes(&w, unknown, sizeof(unknown));
    }
    return end(&w);
}
