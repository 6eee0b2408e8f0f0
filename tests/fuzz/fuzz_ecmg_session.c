/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The ECMG's end, fed any bytes in any cuts. What it sends must be valid messages, and no error may answer an
 * error. The first byte seeds the cuts and the owner's answers. */
#include "chance.h"
#include "simulcrypt/ecmg_scs_table.h"
#include "simulcrypt/ecmg_session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct simulcrypt_ecmg_session *session;
static unsigned streams, channels, closed;

static void take_sent(void *context, const uint8_t *bytes, size_t size)
{
    struct simulcrypt_message message;
    struct simulcrypt_verdict verdict;
    (void)context;
    int status = simulcrypt_message_decode(&simulcrypt_ecmg_scs, SIMULCRYPT_FROM_SERVER, bytes, size,
                                           &message, &verdict);
    require(!status || verdict.error_status == SIMULCRYPT_ECMG_UNSUPPORTED_VERSION);
    require(!closed);
}

static void take_close(void *context, const char *why)
{
    (void)context;
    require(why && !closed && !channels && !streams);
    closed++;
}

static uint16_t channel_setup(void *context, uint16_t channel_id, uint32_t super_cas_id,
                              struct simulcrypt_channel_status *status)
{
    (void)context;
    (void)channel_id;
    (void)super_cas_id;
    *status = (struct simulcrypt_channel_status){
        .lead_cw = (uint8_t)draw(3), .cw_per_msg = (uint8_t)(draw(8) + 1), .max_streams = (uint16_t)draw(5)};
    if (draw(8) == 0)
        return SIMULCRYPT_ECMG_UNKNOWN_SUPER_CAS_ID;
    channels++;
    return SIMULCRYPT_ECMG_OK;
}

static void channel_closed(void *context, uint16_t channel_id)
{
    (void)context;
    (void)channel_id;
    require(channels == 1 && streams == 0);
    channels--;
}

static uint16_t stream_setup(void *context, uint16_t channel_id, uint16_t stream_id, uint16_t ecm_id,
                             uint16_t nominal_cp_duration, bool *transfer_mode)
{
    (void)context;
    (void)channel_id;
    (void)stream_id;
    (void)ecm_id;
    (void)nominal_cp_duration;
    *transfer_mode = draw(2);
    if (draw(8) == 0)
        return SIMULCRYPT_ECMG_TOO_MANY_STREAMS;
    streams++;
    return SIMULCRYPT_ECMG_OK;
}

static void stream_closed(void *context, uint16_t stream_id)
{
    (void)context;
    require(streams > 0);
    streams--;
    require(simulcrypt_ecmg_session_ecm_response(session, stream_id, 0, NULL, 0) < 0);
}

static uint16_t cw_provision(void *context, uint16_t stream_id,
                             const struct simulcrypt_cw_provision *provision)
{
    uint8_t ecm[255];
    (void)context;
    for (unsigned i = 0; i < provision->cw_count; i++)
        memcpy(ecm, provision->cws[i].cw, provision->cws[i].cw_size);
    if (draw(16) == 0)
        return SIMULCRYPT_ECMG_UNRECOVERABLE;
    require(!simulcrypt_ecmg_session_ecm_response(session, stream_id, provision->cp_number, ecm,
                                                  provision->cws[0].cw_size));
    return SIMULCRYPT_ECMG_OK;
}

static void input(const uint8_t *bytes, size_t size)
{
    simulcrypt_ecmg_session_input(session, bytes, size, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct simulcrypt_ecmg_ops ops = {take_sent,    take_close,    channel_setup, channel_closed,
                                                   stream_setup, stream_closed, cw_provision};
    if (!size)
        return 0;
    chance_state = data[0];
    streams = channels = closed = 0;
    require(!simulcrypt_ecmg_session_create(&session, &ops, NULL));
    feed(data + 1, size - 1, input);
    closed = 0;
    simulcrypt_ecmg_session_destroy(session);
    require(!channels && !streams);
    return 0;
}
