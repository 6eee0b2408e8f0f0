/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ts/section.h"

#define PAYLOAD (TS_PACKET_SIZE - 4)

void ts_packetize(struct ts_packetizer *packetizer, const uint8_t *section, size_t size, unsigned index,
                  uint8_t *packet)
{
    size_t offset = index ? (size_t)index * PAYLOAD - 1 : 0; /* 1: pointer_field of the first packet */
    size_t room = index ? PAYLOAD : PAYLOAD - 1;
    size_t left = offset < size ? size - offset : 0;
    size_t used = left < room ? left : room;

    packet[0] = TS_SYNC_BYTE;
    packet[1] = index ? 0 : 0x40; /* payload_unit_start_indicator */
    packet[2] = 0;
    packet[3] = 0x10; /* payload only */
    packet[4] = 0;    /* pointer_field of the first packet */
    ts_set_pid(packet, packetizer->pid & 0x1FFF);
    ts_set_continuity_counter(packet, packetizer->counter);
    if (used)
        memcpy(packet + TS_PACKET_SIZE - room, section + offset, used);
    memset(packet + TS_PACKET_SIZE - room + used, 0xFF, room - used);
    packetizer->counter = (packetizer->counter + 1) & 0x0F;
}
