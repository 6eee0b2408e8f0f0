/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "headend/tables.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool holds(const struct headend__section *kept, const uint8_t *section, size_t size)
{
    return kept->bytes && kept->size == size && !memcmp(kept->bytes, section, size);
}

static int keep(struct headend__section *kept, const uint8_t *section, size_t size)
{
    uint8_t *bytes = malloc(size);

    if (!bytes)
        return -ENOMEM;
    memcpy(bytes, section, size);
    free(kept->bytes);
    *kept = (struct headend__section){.bytes = bytes, .size = (uint16_t)size};
    return 0;
}

static void forget(struct headend__section *kept)
{
    free(kept->bytes);
    *kept = (struct headend__section){0};
}

static void table_clear(struct headend__table *table)
{
    for (unsigned i = 0; i < 256; i++)
        forget(&table->sections[i]);
    table->known = table->complete = false;
}

static void table_begin(struct headend__table *table, const struct ts_section_header *header)
{
    table_clear(table);
    table->known = true;
    table->version = header->version;
    table->last_number = header->last_number;
    table->extension = header->extension;
    table->changes++;
}

/* Puts a section into its table; another version, extension or length begins the table anew. */
static int table_put(struct headend__table *table, const struct ts_section_header *header,
                     const uint8_t *section, size_t size)
{
    struct headend__section *kept = &table->sections[header->number];
    int r;

    if (header->number > header->last_number)
        return 0;
    if (table->known && table->version == header->version && table->last_number == header->last_number &&
        table->extension == header->extension) {
        if (holds(kept, section, size))
            return 0;
        table->changes += kept->bytes ? 1 : 0;
    } else {
        table_begin(table, header);
    }
    r = keep(kept, section, size);
    if (r < 0)
        return r;
    table->complete = true;
    for (unsigned i = 0; i <= table->last_number; i++)
        table->complete &= table->sections[i].bytes != NULL;
    return 1;
}

struct headend__program *headend__tables_program(const struct headend__tables *tables, uint16_t number)
{
    unsigned position = tables->positions[number];

    return position ? &tables->programs[position - 1] : NULL;
}

const char *headend__tables_name(const struct headend__tables *tables, uint16_t service_id)
{
    for (unsigned i = 0; i < tables->name_count; i++)
        if (tables->names[i].service_id == service_id)
            return tables->names[i].text;
    return NULL;
}

static void programs_free(struct headend__program *programs, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        forget(&programs[i].pmt);
    free(programs);
}

/* Adds a programme; one that stays on its PMT PID keeps its PMT. Of doubles the first counts. */
static void add_program(struct headend__tables *tables, struct headend__program *old,
                        const uint16_t *old_positions, uint16_t number, uint16_t pmt_pid)
{
    struct headend__program *program = &tables->programs[tables->program_count];
    unsigned before = old_positions[number];

    if (tables->positions[number])
        return;
    *program = (struct headend__program){.number = number, .pmt_pid = pmt_pid};
    if (before && old[before - 1].pmt_pid == pmt_pid) {
        *program = old[before - 1];
        old[before - 1].pmt = (struct headend__section){0};
    }
    tables->positions[number] = (uint16_t)++tables->program_count;
}

/* Takes over a PAT that is whole. */
static int read_pat(struct headend__tables *tables)
{
    unsigned sections = tables->pat.last_number + 1u;
    struct headend__program *programs = calloc((size_t)sections * TS_PAT_PROGRAMS_MAX, sizeof(*programs));
    uint16_t *old_positions = malloc(sizeof(tables->positions));
    struct headend__program *old = tables->programs;
    unsigned old_count = tables->program_count;
    struct ts_pat_section pat;

    if (!programs || !old_positions) {
        free(programs);
        free(old_positions);
        return -ENOMEM;
    }
    memcpy(old_positions, tables->positions, sizeof(tables->positions));
    memset(tables->positions, 0, sizeof(tables->positions));
    tables->programs = programs;
    tables->program_count = 0;
    for (unsigned i = 0; i < sections; i++) {
        if (ts_pat_read(tables->pat.sections[i].bytes, tables->pat.sections[i].size, &pat) < 0)
            continue;
        for (unsigned n = 0; n < pat.count; n++)
            add_program(tables, old, old_positions, pat.programs[n].program_number, pat.programs[n].pmt_pid);
    }
    programs_free(old, old_count);
    free(old_positions);
    return 1;
}

