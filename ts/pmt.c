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
    while (ts__descriptor_next(&loop, &descriptor))
        if (descriptor.tag == TS__DESCRIPTOR_CA &&
            read_ca(&descriptor, component->ca, COUNT_OF(component->ca), &component->ca_count) < 0)
            return BASE_E_MALFORMED;
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

/* Whether the new protection takes the place of this descriptor. 1, 0 or BASE_E_MALFORMED. */
static int is_replaced(const struct ts__descriptor *descriptor, const struct ts_pmt_protection *protection)
{
    struct ts_ca_descriptor ca;

    if (descriptor->tag == TS__DESCRIPTOR_SCRAMBLING)
        return 1;
    if (descriptor->tag != TS__DESCRIPTOR_CA)
        return 0;
    if (!ts__ca_descriptor_read(descriptor, &ca))
        return BASE_E_MALFORMED;
    for (unsigned i = 0; i < protection->ca_count; i++)
        if (protection->ca[i].ca_system_id == ca.ca_system_id)
            return 1;
    return 0;
}

static int copy_kept(struct base_reader loop, struct base_writer *w,
                     const struct ts_pmt_protection *protection)
{
    struct ts__descriptor descriptor;

    while (ts__descriptor_next(&loop, &descriptor)) {
        int replaced = is_replaced(&descriptor, protection);

        if (replaced < 0)
            return replaced;
        if (!replaced)
            base_write_bytes(w, descriptor.bytes, descriptor.size);
    }
    return loop.failed ? BASE_E_MALFORMED : 0;
}

static void write_protection(struct base_writer *w, const struct ts_pmt_protection *protection)
{
    for (unsigned i = 0; i < protection->ca_count; i++)
        ts__ca_descriptor_write(w, &protection->ca[i]);
    if (protection->scrambling_mode) {
        base_write_u8(w, TS__DESCRIPTOR_SCRAMBLING);
        base_write_u8(w, 1);
        base_write_u8(w, protection->scrambling_mode);
    }
}

/* Copies a length field and its loop without what is replaced; `added` (NULL: nothing) goes to the end. */
static int copy_loop(struct base_reader *body, struct base_writer *w,
                     const struct ts_pmt_protection *protection, const struct ts_pmt_protection *added)
{
    struct base_reader peek = *body;
    uint16_t reserved = base_read_u16(&peek) & 0xF000;
    uint8_t *length = base_write_room(w, 2);
    int rc = copy_kept(ts__loop_open(body), w, protection);

    if (rc < 0)
        return rc;
    if (added)
        write_protection(w, added);
    if (!w->failed)
        base_store_u16(length, (uint16_t)(reserved | (w->at - length - 2)));
    return 0;
}

static void copy_bytes(struct base_reader *from, struct base_writer *to, size_t size)
{
    const uint8_t *bytes = base_read_bytes(from, size);

    if (bytes)
        base_write_bytes(to, bytes, size);
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
    copy_bytes(&body, &w, 2); /* PCR_PID */
    rc = copy_loop(&body, &w, protection, protection);
    while (rc == 0 && base_reader_left(&body)) {
        copy_bytes(&body, &w, 3); /* stream_type, elementary_PID */
        rc = copy_loop(&body, &w, protection, NULL);
    }
    if (rc < 0 || body.failed)
        return BASE_E_MALFORMED;
    return ts__table_seal(&w, version);
}
