/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/watch_capture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "simulcrypt/emmg_mux_table.h"
#include "wire/capture.h"
#include "wire/reassembly.h"

struct flow {
    struct wire_flow flow;
    struct cmd_watch_link *link;
};

struct cmd_watch_capture {
    struct cmd_watch *watch;
    struct cmd_watch_capture_config config;
    struct cmd_watch_capture_counters counters;
    struct wire_capture reader;
    struct wire_reassembly *reassembly;
    struct flow flows[CMD_WATCH_FLOWS];
    unsigned flow_count;
    int error; /* of a callback */
};

static void name_end(const struct wire_address *address, uint16_t port, char text[static CMD_WATCH_END_MAX])
{
    wire_endpoint_format(address, port, text);
}

/* A link between the ends of a flow from client to server. */
static int link_flow(struct cmd_watch_capture *capture, const struct wire_flow *flow, bool begun,
                     struct cmd_watch_link **link)
{
    struct cmd_watch_link_config config = {
        .interface = capture->config.interface,
        .any = capture->config.port != 0,
        .midway = !begun,
        .ends_sure = begun || capture->config.port != 0,
        .swapped = !begun && capture->config.port && flow->source_port == capture->config.port,
    };

    name_end(&flow->source, flow->source_port, config.client);
    name_end(&flow->destination, flow->destination_port, config.server);
    return cmd_watch_link_create(link, capture->watch, &config);
}

static void on_opened(void *context, struct wire_connection *connection)
{
    struct cmd_watch_capture *capture = context;
    struct cmd_watch_link *link = NULL;
    int status = link_flow(capture, &connection->flow, connection->begun, &link);

    capture->error = capture->error ? capture->error : status;
    connection->owner = link;
}

static enum cmd_watch_end end_of(enum wire_end end)
{
    return end == WIRE_CLIENT ? CMD_WATCH_CLIENT : CMD_WATCH_SERVER;
}

static void on_data(void *context, struct wire_connection *connection, enum wire_end from,
                    const uint8_t *bytes, size_t size)
{
    (void)context;
    if (connection->owner)
        cmd_watch_link_input(connection->owner, end_of(from), bytes, size);
}

static void on_gap(void *context, struct wire_connection *connection, enum wire_end from, uint32_t size)
{
    (void)context;
    if (connection->owner)
        cmd_watch_link_gap(connection->owner, end_of(from), size);
}

static void on_closed(void *context, struct wire_connection *connection, bool reset)
{
    (void)context;
    if (connection->owner)
        cmd_watch_link_end(connection->owner, reset ? "reset" : "closed");
    cmd_watch_link_destroy(connection->owner);
    connection->owner = NULL;
}

int cmd_watch_capture_create(struct cmd_watch_capture **capture, struct cmd_watch *watch,
                             const struct cmd_watch_capture_config *config)
{
    static const struct wire_reassembly_ops ops = {on_opened, on_data, on_gap, on_closed};
    struct cmd_watch_capture *made = calloc(1, sizeof(*made));
    int status;

    if (!made)
        return -ENOMEM;
    made->watch = watch;
    made->config = *config;
    wire_capture_init(&made->reader);
    status = wire_reassembly_create(&made->reassembly, &ops, made);
    if (status < 0) {
        free(made);
        return status;
    }
    *capture = made;
    return 0;
}

static void end_flows(struct cmd_watch_capture *capture, bool told)
{
    for (; capture->flow_count; capture->flow_count--) {
        struct cmd_watch_link *link = capture->flows[capture->flow_count - 1].link;

        if (told)
            cmd_watch_link_end(link, "the capture ends");
        cmd_watch_link_destroy(link);
    }
}

void cmd_watch_capture_destroy(struct cmd_watch_capture *capture)
{
    if (!capture)
        return;
    /* Links belong to connections, and these are given back by their end alone. */
    wire_reassembly_finish(capture->reassembly);
    wire_reassembly_destroy(capture->reassembly);
    end_flows(capture, false);
    free(capture);
}

/* Datagrams of one source to one destination. */
static bool same_flow(const struct wire_flow *a, const struct wire_flow *b)
{
    return a->source_port == b->source_port && a->destination_port == b->destination_port &&
           wire_address_equal(&a->source, &b->source) && wire_address_equal(&a->destination, &b->destination);
}

