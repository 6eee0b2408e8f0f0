/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The SCS's end, fed any bytes in any cuts while time passes and its owner provisions, closes and reconnects
 * from inside callbacks. What it sends must be valid messages. The first byte seeds all choices. */
#include "chance.h"
#include "simulcrypt/ecmg_scs_table.h"
#include "simulcrypt/scs_session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct simulcrypt_scs_session *session;
static uint64_t now_ms;
static unsigned failures; /* since connected() */
static struct simulcrypt_channel_status channel;

static void connect_session(void)
{
    failures = 0;
    simulcrypt_scs_session_connected(session, now_ms);
}

static void do_something(uint16_t stream_id)
{
    static const uint8_t cw[16];
    struct simulcrypt_cw_provision provision = {.cp_number = (uint16_t)draw(4),
                                                .cw_count = channel.cw_per_msg};
    for (unsigned i = 0; i < provision.cw_count; i++)
        provision.cws[i] = (struct simulcrypt_cp_cw){
            (uint16_t)(provision.cp_number + 1 + channel.lead_cw - channel.cw_per_msg + i), sizeof(cw), cw};
    switch (draw(32)) {
    case 0:
        simulcrypt_scs_session_close(session);
        break;
    case 1:
        simulcrypt_scs_session_disconnected(session);
        connect_session();
        break;
    case 2:
        simulcrypt_scs_session_add_stream(
            session, &(struct simulcrypt_scs_stream_config){.stream_id = (uint16_t)draw(16)});
        break;
    case 3:
        simulcrypt_scs_session_remove_stream(session, (uint16_t)draw(16));
        break;
    default:
        simulcrypt_scs_session_provision(session, stream_id, &provision, now_ms);
        break;
    }
}

static void take_sent(void *context, const uint8_t *bytes, size_t size)
{
    struct simulcrypt_message message;
    struct simulcrypt_verdict verdict;
    (void)context;
    require(!simulcrypt_message_decode(&simulcrypt_ecmg_scs, SIMULCRYPT_FROM_CLIENT, bytes, size, &message,
                                       &verdict));
    require(!failures);
}

static void take_failure(void *context, const char *why)
{
    (void)context;
    require(why[0] && !failures);
    failures++;
}

static void channel_up(void *context, const struct simulcrypt_channel_status *status)
{
    (void)context;
    require(status->cw_per_msg >= 1 && status->cw_per_msg <= SIMULCRYPT_CWS_MAX);
    channel = *status;
    do_something(1);
}

static void stream_up(void *context, uint16_t stream_id)
{
    (void)context;
    do_something(stream_id);
}

static void take_ecm(void *context, uint16_t stream_id, uint16_t cp_number, const uint8_t *datagram,
                     size_t size)
{
    static uint8_t copy[SIMULCRYPT_ECM_DATAGRAM_MAX];
    (void)context;
    (void)cp_number;
    do_something(stream_id);
    memcpy(copy, datagram, size); /* valid to the end of the callback, whatever it did */
}

static void provision_failed(void *context, uint16_t stream_id, uint16_t cp_number, const char *why)
{
    (void)context;
    (void)cp_number;
    require(why[0]);
    do_something(stream_id);
}

static void provision_late(void *context, uint16_t stream_id, uint16_t cp_number)
{
    (void)context;
    (void)cp_number;
    simulcrypt_scs_session_test(session, now_ms);
    do_something(stream_id);
}

static void stream_down(void *context, uint16_t stream_id, uint16_t error, const char *why)
{
    (void)context;
    (void)error;
    require(why[0]);
    if (draw(2))
        simulcrypt_scs_session_remove_stream(session, stream_id);
    do_something(stream_id);
}

static void let_time_pass(void)
{
    now_ms += draw(4) ? draw(20) : draw(4000);
    uint64_t next = simulcrypt_scs_session_tick(session, now_ms);
    require(next > now_ms);
}

static void input(const uint8_t *bytes, size_t size)
{
    simulcrypt_scs_session_input(session, bytes, size, now_ms);
    let_time_pass();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct simulcrypt_scs_ops ops = {.send = take_sent,
                                     .fail = take_failure,
                                     .channel_up = channel_up,
                                     .stream_up = stream_up,
                                     .ecm = take_ecm,
                                     .provision_failed = provision_failed};
    struct simulcrypt_scs_config config = {
        .version = 2, .channel_id = 1, .reply_timeout_ms = 1000, .test_period_ms = 500};
    if (!size)
        return 0;
    chance_state = data[0];
    config.outstanding_max = (uint8_t)draw(SIMULCRYPT_OUTSTANDING_MAX + 1);
    if (draw(2)) {
        ops.stream_down = stream_down;
        ops.provision_late = provision_late;
    }
    now_ms = 1;
    require(!simulcrypt_scs_session_create(&session, &config, &ops, NULL));
    require(!simulcrypt_scs_session_add_stream(
        session, &(struct simulcrypt_scs_stream_config){.stream_id = 1, .ecm_id = 1}));
    connect_session();
    feed(data + 1, size - 1, input);
    simulcrypt_scs_session_destroy(session);
    return 0;
}
