/* SPDX-License-Identifier: GPL-3.0-or-later */
/* PAT, CAT, and what all tables share: ISO/IEC 13818-1, 2.4.4.3 to 2.4.4.6, 2.6.16 (CA_descriptor).
 *
 * Fields are read with base/cursor.h alone. Rejected: the accessors of biTStream (libbitstream-dev). They
 * take a pointer without a length, so each would need a bound kept beside it, by hand, on bytes from outside;
 * a cursor carries that bound, and a PMT or SDT has few fields. biTStream judges our sections in the tests
 * instead. */
#include <errno.h>

#include "base/error.h"
#include "ts/table.h"

#define CRC_SIZE          4
#define LENGTH_MASK       0x0FFFu
#define PID_MASK          0x1FFFu
#define NETWORK_PROGRAM   0
#define CA_CONTENT        4      /* bytes: CA_system_ID and CA_PID; private data may follow */
#define DESCRIPTOR_MAX    255    /* bytes of content */
#define CAT_NO_IDENTIFIER 0xFFFF /* reserved bits where other tables have an extension */

int ts__table_open(const uint8_t *section, size_t size, uint8_t table_id, struct ts_section_header *header,
                   struct base_reader *body)
{
    int rc = ts_section_parse(section, size, header);

    if (rc < 0)
        return rc;
    if (header->table_id != table_id || !header->long_syntax || size > TS__TABLE_MAX)
        return BASE_E_MALFORMED;
    *body = base_reader_of(section + TS__TABLE_START, size - TS__TABLE_START - CRC_SIZE);
    return 0;
}

struct base_writer ts__table_writer(uint8_t *out, size_t room)
{
    if (room > TS__TABLE_MAX)
        room = TS__TABLE_MAX;
    return base_writer_of(out, room < CRC_SIZE ? 0 : room - CRC_SIZE);
}

ptrdiff_t ts__table_seal(struct base_writer *writer, uint8_t version)
{
    uint8_t *section = writer->start;
    size_t size = base_writer_size(writer);

    if (writer->failed)
        return -EMSGSIZE;
    base_store_u16(section + 1,
                   (uint16_t)((base_load_u16(section + 1) & ~LENGTH_MASK) | (size + CRC_SIZE - 3)));
    section[5] = (uint8_t)((section[5] & 0xC1) | (version & 0x1F) << 1);
    base_store_u32(section + size, ts_crc32(section, size)); /* ts__table_writer() kept room for it */
    return (ptrdiff_t)(size + CRC_SIZE);
}

bool ts__descriptor_next(struct base_reader *loop, struct ts__descriptor *descriptor)
{
    const uint8_t *start = loop->at;

    if (!base_reader_left(loop))
        return false;
    descriptor->tag = base_read_u8(loop);
    descriptor->content = base_read_part(loop, base_read_u8(loop));
    descriptor->bytes = start;
    descriptor->size = (size_t)(loop->at - start);
    return !loop->failed;
}

struct base_reader ts__loop_open(struct base_reader *body)
{
    return base_read_part(body, base_read_u16(body) & LENGTH_MASK);
}

bool ts__ca_descriptor_read(const struct ts__descriptor *descriptor, struct ts_ca_descriptor *ca)
{
    struct base_reader content = descriptor->content;

    ca->ca_system_id = base_read_u16(&content);
    ca->ca_pid = base_read_u16(&content) & PID_MASK;
    ca->private_size = (uint8_t)base_reader_left(&content);
    ca->private_data = content.at;
    return !content.failed;
}

void ts__ca_descriptor_write(struct base_writer *writer, const struct ts_ca_descriptor *ca)
{
    if (ca->private_size > DESCRIPTOR_MAX - CA_CONTENT) {
        writer->failed = true;
        return;
    }
    base_write_u8(writer, TS__DESCRIPTOR_CA);
    base_write_u8(writer, (uint8_t)(CA_CONTENT + ca->private_size));
    base_write_u16(writer, ca->ca_system_id);
    base_write_u16(writer, (uint16_t)(0xE000 | (ca->ca_pid & PID_MASK)));
    if (ca->private_size)
        base_write_bytes(writer, ca->private_data, ca->private_size);
}

