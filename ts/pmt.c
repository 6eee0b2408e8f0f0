/* SPDX-License-Identifier: GPL-3.0-or-later */
/* PMT: ISO/IEC 13818-1, 2.4.4.8; scrambling_descriptor: EN 300 468, 6.2.34. */
#include <errno.h>

#include "base/error.h"
#include "ts/table.h"

#define PID_MASK 0x1FFFu

#define COUNT_OF(array) (sizeof(array) / sizeof(*(array)))

static int read_ca(const struct ts__descriptor *descriptor, struct ts_ca_descriptor *list, size_t room,
                   uint8_t *count)
{
    struct ts_ca_descriptor ca;

    if (!ts__ca_descriptor_read(descriptor, &ca))
        return BASE_E_MALFORMED;
    if (*count < room)
        list[(*count)++] = ca;
    return 0;
}

static int read_program_loop(struct base_reader loop, struct ts_pmt *pmt)
{
    struct ts__descriptor descriptor;

    while (ts__descriptor_next(&loop, &descriptor)) {
        if (descriptor.tag == TS__DESCRIPTOR_CA &&
            read_ca(&descriptor, pmt->ca, COUNT_OF(pmt->ca), &pmt->ca_count) < 0)
            return BASE_E_MALFORMED;
        if (descriptor.tag == TS__DESCRIPTOR_SCRAMBLING)
            pmt->scrambling_mode = base_read_u8(&descriptor.content);
    }
    return loop.failed ? BASE_E_MALFORMED : 0;
}

static int read_component(struct base_reader *body, struct ts_pmt_component *component)
{
    struct ts__descriptor descriptor;
    struct base_reader loop;

    component->stream_type = base_read_u8(body);
    component->pid = base_read_u16(body) & PID_MASK;
    component->ca_count = 0;
    loop = ts__loop_open(body);
    component->kind = ts__component_kind(component->stream_type, loop);
    while (ts__descriptor_next(&loop, &descriptor)) {
        if (descriptor.tag == TS__DESCRIPTOR_CA &&
            read_ca(&descriptor, component->ca, COUNT_OF(component->ca), &component->ca_count) < 0)
            return BASE_E_MALFORMED;
        if (descriptor.tag == TS__DESCRIPTOR_STREAM_IDENTIFIER && base_reader_left(&descriptor.content)) {
            component->has_tag = true;
            component->tag = base_read_u8(&descriptor.content);
        }
    }
    return loop.failed ? BASE_E_MALFORMED : 0;
}

int ts_pmt_read(const uint8_t *section, size_t size, struct ts_pmt *pmt)
{
    struct ts_section_header header;
    struct base_reader body;
    int rc = ts__table_open(section, size, TS_TABLE_PMT, &header, &body);

    if (rc < 0)
        return rc;
    memset(pmt, 0, sizeof(*pmt));
    pmt->program_number = header.extension;
    pmt->version = header.version;
    pmt->current = header.current;
    pmt->pcr_pid = base_read_u16(&body) & PID_MASK;
    rc = read_program_loop(ts__loop_open(&body), pmt);
    while (rc == 0 && base_reader_left(&body)) {
        struct ts_pmt_component component = {0};

        rc = read_component(&body, &component);
        if (rc == 0)
            pmt->components[pmt->component_count++] = component;
    }
    return rc < 0 || body.failed ? BASE_E_MALFORMED : 0;
}

static bool lists(const struct ts_ca_descriptor *ca, unsigned count, uint16_t ca_system_id)
{
    for (unsigned i = 0; i < count; i++)
        if (ca[i].ca_system_id == ca_system_id)
            return true;
    return false;
}

/* Whether anything is to be added at all. */
static bool protects(const struct ts_pmt_protection *protection)
{
    for (unsigned i = 0; i < protection->component_count; i++)
        if (protection->components[i].ca_count)
            return true;
    return protection->ca_count;
}

