/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/watch_link.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/secret.h"
#include "cmd/watch_seek.h"
#include "simulcrypt/ecmg_scs_table.h"

#define MESSAGE_MAX ((size_t)SIMULCRYPT_HEADER_SIZE + UINT16_MAX)
#define WAITING     1024  /* CW_provisions; one more takes the place of another */
#define PATIENCE    65536 /* bytes of a connection that are searched for its first message */

struct waiting {
    uint16_t channel_id, stream_id, cp_number;
    bool taken;
    uint64_t since;
};

struct direction {
    struct simulcrypt_framer framer;
    bool seeking;
    uint8_t *sought; /* bytes in which no message was found yet */
    size_t sought_size, needed;
    uint64_t passed; /* bytes that were no message, not told yet */
};

struct cmd_watch_link {
    struct cmd_watch *watch;
    const struct cmd_watch_interface *interface;
    unsigned number;
    bool any, ends_sure;
    bool told;    /* that it is there */
    bool ignored; /* it is not SimulCrypt */
    char ends[2][CMD_WATCH_END_MAX];
    unsigned client; /* whose index in `ends` and `directions` it has */
    struct direction directions[2];
    struct waiting *waiting;
};

/* A connection is told of, and numbered, once it is known to be worth it. */
static void tell(struct cmd_watch_link *link)
{
    if (link->told)
        return;
    link->told = true;
    link->number = (unsigned)++link->watch->counters.connections;
    cmd_watch_event(link->watch, link->number, "connection", "%s → %s", link->ends[link->client],
                    link->ends[!link->client]);
}

int cmd_watch_link_create(struct cmd_watch_link **link, struct cmd_watch *watch,
                          const struct cmd_watch_link_config *config)
{
    struct cmd_watch_link *made = calloc(1, sizeof(*made));

    if (!made)
        return -ENOMEM;
    made->watch = watch;
    made->interface = config->interface;
    made->any = config->any;
    made->ends_sure = config->ends_sure;
    made->client = config->swapped ? CMD_WATCH_SERVER : CMD_WATCH_CLIENT;
    memcpy(made->ends[CMD_WATCH_CLIENT], config->client, CMD_WATCH_END_MAX);
    memcpy(made->ends[CMD_WATCH_SERVER], config->server, CMD_WATCH_END_MAX);
    for (unsigned end = 0; end < 2; end++) {
        simulcrypt_framer_init(&made->directions[end].framer, MESSAGE_MAX);
        made->directions[end].seeking = config->midway || !config->any;
    }
    if (made->any)
        tell(made);
    *link = made;
    return 0;
}

static void stop_seeking(struct direction *direction)
{
    if (direction->sought)
        base_secure_zero(direction->sought, direction->sought_size);
    free(direction->sought);
    direction->sought = NULL;
    direction->sought_size = direction->needed = 0;
    direction->seeking = false;
}

void cmd_watch_link_destroy(struct cmd_watch_link *link)
{
    if (!link)
        return;
    for (unsigned end = 0; end < 2; end++) {
        simulcrypt_framer_clear(&link->directions[end].framer);
        stop_seeking(&link->directions[end]);
    }
    free(link->waiting);
    free(link);
}

static void tell_passed(struct cmd_watch_link *link, struct direction *direction)
{
    if (!direction->passed)
        return;
    link->watch->counters.bytes_passed_over += direction->passed;
    cmd_watch_event(link->watch, link->number, "passed_over", "%" PRIu64 " bytes are no message",
                    direction->passed);
    direction->passed = 0;
}

static struct waiting *waiting_of(struct cmd_watch_link *link, const struct waiting *wanted)
{
    uint32_t mix = ((uint32_t)wanted->stream_id << 16 | wanted->cp_number) * UINT32_C(2654435761);

    return &link->waiting[(mix >> 16 ^ wanted->channel_id) % WAITING];
}

static void begin_wait(struct cmd_watch_link *link, const struct waiting *provision)
{
    struct waiting *place;

    if (!link->waiting)
        link->waiting = calloc(WAITING, sizeof(*link->waiting));
    if (!link->waiting)
        return;
    place = waiting_of(link, provision);
    link->watch->counters.unanswered += place->taken;
    *place = *provision;
}

