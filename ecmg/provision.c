/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From a CW_provision to its ECM_response (TS 103 197, clause 5). */
#include <errno.h>
#include <string.h>

#include "base/cursor.h"
#include "base/error.h"
#include "base/log.h"
#include "ecmg/room.h"
#include "ts/section.h"

#define PACKETS_MAX 2 /* that a section of ECMG_ECM_SIZE_MAX bytes takes */

_Static_assert(ECMG_ECM_SIZE_MAX + 1 <= PACKETS_MAX * (TS_PACKET_SIZE - 4), "an ECM fits two packets");

/* Its `cw` is NULL where there is none. */
static struct simulcrypt_cp_cw find_cw(const struct ecmg__stream *stream,
                                       const struct simulcrypt_cw_provision *provision, uint16_t cp_number)
{
    for (unsigned i = 0; i < provision->cw_count; i++) {
        if (provision->cws[i].cp_number == cp_number)
            return provision->cws[i];
    }
    return stream->cws ? ecmg__cws_find(stream->cws, cp_number) : (struct simulcrypt_cp_cw){.cw = NULL};
}

static bool take_cw(struct ecmg_ecm *ecm, const struct simulcrypt_cp_cw *cw)
{
    struct base_secret *place = cw->cp_number & 1 ? &ecm->odd : &ecm->even;

    return (cw->cw_size == 8 || cw->cw_size == 16) && base_secret_set(place, cw->cw, cw->cw_size) == 0;
}

/* An ECM holds the CW of its own crypto-period n, and of the other parity that of n + 1; where lead_CW is 0
 * and there is none, that of n - 1, for receivers that join while ECM n is already on air before n. */
static uint16_t choose_cws(struct ecmg_ecm *ecm, const struct ecmg__stream *stream,
                           const struct simulcrypt_cw_provision *provision)
{
    uint16_t cp_number = provision->cp_number;
    struct simulcrypt_cp_cw own = find_cw(stream, provision, cp_number);
    struct simulcrypt_cp_cw other = find_cw(stream, provision, (uint16_t)(cp_number + 1));

    if (!own.cw)
        return SIMULCRYPT_ECMG_NOT_ENOUGH_CWS;
    if (!other.cw)
        other = find_cw(stream, provision, (uint16_t)(cp_number - 1));
    if (!take_cw(ecm, &own) || (other.cw && (other.cw_size != own.cw_size || !take_cw(ecm, &other))))
        return SIMULCRYPT_ECMG_INVALID_VALUE;
    return SIMULCRYPT_ECMG_OK;
}

static uint16_t keep_access_criteria(struct ecmg__stream *stream,
                                     const struct simulcrypt_cw_provision *provision)
{
    if (!provision->has_access_criteria)
        return SIMULCRYPT_ECMG_OK;
    if (provision->access_criteria_size > ECMG_ACCESS_CRITERIA_MAX)
        return SIMULCRYPT_ECMG_INVALID_VALUE;
    stream->access_criteria_size = provision->access_criteria_size;
    if (provision->access_criteria_size)
        memcpy(stream->access_criteria, provision->access_criteria, provision->access_criteria_size);
    return SIMULCRYPT_ECMG_OK;
}

static uint16_t fill_ecm(struct ecmg_ecm *ecm, struct ecmg__stream *stream,
                         const struct simulcrypt_cw_provision *provision)
{
    uint16_t error = keep_access_criteria(stream, provision);

    if (stream->cws)
        ecmg__cws_keep(stream->cws, provision, stream->connection->service->channel->status.lead_cw);
    if (!error)
        error = choose_cws(ecm, stream, provision);
    if (error)
        return error;
    ecm->super_cas_id = stream->connection->super_cas_id;
    ecm->cp_number = provision->cp_number;
    ecm->access_criteria_size = stream->access_criteria_size;
    memcpy(ecm->access_criteria, stream->access_criteria, stream->access_criteria_size);
    return SIMULCRYPT_ECMG_OK;
}

/* PID and continuity_counter have no meaning before the multiplexer sets them. */
static size_t packetize(const uint8_t *section, size_t size, uint8_t *datagram)
{
    struct ts_packetizer packetizer = {.pid = TS_PID_NULL};
    unsigned packets = ts_packets_for_section(size);

    for (unsigned i = 0; i < packets; i++)
        ts_packetize(&packetizer, section, size, i, datagram + (size_t)i * TS_PACKET_SIZE);
    return (size_t)packets * TS_PACKET_SIZE;
}

static int send_ecm(struct ecmg__stream *stream, uint16_t cp_number, const uint8_t *section, size_t size)
{
    struct ecmg__connection *connection = stream->connection;
    uint8_t datagram[PACKETS_MAX * TS_PACKET_SIZE];

    if (connection->service->channel->status.packets) {
        size = packetize(section, size, datagram);
        section = datagram;
    }
    if (connection->delay.timer)
        return ecmg__delay_answer(connection, stream->stream_id, cp_number, section, size);
    return simulcrypt_ecmg_session_ecm_response(connection->session, stream->stream_id, cp_number, section,
                                                size);
}

static uint16_t error_of(int status)
{
    switch (status) {
    case -ENOMEM:
        return SIMULCRYPT_ECMG_OUT_OF_STORAGE;
    case -ENOBUFS:
        return SIMULCRYPT_ECMG_OUT_OF_RESOURCES;
    default:
        return SIMULCRYPT_ECMG_UNKNOWN_ERROR;
    }
}

static uint16_t seal_and_send(struct ecmg__stream *stream, const struct ecmg_ecm *ecm)
{
    struct ecmg__connection *connection = stream->connection;
    uint8_t section[ECMG_ECM_SIZE_MAX];
    ptrdiff_t size = ecmg_ecm_key_seal(connection->service->key, ecm, section);
    int status;

    if (size < 0)
        base_log(BASE_LOG_ERROR, "stream %u: no ECM: %s", stream->stream_id, base_error_text((int)size));
    status = size < 0 ? (int)size : send_ecm(stream, ecm->cp_number, section, (size_t)size);
    if (status < 0)
        return error_of(status);
    connection->server->counters.ecms++;
    return SIMULCRYPT_ECMG_OK;
}

uint16_t ecmg__provision_answer(struct ecmg__stream *stream, const struct simulcrypt_cw_provision *provision)
{
    struct ecmg_ecm ecm = {.cp_number = 0};
    uint16_t error = fill_ecm(&ecm, stream, provision);

    if (!error)
        error = seal_and_send(stream, &ecm);
    ecmg_ecm_clear(&ecm);
    return error;
}
