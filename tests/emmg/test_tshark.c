/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What EMMG and MUX say to each other over loopback, read by tshark's own SimulCrypt dissector. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "emmg/client.h"
#include "folder.h"
#include "tests/headend/mux_rig.h"
#include "tests/simulcrypt/capture.h"

/* Between the two, and writes down what passes. */
static struct relay {
    struct net_listener *listener;
    struct net_tcp *emmg, *mux;
    struct capture_writer writer;
    uint8_t waiting[4096]; /* from the EMMG, until the MUX is connected */
    size_t size;
    bool connected;
} relay;

static bool finished;
static char text[1 << 20];

static void mux_connected(void *context)
{
    (void)context;
    relay.connected = true;
    net_tcp_write(relay.mux, relay.waiting, relay.size);
}

static void mux_input(void *context, const uint8_t *bytes, size_t size)
{
    (void)context;
    capture_add(&relay.writer, false, bytes, size);
    if (relay.emmg)
        net_tcp_write(relay.emmg, bytes, size);
}

static void emmg_input(void *context, const uint8_t *bytes, size_t size)
{
    (void)context;
    capture_add(&relay.writer, true, bytes, size);
    if (relay.connected) {
        if (relay.mux)
            net_tcp_write(relay.mux, bytes, size);
        return;
    }
    memcpy(relay.waiting + relay.size, bytes, size);
    relay.size += size;
}

/* The one end goes with the other. */
static void ended(void *context, int error)
{
    (void)error;
    if (context == &relay.emmg && relay.mux) {
        net_tcp_close(relay.mux);
        relay.mux = NULL;
    }
    net_tcp_close(*(struct net_tcp **)context);
    *(struct net_tcp **)context = NULL;
}

static void accepted(void *context, struct net_tcp *tcp)
{
    static const struct net_tcp_ops emmg_ops = {.input = emmg_input, .ended = ended};
    static const struct net_tcp_ops mux_ops = {
        .connected = mux_connected, .input = mux_input, .ended = ended};

    (void)context;
    relay.emmg = tcp;
    net_tcp_set_ops(tcp, &emmg_ops, &relay.emmg);
    cr_assert_eq(net_tcp_connect(&relay.mux, rig.loop, "127.0.0.1", headend_mux_port(rig.mux), NULL, &mux_ops,
                                 &relay.mux),
                 0);
}

static void on_finished(void *context)
{
    (void)context;
    finished = true;
}

static void converse(uint8_t version, enum simulcrypt_format format)
{
    const struct net_listen_config listen = {.host = "127.0.0.1", .accepted = accepted};
    struct emmg_client_config config = {
        .host = "127.0.0.1",
        .session = {.version = version, .client_id = MUX_RIG_CLIENT, .channel_id = 1, .format = format},
        .stream = {.stream_id = 7, .data_id = 1},
        .bandwidth = 1000,
        .cycles = 2,
        .finished = on_finished,
    };
    struct emmg_client *client;
    char why[256];

    relay.connected = finished = false;
    relay.size = 0;
    cr_assert_eq(net_listen(&relay.listener, rig.loop, &listen), 0);
    config.port = net_listener_port(relay.listener);
    cr_assert_eq(emmg_carousel_open(&config.carousel, folder, why), 0);
    cr_assert_eq(emmg_client_create(&client, rig.loop, &config), 0);
    MUX_RIG_UNTIL(finished && !relay.emmg);
    MUX_RIG_UNTIL(mux_rig_counters().connections == 0);
    emmg_client_destroy(client);
    emmg_carousel_close(config.carousel);
    net_listener_close(relay.listener);
}

static const char *judge(const char *path, const char *options)
{
    char command[512];
    FILE *tshark;

    snprintf(command, sizeof(command), "tshark -r %s -d tcp.port==%d,simulcrypt %s 2>/dev/null", path,
             CAPTURE_PORT, options);
    tshark = popen(command, "r");
    cr_assert_not_null(tshark);
    text[fread(text, 1, sizeof(text) - 1, tshark)] = 0;
    cr_assert_eq(pclose(tshark), 0);
    return text;
}

static unsigned count(const char *word)
{
    unsigned found = 0;

    for (const char *at = text; (at = strstr(at, word)); at++)
        found++;
    return found;
}

static void expect_clean(const char *path)
{
    static const char *const complaints[] = {"Malformed", "Dissector bug", ": Unknown (", "DVB reserved",
                                             "Parameter Type: 0x"};

    judge(path, "-Y simulcrypt -O simulcrypt");
    for (size_t i = 0; i < sizeof(complaints) / sizeof(*complaints); i++)
        cr_assert_null(strstr(text, complaints[i]), "tshark: %.300s", strstr(text, complaints[i]));
}

static void judge_conversation(uint8_t version, enum simulcrypt_format format)
{
    FILE *file = tmpfile();
    char path[64];

    snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)getpid(), fileno(file));
    capture_begin(&relay.writer, file);
    converse(version, format);
    fflush(file);
    expect_clean(path);
    judge(path, "-Y simulcrypt -T fields -e simulcrypt.message.type");
    cr_expect_eq(count("0x0011"), 1, "channel_setup");
    cr_expect_eq(count("0x0013"), 1, "channel_status");
    cr_expect_eq(count("0x0117"), 1, "stream_BW_request");
    cr_expect_eq(count("0x0118"), 1, "stream_BW_allocation");
    cr_expect_geq(count("0x0211"), 4, "data_provision");
    cr_expect_eq(count("0x0114"), 1, "stream_close_request");
    cr_expect_eq(count("0x0014"), 1, "channel_close");
    cr_expect_eq(count("0x0015") + count("0x0116"), 0, "errors");
    fclose(file);
}

Test(tshark, every_message_of_emmg_and_mux_is_understood, .init = mux_rig_init, .fini = mux_rig_stop,
     .timeout = 60)
{
    static const uint8_t versions[] = {1, 2, 3, 5};

    if (system("tshark --version >/dev/null 2>&1"))
        cr_skip_test("tshark is not installed");
    folder_make();
    folder_add("a.bin", 0, 30, 120);
    mux_rig_start();
    for (size_t i = 0; i < 4; i++)
        judge_conversation(versions[i], i % 2 ? SIMULCRYPT_PACKETS : SIMULCRYPT_SECTIONS);
    folder_remove();
}
