/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/reassembly.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/secret.h"

#define BUCKETS 256

/* Bytes that came before those in front of them; kept in order of `sequence`. */
struct held {
    struct held *next;
    uint32_t sequence;
    size_t size;
    uint8_t bytes[];
};

struct direction {
    uint32_t start; /* of its first byte, where SYN was seen */
    uint32_t next;  /* sequence number of the next byte to hand out */
    uint32_t end;   /* of the FIN */
    bool known;     /* `next` is */
    bool ending;    /* FIN was seen */
    bool ended;
    size_t held_size;
    unsigned held_count;
    struct held *held; /* the first of them */
};

struct connection {
    struct wire_connection face;
    struct direction directions[2];
    bool closed; /* kept so that stray segments are not taken for another connection */
    TAILQ_ENTRY(connection) age;
    LIST_ENTRY(connection) link;
};

struct wire_reassembly {
    struct wire_reassembly_ops ops;
    void *context;
    unsigned count;
    TAILQ_HEAD(, connection) ages; /* the one used last at the end */
    LIST_HEAD(, connection) buckets[BUCKETS];
};

/* Sequence numbers go round: the distance from `a` to `b`, negative where b comes before. */
static int32_t distance(uint32_t a, uint32_t b)
{
    return (int32_t)(b - a);
}

/* The same for both directions of a connection. */
static unsigned bucket_of(const struct wire_flow *flow)
{
    uint32_t sum = (uint32_t)flow->source_port + flow->destination_port;

    for (unsigned i = 0; i < sizeof(flow->source.bytes); i++)
        sum += (uint32_t)(flow->source.bytes[i] + flow->destination.bytes[i]) << (i % 4 * 6);
    return (sum * UINT32_C(2654435761)) >> 24;
}

static bool runs_along(const struct wire_flow *a, const struct wire_flow *b)
{
    return a->source_port == b->source_port && a->destination_port == b->destination_port &&
           wire_address_equal(&a->source, &b->source) && wire_address_equal(&a->destination, &b->destination);
}

static struct wire_flow reversed(const struct wire_flow *flow)
{
    return (struct wire_flow){flow->destination, flow->source, flow->destination_port, flow->source_port};
}

static struct connection *find(struct wire_reassembly *reassembly, const struct wire_flow *flow,
                               enum wire_end *from)
{
    struct wire_flow back = reversed(flow);
    struct connection *connection;

    LIST_FOREACH(connection, &reassembly->buckets[bucket_of(flow)], link)
    {
        *from = runs_along(&connection->face.flow, flow) ? WIRE_CLIENT : WIRE_SERVER;
        if (*from == WIRE_CLIENT || runs_along(&connection->face.flow, &back))
            return connection;
    }
    return NULL;
}

static void drop_held(struct direction *direction)
{
    struct held *first = direction->held;

    direction->held = first->next;
    direction->held_size -= first->size;
    direction->held_count--;
    base_secure_zero(first->bytes, first->size); /* it may hold control words */
    free(first);
}

static void forget(struct wire_reassembly *reassembly, struct connection *connection)
{
    for (unsigned end = 0; end < 2; end++)
        while (connection->directions[end].held)
            drop_held(&connection->directions[end]);
    LIST_REMOVE(connection, link);
    TAILQ_REMOVE(&reassembly->ages, connection, age);
    reassembly->count--;
    free(connection);
}

static void deliver(struct wire_reassembly *reassembly, struct connection *connection, enum wire_end from,
                    const uint8_t *bytes, size_t size)
{
    connection->directions[from].next += (uint32_t)size;
    if (size)
        reassembly->ops.data(reassembly->context, &connection->face, from, bytes, size);
}

/* What the bytes from `sequence` on have that was not handed out yet. */
static void deliver_rest(struct wire_reassembly *reassembly, struct connection *connection,
                         enum wire_end from, uint32_t sequence, const uint8_t *bytes, size_t size)
{
    size_t known = (size_t)distance(sequence, connection->directions[from].next);

    if (known < size)
        deliver(reassembly, connection, from, bytes + known, size - known);
}

static void deliver_held(struct wire_reassembly *reassembly, struct connection *connection,
                         enum wire_end from)
{
    struct direction *direction = &connection->directions[from];

