/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ts/table.h: what the readers and writers of tables share inside this room. Thread-safe: no state. */
#ifndef TS_TABLE_H
#define TS_TABLE_H

#include "ts/psi.h"

#define TS__TABLE_MAX   1024 /* bytes: PSI and SDT have section_length up to 1021 */
#define TS__TABLE_START 8    /* bytes of a long section's header */

/* Checks that these bytes are one section of `table_id`; `body` is what lies between header and CRC_32. */
int ts__table_open(const uint8_t *section, size_t size, uint8_t table_id, struct ts_section_header *header,
                   struct base_reader *body);

/* A writer into `out` that fails where the section, without its CRC_32, would grow too long. */
struct base_writer ts__table_writer(uint8_t *out, size_t room);

/* Completes what was written, header included: section_length, version_number, CRC_32. Size or -EMSGSIZE. */
ptrdiff_t ts__table_seal(struct base_writer *writer, uint8_t version);

enum {
    TS__DESCRIPTOR_VIDEO = 0x02,
    TS__DESCRIPTOR_AUDIO = 0x03,
    TS__DESCRIPTOR_REGISTRATION = 0x05,
    TS__DESCRIPTOR_CA = 0x09,
    TS__DESCRIPTOR_MPEG4_AUDIO = 0x1C,
    TS__DESCRIPTOR_AVC_VIDEO = 0x28,
    TS__DESCRIPTOR_MPEG2_AAC = 0x2B,
    TS__DESCRIPTOR_HEVC_VIDEO = 0x38,
    TS__DESCRIPTOR_VBI_DATA = 0x45,
    TS__DESCRIPTOR_VBI_TELETEXT = 0x46,
    TS__DESCRIPTOR_SERVICE = 0x48,
    TS__DESCRIPTOR_STREAM_IDENTIFIER = 0x52,
    TS__DESCRIPTOR_TELETEXT = 0x56,
    TS__DESCRIPTOR_SUBTITLING = 0x59,
    TS__DESCRIPTOR_SCRAMBLING = 0x65,
    TS__DESCRIPTOR_AC3 = 0x6A,
    TS__DESCRIPTOR_ENHANCED_AC3 = 0x7A,
    TS__DESCRIPTOR_DTS = 0x7B,
    TS__DESCRIPTOR_AAC = 0x7C,
    TS__DESCRIPTOR_EXTENSION = 0x7F,
};

struct ts__descriptor {
    uint8_t tag;
    struct base_reader content;
    const uint8_t *bytes; /* with tag and length */
    size_t size;
};

/* The next descriptor of a loop; false at its end. `loop->failed` is set where one runs past the end. */
bool ts__descriptor_next(struct base_reader *loop, struct ts__descriptor *descriptor);

/* A loop behind its 12-bit length field. */
struct base_reader ts__loop_open(struct base_reader *body);

/* A CA_descriptor's fields; false where it is too short. */
bool ts__ca_descriptor_read(const struct ts__descriptor *descriptor, struct ts_ca_descriptor *ca);
void ts__ca_descriptor_write(struct base_writer *writer, const struct ts_ca_descriptor *ca);

/* Copies the descriptors of a loop that `replaced` (1, 0 or an error) does not want left out. */
int ts__loop_copy(struct base_reader loop, struct base_writer *writer,
                  int (*replaced)(const struct ts__descriptor *descriptor, const void *context),
                  const void *context);

/* What a component is; `loop` is its sound descriptor loop. */
enum ts_component_kind ts__component_kind(uint8_t stream_type, struct base_reader loop);

/* A text of EN 300 468, Annex A, as UTF-8 without control codes, cut to whole characters that fit `room` with
 * the NUL. Empty where its character table is not known here. */
void ts__text_decode(const uint8_t *text, size_t size, char *out, size_t room);

#endif
