/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reassembly without memory: clean errors, no block lost, and what was held is wiped. */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/common/memory.h"
#include "wire/reassembly.h"

TestSuite(memory, .timeout = 30);

static const uint8_t secret[16] = "a control word!";

static void on_opened(void *context, struct wire_connection *connection)
{
    (void)context;
    (void)connection;
}

static void on_data(void *context, struct wire_connection *connection, enum wire_end from,
                    const uint8_t *bytes, size_t size)
{
    (void)context;
    (void)connection;
    (void)from;
    (void)bytes;
    (void)size;
}

static void on_gap(void *context, struct wire_connection *connection, enum wire_end from, uint32_t size)
{
    (void)context;
    (void)connection;
    (void)from;
    (void)size;
}

static void on_closed(void *context, struct wire_connection *connection, bool reset)
{
    (void)context;
    (void)connection;
    (void)reset;
}

static int take(struct wire_reassembly *reassembly, uint32_t sequence, unsigned flags, size_t size)
{
    struct wire_segment segment = {.sequence = sequence, .flags = (uint8_t)flags, .payload_size = size};

    return wire_reassembly_take(reassembly, &segment, secret);
}

/* One held segment is handed out, one is still held at the end. */
static int use(void *context)
{
    static const struct wire_reassembly_ops ops = {on_opened, on_data, on_gap, on_closed};
    struct wire_reassembly *reassembly = NULL;
    int status = wire_reassembly_create(&reassembly, &ops, NULL);

    (void)context;
    if (status == 0)
        status = take(reassembly, 0, WIRE_TCP_SYN, 0);
    if (status == 0)
        status = take(reassembly, 17, 0, sizeof(secret));
    if (status == 0)
        status = take(reassembly, 1, 0, sizeof(secret));
    if (status == 0)
        status = take(reassembly, 100, 0, sizeof(secret));
    wire_reassembly_destroy(reassembly);
    return status;
}

Test(memory, reassembly)
{
    memory_look_for(secret, sizeof(secret));
    memory_assert_it_looks();
    memory_refuse_each(use, NULL, 4);
}