static int pat_section(struct headend__tables *tables, const struct ts_section_header *header,
                       const uint8_t *section)
{
    struct ts_pat_section pat;
    int r;

    if (ts_pat_read(section, header->size, &pat) < 0) {
        tables->bad_sections++;
        tables->unreadable_pat = true;
        return 1;
    }
    r = table_put(&tables->pat, header, section, header->size);
    if (r > 0 && tables->pat.complete) {
        tables->unreadable_pat = false;
        r = read_pat(tables);
    }
    return r;
}

/* A service takes at least 5 bytes of an SDT section. */
#define SDT_SERVICES_MAX (HEADEND__SECTION_MAX / 5)

static unsigned names_of(const struct headend__section *section, struct headend__name *names)
{
    struct ts_sdt_service services[SDT_SERVICES_MAX];
    ptrdiff_t count =
        section->bytes ? ts_sdt_read(section->bytes, section->size, services, SDT_SERVICES_MAX) : 0;

    for (ptrdiff_t i = 0; i < count; i++) {
        names[i].service_id = services[i].service_id;
        memcpy(names[i].text, services[i].name, TS_SERVICE_NAME_MAX);
    }
    return count > 0 ? (unsigned)count : 0;
}

/* Names of an SDT that is not whole yet come before those of the last one, which stay good until it is: no
 * service loses its name (and its protection) between two versions. */
static int read_names(struct headend__tables *tables)
{
    unsigned sections = tables->sdt.last_number + 1u;
    unsigned kept = tables->sdt.complete ? 0 : tables->name_count;
    struct headend__name *names;
    unsigned count = 0;

    /* Bounded: what is kept of old versions is never more than one whole table. */
    if (kept > 256 * SDT_SERVICES_MAX)
        kept = 256 * SDT_SERVICES_MAX;
    names = calloc((size_t)sections * SDT_SERVICES_MAX + kept, sizeof(*names));
    if (!names)
        return -ENOMEM;
    for (unsigned i = 0; i < sections; i++)
        count += names_of(&tables->sdt.sections[i], names + count);
    for (unsigned i = 0; i < kept; i++)
        names[count++] = tables->names[i];
    free(tables->names);
    tables->names = names;
    tables->name_count = count;
    return 1;
}

static int sdt_section(struct headend__tables *tables, const struct ts_section_header *header,
                       const uint8_t *section)
{
    int r;

    if (ts_sdt_read(section, header->size, NULL, 0) < 0) {
        tables->bad_sections++;
        return 0;
    }
    r = table_put(&tables->sdt, header, section, header->size);
    return r > 0 ? read_names(tables) : r;
}

static int cat_section(struct headend__tables *tables, const struct ts_section_header *header,
                       const uint8_t *section)
{
    if (ts_cat_read(section, header->size, NULL, 0) < 0) {
        tables->bad_sections++;
        return 0;
    }
    return table_put(&tables->cat, header, section, header->size);
}

static int pmt_section(struct headend__tables *tables, uint16_t pid, const struct ts_section_header *header,
                       const uint8_t *section)
{
    struct headend__program *program = headend__tables_program(tables, header->extension);
    struct ts_pmt pmt;

    if (!program || program->pmt_pid != pid || header->number)
        return 0;
    if (ts_pmt_read(section, header->size, &pmt) < 0) {
        tables->bad_sections++;
        program->unreadable = true;
        return 1;
    }
    if (holds(&program->pmt, section, header->size) && !program->unreadable)
        return 0;
    program->unreadable = false;
    return keep(&program->pmt, section, header->size) < 0 ? -ENOMEM : 1;
}

int headend__tables_section(struct headend__tables *tables, uint16_t pid, const uint8_t *section, size_t size)
{
    struct ts_section_header header;

    if (ts_section_parse(section, size, &header) < 0) {
        tables->bad_sections++;
        return 0;
    }
    if (!header.long_syntax || !header.current || header.size > HEADEND__SECTION_MAX)
        return 0;
    if (pid == TS_PID_PAT)
        return header.table_id == TS_TABLE_PAT ? pat_section(tables, &header, section) : 0;
    if (pid == TS_PID_SDT)
        return header.table_id == TS_TABLE_SDT ? sdt_section(tables, &header, section) : 0;
    if (pid == TS_PID_CAT)
        return header.table_id == TS_TABLE_CAT ? cat_section(tables, &header, section) : 0;
    return header.table_id == TS_TABLE_PMT ? pmt_section(tables, pid, &header, section) : 0;
}

void headend__tables_clear(struct headend__tables *tables)
{
    table_clear(&tables->pat);
    table_clear(&tables->sdt);
    table_clear(&tables->cat);
    programs_free(tables->programs, tables->program_count);
    free(tables->names);
}