/* Whether the new protection takes the place of this descriptor. 1, 0 or BASE_E_MALFORMED. */
static int is_replaced(const struct ts__descriptor *descriptor, const void *context)
{
    const struct ts_pmt_protection *protection = context;
    struct ts_ca_descriptor ca;

    if (descriptor->tag == TS__DESCRIPTOR_SCRAMBLING)
        return protects(protection);
    if (descriptor->tag != TS__DESCRIPTOR_CA)
        return 0;
    if (!ts__ca_descriptor_read(descriptor, &ca))
        return BASE_E_MALFORMED;
    if (lists(protection->ca, protection->ca_count, ca.ca_system_id))
        return 1;
    for (unsigned i = 0; i < protection->component_count; i++)
        if (lists(protection->components[i].ca, protection->components[i].ca_count, ca.ca_system_id))
            return 1;
    return 0;
}

static void write_programme(struct base_writer *w, const struct ts_pmt_protection *protection)
{
    for (unsigned i = 0; i < protection->ca_count; i++)
        ts__ca_descriptor_write(w, &protection->ca[i]);
    if (protection->scrambling_mode && protects(protection)) {
        base_write_u8(w, TS__DESCRIPTOR_SCRAMBLING);
        base_write_u8(w, 1);
        base_write_u8(w, protection->scrambling_mode);
    }
}

static void write_component(struct base_writer *w, const struct ts_pmt_protection *protection, uint16_t pid)
{
    for (unsigned i = 0; i < protection->component_count; i++)
        for (unsigned n = 0; protection->components[i].pid == pid && n < protection->components[i].ca_count;
             n++)
            ts__ca_descriptor_write(w, &protection->components[i].ca[n]);
}

/* Copies a length field and its loop without what is replaced. What is added then goes to its end:
 * loop_end() counts it in. */
static int copy_loop(struct base_reader *body, struct base_writer *w,
                     const struct ts_pmt_protection *protection, uint8_t **length)
{
    struct base_reader peek = *body;
    uint16_t reserved = base_read_u16(&peek) & 0xF000;

    *length = base_write_room(w, 2);
    if (!w->failed)
        base_store_u16(*length, reserved);
    return ts__loop_copy(ts__loop_open(body), w, is_replaced, protection);
}

static void loop_end(const struct base_writer *w, uint8_t *length)
{
    if (!w->failed)
        base_store_u16(length, (uint16_t)(base_load_u16(length) | (w->at - length - 2)));
}

static void copy_bytes(struct base_reader *from, struct base_writer *to, size_t size)
{
    const uint8_t *bytes = base_read_bytes(from, size);

    if (bytes)
        base_write_bytes(to, bytes, size);
}

static int copy_programme(struct base_reader *body, struct base_writer *w,
                          const struct ts_pmt_protection *protection)
{
    uint8_t *length;
    int rc;

    copy_bytes(body, w, 2); /* PCR_PID */
    rc = copy_loop(body, w, protection, &length);
    if (rc < 0)
        return rc;
    write_programme(w, protection);
    loop_end(w, length);
    return 0;
}

static int copy_component(struct base_reader *body, struct base_writer *w,
                          const struct ts_pmt_protection *protection)
{
    struct base_reader peek = *body;
    uint8_t *length;
    uint16_t pid;
    int rc;

    (void)base_read_u8(&peek);
    pid = base_read_u16(&peek) & PID_MASK;
    copy_bytes(body, w, 3); /* stream_type, elementary_PID */
    rc = copy_loop(body, w, protection, &length);
    if (rc < 0)
        return rc;
    write_component(w, protection, pid);
    loop_end(w, length);
    return 0;
}

ptrdiff_t ts_pmt_protect(const uint8_t *section, size_t size, const struct ts_pmt_protection *protection,
                         uint8_t version, uint8_t *out, size_t room)
{
    struct base_writer w = ts__table_writer(out, room);
    struct ts_section_header header;
    struct base_reader body;
    int rc = ts__table_open(section, size, TS_TABLE_PMT, &header, &body);

    if (rc < 0)
        return rc;
    base_write_bytes(&w, section, TS__TABLE_START);
    rc = copy_programme(&body, &w, protection);
    while (rc == 0 && base_reader_left(&body))
        rc = copy_component(&body, &w, protection);
    if (rc < 0 || body.failed)
        return BASE_E_MALFORMED;
    return ts__table_seal(&w, version);
}