    while (direction->held && distance(direction->held->sequence, direction->next) >= 0) {
        const struct held *held = direction->held;

        deliver_rest(reassembly, connection, from, held->sequence, held->bytes, held->size);
        drop_held(direction);
    }
    direction->ended |= direction->ending && distance(direction->end, direction->next) >= 0;
}

static void jump(struct wire_reassembly *reassembly, struct connection *connection, enum wire_end from,
                 uint32_t to)
{
    struct direction *direction = &connection->directions[from];
    uint32_t size = to - direction->next;

    direction->next = to;
    reassembly->ops.gap(reassembly->context, &connection->face, from, size);
    deliver_held(reassembly, connection, from);
}

/* The gap before the first bytes held is given up. */
static void skip_gap(struct wire_reassembly *reassembly, struct connection *connection, enum wire_end from)
{
    jump(reassembly, connection, from, connection->directions[from].held->sequence);
}

static void skip_all_gaps(struct wire_reassembly *reassembly, struct connection *connection,
                          enum wire_end from)
{
    struct direction *direction = &connection->directions[from];

    while (direction->held)
        skip_gap(reassembly, connection, from);
    if (direction->known && direction->ending && !direction->ended &&
        distance(direction->next, direction->end) > 0)
        jump(reassembly, connection, from, direction->end);
}

static void end_connection(struct wire_reassembly *reassembly, struct connection *connection, bool reset)
{
    if (connection->closed)
        return;
    skip_all_gaps(reassembly, connection, WIRE_CLIENT);
    skip_all_gaps(reassembly, connection, WIRE_SERVER);
    connection->closed = true;
    reassembly->ops.closed(reassembly->context, &connection->face, reset);
}

static bool is_held(const struct direction *direction, uint32_t sequence, size_t size)
{
    for (const struct held *held = direction->held; held; held = held->next)
        if (held->sequence == sequence && held->size >= size)
            return true;
    return false;
}

static void insert(struct direction *direction, struct held *held)
{
    struct held **place = &direction->held;

    while (*place && distance((*place)->sequence, held->sequence) >= 0)
        place = &(*place)->next;
    held->next = *place;
    *place = held;
    direction->held_size += held->size;
    direction->held_count++;
}

static int hold(struct direction *direction, uint32_t sequence, const uint8_t *bytes, size_t size)
{
    struct held *held;

    if (is_held(direction, sequence, size))
        return 0;
    held = malloc(sizeof(*held) + size);
    if (!held)
        return -ENOMEM;
    held->sequence = sequence;
    held->size = size;
    memcpy(held->bytes, bytes, size);
    insert(direction, held);
    return 0;
}

static bool is_full(const struct direction *direction, size_t size)
{
    return direction->held_count == WIRE_HELD_SEGMENTS_MAX || direction->held_size + size > WIRE_HELD_MAX;
}

static int take_payload(struct wire_reassembly *reassembly, struct connection *connection, enum wire_end from,
                        uint32_t sequence, const uint8_t *bytes, size_t size)
{
    struct direction *direction = &connection->directions[from];

    while (distance(direction->next, sequence) > 0 && is_full(direction, size) && direction->held)
        skip_gap(reassembly, connection, from);
    if (size && distance(direction->next, sequence) > 0)
        return hold(direction, sequence, bytes, size);
    deliver_rest(reassembly, connection, from, sequence, bytes, size);
    deliver_held(reassembly, connection, from);
    return 0;
}

/* The receiver has all up to here: what is missing in front of it is missing in the capture. */
static void take_acknowledgement(struct wire_reassembly *reassembly, struct connection *connection,
                                 enum wire_end from, uint32_t acknowledgement)
{
    const struct direction *direction = &connection->directions[from];

    while (direction->held && distance(direction->held->sequence, acknowledgement) > 0)
        skip_gap(reassembly, connection, from);
}

static void learn_sequence(struct direction *direction, const struct wire_segment *segment)
{
    bool begins = segment->flags & WIRE_TCP_SYN;

    if (direction->known)
        return;
    direction->known = true;
    direction->start = direction->next = segment->sequence + begins;
}

