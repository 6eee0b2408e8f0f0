/* SPDX-License-Identifier: GPL-3.0-or-later */
/* headend/tables.h: what a transport stream says about itself: PAT, PMTs, SDT and CAT as they came last.
 * Private to headend/. One thread. */
#ifndef HEADEND_TABLES_H
#define HEADEND_TABLES_H

#include "ts/psi.h"

#define HEADEND__SECTION_MAX 1024 /* bytes of a PAT, PMT, SDT or CAT section */

struct headend__section {
    uint8_t *bytes; /* owned; NULL: not seen */
    uint16_t size;
};

/* A table of up to 256 sections of one version. */
struct headend__table {
    struct headend__section sections[256];
    bool known;
    bool complete;
    uint8_t version;
    uint8_t last_number;
    uint16_t extension;
    unsigned changes; /* counts versions, and sections that changed without one */
};

struct headend__program {
    uint16_t number;
    uint16_t pmt_pid;
    bool unreadable; /* a PMT came that cannot be read: what it lists is not known */
    struct headend__section pmt;
};

struct headend__name {
    uint16_t service_id;
    char text[TS_SERVICE_NAME_MAX];
};

struct headend__tables {
    struct headend__table pat, sdt, cat;
    struct headend__program *programs; /* of the last complete PAT, in its order */
    unsigned program_count;
    uint16_t positions[65536];   /* of programmes by number, counted from 1; 0: not there */
    struct headend__name *names; /* in the SDT's order; while a new version comes in, also of the old one */
    unsigned name_count;
    bool unreadable_pat;
    uint64_t bad_sections;
};

/* A section came. 1 where it says something new, 0 where not (or where it is not to be used), -ENOMEM. */
int headend__tables_section(struct headend__tables *tables, uint16_t pid, const uint8_t *section,
                            size_t size);
void headend__tables_clear(struct headend__tables *tables);

/* NULL where there is none. */
struct headend__program *headend__tables_program(const struct headend__tables *tables, uint16_t number);
const char *headend__tables_name(const struct headend__tables *tables, uint16_t service_id);

static inline uint32_t headend__section_crc(const struct headend__section *section)
{
    return base_load_u32(section->bytes + section->size - 4);
}

#endif
