/* SPDX-License-Identifier: GPL-3.0-or-later */
/* EMMG ⇔ MUX, either end, fed any bytes in any cuts while time passes and its owner acts from inside
 * callbacks. What it sends must be valid messages. The first byte chooses the end and seeds all choices. */
#include "chance.h"
#include "simulcrypt/emmg_mux_table.h"
#include "simulcrypt/emmg_session.h"
#include "simulcrypt/mux_session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct simulcrypt_mux_session *mux;
static struct simulcrypt_emmg_session *emmg;
static unsigned streams, channels, closed, failures;
static uint64_t now_ms;
static enum simulcrypt_format format;

static void mux_send(void *context, const uint8_t *bytes, size_t size)
{
    (void)context;
    require_valid(&simulcrypt_emmg_mux, SIMULCRYPT_EMMG_UNSUPPORTED_VERSION, SIMULCRYPT_FROM_SERVER, bytes,
                  size);
    require(!closed);
}

static void mux_close(void *context, const char *why)
{
    (void)context;
    require(why && !closed && !channels && !streams);
    closed++;
}

static uint16_t channel_setup(void *context, uint32_t client_id, uint16_t channel_id,
                              enum simulcrypt_format given)
{
    (void)context;
    (void)client_id;
    (void)channel_id;
    if (draw(8) == 0)
        return SIMULCRYPT_EMMG_UNKNOWN_CLIENT;
    format = given;
    channels++;
    return SIMULCRYPT_EMMG_OK;
}

static void channel_closed(void *context, uint16_t channel_id)
{
    (void)context;
    (void)channel_id;
    require(channels == 1 && streams == 0);
    channels--;
}

static uint16_t stream_setup(void *context, const struct simulcrypt_data_stream *stream, uint16_t *bandwidth)
{
    (void)context;
    (void)stream;
    *bandwidth = (uint16_t)draw(3);
    if (draw(8) == 0)
        return SIMULCRYPT_EMMG_TOO_MANY_STREAMS;
    streams++;
    return SIMULCRYPT_EMMG_OK;
}

static void stream_closed(void *context, uint16_t stream_id)
{
    (void)context;
    require(streams > 0);
    streams--;
    require(simulcrypt_mux_session_allocate(mux, stream_id, 1) < 0);
}

static uint16_t allocate(void *context, uint16_t stream_id, const uint16_t *asked, uint16_t *bandwidth)
{
    (void)context;
    (void)stream_id;
    *bandwidth = asked ? *asked : (uint16_t)draw(100);
    return draw(8) ? SIMULCRYPT_EMMG_OK : SIMULCRYPT_EMMG_EXCEEDED_BANDWIDTH;
}

static void take_data(void *context, uint16_t stream_id, const uint8_t *datagram, size_t size)
{
    (void)context;
    require(streams && simulcrypt_datagram_is_sound(format, datagram, size));
    if (draw(16) == 0)
        simulcrypt_mux_session_allocate(mux, stream_id, (uint16_t)draw(3));
}

static void mux_input(const uint8_t *bytes, size_t size)
{
    struct simulcrypt_message message;
    struct simulcrypt_data_provision provision;
    now_ms += draw(500);
    if (!simulcrypt_data_provision_read(bytes, size, &message, &provision) && draw(2))
        simulcrypt_mux_session_udp(mux, &message, now_ms);
    simulcrypt_mux_session_input(mux, bytes, size, now_ms);
}

static void fuzz_mux(const uint8_t *data, size_t size)
{
    static const struct simulcrypt_mux_ops ops = {mux_send,     mux_close,     channel_setup, channel_closed,
                                                  stream_setup, stream_closed, allocate,      take_data};
    require(!simulcrypt_mux_session_create(&mux, (uint16_t)draw(4), &ops, NULL));
    feed(data, size, mux_input);
    closed = 0;
    simulcrypt_mux_session_destroy(mux);
    require(!channels && !streams);
}

static void connect_emmg(void)
{
    failures = 0;
    simulcrypt_emmg_session_connected(emmg, now_ms);
}

static void do_something(uint16_t stream_id)
{
    static const uint8_t section[] = {0x82, 0x70, 0x01, 0x00};
    struct simulcrypt_datagram datagram = {section, sizeof(section)};
    switch (draw(32)) {
    case 0:
        simulcrypt_emmg_session_close(emmg);
        break;
    case 1:
        simulcrypt_emmg_session_disconnected(emmg);
        connect_emmg();
        break;
    case 2:
        simulcrypt_emmg_session_add_stream(emmg,
                                           &(struct simulcrypt_data_stream){.stream_id = (uint16_t)draw(16)});
        break;
    case 3:
        simulcrypt_emmg_session_test_stream(emmg, stream_id);
        break;
    case 5:
        simulcrypt_emmg_session_remove_stream(emmg, (uint16_t)draw(16));
        break;
    case 4:
        simulcrypt_emmg_session_request_bandwidth(emmg, stream_id, (uint16_t)draw(3), now_ms);
        break;
    default:
        simulcrypt_emmg_session_provide(emmg, stream_id, &datagram, 1);
        break;
    }
}

static void emmg_send(void *context, const uint8_t *bytes, size_t size)
{
    (void)context;
    require_valid(&simulcrypt_emmg_mux, SIMULCRYPT_EMMG_UNSUPPORTED_VERSION, SIMULCRYPT_FROM_CLIENT, bytes,
                  size);
    require(!failures);
}

static void emmg_fail(void *context, const char *why)
{
    (void)context;
    require(why[0] && !failures);
    failures++;
}

static void channel_up(void *context)
{
    (void)context;
    do_something(1);
}

static void stream_up(void *context, uint16_t stream_id)
{
    (void)context;
    do_something(stream_id);
}

static void bandwidth(void *context, uint16_t stream_id, uint16_t given)
{
    (void)context;
    (void)given;
    do_something(stream_id);
}

static void stream_error(void *context, uint16_t stream_id, uint16_t error, const char *text)
{
    (void)context;
    (void)error;
    require(text[0]);
    do_something(stream_id);
}

static void channel_error(void *context, uint16_t error, const char *text)
{
    (void)context;
    (void)error;
    require(text[0]);
    do_something(1);
}

static void emmg_input(const uint8_t *bytes, size_t size)
{
    simulcrypt_emmg_session_input(emmg, bytes, size, now_ms);
    now_ms += draw(4) ? draw(20) : draw(4000);
    require(simulcrypt_emmg_session_tick(emmg, now_ms) > now_ms);
}

static void fuzz_emmg(const uint8_t *data, size_t size)
{
    static const struct simulcrypt_emmg_ops ops = {emmg_send, emmg_fail,    channel_up,   stream_up,
                                                   bandwidth, stream_error, channel_error};
    struct simulcrypt_emmg_config config = {
        .version = 3, .client_id = 1, .channel_id = 1, .reply_timeout_ms = 1000, .test_period_ms = 500};
    require(!simulcrypt_emmg_session_create(&emmg, &config, &ops, NULL));
    require(!simulcrypt_emmg_session_add_stream(emmg, &(struct simulcrypt_data_stream){1, 1, 0}));
    connect_emmg();
    feed(data, size, emmg_input);
    simulcrypt_emmg_session_destroy(emmg);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    chance_state = data[0];
    streams = channels = closed = failures = 0;
    now_ms = 1;
    if (data[0] & 1)
        fuzz_emmg(data + 1, size - 1);
    else
        fuzz_mux(data + 1, size - 1);
    return 0;
}