static int follow(struct wire_reassembly *reassembly, struct connection *connection, enum wire_end from,
                  const struct wire_segment *segment, const uint8_t *payload)
{
    struct direction *direction = &connection->directions[from];
    uint32_t sequence = segment->sequence + ((segment->flags & WIRE_TCP_SYN) != 0);
    int status;

    learn_sequence(direction, segment);
    if (segment->flags & WIRE_TCP_FIN && !direction->ending) {
        direction->ending = true;
        direction->end = sequence + (uint32_t)segment->payload_size;
    }
    status = take_payload(reassembly, connection, from, sequence, payload, segment->payload_size);
    if (segment->flags & WIRE_TCP_ACK)
        take_acknowledgement(reassembly, connection, from == WIRE_CLIENT ? WIRE_SERVER : WIRE_CLIENT,
                             segment->acknowledgement);
    if (segment->flags & WIRE_TCP_RST || (connection->directions[0].ended && connection->directions[1].ended))
        end_connection(reassembly, connection, segment->flags & WIRE_TCP_RST);
    return status;
}

static bool comes_from_server(const struct wire_segment *segment)
{
    if (segment->flags & WIRE_TCP_SYN)
        return segment->flags & WIRE_TCP_ACK;
    return segment->flow.source_port < segment->flow.destination_port;
}

static int add(struct wire_reassembly *reassembly, const struct wire_segment *segment,
               struct connection **added, enum wire_end *from)
{
    struct connection *connection = calloc(1, sizeof(*connection));

    if (!connection)
        return -ENOMEM;
    if (reassembly->count == WIRE_CONNECTIONS_MAX) {
        end_connection(reassembly, TAILQ_FIRST(&reassembly->ages), false);
        forget(reassembly, TAILQ_FIRST(&reassembly->ages));
    }
    *from = comes_from_server(segment) ? WIRE_SERVER : WIRE_CLIENT;
    connection->face.flow = *from == WIRE_SERVER ? reversed(&segment->flow) : segment->flow;
    connection->face.begun = segment->flags & WIRE_TCP_SYN;
    LIST_INSERT_HEAD(&reassembly->buckets[bucket_of(&segment->flow)], connection, link);
    TAILQ_INSERT_TAIL(&reassembly->ages, connection, age);
    reassembly->count++;
    reassembly->ops.opened(reassembly->context, &connection->face);
    *added = connection;
    return 0;
}

/* The same two ends begin anew; a SYN that comes twice is the old one. */
static bool begins_anew(const struct connection *connection, enum wire_end from,
                        const struct wire_segment *segment)
{
    const struct direction *direction = &connection->directions[from];

    return (segment->flags & (WIRE_TCP_SYN | WIRE_TCP_ACK)) == WIRE_TCP_SYN && direction->known &&
           direction->start != segment->sequence + 1;
}

int wire_reassembly_take(struct wire_reassembly *reassembly, const struct wire_segment *segment,
                         const uint8_t *payload)
{
    enum wire_end from;
    struct connection *connection = find(reassembly, &segment->flow, &from);
    int status;

    if (connection && begins_anew(connection, from, segment)) {
        end_connection(reassembly, connection, false);
        forget(reassembly, connection);
        connection = NULL;
    }
    if (!connection) {
        if (segment->flags & WIRE_TCP_RST)
            return 0;
        status = add(reassembly, segment, &connection, &from);
        if (status < 0)
            return status;
    }
    TAILQ_REMOVE(&reassembly->ages, connection, age);
    TAILQ_INSERT_TAIL(&reassembly->ages, connection, age);
    return connection->closed ? 0 : follow(reassembly, connection, from, segment, payload);
}

void wire_reassembly_finish(struct wire_reassembly *reassembly)
{
    struct connection *next;

    for (struct connection *connection = TAILQ_FIRST(&reassembly->ages); connection; connection = next) {
        next = TAILQ_NEXT(connection, age);
        end_connection(reassembly, connection, false);
        forget(reassembly, connection);
    }
}

int wire_reassembly_create(struct wire_reassembly **reassembly, const struct wire_reassembly_ops *ops,
                           void *context)
{
    struct wire_reassembly *made = calloc(1, sizeof(*made));

    if (!made)
        return -ENOMEM;
    made->ops = *ops;
    made->context = context;
    TAILQ_INIT(&made->ages);
    *reassembly = made;
    return 0;
}

void wire_reassembly_destroy(struct wire_reassembly *reassembly)
{
    struct connection *next;

    if (!reassembly)
        return;
    for (struct connection *connection = TAILQ_FIRST(&reassembly->ages); connection; connection = next) {
        next = TAILQ_NEXT(connection, age);
        forget(reassembly, connection);
    }
    free(reassembly);
}
