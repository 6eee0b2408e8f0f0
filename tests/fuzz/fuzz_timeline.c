/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Packets are made of 8 bytes each: a PCR or none, so that a short input holds many. Times never go back,
 * every packet gets one, and not more than the window wait. */
#include <stdlib.h>

#include "ts/timeline.h"

#define EVENT 8

static void make_packet(uint8_t *packet, const uint8_t *event)
{
    static const uint8_t header[6] = {TS_SYNC_BYTE, 0x01, 0x00, 0x20, 183, 0x10};

    memset(packet, 0xFF, TS_PACKET_SIZE);
    memcpy(packet, header, sizeof(header));
    packet[1] |= event[0] & 0x80; /* transport error */
    packet[2] = event[0] & 1;     /* one of two PIDs */
    packet[5] = (uint8_t)(event[1] & 0x90);
    memcpy(packet + 6, event + 2, 6);
}

static unsigned take(struct ts_timeline *timeline, uint64_t *last)
{
    uint64_t time;
    unsigned n = 0;

    for (; ts_timeline_next(timeline, &time); n++) {
        if (time < *last)
            abort();
        *last = time;
    }
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ts_timeline *timeline;
    size_t window = size ? 1 + data[0] : 1;
    size_t waiting = 0;
    uint64_t last = 0;

    if (ts_timeline_create(&timeline, TS_PIDS, 1000000, window) < 0)
        return 0;
    for (; size >= EVENT; data += EVENT, size -= EVENT) {
        uint8_t packet[TS_PACKET_SIZE];

        make_packet(packet, data);
        ts_timeline_feed(timeline, packet);
        waiting++;
        if (data[0] & 2)
            continue; /* ask later */
        waiting -= take(timeline, &last);
        if (waiting >= window)
            abort();
    }
    ts_timeline_finish(timeline);
    if (take(timeline, &last) != waiting)
        abort();
    ts_timeline_rate(timeline);
    ts_timeline_destroy(timeline);
    return 0;
}
