/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "headend/cas.h"

#include "base/clock.h"
#include "base/error.h"
#include "ts/order.h"

#define REPETITION_DEFAULT (100 * BASE_TICKS_PER_MS) /* ECM_rep_period 0 */

uint64_t headend__cas_period(const struct simulcrypt_channel_status *status, uint64_t nominal)
{
    uint64_t minimum = (uint64_t)status->min_cp_duration * 100 * BASE_TICKS_PER_MS;

    return minimum > nominal ? minimum : nominal;
}

int64_t headend__cas_delay_start(const struct simulcrypt_channel_status *status, enum headend__moment moment)
{
    int16_t ms = status->delay_start;

    if (moment == HEADEND__TRANSITION && status->has_transition_delay_start)
        ms = status->transition_delay_start;
    if (moment == HEADEND__CRITERIA && status->has_ac_delay_start)
        ms = status->ac_delay_start;
    return (int64_t)ms * (int64_t)BASE_TICKS_PER_MS;
}

int64_t headend__cas_delay_stop(const struct simulcrypt_channel_status *status, enum headend__moment moment)
{
    int16_t ms = status->delay_stop;

    if (moment == HEADEND__TRANSITION && status->has_transition_delay_stop)
        ms = status->transition_delay_stop;
    if (moment == HEADEND__CRITERIA && status->has_ac_delay_stop)
        ms = status->ac_delay_stop;
    return (int64_t)ms * (int64_t)BASE_TICKS_PER_MS;
}

uint64_t headend__cas_repetition(const struct simulcrypt_channel_status *status)
{
    return status->ecm_rep_period ? status->ecm_rep_period * BASE_TICKS_PER_MS : REPETITION_DEFAULT;
}

static bool delay_exceeds(const struct simulcrypt_channel_status *status, uint64_t period)
{
    int64_t delay = headend__cas_delay_start(status, HEADEND__ORDINARY);

    return (uint64_t)(delay < 0 ? -delay : delay) > period;
}

int headend__cas_check(const struct simulcrypt_channel_status *status, uint64_t period, bool allow_late_ecm,
                       const char **why)
{
    *why = NULL;
    if (!status->cw_per_msg)
        *why = "the ECMG wants no control word per CW_provision (CW_per_msg 0)";
    else if (status->cw_per_msg > SIMULCRYPT_CWS_MAX)
        *why = "the ECMG wants more control words per CW_provision (CW_per_msg) than are supported";
    else if (status->lead_cw > SIMULCRYPT_CWS_MAX)
        *why = "the ECMG wants control words further ahead (lead_CW) than is supported";
    else if (!status->lead_cw && status->delay_start >= 0 && !allow_late_ecm)
        *why = "lead_CW 0 with a delay_start of 0 or more would put control words on air before their ECM";
    else if (delay_exceeds(status, period))
        *why = "the ECMG's delay_start is longer than a crypto-period";
    return *why ? BASE_E_CONFIGURATION : 0;
}

unsigned headend__cas_priming(const struct simulcrypt_channel_status *status)
{
    return status->cw_per_msg <= status->lead_cw ? status->lead_cw - status->cw_per_msg + 1u : 0;
}

int headend__cas_provision(const struct simulcrypt_channel_status *status, struct headend__words *words,
                           uint64_t crypto_period, struct base_secret *cws,
                           struct simulcrypt_cw_provision *provision)
{
    uint64_t first = crypto_period + 1 + status->lead_cw - status->cw_per_msg;

    *provision = (struct simulcrypt_cw_provision){.cp_number = (uint16_t)crypto_period,
                                                  .cw_count = status->cw_per_msg};
    for (unsigned i = 0; i < status->cw_per_msg; i++) {
        const struct base_secret *cw;
        int r = headend__words_get(words, first + i, &cw);

        if (r < 0)
            return r;
        cws[i] = *cw;
        provision->cws[i] = (struct simulcrypt_cp_cw){
            .cp_number = (uint16_t)(first + i), .cw_size = cws[i].size, .cw = cws[i].bytes};
    }
    return 0;
}

static bool is_section(const uint8_t *datagram, size_t size)
{
    return size >= 3 && size <= TS_SECTION_MAX && datagram[0] != 0xFF &&
           size == 3u + (base_load_u16(datagram + 1) & 0x0FFF);
}

static bool is_packets(const uint8_t *datagram, size_t size)
{
    if (size % TS_PACKET_SIZE || size > sizeof(((struct ts_order *)0)->bytes))
        return false;
    for (size_t at = 0; at < size; at += TS_PACKET_SIZE)
        if (datagram[at] != TS_SYNC_BYTE)
            return false;
    return true;
}

const char *headend__cas_datagram_fault(const struct simulcrypt_channel_status *status,
                                        const uint8_t *datagram, size_t size)
{
    if (!size)
        return NULL;
    if (status->packets)
        return is_packets(datagram, size) ? NULL
                                          : "the ECM_datagram is not whole TS packets, as the ECMG announced";
    return is_section(datagram, size) ? NULL : "the ECM_datagram is not one section, as the ECMG announced";
}
