/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tests/simulcrypt/emmg_pair.h: both ends of EMMG ⇔ MUX on one wire (wire.h). One test at a time. */
#ifndef TESTS_SIMULCRYPT_EMMG_PAIR_H
#define TESTS_SIMULCRYPT_EMMG_PAIR_H

#include "simulcrypt/emmg_session.h"
#include "simulcrypt/mux_session.h"
#include "wire.h"

struct emmg_pair {
    struct simulcrypt_emmg_session *emmg;
    struct simulcrypt_mux_session *mux;

    /* What the MUX's owner answers. */
    uint16_t max_streams;
    uint16_t channel_error, stream_error, bandwidth_error;
    uint16_t bandwidth; /* allocated at set-up; greatest that is allocated later, 0: what is asked for */
    /* What it got. */
    uint8_t data[1 << 16];
    size_t data_size;

    /* What the EMMG's owner was told, and does from inside a callback. */
    char why[256];
    void (*on_stream_up)(uint16_t stream_id);
};

extern struct emmg_pair emmg_pair;

/* NULL: version 3, client 0x12340001, channel 1, sections. */
void emmg_pair_start(const struct simulcrypt_emmg_config *config);
void emmg_pair_add_stream(uint16_t stream_id); /* its data_id is 100 more */
void emmg_pair_connect(void);
void emmg_pair_bring_up(void); /* starts, adds stream 7, connects, pumps */
void emmg_pair_mux_restart(void);
uint64_t emmg_pair_tick(uint64_t later_ms);
void emmg_pair_stop(void);

/* A section of `size` bytes (3 to 4096), and packets; both filled with `fill`. */
struct simulcrypt_datagram emmg_pair_section(size_t size, uint8_t fill);
struct simulcrypt_datagram emmg_pair_packets(size_t count, uint8_t fill);

#endif