int ts__loop_copy(struct base_reader loop, struct base_writer *writer,
                  int (*replaced)(const struct ts__descriptor *descriptor, const void *context),
                  const void *context)
{
    struct ts__descriptor descriptor;

    while (ts__descriptor_next(&loop, &descriptor)) {
        int rc = replaced(&descriptor, context);

        if (rc < 0)
            return rc;
        if (!rc)
            base_write_bytes(writer, descriptor.bytes, descriptor.size);
    }
    return loop.failed ? BASE_E_MALFORMED : 0;
}

int ts_pat_read(const uint8_t *section, size_t size, struct ts_pat_section *pat)
{
    struct ts_section_header header;
    struct base_reader body;
    int rc = ts__table_open(section, size, TS_TABLE_PAT, &header, &body);

    if (rc < 0)
        return rc;
    if (header.number > header.last_number || base_reader_left(&body) % 4)
        return BASE_E_MALFORMED;
    pat->transport_stream_id = header.extension;
    pat->version = header.version;
    pat->current = header.current;
    pat->number = header.number;
    pat->last_number = header.last_number;
    pat->count = 0;
    while (base_reader_left(&body)) {
        uint16_t program_number = base_read_u16(&body);
        uint16_t pid = base_read_u16(&body) & PID_MASK;

        if (program_number == NETWORK_PROGRAM)
            continue;
        pat->programs[pat->count].program_number = program_number;
        pat->programs[pat->count++].pmt_pid = pid;
    }
    return 0;
}

ptrdiff_t ts_cat_write(const struct ts_ca_descriptor *ca, unsigned count, uint8_t version, uint8_t *out,
                       size_t room)
{
    struct base_writer w = ts__table_writer(out, room);

    base_write_u8(&w, TS_TABLE_CAT);
    base_write_u16(&w, 0xB000); /* section_syntax_indicator, '0', reserved; the length comes last */
    base_write_u16(&w, CAT_NO_IDENTIFIER);
    base_write_u8(&w, 0xC1); /* reserved, current_next_indicator */
    base_write_u16(&w, 0);   /* section_number, last_section_number */
    for (unsigned i = 0; i < count; i++)
        ts__ca_descriptor_write(&w, &ca[i]);
    return ts__table_seal(&w, version);
}

ptrdiff_t ts_cat_read(const uint8_t *section, size_t size, struct ts_ca_descriptor *ca, size_t room)
{
    struct ts_section_header header;
    struct ts__descriptor descriptor;
    struct ts_ca_descriptor found;
    struct base_reader body;
    size_t count = 0;
    int rc = ts__table_open(section, size, TS_TABLE_CAT, &header, &body);

    if (rc < 0)
        return rc;
    while (ts__descriptor_next(&body, &descriptor)) {
        if (descriptor.tag != TS__DESCRIPTOR_CA)
            continue;
        if (!ts__ca_descriptor_read(&descriptor, &found))
            return BASE_E_MALFORMED;
        if (count < room)
            ca[count] = found;
        count++;
    }
    return body.failed ? BASE_E_MALFORMED : (ptrdiff_t)count;
}

struct cat_entries {
    const struct ts_ca_descriptor *ca;
    unsigned count;
};

static int is_in_entries(const struct ts__descriptor *descriptor, const void *context)
{
    const struct cat_entries *entries = context;
    struct ts_ca_descriptor ca;

    if (descriptor->tag != TS__DESCRIPTOR_CA)
        return 0;
    if (!ts__ca_descriptor_read(descriptor, &ca))
        return BASE_E_MALFORMED;
    for (unsigned i = 0; i < entries->count; i++)
        if (entries->ca[i].ca_system_id == ca.ca_system_id && entries->ca[i].ca_pid == ca.ca_pid)
            return 1;
    return 0;
}

ptrdiff_t ts_cat_add(const uint8_t *section, size_t size, const struct ts_ca_descriptor *ca, unsigned count,
                     uint8_t version, uint8_t *out, size_t room)
{
    struct base_writer w = ts__table_writer(out, room);
    struct cat_entries entries = {.ca = ca, .count = count};
    struct ts_section_header header;
    struct base_reader body;
    int rc = ts__table_open(section, size, TS_TABLE_CAT, &header, &body);

    if (rc < 0)
        return rc;
    base_write_bytes(&w, section, TS__TABLE_START);
    rc = ts__loop_copy(body, &w, is_in_entries, &entries);
    if (rc < 0)
        return rc;
    for (unsigned i = 0; i < count; i++)
        ts__ca_descriptor_write(&w, &ca[i]);
    return ts__table_seal(&w, version);
}
