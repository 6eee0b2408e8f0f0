/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "script.h"

struct wire wire;

void wire_start(const struct simulcrypt_interface *interface,
                void (*server_input)(const uint8_t *bytes, size_t size),
                void (*client_input)(const uint8_t *bytes, size_t size))
{
    script_interface = interface;
    wire_lose();
    wire.server_input = server_input;
    wire.client_input = client_input;
    wire.now_ms = 1000;
    wire.cut = 0;
    wire.damage = 0;
    wire.diary[0] = 0;
    wire.on_send = NULL;
}

void wire_lose(void)
{
    wire.to_server.size = wire.to_server.taken = 0;
    wire.to_client.size = wire.to_client.taken = 0;
}

void wire_note(const char *format, ...)
{
    size_t used = strlen(wire.diary);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(wire.diary + used, sizeof(wire.diary) - used, format, arguments);
    va_end(arguments);
}

void wire_expect(const char *expected)
{
    cr_assert_str_eq(wire.diary, expected);
    wire.diary[0] = 0;
}

static void enqueue(struct wire_queue *queue, const uint8_t *bytes, size_t size)
{
    cr_assert_leq(queue->size + size, WIRE_QUEUE);
    memcpy(queue->bytes + queue->size, bytes, size);
    queue->size += size;
}

void wire_send_to_client(void *context, const uint8_t *bytes, size_t size)
{
    (void)context;
    enqueue(&wire.to_client, bytes, size);
    if (wire.on_send)
        wire.on_send(false, bytes, size);
}

void wire_send_to_server(void *context, const uint8_t *bytes, size_t size)
{
    (void)context;
    enqueue(&wire.to_server, bytes, size);
    if (wire.on_send)
        wire.on_send(true, bytes, size);
}

static size_t deliver(struct wire_queue *queue, uint8_t *bytes)
{
    size_t size = queue->size - queue->taken;
    if (wire.cut && size > wire.cut)
        size = wire.cut;
    memcpy(bytes, queue->bytes + queue->taken, size);
    for (size_t i = 0; wire.damage && i < size; i++)
        if ((unsigned)rand() % wire.damage == 0)
            bytes[i] = (uint8_t)rand();
    queue->taken += size;
    if (queue->taken == queue->size)
        queue->taken = queue->size = 0;
    return size;
}

void wire_pump(void)
{
    static uint8_t bytes[WIRE_QUEUE];
    size_t size = 1;
    size_t other = 1;
    for (unsigned rounds = 0; size || other; rounds++) {
        cr_assert_lt(rounds, 300000);
        size = deliver(&wire.to_server, bytes);
        if (size)
            wire.server_input(bytes, size);
        other = deliver(&wire.to_client, bytes);
        if (other)
            wire.client_input(bytes, other);
    }
}

static size_t encode(const char *script, uint8_t **bytes)
{
    static uint8_t room[WIRE_QUEUE];
    *bytes = room;
    return script_encode(script, room, sizeof(room));
}

void wire_server_hears(const char *script)
{
    uint8_t *bytes;
    size_t size = encode(script, &bytes);
    wire.server_input(bytes, size);
}

void wire_client_hears(const char *script)
{
    uint8_t *bytes;
    size_t size = encode(script, &bytes);
    wire.client_input(bytes, size);
}

static void expect_said(struct wire_queue *queue, const char *expected)
{
    cr_assert_str_eq(script_describe(queue->bytes, queue->size), expected);
    queue->size = 0;
}

void wire_server_said(const char *expected)
{
    expect_said(&wire.to_client, expected);
}

void wire_client_said(const char *expected)
{
    expect_said(&wire.to_server, expected);
}
