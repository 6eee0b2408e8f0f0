/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ETSI TS 103 197, clause 5: CW_provision as the ECMG reads it. */
#include "simulcrypt/ecmg_provision.h"

#include "base/secret.h"

/* One CP_CW_combination into its place. An SCS may send more than lead_CW and CW_per_msg ask for (some always
 * send those of n and n + 1): what has no place is passed over. False where a CP has two different CWs. */
static bool take_cw(struct simulcrypt_cw_provision *provision, uint16_t first, struct simulcrypt_field field)
{
    struct simulcrypt_cp_cw taken = {
        .cp_number = base_load_u16(field.value),
        .cw_size = (uint8_t)(field.size - 2),
        .cw = field.value + 2,
    };
    uint16_t place = (uint16_t)(taken.cp_number - first);
    if (place >= provision->cw_count)
        return true;
    struct simulcrypt_cp_cw *cw = &provision->cws[place];
    if (cw->cw && !base_secure_equal(cw->cw, cw->cw_size, taken.cw, taken.cw_size))
        return false;
    *cw = taken;
    return true;
}

/* The CWs of the crypto-periods (n + 1 + lead_CW - CW_per_msg) to (n + lead_CW), in this order. */
static uint16_t collect_cws(const struct simulcrypt_channel_status *status,
                            const struct simulcrypt_message *message,
                            struct simulcrypt_cw_provision *provision)
{
    uint16_t first = simulcrypt__first_cp(status, provision->cp_number);
    struct simulcrypt_field field = simulcrypt_message_first(message, SIMULCRYPT_ECMG_P_CP_CW_COMBINATION);
    provision->cw_count = status->cw_per_msg;
    while (field.value) {
        if (!take_cw(provision, first, field))
            return SIMULCRYPT_ECMG_INVALID_VALUE;
        field = simulcrypt_message_next(message, SIMULCRYPT_ECMG_P_CP_CW_COMBINATION, field);
    }
    for (unsigned i = 0; i < provision->cw_count; i++)
        if (!provision->cws[i].cw)
            return SIMULCRYPT_ECMG_NOT_ENOUGH_CWS;
    return SIMULCRYPT_ECMG_OK;
}

uint16_t simulcrypt__read_provision(const struct simulcrypt_message *message,
                                    const struct simulcrypt_channel_status *status, bool transfer_mode,
                                    struct simulcrypt_cw_provision *provision, int *information)
{
    struct simulcrypt_field criteria = simulcrypt_message_first(message, SIMULCRYPT_ECMG_P_ACCESS_CRITERIA);
    *provision = (struct simulcrypt_cw_provision){
        .cp_number = simulcrypt_message_u16(message, SIMULCRYPT_ECMG_P_CP_NUMBER),
        .cp_duration = simulcrypt_message_u16(message, SIMULCRYPT_ECMG_P_CP_DURATION),
        .has_access_criteria = criteria.value != NULL,
        .access_criteria_size = criteria.size,
        .access_criteria = criteria.value,
    };
    /* Annex D: these CWs are encrypted; an ECM that carried them as they are would open nothing. */
    *information = SIMULCRYPT_ECMG_P_CW_ENCRYPTION;
    if (simulcrypt_message_count(message, SIMULCRYPT_ECMG_P_CW_ENCRYPTION))
        return SIMULCRYPT_ECMG_UNKNOWN_PARAMETER;
    *information = SIMULCRYPT_ECMG_P_ACCESS_CRITERIA;
    if (transfer_mode && !criteria.value)
        return SIMULCRYPT_ECMG_MISSING_PARAMETER;
    *information = SIMULCRYPT_ECMG_P_CP_CW_COMBINATION;
    return collect_cws(status, message, provision);
}
