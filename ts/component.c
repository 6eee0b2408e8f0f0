/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a component is: stream_type (ISO/IEC 13818-1, table 2-34, and what ATSC, SMPTE and Blu-ray assigned
 * above 0x80), and for private data the descriptors of EN 300 468 and the identifiers of the SMPTE registry.
 */
#include "ts/table.h"

static enum ts_component_kind kind_of_type(uint8_t stream_type)
{
    switch (stream_type) {
    case 0x01: /* MPEG-1 */
    case 0x02: /* MPEG-2 */
    case 0x10: /* MPEG-4 part 2 */
    case 0x1B: /* AVC */
    case 0x1E: /* auxiliary video */
    case 0x1F: /* SVC */
    case 0x20: /* MVC */
    case 0x21: /* JPEG 2000 */
    case 0x22: /* MPEG-2 additional view */
    case 0x23: /* AVC additional view */
    case 0x24: /* HEVC */
    case 0x25: /* HEVC temporal subset */
    case 0x26: /* MVCD */
    case 0x28: /* HEVC enhancements */
    case 0x29:
    case 0x2A:
    case 0x2B:
    case 0x31: /* HEVC tiles */
    case 0x32: /* JPEG XS */
    case 0x33: /* VVC */
    case 0x34: /* VVC temporal subset */
    case 0x35: /* EVC */
    case 0x36: /* LCEVC */
    case 0x42: /* AVS */
    case 0x80: /* DigiCipher II */
    case 0xD1: /* Dirac */
    case 0xD2: /* AVS2 */
    case 0xD4: /* AVS3 */
    case 0xEA: /* VC-1 */
        return TS_COMPONENT_VIDEO;
    case 0x03: /* MPEG-1 */
    case 0x04: /* MPEG-2 */
    case 0x0F: /* AAC, ADTS */
    case 0x11: /* AAC, LATM */
    case 0x1C: /* MPEG-4 without transport syntax */
    case 0x2D: /* MPEG-H */
    case 0x2E:
    case 0x81: /* AC-3 */
    case 0x82: /* DTS */
    case 0x83: /* TrueHD */
    case 0x84: /* E-AC-3 */
    case 0x85: /* DTS-HD */
    case 0x87: /* E-AC-3 */
    case 0x88: /* DTS-HD */
    case 0xA1: /* secondary E-AC-3 */
    case 0xA2: /* secondary DTS-HD */
        return TS_COMPONENT_AUDIO;
    case 0x1D: /* MPEG-4 timed text */
    case 0x90: /* presentation graphics */
        return TS_COMPONENT_SUBTITLES;
    default: /* 0x27, timeline and external media information, among them */
        return TS_COMPONENT_DATA;
    }
}

static enum ts_component_kind kind_of_registration(struct base_reader content)
{
    static const struct {
        char identifier[5];
        enum ts_component_kind kind;
    } known[] = {
        {"AC-3", TS_COMPONENT_AUDIO}, {"AC-4", TS_COMPONENT_AUDIO}, {"AV01", TS_COMPONENT_VIDEO},
        {"BSSD", TS_COMPONENT_AUDIO}, {"DRA1", TS_COMPONENT_AUDIO}, {"DTS1", TS_COMPONENT_AUDIO},
        {"DTS2", TS_COMPONENT_AUDIO}, {"DTS3", TS_COMPONENT_AUDIO}, {"EAC3", TS_COMPONENT_AUDIO},
        {"HEVC", TS_COMPONENT_VIDEO}, {"Opus", TS_COMPONENT_AUDIO}, {"VC-1", TS_COMPONENT_VIDEO},
        {"VC-4", TS_COMPONENT_VIDEO}, {"VVC ", TS_COMPONENT_VIDEO}, {"drac", TS_COMPONENT_VIDEO},
        {"mlpa", TS_COMPONENT_AUDIO},
    };
    const uint8_t *identifier = base_read_bytes(&content, 4);

    for (size_t i = 0; identifier && i < sizeof(known) / sizeof(*known); i++)
        if (memcmp(identifier, known[i].identifier, 4) == 0)
            return known[i].kind;
    return TS_COMPONENT_DATA;
}

/* descriptor_tag_extension: EN 300 468, table 109. */
static enum ts_component_kind kind_of_extension(struct base_reader content)
{
    switch (base_read_u8(&content)) {
    case 0x06: /* supplementary_audio */
    case 0x0E: /* DTS-HD */
    case 0x0F: /* DTS Neural */
    case 0x15: /* AC-4 */
    case 0x19: /* audio_preselection */
    case 0x21: /* DTS-UHD */
    case 0x80: /* Opus (user defined; the assignment of the Opus project) */
        return TS_COMPONENT_AUDIO;
    case 0x20: /* TTML_subtitling */
        return TS_COMPONENT_SUBTITLES;
    case 0x23: /* VVC_subpictures */
        return TS_COMPONENT_VIDEO;
    default:
        return TS_COMPONENT_DATA;
    }
}

static enum ts_component_kind kind_of_descriptor(const struct ts__descriptor *descriptor)
{
    switch (descriptor->tag) {
    case TS__DESCRIPTOR_VIDEO:
    case TS__DESCRIPTOR_AVC_VIDEO:
    case TS__DESCRIPTOR_HEVC_VIDEO:
        return TS_COMPONENT_VIDEO;
    case TS__DESCRIPTOR_AUDIO:
    case TS__DESCRIPTOR_MPEG4_AUDIO:
    case TS__DESCRIPTOR_MPEG2_AAC:
    case TS__DESCRIPTOR_AC3:
    case TS__DESCRIPTOR_ENHANCED_AC3:
    case TS__DESCRIPTOR_DTS:
    case TS__DESCRIPTOR_AAC:
        return TS_COMPONENT_AUDIO;
    case TS__DESCRIPTOR_VBI_DATA:
    case TS__DESCRIPTOR_VBI_TELETEXT:
    case TS__DESCRIPTOR_TELETEXT:
    case TS__DESCRIPTOR_SUBTITLING:
        return TS_COMPONENT_SUBTITLES;
    case TS__DESCRIPTOR_REGISTRATION:
        return kind_of_registration(descriptor->content);
    case TS__DESCRIPTOR_EXTENSION:
        return kind_of_extension(descriptor->content);
    default:
        return TS_COMPONENT_DATA;
    }
}

enum ts_component_kind ts__component_kind(uint8_t stream_type, struct base_reader loop)
{
    enum ts_component_kind kind = kind_of_type(stream_type);
    bool private_pes = stream_type == 0x06 || stream_type >= 0x80;
    struct ts__descriptor descriptor;

    while (kind == TS_COMPONENT_DATA && private_pes && ts__descriptor_next(&loop, &descriptor))
        kind = kind_of_descriptor(&descriptor);
    return kind;
}