static struct cmd_watch_link *link_of(struct cmd_watch_capture *capture, const struct wire_flow *flow)
{
    struct flow *free_one = &capture->flows[capture->flow_count];

    for (unsigned i = 0; i < capture->flow_count; i++)
        if (same_flow(&capture->flows[i].flow, flow))
            return capture->flows[i].link;
    if (capture->flow_count == CMD_WATCH_FLOWS)
        return NULL;
    capture->error = link_flow(capture, flow, true, &free_one->link);
    if (capture->error < 0)
        return NULL;
    free_one->flow = *flow;
    capture->flow_count++;
    return free_one->link;
}

/* Only EMMGs send datagrams. Other traffic has to look like data_provision to get a flow of its own. */
static bool is_worth_it(const struct cmd_watch_capture *capture, const uint8_t *payload, size_t size)
{
    if (capture->config.port)
        return true;
    return size >= SIMULCRYPT_HEADER_SIZE && base_load_u16(payload + 1) == SIMULCRYPT_EMMG_M_DATA_PROVISION;
}

static void take_datagram(struct cmd_watch_capture *capture, const struct wire_datagram *datagram,
                          const uint8_t *payload)
{
    const struct wire_flow *flow = &datagram->flow;
    struct cmd_watch_link *link;

    if (capture->config.port && flow->destination_port != capture->config.port)
        return;
    if (!is_worth_it(capture, payload, datagram->payload_size))
        return;
    link = link_of(capture, flow);
    if (link)
        cmd_watch_link_datagram(link, CMD_WATCH_CLIENT, payload, datagram->payload_size);
}

/* With a port, the server is who has it, whatever was seen of the connection's beginning. */
static bool is_wanted(const struct cmd_watch_capture *capture, const struct wire_flow *flow)
{
    uint16_t port = capture->config.port;

    return !port || flow->source_port == port || flow->destination_port == port;
}

static int take_segment(struct cmd_watch_capture *capture, const struct wire_segment *segment,
                        const uint8_t *payload)
{
    if (!is_wanted(capture, &segment->flow))
        return 0;
    return wire_reassembly_take(capture->reassembly, segment, payload);
}

static void count_trouble(struct cmd_watch_capture *capture, int status)
{
    capture->counters.fragments += status == -ENOTSUP;
    capture->counters.cut += status == BASE_E_TRUNCATED || status == BASE_E_MALFORMED;
}

static int take_record(struct cmd_watch_capture *capture, const struct wire_capture_record *record)
{
    struct wire_segment segment;
    struct wire_datagram datagram;
    int status = wire_capture_segment(record, &segment);

    capture->counters.records++;
    capture->watch->now_ns = record->time_ns;
    if (status == 0)
        return take_segment(capture, &segment, record->bytes + segment.payload_offset);
    if (status == -EPROTONOSUPPORT)
        status = wire_capture_datagram(record, &datagram);
    if (status == 0)
        take_datagram(capture, &datagram, record->bytes + datagram.payload_offset);
    count_trouble(capture, status);
    return 0;
}

ptrdiff_t cmd_watch_capture_take(struct cmd_watch_capture *capture, const uint8_t *bytes, size_t size)
{
    struct wire_capture_record record;
    size_t taken = 0;
    int status = 0;

    while (!cmd_watch_is_done(capture->watch)) {
        ptrdiff_t step = wire_capture_next(&capture->reader, bytes + taken, size - taken, &record);

        if (step <= 0)
            return step < 0 && taken == 0 ? step : (ptrdiff_t)taken;
        taken += (size_t)step;
        status = record.bytes ? take_record(capture, &record) : 0;
        status = status < 0 ? status : capture->error;
        if (status < 0)
            return status;
    }
    return (ptrdiff_t)taken;
}

void cmd_watch_capture_finish(struct cmd_watch_capture *capture)
{
    wire_reassembly_finish(capture->reassembly);
    end_flows(capture, true);
}

const struct cmd_watch_capture_counters *cmd_watch_capture_counters(const struct cmd_watch_capture *capture)
{
    return &capture->counters;
}