static void end_wait(struct cmd_watch_link *link, const struct waiting *response)
{
    struct waiting *place = link->waiting ? waiting_of(link, response) : NULL;

    if (!place || !place->taken || place->channel_id != response->channel_id ||
        place->stream_id != response->stream_id || place->cp_number != response->cp_number)
        return;
    place->taken = false;
    cmd_latency_add(&link->watch->round_trips,
                    response->since > place->since ? response->since - place->since : 0);
}

static void time_round_trip(struct cmd_watch_link *link, const uint8_t *bytes, size_t size)
{
    struct simulcrypt_message message;
    struct simulcrypt_verdict verdict;
    struct waiting moment = {.taken = true, .since = link->watch->now_ns};

    if (simulcrypt_message_decode(&simulcrypt_ecmg_scs, SIMULCRYPT_FROM_BOTH, bytes, size, &message,
                                  &verdict) < 0)
        return;
    moment.channel_id = simulcrypt_message_u16(&message, SIMULCRYPT_ECMG_P_ECM_CHANNEL_ID);
    moment.stream_id = simulcrypt_message_u16(&message, SIMULCRYPT_ECMG_P_ECM_STREAM_ID);
    moment.cp_number = simulcrypt_message_u16(&message, SIMULCRYPT_ECMG_P_CP_NUMBER);
    if (message.type == SIMULCRYPT_ECMG_M_CW_PROVISION)
        begin_wait(link, &moment);
    else if (message.type == SIMULCRYPT_ECMG_M_ECM_RESPONSE)
        end_wait(link, &moment);
}

/* Which end is the client where it was not seen connecting: its messages tell. */
static void learn_ends(struct cmd_watch_link *link, const struct simulcrypt_message_type *type, unsigned from)
{
    if (link->ends_sure || !type || type->from == SIMULCRYPT_FROM_BOTH)
        return;
    link->ends_sure = true;
    link->client = type->from == SIMULCRYPT_FROM_CLIENT ? from : !from;
}

static const struct simulcrypt_interface *interface_for(const struct cmd_watch_link *link, uint16_t type)
{
    if (link->interface && simulcrypt_find_message(link->interface->interface, type))
        return link->interface->interface;
    return simulcrypt_trace_interface(type);
}

static void take_message(struct cmd_watch_link *link, unsigned from, const uint8_t *bytes, size_t size)
{
    uint16_t type = base_load_u16(bytes + 1);
    const struct simulcrypt_interface *interface = interface_for(link, type);
    struct cmd_watch_place place;

    if (interface)
        learn_ends(link, simulcrypt_find_message(interface, type), from);
    if (!link->interface)
        link->interface = cmd_watch_interface_of(interface);
    tell(link);
    tell_passed(link, &link->directions[from]);
    place.connection = link->number;
    place.from = place.to = "?";
    if (link->interface) {
        place.from = from == link->client ? link->interface->client : link->interface->server;
        place.to = from == link->client ? link->interface->server : link->interface->client;
    }
    cmd_watch_message(link->watch, &place, interface, bytes, size);
    if (interface == &simulcrypt_ecmg_scs)
        time_round_trip(link, bytes, size);
}

static void ignore(struct cmd_watch_link *link)
{
    link->ignored = true;
    link->watch->counters.connections_passed_over++;
    for (unsigned end = 0; end < 2; end++)
        stop_seeking(&link->directions[end]);
}

static void pass_over(struct cmd_watch_link *link, struct direction *direction, size_t size)
{
    direction->passed += size;
    if (!link->any && !link->told && direction->passed > PATIENCE)
        ignore(link);
}

static void take_framed(struct cmd_watch_link *link, unsigned from, const uint8_t *bytes, size_t size)
{
    struct base_reader input = base_reader_of(bytes, size);
    const uint8_t *message;
    size_t message_size;

    while (simulcrypt_framer_next(&link->directions[from].framer, &input, &message, &message_size) == 1)
        take_message(link, from, message, message_size);
}

/* Where in `bytes` a message begins; `size` where none does. *enough: it is there whole; else it is still
 * possible, and how many bytes it takes to tell is remembered. */
static size_t find_message(struct cmd_watch_link *link, struct direction *direction, const uint8_t *bytes,
                           size_t size, bool *enough)
{
    const struct simulcrypt_interface *interface = link->interface ? link->interface->interface : NULL;
    ptrdiff_t status = BASE_E_MALFORMED;
    size_t at = 0;

    for (; at < size && status == BASE_E_MALFORMED; at += status == BASE_E_MALFORMED)
        status = cmd_watch_seek(interface, bytes + at, size - at, &direction->needed);
    *enough = status > 0;
    return at;
}

