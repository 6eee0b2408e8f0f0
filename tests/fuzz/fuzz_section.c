/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any packets through assembler and demultiplexer: the first byte of each 189 says what to do beside feeding.
 */
#include <stdlib.h>

#include "ts/section.h"

static void check_section(void *context, const uint8_t *section, size_t size)
{
    struct ts_section_header header;

    (void)context;
    if (size < 3 || size > TS_SECTION_MAX || size != 3 + (base_load_u16(section + 1) & 0x0FFFu))
        abort();
    ts_section_parse(section, size, &header);
}

static void check_pid(void *context, uint16_t pid, const uint8_t *section, size_t size)
{
    struct ts_section_demux *demux = *(struct ts_section_demux **)context;

    check_section(NULL, section, size);
    if (section[0] == 0x01)
        ts_demux_remove(demux, pid);
    if (section[0] == 0x02) {
        ts_demux_remove(demux, pid);
        ts_demux_add(demux, pid);
    }
    if (section[0] == 0x03)
        ts_demux_add(demux, (uint16_t)(size % TS_PIDS));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct ts_section_assembler assembler;
    struct ts_section_demux *demux;

    ts_section_assembler_reset(&assembler);
    if (ts_demux_create(&demux, check_pid, &demux) < 0)
        return 0;
    for (; size > TS_PACKET_SIZE; data += TS_PACKET_SIZE + 1, size -= TS_PACKET_SIZE + 1) {
        if (data[0] & 1)
            ts_demux_add(demux, ts_pid(data + 1));
        ts_section_assembler_feed(&assembler, data + 1, check_section, NULL);
        ts_demux_feed(demux, data + 1);
    }
    ts_demux_destroy(demux);
    return 0;
}
