/* SPDX-License-Identifier: GPL-3.0-or-later */
/* CWs that came before the CW_provision of their own crypto-period. */
#include "ecmg/room.h"

static struct ecmg__cw *place_of(struct ecmg__cws *cws, uint16_t cp_number)
{
    return &cws->entries[cp_number % SIMULCRYPT_CWS_MAX];
}

static void forget_old(struct ecmg__cws *cws, uint16_t cp_number, uint8_t lead_cw)
{
    for (unsigned i = 0; i < SIMULCRYPT_CWS_MAX; i++) {
        if ((uint16_t)(cws->entries[i].cp_number - cp_number) > lead_cw)
            base_secret_clear(&cws->entries[i].cw);
    }
}

void ecmg__cws_keep(struct ecmg__cws *cws, const struct simulcrypt_cw_provision *provision, uint8_t lead_cw)
{
    forget_old(cws, provision->cp_number, lead_cw);
    for (unsigned i = 0; i < provision->cw_count; i++) {
        const struct simulcrypt_cp_cw *cw = &provision->cws[i];
        struct ecmg__cw *place = place_of(cws, cw->cp_number);

        if (base_secret_set(&place->cw, cw->cw, cw->cw_size) == 0)
            place->cp_number = cw->cp_number;
    }
}

struct simulcrypt_cp_cw ecmg__cws_find(struct ecmg__cws *cws, uint16_t cp_number)
{
    const struct ecmg__cw *place = place_of(cws, cp_number);

    if (place->cp_number != cp_number || place->cw.size == 0)
        return (struct simulcrypt_cp_cw){.cw = NULL};
    return (struct simulcrypt_cp_cw){
        .cp_number = cp_number, .cw_size = place->cw.size, .cw = place->cw.bytes};
}
