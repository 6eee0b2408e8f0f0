/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Against a listener on loopback that comes and goes. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/dialer.h"

static struct net_loop *loop;
static struct net_listener *listener;
static struct net_tcp *accepted;
static struct net_dialer *dialer;
static uint16_t port;
static unsigned connections, downs;
static char heard[64], told[64], why[400];

static void end_accepted(void *context, int error)
{
    (void)context;
    (void)error;
    net_tcp_close(accepted);
    accepted = NULL;
}

static void hear(void *context, const uint8_t *bytes, size_t size)
{
    (void)context;
    cr_assert_lt(strlen(heard) + size, sizeof(heard));
    strncat(heard, (const char *)bytes, size);
}

static void take(void *context, struct net_tcp *tcp)
{
    (void)context;
    net_tcp_close(accepted);
    accepted = tcp;
    connections++;
    net_tcp_set_ops(tcp, &(const struct net_tcp_ops){.input = hear, .ended = end_accepted}, NULL);
}

static void listen_again(void)
{
    cr_assert_eq(
        net_listen(&listener, loop,
                   &(const struct net_listen_config){.host = "127.0.0.1", .port = port, .accepted = take}),
        0);
    port = net_listener_port(listener);
}

static void on_connected(void *context)
{
    (void)context;
    net_dialer_write(dialer, (const uint8_t *)"hello", 5);
}

static void on_input(void *context, const uint8_t *bytes, size_t size)
{
    (void)context;
    snprintf(told, sizeof(told), "%.*s", (int)size, (const char *)bytes);
    if (!strcmp(told, "go"))
        net_dialer_drop(dialer, "told to go");
}

static void on_down(void *context, const char *reason)
{
    (void)context;
    downs++;
    snprintf(why, sizeof(why), "%s", reason);
}

static void dial(uint16_t to, uint32_t timeout_ms)
{
    static const struct net_dialer_ops ops = {on_connected, on_input, on_down};
    const struct net_dialer_config config = {
        .host = "127.0.0.1", .port = to, .peer = "SCS", .connect_timeout_ms = timeout_ms};

    cr_assert_eq(net_dialer_create(&dialer, loop, &config, &ops, NULL), 0);
}

static void begin(void)
{
    cr_assert_eq(net_loop_create(&loop), 0);
    listen_again();
}

static void end(void)
{
    net_dialer_destroy(dialer);
    net_dialer_destroy(NULL);
    net_tcp_close(accepted);
    net_listener_close(listener);
    net_loop_destroy(loop);
}

TestSuite(dialer, .init = begin, .fini = end, .timeout = 60);

static bool is_heard(void)
{
    return !strcmp(heard, "hello");
}

static bool is_down(void)
{
    return downs;
}

static bool is_second(void)
{
    return connections == 2 && net_dialer_is_connected(dialer);
}

static bool turn(bool (*done)(void), uint64_t ms)
{
    uint64_t end_ms = base_clock_monotonic_ms() + ms;

    while (!(done && done()) && base_clock_monotonic_ms() < end_ms)
        net_loop_run_once(loop, 10);
    return done && done();
}

Test(dialer, connects_and_carries_bytes_both_ways)
{
    dial(port, 0);
    cr_assert_eq(net_dialer_attempts(dialer), 0, "not inside create");
    net_dialer_write(dialer, (const uint8_t *)"lost", 4);
    net_dialer_drop(dialer, "nothing to drop");
    cr_assert(turn(is_heard, 5000));
    cr_assert_eq(net_dialer_attempts(dialer), 1);
    cr_assert_str_empty(net_dialer_last_error(dialer));
    net_tcp_write(accepted, (const uint8_t *)"go", 2);
    cr_assert(turn(is_down, 5000));
    cr_assert_str_eq(told, "go");
    char expected[64];
    snprintf(expected, sizeof(expected), "SCS 127.0.0.1:%u: told to go", port);
    cr_assert_str_eq(why, expected);
    cr_assert_str_eq(net_dialer_last_error(dialer), expected);
}

Test(dialer, comes_back_after_the_peer_was_gone)
{
    dial(port, 0);
    cr_assert(turn(is_heard, 5000));
    end_accepted(NULL, 0);
    net_listener_close(listener);
    cr_assert(turn(is_down, 5000));
    cr_assert_not_null(strstr(why, "ended: "));
    listen_again();
    cr_assert(turn(is_second, 10000));
}

Test(dialer, tries_more_and_more_slowly_until_it_is_settled)
{
    char expected[96];

    net_listener_close(listener);
    listener = NULL;
    dial(port, 0);
    turn(NULL, 1500); /* attempts after 0, 250 to 313, 750 to 938 ms; the next after 1750 at the least */
    cr_assert_geq(net_dialer_attempts(dialer), 2);
    cr_assert_leq(net_dialer_attempts(dialer), 3);
    cr_assert(turn(is_down, 5000));
    snprintf(expected, sizeof(expected), "cannot connect to the SCS 127.0.0.1:%u: connection refused", port);
    cr_assert_str_eq(why, expected);
    net_dialer_settle(dialer);
    listen_again();
    cr_assert(turn(is_heard, 10000));
}

/* Where a listener's queue is full, Linux leaves whoever comes without an answer. */
Test(dialer, does_not_wait_for_ever_to_be_connected)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int full = socket(AF_INET, SOCK_STREAM, 0), fillers[4];

    cr_assert(bind(full, (struct sockaddr *)&address, size) == 0 && listen(full, 0) == 0);
    cr_assert_eq(getsockname(full, (struct sockaddr *)&address, &size), 0);
    for (unsigned i = 0; i < 4; i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)connect(fillers[i], (struct sockaddr *)&address, size);
    }
    dial(ntohs(address.sin_port), 100);
    cr_assert(turn(is_down, 5000));
    cr_assert_not_null(strstr(why, "no answer came in time"), "%s", why);
    for (unsigned i = 0; i < 4; i++)
        close(fillers[i]);
    close(full);
}

static void drop_down(void *context, const char *reason)
{
    on_down(context, reason);
    net_dialer_write(dialer, (const uint8_t *)"x", 1);
    net_dialer_drop(dialer, "again");
}

Test(dialer, ends_once_however_often_it_is_told)
{
    static const struct net_dialer_ops ops = {on_connected, on_input, drop_down};
    const struct net_dialer_config config = {.host = "127.0.0.1", .port = port, .peer = "SCS"};

    cr_assert_eq(net_dialer_create(&dialer, loop, &config, &ops, NULL), 0);
    cr_assert(turn(is_heard, 5000));
    net_dialer_drop(dialer, "first");
    cr_assert_eq(downs, 1);
    cr_assert_not_null(strstr(why, "first"));
    cr_assert(turn(is_second, 10000));
}
