/* SPDX-License-Identifier: GPL-3.0-or-later */
/* C(P)SIG ⇔ (P)SIG, either end, fed any bytes in any cuts while time passes and its owner acts from inside
 * callbacks. What it sends must be valid messages. The first byte chooses the end and seeds all choices. */
#include "chance.h"
#include "simulcrypt/cpsig_session.h"
#include "simulcrypt/psig_session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct simulcrypt_cpsig_session *cpsig;
static struct simulcrypt_psig_session *psig;
static unsigned streams, channels, closed, failures;
static uint64_t now_ms;

static void cpsig_send(void *context, const uint8_t *bytes, size_t size)
{
    (void)context;
    require_valid(&simulcrypt_cpsig_psig, SIMULCRYPT_CPSIG_UNSUPPORTED_VERSION, SIMULCRYPT_FROM_SERVER, bytes,
                  size);
    require(!closed);
}

static void cpsig_close(void *context, const char *why)
{
    (void)context;
    require(why && !closed && !channels && !streams);
    closed++;
}

static uint16_t channel_setup(void *context, const struct simulcrypt_message *setup)
{
    (void)context;
    (void)setup;
    if (draw(8) == 0)
        return SIMULCRYPT_CPSIG_UNKNOWN_ERROR;
    channels++;
    return SIMULCRYPT_CPSIG_OK;
}

static void describe_channel(void *context, struct simulcrypt_encoder *encoder)
{
    (void)context;
    simulcrypt_encode_number(encoder, SIMULCRYPT_CPSIG_P_MAX_STREAMS, 1);
}

static void channel_closed(void *context)
{
    (void)context;
    require(channels == 1 && streams == 0);
    channels--;
}

static uint16_t stream_setup(void *context, uint16_t stream_id, const struct simulcrypt_message *setup)
{
    (void)context;
    (void)stream_id;
    (void)setup;
    if (draw(8) == 0)
        return SIMULCRYPT_CPSIG_UNRECOVERABLE;
    streams++;
    return SIMULCRYPT_CPSIG_OK;
}

static void describe_stream(void *context, uint16_t stream_id, struct simulcrypt_encoder *encoder)
{
    (void)context;
    simulcrypt_encode_number(encoder, SIMULCRYPT_CPSIG_P_SERVICE_ID, stream_id);
}

static void stream_closed(void *context, uint16_t stream_id)
{
    (void)context;
    (void)stream_id;
    require(streams > 0);
    streams--;
}

static void take_message(void *context, uint16_t stream_id, const struct simulcrypt_message *message)
{
    struct simulcrypt_encoder encoder;
    (void)context;
    (void)message;
    if (draw(4) == 0)
        require(!simulcrypt_cpsig_session_close_stream(cpsig, stream_id));
    require(!simulcrypt_cpsig_session_begin(cpsig, SIMULCRYPT_CPSIG_M_TABLE_REQUEST, stream_id, &encoder));
    require(!simulcrypt_cpsig_session_send(cpsig, &encoder));
}

static void cpsig_input(const uint8_t *bytes, size_t size)
{
    simulcrypt_cpsig_session_input(cpsig, bytes, size);
}

static void fuzz_cpsig(const uint8_t *data, size_t size)
{
    static const struct simulcrypt_cpsig_ops ops = {cpsig_send,       cpsig_close,    channel_setup,
                                                    describe_channel, channel_closed, stream_setup,
                                                    describe_stream,  stream_closed,  take_message};
    require(!simulcrypt_cpsig_session_create(&cpsig, &ops, NULL));
    feed(data, size, cpsig_input);
    closed = 0;
    simulcrypt_cpsig_session_destroy(cpsig);
    require(!channels && !streams);
}

static void connect_psig(void)
{
    failures = 0;
    simulcrypt_psig_session_connected(psig, now_ms);
}

static void do_something(uint16_t stream_id)
{
    struct simulcrypt_encoder encoder;
    switch (draw(16)) {
    case 0:
        simulcrypt_psig_session_close(psig);
        break;
    case 1:
        simulcrypt_psig_session_disconnected(psig);
        connect_psig();
        break;
    case 2:
        simulcrypt_psig_session_add_stream(psig, (uint16_t)draw(16));
        break;
    case 3:
        simulcrypt_psig_session_remove_stream(psig, (uint16_t)draw(16));
        break;
    default:
        if (!simulcrypt_psig_session_begin(psig, SIMULCRYPT_CPSIG_M_TRIGGER, stream_id, &encoder))
            require(!simulcrypt_psig_session_send(psig, &encoder));
        break;
    }
}

static void psig_send(void *context, const uint8_t *bytes, size_t size)
{
    (void)context;
    require_valid(&simulcrypt_cpsig_psig, SIMULCRYPT_CPSIG_UNSUPPORTED_VERSION, SIMULCRYPT_FROM_CLIENT, bytes,
                  size);
    require(!failures);
}

static void psig_fail(void *context, const char *why)
{
    (void)context;
    require(why[0] && !failures);
    failures++;
}

static void channel_up(void *context, const struct simulcrypt_message *status)
{
    (void)context;
    (void)status;
    do_something(1);
}

static void take_of_stream(void *context, uint16_t stream_id, const struct simulcrypt_message *message)
{
    (void)context;
    do_something(stream_id);
    require(simulcrypt_message_count(message, SIMULCRYPT_CPSIG_P_CUSTOM_STREAM_ID) == 1);
}

static void asked_to_close(void *context, uint16_t stream_id)
{
    (void)context;
    do_something(stream_id);
}

static void take_error(void *context, const uint16_t *stream_id, uint16_t error, const char *text)
{
    (void)context;
    (void)error;
    require(text[0]);
    do_something(stream_id ? *stream_id : 1);
}

static void psig_input(const uint8_t *bytes, size_t size)
{
    simulcrypt_psig_session_input(psig, bytes, size, now_ms);
    now_ms += draw(4) ? draw(20) : draw(4000);
    require(simulcrypt_psig_session_tick(psig, now_ms) > now_ms);
}

static void fuzz_psig(const uint8_t *data, size_t size)
{
    static const struct simulcrypt_psig_ops ops = {psig_send,       psig_fail,      channel_up,
                                                   describe_stream, take_of_stream, asked_to_close,
                                                   take_of_stream,  take_error};
    struct simulcrypt_psig_config config = {
        .version = 3, .channel_id = 1, .reply_timeout_ms = 1000, .test_period_ms = 500};
    require(!simulcrypt_psig_session_create(&psig, &config, &ops, NULL));
    require(!simulcrypt_psig_session_add_stream(psig, 1));
    connect_psig();
    feed(data, size, psig_input);
    simulcrypt_psig_session_destroy(psig);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    chance_state = data[0];
    streams = channels = closed = failures = 0;
    now_ms = 1;
    if (data[0] & 1)
        fuzz_psig(data + 1, size - 1);
    else
        fuzz_cpsig(data + 1, size - 1);
    return 0;
}
