/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tests/simulcrypt/capture.h: TCP and UDP payloads out of and into libpcap files (Ethernet, IPv4), for
 * tests alone.
 */
#ifndef TESTS_SIMULCRYPT_CAPTURE_H
#define TESTS_SIMULCRYPT_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "simulcrypt/message.h"

#define CAPTURE_PORT     22330 /* of the server */
#define CAPTURE_UDP_PORT 22331
#define CAPTURE_MAX      65536

enum capture_direction { CAPTURE_TO_CLIENT, CAPTURE_TO_SERVER, CAPTURE_UDP };

/* One conversation's bytes per direction; UDP datagrams one after the other. */
struct capture {
    uint8_t bytes[3][CAPTURE_MAX];
    size_t size[3];
};

/* The messages of one direction, cut by hand: independent of the framer. */
#define CAPTURE_MESSAGES_MAX 64
struct capture_messages {
    const uint8_t *bytes[CAPTURE_MESSAGES_MAX];
    size_t size[CAPTURE_MESSAGES_MAX];
    size_t count;
};

struct capture_messages capture_cut(const struct capture *from, enum capture_direction direction);

/* Fails the test where it cannot be decoded. */
struct simulcrypt_message capture_decode(const struct simulcrypt_interface *interface,
                                         enum capture_direction direction,
                                         const struct capture_messages *messages, size_t i);

/* Fails the test unless there are `count` messages that all decode, bear `version` and come out again with
 * the same bytes: every parameter in the order it was sent, all of them known to the message's table. */
void capture_expect_all_decode(const struct simulcrypt_interface *interface, const struct capture *capture,
                               enum capture_direction direction, uint8_t version, size_t count);

/* Fails the test unless `made` is, message by message and parameter by parameter, what was recorded. */
void capture_expect_same_messages(const struct simulcrypt_interface *interface,
                                  const struct capture *recorded, const struct capture *made,
                                  enum capture_direction direction);

/* From $SCRAMLINE_CAPTURES/simulcrypt/NAME. False where the variable is not set; fails the test where the
 * file cannot be read. */
bool capture_load(struct capture *capture, const char *name);

struct capture_writer {
    FILE *file;
    uint32_t sequence[2];
};

void capture_begin(struct capture_writer *writer, FILE *file);
void capture_add(struct capture_writer *writer, bool to_server, const uint8_t *bytes, size_t size);

#endif