/* Keeps `size` bytes that may be the beginning of a message. */
static void keep_sought(struct direction *direction, const uint8_t *bytes, size_t size)
{
    if (size && !direction->sought)
        direction->sought = malloc(MESSAGE_MAX);
    if (size && !direction->sought) {
        direction->passed += size;
        return;
    }
    if (size)
        memmove(direction->sought, bytes, size);
    if (size < direction->sought_size)
        base_secure_zero(direction->sought + size, direction->sought_size - size);
    direction->sought_size = size;
}

/* Looks through `bytes`, the direction's own or new ones. True: a message was found and all was handed on, or
 * the connection is none of ours. */
static bool search(struct cmd_watch_link *link, unsigned from, const uint8_t *bytes, size_t size)
{
    struct direction *direction = &link->directions[from];
    bool enough;
    size_t at = find_message(link, direction, bytes, size, &enough);
    uint8_t *own = direction->sought;

    pass_over(link, direction, at);
    if (link->ignored)
        return true;
    if (!enough) {
        keep_sought(direction, bytes + at, size - at);
        return false;
    }
    direction->sought = NULL;
    direction->seeking = false;
    take_framed(link, from, bytes + at, size - at);
    if (own)
        base_secure_zero(own, direction->sought_size);
    free(own);
    direction->sought_size = 0;
    return true;
}

static void take_sought(struct cmd_watch_link *link, unsigned from, const uint8_t *bytes, size_t size)
{
    struct direction *direction = &link->directions[from];

    while (size && direction->sought_size) {
        size_t wanted = direction->needed - direction->sought_size;
        size_t part = wanted < size ? wanted : size;

        memcpy(direction->sought + direction->sought_size, bytes, part);
        direction->sought_size += part;
        bytes += part;
        size -= part;
        if (direction->sought_size < direction->needed)
            return;
        if (search(link, from, direction->sought, direction->sought_size)) {
            if (!link->ignored)
                take_framed(link, from, bytes, size);
            return;
        }
    }
    if (size)
        search(link, from, bytes, size);
}

void cmd_watch_link_input(struct cmd_watch_link *link, enum cmd_watch_end from, const uint8_t *bytes,
                          size_t size)
{
    if (link->ignored || cmd_watch_is_done(link->watch))
        return;
    if (link->directions[from].seeking)
        take_sought(link, from, bytes, size);
    else
        take_framed(link, from, bytes, size);
}

void cmd_watch_link_datagram(struct cmd_watch_link *link, enum cmd_watch_end from, const uint8_t *bytes,
                             size_t size)
{
    const struct simulcrypt_interface *interface = link->interface ? link->interface->interface : NULL;
    ptrdiff_t message = 1;
    size_t needed;

    for (; size && !cmd_watch_is_done(link->watch); bytes += message, size -= (size_t)message) {
        message = cmd_watch_seek(interface, bytes, size, &needed);
        if (message < 0)
            break;
        take_message(link, from, bytes, (size_t)message);
    }
    if (size && link->told) {
        link->directions[from].passed += size;
        tell_passed(link, &link->directions[from]);
    }
}

void cmd_watch_link_gap(struct cmd_watch_link *link, enum cmd_watch_end from, uint64_t size)
{
    struct direction *direction = &link->directions[from];

    if (link->ignored)
        return;
    simulcrypt_framer_clear(&direction->framer);
    direction->passed += direction->sought_size;
    stop_seeking(direction);
    direction->seeking = true;
    if (!link->told)
        return;
    link->watch->counters.gaps++;
    link->watch->counters.bytes_missing += size;
    cmd_watch_event(link->watch, link->number, "gap", "%" PRIu64 " bytes from %s are missing in the capture",
                    size, link->ends[from]);
}

void cmd_watch_link_end(struct cmd_watch_link *link, const char *why)
{
    for (unsigned i = 0; link->waiting && i < WAITING; i++)
        link->watch->counters.unanswered += link->waiting[i].taken;
    for (unsigned end = 0; end < 2 && link->told; end++) {
        struct direction *direction = &link->directions[end];

        direction->passed += direction->sought_size + direction->framer.have;
        tell_passed(link, direction);
    }
    if (link->told)
        cmd_watch_event(link->watch, link->number, "end", "%s", why);
    else if (!link->ignored)
        link->watch->counters.connections_passed_over++;
}
