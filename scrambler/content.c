/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scrambler/content.h"

static bool holds_packets(const struct ts_order *order)
{
    if (order->size % TS_PACKET_SIZE)
        return false;
    for (unsigned at = 0; at < order->size; at += TS_PACKET_SIZE)
        if (order->bytes[at] != TS_SYNC_BYTE)
            return false;
    return true;
}

bool scrambler__order_is_sound(const struct ts_order *order)
{
    if (order->pid >= TS_PID_NULL)
        return false;
    if (order->kind == TS_ORDER_STOP || order->kind == TS_ORDER_KEEP)
        return true;
    if (order->kind != TS_ORDER_PLAY && order->kind != TS_ORDER_REPLACE)
        return false;
    if (order->size == 0 || order->size > TS_ORDER_BYTES_MAX)
        return false;
    if (order->form == TS_ORDER_PACKETS)
        return holds_packets(order);
    return order->form == TS_ORDER_SECTION && order->size <= TS_SECTION_MAX;
}

void scrambler__content_set(struct scrambler_content *content, const struct ts_order *order, uint8_t *bytes)
{
    content->start = order->start;
    content->period = order->period;
    content->patience = order->patience;
    content->form = order->form;
    content->size = bytes ? order->size : 0;
    content->bytes = bytes;
    if (bytes)
        memcpy(bytes, order->bytes, content->size);
}

unsigned scrambler__content_packets(const struct scrambler_content *content)
{
    if (content->form == TS_ORDER_PACKETS)
        return content->size / TS_PACKET_SIZE;
    return content->size ? ts_packets_for_section(content->size) : 0;
}

void scrambler__content_packet(const struct scrambler_content *content, unsigned index, uint8_t *packet)
{
    struct ts_packetizer packetizer = {0};

    if (content->form == TS_ORDER_PACKETS)
        memcpy(packet, content->bytes + (size_t)index * TS_PACKET_SIZE, TS_PACKET_SIZE);
    else
        ts_packetize(&packetizer, content->bytes, content->size, index, packet);
}
