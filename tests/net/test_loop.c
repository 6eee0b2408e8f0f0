/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/loop.h"

static struct net_loop *loop;
static struct net_timer *timer;
static unsigned fired;
static int last_signal;

static void setup(void)
{
    cr_assert_eq(net_loop_create(&loop), 0);
}

static void teardown(void)
{
    net_loop_destroy(loop);
}

static void count_and_stop(void *context)
{
    (void)context;
    fired++;
    net_loop_stop(loop);
}

static void destroy_self(void *context)
{
    (void)context;
    net_timer_destroy(timer);
    count_and_stop(NULL);
}

TestSuite(loop, .init = setup, .fini = teardown, .timeout = 20);

Test(loop, a_timer_fires_once_and_not_early)
{
    uint64_t start = net_loop_now_ms(loop);

    cr_assert_eq(net_timer_create(&timer, loop, count_and_stop, NULL), 0);
    net_timer_start(timer, 30);
    cr_assert_eq(net_loop_run(loop), 0);
    cr_assert_geq(net_loop_now_ms(loop), start + 30);
    while (net_loop_now_ms(loop) < start + 120)
        net_loop_run_once(loop, 20);
    cr_assert_eq(fired, 1);
    net_timer_destroy(timer);
}

Test(loop, the_delay_counts_from_the_call_after_a_long_computation)
{
    uint64_t start;

    cr_assert_eq(net_timer_create(&timer, loop, count_and_stop, NULL), 0);
    usleep(50000); /* the loop's own idea of now is old */
    start = net_loop_now_ms(loop);
    net_timer_start(timer, 30);
    net_loop_run(loop);
    cr_assert_geq(net_loop_now_ms(loop), start + 30);
}

Test(loop, a_restart_replaces_and_a_stop_cancels)
{
    cr_assert_eq(net_timer_create(&timer, loop, count_and_stop, NULL), 0);
    net_timer_start(timer, 0);
    net_timer_start(timer, 10000);
    cr_assert_not(net_loop_run_once(loop, 10));
    net_timer_start(timer, 0);
    net_timer_stop(timer);
    cr_assert_not(net_loop_run_once(loop, 10));
    cr_assert_eq(fired, 0);
    net_timer_destroy(timer);
    net_timer_destroy(NULL);
}

Test(loop, a_timer_may_destroy_itself)
{
    cr_assert_eq(net_timer_create(&timer, loop, destroy_self, NULL), 0);
    net_timer_start(timer, 1);
    net_loop_run(loop);
    cr_assert_eq(fired, 1);
}

Test(loop, run_once_waits_no_longer_than_told)
{
    uint64_t start = net_loop_now_ms(loop);

    cr_assert_not(net_loop_run_once(loop, 0));
    cr_assert_leq(net_loop_now_ms(loop), start + 1000);
    start = net_loop_now_ms(loop);
    cr_assert_not(net_loop_run_once(loop, 40));
    cr_assert_geq(net_loop_now_ms(loop), start + 39);
    cr_assert_eq(net_timer_create(&timer, loop, count_and_stop, NULL), 0);
    net_timer_start(timer, 1);
    cr_assert(net_loop_run_once(loop, 10000));
}

static void *stop_from_outside(void *context)
{
    usleep(20000);
    net_loop_stop(context);
    return NULL;
}

static void *wake_from_outside(void *context)
{
    usleep(20000);
    net_loop_wake(context);
    return NULL;
}

Test(loop, another_thread_stops_and_wakes_it)
{
    pthread_t thread;
    uint64_t start = net_loop_now_ms(loop);

    cr_assert_eq(pthread_create(&thread, NULL, stop_from_outside, loop), 0);
    cr_assert_eq(net_loop_run(loop), 0);
    pthread_join(thread, NULL);
    cr_assert_eq(pthread_create(&thread, NULL, wake_from_outside, loop), 0);
    cr_assert(net_loop_run_once(loop, 15000));
    pthread_join(thread, NULL);
    cr_assert_leq(net_loop_now_ms(loop), start + 10000);
}

Test(loop, a_stop_before_the_run_counts)
{
    net_loop_stop(loop);
    cr_assert_eq(net_loop_run(loop), 0);
}

static void note_signal(void *context, int number)
{
    *(int *)context = number;
    fired++;
    net_loop_stop(loop);
}

Test(loop, signals_reach_the_handler_inside_the_loop)
{
    cr_assert_eq(net_loop_on_signals(loop, note_signal, &last_signal), 0);
    cr_assert_eq(net_loop_on_signals(loop, note_signal, &last_signal), -EBUSY);
    raise(SIGTERM);
    net_loop_run(loop);
    cr_assert_eq(last_signal, SIGTERM);
    raise(SIGINT);
    net_loop_run(loop);
    cr_assert_eq(last_signal, SIGINT);
    cr_assert_eq(fired, 2);
}

Test(loop, the_second_signal_of_a_kind_ends_the_process)
{
    int status;
    pid_t child = fork();

    cr_assert_geq(child, 0);
    if (child == 0) {
        struct net_loop *own;

        if (net_loop_create(&own) < 0 || net_loop_on_signals(own, note_signal, &last_signal) < 0)
            _exit(1);
        loop = own;
        raise(SIGTERM);
        net_loop_run(own);
        raise(SIGTERM);
        _exit(2);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFSIGNALED(status));
    cr_assert_eq(WTERMSIG(status), SIGTERM);
}

Test(loop, destroying_closes_what_is_open)
{
    struct net_loop *other;
    struct net_timer *running;

    cr_assert_eq(net_loop_create(&other), 0);
    cr_assert_eq(net_timer_create(&running, other, count_and_stop, NULL), 0);
    net_timer_start(running, 100000);
    cr_assert_eq(net_loop_on_signals(other, note_signal, &last_signal), 0);
    net_loop_destroy(other);
    net_loop_destroy(NULL);
    cr_assert_eq(fired, 0);
}
