/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ts/psi.h: PAT, PMT, SDT and the descriptors of conditional access: read, and rewritten.
 *
 * ISO/IEC 13818-1, 2.4.4 (PAT, PMT, CA_descriptor), EN 300 468 (SDT, service_descriptor 0x48,
 * scrambling_descriptor 0x65). Pure functions over whole sections; thread-safe. Readers check the CRC first
 * and return BASE_E_CHECKSUM, BASE_E_TRUNCATED or BASE_E_MALFORMED (another table_id, over 1024 bytes and
 * loops that run past their end are among the latter); the result is then not to be used. Sections that
 * announce the next version (current_next_indicator 0) are read like others: look at `current`. */
#ifndef TS_PSI_H
#define TS_PSI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ts/section.h"

#define TS_TABLE_PAT 0x00
#define TS_TABLE_CAT 0x01
#define TS_TABLE_PMT 0x02
#define TS_TABLE_SDT 0x42 /* actual transport stream */

#define TS_PAT_PROGRAMS_MAX   253 /* of one section: (1021 - 9) / 4 */
#define TS_PMT_COMPONENTS_MAX 201 /* of one section: (1021 - 13) / 5 */
#define TS_CA_DESCRIPTORS_MAX 32
#define TS_SERVICE_NAME_MAX   64 /* bytes of UTF-8 with the NUL */

struct ts_pat_section {
    uint16_t transport_stream_id;
    uint8_t version;
    bool current; /* false: not in force yet */
    uint8_t number;
    uint8_t last_number;
    uint16_t count; /* programme 0 (network PID) is left out */
    struct {
        uint16_t program_number;
        uint16_t pmt_pid;
    } programs[TS_PAT_PROGRAMS_MAX];
};

int ts_pat_read(const uint8_t *section, size_t size, struct ts_pat_section *pat);

/* What a component is, from stream_type and its descriptors. */
enum ts_component_kind { TS_COMPONENT_VIDEO, TS_COMPONENT_AUDIO, TS_COMPONENT_SUBTITLES, TS_COMPONENT_DATA };

struct ts_ca_descriptor {
    uint16_t ca_system_id;
    uint16_t ca_pid;
    uint8_t private_size;        /* private_data_bytes; up to 251 */
    const uint8_t *private_data; /* of a reader: inside the section */
};

struct ts_pmt_component {
    uint16_t pid;
    uint8_t stream_type;
    enum ts_component_kind kind; /* subtitles: DVB and TTML subtitling, teletext and VBI in private PES */
    bool has_tag;
    uint8_t tag;      /* component_tag (stream_identifier_descriptor, EN 300 468, 6.2.39) */
    uint8_t ca_count; /* what exceeds `ca` is left out */
    struct ts_ca_descriptor ca[4];
};

struct ts_pmt {
    uint16_t program_number;
    uint16_t pcr_pid; /* TS_PID_NULL where there is none */
    uint8_t version;
    bool current;            /* false: not in force yet */
    uint8_t scrambling_mode; /* scrambling_descriptor of the programme loop, 0 where there is none */
    uint8_t ca_count;        /* of the programme loop; what exceeds `ca` is left out */
    struct ts_ca_descriptor ca[TS_CA_DESCRIPTORS_MAX];
    uint16_t component_count;
    struct ts_pmt_component components[TS_PMT_COMPONENTS_MAX];
};

int ts_pmt_read(const uint8_t *section, size_t size, struct ts_pmt *pmt);

/* What to add to the loop of one component. */
struct ts_pmt_component_protection {
    uint16_t pid;
    uint8_t ca_count;
    const struct ts_ca_descriptor *ca;
};

/* What to add to a PMT. */
struct ts_pmt_protection {
    const struct ts_ca_descriptor *ca; /* to the programme loop */
    uint8_t ca_count;
    uint8_t scrambling_mode; /* 0: no scrambling_descriptor is written, and none stays */
    uint16_t component_count;
    const struct ts_pmt_component_protection *components;
};

/* Writes a copy of the PMT section with the CA_descriptors and the scrambling_descriptor at the end of their
 * loops, `version` as version_number, and a correct CRC. CA_descriptors of the same ca_system_ids and
 * scrambling_descriptors that were there are left out, those of components too: receivers prefer a
 * component's to the programme's, so a stale one would break it. Everything else keeps its bytes and order;
 * where there is no CA_descriptor to add all of it does. `out` does not overlap `section`. Returns the new
 * size, or -EMSGSIZE where it would exceed 1024 bytes or `room`, or a reader's error. */
ptrdiff_t ts_pmt_protect(const uint8_t *section, size_t size, const struct ts_pmt_protection *protection,
                         uint8_t version, uint8_t *out, size_t room);

/* A CAT section with these CA_descriptors (none: an empty CAT, as TR 101 290 wants where anything is
 * scrambled). Returns its size, or -EMSGSIZE. */
ptrdiff_t ts_cat_write(const struct ts_ca_descriptor *ca, unsigned count, uint8_t version, uint8_t *out,
                       size_t room);

/* The CA_descriptors of a CAT section: fills at most `room` entries and returns how many it has. */
ptrdiff_t ts_cat_read(const uint8_t *section, size_t size, struct ts_ca_descriptor *ca, size_t room);

/* Writes a copy of the CAT section with these CA_descriptors behind what it has; those of a ca_system_id and
 * PID that it has already take their place. Same returns as ts_pmt_protect(), same rule for `out`. */
ptrdiff_t ts_cat_add(const uint8_t *section, size_t size, const struct ts_ca_descriptor *ca, unsigned count,
                     uint8_t version, uint8_t *out, size_t room);

/* The services of an SDT section. */
struct ts_sdt_service {
    uint16_t service_id;
    bool free_ca_mode;
    char name[TS_SERVICE_NAME_MAX]; /* UTF-8, control codes removed; empty where there is none */
};

/* Fills at most `room` entries and returns how many the section has. SDT actual alone; names come from the
 * service_descriptor and are cut at a character's edge. */
ptrdiff_t ts_sdt_read(const uint8_t *section, size_t size, struct ts_sdt_service *services, size_t room);

/* Writes a copy of the SDT section with free_CA_mode set for `service_id`, `version`, and a correct CRC. Same
 * returns as ts_pmt_protect(), same rule for `out`; -ENOENT where the service is not in this section. */
ptrdiff_t ts_sdt_set_free_ca_mode(const uint8_t *section, size_t size, uint16_t service_id, bool free_ca_mode,
                                  uint8_t version, uint8_t *out, size_t room);

#endif
