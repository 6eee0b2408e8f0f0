/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tests/net/rig.h: a listener and both ends of a connection on one loop; peers that this room has no hand in.
 */
#ifndef TESTS_NET_RIG_H
#define TESTS_NET_RIG_H

#include <criterion/criterion.h>

#include "net/tcp.h"

#define RIG_BIG ((size_t)900 * 1024) /* bytes */

/* What one end of a connection saw. */
struct rig_end {
    struct net_tcp *tcp;
    uint8_t *bytes; /* RIG_BIG at most */
    size_t size;
    const uint8_t *last_input;
    unsigned connected, inputs, ended;
    int error;
    bool close_on_connected, close_on_input, close_on_ended;
};

extern struct net_loop *rig_loop;
extern struct net_listener *rig_listener;
extern struct rig_end rig_client, rig_server;
extern unsigned rig_accepted;
extern const struct net_tcp_ops rig_ops; /* context: struct rig_end */

void rig_setup(void);
void rig_teardown(void);

/* Accepts into rig_server, on 127.0.0.1 unless `config` (NULL: all defaults) has a host; gives the port. */
uint16_t rig_listen(const struct net_listen_config *config);
void rig_accept(void *context, struct net_tcp *tcp); /* of a listener with a struct rig_end as context */
void rig_connect(uint16_t port, struct net_tls *tls);
void rig_connect_both(void); /* a plain listener and a client, both connected */

int rig_foreign_connect(uint16_t port); /* a socket, connected */
void rig_foreign_reset(int peer);
bool rig_foreign_ended(int peer); /* what was sent to it is read; whether the end was */

struct net_listener_counters rig_counters(void);

/* Runs the loop until `condition` holds, at most for about ten seconds. */
#define RIG_UNTIL(condition)                                                                                 \
    do {                                                                                                     \
        uint64_t limit_ = net_loop_now_ms(rig_loop) + 10000;                                                 \
        while (!(condition) && net_loop_now_ms(rig_loop) < limit_)                                           \
            net_loop_run_once(rig_loop, 20);                                                                 \
        cr_assert(condition);                                                                                \
    } while (0)

#endif
