/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tests/simulcrypt/wire.h: what joins a client's and a server's end in memory: two queues, a clock that the
 * test moves, and a diary of what happened.
 *
 * One test at a time: the wire is a global. Bytes sent wait until wire_pump(). */
#ifndef TESTS_SIMULCRYPT_WIRE_H
#define TESTS_SIMULCRYPT_WIRE_H

#include "simulcrypt/message.h"

#define WIRE_QUEUE (1 << 18)

struct wire_queue {
    uint8_t bytes[WIRE_QUEUE];
    size_t size, taken;
};

struct wire {
    struct wire_queue to_server, to_client;
    void (*server_input)(const uint8_t *bytes, size_t size);
    void (*client_input)(const uint8_t *bytes, size_t size);
    uint64_t now_ms;
    size_t cut;      /* bytes per delivery, 0: as they come */
    unsigned damage; /* one byte in so many is replaced on its way (rand()); 0: none */
    char diary[4096];
    void (*on_send)(bool to_server, const uint8_t *bytes, size_t size);
};

extern struct wire wire;

/* Empty, at 1 s; scripts are of this interface. */
void wire_start(const struct simulcrypt_interface *interface,
                void (*server_input)(const uint8_t *bytes, size_t size),
                void (*client_input)(const uint8_t *bytes, size_t size));
void wire_send_to_server(void *context, const uint8_t *bytes, size_t size); /* ops->send of the client */
void wire_send_to_client(void *context, const uint8_t *bytes, size_t size);
void wire_pump(void); /* until both queues are empty; fails the test where that takes for ever */
void wire_lose(void); /* what is under way */

void wire_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Fails the test where the diary since the last call is not `expected`. */
void wire_expect(const char *expected);

/* One end alone: hears the messages of a script; what it said since the last look must be `expected`. */
void wire_server_hears(const char *script);
void wire_client_hears(const char *script);
void wire_server_said(const char *expected);
void wire_client_said(const char *expected);

#endif
