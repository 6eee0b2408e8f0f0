/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tests/headend/mux_rig.h: a MUX with workers that take its orders at once, and scripted EMMGs over loopback.
 */
#ifndef TESTS_HEADEND_MUX_RIG_H
#define TESTS_HEADEND_MUX_RIG_H

#include <criterion/criterion.h>

#include "base/clock.h"
#include "headend/mux.h"
#include "net/tcp.h"
#include "ts/section.h"

#define MUX_RIG_STREAMS  2
#define MUX_RIG_AIRS     4
#define MUX_RIG_AIR_ROOM (4u << 20)
#define MUX_RIG_CLIENT   0x4ADC0001u

/* What reached a PID: whole sections, one behind the other. */
struct mux_rig_air {
    unsigned stream;
    uint16_t pid;
    unsigned orders, packets, sections;
    uint64_t last_start;
    uint8_t counter;
    size_t size;
    uint8_t *bytes;
    struct ts_section_assembler assembler;
};

struct mux_rig {
    struct net_loop *loop;
    struct headend_mux *mux;
    struct headend_mux_config config;
    struct base_ring *rings[MUX_RIG_STREAMS];
    bool deaf; /* the workers take no orders */
    unsigned air_count;
    struct mux_rig_air airs[MUX_RIG_AIRS];
    unsigned cat_changes;
    char why[256];
};

extern struct mux_rig rig;

/* One entry: client 0x4ADC0001, data_id 1, transport stream 0, PID 0x500. Free ports. */
void mux_rig_init(void);
struct headend_mux_entry *mux_rig_add(uint32_t client_id, uint16_t data_id, unsigned stream, uint16_t pid);
void mux_rig_start(void); /* expects success */
void mux_rig_stop(void);
void mux_rig_turn(void); /* of the loop; the MUX ticks, the workers take orders */
void mux_rig_run(unsigned ms);
struct mux_rig_air *mux_rig_air(unsigned stream, uint16_t pid); /* never NULL */
struct headend_mux_counters mux_rig_counters(void);
struct headend_mux_entry_status mux_rig_status(unsigned entry);

/* Until `condition` holds, at most for about ten seconds. */
#define MUX_RIG_UNTIL(condition)                                                                             \
    do {                                                                                                     \
        uint64_t limit_ = net_loop_now_ms(rig.loop) + 10000;                                                 \
        while (!(condition) && net_loop_now_ms(rig.loop) < limit_)                                           \
            mux_rig_turn();                                                                                  \
        cr_assert(condition);                                                                                \
    } while (0)

struct peer {
    struct net_tcp *tcp;
    bool connected, ended;
    bool deaf; /* reads, but keeps nothing */
    uint8_t heard[1 << 16];
    size_t size;
};

void peer_connect(struct peer *peer);
void peer_close(struct peer *peer); /* twice is allowed */
void peer_send(struct peer *peer, const void *bytes, size_t size);
/* Messages as tests/simulcrypt/script.h has them. */
void peer_say(struct peer *peer, const char *script);
/* What came, as text; waits until it is `expected`. It is forgotten then. */
void peer_expect(struct peer *peer, const char *expected);
void peer_expect_end(struct peer *peer);
/* Connects, sets up channel 1 of the client and stream 7 with this data_id. */
void peer_open(struct peer *peer, uint32_t client_id, uint16_t data_id, enum simulcrypt_format format);
/* Sections numbered from `first` on, of `section_size` bytes, `count` in one message; over stream 7. */
void peer_provide(struct peer *peer, uint32_t client_id, uint16_t data_id, unsigned first, unsigned count,
                  size_t section_size);

/* The message of peer_provide() alone; without channel and stream where `has_ids` is false. */
size_t provision_make(uint32_t client_id, uint16_t data_id, bool has_ids, unsigned first, unsigned count,
                      size_t section_size, uint8_t *bytes, size_t room);
size_t section_make(unsigned number, size_t size, uint8_t *section);
/* The n-th section on a PID is number `first + n`, of `size` bytes; there are `count`. */
void air_expect(const struct mux_rig_air *air, unsigned first, unsigned count, size_t size);

#endif
