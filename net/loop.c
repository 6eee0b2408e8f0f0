/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/loop.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "base/clock.h"
#include "net/room.h"

struct net_timer {
    uv_timer_t uv;
    struct net_loop *loop;
    void (*fire)(void *context);
    void *context;
    LIST_ENTRY(net_timer) link;
};

static void on_wake(uv_async_t *wake)
{
    struct net_loop *loop = wake->data;

    loop->events++;
}

static void on_pause(uv_timer_t *pause)
{
    (void)pause; /* it has ended the wait, which is all it is for */
}

/* libuv writes with write(2), which cannot ask for EPIPE instead of a signal. */
static void ignore_broken_pipes(void)
{
    struct sigaction current;

    if (sigaction(SIGPIPE, NULL, &current) == 0 && current.sa_handler == SIG_DFL)
        signal(SIGPIPE, SIG_IGN);
}

int net_loop_create(struct net_loop **loop)
{
    struct net_loop *made = calloc(1, sizeof(*made));
    int status;

    if (!made)
        return -ENOMEM;
    status = uv_loop_init(&made->uv);
    if (status < 0)
        goto free_loop;
    status = uv_async_init(&made->uv, &made->wake, on_wake);
    if (status < 0)
        goto close_loop;
    uv_timer_init(&made->uv, &made->pause);
    made->wake.data = made;
    LIST_INIT(&made->timers);
    LIST_INIT(&made->listeners);
    LIST_INIT(&made->connections);
    LIST_INIT(&made->datagrams);
    ignore_broken_pipes();
    *loop = made;
    return 0;

close_loop:
    uv_loop_close(&made->uv);
free_loop:
    free(made);
    return status;
}

static void close_signals(struct net_loop *loop)
{
    for (unsigned i = 0; loop->has_signals && i < 2; i++)
        uv_close((uv_handle_t *)&loop->signals[i], NULL);
    loop->has_signals = false;
}

static void release_owned(struct net_loop *loop)
{
    struct net_tcp *next;

    while (!LIST_EMPTY(&loop->timers))
        net__timer_release(LIST_FIRST(&loop->timers));
    while (!LIST_EMPTY(&loop->listeners))
        net__listener_release(LIST_FIRST(&loop->listeners));
    while (!LIST_EMPTY(&loop->datagrams))
        net__udp_release(LIST_FIRST(&loop->datagrams));
    for (struct net_tcp *tcp = LIST_FIRST(&loop->connections); tcp; tcp = next) {
        next = LIST_NEXT(tcp, link);
        if (tcp->state != NET__TCP_LINGERING)
            net__tcp_release(tcp);
    }
}

void net_loop_destroy(struct net_loop *loop)
{
    if (!loop)
        return;
    close_signals(loop);
    release_owned(loop);
    while (!LIST_EMPTY(&loop->connections))
        uv_run(&loop->uv, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&loop->pause, NULL);
    uv_close((uv_handle_t *)&loop->wake, NULL);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    uv_loop_close(&loop->uv);
    free(loop);
}

int net_loop_run(struct net_loop *loop)
{
    while (!atomic_load(&loop->stopped))
        uv_run(&loop->uv, UV_RUN_ONCE);
    atomic_store(&loop->stopped, false);
    return 0;
}

bool net_loop_run_once(struct net_loop *loop, uint64_t timeout_ms)
{
    uint64_t before = loop->events;

    uv_update_time(&loop->uv);
    if (timeout_ms)
        uv_timer_start(&loop->pause, on_pause, timeout_ms, 0);
    uv_run(&loop->uv, timeout_ms ? UV_RUN_ONCE : UV_RUN_NOWAIT);
    uv_timer_stop(&loop->pause);
    return loop->events != before;
}

void net_loop_wake(struct net_loop *loop)
{
    uv_async_send(&loop->wake);
}

void net_loop_stop(struct net_loop *loop)
{
    atomic_store(&loop->stopped, true);
    net_loop_wake(loop);
}

uint64_t net_loop_now_ms(const struct net_loop *loop)
{
    (void)loop; /* libuv's own reading is as old as the last wait; its clock is the same */
    return base_clock_monotonic_ms();
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct net_loop *loop = handle->data;

    loop->events++;
    loop->signal_handler(loop->signal_context, number);
}

int net_loop_on_signals(struct net_loop *loop, void (*handler)(void *context, int signal), void *context)
{
    static const int numbers[2] = {SIGINT, SIGTERM};
    int status = 0;

    if (loop->has_signals)
        return -EBUSY;
    loop->signal_handler = handler;
    loop->signal_context = context;
    for (unsigned i = 0; i < 2; i++) {
        uv_signal_init(&loop->uv, &loop->signals[i]);
        loop->signals[i].data = loop;
    }
    loop->has_signals = true;
    for (unsigned i = 0; i < 2 && status == 0; i++)
        status = uv_signal_start_oneshot(&loop->signals[i], on_signal, numbers[i]);
    return status;
}

static void on_timer(uv_timer_t *handle)
{
    struct net_timer *timer = handle->data;

    timer->loop->events++;
    timer->fire(timer->context);
}

int net_timer_create(struct net_timer **timer, struct net_loop *loop, void (*fire)(void *context),
                     void *context)
{
    struct net_timer *made = malloc(sizeof(*made));

    if (!made)
        return -ENOMEM;
    *made = (struct net_timer){.loop = loop, .fire = fire, .context = context};
    uv_timer_init(&loop->uv, &made->uv);
    made->uv.data = made;
    LIST_INSERT_HEAD(&loop->timers, made, link);
    *timer = made;
    return 0;
}

void net_timer_start(struct net_timer *timer, uint64_t delay_ms)
{
    uv_update_time(&timer->loop->uv); /* the delay counts from now, not from the last wait */
    uv_timer_start(&timer->uv, on_timer, delay_ms, 0);
}

void net_timer_stop(struct net_timer *timer)
{
    uv_timer_stop(&timer->uv);
}

static void on_timer_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void net__timer_release(struct net_timer *timer)
{
    LIST_REMOVE(timer, link);
    uv_close((uv_handle_t *)&timer->uv, on_timer_closed);
}

void net_timer_destroy(struct net_timer *timer)
{
    if (timer)
        net__timer_release(timer);
}
