/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A MUX (headend/mux.h) without a transport stream, for end-to-end tests: the sections that it would send go
 * to a file.
 *
 * Usage: mux_sink OUT CLIENT_ID BANDWIDTH [CERTIFICATE KEY AUTHORITIES]    until SIGTERM
 * Prints "tcp PORT udp PORT"; at the end its counters as JSON. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "headend/mux.h"
#include "ts/order.h"

#define TICK_MS 5
#define PID     0x500

static struct net_loop *loop;
static struct net_timer *timer;
static struct headend_mux *mux;
static struct base_ring *ring;
static struct ts_order order;
static struct ts_section_assembler assembler;
static uint8_t counter;
static FILE *out;

static void take_section(void *context, const uint8_t *section, size_t size)
{
    (void)context;
    fwrite(section, 1, size, out);
}

static void tick(void *context)
{
    (void)context;
    net_timer_start(timer, TICK_MS);
    headend_mux_tick(mux, net_loop_now_ms(loop) * BASE_TICKS_PER_MS);
    while (ts_order_pop(ring, &order) > 0) {
        for (unsigned at = 0; at < order.size; at += TS_PACKET_SIZE) {
            ts_set_continuity_counter(order.bytes + at, counter++ & 15);
            ts_section_assembler_feed(&assembler, order.bytes + at, take_section, NULL);
        }
    }
    fflush(out);
}

static void on_signal(void *context, int signal)
{
    (void)context;
    (void)signal;
    net_loop_stop(loop);
}

static void configure(struct headend_mux_config *config, int argc, char **argv)
{
    headend_mux_config_init(config);
    config->listener.port = 0;
    config->has_udp = true;
    snprintf(config->udp_host, sizeof(config->udp_host), "127.0.0.1");
    config->orders = &ring;
    config->order_count = 1;
    config->entry_count = 1;
    config->entries[0] = (struct headend_mux_entry){.client_id = (uint32_t)strtoul(argv[2], NULL, 0),
                                                    .any_data_id = true,
                                                    .pid = PID,
                                                    .bandwidth = (uint16_t)strtoul(argv[3], NULL, 0)};
    if (argc < 7)
        return;
    snprintf(config->listener.tls.certificate, NET_TLS_PATH_MAX, "%s", argv[4]);
    snprintf(config->listener.tls.key, NET_TLS_PATH_MAX, "%s", argv[5]);
    snprintf(config->listener.tls.authorities, NET_TLS_PATH_MAX, "%s", argv[6]);
}

static void report(void)
{
    struct headend_mux_counters counters;

    headend_mux_counters(mux, &counters);
    printf("{\"accepted\": %" PRIu64 ", \"open\": %" PRIu64 ", \"datagrams\": %" PRIu64
           ", \"dropped\": %" PRIu64 ", \"errors\": %" PRIu64 ", \"udp\": %" PRIu64 ", \"lost\": %" PRIu64
           "}\n",
           counters.accepted, counters.connections, counters.datagrams, counters.dropped, counters.errors,
           counters.udp_messages, assembler.lost);
}

int main(int argc, char **argv)
{
    static struct headend_mux_config config;
    char why[256] = "";

    if (argc < 4 || !(out = fopen(argv[1], "wb")) || base_ring_create(&ring, 1 << 18) < 0 ||
        net_loop_create(&loop) < 0)
        return 1;
    configure(&config, argc, argv);
    if (headend_mux_create(&mux, loop, &config, why) < 0 || net_timer_create(&timer, loop, tick, NULL) < 0 ||
        net_loop_on_signals(loop, on_signal, NULL) < 0) {
        fprintf(stderr, "mux_sink: %s\n", why);
        return 1;
    }
    printf("tcp %u udp %u\n", headend_mux_port(mux), headend_mux_udp_port(mux));
    fflush(stdout);
    tick(NULL);
    net_loop_run(loop);
    report();
    net_timer_destroy(timer);
    headend_mux_destroy(mux);
    net_loop_destroy(loop);
    base_ring_destroy(ring);
    return fclose(out) ? 1 : 0;
}
