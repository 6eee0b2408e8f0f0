/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/capture.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"

#define ENDPOINT_TEXT 64

int io__capture_init(struct io__capture *capture, const char *flow)
{
    const char *at = flow ? strchr(flow, '@') : NULL;
    struct wire_flow *wanted = &capture->wanted;
    char source[ENDPOINT_TEXT];

    memset(capture, 0, sizeof(*capture));
    wire_capture_init(&capture->reader);
    capture->any = !flow;
    capture->any_source = !at;
    if (!flow)
        return 0;
    if (at) {
        size_t length = (size_t)(at - flow);

        if (length >= sizeof(source))
            return -EINVAL;
        memcpy(source, flow, length);
        source[length] = '\0';
        if (wire_address_parse(source, &wanted->source) < 0)
            return -EINVAL;
        flow = at + 1;
    }
    return wire_endpoint_parse(flow, &wanted->destination, &wanted->destination_port) < 0 ? -EINVAL : 0;
}

/* One stream: the port of a sender may change when it starts again, its address tells it from another. */
static bool same_flow(const struct wire_flow *a, const struct wire_flow *b, bool any_source)
{
    return a->destination_port == b->destination_port &&
           wire_address_equal(&a->destination, &b->destination) &&
           (any_source || wire_address_equal(&a->source, &b->source));
}

/* Whether the flow is the one to deliver; chooses it where it is the first that is wanted. */
static bool choose(struct io__capture *capture, const struct wire_flow *flow)
{
    if (!capture->any && !same_flow(flow, &capture->wanted, capture->any_source))
        return false;
    if (!capture->chosen) {
        capture->chosen = true;
        capture->flow = *flow;
    }
    if (same_flow(flow, &capture->flow, false))
        return true;
    capture->ambiguous = true;
    return false;
}

static void list_flow(struct io__capture *capture, const struct wire_datagram *datagram, unsigned packets)
{
    struct io_flow_entry *entry = capture->flows;
    const struct io_flow_entry *end = entry + capture->flow_count;

    while (entry < end && !same_flow(&entry->flow, &datagram->flow, false))
        entry++;
    if (entry == end) {
        if (capture->flow_count == IO_FLOWS_MAX)
            return;
        capture->flow_count++;
        *entry = (struct io_flow_entry){.flow = datagram->flow};
    }
    entry->datagrams++;
    entry->ts_packets += packets;
    entry->rtp |= datagram->rtp_offset != 0;
}

/* The next record with a packet, in the window until it is filled again. 1; 0 at the end, or where `patient`
 * is false and more would have to be read; negative errno. */
static int next_record(struct io__capture *capture, struct io__window *window, bool patient,
                       struct wire_capture_record *record)
{
    for (;;) {
        ptrdiff_t step =
            wire_capture_next(&capture->reader, io__window_head(window), io__window_size(window), record);

        if (step < 0)
            return (int)step;
        if (step == 0) {
            ptrdiff_t added = patient && !window->ended ? io__window_fill(window) : 0;

            if (added <= 0)
                return (int)added;
            continue;
        }
        io__window_drop(window, (size_t)step);
        if (record->bytes)
            return 1;
    }
}

/* TS packets of a record, 0 where it has none; lists its flow. */
static unsigned packets_of(struct io__capture *capture, const struct wire_capture_record *record,
                           struct wire_datagram *datagram)
{
    unsigned packets;

    if (wire_capture_datagram(record, datagram) < 0)
        return 0;
    packets = wire_ts_packets(record->bytes + datagram->payload_offset, datagram->payload_size);
    if (packets && !capture->scanned)
        list_flow(capture, datagram, packets);
    return packets;
}

/* Nothing can be chosen in a capture without TS, whatever was asked for. */
static int nothing_chosen(const struct io__capture *capture)
{
    return capture->flow_count ? -ENOENT : -ENOMSG;
}

int io__capture_scan(struct io__capture *capture, struct io__window *window)
{
    struct wire_capture_record record;
    struct wire_datagram datagram;
    int status;

    while ((status = next_record(capture, window, true, &record)) > 0) {
        if (packets_of(capture, &record, &datagram))
            choose(capture, &datagram.flow);
    }
    wire_capture_init(&capture->reader);
    capture->scanned = true;
    if (capture->ambiguous)
        return -ENOTUNIQ;
    if (capture->chosen)
        return 0; /* what stopped the scan stops io__capture_read() in the same place */
    return status < 0 ? status : nothing_chosen(capture);
}

/* Takes the next datagram of the flow, or counts why not. As next_record(). */
static int next_datagram(struct io__capture *capture, struct io__window *window, bool patient,
                         struct io_source_report *report)
{
    struct wire_capture_record record;
    struct wire_datagram datagram;
    unsigned packets;
    int status;

    while ((status = next_record(capture, window, patient, &record)) > 0) {
        packets = packets_of(capture, &record, &datagram);
        if (packets == 0 || !choose(capture, &datagram.flow)) {
            report->datagrams_ignored++;
            continue;
        }
        if (!capture->timed) {
            capture->timed = true;
            capture->first_ns = record.time_ns;
        }
        capture->arrival_ns = record.time_ns > capture->first_ns ? record.time_ns - capture->first_ns : 0;
        capture->packets = record.bytes + datagram.payload_offset;
        capture->packets_left = packets;
        return 1;
    }
    return status;
}

int io__capture_begin(struct io__capture *capture, struct io__window *window, struct io_source_report *report)
{
    int status = next_datagram(capture, window, true, report);

    if (status > 0)
        return 0;
    capture->scanned = true;
    return status < 0 ? status : nothing_chosen(capture);
}

/* Packets of the last datagram to the caller's places. */
static size_t deliver(struct io__capture *capture, uint8_t *packets, struct io_packet_info *infos, size_t max)
{
    size_t count = capture->packets_left < max ? capture->packets_left : max;

    if (count == 0)
        return 0;
    memcpy(packets, capture->packets, count * TS_PACKET_SIZE);
    for (size_t i = 0; infos && i < count; i++)
        infos[i] = (struct io_packet_info){.arrival_ns = capture->arrival_ns};
    capture->packets += count * TS_PACKET_SIZE;
    capture->packets_left -= count;
    return count;
}

ptrdiff_t io__capture_read(struct io__capture *capture, struct io__window *window,
                           struct io_source_report *report, uint8_t *packets, struct io_packet_info *infos,
                           size_t max)
{
    size_t count = 0;

    while (count < max) {
        int status;

        count +=
            deliver(capture, packets + count * TS_PACKET_SIZE, infos ? infos + count : NULL, max - count);
        if (count == max)
            break;
        status = next_datagram(capture, window, count == 0, report);
        if (status < 0 && count == 0)
            return status;
        if (status <= 0)
            break;
    }
    if (count == 0 && window->ended) {
        report->bytes_truncated += io__window_size(window);
        io__window_drop(window, io__window_size(window));
    }
    return (ptrdiff_t)count;
}
