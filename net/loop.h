/* SPDX-License-Identifier: GPL-3.0-or-later */
/* net/loop.h: the event loop of a control thread (libuv), its timers and TCP connections.
 *
 * Everything here belongs to the thread that runs the loop; only net_loop_wake() and net_loop_stop() may be
 * called from others or from signal handlers' successors. Callbacks run inside net_loop_run() or
 * net_loop_run_once(). A loop ignores SIGPIPE for the process, as a peer may vanish while it is written to.
 */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct net_loop;

int net_loop_create(struct net_loop **loop);

/* Closes what is left open, without callbacks; what was written to connections that net_tcp_close() closed is
 * still sent (for at most two seconds). NULL is allowed. */
void net_loop_destroy(struct net_loop *loop);

/* Runs callbacks until net_loop_stop(), which may also come before; 0. */
int net_loop_run(struct net_loop *loop);

/* Waits at most timeout_ms (0: not at all) for something to happen and runs what is due; returns whether
 * anything was. For a file run, which owns its own main loop. */
bool net_loop_run_once(struct net_loop *loop, uint64_t timeout_ms);

void net_loop_stop(struct net_loop *loop);
void net_loop_wake(struct net_loop *loop);             /* ends the wait of net_loop_run_once() */
uint64_t net_loop_now_ms(const struct net_loop *loop); /* monotonic */

/* SIGINT and SIGTERM call `handler` (once each) inside the loop; a second one of the same kind ends the
 * process as usual, so that nobody is locked out by a slow stop. -EBUSY where it was called before. */
int net_loop_on_signals(struct net_loop *loop, void (*handler)(void *context, int signal), void *context);

struct net_timer;
int net_timer_create(struct net_timer **timer, struct net_loop *loop, void (*fire)(void *context),
                     void *context);
void net_timer_start(struct net_timer *timer, uint64_t delay_ms); /* once; restarts a running one */
void net_timer_stop(struct net_timer *timer);
void net_timer_destroy(struct net_timer *timer); /* NULL is allowed; also inside its own callback */

#endif
