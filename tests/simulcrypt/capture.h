/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tests/simulcrypt/capture.h: TCP payloads out of and into libpcap files (Ethernet, IPv4), for tests alone.
 */
#ifndef TESTS_SIMULCRYPT_CAPTURE_H
#define TESTS_SIMULCRYPT_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define CAPTURE_PORT 22330 /* of the server */
#define CAPTURE_MAX  65536

/* One conversation's bytes per direction: [1] towards the server. */
struct capture {
    uint8_t bytes[2][CAPTURE_MAX];
    size_t size[2];
};

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
